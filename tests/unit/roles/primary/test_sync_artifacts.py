# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SyncArtifacts copies artifacts, and gives the job exactly one answer whatever happens."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.stub import Stubber

from tests.unit.roles.primary.lambda_code import OWNER, S3, Bucket, Clients, Context, Copy, load

MIB = 1024**2
KEY = "arn:aws:kms:eu-west-1:111111111111:key/0a1b2c3d"
SOURCE = "primary-artifacts"
DESTINATION = "regional-artifacts"


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with the environment that the template gives to the function."""
    monkeypatch.setenv("BUCKET_OWNER", OWNER)
    monkeypatch.setenv("PIPELINE_BUCKET", SOURCE)
    monkeypatch.setenv("REGIONS", "ap-southeast-2,eu-west-1")
    return load("sync_artifacts")


@pytest.fixture
def aws(code: Any, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """A pipeline bucket with three artifacts, and one in another region."""
    clients = Clients(
        S3(
            primary_artifacts=Bucket(
                "us-east-1", objects={"p/Source/a": 10, "p/Source/b": 20, "p/Source/c": 30}
            ),
            regional_artifacts=Bucket("eu-west-1", key=KEY),
        )
    )
    monkeypatch.setattr(code.boto3, "client", clients)
    return clients


def artifact(key: str, bucket: str = SOURCE) -> dict[str, Any]:
    s3_location = {"bucketName": bucket, "objectKey": key}
    return {
        "name": key.rpartition("/")[2],
        "revision": "1",
        "location": {"type": "S3", "s3Location": s3_location},
    }


def event(
    *keys: str,
    parameters: str | None = json.dumps({"DestinationBucket": DESTINATION}),
    token: str | None = None,
    bucket: str = SOURCE,
) -> dict[str, Any]:
    configuration = {"FunctionName": "SyncArtifacts"}
    if parameters is not None:
        configuration["UserParameters"] = parameters
    data = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [artifact(key, bucket) for key in keys],
        "outputArtifacts": [],
        "artifactCredentials": {},
    }
    if token is not None:
        data["continuationToken"] = token
    return {"CodePipeline.job": {"id": "job-1", "accountId": "111111111111", "data": data}}


def failure(aws: Clients) -> dict[str, str]:
    """The only answer of the job, which is a failure."""
    assert aws.codepipeline.successes == []
    [answer] = aws.codepipeline.failures
    assert answer["jobId"] == "job-1"
    details: dict[str, str] = answer["failureDetails"]
    return details


def success(aws: Clients) -> dict[str, str]:
    """The only answer of the job, which is a success."""
    assert aws.codepipeline.failures == []
    [answer] = aws.codepipeline.successes
    return dict(answer)


def test_copies_the_artifact_with_the_destinations_own_key(code: Any, aws: Clients) -> None:
    code.handler(event("p/Source/a"), Context())

    assert success(aws) == {"jobId": "job-1"}
    assert aws.s3.copies == [
        Copy(
            region="eu-west-1",
            source={"Bucket": SOURCE, "Key": "p/Source/a"},
            bucket=DESTINATION,
            key="p/Source/a",
            arguments={
                "ExpectedBucketOwner": OWNER,
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": KEY,
                "TaggingDirective": "REPLACE",
            },
        )
    ]


@pytest.mark.parametrize("bucket", [SOURCE, DESTINATION])
def test_a_bucket_that_somebody_else_took_over_gets_nothing(
    code: Any, aws: Clients, bucket: str
) -> None:
    aws.s3.buckets[bucket].owner = "999999999999"

    code.handler(event("p/Source/a"), Context())

    assert failure(aws)["type"] == "PermissionError"
    assert aws.s3.copies == []


def test_a_bucket_in_us_east_1_has_no_location_constraint(code: Any, aws: Clients) -> None:
    aws.s3.buckets[DESTINATION].region = "us-east-1"

    code.handler(event("p/Source/a"), Context())

    assert success(aws) == {"jobId": "job-1"}
    assert aws.s3.copies[0].region == "us-east-1"


def test_does_nothing_when_source_is_destination(code: Any, aws: Clients) -> None:
    # Nothing: not even a look at the bucket, which the role may not have.
    aws.s3.buckets.clear()

    code.handler(
        event("p/Source/a", parameters=json.dumps({"DestinationBucket": SOURCE})), Context()
    )

    assert success(aws) == {"jobId": "job-1"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param(None, "but they are missing.", id="none"),
        pytest.param("", "but are not JSON", id="empty"),
        pytest.param('{"DestinationBucket": ', "but are not JSON", id="cut off"),
        pytest.param(DESTINATION, "but are not JSON", id="a bare name"),
        pytest.param('["x"]', 'but are ["x"].', id="a list"),
        pytest.param('{"Bucket": "x"}', 'but are {"Bucket": "x"}.', id="another name"),
        pytest.param('{"DestinationBucket": 5}', "but are", id="a number"),
        pytest.param('{"DestinationBucket": ""}', "but are", id="an empty name"),
    ],
)
def test_bad_user_parameters_fail_the_job(
    code: Any, aws: Clients, parameters: str | None, message: str
) -> None:
    code.handler(event("p/Source/a", parameters=parameters), Context())

    details = failure(aws)
    assert details["type"] == "ConfigurationError"
    assert details["message"].startswith('UserParameters must be {"DestinationBucket": "<bucket>"}')
    assert message in details["message"]


def test_a_job_without_artifacts_fails(code: Any, aws: Clients) -> None:
    code.handler(event(), Context())

    assert failure(aws) == {
        "type": "ConfigurationError",
        "message": "The action has no input artifacts, so there is nothing to copy.",
    }


def test_an_artifact_of_another_bucket_is_refused(code: Any, aws: Clients) -> None:
    code.handler(event("p/Source/a", bucket="somewhere-else"), Context())

    assert failure(aws) == {
        "type": "ConfigurationError",
        "message": "Artifact a is in somewhere-else. Only artifacts in primary-artifacts are"
        " copied.",
    }
    assert aws.s3.copies == []


def test_a_bucket_out_of_the_register_is_refused(code: Any, aws: Clients) -> None:
    code.handler(event("p/Source/a", parameters='{"DestinationBucket": "foreign"}'), Context())

    details = failure(aws)
    assert details["type"] == "PermissionError"
    assert details["message"].startswith(
        "foreign cannot be read. Is it a pipeline bucket of one of the registered regions"
        " (ap-southeast-2,eu-west-1)? "
    )
    assert "AccessDenied" in details["message"]


@pytest.mark.parametrize("key", [None, "alias/artifacts", "0a1b2c3d"])
def test_a_destination_must_name_its_key_by_arn(code: Any, aws: Clients, key: str | None) -> None:
    aws.s3.buckets[DESTINATION].key = key

    code.handler(event("p/Source/a"), Context())

    assert failure(aws)["message"] == (
        "regional-artifacts does not name a KMS key by ARN as its default encryption."
    )


def test_a_missing_artifact_fails_the_job(code: Any, aws: Clients) -> None:
    code.handler(event("p/Source/gone"), Context())

    details = failure(aws)
    assert details["type"] == "RevisionUnavailable"
    assert details["message"].startswith(
        "s3://primary-artifacts/p/Source/gone cannot be copied to regional-artifacts: "
    )


@pytest.mark.parametrize(
    ("bucket", "operation", "code_of_error", "kind"),
    [
        (SOURCE, "HeadObject", "AccessDenied", "PermissionError"),
        (SOURCE, "GetObject", "AccessDenied", "PermissionError"),
        (DESTINATION, "PutObject", "AccessDenied", "PermissionError"),
        (DESTINATION, "PutObject", "SlowDown", "JobFailed"),
    ],
)
def test_an_error_of_aws_fails_the_job(
    code: Any, aws: Clients, bucket: str, operation: str, code_of_error: str, kind: str
) -> None:
    aws.s3.buckets[bucket].refuses[operation] = code_of_error

    code.handler(event("p/Source/a"), Context())

    details = failure(aws)
    assert details["type"] == kind
    assert code_of_error in details["message"]


def test_an_unexpected_error_fails_the_job_in_a_message_of_bounded_length(
    code: Any, aws: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_arguments: Any) -> None:
        raise RuntimeError("x" * 10_000)

    monkeypatch.setattr(code, "sync", explode)

    code.handler(event("p/Source/a"), Context())

    details = failure(aws)
    assert details["type"] == "JobFailed"
    assert details["message"].startswith("SyncArtifacts failed: RuntimeError: xxx")
    assert len(details["message"]) == 5000


def test_a_success_that_cannot_be_reported_is_not_reported_as_a_failure(
    code: Any, aws: Clients
) -> None:
    aws.codepipeline.broken = True

    with pytest.raises(Exception, match="ServiceUnavailable"):
        code.handler(event("p/Source/a"), Context())

    assert aws.codepipeline.failures == []


def test_goes_on_later_when_time_runs_short(code: Any, aws: Clients) -> None:
    keys = ("p/Source/a", "p/Source/b", "p/Source/c")

    # The clock is looked at before each artifact but the first.
    code.handler(event(*keys), Context(300, 59))

    assert success(aws) == {"jobId": "job-1", "continuationToken": "2"}
    assert list(aws.s3.buckets[DESTINATION].objects) == ["p/Source/a", "p/Source/b"]

    aws.codepipeline.successes.clear()
    code.handler(event(*keys, token="2"), Context())

    assert success(aws) == {"jobId": "job-1"}
    assert [copy.key for copy in aws.s3.copies] == ["p/Source/a", "p/Source/b", "p/Source/c"]


@pytest.mark.parametrize("token", ["two", "-1", "4", "1.0"])
def test_a_strange_continuation_token_fails_the_job(code: Any, aws: Clients, token: str) -> None:
    code.handler(event("p/Source/a", "p/Source/b", "p/Source/c", token=token), Context())

    assert failure(aws)["message"] == f"{token} is not a continuation token of this function."


def test_a_large_artifact_is_given_up_in_time_and_begun_again(code: Any, aws: Clients) -> None:
    aws.s3.buckets[SOURCE].objects["p/Source/b"] = 1000 * MIB

    # One look before the artifact, then one after each part.
    code.handler(event("p/Source/a", "p/Source/b"), Context(300, 200, 100, 50))

    assert success(aws) == {"jobId": "job-1", "continuationToken": "1"}
    assert list(aws.s3.buckets[DESTINATION].objects) == ["p/Source/a"]


def test_an_artifact_too_large_for_an_invocation_of_its_own_fails(code: Any, aws: Clients) -> None:
    aws.s3.buckets[SOURCE].objects["p/Source/a"] = 1000 * MIB

    code.handler(event("p/Source/a"), Context(200, 100, 50))

    assert failure(aws) == {
        "type": "JobFailed",
        "message": "s3://primary-artifacts/p/Source/a is too large to copy within the"
        " time limit of a function.",
    }


def test_the_last_part_of_a_copy_is_never_given_up(code: Any, aws: Clients) -> None:
    code.handler(event("p/Source/a"), Context(1))

    assert success(aws) == {"jobId": "job-1"}


@pytest.fixture
def recorded(code: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[tuple[str, Any]]]:
    """A real client of S3 that sends nothing, and the calls made with it."""
    # One after the other, so that answers can be lined up.
    transfer = TransferConfig(
        multipart_threshold=code.TRANSFER.multipart_threshold,
        multipart_chunksize=code.TRANSFER.multipart_chunksize,
        use_threads=False,
    )
    monkeypatch.setattr(code, "TRANSFER", transfer)
    s3 = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    calls: list[tuple[str, Any]] = []

    def record(params: Any, model: Any, **_others: Any) -> None:
        calls.append((model.name, params))

    s3.meta.events.register("provide-client-params.s3", record)
    return s3, calls


def run_copy(code: Any, s3: Any, context: Context, *answers: tuple[str, dict[str, Any]]) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        *[("head_object", {"ContentLength": 150 * MIB, "ETag": '"e"'})] * 2,
        ("create_multipart_upload", {"UploadId": "u"}),
        *answers,
    ]
    with Stubber(s3) as stub:
        for method, answer in calls:
            stub.add_response(method, answer)
        code.copy(
            source=s3,
            target=s3,
            bucket=SOURCE,
            key="p/Source/a",
            destination=DESTINATION,
            key_arn=KEY,
            context=context,
        )
        stub.assert_no_pending_responses()


PART = ("upload_part_copy", {"CopyPartResult": {"ETag": '"p"'}})


def test_boto3_copies_a_large_object_in_parts_with_the_same_key(
    code: Any, recorded: tuple[Any, list[tuple[str, Any]]]
) -> None:
    s3, calls = recorded

    run_copy(code, s3, Context(), PART, PART, PART, ("complete_multipart_upload", {}))

    begun = dict(calls)["CreateMultipartUpload"]
    assert begun["ServerSideEncryption"] == "aws:kms"
    assert begun["SSEKMSKeyId"] == KEY
    ranges = [sent["CopySourceRange"] for name, sent in calls if name == "UploadPartCopy"]
    assert ranges == [
        *("bytes=0-67108863", "bytes=67108864-134217727", "bytes=134217728-157286399"),
    ]


def test_boto3_aborts_the_upload_that_is_given_up(
    code: Any, recorded: tuple[Any, list[tuple[str, Any]]]
) -> None:
    s3, calls = recorded

    with pytest.raises(code.OutOfTimeError):
        run_copy(code, s3, Context(10), PART, ("abort_multipart_upload", {}))

    assert calls[-1][0] == "AbortMultipartUpload"
