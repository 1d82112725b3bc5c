# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event target: start a pipeline with the artifacts of one build, and hand on copies of them.

A build that a newer one has overtaken is not released. Events may come late, twice or in any order:
the function runs once at a time, and whatever it does may be done again.

A copy below `<pipeline>/` is what a start by hand releases. Developer accounts get theirs below the
same prefix of their own build buckets, the trigger last: it starts their pipelines. Uploads of artifacts
that are built elsewhere are released and sent in the same way.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})
# A single CopyObject call stops at 5 GB; a copy in parts does not.
TRANSFER = TransferConfig(
    multipart_threshold=64 * 1024**2, multipart_chunksize=64 * 1024**2, max_concurrency=10
)
# BatchGetBuilds takes so many ids.
BATCH = 100


class StartError(Exception):
    """A build cannot be released."""


def handler(event: dict[str, Any], _context: Any) -> None:
    """Release the build, or the uploaded artifacts, of an event, and send them to developers.

    An error makes Lambda retry the event and then put it into the dead-letter queue. A developer
    account that cannot be written to is no error, because a retry would send to the others again:
    the event goes to the queue at once.
    """
    s3 = boto3.client("s3", config=RETRIES)
    detail = event["detail"]
    if event["source"] == "aws.s3":
        item = detail["object"]
        newest_versions = uploaded(s3)
        overtaken = newest_versions[os.environ["TRIGGER"]]["VersionId"] != item["version-id"]
        pinned = {"Key": item["key"], "VersionId": item["version-id"]}
        # As for every upload; a version's id has characters that a token cannot have.
        start(item["version-id"].encode().hex(), {**newest_versions, os.environ["TRIGGER"]: pinned})
        versions = {} if overtaken else newest_versions
    else:
        codebuild = boto3.client("codebuild", config=RETRIES)
        build = find_build(codebuild, detail["build-id"].rpartition("/")[2])
        if newer := newer_build(codebuild, build):
            LOG.info("%s is not released: %s has succeeded", build["id"], newer)
            return
        versions = built(s3, build)
        start(build["id"].rpartition(":")[2], versions, named=True)
        refresh(s3, versions)
    for receiver in json.loads(os.environ["RECEIVERS"]) if versions else ():
        try:
            send(s3, versions, receiver)
        except (BotoCoreError, ClientError) as error:
            LOG.exception("not sent to %s", receiver["bucket"])
            report(event, f"not sent to {receiver['bucket']}: {error}")


def find_build(codebuild: Any, build_id: str) -> dict[str, Any]:
    """Return a build; raise StartError if CodeBuild no longer has it."""
    builds = codebuild.batch_get_builds(ids=[build_id])["builds"]
    if not builds:
        raise StartError(f"CodeBuild has no build {build_id}.")
    build: dict[str, Any] = builds[0]
    return build


def newer_build(codebuild: Any, build: dict[str, Any]) -> str:
    """Return the id of a build with a higher number that has succeeded; empty if there is none."""
    # Without an order, which CodeBuild takes for up to 100 builds only: the newest come first.
    pages = codebuild.get_paginator("list_builds_for_project").paginate(
        projectName=build["projectName"]
    )
    for page in pages:
        ids = page["ids"]
        newer = ids[: ids.index(build["id"])] if build["id"] in ids else ids
        for start_at in range(0, len(newer), BATCH):
            found = codebuild.batch_get_builds(ids=newer[start_at : start_at + BATCH])["builds"]
            for other in found:
                higher = other["buildNumber"] > build["buildNumber"]
                if higher and other["buildStatus"] == "SUCCEEDED":
                    return str(other["id"])
        if len(newer) < len(ids):
            break
    return ""


def built(s3: Any, build: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return key and version of each artifact of a build, by the artifact's name.

    Raise StartError if the build has not left all of them.
    """
    names = list(json.loads(os.environ["ARTIFACTS"]))
    # The primary artifact, which is the first, has no identifier.
    left = {names[0]: build.get("artifacts", {}).get("location", "")}
    for artifact in build.get("secondaryArtifacts", []):
        left[artifact["artifactIdentifier"]] = artifact["location"]
    missing = [name for name in names if not left.get(name)]
    if missing:
        raise StartError(f"Build {build['id']} has not left {', '.join(missing)}.")
    # A location is the ARN of the object.
    keys = {name: left[name].partition(":::")[2].partition("/")[2] for name in names}
    return {name: newest(s3, key) for name, key in keys.items()}


def uploaded(s3: Any) -> dict[str, dict[str, str]]:
    """Return key and newest version of each uploaded artifact."""
    return {name: newest(s3, stable_key(name)) for name in json.loads(os.environ["ARTIFACTS"])}


def newest(s3: Any, key: str) -> dict[str, str]:
    """Return key and newest version of an object of the build bucket."""
    found = s3.head_object(
        Bucket=os.environ["BUILD_BUCKET"], Key=key, ExpectedBucketOwner=os.environ["BUCKET_OWNER"]
    )
    return {"Key": key, "VersionId": found["VersionId"]}


def start(token: str, versions: dict[str, dict[str, str]], *, named: bool = False) -> None:
    """Start the pipeline with exactly these versions; a second start with a token starts nothing.

    With named, their keys are named too: those of one build.
    """
    members = {"S3_OBJECT_VERSION_ID": "VersionId", **({"S3_OBJECT_KEY": "Key"} if named else {})}
    started = boto3.client("codepipeline", config=RETRIES).start_pipeline_execution(
        name=os.environ["PIPELINE"],
        clientRequestToken=token[:128],
        sourceRevisions=[
            {"actionName": name, "revisionType": kind, "revisionValue": version[member]}
            for name, version in versions.items()
            for kind, member in members.items()
        ],
    )
    LOG.info("%s is released by execution %s", versions, started["pipelineExecutionId"])


def refresh(s3: Any, versions: dict[str, dict[str, str]]) -> None:
    """Copy a build to where a start by hand finds it."""
    bucket, owner = os.environ["BUILD_BUCKET"], os.environ["BUCKET_OWNER"]
    for name, version in versions.items():
        if version["Key"] != stable_key(name):
            copy(s3, version, name, bucket=bucket, owner=owner)


def send(s3: Any, versions: dict[str, dict[str, str]], receiver: dict[str, str]) -> None:
    """Copy artifacts to a developer account, the trigger last.

    The first failure ends it, so the trigger never arrives without the others.
    """
    trigger = os.environ["TRIGGER"]
    region = region_of(s3, receiver["bucket"])
    for name in sorted(versions, key=lambda name: name == trigger):
        copy(
            s3,
            versions[name],
            name,
            bucket=receiver["bucket"],
            owner=receiver["account_id"],
            region=region,
        )


def copy(
    s3: Any,
    version: dict[str, str],
    name: str,
    *,
    bucket: str,
    owner: str,
    region: str | None = None,
) -> None:
    """Copy an artifact inside S3 to its stable key in a bucket of that owner."""
    target = boto3.client("s3", region_name=region, config=RETRIES)

    def expect_owner(params: dict[str, Any], **_event: Any) -> None:
        params["ExpectedBucketOwner"] = owner

    # As an argument of the copy it would be expected of the source bucket too.
    target.meta.events.register("provide-client-params.s3", expect_owner)
    with create_transfer_manager(target, TRANSFER) as manager:
        manager.copy(
            copy_source={"Bucket": os.environ["BUILD_BUCKET"], **version},
            bucket=bucket,
            key=stable_key(name),
            # No tags: copying them would need two more permissions.
            extra_args={"TaggingDirective": "REPLACE"},
            source_client=s3,
        ).result()
    LOG.info("copied %s to s3://%s/%s", version, bucket, stable_key(name))


def region_of(s3: Any, bucket: str) -> str | None:
    """Return the region of a bucket, or None if unknown.

    S3 puts it into a header of every answer, "access denied" included, so this needs no permission
    in the developer's account.
    """
    try:
        answer = s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    headers: dict[str, str] = answer["ResponseMetadata"].get("HTTPHeaders", {})
    return headers.get("x-amz-bucket-region")


def report(event: dict[str, Any], message: str) -> None:
    """Put an event into the dead-letter queue, as Lambda does."""
    boto3.client("sqs", config=RETRIES).send_message(
        QueueUrl=os.environ["FAILED_QUEUE"],
        MessageBody=json.dumps(event),
        MessageAttributes={"ErrorMessage": {"DataType": "String", "StringValue": message[:1024]}},
    )


def stable_key(name: str) -> str:
    """Return the key of an artifact that does not depend on the build."""
    return f"{os.environ['PIPELINE']}/{json.loads(os.environ['ARTIFACTS'])[name]}"
