# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare a stack with the desired one: reads only."""

from __future__ import annotations

import dataclasses
import typing as t

from .api import StackApi, TemplateBody
from .model import Desired, Difference, Found, differences
from .status import Verdict
from .template import HIDDEN


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """A stack and how it differs from what is desired.

    :param operation: what converging would do first: ``none``, ``create``, ``update``, ``repair``
        (a stuck stack), or ``wait`` (an operation is in progress); the last two are not compared.
    """

    operation: t.Literal["none", "create", "update", "repair", "wait"]
    found: Found | None = None
    differences: tuple[Difference, ...] = ()


def read_differences(
    api: StackApi, desired: Desired, found: Found, *, template: TemplateBody | None = None
) -> tuple[Difference, ...]:
    """Read a desired policy, SSM parameters and the template, and return what differs.

    :param template: the deployed template where it has been read.
    """
    policy = api.policy(found.stack_id) if desired.stack_policy is not None else None
    return tuple(
        differences(
            desired,
            found,
            found_template=api.template(found.stack_id) if template is None else template,
            found_policy=policy,
            stored=_stored(api, found),
        )
    )


def _stored(api: StackApi, found: Found) -> dict[str, str]:
    """Return what the stack's parameters of SSM types resolve to now."""
    names = {
        parameter: found.parameters[parameter]
        for parameter, value in found.resolved.items()
        if HIDDEN not in (value, found.parameters[parameter])
    }
    values = api.stored_values(names.values())
    return {parameter: values[name] for parameter, name in names.items() if name in values}


def compare(api: StackApi, desired: Desired) -> Comparison:
    """Read the stack and compare it with *desired*. Raises PipelineError."""
    return compare_found(api, desired, api.find(desired.name))


def compare_found(
    api: StackApi, desired: Desired, found: Found | None, *, template: TemplateBody | None = None
) -> Comparison:
    """Compare the stack *found* with *desired*. Raises PipelineError when a read fails.

    :param template: the deployed template where it has been read.
    """
    if found is None or not found.exists:
        return Comparison(operation="create", found=found)
    if found.verdict is Verdict.BUSY:
        return Comparison(operation="wait", found=found)
    if found.verdict is not Verdict.SETTLED:
        return Comparison(operation="repair", found=found)
    differing = read_differences(api, desired, found, template=template)
    return Comparison(
        operation="update" if differing else "none", found=found, differences=differing
    )


__all__ = ("Comparison", "compare", "compare_found", "read_differences")
