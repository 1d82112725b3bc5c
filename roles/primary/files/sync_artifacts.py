# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invoke action of a pipeline: copy its input artifacts to the pipeline bucket of another region.

The function's role limits it: it reads the primary pipeline bucket and writes the buckets of the
register. Every invocation sends exactly one answer to CodePipeline. Each call to S3 names the
account that the bucket must belong to: a bucket whose name somebody else took over gets nothing.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})
# The last minute is reserved for the answer. CodePipeline waits 20 minutes for an invocation that
# times out without one.
RESERVE_MS = 60_000
# A single CopyObject call stops at 5 GB and cannot be interrupted; a copy in parts can.
TRANSFER = TransferConfig(
    multipart_threshold=64 * 1024**2, multipart_chunksize=64 * 1024**2, max_concurrency=10
)
# CodePipeline's limit.
MESSAGE_LENGTH = 5000
KIND_OF_CODE = {
    "AccessDenied": "PermissionError",
    "AccessDeniedException": "PermissionError",
    "403": "PermissionError",
    "NoSuchKey": "RevisionUnavailable",
    "404": "RevisionUnavailable",
}


class SyncError(Exception):
    """A failure to show in the pipeline; kind is one of CodePipeline's failure types."""

    def __init__(self, message: str, *, kind: str = "ConfigurationError") -> None:
        super().__init__(message)
        self.kind = kind


class OutOfTimeError(Exception):
    """Time is nearly up; the current copy was abandoned."""


def handler(event: dict[str, Any], context: Any) -> None:
    """Run the CodePipeline job in event and answer it: success, continue later, or failure."""
    job = event["CodePipeline.job"]
    codepipeline = boto3.client("codepipeline", config=RETRIES)
    try:
        token = sync(job["data"], context)
    except Exception as error:
        # The job needs an answer whatever went wrong.
        LOG.exception("job %s failed", job["id"])
        codepipeline.put_job_failure_result(jobId=job["id"], failureDetails=failure(error))
        return
    # Not in the try: if reporting a success fails, the job must not be reported as failed as well.
    if token is None:
        codepipeline.put_job_success_result(jobId=job["id"])
    else:
        codepipeline.put_job_success_result(jobId=job["id"], continuationToken=token)


def sync(data: dict[str, Any], context: Any) -> str | None:
    """Copy the input artifacts of a job's data, in order.

    Return None when all are copied, or a continuation token (the number copied so far) when time
    runs short.
    """
    destination = destination_bucket(data)
    pipeline_bucket = os.environ["PIPELINE_BUCKET"]
    keys = [artifact_key(artifact, pipeline_bucket) for artifact in data.get("inputArtifacts", [])]
    done = artifacts_done(data, len(keys))
    if not keys:
        raise SyncError("The action has no input artifacts, so there is nothing to copy.")
    if destination == pipeline_bucket:
        LOG.info("nothing to do: the artifacts are in %s already", destination)
        return None
    source = boto3.client("s3", config=RETRIES)
    target, key_arn = open_destination(source, destination)
    for number in range(done, len(keys)):
        first = number == done
        if not first and context.get_remaining_time_in_millis() < RESERVE_MS:
            return str(number)
        try:
            copy(
                source=source,
                target=target,
                bucket=pipeline_bucket,
                key=keys[number],
                destination=destination,
                key_arn=key_arn,
                context=context,
            )
        except OutOfTimeError:
            # The next invocation has more time only if this one copied something else first.
            if first:
                raise SyncError(
                    f"s3://{pipeline_bucket}/{keys[number]} is too large to copy within the time"
                    " limit of a function.",
                    kind="JobFailed",
                ) from None
            return str(number)
    return None


def destination_bucket(data: dict[str, Any]) -> str:
    """Return DestinationBucket of the action's UserParameters, or raise SyncError."""
    usage = 'UserParameters must be {"DestinationBucket": "<bucket>"}'
    try:
        text = data["actionConfiguration"]["configuration"]["UserParameters"]
        parameters = json.loads(text)
    except KeyError:
        raise SyncError(f"{usage}, but they are missing.") from None
    except ValueError as error:
        raise SyncError(f"{usage}, but are not JSON: {error}.") from None
    bucket = parameters.get("DestinationBucket") if isinstance(parameters, dict) else None
    if not isinstance(bucket, str) or not bucket:
        raise SyncError(f"{usage}, but are {text}.")
    return bucket


def artifact_key(artifact: dict[str, Any], pipeline_bucket: str) -> str:
    """Return the object key of an input artifact; raise SyncError if it is in another bucket."""
    location = artifact["location"]["s3Location"]
    if location["bucketName"] != pipeline_bucket:
        raise SyncError(
            f"Artifact {artifact['name']} is in {location['bucketName']}."
            f" Only artifacts in {pipeline_bucket} are copied."
        )
    return str(location["objectKey"])


def artifacts_done(data: dict[str, Any], count: int) -> int:
    """Return how many artifacts earlier invocations for this job have copied."""
    token = data.get("continuationToken") or "0"
    if not token.isdecimal() or int(token) > count:
        raise SyncError(f"{token} is not a continuation token of this function.", kind="JobFailed")
    return int(token)


def open_destination(source: Any, destination: str) -> tuple[Any, str]:
    """Return a client in the bucket's region, and the ARN of the bucket's KMS key."""
    try:
        owner = os.environ["BUCKET_OWNER"]
        answer = source.get_bucket_location(Bucket=destination, ExpectedBucketOwner=owner)
        region = answer.get("LocationConstraint") or "us-east-1"
        target = boto3.client("s3", region_name=region, config=RETRIES)
        encryption = target.get_bucket_encryption(Bucket=destination, ExpectedBucketOwner=owner)
    except ClientError as error:
        raise SyncError(
            f"{destination} cannot be read. Is it a pipeline bucket of one of the registered"
            f" regions ({os.environ['REGIONS']})? {error}",
            kind=kind_of(error),
        ) from error
    rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
    key_arn = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID", "")
    # An id or alias means a key of the caller's own account.
    if not key_arn.startswith("arn:"):
        raise SyncError(f"{destination} does not name a KMS key by ARN as its default encryption.")
    return target, key_arn


def copy(
    *,
    source: Any,
    target: Any,
    bucket: str,
    key: str,
    destination: str,
    key_arn: str,
    context: Any,
) -> None:
    """Copy one object inside S3, in parts if it is large; raise OutOfTimeError or SyncError."""
    copied: list[int] = []
    owner = os.environ["BUCKET_OWNER"]

    def progress(size_of_part: int) -> None:
        copied.append(size_of_part)
        if sum(copied) < size and context.get_remaining_time_in_millis() < RESERVE_MS:
            raise OutOfTimeError

    try:
        found = source.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)
        size = found["ContentLength"]
        target.copy(
            CopySource={"Bucket": bucket, "Key": key},
            Bucket=destination,
            Key=key,
            # Artifacts have no tags. Not reading them saves two permissions.
            ExtraArgs={
                "ExpectedBucketOwner": owner,
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": key_arn,
                "TaggingDirective": "REPLACE",
            },
            Callback=progress,
            SourceClient=source,
            Config=TRANSFER,
        )
    except ClientError as error:
        raise SyncError(
            f"s3://{bucket}/{key} cannot be copied to {destination}: {error}", kind=kind_of(error)
        ) from error
    LOG.info("copied s3://%s/%s (%d bytes) to %s", bucket, key, size, destination)


def kind_of(error: ClientError) -> str:
    """Return CodePipeline's failure type for an error of AWS."""
    return KIND_OF_CODE.get(error.response.get("Error", {}).get("Code", ""), "JobFailed")


def failure(error: Exception) -> dict[str, str]:
    """Return the failure details of a job for an error."""
    if isinstance(error, SyncError):
        return {"type": error.kind, "message": str(error)[:MESSAGE_LENGTH]}
    message = f"SyncArtifacts failed: {type(error).__name__}: {error}"
    return {"type": "JobFailed", "message": message[:MESSAGE_LENGTH]}
