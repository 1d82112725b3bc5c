# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFormation Hooks of an account that refuse change sets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A Hook that fails every change set, or those of one stack.

    reason: HookStatusReason, which for Guard rules names no rule. rule, message, remediation: the
    annotation of the result, if the Hook writes one. mode WARN lets the change set through.
    """

    type_name: str
    reason: str
    rule: str = ""
    message: str = ""
    remediation: str = ""
    mode: str = "FAIL"
    stack: str = ""

    def matches(self, stack: str) -> bool:
        """Whether it is invoked for change sets of that stack."""
        return not self.stack or self.stack == stack


__all__ = ("Hook",)
