# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event target: report what became of a release to people and tools.

CodePipeline sends one event for each end of an attempt at a release, so there is one message for
each. Events and topics are delivered at least once: duplicates have the
same id.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import logging
import os
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})
# Seconds before each look at the actions, which may be listed later than the event comes.
PAUSES = (0, 2, 5)
# Seconds before each attempt at a webhook, and for its answer.
WEBHOOK_PAUSES = (0, 2, 5)
WEBHOOK_TIMEOUT = 10
WEBHOOK_SCHEME = "https://"
# SNS allows a subject 99 characters of ASCII.
SUBJECT_LENGTH = 99
VALUE_LENGTH = 2000
CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}

Data = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notice:
    """What happened, once for people and tools.

    kind: one of the events of the inventory. id: the same in every copy. facts: names and values
    of what is known, empty ones included.
    """

    kind: str
    pipeline: str
    id: str
    title: str
    link: str
    execution: str = ""
    facts: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def headline(self) -> str:
        """The pipeline, and what happened."""
        return f"{self.pipeline}: {self.title}"

    @property
    def known(self) -> dict[str, str]:
        """The facts that have a value."""
        return {name: value[:VALUE_LENGTH] for name, value in self.facts.items() if value}

    def text(self) -> str:
        """The notice for people, a fact a line."""
        lines = [f"{name}: {value}" for name, value in self.known.items()]
        return "\n".join([self.headline, "", *lines, f"Link: {self.link}"])

    def data(self) -> Data:
        """The notice for tools."""
        return {
            "id": self.id,
            "event": self.kind,
            "pipeline": self.pipeline,
            "title": self.title,
            "execution": self.execution,
            **{name.lower().replace(" ", "_"): value for name, value in self.known.items()},
            "link": self.link,
        }

    def chat(self) -> Data:
        """The notice as a custom notification of Amazon Q Developer in chat applications."""
        lines = [f"*{name}:* {plain(value)}" for name, value in self.known.items()]
        return {
            "version": "1.0",
            "source": "custom",
            "id": self.id,
            "content": {
                "textType": "client-markdown",
                "title": self.headline,
                "description": "\n".join([*lines, self.link]),
                "keywords": [self.pipeline, self.kind],
            },
            "metadata": {
                "threadId": self.execution or self.id,
                "summary": self.headline,
                "eventType": self.kind,
            },
        }


class DeliveryError(Exception):
    """A destination did not take a notice; the message says why."""


def handler(event: Data, _context: Any) -> None:
    """Report an event, if it is one of those asked for.

    Until the first message is sent, an error makes Lambda try the event again. After it, a
    destination that fails does not stop the others: what it did not get goes to the dead-letter
    queue.
    """
    notice = notice_of(event)
    if notice is None or notice.kind not in words("EVENTS"):
        LOG.info("nothing to report of event %s", event["id"])
        return
    undelivered = []
    for destination, send in destinations():
        try:
            send(destination, notice)
            LOG.info("%s sent to %s", notice.id, destination)
        except Exception as error:
            # Whatever it is: an error would make Lambda send what others have got again.
            LOG.exception("%s not sent to %s", notice.id, destination)
            undelivered.append({"destination": destination, "error": str(error)})
    if undelivered:
        boto3.client("sqs", config=RETRIES).send_message(
            QueueUrl=os.environ["FAILED_QUEUE"],
            MessageBody=json.dumps({"undelivered": undelivered, "notice": notice.data()}),
        )


def words(variable: str) -> list[str]:
    """Return the words of an environment variable."""
    return os.environ.get(variable, "").split()


# What happened


def notice_of(event: Data) -> Notice | None:
    """Return what to report of an event; None for nothing."""
    detail = event["detail"]
    if event["source"] == "aws.codebuild":
        return failed_build(event)
    if detail.get("type", {}).get("category") == "Approval":
        return waiting_approval(event)
    actions: list[Data] = []
    if detail["state"] == "SUCCEEDED":
        return succeeded_release(event)
    for pause in PAUSES:
        time.sleep(pause)
        actions = actions_of(detail)
        if earliest_failure(actions):
            break
    return failed_release(event, earliest_failure(actions))


def failed_build(event: Data) -> Notice:
    """Return the notice of a build that failed outside a pipeline."""
    detail = event["detail"]
    more = detail["additional-information"]
    failed = [
        phase
        for phase in more.get("phases", [])
        if phase.get("phase-status") not in ("", None, "SUCCEEDED")
    ]
    first = failed[0] if failed else {}
    reasons = [text for text in first.get("phase-context", []) if text.strip(" :")]
    build = detail["build-id"].rpartition("/")[2]
    return Notice(
        kind="build_failed",
        pipeline=os.environ["PIPELINE"],
        id=f"build_failed/{build}",
        title=f"build {detail['project-name']} failed",
        link=more.get("logs", {}).get("deep-link")
        or console(event, f"codebuild/projects/{detail['project-name']}/build/{build}"),
        facts={
            "Build": build,
            "Phase": first.get("phase-type", ""),
            "Account": event["account"],
            "Region": event["region"],
            "Revision": more.get("source-version", ""),
            "Reason": (reasons or [detail["build-status"]])[0],
        },
    )


def waiting_approval(event: Data) -> Notice:
    """Return the notice of an approval that begins to wait."""
    detail = event["detail"]
    action: Data = next(
        (
            action
            for action in actions_of(detail)
            if action["actionExecutionId"] == detail["action-execution-id"]
        ),
        {},
    )
    configuration = action.get("input", {}).get("configuration", {})
    return notice_of_release(
        event,
        "approval_waiting",
        f"{detail['stage']} waits for approval",
        {
            "Stage": detail["stage"],
            "Action": detail["action"],
            "Account": event["account"],
            "Region": detail["region"],
            "Comment": configuration.get("CustomData", ""),
            "Review": configuration.get("ExternalEntityLink", ""),
            "Revision": revision(execution_of(detail)),
        },
        number=detail["action-execution-id"],
    )


def succeeded_release(event: Data) -> Notice:
    """Return the notice of a release that reached its last wave."""
    execution = execution_of(event["detail"])
    target = execution.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId", "")
    return notice_of_release(
        event,
        "release_succeeded",
        "rolled back" if target else "released",
        {
            "Account": event["account"],
            "Region": event["region"],
            "Back to": target,
            "Revision": revision(execution),
        },
    )


def failed_release(event: Data, action: Data | None) -> Notice | None:
    """Return the notice of a release that failed, or was not approved.

    A new pipeline starts by itself, usually before anything is built. Nothing is reported of that.
    """
    execution = execution_of(event["detail"])
    if action is None:
        reason = execution.get("statusSummary", "") or "No action failed."
        title, facts = "release failed", {"Account": event["account"], "Region": event["region"]}
        facts |= {"Reason": reason, "Revision": revision(execution)}
        return notice_of_release(event, "release_failed", title, facts)
    category = action["input"]["actionTypeId"]["category"]
    if category == "Source" and execution.get("trigger", {}).get("triggerType") == "CreatePipeline":
        return None
    rejected = category == "Approval"
    result = action.get("output", {}).get("executionResult", {})
    reason = result.get("errorDetails", {}).get("message", "")
    stage = action["stageName"]
    return notice_of_release(
        event,
        "approval_rejected" if rejected else "release_failed",
        f"{stage} was not approved" if rejected else f"release failed in {stage}",
        {
            "Stage": stage,
            "Action": action["actionName"],
            "Account": account_of(action, event),
            "Region": action["input"].get("region", event["region"]),
            "Reason": reason or result.get("externalExecutionSummary", ""),
            "By": action.get("updatedBy", "") if rejected else "",
            "Details": result.get("externalExecutionUrl", ""),
            "Revision": revision(execution),
        },
    )


def notice_of_release(
    event: Data, kind: str, title: str, facts: dict[str, str], *, number: str = ""
) -> Notice:
    """Return a notice about an execution. number: by default that of the attempt."""
    detail = event["detail"]
    execution = detail["execution-id"]
    attempt = int(detail.get("pipeline-execution-attempt") or 1)
    path = f"codepipeline/pipelines/{detail['pipeline']}/executions/{execution}/timeline"
    return Notice(
        kind=kind,
        pipeline=detail["pipeline"],
        id=f"{kind}/{execution}/{number or attempt}",
        title=title,
        link=console(event, path),
        execution=execution,
        facts={**facts, "Execution": execution, "Attempt": str(attempt) if attempt > 1 else ""},
    )


# What CodePipeline knows of it


def actions_of(detail: Data) -> list[Data]:
    """Return every attempt at an action of the execution."""
    pages = boto3.client("codepipeline", config=RETRIES).get_paginator("list_action_executions")
    found = pages.paginate(
        pipelineName=detail["pipeline"], filter={"pipelineExecutionId": detail["execution-id"]}
    )
    return [action for page in found for action in page["actionExecutionDetails"]]


def execution_of(detail: Data) -> Data:
    """Return the execution."""
    answer = boto3.client("codepipeline", config=RETRIES).get_pipeline_execution(
        pipelineName=detail["pipeline"], pipelineExecutionId=detail["execution-id"]
    )
    return dict(answer["pipelineExecution"])


def earliest_failure(actions: list[Data]) -> Data | None:
    """Return the action that failed first, in the last attempt at each; None if none did."""
    latest: dict[tuple[str, str], Data] = {}
    for action in sorted(actions, key=lambda action: action["startTime"]):
        latest[action["stageName"], action["actionName"]] = action
    failed = [action for action in latest.values() if action["status"] == "Failed"]
    return min(failed, key=lambda action: action["lastUpdateTime"], default=None)


def account_of(action: Data, event: Data) -> str:
    """Return the account that an action works in: that of its role."""
    role = action["input"].get("roleArn", "")
    return role.split(":")[4] if role else str(event["account"])


def revision(execution: Data) -> str:
    """Return what is released: a commit's message, or what the source says."""
    for found in execution.get("artifactRevisions", []):
        summary = found.get("revisionSummary", "")
        try:
            commit = json.loads(summary)
        except ValueError:
            commit = None
        if isinstance(commit, dict):
            summary = commit.get("CommitMessage", "")
        return str(summary or found.get("revisionId", "")).partition("\n")[0]
    return ""


def console(event: Data, path: str) -> str:
    """Return the address of a page of the console."""
    region = event["region"]
    host = CONSOLES.get(event["resources"][0].split(":")[1], "console.aws.amazon.com")
    return f"https://{region}.{host}/codesuite/{path}?region={region}"


# Who hears of it


def destinations() -> list[tuple[str, Any]]:
    """Return each destination, and what sends a notice to it."""
    return [
        *((topic, publish) for topic in words("TOPICS")),
        *((topic, publish_chat) for topic in words("CHAT_TOPICS")),
        *((secret, post) for secret in words("WEBHOOKS")),
    ]


def publish(topic: str, notice: Notice) -> None:
    """Publish to a topic: text for mail, data for tools."""
    data = json.dumps(notice.data())
    tools = dict.fromkeys(("http", "https", "lambda", "sqs"), data)
    topic_client(topic).publish(
        TopicArn=topic,
        Subject=notice.headline[:SUBJECT_LENGTH],
        MessageStructure="json",
        Message=json.dumps({"default": notice.text(), **tools}),
        MessageAttributes={
            "event": {"DataType": "String", "StringValue": notice.kind},
            "pipeline": {"DataType": "String", "StringValue": notice.pipeline},
        },
    )


def publish_chat(topic: str, notice: Notice) -> None:
    """Publish to a topic of Amazon Q Developer in chat applications."""
    topic_client(topic).publish(TopicArn=topic, Message=json.dumps(notice.chat()))


def topic_client(topic: str) -> Any:
    """Return a client in the topic's region."""
    return boto3.client("sns", region_name=topic.split(":")[3], config=RETRIES)


def plain(text: str) -> str:
    """Return text that no chat reads as markup."""
    return text.replace("*", "").translate(str.maketrans("`<>~", "'()-"))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses to send a notice to another address than the secret's."""

    def redirect_request(self, *_arguments: Any, **_more: Any) -> None:
        """Follow nothing."""


def post(secret: str, notice: Notice) -> None:
    """Post to the address that a secret holds. Raises DeliveryError.

    The secret is the address, or JSON with `url` and `headers`.
    """
    secrets = boto3.client("secretsmanager", region_name=secret.split(":")[3], config=RETRIES)
    answer = secrets.get_secret_value(SecretId=secret)
    url, headers = webhook(answer["SecretString"])
    body = json.dumps({"text": notice.text(), **notice.data()}).encode()
    headers = {**headers, "Content-Type": "application/json"}
    request = urllib.request.Request(  # noqa: S310  # webhook() admits https only
        url, data=body, headers=headers, method="POST"
    )
    opener = urllib.request.build_opener(NoRedirect)
    problem = ""
    for pause in WEBHOOK_PAUSES:
        time.sleep(pause)
        try:
            with opener.open(request, timeout=WEBHOOK_TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            problem = f"it answers {error.code}"
            if error.code < 500 and error.code != 429:
                break
        except (OSError, ValueError, http.client.HTTPException) as error:
            # Its text may hold the address, which is secret.
            problem = type(getattr(error, "reason", error)).__name__
    raise DeliveryError(problem)


def webhook(text: str) -> tuple[str, dict[str, str]]:
    """Return address and headers of a secret. Raises DeliveryError, without the secret."""
    found: Data = {"url": text.strip()}
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise DeliveryError("the secret is not JSON") from None
    url, headers = found.get("url"), found.get("headers", {})
    if not isinstance(url, str) or not url.startswith(WEBHOOK_SCHEME):
        raise DeliveryError("the secret holds no https address")
    return url, dict(headers)
