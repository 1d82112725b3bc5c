# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.applications_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: applications_info
short_description: Checks the application pipelines and returns them as data
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Checks every field of C(pipelines), and every rule between fields and with the inventory. Fails
    with all that is wrong, each with its pipeline, its field and its cure.
  - Calls nothing.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
options:
  pipelines:
    description:
      - The application pipelines. The fields of an entry are those of
        C(pipeline_definition) of the role
        P(crossaccount.pipeline.pipeline#role), with what has a default left out as you
        like.
    type: list
    elements: dict
    default: []
  organisation:
    description:
      - RV(crossaccount.pipeline.organisation_info#module:organisation). A slice, which has no
        primary, has no pipelines either.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Check the inventory
  crossaccount.pipeline.organisation_info:
  run_once: true
  register: inventory

- name: Check the pipelines
  crossaccount.pipeline.applications_info:
    pipelines: "{{ pipelines }}"
    organisation: "{{ inventory.organisation }}"
  run_once: true
  register: checked
"""

RETURN = r"""
applications:
  description:
    - Every entry in its order, with defaults filled in, the account and the regions of each
      environment, and the name of the stack that holds the pipeline.
    - This is what the role P(crossaccount.pipeline.pipeline#role) takes.
  returned: success
  type: list
  elements: dict
  sample:
    - name: hello
      state: present
      stack_name: hello-pipeline
"""
