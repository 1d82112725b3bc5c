# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and buckets of one region, found by their tags, as AWS finds them."""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterable
from typing import Any

from tests.fakes.inventory import BUILD
from tests.fakes.service import FakeService, Refusal

_TODAY = datetime.datetime(2026, 11, 24, 8, 0, tzinfo=datetime.UTC)

Version = tuple[str, str]  # the object's key and the id of the version


class FakeData(FakeService):
    """The region's S3, KMS and index of tags.

    :ivar buckets: what each bucket holds: versions, and whether they are delete markers.
    :ivar keys: when each key is deleted for good, by its ARN.
    :ivar tags: the tags of everything, by its ARN.
    :ivar objects: the objects that were put: the requests, by bucket and key.
    :ivar held: the keys of objects that cannot be deleted, and why.
    """

    def __init__(self, region: str = "eu-west-1") -> None:
        super().__init__("s3", "kms", "resourcegroupstaggingapi", region=region)
        self.region = region
        self.buckets: dict[str, dict[Version, bool]] = {}
        self.keys: dict[str, datetime.datetime | None] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.held: dict[str, str] = {}
        self.page_size = 100

    # For tests

    @property
    def session(self) -> Any:
        """The session that opens its clients."""
        return types.SimpleNamespace(client=self._client)

    def _client(self, service: str, region: str) -> Any:
        assert region == self.region
        return self.clients[service]

    def add_bucket(
        self,
        name: str,
        *,
        stack_name: str = "One",
        versions: Iterable[Version] = (),
        markers: Iterable[Version] = (),
    ) -> str:
        """Add a bucket of a stack and return its ARN."""
        self.buckets[name] = dict.fromkeys(versions, False) | dict.fromkeys(markers, True)
        return self._tag(f"arn:aws:s3:::{name}", stack_name)

    def add_key(self, key_id: str, *, stack_name: str = "One", days: int | None = None) -> str:
        """Add a key of a stack, to be deleted in *days* from today, and return its ARN."""
        arn = f"arn:aws:kms:{self.region}:{BUILD}:key/{key_id}"
        self.keys[arn] = None if days is None else _TODAY + datetime.timedelta(days=days)
        return self._tag(arn, stack_name)

    def _tag(self, arn: str, stack_name: str) -> str:
        self.tags[arn] = {
            "application": "pipeline",
            "crossaccount:stack": stack_name,
        }
        return arn

    # The operations

    def _get_resources(
        self,
        TagFilters: list[dict[str, Any]],  # noqa: N803  # as AWS has it
        ResourceTypeFilters: list[str],  # noqa: N803
        PaginationToken: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        services = tuple(f"arn:aws:{one.split(':')[0]}:" for one in ResourceTypeFilters)
        found = [
            arn
            for arn, tags in reversed(self.tags.items())
            if arn.startswith(services)
            and all(tags.get(one["Key"]) in one["Values"] for one in TagFilters)
        ]
        begin = int(PaginationToken or 0)
        end = begin + self.page_size
        return {
            "ResourceTagMappingList": [{"ResourceARN": arn} for arn in found[begin:end]],
            "PaginationToken": str(end) if end < len(found) else "",
        }

    def _describe_key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803
        if KeyId not in self.keys:
            raise Refusal("NotFoundException", f"Key '{KeyId}' does not exist")
        date = self.keys[KeyId]
        metadata = {"KeyId": KeyId.rsplit("/", 1)[-1]}
        return {"KeyMetadata": metadata | ({"DeletionDate": date} if date else {})}

    def _schedule_key_deletion(
        self,
        KeyId: str,  # noqa: N803
        PendingWindowInDays: int,  # noqa: N803
    ) -> dict[str, Any]:
        if self.keys[KeyId] is not None:
            raise Refusal("KMSInvalidStateException", f"{KeyId} is pending deletion.")
        self.keys[KeyId] = _TODAY + datetime.timedelta(days=PendingWindowInDays)
        return {"KeyId": KeyId, "DeletionDate": self.keys[KeyId]}

    def _head_bucket(self, Bucket: str) -> dict[str, Any]:  # noqa: N803
        if Bucket not in self.buckets:
            raise Refusal("404", "Not Found")
        return {"BucketRegion": self.region}

    def _head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise Refusal("404", "Not Found")
        return {"ContentLength": len(self.objects[Bucket, Key]["Body"])}

    def _put_object(self, Body: Any, **request: Any) -> None:  # noqa: N803
        # botocore makes a file of what it is given, in some versions.
        body = Body if isinstance(Body, bytes) else Body.read()
        self.objects[request["Bucket"], request["Key"]] = {**request, "Body": body}

    def _list_object_versions(
        self,
        Bucket: str,  # noqa: N803
        KeyMarker: str = "",  # noqa: N803
        VersionIdMarker: str = "",  # noqa: N803
        **_more: Any,
    ) -> dict[str, Any]:
        if Bucket not in self.buckets:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist")
        after = sorted(one for one in self.buckets[Bucket] if one > (KeyMarker, VersionIdMarker))
        page = after[: self.page_size]
        answer: dict[str, Any] = {"IsTruncated": len(after) > len(page)}
        if answer["IsTruncated"]:
            answer["NextKeyMarker"], answer["NextVersionIdMarker"] = page[-1]
        for key, version in page:
            kind = "DeleteMarkers" if self.buckets[Bucket][key, version] else "Versions"
            answer.setdefault(kind, []).append({"Key": key, "VersionId": version})
        return answer

    def _delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        errors = []
        for one in Delete["Objects"]:
            if one["Key"] in self.held:
                errors.append(one | {"Code": "AccessDenied", "Message": self.held[one["Key"]]})
            else:
                del self.buckets[Bucket][one["Key"], one["VersionId"]]
        return {"Errors": errors} if errors else {}

    def _delete_bucket(self, Bucket: str) -> None:  # noqa: N803
        if self.buckets[Bucket]:
            raise Refusal("BucketNotEmpty", "The bucket you tried to delete is not empty")
        del self.buckets[Bucket]
