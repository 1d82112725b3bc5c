# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.drift_summary``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_summary
short_description: Shows the report of a drift run
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Shows what M(crossaccount.pipeline.drift_report) found, a line for each finding, then where the
    report is and the command that fixes what was found.
  - Nothing is shown with a stdout callback that writes no text, such as C(ansible.posix.json).
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options: {}
seealso:
  - module: crossaccount.pipeline.drift_report
"""

EXAMPLES = r"""
- name: Show what was found
  crossaccount.pipeline.drift_summary:
  run_once: true
"""

RETURN = r"""
text:
  description: The lines that were shown.
  returned: success
  type: list
  elements: str
  sample: ["  org is clean: 79 stacks (6 regions, primary, 60 accounts, 12 pipelines), 41 s."]
"""
