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
  - Combines what M(crossaccount.pipeline.preflight) compared and inspected, and sets aside what
    O(ignore) names.
  - Writes the report as JSON, as Markdown and as one HTML page. The schema of the JSON is
    C(docs/drift-report.schema.json). M(crossaccount.pipeline.drift_summary) shows it in short.
  - Does not fail by itself; RV(failures) names the hosts that must end as failed. Calls nothing in
    AWS but S3, for O(upload).
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  begin:
    description:
      - Only begin a run. Checks O(ignore), and removes from O(path) the report of an earlier run,
        which nobody should take for this run's.
    type: bool
    default: false
  stacks:
    description: RV(crossaccount.pipeline.stack_drift_info#module:stacks).
    type: list
    elements: dict
    default: []
  orphans:
    description: RV(crossaccount.pipeline.stack_drift_info#module:orphans).
    type: list
    elements: dict
    default: []
  others:
    description:
      - RV(crossaccount.pipeline.stack_drift_info#module:others), to find access roles of an earlier
        version.
    type: list
    elements: dict
    default: []
  ignore:
    description:
      - Known differences that do not count, each with a reason and a last day. They are reported as
        ignored. After that day the entry ignores nothing, and the report shows it as expired.
      - An entry ignores the findings that match everything it gives.
    type: list
    elements: raw
    default: []
  name:
    description: The name of the organisation.
    type: str
    default: ''
  path:
    description:
      - The directory that C(drift-report.json), C(drift-report.md) and C(drift-report.html) are
        written to; created if missing. Without it nothing is written.
    type: path
  upload:
    description:
      - The bucket that the JSON and the page are uploaded to, each run into a folder of its own. An
        error is only a warning.
    type: dict
    suboptions:
      bucket:
        description: Its name.
        type: str
        required: true
      prefix:
        description: What keys begin with.
        type: str
        default: ''
      region:
        description: Its region. By default O(sts_region).
        type: str
      account_id:
        description: Its account; nothing is sent to another's. By default the build account.
        type: str
      profile:
        description: The AWS profile that may upload. By default the credentials of the run.
        type: str
      role_arn:
        description: The role that may upload.
        type: str
      url:
        description: Where people read the bucket, for the link. By default the console of AWS.
        type: str
        default: ''
  sts_region:
    description: The region for STS. Needed for O(upload).
    type: str
  caller_account_id:
    description: The account of the credentials, if known.
    type: str
  fail_on_drift:
    description: Whether findings are a reason to fail. Errors always are.
    type: bool
    default: true
seealso:
  - module: crossaccount.pipeline.drift_summary
  - module: crossaccount.pipeline.preflight
  - module: crossaccount.pipeline.stack_drift_info
"""

EXAMPLES = r"""
- name: Report
  crossaccount.pipeline.drift_report:
    stacks: "{{ preflight_result.drift.stacks }}"
    orphans: "{{ preflight_result.drift.orphans }}"
    others: "{{ preflight_result.drift.others }}"
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
  description: V(clean), V(drifted), or V(incomplete), when nothing was found but not all checked.
  returned: success
  type: str
  sample: drifted
complete:
  description: Whether everything could be checked.
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
      sample: "1.2"
    organisation:
      description: The name of the organisation.
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
      description: The hosts of the run, which show what no run checked.
      type: list
      elements: str
      sample: [build, production]
    affected:
      description: The hosts with findings or errors.
      type: list
      elements: str
      sample: [production]
    stacks:
      description: How many stacks are in each state.
      type: dict
      sample: {drifted: 1, clean: 110}
    findings:
      description: How many findings there are of each kind, without ignored ones.
      type: dict
      sample: {policy: 1}
    severities:
      description:
        - How many findings there are of each severity, without ignored ones. V(danger) allows more
          than the template gives, or a protection is off; all others are V(drift).
      type: dict
      sample: {danger: 1}
    ignored:
      description: How many findings are ignored.
      type: int
      sample: 0
    unchecked:
      description: How many resources could not be checked.
      type: int
      sample: 3
    messages:
      description: The first findings and errors, a line each, the dangerous ones first.
      type: list
      elements: str
      sample:
        - "drift production CrossAccountDeploy (222222222222 us-east-1): Role was deleted"
    more_messages:
      description: How many more there are.
      type: int
      sample: 0
    links:
      description: Where the page is, if it was uploaded.
      type: list
      elements: str
      sample: ["https://reports.example.com/drift/2026-11-24T030000Z-1042/drift-report.html"]
notice:
  description: The report in one line, for a notification.
  returned: success
  type: str
  sample: "example has drifted: 1 finding (1 policy), 1 of them dangerous. Hosts: production"
failures:
  description: The reason of each host that must end as failed.
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
text:
  description: The lines that M(crossaccount.pipeline.drift_summary) shows.
  returned: success
  type: list
  elements: str
  sample: ["  org is clean: 79 stacks (6 regions, primary, 60 accounts, 12 pipelines), 41 s."]
meanings:
  description: The meaning of each line in RV(text), for its colour.
  returned: success
  type: list
  elements: str
  sample: [ok]
"""
