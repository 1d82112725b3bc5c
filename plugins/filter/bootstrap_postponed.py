# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.bootstrap_postponed``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bootstrap_postponed
short_description: Names the absent hosts whose stacks must stay for now
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - A stack goes only when everything that refers to it has let go of it in this run. For an
    account these are the policies of every region, for a region the register and the roles of
    every account.
positional: plan, hostvars
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  plan:
    description: The result of P(crossaccount.pipeline.bootstrap_plan#filter).
    type: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars), with what the roles of this collection registered.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what has to wait
  ansible.builtin.debug:
    msg: "{{ organisation | crossaccount.pipeline.bootstrap_postponed(plan, hostvars) }}"
"""

RETURN = r"""
_value:
  description: Maps hosts to the reason.
  type: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import (
    removal as _retire,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def bootstrap_postponed(
    organisation: dict[str, t.Any],
    plan: dict[str, t.Any],
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
) -> dict[str, str]:
    """Return the hosts that have to wait, with the reason."""
    return _retire.postponed(Organisation.from_data(organisation), plan, hostvars)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"bootstrap_postponed": bootstrap_postponed}
