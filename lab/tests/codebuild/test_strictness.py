# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects and builds.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

from typing import Any

import pytest

from lab import Lab
from lab.tests.release_templates import (
    ACCOUNT,
    CONNECTION,
    LOGS,
    REGION,
    Events,
    create,
    failure,
    role,
    uploaded,
    with_project,
)
from lab.tests.stacks import (
    Stacks,
    eventually,
    reasons,
    refused,
    update,
)


@pytest.fixture
def account() -> str:
    return ACCOUNT


def stored(lab: Lab, name: str) -> dict[str, Any]:
    """What CodeBuild says of a project."""
    projects = lab.client("codebuild", ACCOUNT).batch_get_projects(names=[name])["projects"]
    found: dict[str, Any] = projects[0]
    return found


def finished(lab: Lab, build_id: str) -> dict[str, Any]:
    client = lab.client("codebuild", ACCOUNT)
    build: dict[str, Any] = eventually(
        lambda: next(
            (one for one in client.batch_get_builds(ids=[build_id])["builds"] if "endTime" in one),
            None,
        )
    )
    return build


# Projects


def test_a_project_has_all_its_properties(lab: Lab, stacks: Stacks, name: str) -> None:
    template = with_project(
        name,
        Artifacts=uploaded("application.zip", "a-bucket"),
        SecondaryArtifacts=[uploaded("function.zip", "a-bucket", ArtifactIdentifier="function")],
        ConcurrentBuildLimit=1,
        LogsConfig={"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "a-group"}},
        Triggers={
            "Webhook": True,
            "FilterGroups": [[{"Type": "EVENT", "Pattern": "PUSH"}]],
            "PullRequestBuildPolicy": {"RequiresCommentApproval": "FORK_PULL_REQUESTS"},
        },
    )
    assert create(stacks, template) == "CREATE_COMPLETE"
    found = stored(lab, name)
    assert found["secondaryArtifacts"][0]["artifactIdentifier"] == "function"
    assert found["concurrentBuildLimit"] == 1
    assert found["logsConfig"]["cloudWatchLogs"]["groupName"] == "a-group"
    assert found["webhook"]["filterGroups"] == [[{"type": "EVENT", "pattern": "PUSH"}]]
    policy = found["webhook"]["pullRequestBuildPolicy"]
    assert policy == {"requiresCommentApproval": "FORK_PULL_REQUESTS"}


def test_an_update_changes_and_drops_what_the_template_changes(
    lab: Lab, stacks: Stacks, name: str
) -> None:
    secondary = [uploaded("function.zip", "a-bucket", ArtifactIdentifier="function")]
    first = with_project(name, SecondaryArtifacts=secondary, ConcurrentBuildLimit=1)
    assert create(stacks, first) == "CREATE_COMPLETE"
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one"
    assert update(stacks, with_project(name, EncryptionKey=key)) == "UPDATE_COMPLETE"
    found = stored(lab, name)
    assert found["encryptionKey"] == key
    assert found["secondaryArtifacts"] == []
    assert "concurrentBuildLimit" not in found


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"ServiceRole": f"arn:aws:iam::{ACCOUNT}:role/none"}, "is not authorized to perform"),
        ({"Artefacts": {}}, r"extraneous key \[Artefacts\]"),
        ({"Artifacts": {"Type": "S3"}}, "S3 artifacts need a location"),
        ({"SecondaryArtifacts": [uploaded("f", "b")]}, "an identifier of its own"),
        ({"TimeoutInMinutes": 1}, "timeoutInMinutes"),
    ],
    ids=["role", "property", "bucket", "identifier", "limit"],
)
def test_a_project_that_cannot_be_is_refused(
    stacks: Stacks, name: str, properties: dict[str, Any], message: str
) -> None:
    assert create(stacks, with_project(name, **properties)) == "ROLLBACK_COMPLETE"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(reasons(stacks))


def test_a_role_of_another_project_is_refused(stacks: Stacks, name: str) -> None:
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/another"
    template = with_project(name, role("codebuild", LOGS, source_arn=arn))
    assert create(stacks, template) == "ROLLBACK_COMPLETE"
    assert "sts:AssumeRole on service role" in reasons(stacks)


def test_a_webhook_by_a_connection_needs_the_role_to_use_it(stacks: Stacks, name: str) -> None:
    source = {
        "Type": "GITHUB",
        "Location": "https://github.com/example/hello.git",
        "Auth": {"Type": "CODECONNECTIONS", "Resource": CONNECTION},
    }
    template = with_project(name, Source=source, Triggers={"Webhook": True})
    assert create(stacks, template) == "ROLLBACK_COMPLETE"
    assert "Access denied to connection" in reasons(stacks)
    assert "codeconnections:UseConnection" in reasons(stacks)


# Builds


def test_a_build_without_files_fails(lab: Lab, stacks: Stacks, name: str) -> None:
    template = with_project(name, Artifacts=uploaded("application.zip", "a-bucket"))
    assert create(stacks, template) == "CREATE_COMPLETE"
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    build = finished(lab, started["id"])
    assert build["buildStatus"] == "FAILED"
    assert "no matching artifact paths found" in failure(build)


def test_a_build_without_a_log_fails(lab: Lab, stacks: Stacks, name: str) -> None:
    assert create(stacks, with_project(name, role("codebuild"))) == "CREATE_COMPLETE"
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    assert "logs:CreateLogStream" in failure(finished(lab, started["id"]))


def test_a_build_needs_its_connection(lab: Lab, stacks: Stacks, name: str) -> None:
    source = {
        "Type": "GITHUB",
        "Location": "https://github.com/example/hello.git",
        "Auth": {"Type": "CODECONNECTIONS", "Resource": CONNECTION},
    }
    assert create(stacks, with_project(name, Source=source)) == "CREATE_COMPLETE"
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    assert failure(finished(lab, started["id"])).startswith("DOWNLOAD_SOURCE: ACCESS_DENIED")


def test_builds_beyond_the_limit_are_refused(lab: Lab, stacks: Stacks, name: str) -> None:
    assert create(stacks, with_project(name, ConcurrentBuildLimit=1)) == "CREATE_COMPLETE"
    client = lab.client("codebuild", ACCOUNT)

    def start_many() -> None:
        for _unused in range(10):
            client.start_build(projectName=name)

    assert refused(start_many).startswith("AccountLimitExceededException")


def test_builds_are_listed_by_their_numbers(lab: Lab, stacks: Stacks, name: str) -> None:
    assert create(stacks, with_project(name)) == "CREATE_COMPLETE"
    client = lab.client("codebuild", ACCOUNT)
    builds = [client.start_build(projectName=name)["build"] for _number in range(3)]
    assert [build["buildNumber"] for build in builds] == [1, 2, 3]
    newest_first = [build["id"] for build in reversed(builds)]
    assert client.list_builds_for_project(projectName=name)["ids"] == newest_first


def test_the_ends_of_builds_are_events(lab: Lab, stacks: Stacks, name: str) -> None:
    assert create(stacks, with_project(name)) == "CREATE_COMPLETE"
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"project-name": [name], "build-status": ["SUCCEEDED", "FAILED"]},
    }
    events = Events(lab, name, pattern)
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    detail = events.next()
    assert detail["build-status"] == "SUCCEEDED"
    assert detail["build-id"] == started["arn"]
    assert detail["additional-information"]["build-complete"] is True
