# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A canary: a temporary pipeline that deploys one stack to some paths. Pure.

It is composed as every pipeline is, so what it proves is the path of real releases.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
import typing as t
import zipfile

from .._pipeline.model import DeployedStack, Environment, Pipeline, Wave
from .._pipeline.source import S3, Artifact, Source, Uploader
from .._pipeline_stack.actions import EXECUTE, PREPARE, action_name
from .._pipeline_stack.limits import MOST_IN_STAGE
from .model import Path

PREFIX = "crossaccount-prove-"
TAG = "crossaccount:prove"
WAVE = "canary"
MOST_PATHS = MOST_IN_STAGE // 2  # each has a change set and its execution

_ARTIFACT = "canary"
_OBJECT = "canary.zip"
_TEMPLATE, _CONFIGURATION = "canary.template", "canary.json"
# Needs no permission of the CloudFormation role, and costs nothing.
_RESOURCE = {"Canary": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}

_RUN = "[0-9a-f]{6}"
_STACK = re.compile(rf"{PREFIX}(?P<run>{_RUN})")
_PIPELINE_STACK = re.compile(rf"{PREFIX}(?P<run>{_RUN})-[0-9]+-pipeline")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Canary:
    """One temporary pipeline.

    :param run: six hexadecimal digits, the same for all canaries of a run.
    :param number: from 1.
    """

    run: str
    number: int
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return f"{PREFIX}{self.run}-{self.number}"

    @property
    def stack_name(self) -> str:
        """The stack that the pipeline deploys."""
        return stack_name(self.run)

    @property
    def object_key(self) -> str:
        """Where the pipeline takes its artifact from in the build bucket."""
        return f"{self.name}/{_OBJECT}"

    def without(self, paths: t.Collection[Path]) -> Canary:
        """Return the canary for the other paths alone."""
        return dataclasses.replace(
            self, paths=tuple(path for path in self.paths if path not in paths)
        )

    def pipeline(self, uploaders: tuple[str, ...] = ()) -> Pipeline:
        """Return the pipeline as data.

        :param uploaders: ARNs, or patterns of them, of who may assume the role that uploads.
        """
        return Pipeline(
            name=self.name,
            source=Source(
                type=S3,
                artifacts=(Artifact(name=_ARTIFACT, object=_OBJECT),),
                uploader=Uploader(role_arns=uploaders) if uploaders else None,
            ),
            stacks=(
                DeployedStack(
                    name=self.stack_name,
                    artifact=_ARTIFACT,
                    template=_TEMPLATE,
                    template_configuration=_CONFIGURATION,
                ),
            ),
            waves=(Wave(name=WAVE, environments=tuple(self._environments())),),
            max_actions_per_stage=MOST_IN_STAGE,
        )

    def _environments(self) -> t.Iterator[Environment]:
        accounts = {(path.host, path.account_id) for path in self.paths}
        for host, account_id in sorted(accounts):
            regions = tuple(path.region for path in self.paths if path.host == host)
            yield Environment(host=host, account_id=account_id, regions=regions)

    def actions(self) -> dict[str, Path]:
        """Return the path of each action that deploys, by the action's name."""
        return {
            action_name(path.host, path.region, self.stack_name, step): path
            for path in self.paths
            for step in (PREPARE, EXECUTE)
        }

    def executions(self) -> dict[str, Path]:
        """Return the path of each action that is the last of its path, by the action's name."""
        return {
            action_name(path.host, path.region, self.stack_name, EXECUTE): path
            for path in self.paths
        }


def stack_name(run: str) -> str:
    """Return the name of the stacks that the canaries of a run deploy."""
    return f"{PREFIX}{run}"


def make_artifact(run: str) -> bytes:
    """Return the artifact: the template, and the tags of its stack."""
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Canary of crossaccount.pipeline: proves the path to here, then goes.",
        "Resources": _RESOURCE,
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_TEMPLATE, json.dumps(template))
        archive.writestr(_CONFIGURATION, json.dumps({"Tags": {TAG: run}}))
    return data.getvalue()


def run_of_stack(name: str) -> str:
    """Return the run whose canary deployed the stack called *name*; empty for another stack."""
    found = _STACK.fullmatch(name)
    return found["run"] if found else ""


def run_of_pipeline_stack(name: str) -> str:
    """Return the run whose pipeline the stack called *name* holds; empty for another stack."""
    found = _PIPELINE_STACK.fullmatch(name)
    return found["run"] if found else ""


__all__ = (
    "MOST_PATHS",
    "PREFIX",
    "TAG",
    "WAVE",
    "Canary",
    "make_artifact",
    "run_of_pipeline_stack",
    "run_of_stack",
    "stack_name",
)
