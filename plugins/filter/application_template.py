# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.application_template``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: application_template
short_description: Composes the template of an application's pipeline
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Puts stages, artifact stores and what else differs between applications into the base template
    of the role P(crossaccount.pipeline.pipeline#role).
  - Fails when a region is not in the register, or when a limit of AWS is passed.
positional: base, register, region, codepipeline_role_name, cloudformation_role_name
options:
  _input:
    description: An entry of RV(crossaccount.pipeline.applications_info#module:applications).
    type: dict
    required: true
  base:
    description: The text of C(pipeline.template).
    type: str
    required: true
  register:
    description: Region to C(key_arn) and C(bucket_arn), the primary region among them.
    type: dict
    required: true
  region:
    description: The primary region, where the pipeline is.
    type: str
    required: true
  codepipeline_role_name:
    description: The role in deploy accounts that runs the actions of pipelines.
    type: str
    required: true
  cloudformation_role_name:
    description: The role in deploy accounts that CloudFormation works with.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the template of a pipeline
  ansible.builtin.debug:
    msg: >-
      {{ application
         | crossaccount.pipeline.application_template(
             lookup('ansible.builtin.file', 'pipeline.template'), register.regions,
             primary_region, 'CrossAccountCodePipeline', 'CrossAccountCloudFormation') }}
"""

RETURN = r"""
_value:
  description: The template as YAML. Empty for an application that is to be absent.
  type: str
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Pipeline,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.stages import (
    Foundation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.template import (
    compose_template,
)


def application_template(
    application: dict[str, t.Any],
    base: str,
    register: dict[str, dict[str, str]],
    region: str,
    codepipeline_role_name: str,
    cloudformation_role_name: str,
) -> str:
    """Return the template's text."""
    wanted = Pipeline.from_data(application)
    if not wanted.is_present:
        return ""
    foundation = Foundation(
        region=region,
        register=register,
        codepipeline_role_name=codepipeline_role_name,
        cloudformation_role_name=cloudformation_role_name,
    )
    return compose_template(wanted, base, foundation)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"application_template": application_template}
