# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nested stacks and layers, made with the rights of the stack that they belong to.

MiniStack alone accepts what each test expects to be refused: see lab/README.md.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from lab import Lab
from lab.tests.roles import ACCOUNT, OTHER, Caller
from lab.tests.stacks import TOPIC, Stacks, reasons, statements

NESTED = {"Resources": {"Topic": TOPIC}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}
# What a role of CloudFormation needs for the nested stack and the topic in it.
NEEDED = (
    "cloudformation:CreateStack",
    "cloudformation:DescribeStacks",
    "cloudformation:GetStackPolicy",
    "cloudformation:GetTemplate",
    "iam:PassRole",
    "s3:GetObject",
    "sns:CreateTopic",
    "sns:GetDataProtectionPolicy",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:TagResource",
)
LAYER = ("lambda:GetLayerVersion", "lambda:PublishLayerVersion", "s3:GetObject")


@pytest.fixture
def account() -> str:
    return ACCOUNT


class Bucket:
    """A bucket that the roles of our account may read, where their policies allow it."""

    def __init__(self, lab: Lab, owner: str, name: str) -> None:
        self.name, self.s3 = f"{name.lower()[-50:].strip('-')}-{owner[0]}", lab.client("s3", owner)
        self.url = f"{lab.url}/{self.name}"
        self.s3.create_bucket(Bucket=self.name)
        if owner != ACCOUNT:
            read = {
                "Principal": {"AWS": ACCOUNT},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{self.name}/*",
            }
            self.s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(statements(read)))

    def nested(self) -> dict[str, Any]:
        """A stack with a nested stack, whose template is in the bucket."""
        self.s3.put_object(Bucket=self.name, Key="nested.json", Body=json.dumps(NESTED))
        url = {"TemplateURL": f"{self.url}/nested.json"}
        return {"Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": url}}

    def layer(self) -> dict[str, Any]:
        """A stack with a layer, whose code is in the bucket."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("python/words.py", "")
        self.s3.put_object(Bucket=self.name, Key="layer.zip", Body=content.getvalue())
        code = {"Content": {"S3Bucket": self.name, "S3Key": "layer.zip"}}
        return {"Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": code}}


@pytest.fixture
def caller(lab: Lab, name: str) -> Caller:
    return Caller(lab, name.replace(":", "-")[-60:])


def test_a_nested_stack_is_made_with_the_role_of_its_parent(
    lab: Lab, stacks: Stacks, caller: Caller
) -> None:
    caller.may(*NEEDED)
    template = Bucket(lab, OTHER, stacks.name).nested()

    assert stacks.create(template, RoleARN=caller.arn) == "CREATE_COMPLETE", reasons(stacks)


def test_a_layer_gets_its_code_from_another_accounts_bucket(
    lab: Lab, stacks: Stacks, caller: Caller
) -> None:
    caller.may(*LAYER)
    template = Bucket(lab, OTHER, stacks.name).layer()

    assert stacks.create(template, RoleARN=caller.arn) == "CREATE_COMPLETE", reasons(stacks)
    arn = stacks.physical_id("Layer")
    made = lab.client("lambda", ACCOUNT).get_layer_version_by_arn(Arn=arn)
    assert made["Content"]["CodeSize"] > 0


@pytest.mark.parametrize(
    "denied", ["cloudformation:CreateStack", "s3:GetObject", "sns:CreateTopic"]
)
def test_what_the_role_may_not_do_fails_the_nested_stack(
    lab: Lab, stacks: Stacks, caller: Caller, denied: str
) -> None:
    caller.may(*(action for action in NEEDED if action != denied))
    template = Bucket(lab, ACCOUNT, stacks.name).nested()

    assert stacks.create(template, RoleARN=caller.arn) == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize("denied", ["lambda:PublishLayerVersion", "s3:GetObject"])
def test_what_the_role_may_not_do_fails_the_layer(
    lab: Lab, stacks: Stacks, caller: Caller, denied: str
) -> None:
    caller.may(*(action for action in LAYER if action != denied))
    template = Bucket(lab, ACCOUNT, stacks.name).layer()

    assert stacks.create(template, RoleARN=caller.arn) == "ROLLBACK_COMPLETE"
