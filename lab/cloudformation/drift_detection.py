# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift detection that takes its time, one at a time, with results in pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region, now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, provisioners

from ..iam.authorisation import Principal
from ..settings import Settings

Parameters = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Response]
Detection = dict[str, Any]

_RUNNING = "DETECTION_IN_PROGRESS"
# What the detection of a whole stack takes besides its own permission.
_ALSO = (
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:BatchDescribeTypeConfigurations",
)
# Tasks that finish detections; the event loop itself holds them only weakly.
_background: set[asyncio.Task[None]] = set()


def install(settings: Settings) -> None:
    """Put our rules in front of MiniStack's handlers."""
    wrappers: dict[str, Callable[[Handler, Parameters], Response]] = {
        "DetectStackDrift": partial(_detect, settings),
        "DescribeStackDriftDetectionStatus": _describe,
        "DescribeStackResourceDrifts": partial(_in_pages, settings),
    }
    for action, wrapper in wrappers.items():
        stock: Handler = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = partial(wrapper, stock)


def _detect(settings: Settings, stock: Handler, parameters: Parameters) -> Response:
    """DetectStackDrift.

    AWS: begins a detection, DETECTION_IN_PROGRESS until it has read everything, and refuses a
    second one of the stack meanwhile; it also takes the permissions to look at one resource, and
    at the registry. MiniStack: has read everything when it answers.
    """
    stack, refusal = handlers._drift_target(cloudformation._p(parameters, "StackName"))
    if refusal:
        failed: Response = refusal
        return failed
    caller = Principal(arn=iam_evaluator.caller_arn())
    for action, resource in zip(_ALSO, (stack["StackId"], "*"), strict=True):
        if denial := caller.check(action, resource, region=get_region()):
            denied: Response = handlers._error("AccessDenied", denial, 403)
            return denied
    detections: dict[str, Detection] = stack.setdefault("_drift_detections", {})
    if any(detection["DetectionStatus"] == _RUNNING for detection in detections.values()):
        running: Response = handlers._error(
            "ValidationError",
            f"Drift detection is already in progress for stack {stack['StackId']}",
        )
        return running
    if not settings.takes_time("drift"):
        return stock(parameters)
    detection_id = provisioners.new_uuid()
    detections[detection_id] = {
        "StackId": stack["StackId"],
        "StackDriftDetectionId": detection_id,
        "DetectionStatus": _RUNNING,
        "Timestamp": now_iso(),
    }

    async def finish() -> None:
        await settings.wait("drift", settings.latency.drift)
        before = set(detections)
        status, _unused, body = stock(parameters)
        if status == 200:
            (made,) = set(detections) - before
            found = detections.pop(made)
        else:
            reason = body.decode().partition("<Message>")[2].partition("</Message>")[0]
            found = {
                "DetectionStatus": "DETECTION_FAILED",
                "DetectionStatusReason": reason,
                "StackDriftStatus": "UNKNOWN",
            }
        detections[detection_id] = {**detections[detection_id], **found}
        detections[detection_id]["StackDriftDetectionId"] = detection_id

    task = asyncio.get_running_loop().create_task(finish())
    _background.add(task)
    task.add_done_callback(_background.discard)
    answer: Response = handlers._xml(
        200,
        "DetectStackDriftResponse",
        "<DetectStackDriftResult>"
        f"<StackDriftDetectionId>{detection_id}</StackDriftDetectionId>"
        "</DetectStackDriftResult>",
    )
    return answer


def _describe(stock: Handler, parameters: Parameters) -> Response:
    """DescribeStackDriftDetectionStatus of a detection at work: no status of the stack yet."""
    detection_id = cloudformation._p(parameters, "StackDriftDetectionId")
    for stack in cloudformation._stacks.values():
        detection = stack.get("_drift_detections", {}).get(detection_id)
        if detection and detection["DetectionStatus"] == _RUNNING:
            fields = {**detection, "DetectionStatusReason": "User Initiated"}
            inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
            action = "DescribeStackDriftDetectionStatus"
            answer: Response = handlers._xml(
                200, f"{action}Response", f"<{action}Result>{inner}</{action}Result>"
            )
            return answer
    return stock(parameters)


def _in_pages(settings: Settings, stock: Handler, parameters: Parameters) -> Response:
    """DescribeStackResourceDrifts with pages as short as a test wants them."""
    wanted = cloudformation._p(parameters, "MaxResults") or str(settings.drift_page)
    if wanted.isdigit():
        wanted = str(min(int(wanted), settings.drift_page))
    parameters["MaxResults"] = [wanted]
    return stock(parameters)


__all__ = ("install",)
