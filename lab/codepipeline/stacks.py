# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CloudFormation actions of a pipeline, all done with the action's role."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .work import ActionFailedError, Work

Data = dict[str, Any]

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_STANDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_GONE = ("DELETE_COMPLETE",)
# Of a template in an artifact; CloudFormation itself takes 1 MB from a bucket.
_LARGEST_TEMPLATE = 512 * 1024


def deploy(work: Work) -> str:
    """Do what the action's mode asks for; a line about it. Raises ActionFailedError."""
    return _MODES[work.configuration["ActionMode"]](work, work.client("cloudformation"))


def _replace_change_set(work: Work, cloudformation: Any) -> str:
    configuration = work.configuration
    stack, name = configuration["StackName"], configuration["ChangeSetName"]
    request = _request(work)
    status, _reason = _status(cloudformation, stack)
    if status:
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
        _wait_while_there(work, cloudformation, stack, name)
    kind = "CREATE" if status in ("", "REVIEW_IN_PROGRESS") else "UPDATE"
    cloudformation.create_change_set(ChangeSetName=name, ChangeSetType=kind, **request)
    while True:
        found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        if found["Status"] == "CREATE_COMPLETE":
            return f"Change set {name} was created."
        if found["Status"] == "FAILED":
            if _is_empty(found.get("StatusReason", "")):
                return "No changes."
            raise ActionFailedError(f"Change set {name}: {found.get('StatusReason', '')}")
        work.pause()


def _wait_while_there(work: Work, cloudformation: Any, stack: str, name: str) -> None:
    while True:
        try:
            cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        except cloudformation.exceptions.ChangeSetNotFoundException:
            return
        work.pause()


def _execute_change_set(work: Work, cloudformation: Any) -> str:
    """An empty change set is not an error: there is nothing to execute."""
    configuration = work.configuration
    stack, name = configuration["StackName"], configuration["ChangeSetName"]
    found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    if found["Status"] == "FAILED" and _is_empty(found.get("StatusReason", "")):
        _take_outputs(work, cloudformation, found["StackId"])
        return "No changes."
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    return _wait_for_stack(work, cloudformation, found["StackId"], _STANDS)


def _create_or_update(work: Work, cloudformation: Any) -> str:
    request = _request(work)
    status, _reason = _status(cloudformation, request["StackName"])
    try:
        answer = (
            cloudformation.update_stack(**request)
            if status
            else cloudformation.create_stack(**request)
        )
    except ClientError as error:
        if _is_empty(str(error)):
            _take_outputs(work, cloudformation, request["StackName"])
            return "No changes."
        raise
    return _wait_for_stack(work, cloudformation, answer["StackId"], _STANDS)


def _delete(work: Work, cloudformation: Any) -> str:
    """A stack that does not exist is not an error."""
    configuration = work.configuration
    stack = configuration["StackName"]
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return f"There is no stack {stack}."
        raise
    cloudformation.delete_stack(StackName=stack, RoleARN=configuration["RoleArn"])
    return _wait_for_stack(work, cloudformation, found["StackId"], _GONE)


def _wait_for_stack(work: Work, cloudformation: Any, stack_id: str, good: tuple[str, ...]) -> str:
    """Wait until a stack is at rest. Raises ActionFailedError unless it is where it should be."""
    work.run.external_id = stack_id
    while True:
        status, reason = _status(cloudformation, stack_id)
        if not status.endswith("_IN_PROGRESS"):
            break
        work.pause()
    name = stack_id.split("/")[1]
    if status in _STANDS:
        _take_outputs(work, cloudformation, stack_id)
    if status not in good:
        first = _first_failure(cloudformation, stack_id) or reason
        raise ActionFailedError(f"Stack {name} is in {status}. {first}".strip())
    return f"Stack {name} is in {status}."


def _take_outputs(work: Work, cloudformation: Any, stack: str) -> None:
    """Make variables of the stack's outputs.

    An assumption: also where nothing changed. AWS does not document it.
    """
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    work.run.variables = {
        output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])
    }


def _status(cloudformation: Any, stack: str) -> tuple[str, str]:
    """The status of a stack, and the reason; empty when there is none."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return "", ""
        raise
    return found["StackStatus"], found.get("StackStatusReason", "")


def _first_failure(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    return failed[-1] if failed else ""


def _is_empty(reason: str) -> bool:
    return any(text in reason for text in _NO_CHANGES)


def _request(work: Work) -> Data:
    """What the stack is to be: the template, and what goes with it."""
    configuration, artifacts = work.configuration, _Artifacts(work)
    template = artifacts.read(configuration["TemplatePath"])
    if len(template.encode()) > _LARGEST_TEMPLATE:
        raise ActionFailedError(
            f"The template has over {_LARGEST_TEMPLATE} bytes", code="ConfigurationError"
        )
    settings: Data = {}
    if path := configuration.get("TemplateConfiguration"):
        settings = _json(artifacts.read(path), "TemplateConfiguration")
    if "StackPolicy" in settings:
        raise ActionFailedError(
            "The lab sets no stack policy of a template configuration", code="ConfigurationError"
        )
    overrides = _json(configuration.get("ParameterOverrides", "{}"), "ParameterOverrides")
    parameters = {**settings.get("Parameters", {}), **artifacts.resolve(overrides)}
    for key, value in parameters.items():
        if isinstance(value, (dict, list)):
            raise ActionFailedError(
                f"The value of parameter {key} is not text", code="ConfigurationError"
            )
    return {
        "StackName": configuration["StackName"],
        "RoleARN": configuration["RoleArn"],
        "TemplateBody": template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
        ],
        "Tags": [
            {"Key": key, "Value": str(value)} for key, value in settings.get("Tags", {}).items()
        ],
        "Capabilities": [
            capability
            for capability in configuration.get("Capabilities", "").split(",")
            if capability
        ],
    }


def _json(text: str, name: str) -> Data:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ActionFailedError(
            f"{name} is not JSON: {error}", code="ConfigurationError"
        ) from error
    if not isinstance(found, dict):
        raise ActionFailedError(f"{name} is not a JSON object", code="ConfigurationError")
    return found


class _Artifacts:
    """The input artifacts of a CloudFormation action, read with the action's role."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._objects = work.objects()
        self._opened: dict[str, zipfile.ZipFile] = {}

    def read(self, path: str) -> str:
        """The file at `<artifact>::<path>`."""
        name, _colons, member = path.partition("::")
        return self._member(name, member)

    def resolve(self, value: Any) -> Any:
        """A parameter override with Fn::GetArtifactAtt and Fn::GetParam in their places."""
        if isinstance(value, dict):
            if "Fn::GetArtifactAtt" in value:
                name, attribute = value["Fn::GetArtifactAtt"]
                return self._attribute(name, attribute)
            if "Fn::GetParam" in value:
                name, member, key = value["Fn::GetParam"]
                found = _json(self._member(name, member), member)
                if key not in found:
                    raise ActionFailedError(
                        f"{member} in artifact {name} has no {key}", code="ConfigurationError"
                    )
                return found[key]
            return {key: self.resolve(item) for key, item in value.items()}
        return value

    def _attribute(self, name: str, attribute: str) -> str:
        bucket, key = self._of(name)
        found = {
            "ArtifactName": name,
            "BucketName": bucket,
            "ObjectKey": key,
            "URL": f"https://s3.{self._work.region}.amazonaws.com/{bucket}/{key}",
        }
        if attribute not in found:
            raise ActionFailedError(
                f"{attribute} is not an attribute of an artifact", code="ConfigurationError"
            )
        return found[attribute]

    def _of(self, name: str) -> tuple[str, str]:
        if name not in self._work.inputs():
            raise ActionFailedError(
                f"Artifact {name} is not an input of the action", code="ConfigurationError"
            )
        return self._work.location(name)

    def _member(self, name: str, member: str) -> str:
        if name not in self._opened:
            data, _version = self._objects.read(*self._of(name))
            try:
                self._opened[name] = zipfile.ZipFile(io.BytesIO(data))
            except zipfile.BadZipFile as error:
                raise ActionFailedError(
                    f"Artifact {name} is not a ZIP file", code="ConfigurationError"
                ) from error
        try:
            return self._opened[name].read(member).decode()
        except KeyError as error:
            raise ActionFailedError(
                f"File {member} does not exist in artifact {name}", code="ConfigurationError"
            ) from error


_MODES: dict[str, Callable[[Work, Any], str]] = {
    "CHANGE_SET_EXECUTE": _execute_change_set,
    "CHANGE_SET_REPLACE": _replace_change_set,
    "CREATE_UPDATE": _create_or_update,
    "DELETE_ONLY": _delete,
}

__all__ = ("deploy",)
