# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy for the inventory plugin: it is enough, and every part of it is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.model import Choice
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.reading import read
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from lab import Account, Lab, organizations_policy

EVERYTHING = Choice(ous=("/",), needs_tags=True)
Policy = dict[str, Any]


@pytest.fixture(scope="module")
def client(running_lab: Lab) -> Any:
    """Organizations as the operator of the build account, which is a delegated administrator."""
    running_lab.add_organization_reader()
    running_lab.place_accounts([Account("222222222222", "development", "Workloads", {"a": "b"})])
    variables = running_lab.variables()
    return boto3.client(
        "organizations",
        endpoint_url=running_lab.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )


def put(lab: Lab, policy: Policy) -> None:
    lab.client("iam", lab.organisation.build).put_role_policy(
        RoleName=lab.organisation.operator.operator_role,
        PolicyName="organizations",
        PolicyDocument=json.dumps(policy),
    )


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def without_a_part(policy: Policy) -> Iterator[tuple[str, Policy]]:
    """The policy without each action and each resource in turn, by what is missing."""
    for number, statement in enumerate(policy["Statement"]):
        for field in ("Action", "Resource"):
            for item in as_list(statement[field]):
                rest = [other for other in as_list(statement[field]) if other != item]
                statements = [*policy["Statement"]]
                if rest:
                    statements[number] = {**statement, field: rest}
                else:
                    del statements[number]
                yield item, {**policy, "Statement": statements}


def test_every_part_of_the_policy_is_needed(lab: Lab, client: Any) -> None:
    policy: Policy = json.loads(organizations_policy(lab.organisation))
    accounts = read(client, EVERYTHING)["accounts"]
    assert {account["id"]: account["tags"] for account in accounts}["222222222222"] == {"a": "b"}
    parts = dict(without_a_part(policy))
    assert len(parts) == 8  # 4 actions, 3 resources and "*"
    for missing, rest in parts.items():
        put(lab, rest)
        with pytest.raises(PipelineError, match="Allow organizations:List") as caught:
            read(client, EVERYTHING)
        if missing.startswith("organizations:"):
            assert missing in str(caught.value)
    put(lab, policy)
    assert read(client, EVERYTHING)["accounts"] == accounts


def test_an_account_that_administers_nothing_reads_nothing(lab: Lab, client: Any) -> None:
    organizations = lab.client("organizations", lab.organisation.management)
    delegation = {"AccountId": lab.organisation.build, "ServicePrincipal": "account.amazonaws.com"}
    organizations.deregister_delegated_administrator(**delegation)
    with pytest.raises(PipelineError, match="of the management account or of a delegated"):
        read(client, EVERYTHING)
    organizations.register_delegated_administrator(**delegation)
