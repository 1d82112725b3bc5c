# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What builds may never do, whatever policies users give them: each has every permission here."""

from __future__ import annotations

from collections.abc import Iterator

from tests.policy.foundation import Foundation
from tests.policy.release import Release
from tests.policy.request import Denied, Request

_SEEN = ("GetBucketAcl", "GetBucketLocation", "GetEncryptionConfiguration", "ListBucket")


def allowed_builds(release: Release) -> list[Request]:
    """Return what the boundary leaves to policies of users."""
    return [
        request
        for role in release.bounded
        for request in (
            _anything(role, "s3:PutObject", "arn:aws:s3:::of-the-team/a.zip", release),
            *(_anything(role, f"s3:{name}", release.build_bucket_arn, release) for name in _SEEN),
        )
    ]


def denied_builds(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Writing objects of others, changing roles of the foundation, passing roles."""
    name, account = release.pipeline["name"], release.stack.account
    for role in release.bounded:
        stores = (release.build_store, foundation.stores[foundation.primary.region])
        for store in stores:
            put = store.write(role, f"{name}/a.zip")[0].but(administrator=True)
            for key in ("another/a.zip", f"another/{name}/a.zip"):
                yield Denied.of(
                    f"{role} writes {key} of {store.bucket_arn}",
                    put,
                    resource=f"{store.bucket_arn}/{key}",
                )
            see = _anything(role, "s3:GetBucketLocation", store.bucket_arn, release)
            for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"):
                yield Denied.of(f"{role}: {action}", see, action=action)
        iam = f"arn:aws:iam::{account}"
        change = _anything(role, "iam:PutRolePolicy", f"{iam}:role/of-the-team", release)
        yield Denied.of(f"{role} changes itself", change, resource=role)
        yield Denied.of(f"{role} changes the pipeline's role", change, resource=release.role)
        yield Denied.of(f"{role} passes a role", change, action="iam:PassRole")
        version = _anything(role, "iam:CreatePolicyVersion", f"{iam}:policy/of-the-team", release)
        boundary = f"{iam}:policy/crossaccount/{name}-build"
        yield Denied.of(f"{role} changes its boundary", version, resource=boundary)


def _anything(role: str, action: str, resource: str, release: Release) -> Request:
    return Request(
        principal=role,
        action=action,
        resource=resource,
        account=release.stack.account,
        administrator=True,
    )


__all__ = ("allowed_builds", "denied_builds")
