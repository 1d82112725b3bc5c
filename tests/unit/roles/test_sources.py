# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources that a stage builds: what starts the pipeline, and what each role may do for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_parameters,
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.unit.roles.templates import BASE, resolve_template
from tools import sample_pipelines
from tools.sample_pipelines import PRIMARY_OUTPUTS, SAMPLES, foundation

Data = dict[str, Any]

CONNECTION = sample_pipelines.hello()["source"]["connection_arn"]


def composed(sample: str, **source: Any) -> Data:
    """The resources of a pipeline with this source."""
    data = SAMPLES[sample]()
    data["source"] |= source
    [read] = sample_pipelines.read(data)
    text = compose_template(read, BASE.read_text("ascii"), foundation())
    parameters = compose_parameters(read, foundation(), PRIMARY_OUTPUTS)
    return resolve_template(parse(text), **parameters)


def pushes(**source: Any) -> list[Data]:
    """The filters of a connection's trigger."""
    [trigger] = composed("connected", **source)["Pipeline"]["Properties"]["Triggers"]
    assert trigger["GitConfiguration"]["SourceActionName"] == "source"
    found: list[Data] = trigger["GitConfiguration"]["Push"]
    return found


def allowed(resources: Data, role: str) -> dict[str, Data]:
    """The statements of a role, by their actions."""
    [policy] = resources[role]["Properties"]["Policies"]
    return {
        action: statement
        for statement in policy["PolicyDocument"]["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }


@pytest.mark.parametrize(
    ("triggers", "filters"),
    [
        ([], [{"Branches": {"Includes": ["main"]}}]),
        (
            [{"paths": ["src/**"], "exclude_paths": ["**/*.md"]}],
            [
                {
                    "Branches": {"Includes": ["main"]},
                    "FilePaths": {"Includes": ["src/**"], "Excludes": ["**/*.md"]},
                }
            ],
        ),
        (
            [{"branches": ["release/*"], "exclude_branches": ["release/0*"]}, {"tags": ["v*"]}],
            [
                {"Branches": {"Includes": ["release/*"], "Excludes": ["release/0*"]}},
                {"Tags": {"Includes": ["v*"]}},
            ],
        ),
    ],
)
def test_a_push_starts_by_a_filter_alone(triggers: list[Data], filters: list[Data]) -> None:
    assert pushes(triggers=triggers) == filters


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
@pytest.mark.parametrize("clone", [False, True])
def test_a_connection_is_used_for_one_repository(service: str, clone: bool) -> None:
    arn = CONNECTION.replace("codeconnections", service)
    resources = composed("connected", connection_arn=arn, clone=clone)

    action = resources["Pipeline"]["Properties"]["Stages"][0]["Actions"][0]
    assert action["Configuration"]["DetectChanges"] == "false"
    assert (action["Configuration"].get("OutputArtifactFormat") is not None) is clone
    only = {"StringEquals": {f"{service}:FullRepositoryId": "example/group/connected"}}
    for role in ("SourceRole", *(["ReleaseRole"] if clone else [])):
        assert allowed(resources, role)[f"{service}:UseConnection"]["Condition"] == only
    if not clone:
        assert f"{service}:UseConnection" not in allowed(resources, "ReleaseRole")
    for role in ("SourceRole", "ReleaseRole"):
        assert f"{service}:GetConnectionToken" not in allowed(resources, role)


@pytest.mark.parametrize(
    ("address", "provider", "kind", "roles", "events"),
    [
        ("https://github.com/example/hello", "", "GITHUB", "GITHUB_WRITE", 3),
        (
            "https://git.example.com/e/h",
            "github_enterprise",
            "GITHUB_ENTERPRISE",
            "GITHUB_WRITE",
            3,
        ),
        ("https://gitlab.com/example/hello", "", "GITLAB", "GITLAB_DEVELOPER", 3),
        (
            "https://git.example.com/e/h",
            "gitlab_self_managed",
            "GITLAB_SELF_MANAGED",
            "GITLAB_DEVELOPER",
            3,
        ),
        ("https://bitbucket.org/example/hello", "", "BITBUCKET", "BITBUCKET_WRITE", 2),
    ],
)
def test_pull_requests_are_built_for_every_provider(
    address: str, provider: str, kind: str, roles: str, events: int
) -> None:
    resources = composed("connected", repository=address, provider=provider or None)
    found = resources["PullRequestProject"]["Properties"]

    assert (found["Source"]["Type"], found["Source"]["Location"]) == (kind, address)
    assert found["Source"]["Auth"] == {"Type": "CODECONNECTIONS", "Resource": CONNECTION}
    policy = found["Triggers"]["PullRequestBuildPolicy"]
    assert policy["RequiresCommentApproval"] == "FORK_PULL_REQUESTS"
    assert policy["ApproverRoles"][0] == roles
    [[event, base]] = found["Triggers"]["FilterGroups"]
    assert len(event["Pattern"].split(",")) == events
    assert base == {"Type": "BASE_REF", "Pattern": "^refs/heads/main$"}
    assert not [
        action
        for action in allowed(resources, "PullRequestRole")
        if action.startswith(("s3:", "kms:", "codepipeline:"))
    ]


def test_pull_requests_may_be_left_alone() -> None:
    assert "PullRequestProject" not in composed("cloned")


@pytest.mark.parametrize("sample", ["connected", "committed", "imaged"])
def test_what_a_stage_builds_needs_no_build_bucket(sample: str) -> None:
    resources = composed(sample)

    for name in ("SourceRole", "ReleaseRole"):
        assert PRIMARY_OUTPUTS["BuildBucketName"] not in json.dumps(resources[name])


@pytest.mark.parametrize(
    ("sample", "detail", "revision"),
    [
        (
            "committed",
            {"referenceType": ["branch"], "referenceName": ["main"]},
            ("COMMIT_ID", "$.detail.commitId"),
        ),
        (
            "imaged",
            {"repository-name": ["team/hello"], "image-tag": ["release"]},
            ("IMAGE_DIGEST", "$.detail.image-digest"),
        ),
    ],
)
def test_an_event_starts_a_release_of_its_revision(
    sample: str, detail: Data, revision: tuple[str, str]
) -> None:
    rule = composed(sample)["StartRule"]["Properties"]

    assert detail.items() <= rule["EventPattern"]["detail"].items()
    transformer = rule["Targets"][0]["InputTransformer"]
    [start] = json.loads(transformer["InputTemplate"])["sourceRevisions"]
    assert (start["revisionType"], transformer["InputPathsMap"]["revision"]) == revision
    action = composed(sample)["Pipeline"]["Properties"]["Stages"][0]["Actions"][0]
    assert start["actionName"] == action["Name"]
