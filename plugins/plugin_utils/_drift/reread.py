# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties read directly: what CloudFormation reports, and resources that it leaves out.

Its detection has reported differences that were none, of every kind of bucket that we make
(cloudformation-coverage-roadmap#1072, #1106, #1292, #2554).
"""

from __future__ import annotations

import functools
import json
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.gateway import AccountSession, Client
from .._errors import ErrorHandler, PipelineError
from .._policy.carriers import setting_difference
from .detection import ResourceDrift
from .finding import Finding, Resource, Unchecked
from .policies import PolicyDrift, as_finding

Data = dict[str, t.Any]
_Clients = t.Callable[[str], Client]

_NO_RULES = (
    "NoSuchPublicAccessBlockConfiguration",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)


class LiveProperties:
    """Properties of resources, read one by one in the form of a template."""

    def __init__(self, session: AccountSession, region: str, account_id: str) -> None:
        self._clients: _Clients = functools.cache(lambda service: session.client(service, region))
        self._account_id = account_id

    def without_mistakes(
        self, findings: t.Iterable[Finding], drifts: t.Iterable[ResourceDrift]
    ) -> tuple[Finding, ...]:
        """Return the detection's *findings* without those whose live value is as expected.

        A property that cannot be read stays.
        """
        expected = {drift.resource.logical_id: drift.expected or {} for drift in drifts}
        is_right = functools.cache(
            lambda resource, prop: self._is(resource, prop, expected[resource.logical_id])
        )
        return tuple(
            finding
            for finding in findings
            if finding.difference == "DELETED"
            or not is_right(finding.resource, finding.property.partition(".")[0])
        )

    def of_left_out(
        self,
        unchecked: t.Iterable[Unchecked],
        drifts: t.Iterable[ResourceDrift],
        policies: PolicyDrift,
    ) -> tuple[list[Finding], list[Unchecked]]:
        """Return what differs in resources without a result, and those that stay unchecked.

        CloudFormation has left keys out of its answer (cloudformation-coverage-roadmap#1671).
        A resource is checked where every property of its template can be read.
        """
        answered = {drift.resource.logical_id for drift in drifts}
        findings: list[Finding] = []
        left: list[Unchecked] = []
        for item in unchecked:
            found = None
            if item.kind == "no_result" and item.resource.logical_id not in answered:
                found = self._differing(item.resource, policies)
            findings += found or []
            left += [item] if found is None else []
        return findings, left

    def _differing(self, resource: Resource, policies: PolicyDrift) -> list[Finding] | None:
        readers = _READERS.get(resource.resource_type, {})
        unreadable = _WRITE_ONLY.get(resource.resource_type, frozenset())
        try:
            wanted = policies.not_compared(resource)
            found = {
                prop: self._read(readers[prop], resource.physical_id, prop)
                for prop in wanted.keys() - unreadable
            }
        except (KeyError, PipelineError):
            return None
        return [
            as_finding(setting_difference(resource, prop, _text(wanted[prop]), _text(value)))
            for prop, value in sorted(found.items())
            if _canonical(value) != _canonical(wanted[prop])
        ]

    def _is(self, resource: Resource, prop: str, expected: Data) -> bool:
        readers = _READERS.get(resource.resource_type, {})
        if prop not in readers or prop not in expected:
            return False
        try:
            live = self._read(readers[prop], resource.physical_id, prop)
        except PipelineError:
            return False
        return bool(_canonical(live) == _canonical(expected[prop]))

    @ErrorHandler.common_error_handler("read the property again")  # type: ignore[untyped-decorator]
    def _read(self, reader: _Reader, physical_id: str, prop: str) -> t.Any:
        return reader(self._clients, physical_id, prop, self._account_id)


_Reader = t.Callable[[_Clients, str, str, str], t.Any]


def _bucket(clients: _Clients, name: str, prop: str, account_id: str) -> t.Any:
    operation, convert = _BUCKET[prop]
    call = getattr(clients("s3"), operation)
    try:
        answer = call(Bucket=name, ExpectedBucketOwner=account_id)
    except is_boto3_error_code(_NO_RULES):
        return None
    return convert(answer)


def _encryption(answer: Data) -> Data:
    """Leave out what S3 adds by itself."""
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
                "ServerSideEncryptionByDefault": rule.get("ApplyServerSideEncryptionByDefault"),
            }
            for rule in rules
        ]
    }


def _notifications(answer: Data) -> Data:
    result = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    if "EventBridgeConfiguration" in result:
        result["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
    return result


def _key(clients: _Clients, key_id: str, prop: str, _account_id: str) -> t.Any:
    if prop == "EnableKeyRotation":
        return clients("kms").get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
    return clients("kms").describe_key(KeyId=key_id)["KeyMetadata"][prop]


def _function(clients: _Clients, name: str, prop: str, _account_id: str) -> t.Any:
    return clients("lambda").get_function(FunctionName=name)["Configuration"].get(prop)


def _rule(clients: _Clients, name: str, prop: str, _account_id: str) -> t.Any:
    found = clients("events").describe_rule(Name=name).get(prop)
    return json.loads(found) if prop == "EventPattern" and found else found


_BUCKET: dict[str, tuple[str, t.Callable[[Data], t.Any]]] = {
    "BucketEncryption": ("get_bucket_encryption", _encryption),
    "NotificationConfiguration": ("get_bucket_notification_configuration", _notifications),
    "OwnershipControls": (
        "get_bucket_ownership_controls",
        lambda answer: answer["OwnershipControls"],
    ),
    "PublicAccessBlockConfiguration": (
        "get_public_access_block",
        lambda answer: answer["PublicAccessBlockConfiguration"],
    ),
    "VersioningConfiguration": (
        "get_bucket_versioning",
        lambda answer: {"Status": answer.get("Status", "Suspended")},
    ),
}
_READERS: dict[str, dict[str, _Reader]] = {
    "AWS::S3::Bucket": dict.fromkeys(_BUCKET, _bucket),
    "AWS::KMS::Key": dict.fromkeys(("Description", "EnableKeyRotation", "Enabled"), _key),
    "AWS::Lambda::Function": dict.fromkeys(
        ("Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout"), _function
    ),
    "AWS::Events::Rule": dict.fromkeys(("Description", "EventPattern", "State"), _rule),
}


# By their schemas; no API returns them.
_WRITE_ONLY = {"AWS::KMS::Key": frozenset({"PendingWindowInDays"})}


def _text(value: t.Any) -> str:
    found = _canonical(value)
    return found if isinstance(found, str) else json.dumps(found)


def _canonical(value: t.Any) -> t.Any:
    """Return *value* in one form: CloudFormation writes numbers and booleans as text too."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


__all__ = ("LiveProperties",)
