# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for source actions of repositories and registries, and for V2 triggers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Data = dict[str, Any]

CONNECTION, CODECOMMIT, ECR, S3 = "CodeStarSourceConnection", "CodeCommit", "ECR", "S3"
CODE_ZIP, CLONE = "CODE_ZIP", "CODEBUILD_CLONE_REF"

# The configuration that each provider must and may have:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html
SETTINGS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    CONNECTION: (
        frozenset({"ConnectionArn", "FullRepositoryId", "BranchName"}),
        frozenset({"OutputArtifactFormat", "DetectChanges"}),
    ),
    CODECOMMIT: (
        frozenset({"RepositoryName", "BranchName"}),
        frozenset({"OutputArtifactFormat", "PollForSourceChanges"}),
    ),
    ECR: (frozenset({"RepositoryName"}), frozenset({"ImageTag"})),
}
# The revisions that a start may name, by the source's provider (API reference,
# SourceRevisionOverride).
REVISIONS = {
    CODECOMMIT: ("COMMIT_ID",),
    CONNECTION: ("COMMIT_ID",),
    ECR: ("IMAGE_DIGEST",),
    S3: ("S3_OBJECT_KEY", "S3_OBJECT_VERSION_ID"),
}
CONNECTION_ARN = re.compile(
    r"arn:aws[\w-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[\w-]+"
)
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_MOST_TRIGGERS, _MOST_FILTERS, _MOST_PATTERNS = 50, 3, 8


def value_problems(action: Data) -> Iterator[str]:
    """Values that a source action does not take."""
    name, given = action["name"], action.get("configuration", {})
    chosen = given.get("OutputArtifactFormat", CODE_ZIP)
    if chosen not in (CODE_ZIP, CLONE):
        yield f"OutputArtifactFormat of {name} is {CODE_ZIP} or {CLONE}, not {chosen}"
    for key in ("DetectChanges", "PollForSourceChanges"):
        if given.get(key, "true").lower() not in ("true", "false"):
            yield f"{key} of {name} is true or false"
    if action["actionTypeId"]["provider"] != CONNECTION:
        return
    if not CONNECTION_ARN.fullmatch(given.get("ConnectionArn", "")):
        yield f"ConnectionArn of {name} is not the ARN of a connection"
    if "/" not in given.get("FullRepositoryId", ""):
        yield f"FullRepositoryId of {name} needs the owner and the name of a repository"


def passed_connections(stages: list[Data]) -> list[tuple[str, str]]:
    """The connections that stages name, each with the permission to pass it to a service.

    stages: of a declaration, or of a template. The ARN of a connection has the name that the
    service had when it was created, and so have its permissions.
    https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html
    """
    actions = [
        action for stage in stages for action in stage.get("actions") or stage.get("Actions") or ()
    ]
    settings = [each.get("configuration") or each.get("Configuration") or {} for each in actions]
    given = (each.get("ConnectionArn", "") for each in settings)
    found = {arn for arn in given if CONNECTION_ARN.fullmatch(arn)}
    return [(arn, f"{arn.split(':')[2]}:PassConnection") for arn in sorted(found)]


def trigger_problems(pipeline: Data) -> Iterator[str]:
    """Triggers that CodePipeline refuses.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-filter.html
    """
    triggers = pipeline.get("triggers", [])
    if triggers and pipeline.get("pipelineType", "V1") != "V2":
        yield "Triggers are for pipelines of type V2"
    if len(triggers) > _MOST_TRIGGERS:
        yield f"A pipeline has at most {_MOST_TRIGGERS} triggers"
    sources = {
        action["name"]: action["actionTypeId"]["provider"]
        for action in pipeline["stages"][0]["actions"]
    }
    names = [trigger["gitConfiguration"]["sourceActionName"] for trigger in triggers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"Source action {name} has more than one trigger configuration"
    for trigger in triggers:
        git = trigger["gitConfiguration"]
        name = git["sourceActionName"]
        if sources.get(name) != CONNECTION:
            yield f"The trigger's source action {name} is no {CONNECTION} action of the pipeline"
        for kind in ("push", "pullRequest"):
            if len(git.get(kind, [])) > _MOST_FILTERS:
                yield f"The trigger of {name} has more than {_MOST_FILTERS} filters for {kind}"
        for item in (*git.get("push", []), *git.get("pullRequest", [])):
            yield from _filter_problems(item, name)


def _filter_problems(item: Data, name: str) -> Iterator[str]:
    given = {key for key in ("tags", "branches", "filePaths") if key in item}
    if "tags" in given and len(given) > 1:
        yield f"A trigger filter of {name} has tags with {', '.join(sorted(given - {'tags'}))}"
    elif given == {"filePaths"}:
        yield f"A trigger filter of {name} has file paths without branches"
    elif not given and "events" not in item:
        yield f"A trigger filter of {name} is empty"
    for key in sorted(given):
        if not item[key].get("includes") and not item[key].get("excludes"):
            yield f"A trigger filter of {name} has {key} without a pattern"
        if any(len(patterns) > _MOST_PATTERNS for patterns in item[key].values()):
            yield f"A trigger filter of {name} has over {_MOST_PATTERNS} patterns for {key}"


__all__ = (
    "CLONE",
    "CODECOMMIT",
    "CODE_ZIP",
    "CONNECTION",
    "CONNECTION_ARN",
    "ECR",
    "REVISIONS",
    "S3",
    "SETTINGS",
    "passed_connections",
    "trigger_problems",
    "value_problems",
)
