# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of a stack's function that MiniStack drops."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_region
from ministack.services import lambda_svc
from ministack.services.cloudformation import drift, provisioners

from ..iam.service_roles import RoleRefusedError
from .invocations import role_of

Properties = dict[str, Any]

_FUNCTION = "AWS::Lambda::Function"
_CONCURRENCY, _QUEUE = "ReservedConcurrentExecutions", "DeadLetterConfig"


def install() -> None:
    """The reserved concurrency and the dead-letter queue of a function.

    AWS: has both, and refuses a function whose role may not send to its queue. MiniStack: drops
    both, in templates and in drift detection.
    """
    handlers = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        name, attributes = create(logical_id, properties, stack_name)
        try:
            _apply(name, properties)
        except ValueError:
            handlers["delete"](name, properties)
            raise
        return name, attributes

    def updated(
        name: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Any:
        found, attributes = update(name, old, new, stack_name, logical_id)
        _apply(found, new)
        return found, attributes

    handlers.update({"create": created, "update": updated})
    read, compared = drift._DRIFT_READERS[_FUNCTION]

    def read_function(name: str, properties: Properties) -> Properties | None:
        found: Properties | None = read(name, properties)
        function = lambda_svc._functions.get(name)
        if found is None or function is None:
            return found
        return {
            **found,
            _CONCURRENCY: function["concurrency"],
            _QUEUE: function["config"].get(_QUEUE),
        }

    drift._DRIFT_READERS[_FUNCTION] = (read_function, compared | {_CONCURRENCY, _QUEUE})


def _apply(name: str, properties: Properties) -> None:
    function = lambda_svc._functions[name]
    reserved = properties.get(_CONCURRENCY)
    function["concurrency"] = None if reserved is None else int(reserved)
    function["config"].pop(_QUEUE, None)
    if queue := properties.get(_QUEUE):
        _refuse_role(function["config"], queue["TargetArn"])
        function["config"][_QUEUE] = queue


def _refuse_role(config: Properties, queue_arn: str) -> None:
    try:
        refusal = role_of(config).check("sqs:SendMessage", queue_arn, region=get_region())
    except RoleRefusedError as error:
        refusal = str(error)
    if refusal:
        raise ValueError(
            'Resource handler returned message: "The provided execution role does not have'
            " permissions to call SendMessage on SQS (Service: Lambda, Status Code: 400)"
            '" (HandlerErrorCode: InvalidRequest)'
        )


__all__ = ("install",)
