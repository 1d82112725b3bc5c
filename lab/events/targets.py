# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events that start pipelines, and the versions of objects in events."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, request_scope
from ministack.services import eventbridge, s3

from ..codepipeline import service
from ..iam.service_roles import RoleRefusedError, principal

Data = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_SERVICE = "events.amazonaws.com"
_log = logging.getLogger(__name__)
_version: ContextVar[str | None] = ContextVar("version", default=None)


def install() -> None:
    """Restore all of it."""
    _versions_of_objects()
    _pipelines_as_targets()
    _roles_of_targets()


def _versions_of_objects() -> None:
    """The event of an object in a versioned bucket.

    AWS: has the version's id at detail.object.version-id. MiniStack: has not.
    """
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fired(*arguments: Any, version_id: str | None = None, **more: Any) -> None:
        token = _version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **more)
        finally:
            _version.reset(token)

    def dispatched(event: Data, view: Any = None) -> None:
        version = _version.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, view)

    s3._fire_s3_event = fired
    eventbridge._dispatch_event = dispatched


def _pipelines_as_targets() -> None:
    """A pipeline as the target of a rule.

    AWS: is started with the target's role. What the target's input says of revisions and
    variables goes with it, a whole event does not. MiniStack: "unsupported target type".
    """
    invoke = eventbridge._invoke_target

    def invoked(target: Data, event: Data, rule: Data, view: Any = None) -> None:
        arn = target.get("Arn", "")
        if ":codepipeline:" not in arn:
            invoke(target, event, rule, view)
            return
        # A pipeline elsewhere is not reached: EventBridge calls services of its own region.
        if arn.split(":")[3:5] == [get_region(), get_account_id()]:
            seen = view or eventbridge._pattern_event_view(event)
            _start(target, rule, _input(target, rule, seen))

    eventbridge._invoke_target = invoked


def _input(target: Data, rule: Data, view: Any) -> Data:
    """What the pipeline is started with, besides its name."""
    if transformer := target.get("InputTransformer"):
        text = eventbridge._apply_input_transformer(transformer, rule, view)
    else:
        text = target.get("Input") or "{}"
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    names = ("sourceRevisions", "variables", "clientRequestToken")
    return {name: given[name] for name in names if name in given} if isinstance(given, dict) else {}


def _start(target: Data, rule: Data, given: Data) -> None:
    """Start a pipeline as EventBridge does. What is refused is lost, as on AWS."""
    arn, region, account = target["Arn"], get_region(), get_account_id()
    try:
        caller = principal(
            target["RoleArn"], service=_SERVICE, source_arn=rule["Arn"], session="events"
        )
    except RoleRefusedError:
        return
    if caller.check("codepipeline:StartPipelineExecution", arn, region=region):
        return
    with request_scope(account, region):
        try:
            service.start_from_event(arn.rpartition(":")[2], rule_arn=rule["Arn"], request=given)
        except Exception:
            _log.exception("%s did not take %s", arn, given)


def _roles_of_targets() -> None:
    """PutTargets of a pipeline without a role.

    AWS: refused. MiniStack: taken.
    """
    validate = eventbridge._validate_target_arn

    def validated(target: Data) -> Response | None:
        problem: Response | None = validate(target)
        return problem or _role_problem(target)

    eventbridge._validate_target_arn = validated


def _role_problem(target: Data) -> Response | None:
    if ":codepipeline:" not in target["Arn"] or target.get("RoleArn"):
        return None
    message = f"RoleArn is required for target {target['Arn']}."
    refused: Response = error_response_json("ValidationException", message, 400)
    return refused


__all__ = ("install",)
