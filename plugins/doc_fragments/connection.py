# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared documentation: connection."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options that every action of this collection takes."""

    DOCUMENTATION = r"""
options:
  account_id:
    description:
      - The account, 12 digits. The credentials are proven to reach it and no other.
    type: str
  region:
    description:
      - The region.
    type: str
  profile:
    description:
      - An AWS profile that reaches the account by itself, instead of a role.
    type: str
  role_arn:
    description:
      - A role to assume, instead of the one that O(access_role_name) names.
    type: str
  access_role_name:
    description:
      - The role that every account carries for this collection. It is assumed in each account
        other than that of the credentials in use.
    type: str
  sts_region:
    description:
      - The region whose STS endpoint is asked. Sessions of a regional endpoint are valid in every
        region.
      - By default O(region).
    type: str
  caller_account_id:
    description:
      - The account of the credentials in use, where it is known already. It saves a call.
    type: str
  endpoint_url:
    description:
      - The endpoint of every AWS service. By default what boto3 finds, E(AWS_ENDPOINT_URL) for one.
    type: str
notes:
  - Credentials are whatever boto3 finds where C(ansible-playbook) was started. The C(environment)
    keyword does not reach an action.
  - Set these options once for a play, with C(module_defaults) of
    C(group/crossaccount.pipeline.aws).
requirements:
  - boto3 where C(ansible-playbook) runs
"""
