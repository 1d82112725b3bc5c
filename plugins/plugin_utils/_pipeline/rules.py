# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of pipelines: each one's variable ``pipeline``, and all of them together. Pure.

All broken rules are reported together, each with its host, its field and what to do.
"""

from __future__ import annotations

import collections
import re
import typing as t
from collections.abc import Mapping
from pathlib import PurePosixPath

from .._fields import called
from .._organisation.model import (
    DEPLOY_ACCOUNTS,
    PIPELINES,
    Host,
    Organisation,
)
from .._organisation.problems import Problems
from .._organisation.variables import UNREADABLE, Variables, is_dynamic_reference
from .model import (
    ARTIFACT_SYNCS,
    CAPABILITIES,
    CODEBUILD,
    COMPUTE_TYPES,
    DEFAULT_ACTIONS_PER_STAGE,
    DEFAULT_BUILDSPEC,
    DEFAULT_COMPUTE_TYPE,
    DEFAULT_IMAGE,
    EXECUTION_MODES,
    LAMBDA,
    QUEUED,
    S3,
    SOURCE_TYPES,
    Approval,
    Artifact,
    Environment,
    Pipeline,
    Source,
    Stack,
    Wave,
    functions_in,
)
from .stages import (
    CONFIGURATION_LIMIT,
    SOURCE_STAGE,
    SYNC_STAGE,
    Foundation,
    compose_stages,
    levels,
    overrides,
    syncs_artifacts,
)
from .template import size_problems

MOST_SYNCED_ARTIFACTS = 5  # that an invoke action takes
MOST_INPUT_ARTIFACTS = 10  # that a CloudFormation action takes
MOST_BUILD_ARTIFACTS = 13  # a primary and 12 secondary ones of a CodeBuild project
MOST_STAGES = 50
MOST_ACTIONS = 1_000
ACTIONS_PER_STAGE = range(2, 101)
MOST_OF_A_PATH = 512  # so that an action's value of 1,000 characters holds artifact and path

# The longest name that AWS gives a bucket, and a key; what stands for the register in this check.
_BUCKET = "b" * 63
_KEY = "01234567-89ab-cdef-0123-456789abcdef"

_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")
_RESERVED_NAMES = ("templates",)  # a prefix of the build bucket that is in use
_ARTIFACT_NAME = re.compile(r"[A-Za-z0-9_]{1,100}")
_STAGE_NAME = re.compile(r"[A-Za-z0-9.@_-]{1,100}")
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_HOST_NAME = re.compile(r"[A-Za-z0-9.@_-]+")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9]{1,255}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REPOSITORY = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_IMAGE = re.compile(r"[\w./:@-]+", re.ASCII)
_PATH = re.compile(r"[\w./-]+", re.ASCII)
_LINK = re.compile(r"https?://\S+")
_CONNECTION = re.compile(
    r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[a-z0-9-]+"
)
# What CodePipeline resolves in a parameter: the function, and what its arguments are.
_FUNCTIONS = {
    "Fn::GetArtifactAtt": ("artifact", "attribute"),
    "Fn::GetParam": ("artifact", "file", "key"),
}
_ARTIFACT_ATTRIBUTES = ("BucketName", "ObjectKey", "URL")

_FIELDS = (
    "source",
    "stacks",
    "waves",
    "artifact_sync",
    "execution_mode",
    "max_actions_per_stage",
)
_BUILD_FIELDS = (
    "repository",
    "branch",
    "connection_arn",
    "buildspec",
    "image",
    "compute_type",
    "environment",
    "forks",
)
_ARTIFACT_FIELDS = ("name", "object", "trigger")
_STACK_FIELDS = (
    "name",
    "artifact",
    "template",
    "template_configuration",
    "parameters",
    "capabilities",
    "after",
)
_WAVE_FIELDS = ("name", "environments", "approval")
_ENVIRONMENT_FIELDS = ("host", "regions", "parameters")
_APPROVAL_FIELDS = ("summary", "link")

_MISSING = object()


def read_pipelines(
    variables: Variables, organisation: Organisation, problems: Problems
) -> dict[str, Pipeline]:
    """Return the pipelines by host name, without absent ones; add what is wrong to *problems*."""
    pipelines = {}
    for host in organisation.of(PIPELINES):
        _check_name(host, problems)
        if host.is_absent:
            continue
        value = variables.get(host.name, "pipeline")
        if value is None:
            if not variables.is_unreadable(host.name, "pipeline"):
                problems.add(
                    "pipeline is not set",
                    "Set it in host_vars/<name>.yml, or set state: absent to remove the pipeline",
                    host.name,
                )
            continue
        pipelines[host.name] = _Reader(host.name, value, organisation, problems).read()
    _check_together(pipelines, organisation, problems)
    return pipelines


def _check_name(host: Host, problems: Problems) -> None:
    if not _PIPELINE_NAME.fullmatch(host.name):
        problems.add(
            "the name of a pipeline is 2 to 32 small letters, digits and hyphens, a letter first",
            "Rename the host",
            host.name,
        )
    elif host.name in _RESERVED_NAMES:
        problems.add(
            "its name is a prefix of the build bucket that is in use", "Rename the host", host.name
        )


class _Reader:
    """Reads one pipeline field by field, then checks all of it."""

    def __init__(
        self, name: str, value: t.Any, organisation: Organisation, problems: Problems
    ) -> None:
        self._name = name
        self._value = value
        self._organisation = organisation
        self._problems = problems
        self._unreadable = False

    def read(self) -> Pipeline:
        """Return the pipeline."""
        self._check_dynamic_references(self._value, "pipeline")
        entry = self._mapping(self._value, "", _FIELDS)
        pipeline = Pipeline(
            name=self._name,
            source=self._source(entry),
            stacks=self._stacks(entry),
            waves=self._waves(entry),
            artifact_sync=self._choice(entry, "", "artifact_sync", ARTIFACT_SYNCS, LAMBDA),
            execution_mode=self._choice(entry, "", "execution_mode", EXECUTION_MODES, QUEUED),
            max_actions_per_stage=self._actions_per_stage(entry),
        )
        if self._unreadable:
            return pipeline
        self._check_artifacts_produced(pipeline)
        self._check_order(pipeline)
        self._check_environment_parameters(pipeline)
        self._check_targets(pipeline)
        if not self._problems.of(self._name):
            # These look at all the fields.
            self._check_partition()
            self._check_synced(pipeline)
            self._check_actions(pipeline)
            self._check_stages(pipeline)
        return pipeline

    def _check_dynamic_references(self, value: t.Any, where: str) -> None:
        if isinstance(value, str) and is_dynamic_reference(value):
            self._problems.add(
                f"{where}: {{{{resolve:...}}}} would be resolved in the build account, and anybody"
                " who reads the pipeline could read the secret",
                "Put it in the template or the template configuration, where the deploy account"
                " resolves it",
                self._name,
            )
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self._check_dynamic_references(item, f"{where}.{key}")
        elif isinstance(value, (list, tuple)):
            for number, item in enumerate(value, start=1):
                self._check_dynamic_references(item, f"{where}[{called(item, number)}]")

    # The source

    def _source(self, entry: Mapping[str, t.Any]) -> Source:
        data = self._part(entry, "", "source", ("type", "artifacts", *_BUILD_FIELDS))
        if not data:
            return Source(type="", artifacts=())
        kind = self._choice(data, "source", "type", SOURCE_TYPES, None)
        artifacts = tuple(
            self._artifact(one, field, kind)
            for field, one in self._list(data, "source", "artifacts", required=True)
        )
        self._check_artifacts(artifacts, kind)
        if kind != CODEBUILD:
            for name in _BUILD_FIELDS:
                if kind == S3 and name in data:
                    self._problem(
                        f"source.{name}",
                        "is for type codebuild",
                        "Remove it, or change the type",
                    )
            return Source(type=kind, artifacts=artifacts)
        read = self._text
        return Source(
            type=kind,
            artifacts=artifacts,
            repository=read(
                data,
                "source",
                "repository",
                required=True,
                of=_REPOSITORY,
                which="https://github.com/<owner>/<name>",
            ),
            branch=read(
                data,
                "source",
                "branch",
                "main",
                of=_BRANCH,
                which="letters, digits and ._/-, as it becomes a pattern",
            ),
            connection_arn=read(
                data, "source", "connection_arn", of=_CONNECTION, which="the ARN of a connection"
            ),
            buildspec=self._path(data, "source", "buildspec", DEFAULT_BUILDSPEC),
            image=read(data, "source", "image", DEFAULT_IMAGE, of=_IMAGE, which="an image"),
            compute_type=self._choice(
                data, "source", "compute_type", COMPUTE_TYPES, DEFAULT_COMPUTE_TYPE
            ),
            environment=self._environment_variables(data),
            forks=self._flag(data, "source", "forks"),
        )

    def _artifact(self, entry: t.Any, field: str, kind: str) -> Artifact:
        data = self._mapping(entry, field, _ARTIFACT_FIELDS)
        trigger = self._flag(data, field, "trigger")
        if trigger and kind == CODEBUILD:
            self._problem(
                f"{field}.trigger",
                "is for source type s3: with codebuild, the build that has succeeded starts"
                " the pipeline",
                "Remove it",
            )
        return Artifact(
            name=self._text(
                data,
                field,
                "name",
                required=True,
                of=_ARTIFACT_NAME,
                which="1 to 100 letters, digits and underscores",
            ),
            object=self._path(data, field, "object", required=True),
            trigger=trigger,
        )

    def _check_artifacts(self, artifacts: tuple[Artifact, ...], kind: str) -> None:
        self._check_unique("source.artifacts", "name", [one.name for one in artifacts])
        self._check_unique("source.artifacts", "object", [one.object for one in artifacts])
        triggers = [one.name for one in artifacts if one.trigger]
        if kind == S3 and artifacts and len(triggers) != 1:
            self._problem(
                "source.artifacts",
                f"{', '.join(triggers) if triggers else 'none'} has trigger: true, and exactly one"
                " must",
                "Set it on the artifact that is uploaded last",
            )
        if kind == CODEBUILD and len(artifacts) > MOST_BUILD_ARTIFACTS:
            self._problem(
                "source.artifacts",
                f"are {len(artifacts)}, and a build has {MOST_BUILD_ARTIFACTS} at most",
                "Put several into one",
            )

    def _environment_variables(self, data: Mapping[str, t.Any]) -> dict[str, str]:
        found = {}
        field = "source.environment"
        for name, value in self._part(data, "source", "environment", None, default={}).items():
            text = self._plain_text(value)
            if not _VARIABLE_NAME.fullmatch(str(name)):
                self._problem(f"{field}.{name}", "is not the name of a variable", "Rename it")
            elif str(name).startswith("CODEBUILD_"):
                self._problem(f"{field}.{name}", "is a name that CodeBuild reserves", "Rename it")
            elif text is None:
                self._problem(
                    f"{field}.{name}",
                    "is neither text, a whole number, true nor false",
                    "Quote it, or correct it",
                )
            else:
                found[str(name)] = text
        return found

    # The stacks

    def _stacks(self, entry: Mapping[str, t.Any]) -> tuple[Stack, ...]:
        stacks = tuple(
            self._stack(one, field) for field, one in self._list(entry, "", "stacks", required=True)
        )
        self._check_unique("stacks", "name", [one.name for one in stacks])
        return stacks

    def _stack(self, entry: t.Any, field: str) -> Stack:
        data = self._mapping(entry, field, _STACK_FIELDS)
        capabilities = tuple(
            self._one_of(item, f"{field}.capabilities", CAPABILITIES)
            for _field, item in self._list(data, field, "capabilities")
            if not self._is_unreadable(item)
        )
        return Stack(
            name=self._text(
                data,
                field,
                "name",
                required=True,
                of=_STACK_NAME,
                which="the name of a stack: letters, digits and hyphens, a letter first",
            ),
            artifact=self._text(data, field, "artifact", required=True),
            template=self._path(data, field, "template", required=True),
            template_configuration=self._path(data, field, "template_configuration"),
            parameters=self._parameters(data, field),
            capabilities=tuple(dict.fromkeys(capabilities)),
            after=self._text(data, field, "after"),
        )

    def _parameters(self, data: Mapping[str, t.Any], field: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {}
        for name, value in self._part(data, field, "parameters", None, default={}).items():
            where = f"{field}.parameters.{name}"
            if not _PARAMETER_NAME.fullmatch(str(name)):
                self._problem(where, "is not the name of a parameter", "Rename it")
            elif isinstance(value, Mapping):
                function = self._function(value, where)
                if function:
                    found[str(name)] = function
            else:
                items = value if isinstance(value, (list, tuple)) else [value]
                texts = [self._plain_text(item) for item in items]
                if None in texts:
                    self._problem(
                        where,
                        "is neither text, a whole number, true or false, a list of these, nor a"
                        " function",
                        "Quote it, or correct it",
                    )
                else:
                    found[str(name)] = ",".join(str(text) for text in texts)
        return found

    def _function(self, value: Mapping[str, t.Any], where: str) -> dict[str, t.Any] | None:
        """Return a function with plain arguments; None, and a problem, where it is none."""
        name = next(iter(value), "")
        expected = _FUNCTIONS.get(str(name))
        if len(value) != 1 or expected is None:
            self._problem(
                where,
                "is a mapping, but not a function of CodePipeline",
                f"Use one of {', '.join(_FUNCTIONS)}",
            )
            return None
        arguments = value[name]
        if (
            not isinstance(arguments, (list, tuple))
            or len(arguments) != len(expected)
            or not all(
                self._is_unreadable(item) or (isinstance(item, str) and item.isascii())
                for item in arguments
            )
        ):
            self._problem(where, f"{name} takes {', '.join(expected)}", "Give it exactly these")
            return None
        if name == "Fn::GetArtifactAtt" and arguments[1] not in _ARTIFACT_ATTRIBUTES:
            self._problem(
                where,
                f"{arguments[1]!r} is not an attribute of an artifact",
                f"Use one of {', '.join(_ARTIFACT_ATTRIBUTES)}",
            )
        return {str(name): [str(one) for one in arguments]}

    # The waves

    def _waves(self, entry: Mapping[str, t.Any]) -> tuple[Wave, ...]:
        waves = tuple(
            self._wave(one, field) for field, one in self._list(entry, "", "waves", required=True)
        )
        self._check_unique("waves", "name", [one.name for one in waves])
        return waves

    def _wave(self, entry: t.Any, field: str) -> Wave:
        data = self._mapping(entry, field, _WAVE_FIELDS)
        name = self._text(
            data,
            field,
            "name",
            required=True,
            of=_STAGE_NAME,
            which="1 to 100 letters, digits and .@_-",
        )
        if name in (SOURCE_STAGE, SYNC_STAGE):
            self._problem(f"{field}.name", f"{name} is a stage of every pipeline", "Rename it")
        environments = tuple(
            self._environment(one, where)
            for where, one in self._list(data, field, "environments", required=True)
        )
        return Wave(name=name, environments=environments, approval=self._approval(data, field))

    def _environment(self, entry: t.Any, field: str) -> Environment:
        data = self._mapping(entry, field, _ENVIRONMENT_FIELDS)
        name = self._text(data, field, "host", required=True)
        host = self._host(name, f"{field}.host") if name else None
        return Environment(
            host=name,
            account_id=host.account_id if host else "",
            regions=self._regions(data, field, host),
            parameters=self._parameters(data, field),
        )

    def _host(self, name: str, field: str) -> Host | None:
        host = self._organisation.hosts.get(name)
        if host is None or host.group != DEPLOY_ACCOUNTS:
            self._problem(
                field,
                f"{name} is not a host of deploy_accounts",
                "Add it to the inventory, or correct the name",
            )
            return None
        # One in quarantine stays in the waves: it is to come back, and must not stop every run.
        if host.is_absent:
            self._problem(
                field,
                f"host {name} is {host.state}, so nothing can be deployed to it",
                "Remove it from the waves",
            )
        elif not _HOST_NAME.fullmatch(name):
            self._problem(
                field,
                f"{name} has other characters than letters, digits and .@_-, and becomes part of"
                " the names of actions",
                "Rename the host",
            )
        return host

    def _regions(self, data: Mapping[str, t.Any], field: str, host: Host | None) -> tuple[str, ...]:
        if "regions" not in data:
            regions = list(host.regions) if host else []
        else:
            regions = [
                str(region)
                for _field, region in self._list(data, field, "regions", required=True)
                if not self._is_unreadable(region)
            ]
        self._check_unique(f"{field}.regions", "region", regions)
        for region in regions if host and not host.is_absent else ():
            if region not in self._organisation.regions:
                self._problem(
                    f"{field}.regions",
                    f"region {region} has no foundation: it is neither the primary region nor a"
                    " present host of group regional",
                    f"Add {region} to the inventory, or remove it",
                )
            elif host and region not in host.regions:
                self._problem(
                    f"{field}.regions",
                    f"region {region} is not in regions of host {host.name}",
                    "Add it to the host, so that its roles reach that region's bucket and key",
                )
        return tuple(dict.fromkeys(regions))

    def _approval(self, data: Mapping[str, t.Any], field: str) -> Approval | None:
        value = data.get("approval")
        where = f"{field}.approval"
        if value is None or value is False or self._is_unreadable(value):
            return None
        if value is True:
            return Approval()
        if not isinstance(value, Mapping):
            self._problem(where, "is neither true nor a mapping", "Give it summary and link")
            return None
        value = self._mapping(value, where, _APPROVAL_FIELDS)
        return Approval(
            summary=self._limited(value, where, "summary"),
            link=self._limited(value, where, "link", of=_LINK, which="an address"),
        )

    def _limited(
        self,
        data: Mapping[str, t.Any],
        field: str,
        name: str,
        *,
        of: re.Pattern[str] | None = None,
        which: str = "",
    ) -> str:
        text = self._text(data, field, name, of=of, which=which)
        if len(text) > CONFIGURATION_LIMIT:
            self._problem(
                f"{field}.{name}",
                f"has {len(text)} characters, and an approval takes {CONFIGURATION_LIMIT}",
                "Shorten it",
            )
        return text

    def _actions_per_stage(self, entry: Mapping[str, t.Any]) -> int:
        field = "max_actions_per_stage"
        value = entry.get(field, DEFAULT_ACTIONS_PER_STAGE)
        if self._is_unreadable(value):
            return DEFAULT_ACTIONS_PER_STAGE
        if isinstance(value, bool) or not isinstance(value, int) or value not in ACTIONS_PER_STAGE:
            self._problem(
                field,
                f"{value!r} is not a number from {ACTIONS_PER_STAGE[0]} to {ACTIONS_PER_STAGE[-1]}",
                "Correct it",
            )
            return DEFAULT_ACTIONS_PER_STAGE
        return int(value)

    # All of it together

    def _check_artifacts_produced(self, pipeline: Pipeline) -> None:
        made = {one.name for one in pipeline.source.artifacts} if pipeline.source else set()
        told = f"the source makes {', '.join(sorted(made))}" if made else "the source makes none"
        uses = [(f"stacks[{one.name}].artifact", one.artifact) for one in pipeline.stacks]
        parameters = [(f"stacks[{one.name}]", one.parameters) for one in pipeline.stacks]
        parameters += [
            (f"waves[{wave.name}].environments[{one.host}]", one.parameters)
            for wave in pipeline.waves
            for one in wave.environments
        ]
        uses += [
            (f"{where}.parameters.{name}", str(arguments[0]))
            for where, given in parameters
            for name, _function, arguments in functions_in(given)
        ]
        for field, name in uses:
            if name and name not in made:
                self._problem(
                    field,
                    f"no artifact is called {name}: {told}",
                    "Add it to source.artifacts, or correct the name",
                )

    def _check_order(self, pipeline: Pipeline) -> None:
        names = {one.name for one in pipeline.stacks}
        for stack in pipeline.stacks:
            if stack.after and stack.after not in names:
                self._problem(
                    f"stacks[{stack.name}].after",
                    f"{stack.after} is not a stack of this pipeline",
                    "Name one of its stacks",
                )
                return
        reached = {one.name for level in levels(pipeline.stacks) for one in level}
        waiting = [one.name for one in pipeline.stacks if one.name not in reached]
        if waiting:
            self._problem(
                f"stacks[{waiting[0]}].after",
                f"the stacks {', '.join(waiting)} wait for each other",
                "Remove one after",
            )

    def _check_environment_parameters(self, pipeline: Pipeline) -> None:
        if len(pipeline.stacks) < 2:
            return
        known = {name for stack in pipeline.stacks for name in stack.parameters}
        for wave in pipeline.waves:
            for one in wave.environments:
                for name in one.parameters:
                    if name not in known:
                        self._problem(
                            f"waves[{wave.name}].environments[{one.host}].parameters.{name}",
                            "no stack has this parameter, so it is not clear whose it is",
                            "Give it a value in parameters of the stack that it belongs to",
                        )

    def _check_targets(self, pipeline: Pipeline) -> None:
        seen: dict[tuple[str, str], str] = {}
        for wave in pipeline.waves:
            for one in wave.environments:
                for region in one.regions:
                    if (one.host, region) in seen:
                        self._problem(
                            f"waves[{wave.name}].environments",
                            f"{one.host} in {region} is in wave {seen[one.host, region]} already",
                            "A release reaches it once: remove one",
                        )
                    seen.setdefault((one.host, region), wave.name)

    def _check_partition(self) -> None:
        region = self._organisation.primary_region
        if region.startswith("cn-"):
            self._problem(
                "waves",
                f"{region} is of the partition aws-cn, where CodePipeline has no CloudFormation"
                " action",
                "Pipelines of this kind cannot be built there",
            )

    def _check_synced(self, pipeline: Pipeline) -> None:
        count = len(pipeline.artifacts)
        syncs = syncs_artifacts(pipeline, self._organisation.primary_region)
        if syncs and count > MOST_SYNCED_ARTIFACTS:
            self._problem(
                "artifact_sync",
                f"stacks use {count} artifacts, and an invoke action takes {MOST_SYNCED_ARTIFACTS}",
                "Set artifact_sync: native, or put several into one",
            )

    def _check_actions(self, pipeline: Pipeline) -> None:
        for stack in pipeline.stacks:
            for wave in pipeline.waves:
                for one in wave.environments:
                    self._check_action(pipeline, stack, wave, one)

    def _check_action(
        self, pipeline: Pipeline, stack: Stack, wave: Wave, environment: Environment
    ) -> None:
        where = f"stacks[{stack.name}].parameters"
        place = f" for {environment.host} of wave {wave.name}"
        length = len(overrides(pipeline.parameters(stack, environment)))
        if length > CONFIGURATION_LIMIT:
            self._problem(
                where,
                f"make {length} characters{place}, and an action takes {CONFIGURATION_LIMIT}",
                "Move them into a file of the artifact and name it in template_configuration",
            )
        count = len(pipeline.inputs(stack, environment))
        if count > MOST_INPUT_ARTIFACTS:
            self._problem(
                where,
                f"name {count} artifacts{place}, and an action takes {MOST_INPUT_ARTIFACTS}",
                "Put several into one",
            )

    def _check_stages(self, pipeline: Pipeline) -> None:
        foundation = _stand_in(self._organisation)
        stages = compose_stages(pipeline, foundation)
        self._check_unique("waves", "stage", [stage["Name"] for stage in stages])
        for stage in stages:
            names = [action["Name"] for action in stage["Actions"]]
            self._check_unique(f"waves[{stage['Name']}]", "action", names)
            if len(names) > pipeline.max_actions_per_stage:
                self._problem(
                    "max_actions_per_stage",
                    f"stage {stage['Name']} has {len(names)} actions",
                    "Allow as many",
                )
        long = [stage["Name"] for stage in stages if not _STAGE_NAME.fullmatch(stage["Name"])]
        if long:
            self._problem("waves", f"stage {long[0]} has over 100 characters", "Shorten the name")
        actions = sum(len(stage["Actions"]) for stage in stages)
        if len(stages) > MOST_STAGES:
            self._problem(
                "waves",
                f"make {len(stages)} stages, and a pipeline has {MOST_STAGES} at most",
                "Divide it into two pipelines",
            )
        if actions > MOST_ACTIONS:
            self._problem(
                "waves",
                f"make {actions} actions, and a pipeline has {MOST_ACTIONS} at most",
                "Divide it into two pipelines",
            )
        for problem in size_problems(pipeline, foundation):
            self._problem("waves", *problem)

    # Values

    def _is_unreadable(self, value: t.Any) -> bool:
        found = value is UNREADABLE
        self._unreadable = self._unreadable or found
        return found

    def _mapping(
        self, value: t.Any, field: str, known: t.Sequence[str] | None
    ) -> Mapping[str, t.Any]:
        """Return *value* if it is a mapping, without fields that are not *known*."""
        if self._is_unreadable(value):
            return {}
        if not isinstance(value, Mapping):
            self._problem(field, "is not a mapping", "Correct it")
            return {}
        if known is not None:
            for name in value:
                if name not in known:
                    self._problem(
                        f"{field}.{name}" if field else str(name),
                        "unknown field",
                        f"Use one of {', '.join(known)}",
                    )
        return value

    def _part(
        self,
        data: Mapping[str, t.Any],
        field: str,
        name: str,
        known: t.Sequence[str] | None,
        *,
        default: t.Any = _MISSING,
    ) -> Mapping[str, t.Any]:
        where = f"{field}.{name}" if field else name
        value = data.get(name)
        if value is None:
            if default is _MISSING:
                self._problem(where, "is not set", "Set it")
            return {}
        return self._mapping(value, where, known)

    def _list(
        self, data: Mapping[str, t.Any], field: str, name: str, *, required: bool = False
    ) -> list[tuple[str, t.Any]]:
        """Return the entries of a list, each with what it is called in a message."""
        where = f"{field}.{name}" if field else name
        value = data.get(name)
        if (value is None and not required) or self._is_unreadable(value):
            return []
        if not isinstance(value, (list, tuple)) or (required and not value):
            what = "is not a list" + (" of at least one entry" if required else "")
            self._problem(where, what, "List what it needs")
            return []
        return [
            (f"{where}[{called(entry, number)}]", entry)
            for number, entry in enumerate(value, start=1)
        ]

    def _text(
        self,
        data: Mapping[str, t.Any],
        field: str,
        name: str,
        default: str = "",
        *,
        required: bool = False,
        of: re.Pattern[str] | None = None,
        which: str = "",
    ) -> str:
        where = f"{field}.{name}" if field else name
        value = data.get(name)
        if value is None or value == "":
            if required:
                self._problem(where, "is not set", "Set it")
            return default
        if self._is_unreadable(value):
            return default
        if not isinstance(value, str):
            self._problem(where, f"{value!r} is not text", "Quote it")
        elif not value.isascii():
            self._problem(where, "is not ASCII", "Use plain letters")
        elif of is not None and not of.fullmatch(value):
            self._problem(where, f"{value!r} is not {which}", "Correct it")
        else:
            return str(value)
        return default

    def _path(
        self,
        data: Mapping[str, t.Any],
        field: str,
        name: str,
        default: str = "",
        *,
        required: bool = False,
    ) -> str:
        """Return a path in an artifact, a repository or the pipeline's part of the bucket."""
        text = self._text(
            data,
            field,
            name,
            default,
            required=required,
            of=_PATH,
            which="a path of letters, digits and ._/-",
        )
        if len(text) > MOST_OF_A_PATH:
            self._problem(
                f"{field}.{name}", f"has over {MOST_OF_A_PATH} characters", "Shorten the path"
            )
        path = PurePosixPath(text)
        if text and (path.is_absolute() or ".." in path.parts or str(path) != text):
            self._problem(
                f"{field}.{name}",
                f"{text!r} is not a relative path in its plain form",
                "Correct it",
            )
        return text

    def _choice(
        self,
        data: Mapping[str, t.Any],
        field: str,
        name: str,
        choices: t.Sequence[str],
        default: str | None,
    ) -> str:
        where = f"{field}.{name}" if field else name
        value = data.get(name)
        if value is None:
            if default is None:
                self._problem(where, "is not set", f"Use one of {', '.join(choices)}")
            return default or ""
        if self._is_unreadable(value):
            return default or ""
        return self._one_of(value, where, choices) or default or ""

    def _one_of(self, value: t.Any, where: str, choices: t.Sequence[str]) -> str:
        if value in choices:
            return str(value)
        self._problem(where, f"{value!r} is unknown", f"Use one of {', '.join(choices)}")
        return ""

    def _flag(self, data: Mapping[str, t.Any], field: str, name: str) -> bool:
        value = data.get(name, False)
        if self._is_unreadable(value):
            return False
        if isinstance(value, bool):
            return value
        self._problem(f"{field}.{name}", f"{value!r} is neither true nor false", "Correct it")
        return False

    def _plain_text(self, value: t.Any) -> str | None:
        """Return a scalar as CloudFormation writes it; None for what is none, or not ASCII.

        A number with a fraction is none: 1.10 reads as 1.1.
        """
        if self._is_unreadable(value):
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, (str, int)):
            return None
        text = str(value)
        return text if text.isascii() else None

    def _check_unique(self, field: str, what: str, values: t.Sequence[str]) -> None:
        twice = [
            value for value, count in collections.Counter(values).items() if count > 1 and value
        ]
        if twice:
            self._problem(field, f"{what} {twice[0]} is there twice", "Keep one")

    def _problem(self, field: str, what: str, cure: str) -> None:
        where = f"pipeline.{field}" if field else "pipeline"
        self._problems.add(f"{where}: {what}", cure, self._name)


def _stand_in(organisation: Organisation) -> Foundation:
    """Return a foundation with the longest names that the real one can have."""
    account_id = organisation.build_account_id
    return Foundation(
        region=organisation.primary_region,
        register={
            region: {
                "key_arn": f"arn:aws-us-gov:kms:{region}:{account_id}:key/{_KEY}",
                "bucket_arn": f"arn:aws-us-gov:s3:::{_BUCKET}",
            }
            for region in organisation.regions
        },
        codepipeline_role_name=organisation.role_names["codepipeline_role_name"],
        cloudformation_role_name=organisation.role_names["cloudformation_role_name"],
    )


def _check_together(
    pipelines: t.Mapping[str, Pipeline], organisation: Organisation, problems: Problems
) -> None:
    """Check stacks of pipelines against one another, and against the foundation's."""
    # A deploy account's roles keep pipelines away from these names, in every region.
    build_stacks = {
        host.stack_name: host for host in organisation.foundation if host.group != DEPLOY_ACCOUNTS
    }
    account_stacks = {
        (host.stack_name, host.account_id): host for host in organisation.of(DEPLOY_ACCOUNTS)
    }
    pipeline_stacks = {host.stack_name for host in organisation.of(PIPELINES)}
    home = (organisation.build_account_id, organisation.primary_region)
    for host in organisation.of(PIPELINES):
        if host.stack_name in build_stacks:
            problems.add(
                f"its stack {host.stack_name} is the foundation stack of host"
                f" {build_stacks[host.stack_name].name}",
                "Rename the pipeline",
                host.name,
            )
    owners: dict[tuple[str, str, str], str] = {}
    for name, pipeline in pipelines.items():
        for stack, environment in pipeline.deployments:
            account_id = environment.account_id
            where = f"pipeline.stacks[{stack.name}].name"
            owner_host = build_stacks.get(stack.name) or account_stacks.get(
                (stack.name, account_id)
            )
            if owner_host:
                problems.add(
                    f"{where}: it is the foundation stack of host {owner_host.name}",
                    "Rename it",
                    name,
                )
            for region in environment.regions:
                if (account_id, region) == home and stack.name in pipeline_stacks:
                    problems.add(f"{where}: it is the stack of a pipeline", "Rename it", name)
                owner = owners.setdefault((stack.name, account_id, region), name)
                if owner != name:
                    problems.add(
                        f"{where}: pipeline {owner} deploys this stack to {environment.host} in"
                        f" {region} already",
                        "Rename one of them",
                        name,
                    )


__all__ = (
    "ACTIONS_PER_STAGE",
    "MOST_ACTIONS",
    "MOST_BUILD_ARTIFACTS",
    "MOST_INPUT_ARTIFACTS",
    "MOST_STAGES",
    "MOST_SYNCED_ARTIFACTS",
    "read_pipelines",
)
