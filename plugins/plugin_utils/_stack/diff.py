# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences for people: one by one, and for ``--diff``; secrets hidden."""

from __future__ import annotations

import json
import typing as t

import yaml

from .model import Difference
from .result import DiffEntry, DifferenceEntry
from .template import HIDDEN, ParameterKind, parameter_kinds, parse

_NAMES = {"termination_protection": "TerminationProtection", "stack_policy": "StackPolicy"}


def diff_entry(place: str, what: str, before: str, after: str) -> DiffEntry:
    """Return one entry of ``--diff``; empty text for nothing.

    :param place: the stack and where it is.
    """
    header = f"{place} ({what})"
    return {
        "before_header": header,
        "after_header": header,
        "before": f"{before}\n" if before else "",
        "after": f"{after}\n" if after else "",
    }


def difference_text(
    difference: Difference, kinds: t.Mapping[str, ParameterKind]
) -> tuple[str, str]:
    """Return before and after of *difference* as lines that a diff can compare."""
    if difference.what == "parameters":
        before, after = (parameters_text(value, kinds) for value in _sides(difference))
    elif difference.what == "template":
        before, after = (_template_text(value) for value in _sides(difference))
    elif difference.what == "tags":
        before, after = (_yaml(value) for value in _sides(difference))
    else:
        before, after = (_text(value) or "" for value in _sides(difference))
    return before, after


def parameters_text(parameters: t.Mapping[str, str], kinds: t.Mapping[str, ParameterKind]) -> str:
    """Return parameters as YAML: lists item by item, secrets hidden."""
    return _yaml({name: _shown(kinds.get(name), value) for name, value in parameters.items()})


def describe(differing: t.Iterable[Difference], template: str) -> list[DifferenceEntry]:
    """Return the differences, in a template by resource and property.

    Secret parameters are hidden, and left out where AWS hides them.

    :param template: the desired template, which knows what is secret.
    """
    result: list[DifferenceEntry] = []
    for difference in differing:
        before, after = _sides(difference)
        if difference.what == "template":
            result += _template_entries(parse(before), parse(after))
        elif difference.what == "parameters":
            kinds = parameter_kinds(template)
            result += [
                _entry("parameters", name, *(_lines(kinds.get(name), value) for value in values))
                for name, values in _differing_keys(before, after)
                if HIDDEN not in values
            ]
        elif difference.what == "tags":
            result += [
                _entry("tags", name, *values) for name, values in _differing_keys(before, after)
            ]
        else:
            name = _NAMES[difference.what]
            result.append(_entry(difference.what, name, _text(before), _text(after)))
    return result


def _sides(difference: Difference) -> tuple[t.Any, t.Any]:
    return difference.before, difference.after


def _shown(kind: ParameterKind | None, value: str) -> str | list[str]:
    """Return a parameter's value: a secret one hidden, a list as its items."""
    if kind is ParameterKind.MASKED:
        return HIDDEN
    if kind is ParameterKind.LIST:
        return [item for item in value.split(",") if item]
    return value


def _lines(kind: ParameterKind | None, value: str | None) -> str | None:
    if value is None:
        return None
    shown = _shown(kind, value)
    return shown if isinstance(shown, str) else "\n".join(shown)


def _yaml(value: t.Any) -> str:
    return str(yaml.safe_dump(value, default_flow_style=False)).strip()


def _template_text(template: str | dict[str, t.Any]) -> str:
    if isinstance(template, str):
        return template
    return json.dumps(template, indent=2, default=str)


def _text(value: t.Any) -> str | None:
    """Return *value* as text for people; None where there is none."""
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


def _differing_keys(
    before: t.Mapping[str, str], after: t.Mapping[str, str]
) -> list[tuple[str, tuple[str | None, str | None]]]:
    return [
        (name, (before.get(name), after.get(name)))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _template_entries(before: dict[str, t.Any], after: dict[str, t.Any]) -> list[DifferenceEntry]:
    types = _resource_types(before) | _resource_types(after)
    return [
        _entry(
            "template",
            ".".join(path),
            _text(old),
            _text(new),
            resource_type=types.get(path[1], "") if path[:1] == ("Resources",) and path[1:] else "",
        )
        for path, old, new in _leaves(before, after, ())
    ]


def _resource_types(template: dict[str, t.Any]) -> dict[str, str]:
    resources: dict[str, t.Any] = template.get("Resources") or {}
    return {name: str(resource.get("Type", "")) for name, resource in resources.items()}


def _leaves(
    before: t.Any, after: t.Any, path: tuple[str, ...]
) -> t.Iterator[tuple[tuple[str, ...], t.Any, t.Any]]:
    """Yield the smallest differing parts; a list is one part."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and not _is_function(before, after):
        for key in sorted(before.keys() | after.keys(), key=str):
            yield from _leaves(before.get(key), after.get(key), (*path, str(key)))
    else:
        yield path, before, after


def _is_function(*values: dict[t.Any, t.Any]) -> bool:
    """Return whether any of *values* calls a function; that is one part too."""
    return any(
        len(value) == 1 and str(next(iter(value))).startswith(("Fn::", "Ref")) for value in values
    )


__all__ = ("describe", "diff_entry", "difference_text", "parameters_text")
