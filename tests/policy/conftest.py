# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped inventory, bootstrapped with its pipelines in a lab, and its policies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.bootstrapped import bootstrap
from tests.integration.inventory import Inventory
from tests.policy.approver import Approver
from tests.policy.foundation import Foundation
from tests.policy.operator import Operator
from tests.policy.organisation import pipelines, read_foundation
from tests.policy.release import Release
from tools import sample_pipelines

# A pipeline whose artifacts are built elsewhere, beside the one that is shipped.
_UPLOADED = {
    "source": {
        "type": "s3",
        "artifacts": [
            {"name": "application", "object": "application.zip", "trigger": True},
            {"name": "site", "object": "site.zip"},
        ],
        "uploader": sample_pipelines.uploaded()["source"]["uploader"],
    },
    "stacks": [{"name": "uploaded", "artifact": "application", "template": "template.yml"}],
    "s3": [{"name": "site", "artifact": "site", "bucket": "uploaded-{region}"}],
    "ecs": [{"name": "web", "artifact": "site", "cluster": "main", "service": "web"}],
    "waves": [
        {
            "name": "testing",
            "environments": [{"host": "testing"}],
            "alarms": [{"name": "own"}, {"name": "hello-errors", "host": "testing"}],
            "approval": {"topic": "arn:aws:sns:us-east-1:111111111111:own"},
        }
    ],
    "notifications": {"mail": ["team@example.com"]},
}


def _built(name: str) -> dict[str, Any]:
    """A sample whose source a stage builds, released to testing alone."""
    sample = sample_pipelines.SAMPLES[name]()
    found: dict[str, Any] = {key: sample[key] for key in ("source", "build") if key in sample}
    return {
        **found,
        "stacks": [{"name": name, "artifact": "application", "template": "template.yml"}],
        "waves": [{"name": "testing", "environments": [{"host": "testing"}]}],
    }


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped inventory with a connection, a pipeline of each source, and one account.

    That account is the build account, as a target of hello.
    """
    found = Inventory.copied_to(tmp_path_factory.mktemp("inventory") / "org", pipelines=True)
    build = found.build_account_id
    found.add_account("tools", build, "us-east-1")
    found.set("tools", role_arn=f"arn:aws:iam::{build}:role/CrossAccountAccess")
    hello = found.pipeline("hello")
    hello["source"]["connection_arn"] = sample_pipelines.hello()["source"]["connection_arn"]
    hello["build"] = {"managed_policy_arns": ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]}
    hello["waves"][0]["environments"].append({"host": "tools", "regions": ["us-east-1"]})
    notified = sample_pipelines.notified()["notifications"]
    found.set_group("all", notifications={name: notified[name] for name in ("mail", "chat")})
    hello["notifications"] = {name: notified[name] for name in ("topics", "webhooks")}
    found.declare("hello", hello)
    found.declare("uploaded", _UPLOADED)
    built = {name: _built(name) for name in ("cloned", "connected", "committed", "imaged")}
    built["connected"]["waves"][0] |= {
        "approval": {"mail": ["owners@example.com"]},
        "tests": [{"name": "smoke", "commands": ["make smoke"], "reports": True}],
    }
    for name, pipeline in built.items():
        found.declare(name, pipeline)
    testing = found.accounts["testing"]
    key = f"arn:aws:kms:us-east-1:{testing.account_id}:key/01234567-89ab-cdef-0123-456789abcdef"
    found.set(
        "testing",
        deploy_account_read_alarms=True,
        deploy_account_buckets=[
            {"name": f"uploaded-{region}", "key_arn": key} for region in testing.regions
        ],
        deploy_account_services=[{"cluster": "main", "service": "web", "roles": ["Task"]}],
    )
    return found.directory


@pytest.fixture(scope="session")
def lab(inventory: Path) -> Iterator[Lab]:
    """An organisation that was bootstrapped once, for every test here."""
    with Lab() as lab:
        lab.add_account(lab.organisation.build)
        bootstrap(lab, inventory)
        lab.add_approver("hello")
        yield lab


@pytest.fixture(scope="session")
def foundation(lab: Lab, inventory: Path) -> Foundation:
    """The foundation, with the policies of everything in it and of those who deploy it."""
    organisation = lab.organisation
    names = organisation.operator
    roles = [(organisation.build, names.operator_role)]
    accounts = (organisation.build, *organisation.deploy.values())
    roles += [(account, names.access_role) for account in accounts]
    roles += [(organisation.build, organisation.approver.operator_role)]
    roles += [(organisation.deploy["production"], organisation.approver.access_role)]
    return read_foundation(lab.client, inventory, roles=roles)


@pytest.fixture(scope="session")
def releases(lab: Lab, foundation: Foundation) -> list[Release]:
    """The release of each pipeline."""
    return [Release(lab.client, foundation.export, stack) for stack in pipelines(foundation)]


@pytest.fixture(scope="session")
def operator(lab: Lab, foundation: Foundation) -> Operator:
    """Who deployed all of it."""
    names = lab.organisation.operator
    return Operator(foundation, name=names.operator_role, access_role=names.access_role)


@pytest.fixture(scope="session")
def approver(lab: Lab, foundation: Foundation) -> Approver:
    """Who approves releases of hello."""
    names = lab.organisation.approver
    return Approver(foundation, name=names.operator_role, reviewer_role=names.access_role)
