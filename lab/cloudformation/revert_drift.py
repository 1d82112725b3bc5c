# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift-aware change sets: DeploymentMode=REVERT_DRIFT."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from xml.etree import ElementTree

from ministack.core.responses import now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import (
    changesets,
    drift,
    engine,
    handlers,
    provisioners,
    stacks,
)

Parameters = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Response]
Data = dict[str, Any]

_MODE = "REVERT_DRIFT"
_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_EMPTY = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)
# Among the properties of a resource: they are what is there. Its value is what was deployed.
_ACTUAL = "_lab_actual"
# How a difference is removed.
_CHANGES = {"ADD": "Remove", "REMOVE": "Add", "NOT_EQUAL": "Modify"}
# What no reading of a resource shows.
_WRITE_ONLY = {"AWS::Lambda::Function": ("Code",)}


def install() -> None:
    """Teach change sets the mode.

    AWS: compares what is there with the last deployment and the template, and puts what drifted
    back, also what is gone. MiniStack: does not look at DeploymentMode.
    """
    for action, wrapper in {
        "CreateChangeSet": _create,
        "DescribeChangeSet": _describe,
        "ExecuteChangeSet": _execute,
    }.items():
        stock: Handler = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = partial(wrapper, stock)
    stacks._with_stack_tags = partial(_with_stack_tags, stacks._with_stack_tags)
    changesets._track_change_set_execution = partial(_track, changesets._track_change_set_execution)
    roll_back = partial(_roll_back, stacks._roll_back_operation)
    for module in (handlers, stacks):
        module._roll_back_operation = roll_back


def _create(stock: Handler, parameters: Parameters) -> Response:
    mode = cloudformation._p(parameters, "DeploymentMode")
    if mode not in ("", _MODE):
        refusal: Response = handlers._error(
            "ValidationError",
            f"1 validation error detected: Value '{mode}' at 'deploymentMode' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{_MODE}]",
        )
        return refusal
    answer = stock(parameters)
    if not mode or answer[0] != 200:
        return answer
    change_set_id = answer[2].decode().split("<Id>")[1].split("</Id>")[0]
    change_set = cloudformation._change_sets[change_set_id]
    change_set["DeploymentMode"] = mode
    if change_set["ChangeSetType"] == "UPDATE":
        _compare(change_set, handlers._resolve_stack(change_set["StackName"]))
    return answer


def _compare(change_set: Data, stack: Data) -> None:
    """Join what drifted to what the template changes."""
    comparison = _Comparison(change_set, stack)
    changes = comparison.changes()
    change_set["Changes"] = changes
    change_set["StackDriftStatus"] = comparison.stack_status
    change_set["_lab_drift"] = comparison.actual
    status = ("CREATE_COMPLETE", "AVAILABLE", "") if changes else ("FAILED", "UNAVAILABLE", _EMPTY)
    for name, value in zip(("Status", "ExecutionStatus", "StatusReason"), status, strict=True):
        change_set[name] = value


class _Comparison:
    """The three states of each resource: as deployed, as it is, as the template wants it.

    actual: for each resource to put back, its properties as they are; None when it is gone.
    """

    def __init__(self, change_set: Data, stack: Data) -> None:
        self._stack = stack
        self._template = change_set["_template"]
        self._values = change_set["_resolved_params"]
        self._planned = {
            change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
            for change in change_set["Changes"]
        }
        self._timestamp = now_iso()
        self._statuses: dict[str, str] = {}
        self.actual: dict[str, Data | None] = {}

    @property
    def stack_status(self) -> str:
        found = set(self._statuses.values())
        if found & {"DELETED", "MODIFIED"}:
            return "DRIFTED"
        return "UNKNOWN" if "UNKNOWN" in found else "IN_SYNC"

    def changes(self) -> list[Data]:
        """The changes of the template, and those that drift asks for."""
        changes = dict(self._planned)
        for logical_id, record in self._stack["_resources"].items():
            removed = changes.get(logical_id, {}).get("Action") == "Remove"
            change = self._one(logical_id, record, changes.get(logical_id))
            if change:
                changes[logical_id] = change
            if removed:
                self.actual.pop(logical_id, None)
        gone = {logical_id for logical_id, actual in self.actual.items() if actual is None}
        for logical_id, change in self._referring(gone):
            changes.setdefault(logical_id, change)
        return [{"ResourceChange": changes[logical_id]} for logical_id in sorted(changes)]

    def _one(self, logical_id: str, record: Data, planned: Data | None) -> Data | None:
        resource_type = record["ResourceType"]
        if not drift.supports_drift(resource_type):
            return planned and {**planned, "ResourceDriftStatus": "UNSUPPORTED"}
        found = self._detect(logical_id, record)
        status = found["StackResourceDriftStatus"]
        self._statuses[logical_id] = status
        change = planned
        if status == "DELETED":
            change = self._recreated(logical_id, record, planned)
        elif status != "UNKNOWN" and not (planned and planned["Action"] == "Remove"):
            change = self._modified(logical_id, record, planned)
        if change is None:
            return None
        ignored = [
            {"Path": f"/Properties/{name}", "Reason": "WRITE_ONLY_PROPERTY"}
            for name in _WRITE_ONLY.get(resource_type, ())
            if name in record["Properties"]
        ]
        return {
            **change,
            "ResourceDriftStatus": status,
            "ResourceDriftIgnoredAttributes": ignored,
        }

    def _detect(self, logical_id: str, record: Data) -> Data:
        found: Data = drift.detect_resource_drift(self._stack, logical_id, record, self._timestamp)
        return found

    def _recreated(self, logical_id: str, record: Data, planned: Data | None) -> Data | None:
        """What is gone is made again; what the template removes is gone already."""
        self.actual[logical_id] = None
        if planned and planned["Action"] == "Remove":
            return planned
        return {
            "Action": "Add",
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": record["PhysicalResourceId"],
            "ResourceType": record["ResourceType"],
            "Scope": [],
            "Details": [],
            "_after": self._wanted(logical_id, record),
        }

    def _modified(self, logical_id: str, record: Data, planned: Data | None) -> Data | None:
        """The change that leads from what is there to what the template wants."""
        wanted = self._wanted(logical_id, record)
        drifted = self._detect(logical_id, record)
        found = self._detect(logical_id, {**record, "Properties": wanted})
        if drifted["StackResourceDriftStatus"] == "IN_SYNC":
            return planned
        before = {
            difference["PropertyPath"]: difference["ExpectedValue"]
            for difference in drifted.get("PropertyDifferences", [])
        }
        details = [
            self._detail(record, difference, before)
            for difference in found.get("PropertyDifferences", [])
            if self._can_be_reverted(record["ResourceType"], difference)
        ]
        if not details and planned is None:
            return None
        actual = _merged(record["Properties"], drifted)
        self.actual[logical_id] = actual
        base = planned or {
            "Action": "Modify",
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": record["PhysicalResourceId"],
            "ResourceType": record["ResourceType"],
            "Replacement": "False",
            "Scope": [],
            "Details": [],
        }
        if planned and not details:
            base = {**base, "Action": "SyncWithActual"}
        scope = [*base["Scope"], *(detail["Target"]["Attribute"] for detail in details)]
        return {
            **base,
            "Scope": list(dict.fromkeys(scope)),
            "Details": [*base["Details"], *details],
            "_before": actual,
            "_previous": record["Properties"],
            "_after": wanted,
        }

    def _can_be_reverted(self, resource_type: str, difference: Data) -> bool:
        """Neither what needs another resource, nor a tag that the template does not know."""
        name = difference["PropertyPath"].split("/")[1]
        if name == "Tags" and difference["DifferenceType"] == "ADD":
            return False
        recreation: str = provisioners._property_recreation(resource_type, name)
        return recreation != "Always"

    def _detail(self, record: Data, difference: Data, before: dict[str, str]) -> Data:
        path = difference["PropertyPath"]
        name = path.split("/")[1]
        attribute = {"Attribute": "Tags"} if name == "Tags" else {"Attribute": "Properties"}
        recreation = provisioners._property_recreation(record["ResourceType"], name)
        drifted = {
            "PreviousValue": before.get(path),
            "ActualValue": difference["ActualValue"],
            "DriftDetectionTimestamp": self._timestamp,
        }
        return {
            "Target": {
                **attribute,
                "Name": name,
                "RequiresRecreation": recreation,
                "Path": f"/Properties{path}",
                "BeforeValue": difference["ActualValue"],
                "AfterValue": difference["ExpectedValue"],
                "BeforeValueFrom": "ACTUAL_STATE",
                "AfterValueFrom": "TEMPLATE",
                "Drift": drifted if path in before else None,
                "AttributeChangeType": _CHANGES[difference["DifferenceType"]],
            },
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }

    def _wanted(self, logical_id: str, record: Data) -> Data:
        """The properties by the template; those deployed where it names what is not there yet."""
        definition = self._template.get("Resources", {}).get(logical_id)
        if definition is None:
            return dict(record["Properties"])
        conditions = engine._evaluate_conditions(self._template, self._values)
        resolve = partial(
            engine._resolve_refs,
            copy.deepcopy(definition.get("Properties", {})),
            self._stack["_resources"],
            self._values,
            conditions,
            self._template.get("Mappings", {}),
            self._stack["StackName"],
            self._stack["StackId"],
        )
        try:
            resolved = resolve()
        except (KeyError, ValueError):
            return dict(record["Properties"])
        return {name: value for name, value in resolved.items() if value is not engine._NO_VALUE}

    def _referring(self, gone: set[str]) -> Iterator[tuple[str, Data]]:
        """Resources that refer to one that is made again: they follow it, if it moves."""
        for logical_id, record in self._stack["_resources"].items():
            definition = self._template.get("Resources", {}).get(logical_id, {})
            details: list[Data] = []
            for name, value in definition.get("Properties", {}).items():
                recreation = provisioners._property_recreation(record["ResourceType"], name)
                for other, attribute in engine._intrinsic_references(value):
                    if other not in gone:
                        continue
                    target = {"Attribute": "Properties", "Name": name}
                    detail: Data = {
                        "Target": {**target, "RequiresRecreation": recreation},
                        "Evaluation": "Dynamic",
                        "ChangeSource": "ResourceAttribute" if attribute else "ResourceReference",
                        "CausingEntity": f"{other}.{attribute}" if attribute else other,
                    }
                    if detail not in details:
                        details.append(detail)
            if details and logical_id not in gone:
                never = all(detail["Target"]["RequiresRecreation"] == "Never" for detail in details)
                yield (
                    logical_id,
                    {
                        "Action": "Modify",
                        "LogicalResourceId": logical_id,
                        "PhysicalResourceId": record["PhysicalResourceId"],
                        "ResourceType": record["ResourceType"],
                        "Replacement": "False" if never else "Conditional",
                        "Scope": ["Properties"],
                        "Details": details,
                        "ResourceDriftStatus": self._statuses.get(logical_id, "UNSUPPORTED"),
                    },
                )


def _merged(properties: Data, found: Data) -> Data:
    """The properties as they are: as deployed, where they cannot be read."""
    expected = json.loads(found["ExpectedProperties"])
    actual = json.loads(found["ActualProperties"])
    unknown = {name: value for name, value in properties.items() if name not in expected}
    return {**unknown, **actual}


def _describe(stock: Handler, parameters: Parameters) -> Response:
    """DescribeChangeSet with what only such change sets have; values only if requested."""
    names = (cloudformation._p(parameters, key) for key in ("ChangeSetName", "StackName"))
    _unused, change_set = changesets._find_change_set(*names)
    status, headers, body = stock(parameters)
    if status != 200 or not change_set or not change_set.get("DeploymentMode"):
        return status, headers, body
    values = cloudformation._p(parameters, "IncludePropertyValues").lower() == "true"
    ElementTree.register_namespace("", _NAMESPACE)
    root = ElementTree.fromstring(body)  # noqa: S314  # the lab's own
    result = next(_all(root, "DescribeChangeSetResult"))
    _add(result, "DeploymentMode", change_set["DeploymentMode"])
    _add(result, "StackDriftStatus", change_set.get("StackDriftStatus"))
    shown = _all(result, "ResourceChange")
    for element, change in zip(shown, change_set["Changes"], strict=True):
        _describe_change(element, change["ResourceChange"], values)
    return status, headers, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _describe_change(element: ElementTree.Element, change: Data, values: bool) -> None:
    _add(element, "ResourceDriftStatus", change.get("ResourceDriftStatus"))
    ignored = change.get("ResourceDriftIgnoredAttributes")
    if ignored:
        listed = _add(element, "ResourceDriftIgnoredAttributes", "")
        for attribute in ignored:
            _add(listed, "member", attribute)
    if values:
        for name, key in (
            ("BeforeContext", "_before"),
            ("AfterContext", "_after"),
            ("PreviousDeploymentContext", "_previous"),
        ):
            if key in change:
                _add(element, name, json.dumps({"Properties": change[key]}, sort_keys=True))
    targets = _all(element, "Target")
    for target, detail in zip(targets, change.get("Details", []), strict=True):
        more = dict(detail["Target"])
        if not values:
            for name in ("BeforeValue", "AfterValue", "Drift"):
                more.pop(name, None)
        for name in more.keys() - {"Attribute", "Name", "RequiresRecreation"}:
            _add(target, name, more[name])


def _all(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return element.iter(f"{{{_NAMESPACE}}}{name}")


def _add(element: ElementTree.Element, name: str, value: Any) -> ElementTree.Element:
    """Add a member, with its own members where it has some; nothing for None."""
    added = ElementTree.Element(f"{{{_NAMESPACE}}}{name}")
    if isinstance(value, dict):
        for key, item in value.items():
            _add(added, key, item)
    else:
        added.text = value
    if value is not None:
        element.append(added)
    return added


def _execute(stock: Handler, parameters: Parameters) -> Response:
    """Let the update begin with the resources as they are.

    What differs from the template is then updated, what is gone is created, each with the
    permissions for that, and a rollback leads to what was there before.
    """
    names = (cloudformation._p(parameters, key) for key in ("ChangeSetName", "StackName"))
    _unused, change_set = changesets._find_change_set(*names)
    drifted = change_set.get("_lab_drift") if change_set else None
    if not drifted or change_set["ExecutionStatus"] != "AVAILABLE":
        return stock(parameters)
    stack = handlers._resolve_stack(change_set["StackName"])
    resources = stack["_resources"]
    stack["_lab_gone"] = {
        logical_id: resources.pop(logical_id)
        for logical_id, actual in drifted.items()
        if actual is None
    }
    for logical_id in drifted.keys() - stack["_lab_gone"].keys():
        record = resources[logical_id]
        properties = {**drifted[logical_id], _ACTUAL: record["Properties"]}
        resources[logical_id] = {**record, "Properties": properties}
    answer = stock(parameters)
    if answer[0] != 200:
        _restore(stack)
    return answer


async def _track(stock: Callable[..., Any], change_set: Data, stack: Data, work: Any) -> None:
    """After a success, nothing of it is to be rolled back any more."""
    await stock(change_set, stack, work)
    if change_set["ExecutionStatus"] == "EXECUTE_COMPLETE":
        stack.pop("_lab_gone", None)


async def _roll_back(
    stock: Callable[..., Any], name: str, stack_id: str, stack: Data, *rest: Any, **more: Any
) -> None:
    """After a rollback, the stack still expects what the last deployment wanted."""
    await stock(name, stack_id, stack, *rest, **more)
    _restore(stack)


def _restore(stack: Data) -> None:
    resources = stack["_resources"]
    for logical_id, record in stack.pop("_lab_gone", {}).items():
        resources.setdefault(logical_id, record)
    for logical_id, record in resources.items():
        if _ACTUAL in record["Properties"]:
            resources[logical_id] = {**record, "Properties": record["Properties"][_ACTUAL]}


def _with_stack_tags(
    stock: Callable[..., Data], resource_type: str, properties: Data, tags: Any, *rest: str
) -> Data:
    """The stack's tags are on what the template wants; what is there may lack them."""
    if _ACTUAL not in properties:
        return stock(resource_type, properties, tags, *rest)
    actual = {name: value for name, value in properties.items() if name != _ACTUAL}
    return stock(resource_type, actual, [], *rest)


__all__ = ("install",)
