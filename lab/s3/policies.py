# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bucket policies of stacks that would be public."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3
from ministack.services.cloudformation import provisioners


def install() -> None:
    """Refuse a stack's bucket policy that is public, where the bucket blocks those.

    AWS: a policy for everybody is public unless a condition names a fixed value of a few keys, such
    as aws:PrincipalOrgID; patterns, and aws:PrincipalOrgPaths, do not count. MiniStack: refuses it
    from PutBucketPolicy, and takes it from CloudFormation.
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::BucketPolicy"]
    for operation, position in (("create", 1), ("update", 2)):
        handler[operation] = _checked(handler[operation], position)


def _checked(stock: Callable[..., Any], position: int) -> Callable[..., Any]:
    def handle(*arguments: Any, **more: Any) -> Any:
        properties = arguments[position]
        bucket, policy = properties.get("Bucket", ""), properties.get("PolicyDocument")
        text = policy if isinstance(policy, str) else json.dumps(policy)
        if s3._public_access_blocked(
            get_account_id(), bucket, "BlockPublicPolicy"
        ) and s3._policy_is_public(text):
            raise ValueError(
                f'not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::{bucket}"'
                " because public policies are prevented by the BlockPublicPolicy setting in S3 Block"
                " Public Access. (Service: S3, Status Code: 403, Error Code: AccessDenied)"
            )
        return stock(*arguments, **more)

    return handle


__all__ = ("install",)
