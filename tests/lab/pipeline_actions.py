# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions of a pipeline do, with the credentials that AWS does it with."""

from __future__ import annotations

import io
import json
import os
import re
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.lab.aws import Clients
from tests.lab.pipeline_executions import ActionRun, Execution
from tests.lab.settings import Settings

Data = dict[str, Any]
Credentials = dict[str, str]

_POLL = 0.05
_VARIABLE = re.compile(r"#\{([\w.]+)\}")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
_ROOM = 20


class ActionFailedError(Exception):
    """An action failed; code and message are those of its errorDetails."""

    def __init__(self, message: str, *, code: str = "ActionFailed") -> None:
        super().__init__(message)
        self.code = code


class StoppedError(Exception):
    """The execution was stopped, and the action abandoned."""


class SharedClients:
    """Clients of the lab itself for many threads: a session makes one client at a time."""

    def __init__(self) -> None:
        self._clients = Clients(f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}")
        self._making = threading.Lock()

    def client(self, service: str, *, region: str, credentials: Credentials) -> Any:
        """A client with the given credentials."""
        with self._making:
            return self._clients.client(service, region=region, credentials=credentials)

    def root(self, service: str, account: str, region: str) -> Any:
        """A client as the root of an account: what a service does by itself."""
        with self._making:
            return self._clients.root(service, account, region)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One attempt at one action, and all that it needs.

    pipeline_credentials: those of the pipeline's role. credentials: those of the action's role, or
    the same where it has none.
    """

    execution: Execution
    run: ActionRun
    clients: SharedClients
    settings: Settings
    pipeline_credentials: Credentials
    credentials: Credentials

    @property
    def region(self) -> str:
        """Where the action works."""
        return str(self.run.declaration.get("region", self.execution.place[1]))

    @property
    def configuration(self) -> dict[str, str]:
        """The action's, with its variables resolved. Raises ActionFailedError."""
        known = {"codepipeline.PipelineExecutionId": self.execution.id}

        def resolved(match: re.Match[str]) -> str:
            if match[1] not in known:
                raise ActionFailedError(
                    f"Variable {match[0]} is not known", code="ConfigurationError"
                )
            return known[match[1]]

        given = self.run.declaration.get("configuration", {})
        return {key: _VARIABLE.sub(resolved, value) for key, value in given.items()}

    def client(self, service: str, region: str = "", *, as_pipeline: bool = False) -> Any:
        """A client of the action's role, or of the pipeline's."""
        credentials = self.pipeline_credentials if as_pipeline else self.credentials
        return self.clients.client(service, region=region or self.region, credentials=credentials)

    def inputs(self) -> list[str]:
        """The names of its input artifacts."""
        return [one["name"] for one in self.run.declaration.get("inputArtifacts", [])]

    def location(self, artifact: str) -> tuple[str, str]:
        """Bucket and key of an artifact in the action's region."""
        return self.execution.artifacts[artifact, self.region]

    def pause(self, seconds: float = _POLL) -> None:
        """Wait a little. Raises StoppedError when the execution was stopped meanwhile."""
        if self.run.ended.wait(seconds) and self.execution.abandoned:
            raise StoppedError


def perform(work: Work) -> str:
    """Do an action; a line about what was done. Raises ActionFailedError or StoppedError."""
    kind = work.run.declaration["actionTypeId"]["provider"]
    try:
        if work.region != work.execution.place[1]:
            _bring_inputs(work)
        return _PERFORM[kind](work)
    except ClientError as error:
        raise failure(error) from error


def failure(error: ClientError) -> ActionFailedError:
    """An error of a service, as an action tells it."""
    found = error.response.get("Error", {})
    denied = found.get("Code") in _DENIED or str(found.get("Code")) == "403"
    code = "PermissionError" if denied else "ActionFailed"
    return ActionFailedError(f"{found.get('Message', '')} ({error})", code=code)


def _bring_inputs(work: Work) -> None:
    """Copy the input artifacts into the store of the action's region.

    An assumption, as AWS does not say who copies: the pipeline's role, or CodePipeline itself.
    """
    execution, home = work.execution, work.execution.place[1]
    if work.settings.artifact_copier == "service":
        account = execution.place[0]
        source = work.clients.root("s3", account, home)
        target = work.clients.root("s3", account, work.region)
    else:
        source = work.client("s3", home, as_pipeline=True)
        target = work.client("s3", as_pipeline=True)
    for name in work.inputs():
        if (name, work.region) in execution.artifacts:
            continue
        bucket, key = execution.artifacts[name, home]
        data = _read(source, bucket, key)
        store = execution.store(work.region)
        _write(target, store, key, data)
        execution.artifacts[name, work.region] = (store["location"], key)


def _read(s3: Any, bucket: str, key: str, **version: str) -> bytes:
    with _told(s3, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"):
        return bytes(s3.get_object(Bucket=bucket, Key=key, **version)["Body"].read())


def _write(s3: Any, store: Data, key: str, data: bytes) -> None:
    encryption = {}
    if "encryptionKey" in store:
        encryption = {
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": store["encryptionKey"]["id"],
        }
    with _told(s3, "s3:PutObject", f"arn:aws:s3:::{store['location']}/{key}"):
        s3.put_object(Bucket=store["location"], Key=key, Body=data, **encryption)


class _told:  # noqa: N801  # reads as a word of the statement that it begins
    """Name the permission where S3 says no more than "Access Denied"."""

    def __init__(self, client: Any, action: str, resource: str) -> None:
        self._client, self._action, self._resource = client, action, resource

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, ClientError):
            return
        found = error.response["Error"]
        denied = found.get("Code") in (*_DENIED, "403")
        if denied and "not authorized to perform" not in found.get("Message", ""):
            raise ActionFailedError(
                f"Access Denied: not authorized to perform: {self._action} on resource:"
                f" {self._resource}",
                code="PermissionError",
            ) from error


# Source


def _source(work: Work) -> str:
    configuration, execution = work.configuration, work.execution
    bucket, key = configuration["S3Bucket"], configuration["S3ObjectKey"]
    s3 = work.client("s3")
    with _told(s3, "s3:GetBucketVersioning", f"arn:aws:s3:::{bucket}"):
        versioning = s3.get_bucket_versioning(Bucket=bucket).get("Status")
    if versioning != "Enabled":
        raise ActionFailedError(
            f"Bucket {bucket} does not keep versions", code="ConfigurationError"
        )
    pinned = execution.pinned.get(work.run.name)
    with _told(s3, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"):
        version = {"VersionId": pinned} if pinned else {}
        found = s3.get_object(Bucket=bucket, Key=key, **version)
        data = bytes(found["Body"].read())
    (artifact,) = (one["name"] for one in work.run.declaration["outputArtifacts"])
    store = execution.store(execution.place[1])
    target = f"{execution.name[:_ROOM]}/{artifact[:10]}/{work.run.id[:7]}"
    _write(s3, store, target, data)
    execution.artifacts[artifact, execution.place[1]] = (store["location"], target)
    version_id = found.get("VersionId", "")
    execution.revisions.append(
        {
            "name": artifact,
            "revisionId": version_id,
            "revisionSummary": f"Amazon S3 version id: {version_id}",
        }
    )
    work.run.external_id = version_id
    return f"Amazon S3 version id: {version_id}"


# Invoke


def _invoke(work: Work) -> str:
    configuration, token = work.configuration, ""
    while True:
        event = {"CodePipeline.job": _job(work, configuration, token)}
        work.run.outcome = {}
        work.client("lambda").invoke(
            FunctionName=configuration["FunctionName"],
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )
        _wait_for_outcome(
            work,
            work.settings.job_seconds,
            "The AWS Lambda function failed to return a result. Check the function to verify that"
            " it has permission to call the PutJobSuccessResult action.",
        )
        outcome = work.run.outcome
        if "failureDetails" in outcome:
            details = outcome["failureDetails"]
            raise ActionFailedError(details["message"], code=details["type"])
        token = outcome.get("continuationToken", "")
        if not token:
            return str(outcome.get("executionDetails", {}).get("summary", ""))
        work.run.ended.clear()


def _job(work: Work, configuration: dict[str, str], token: str) -> Data:
    execution = work.execution
    data: Data = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [
            {
                "name": name,
                "revision": None,
                "location": {
                    "type": "S3",
                    "s3Location": dict(
                        zip(("bucketName", "objectKey"), work.location(name), strict=True)
                    ),
                },
            }
            for name in work.inputs()
        ],
        "outputArtifacts": [],
        "artifactCredentials": {
            "accessKeyId": work.credentials["aws_access_key_id"],
            "secretAccessKey": work.credentials["aws_secret_access_key"],
            "sessionToken": work.credentials["aws_session_token"],
        },
        **({"continuationToken": token} if token else {}),
    }
    store = execution.store(work.region)
    if "encryptionKey" in store:
        data["encryptionKey"] = store["encryptionKey"]
    return {"id": work.run.id, "accountId": execution.place[0], "data": data}


def _wait_for_outcome(work: Work, seconds: float, too_late: str) -> None:
    """Wait until somebody reports. Raises ActionFailedError when nobody does in time."""
    reported = work.run.ended.wait(seconds)
    if work.execution.abandoned:
        raise StoppedError
    if not reported:
        raise ActionFailedError(too_late, code="JobTimeout")


# Approval


def _approve(work: Work) -> str:
    configuration, run = work.configuration, work.run
    topic = configuration.get("NotificationArn")
    run.token = run.id
    if topic:
        work.client("sns", topic.split(":")[3], as_pipeline=True).publish(
            TopicArn=topic,
            Subject=f"APPROVAL NEEDED: AWS CodePipeline {work.execution.name}"[:100],
            Message=json.dumps(_question(work, configuration)),
        )
    _wait_for_outcome(work, work.settings.approval_seconds, "The approval has expired.")
    result = run.outcome["result"]
    if result["status"] == "Rejected":
        raise ActionFailedError(f"Rejected: {result['summary']}", code="Rejected")
    return str(result["summary"])


def _question(work: Work, configuration: dict[str, str]) -> Data:
    return {
        "region": work.execution.place[1],
        "approval": {
            "pipelineName": work.execution.name,
            "stageName": work.run.stage,
            "actionName": work.run.name,
            "token": work.run.token,
            "externalEntityLink": configuration.get("ExternalEntityLink"),
            "customData": configuration.get("CustomData"),
        },
    }


# CloudFormation


def _deploy(work: Work) -> str:
    cloudformation = work.client("cloudformation")
    if work.configuration["ActionMode"] == "CHANGE_SET_EXECUTE":
        return _execute_change_set(work, cloudformation)
    return _replace_change_set(work, cloudformation)


def _replace_change_set(work: Work, cloudformation: Any) -> str:
    configuration = work.configuration
    stack, name = configuration["StackName"], configuration["ChangeSetName"]
    artifacts = _Artifacts(work)
    template = artifacts.read(configuration["TemplatePath"])
    settings: Data = {}
    if path := configuration.get("TemplateConfiguration"):
        settings = json.loads(artifacts.read(path))
    overrides = json.loads(configuration.get("ParameterOverrides", "{}"))
    parameters = {**settings.get("Parameters", {}), **artifacts.resolve(overrides)}
    exists = _status(cloudformation, stack)
    if exists:
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
        _wait_while_there(work, cloudformation, stack, name)
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType="UPDATE" if exists and exists != "REVIEW_IN_PROGRESS" else "CREATE",
        RoleARN=configuration["RoleArn"],
        TemplateBody=template,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
        ],
        Tags=[{"Key": key, "Value": str(one)} for key, one in settings.get("Tags", {}).items()],
        Capabilities=[one for one in configuration.get("Capabilities", "").split(",") if one],
    )
    while True:
        found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        if found["Status"] == "CREATE_COMPLETE":
            return f"Change set {name} was created."
        if found["Status"] == "FAILED":
            if _is_empty(found):
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
    configuration = work.configuration
    stack, name = configuration["StackName"], configuration["ChangeSetName"]
    found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
    if found["Status"] == "FAILED" and _is_empty(found):
        return "No changes."
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    work.run.external_id = found["StackId"]
    while (status := _status(cloudformation, stack)).endswith("_IN_PROGRESS"):
        work.pause()
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        reason = _first_failure(cloudformation, stack)
        raise ActionFailedError(f"Stack {stack} is in {status}. {reason}".strip())
    return f"Stack {stack} was {'created' if status.startswith('CREATE') else 'updated'}."


def _status(cloudformation: Any, stack: str) -> str:
    """The status of a stack; empty when there is none."""
    try:
        return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if "does not exist" in str(error):
            return ""
        raise


def _first_failure(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '')}"
        for one in events
        if one["ResourceStatus"].endswith("_FAILED")
    ]
    return failed[-1] if failed else ""


def _is_empty(change_set: Data) -> bool:
    return any(text in change_set.get("StatusReason", "") for text in _NO_CHANGES)


class _Artifacts:
    """The input artifacts of a CloudFormation action, read with the action's role."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._s3 = work.client("s3")
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
                return json.loads(self._member(name, member))[key]
            return {key: self.resolve(one) for key, one in value.items()}
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
            raise ActionFailedError(f"{attribute} is no attribute of an artifact")
        return found[attribute]

    def _of(self, name: str) -> tuple[str, str]:
        if name not in self._work.inputs():
            raise ActionFailedError(f"Artifact {name} is not an input of the action")
        return self._work.location(name)

    def _member(self, name: str, member: str) -> str:
        if name not in self._opened:
            data = _read(self._s3, *self._of(name))
            try:
                self._opened[name] = zipfile.ZipFile(io.BytesIO(data))
            except zipfile.BadZipFile as error:
                raise ActionFailedError(f"Artifact {name} is no ZIP file") from error
        try:
            return self._opened[name].read(member).decode()
        except KeyError as error:
            raise ActionFailedError(
                f"File {member} does not exist in artifact {name}", code="ConfigurationError"
            ) from error


_PERFORM: dict[str, Callable[[Work], str]] = {
    "CloudFormation": _deploy,
    "Lambda": _invoke,
    "Manual": _approve,
    "S3": _source,
}

__all__ = ("ActionFailedError", "SharedClients", "StoppedError", "Work", "failure", "perform")
