# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pipeline's template: the base, and the parts that the pipeline needs. Pure.

The base is a template with comments, and never a Jinja template.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from .._errors import PipelineError
from .._pipeline.model import Pipeline
from .._stack.template import insert_code
from .foundation import Foundation, compose_stores, store_regions
from .limits import TEMPLATE_LIMIT, action_role_arns, size_problems
from .parts import compose_part
from .places import fill_places
from .source_repository import compose_triggers
from .stages import compose_stages

# The outputs of the primary stack that a pipeline may be made with.
PRIMARY_OUTPUTS = (
    "BuildBucketName",
    "ApprovalTopicArn",
    "ChatTopicArn",
    "NotificationTopicArn",
    "SyncArtifactsFunctionName",
)

# Where the code of functions is.
_FILES = Path(__file__).parents[3] / "roles" / "pipeline" / "files"


def compose_template(pipeline: Pipeline, base: str, foundation: Foundation) -> str:
    """Return the template of *pipeline* as YAML.

    :param base: the text of ``pipeline.template``.

    Raises PipelineError when a region has no entry in the register, or a limit is passed.
    """
    _check_register(pipeline, foundation.region, foundation.register)
    values = _values(pipeline, foundation)
    text = insert_code(fill_places(base, values), _FILES)
    problems = size_problems(pipeline, foundation, compose_part(pipeline, foundation))
    if len(text) > TEMPLATE_LIMIT:
        problems.append(
            f"its template has {len(text)} bytes, more than the {TEMPLATE_LIMIT} that"
            " CloudFormation takes"
        )
    if problems:
        raise PipelineError(
            f"pipeline {pipeline.name}: {'; '.join(problems)}", cure="Divide it into two pipelines"
        )
    return text


def compose_parameters(
    pipeline: Pipeline, foundation: Foundation, primary_outputs: t.Mapping[str, str]
) -> dict[str, str]:
    """Return the parameters of the template.

    Raises PipelineError when the register lacks a region, or the primary stack an output.
    """
    _check_register(pipeline, foundation.region, foundation.register)
    names = compose_part(pipeline, foundation).primary_outputs
    missing = [name for name in names if name not in primary_outputs]
    if missing:
        raise PipelineError(
            f"pipeline {pipeline.name}: the primary stack has no output {missing[0]}",
            cure="Run the bootstrap first",
        )
    own = foundation.register[foundation.region]
    return {
        "PipelineName": pipeline.name,
        "PipelineBucketArn": own["bucket_arn"],
        "KeyArn": own["key_arn"],
        **{name: primary_outputs[name] for name in names},
    }


def _check_register(pipeline: Pipeline, region: str, register: t.Collection[str]) -> None:
    missing = [name for name in store_regions(pipeline, region) if name not in register]
    if missing:
        raise PipelineError(
            f"pipeline {pipeline.name}: region {missing[0]} is not in the register",
            cure="Run the bootstrap, so that it has a pipeline bucket and a key",
        )


def _values(pipeline: Pipeline, foundation: Foundation) -> dict[str, t.Any]:
    """Return the values of the base's places, by name."""
    stores = [foundation.register[region] for region in store_regions(pipeline, foundation.region)]
    part = compose_part(pipeline, foundation)
    triggers = compose_triggers(pipeline)
    return {
        "artifact_stores": compose_stores(pipeline, foundation),
        "stages": compose_stages(pipeline, foundation),
        "triggers": {"Triggers": triggers} if triggers else {},
        "execution_mode": pipeline.execution_mode,
        "action_role_arns": [
            {"Fn::GetAtt": ["SourceRole", "Arn"]},
            *action_role_arns(pipeline, foundation),
        ],
        "store_arns": [store["bucket_arn"] for store in stores],
        "store_object_arns": [f"{store['bucket_arn']}/*" for store in stores],
        "key_arns": [store["key_arn"] for store in stores],
        "parameters": {
            name: {"Type": "String", "Description": f"Output {name} of the primary stack."}
            for name in part.primary_outputs
        },
        "pipeline_statements": list(part.pipeline_statements),
        "source_statements": list(part.source_statements),
        "resources": part.resources,
        "outputs": part.outputs,
    }


__all__ = (
    "PRIMARY_OUTPUTS",
    "compose_parameters",
    "compose_template",
)
