# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pipeline's template: its own parts in the common base. Pure.

The base is a template with comments, and never a Jinja template. Its one substitution is a scalar
such as ``Stages: '@@ stages @@'``, which becomes data in YAML.
"""

from __future__ import annotations

import json
import re
import typing as t

from .._errors import PipelineError
from .limits import TEMPLATE_LIMIT, action_role_arns, size_problems
from .model import Pipeline
from .stages import (
    Foundation,
    compose_stages,
    compose_stores,
    source_action_name,
    store_regions,
    syncs_artifacts,
)
from .uploader import trust_statements

try:
    import yaml
except ImportError:  # Ansible itself cannot run without it
    pass

# The outputs of the primary stack that a pipeline is made with.
PRIMARY_OUTPUTS = ("ApprovalTopicArn", "BuildBucketName", "SyncArtifactsFunctionName")

_PLACE = re.compile(r"^(?P<indent> *)(?P<key>\w+): '@@ (?P<name>\w+) @@'$", re.MULTILINE)


def compose_template(pipeline: Pipeline, base: str, foundation: Foundation) -> str:
    """Return the template of *pipeline* as YAML.

    :param base: the text of ``pipeline.template``.

    Raises PipelineError when a region has no entry in the register, or a limit is passed.
    """
    _check_register(pipeline, foundation.region, foundation.register)
    values = _values(pipeline, foundation)
    text = _PLACE.sub(lambda match: _block(match, values), base)
    problems = size_problems(pipeline, foundation)
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
    pipeline: Pipeline,
    region: str,
    register: t.Mapping[str, t.Mapping[str, str]],
    primary_outputs: t.Mapping[str, str],
) -> dict[str, str]:
    """Return the parameters of the template.

    :param region: the primary region.

    Raises PipelineError when the register lacks a region, or the primary stack an output.
    """
    _check_register(pipeline, region, register)
    missing = [name for name in PRIMARY_OUTPUTS if name not in primary_outputs]
    if missing:
        raise PipelineError(
            f"pipeline {pipeline.name}: the primary stack has no output {missing[0]}",
            cure="Run the bootstrap first",
        )
    own = register[region]
    syncs = syncs_artifacts(pipeline, region)
    approves = any(wave.approval for wave in pipeline.waves)
    parameters = {
        "PipelineName": pipeline.name,
        "BuildBucketName": primary_outputs["BuildBucketName"],
        "PipelineBucketArn": own["bucket_arn"],
        "KeyArn": own["key_arn"],
        "SyncArtifactsFunctionName": primary_outputs["SyncArtifactsFunctionName"] if syncs else "",
        "ApprovalTopicArn": primary_outputs["ApprovalTopicArn"] if approves else "",
        "ExecutionMode": pipeline.execution_mode,
    }
    return {**parameters, **_source_parameters(pipeline)}


def _source_parameters(pipeline: Pipeline) -> dict[str, str]:
    source = pipeline.source
    if source is None:
        return {}
    if source.builds:
        return {
            "Repository": source.repository,
            "Branch": source.branch,
            "ConnectionArn": source.connection_arn,
            "Buildspec": source.buildspec,
            "Image": source.image,
            "ContainerType": source.container_type,
            "ComputeType": source.compute_type,
            "ForkApproval": "DISABLED" if source.forks else "FORK_PULL_REQUESTS",
        }
    if source.trigger is None:
        return {}
    return {
        "TriggerObjectKey": f"{pipeline.name}/{source.trigger.object}",
        "TriggerActionName": source_action_name(source.trigger),
    }


def _check_register(pipeline: Pipeline, region: str, register: t.Collection[str]) -> None:
    missing = [name for name in store_regions(pipeline, region) if name not in register]
    if missing:
        raise PipelineError(
            f"pipeline {pipeline.name}: region {missing[0]} is not in the register",
            cure="Run the bootstrap, so that it has a pipeline bucket and a key",
        )


def _values(pipeline: Pipeline, foundation: Foundation) -> dict[str, t.Any]:
    """Return the values that the base takes, by name."""
    stores = [foundation.register[region] for region in store_regions(pipeline, foundation.region)]
    primary, *secondary = _build_artifacts(pipeline)
    source = pipeline.source
    return {
        "artifact_stores": compose_stores(pipeline, foundation),
        "stages": compose_stages(pipeline, foundation),
        "action_role_arns": [
            {"Fn::GetAtt": ["SourceRole", "Arn"]},
            *action_role_arns(pipeline, foundation),
        ],
        "store_arns": [store["bucket_arn"] for store in stores],
        "store_object_arns": [f"{store['bucket_arn']}/*" for store in stores],
        "key_arns": [store["key_arn"] for store in stores],
        "uploader_trust": trust_statements(source.uploader) if source and source.uploader else [],
        **_connection_values(pipeline),
        "environment_variables": [
            {"Name": name, "Type": "PLAINTEXT", "Value": value}
            for name, value in (source.environment if source else {}).items()
        ],
        "primary_artifact": primary,
        "secondary_artifacts": secondary,
    }


def _build_artifacts(pipeline: Pipeline) -> list[dict[str, t.Any]]:
    """Return what CodeBuild uploads: the primary artifact, then those that a buildspec names."""
    artifacts = pipeline.source.artifacts if pipeline.source else ()
    found: list[dict[str, t.Any]] = []
    for artifact in artifacts:
        path, _slash, name = f"{pipeline.name}/{artifact.object}".rpartition("/")
        found.append(
            {
                "Type": "S3",
                "Location": {"Ref": "BuildBucketName"},
                "Path": path,
                "Name": name,
                "NamespaceType": "NONE",
                "Packaging": "ZIP",
                "OverrideArtifactName": False,
                "EncryptionDisabled": False,
                **({"ArtifactIdentifier": artifact.name} if found else {}),
            }
        )
    return found


def _connection_values(pipeline: Pipeline) -> dict[str, t.Any]:
    # A connection keeps the name of the service that it was made under, and so do its actions.
    source = pipeline.source
    arn = source.connection_arn if source else ""
    service = arn.split(":")[2] if arn else "codeconnections"
    return {
        "token_actions": [f"{service}:GetConnection", f"{service}:GetConnectionToken"],
        "use_actions": [f"{service}:UseConnection"],
        "repository_condition": {
            f"{service}:FullRepositoryId": source.full_repository_id if source else ""
        },
    }


def _block(match: re.Match[str], values: t.Mapping[str, t.Any]) -> str:
    head, value = f"{match['indent']}{match['key']}:", values[match["name"]]
    if not value:
        return f"{head} {json.dumps(value)}"
    # By way of JSON: plain types, and no object twice, which YAML would write as an alias.
    plain = json.loads(json.dumps(value))
    text = yaml.dump(
        plain, Dumper=_dumper(), default_flow_style=False, sort_keys=False, width=10_000
    )
    lines = "\n".join(f"{match['indent']}  {line}" for line in text.rstrip("\n").split("\n"))
    return f"{head}\n{lines}"


def _dumper() -> t.Any:
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)


__all__ = (
    "PRIMARY_OUTPUTS",
    "compose_parameters",
    "compose_template",
)
