# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of stacks that access.yml makes. Data."""

from __future__ import annotations

import dataclasses

from .._organisation.model import DEPLOY_ACCOUNTS, PRIMARY


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of stack.

    :param group: the hosts whose account has it.
    :param template: its file in ``playbooks/files``, without the ending.
    :param stack_name: the variable with its name.
    """

    name: str
    group: str
    template: str
    stack_name: str


EXECUTION = Kind(
    name="execution",
    group=DEPLOY_ACCOUNTS,
    template="execution-policy",
    stack_name="execution_stack_name",
)
ACCESS = Kind(
    name="access", group=DEPLOY_ACCOUNTS, template="access-role", stack_name="access_stack_name"
)
DRIFT_ACCESS = Kind(
    name="drift_access",
    group=DEPLOY_ACCOUNTS,
    template="drift-access-role",
    stack_name="drift_access_stack_name",
)
OPERATOR = Kind(
    name="operator", group=PRIMARY, template="operator-role", stack_name="operator_stack_name"
)
DRIFT = Kind(name="drift", group=PRIMARY, template="drift-role", stack_name="drift_stack_name")

# In the order in which an account gets them; they go in the reverse.
KINDS = {kind.name: kind for kind in (EXECUTION, ACCESS, DRIFT_ACCESS, OPERATOR, DRIFT)}

__all__ = ("ACCESS", "DRIFT", "DRIFT_ACCESS", "EXECUTION", "KINDS", "OPERATOR", "Kind")
