# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.stack_drift``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_drift
short_description: Puts right what was changed in a stack outside CloudFormation
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Looks at one stack as M(crossaccount.pipeline.stack_drift_info) does, and puts back what differs
    from its deployed template. Template and parameters stay as they are.
  - First comes a drift-aware change set (C(DeploymentMode=REVERT_DRIFT)), for what CloudFormation
    can see. It is read whole before it is executed.
  - Then come the policies that a change set does not show, such as inline policies that were added
    to a role. Each is put back as exactly the document that the template gives. Nothing is written
    but to resources of the stack.
  - Refused before any write when a key or a bucket is gone, and when a key, a bucket or a role
    would be replaced or removed.
  - In check mode nothing is written, not even a change set. The difference shows what was found.
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
      - Differences that are to be left as they are, in the form of
        O(crossaccount.pipeline.drift_report#module:ignore). An entry whose day is over is as none.
      - Refused before any write when the change set would put them back with the rest.
    type: list
    elements: raw
    default: []
  wait_timeout:
    description:
      - Seconds that all waits together may take. What then still goes on in AWS is taken up by the
        next run.
    type: int
    default: 3600
attributes:
  check_mode:
    support: full
    details: Makes no change set, so what CloudFormation would make of it is not shown.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: crossaccount.pipeline.stack_drift_info
  - module: crossaccount.pipeline.stack
"""

EXAMPLES = r"""
- name: Put a regional stack right
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
  description: What could not be looked at. Nothing of it is put right.
  returned: always
  type: list
  elements: dict
  sample: []
changes:
  description: What the drift-aware change set changed. Empty where none was needed.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: What was done with the resource.
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
      description: What of it.
      type: list
      elements: str
      sample: [Properties]
    drift_status:
      description: What had become of it outside CloudFormation.
      type: str
      sample: MODIFIED
    properties:
      description: What was put back, from the value that was there to that of the template.
      type: list
      elements: dict
      contains:
        path:
          description: Where in the resource.
          type: str
          sample: /Properties/EnableKeyRotation
        before:
          description: The value that was there.
          type: str
          sample: "false"
        after:
          description: The value of the template.
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
      description: The same in words.
      type: str
      sample: inline policy Extra of role CrossAccountCodePipeline
"""
