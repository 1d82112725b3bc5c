# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions that deploy files to S3 and images to ECS, each with the role of its kind. Pure."""

from __future__ import annotations

from .._pipeline.deploy_kinds import DeployedFiles, DeployedImages
from .._pipeline.model import Pipeline
from .._pipeline.paths import placed
from .actions import Action, Place, action_name, kind
from .foundation import Foundation


def deploy_actions(pipeline: Pipeline, foundation: Foundation, place: Place) -> list[Action]:
    """Return what is deployed to *place* in addition to stacks."""
    return [
        *(_files(files, foundation, place) for files in pipeline.s3),
        *(_images(images, foundation, place) for images in pipeline.ecs),
    ]


def kind_role_names(pipeline: Pipeline, foundation: Foundation) -> list[str]:
    """Return the roles of these actions, as deploy accounts call them."""
    kinds = (("S3", pipeline.s3), ("ECS", pipeline.ecs))
    return [_role_name(foundation, provider) for provider, entries in kinds if entries]


def _role_name(foundation: Foundation, provider: str) -> str:
    return f"{foundation.codepipeline_role_name}{provider}"


def _files(files: DeployedFiles, foundation: Foundation, place: Place) -> Action:
    environment, region = place
    bucket = placed(files.bucket, environment.host, region)
    # CannedACL is never set: whoever owns the bucket owns the files.
    given = {
        "BucketName": bucket,
        "Extract": "true" if files.extract else "false",
        "ObjectKey": files.key,
        "CacheControl": files.cache_control,
        "KMSEncryptionKeyARN": environment.bucket_keys.get(bucket, ""),
    }
    return _action("S3", files, foundation, place, given)


def _images(images: DeployedImages, foundation: Foundation, place: Place) -> Action:
    given = {
        "ClusterName": images.cluster,
        "ServiceName": images.service,
        "FileName": images.file,
        "DeploymentTimeout": str(images.timeout_minutes or ""),
    }
    return _action("ECS", images, foundation, place, given)


def _action(
    provider: str,
    entry: DeployedFiles | DeployedImages,
    foundation: Foundation,
    place: Place,
    given: dict[str, str],
) -> Action:
    environment, region = place
    return {
        "Name": action_name(environment.host, region, entry.name, provider.lower()),
        "ActionTypeId": kind("Deploy", provider),
        "Region": region,
        "RoleArn": foundation.role_arn(environment.account_id, _role_name(foundation, provider)),
        "Configuration": {key: value for key, value in given.items() if value},
        "InputArtifacts": [{"Name": entry.artifact}],
    }


__all__ = ("deploy_actions", "kind_role_names")
