# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.account_access_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: account_access_info
short_description: Proves the credentials of many accounts at once
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Opens every account, with threads inside, and proves that its credentials reach that account and
    no other. Nothing is written.
  - An account that does not answer is data, and stops no other.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
options:
  accounts:
    description: The accounts.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the account is called in the result. By default its id.
        type: str
      account_id:
        description: The account. By default O(account_id).
        type: str
      profile:
        description: Its profile. The way in is taken whole from the account or from the task.
        type: str
      role_arn:
        description: Its role.
        type: str
      access_role_name:
        description: The name of its access role.
        type: str
"""

EXAMPLES = r"""
- name: Prove the credentials of two accounts
  crossaccount.pipeline.account_access_info:
    sts_region: us-east-1
    access_role_name: CrossAccountAccess
    accounts:
      - name: testing
        account_id: "333333333333"
      - name: production
        account_id: "444444444444"
"""

RETURN = r"""
caller_account_id:
  description: The account of the credentials in use, where it had to be found out; else null.
  returned: success
  type: str
  sample: "111111111111"
accounts:
  description: What was found, one entry for each account, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What the account is called.
      type: str
      sample: production
    account_id:
      description: Its id.
      type: str
      sample: "444444444444"
    error:
      description: Why it does not answer, or that another one does.
      returned: when it is not proven
      type: str
      sample: "profile prod reaches account 333333333333, not 444444444444"
"""
