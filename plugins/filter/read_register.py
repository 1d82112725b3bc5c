# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.read_register``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: read_register
short_description: Reads the register from the primary stack
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Returns every region's key ARN and bucket ARN, the primary region's with them.
  - Says why where it cannot be relied on.
positional: primary, failure, pending
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  primary:
    description: The primary stack, as it was read or converged in this run.
    type: dict
    required: true
  failure:
    description: Why the primary failed in this run, if it did.
    type: str
  pending:
    description:
      - In check mode, the hosts whose stacks this run would make. What only these stacks can tell
        is filled in.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the key of a region
  ansible.builtin.debug:
    msg: "{{ register.regions['eu-west-1'].key_arn }}"
  vars:
    register: "{{ organisation | crossaccount.pipeline.read_register(primary) }}"
"""

RETURN = r"""
_value:
  description:
    - Key C(regions) maps each region to an entry with C(region), C(key_arn) and C(bucket_arn).
    - Key C(outputs) holds the outputs of the primary stack.
    - Key C(problem) says why the register cannot be relied on; null where it can.
  type: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import (
    register as _register,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def read_register(
    organisation: dict[str, t.Any],
    primary: dict[str, t.Any],
    failure: str | None = None,
    pending: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    """Return the register by region."""
    return _register.read_register(
        Organisation.from_data(organisation), primary, failure=failure, pending=pending
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"read_register": read_register}
