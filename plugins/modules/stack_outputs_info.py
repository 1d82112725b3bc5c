# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.stack_outputs_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_outputs_info
short_description: Reads many CloudFormation stacks over accounts and regions at once
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Collects outputs, parameters, tags and status of many stacks in one task, with threads inside.
  - A target that cannot be read has an error in RV(stacks) and stops no other. Only "does not
    exist" means that there is no stack.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
options:
  tag:
    description:
      - A tag key. With it every stack of a target's account and region is listed, and the other
        stacks that have the tag are returned in RV(tagged).
    type: str
  targets:
    description: The stacks.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the target in the result. By default its stack name.
        type: str
      stack_name:
        description: The name of the stack, or its id.
        type: str
        required: true
      account_id:
        description: The account. By default O(account_id).
        type: str
      region:
        description: The region. By default O(region).
        type: str
      profile:
        description: Its profile. The credentials come whole from the target or from the task.
        type: str
      role_arn:
        description: Its role.
        type: str
      access_role_name:
        description: The name of its access role.
        type: str
      external_id:
        description: The external id that its role demands.
        type: str
      session_name:
        description: The name of its session.
        type: str
      session_duration:
        description: Seconds of its session.
        type: int
      source_identity:
        description: The source identity of its session.
        type: str
      session_tags:
        description: Tags of its session.
        type: dict
seealso:
  - module: crossaccount.pipeline.stack
"""

EXAMPLES = r"""
- name: Read two regions
  crossaccount.pipeline.stack_outputs_info:
    account_id: "111111111111"
    sts_region: us-east-1
    targets:
      - region: eu-west-1
        stack_name: CrossAccountRegional
      - region: ap-southeast-2
        stack_name: CrossAccountRegional
  register: regions

- name: Show their keys
  ansible.builtin.debug:
    msg: "{{ regions.stacks | map(attribute='outputs.KeyArn') }}"
"""

RETURN = r"""
caller_account_id:
  description: The account of the credentials in use; null where it was not needed.
  returned: success
  type: str
  sample: "111111111111"
tagged:
  description: The other stacks that have O(tag), by account, region and name, with its value.
  returned: success
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      region: eu-west-1
      stack_name: CrossAccountRegionalOld
      value: regional
stacks:
  description: What was found, one entry for each target, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the target.
      type: str
      sample: eu-west-1
    account_id:
      description: Its account.
      type: str
      sample: "111111111111"
    region:
      description: Its region.
      type: str
      sample: eu-west-1
    stack_name:
      description: The name of the stack.
      type: str
      sample: CrossAccountRegional
    error:
      description: Why it could not be read. With it, the following are missing.
      returned: when it could not be read
      type: str
      sample: "Failed to describe the stack: Rate exceeded"
    exists:
      description: Whether the stack exists.
      type: bool
      sample: true
    stack_id:
      description: Its id.
      returned: when it exists
      type: str
      sample: arn:aws:cloudformation:eu-west-1:111111111111:stack/CrossAccountRegional/1a2b3c
    status:
      description: Its status.
      returned: when it exists
      type: str
      sample: CREATE_COMPLETE
    outputs:
      description: Its outputs, names as in the template.
      returned: when it exists
      type: dict
      sample: {PipelineBucketName: crossaccountregional-pipelinebucket-1a2b3c}
    parameters:
      description: Its parameters as CloudFormation stores them; secret ones read C(****).
      returned: when it exists
      type: dict
      sample: {ArtifactRetentionDays: "365"}
    tags:
      description: Its tags.
      returned: when it exists
      type: dict
      sample: {application: crossaccount-pipeline}
"""
