# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.stack_drift``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_drift
short_description: Reverts what was changed in a stack outside CloudFormation
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Inspects one stack as M(crossaccount.pipeline.stack_drift_info) does, and puts back what differs
    from its deployed template. Template and parameters stay as they are.
  - First a drift-aware change set (C(DeploymentMode=REVERT_DRIFT)) puts back what CloudFormation
    can see. It is read whole before it is executed.
  - Then every policy that a change set does not show is put back as exactly the document of the
    template, for example an inline policy that was added to a role. Only resources of the stack are
    written to.
  - It refuses, before any write, when a key or a bucket is gone, and when a key, a bucket or a role
    would be replaced or removed.
  - In check mode nothing is written, not even a change set. The diff shows what was found.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
options:
  stack_name:
    description: The name of the stack.
    type: str
    required: true
  ignore:
    description:
      - Differences that stay as they are, in the form of
        O(crossaccount.pipeline.drift_report#module:ignore). An entry whose date is over has no
        effect.
      - The task refuses, before any write, when the change set would put them back with the rest.
    type: list
    elements: raw
    default: []
  wait_timeout:
    description:
      - Seconds that all waits of the task may take. An operation continues in AWS, and the next run
        waits for it.
    type: int
    default: 3600
attributes:
  check_mode:
    support: full
    details: Creates no change set, so it shows what was found, not what CloudFormation would do.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: crossaccount.pipeline.stack_drift_info
  - module: crossaccount.pipeline.stack
"""

EXAMPLES = r"""
- name: Revert the drift of a regional stack
  crossaccount.pipeline.stack_drift:
    account_id: "111111111111"
    region: eu-west-1
    stack_name: CrossAccountRegional
"""

RETURN = r"""
stack:
  description: The stack afterwards.
  returned: always
  type: dict
  contains:
    stack_name:
      description: Its name.
      type: str
      sample: CrossAccountRegional
    account_id:
      description: Its account.
      type: str
      sample: "111111111111"
    region:
      description: Its region.
      type: str
      sample: eu-west-1
    stack_id:
      description: Its id.
      type: str
      sample: arn:aws:cloudformation:eu-west-1:111111111111:stack/CrossAccountRegional/1a2b3c
    status:
      description: Its status.
      type: str
      sample: UPDATE_COMPLETE
findings:
  description:
    - What was found before anything was written, as M(crossaccount.pipeline.stack_drift_info)
      returns it.
  returned: always
  type: list
  elements: dict
  sample: []
ignored:
  description: What was found too, and stays as it is because of O(ignore).
  returned: always
  type: list
  elements: dict
  sample: []
unchecked:
  description: What could not be checked. None of it is reverted.
  returned: always
  type: list
  elements: dict
  sample: []
changes:
  description: The changes of the drift-aware change set. Empty where none was needed.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: What was done to the resource.
      type: str
      sample: Modify
    logical_id:
      description: Its logical id.
      type: str
      sample: Key
    resource_type:
      description: Its type.
      type: str
      sample: AWS::KMS::Key
    replacement:
      description: Whether it was replaced.
      type: str
      sample: "False"
    scope:
      description: Which parts of it.
      type: list
      elements: str
      sample: [Properties]
    depends_on:
      description: Resources and attributes without whose change it did not change.
      type: list
      elements: str
      sample: []
    drift_status:
      description: What had happened to it outside CloudFormation.
      type: str
      sample: MODIFIED
    properties:
      description: What was put back.
      type: list
      elements: dict
      contains:
        path:
          description: Where in the resource.
          type: str
          sample: /Properties/EnableKeyRotation
        before:
          description: The value that was found.
          type: str
          sample: "false"
        after:
          description: The template's value.
          type: str
          sample: "true"
policies:
  description: The policies that were put back directly.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The logical id of the resource.
      type: str
      sample: CodePipelineRole
    resource_type:
      description: Its type.
      type: str
      sample: AWS::IAM::Role
    physical_id:
      description: Its physical id.
      type: str
      sample: CrossAccountCodePipeline
    property:
      description: Which of its policies, as findings name it.
      type: str
      sample: Policies.Extra
    what:
      description: The policy in words.
      type: str
      sample: inline policy Extra of role CrossAccountCodePipeline
"""
