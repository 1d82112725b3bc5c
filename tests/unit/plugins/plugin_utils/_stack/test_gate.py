# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate stops what replaces or removes a key, a bucket or a role, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.gate import (
    DATA_TYPES,
    GUARDED_TYPES,
    Change,
    guarded,
)

UNGUARDED = "AWS::Lambda::Function"


def change(resource_type: str, action: str, replacement: str = "") -> Change:
    return Change(
        action=action, logical_id="One", resource_type=resource_type, replacement=replacement
    )


@pytest.mark.parametrize(
    ("action", "replacement", "guarded"),
    [
        ("Add", "", False),
        ("Modify", "False", False),
        ("Modify", "True", True),
        ("Modify", "Conditional", True),
        ("Remove", "", True),
        ("Import", "", False),
    ],
)
def test_a_key_a_bucket_or_a_role_needs_the_users_word(
    action: str, replacement: str, guarded: bool
) -> None:
    for resource_type in sorted(GUARDED_TYPES):
        assert change(resource_type, action, replacement).is_guarded is guarded
    assert not change(UNGUARDED, action, replacement).is_guarded


def test_what_is_guarded_is_what_holds_data_and_roles() -> None:
    assert sorted(DATA_TYPES) == ["AWS::KMS::Key", "AWS::S3::Bucket"]
    assert sorted(GUARDED_TYPES - DATA_TYPES) == ["AWS::IAM::Role"]


def test_only_guarded_changes_are_guarded_in_their_order() -> None:
    changes = [
        change("AWS::S3::Bucket", "Remove"),
        change(UNGUARDED, "Remove"),
        change("AWS::KMS::Key", "Add"),
        change("AWS::KMS::Key", "Modify", "True"),
    ]

    assert guarded(changes) == [changes[0], changes[3]]
    assert guarded([]) == []


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (change(UNGUARDED, "Add"), "Add One (AWS::Lambda::Function)"),
        (change(UNGUARDED, "Modify", "False"), "Modify One (AWS::Lambda::Function)"),
        (
            change("AWS::KMS::Key", "Modify", "True"),
            "Modify One (AWS::KMS::Key), replacement: True",
        ),
        (
            change("AWS::KMS::Key", "Modify", "Conditional"),
            "Modify One (AWS::KMS::Key), replacement: Conditional",
        ),
        (change("AWS::S3::Bucket", "Remove"), "Remove One (AWS::S3::Bucket)"),
    ],
)
def test_a_change_tells_itself(one: Change, text: str) -> None:
    assert str(one) == text


def test_a_description_becomes_plain_data() -> None:
    described = {
        "Type": "Resource",
        "ResourceChange": {
            "Action": "Modify",
            "LogicalResourceId": "Key",
            "ResourceType": "AWS::KMS::Key",
            "Replacement": "Conditional",
            "Scope": ["Tags", "Properties"],
        },
    }

    assert Change.from_description(described) == Change(
        action="Modify",
        logical_id="Key",
        resource_type="AWS::KMS::Key",
        replacement="Conditional",
        scope=("Properties", "Tags"),
    )


def test_a_description_of_an_addition_has_no_replacement() -> None:
    described = {
        "ResourceChange": {
            "Action": "Add",
            "LogicalResourceId": "Key",
            "ResourceType": "AWS::KMS::Key",
        }
    }

    assert Change.from_description(described) == Change(
        action="Add", logical_id="Key", resource_type="AWS::KMS::Key"
    )
