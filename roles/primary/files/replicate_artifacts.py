# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event target: copy a new object of the build bucket to the buckets of developer accounts.

A developer then deploys the newest build from a bucket of their own. Objects are encrypted as the
destination's default says: the keys there are the developers' own.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})
# One call copies 5 GB at most. Parts have no such limit.
TRANSFER = TransferConfig(
    multipart_threshold=64 * 1024**2, multipart_chunksize=64 * 1024**2, max_concurrency=10
)


class ReplicationError(Exception):
    """At least one destination has not got its copy; the message names all of them."""


def handler(event: dict[str, Any], _context: Any) -> None:
    """Copy the object of an "Object Created" event to every destination.

    One destination that refuses does not keep the others from their copy. Raise ReplicationError
    at the end in that case: Lambda then runs the event again, and the failure is seen.
    """
    detail = event["detail"]
    copy_source = {"Bucket": detail["bucket"]["name"], "Key": detail["object"]["key"]}
    # The version of the event, not what is newest by now.
    if detail["object"].get("version-id"):
        copy_source["VersionId"] = detail["object"]["version-id"]
    source = boto3.client("s3", config=RETRIES)
    failed = []
    for destination in destinations():
        try:
            copy(source=source, copy_source=copy_source, destination=destination)
        except (BotoCoreError, ClientError) as error:
            LOG.exception("%s not copied to %s", copy_source, destination)
            failed.append(f"{destination}: {error}")
    if failed:
        raise ReplicationError(
            f"s3://{copy_source['Bucket']}/{copy_source['Key']}: " + "; ".join(failed)
        )


def destinations() -> list[str]:
    """Return the names of the destination buckets."""
    arns = os.environ["DESTINATION_BUCKET_ARNS"].split(",")
    return [arn.rpartition(":")[2] for arn in arns if arn]


def region_of(source: Any, bucket: str) -> str | None:
    """Return the region of a bucket, None if S3 does not say.

    S3 says it in a header also to a caller who may not look into the bucket, so no permission in
    the developer's account is needed for it.
    """
    try:
        answer = source.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    headers: dict[str, str] = answer["ResponseMetadata"].get("HTTPHeaders", {})
    return headers.get("x-amz-bucket-region")


def copy(*, source: Any, copy_source: dict[str, str], destination: str) -> None:
    """Copy one object inside S3, in parts if it is large."""
    region = region_of(source, destination)
    target = boto3.client("s3", region_name=region, config=RETRIES)
    target.copy(
        CopySource=copy_source,
        Bucket=destination,
        Key=copy_source["Key"],
        # Tags stay behind: copying them would take two more permissions.
        ExtraArgs={"TaggingDirective": "REPLACE"},
        SourceClient=source,
        Config=TRANSFER,
    )
    LOG.info("copied %s to %s", copy_source, destination)
