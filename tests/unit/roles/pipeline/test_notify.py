# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: A002, N803  # arguments as AWS and http.server have them

"""The notifier: one message for each attempt at a release, with what people need to act."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.fakes.service import FakeService, refuse
from tools.environment import ROOT

Data = dict[str, Any]

ACCOUNT, PRODUCTION = "111111111111", "444444444444"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:notifications"
CHAT = f"arn:aws:sns:us-east-1:{ACCOUNT}:chat"
ELSEWHERE = f"arn:aws:sns:eu-west-1:{ACCOUNT}:releases"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:hook-0a1b2c"
QUEUE = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/hello-notices"
EXECUTION = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
EVENTS = "release_failed build_failed approval_rejected approval_waiting release_succeeded"
LINK = (
    "https://us-east-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/hello/executions/"
    f"{EXECUTION}/timeline?region=us-east-1"
)


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 12, minute, tzinfo=UTC)


class Aws(FakeService):
    """CodePipeline, SNS, SQS and Secrets Manager of one region."""

    def __init__(self) -> None:
        super().__init__("codepipeline", "secretsmanager", "sns", "sqs")
        self.actions: list[Data] = []
        self.execution: Data = {"trigger": {"triggerType": "CloudWatchEvent"}}
        self.published: list[Data] = []
        self.failed: list[Data] = []
        self.secret = ""
        self.regions: list[str] = []

    def ran(self, name: str, status: str, minute: int, **more: Any) -> None:
        """Add an attempt at an action of stage production."""
        result = {"errorDetails": {"message": more["why"]}} if "why" in more else {}
        kind = {
            "category": more.get("category", "Deploy"),
            "owner": "AWS",
            "provider": "P",
            "version": "1",
        }
        self.actions.insert(
            0,
            {
                "actionExecutionId": f"{name}-{minute}",
                "stageName": more.get("stage", "production"),
                "actionName": name,
                "startTime": at(minute - 1),
                "lastUpdateTime": at(minute),
                "status": status,
                "updatedBy": more.get("by", ""),
                "input": {
                    "actionTypeId": kind,
                    "region": "eu-west-1",
                    "configuration": more.get("configuration", {}),
                    **({"roleArn": more["role"]} if "role" in more else {}),
                },
                "output": {"executionResult": result},
            },
        )

    def _list_action_executions(
        self, pipelineName: str, filter: dict[str, str], nextToken: str = "0"
    ) -> Data:
        assert (pipelineName, filter) == ("hello", {"pipelineExecutionId": EXECUTION})
        # One on a page.
        start = int(nextToken)
        more = {"nextToken": str(start + 1)} if self.actions[start + 1 :] else {}
        return {"actionExecutionDetails": self.actions[start : start + 1], **more}

    def _get_pipeline_execution(self, pipelineName: str, pipelineExecutionId: str) -> Data:
        assert (pipelineName, pipelineExecutionId) == ("hello", EXECUTION)
        return {"pipelineExecution": self.execution}

    def _publish(self, **request: Any) -> Data:
        self.published.append(request)
        return {"MessageId": "1"}

    def _get_secret_value(self, SecretId: str) -> Data:
        assert SecretId == SECRET
        return {"SecretString": self.secret}

    def _send_message(self, QueueUrl: str, MessageBody: str) -> Data:
        assert QueueUrl == QUEUE
        self.failed.append(json.loads(MessageBody))
        return {}


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with the environment that the template gives to the function."""
    environment = {"PIPELINE": "hello", "EVENTS": EVENTS, "TOPICS": TOPIC, "FAILED_QUEUE": QUEUE}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = ROOT / "roles" / "pipeline" / "files" / "notify.py"
    spec = importlib.util.spec_from_file_location("notify", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "notify", module)  # a dataclass looks its module up
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PAUSES", (0, 0))
    monkeypatch.setattr(module, "WEBHOOK_PAUSES", (0, 0))
    return module


@pytest.fixture
def aws(code: Any, monkeypatch: pytest.MonkeyPatch) -> Aws:
    found = Aws()

    def client(service: str, *, region_name: str = "us-east-1", config: Any) -> Any:
        assert config.retries["mode"] == "standard"
        found.regions.append(region_name)
        return found.clients[service]

    monkeypatch.setattr(code.boto3, "client", client)
    return found


def event(what: str, state: str, **detail: Any) -> Data:
    return {
        "id": "event",
        "source": "aws.codepipeline",
        "detail-type": f"CodePipeline {what} Execution State Change",
        "account": ACCOUNT,
        "region": "us-east-1",
        "resources": [f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:hello"],
        "detail": {
            "pipeline": "hello",
            "execution-id": EXECUTION,
            "state": state,
            "pipeline-execution-attempt": 1.0,
            **detail,
        },
    }


def heard(aws: Aws) -> Data:
    """The only message, as tools get it."""
    [message] = aws.published
    found: Data = json.loads(json.loads(message["Message"])["sqs"])
    return found


# Releases


def test_a_failed_release_names_the_first_failure_and_where_it_was(code: Any, aws: Aws) -> None:
    role = f"arn:aws:iam::{PRODUCTION}:role/CrossAccountCodePipeline"
    aws.ran("second", "Failed", 20, why="because of the first", role=role)
    aws.ran("first", "Failed", 10, why="no access to the bucket", role=role)
    aws.ran("earlier", "Succeeded", 5)
    aws.execution["artifactRevisions"] = [{"revisionSummary": "Amazon S3 version id: 7"}]

    code.handler(event("Pipeline", "FAILED"), None)

    [message] = aws.published
    assert message["TopicArn"] == TOPIC
    assert message["Subject"] == "hello: release failed in production"
    assert message["MessageAttributes"]["event"]["StringValue"] == "release_failed"
    assert json.loads(message["Message"])["default"].split("\n") == [
        "hello: release failed in production",
        "",
        "Stage: production",
        "Action: first",
        f"Account: {PRODUCTION}",
        "Region: eu-west-1",
        "Reason: no access to the bucket",
        "Revision: Amazon S3 version id: 7",
        f"Execution: {EXECUTION}",
        f"Link: {LINK}",
    ]
    assert heard(aws)["id"] == f"release_failed/{EXECUTION}/1"


def test_a_retry_reports_what_failed_in_it(code: Any, aws: Aws) -> None:
    aws.ran("first", "Failed", 10, why="old")
    aws.ran("second", "Failed", 11, why="old too")
    aws.ran("first", "Succeeded", 20)
    aws.ran("second", "Failed", 21, why="new")

    code.handler(event("Pipeline", "FAILED", **{"pipeline-execution-attempt": 2.0}), None)

    assert heard(aws)["reason"] == "new"
    assert (heard(aws)["attempt"], heard(aws)["id"][-2:]) == ("2", "/2")


def test_an_action_that_is_listed_late_is_waited_for(code: Any, aws: Aws) -> None:
    aws.after("ListActionExecutions", lambda: aws.ran("late", "Failed", 10, why="at last"))

    code.handler(event("Pipeline", "FAILED"), None)

    assert heard(aws)["reason"] == "at last"


def test_a_release_that_fails_without_an_action_says_what_the_execution_says(
    code: Any, aws: Aws
) -> None:
    aws.execution["statusSummary"] = "A condition of stage production is not met"
    code.handler(event("Pipeline", "FAILED"), None)
    assert heard(aws)["reason"] == "A condition of stage production is not met"


def test_the_first_start_of_a_new_pipeline_is_not_reported(code: Any, aws: Aws) -> None:
    aws.execution["trigger"]["triggerType"] = "CreatePipeline"
    aws.ran("application", "Failed", 10, why="no build", category="Source", stage="Source")
    code.handler(event("Pipeline", "FAILED"), None)
    assert aws.published == []

    aws.execution["trigger"]["triggerType"] = "StartPipelineExecution"
    code.handler(event("Pipeline", "FAILED"), None)
    assert heard(aws)["title"] == "release failed in Source"


def test_a_rejected_approval_is_a_kind_of_its_own(code: Any, aws: Aws) -> None:
    who = f"arn:aws:iam::{ACCOUNT}:user/alice"
    aws.ran("approve", "Failed", 10, why="Not on a Friday", category="Approval", by=who)
    code.handler(event("Pipeline", "FAILED"), None)
    found = heard(aws)
    assert (found["event"], found["title"]) == ("approval_rejected", "production was not approved")
    assert (found["reason"], found["by"], found["account"]) == ("Not on a Friday", who, ACCOUNT)


def test_an_approval_that_waits_shows_what_to_review(code: Any, aws: Aws) -> None:
    review = {"CustomData": "Look at the tests", "ExternalEntityLink": "https://example.com/tests"}
    aws.ran("approve", "InProgress", 10, category="Approval", configuration=review)
    waiting = {
        "stage": "production",
        "action": "approve",
        "action-execution-id": "approve-10",
        "region": "us-east-1",
        "type": {"category": "Approval"},
    }
    code.handler(event("Action", "STARTED", **waiting), None)
    found = heard(aws)
    assert (found["event"], found["title"]) == (
        "approval_waiting",
        "production waits for approval",
    )
    assert (found["comment"], found["review"]) == tuple(review.values())
    assert found["id"] == f"approval_waiting/{EXECUTION}/approve-10"


@pytest.mark.parametrize(
    ("summary", "revision"),
    [
        ("Amazon S3 version id: 7", "Amazon S3 version id: 7"),
        ('{"ProviderType": "GitHub", "CommitMessage": "Say hello\\n\\nwhy"}', "Say hello"),
        ("", "4f5e6d7c"),
    ],
)
def test_a_release_that_succeeded_names_its_revision(
    code: Any, aws: Aws, summary: str, revision: str
) -> None:
    aws.execution["artifactRevisions"] = [{"revisionSummary": summary, "revisionId": "4f5e6d7c"}]
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert (heard(aws)["title"], heard(aws)["revision"]) == ("released", revision)


def test_a_rollback_that_succeeded_is_no_release(code: Any, aws: Aws) -> None:
    aws.execution["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": "older"}
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert (heard(aws)["title"], heard(aws)["back_to"]) == ("rolled back", "older")


def test_a_build_that_failed_outside_the_pipeline_names_its_phase(code: Any, aws: Aws) -> None:
    failed = {
        "phase-type": "BUILD",
        "phase-status": "FAILED",
        "phase-context": ["COMMAND_EXECUTION_ERROR: make: exit status 2"],
    }
    done = {"phase-type": "INSTALL", "phase-status": "SUCCEEDED", "phase-context": [" : "]}
    detail = {
        "build-status": "FAILED",
        "project-name": "hello-release",
        "build-id": f"arn:aws:codebuild:us-east-1:{ACCOUNT}:build/hello-release:0a1b",
        "additional-information": {
            "phases": [done, failed, {"phase-type": "COMPLETED"}],
            "source-version": "main",
            "logs": {"deep-link": "https://console.aws.amazon.com/cloudwatch/logs"},
        },
    }
    code.handler({**event("", ""), "source": "aws.codebuild", "detail": detail}, None)
    found = heard(aws)
    assert (found["event"], found["phase"]) == ("build_failed", "BUILD")
    assert found["reason"] == "COMMAND_EXECUTION_ERROR: make: exit status 2"
    assert found["link"] == "https://console.aws.amazon.com/cloudwatch/logs"
    assert found["id"] == "build_failed/hello-release:0a1b"


def test_what_nobody_wants_to_hear_is_not_sent(
    code: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTS", "approval_rejected")
    aws.ran("first", "Failed", 10, why="anything")
    code.handler(event("Pipeline", "FAILED"), None)
    assert aws.published == []


# Destinations


def test_chat_gets_the_format_of_amazon_q_on_a_topic_of_its_own(
    code: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_TOPICS", CHAT)
    aws.ran("first", "Failed", 10, why="`rm` of <bucket> *fails*")
    code.handler(event("Pipeline", "FAILED"), None)
    _mail, chat = aws.published
    assert chat["TopicArn"] == CHAT
    message = json.loads(chat["Message"])
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["content"]["textType"] == "client-markdown"
    assert message["content"]["title"] == "hello: release failed in production"
    assert "*Reason:* 'rm' of (bucket) fails" in message["content"]["description"].split("\n")
    assert message["metadata"]["threadId"] == EXECUTION


def test_each_topic_is_called_in_its_region(
    code: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPICS", f"{TOPIC} {ELSEWHERE}")
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert [message["TopicArn"] for message in aws.published] == [TOPIC, ELSEWHERE]
    assert aws.regions[-2:] == ["us-east-1", "eu-west-1"]


def test_what_one_destination_refuses_the_others_get_and_a_queue_keeps(
    code: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPICS", f"{TOPIC} {ELSEWHERE}")
    aws.before("Publish", refuse("AuthorizationError", "no access to the topic"))
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert [message["TopicArn"] for message in aws.published] == [ELSEWHERE]
    [kept] = aws.failed
    assert kept["undelivered"][0]["destination"] == TOPIC
    assert "no access to the topic" in kept["undelivered"][0]["error"]
    assert kept["notice"]["event"] == "release_succeeded"


def test_an_event_that_cannot_be_read_is_left_to_lambda(code: Any, aws: Aws) -> None:
    """Lambda tries it again, and nobody has heard of it yet."""
    aws.before("GetPipelineExecution", refuse("ThrottlingException", "slow down"))
    with pytest.raises(aws.clients["codepipeline"].exceptions.ClientError, match="slow down"):
        code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert aws.published == []


# Webhooks


class Receiver:
    """A server on this machine that answers each request with the next status, the last for good."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.got: list[tuple[str, Data, dict[str, str]]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.got.append((self.path, body, dict(self.headers)))
                more = len(receiver.statuses) > 1
                self.send_response(receiver.statuses.pop(0) if more else receiver.statuses[0])
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(
    code: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Receiver]:
    monkeypatch.setenv("TOPICS", "")
    monkeypatch.setenv("WEBHOOKS", SECRET)
    monkeypatch.setattr(code, "WEBHOOK_SCHEME", "http://127.0.0.1:")
    found = Receiver()
    yield found
    found.close()


def test_a_webhook_gets_text_and_data(code: Any, aws: Aws, receiver: Receiver) -> None:
    aws.secret = receiver.url
    aws.ran("first", "Failed", 10, why="no access")
    code.handler(event("Pipeline", "FAILED"), None)
    [(path, body, headers)] = receiver.got
    assert (path, headers["Content-Type"]) == ("/hook", "application/json")
    assert body["text"].startswith("hello: release failed in production\n")
    assert (body["event"], body["reason"]) == ("release_failed", "no access")
    assert aws.failed == []


def test_a_secret_may_hold_headers(code: Any, aws: Aws, receiver: Receiver) -> None:
    aws.secret = json.dumps({"url": receiver.url, "headers": {"Authorization": "GenieKey 1"}})
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert receiver.got[0][2]["Authorization"] == "GenieKey 1"


@pytest.mark.parametrize(
    ("statuses", "attempts", "failure"),
    [
        ([503, 200], 2, ""),
        ([503], 2, "it answers 503"),
        ([404], 1, "it answers 404"),
        ([302], 1, "it answers 302"),
    ],
)
def test_a_webhook_is_tried_again_where_that_may_help(
    code: Any,
    aws: Aws,
    receiver: Receiver,
    statuses: list[int],
    attempts: int,
    failure: str,
) -> None:
    receiver.statuses = statuses
    aws.secret = receiver.url
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    assert [path for path, _body, _headers in receiver.got] == ["/hook"] * attempts
    errors = [kept["undelivered"][0]["error"] for kept in aws.failed]
    assert errors == ([failure] if failure else [])


@pytest.mark.parametrize(
    "secret",
    [
        "ftp://user:password@127.0.0.1/hook",
        "{not JSON password",
        '{"headers": {"password": "1"}}',
        "http://127.0.0.1:1/pass word",
        '{"url": "http://127.0.0.1:1/", "headers": {"key": "pass\\nword"}}',
    ],
)
def test_what_is_wrong_with_a_secret_does_not_show_it(
    code: Any, aws: Aws, receiver: Receiver, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    aws.secret = secret
    code.handler(event("Pipeline", "SUCCEEDED"), None)
    shown = f"{json.dumps(aws.failed)} {caplog.text}"
    assert "undelivered" in shown
    assert not {"password", "pass word", "word"} & set(shown.split()), shown


def test_an_address_without_tls_is_refused(code: Any) -> None:
    with pytest.raises(code.DeliveryError, match="holds no https address"):
        code.webhook("http://example.com/hook")
    assert code.webhook("https://example.com/hook\n") == ("https://example.com/hook", {})


def test_partitions_have_consoles_of_their_own(code: Any) -> None:
    china = {"region": "cn-north-1", "resources": ["arn:aws-cn:codepipeline:cn-north-1:1:hello"]}
    assert code.console(china, "x").startswith("https://cn-north-1.console.amazonaws.cn/codesuite")
