# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody who approves releases does, and what they must not."""

from __future__ import annotations

from collections.abc import Iterator

from tests.policy.foundation import Foundation
from tests.policy.request import Denied, Request

_STACK_ID = "11111111-2222-3333-4444-555555555555"


class Approver:
    """Who approves releases of hello: a role of the build account, and one in a deploy account."""

    def __init__(self, foundation: Foundation, *, name: str, reviewer_role: str) -> None:
        primary = foundation.primary
        production = next(one.stack for one in foundation.accounts if one.name == "production")
        self._role = f"arn:aws:iam::{primary.account}:role/{name}"
        self._reviewer = f"arn:aws:iam::{production.account}:role/{reviewer_role}"
        self._pipelines = f"arn:aws:codepipeline:{primary.region}:{primary.account}"
        self._stack = (
            f"arn:aws:cloudformation:eu-west-1:{production.account}:stack/hello/{_STACK_ID}"
        )

    def needs(self) -> Iterator[Request]:
        """Yield what the consoles and the CLI ask for until a release is approved."""
        yield self._of_role("codepipeline:ListPipelines", "*")
        for name in (
            "GetPipeline",
            "GetPipelineExecution",
            "GetPipelineState",
            "ListActionExecutions",
            "ListPipelineExecutions",
        ):
            yield self._of_role(f"codepipeline:{name}", f"{self._pipelines}:hello")
        yield self._approval
        yield self._entry
        for name in ("DescribeChangeSet", "DescribeChangeSetHooks", "GetTemplate"):
            yield self._of_reviewer(name)
        yield self._of_reviewer("ListChangeSets")
        yield self._of_reviewer("DescribeStacks")
        yield self._of_reviewer("ListStacks").but(resource="*")

    def denied(self) -> Iterator[Denied]:
        """Yield what neither role may do, each with a twin that is allowed."""
        release = self._of_role("codepipeline:GetPipeline", f"{self._pipelines}:hello")
        for name in ("StartPipelineExecution", "StopPipelineExecution", "UpdatePipeline"):
            action = f"codepipeline:{name}"
            yield Denied.of(f"an approver's {name}", release, action=action)
        retry = self._approval.but(action="codepipeline:RetryStageExecution")
        yield Denied(name="an approver retries", twin=self._approval, request=retry)
        other = f"{self._pipelines}:uploaded/production/approve"
        yield Denied.of("an approver of another pipeline", self._approval, resource=other)
        lead = f"{self._pipelines}:hello-2/production/approve"
        yield Denied.of("a pipeline whose name begins the same", self._approval, resource=lead)
        elsewhere = self._reviewer.rpartition("/")[0] + "/CrossAccountCodePipeline"
        yield Denied.of("an approver takes another role", self._entry, resource=elsewhere)
        somebody = self._role.rpartition("/")[0] + "/Administrator"
        enters = self._entry.but(administrator=True)
        yield Denied.of("somebody else takes a reviewer role", enters, principal=somebody)
        review = self._of_reviewer("DescribeChangeSet")
        for name in ("ExecuteChangeSet", "DeleteChangeSet", "CreateChangeSet", "DeleteStack"):
            yield Denied.of(f"a reviewer's {name}", review, action=f"cloudformation:{name}")

    @property
    def _approval(self) -> Request:
        resource = f"{self._pipelines}:hello/production/approve"
        return self._of_role("codepipeline:PutApprovalResult", resource)

    @property
    def _entry(self) -> Request:
        return self._of_role("sts:AssumeRole", self._reviewer)

    def _of_role(self, action: str, resource: str) -> Request:
        return Request(principal=self._role, action=action, resource=resource)

    def _of_reviewer(self, name: str) -> Request:
        action = f"cloudformation:{name}"
        return Request(principal=self._reviewer, action=action, resource=self._stack)


__all__ = ("Approver",)
