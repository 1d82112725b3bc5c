# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account, the way in, and who goes in. Pure."""

from __future__ import annotations

import dataclasses
import getpass
import re
import typing as t

PRODUCT = "crossaccount.pipeline"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """An account and how to reach it.

    :param account_id: 12 digits; checked against the credentials before the first use.
    :param profile: an AWS profile that reaches the account directly.
    :param role_arn: a role to assume instead of the access role.
    :param access_role_name: the role that every account has for this collection.
    :param external_id: what the role's trust demands; with the rest, only for an assumed role.
    :param session_name: who acts, in CloudTrail; by default the user who runs this process.
    :param session_duration: seconds that a session lasts.
    :param session_tags: name and value of each.
    """

    account_id: str
    profile: str | None = None
    role_arn: str | None = None
    access_role_name: str | None = None
    external_id: str | None = None
    session_name: str | None = None
    session_duration: int | None = None
    source_identity: str | None = None
    session_tags: tuple[tuple[str, str], ...] = ()

    def assumption(self, role_arn: str) -> dict[str, t.Any]:
        """Return the request of AssumeRole."""
        request = {
            "RoleArn": role_arn,
            "RoleSessionName": _session_name(self.session_name or _user_name()),
            "ExternalId": self.external_id,
            "DurationSeconds": self.session_duration,
            "SourceIdentity": self.source_identity,
            "Tags": [{"Key": name, "Value": value} for name, value in self.session_tags],
        }
        return {name: value for name, value in request.items() if value}


def _session_name(text: str) -> str:
    """Return *text* as the name of a session: 2 to 64 characters of those that STS takes."""
    name = re.sub(r"[^\w+=,.@-]", "-", text, flags=re.ASCII)[:64]
    return name if len(name) > 1 else PRODUCT


def _user_name() -> str:
    """Return the user who runs this process; empty text for one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


__all__ = ("PRODUCT", "Account")
