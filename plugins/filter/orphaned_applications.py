# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.orphaned_applications``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: orphaned_applications
short_description: Names the stacks of application pipelines that the data does not have
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - An application that vanished from the data is never a removal; only C(state=absent) is. Its
    stack is told.
positional: applications, owned
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  applications:
    description: RV(crossaccount.pipeline.applications_info#module:applications).
    type: list
    elements: dict
    required: true
  owned:
    description:
      - RV(crossaccount.pipeline.stack_outputs_info#module:tagged), read with
        C(tag=crossaccount:group).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what nobody declares
  ansible.builtin.debug:
    msg: "{{ organisation | crossaccount.pipeline.orphaned_applications(applications, tagged) }}"
"""

RETURN = r"""
_value:
  description: The stacks, each with C(account_id), C(region) and C(stack_name).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import plan as _plan
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def orphaned_applications(
    organisation: dict[str, t.Any],
    applications: list[dict[str, t.Any]],
    owned: list[dict[str, t.Any]],
) -> list[dict[str, str]]:
    """Return the stacks."""
    return _plan.orphaned_applications(Organisation.from_data(organisation), applications, owned)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"orphaned_applications": orphaned_applications}
