# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which findings are dangerous: more access, or less protection. Pure.

A finding is ``danger`` when, compared with the template,

- a policy allows more: a statement that allows or an attached policy was added, or a statement has
  more principals, actions or resources, or lost a condition;
- a policy denies less: a statement that denies is gone or narrower, or a bucket lost its policy;
- a protection is off: public access block, encryption, versioning or ownership of a bucket, the
  permissions boundary of a role, termination protection of a stack;
- something else may be released, or unasked: a pipeline or build project was changed.

All others are ``drift``. What cannot be read as a policy and may allow more is ``danger`` too.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._drift.finding import CLOSED_STAGES
from .lines import names

Data = t.Mapping[str, t.Any]
Severity = t.Literal["danger", "drift"]
DANGER: Severity = "danger"
DRIFT: Severity = "drift"

_POLICIES = frozenset(
    {"AssumeRolePolicyDocument", "KeyPolicy", "ManagedPolicyArns", "Policies", "PolicyDocument"}
)
_PROTECTIONS = frozenset(
    {
        "BucketEncryption",
        "OwnershipControls",
        "PermissionsBoundary",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
    }
)
# What a pipeline or project has apart from what it releases, and when.
_HARMLESS = frozenset({"", "Description", CLOSED_STAGES, "Tags"})
_TERMINATION_PROTECTION = "TerminationProtection"
_BUCKET_POLICY = "AWS::S3::BucketPolicy"
_LISTED = ("Principal", "Action", "Resource")  # more values allow more
_EXCEPTED = ("NotPrincipal", "NotAction", "NotResource")  # fewer values allow more


def severity(finding: Data) -> Severity:
    """Return ``danger`` or ``drift``."""
    checks = {"policy": _policy, "drifted": _drifted, "outdated": _outdated}
    check = checks.get(finding["kind"])
    return DANGER if check is not None and check(finding) else DRIFT


def allowed(finding: Data) -> str:
    """Return what an addition allows, as ``allows * on *``; else empty."""
    if finding["kind"] != "policy" or finding["difference"] != "ADD":
        return ""
    for statement in _statements(finding["actual"]) or ():
        if _allows(statement):
            but = "" if "Action" in statement else "all but "
            actions = names(_strings(statement.get("Action") or statement.get("NotAction")))
            principals = sorted(_values(statement, "Principal"))
            whom = f"to {names(principals)}" if principals else ""
            return f"allows {but}{actions} {whom or _resources(statement)}"
    return ""


def _resources(statement: Data) -> str:
    return f"on {names(_strings(statement.get('Resource', '')))}"


def _outdated(finding: Data) -> bool:
    return bool(finding["property"] == _TERMINATION_PROTECTION and finding["expected"] == "true")


def _drifted(finding: Data) -> bool:
    top = finding["property"].partition(".")[0]
    if finding["difference"] == "DELETED":
        return bool(finding["resource_type"] == _BUCKET_POLICY)
    if finding["resource_type"].startswith("AWS::Code"):
        return top not in _HARMLESS
    if top in _POLICIES:
        return _policy(finding)
    return top in _PROTECTIONS and finding["difference"] != "ADD"


def _policy(finding: Data) -> bool:
    expected, actual = _statements(finding["expected"]), _statements(finding["actual"])
    difference = finding["difference"]
    if difference == "ADD":  # anything but a document is the ARN of an attached policy
        return actual is None or any(_allows(statement) for statement in actual)
    if difference == "REMOVE":
        return expected is not None and any(not _allows(statement) for statement in expected)
    if difference != "NOT_EQUAL" or finding["property"].endswith(".Version"):
        return False
    if expected is None or actual is None or len(expected) != len(actual):
        return True
    return any(map(_is_wider, expected, actual))


def _statements(text: str) -> list[Data] | None:
    """Return the statements of *text*; None if it has none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    found = found.get("Statement", found) if isinstance(found, dict) else found
    statements = found if isinstance(found, list) else [found]
    known = all(isinstance(entry, dict) and "Effect" in entry for entry in statements)
    return statements if known else None


def _allows(statement: Data) -> bool:
    return bool(statement.get("Effect") != "Deny")


def _is_wider(expected: Data, actual: Data) -> bool:
    """Return whether *actual* allows more, or denies less, than *expected*."""
    if _allows(expected) != _allows(actual):
        return _allows(actual)
    narrow, wide = (expected, actual) if _allows(expected) else (actual, expected)
    if any(_uncovered(_values(wide, name), _values(narrow, name)) for name in _LISTED):
        return True
    if any(_uncovered(_values(narrow, name), _values(wide, name)) for name in _EXCEPTED):
        return True
    conditions, others = _conditions(narrow), _conditions(wide)
    return any(path not in others or others[path] - values for path, values in conditions.items())


def _uncovered(values: t.Collection[str], patterns: t.Collection[str]) -> bool:
    """Return whether any of *values* matches none of *patterns*, as AWS reads ``*``."""
    expression = "|".join(
        re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns
    )
    return any(not re.fullmatch(expression, value) for value in values)


def _values(statement: Data, name: str) -> set[str]:
    value = statement.get(name)
    if name.endswith("Principal") and value is not None:
        groups = value if isinstance(value, dict) else {"AWS": value}
        return {f"{kind} {text}" for kind, of in groups.items() for text in _strings(of)}
    return set() if value is None else {text.lower() for text in _strings(value)}


def _conditions(statement: Data) -> dict[str, set[str]]:
    return {
        f"{operator} {key}": set(_strings(values))
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    }


def _strings(value: t.Any) -> list[str]:
    return [str(item) for item in (value if isinstance(value, list) else [value])]


__all__ = ("DANGER", "DRIFT", "Severity", "allowed", "severity")
