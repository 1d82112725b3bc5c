# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.converged_stacks``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: converged_stacks
short_description: Collects the stacks that were converged in this run
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Reads what the roles of this collection registered. Hosts that failed, or that C(--limit) left
    out, are not in it.
positional: hostvars
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the stacks of this run
  ansible.builtin.debug:
    msg: "{{ organisation | crossaccount.pipeline.converged_stacks(hostvars) }}"
"""

RETURN = r"""
_value:
  description: Maps hosts to RV(crossaccount.pipeline.stack#module:stack).
  type: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import (
    summary as _summary,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def converged_stacks(
    organisation: dict[str, t.Any], hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the stacks by host."""
    return _summary.converged(Organisation.from_data(organisation), hostvars)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"converged_stacks": converged_stacks}
