# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.prove_report``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prove_report
short_description: Reports what a canary run found
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Writes what M(crossaccount.pipeline.prove) found to files, or shows it on the terminal.
  - The files are C(prove-report.json), C(prove-report.md), and a page C(prove-report.html).
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  begin:
    description: Only remove the report of an earlier run from O(path).
    type: bool
    default: false
  name:
    description: What the organisation is called.
    type: str
    default: ""
  proof:
    description: What the action prove returned. Needed unless O(begin) is set.
    type: dict
  path:
    description: The folder of the files; none are written without it, or with O(show).
    type: path
  show:
    description: Whether to show the report on the terminal.
    type: bool
    default: false
seealso:
  - module: crossaccount.pipeline.prove
"""

EXAMPLES = r"""
- name: Write the report
  crossaccount.pipeline.prove_report:
    proof: "{{ prove_result.proof }}"
    path: prove-report
  run_once: true
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample:
    - prove-report/prove-report.json
    - prove-report/prove-report.md
    - prove-report/prove-report.html
summary:
  description: The proof in short, for C(set_stats).
  returned: success
  type: dict
  sample: {run: 3f9a1c, reached: 6, refused: 0, left_out: 0, unknown: 0}
text:
  description: The report as lines.
  returned: success
  type: list
  elements: str
  sample: ["  org: 6 of 6 paths reached (3 accounts, 2 regions, 1 temporary pipeline, 41 s)."]
"""
