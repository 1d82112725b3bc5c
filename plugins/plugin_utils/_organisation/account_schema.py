# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deploy account opens to pipelines: every field. Data."""

from __future__ import annotations

from .._fields import FLAG, LIST, Field

POLICY_ARN = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]{1,1024}"
# IAM's most for a role; its default is 10.
MOST_POLICIES = 20

EXECUTION_POLICIES = Field(
    name="execution_policies",
    type=LIST,
    required=True,
    minimum=1,
    maximum=MOST_POLICIES,
    item=Field(required=True, pattern=POLICY_ARN, words="the ARN of a managed policy"),
    unique=("",),
    fix="List the managed policies that deployments need",
    kind="list of ARNs",
    doc="Managed policies of the CloudFormation role: what deployments may do.",
)
READ_ALARMS = Field(
    name="read_alarms",
    type=FLAG,
    default=False,
    doc="Lets pipelines read the state of the account's CloudWatch alarms, for [`alarms`]"
    "(pipelines.md#waves) of a wave.",
)

__all__ = ("EXECUTION_POLICIES", "MOST_POLICIES", "POLICY_ARN", "READ_ALARMS")
