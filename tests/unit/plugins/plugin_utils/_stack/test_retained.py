# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What earlier stacks left is found by its tags, and goes only when it is told to go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.retained import (
    Retained,
    RetainedData,
)

from tests.fakes.data import FakeData, Version
from tests.fakes.inventory import BUILD
from tests.fakes.service import refuse

REGION = "eu-west-1"
BUCKET = Retained(kind="bucket", arn="arn:aws:s3:::one-bucket", region=REGION)
KEY = Retained(kind="key", arn=f"arn:aws:kms:{REGION}:{BUILD}:key/1234", region=REGION)


@pytest.fixture
def aws() -> FakeData:
    return FakeData(REGION)


@pytest.fixture
def retained(aws: FakeData) -> RetainedData:
    return RetainedData(aws.session, REGION)


def told_of(call: Callable[[], Any]) -> str:
    """Return the message of a call that must fail."""
    with pytest.raises(PipelineError) as caught:
        call()
    return str(caught.value)


# Found


def test_a_region_without_data_is_told_in_one_call(aws: FakeData, retained: RetainedData) -> None:
    assert retained.of("One") == []
    assert aws.asked == ["GetResources"]


@pytest.mark.parametrize("page_size", [100, 2, 1])
def test_buckets_and_keys_of_the_name_are_found_in_their_order(
    aws: FakeData, retained: RetainedData, page_size: int
) -> None:
    aws.page_size = page_size
    aws.add_bucket("two-bucket")
    aws.add_bucket("one-bucket")
    aws.add_bucket("other-bucket", stack_name="Other")
    aws.add_key("5678", days=30)
    aws.add_key("1234")
    aws.add_key("9999", stack_name="OneMore")

    assert retained.of("One") == [
        BUCKET,
        Retained(kind="bucket", arn="arn:aws:s3:::two-bucket", region=REGION),
        KEY,
        Retained(
            kind="key",
            arn=f"arn:aws:kms:{REGION}:{BUILD}:key/5678",
            region=REGION,
            deletion_date="2026-12-24",
        ),
    ]
    assert aws.writes == []


def test_what_the_standing_stack_owns_is_not_kept(aws: FakeData, retained: RetainedData) -> None:
    for name in ("one-bucket", "new-bucket"):
        aws.add_bucket(name)
    for key in ("1234", "5678"):
        aws.add_key(key)

    found = retained.of("One", owned=frozenset({"new-bucket", "5678", "One-Topic"}))

    assert found == [BUCKET, KEY]
    assert aws.asked == ["GetResources", "DescribeKey", "HeadBucket"]


def test_a_tag_of_the_stack_finds_them(aws: FakeData, retained: RetainedData) -> None:
    arn = aws.add_key("1234")
    aws.tags[arn] = {"aws:cloudformation:stack-name": "One"}  # which does not reach keys

    assert retained.of("One") == []
    ((_operation, request),) = aws.calls
    assert request["TagFilters"] == [{"Key": "crossaccount:stack", "Values": ["One"]}]


@pytest.mark.parametrize("operation", ["GetResources", "DescribeKey", "HeadBucket"])
def test_what_cannot_be_listed_is_an_error(
    aws: FakeData, retained: RetainedData, operation: str
) -> None:
    aws.add_bucket("one-bucket")
    aws.add_key("1234")
    aws.before(operation, refuse("AccessDenied", "no"))

    assert told_of(lambda: retained.of("One")) == (
        f"Failed to list the retained keys and buckets: An error occurred (AccessDenied) when"
        f" calling the {operation} operation: no"
    )


def test_a_key_that_the_index_of_tags_still_has_is_not_kept(
    aws: FakeData, retained: RetainedData
) -> None:
    aws.add_key("1234")
    aws.add_bucket("one-bucket")
    aws.keys.clear()

    assert retained.of("One") == [BUCKET]


def test_a_bucket_that_the_index_of_tags_still_has_is_not_kept(
    aws: FakeData, retained: RetainedData
) -> None:
    aws.add_key("1234")
    aws.add_bucket("one-bucket")
    aws.buckets.clear()

    assert retained.of("One") == [KEY]
    assert ("HeadBucket", {"Bucket": "one-bucket"}) in aws.calls


# Purged


VERSIONS: list[Version] = [("a", "1"), ("a", "2"), ("b", "null"), ("c/d", "1")]
MARKERS: list[Version] = [("a", "3"), ("e", "1")]


@pytest.mark.parametrize(
    ("page_size", "deletions"), [(100, [6]), (4, [4, 2]), (2, [2, 2, 2]), (1, [1] * 6)]
)
def test_a_bucket_is_emptied_of_every_version_and_marker_and_deleted(
    aws: FakeData, retained: RetainedData, page_size: int, deletions: list[int]
) -> None:
    aws.page_size = page_size
    aws.add_bucket("one-bucket", versions=VERSIONS, markers=MARKERS)
    aws.add_bucket("two-bucket", versions=VERSIONS)

    assert retained.purge(BUCKET) == dataclasses.replace(BUCKET, purged=True)

    assert list(aws.buckets) == ["two-bucket"]
    assert len(aws.buckets["two-bucket"]) == len(VERSIONS)
    assert [
        len(request["Delete"]["Objects"])
        for operation, request in aws.calls
        if operation == "DeleteObjects"
    ] == deletions
    assert aws.asked[-1] == "DeleteBucket"


def test_a_bucket_that_went_since_it_was_found_is_purged(
    aws: FakeData, retained: RetainedData
) -> None:
    assert retained.purge(BUCKET).purged
    assert aws.writes == []


def test_a_bucket_that_goes_meanwhile_is_purged(aws: FakeData, retained: RetainedData) -> None:
    aws.add_bucket("one-bucket")
    aws.before("DeleteBucket", refuse("NoSuchBucket", "The specified bucket does not exist"))

    assert retained.purge(BUCKET).purged


def test_an_object_that_cannot_be_deleted_is_named(aws: FakeData, retained: RetainedData) -> None:
    aws.add_bucket("one-bucket", versions=VERSIONS)
    aws.held = {"b": "Access Denied", "c/d": "Access Denied"}

    assert told_of(lambda: retained.purge(BUCKET)) == (
        "cannot delete b in bucket one-bucket: Access Denied"
    )
    assert aws.writes == ["DeleteObjects"]
    assert "one-bucket" in aws.buckets


@pytest.mark.parametrize("operation", ["ListObjectVersions", "DeleteObjects", "DeleteBucket"])
def test_a_bucket_that_cannot_be_purged_is_an_error(
    aws: FakeData, retained: RetainedData, operation: str
) -> None:
    aws.add_bucket("one-bucket", versions=VERSIONS)
    aws.before(operation, refuse("AccessDenied", "no"))

    assert told_of(lambda: retained.purge(BUCKET)) == (
        f"Failed to empty and delete the retained bucket: An error occurred (AccessDenied) when"
        f" calling the {operation} operation: no"
    )
    assert "one-bucket" in aws.buckets


def test_a_key_is_deleted_as_late_as_it_can_be(aws: FakeData, retained: RetainedData) -> None:
    arn = aws.add_key("1234")

    assert retained.purge(KEY) == dataclasses.replace(KEY, purged=True, deletion_date="2026-12-24")
    assert aws.calls == [("ScheduleKeyDeletion", {"KeyId": arn, "PendingWindowInDays": 30})]


def test_a_key_whose_deletion_is_scheduled_is_left_alone(
    aws: FakeData, retained: RetainedData
) -> None:
    aws.add_key("1234", days=7)
    (pending,) = retained.of("One")
    aws.calls.clear()

    assert retained.purge(pending) == dataclasses.replace(KEY, deletion_date="2026-12-01")
    assert aws.calls == []


def test_a_key_that_cannot_be_purged_is_an_error(aws: FakeData, retained: RetainedData) -> None:
    aws.add_key("1234")
    aws.before("ScheduleKeyDeletion", refuse("AccessDeniedException", "no"))

    assert told_of(lambda: retained.purge(KEY)) == (
        "Failed to schedule the deletion of the retained key: An error occurred"
        " (AccessDeniedException) when calling the ScheduleKeyDeletion operation: no"
    )
