# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call on a role is about."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions
from ministack.services import iam


def install() -> None:
    """The resource of a call that names a role.

    AWS: the role's ARN, with its path. MiniStack: without it, so a policy that names a path, which
    is right on AWS, is refused.
    """
    stock = iam_actions.extract_resource_arn

    def extracted(service: str, *rest: Any) -> str:
        arn: str = stock(service, *rest)
        if service == "iam" and ":role/" in arn:
            role = iam._roles.get(arn.rpartition("/")[2])
            return str(role["Arn"]) if role else arn
        return arn

    iam_actions.extract_resource_arn = extracted


__all__ = ("install",)
