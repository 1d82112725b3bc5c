# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.bootstrap_summary``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_summary
short_description: Shows what a bootstrap did
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Prints a table of every host of the play with what was done to it, and why the failed ones
    failed. Reads what the roles of this collection registered.
  - Does not fail by itself; RV(failures) names the hosts that must end as failed.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  organisation:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  plan:
    description:
      - The result of P(crossaccount.pipeline.bootstrap_plan#filter). Without it only the
        applications are told.
    type: dict
  applications:
    description:
      - RV(crossaccount.pipeline.applications_info#module:applications). They are told where the
        primary is a host of the play, from what was recorded there.
    type: list
    elements: dict
    default: []
  orphaned_applications:
    description: The result of P(crossaccount.pipeline.orphaned_applications#filter).
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show what was done
  crossaccount.pipeline.bootstrap_summary:
    organisation: "{{ bootstrap_organisation }}"
    plan: "{{ bootstrap_plan }}"
  run_once: true
  register: bootstrap_summary
"""

RETURN = r"""
results:
  description: What was done to each host.
  returned: success
  type: dict
  sample: {build: unchanged, production: updated}
applications:
  description: What was done to the pipeline of each application.
  returned: success
  type: dict
  sample: {hello: created}
failures:
  description:
    - Why each host that is not complete is not. The primary is not while an application is not.
  returned: success
  type: dict
  sample: {testing: "not reached: the primary stack failed in this run"}
"""
