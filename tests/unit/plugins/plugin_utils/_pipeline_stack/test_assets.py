# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What builds learn of the asset buckets, and what they may do there."""

from __future__ import annotations

import dataclasses
import json

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.assets import (
    asset_statements,
    asset_variables,
)

from tools import sample_pipelines

PIPELINE = sample_pipelines.pipeline("hello")
FOUNDATION = sample_pipelines.foundation()
BUCKET = "crossaccountregional-assetbucket-"


def test_a_build_learns_where_the_assets_of_each_region_go() -> None:
    [variable] = asset_variables(PIPELINE, FOUNDATION)
    found = json.loads(variable["Value"])

    assert variable["Name"] == "CROSSACCOUNT_ASSETS"
    assert sorted(found) == PIPELINE.regions
    assert found["eu-west-1"] == {
        "bucket": f"{BUCKET}000000000001",
        "prefix": "hello/",
        "key_arn": FOUNDATION.register["eu-west-1"]["key_arn"],
    }


def test_a_region_without_an_asset_bucket_is_left_out() -> None:
    register = {**FOUNDATION.register}
    register["eu-west-1"] = {**register["eu-west-1"], "asset_bucket_arn": ""}
    foundation = dataclasses.replace(FOUNDATION, register=register)

    [variable] = asset_variables(PIPELINE, foundation)

    assert "eu-west-1" not in json.loads(variable["Value"])
    assert "000000000001" not in json.dumps(asset_statements(PIPELINE, foundation))
