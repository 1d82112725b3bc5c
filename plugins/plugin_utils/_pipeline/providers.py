# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Providers of Git repositories, as connections and CodeBuild know them. Data."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider that connections reach and whose webhooks CodeBuild knows.

    :param host: of its addresses; empty for those that run on hosts of their own.
    :param source_type: CodeBuild's name for it.
    :param approver_roles: who may let CodeBuild build a fork's pull request: those who may push.
    :param reopens: whether it reports reopened pull requests.
    """

    host: str
    source_type: str
    approver_roles: tuple[str, ...]
    reopens: bool = True


_GITHUB_ROLES = ("GITHUB_WRITE", "GITHUB_MAINTAIN", "GITHUB_ADMIN")
_GITLAB_ROLES = ("GITLAB_DEVELOPER", "GITLAB_MAINTAINER", "GITLAB_OWNER")

PROVIDERS = {
    "github": Provider(host="github.com", source_type="GITHUB", approver_roles=_GITHUB_ROLES),
    "github_enterprise": Provider(
        host="", source_type="GITHUB_ENTERPRISE", approver_roles=_GITHUB_ROLES
    ),
    "gitlab": Provider(host="gitlab.com", source_type="GITLAB", approver_roles=_GITLAB_ROLES),
    "gitlab_self_managed": Provider(
        host="", source_type="GITLAB_SELF_MANAGED", approver_roles=_GITLAB_ROLES
    ),
    "bitbucket": Provider(
        host="bitbucket.org",
        source_type="BITBUCKET",
        approver_roles=("BITBUCKET_WRITE", "BITBUCKET_ADMIN"),
        reopens=False,
    ),
}


def provider_of(repository: str) -> str:
    """Return the provider of an address; empty for a host that does not show it."""
    host = repository.partition("://")[2].partition("/")[0]
    return next((name for name, known in PROVIDERS.items() if known.host == host), "")


__all__ = ("PROVIDERS", "Provider", "provider_of")
