# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that stop or change a release, and that CloudFormation's detection does not see."""

from __future__ import annotations

import functools
import json
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.gateway import AccountSession, Client
from .._errors import ErrorHandler
from .._policy.carriers import PolicyDifference, Repair, Subject, setting_difference
from .._policy.expected import Carrier, Unresolved
from .._policy.live import Gone
from .._policy.resolver import Deployed, Resolver, Unresolvable
from .._stack.model import Resource
from .declaration import (
    Change,
    UnknownPropertyError,
    as_request,
    changes,
    member_name,
    property_name,
)
from .finding import CLOSED_STAGES

Data = dict[str, t.Any]

_CONCURRENCY = "ReservedConcurrentExecutions"
# What UpdateProject takes to remove something.
_NOTHING: Data = {
    "buildBatchConfig": {},
    "cache": {"type": "NO_CACHE"},
    "fileSystemLocations": [],
    "secondaryArtifacts": [],
    "secondarySources": [],
    "vpcConfig": {},
}
# Properties of a pipeline that its declaration does not hold, or not in this form.
_OUTSIDE = frozenset({"ArtifactStores", CLOSED_STAGES, "Name", "RestartExecutionOnUpdate", "Tags"})


class LiveSettings:
    """The settings of one account and region. Every method raises PipelineError.

    Those that read raise Gone when the resource does not exist.
    """

    def __init__(self, session: AccountSession, region: str) -> None:
        self.client: t.Callable[[str], Client] = functools.cache(
            lambda service: session.client(service, region)
        )

    # Reading

    @ErrorHandler.common_error_handler("read the function's concurrency")  # type: ignore[untyped-decorator]
    def concurrency(self, function: str) -> int | None:
        """Return the reserved concurrency of a function, None without one."""
        try:
            answer = self.client("lambda").get_function(FunctionName=function)
        except is_boto3_error_code("ResourceNotFoundException") as exc:
            raise Gone(f"function {function} does not exist") from exc
        found: int | None = answer.get("Concurrency", {}).get(_CONCURRENCY)
        return found

    @ErrorHandler.common_error_handler("read the pipeline")  # type: ignore[untyped-decorator]
    def pipeline(self, name: str) -> tuple[Data, dict[str, str]]:
        """Return a pipeline's declaration, and why each closed stage is closed."""
        client = self.client("codepipeline")
        try:
            declaration = client.get_pipeline(name=name)["pipeline"]
        except is_boto3_error_code("PipelineNotFoundException") as exc:
            raise Gone(f"pipeline {name} does not exist") from exc
        inbound = {
            stage["stageName"]: stage.get("inboundTransitionState", {})
            for stage in client.get_pipeline_state(name=name)["stageStates"]
        }
        return declaration, {
            stage: state.get("disabledReason", "")
            for stage, state in inbound.items()
            if not state.get("enabled", True)
        }

    @ErrorHandler.common_error_handler("read the build projects")  # type: ignore[untyped-decorator]
    def projects(self, names: t.Sequence[str]) -> dict[str, Data]:
        """Return those of the named projects that exist."""
        answer = self.client("codebuild").batch_get_projects(names=list(names))
        return {project["name"]: project for project in answer["projects"]}

    # Putting back

    @ErrorHandler.common_error_handler("put the function's concurrency back")  # type: ignore[untyped-decorator]
    def put_concurrency(self, function: str, value: str) -> None:
        """Reserve this concurrency for a function; empty reserves none."""
        client = self.client("lambda")
        if value:
            client.put_function_concurrency(FunctionName=function, **{_CONCURRENCY: int(value)})
        else:
            client.delete_function_concurrency(FunctionName=function)

    @ErrorHandler.common_error_handler("put the pipeline back")  # type: ignore[untyped-decorator]
    def put_pipeline(self, declaration: Data) -> None:
        """Give a pipeline this declaration."""
        self.client("codepipeline").update_pipeline(pipeline=declaration)

    @ErrorHandler.common_error_handler("put the build project back")  # type: ignore[untyped-decorator]
    def put_project(self, project: Data, member: str, value: t.Any) -> None:
        """Give a project this value of a member of its request; None removes it."""
        client, name = self.client("codebuild"), project["name"]
        if member != "webhook":
            client.update_project(
                name=name, **{member: _NOTHING[member] if value is None else value}
            )
        elif value is None:
            client.delete_webhook(projectName=name)
        elif "webhook" in project:
            client.update_webhook(projectName=name, **value)
        else:
            client.create_webhook(projectName=name, **value)


def settings_carriers(
    deployed: Deployed, live: LiveSettings
) -> tuple[list[Carrier], list[Unresolved]]:
    """Return what has settings in the stack, and what cannot be resolved.

    Raises Unresolvable when nothing of the template can be resolved.
    """
    template = _Template(deployed, live)
    makers = {
        "AWS::Lambda::Function": template.function,
        "AWS::CodePipeline::Pipeline": template.pipeline,
        "AWS::CodeBuild::Project": template.project,
    }
    carriers: list[Carrier] = []
    unresolved: list[Unresolved] = []
    for resource_type, make in makers.items():
        for resource in template.resources(resource_type):
            try:
                carriers.append(make(resource))
            except (Unresolvable, UnknownPropertyError) as exc:
                unresolved.append(Unresolved(resource=resource, why=str(exc)))
    return carriers, unresolved


class _Template:
    """What the template gives each kind of resource."""

    def __init__(self, deployed: Deployed, live: LiveSettings) -> None:
        self._resolver = Resolver(deployed)
        self._live = live
        self._resources = {resource.logical_id: resource for resource in deployed.resources}
        self._read_projects = functools.cache(live.projects)

    def resources(self, resource_type: str) -> list[Resource]:
        """Return the resources of a type; without those that CloudFormation never created."""
        found = (self._resources.get(name) for name in self._resolver.resource_ids(resource_type))
        return [resource for resource in found if resource is not None and resource.physical_id]

    def function(self, resource: Resource) -> Carrier:
        wanted = self._resolver.property(resource.logical_id, _CONCURRENCY)
        name = resource.physical_id

        def read() -> Subject:
            return _Settings(
                resource,
                {_CONCURRENCY: "" if wanted is None else str(wanted)},
                {_CONCURRENCY: _shown(self._live.concurrency(name))},
                {_CONCURRENCY: lambda value: self._live.put_concurrency(name, value)},
            )

        return Carrier(resource=resource, read=read)

    def pipeline(self, resource: Resource) -> Carrier:
        given = self._resolver.properties(resource.logical_id)
        expected = self._declaration(resource.physical_id, given)
        closed = {stage["StageName"]: stage["Reason"] for stage in given.get(CLOSED_STAGES, [])}

        def read() -> Subject:
            actual, now_closed = self._live.pipeline(resource.physical_id)
            current = dict(actual)

            def put(member: str, value: t.Any) -> None:
                current.pop(member, None)
                self._live.put_pipeline(current | ({} if value is None else {member: value}))
                current.update({} if value is None else {member: value})

            return _Declared(
                resource,
                expected,
                actual,
                put=put,
                more=[
                    _transition(resource, stage, reason)
                    for stage, reason in sorted(now_closed.items())
                    if stage not in closed
                ],
            )

        return Carrier(resource=resource, read=read)

    def _declaration(self, name: str, given: Data) -> Data:
        model = self._live.client("codepipeline").meta.service_model
        shape = model.operation_model("UpdatePipeline").input_shape.members["pipeline"]
        declared = {key: value for key, value in given.items() if key not in _OUTSIDE}
        result: Data = {"name": name, **as_request(declared, shape)}
        if "ArtifactStores" in given:
            store = shape.members["artifactStore"]
            result["artifactStores"] = {
                entry["Region"]: as_request(entry["ArtifactStore"], store)
                for entry in given["ArtifactStores"]
            }
        return result

    def project(self, resource: Resource) -> Carrier:
        given = self._resolver.properties(resource.logical_id)
        model = self._live.client("codebuild").meta.service_model
        project = model.operation_model("UpdateProject").input_shape
        webhook = model.operation_model("CreateWebhook").input_shape
        triggers = dict(given.get("Triggers", {}))
        has_webhook = str(triggers.pop("Webhook", "false")).lower() == "true"
        declared = {
            key: value for key, value in given.items() if key not in ("Name", "Tags", "Triggers")
        }
        expected = as_request(declared, project)
        if has_webhook:
            expected["webhook"] = as_request(triggers, webhook)
        names = tuple(
            sorted(item.physical_id for item in self.resources("AWS::CodeBuild::Project"))
        )

        def read() -> Subject:
            found = self._read_projects(names).get(resource.physical_id)
            if found is None:
                raise Gone(f"project {resource.physical_id} does not exist")
            return _Declared(
                resource, expected, found, put=functools.partial(self._live.put_project, found)
            )

        return Carrier(resource=resource, read=read)


class _Settings(Subject):
    """Plain settings, each with a value or none.

    :param puts: writes a setting.
    """

    def __init__(
        self,
        resource: Resource,
        expected: dict[str, str],
        actual: dict[str, str],
        puts: dict[str, t.Callable[[str], None]],
    ) -> None:
        self.resource = resource
        self._expected = expected
        self._actual = actual
        self._puts = puts

    def differences(self) -> list[PolicyDifference]:
        """Return the settings that differ."""
        return [
            setting_difference(self.resource, prop, self._expected[prop], self._actual[prop])
            for prop in self._differing()
        ]

    def repairs(self) -> list[Repair]:
        """Return the writes that restore them."""
        return [
            Repair(
                resource=self.resource,
                prop=prop,
                what=f"{prop} of {self.resource.physical_id}",
                before=self._actual[prop],
                after=self._expected[prop],
                put=functools.partial(self._puts[prop], self._expected[prop]),
            )
            for prop in self._differing()
        ]

    def expected(self) -> Data:
        """Return the settings that the template gives."""
        return {prop: value for prop, value in self._expected.items() if value}

    def actual(self) -> Data:
        """Return the settings that AWS has."""
        return {prop: value for prop, value in self._actual.items() if value}

    def same(self, prop: str, first: Data, second: Data) -> bool | None:
        """Compare a setting as text."""
        if prop not in self._expected or prop not in first or prop not in second:
            return None
        return str(first[prop]) == str(second[prop])

    def _differing(self) -> list[str]:
        return [prop for prop, value in self._expected.items() if value != self._actual[prop]]


class _Declared(Subject):
    """A pipeline or project, compared as its API has it.

    :param put: writes the value of one member of its request; None removes it.
    :param more: further differences, which only a person restores.
    """

    def __init__(
        self,
        resource: Resource,
        expected: Data,
        actual: Data,
        *,
        put: t.Callable[[str, t.Any], None],
        more: t.Sequence[PolicyDifference] = (),
    ) -> None:
        self.resource = resource
        self._members = {property_name(member): member for member in expected}
        self._declared = expected
        self._changes = changes(expected, actual)
        self._put = put
        self._more = more

    def differences(self) -> list[PolicyDifference]:
        """Return what differs, by its path."""
        found = [
            setting_difference(self.resource, item.path, item.expected, item.actual)
            for item in self._changes
        ]
        return [*found, *self._more]

    def repairs(self) -> list[Repair]:
        """Return the writes that restore it, one for each property."""
        differing: dict[str, list[Change]] = {}
        for item in self._changes:
            differing.setdefault(item.top, []).append(item)
        return [
            Repair(
                resource=self.resource,
                prop=prop,
                what=f"{prop} of {self.resource.physical_id}",
                before=json.dumps({item.path: item.actual for item in items}, indent=2),
                after=json.dumps({item.path: item.expected for item in items}, indent=2),
                put=functools.partial(self._restore, prop),
            )
            for prop, items in differing.items()
        ]

    def _restore(self, prop: str) -> None:
        member = self._members.get(prop) or member_name(prop)
        self._put(member, self._declared.get(member))

    def expected(self) -> Data:
        """Return nothing: templates and APIs name the same in two ways."""
        return {}

    def actual(self) -> Data:
        """Return nothing, for the same reason."""
        return {}

    def same(self, prop: str, first: Data, second: Data) -> bool | None:  # noqa: ARG002
        """Return whether a property is right: it was compared as its API has it."""
        return (
            None if prop not in self._members else prop not in {item.top for item in self._changes}
        )


def _transition(resource: Resource, stage: str, reason: str) -> PolicyDifference:
    """Return the difference of a stage that nothing enters; whoever closed it opens it."""
    command = (
        f"aws codepipeline enable-stage-transition --pipeline-name {resource.physical_id}"
        f" --stage-name {stage} --transition-type Inbound"
    )
    return PolicyDifference(
        kind="drifted",
        resource=resource,
        property=f"{CLOSED_STAGES}.{stage}",
        expected="",
        actual=reason or "disabled",
        difference="ADD",
        message=f"{resource}: the transition into stage {stage} is disabled"
        f"{f' ({reason})' if reason else ''}. To enable it: {command}",
    )


def _shown(value: int | None) -> str:
    return "" if value is None else str(value)


__all__ = ("LiveSettings", "settings_carriers")
