# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.access_summary``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: access_summary
short_description: Shows what access.yml did
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Shows what was done to each stack, and each reason for a failure once. In check mode it shows what
    would change, policies statement by statement.
  - Does not fail by itself; RV(failures) names the hosts that must end as failed.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  name:
    description: The name of the organisation.
    type: str
    default: ''
seealso:
  - module: crossaccount.pipeline.access_stacks
"""

EXAMPLES = r"""
- name: Show what was done
  crossaccount.pipeline.access_summary:
    name: "{{ organisation_name }}"
  run_once: true
"""

RETURN = r"""
stacks:
  description: What was done to each stack; C(stack_name) is empty where an account was left alone.
  returned: success
  type: list
  elements: dict
  sample:
    - {host: production, account_id: "444444444444", stack_name: CrossAccountAccess, result: created}
failures:
  description: The reason of each host that is not complete.
  returned: success
  type: dict
  sample: {testing: the installer's role refused}
failed_hosts:
  description: The hosts that are not complete.
  returned: success
  type: list
  elements: str
  sample: [testing]
text:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
  sample: ["  org: 11 stacks unchanged (primary, 3 accounts). No write call."]
"""
