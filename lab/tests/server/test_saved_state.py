# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that a lab holds, saved to a file and restored in another lab."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, LabError
from lab.server import saved_state
from lab.tests.stacks import TOPIC, Stacks
from lab.tests.world import AWAY, BUILD, HOME, World, document, statement, wait_for, zipped

# Services that no template of ours uses: their stores of other kinds are not saved.
UNUSED = (
    "apigateway",
    "appsync",
    "cloudfront",
    "cognito",
    "documentdb",
    "ec2",
    "elasticache",
    "iot",
    "kinesis",
    "opensearch",
    "rds",
    "stepfunctions",
)
# It answers an event by an object in a bucket, over the endpoint that it was given.
CODE = """
import json, os
import boto3
def handler(event, context):
    body = json.dumps(event["detail"]).encode()
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="answer", Body=body)
    return os.environ["AWS_ENDPOINT_URL"]
"""


def test_every_store_is_known() -> None:
    """One that is in no list of saved_state.py would be lost without a word."""
    importlib.import_module("lab.server.patches")  # and with it all modules that the lab loads
    known = saved_state.PLAIN | saved_state.RUNTIME | saved_state.CONSTANT
    assert set(plain_stores()) - known == set()


def plain_stores() -> Iterator[str]:
    for module in saved_state.modules():
        if module.startswith(tuple(f"ministack.services.{name}" for name in UNUSED)):
            continue
        for name, value in vars(sys.modules[module]).items():
            is_private_name = name == name.lower() and not name.startswith("__")
            if is_private_name and isinstance(value, dict | list | set | deque):
                yield f"{module}.{name}"


@pytest.fixture
def restored(tmp_path: Path) -> Lab:
    """Another lab, which starts with what a test has saved there."""
    return Lab(state=tmp_path / "state")


def test_a_release_runs_after_a_restore(lab: Lab, restored: Lab, tmp_path: Path) -> None:
    world = World(lab)
    world.upload()
    before = world.create()
    assert world.ended(before) == "Succeeded"
    lab.save(tmp_path / "state")
    with restored:
        world.lab, world.client = restored, restored.client("codepipeline", BUILD, HOME)
        assert world.executions() == [before]
        assert world.ended(world.start()) == "Succeeded"


def test_a_function_answers_events_after_a_restore(lab: Lab, restored: Lab, tmp_path: Path) -> None:
    make_answering_function(lab)
    send(lab, "first")
    wait_for(lambda: answered(lab, "first"))
    lab.save(tmp_path / "state")
    with restored:
        assert answered(restored, "first")
        send(restored, "second")
        wait_for(lambda: answered(restored, "second"))
        answer = restored.client("lambda", BUILD).invoke(
            FunctionName="answering", Payload=json.dumps({"detail": "third"})
        )
        assert json.loads(answer["Payload"].read()) == restored.url
    assert answered(lab, "first")


def make_answering_function(lab: Lab) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam, functions = lab.client("iam", BUILD), lab.client("lambda", BUILD)
    role = iam.create_role(RoleName="answering", AssumeRolePolicyDocument=document(trust))["Role"]
    iam.put_role_policy(
        RoleName="answering", PolicyName="policy", PolicyDocument=document(statement("s3:*"))
    )
    lab.client("s3", BUILD).create_bucket(Bucket="answers")
    function = functions.create_function(
        FunctionName="answering",
        Runtime="python3.13",
        Handler="code.handler",
        Role=role["Arn"],
        Code={"ZipFile": zipped({"code.py": CODE})},
        Environment={"Variables": {"BUCKET": "answers"}},
    )
    events = lab.client("events", BUILD)
    rule = events.put_rule(Name="answering", EventPattern=json.dumps({"source": ["test"]}))
    functions.add_permission(
        FunctionName="answering",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule["RuleArn"],
    )
    target = {"Id": "function", "Arn": function["FunctionArn"]}
    events.put_targets(Rule="answering", Targets=[target])


def send(lab: Lab, text: str) -> None:
    entry = {"Source": "test", "DetailType": "test", "Detail": json.dumps({"text": text})}
    answer = lab.client("events", BUILD).put_events(Entries=[entry])
    assert not answer["FailedEntryCount"]


def answered(lab: Lab, text: str) -> bool:
    s3 = lab.client("s3", BUILD)
    if not s3.list_objects_v2(Bucket="answers")["KeyCount"]:
        return False
    body: Any = json.load(s3.get_object(Bucket="answers", Key="answer")["Body"])
    return bool(body == {"text": text})


def test_what_came_after_the_save_is_gone(lab: Lab, tmp_path: Path) -> None:
    lab.save(tmp_path / "state")
    api = lab.client("cloudformation", BUILD, AWAY)
    Stacks(api, "Later").create({"Topic": TOPIC})
    lab.set_secure_transport(False)
    lab.set_latency(1)
    lab.restore(tmp_path / "state")
    assert "Later" not in [stack["StackName"] for stack in api.describe_stacks()["Stacks"]]
    assert Stacks(api, "Later").create({"Topic": TOPIC}) == "CREATE_COMPLETE"
    assert lab.calls(root=True)[0].action == "DescribeStacks"


def test_work_is_neither_saved_nor_restored_over(lab: Lab, tmp_path: Path) -> None:
    lab.save(tmp_path / "state")
    api = lab.client("cloudformation", BUILD)
    lab.set_latency(60)
    api.create_stack(StackName="Slow", TemplateBody=json.dumps({"Resources": {"Topic": TOPIC}}))
    for method in (lab.save, lab.restore):
        with pytest.raises(LabError, match="at work: stack Slow is CREATE_IN_PROGRESS"):
            method(tmp_path / "state", seconds=0)
    lab.set_latency(0)
    api.delete_stack(StackName="Slow")


def test_a_file_of_another_emulator_is_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(pickle.dumps({"version": "1.0"}))
    with pytest.raises(LabError, match=r"of MiniStack 1\.0, and this is"):
        lab.restore(tmp_path / "state")


def test_a_state_with_an_address_in_it_is_refused(lab: Lab, tmp_path: Path) -> None:
    ssm = lab.client("ssm", BUILD)
    ssm.put_parameter(Name="address", Value=lab.url, Type="String")
    with pytest.raises(LabError, match="the state holds the address of this lab"):
        lab.save(tmp_path / "state")
    ssm.delete_parameter(Name="address")
