# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.bootstrap_summary``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_summary
short_description: Shows what a run did
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Shows what was done to each host, what is left, and each reason for a failure once. In check
    mode it shows what would change, policies statement by statement.
  - Reads what M(crossaccount.pipeline.preflight) and the roles of this collection registered.
  - Does not fail by itself; RV(failures) names the hosts that must end as failed.
  - Nothing is shown with a stdout callback that writes no text, such as C(ansible.posix.json).
    RV(text) always holds all of it.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  name:
    description: The name of the organisation.
    type: str
    default: ''
seealso:
  - module: crossaccount.pipeline.preflight
"""

EXAMPLES = r"""
- name: Show what was done
  crossaccount.pipeline.bootstrap_summary:
    name: "{{ organisation_name }}"
  run_once: true
"""

RETURN = r"""
results:
  description: What was done to each host.
  returned: success
  type: dict
  sample: {build: unchanged, production: updated}
failures:
  description: The reason of each host that is not complete.
  returned: success
  type: dict
  sample: {testing: the primary build failed in this run}
failed_hosts:
  description: The hosts that are not complete.
  returned: success
  type: list
  elements: str
  sample: [testing]
text:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
  sample: ["  org: 7 stacks unchanged (2 regions, primary, 3 accounts, 1 pipeline). No write call."]
"""
