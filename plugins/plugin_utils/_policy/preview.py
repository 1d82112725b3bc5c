# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge a stack; in check mode, show also what its policies would allow."""

from __future__ import annotations

import typing as t

from .._stack.model import Desired
from .._stack.run import StackRun
from .._stack.template import HIDDEN, ParameterKind, parameter_kinds, parse
from .changes import Version, policy_changes


def converge(run: StackRun, desired: Desired) -> dict[str, t.Any]:
    """Return the result of converging; ``policies`` for an update in check mode.

    Raises PipelineError.
    """
    result = run.converge(desired)
    stack_id = result["stack"]["stack_id"]
    if not run.check_mode or result["operation"] != "update" or not stack_id:
        return {**result}
    kinds = parameter_kinds(desired.template)
    parameters = {
        name: HIDDEN if kinds.get(name) is ParameterKind.MASKED else value
        for name, value in desired.parameters.items()
    }
    policies = policy_changes(
        stack_id,
        Version(parse(run.template(stack_id)), result["stack"]["parameters"]),
        Version(parse(desired.template), parameters),
    )
    return {**result, "policies": policies}


__all__ = ("converge",)
