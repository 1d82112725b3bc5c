# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ReplicateArtifacts: a new build reaches every destination that takes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.primary.lambda_code import S3, Bucket, Clients, Copy, load

BUILDS = "builds"
EVENT: dict[str, Any] = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": BUILDS},
        "object": {"key": "app/app.zip", "size": 10, "version-id": "v7"},
    },
}
SOURCE = {"Bucket": BUILDS, "Key": "app/app.zip", "VersionId": "v7"}
ARGUMENTS = {"TaggingDirective": "REPLACE"}


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with two destinations."""
    monkeypatch.setenv(
        "DESTINATION_BUCKET_ARNS", "arn:aws:s3:::dev-one,arn:aws-us-gov:s3:::dev-two"
    )
    return load("replicate_artifacts")


@pytest.fixture
def aws(code: Any, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """The build bucket, and the buckets of two developers, one in another region."""
    clients = Clients(
        S3(
            builds=Bucket("us-east-1", objects={"app/app.zip": 10}),
            dev_one=Bucket("us-east-1"),
            dev_two=Bucket("eu-west-1"),
        )
    )
    monkeypatch.setattr(code.boto3, "client", clients)
    return clients


def test_copies_the_version_of_the_event_to_every_destination(code: Any, aws: Clients) -> None:
    code.handler(EVENT, None)

    assert aws.s3.copies == [
        Copy("us-east-1", SOURCE, "dev-one", "app/app.zip", ARGUMENTS),
        Copy("eu-west-1", SOURCE, "dev-two", "app/app.zip", ARGUMENTS),
    ]


def test_an_event_without_a_version_copies_the_newest(code: Any, aws: Clients) -> None:
    detail = {"bucket": {"name": BUILDS}, "object": {"key": "app/app.zip"}}

    code.handler({"detail": detail}, None)

    assert aws.s3.copies[0].source == {"Bucket": BUILDS, "Key": "app/app.zip"}


def test_learns_the_region_also_of_a_bucket_that_it_may_not_look_into(
    code: Any, aws: Clients
) -> None:
    aws.s3.buckets["dev-two"].refuses["HeadBucket"] = "403"

    code.handler(EVENT, None)

    assert [copy.region for copy in aws.s3.copies] == ["us-east-1", "eu-west-1"]


def test_one_refusal_does_not_keep_the_others_from_their_copy(code: Any, aws: Clients) -> None:
    aws.s3.buckets["dev-one"].refuses["PutObject"] = "AccessDenied"

    with pytest.raises(code.ReplicationError) as raised:
        code.handler(EVENT, None)

    assert [copy.bucket for copy in aws.s3.copies] == ["dev-two"]
    assert str(raised.value).startswith("s3://builds/app/app.zip: dev-one: ")
    assert "AccessDenied" in str(raised.value)
    assert "dev-two" not in str(raised.value)


def test_nothing_happens_without_destinations(
    code: Any, aws: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION_BUCKET_ARNS", "")

    code.handler(EVENT, None)

    assert aws.s3.copies == []
