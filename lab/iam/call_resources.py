# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call is about, as policies name it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.services import iam

from ..cloudformation.early_validation import stack_of

# The members of a request that name resources of a service, and what they are called in an ARN.
_NAMED = {
    "codebuild": (("names", "projectName", "ids", "id"), "project"),
    "events": (("Rule",), "rule"),
    "ssm": (("Names",), "parameter"),
}


def install() -> None:
    """The resource of a call that names a role, CodeBuild projects, a rule or a change set.

    AWS: the role's ARN, with its path; each project, also of builds; the rule; a change set that is
    given without its stack, or the stack of one whose Hooks' results are listed; the ECS service of
    a cluster; any task definition. MiniStack: the role without its path, the cluster of a service,
    the task definition, and everything for the others. So a policy that is right on AWS is refused.

    Also the action of a call of a function's reserved concurrency. AWS: one for each method.
    MiniStack: PutFunctionConcurrency for all of them.
    """
    stock = iam_actions.extract_resource_arn

    def extracted(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        arn: str = stock(service, method, path, headers, body, *rest)
        if service == "iam" and ":role/" in arn:
            role = iam._roles.get(arn.rpartition("/")[2])
            return str(role["Arn"]) if role else arn
        if service == "cloudformation" and arn == "*":
            return _change_set(body) or arn
        if service == "ecs":
            return _service(body, *rest[-2:]) or arn
        if service in _NAMED and arn == "*":
            return _named(service, body, *rest[-2:]) or arn
        return arn

    iam_actions.extract_resource_arn = extracted
    stock_action = iam_actions._lambda_action

    def action(method: str, path: str) -> str | None:
        if path.rstrip("/").endswith("/concurrency"):
            verbs = {"GET": "Get", "DELETE": "Delete"}
            return f"{verbs.get(method, 'Put')}FunctionConcurrency"
        found: str | None = stock_action(method, path)
        return found

    iam_actions._lambda_action = action


def _change_set(body: bytes) -> str:
    request = parse_qs(body.decode())
    if name := request.get("ChangeSetName"):
        return name[0]
    return stack_of(request.get("TargetId", [""])[0])


def _service(body: bytes, region: str, account: str) -> str:
    """The ECS service that a body names; `*` for a call that takes no resource."""
    request = json.loads(body or b"{}")
    names = request.get("services") or [request.get("service", "")]
    if names[0]:
        cluster = request.get("cluster", "default").rpartition("/")[2]
        name = names[0].rpartition("/")[2]
        return f"arn:aws:ecs:{region}:{account}:service/{cluster}/{name}"
    return "*" if "taskDefinition" in request and "cluster" not in request else ""


def _named(service: str, body: bytes, region: str, account: str) -> str:
    """The resource that a body names; of several the first, where AWS evaluates each."""
    members, kind = _NAMED[service]
    request = json.loads(body or b"{}")
    found = next((request[member] for member in members if request.get(member)), "")
    name = str(found[0] if isinstance(found, list) else found)
    if kind == "project":
        # A build's id is its project's name, a colon and more; its ARN ends in the id.
        name = name.rpartition("/")[2].partition(":")[0]
    # The name of a parameter may begin with a slash, which its ARN has once.
    name = name.lstrip("/")
    return f"arn:aws:{service}:{region}:{account}:{kind}/{name}" if name else ""


__all__ = ("install",)
