# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delete objects of a bucket with all their versions."""

from __future__ import annotations

import typing as t

from .._aws.gateway import Client
from .._errors import PipelineError


def delete_versions(s3: Client, bucket: str, prefix: str = "") -> int:
    """Delete every version of every object below *prefix*, and return how many there were.

    Raises PipelineError for an object that AWS does not delete, botocore's errors otherwise.
    """
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        objects = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]
        if objects:
            _delete(s3, bucket, objects)
        deleted += len(objects)
    return deleted


def _delete(s3: Client, bucket: str, objects: list[dict[str, t.Any]]) -> None:
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for error in answer.get("Errors", []):
        raise PipelineError(f"cannot delete {error['Key']} in bucket {bucket}: {error['Message']}")


__all__ = ("delete_versions",)
