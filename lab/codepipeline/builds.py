# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CodeBuild actions of a pipeline: the action's role starts a build, which works as its own."""

from __future__ import annotations

import json
from typing import Any

from ..codebuild.handover import Handover, offer
from .work import ActionFailedError, Work

Data = dict[str, Any]


def build(work: Work) -> str:
    """Start a build and wait for its end; a line about it. Raises ActionFailedError."""
    configuration, codebuild = work.configuration, work.client("codebuild")
    inputs, clones = work.inputs(), work.execution.clones
    handover = Handover(
        pipeline=work.execution.name,
        primary=configuration.get("PrimarySource", inputs[0]),
        inputs={name: work.location(name) for name in inputs},
        outputs={name: work.new_location(name) for name in work.outputs()},
        clones=tuple(clones[name] for name in inputs if name in clones),
    )
    offer(work.run.id, handover)
    started = codebuild.start_build(
        projectName=configuration["ProjectName"],
        idempotencyToken=work.run.id,
        sourceVersion=_arn(handover, handover.primary),
        secondarySourcesVersionOverride=[
            {"sourceIdentifier": name, "sourceVersion": _arn(handover, name)}
            for name in inputs
            if name != handover.primary
        ],
        environmentVariablesOverride=_variables(configuration.get("EnvironmentVariables", "[]")),
    )["build"]
    work.run.external_id = started["id"]
    found = _wait_for_end(work, codebuild, started["id"])
    if found["buildStatus"] != "SUCCEEDED":
        raise ActionFailedError(_failure(found))
    for name, place in handover.outputs.items():
        work.execution.add_artifact(name, work.region, place)
    work.run.variables = {
        item["name"]: item["value"] for item in found.get("exportedEnvironmentVariables", [])
    }
    return "Build succeeded."


def _arn(handover: Handover, name: str) -> str:
    return "arn:aws:s3:::" + "/".join(handover.inputs[name])


def _variables(text: str) -> list[Data]:
    """The variables of an action, which are a JSON list of name, value and type."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ActionFailedError(
            f"EnvironmentVariables is not JSON: {error}", code="ConfigurationError"
        ) from error
    if not isinstance(found, list) or not all(
        isinstance(item, dict) and {"name", "value"} <= item.keys() <= {"name", "value", "type"}
        for item in found
    ):
        raise ActionFailedError(
            "EnvironmentVariables is not a list of name, value and type", code="ConfigurationError"
        )
    return [{"type": "PLAINTEXT", **item} for item in found]


def _wait_for_end(work: Work, codebuild: Any, build_id: str) -> Data:
    while True:
        (found,) = codebuild.batch_get_builds(ids=[build_id])["builds"]
        if "endTime" in found:
            return dict(found)
        work.pause()


def _failure(found: Data) -> str:
    """What failed, in the words of the phase."""
    reason = next(
        (
            f" Phase: {phase['phaseType']}, {context['message']}"
            for phase in found["phases"]
            for context in phase.get("contexts", [])
        ),
        "",
    )
    return f"Build terminated with state: {found['buildStatus']}.{reason}"


__all__ = ("build",)
