# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CodeBuild projects: checked and complete."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.validate import ParamValidator
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import codebuild

from ..clients import service_model
from ..iam.authorisation import Principal
from ..iam.service_roles import RoleRefusedError, principal

Data = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_SERVICE = "codebuild.amazonaws.com"


class ProjectRefusedError(ValueError):
    """CodeBuild does not take a project, or a build of it. code: the service's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """CreateProject, UpdateProject and BatchGetProjects.

    AWS: checks what it is given and answers all of it. MiniStack: takes anything, and drops
    secondary artifacts, webhook, logs, limits.
    """
    shape = codebuild._project_shape

    def whole(project: Data) -> Data:
        return {**copy.deepcopy(project), **shape(project)}

    def created(request: Data) -> Response:
        return answered(lambda: create_project(request), "project")

    def updated(request: Data) -> Response:
        return answered(lambda: update_project(request), "project")

    codebuild._project_shape = whole
    codebuild._create_project = created
    codebuild._update_project = updated


def answered(work: Callable[[], Data], member: str) -> Response:
    try:
        return _json({member: work()})
    except ProjectRefusedError as error:
        refused: Response = error_response_json(error.code, str(error), 400)
        return refused


def create_project(request: Data) -> Data:
    """Make a project from a request of CreateProject; its record."""
    problem = problems("CreateProject", request) or _project_problem(request)
    if problem:
        raise ProjectRefusedError("InvalidInputException", problem)
    name = request["name"]
    if name in codebuild._projects:
        raise ProjectRefusedError(
            "ResourceAlreadyExistsException",
            f"Project already exists: {codebuild._project_arn(name)}",
        )
    now = int(time.time())
    codebuild._projects[name] = {
        "description": "",
        "encryptionKey": _default_key(),
        "tags": [],
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "badge": {"badgeEnabled": False},
        **copy.deepcopy(request),
        "arn": codebuild._project_arn(name),
        "created": now,
        "lastModified": now,
    }
    return found(name)


def update_project(request: Data) -> Data:
    """Change what a request of UpdateProject has; a limit of -1 is none."""
    if problem := problems("UpdateProject", request):
        raise ProjectRefusedError("InvalidInputException", problem)
    project = found(request["name"])
    changed = {**project, **copy.deepcopy(request)}
    if changed.get("concurrentBuildLimit") == -1:
        del changed["concurrentBuildLimit"]
    if problem := _project_problem(changed):
        raise ProjectRefusedError("InvalidInputException", problem)
    changed["lastModified"] = int(time.time())
    codebuild._projects[request["name"]] = changed
    return changed


def set_webhook(name: str, request: Data) -> None:
    """Give a project a webhook, from a request of CreateWebhook.

    AWS: with a connection, the project's role must be allowed to use that already here.
    """
    if problem := problems("CreateWebhook", {"projectName": name, **request}):
        raise ProjectRefusedError("InvalidInputException", problem)
    project = found(name)
    if refusal := connection_refusal(project, ("UseConnection",)):
        raise ProjectRefusedError(
            "InvalidInputException",
            f"Failed to call CreateWebhook, reason: Access denied to connection: {refusal}",
        )
    project["webhook"] = {
        "url": "https://api.github.com/",
        "payloadUrl": f"https://codebuild.{get_region()}.amazonaws.com/webhooks",
        **copy.deepcopy(request),
    }


def remove_webhook(name: str) -> None:
    """Remove the webhook of a project, if it has one."""
    found(name).pop("webhook", None)


def found(name: str) -> Data:
    """The record of a project."""
    project: Data | None = codebuild._projects.get(name)
    if project is None:
        raise ProjectRefusedError(
            "ResourceNotFoundException",
            f"Project cannot be found: {codebuild._project_arn(name)}",
        )
    return project


def model() -> Any:
    """Botocore's model of the service."""
    return service_model("codebuild")


def problems(operation: str, request: Data) -> str:
    """What botocore's model has against a request; empty when nothing."""
    shape = model().operation_model(operation).input_shape
    return str(ParamValidator().validate(request, shape).generate_report())


def _project_problem(project: Data) -> str:
    """Rules of the service that the model does not have."""
    for artifact in artifacts_of(project):
        if artifact["type"] == "S3" and not (artifact.get("location") and artifact.get("name")):
            return "Invalid artifacts: S3 artifacts need a location and a name"
    if (project["source"]["type"] == "CODEPIPELINE") != (
        project["artifacts"]["type"] == "CODEPIPELINE"
    ):
        return (
            "Invalid artifacts: artifact type must be set to CODEPIPELINE when source type is set "
            "to CODEPIPELINE, and only then"
        )
    secondary = [
        artifact.get("artifactIdentifier") for artifact in project.get("secondaryArtifacts", [])
    ]
    if None in secondary or len(set(secondary)) != len(secondary):
        return "Invalid artifacts: each secondary artifact needs an identifier of its own"
    try:
        principal_of(project, "check")
    except RoleRefusedError:
        return (
            "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify "
            "that: 1) The provided service role exists, 2) The role name is case-sensitive and "
            "matches exactly, and 3) The role has the necessary trust policy configured. "
            f"({project['serviceRole']})"
        )
    return ""


def principal_of(project: Data, session: str) -> Principal:
    arn = codebuild._project_arn(project["name"])
    return principal(project["serviceRole"], service=_SERVICE, source_arn=arn, session=session)


def connection_refusal(project: Data, operations: tuple[str, ...]) -> str:
    auth = project["source"].get("auth", {})
    if auth.get("type") != "CODECONNECTIONS":
        return ""
    connection = auth["resource"]
    # The ARN of a connection has the name that the service had when it was created.
    service = connection.split(":")[2]
    caller = principal_of(project, "AWSCodeBuild")
    refusals = (
        caller.check(f"{service}:{operation}", connection, region=get_region())
        for operation in operations
    )
    return next((refusal for refusal in refusals if refusal), "")


def clone_refusal(project: Data, clone: dict[str, str], region: str) -> str:
    """Why the project's role may not clone a repository; empty when it may.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/tutorials-github-gitclone.html
    """
    caller = principal_of(project, "AWSCodeBuild")
    if repository := clone.get("RepositoryArn"):
        return caller.check("codecommit:GitPull", repository, region=region)
    connection = clone["ConnectionArn"]
    service = connection.split(":")[2]
    context = {
        f"{service}:fullrepositoryid": clone["FullRepositoryId"],
        f"{service}:provideraction": "GitPull",
        f"{service}:providerpermissionsrequired": "read_only",
    }
    return caller.check(f"{service}:UseConnection", connection, region=region, context=context)


def _default_key() -> str:
    return f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"


def artifacts_of(project: Data) -> Iterator[Data]:
    yield project["artifacts"]
    yield from project.get("secondaryArtifacts", [])


def _json(data: Data) -> Response:
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(data).encode()


__all__ = (
    "ProjectRefusedError",
    "answered",
    "artifacts_of",
    "clone_refusal",
    "connection_refusal",
    "create_project",
    "found",
    "install",
    "model",
    "principal_of",
    "problems",
    "remove_webhook",
    "set_webhook",
    "update_project",
)
