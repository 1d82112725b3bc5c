# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How builds of a pipeline reach the asset buckets, for tools such as CDK and SAM. Pure."""

from __future__ import annotations

import json
import typing as t

from .._pipeline.model import Pipeline
from .foundation import Foundation
from .part import Data
from .roles import allow, use_keys_of_regions

ASSETS_VARIABLE = "CROSSACCOUNT_ASSETS"


def asset_variables(pipeline: Pipeline, foundation: Foundation) -> list[Data]:
    """Return the variable of projects that says where the assets of each region go.

    It maps each region that is deployed to to ``bucket``, ``prefix`` and ``key_arn``.
    """
    regions = {
        region: {
            "bucket": foundation.asset_bucket_arn(region).rpartition(":")[2],
            "prefix": f"{pipeline.name}/",
            "key_arn": foundation.register[region]["key_arn"],
        }
        for region in _regions(pipeline, foundation)
    }
    value = json.dumps(regions, separators=(",", ":"))
    return [{"Name": ASSETS_VARIABLE, "Type": "PLAINTEXT", "Value": value}]


def asset_statements(pipeline: Pipeline, foundation: Foundation) -> list[Data]:
    """Return what builds need to upload assets of the pipeline, and to see which are there.

    The key of the primary region is not among it: whatever builds may use it already.
    """
    regions = _regions(pipeline, foundation)
    buckets = [foundation.asset_bucket_arn(region) for region in regions]
    keys = [
        foundation.register[region]["key_arn"] for region in regions if region != foundation.region
    ]
    found: list[t.Any] = []
    if buckets:
        found += [
            # GetObject: a tool asks for an object's head before it uploads it.
            allow(
                "UploadAssets",
                ["s3:GetObject", "s3:PutObject"],
                [f"{bucket}/{pipeline.name}/*" for bucket in buckets],
            ),
            allow(
                "ListAssets",
                "s3:ListBucket",
                buckets,
                StringLike={"s3:prefix": f"{pipeline.name}/*"},
            ),
            allow("FindAssetBuckets", "s3:GetBucketLocation", buckets),
        ]
    if keys:
        # Decrypt: S3 reads the parts of a multipart upload before it joins them.
        found.append(use_keys_of_regions("EncryptAssets", keys))
    return found


def _regions(pipeline: Pipeline, foundation: Foundation) -> list[str]:
    """Return the regions that are deployed to and have an asset bucket."""
    return [region for region in pipeline.regions if foundation.asset_bucket_arn(region)]


__all__ = ("ASSETS_VARIABLE", "asset_statements", "asset_variables")
