# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project that builds pull requests. Pure."""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .._pipeline.source import CODEBUILD, CONNECTION, Source
from .assets import asset_variables
from .buildspec import compose_buildspec
from .connections import get_tokens
from .foundation import Foundation
from .part import Data, Part
from .project import make_project

_EVENTS = ("PULL_REQUEST_CREATED", "PULL_REQUEST_UPDATED")
_REOPENED = "PULL_REQUEST_REOPENED"


def pull_requests(pipeline: Pipeline, foundation: Foundation) -> Part:
    """Return the project that builds pull requests.

    Nobody has reviewed them: their code chooses the buildspec, and may use whatever the role may.
    So it reaches no bucket and no key, and cannot start a pipeline.
    """
    source = pipeline.source
    if source is None or source.type not in (CODEBUILD, CONNECTION) or not source.pull_requests:
        return Part()
    provider = source.git_provider
    if provider is None:  # the rules report it
        return Part()
    build = pipeline.build.for_pull_requests
    events = (*_EVENTS, *([_REOPENED] if provider.reopens else []))
    resources = make_project(
        "PullRequest",
        "pull-request",
        "Builds pull requests of ${PipelineName}",
        build,
        pipeline=pipeline.name,
        source=repository(source, compose_buildspec(build)),
        properties={
            "Triggers": {
                "Webhook": True,
                # CodeBuild cannot filter forks. Instead, a fork's pull request is built only after
                # somebody who may push to the repository has approved that commit in a comment.
                "PullRequestBuildPolicy": {
                    "RequiresCommentApproval": "DISABLED" if source.forks else "FORK_PULL_REQUESTS",
                    "ApproverRoles": list(provider.approver_roles),
                },
                "FilterGroups": [webhook_filter(", ".join(events), "BASE_REF", source.branch)],
            },
            "Artifacts": {"Type": "NO_ARTIFACTS"},
        },
        statements=get_tokens(source),
        is_bounded=False,
        # What a release learns, so that the same commands work; it may not upload.
        variables=asset_variables(pipeline, foundation),
    )
    return Part(resources=resources)


def repository(source: Source, buildspec: str) -> Data:
    """Return the source of a project that webhooks start."""
    return {
        "Type": source.git_provider.source_type if source.git_provider else "GITHUB",
        "Location": source.repository,
        "GitCloneDepth": 1,
        "BuildSpec": buildspec,
        "ReportBuildStatus": True,
        "Auth": {"Type": "CODECONNECTIONS", "Resource": source.connection_arn}
        if source.connection_arn
        else {"Type": "OAUTH"},
    }


def webhook_filter(events: str, reference: str, branch: str) -> list[Data]:
    """Return the filter of a webhook: *events* on *branch* alone."""
    escaped = branch.replace(".", "[.]")
    return [
        {"Type": "EVENT", "Pattern": events},
        {"Type": reference, "Pattern": f"^refs/heads/{escaped}$"},
    ]


__all__ = ("pull_requests", "repository", "webhook_filter")
