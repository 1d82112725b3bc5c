# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which regions and accounts the pipelines of an account need."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.live import (
    LivePipeline,
    read_live_pipelines,
)

from tests.fakes.codepipeline import FakeCodePipeline
from tests.fakes.inventory import BUILD, PRODUCTION, TESTING
from tests.fakes.service import refuse

REGION = "us-east-1"
STORES = {"us-east-1": "one-bucket", "eu-west-1": "two-bucket"}


@pytest.fixture
def aws() -> FakeCodePipeline:
    return FakeCodePipeline(REGION)


def role(account_id: str, name: str = "CrossAccountCodePipeline") -> str:
    return f"arn:aws:iam::{account_id}:role/{name}"


def read(aws: FakeCodePipeline) -> list[LivePipeline]:
    found: list[LivePipeline] = read_live_pipelines(aws.client, REGION)
    return found


def test_a_region_without_pipelines_takes_one_call(aws: FakeCodePipeline) -> None:
    assert read(aws) == []
    assert aws.asked == ["ListPipelines"]


@pytest.mark.parametrize("page_size", [100, 2, 1])
def test_every_pipeline_is_read_in_order_of_names(aws: FakeCodePipeline, page_size: int) -> None:
    aws.page_size = page_size
    for name in ("till", "basket", "shop"):
        aws.add(name)

    assert [live.name for live in read(aws)] == ["basket", "shop", "till"]
    assert aws.writes == []


def test_one_store_is_that_of_the_pipelines_own_region(aws: FakeCodePipeline) -> None:
    aws.add("shop", "one-bucket")

    assert read(aws) == [LivePipeline(name="shop", stores={REGION: "one-bucket"}, accounts=())]


def test_each_region_has_its_store(aws: FakeCodePipeline) -> None:
    aws.add("shop", STORES)

    assert read(aws) == [LivePipeline(name="shop", stores=STORES, accounts=())]


@pytest.mark.parametrize(
    ("stages", "accounts"),
    [
        ([], ()),
        ([[None], [None, None]], ()),
        ([[None], [role(TESTING)], [role(PRODUCTION)]], (TESTING, PRODUCTION)),
        ([[role(PRODUCTION), role(TESTING), role(BUILD)]], (BUILD, TESTING, PRODUCTION)),
        ([[role(TESTING), role(TESTING, "Other")], [role(TESTING)]], (TESTING,)),
        ([[role(TESTING, "path/to/Role")]], (TESTING,)),
        ([[role(TESTING).replace("arn:aws:", "arn:aws-cn:")]], (TESTING,)),
    ],
    ids=["no stage", "no role", "stages", "one stage", "twice", "path", "partition"],
)
def test_accounts_are_those_whose_roles_the_actions_work_with(
    aws: FakeCodePipeline, stages: list[list[str | None]], accounts: tuple[str, ...]
) -> None:
    aws.add("shop", STORES, *stages)

    (pipeline,) = read(aws)

    assert pipeline.accounts == accounts


@pytest.mark.parametrize("operation", ["ListPipelines", "GetPipeline"])
def test_pipelines_that_cannot_be_read_are_an_error(aws: FakeCodePipeline, operation: str) -> None:
    aws.add("shop")
    aws.before(operation, refuse("AccessDeniedException", "no"))

    with pytest.raises(PipelineError) as caught:
        read(aws)

    assert str(caught.value) == (
        "Failed to read the pipelines: An error occurred (AccessDeniedException) when calling the"
        f" {operation} operation: no"
    )


def test_a_pipeline_that_is_deleted_meanwhile_is_left_out(aws: FakeCodePipeline) -> None:
    for name in ("basket", "shop"):
        aws.add(name)

    def delete() -> None:
        del aws.pipelines["basket"]

    aws.after("ListPipelines", delete)

    assert [live.name for live in read(aws)] == ["shop"]


def test_a_live_pipeline_is_its_name_stores_and_accounts() -> None:
    described: dict[str, Any] = {
        "name": "shop",
        "version": 7,
        "roleArn": role(BUILD, "LivePipeline"),
        "artifactStore": {"location": "one-bucket", "encryptionKey": {"id": "1234"}},
        "stages": [{"name": "Deploy", "actions": [{"roleArn": role(TESTING), "name": "One"}]}],
    }

    assert LivePipeline.from_description(described, REGION) == LivePipeline(
        name="shop",
        stores={REGION: "one-bucket"},
        accounts=(TESTING,),
        stages={"Deploy": (TESTING,)},
    )
