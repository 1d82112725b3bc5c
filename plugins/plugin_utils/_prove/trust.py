# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a role's trust policy admits the pipelines of the build account. Pure.

Not whether it is the template's, which the drift run answers: a harmless addition stops nobody.
"""

from __future__ import annotations

import fnmatch
import typing as t

from .._policy.document import parse

_ACTIONS = ("sts:assumerole", "sts:*", "*")
_OPERATORS = ("ArnLike", "ArnEquals", "StringLike", "StringEquals")

Data = t.Mapping[str, t.Any]


def admits(trust: t.Any, principal_arn: str) -> bool:
    """Return whether *trust* lets a role of that ARN assume its role.

    A condition on anything but ``aws:PrincipalArn`` is taken to hold.
    """
    document = parse(trust) or {}
    found = document.get("Statement", [])
    statements = found if isinstance(found, list) else [found]
    matching = [
        statement["Effect"] for statement in statements if _matches(statement, principal_arn)
    ]
    return "Allow" in matching and "Deny" not in matching


def _matches(statement: Data, principal_arn: str) -> bool:
    actions = [action.lower() for action in _strings(statement.get("Action"))]
    if not any(action in _ACTIONS for action in actions):
        return False
    principal = statement.get("Principal", {})
    names = _strings(principal.get("AWS") if isinstance(principal, dict) else principal)
    account_id = principal_arn.split(":")[4]
    root = f":iam::{account_id}:root"
    if not any(name in ("*", account_id, principal_arn) or name.endswith(root) for name in names):
        return False
    return all(
        any(fnmatch.fnmatchcase(principal_arn, pattern) for pattern in patterns)
        for patterns in _principal_conditions(statement.get("Condition") or {})
    )


def _principal_conditions(condition: Data) -> t.Iterator[list[str]]:
    """Yield the patterns of each condition on who calls."""
    for operator, keys in condition.items():
        for key, values in keys.items():
            if key.lower() == "aws:principalarn" and operator in _OPERATORS:
                yield _strings(values)


def _strings(value: t.Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in (value if isinstance(value, list) else [value])]


__all__ = ("admits",)
