# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule that starts a pipeline, with its role. Pure."""

from __future__ import annotations

from .part import Data
from .roles import PIPELINE_ARN, allow, attribute, make_role, sub, trusts_service


def make_start_rule(pattern: Data, input_transformer: Data | None = None) -> Data:
    """Return the resources of the rule that starts the pipeline.

    :param pattern: the events that start it.
    :param input_transformer: what of the event the release takes; nothing by default.
    """
    target = {
        "Id": "Pipeline",
        "Arn": sub(
            "arn:${AWS::Partition}:codepipeline:${AWS::Region}:${AWS::AccountId}:${Pipeline}"
        ),
        "RoleArn": attribute("StartRole"),
    }
    if input_transformer:
        target["InputTransformer"] = input_transformer
    return {
        **make_rule("Starts the pipeline of ${PipelineName}", pattern, target),
        "StartRole": make_role(
            "start",
            "Starts the pipeline of ${PipelineName}",
            trust=[
                trusts_service(
                    "events",
                    "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
                    ":rule/${PipelineName}-start",
                    account=True,
                )
            ],
            policy="Start",
            statements=[start_pipeline()],
        ),
    }


def start_pipeline() -> Data:
    """Return the statement that lets a role start the pipeline."""
    return allow("StartPipeline", "codepipeline:StartPipelineExecution", PIPELINE_ARN)


def make_rule(description: str, pattern: Data, target: Data) -> Data:
    """Return the rule ``<pipeline>-start`` alone."""
    return {
        "StartRule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": sub("${PipelineName}-start"),
                "Description": sub(description),
                "State": "ENABLED",
                "EventPattern": pattern,
                "Targets": [target],
            },
        }
    }


__all__ = ("make_rule", "make_start_rule", "start_pipeline")
