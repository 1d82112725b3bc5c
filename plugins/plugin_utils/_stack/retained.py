# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and buckets of deleted stacks: found by tag, purged on request."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn
from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import (
    is_ansible_aws_error_code,
)

from .._aws.gateway import AccountSession, Client
from .._errors import ErrorHandler
from .result import RetainedEntry
from .versions import delete_versions

# A tag of the stack, which its resources keep. CloudFormation does not give keys its own tag
# (aws:cloudformation:stack-name).
_STACK_TAG = "crossaccount:stack"
# The longest window, in days, in which a deletion can still be cancelled.
_WINDOW_DAYS = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retained:
    """One bucket or key without a stack.

    :param deletion_date: when AWS deletes the key (ISO 8601); None while that is not scheduled.
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
        return _name(self.arn)

    def as_dict(self) -> RetainedEntry:
        """Return it as a task's result holds it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "arn": self.arn,
            "region": self.region,
            "deletion_date": self.deletion_date,
            "purged": self.purged,
        }


def _name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


class RetainedData:
    """The keys and buckets that deleted stacks left in one region."""

    def __init__(self, session: AccountSession, region: str) -> None:
        self._region = region
        self._session = session

    # A client costs more than its calls; most regions have nothing to read with S3's and KMS's.

    @property
    def _s3(self) -> Client:
        return self._session.client("s3", self._region)

    @property
    def _kms(self) -> Client:
        return self._session.client("kms", self._region)

    @ErrorHandler.common_error_handler("list the retained keys and buckets")  # type: ignore[untyped-decorator]
    def of(self, stack_name: str, *, owned: t.Collection[str] = ()) -> list[Retained]:
        """Return the keys and buckets that stacks called *stack_name* left.

        :param owned: physical ids of the present stack's resources.
        """
        tagging = self._session.client("resourcegroupstaggingapi", self._region)
        pages = tagging.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": _STACK_TAG, "Values": [stack_name]}],
            ResourceTypeFilters=["s3", "kms:key"],
        )
        arns = [entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]]
        found = (self._read(arn) for arn in sorted(arns) if _name(arn) not in owned)
        # Buckets first: the key is needed until they are empty.
        return sorted(filter(None, found), key=lambda item: item.kind)

    def _read(self, arn: str) -> Retained | None:
        """Return the bucket or key; None if gone (the tag index lags)."""
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
        """Delete a bucket and its content, or schedule a key's deletion."""
        if retained.kind == "bucket":
            try:
                self._delete_bucket(retained.name)
            except is_ansible_aws_error_code("NoSuchBucket"):
                pass  # somebody else deleted it first
            return dataclasses.replace(retained, purged=True)
        if retained.deletion_date is not None:
            return retained
        return dataclasses.replace(
            retained, purged=True, deletion_date=_schedule_deletion(self._kms, retained.arn)
        )

    @ErrorHandler.common_error_handler("empty and delete the retained bucket")  # type: ignore[untyped-decorator]
    def _delete_bucket(self, name: str) -> None:
        delete_versions(self._s3, name)
        self._s3.delete_bucket(Bucket=name)


@ErrorHandler.common_error_handler("schedule the deletion of the retained key")  # type: ignore[untyped-decorator]
def _schedule_deletion(kms: Client, arn: str) -> str:
    answer = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=_WINDOW_DAYS)
    return t.cast("str", answer["DeletionDate"].date().isoformat())


__all__ = ("Retained", "RetainedData")
