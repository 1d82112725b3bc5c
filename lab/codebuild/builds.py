# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds of CodeBuild projects: a build uploads artifacts as its service role.

No buildspec is run. A test gives the files that the commands would have left, and the lab does the
rest as CodeBuild does: the log, the connection, the upload, the events.
"""

from __future__ import annotations

import base64
import copy
import io
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    request_scope,
)
from ministack.services import codebuild

from ..events.emit import emit
from ..iam.service_roles import RoleRefusedError, client_with, credentials
from .projects import (
    Data,
    ProjectRefusedError,
    Response,
    answered,
    artifacts_of,
    connection_refusal,
    found,
    principal_of,
)

_PHASES = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
)
_PAGE = 100


def install() -> None:
    """Run builds."""
    codebuild._start_build = _start_build
    codebuild._list_builds_for_project = _list_builds


def build(
    *, account: str, region: str, project: str, artifacts: Mapping[str, str], seconds: float = 0.0
) -> Data:
    """Begin a build, of which the commands have left *artifacts*: the build's record.

    artifacts: each artifact's name, and its bytes in base64. seconds: how long it takes.
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
        return _begin(record, left, seconds=seconds, source_version=None)


def _start_build(request: Data) -> Response:
    """StartBuild.

    AWS: runs the buildspec of the source. MiniStack: every build succeeds at once, and uploads
    nothing. There is no source here, so whoever calls it gets a build that leaves no files.
    """
    name = request.get("projectName", "")
    version = request.get("sourceVersion")
    return answered(lambda: _begin(found(name), {}, seconds=0.0, source_version=version), "build")


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


def _begin(
    project: Data, left: Mapping[str, bytes], *, seconds: float, source_version: str | None
) -> Data:
    """Begin a build.

    AWS: one more than the project's limit is refused, not queued.
    """
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
    build_id = codebuild._build_id(project["name"])
    record: Data = codebuild._make_build_record(project, build_id, source_version)
    del record["endTime"]
    logs = project.get("logsConfig", {}).get("cloudWatchLogs", {})
    record.update(
        buildStatus="IN_PROGRESS",
        currentPhase="SUBMITTED",
        phases=[],
        encryptionKey=project["encryptionKey"],
        serviceRole=project["serviceRole"],
        secondaryArtifacts=[],
        artifacts={},
        logs={
            "groupName": logs.get("groupName") or f"/aws/codebuild/{project['name']}",
            "streamName": build_id.partition(":")[2],
            "cloudWatchLogs": logs or {"status": "ENABLED"},
        },
    )
    codebuild._builds[build_id] = record
    run = _Build(
        account=get_account_id(),
        region=get_region(),
        project=copy.deepcopy(project),
        record=record,
        left=left,
        seconds=seconds,
    )
    threading.Thread(target=run.run, daemon=True).start()
    return copy.deepcopy(record)


class _FailedPhaseError(Exception):
    """A phase of a build fails, and with it the build."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class _Build:
    """A build under way, in a thread of its own."""

    account: str
    region: str
    project: Data
    record: Data
    left: Mapping[str, bytes]
    seconds: float

    def run(self) -> None:
        """Go from phase to phase, until one fails, the build is stopped or the lab is emptied."""
        with request_scope(self.account, self.region):
            self._send_event()
            work: dict[str, Callable[[], None]] = {
                "PROVISIONING": self._open_log,
                "DOWNLOAD_SOURCE": self._reach_source,
                "BUILD": self._build,
                "UPLOAD_ARTIFACTS": self._upload,
            }
            for phase in _PHASES:
                if self.record["buildStatus"] != "IN_PROGRESS":
                    break
                self._enter(phase, work.get(phase, lambda: None))
            if self.record["buildStatus"] == "IN_PROGRESS":
                self.record["buildStatus"] = "SUCCEEDED"
            self.record["endTime"] = int(time.time())
            self.record["currentPhase"] = "COMPLETED"
            if codebuild._builds.get(self.record["id"]) is self.record:
                self._send_event()

    def _enter(self, name: str, work: Callable[[], None]) -> None:
        now = int(time.time())
        phase: Data = {"phaseType": name, "startTime": now}
        self.record["currentPhase"] = name
        self.record["phases"].append(phase)
        try:
            work()
        except (_FailedPhaseError, ClientError, RoleRefusedError) as error:
            code = getattr(error, "code", "CLIENT_ERROR")
            phase["phaseStatus"] = "FAILED"
            phase["contexts"] = [{"statusCode": code, "message": f"{code}: {error}"}]
            self.record["buildStatus"] = "FAILED"
        else:
            phase["phaseStatus"] = "SUCCEEDED"
        if name != "COMPLETED":
            phase.update(endTime=int(time.time()), durationInSeconds=int(time.time()) - now)

    def _open_log(self) -> None:
        """The log's stream, and its first lines."""
        if self.record["logs"]["cloudWatchLogs"]["status"] == "DISABLED":
            return
        stream = {
            "logGroupName": self.record["logs"]["groupName"],
            "logStreamName": self.record["logs"]["streamName"],
        }
        client = self._client("logs")
        line = {"timestamp": int(time.time() * 1000), "message": "The lab runs no commands."}
        try:
            try:
                client.create_log_stream(**stream)
            except client.exceptions.ResourceNotFoundException:
                client.create_log_group(logGroupName=stream["logGroupName"])
                client.create_log_stream(**stream)
            client.put_log_events(**stream, logEvents=[line])
        except ClientError as error:
            raise _FailedPhaseError(
                "ACCESS_DENIED",
                f"Service role {self.project['serviceRole']} does not allow AWS CodeBuild to "
                f"create Amazon CloudWatch Logs log streams for build {self.record['arn']}. Error "
                f"message: {error}",
            ) from error

    def _build(self) -> None:
        """Take the time that a test wants, or until the build is stopped."""
        ends = time.monotonic() + self.seconds
        while self.record["buildStatus"] == "IN_PROGRESS" and time.monotonic() < ends:
            time.sleep(0.02)

    def _reach_source(self) -> None:
        """The connection, which CodeBuild uses as the service role. The lab downloads nothing."""
        refusal = connection_refusal(self.project, ("GetConnection", "GetConnectionToken"))
        if refusal:
            raise _FailedPhaseError(
                "ACCESS_DENIED", f"authorization failed for primary source: {refusal}"
            )

    def _upload(self) -> None:
        for artifact in artifacts_of(self.project):
            if artifact["type"] != "S3":
                continue
            if artifact["name"] not in self.left:
                raise _FailedPhaseError("CLIENT_ERROR", "no matching artifact paths found")
            uploaded = self._upload_one(artifact, self.left[artifact["name"]])
            if "artifactIdentifier" in artifact:
                self.record["secondaryArtifacts"].append(uploaded)
            else:
                self.record["artifacts"] = uploaded

    def _upload_one(self, artifact: Data, data: bytes) -> Data:
        """Upload an artifact that the buildspec has left as a ready ZIP file."""
        if artifact.get("packaging") != "ZIP":
            raise _FailedPhaseError("CLIENT_ERROR", "the lab has only artifacts with packaging ZIP")
        space = self.record["id"].partition(":")[2]
        parts = [
            artifact.get("path", "").strip("/"),
            space if artifact.get("namespaceType") == "BUILD_ID" else "",
            artifact["name"].strip("/"),
        ]
        key = "/".join(part for part in parts if part)
        encryption = (
            {}
            if artifact.get("encryptionDisabled")
            else {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": self.project["encryptionKey"],
            }
        )
        # In parts when it is large: that takes kms:Decrypt too.
        self._client("s3").upload_fileobj(
            io.BytesIO(data), artifact["location"], key, ExtraArgs=encryption
        )
        uploaded: Data = {
            "location": f"arn:aws:s3:::{artifact['location']}/{key}",
            "overrideArtifactName": artifact.get("overrideArtifactName", False),
            "encryptionDisabled": artifact.get("encryptionDisabled", False),
        }
        if "artifactIdentifier" in artifact:
            uploaded["artifactIdentifier"] = artifact["artifactIdentifier"]
        return uploaded

    def _client(self, service: str) -> Any:
        session = principal_of(self.project, f"AWSCodeBuild-{self.record['id'].partition(':')[2]}")
        return client_with(credentials(session), service, region=self.region)

    def _send_event(self) -> None:
        """The event 'CodeBuild Build State Change'.

        AWS: one when the build begins, one when it ends. MiniStack: none.
        """
        record = self.record
        detail = {
            "build-status": record["buildStatus"],
            "project-name": record["projectName"],
            "build-id": record["arn"],
            "current-phase": record["currentPhase"],
            "current-phase-context": "[]",
            "version": "1",
            "additional-information": {
                "artifact": record["artifacts"],
                "environment": record["environment"],
                "timeout-in-minutes": record["timeoutInMinutes"],
                "build-complete": record["buildStatus"] != "IN_PROGRESS",
                "initiator": record["initiator"],
                "build-start-time": time.strftime(
                    "%b %d, %Y %I:%M:%S %p", time.gmtime(record["startTime"])
                ),
                "source": record["source"],
                "source-version": record["sourceVersion"],
                "logs": record["logs"],
                "phases": [
                    {
                        "phase-type": phase["phaseType"],
                        "phase-status": phase.get("phaseStatus", ""),
                        "phase-context": [
                            context["message"] for context in phase.get("contexts", [])
                        ],
                    }
                    for phase in record["phases"]
                ],
            },
        }
        place = self.account, self.region
        emit(place, "aws.codebuild", "CodeBuild Build State Change", record["arn"], detail)


__all__ = ("build", "install")
