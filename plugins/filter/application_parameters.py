# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.application_parameters``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: application_parameters
short_description: Composes the parameters of an application's pipeline
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - The parameters of what P(crossaccount.pipeline.application_template#filter) returns. What an
    application has no use for stays empty, and its roles get no permission for it.
positional: register, region, primary_outputs
options:
  _input:
    description: An entry of RV(crossaccount.pipeline.applications_info#module:applications).
    type: dict
    required: true
  register:
    description: Region to C(key_arn) and C(bucket_arn), the primary region among them.
    type: dict
    required: true
  region:
    description: The primary region, where the pipeline is.
    type: str
    required: true
  primary_outputs:
    description: The outputs of the primary stack.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the parameters of a pipeline
  ansible.builtin.debug:
    msg: >-
      {{ application
         | crossaccount.pipeline.application_parameters(
             register.regions, primary_region, primary.outputs) }}
"""

RETURN = r"""
_value:
  description: Parameter to value. Empty for an application that is to be absent.
  type: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Pipeline,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.template import (
    compose_parameters,
)


def application_parameters(
    application: dict[str, t.Any],
    register: dict[str, dict[str, str]],
    region: str,
    primary_outputs: dict[str, str],
) -> dict[str, str]:
    """Return the parameters by name."""
    wanted = Pipeline.from_data(application)
    if not wanted.is_present:
        return {}
    return compose_parameters(wanted, region, register, primary_outputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"application_parameters": application_parameters}
