# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator and the access roles do in a bootstrap, and what they must not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lab import Call
from tests.policy.export import Stack
from tests.policy.foundation import Foundation
from tests.policy.request import Denied, Request

_ACTION_ROLE = "CrossAccountCodePipeline"
_STACK_ID = "11111111-2222-3333-4444-555555555555"
# What CloudFormation does to a key and its alias in updates and deletions.
_KEY_HANDLERS = tuple(
    f"kms:{name}"
    for name in (
        *("DeleteAlias", "DisableKey", "DisableKeyRotation", "EnableKey", "PutKeyPolicy"),
        *("ScheduleKeyDeletion", "UntagResource", "UpdateAlias", "UpdateKeyDescription"),
    )
)
_CALLED_VIA = {"aws:CalledVia": ("cloudformation.amazonaws.com",)}

# The service that a role is passed to, by the end of the role's name; functions have the rest.
_PASSED_TO = {
    "/CrossAccountCodePipeline": "codepipeline.amazonaws.com",
    "-pipeline": "codepipeline.amazonaws.com",
    "-pull-request": "codebuild.amazonaws.com",
    "-release": "codebuild.amazonaws.com",
    "-source": "codepipeline.amazonaws.com",
    "-start": "events.amazonaws.com",
    "-starter": "lambda.amazonaws.com",
    "-test-smoke": "codebuild.amazonaws.com",
}


class Operator:
    """The operator of the build account, and the access role of each deploy account."""

    def __init__(self, foundation: Foundation, *, name: str, access_role: str) -> None:
        self._foundation = foundation
        self.role = f"arn:aws:iam::{foundation.primary.account}:role/{name}"
        self.access_roles = {
            account.stack.account: f"arn:aws:iam::{account.stack.account}:role/{access_role}"
            for account in foundation.accounts
        }

    def needs(self, decisions: Iterable[Mapping[str, Any]], calls: Iterable[Call]) -> list[Request]:
        """Return what a bootstrap did: its own calls, and those of CloudFormation for it."""
        found = [
            # Those of roles that other tests run as are not the operator's.
            *(self._decided(one) for one in decisions if self._is_ours(one["principal"])),
            *(request for call in calls for request in self._called(call)),
            *self._seldom(),
        ]
        return list({str(one): one for one in found}.values())

    def denied(self) -> Iterator[Denied]:
        """Return what neither may do, each beside what it may."""
        primary, account = self._foundation.primary, self._foundation.accounts[0].stack
        key = self._foundation.build_store.key_arn
        own = Request(
            principal=self.role,
            action="cloudformation:ExecuteChangeSet",
            resource=self._stack(primary.account, primary.region, primary.name),
        )
        other = self._stack(primary.account, primary.region, "Other")
        yield Denied.of("the operator changes another stack", own, resource=other)
        via = Request(
            principal=self.role, action="kms:PutKeyPolicy", resource=key, context=_CALLED_VIA
        )
        yield Denied.of("the operator changes a key itself", via, context={"aws:CalledVia": ""})
        yield Denied.of("the operator decrypts", via, action="kms:Decrypt")
        bucket = Request(
            principal=self.role,
            action="s3:PutBucketPolicy",
            resource=self._foundation.build_store.bucket_arn,
        )
        yield Denied.of("the operator's other buckets", bucket, resource="arn:aws:s3:::other")
        pipeline = f"arn:aws:iam::{primary.account}:role/crossaccount/pipeline/hello-pipeline"
        passed = Request(
            principal=self.role,
            action="iam:PassRole",
            resource=pipeline,
            context={"iam:PassedToService": "codepipeline.amazonaws.com"},
        )
        elsewhere = {"iam:PassedToService": "lambda.amazonaws.com"}
        yield Denied.of(
            "the operator passes a pipeline's role elsewhere", passed, context=elsewhere
        )
        builds = f"arn:aws:iam::{primary.account}:role/crossaccount/build"
        for name, service in (("release", "codebuild"), ("start", "events")):
            own_service = {"iam:PassedToService": f"{service}.amazonaws.com"}
            with_role = passed.but(resource=f"{builds}/hello-{name}").but(context=own_service)
            another = {"iam:PassedToService": "codepipeline.amazonaws.com"}
            yield Denied.of(f"the operator passes a {name} role", with_role, context=another)
        action_role = passed.but(resource=f"arn:aws:iam::{primary.account}:role/{_ACTION_ROLE}")
        outside = f"{action_role.resource}Else"
        yield Denied.of(
            "the operator passes a role with a longer name", action_role, resource=outside
        )
        for service in ("codeconnections", "codestar-connections"):
            connection = Request(
                principal=self.role,
                action=f"{service}:PassConnection",
                resource=f"arn:aws:{service}:us-east-1:{primary.account}:connection/one",
                context={f"{service}:PassedToService": "codepipeline.amazonaws.com"},
            )
            another = {f"{service}:PassedToService": "proton.amazonaws.com"}
            yield Denied.of("the operator passes a connection", connection, context=another)
        outside = f"arn:aws:iam::{primary.account}:role/Administrator"
        yield Denied.of("the operator passes another role", passed, resource=outside)
        access = self.access_roles[account.account]
        assume = Request(principal=self.role, action="sts:AssumeRole", resource=access)
        yield Denied.of("somebody else takes an access role", assume, principal=outside)
        for action in ("sts:SetSourceIdentity", "sts:TagSession"):
            session = assume.but(action=action)
            yield Denied.of(f"somebody else's {action}", session, principal=outside)
        put = Request(
            principal=access,
            action="iam:PutRolePolicy",
            resource=self._foundation.role(account, "CodePipelineRole"),
        )
        free = f"arn:aws:iam::{account.account}:role/Administrator"
        yield Denied.of("an access role changes another role", put, resource=free)
        attach = Request(
            principal=access,
            action="iam:AttachRolePolicy",
            resource=self._foundation.role(account, "CloudFormationRole"),
            context={"iam:PolicyARN": self._execution_policy(account.account)},
        )
        administrator = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
        yield Denied.of("an access role attaches another policy", attach, context=administrator)
        execute = Request(
            principal=access,
            action="cloudformation:ExecuteChangeSet",
            resource=self._stack(account.account, account.region, account.name),
        )
        there = self._stack(account.account, account.region, "Other")
        yield Denied.of("an access role changes another stack", execute, resource=there)
        delete = self._recovery(account)
        with_another = {"cloudformation:RoleArn": free}
        yield Denied.of("an access role deletes with another role", delete, context=with_another)
        passed = self._passed(account)
        yield Denied.of("an access role passes the role elsewhere", passed, context=elsewhere)

    def _recovery(self, account: Stack) -> Request:
        """The deletion of a stack that a pipeline could not create."""
        return Request(
            principal=self.access_roles[account.account],
            action="cloudformation:DeleteStack",
            resource=self._stack(account.account, account.region, "hello"),
            context={
                "cloudformation:RoleArn": self._foundation.role(account, "CloudFormationRole")
            },
        )

    def _passed(self, account: Stack) -> Request:
        return Request(
            principal=self.access_roles[account.account],
            action="iam:PassRole",
            resource=self._foundation.role(account, "CloudFormationRole"),
            context={"iam:PassedToService": "cloudformation.amazonaws.com"},
        )

    def _decided(self, decision: Mapping[str, Any]) -> Request:
        """What CloudFormation did, with the permissions of its caller."""
        action, resource = decision["action"], decision["resource"]
        context: dict[str, str | tuple[str, ...]] = dict(_CALLED_VIA)
        if action == "iam:PassRole":
            passed_to = (one for end, one in _PASSED_TO.items() if resource.endswith(end))
            context["iam:PassedToService"] = next(passed_to, "lambda.amazonaws.com")
        if action.endswith(":PassConnection"):
            service = action.partition(":")[0]
            context[f"{service}:PassedToService"] = "codepipeline.amazonaws.com"
        if action == "iam:AttachRolePolicy":
            context["iam:PolicyARN"] = self._execution_policy(resource.split(":")[4])
        return Request(
            principal=self._role_of(decision["principal"]),
            action=action,
            # A key has its name only once it is made.
            resource=self._real_key(resource) if ":key/" in resource else resource,
            context=context,
        )

    def _called(self, call: Call) -> Iterator[Request]:
        principal, action = self._role_of(call.principal), f"{call.service}:{call.action}"
        if not self._is_ours(call.principal):
            return  # a pipeline starts when it is made
        if call.service == "sts" and call.action == "AssumeRole":
            yield Request(principal=principal, action=action, resource=call.resource)
        if call.service == "cloudformation":
            name = call.resource or "any"
            yield Request(
                principal=principal,
                action=action,
                resource=self._stack(call.account, call.region, name),
            )

    def _seldom(self) -> Iterator[Request]:
        """What a bootstrap of an empty organisation does not come to.

        Removal looks for pipelines and for kept keys, drift is detected, a refusal is explained,
        stacks with our tag are looked for, the organization is read, a large template goes through
        the build bucket, a role gets a boundary. The lab does not ask for the roles of a pipeline's
        actions, which are passed too.
        """
        account = self._foundation.primary.account
        stacks = [one.stack for one in self._foundation.accounts]
        works_on = {self.access_roles[stack.account]: stack for stack in stacks}
        for role, stack in {self.role: self._foundation.primary, **works_on}.items():
            yield Request(
                principal=role,
                action="cloudformation:DescribeStackDriftDetectionStatus",
                resource="*",
                account=role.split(":")[4],
            )
            yield from self._refusals(role, stack)
        for action in (
            "codepipeline:ListPipelines",
            "organizations:DescribeOrganization",
            "tag:GetResources",
        ):
            yield Request(principal=self.role, action=action, resource="*", account=account)
        for name in ("crossaccount/build/hello-source", f"{_ACTION_ROLE}S3", f"{_ACTION_ROLE}ECS"):
            yield Request(
                principal=self.role,
                action="iam:PassRole",
                resource=f"arn:aws:iam::{account}:role/{name}",
                context={"iam:PassedToService": "codepipeline.amazonaws.com"},
            )
        # A connection that was made before the service had its present name.
        yield Request(
            principal=self.role,
            action="codestar-connections:PassConnection",
            resource=f"arn:aws:codestar-connections:us-east-1:{account}:connection/one",
            context={"codestar-connections:PassedToService": "codepipeline.amazonaws.com"},
        )
        for one in self._foundation.accounts:
            access = self.access_roles[one.stack.account]
            for action in ("sts:SetSourceIdentity", "sts:TagSession"):
                yield Request(principal=self.role, action=action, resource=access)
            yield Request(
                principal=access,
                action="cloudformation:DescribeStacks",
                resource=self._stack(one.stack.account, one.stack.region, "any"),
            )
            yield self._recovery(one.stack)
            yield self._passed(one.stack)
            for action in ("DescribeStackEvents", "GetTemplate", "ListStackResources"):
                yield Request(
                    principal=access,
                    action=f"cloudformation:{action}",
                    resource=self._stack(one.stack.account, one.stack.region, "hello"),
                )
            yield Request(
                principal=access,
                action="iam:PutRolePermissionsBoundary",
                resource=self._foundation.role(one.stack, "CloudFormationRole"),
            )
        yield Request(
            principal=self.role,
            action="s3:PutObject",
            resource=f"{self._foundation.build_store.bucket_arn}/templates/a.template",
            context={"s3:x-amz-server-side-encryption": "AES256"},
        )
        # What replicated builds in an earlier version is removed.
        primary = self._foundation.primary
        yield Request(
            principal=self.role,
            action="events:DeleteRule",
            resource=f"arn:aws:events:{primary.region}:{account}:rule/{primary.name}-Replicate-1",
        )
        for action in _KEY_HANDLERS:
            for store in self._foundation.stores.values():
                yield Request(
                    principal=self.role,
                    action=action,
                    resource=store.key_arn,
                    context=_CALLED_VIA,
                )

    def _refusals(self, role: str, stack: Stack) -> Iterator[Request]:
        """What explains a change set that early validation or a Hook refuses."""
        account, region = stack.account, stack.region
        change_set = f"arn:aws:cloudformation:{region}:{account}:changeSet/crossaccount-1"
        for action, resource in (
            ("cloudformation:DescribeEvents", f"{change_set}/{_STACK_ID}"),
            ("cloudformation:DescribeEvents", self._stack(account, region, stack.name)),
            ("cloudformation:ListHookResults", self._stack(account, region, stack.name)),
            ("cloudformation:GetHookResult", "*"),
        ):
            yield Request(principal=role, action=action, resource=resource, account=account)

    def _execution_policy(self, account: str) -> str:
        """The policy that the inventory names for an account."""
        stacks = (one.stack for one in self._foundation.accounts)
        stack = next(one for one in stacks if one.account == account)
        role = self._foundation.role(stack, "CloudFormationRole")
        return self._foundation.export.attached(role)[0]

    def _is_ours(self, principal: str) -> bool:
        return self._role_of(principal) in (self.role, *self.access_roles.values())

    def _role_of(self, principal: str) -> str:
        """The role behind a session; both have no path."""
        account, name = principal.split(":")[4], principal.split("/")[1]
        return f"arn:aws:iam::{account}:role/{name}"

    def _real_key(self, resource: str) -> str:
        return self._foundation.stores[resource.split(":")[3]].key_arn

    def _stack(self, account: str, region: str, name: str) -> str:
        return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{_STACK_ID}"


__all__ = ("Operator",)
