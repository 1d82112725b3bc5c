# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate stops what replaces or removes a key, a bucket or a role, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.gate import (
    GUARDED_TYPES,
    Change,
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


def test_a_role_that_nobody_outside_the_stack_knows_may_go() -> None:
    removed = change("AWS::IAM::Role", "Remove")

    assert removed.needs_consent(known_roles=None)
    assert removed.needs_consent(known_roles={"One"})
    assert not removed.needs_consent(known_roles={"Another"})
    assert change("AWS::IAM::Role", "Modify", "True").needs_consent(known_roles={"Another"})
    assert change("AWS::S3::Bucket", "Remove").needs_consent(known_roles={"Another"})


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


ATTRIBUTE = {
    "Evaluation": "Dynamic",
    "ChangeSource": "ResourceAttribute",
    "CausingEntity": "Key.Arn",
    "Target": {"Attribute": "Properties", "Name": "Role", "RequiresRecreation": "Never"},
}


@pytest.mark.parametrize(
    ("details", "depends_on", "text"),
    [
        ([], (), ""),
        ([ATTRIBUTE, ATTRIBUTE], ("Key.Arn",), ", only if Key.Arn changes"),
        (
            [ATTRIBUTE, {**ATTRIBUTE, "CausingEntity": "Copy.Arn"}],
            ("Copy.Arn", "Key.Arn"),
            ", only if Copy.Arn or Key.Arn changes",
        ),
        ([{**ATTRIBUTE, "Evaluation": "Static"}], (), ""),
        ([ATTRIBUTE, {"Evaluation": "Dynamic", "ChangeSource": "DirectModification"}], (), ""),
        ([ATTRIBUTE, {"Evaluation": "Static", "ChangeSource": "ParameterReference"}], (), ""),
    ],
    ids=["none", "one", "two", "surely", "template too", "parameter too"],
)
def test_a_change_that_only_follows_another_names_it(
    details: list[dict[str, Any]], depends_on: tuple[str, ...], text: str
) -> None:
    """As AWS lists whatever refers to an attribute of a changed resource."""
    resource = {
        "Action": "Modify",
        "LogicalResourceId": "Function",
        "ResourceType": "AWS::Lambda::Function",
        "Replacement": "False",
        "Details": details,
    }

    found = Change.from_description({"ResourceChange": resource})

    assert found.depends_on == depends_on
    assert str(found) == f"Modify Function (AWS::Lambda::Function){text}"
