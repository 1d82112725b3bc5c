# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do more or less after an update of a template.

A change set does not show that; the templates and parameters before and after do. Pure.
"""

from __future__ import annotations

import re
import typing as t

from .._stack.model import Resource
from .resolver import Deployed, Resolver, Unresolvable

Data = dict[str, t.Any]

_DOCUMENTS = {
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::IAM::Policy": "PolicyDocument",
    "AWS::IAM::RolePolicy": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
}
_ROLE = "AWS::IAM::Role"
_ROOT = re.compile(r"arn:[^:]+:iam::([0-9]{12}):root")
_SHOWN = 3  # names in a list


class PolicyChange(t.TypedDict):
    """What changes in one policy, as lines for people."""

    resource: str
    property: str
    added: list[str]
    removed: list[str]


class Version(t.NamedTuple):
    """A template in long form and a stack's parameters, secrets masked."""

    template: Data
    parameters: t.Mapping[str, str]


def policy_changes(stack_id: str, before: Version, after: Version) -> list[PolicyChange]:
    """Return what differs in the policies, by resource and property.

    A policy that template and parameters do not resolve, before or after, is left out.
    """
    try:
        old, new = (_policies(_resolver(stack_id, version)) for version in (before, after))
    except Unresolvable:
        return []
    result = []
    for place in sorted(old.keys() | new.keys()):
        was, becomes = old.get(place, {}), new.get(place, {})
        if was is None or becomes is None:
            continue
        added, removed = _lines(becomes, was), _lines(was, becomes)
        if added or removed:
            resource, prop = place
            result.append(
                PolicyChange(resource=resource, property=prop, added=added, removed=removed)
            )
    return result


def _resolver(stack_id: str, version: Version) -> Resolver:
    """Return a resolver that names every resource by its logical id."""
    resources = [
        Resource(logical_id=name, resource_type=str(resource.get("Type")), physical_id=name)
        for name, resource in version.template.get("Resources", {}).items()
    ]
    return Resolver(
        Deployed(
            stack_id=stack_id,
            template=version.template,
            parameters=version.parameters,
            resources=resources,
        )
    )


# A policy as a table: (effect, action, condition) to principals, else resources.
_Policy = dict[tuple[str, str, str], dict[str, None]]


def _policies(resolver: Resolver) -> dict[tuple[str, str], _Policy | None]:
    """Return every policy by its place; None for one that cannot be resolved."""
    result: dict[tuple[str, str], _Policy | None] = {}
    for logical_id in resolver.resource_ids(*_DOCUMENTS, _ROLE):
        for prop, read in _parts(resolver, logical_id).items():
            try:
                result[logical_id, prop] = read()
            except (Unresolvable, AttributeError, KeyError, TypeError):
                result[logical_id, prop] = None
    return result


def _parts(resolver: Resolver, logical_id: str) -> dict[str, t.Callable[[], _Policy]]:
    def property_of(name: str) -> t.Any:
        return resolver.property(logical_id, name)

    if resolver.type_of(logical_id) != _ROLE:
        prop = _DOCUMENTS[resolver.type_of(logical_id)]
        return {prop: lambda: _table(_statements(property_of(prop)))}
    return {
        "AssumeRolePolicyDocument": lambda: _table(
            _statements(property_of("AssumeRolePolicyDocument"))
        ),
        "Policies": lambda: _table(
            statement
            for policy in property_of("Policies") or []
            for statement in _statements(policy["PolicyDocument"])
        ),
        "ManagedPolicyArns": lambda: {
            ("", "", ""): dict.fromkeys(map(str, property_of("ManagedPolicyArns") or []))
        },
    }


def _statements(document: Data | None) -> list[Data]:
    found = (document or {}).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _table(statements: t.Iterable[Data]) -> _Policy:
    """Return who may do what: principals by action, or else resources by action."""
    result: _Policy = {}
    for statement in statements:
        effect = "" if statement["Effect"] == "Allow" else "deny "
        condition = _condition(statement.get("Condition") or {})
        actions = _strings(statement.get("Action")) or [
            f"all but {action}" for action in _strings(statement.get("NotAction"))
        ]
        subjects = _subjects(statement)
        for action in actions:
            result.setdefault((effect, action, condition), {}).update(dict.fromkeys(subjects))
    return result


def _subjects(statement: Data) -> list[str]:
    for element, prefix in (("Principal", ""), ("NotPrincipal", "all but ")):
        if element in statement:
            principals = statement[element]
            groups = principals.values() if isinstance(principals, dict) else [principals]
            return [prefix + _principal(name) for group in groups for name in _strings(group)]
    resources = _strings(statement.get("Resource"))
    return resources or [f"all but {name}" for name in _strings(statement.get("NotResource"))]


def _principal(name: str) -> str:
    match = _ROOT.fullmatch(name)
    return match[1] if match else name


def _condition(condition: Data) -> str:
    parts = [
        f"{operator} {key} {', '.join(sorted(_strings(values)))}"
        for operator, keys in sorted(condition.items())
        for key, values in sorted(keys.items())
    ]
    return "; ".join(parts)


def _lines(policy: _Policy, other: _Policy) -> list[str]:
    """Return what *policy* has and *other* lacks, a line per set of actions."""
    actions: dict[tuple[str, str], dict[str, str]] = {}
    for (effect, action, condition), subjects in policy.items():
        for subject in subjects:
            if subject in other.get((effect, action, condition), {}):
                continue
            # Where others had the action before, only the condition can differ.
            same = any(
                subject in names
                for (was_effect, was_action, _was), names in other.items()
                if (was_effect, was_action) == (effect, action)
            )
            actions.setdefault((effect, subject), {})[action] = condition if same else ""
    lines: dict[tuple[str, str], list[str]] = {}
    for (effect, subject), named in actions.items():
        conditions = dict.fromkeys(condition for condition in named.values() if condition)
        tail = f" if {'; '.join(conditions)}" if conditions else ""
        lines.setdefault((effect, f"{_some(list(named))}{tail}"), []).append(subject)
    return [
        f"{effect}{_some(subjects)} {what}".strip() for (effect, what), subjects in lines.items()
    ]


def _some(names: t.Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _strings(value: t.Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in (value if isinstance(value, list) else [value])]


__all__ = ("PolicyChange", "Version", "policy_changes")
