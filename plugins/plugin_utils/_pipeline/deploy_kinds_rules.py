# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of files and images that a pipeline deploys. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._fields import suggestion
from .._organisation.model import Host, Organisation
from .model import Environment, Pipeline
from .paths import placed
from .problem import Problem

_LONGEST_NAME = 64  # of a role


def deploy_kind_problems(pipeline: Pipeline, organisation: Organisation) -> Iterator[Problem]:
    """Yield what is wrong with the files and images of *pipeline*."""
    yield from _artifact_problems(pipeline)
    for files in pipeline.s3:
        if not files.extract and not files.key:
            yield (
                f"s3[{files.name}].key",
                "is not set, and without extract the object needs a name",
                "Set it",
            )
    role = organisation.role_names["codepipeline_role_name"]
    for kind in ("s3", "ecs"):
        if getattr(pipeline, kind) and len(role) + len(kind) > _LONGEST_NAME:
            name = f"{role}{kind.upper()}"
            what = f"its role {name} has {len(name)} characters, over the limit of {_LONGEST_NAME}"
            yield (kind, what, "Shorten codepipeline_role_name")
    for environment in pipeline.environments:
        host = organisation.hosts.get(environment.host)
        if host and not host.is_absent:
            yield from _bucket_problems(pipeline, environment, host)
            yield from _service_problems(pipeline, environment, host)


def _artifact_problems(pipeline: Pipeline) -> Iterator[Problem]:
    made = set(pipeline.source.artifact_names) if pipeline.source else set()
    makes = ", ".join(sorted(made))
    named = [(f"s3[{files.name}]", files.artifact) for files in pipeline.s3]
    named += [(f"ecs[{images.name}]", images.artifact) for images in pipeline.ecs]
    for where, artifact in named:
        if made and artifact not in made:
            yield (
                f"{where}.artifact",
                f"no artifact is called {artifact}; the source makes {makes}",
                suggestion(artifact, made) or "Add it to source.artifacts, or correct the name",
            )


def _bucket_problems(pipeline: Pipeline, environment: Environment, host: Host) -> Iterator[Problem]:
    listed = dict(host.buckets)
    for files in pipeline.s3:
        field = f"s3[{files.name}].bucket"
        buckets = [placed(files.bucket, host.name, region) for region in environment.regions]
        if len(set(buckets)) < len(buckets):
            yield (
                field,
                f"{buckets[0]} is one bucket for {len(buckets)} regions of {host.name}",
                "Put {region} into its name, or deploy to one region",
            )
        for bucket in dict.fromkeys(buckets):
            if bucket not in listed:
                yield (
                    field,
                    f"{host.name} does not list bucket {bucket}",
                    suggestion(bucket, listed)
                    or "Add it to deploy_account_buckets of the host, or correct the name",
                )


def _service_problems(
    pipeline: Pipeline, environment: Environment, host: Host
) -> Iterator[Problem]:
    for images in pipeline.ecs:
        service = f"{images.cluster}/{images.service}"
        if service not in host.services:
            yield (
                f"ecs[{images.name}].service",
                f"{environment.host} does not list service {service}",
                suggestion(service, host.services)
                or "Add it to deploy_account_services of the host, or correct the name",
            )


__all__ = ("deploy_kind_problems",)
