# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions that rules invoke.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Lab
from lab.tests.release_templates import ACCOUNT, REGION, create, role, statement
from lab.tests.stacks import Stacks, eventually, reasons

SOURCE = "lab.tests"
# Sends what it gets to a queue; then it fails if the event wants that.
CODE = """
import boto3, json, os
def handler(event, context):
    body = json.dumps(event["detail"])
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=body)
    assert not event["detail"]["fails"], "as the event wants"
"""


@pytest.fixture
def account() -> str:
    return ACCOUNT


def template(name: str, *, sends: bool = True, admits: bool = True) -> dict[str, Any]:
    """A rule, its function, and the queues of what the function got and of what it failed."""
    queues = [{"Fn::GetAtt": [queue, "Arn"]} for queue in ("Got", "Failed") if sends]
    send = statement("sqs:SendMessage", queues) if sends else statement("sqs:ListQueues")
    found = {
        "Got": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-got"}},
        "Failed": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-failed"}},
        "Role": role("lambda", send),
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": name,
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"QUEUE": {"Ref": "Got"}}},
                "Code": {"ZipFile": CODE},
                "ReservedConcurrentExecutions": 1,
                "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Failed", "Arn"]}},
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": [SOURCE], "detail-type": [name]},
                "Targets": [{"Id": "function", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        },
    }
    if not admits:
        del found["Permission"]
    return found


def send(lab: Lab, name: str, *, fails: bool = False) -> None:
    detail = json.dumps({"fails": fails})
    entry = {"Source": SOURCE, "DetailType": name, "Detail": detail}
    lab.client("events", ACCOUNT).put_events(Entries=[entry])


def messages(lab: Lab, name: str) -> list[dict[str, Any]]:
    """All that is in a queue."""
    sqs = lab.client("sqs", ACCOUNT)
    found = sqs.receive_message(
        QueueUrl=f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return list(found.get("Messages", []))


def test_a_function_that_fails_gets_its_event_three_times(
    lab: Lab, stacks: Stacks, name: str
) -> None:
    assert create(stacks, template(name)) == "CREATE_COMPLETE"
    send(lab, name, fails=True)
    [failed] = eventually(lambda: messages(lab, f"{name}-failed"))
    assert len(messages(lab, f"{name}-got")) == 3
    event = json.loads(failed["Body"])
    assert (event["detail-type"], event["detail"]) == (name, {"fails": True})
    assert "as the event wants" in failed["MessageAttributes"]["ErrorMessage"]["StringValue"]


def test_an_event_waits_while_the_function_is_at_its_limit(
    lab: Lab, stacks: Stacks, name: str
) -> None:
    assert create(stacks, template(name)) == "CREATE_COMPLETE"
    functions = lab.client("lambda", ACCOUNT)
    limit = functions.get_function_concurrency(FunctionName=name)
    assert limit["ReservedConcurrentExecutions"] == 1
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(lab, name)
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert len(eventually(lambda: messages(lab, f"{name}-got"))) == 1
    lab.wait_for_events()
    assert messages(lab, f"{name}-failed") == []


def test_a_function_gets_no_event_that_its_policy_does_not_admit(
    lab: Lab, stacks: Stacks, name: str
) -> None:
    assert create(stacks, template(name, admits=False)) == "CREATE_COMPLETE"
    send(lab, name)
    lab.wait_for_events()
    assert messages(lab, f"{name}-got") == []


def test_a_role_that_cannot_send_to_the_dead_letter_queue_fails_the_function(
    stacks: Stacks, name: str
) -> None:
    assert create(stacks, template(name, sends=False)) == "ROLLBACK_COMPLETE"
    assert "does not have permissions to call SendMessage on SQS" in reasons(stacks)


def test_drift_shows_another_limit_and_another_queue(lab: Lab, stacks: Stacks, name: str) -> None:
    assert create(stacks, template(name)) == "CREATE_COMPLETE"
    functions = lab.client("lambda", ACCOUNT)
    functions.delete_function_concurrency(FunctionName=name)
    functions.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""})
    stacks.api.detect_stack_resource_drift(StackName=stacks.name, LogicalResourceId="Function")
    found = stacks.api.describe_stack_resource_drifts(StackName=stacks.name)
    [function] = [
        drift for drift in found["StackResourceDrifts"] if drift["LogicalResourceId"] == "Function"
    ]
    paths = {difference["PropertyPath"] for difference in function["PropertyDifferences"]}
    assert paths == {"/ReservedConcurrentExecutions", "/DeadLetterConfig/TargetArn"}


def test_a_queue_has_an_address_of_the_service(lab: Lab, stacks: Stacks, name: str) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
    assert create(stacks, {"Queue": queue}) == "CREATE_COMPLETE"
    assert stacks.physical_id("Queue") == f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


def test_a_function_makes_no_log_group_that_its_role_may_not_make(
    lab: Lab, stacks: Stacks, name: str
) -> None:
    assert create(stacks, template(name)) == "CREATE_COMPLETE"
    send(lab, name)
    assert len(eventually(lambda: messages(lab, f"{name}-got"))) == 1
    lab.wait_for_events()
    groups = lab.client("logs", ACCOUNT).describe_log_groups(
        logGroupNamePrefix=f"/aws/lambda/{name}"
    )
    assert groups["logGroups"] == []
