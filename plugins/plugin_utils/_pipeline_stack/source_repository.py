# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sources add that a stage of the pipeline builds: commits and images. Pure."""

from __future__ import annotations

import json

from .._pipeline.model import Pipeline
from .._pipeline.source import CODECOMMIT, CONNECTION, ECR, Source
from .._pipeline.trigger import Trigger
from .actions import Action, repository_source
from .assets import asset_statements, asset_variables
from .build_stage import make_build_stage
from .connections import use_connection
from .foundation import Foundation
from .part import Data, Part, join
from .roles import allow, sub
from .start import make_start_rule

# What CodePipeline asks of a repository in CodeCommit:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
_CODECOMMIT_ACTIONS = (
    "codecommit:CancelUploadArchive",
    "codecommit:GetBranch",
    "codecommit:GetCommit",
    "codecommit:GetUploadArchiveStatus",
    "codecommit:UploadArchive",
)


def repository_sources(pipeline: Pipeline, foundation: Foundation) -> Part:
    """Return what the source action needs, and the rule that starts the pipeline.

    A push over a connection needs no rule: the pipeline's triggers start it.
    """
    source = pipeline.source
    if source is None or not source.action_artifact:
        return Part()
    parts = {CONNECTION: _connection, CODECOMMIT: _codecommit, ECR: _ecr}
    return join(
        [
            parts[source.type](source),
            make_build_stage(
                pipeline,
                statements=[*_fetch_statements(source), *asset_statements(pipeline, foundation)],
                variables=asset_variables(pipeline, foundation),
            ),
        ]
    )


def source_action(source: Source) -> Action:
    """Return the source action of a pipeline that builds in a stage."""
    if source.type == ECR:
        return repository_source(
            source, {"RepositoryName": source.repository, "ImageTag": source.tag}, "ECR"
        )
    form = {"OutputArtifactFormat": "CODEBUILD_CLONE_REF"} if source.clone else {}
    branch = {"BranchName": source.branch, **form}
    if source.type == CODECOMMIT:
        return repository_source(
            source,
            # Only the rule starts the pipeline.
            {"RepositoryName": source.repository, **branch, "PollForSourceChanges": "false"},
            "CodeCommit",
        )
    return repository_source(
        source,
        {
            "ConnectionArn": source.connection_arn,
            "FullRepositoryId": source.full_repository_id,
            **branch,
            # Only the triggers start the pipeline, and only they fetch exactly the pushed commit.
            "DetectChanges": "false",
        },
        "CodeStarSourceConnection",
    )


def compose_triggers(pipeline: Pipeline) -> list[Data]:
    """Return the triggers of the pipeline; none unless it has a source over a connection."""
    source = pipeline.source
    if source is None or source.type != CONNECTION:
        return []
    return [
        {
            "ProviderType": "CodeStarSourceConnection",
            "GitConfiguration": {
                "SourceActionName": source.action_artifact,
                "Push": [_filter(trigger) for trigger in source.effective_triggers],
            },
        }
    ]


def _filter(trigger: Trigger) -> Data:
    criteria = {
        "Branches": (trigger.branches, trigger.exclude_branches),
        "FilePaths": (trigger.paths, trigger.exclude_paths),
        "Tags": (trigger.tags, trigger.exclude_tags),
    }
    return {
        name: {
            **({"Includes": list(includes)} if includes else {}),
            **({"Excludes": list(excludes)} if excludes else {}),
        }
        for name, (includes, excludes) in criteria.items()
        if includes or excludes
    }


def _connection(source: Source) -> Part:
    return Part(source_statements=(use_connection(source),))


def _codecommit(source: Source) -> Part:
    arn = _repository(source)
    pattern = {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": [arn],
        "detail": {
            "event": ["referenceCreated", "referenceUpdated"],
            "referenceType": ["branch"],
            "referenceName": [source.branch],
        },
    }
    # A clone reference is made with the repository's data too.
    clone = ("codecommit:GetRepository",) if source.clone else ()
    return Part(
        resources=_start_rule(source, pattern, "COMMIT_ID", "$.detail.commitId"),
        source_statements=(allow("ReadRepository", [*_CODECOMMIT_ACTIONS, *clone], arn),),
    )


def _ecr(source: Source) -> Part:
    pattern = {
        "source": ["aws.ecr"],
        "detail-type": ["ECR Image Action"],
        "detail": {
            "action-type": ["PUSH"],
            "result": ["SUCCESS"],
            "repository-name": [source.repository],
            "image-tag": [source.tag],
        },
    }
    return Part(
        resources=_start_rule(source, pattern, "IMAGE_DIGEST", "$.detail.image-digest"),
        source_statements=(allow("FindImage", "ecr:DescribeImages", _image_repository(source)),),
    )


def _image_repository(source: Source) -> Data:
    return sub(
        "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}"
        f":repository/{source.repository}"
    )


def _fetch_statements(source: Source) -> list[Data]:
    """Return what a build needs to fetch the source itself: a clone, or the image."""
    if source.type == ECR:
        return [
            allow(
                "PullImage",
                ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                _image_repository(source),
            ),
            # GetAuthorizationToken takes no resource.
            allow("LogInToRegistry", "ecr:GetAuthorizationToken", "*"),
        ]
    if source.clone and source.type == CONNECTION:
        return [use_connection(source)]
    if source.clone:
        return [allow("CloneRepository", "codecommit:GitPull", _repository(source))]
    return []


def _repository(source: Source) -> Data:
    return sub(
        "arn:${AWS::Partition}:codecommit:${AWS::Region}:${AWS::AccountId}"
        f":{source.repository}"
    )


def _start_rule(source: Source, pattern: Data, kind: str, path: str) -> Data:
    """Return the rule that starts a release of exactly that revision."""
    revision = {
        "actionName": source.action_artifact,
        "revisionType": kind,
        "revisionValue": "<revision>",
    }
    return make_start_rule(
        pattern,
        {
            "InputPathsMap": {"revision": path},
            "InputTemplate": json.dumps({"sourceRevisions": [revision]}),
        },
    )


__all__ = ("compose_triggers", "repository_sources", "source_action")
