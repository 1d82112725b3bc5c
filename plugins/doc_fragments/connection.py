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
      - The account, 12 digits. The task fails when the credentials reach another one.
    type: str
  region:
    description:
      - The region.
    type: str
  profile:
    description:
      - An AWS profile that reaches the account directly, without a role.
    type: str
  role_arn:
    description:
      - The ARN of a role to assume, in place of O(access_role_name).
    type: str
  access_role_name:
    description:
      - The name of the role that every account has for this collection. It is assumed in each
        account other than that of the credentials in use.
    type: str
  external_id:
    description:
      - The external id that the role demands. AWS does not treat it as a secret.
    type: str
  session_name:
    description:
      - The name of the role's session, as CloudTrail shows it. By default the user of the machine.
    type: str
  session_duration:
    description:
      - Seconds of the role's session, 900 to 43200. It renews itself. By default an hour.
    type: int
  source_identity:
    description:
      - The source identity of the role's session.
    type: str
  session_tags:
    description:
      - Tags of the role's session.
    type: dict
  sts_region:
    description:
      - The region of the STS endpoint. Its sessions are valid in every region.
      - By default O(region).
    type: str
  caller_account_id:
    description:
      - The account of the credentials in use, where it is known already. Saves a call.
    type: str
  endpoint_url:
    description:
      - The endpoint of every AWS service. By default boto3 decides, for example with
        E(AWS_ENDPOINT_URL).
    type: str
notes:
  - Credentials are whatever boto3 finds where C(ansible-playbook) was started. The keyword
    C(environment) has no effect.
  - Set these options once for a play, with C(module_defaults) of
    C(group/crossaccount.pipeline.aws).
requirements:
  - boto3 where C(ansible-playbook) runs
"""
