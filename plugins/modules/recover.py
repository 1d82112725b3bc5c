# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.recover``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recover
short_description: Deletes stacks of pipelines whose first deployment failed
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - CloudFormation cannot update a stack that was never complete, so a first deployment that failed
    blocks its pipeline. This deletes such stacks of the host, a deploy account, as
    M(crossaccount.pipeline.preflight) found them. The next release creates them again.
  - Only stacks of our pipelines that their account's CloudFormation role made, in
    C(ROLLBACK_COMPLETE), C(ROLLBACK_FAILED) or C(CREATE_FAILED). Every other stack is refused, and
    so is one with termination protection.
  - What the stack's DeletionPolicies retain is shown first. Check mode shows it and deletes
    nothing.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
options:
  wait_timeout:
    description: Seconds that the deletions may take together.
    type: int
    default: 3600
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Returns what was deleted and what stays.
  idempotent:
    support: full
seealso:
  - module: crossaccount.pipeline.preflight
"""

EXAMPLES = r"""
- name: Delete what blocks the next release
  crossaccount.pipeline.recover:
"""

RETURN = r"""
stacks:
  description: Each stack, whether it was deleted or in check mode would be, and what stays.
  returned: success
  type: list
  elements: dict
  sample:
    - account_id: "444444444444"
      region: eu-west-1
      stack_name: hello
      host: production
      pipeline: hello
      status: ROLLBACK_COMPLETE
      deleted: true
      retained: []
      refusal: ""
text:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
  sample: ["  hello in 444444444444 eu-west-1: ROLLBACK_COMPLETE, is deleted"]
"""
