# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may assume the role that uploads artifacts: its trust policy. Pure."""

from __future__ import annotations

import typing as t

from .._pipeline.source import Uploader

_GITHUB_AUDIENCE = "sts.amazonaws.com"


def trust_statements(uploader: Uploader) -> list[dict[str, t.Any]]:
    """Return the statements of the role's trust policy."""
    return [
        *([_roles(uploader.role_arns)] if uploader.role_arns else []),
        *([_oidc(uploader)] if uploader.oidc_subject else []),
    ]


def _roles(role_arns: t.Sequence[str]) -> dict[str, t.Any]:
    # The accounts are the principals, narrowed to roles: that still works after a role was deleted
    # and created again.
    accounts = sorted({role_arn.rpartition(":")[0] for role_arn in role_arns})
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [f"{account}:root" for account in accounts]},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(role_arns)}},
    }


def _oidc(uploader: Uploader) -> dict[str, t.Any]:
    issuer = uploader.oidc_provider_arn.partition(":oidc-provider/")[2]
    is_github = uploader.oidc_subject.startswith("repo:")
    return {
        "Effect": "Allow",
        "Principal": {"Federated": uploader.oidc_provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": _GITHUB_AUDIENCE if is_github else f"https://{issuer}",
                f"{issuer}:sub": uploader.oidc_subject,
            }
        },
    }


__all__ = ("trust_statements",)
