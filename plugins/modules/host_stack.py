# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.host_stack``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_stack
short_description: Converges the stack of a host of the inventory
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - The one task of the roles P(crossaccount.pipeline.regional#role),
    P(crossaccount.pipeline.primary#role), P(crossaccount.pipeline.deploy_account#role) and
    P(crossaccount.pipeline.pipeline#role).
  - Template, parameters and tags are made from the variables of the role, which fall back to those
    of the inventory, just as M(crossaccount.pipeline.preflight) makes them to compare.
  - Everything else is as M(crossaccount.pipeline.stack) does it.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  group:
    description: The group of the host, which decides what its stack holds.
    type: str
    choices: [regional, primary, deploy_accounts, pipelines]
    required: true
  state:
    description: As in M(crossaccount.pipeline.stack).
    type: str
    choices: [present, compared, absent]
    default: present
  deploy_account_ids:
    description:
      - The accounts that the policies of a region name.
      - Where they admit an organization, only the build account matters, which it admits then too.
    type: list
    elements: str
    default: []
  excluded_account_ids:
    description: Accounts that an admitted organization is admitted without.
    type: list
    elements: str
    default: []
  register:
    description: The regions of the register that the stack is given.
    type: list
    elements: dict
    default: []
    suboptions:
      region:
        description: The region.
        type: str
        required: true
      key_arn:
        description: The ARN of its KMS key.
        type: str
        required: true
      bucket_arn:
        description: The ARN of its pipeline bucket.
        type: str
        required: true
      asset_bucket_arn:
        description: The ARN of its asset bucket, empty while it has none.
        type: str
        default: ''
  primary_outputs:
    description: The outputs of the primary stack, which a pipeline needs.
    type: dict
    default: {}
seealso:
  - module: crossaccount.pipeline.stack
"""

EXAMPLES = r"""
- name: Foundation stack of the region
  crossaccount.pipeline.host_stack:
    group: regional
    deploy_account_ids: ["222222222222", "333333333333"]
"""

RETURN = r"""
changed:
  description: Whether anything differs from before, or would.
  returned: success
  type: bool
operation:
  description: C(none), C(create), C(update), C(delete) or C(repair).
  returned: success
  type: str
stack:
  description: As RV(crossaccount.pipeline.stack#module:stack).
  returned: success
  type: dict
differences:
  description: As RV(crossaccount.pipeline.stack#module:differences).
  returned: with O(state=compared) and in check mode
  type: list
  elements: dict
policies:
  description: Who could do more or less after the update, for each policy of the template.
  returned: in check mode, when the stack would be updated
  type: list
  elements: dict
  contains:
    resource:
      description: The logical id.
      type: str
      sample: Key
    property:
      description: The property that holds the policy.
      type: str
      sample: KeyPolicy
    added:
      description: Who may do what in addition, a line each.
      type: list
      elements: str
      sample: ["444444444444 kms:Decrypt"]
    removed:
      description: Who may no longer do what.
      type: list
      elements: str
      sample: []
changes:
  description: As RV(crossaccount.pipeline.stack#module:changes).
  returned: success
  type: list
  elements: dict
retained:
  description: As RV(crossaccount.pipeline.stack#module:retained).
  returned: success
  type: list
  elements: dict
run:
  description: The run of RV(crossaccount.pipeline.preflight#module:run) that the task is part of.
  returned: after a preflight
  type: str
"""
