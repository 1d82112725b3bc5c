# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build under way: phase after phase, as the project's service role."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import request_scope
from ministack.services import codebuild

from ..events.emit import emit
from ..iam.service_roles import RoleRefusedError, client_with, credentials
from .access import provisioning_refusal, variables_refusal
from .handover import Handover, Place
from .projects import Data, artifacts_of, clone_refusal, connection_refusal, principal_of
from .results import BuildResult

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


class FailedPhaseError(Exception):
    """A phase of a build fails, and with it the build."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class BuildRun:
    """A build under way, in a thread of its own. handover: what its pipeline gives it."""

    account: str
    region: str
    project: Data
    record: Data
    left: BuildResult
    seconds: float
    handover: Handover | None

    def run(self) -> None:
        """Go from phase to phase, until one fails, the build is stopped or the lab is emptied."""
        with request_scope(self.account, self.region):
            self._send_event()
            work: dict[str, Callable[[], None]] = {
                "PROVISIONING": self._provision,
                "DOWNLOAD_SOURCE": self._fetch_source,
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
        except (FailedPhaseError, ClientError, RoleRefusedError) as error:
            code = getattr(error, "code", "CLIENT_ERROR")
            phase["phaseStatus"] = "FAILED"
            phase["contexts"] = [{"statusCode": code, "message": f"{code}: {error}"}]
            self.record["buildStatus"] = "FAILED"
        else:
            phase["phaseStatus"] = "SUCCEEDED"
        if name != "COMPLETED":
            phase.update(endTime=int(time.time()), durationInSeconds=int(time.time()) - now)

    def _provision(self) -> None:
        """The log, then the machine: its image and its network."""
        self._open_log()
        if refusal := provisioning_refusal({**self.project, "environment": self._environment}):
            raise FailedPhaseError("ACCESS_DENIED", refusal)

    @property
    def _environment(self) -> Data:
        return dict(self.record["environment"])

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
            raise FailedPhaseError(
                "ACCESS_DENIED",
                f"Service role {self.project['serviceRole']} does not allow AWS CodeBuild to "
                f"create Amazon CloudWatch Logs log streams for build {self.record['arn']}. Error "
                f"message: {error}",
            ) from error

    def _fetch_source(self) -> None:
        """The connection, which CodeBuild uses as the service role, or a pipeline's artifacts.

        The lab downloads nothing by a connection. Before the source, variables get their values.
        """
        if refusal := variables_refusal(self._environment, self._client):
            raise FailedPhaseError("CLIENT_ERROR", refusal)
        if self.handover:
            for name, (bucket, key) in self.handover.inputs.items():
                self._fetch(name, bucket, key)
            for clone in self.handover.clones:
                self._clone(clone)
            return
        refusal = connection_refusal(self.project, ("GetConnection", "GetConnectionToken"))
        if refusal:
            raise FailedPhaseError(
                "ACCESS_DENIED", f"authorization failed for primary source: {refusal}"
            )

    def _fetch(self, name: str, bucket: str, key: str) -> None:
        primary = self.handover and name == self.handover.primary
        which = "primary source" if primary else f"secondary source {name}"
        try:
            self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise FailedPhaseError(
                "CLIENT_ERROR",
                f"error while downloading key {key}, error: {error} for {which} and source version "
                f"arn:aws:s3:::{bucket}/{key}",
            ) from error

    def _clone(self, clone: dict[str, str]) -> None:
        """A repository, which CodeBuild clones as the service role."""
        refusal = clone_refusal(self.project, clone, self.region)
        if refusal:
            raise FailedPhaseError(
                "ACCESS_DENIED", f"authorization failed for primary source: {refusal}"
            )

    def _build(self) -> None:
        """Take the time that a test wants, or until the build is stopped; then what it declares."""
        ends = time.monotonic() + self.seconds
        while self.record["buildStatus"] == "IN_PROGRESS" and time.monotonic() < ends:
            if "_lab_ends" in self.record:
                break
            time.sleep(0.02)
        if self.left.error:
            raise FailedPhaseError("COMMAND_EXECUTION_ERROR", self.left.error)
        self.record["exportedEnvironmentVariables"] = [
            {"name": name, "value": value} for name, value in self.left.variables.items()
        ]

    def _upload(self) -> None:
        if self.handover:
            for name, place in self.handover.outputs.items():
                self._upload_output(name, place)
            return
        for artifact in artifacts_of(self.project):
            if artifact["type"] != "S3":
                continue
            uploaded = self._upload_one(artifact, self._left(artifact["name"]))
            if "artifactIdentifier" in artifact:
                self.record["secondaryArtifacts"].append(uploaded)
            else:
                self.record["artifacts"] = uploaded

    def _left(self, name: str) -> bytes:
        if name not in self.left.artifacts:
            raise FailedPhaseError("CLIENT_ERROR", "no matching artifact paths found")
        return self.left.artifacts[name]

    def _upload_output(self, name: str, place: Place) -> None:
        """Upload an output of a pipeline's action to where the pipeline wants it."""
        bucket, key = place
        self._put(bucket, key, self._left(name), self._encryption({}))
        uploaded = {"location": f"arn:aws:s3:::{bucket}/{key}", "artifactIdentifier": name}
        self.record["secondaryArtifacts"].append(uploaded)

    def _upload_one(self, artifact: Data, data: bytes) -> Data:
        """Upload an artifact that the buildspec has left as a ready ZIP file."""
        if artifact.get("packaging") != "ZIP":
            raise FailedPhaseError("CLIENT_ERROR", "the lab has only artifacts with packaging ZIP")
        space = self.record["id"].partition(":")[2]
        parts = [
            artifact.get("path", "").strip("/"),
            space if artifact.get("namespaceType") == "BUILD_ID" else "",
            artifact["name"].strip("/"),
        ]
        key = "/".join(part for part in parts if part)
        self._put(artifact["location"], key, data, self._encryption(artifact))
        uploaded: Data = {
            "location": f"arn:aws:s3:::{artifact['location']}/{key}",
            "overrideArtifactName": artifact.get("overrideArtifactName", False),
            "encryptionDisabled": artifact.get("encryptionDisabled", False),
        }
        if "artifactIdentifier" in artifact:
            uploaded["artifactIdentifier"] = artifact["artifactIdentifier"]
        return uploaded

    def _encryption(self, artifact: Data) -> dict[str, str]:
        if artifact.get("encryptionDisabled"):
            return {}
        key = self.project["encryptionKey"]
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}

    def _put(self, bucket: str, key: str, data: bytes, encryption: dict[str, str]) -> None:
        """Upload, in parts when it is large: that takes kms:Decrypt too."""
        self._client("s3").upload_fileobj(io.BytesIO(data), bucket, key, ExtraArgs=encryption)

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


__all__ = ("BuildRun",)
