# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds of CodeBuild projects: how they begin.

No buildspec is run. A test gives what the commands would have left, and the lab does the rest as
CodeBuild does: the log, the source, the upload, the events.
"""

from __future__ import annotations

import base64
import copy
import threading
from collections.abc import Mapping

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    request_scope,
)
from ministack.services import codebuild

from ..settings import Settings
from .handover import Handover, take
from .phases import BuildRun
from .projects import Data, ProjectRefusedError, Response, answered, artifacts_of, found, problems
from .results import BuildResult, result_of

_PAGE = 100

_settings = Settings()


def install(settings: Settings) -> None:
    """Run builds."""
    global _settings  # noqa: PLW0603  # the settings come with the installation
    _settings = settings
    codebuild._start_build = _start_build
    codebuild._list_builds_for_project = _list_builds


def build(
    *,
    account: str,
    region: str,
    project: str,
    artifacts: Mapping[str, str],
    error: str = "",
    seconds: float = 0.0,
) -> Data:
    """Begin a build, of which the commands have left *artifacts*: the build's record.

    artifacts: each artifact's name, and its bytes in base64. error: why a command fails. seconds:
    how long it takes.
    """
    with request_scope(account, region):
        record = found(project)
        names = {artifact.get("name", "") for artifact in artifacts_of(record)}
        if unknown := set(artifacts) - names:
            raise ValueError(
                f"{project} has no artifact called {', '.join(sorted(unknown))}, "
                f"but {', '.join(sorted(names))}"
            )
        left = {name: base64.b64decode(data) for name, data in artifacts.items()}
        result = BuildResult(project=project, artifacts=left, error=error)
        return _begin(record, {}, result, seconds=seconds)


def build_for_push(project: Data, version: str) -> None:
    """Begin a build of a push, in the account and region of the request.

    version: a commit, or a pull request. Raises ProjectRefusedError.
    """
    left = result_of(project["name"], _settings.build_results)
    _begin(project, {"projectName": project["name"], "sourceVersion": version}, left)


def end(*, account: str, region: str, build_id: str) -> None:
    """Let the commands of a build be over now, whatever time it was to take."""
    with request_scope(account, region):
        codebuild._builds[build_id]["_lab_ends"] = True


def _start_build(request: Data) -> Response:
    """StartBuild.

    AWS: runs the buildspec of the source. MiniStack: every build succeeds at once, and uploads
    nothing. There is no source here, so it leaves what a test has declared.
    """
    name = request.get("projectName", "")
    return answered(
        lambda: _begin(found(name), request, result_of(name, _settings.build_results)), "build"
    )


def _list_builds(request: Data) -> Response:
    """ListBuildsForProject.

    AWS: in the order of the builds' numbers, the newest first, 100 on a page; with more builds than
    that, an order must not be given. MiniStack: by the second of their start, all at once.
    """
    try:
        found(request.get("projectName", ""))
    except ProjectRefusedError as error:
        return _refused(error)
    builds = [
        build
        for build in codebuild._builds.values()
        if build["projectName"] == request["projectName"]
    ]
    order = request.get("sortOrder")
    if order and len(builds) > _PAGE:
        return _refused(ProjectRefusedError("InvalidInputException", "Too many builds to sort"))
    builds.sort(key=lambda build: int(build["buildNumber"]), reverse=order != "ASCENDING")
    start = int(request.get("nextToken") or 0)
    page: Data = {"ids": [build["id"] for build in builds[start : start + _PAGE]]}
    if start + _PAGE < len(builds):
        page["nextToken"] = str(start + _PAGE)
    answer: Response = json_response(page)
    return answer


def _refused(error: ProjectRefusedError) -> Response:
    answer: Response = error_response_json(error.code, str(error), 400)
    return answer


def _begin(project: Data, request: Data, left: BuildResult, *, seconds: float = 0.0) -> Data:
    """Begin a build, by a request of StartBuild or by a push, whose request is empty.

    AWS: one more than the project's limit is refused, not queued.
    """
    if request and (problem := problems("StartBuild", request)):
        raise ProjectRefusedError("InvalidInputException", problem)
    handover = take(request.get("idempotencyToken", ""))
    if problem := _handover_problem(project, handover):
        raise ProjectRefusedError("InvalidInputException", problem)
    limit = project.get("concurrentBuildLimit")
    running = [
        other
        for other in codebuild._builds.values()
        if other["projectName"] == project["name"] and other["buildStatus"] == "IN_PROGRESS"
    ]
    if limit is not None and len(running) >= limit:
        raise ProjectRefusedError(
            "AccountLimitExceededException",
            f"Cannot have more than {limit} active builds for the project",
        )
    record = _record(project, request, handover)
    codebuild._builds[record["id"]] = record
    run = BuildRun(
        account=get_account_id(),
        region=get_region(),
        project=copy.deepcopy(project),
        record=record,
        left=left,
        seconds=seconds,
        handover=handover,
    )
    threading.Thread(target=run.run, daemon=True).start()
    return copy.deepcopy(record)


def _handover_problem(project: Data, handover: Handover | None) -> str:
    """A project of a pipeline is started by a pipeline alone, and no other project is."""
    of_pipeline = project["source"]["type"] == "CODEPIPELINE"
    if of_pipeline and handover is None:
        return "Project source type CODEPIPELINE needs an artifact of a pipeline"
    if handover and not of_pipeline:
        return "Project source type must be set to CODEPIPELINE when a pipeline starts the build"
    return ""


def _record(project: Data, request: Data, handover: Handover | None) -> Data:
    build_id = codebuild._build_id(project["name"])
    record: Data = codebuild._make_build_record(project, build_id, request.get("sourceVersion"))
    del record["endTime"]
    logs = project.get("logsConfig", {}).get("cloudWatchLogs", {})
    record.update(
        buildStatus="IN_PROGRESS",
        currentPhase="SUBMITTED",
        phases=[],
        encryptionKey=project["encryptionKey"],
        serviceRole=project["serviceRole"],
        environment=_environment(project, request),
        secondarySourceVersions=request.get("secondarySourcesVersionOverride", []),
        secondaryArtifacts=[],
        artifacts={},
        logs={
            "groupName": logs.get("groupName") or f"/aws/codebuild/{project['name']}",
            "streamName": build_id.partition(":")[2],
            "cloudWatchLogs": logs or {"status": "ENABLED"},
        },
    )
    if handover:
        record["initiator"] = f"codepipeline/{handover.pipeline}"
    return record


def _environment(project: Data, request: Data) -> Data:
    """The project's environment, with the variables that the request replaces or adds."""
    environment: Data = copy.deepcopy(project["environment"])
    variables = {
        variable["name"]: variable
        for variable in (
            *environment.get("environmentVariables", []),
            *request.get("environmentVariablesOverride", []),
        )
    }
    environment["environmentVariables"] = list(variables.values())
    return environment


__all__ = ("build", "build_for_push", "end", "install")
