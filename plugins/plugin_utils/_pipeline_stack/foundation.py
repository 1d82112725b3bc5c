# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pipeline depends on: roles of its accounts, buckets and keys of its regions. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._pipeline.model import LAMBDA, Pipeline


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foundation:
    """What a pipeline depends on.

    :param region: the primary region, where the pipeline itself is.
    :param register: region to ``key_arn``, ``bucket_arn`` and ``asset_bucket_arn``, the primary
        region's among them.
    """

    region: str
    register: t.Mapping[str, t.Mapping[str, str]]
    codepipeline_role_name: str
    cloudformation_role_name: str

    @property
    def partition(self) -> str:
        """The partition that everything is in."""
        return self.register[self.region]["key_arn"].split(":")[1]

    def bucket_name(self, region: str) -> str:
        """Return the pipeline bucket of *region*."""
        return self.register[region]["bucket_arn"].rpartition(":")[2]

    def asset_bucket_arn(self, region: str) -> str:
        """Return the asset bucket of *region*; empty while it has none."""
        return self.register[region].get("asset_bucket_arn", "")

    def role_arn(self, account_id: str, role_name: str) -> str:
        """Return the ARN of a role of a deploy account."""
        return f"arn:{self.partition}:iam::{account_id}:role/{role_name}"


def store_regions(pipeline: Pipeline, region: str) -> list[str]:
    """Return the regions that need an artifact store, the pipeline's own included."""
    return sorted({region, *pipeline.regions})


def compose_stores(pipeline: Pipeline, foundation: Foundation) -> list[dict[str, t.Any]]:
    """Return the artifact stores, by region."""
    return [
        {
            "Region": region,
            "ArtifactStore": {
                "Type": "S3",
                "Location": foundation.bucket_name(region),
                # By ARN: an id or alias would mean a key of the caller's account.
                "EncryptionKey": {"Type": "KMS", "Id": foundation.register[region]["key_arn"]},
            },
        }
        for region in store_regions(pipeline, foundation.region)
    ]


def syncs_artifacts(pipeline: Pipeline, region: str) -> bool:
    """Return whether the pipeline has a stage that copies artifacts to other regions."""
    return pipeline.artifact_sync == LAMBDA and bool(set(pipeline.regions) - {region})


__all__ = ("Foundation", "compose_stores", "store_regions", "syncs_artifacts")
