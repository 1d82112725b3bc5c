# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.stack_drift_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_drift_info
short_description: Finds what was changed outside CloudFormation, in many stacks at once
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Starts CloudFormation's drift detection of every stack first, then follows all of them together,
    with threads inside. Apart from that it only reads.
  - With O(policies) it also compares the live policies of the stacks' resources with their
    templates, which CloudFormation's detection does only in part.
  - A target that cannot be inspected has an error in RV(stacks) and stops no other. What could not
    be checked is returned, and never counts as in sync.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
options:
  policies:
    description:
      - Also compare live bucket policies, key policies, trust policies, inline and attached
        policies of roles, topic policies and the policies of functions with the deployed template.
    type: bool
    default: false
  tag:
    description:
      - A tag key. With it every stack of a target's account and region is listed, and the other
        stacks that have the tag are returned in RV(orphans).
    type: str
  others:
    description: Names of stacks that are returned in RV(others) where they exist. Takes O(tag).
    type: list
    elements: str
    default: []
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
        description: The name of the stack.
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
  wait_timeout:
    description:
      - Seconds that all detections together may take. A target whose detection has not ended by
        then is an error; the others are complete.
    type: int
    default: 1800
seealso:
  - module: crossaccount.pipeline.stack_outputs_info
"""

EXAMPLES = r"""
- name: Inspect two regions
  crossaccount.pipeline.stack_drift_info:
    account_id: "111111111111"
    sts_region: us-east-1
    policies: true
    targets:
      - name: eu-west-1
        region: eu-west-1
        stack_name: CrossAccountRegional
      - name: ap-southeast-2
        region: ap-southeast-2
        stack_name: CrossAccountRegional
  register: drift

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ drift.stacks | map(attribute='findings') | flatten | map(attribute='message') }}"
"""

RETURN = r"""
caller_account_id:
  description: The account of the credentials in use; null where it was not needed.
  returned: success
  type: str
  sample: "111111111111"
orphans:
  description:
    - A finding of kind V(orphaned) for each other stack that has O(tag). Its message has the
      command that removes the stack.
  returned: success
  type: list
  elements: dict
  sample: []
others:
  description:
    - The stacks of O(others), each with C(account_id), C(region), C(stack_name) and C(outputs).
  returned: success
  type: list
  elements: dict
  sample: []
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
    exists:
      description: Whether the stack exists. Null where that could not be read.
      type: bool
      sample: true
    stack_id:
      description: Its id, null without one.
      type: str
      sample: arn:aws:cloudformation:eu-west-1:111111111111:stack/CrossAccountRegional/1a2b3c
    status:
      description: Its status, null without one.
      type: str
      sample: CREATE_COMPLETE
    error:
      description: Why it could not be inspected, else null. With it there are no findings.
      type: str
      sample: "Failed to start the drift detection: Rate exceeded"
    findings:
      description: What is not as it should be.
      type: list
      elements: dict
      contains:
        kind:
          description: C(missing), C(stuck), C(drifted) or C(policy).
          type: str
          sample: drifted
        host:
          description: The name of the target.
          type: str
          sample: eu-west-1
        account_id:
          description: The account.
          type: str
          sample: "111111111111"
        region:
          description: The region.
          type: str
          sample: eu-west-1
        stack:
          description: The name of the stack.
          type: str
          sample: CrossAccountRegional
        resource:
          description: The logical id of the resource. Empty for the stack itself.
          type: str
          sample: Key
        resource_type:
          description: Its type.
          type: str
          sample: AWS::KMS::Key
        physical_id:
          description: Its physical id.
          type: str
          sample: 01234567-89ab-cdef-0123-456789abcdef
        property:
          description: Where in the resource, names joined by dots. Empty for the resource itself.
          type: str
          sample: EnableKeyRotation
        expected:
          description: The template's value, as text. Empty where it gives none.
          type: str
          sample: "true"
        actual:
          description: The value found, as text. Empty where there is none.
          type: str
          sample: "false"
        difference:
          description:
            - C(NOT_EQUAL), C(ADD) (only found), C(REMOVE) (only expected) or C(DELETED). Empty for
              the stack itself.
          type: str
          sample: NOT_EQUAL
        message:
          description: The finding in a sentence.
          type: str
          sample: "Key (AWS::KMS::Key): EnableKeyRotation is false, not true"
        ignored:
          description: Always null here. M(crossaccount.pipeline.drift_report) fills it in.
          type: dict
          sample: null
    unchecked:
      description: Resources, or parts of them, that could not be checked.
      type: list
      elements: dict
      contains:
        kind:
          description:
            - V(undetectable) is a type of which CloudFormation detects no drift, V(no_result) a
              resource of which its detection has no result, V(unread) a policy or setting that
              could not be compared.
          type: str
          sample: no_result
        host:
          description: The name of the target.
          type: str
          sample: eu-west-1
        account_id:
          description: The account.
          type: str
          sample: "111111111111"
        region:
          description: The region.
          type: str
          sample: eu-west-1
        stack:
          description: The name of the stack.
          type: str
          sample: CrossAccountRegional
        resource:
          description: The logical id of the resource.
          type: str
          sample: KeyAlias
        resource_type:
          description: Its type.
          type: str
          sample: AWS::KMS::Alias
        why:
          description: Why it could not be checked.
          type: str
          sample: "CloudFormation could not check it: Rate exceeded"
"""
