# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.drift_report``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_report
short_description: Reports what a drift run found
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Puts together what M(crossaccount.pipeline.stack_drift_info) found and what the roles of this
    collection registered with their state V(compared), sets aside what is known, and reports it.
  - Prints Markdown, short when all is well, and writes it with the same as JSON and as one HTML
    page. The schema of the JSON is C(docs/drift-report.schema.json).
  - Does not fail by itself; RV(failures) names the hosts that must end as failed. Calls nothing in
    AWS.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  organisation:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  plan:
    description: The result of P(crossaccount.pipeline.bootstrap_plan#filter).
    type: dict
    required: true
  stacks:
    description: RV(crossaccount.pipeline.stack_drift_info#module:stacks).
    type: list
    elements: dict
    required: true
  orphans:
    description: RV(crossaccount.pipeline.stack_drift_info#module:orphans).
    type: list
    elements: dict
    default: []
  applications:
    description: RV(crossaccount.pipeline.applications_info#module:applications).
    type: list
    elements: dict
    default: []
  ignore:
    description:
      - Differences that are known and do not count, each with a reason and a day. They are
        reported as ignored. After the day the entry ignores nothing, and the report says so.
      - A finding is ignored by an entry that matches it in all that the entry gives.
    type: list
    elements: raw
    default: []
  name:
    description: What the organisation is called.
    type: str
    default: ''
  path:
    description:
      - The directory that C(drift-report.json), C(drift-report.md) and C(drift-report.html) are
        written to; made where it is missing. Without it nothing is written.
    type: path
  started:
    description: When the run began, in ISO 8601.
    type: str
  fail_on_drift:
    description: Whether findings are a reason to fail. Errors always are.
    type: bool
    default: true
seealso:
  - module: crossaccount.pipeline.stack_drift_info
"""

EXAMPLES = r"""
- name: Report
  crossaccount.pipeline.drift_report:
    organisation: "{{ bootstrap_organisation }}"
    plan: "{{ bootstrap_plan }}"
    stacks: "{{ drift_found.stacks }}"
    orphans: "{{ drift_found.orphans }}"
    ignore:
      - stack: CrossAccountDeploy
        resource: CodePipelineRole
        property: Tags*
        reason: the cost tool tags every role
        until: 2026-12-31
    path: drift-report
  run_once: true
  register: drift_report
"""

RETURN = r"""
verdict:
  description: V(clean), V(drifted), or V(incomplete) where nothing was found but not all looked at.
  returned: success
  type: str
  sample: drifted
complete:
  description: Whether everything could be looked at.
  returned: success
  type: bool
  sample: true
summary:
  description: The report in short, for C(set_stats).
  returned: success
  type: dict
  contains:
    schema_version:
      description: The version of the report's schema.
      type: str
      sample: "1.0"
    organisation:
      description: What the organisation is called.
      type: str
      sample: example
    started:
      description: When the run began.
      type: str
      sample: "2026-11-24T03:00:00Z"
    finished:
      description: When it ended.
      type: str
      sample: "2026-11-24T03:00:41Z"
    seconds:
      description: How long it took.
      type: float
      sample: 41.3
    complete:
      description: As RV(complete).
      type: bool
      sample: true
    verdict:
      description: As RV(verdict).
      type: str
      sample: drifted
    hosts:
      description: The hosts that the run looked at, so that others can tell what nobody did.
      type: list
      elements: str
      sample: [build, production]
    stacks:
      description: How many stacks are in each state.
      type: dict
      sample: {drifted: 1, clean: 110}
    findings:
      description: How many findings there are of each kind, without ignored ones.
      type: dict
      sample: {policy: 1}
    ignored:
      description: How many findings are ignored.
      type: int
      sample: 0
    unchecked:
      description: How many resources nobody could look at.
      type: int
      sample: 3
    told:
      description: The first findings and errors, a line each.
      type: list
      elements: str
      sample:
        - "222222222222 us-east-1 CrossAccountDeploy: drifted: CodePipelineRole was deleted"
    not_told:
      description: How many more there are.
      type: int
      sample: 0
failures:
  description: Why each host that must end as failed must.
  returned: success
  type: dict
  sample: {production: "missing: stack CrossAccountDeploy does not exist"}
drifted:
  description:
    - The stacks in which something was changed outside CloudFormation and is not ignored, by host.
  returned: success
  type: dict
  sample: {production: [CrossAccountDeploy]}
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample: [drift-report/drift-report.json]
"""
