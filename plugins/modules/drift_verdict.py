# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.drift_verdict``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_verdict
short_description: Gives one verdict on a drift run done in parts
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Combines the summaries that the parts of a drift run published, such as the slices of an
    AWX job, and shows them. A host that no part checked makes the run incomplete.
  - Nothing is shown with a stdout callback that writes no text, such as C(ansible.posix.json).
  - Does not fail by itself; RV(failure) says why the job must. Calls nothing in AWS.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  reports:
    description:
      - The summaries, each RV(crossaccount.pipeline.drift_report#module:summary) as JSON text, by
        the names they were published under.
    type: dict
    required: true
  hosts:
    description: Every host that should have been checked.
    type: list
    elements: str
    required: true
  fail_on_drift:
    description: Whether findings are a reason to fail. What was not checked always is.
    type: bool
    default: true
seealso:
  - module: crossaccount.pipeline.drift_report
"""

EXAMPLES = r"""
- name: Put the reports of the slices together
  crossaccount.pipeline.drift_verdict:
    reports: "{{ dict(names | zip(query('ansible.builtin.vars', *names))) }}"
    hosts: "{{ query('ansible.builtin.inventory_hostnames', 'all') }}"
  vars:
    names: "{{ query('ansible.builtin.varnames', '^drift_report_[0-9]+$') }}"
  register: drift_collected
"""

RETURN = r"""
verdict:
  description: V(clean), V(drifted), or V(incomplete), when nothing was found but not all checked.
  returned: success
  type: str
  sample: clean
complete:
  description: Whether every host was checked.
  returned: success
  type: bool
  sample: true
summary:
  description: The summaries as one, for C(set_stats).
  returned: success
  type: dict
  contains:
    schema_version:
      description: The version of the reports' schema.
      type: str
      sample: "1.2"
    organisation:
      description: The name of the organisation.
      type: str
      sample: example
    started:
      description: When the first part began; empty if there is none.
      type: str
      sample: "2026-11-24T03:00:00Z"
    finished:
      description: When the last part ended.
      type: str
      sample: "2026-11-24T03:01:02Z"
    complete:
      description: As RV(complete).
      type: bool
      sample: true
    verdict:
      description: As RV(verdict).
      type: str
      sample: clean
    hosts:
      description: The hosts that were checked.
      type: list
      elements: str
      sample: [build, production, testing]
    affected:
      description: The hosts with findings or errors.
      type: list
      elements: str
      sample: []
    missing:
      description: The hosts that no part checked.
      type: list
      elements: str
      sample: []
    remediable:
      description: >-
        Whether every host was checked, and something other than an orphaned stack was found.
      type: bool
      sample: false
    reports:
      description: How many summaries there were.
      type: int
      sample: 4
    stacks:
      description: How many stacks are in each state.
      type: dict
      sample: {clean: 110}
    findings:
      description: How many findings there are of each kind, without ignored ones.
      type: dict
      sample: {}
    severities:
      description: How many findings there are of each severity, without ignored ones.
      type: dict
      sample: {}
    ignored:
      description: How many findings are ignored.
      type: int
      sample: 0
    unchecked:
      description: How many resources could not be checked.
      type: int
      sample: 3
    messages:
      description: The findings and errors of the parts, a line each, the dangerous ones first.
      type: list
      elements: str
      sample: []
    more_messages:
      description: How many more there are, in the reports of the parts.
      type: int
      sample: 0
    links:
      description: Where the pages of the parts are, if they were uploaded.
      type: list
      elements: str
      sample: []
notice:
  description: The verdict in one line, for a notification.
  returned: success
  type: str
  sample: "example is clean: 110 stacks"
failure:
  description: Why the job must fail; empty when it need not.
  returned: success
  type: str
  sample: "not checked by any part: production, testing"
text:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
  sample: ["  org is clean: 79 stacks of 79 hosts in 3 reports."]
"""
