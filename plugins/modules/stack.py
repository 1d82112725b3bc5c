# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.stack``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Creates, updates or removes one CloudFormation stack
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Brings one stack to its desired state, whatever state it is in, through a change set that is
    read whole and checked before it is executed.
  - An unchanged stack costs two read calls, three with O(stack_policy).
  - A stack whose creation failed (C(CREATE_FAILED), C(ROLLBACK_COMPLETE)) is deleted and created
    again, unless it holds a key or a bucket. A rollback that stopped half way is continued. An
    operation in progress is waited for. Nothing else is ever deleted to get past an error.
  - With O(state=absent) the stack is removed, also when it is protected. What its template retains
    stays, and is returned in RV(retained) with O(find_retained=true).
  - A change set that would replace or remove a key, a bucket or a role is refused unless
    O(allow_replacement=true).
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
attributes:
  check_mode:
    support: full
    details:
      - Creates a change set to see what would change, and deletes it again, with the empty stack
        that came with it.
      - A template that goes through O(template_bucket) is uploaded for that change set and stays
        there.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - Whether the stack should exist as described, only be compared with that, or be removed.
      - V(compared) writes nothing, creates no change set and fails while an operation is in
        progress. RV(differences) shows what V(present) would change.
    type: str
    choices: [present, compared, absent]
    default: present
  stack_name:
    description: The name of the stack.
    type: str
    required: true
  template:
    description:
      - The path of the template, ASCII, at most 51,200 bytes without O(template_bucket). A relative
        path is looked up in C(files) of the role.
      - A scalar such as C('@@ code.py @@') is replaced by the text of that file in the directory of
        the template. Nothing else is substituted.
      - This or O(template_body) is required with O(state=present).
    type: path
  template_body:
    description:
      - The template itself, as text, in place of O(template). Nothing is substituted in it.
    type: str
  template_bucket:
    description:
      - A bucket of the same account and region for a template of 51,201 to 1,000,000 bytes. The
        object is C(templates/<SHA-256>.template), encrypted with AES256, and uploaded only for a
        change set and only once. Nothing deletes it.
      - CloudFormation reads it with the permissions of the task's credentials.
    type: str
  parameters:
    description:
      - The template's parameters. Lists become comma-separated, in the order given.
      - A parameter that is left out takes the template's default, also in an update.
      - One of a type C(AWS::SSM::Parameter::Value<...>) is compared by what it stands for, which
        needs C(ssm:GetParameters).
    type: dict
    default: {}
  tags:
    description: The tags of the stack, all of them. ASCII.
    type: dict
    default: {}
  capabilities:
    description: What CloudFormation wants acknowledged, for example V(CAPABILITY_NAMED_IAM).
    type: list
    elements: str
    default: []
  termination_protection:
    description: Whether the stack is protected from deletion. Set after the first success.
    type: bool
    default: false
  stack_policy:
    description: The stack policy. Without it the stack's policy is left alone.
    type: dict
  allow_replacement:
    description: Whether keys, buckets and roles may be replaced or removed.
    type: bool
    default: false
  resources_to_skip:
    description:
      - The logical ids of resources to skip when a rollback that stopped half way
        (C(UPDATE_ROLLBACK_FAILED)) is continued. CloudFormation then no longer knows their state.
        By default none is skipped.
    type: list
    elements: str
    default: []
  find_retained:
    description:
      - Whether to find the buckets and keys that deleted stacks of this name left in the region,
        after the stack was created or removed. They are found by the tag C(crossaccount:stack) with
        the stack's name, which must be in O(tags).
    type: bool
    default: false
  purge_data:
    description:
      - Whether to delete with O(state=absent) what O(find_retained) finds. Buckets are emptied of
        all versions and deleted, which cannot be undone. Keys are scheduled for deletion in 30
        days.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds that all waits of the task may take. The operation itself continues in AWS, and the
        next run waits for it.
    type: int
    default: 3600
seealso:
  - module: crossaccount.pipeline.stack_outputs_info
"""

EXAMPLES = r"""
- name: Converge the stack of a region
  crossaccount.pipeline.stack:
    account_id: "111111111111"
    region: eu-west-1
    stack_name: CrossAccountRegional
    template: regional.template
    parameters:
      DeployAccountIds: ["333333333333", "444444444444"]
    termination_protection: true
"""

RETURN = r"""
operation:
  description:
    - What was done, or in check mode would be; V(none), V(create), V(update) or V(delete).
    - V(repair) is a stuck stack that was repaired and differed in nothing else. In check mode it is
      any stuck stack, as only a repaired one can be compared.
  returned: success
  type: str
  sample: update
stack:
  description: The stack afterwards.
  returned: success
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
      description: Its id; null where it does not exist yet (check mode).
      type: str
      sample: arn:aws:cloudformation:eu-west-1:111111111111:stack/CrossAccountRegional/1a2b3c
    status:
      description: Its status; null where it does not exist yet (check mode).
      type: str
      sample: UPDATE_COMPLETE
    outputs:
      description: Its outputs, names as in the template.
      type: dict
      sample: {PipelineBucketName: crossaccountregional-pipelinebucket-1a2b3c}
    parameters:
      description:
        - Its parameters as CloudFormation stores them; secret ones read C(****). For a removed
          stack, those that it had.
      type: dict
      sample: {ArtifactRetentionDays: "365"}
retained:
  description: The buckets and keys that deleted stacks of this name left.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(bucket) or V(key).
      type: str
      sample: key
    name:
      description: The bucket's name or the key's id.
      type: str
      sample: 1a2b3c4d-1111-2222-3333-444455556666
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:kms:eu-west-1:111111111111:key/1a2b3c4d-1111-2222-3333-444455556666
    region:
      description: Its region.
      type: str
      sample: eu-west-1
    deletion_date:
      description: The day on which AWS deletes the key; null while that is not scheduled.
      type: str
      sample: "2026-12-24"
    purged:
      description: Whether this task deleted it, or scheduled its deletion.
      type: bool
      sample: true
differences:
  description:
    - How the stack differs from its desired state, one by one. Secret parameters are left out
      where AWS hides them, and read C(****) elsewhere.
  returned: with O(state=compared) and in check mode
  type: list
  elements: dict
  contains:
    what:
      description:
        - V(template), V(parameters), V(tags), V(termination_protection) or V(stack_policy).
      type: str
      sample: parameters
    name:
      description: The path in the template, or the name of the parameter or tag.
      type: str
      sample: ArtifactRetentionDays
    resource_type:
      description: The type of the resource in the template; empty for other differences.
      type: str
      sample: ""
    before:
      description: The stack's value, as text; null for none.
      type: str
      sample: "90"
    after:
      description: The desired value, as text; null for none.
      type: str
      sample: "365"
changes:
  description: The changes of the change set.
  returned: success
  type: list
  elements: dict
  sample:
    - action: Modify
      logical_id: PipelineBucketPolicy
      resource_type: AWS::S3::BucketPolicy
      replacement: "False"
      scope: [Properties]
      depends_on: []
"""
