# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who hears of a pipeline's releases: the organisation's subscribers, or the pipeline's own."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.approval import (
    Approval,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Pipeline,
    Wave,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.notifications import (
    Notifications,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source import Source
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.notices import (
    notices,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.part import Part
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.topics import (
    organisation_topics,
)

from tools import sample_pipelines

Data = dict[str, Any]

CHAT = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/releases"
TOPIC = "arn:aws:sns:us-east-1:111111111111:releases"
SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:hook-0a1b2c"
SHARED = {"mail": ["all@example.com"], "chat": [CHAT]}


def part(own: Data | None = None, shared: Data | None = None, **more: Any) -> Part:
    """What a pipeline with one approval gets."""
    of_all = Notifications.from_dict(SHARED if shared is None else shared)
    wave = Wave(name="production", environments=(), approval=Approval())
    pipeline = Pipeline(
        name="hello", waves=(wave,), notifications=of_all.overridden(own or {}), **more
    )
    return notices(pipeline, sample_pipelines.foundation())


def variables(found: Part) -> Data:
    properties = found.resources["NoticesFunction"]["Properties"]
    return dict(properties["Environment"]["Variables"])


def patterns(found: Part) -> list[Data]:
    pattern = found.resources["NoticesRule"]["Properties"]["EventPattern"]
    return list(pattern.get("$or", [pattern]))


def mails(found: Part) -> set[str]:
    return {
        resource["Properties"]["Endpoint"]
        for resource in found.resources.values()
        if resource["Type"] == "AWS::SNS::Subscription"
    }


def test_a_pipeline_uses_the_topics_of_the_organisation() -> None:
    found = part()
    assert found.primary_outputs == ("NotificationTopicArn", "ChatTopicArn")
    assert variables(found)["TOPICS"] == {"Fn::Join": [" ", [{"Ref": "NotificationTopicArn"}]]}
    assert variables(found)["CHAT_TOPICS"] == {"Fn::Join": [" ", [{"Ref": "ChatTopicArn"}]]}
    assert mails(found) == set()


def test_what_a_pipeline_sets_replaces_that_field_alone() -> None:
    found = part({"mail": ["team@example.com"]})
    assert found.primary_outputs == ("ChatTopicArn",)
    assert variables(found)["TOPICS"] == {"Fn::Join": [" ", [{"Ref": "NotificationTopic"}]]}
    assert mails(found) == {"team@example.com"}
    assert set(found.outputs) == {"NotificationTopicArn"}


def test_a_pipeline_may_have_what_the_organisation_has_not() -> None:
    found = part({"webhooks": [SECRET]}, shared={})
    assert found.primary_outputs == ()
    assert variables(found)["WEBHOOKS"] == SECRET
    assert "TOPICS" not in variables(found)


@pytest.mark.parametrize(
    ("own", "shared"),
    [({}, {}), ({"events": []}, SHARED), ({}, {"events": ["release_failed"]})],
)
def test_without_events_or_subscribers_there_is_nothing(own: Data, shared: Data) -> None:
    assert part(own, shared) == Part()


@pytest.mark.parametrize(
    ("events", "states", "categories"),
    [
        (["release_failed"], ["FAILED"], []),
        (["approval_rejected"], ["FAILED"], []),
        (["release_failed", "release_succeeded"], ["FAILED", "SUCCEEDED"], []),
        (["approval_waiting"], ["STARTED"], ["Approval"]),
    ],
)
def test_the_rule_looks_only_for_what_is_wanted(
    events: list[str], states: list[str], categories: list[str]
) -> None:
    (pattern,) = patterns(part({"events": events}))
    assert pattern["detail"]["pipeline"] == [{"Ref": "PipelineName"}]
    assert pattern["detail"]["state"] == states
    assert pattern["detail"].get("type", {}).get("category", []) == categories


def test_builds_are_reported_where_they_are_not_part_of_the_pipeline() -> None:
    sources = {pattern["source"][0] for pattern in patterns(part())}
    assert sources == {"aws.codepipeline"}
    found = part(source=Source(type="codebuild", artifacts=()))
    assert {pattern["source"][0] for pattern in patterns(found)} == {
        "aws.codebuild",
        "aws.codepipeline",
    }


def test_the_function_may_use_what_its_pipeline_names_and_nothing_else() -> None:
    found = part({"topics": [TOPIC], "webhooks": [SECRET]})
    policy = found.resources["NoticesRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    by_name = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert by_name["Publish"]["Resource"] == [
        {"Ref": "NotificationTopicArn"},
        {"Ref": "ChatTopicArn"},
        TOPIC,
    ]
    assert by_name["ReadWebhooks"]["Resource"] == [SECRET]
    assert {"EncryptForTopics", "DecryptWebhooks"} < set(by_name)
    assert not {"EncryptForTopics", "ReadWebhooks"} & {
        statement["Sid"]
        for statement in part().resources["NoticesRole"]["Properties"]["Policies"][0][
            "PolicyDocument"
        ]["Statement"]
    }


def test_the_organisation_has_topics_where_anybody_is_to_hear() -> None:
    found = organisation_topics(Notifications.from_dict(SHARED))
    assert mails(found) == {"all@example.com"}
    assert set(found.outputs) == {"ChatTopicArn", "NotificationTopicArn"}
    assert organisation_topics(Notifications()) == Part()
    without_chat = organisation_topics(Notifications(webhooks=(SECRET,)))
    assert set(without_chat.outputs) == {"NotificationTopicArn"}


@pytest.mark.parametrize(
    "approval", [Approval(topic=TOPIC), Approval(mail=("owners@example.com",))], ids=str
)
def test_an_approval_that_asks_elsewhere_asks_nobody_twice(approval: Approval) -> None:
    own = Wave(name="production", environments=(), approval=approval)
    shared = Wave(name="canary", environments=(), approval=Approval())
    wanted = Notifications(mail=("all@example.com",), events=("approval_waiting",))

    def found(*waves: Wave) -> Part:
        pipeline = Pipeline(name="hello", waves=waves, notifications=wanted.overridden({}))
        return notices(pipeline, sample_pipelines.foundation())

    assert found(own) == Part()
    (pattern,) = patterns(found(own, shared))
    assert pattern["detail"]["stage"] == [{"anything-but": ["production", "production-approve"]}]
