# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.prove``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prove
short_description: Proves the path of pipelines to every account and region
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Makes temporary pipelines that deploy one stack, which needs no permission and costs nothing, to
    every account and region of the play, releases them, and returns what became of each path. Then
    it removes everything that it made.
  - The pipelines are composed as those of group C(pipelines) are. They have the same roles, keys,
    buckets and functions, so what a path lacks for a release stops the canary as well.
  - It first shows how many pipelines there will be and about what they cost. A path that is refused
    stops no other.
  - What an interrupted run left is removed first. O(state=absent) does that alone.
  - C(--limit) chooses accounts, each with its regions, and regions of group C(regional), each with
    its accounts.
  - Check mode shows the same, and looks at what explains usual causes, but makes no pipeline.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
options:
  state:
    description: V(absent) removes what earlier runs left, and proves nothing.
    type: str
    choices: [present, absent]
    default: present
  at_once:
    description: How many pipelines exist at a time.
    type: int
    default: 5
  endpoint_url:
    description: >-
      The endpoint of every AWS service. By default what boto3 finds, such as E(AWS_ENDPOINT_URL).
    type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing that it makes stays.
  idempotent:
    support: none
    details: Each run proves the paths again.
requirements:
  - boto3 where C(ansible-playbook) runs
seealso:
  - module: crossaccount.pipeline.prove_report
"""

EXAMPLES = r"""
- name: Prove every path
  crossaccount.pipeline.prove:
  register: prove_result
  run_once: true
"""

RETURN = r"""
proof:
  description: What was proven; null with O(state=absent). In check mode no path but those left out.
  returned: success
  type: dict
  contains:
    run:
      description: The name of the run, in the names and tags of all that it made.
      type: str
      sample: 3f9a1c
    started:
      description: When it began, in UTC.
      type: str
      sample: "2026-11-27T10:00:00+00:00"
    ended:
      description: When it ended, in UTC.
      type: str
      sample: "2026-11-27T10:04:00+00:00"
    organisation:
      description: The id of the build account.
      type: str
      sample: "111111111111"
    pipelines:
      description: How many temporary pipelines ran.
      type: int
      sample: 1
    paths:
      description:
        - Each account in each region. RV(proof.paths[].status) is V(reached), V(refused),
          V(left_out) for quarantined and absent ones, or V(unknown) where the end was not seen.
        - Its cause is null where it was reached, otherwise it is the first thing that refused.
      type: list
      elements: dict
      contains:
        status:
          description: What became of it.
          type: str
          sample: reached
      sample:
        - host: production
          account_id: "444444444444"
          region: eu-west-1
          status: reached
          cause: null
    notes:
      description: What look-ups saw that concerns no single path, and what could not be removed.
      type: list
      elements: dict
      sample: []
removed:
  description: What was left of earlier runs and is removed now.
  returned: success
  type: list
  elements: str
  sample: ["crossaccount-prove-3f9a1c in 444444444444 eu-west-1"]
failures:
  description: Why the run must end as failed; empty for none.
  returned: success
  type: list
  elements: str
  sample: ["production in eu-west-1: refused"]
"""
