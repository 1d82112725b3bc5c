# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases the sample application, and shows each stage of its pipeline as it passes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lab import EXAMPLE, Action, BuildResult, Lab, Pipeline, artifacts

# A release that takes longer hangs.
_SECONDS = 900.0
_COMPLETE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


class ReleaseError(Exception):
    """The release does not go as it should; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One environment in one region, as the data says."""

    host: str
    account_id: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Application:
    """What a pipeline releases, as the inventory's files say it.

    name: of the pipeline. repository: its owner and name. stacks: their names. deployments: where
    they go, by wave.
    """

    name: str
    repository: str
    stacks: Sequence[str]
    deployments: Mapping[str, Sequence[Deployment]]

    @property
    def places(self) -> list[Deployment]:
        """Where they go, in the order of the waves."""
        return [one for wave in self.deployments.values() for one in wave]


def read_application(
    directory: Path,
    name: str,
    *,
    accounts: Mapping[str, str],
    regions: Mapping[str, Sequence[str]],
) -> Application:
    """Read the file itself: what is compared with AWS must not come from our own code.

    accounts, regions: account and regions of each host.
    """
    text = (directory / "host_vars" / f"{name}.yml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)["pipeline"]
    return Application(
        name=name,
        repository=urlsplit(data["source"]["repository"]).path.strip("/").removesuffix(".git"),
        stacks=[stack["name"] for stack in data["stacks"]],
        deployments={
            wave["name"]: [
                Deployment(host=one["host"], account_id=accounts[one["host"]], region=region)
                for one in wave["environments"]
                for region in one.get("regions", regions[one["host"]])
            ]
            for wave in data["waves"]
        },
    )


class Release:
    """One release, from the push to the end."""

    def __init__(self, lab: Lab, application: Application) -> None:
        self._lab = lab
        self._application = application
        self._pipeline = Pipeline(lab, application.name)
        self._before = len(self._pipeline.executions)
        self._began = time.monotonic()
        self._shown: set[str] = set()

    def push(self) -> str:
        """Push the application to its repository; the commit. Its build leaves the artifacts."""
        left = BuildResult(project=f"{self._application.name}-release", artifacts=artifacts())
        self._lab.set_build_results([left])
        files = {
            str(path.relative_to(EXAMPLE)): path.read_bytes()
            for path in EXAMPLE.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        self._began = time.monotonic()
        return str(self._lab.push(self._application.repository, files)["commit"])

    def stages(self) -> Iterator[str]:
        """A line for each stage as it passes, until it rests or waits for an approval."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            begun = len(self._pipeline.executions) > self._before
            actions = self._pipeline.actions if begun else []
            for stage in dict.fromkeys(one.stage for one in actions):
                line = self._line(stage, [one for one in actions if one.stage == stage])
                if stage not in self._shown and line:
                    self._shown.add(stage)
                    yield line
            failed = [one for one in actions if one.status == "Failed"]
            if begun and failed and self._pipeline.status == "Failed":
                raise ReleaseError(f"{failed[0].stage}: {failed[0].message}")
            if begun and (self._pipeline.waiting or self._pipeline.status == "Succeeded"):
                return
            time.sleep(0.02)
        raise ReleaseError(f"the release does not end\n{self._pipeline.description}")

    def _line(self, stage: str, actions: Sequence[Action]) -> str:
        """The line of a stage; empty while it has not passed."""
        if not all(one.status == "Succeeded" for one in actions):
            return ""
        seconds = time.monotonic() - self._began
        return f"{seconds:5.1f} s  {stage:<14}  {self._content(stage, actions)}"

    def _content(self, stage: str, actions: Sequence[Action]) -> str:
        deployments = self._application.deployments.get(stage)
        if deployments is None:
            return ", ".join(one.name for one in actions)
        accounts = ", ".join(sorted({one.account_id for one in deployments}))
        return f"{accounts}  {', '.join(one.region for one in deployments)}"

    def waits(self) -> str:
        """What it waits for, once the change sets of that stage are made."""
        waiting = self._pipeline.waiting
        if waiting is None:
            raise ReleaseError(f"nobody is asked\n{self._pipeline.description}")
        stages = self._pipeline.definition["stages"]
        (stage,) = [one for one in stages if one["name"] == waiting.stage]
        (action,) = [one for one in stage["actions"] if one["name"] == waiting.name]
        question = action["configuration"].get("CustomData", "")
        made = [
            one
            for one in self._pipeline.actions
            if one.stage == waiting.stage and one.status == "Succeeded"
        ]
        return f"{waiting.stage}: {len(made)} change sets are made. {question}"

    def approve(self) -> None:
        """Approve it."""
        self._pipeline.approve()

    def executions(self) -> int:
        """How many executions of the pipeline there were since the beginning."""
        return len(self._pipeline.executions) - self._before


def stack_statuses(lab: Lab, application: Application, deployment: Deployment) -> list[str]:
    """The status of each of the application's stacks in one place."""
    stacks = _stacks(lab, deployment)
    return [stacks.get(name, {}).get("StackStatus", "missing") for name in application.stacks]


def answers(lab: Lab, application: Application) -> dict[Deployment, dict[str, Any]]:
    """Call the deployed function everywhere; what each says.

    Raises ReleaseError where a stack is missing.
    """
    found = {}
    for deployment in application.places:
        if not set(stack_statuses(lab, application, deployment)) <= _COMPLETE:
            raise ReleaseError(f"stacks are missing in {deployment.host} {deployment.region}")
        (function,) = [
            output["OutputValue"]
            for stack in _stacks(lab, deployment).values()
            for output in stack.get("Outputs", [])
            if output["OutputKey"] == "FunctionName"
        ]
        answer = lab.client("lambda", deployment.account_id, deployment.region).invoke(
            FunctionName=function, Payload=json.dumps({"name": "world"})
        )
        found[deployment] = json.loads(answer["Payload"].read())
    return found


def _stacks(lab: Lab, deployment: Deployment) -> dict[str, dict[str, Any]]:
    client = lab.client("cloudformation", deployment.account_id, deployment.region)
    return {one["StackName"]: one for one in client.describe_stacks()["Stacks"]}


__all__ = ("Application", "Deployment", "Release", "ReleaseError", "answers", "read_application",
           "stack_statuses")  # fmt: skip
