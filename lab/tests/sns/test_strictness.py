# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Topics that are encrypted.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Lab
from lab.tests.roles import ACCOUNT, Caller
from lab.tests.stacks import allowed, key_policy


@pytest.fixture
def key(lab: Lab) -> str:
    """A key that the account's own policies may allow the use of."""
    kms = lab.client("kms", ACCOUNT)
    arn = str(kms.create_key()["KeyMetadata"]["Arn"])
    policy = json.dumps(key_policy(ACCOUNT, "kms:*"))
    kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy)
    return arn


@pytest.fixture
def topic(lab: Lab, key: str, name: str) -> str:
    answer = lab.client("sns", ACCOUNT).create_topic(Name=name, Attributes={"KmsMasterKeyId": key})
    return str(answer["TopicArn"])


def may(caller: Caller, topic: str, *statements: dict[str, Any]) -> bool:
    """Whether a caller with these statements publishes."""
    caller.iam.put_role_policy(
        RoleName=caller.name,
        PolicyName="test",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
    )
    return allowed(lambda: caller.client("sns").publish(TopicArn=topic, Message="news"))


def test_who_publishes_to_an_encrypted_topic_may_use_its_key(
    caller: Caller, topic: str, key: str
) -> None:
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    use = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key}
    assert may(caller, topic, publish, use)
    assert not may(caller, topic, publish)
    assert not may(caller, topic, publish, {**use, "Action": "kms:Decrypt"})
    assert not may(caller, topic, publish, {**use, "Action": "kms:GenerateDataKey"})


def test_a_key_of_a_topic_is_used_by_way_of_sns_for_that_topic(
    caller: Caller, topic: str, key: str
) -> None:
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    use = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key}
    via, context = "kms:ViaService", "kms:EncryptionContext:aws:sns:topicArn"

    def only(name: str, value: str) -> dict[str, Any]:
        return {**use, "Condition": {"StringEquals": {name: value}}}

    assert may(caller, topic, publish, only(via, "sns.us-east-1.amazonaws.com"))
    assert not may(caller, topic, publish, only(via, "s3.us-east-1.amazonaws.com"))
    assert may(caller, topic, publish, only(context, topic))
    assert not may(caller, topic, publish, only(context, f"{topic}-other"))
