# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of a bucket that CloudFormation applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import s3
from ministack.services.cloudformation import provisioners

Put = Callable[[str, bytes], tuple[int, dict[str, str], bytes]]


def install() -> None:
    """Encryption, lifecycle, ownership and tags of a bucket.

    AWS: applied, with the stack's tags. MiniStack: dropped without a word.
    """
    provisioners._S3_BUCKET_CONFIGURATIONS += (
        (
            "BucketEncryption",
            _encryption,
            _checked(s3._put_bucket_encryption),
            s3._delete_bucket_encryption,
        ),
        (
            "LifecycleConfiguration",
            _lifecycle,
            _checked(s3._put_bucket_lifecycle),
            s3._delete_bucket_lifecycle,
        ),
        (
            "OwnershipControls",
            _ownership,
            _checked(s3._put_bucket_ownership_controls),
            s3._delete_bucket_ownership_controls,
        ),
        ("Tags", _tags, _checked(s3._put_bucket_tagging), s3._delete_bucket_tagging),
    )
    for resource_type in ("AWS::Events::Rule", "AWS::S3::Bucket"):
        provisioners._STACK_TAG_PROPERTY[resource_type] = ("Tags", "list")


def _checked(put: Put) -> Callable[[str, bytes], None]:
    """Fail the resource when S3 refuses the configuration."""

    def apply(bucket: str, xml: bytes) -> None:
        status, _unused, body = put(bucket, xml)
        if status >= 400:
            raise ValueError(body.decode())

    return apply


def _element(name: str, value: Any) -> str:
    """A value as XML: dicts are elements, lists repeat the element, None is left out."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, dict):
        inner = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _encryption(properties: dict[str, Any]) -> bytes:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault"),
            "BucketKeyEnabled": rule.get("BucketKeyEnabled"),
        }
        for rule in properties["ServerSideEncryptionConfiguration"]
    ]
    return _element("ServerSideEncryptionConfiguration", {"Rule": rules}).encode()


# A rule's property in CloudFormation, and how S3 writes it.
_LIFECYCLE: dict[str, Callable[[Any], dict[str, Any]]] = {
    "Id": lambda value: {"ID": value},
    "Status": lambda value: {"Status": value},
    "Prefix": lambda value: {"Filter": {"Prefix": value}},
    "ExpirationInDays": lambda value: {"Expiration": {"Days": value}},
    "ExpiredObjectDeleteMarker": lambda value: {"Expiration": {"ExpiredObjectDeleteMarker": value}},
    "NoncurrentVersionExpiration": lambda value: {"NoncurrentVersionExpiration": value},
    "AbortIncompleteMultipartUpload": lambda value: {"AbortIncompleteMultipartUpload": value},
}


def _lifecycle(properties: dict[str, Any]) -> bytes:
    """Rules as S3 writes them. A property that the lab does not know raises ValueError."""
    rules = []
    for rule in properties["Rules"]:
        unknown = set(rule) - set(_LIFECYCLE)
        if unknown:
            raise ValueError(f"The lab does not know lifecycle properties {sorted(unknown)}.")
        written: dict[str, Any] = {"Filter": {"Prefix": ""}}
        for name, value in rule.items():
            written.update(_LIFECYCLE[name](value))
        rules.append(written)
    return _element("LifecycleConfiguration", {"Rule": rules}).encode()


def _ownership(properties: dict[str, Any]) -> bytes:
    return _element("OwnershipControls", {"Rule": properties["Rules"]}).encode()


def _tags(tags: list[dict[str, str]]) -> bytes:
    return _element("Tagging", {"TagSet": {"Tag": tags}}).encode()


__all__ = ("install",)
