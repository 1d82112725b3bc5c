# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFormation of one region that also detects drift, in as many polls as a test wants."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from typing import Any

from tests.fakes.cloudformation import FakeCloudFormation, FakeStack
from tests.fakes.service import Refusal

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
BEFORE = NOW - datetime.timedelta(days=1)


@dataclasses.dataclass
class FakeDetection:
    """One detection, and the statuses that it will have, one for each poll."""

    stack: FakeStack
    coming: list[str]


class FakeDrift(FakeCloudFormation):
    """The region.

    :ivar reverting: called when a drift-aware change set is executed.
    :ivar drifts: what is said of the resources of each stack, by its name.
    :ivar coming: the statuses that each detection goes through.
    :ivar busy: how often another detection runs, by the name of the stack.
    """

    def __init__(self) -> None:
        super().__init__()
        self.drifts: dict[str, list[dict[str, Any]]] = {}
        self.coming = ["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"]
        self.reason = ""
        self.busy: dict[str, int] = {}
        self.detections: list[FakeDetection] = []
        self.reverting: Callable[[], None] = lambda: None

    def add_with(self, *resources: dict[str, Any], **more: Any) -> FakeStack:
        """Add a stack of these resources, each as :func:`resource` makes it."""
        return self.add(resources=list(resources), **more)

    def _detect_stack_drift(self, StackName: str) -> dict[str, Any]:  # noqa: N803  # as AWS has it
        stack = self._find(StackName)
        if self.busy.get(stack.name):
            self.busy[stack.name] -= 1
            raise Refusal(
                "ValidationError", f"Drift detection is already in progress for stack {StackName}"
            )
        self.detections.append(FakeDetection(stack, list(self.coming)))
        return {"StackDriftDetectionId": str(len(self.detections))}

    def _describe_stack_drift_detection_status(
        self,
        StackDriftDetectionId: str,  # noqa: N803
    ) -> dict[str, Any]:
        detection = self.detections[int(StackDriftDetectionId) - 1]
        status = detection.coming[0]
        if len(detection.coming) > 1:
            detection.coming.pop(0)
        return {
            "StackId": detection.stack.stack_id,
            "StackDriftDetectionId": StackDriftDetectionId,
            "DetectionStatus": status,
            "DetectionStatusReason": self.reason,
            "Timestamp": NOW,
        }

    def _create_change_set(self, **request: Any) -> dict[str, Any]:
        if request.pop("UsePreviousTemplate", False):
            stack = self._find(request["StackName"])
            assert {one["ParameterKey"] for one in request["Parameters"]} == set(stack.parameters)
            request["TemplateBody"] = stack.template
            request["Parameters"] = [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in stack.parameters.items()
            ]
        return super()._create_change_set(**request)

    def _describe_change_set(
        self,
        StackName: str,  # noqa: N803
        ChangeSetName: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
        IncludePropertyValues: bool = False,  # noqa: N803
    ) -> dict[str, Any]:
        answer = super()._describe_change_set(StackName, ChangeSetName, NextToken)
        assert IncludePropertyValues or "DeploymentMode" not in self.change_sets[-1].request
        return answer

    def _execute_change_set(self, ChangeSetName: str, **more: Any) -> None:  # noqa: N803
        super()._execute_change_set(ChangeSetName, **more)
        self.reverting()

    def _describe_stack_resource_drifts(
        self,
        StackName: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        stack = self._find(StackName)
        return self._page("StackResourceDrifts", self.drifts.get(stack.name, []), NextToken)


def resource(logical_id: str, resource_type: str, physical_id: str = "") -> dict[str, Any]:
    """Return one resource, as ListStackResources returns it."""
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "PhysicalResourceId": physical_id or f"one-{logical_id.lower()}",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": BEFORE,
    }


def drift(
    logical_id: str,
    resource_type: str,
    status: str,
    *differences: dict[str, str],
    expected: Any = None,
    actual: Any = None,
    timestamp: datetime.datetime = NOW,
    **more: Any,
) -> dict[str, Any]:
    """Return the drift of one resource, as DescribeStackResourceDrifts returns it."""
    told: dict[str, Any] = {
        "StackId": "arn:aws:cloudformation:us-east-1:111111111111:stack/One/1",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"one-{logical_id.lower()}",
        "ResourceType": resource_type,
        "StackResourceDriftStatus": status,
        "PropertyDifferences": list(differences),
        "Timestamp": timestamp,
    }
    if expected is not None:
        told["ExpectedProperties"] = json.dumps(expected)
    if actual is not None:
        told["ActualProperties"] = json.dumps(actual)
    return told | more


def difference(path: str, expected: Any, actual: Any, kind: str = "NOT_EQUAL") -> dict[str, str]:
    """Return one entry of PropertyDifferences."""
    return {
        "PropertyPath": path,
        "ExpectedValue": expected if isinstance(expected, str) else json.dumps(expected),
        "ActualValue": actual if isinstance(actual, str) else json.dumps(actual),
        "DifferenceType": kind,
    }
