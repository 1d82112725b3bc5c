# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CodePipeline of the lab reports to EventBridge.

Everything here talks to a running lab.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import Lab
from lab.tests.world import BUILD, HOME, TARGET, World, document, statement, wait_for

Data = dict[str, Any]


class Reports:
    """Every event of one pipeline, in the order of its arrival."""

    def __init__(self, world: World) -> None:
        self._sqs = world.lab.client("sqs", BUILD, HOME)
        self._queue = self._sqs.create_queue(QueueName=world.name)["QueueUrl"]
        policy = document(statement("sqs:SendMessage", Principal="*"))
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        events = world.lab.client("events", BUILD, HOME)
        pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [world.name]}}
        events.put_rule(Name=world.name, EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:{HOME}:{BUILD}:{world.name}"
        events.put_targets(Rule=world.name, Targets=[{"Id": "queue", "Arn": arn}])
        self._seen: list[Data] = []

    def until(self, what: str, state: str, count: int = 1) -> list[Data]:
        """All details so far, once an event of that kind and state has come that often."""
        wait_for(lambda: self._count(what, state) >= count)
        return [event["detail"] for event in self._seen]

    def _count(self, what: str, state: str) -> int:
        self._seen.extend(self._new())
        return sum(
            event["detail-type"] == f"CodePipeline {what} Execution State Change"
            and event["detail"]["state"] == state
            for event in self._seen
        )

    def _new(self) -> Iterator[Data]:
        while found := self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, VisibilityTimeout=600
        ).get("Messages"):
            yield from (json.loads(message["Body"]) for message in found)


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


def named(details: list[Data]) -> list[str]:
    """Stage, action and state of each event."""
    return [
        " ".join(detail[key] for key in ("stage", "action", "state") if key in detail)
        for detail in details
    ]


def test_an_execution_its_stages_and_its_actions_are_reported(world: World) -> None:
    reports = Reports(world)
    world.upload()
    execution = world.create()
    details = reports.until("Pipeline", "SUCCEEDED")
    assert named(details) == [
        "STARTED",
        "Source STARTED",
        "Source build STARTED",
        "Source build SUCCEEDED",
        "Source SUCCEEDED",
        "Deploy STARTED",
        "Deploy prepare STARTED",
        "Deploy prepare SUCCEEDED",
        "Deploy execute STARTED",
        "Deploy execute SUCCEEDED",
        "Deploy SUCCEEDED",
        "SUCCEEDED",
    ]
    assert {detail["execution-id"] for detail in details} == {execution}
    assert details[0]["execution-trigger"]["trigger-type"] == "CreatePipeline"


def test_each_attempt_that_fails_is_reported_once_with_its_number(world: World) -> None:
    reports = Reports(world)
    world.allow(world.role(TARGET, "deploy"), statement("s3:*", "kms:*", "cloudformation:*"))
    world.upload()
    execution = world.create()
    details = reports.until("Pipeline", "FAILED")
    assert named(details)[-3:] == ["Deploy prepare FAILED", "Deploy FAILED", "FAILED"]
    action = details[-3]
    assert action["execution-result"]["error-code"] == "PermissionError"
    assert "iam:PassRole" in action["execution-result"]["external-execution-summary"]
    assert action["action-execution-id"] == world.run(execution)["prepare"]["actionExecutionId"]

    world.client.retry_stage_execution(
        pipelineName=world.name,
        stageName="Deploy",
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )
    details = reports.until("Pipeline", "FAILED", count=2)
    ends = [detail for detail in details if "stage" not in detail]
    assert [(end["state"], end["pipeline-execution-attempt"]) for end in ends] == [
        ("STARTED", 1),
        ("FAILED", 1),
        ("RESUMED", 2),
        ("FAILED", 2),
    ]


def test_an_approval_that_begins_to_wait_is_reported(world: World) -> None:
    reports = Reports(world)
    world.upload()
    world.create(world.declaration(approval=True))
    world.answer("Rejected")
    details = reports.until("Pipeline", "FAILED")
    approvals = [detail for detail in details if detail.get("action") == "approve"]
    assert [approval["state"] for approval in approvals] == ["STARTED", "FAILED"]
    assert approvals[0]["type"]["category"] == "Approval"
