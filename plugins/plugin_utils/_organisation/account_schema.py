# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deploy account opens to pipelines: every field. Data."""

from __future__ import annotations

import typing as t

from .._fields import FLAG, LIST, Field, Reader

POLICY_ARN = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]{1,1024}"
KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
BUCKET_NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
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


_ROLE_PATH = r"([\w+=,.@-]+/)*[\w+=,.@-]{1,64}"
_ECS_NAME = r"[A-Za-z0-9_-]{1,255}"


def _services(reader: Reader, value: t.Any, where: str) -> list[t.Any] | None:
    """Return services; a cluster may have several."""
    found = reader.entries(SERVICES, value, where)
    names = [f"{service['cluster']}/{service['service']}" for service in found or ()]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem(where, f"service {name} appears twice", "Keep one")
    return found


BUCKETS = Field(
    name="buckets",
    type=LIST,
    default=[],
    unique=("name",),
    doc="Buckets of the account that pipelines [deploy files to](releases.md#files-to-s3).",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=BUCKET_NAME,
            words="the name of a bucket",
            doc="The bucket.",
        ),
        Field(
            name="key_arn",
            pattern=KEY_ARN,
            words="the ARN of a KMS key",
            kind="ARN",
            default_words="the bucket's encryption",
            doc="The key of its files.",
        ),
    ),
)
SERVICES = Field(
    name="services",
    type=LIST,
    default=[],
    read=_services,
    doc="ECS services of the account that pipelines [deploy images to](releases.md#images-to-ecs).",
    fields=(
        Field(
            name="cluster",
            required=True,
            pattern=_ECS_NAME,
            words="the name of a cluster",
            doc="Its cluster.",
        ),
        Field(
            name="service",
            required=True,
            pattern=_ECS_NAME,
            words="the name of a service",
            doc="The service, in every region.",
        ),
        Field(
            name="roles",
            type=LIST,
            item=Field(
                required=True, pattern=_ROLE_PATH, words="the name of a role, with its path if any"
            ),
            unique=("",),
            kind="list of role names",
            doc="Roles of its tasks, which the pipeline passes: task role and execution role.",
        ),
    ),
)

# What the role of deploy accounts takes in addition to what every role does.
ACCOUNT_SETTINGS = (EXECUTION_POLICIES, READ_ALARMS, BUCKETS, SERVICES)

__all__ = (
    "ACCOUNT_SETTINGS",
    "BUCKET_NAME",
    "EXECUTION_POLICIES",
    "KEY_ARN",
    "MOST_POLICIES",
    "POLICY_ARN",
)
