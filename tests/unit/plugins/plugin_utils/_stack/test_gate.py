# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate stops what replaces or removes a key, a bucket or a role, and nothing else."""

from __future__ import annotations

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
