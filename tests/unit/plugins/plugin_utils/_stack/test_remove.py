# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing one stack: what goes, what stays, and what check mode says of both."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.remove import (
    Removal,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.remove import (
    remove as _remove,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.retained import (
    Retained,
    RetainedData,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    STATUSES,
    Verdict,
)

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import FakeCloudFormation, event
from tests.fakes.data import FakeData
from tests.fakes.inventory import BUILD
from tests.fakes.service import refuse

REGION = "eu-west-1"
BUCKET = Retained(kind="bucket", arn="arn:aws:s3:::one-bucket", region=REGION)
KEY = Retained(kind="key", arn=f"arn:aws:kms:{REGION}:{BUILD}:key/1234", region=REGION)
PURGED_BUCKET = dataclasses.replace(BUCKET, purged=True)
PURGED_KEY = dataclasses.replace(KEY, purged=True, deletion_date="2026-12-24")
EXISTS = [
    status for status, verdict in STATUSES.items() if verdict not in (Verdict.ABSENT, Verdict.BUSY)
]


@pytest.fixture
def aws() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def data() -> FakeData:
    found = FakeData(REGION)
    found.add_bucket("one-bucket", versions=[("a", "1")], markers=[("a", "2")])
    found.add_key("1234")
    found.add_bucket("other-bucket", stack_name="Other")
    return found


def remove(
    aws: FakeCloudFormation,
    data: FakeData | None = None,
    *,
    name: str = "One",
    seconds: float = 3_600,
    **options: bool,
) -> Removal:
    return _remove(
        StackApi(aws.client),
        name=name,
        patience=Clock().patience(seconds),
        retained_data=RetainedData(data.session, REGION) if data else None,
        **options,
    )


def resource(logical_id: str, resource_type: str, physical_id: str = "", **more: str) -> Any:
    """Return a resource as ListStackResources tells it."""
    told = {
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "ResourceStatus": "CREATE_COMPLETE",
        **more,
    }
    return told | ({"PhysicalResourceId": physical_id} if physical_id else {})


# The stack


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_stack_is_nothing_to_remove(aws: FakeCloudFormation, check_mode: bool) -> None:
    removal = remove(aws, check_mode=check_mode)

    assert (removal, removal.changed) == (Removal(found=None), False)
    assert aws.asked == ["DescribeStacks"]


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("status", EXISTS)
def test_a_stack_of_any_status_is_removed(
    aws: FakeCloudFormation, status: str, protected: bool
) -> None:
    stack = aws.add(status, protected=protected)

    removal = remove(aws)

    assert removal.changed
    assert removal.found is not None
    assert (removal.found.stack_id, removal.found.status) == (stack.stack_id, status)
    assert aws.writes == [*["UpdateTerminationProtection"] * protected, "DeleteStack"]
    assert aws.left == {}


@pytest.mark.parametrize("status", EXISTS)
def test_check_mode_tells_the_same_and_writes_nothing(aws: FakeCloudFormation, status: str) -> None:
    aws.add(status, protected=True)

    removal = remove(aws, check_mode=True)

    assert removal.changed
    assert removal.found is not None
    assert removal.found.status == status
    assert (aws.writes, aws.left) == ([], {"One": status})


def test_somebodys_deletion_is_waited_for_and_not_ours(aws: FakeCloudFormation) -> None:
    aws.add("DELETE_IN_PROGRESS", coming=["DELETE_IN_PROGRESS", "DELETE_COMPLETE"])

    assert not remove(aws).changed
    assert aws.writes == []


def test_a_stack_that_is_told_although_it_is_gone_is_no_stack(aws: FakeCloudFormation) -> None:
    gone = aws.add("DELETE_COMPLETE")

    assert remove(aws, name=gone.stack_id) == Removal(found=None)
    assert aws.writes == []


@pytest.mark.parametrize("purge_data", [False, True])
def test_a_removal_that_fails_names_its_cause_and_purges_nothing(
    aws: FakeCloudFormation, data: FakeData, purge_data: bool
) -> None:
    aws.add()
    aws.endings["delete"] = ["DELETE_IN_PROGRESS", "DELETE_FAILED"]
    aws.stories["delete"] = [
        event("DELETE_FAILED", "Topic", "AWS::SNS::Topic", "denied"),
        event("DELETE_IN_PROGRESS"),
    ]

    with pytest.raises(PipelineError) as caught:
        remove(aws, data, purge_data=purge_data)

    assert str(caught.value) == (
        "One is DELETE_FAILED. Topic (AWS::SNS::Topic) DELETE_FAILED: denied"
    )
    assert data.asked == []


# What it leaves


@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_left_stays_and_is_told(
    aws: FakeCloudFormation, data: FakeData, stands: bool, check_mode: bool
) -> None:
    if stands:
        aws.add()

    removal = remove(aws, data, check_mode=check_mode)

    assert (removal.retained, removal.changed) == ((BUCKET, KEY), stands)
    assert data.writes == []


@pytest.mark.parametrize("stands", [False, True])
def test_what_is_left_goes_when_it_is_told_to_go(
    aws: FakeCloudFormation, data: FakeData, stands: bool
) -> None:
    if stands:
        aws.add()

    removal = remove(aws, data, purge_data=True)

    assert (removal.retained, removal.changed) == ((PURGED_BUCKET, PURGED_KEY), True)
    assert list(data.buckets) == ["other-bucket"]


@pytest.mark.parametrize("stands", [False, True])
def test_check_mode_tells_what_would_go_and_writes_nothing(
    aws: FakeCloudFormation, data: FakeData, stands: bool
) -> None:
    if stands:
        aws.add()

    removal = remove(aws, data, purge_data=True, check_mode=True)

    assert removal.retained == (PURGED_BUCKET, dataclasses.replace(KEY, purged=True))
    assert removal.changed
    assert (aws.writes, data.writes) == ([], [])


def test_data_is_purged_only_after_the_stack_is_gone(
    aws: FakeCloudFormation, data: FakeData
) -> None:
    aws.add()
    left: list[dict[str, str]] = []
    data.before("GetResources", lambda: left.append(aws.left))

    remove(aws, data, purge_data=True)

    assert left == [{}]


def test_a_bucket_that_cannot_be_purged_is_an_error_and_is_taken_up_by_the_next_run(
    aws: FakeCloudFormation, data: FakeData
) -> None:
    aws.add()
    data.before("DeleteBucket", refuse("AccessDenied", "no"))

    with pytest.raises(PipelineError, match=r"^Failed to empty and delete the retained bucket: "):
        remove(aws, data, purge_data=True)
    assert "ScheduleKeyDeletion" not in data.asked  # the bucket still needs it
    removal = remove(aws, data, purge_data=True)

    assert removal.retained == (PURGED_BUCKET, PURGED_KEY)
    assert list(data.buckets) == ["other-bucket"]
