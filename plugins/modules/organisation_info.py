# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.organisation_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: organisation_info
short_description: Checks the inventory and returns it as data
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Reads the groups C(regional), C(primary) and C(deploy_accounts) with their variables, and checks
    every rule of the inventory. Fails with all that is wrong, each with its host and its cure.
  - Looks at the whole inventory, whatever C(--limit) says. Calls nothing.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  teardown:
    description: Whether to read every host as C(state=absent), as a teardown wants it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Check the inventory
  crossaccount.pipeline.organisation_info:
  run_once: true
  register: inventory
"""

RETURN = r"""
organisation:
  description: The whole inventory as data, for the filters of this collection.
  returned: success
  type: dict
  sample:
    build_account_id: "111111111111"
    primary_region: us-east-1
foundation:
  description: The stacks that a run has to read first, as targets of
    M(crossaccount.pipeline.stack_outputs_info). The primary is the first.
  returned: success
  type: list
  elements: dict
  sample:
    - name: build
      account_id: "111111111111"
      region: us-east-1
      stack_name: CrossAccountPrimary
"""
