# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.application_problems``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: application_problems
short_description: Names the applications that nothing can be done for in this run
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - A pipeline needs the bucket and the key of every region that it deploys to. What the register
    does not hold is a problem of that application, and of no other.
positional: register, failure
options:
  _input:
    description: RV(crossaccount.pipeline.applications_info#module:applications).
    type: list
    elements: dict
    required: true
  register:
    description: The result of P(crossaccount.pipeline.read_register#filter).
    type: dict
    required: true
  failure:
    description: Why the primary failed in this run, if it did.
    type: str
"""

EXAMPLES = r"""
- name: Show which pipelines have to wait
  ansible.builtin.debug:
    msg: "{{ applications | crossaccount.pipeline.application_problems(register) }}"
"""

RETURN = r"""
_value:
  description: Maps names of applications to the reason.
  type: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import plan as _plan


def application_problems(
    applications: list[dict[str, t.Any]], register: dict[str, t.Any], failure: str | None = None
) -> dict[str, str]:
    """Return the applications with a problem."""
    return _plan.application_problems(applications, register, failure=failure)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"application_problems": application_problems}
