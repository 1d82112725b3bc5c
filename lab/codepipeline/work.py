# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every action of a pipeline works with: its credentials, its artifacts, its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ..iam.service_roles import client_with, session_arn
from ..settings import Settings
from .executions import ActionRun, Execution
from .variables import UnresolvedError, resolve

Data = dict[str, Any]
Credentials = dict[str, str]

_POLL = 0.05
# How much of the names of pipeline and artifact the key of an artifact has.
_NAME, _ARTIFACT = 20, 10
_DENIED = (
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
)


class ActionFailedError(Exception):
    """An action failed; code and message are those of its errorDetails."""

    def __init__(self, message: str, *, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


class StoppedError(Exception):
    """The execution was stopped, and the action abandoned."""


def failure(error: ClientError) -> ActionFailedError:
    """An error of a service, as an action reports it."""
    found = error.response.get("Error", {})
    origin = f"(Operation: {error.operation_name}; Error Code: {found.get('Code')})"
    code = "PermissionError" if _is_denied(error) else "JobFailed"
    return ActionFailedError(f"{found.get('Message', '')} {origin}".strip(), code=code)


def _is_denied(error: ClientError) -> bool:
    return str(error.response.get("Error", {}).get("Code")) in _DENIED


@dataclass(frozen=True, kw_only=True)
class Objects:
    """S3 as one principal. What is denied names the principal, the permission and the resource."""

    s3: Any
    principal: str

    def keeps_versions(self, bucket: str) -> bool:
        """Whether a bucket does."""
        with self.reporting("s3:GetBucketVersioning", f"arn:aws:s3:::{bucket}"):
            return bool(self.s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled")

    def read(self, bucket: str, key: str, version: str = "") -> tuple[bytes, str]:
        """What an object holds, and its version."""
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        pinned = {"VersionId": version} if version else {}
        with self.reporting(action, f"arn:aws:s3:::{bucket}/{key}"):
            found = self.s3.get_object(Bucket=bucket, Key=key, **pinned)
            return bytes(found["Body"].read()), str(found.get("VersionId", ""))

    def write(self, store: Data, key: str, data: bytes) -> None:
        """Put an artifact into a store, encrypted with the store's key."""
        encryption = {}
        if "encryptionKey" in store:
            encryption = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": store["encryptionKey"]["id"],
            }
        with self.reporting("s3:PutObject", f"arn:aws:s3:::{store['location']}/{key}"):
            self.s3.put_object(Bucket=store["location"], Key=key, Body=data, **encryption)

    @contextmanager
    def reporting(self, action: str, resource: str) -> Iterator[None]:
        """Name principal, permission and resource where S3 does not, as AWS does."""
        try:
            yield
        except ClientError as error:
            if not _is_denied(error) or "on resource" in str(error):
                raise
            _unused, because, reason = str(error).partition(" because ")
            message = (
                f"User: {self.principal} is not authorized to perform: {action} on resource:"
                f' "{resource}"{because}{reason}'
            )
            raise ActionFailedError(message, code="PermissionError") from error


@dataclass(frozen=True, kw_only=True)
class Work:
    """One attempt at one action, and all that it needs.

    pipeline_credentials: those of the pipeline's role. credentials: those of the action's role, or
    the same where it has none.
    """

    execution: Execution
    run: ActionRun
    settings: Settings
    pipeline_credentials: Credentials
    credentials: Credentials

    @property
    def home(self) -> str:
        """The pipeline's region."""
        return self.execution.place[1]

    @property
    def region(self) -> str:
        """Where the action works."""
        return str(self.run.declaration.get("region", self.home))

    @property
    def configuration(self) -> dict[str, str]:
        """The action's, with its variables resolved. Raises ActionFailedError."""
        given = self.run.declaration.get("configuration", {})
        try:
            self.run.configuration = resolve(given, self.execution.variables)
        except UnresolvedError as error:
            raise ActionFailedError(str(error), code="ConfigurationError") from error
        return self.run.configuration

    def client(self, service: str, region: str = "", *, as_pipeline: bool = False) -> Any:
        """A client of the action's role, or of the pipeline's."""
        credentials = self.pipeline_credentials if as_pipeline else self.credentials
        return client_with(credentials, service, region=region or self.region)

    def objects(self, region: str = "", *, as_pipeline: bool = False) -> Objects:
        """S3 as the action's role, or as the pipeline's."""
        credentials = self.pipeline_credentials if as_pipeline else self.credentials
        s3 = self.client("s3", region, as_pipeline=as_pipeline)
        return Objects(s3=s3, principal=session_arn(credentials))

    def inputs(self) -> list[str]:
        """The names of its input artifacts."""
        return [artifact["name"] for artifact in self.run.declaration.get("inputArtifacts", [])]

    def outputs(self) -> list[str]:
        """The names of its output artifacts."""
        return [artifact["name"] for artifact in self.run.declaration.get("outputArtifacts", [])]

    def new_location(self, artifact: str) -> tuple[str, str]:
        """Bucket and key for an output artifact in the store of the action's region."""
        name, store = self.execution.name, self.execution.store(self.region)
        key = f"{name[:_NAME]}/{artifact[:_ARTIFACT]}/{self.run.id[:7]}"
        return str(store["location"]), key

    def location(self, artifact: str) -> tuple[str, str]:
        """Bucket and key of an artifact in the action's region."""
        return self.execution.artifacts[artifact, self.region]

    def pause(self, seconds: float = _POLL) -> None:
        """Wait a little. Raises StoppedError when the execution was stopped meanwhile."""
        if self.run.ended.wait(seconds) and self.execution.abandoned:
            raise StoppedError


__all__ = (
    "ActionFailedError",
    "Objects",
    "StoppedError",
    "Work",
    "failure",
)
