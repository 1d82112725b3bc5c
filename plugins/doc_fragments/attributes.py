# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared documentation: attributes."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that the actions of this collection share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and show what would change, without changing it.
  diff_mode:
    description: Returns what differs when run with C(--diff).
  idempotent:
    description: A second run with the same arguments changes nothing.
  action:
    description: Runs as an action plugin, in C(ansible-playbook) itself.
    support: full
  async:
    description: Can be used with the C(async) keyword.
    support: none
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: Changes nothing in any mode.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: full
"""

    AWS_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Takes the C(module_defaults) of C(group/crossaccount.pipeline.aws).
    support: full
    membership:
      - crossaccount.pipeline.aws
"""
