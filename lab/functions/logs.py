# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of a function."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, lambda_svc

from ..iam.service_roles import RoleRefusedError
from .invocations import role_of


def install() -> None:
    """A log group that is not there.

    AWS: the function's role must be allowed to create it, else nothing is logged. MiniStack:
    creates it, also after its stack was deleted.
    """
    stock = lambda_svc._emit_lambda_logs

    def emitted(function: dict[str, Any], *arguments: Any, **more: Any) -> None:
        if _is_there(function.get("config") or function):
            stock(function, *arguments, **more)

    lambda_svc._emit_lambda_logs = emitted


def _is_there(config: dict[str, Any]) -> bool:
    name = (config.get("LoggingConfig") or {}).get("LogGroup")
    name = name or f"/aws/lambda/{config['FunctionName']}"
    if name in cloudwatch_logs._log_groups:
        return True
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}"
    try:
        return not role_of(config).check("logs:CreateLogGroup", arn, region=get_region())
    except RoleRefusedError:
        return False


__all__ = ("install",)
