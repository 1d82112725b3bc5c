# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A function of a pipeline's stack, with its role, log group and dead-letter queue. Pure."""

from __future__ import annotations

import typing as t

from .logs import make_log_group, write_log
from .part import Data
from .roles import allow, attribute, make_role, sub

_LOG_RETENTION_DAYS = 365
_QUEUE_RETENTION_SECONDS = 1_209_600  # SQS's most: 14 days


def make_function(
    logical_id: str,
    name: str,
    description: str,
    *,
    code: str,
    environment: Data,
    statements: t.Sequence[Data],
    rule: str,
    **properties: t.Any,
) -> Data:
    """Return the resources of the function ``<pipeline>-<name>``, which a rule invokes.

    Events that it fails go to the queue of the same name.

    :param logical_id: how the logical ids of all resources begin.
    :param code: its file in roles/pipeline/files.
    :param statements: what the function may do, its log and queue aside.
    :param rule: the rule's logical id.
    :param properties: of the function, in addition.
    """
    function, role, log, queue = (
        f"{logical_id}{kind}" for kind in ("Function", "Role", "LogGroup", "Queue")
    )
    full_name = f"${{PipelineName}}-{name}"
    return {
        function: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": sub(full_name),
                "Description": sub(description),
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": attribute(role),
                "MemorySize": 256,
                "Timeout": 900,
                **properties,
                "Environment": {"Variables": environment},
                "LoggingConfig": {"LogGroup": {"Ref": log}},
                "DeadLetterConfig": {"TargetArn": attribute(queue)},
                "Code": {"ZipFile": f"@@ {code} @@"},
            },
        },
        f"{logical_id}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": function},
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": attribute(rule),
            },
        },
        log: make_log_group(f"/aws/lambda/{full_name}", _LOG_RETENTION_DAYS),
        queue: {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "QueueName": sub(full_name),
                "MessageRetentionPeriod": _QUEUE_RETENTION_SECONDS,
                "SqsManagedSseEnabled": True,
            },
        },
        role: make_role(
            name,
            description,
            # No aws:SourceAccount: Lambda does not document that it sends one when it assumes a
            # function's role. iam:PassRole does not cross accounts.
            trust=[
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
            policy=logical_id,
            statements=[
                *statements,
                allow("KeepFailedEvents", "sqs:SendMessage", attribute(queue)),
                write_log(log),
            ],
        ),
    }


__all__ = ("make_function",)
