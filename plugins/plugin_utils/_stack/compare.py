# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack found beside the stack desired: two reads, no write, every difference one by one.

A template is compared as data, so that a difference names a resource and a property of it.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._errors import PipelineError
from .api import StackApi
from .model import Desired, Difference, Found, differences
from .status import Verdict
from .template import ParameterKind, parameter_kinds, parse

_HIDDEN = "****"
_PROTECTION = "TerminationProtection"
_POLICY = "StackPolicy"

# what, name, resource_type, before, after: the last two text, or None for nothing
DifferenceEntry = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """A stack beside what is desired of it.

    :param operation: what converging would begin with: ``none``, ``create``, ``update`` or
        ``repair`` (a stuck stack, which is not compared).
    """

    operation: t.Literal["none", "create", "update", "repair"]
    found: Found | None = None
    differences: tuple[Difference, ...] = ()


def compare(api: StackApi, desired: Desired) -> Comparison:
    """Return the stack as it is beside *desired*. Writes nothing.

    Raises PipelineError when a read fails, and while an operation runs on the stack.
    """
    found = api.find(desired.name)
    if found is None or found.verdict in (Verdict.ABSENT, Verdict.REVIEW):
        return Comparison(operation="create", found=found)
    if found.verdict is Verdict.BUSY:
        raise PipelineError(
            f"{found.name} is {found.status}: what that leaves is not known yet",
            cure="Run again when the operation has ended",
        )
    if found.verdict is not Verdict.SETTLED:
        return Comparison(operation="repair", found=found)
    policy = api.policy(found.stack_id) if desired.stack_policy is not None else None
    differing = differences(
        desired, found, found_template=api.template(found.stack_id), found_policy=policy
    )
    return Comparison(
        operation="update" if differing else "none", found=found, differences=tuple(differing)
    )


def describe(differing: t.Iterable[Difference], template: str) -> list[DifferenceEntry]:
    """Return the differences one by one; secret parameters hidden.

    :param template: the template desired, which knows what is secret.
    """
    result: list[DifferenceEntry] = []
    for one in differing:
        if one.what == "template":
            result += _of_templates(parse(one.before), parse(one.after))
        elif one.what == "parameters":
            kinds = parameter_kinds(template)
            result += [
                _entry("parameters", name, *(_shown(kinds.get(name), value) for value in values))
                for name, values in _of_mappings(one.before, one.after)
                if _HIDDEN not in values
            ]
        elif one.what == "tags":
            result += [
                _entry("tags", name, *values)
                for name, values in _of_mappings(one.before, one.after)
            ]
        elif one.what == "termination_protection":
            result.append(_entry(one.what, _PROTECTION, text(one.before), text(one.after)))
        else:
            result.append(_entry(one.what, _POLICY, text(one.before), text(one.after)))
    return result


def text(value: t.Any) -> str | None:
    """Return *value* as a person reads it; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, indent=2, sort_keys=True, default=str)


def _entry(
    what: str, name: str, before: str | None, after: str | None, *, resource_type: str = ""
) -> DifferenceEntry:
    return {
        "what": what,
        "name": name,
        "resource_type": resource_type,
        "before": before,
        "after": after,
    }


def _of_mappings(
    before: t.Mapping[str, str], after: t.Mapping[str, str]
) -> list[tuple[str, tuple[str | None, str | None]]]:
    return [
        (name, (before.get(name), after.get(name)))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _shown(kind: ParameterKind | None, value: str | None) -> str | None:
    """Return a parameter's value, a list item by item so that one item more is seen."""
    if value is None or kind is None or kind is ParameterKind.PLAIN:
        return value
    if kind is ParameterKind.HIDDEN:
        return _HIDDEN
    return "\n".join(item for item in value.split(",") if item)


def _of_templates(before: dict[str, t.Any], after: dict[str, t.Any]) -> list[DifferenceEntry]:
    types = _types(before) | _types(after)
    return [
        _entry(
            "template",
            ".".join(path),
            text(one),
            text(other),
            resource_type=types.get(path[1], "") if path[:1] == ("Resources",) and path[1:] else "",
        )
        for path, one, other in _leaves(before, after, ())
    ]


def _types(template: dict[str, t.Any]) -> dict[str, str]:
    resources: dict[str, t.Any] = template.get("Resources") or {}
    return {name: str(resource.get("Type", "")) for name, resource in resources.items()}


def _leaves(
    before: t.Any, after: t.Any, path: tuple[str, ...]
) -> t.Iterator[tuple[tuple[str, ...], t.Any, t.Any]]:
    """Yield the smallest parts in which two values differ; lists are taken whole."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and not _is_function(before, after):
        for key in sorted(before.keys() | after.keys(), key=str):
            yield from _leaves(before.get(key), after.get(key), (*path, str(key)))
    else:
        yield path, before, after


def _is_function(*values: dict[t.Any, t.Any]) -> bool:
    """Return whether one of *values* is a call of a function, which is read as a whole."""
    return any(
        len(value) == 1 and str(next(iter(value))).startswith(("Fn::", "Ref")) for value in values
    )


__all__ = ("Comparison", "DifferenceEntry", "compare", "describe", "text")
