# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.preflight``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Checks everything before the first write of a run
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Checks the inventory against all its rules and reports every error together. AWS is not called
    before it follows them.
  - Then reads in threads the foundation of the build account, the stack of every host of the play
    and, where a host should be absent, the live pipelines. The credentials of every account are
    proven on the way.
  - Compares every stack with what it should be, and decides what the run may do.
  - With O(inspect) it also finds what was changed outside CloudFormation. A drift run does both in
    one task, which reads each stack and its template once.
  - The playbooks of this collection run it once and register its result as C(preflight_result). The
    filters C(crossaccount.pipeline.run_hosts) and C(crossaccount.pipeline.run_inputs)
    read it from there.
  - Connection settings come from the variables of each host of the inventory (C(aws_profile),
    C(role_arn), C(access_role_name)), for pipelines from the primary's.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  inspect:
    description:
      - Also inspect every stack that can be read, as M(crossaccount.pipeline.stack_drift_info) does
        with O(crossaccount.pipeline.stack_drift_info#module:policies).
    type: bool
    default: false
  wait_timeout:
    description: Seconds that all detections together may take, with O(inspect).
    type: int
    default: 1800
  teardown:
    description: Plan the removal of everything, whatever the state of the hosts.
    type: bool
    default: false
  pattern:
    description:
      - The pattern of hosts that the play was given, such as C(drift_hosts). A part of it, or of
        C(--limit), that matches no host is an error, except in a slice.
    type: str
  endpoint_url:
    description: >-
      The endpoint of every AWS service. By default what boto3 finds, such as E(AWS_ENDPOINT_URL).
    type: str
requirements:
  - boto3 where C(ansible-playbook) runs
seealso:
  - module: crossaccount.pipeline.stack_drift_info
"""

EXAMPLES = r"""
- name: Check everything before the first write
  crossaccount.pipeline.preflight:
  register: preflight_result
  run_once: true

- name: Also find what was changed outside CloudFormation
  crossaccount.pipeline.preflight:
    inspect: true
  register: preflight_result
  run_once: true
"""

RETURN = r"""
organisation:
  description: The inventory as data.
  returned: success
  type: dict
pipelines:
  description: The pipelines that should be there, by host, with all defaults filled in.
  returned: success
  type: dict
hosts:
  description: The hosts of the run, without those that C(--limit), a slice or a tag leaves out.
  returned: success
  type: list
  elements: str
stacks:
  description:
    - The stack of each host. C(operation) is what converging would do, C(differences) lists what
      differs, C(error) says why it could not be read, C(reason) why it could not be compared.
  returned: success
  type: dict
excluded:
  description: Accounts that policies exclude, where they admit an organization.
  returned: success
  type: list
  elements: str
  sample: []
grants:
  description: The account ids that the policies of each region should name.
  returned: success
  type: dict
failures:
  description: The hosts that the run skips, each with the reason.
  returned: success
  type: dict
quarantined:
  description: The hosts that are left alone.
  returned: success
  type: list
  elements: str
gone:
  description: The absent regional hosts whose stacks are gone already.
  returned: success
  type: list
  elements: str
held:
  description: The absent hosts that a pipeline still uses in this run, each with the reason.
  returned: success
  type: dict
releasing:
  description: The pipelines that only stop using an absent host. They come first.
  returned: success
  type: list
  elements: str
orphans:
  description:
    - The stacks with our tag but no host. One that still grants accounts (C(granted)) is in use.
  returned: success
  type: list
  elements: dict
readings:
  description:
    - The readings of AWS Organizations that accounts come from, by the inventory plugin
      P(crossaccount.pipeline.organizations#inventory). C(cached) says that Ansible's cache had one.
  returned: success
  type: list
  elements: dict
access_stacks:
  description: The stacks with access roles that the accounts of the run may have.
  returned: success
  type: list
  elements: dict
outdated_roles:
  description:
    - Those stacks of the build account, and of accounts that the run would change, that are of an
      earlier version. A drift run finds all.
  returned: success
  type: list
  elements: dict
drift:
  description:
    - What was found, as RV(crossaccount.pipeline.stack_drift_info#module:stacks),
      RV(crossaccount.pipeline.stack_drift_info#module:orphans) with the tag of our stacks, and
      RV(crossaccount.pipeline.stack_drift_info#module:others) with the names of RV(access_stacks).
  returned: with O(inspect)
  type: dict
caller_account_id:
  description: The account of the credentials in use, where it had to be found out.
  returned: success
  type: str
check_mode:
  description: Whether the run only shows what it would do.
  returned: success
  type: bool
run:
  description: A name that no other run has.
  returned: success
  type: str
started:
  description: When the check began, in UTC (ISO 8601).
  returned: success
  type: str
"""
