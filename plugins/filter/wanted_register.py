# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.wanted_register``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wanted_register
short_description: Composes the register that the primary stack is to hold
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - The register is every regional region's key ARN and bucket ARN.
  - A region enters it with outputs that were read in this run. One that could not be read keeps
    the values that the primary stack holds.
positional: stacks, pending
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  stacks:
    description:
      - The primary stack and the regional ones, as they were read or converged in this run. Of two
        readings of one region the later in the list counts.
    type: list
    elements: dict
    required: true
  pending:
    description:
      - In check mode, the hosts whose stacks this run would make. What only these stacks can tell
        is filled in.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what the primary stack should register
  ansible.builtin.debug:
    msg: "{{ organisation | crossaccount.pipeline.wanted_register(stacks) }}"
"""

RETURN = r"""
_value:
  description: One entry a region, by region, with C(region), C(key_arn) and C(bucket_arn).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import (
    register as _register,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def wanted_register(
    organisation: dict[str, t.Any], stacks: list[dict[str, t.Any]], pending: t.Sequence[str] = ()
) -> list[dict[str, str]]:
    """Return the register's entries."""
    return _register.wanted_register(Organisation.from_data(organisation), stacks, pending=pending)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"wanted_register": wanted_register}
