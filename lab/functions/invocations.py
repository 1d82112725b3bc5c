# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions that something invokes without waiting: by a rule, or an invocation of type Event."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge, lambda_svc, sqs

from ..iam.authorisation import Principal
from ..iam.service_roles import RoleRefusedError, client_with, credentials, principal

Data = dict[str, Any]

SERVICE = "lambda.amazonaws.com"
_RULES = "events.amazonaws.com"
_ATTEMPTS = 3
_POLL = 0.02
_log = logging.getLogger(__name__)


def install() -> None:
    """Invocations that nobody waits for.

    AWS: an event that meets the function's limit waits for hours. A function that fails gets it
    twice more, then the dead-letter queue has it, sent with the function's role. A rule invokes
    only a function whose policy lets it. MiniStack: a limit counts as a failure; anybody sends to
    the queue; a rule invokes every function, once.
    """
    lambda_svc.invoke_async_with_retry = invoke
    stock = eventbridge._invoke_target

    def invoked(target: Data, event: Data, rule: Data, view: Any = None) -> None:
        if ":lambda:" not in target.get("Arn", "") or _admits(target["Arn"], rule["Arn"]):
            stock(target, event, rule, view)

    eventbridge._invoke_target = invoked
    eventbridge._dispatch_to_lambda = _dispatch


def _admits(function_arn: str, rule_arn: str) -> bool:
    """Whether the function's policy lets the rule invoke it. What it refuses is lost."""
    function, _config, _name = lambda_svc._get_func_record_for_ref(function_arn)
    request = iam_evaluator.EvalContext(
        principal_arn=_RULES,
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=get_region(),
        service_context={"aws:sourcearn": rule_arn, "aws:sourceaccount": get_account_id()},
    )
    policy = function["policy"] if function else None
    result = iam_evaluator.evaluate_resource_policy(policy, request, service=_RULES)
    return bool(result.decision == "Allow")


def _dispatch(function_arn: str, payload: str) -> None:
    function, config, _name = lambda_svc._get_func_record_for_ref(function_arn)
    if function and config:
        invoke(lambda_svc._execution_record_for_config(function, config), json.loads(payload))


def invoke(function: Data, event: Data) -> None:
    """Invoke a function in a thread of its own. The lab waits for nothing between attempts."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_attempt, function, event), daemon=True).start()


def _attempt(function: Data, event: Data) -> None:
    result: Data = {}
    for _number in range(_ATTEMPTS):
        result = _executed(function, event)
        if not result.get("error"):
            return
    if queue := function["config"].get("DeadLetterConfig", {}).get("TargetArn"):
        _send(function["config"], queue, event, result)


def _executed(function: Data, event: Data) -> Data:
    """Execute a function once, as soon as its limit of that time allows."""
    name = function["config"]["FunctionName"]
    while True:
        current = lambda_svc._functions.get(name, {})
        now = {**function, "concurrency": current.get("concurrency")}
        result: Data = lambda_svc._execute_function_with_config_scope(now, event)
        if not result.get("throttle") or not current:
            return result
        time.sleep(_POLL)


def role_of(config: Data) -> Principal:
    """The session of a function's role. Raises RoleRefusedError."""
    return principal(
        config["Role"],
        service=SERVICE,
        source_arn=config["FunctionArn"],
        session=config["FunctionName"],
    )


def _send(config: Data, queue_arn: str, event: Data, result: Data) -> None:
    """Send an event to a dead-letter queue. What is refused is lost."""
    queue = sqs._queue_by_arn(queue_arn)
    body = result.get("body")
    message = body.get("errorMessage", "") if isinstance(body, dict) else ""
    try:
        client = client_with(credentials(role_of(config)), "sqs", region=get_region())
        client.send_message(
            QueueUrl=queue["url"],
            MessageBody=json.dumps(event),
            MessageAttributes={
                "RequestID": _text(new_uuid()),
                "ErrorCode": {"DataType": "Number", "StringValue": "200"},
                "ErrorMessage": _text(message or "unknown"),
            },
        )
    except (ClientError, RoleRefusedError, TypeError):
        _log.exception("%s did not get the event of %s", queue_arn, config["FunctionName"])


def _text(value: str) -> Data:
    return {"DataType": "String", "StringValue": value[:1024]}


__all__ = ("SERVICE", "install", "invoke", "role_of")
