# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of approvals. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._organisation.model import Organisation
from .model import Pipeline
from .parameters import CONFIGURATION_LIMIT
from .problem import Problem


def approval_problems(pipeline: Pipeline, organisation: Organisation) -> Iterator[Problem]:
    """Yield what is wrong with the approvals of *pipeline*."""
    home = organisation.primary_region
    for wave in pipeline.waves:
        approval = wave.approval
        if approval is None:
            continue
        if approval.topic and approval.mail:
            yield (
                f"waves[{wave.name}].approval",
                "it has both mail and topic",
                "Let the addresses subscribe to the topic, or remove it",
            )
        length = len(approval.question(expands=pipeline.expands))
        if length > CONFIGURATION_LIMIT >= len(approval.summary):
            what = f"{length} characters with a sentence on nested stacks"
            yield (
                f"waves[{wave.name}].approval.summary",
                f"{what}, and an action takes {CONFIGURATION_LIMIT}",
                "Shorten it",
            )
        arn = parse_aws_arn(approval.topic)
        if arn and home and arn["region"] != home:
            yield (
                f"waves[{wave.name}].approval.topic",
                f"it is in {arn['region']}, and pipelines ask in {home}",
                f"Name a topic in {home}",
            )


__all__ = ("approval_problems",)
