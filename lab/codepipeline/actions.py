# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions of a pipeline do, with the credentials that AWS does it with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ..iam.service_roles import root_client
from .builds import build
from .files import deploy_files
from .services import deploy_service
from .sources import SOURCES
from .stacks import deploy
from .work import ActionFailedError, Objects, StoppedError, Work, failure

Data = dict[str, Any]


def perform(work: Work) -> str:
    """Do an action; a line about what was done. Raises ActionFailedError or StoppedError."""
    kind = work.run.declaration["actionTypeId"]
    clones = [name for name in work.inputs() if name in work.execution.clones]
    if clones and kind["provider"] != "CodeBuild":
        raise ActionFailedError(
            f"Artifact {clones[0]} is a clone reference, which only CodeBuild actions can use",
            code="ConfigurationError",
        )
    try:
        _bring_inputs(work)
        return _PERFORM[kind["category"], kind["provider"]](work)
    except ClientError as error:
        raise failure(error) from error


def _bring_inputs(work: Work) -> None:
    """Copy the input artifacts into the store of the action's region.

    An assumption, as AWS does not document who copies: the pipeline's role, or CodePipeline itself.
    """
    execution = work.execution

    def objects(region: str) -> Objects:
        if work.settings.artifact_copier == "service":
            root = root_client("s3", account=execution.place[0], region=region)
            return Objects(s3=root, principal="root")
        return work.objects(region, as_pipeline=True)

    store = execution.store(work.region)
    for name in work.inputs():
        # Actions of one run order work at once, and a region needs one copy.
        with execution.copying:
            if (name, work.region) not in execution.artifacts:
                made = next(region for found, region in execution.artifacts if found == name)
                bucket, key = execution.artifacts[name, made]
                data, _version = objects(made).read(bucket, key)
                objects(work.region).write(store, key, data)
                execution.artifacts[name, work.region] = (store["location"], key)


# Source


def _source(work: Work) -> str:
    configuration, execution = work.configuration, work.execution
    bucket = configuration["S3Bucket"]
    key = execution.keys.get(work.run.name, configuration["S3ObjectKey"])
    objects = work.objects()
    if not objects.keeps_versions(bucket):
        raise ActionFailedError(f"Bucket {bucket} is not versioned", code="ConfigurationError")
    data, version = objects.read(bucket, key, execution.pinned.get(work.run.name, ""))
    (artifact,) = work.outputs()
    place = work.new_location(artifact)
    objects.write(execution.store(work.home), place[1], data)
    execution.add_artifact(artifact, work.home, place)
    summary = f"Amazon S3 version id: {version}"
    execution.revisions.append(
        {
            "name": artifact,
            "actionName": work.run.name,
            "revisionId": version,
            "revisionSummary": summary,
        }
    )
    work.run.external_id = version
    work.run.variables = {"BucketName": bucket, "ObjectKey": key, "VersionId": version}
    return summary


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
        work.run.variables = outcome.get("outputVariables", {})
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
    seconds = float(run.declaration.get("timeoutInMinutes", 0) * 60)
    _wait_for_outcome(work, seconds or work.settings.approval_seconds, "The approval has expired.")
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


_PERFORM: dict[tuple[str, str], Callable[[Work], str]] = {
    ("Approval", "Manual"): _approve,
    ("Build", "CodeBuild"): build,
    ("Deploy", "CloudFormation"): deploy,
    ("Deploy", "ECS"): deploy_service,
    ("Deploy", "S3"): deploy_files,
    ("Invoke", "Lambda"): _invoke,
    ("Source", "S3"): _source,
    ("Test", "CodeBuild"): build,
    **{("Source", provider): source for provider, source in SOURCES.items()},
}

__all__ = ("perform",)
