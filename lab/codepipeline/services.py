# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ECS deploy action of a pipeline, done with the action's role."""

from __future__ import annotations

import json
from typing import Any

from ..iam.authorisation import Principal
from ..iam.service_roles import session_arn
from .archives import open_input
from .work import ActionFailedError, Work

Data = dict[str, Any]

_FILE = "imagedefinitions.json"
# What a task definition has that the next revision is not made of.
_OF_REVISION = frozenset(
    {
        "compatibilities",
        "deregisteredAt",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "revision",
        "status",
        "taskDefinitionArn",
    }
)


def deploy_service(work: Work) -> str:
    """Make a revision with the images of the artifact, and wait until the service runs it.

    Raises ActionFailedError.
    """
    given, ecs = work.configuration, work.client("ecs")
    images = _images(work, given.get("FileName", _FILE))
    cluster, name = given["ClusterName"], given["ServiceName"]
    service = _service(ecs, cluster, name)
    current = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    definition = {
        key: value
        for key, value in current["taskDefinition"].items()
        if key not in _OF_REVISION and value not in ("", None)
    }
    containers = {item["name"]: item for item in definition["containerDefinitions"]}
    for container, image in images.items():
        if container not in containers:
            raise ActionFailedError(
                f"The AWS ECS container {container} does not exist", code="ConfigurationError"
            )
        containers[container]["image"] = image
    _check_passing(work, definition)
    made = ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=name, taskDefinition=made)
    work.run.external_id = made
    while True:
        (primary, *rest) = _service(ecs, cluster, name)["deployments"]
        if primary["rolloutState"] == "FAILED":
            raise ActionFailedError(f"Deployment of service {name} failed")
        if primary["rolloutState"] == "COMPLETED" and not rest:
            return "Deployment Succeeded"
        work.pause()


def _service(ecs: Any, cluster: str, name: str) -> Data:
    found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found:
        raise ActionFailedError(
            f"The Amazon ECS service '{name}' does not exist", code="ConfigurationError"
        )
    return dict(found[0])


def _images(work: Work, path: str) -> dict[str, str]:
    """Images by container, as the artifact's file names them."""
    with open_input(work) as archive:
        if path not in archive.namelist():
            raise ActionFailedError(
                f"Did not find the image definition file {path} in the input artifacts ZIP file."
                " Verify the file is stored in your pipeline's Amazon S3 artifact bucket",
                code="ConfigurationError",
            )
        text = archive.read(path)
    try:
        return {item["name"]: item["imageUri"] for item in json.loads(text)}
    except (KeyError, TypeError, ValueError) as error:
        raise ActionFailedError(
            f"The image definition file {path} contains invalid JSON format",
            code="ConfigurationError",
        ) from error


def _check_passing(work: Work, definition: Data) -> None:
    """AWS: the roles of tasks are passed by who registers them. MiniStack: does not ask."""
    caller = Principal(arn=session_arn(work.credentials))
    for member in ("taskRoleArn", "executionRoleArn"):
        if role := definition.get(member):
            refusal = caller.check(
                "iam:PassRole",
                role,
                region=work.region,
                context={"iam:passedtoservice": "ecs-tasks.amazonaws.com"},
            )
            if refusal:
                raise ActionFailedError(refusal, code="PermissionError")


__all__ = ("deploy_service",)
