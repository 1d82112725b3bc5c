# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References of a template must lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers

_MODULES = (changesets, engine, handlers)


def install() -> None:
    """Refuse a template whose Ref, Fn::GetAtt, Fn::Sub or DependsOn names nothing.

    AWS: ValidationError, before anything is made; also where the resource's condition is false.
    MiniStack: the name itself becomes the value.
    """
    validate = engine.validate_template_support

    def validated(
        template: dict[str, Any], conditions: dict[str, bool], params: Any = None
    ) -> None:
        validate(template, conditions, params=params)
        if not template.get("Transform"):
            _check(template, conditions)

    for module in _MODULES:
        module.validate_template_support = validated


def _check(template: dict[str, Any], conditions: dict[str, bool]) -> None:
    resources = template.get("Resources", {})
    made = {name for name, item in resources.items() if _holds(item, conditions)}
    parameters = set(template.get("Parameters", {}))
    for section in ("Resources", "Outputs"):
        missing = set()
        for item in template.get(section, {}).values():
            active = _holds(item, conditions)
            for name, attribute, used in _references(item, conditions, active=active):
                known = made if used else set(resources)
                if name not in known and (attribute or name not in parameters):
                    missing.add(name)
        if missing:
            raise ValueError(
                f"Template format error: Unresolved resource dependencies "
                f"[{', '.join(sorted(missing))}] in the {section} block of the template"
            )


def _holds(item: dict[str, Any], conditions: dict[str, bool]) -> bool:
    condition = item.get("Condition")
    return not condition or conditions.get(condition, True)


def _references(
    node: Any, conditions: dict[str, bool], *, active: bool
) -> Iterator[tuple[str, bool, bool]]:
    """Every name that is referred to: the name, whether by attribute, whether it is used."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item, conditions, active=active)
        return
    if not isinstance(node, dict):
        return
    if "Fn::If" in node:
        condition, if_true, if_false = node["Fn::If"]
        holds = conditions.get(condition, True)
        yield from _references(if_true, conditions, active=active and holds)
        yield from _references(if_false, conditions, active=active and not holds)
        return
    for key, value in node.items():
        if key == "DependsOn":
            names = [value] if isinstance(value, str) else value
            # AWS lets a resource depend on one whose condition is false.
            yield from ((name, True, False) for name in names)
        elif key in ("Ref", "Fn::GetAtt", "Fn::Sub"):
            for name, attribute in engine._intrinsic_references({key: value}):
                if not name.startswith("AWS::"):
                    yield name, attribute is not None, active
            if key == "Fn::Sub" and isinstance(value, list):
                continue
        elif key not in ("Metadata", "Description"):
            yield from _references(value, conditions, active=active)


__all__ = ("install",)
