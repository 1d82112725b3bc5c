# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failed states of stacks, and the ways out of them.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import pytest

from lab import Lab, ResourceRule
from lab.tests.stacks import (
    TOPIC,
    Stacks,
    delete,
    reasons,
    shown,
    topic,
    update,
)

ACCOUNT = "222222222222"
REGION = "us-east-1"
BUCKET = {"Type": "AWS::S3::Bucket"}


def test_create_failed_then_rolled_back(lab: Lab, stacks: Stacks) -> None:
    lab.set_resource_faults([ResourceRule(logical_id="B", operation="create", reason="because")])
    template = {"A": TOPIC, "B": topic("x", DependsOn="A")}
    assert stacks.create(template, DisableRollback=True) == "CREATE_FAILED"
    assert shown(stacks) == {"A": "CREATE_COMPLETE", "B": "CREATE_FAILED"}
    assert reasons(stacks, "CREATE_FAILED").startswith("Resource B failed: because")
    stacks.api.rollback_stack(StackName=stacks.name)
    assert stacks.wait() == "ROLLBACK_COMPLETE"
    assert shown(stacks)["A"] == "DELETE_COMPLETE"


def test_rollback_failed_then_deleted(lab: Lab, stacks: Stacks) -> None:
    lab.set_resource_faults(
        [
            ResourceRule(logical_id="B", operation="create", account=ACCOUNT),
            ResourceRule(resource_type="AWS::SNS::Topic", operation="rollback", region=REGION),
        ]
    )
    assert stacks.create({"A": TOPIC, "B": topic("x", DependsOn="A")}) == "ROLLBACK_FAILED"
    assert shown(stacks) == {"A": "DELETE_FAILED", "B": "CREATE_FAILED"}
    made = stacks.physical_id("A")
    lab.set_resource_faults([])
    assert delete(stacks) == "DELETE_COMPLETE"
    topics = lab.client("sns", ACCOUNT).list_topics()["Topics"]
    assert made not in {one["TopicArn"] for one in topics}


def test_update_failed_then_rolled_back(lab: Lab, stacks: Stacks) -> None:
    stacks.create({"A": topic("1")})
    lab.set_resource_faults([ResourceRule(operation="update", stack=stacks.name)])
    assert update(stacks, {"A": topic("2")}, DisableRollback=True) == "UPDATE_FAILED"
    lab.set_resource_faults([])
    stacks.api.rollback_stack(StackName=stacks.name)
    assert stacks.wait() == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("skipped", [[], ["A"]])
def test_update_rollback_failed_then_continued(
    lab: Lab, stacks: Stacks, skipped: list[str]
) -> None:
    stacks.create({"A": topic("1"), "B": topic("1", DependsOn="A")})
    lab.set_resource_faults(
        [
            ResourceRule(logical_id="B", operation="update"),
            ResourceRule(logical_id="A", operation="rollback"),
        ]
    )
    assert update(stacks, {"A": topic("2"), "B": topic("2", DependsOn="A")}) == (
        "UPDATE_ROLLBACK_FAILED"
    )
    stacks.api.continue_update_rollback(StackName=stacks.name)
    assert stacks.wait() == "UPDATE_ROLLBACK_FAILED"
    if not skipped:
        lab.set_resource_faults([])
    stacks.api.continue_update_rollback(StackName=stacks.name, ResourcesToSkip=skipped)
    assert stacks.wait() == "UPDATE_ROLLBACK_COMPLETE"
    attributes = lab.client("sns", ACCOUNT).get_topic_attributes(TopicArn=stacks.physical_id("A"))
    assert attributes["Attributes"]["DisplayName"] == ("2" if skipped else "1")


def test_delete_failed_then_retained(lab: Lab, stacks: Stacks) -> None:
    stacks.create({"A": TOPIC, "B": TOPIC})
    lab.set_resource_faults([ResourceRule(logical_id="A", operation="delete")])
    assert delete(stacks) == "DELETE_FAILED"
    assert shown(stacks) == {"A": "DELETE_FAILED", "B": "DELETE_COMPLETE"}
    retained = stacks.physical_id("A")
    assert delete(stacks, RetainResources=["A"]) == "DELETE_COMPLETE"
    assert shown(stacks) == {"A": "DELETE_SKIPPED", "B": "DELETE_COMPLETE"}
    lab.client("sns", ACCOUNT).get_topic_attributes(TopicArn=retained)


def test_a_bucket_that_holds_an_object_is_not_deleted(lab: Lab, stacks: Stacks) -> None:
    stacks.create({"Bucket": BUCKET})
    bucket, s3 = stacks.physical_id("Bucket"), lab.client("s3", ACCOUNT)
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    assert delete(stacks) == "DELETE_FAILED"
    assert "not empty" in reasons(stacks, "DELETE_FAILED")
    assert delete(stacks, RetainResources=["Bucket"]) == "DELETE_COMPLETE"
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"data"


def test_a_bucket_that_holds_old_versions_is_not_deleted(lab: Lab, stacks: Stacks) -> None:
    versioned = {**BUCKET, "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
    stacks.create({"Bucket": versioned})
    bucket, s3 = stacks.physical_id("Bucket"), lab.client("s3", ACCOUNT)
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    s3.delete_object(Bucket=bucket, Key="key")
    assert delete(stacks) == "DELETE_FAILED"
