# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's limits that a pipeline must fit. Pure.

Each check yields what is wrong: the field, the problem, and what to do.
"""

from __future__ import annotations

import collections
import json
import re
import typing as t
from collections.abc import Iterator

from .._organisation.model import Organisation
from .._organisation.problems import Problems
from .._organisation.regions import partition_of
from .._organisation.rules import knows_regions
from .._organisation.sizes import longest_bucket
from .._pipeline.model import DeployedStack, Environment, Pipeline, Wave
from .._pipeline.parameters import CONFIGURATION_LIMIT
from .._pipeline.problem import Problem, add_problem
from .._pipeline.source import Source
from .._pipeline.wave_schema import STAGE_NAME
from .._pipeline.wave_test import TIMES
from .actions import overrides
from .conditions import split_problems
from .deploy_kinds import kind_role_names
from .foundation import Foundation, store_regions, syncs_artifacts
from .part import Part
from .parts import compose_part
from .stages import compose_stages
from .starter import ENVIRONMENT_LIMIT, environment_size
from .uploader import trust_statements
from .wave_tests import test_actions
from .waves import wave_stages

MOST_SYNCED_ARTIFACTS = 5  # of an invoke action
MOST_INPUT_ARTIFACTS = 10  # of a CloudFormation action
MOST_STAGES = 50
MOST_ACTIONS = 1_000
MOST_IN_STAGE = 100
# A template in a bucket, in bytes.
TEMPLATE_LIMIT = 1_000_000
# All inline policies of a role, in characters without white space.
POLICY_LIMIT = 10_240
# A role's trust policy, in characters without white space.
TRUST_LIMIT = 2_048
# The pipeline role's policy without the ARNs that are counted: with room for usual statements of
# parts, and without any of them.
_POLICY_REST, _POLICY_BASE = 1_600, 700
_REFERENCE = 80  # a reference in a statement that becomes an ARN
MOST_RESOURCES = 500  # of a template
BASE_RESOURCES = 3  # of every pipeline
_ENVIRONMENT_REST = 400  # the starter's variables without artifacts and developers
_TRUST_REST = 50  # a trust policy without its statements, with room to spare

_KEY = "01234567-89ab-cdef-0123-456789abcdef"

_DIVIDE = "Divide it into two pipelines"


def check_limits(
    pipelines: t.Mapping[str, Pipeline], organisation: Organisation, problems: Problems
) -> None:
    """Add the limits that *pipelines* exceed to *problems*, where nothing else is wrong."""
    regions = set(organisation.regions)
    for name, pipeline in pipelines.items():
        is_known = knows_regions(organisation) and set(pipeline.regions) <= regions
        if is_known and not problems.of(name):
            for problem in limit_problems(pipeline, organisation):
                add_problem(problems, name, problem)


def limit_problems(pipeline: Pipeline, organisation: Organisation) -> Iterator[Problem]:
    """Yield the limits that a pipeline exceeds, as far as its data shows."""
    region = organisation.primary_region
    if region.startswith("cn-"):
        yield (
            "waves",
            f"{region} is in partition aws-cn, where CodePipeline has no CloudFormation action",
            "Pipelines of this kind cannot be built there",
        )
    if pipeline.source:
        yield from _uploader_problems(pipeline.source)
        yield from _starter_problems(pipeline, pipeline.source)
    count = len(pipeline.artifacts)
    if syncs_artifacts(pipeline, region) and count > MOST_SYNCED_ARTIFACTS:
        yield (
            "artifact_sync",
            f"stacks use {count} artifacts, and an invoke action takes {MOST_SYNCED_ARTIFACTS}",
            "Set artifact_sync: native, or combine artifacts",
        )
    for stack in pipeline.stacks:
        for wave in pipeline.waves:
            for environment in wave.environments:
                yield from _action_problems(pipeline, stack, wave, environment)
    for wave in pipeline.waves:
        yield from _test_problems(pipeline, wave)
    foundation = longest_foundation(organisation)
    yield from _stage_problems(pipeline, foundation)
    for wave in pipeline.waves:
        yield from split_problems(wave, wave_stages(pipeline, foundation, wave))
    for what in size_problems(pipeline, foundation, compose_part(pipeline, foundation)):
        yield ("waves", what, _DIVIDE)


def _starter_problems(pipeline: Pipeline, source: Source) -> Iterator[Problem]:
    size = environment_size(pipeline, source) + _ENVIRONMENT_REST if source.artifacts else 0
    if size > ENVIRONMENT_LIMIT:
        yield (
            "developers",
            f"they and the artifacts make {size} bytes, and a function takes {ENVIRONMENT_LIMIT}",
            "Name fewer, or shorten the objects of artifacts",
        )


def _uploader_problems(source: Source) -> Iterator[Problem]:
    statements = trust_statements(source.uploader) if source.uploader else []
    if len(json.dumps(statements, separators=(",", ":"))) + _TRUST_REST > TRUST_LIMIT:
        yield (
            "source.uploader.role_arns",
            f"make a trust policy of over {TRUST_LIMIT} characters",
            "Name fewer roles",
        )


def _action_problems(
    pipeline: Pipeline, stack: DeployedStack, wave: Wave, environment: Environment
) -> Iterator[Problem]:
    where = f"stacks[{stack.name}].parameters"
    place = f"for {environment.host} of wave {wave.name}"
    # The references to outputs have the same length in every region.
    parameters = pipeline.parameters(stack, environment)
    region = next(iter(environment.regions), "")  # none where the host is wrong
    length = len(overrides(parameters, environment.host, region))
    if length > CONFIGURATION_LIMIT:
        yield (
            where,
            f"{length} characters {place}, and an action takes {CONFIGURATION_LIMIT}",
            "Move them into a file of the artifact and name it in template_configuration",
        )
    count = len(pipeline.inputs(stack, environment))
    if count > MOST_INPUT_ARTIFACTS:
        yield (
            where,
            f"{count} artifacts {place}, and an action takes {MOST_INPUT_ARTIFACTS}",
            "Combine artifacts",
        )


def _test_problems(pipeline: Pipeline, wave: Wave) -> Iterator[Problem]:
    for action in (action for when in TIMES for action in test_actions(pipeline, wave, when)):
        length = len(action["Configuration"].get("EnvironmentVariables", ""))
        if length > CONFIGURATION_LIMIT:
            yield (
                f"waves[{wave.name}].tests[{action['Name'].removeprefix('test-')}].environment",
                f"outputs make {length} characters, and an action takes {CONFIGURATION_LIMIT}",
                "Divide the test into two",
            )


def _stage_problems(pipeline: Pipeline, foundation: Foundation) -> Iterator[Problem]:
    stages = compose_stages(pipeline, foundation)
    names = [stage["Name"] for stage in stages]
    if twice := _twice(names):
        yield ("waves", f"stage {twice} appears twice", "Rename a wave")
    for stage in stages:
        actions = [action["Name"] for action in stage["Actions"]]
        if twice := _twice(actions):
            yield (
                f"waves[{stage['Name']}]",
                f"action {twice} appears twice",
                "Rename a stack or a host",
            )
        if len(actions) > pipeline.max_actions_per_stage:
            yield (
                "max_actions_per_stage",
                f"stage {stage['Name']} has {len(actions)} actions",
                "Allow that many",
            )
    for name in names:
        if not re.fullmatch(STAGE_NAME, name):
            yield ("waves", f"stage {name} has over 100 characters", "Shorten the name")
            break
    if len(stages) > MOST_STAGES:
        more = pipeline.max_actions_per_stage < MOST_IN_STAGE
        yield (
            "waves",
            f"{len(stages)} stages, and a pipeline has {MOST_STAGES} at most",
            f"Allow max_actions_per_stage: {MOST_IN_STAGE}, or d{_DIVIDE[1:]}" if more else _DIVIDE,
        )
    actions_in_all = sum(len(stage["Actions"]) for stage in stages)
    if actions_in_all > MOST_ACTIONS:
        places = sum(len(environment.regions) for environment in pipeline.environments)
        what = f"{actions_in_all} actions for {len(pipeline.stacks)} stacks in {places} accounts"
        yield (
            "waves",
            f"{what} and regions, and a pipeline has {MOST_ACTIONS} at most",
            f"{_DIVIDE}, each with fewer of them",
        )


def _twice(names: t.Sequence[str]) -> str:
    return next((name for name, count in collections.Counter(names).items() if count > 1), "")


def size_problems(
    pipeline: Pipeline, foundation: Foundation, part: Part | None = None
) -> list[str]:
    """Return what is too large for IAM or CloudFormation.

    :param part: what the pipeline adds to the base template, where that is known.
    """
    regions = store_regions(pipeline, foundation.region)
    stores = [foundation.register[region] for region in regions]
    arns = [
        *action_role_arns(pipeline, foundation),
        *(f"{store['bucket_arn']}/*" for store in stores),
        *(store["bucket_arn"] for store in stores),
        *(store["key_arn"] for store in stores),
    ]
    size = len(json.dumps(arns, separators=(",", ":")))
    size += _POLICY_REST if part is None else _POLICY_BASE + _length(part.pipeline_statements)
    found = []
    if size > POLICY_LIMIT:
        found.append(
            f"{len(pipeline.account_ids)} accounts and {len(regions)} regions make a role policy of"
            f" {size} characters, and IAM takes {POLICY_LIMIT}"
        )
    resources = BASE_RESOURCES + len(part.resources if part else ())
    if resources > MOST_RESOURCES:
        found.append(
            f"its template has {resources} resources, and CloudFormation takes {MOST_RESOURCES}"
        )
    return found


def _length(statements: t.Sequence[t.Any]) -> int:
    text = json.dumps(statements, separators=(",", ":"))
    return len(text) + _REFERENCE * text.count('"Ref"')


def action_role_arns(pipeline: Pipeline, foundation: Foundation) -> list[str]:
    """Return the deploy roles that the pipeline uses."""
    names = [foundation.codepipeline_role_name, *kind_role_names(pipeline, foundation)]
    return [
        foundation.role_arn(account_id, name)
        for account_id in pipeline.account_ids
        for name in names
    ]


def longest_foundation(organisation: Organisation) -> Foundation:
    """Return a foundation with the longest possible names."""
    account_id, bucket = organisation.build_account_id, longest_bucket(organisation)
    partition = partition_of(organisation.primary_region)
    return Foundation(
        region=organisation.primary_region,
        register={
            region: {
                "key_arn": f"arn:{partition}:kms:{region}:{account_id}:key/{_KEY}",
                "bucket_arn": f"arn:{partition}:s3:::{bucket}",
                "asset_bucket_arn": f"arn:{partition}:s3:::{bucket}",
            }
            for region in organisation.regions
        },
        codepipeline_role_name=organisation.role_names["codepipeline_role_name"],
        cloudformation_role_name=organisation.role_names["cloudformation_role_name"],
    )


__all__ = (
    "BASE_RESOURCES",
    "MOST_ACTIONS",
    "MOST_INPUT_ARTIFACTS",
    "MOST_IN_STAGE",
    "MOST_RESOURCES",
    "MOST_STAGES",
    "MOST_SYNCED_ARTIFACTS",
    "POLICY_LIMIT",
    "TEMPLATE_LIMIT",
    "TRUST_LIMIT",
    "action_role_arns",
    "check_limits",
    "limit_problems",
    "longest_foundation",
    "size_problems",
)
