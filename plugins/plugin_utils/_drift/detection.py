# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFormation's own drift detection of one stack: started, followed, and what it found."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_message

from .._aws.gateway import Client
from .._errors import ErrorHandler
from .finding import Finding, Resource, Unchecked, UncheckedKind

_ANOTHER_RUNS = "already in progress"
# A detection that AWS throttles ends with such reasons (cloudformation-coverage-roadmap#801).
_THROTTLED = re.compile(r"rate exceeded|throttl|too many requests|slow down", re.IGNORECASE)
_SHOWN = 120  # characters of a value in a message

# Types of our templates that have no read handler in their schema, and those that nobody can read.
_WITHOUT_DETECTION = re.compile(
    r"AWS::CloudFormation::|Custom::|AWS::CodeBuild::Project$|AWS::IAM::Policy$|AWS::SNS::TopicPolicy$"
)
_WHY_UNCHECKED = {
    "NOT_CHECKED": "CloudFormation has not checked it",
    "UNKNOWN": "CloudFormation could not check it",
}
_OLD = "its last check is older than this detection"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResourceDrift:
    """What the detection found about one resource.

    :param status: its StackResourceDriftStatus.
    :param differences: the entries of PropertyDifferences.
    :param expected: its properties as CloudFormation resolved them; None where it gives none.
    :param actual: its properties as CloudFormation found them; None where it gives none.
    :param why: CloudFormation's reason for the status.
    """

    resource: Resource
    status: str
    differences: tuple[dict[str, str], ...] = ()
    expected: dict[str, t.Any] | None = None
    actual: dict[str, t.Any] | None = None
    why: str = ""

    @classmethod
    def from_description(cls, drift: dict[str, t.Any], *, since: t.Any = None) -> ResourceDrift:
        """Return what *drift*, an entry of DescribeStackResourceDrifts, describes.

        :param since: when the detection began; it did not check what is older.
        """
        old = since is not None and drift["Timestamp"] < since
        return cls(
            resource=Resource(
                logical_id=drift["LogicalResourceId"],
                resource_type=drift["ResourceType"],
                physical_id=drift.get("PhysicalResourceId", ""),
            ),
            status="UNKNOWN" if old else drift["StackResourceDriftStatus"],
            differences=() if old else tuple(drift.get("PropertyDifferences", [])),
            expected=_properties(drift.get("ExpectedProperties")),
            actual=_properties(drift.get("ActualProperties")),
            why=_OLD if old else drift.get("DriftStatusReason", ""),
        )


class Detection:
    """A running drift detection of one stack.

    Every method raises PipelineError with AWS's message when a call fails.
    """

    def __init__(self, client: Client, stack_id: str, detection_id: str) -> None:
        self._client = client
        self._stack_id = stack_id
        self._detection_id = detection_id

    @ErrorHandler.common_error_handler("follow the drift detection")  # type: ignore[untyped-decorator]
    def end(self) -> EndedDetection | None:
        """Return the ended detection; None while it runs."""
        answer = self._client.describe_stack_drift_detection_status(
            StackDriftDetectionId=self._detection_id
        )
        if answer["DetectionStatus"] == "DETECTION_IN_PROGRESS":
            return None
        failure = ""
        if answer["DetectionStatus"] == "DETECTION_FAILED":
            failure = answer.get("DetectionStatusReason") or "no reason given"
        return EndedDetection(
            self._client, self._stack_id, since=answer.get("Timestamp"), failure=failure
        )


class EndedDetection:
    """A drift detection that has ended.

    :param since: when it began.
    :param failure: why it failed; it still reports the resources that it could check.
    """

    def __init__(self, client: Client, stack_id: str, *, since: t.Any, failure: str) -> None:
        self.failure = failure
        self._client = client
        self._stack_id = stack_id
        self._since = since

    @ErrorHandler.common_error_handler("read the drift of the resources")  # type: ignore[untyped-decorator]
    def drifts(self) -> list[ResourceDrift]:
        """Return what it found about every resource, in sync or not."""
        result: list[ResourceDrift] = []
        request = {"StackName": self._stack_id}
        while True:  # boto3 has no paginator for it
            answer = self._client.describe_stack_resource_drifts(**request)
            result.extend(
                ResourceDrift.from_description(drift, since=self._since)
                for drift in answer["StackResourceDrifts"]
            )
            if not answer.get("NextToken"):
                return result
            request["NextToken"] = answer["NextToken"]


@ErrorHandler.common_error_handler("start the drift detection")  # type: ignore[untyped-decorator]
def start_detection(client: Client, stack_id: str) -> Detection | None:
    """Start a detection; None while another one runs.

    :param stack_id: the id, so never a later stack of that name.
    """
    try:
        answer = client.detect_stack_drift(StackName=stack_id)
    except is_boto3_error_message(_ANOTHER_RUNS):
        return None
    return Detection(client, stack_id, answer["StackDriftDetectionId"])


def is_throttled(drifts: t.Iterable[ResourceDrift], failure: str) -> bool:
    """Return whether AWS throttled a detection, so that another one may see more.

    :param failure: why it failed, where it did.
    """
    reasons = [drift.why for drift in drifts if drift.status == "UNKNOWN"]
    return any(_THROTTLED.search(reason) for reason in (*reasons, failure))


def findings_of(drift: ResourceDrift) -> list[Finding]:
    """Return what has drifted in one resource, a finding for each property."""
    resource = drift.resource
    if drift.status == "DELETED":
        message = f"{resource} was deleted"
        return [Finding(kind="drifted", resource=resource, difference="DELETED", message=message)]
    if drift.status != "MODIFIED":
        return []
    found = [_finding(resource, difference) for difference in drift.differences]
    message = f"{resource} was modified"
    return found or [
        Finding(kind="drifted", resource=resource, difference="NOT_EQUAL", message=message)
    ]


def unchecked_of(
    drifts: t.Iterable[ResourceDrift], resources: t.Iterable[Resource], *, failure: str = ""
) -> list[Unchecked]:
    """Return the *resources* that the detection did not check.

    AWS leaves types without detection out of its answer, but also what it skipped.

    :param failure: why the detection failed, where it did.
    """
    by_id = {drift.resource.logical_id: drift for drift in drifts}
    result = []
    for resource in resources:
        drift = by_id.get(resource.logical_id)
        status = drift.status if drift else "NOT_CHECKED"
        if status in ("IN_SYNC", "MODIFIED", "DELETED"):
            continue
        if _is_undetectable(resource, status):
            kind: UncheckedKind = "undetectable"
            why = f"{resource.resource_type} has no drift detection"
        else:
            kind, why = "no_result", _WHY_UNCHECKED.get(status, f"CloudFormation reports {status}")
            reason = drift.why if drift and drift.why else failure
            why = f"{why}: {reason}" if reason else why
        result.append(Unchecked(resource=resource, kind=kind, why=why))
    return result


def _is_undetectable(resource: Resource, status: str) -> bool:
    known = _WITHOUT_DETECTION.match(resource.resource_type) is not None
    return status == "UNSUPPORTED" or (known and status == "NOT_CHECKED")


def _finding(resource: Resource, difference: dict[str, str]) -> Finding:
    name = difference["PropertyPath"].strip("/").replace("/", ".")
    kind, expected, actual = (
        difference["DifferenceType"],
        text_of(difference.get("ExpectedValue")),
        text_of(difference.get("ActualValue")),
    )
    if kind == "ADD":
        what = f"{name} was added: {_short(actual)}"
    elif kind == "REMOVE":
        what = f"{name} was removed: {_short(expected)}"
    else:
        what = f"{name} is {_short(actual)}, not {_short(expected)}"
    return Finding(
        kind="drifted",
        resource=resource,
        property=name,
        expected=expected,
        actual=actual,
        difference=kind,
        message=f"{resource}: {what}",
    )


def text_of(value: str | None) -> str:
    """Return a value of CloudFormation as text; empty for none."""
    return "" if value in (None, "null") else str(value)


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."


def _properties(text: str | None) -> dict[str, t.Any] | None:
    try:
        data = json.loads(text) if text else None
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


__all__ = (
    "Detection",
    "EndedDetection",
    "ResourceDrift",
    "findings_of",
    "is_throttled",
    "start_detection",
    "text_of",
    "unchecked_of",
)
