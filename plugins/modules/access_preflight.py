# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.access_preflight``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: access_preflight
short_description: Checks everything before access.yml writes
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Checks the inventory, enters every account of the run with O(ignore:installer_role_name), and
    compares the stacks with its access roles, in threads.
  - Writes nothing. An account that does not answer is in RV(hosts) with the reason.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  remove:
    description: Whether all stacks should be gone.
    type: bool
    default: false
  endpoint_url:
    description: >-
      The endpoint of every AWS service. By default what boto3 finds, such as E(AWS_ENDPOINT_URL).
    type: str
seealso:
  - module: crossaccount.pipeline.access_stacks
"""

EXAMPLES = r"""
- name: Check everything before the first write
  crossaccount.pipeline.access_preflight:
  register: access_preflight_result
  run_once: true
"""

RETURN = r"""
run:
  description: Identifies this run.
  returned: success
  type: str
started:
  description: When the check began, in UTC.
  returned: success
  type: str
check_mode:
  description: Whether the run is in check mode.
  returned: success
  type: bool
sts_region:
  description: The region of STS.
  returned: success
  type: str
caller_account_id:
  description: The account of the base credentials, if it was asked for.
  returned: success
  type: str
hosts:
  description: The accounts of the run, by host.
  returned: success
  type: dict
  contains:
    host:
      description: The host, and how its account is entered.
      type: dict
    failure:
      description: Why the run leaves the account alone.
      type: str
    stacks:
      description:
        - The stacks of the account, each with C(kind), C(stack_name), C(operation) and
          C(differences).
      type: list
      elements: dict
"""
