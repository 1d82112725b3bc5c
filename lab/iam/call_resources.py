# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call is about, as policies name it."""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import iam

# The member of a request that names resources of a service, and what they are called in an ARN.
_NAMED = {"codebuild": ("names", "project"), "events": ("Rule", "rule")}


def install() -> None:
    """The resource of a call that names a role, CodeBuild projects or the rule of targets.

    AWS: the role's ARN, with its path; each project; the rule. MiniStack: the role without its
    path, and everything for the other two. So a policy that is right on AWS is refused.
    """
    stock = iam_actions.extract_resource_arn

    def extracted(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        arn: str = stock(service, method, path, headers, body, *rest)
        if service == "iam" and ":role/" in arn:
            role = iam._roles.get(arn.rpartition("/")[2])
            return str(role["Arn"]) if role else arn
        if service in _NAMED and arn == "*":
            return _named(service, body, *rest[-2:]) or arn
        return arn

    iam_actions.extract_resource_arn = extracted


def _named(service: str, body: bytes, region: str, account: str) -> str:
    """The resource that a body names; of several the first, where AWS evaluates each."""
    member, kind = _NAMED[service]
    found = json.loads(body or b"{}").get(member)
    name = found[0] if isinstance(found, list) and found else found
    return f"arn:aws:{service}:{region}:{account}:{kind}/{name}" if name else ""


__all__ = ("install",)
