# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pipeline as data: what is built, what is deployed, where and when. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.model import pipeline_stack_name
from .approval import Approval
from .build import Build
from .conditions import Alarm, Window
from .deploy_kinds import DeployedFiles, DeployedImages
from .developers import Developer
from .notifications import Notifications
from .outputs import GET_OUTPUT
from .source import Source
from .wave_test import WaveTest

LAMBDA, NATIVE = "lambda", "native"
QUEUED, SUPERSEDED = "QUEUED", "SUPERSEDED"

ARTIFACT_SYNCS = (LAMBDA, NATIVE)
EXECUTION_MODES = (QUEUED, SUPERSEDED)
_AUTO_EXPAND = "CAPABILITY_AUTO_EXPAND"
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", _AUTO_EXPAND)

# The limit of actions in a stage that AWS documents; users may set up to 100, its later limit.
DEFAULT_ACTIONS_PER_STAGE = 50

Data = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """A stack that every environment gets.

    :param parameters: values are text, or a function that CodePipeline resolves.
    :param after: the stack that must be deployed before this one.
    """

    name: str
    artifact: str
    template: str
    template_configuration: str = ""
    parameters: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    after: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """A deploy account, in the regions that the pipeline deploys to.

    :param group: the group that the pipeline names it by; empty if it names the host.
    :param bucket_keys: the ARN of the key of each bucket that has one.
    """

    host: str
    account_id: str
    regions: tuple[str, ...]
    group: str = ""
    parameters: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    bucket_keys: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wave:
    """Environments that are released together."""

    name: str
    environments: tuple[Environment, ...]
    approval: Approval | None = None
    tests: tuple[WaveTest, ...] = ()
    on_failure: str = ""
    alarms: tuple[Alarm, ...] = ()
    window: Window | None = None

    @property
    def watched(self) -> list[tuple[Alarm, Environment | None, str]]:
        """Its alarms in each region, empty for the primary one; without environment, ours."""
        places = {environment.host: environment for environment in self.environments}
        return [
            (alarm, places.get(alarm.host), region)
            for alarm in self.alarms
            for region in _regions(alarm, places.get(alarm.host))
        ]

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Wave:
        """Return the wave that ``as_dict`` of its pipeline wrote."""
        environments = tuple(
            Environment(**{**environment, "regions": tuple(environment["regions"])})
            for environment in data["environments"]
        )
        approval, window = data.get("approval"), data.get("window")
        return cls(
            name=data["name"],
            environments=environments,
            approval=None if approval is None else Approval.from_dict(approval),
            tests=tuple(WaveTest.from_dict(test) for test in data.get("tests") or ()),
            on_failure=data.get("on_failure", ""),
            alarms=tuple(Alarm(**alarm) for alarm in data.get("alarms") or ()),
            window=None if window is None else Window.from_dict(window),
        )


def _regions(alarm: Alarm, environment: Environment | None) -> tuple[str, ...]:
    if alarm.region or environment is None:
        return (alarm.region,)
    return environment.regions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A pipeline that follows the rules."""

    name: str
    source: Source | None = None
    build: Build = dataclasses.field(default_factory=Build)
    stacks: tuple[DeployedStack, ...] = ()
    s3: tuple[DeployedFiles, ...] = ()
    ecs: tuple[DeployedImages, ...] = ()
    waves: tuple[Wave, ...] = ()
    developers: tuple[Developer, ...] = ()
    artifact_sync: str = LAMBDA
    execution_mode: str = QUEUED
    max_actions_per_stage: int = DEFAULT_ACTIONS_PER_STAGE
    notifications: Notifications = dataclasses.field(default_factory=Notifications)

    @property
    def stack_name(self) -> str:
        """The stack that holds the pipeline."""
        return pipeline_stack_name(self.name)

    @property
    def expands(self) -> bool:
        """Whether its templates may have transforms and nested stacks."""
        return any(_AUTO_EXPAND in stack.capabilities for stack in self.stacks)

    @property
    def environments(self) -> list[Environment]:
        """The environments of all waves, in their order."""
        return [environment for wave in self.waves for environment in wave.environments]

    @property
    def deployments(self) -> list[tuple[DeployedStack, Environment]]:
        """Every stack with every environment that gets it."""
        return [(stack, place) for stack in self.stacks for place in self.environments]

    @property
    def regions(self) -> list[str]:
        """Every region that it is deployed to."""
        return sorted(
            {region for environment in self.environments for region in environment.regions}
        )

    @property
    def account_ids(self) -> list[str]:
        """Every account that it is deployed to."""
        return sorted({environment.account_id for environment in self.environments})

    @property
    def artifacts(self) -> list[str]:
        """The artifacts that environments use, in the order of the source."""
        used = {
            name
            for stack in self.stacks
            for environment in self.environments
            for name in self.inputs(stack, environment)
        }
        used |= {files.artifact for files in self.s3} | {images.artifact for images in self.ecs}
        return [
            name for name in (self.source.artifact_names if self.source else ()) if name in used
        ]

    @property
    def test_artifacts(self) -> list[str]:
        """What tests may get; the first by default."""
        return self.source.artifact_names if self.source else []

    def parameters(self, stack: DeployedStack, environment: Environment) -> Data:
        """Return the parameters of *stack* in *environment*.

        The environment's go to the stacks that name them; a single stack gets them all.
        """
        own = {
            name: value
            for name, value in environment.parameters.items()
            if len(self.stacks) == 1 or name in stack.parameters
        }
        return {**stack.parameters, **own}

    def inputs(self, stack: DeployedStack, environment: Environment) -> list[str]:
        """Return the artifacts that *stack* needs in *environment*, its template's first."""
        named = (artifact for _name, artifact in artifacts_in(self.parameters(stack, environment)))
        return list(dict.fromkeys((stack.artifact, *named)))

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Pipeline:
        """Return the pipeline that :meth:`as_dict` wrote; missing fields get their defaults."""
        source = data.get("source")
        fields = {field.name for field in dataclasses.fields(cls)}
        return cls(
            **{
                **{name: value for name, value in data.items() if name in fields},
                "source": None if source is None else Source.from_dict(source),
                "build": Build.from_dict(data.get("build") or {}),
                "stacks": tuple(
                    DeployedStack(
                        **{**stack, "capabilities": tuple(stack.get("capabilities") or ())}
                    )
                    for stack in data.get("stacks") or ()
                ),
                "s3": tuple(DeployedFiles(**files) for files in data.get("s3") or ()),
                "ecs": tuple(DeployedImages(**images) for images in data.get("ecs") or ()),
                "waves": tuple(Wave.from_dict(wave) for wave in data.get("waves") or ()),
                "notifications": Notifications.from_dict(data.get("notifications") or {}),
                "developers": tuple(
                    Developer(**developer) for developer in data.get("developers") or ()
                ),
            }
        )

    def as_dict(self) -> Data:
        """Return the pipeline as plain data, for a variable of a playbook."""
        data: Data = _plain(dataclasses.asdict(self))
        return data | {"stack_name": self.stack_name}


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def artifacts_in(parameters: Data) -> list[tuple[str, str]]:
    """Return the artifacts that functions among *parameters* name: parameter, artifact."""
    return [
        (name, str(arguments[0]))
        for name, value in parameters.items()
        if isinstance(value, dict)
        for function, arguments in value.items()
        if function != GET_OUTPUT
    ]


def levels(stacks: t.Sequence[DeployedStack]) -> list[list[DeployedStack]]:
    """Return *stacks* in groups to deploy one after another.

    A stack that waits for itself or for a missing stack is left out; the rules report it.
    """
    done: set[str] = {""}
    rest, found = list(stacks), []
    while ready := [stack for stack in rest if stack.after in done]:
        found.append(ready)
        done |= {stack.name for stack in ready}
        rest = [stack for stack in rest if stack not in ready]
    return found


__all__ = (
    "ARTIFACT_SYNCS",
    "CAPABILITIES",
    "DEFAULT_ACTIONS_PER_STAGE",
    "EXECUTION_MODES",
    "LAMBDA",
    "NATIVE",
    "QUEUED",
    "Data",
    "DeployedStack",
    "Environment",
    "Pipeline",
    "Wave",
    "artifacts_in",
    "levels",
)
