# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed policies of AWS that MiniStack does not have, and that our inventory attaches."""

from __future__ import annotations

import json

from ministack.services import iam

# What a deployment is judged by. The consoles' reads of other services are left out.
_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        },
    ],
}


def install() -> None:
    """AWSLambda_FullAccess.

    AWS: has it. MiniStack: lets it be attached, and whoever has it may do nothing.
    """
    stock = iam._seed_aws_managed_policies

    def seed() -> None:
        stock()
        record = iam._make_aws_managed_record("AWSLambda_FullAccess", json.dumps(_LAMBDA))
        iam._aws_managed_policies[record["Arn"]] = record

    iam._seed_aws_managed_policies = seed  # for a reset
    seed()


__all__ = ("install",)
