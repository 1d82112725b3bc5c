# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.access_stacks``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: access_stacks
short_description: Converges the stacks with the access roles of an account
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Converges each stack that M(crossaccount.pipeline.access_preflight) found different, as
    M(crossaccount.pipeline.stack) does it, or removes it.
  - A stack that fails stops no other stack of a present host.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  endpoint_url:
    description: >-
      The endpoint of every AWS service. By default what boto3 finds, such as E(AWS_ENDPOINT_URL).
    type: str
seealso:
  - module: crossaccount.pipeline.access_preflight
  - module: crossaccount.pipeline.stack
"""

EXAMPLES = r"""
- name: Stacks with the roles and policies
  crossaccount.pipeline.access_stacks:
  register: access_stacks_result
"""

RETURN = r"""
changed:
  description: Whether anything differs from before, or would.
  returned: always
  type: bool
run:
  description: The run of RV(crossaccount.pipeline.access_preflight#module:run) that the task is part of.
  returned: always
  type: str
stacks:
  description:
    - What was done to each stack, by kind (C(execution), C(access), C(drift_access), C(operator) or
      C(drift)), as M(crossaccount.pipeline.host_stack) returns it.
  returned: always
  type: dict
failures:
  description: Why stacks failed, by kind.
  returned: always
  type: dict
"""
