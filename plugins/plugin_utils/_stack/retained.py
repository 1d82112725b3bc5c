# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and buckets that a deleted stack left: found by their tags, deleted only on demand."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn
from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import (
    is_ansible_aws_error_code,
)

from .._aws.gateway import AccountSession, Client
from .._errors import ErrorHandler, PipelineError

# A tag of the stack, which reaches what it makes and stays there. CloudFormation's own
# (aws:cloudformation:stack-name) does not reach keys.
_STACK_TAG = "crossaccount:stack"
# The longest window, in days, in which a deletion can still be cancelled.
_PENDING_DAYS = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retained:
    """One bucket or key without a stack.

    :param deletion_date: when the key is deleted for good (ISO 8601); None while none is scheduled.
    :param purged: whether this run emptied and deleted the bucket, or scheduled the key's deletion.
    """

    kind: t.Literal["bucket", "key"]
    arn: str
    region: str
    deletion_date: str | None = None
    purged: bool = False

    @property
    def name(self) -> str:
        """The bucket's name or the key's id."""
        return self.arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


class RetainedData:
    """What earlier stacks of one name left in one region."""

    def __init__(self, session: AccountSession, region: str) -> None:
        self._region = region
        self._tagging = session.client("resourcegroupstaggingapi", region)
        self._s3 = session.client("s3", region)
        self._kms = session.client("kms", region)

    @ErrorHandler.common_error_handler("list the retained keys and buckets")  # type: ignore[untyped-decorator]
    def of(self, stack_name: str, *, owned: t.Collection[str] = ()) -> list[Retained]:
        """Return the keys and buckets that stacks called *stack_name* left.

        :param owned: physical ids that belong to the stack that stands now.
        """
        pages = self._tagging.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": _STACK_TAG, "Values": [stack_name]}],
            ResourceTypeFilters=["s3", "kms:key"],
        )
        arns = [entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]]
        retained = (self._retained(arn) for arn in sorted(arns))
        # Buckets first: a key is of use until they are empty.
        return sorted(
            (one for one in retained if one is not None and one.name not in owned),
            key=lambda one: one.kind,
        )

    def _retained(self, arn: str) -> Retained | None:
        """Return what *arn* is; None for what the tag index still lists after its end."""
        parsed = parse_aws_arn(arn)
        try:
            if parsed is not None and parsed["service"] == "s3":
                self._s3.head_bucket(Bucket=parsed["resource"])
                return Retained(kind="bucket", arn=arn, region=self._region)
            date = self._kms.describe_key(KeyId=arn)["KeyMetadata"].get("DeletionDate")
        except is_boto3_error_code(["404", "NotFoundException"]):
            return None
        return Retained(
            kind="key",
            arn=arn,
            region=self._region,
            deletion_date=date.date().isoformat() if date else None,
        )

    def purge(self, retained: Retained) -> Retained:
        """Delete a bucket with all that it holds, or schedule a key's deletion, for good."""
        if retained.kind == "bucket":
            try:
                self._delete_bucket(retained.name)
            except is_ansible_aws_error_code("NoSuchBucket"):
                pass  # it went meanwhile
            return dataclasses.replace(retained, purged=True)
        if retained.deletion_date is not None:
            return retained
        return dataclasses.replace(
            retained, purged=True, deletion_date=_schedule_deletion(self._kms, retained.arn)
        )

    @ErrorHandler.common_error_handler("empty and delete the retained bucket")  # type: ignore[untyped-decorator]
    def _delete_bucket(self, name: str) -> None:
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=name):
            objects = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
            ]
            if objects:
                answer = self._s3.delete_objects(
                    Bucket=name, Delete={"Objects": objects, "Quiet": True}
                )
                for error in answer.get("Errors", []):
                    raise PipelineError(
                        f"cannot delete {error['Key']} of bucket {name}: {error['Message']}"
                    )
        self._s3.delete_bucket(Bucket=name)


@ErrorHandler.common_error_handler("schedule the deletion of the retained key")  # type: ignore[untyped-decorator]
def _schedule_deletion(kms: Client, arn: str) -> str:
    answer = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=_PENDING_DAYS)
    return t.cast("str", answer["DeletionDate"].date().isoformat())


__all__ = ("Retained", "RetainedData")
