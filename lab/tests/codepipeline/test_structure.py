# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declarations that CodePipeline refuses."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.world import (
    AWAY,
    World,
)

Data = dict[str, Any]


@pytest.fixture(scope="module")
def world(running_lab: Lab) -> World:
    """One for all tests: what is refused changes nothing."""
    return World(running_lab)


def _stage_twice(declaration: Data) -> None:
    declaration["stages"].append(copy.deepcopy(declaration["stages"][1]))


def _source_late(declaration: Data) -> None:
    declaration["stages"][1]["actions"].append(
        {**copy.deepcopy(declaration["stages"][0]["actions"][0]), "name": "late"}
    )


def _deploy_first(declaration: Data) -> None:
    declaration["stages"].reverse()


def _one_stage(declaration: Data) -> None:
    del declaration["stages"][1]


def _unknown_input(declaration: Data) -> None:
    declaration["stages"][1]["actions"][0]["inputArtifacts"] = [{"name": "other"}]


def _made_twice(declaration: Data) -> None:
    again = {**copy.deepcopy(declaration["stages"][0]["actions"][0]), "name": "again"}
    declaration["stages"][0]["actions"].append(again)


def _store_missing(declaration: Data) -> None:
    del declaration["artifactStores"][AWAY]


def _store_spare(declaration: Data) -> None:
    declaration["artifactStores"]["ap-southeast-2"] = declaration["artifactStores"][AWAY]


def _no_key(declaration: Data) -> None:
    del declaration["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"]


def _strange_setting(declaration: Data) -> None:
    declaration["stages"][0]["actions"][0]["configuration"]["Branch"] = "main"


def _long_value(declaration: Data) -> None:
    configuration = declaration["stages"][1]["actions"][0]["configuration"]
    configuration["ParameterOverrides"] = json.dumps({"One": "x" * 1000})


def _strange_mode(declaration: Data) -> None:
    declaration["stages"][1]["actions"][0]["configuration"]["ActionMode"] = "CHANGE"


def _late_order(declaration: Data) -> None:
    declaration["stages"][1]["actions"][0]["runOrder"] = 1000


def _made_by_a_stack(declaration: Data) -> None:
    declaration["stages"][1]["actions"][0]["outputArtifacts"] = [{"name": "outputs"}]


def _parallel(declaration: Data) -> None:
    declaration["executionMode"] = "PARALLEL"


def _action_twice(declaration: Data) -> None:
    actions = declaration["stages"][1]["actions"]
    actions.append(copy.deepcopy(actions[0]))


def _namespaces(declaration: Data, *names: str) -> None:
    for action, name in zip(declaration["stages"][1]["actions"], names, strict=True):
        action["namespace"] = name


def _namespace_twice(declaration: Data) -> None:
    _namespaces(declaration, "same", "same")


def _namespace_reserved(declaration: Data) -> None:
    _namespaces(declaration, "codepipeline", "other")


def _namespace_of_artifact(declaration: Data) -> None:
    _namespaces(declaration, "build", "other")


def _reference(declaration: Data, text: str) -> None:
    prepare, execute = declaration["stages"][1]["actions"]
    execute["namespace"] = "later"
    prepare["configuration"]["ParameterOverrides"] = json.dumps({"One": text})


def _reference_to_nothing(declaration: Data) -> None:
    _reference(declaration, "#{other.Key}")


def _reference_without_key(declaration: Data) -> None:
    _reference(declaration, "#{later}")


def _reference_to_later(declaration: Data) -> None:
    _reference(declaration, "#{later.Key}")


def _asking(declaration: Data, **more: Any) -> None:
    kind = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    declaration["stages"][1]["actions"].append({"name": "ask", "actionTypeId": kind, **more})


def _long_timeout(declaration: Data) -> None:
    _asking(declaration, timeoutInMinutes=86_401)


def _topic_elsewhere(declaration: Data) -> None:
    topic = f"arn:aws:sns:{AWAY}:111111111111:topic"
    _asking(declaration, configuration={"NotificationArn": topic})


def _timeout_of_a_stack(declaration: Data) -> None:
    declaration["stages"][1]["actions"][0]["timeoutInMinutes"] = 60


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_stage_twice, "Stage name Deploy is not unique"),
        (_source_late, "may have no source actions"),
        (_deploy_first, "may have only source actions"),
        (_one_stage, "Pipeline has 1 stages"),
        (_unknown_input, "takes artifact other"),
        (_made_twice, "is made more than once"),
        (_store_missing, f"no artifact store for region {AWAY}"),
        (_store_spare, "belongs to no action"),
        (_no_key, "missing required configuration 'S3ObjectKey'"),
        (_strange_setting, "unknown configuration 'Branch'"),
        (_long_value, "must have 1 to 1000 characters"),
        (_strange_mode, "ActionMode of prepare"),
        (_late_order, "runOrder of action prepare must be 1 to 999"),
        (_made_by_a_stack, "makes no output artifacts of CloudFormation actions: prepare"),
        (_parallel, "does not know the execution mode PARALLEL"),
        (_action_twice, "Action name prepare is not unique"),
        (_namespace_twice, "Namespace same is not unique"),
        (_namespace_reserved, "Namespace codepipeline of action prepare is reserved"),
        (_namespace_of_artifact, "Namespace build of action prepare is reserved or an artifact's"),
        (_reference_to_nothing, "is referencing a namespace that does not exist"),
        (_reference_without_key, "is not a namespace and a key separated by a period"),
        (_reference_to_later, "is produced by no earlier action"),
        (_long_timeout, "timeoutInMinutes of action ask must be 5 to 86400"),
        (_timeout_of_a_stack, "only manual approvals may"),
        (_topic_elsewhere, "NotificationArn of action ask is not a topic in us-east-1"),
    ],
)
def test_a_wrong_structure_is_refused(
    world: World, spoil: Callable[[Data], None], words: str
) -> None:
    declaration = world.declaration()
    spoil(declaration)
    with pytest.raises(ClientError, match="InvalidStructureException") as caught:
        world.client.create_pipeline(pipeline=declaration)
    assert words in str(caught.value)
