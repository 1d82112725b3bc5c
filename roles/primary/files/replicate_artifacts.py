# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event target: copy a new object of the build bucket to the buckets of developer accounts.

Developers then deploy the newest build from their own bucket. Copies are encrypted with the
destination's default key, which belongs to the developers.
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
# A single CopyObject call stops at 5 GB; a copy in parts does not.
TRANSFER = TransferConfig(
    multipart_threshold=64 * 1024**2, multipart_chunksize=64 * 1024**2, max_concurrency=10
)


class ReplicationError(Exception):
    """Some destinations did not get their copy; the message names them all."""


def handler(event: dict[str, Any], _context: Any) -> None:
    """Copy the object of an "Object Created" event to every destination.

    A destination that fails does not stop the others. ReplicationError is raised at the end, so
    that Lambda retries the event and counts the failure.
    """
    detail = event["detail"]
    copy_source = {"Bucket": detail["bucket"]["name"], "Key": detail["object"]["key"]}
    # The version of the event, not the newest one.
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
    """Return the region of a bucket, or None if unknown.

    S3 puts it into a header of every answer, "access denied" included, so this needs no permission
    in the developer's account.
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
        # No tags: copying them would need two more permissions.
        ExtraArgs={"TaggingDirective": "REPLACE"},
        SourceClient=source,
        Config=TRANSFER,
    )
    LOG.info("copied %s to %s", copy_source, destination)
