# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``crossaccount.pipeline.pipelines_info``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pipelines_info
short_description: Reads the pipelines of CodePipeline with the regions and accounts they need
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Reads every pipeline of one account and region, with its artifact stores and the accounts whose
    roles its actions work with.
  - The bootstrap asks it before it removes a region or an account.
extends_documentation_fragment:
  - crossaccount.pipeline.attributes
  - crossaccount.pipeline.attributes.info
  - crossaccount.pipeline.attributes.aws_group
  - crossaccount.pipeline.connection
options: {}
"""

EXAMPLES = r"""
- name: Read the pipelines of the build account
  crossaccount.pipeline.pipelines_info:
    account_id: "111111111111"
    region: us-east-1
"""

RETURN = r"""
pipelines:
  description: The pipelines, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the pipeline.
      type: str
      sample: shop
    stores:
      description: Each region's artifact store, a bucket.
      type: dict
      sample: {eu-west-1: crossaccountregional-pipelinebucket-1a2b3c}
    accounts:
      description: The accounts whose roles the actions work with.
      type: list
      elements: str
      sample: ["333333333333"]
"""
