# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that an alarm of its account rolls back."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import EXAMPLE, Lab, Pipeline, objects
from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, StackName
from tests.integration.waiting import wait_until

TEMPLATE = (EXAMPLE / "hello.template").read_text("ascii")
ALARM = "hello-errors"
REGION = "us-east-1"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def test_an_alarm_after_a_release_brings_back_the_one_before(
    lab: Lab, inventory: Inventory, playbook: Playbook, held: Held, existing: None
) -> None:
    """Talks to the lab."""
    hello = inventory.pipeline("hello")
    hello["waves"] = [
        {
            "name": "development",
            "environments": [{"host": "development"}],
            "alarms": [{"name": ALARM, "host": "development"}],
            "on_failure": "rollback",
        }
    ]
    inventory.declare("hello", hello)
    inventory.set("development", deploy_account_read_alarms=True)
    run = playbook.run()
    assert run.code == 0, run.output
    account = inventory.accounts["development"].account_id
    alarms = lab.client("cloudwatch", account, REGION)
    alarms.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="Hello",
        MetricName="Errors",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )

    topics = lab.client("sns", account, REGION)

    def display() -> str:
        topic = held.outputs(StackName(account, REGION, "hello"))["GreetingsTopicArn"]
        return str(topics.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"])

    def release(state: str, greeting: str) -> None:
        alarms.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="a test")
        before = len(pipeline.executions)
        files = objects(hello_template=TEMPLATE.replace("!Ref Greeting\n", f"{greeting}\n"))
        assert lab.build("hello-release", files)["buildStatus"] == "SUCCEEDED"
        pipeline.wait(executions=before + 1)

    pipeline = Pipeline(lab, "hello")
    pipeline.wait()
    release("OK", "good")
    assert pipeline.status == "Succeeded", pipeline.description
    release("ALARM", "bad")

    wait_until(lambda: len(pipeline.executions) == 4, "the rollback began")
    assert pipeline.wait() == "Succeeded", pipeline.description
    assert [one["status"] for one in pipeline.executions[:3]] == [
        "Succeeded",
        "Failed",
        "Succeeded",
    ]
    assert display() == "good"
