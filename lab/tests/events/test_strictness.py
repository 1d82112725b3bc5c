# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules, their targets and events.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import pytest

from lab import Lab
from lab.tests.release_templates import (
    ACCOUNT,
    REGION,
    Events,
    bucket,
    create,
    rule,
)
from lab.tests.stacks import (
    Stacks,
    reasons,
    refused,
)


@pytest.fixture
def account() -> str:
    return ACCOUNT


def test_a_pipeline_as_target_needs_a_role(lab: Lab, stacks: Stacks, name: str) -> None:
    assert create(stacks, {"Rule": rule(name)}) == "ROLLBACK_COMPLETE"
    assert "RoleArn is required for target" in reasons(stacks)
    events = lab.client("events", ACCOUNT)
    events.put_rule(Name=name, EventPattern='{"source": ["aws.s3"]}')
    target = {"Id": "1", "Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}"}
    message = refused(lambda: events.put_targets(Rule=name, Targets=[target]))
    assert message.startswith("ValidationException: RoleArn is required for target")


def test_a_pattern_that_means_nothing_fails_the_rule(stacks: Stacks, name: str) -> None:
    template = {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"a": "b"}}}}
    assert create(stacks, template) == "ROLLBACK_COMPLETE"
    assert "Event pattern is not valid" in reasons(stacks)


def test_the_tags_of_a_stack_are_put_on_its_rules(lab: Lab, stacks: Stacks, name: str) -> None:
    pattern = {"EventPattern": {"source": ["aws.s3"]}, "Name": name}
    template = {"Rule": {"Type": "AWS::Events::Rule", "Properties": pattern}}
    assert create(stacks, template, Tags=[{"Key": "one", "Value": "tag"}]) == "CREATE_COMPLETE"
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    tags = lab.client("events", ACCOUNT).list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert {"Key": "one", "Value": "tag"} in tags


def test_the_event_of_an_object_has_its_version(lab: Lab, name: str) -> None:
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
    sent = Events(lab, name, pattern)
    s3 = lab.client("s3", ACCOUNT)
    put = s3.put_object(Bucket=bucket(lab, name), Key="hello/application.zip", Body=b"zip")
    detail = sent.next()
    assert detail["object"]["key"] == "hello/application.zip"
    assert detail["object"]["version-id"] == put["VersionId"]
