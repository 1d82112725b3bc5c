# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a release asks, and for how long."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.approval import (
    NOT_FROZEN,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.approvals import (
    approvals,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.part import Part
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)

from tools import sample_pipelines

Data = dict[str, Any]
OWN = "arn:aws:sns:us-east-1:222222222222:own"


def sample(**approval: Any) -> Data:
    """The usual pipeline, in which production and testing are approved."""
    data = sample_pipelines.hello()
    data["waves"][1]["approval"] = True
    data["waves"][2]["approval"] = approval
    return data


def asks(data: Data) -> list[Data]:
    """Return the actions that ask somebody."""
    [pipeline] = sample_pipelines.read(data)
    stages = compose_stages(pipeline, sample_pipelines.foundation())
    actions = [action for stage in stages for action in stage["Actions"]]
    return [action for action in actions if action["Name"] == "approve"]


def part(data: Data) -> Part:
    [pipeline] = sample_pipelines.read(data)
    return approvals(pipeline, sample_pipelines.foundation())


def test_an_approval_has_a_timeout_and_a_topic_of_its_own() -> None:
    testing, production = asks(sample(timeout=1440, topic=OWN))

    assert "TimeoutInMinutes" not in testing
    assert testing["Configuration"] == {"NotificationArn": {"Ref": "ApprovalTopicArn"}}
    assert production["TimeoutInMinutes"] == 1440
    assert production["Configuration"] == {"NotificationArn": OWN}


def test_the_pipeline_may_ask_on_the_topics_of_its_waves_alone() -> None:
    data = sample(topic=OWN)
    both = part(data)
    data["waves"][1]["approval"] = None
    own = part(data)

    sids = [statement["Sid"] for statement in own.pipeline_statements]
    assert (own.primary_outputs, sids) == ((), ["AskOnOwnTopics", "EncryptForOwnTopics"])
    assert own.pipeline_statements[0]["Resource"] == [OWN]
    assert both.primary_outputs == ("ApprovalTopicArn",)
    assert len(both.pipeline_statements) == 4


def test_addresses_of_a_wave_are_asked_on_an_encrypted_topic_of_that_wave() -> None:
    data = sample(mail=["owners@example.com", "on-call@example.com"])
    found = part(data)
    [topic] = [
        name for name, resource in found.resources.items() if resource["Type"] == "AWS::SNS::Topic"
    ]

    properties = found.resources[topic]["Properties"]
    assert properties["KmsMasterKeyId"] == {"Ref": "KeyArn"}
    assert properties["TopicName"] == {"Fn::Sub": "${PipelineName}-approval-production-notices"}
    subscribers = {
        resource["Properties"]["Endpoint"]
        for resource in found.resources.values()
        if resource["Type"] == "AWS::SNS::Subscription"
        and resource["Properties"]["TopicArn"] == {"Ref": topic}
    }
    assert subscribers == {"owners@example.com", "on-call@example.com"}
    testing, production = asks(data)
    assert testing["Configuration"]["NotificationArn"] == {"Ref": "ApprovalTopicArn"}
    assert production["Configuration"]["NotificationArn"] == {"Ref": topic}
    [publish] = [one for one in found.pipeline_statements if one["Action"] == "sns:Publish"]
    assert publish["Resource"] == [{"Ref": "ApprovalTopicArn"}, {"Ref": topic}]


@pytest.mark.parametrize(
    ("approval", "capability", "question"),
    [
        ({"summary": "Release?"}, "CAPABILITY_AUTO_EXPAND", f"Release? {NOT_FROZEN}"),
        ({}, "CAPABILITY_AUTO_EXPAND", NOT_FROZEN),
        ({"summary": "Release?"}, "CAPABILITY_IAM", "Release?"),
        ({"review": "release"}, "CAPABILITY_AUTO_EXPAND", None),
    ],
)
def test_who_approves_change_sets_reads_that_nested_stacks_are_not_frozen(
    approval: Data, capability: str, question: str | None
) -> None:
    data = sample(**approval)
    data["stacks"][1]["capabilities"] = [capability]
    [_testing, production] = asks(data)
    assert production["Configuration"].get("CustomData") == question


def test_a_summary_leaves_room_for_what_is_not_frozen() -> None:
    data = sample(summary="x" * 1000)
    asks(data)
    data["stacks"][1]["capabilities"] = ["CAPABILITY_AUTO_EXPAND"]
    with pytest.raises(PipelineError, match=r"approval\.summary: 1\d\d\d characters with a sent"):
        asks(data)


def test_waves_that_ask_addresses_alone_need_no_topic_of_the_organisation() -> None:
    data = sample(mail=["owners@example.com"])
    data["waves"][1]["approval"] = {"mail": ["testers@example.com"]}
    # CodePipeline takes more in a name than SNS.
    data["waves"][1]["name"] = "testing@eu.1"
    found = part(data)

    assert found.primary_outputs == ()
    names = [
        resource["Properties"]["TopicName"]["Fn::Sub"]
        for resource in found.resources.values()
        if resource["Type"] == "AWS::SNS::Topic"
    ]
    assert names[1:] == ["${PipelineName}-approval-production-notices"]
    assert re.fullmatch(r"\$\{PipelineName\}-approval-testing-eu-1-[0-9a-f]+-notices", names[0])


@pytest.mark.parametrize(
    ("approval", "message"),
    [
        ({"timeout": 4}, "approval.timeout: 4 is not a whole number from 5 to 86400"),
        ({"timeout": "1 day"}, "approval.timeout"),
        ({"topic": "own"}, "approval.topic: 'own' is not the ARN of a topic"),
        ({"mail": ["somebody"]}, "approval.mail[1]: 'somebody' is not a mail address"),
        (
            {"topic": OWN, "mail": ["owners@example.com"]},
            "approval: it has both mail and topic. Let the addresses subscribe to the topic, or",
        ),
        (
            {"topic": OWN.replace("us-east-1", "eu-west-1")},
            "approval.topic: it is in eu-west-1, and pipelines ask in us-east-1. Name a topic in",
        ),
    ],
)
def test_an_approval_that_codepipeline_would_refuse_is_refused(
    approval: Data, message: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        sample_pipelines.read(sample(**approval))
    assert message in str(caught.value)


def test_topics_that_do_not_fit_into_the_role_are_refused_before_the_first_call() -> None:
    data = sample_pipelines.one_region()
    hosts = sample_pipelines.many_regions()["waves"]
    data["waves"] = [
        {**environment, "name": f"wave-{number}", "environments": [environment]}
        for number, environment in enumerate(
            environment for wave in hosts for environment in wave["environments"]
        )
    ]
    for number, wave in enumerate(data["waves"]):
        del wave["host"]
        wave["approval"] = {"topic": f"{OWN}-{number}{'x' * 200}"}

    with pytest.raises(
        PipelineError, match=r"30 accounts and 20 regions make a role policy of \d+"
    ):
        sample_pipelines.read(data)
