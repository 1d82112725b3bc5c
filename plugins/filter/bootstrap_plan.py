# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.bootstrap_plan``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bootstrap_plan
short_description: Decides what a bootstrap may do
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - A region's policies grant the accounts that they grant already and the new ones that answered;
    a quarantined account loses its grants.
  - When AWS knows an account or a region that the inventory no longer has, nothing may be written
    to the primary and regional stacks.
positional: stacks, accounts, owned, pipelines, allow_replacement, removed_first
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  stacks:
    description: What M(crossaccount.pipeline.stack_outputs_info) read of the foundation.
    type: list
    elements: dict
    required: true
  accounts:
    description: What M(crossaccount.pipeline.account_access_info) found.
    type: list
    elements: dict
    required: true
  owned:
    description:
      - The other stacks with our tag,
        RV(crossaccount.pipeline.stack_outputs_info#module:tagged).
    type: list
    elements: dict
    default: []
  pipelines:
    description:
      - What M(crossaccount.pipeline.pipelines_info) found. A host that one of them needs is not
        removed.
    type: list
    elements: dict
    default: []
  allow_replacement:
    description: Whether the roles of the deploy accounts may get other names.
    type: bool
    default: false
  removed_first:
    description:
      - The applications whose pipelines this run removes before anything else. They need nothing
        any more.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Decide what this run may do
  ansible.builtin.set_fact:
    plan: "{{ organisation | crossaccount.pipeline.bootstrap_plan(stacks, accounts) }}"
"""

RETURN = r"""
_value:
  description:
    - Key C(grants) maps each region to the account ids that its policies are to name.
    - Key C(failures) maps hosts that nothing is done to to the reason.
    - Key C(quarantined) lists the hosts that are left alone.
    - Key C(gone) lists the absent regional hosts that have nothing left to let go of.
    - Key C(orphans) lists stacks with our tag that no host stands for.
  type: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import plan as _plan
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def bootstrap_plan(
    organisation: dict[str, t.Any],
    stacks: list[dict[str, t.Any]],
    accounts: list[dict[str, t.Any]],
    owned: t.Sequence[dict[str, t.Any]] = (),
    pipelines: t.Sequence[dict[str, t.Any]] = (),
    allow_replacement: bool = False,
    removed_first: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """Return the plan."""
    return _plan.plan(
        Organisation.from_data(organisation),
        stacks,
        accounts,
        owned=owned,
        pipelines=pipelines,
        allow_replacement=allow_replacement,
        removed_first=removed_first,
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"bootstrap_plan": bootstrap_plan}
