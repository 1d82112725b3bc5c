# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes that build: what webhooks of projects take."""

from __future__ import annotations

from typing import Any

import pytest

from lab import Lab
from lab.tests.release_templates import ACCOUNT, create, with_project
from lab.tests.stacks import Stacks, eventually

PULL_REQUESTS = [
    {"Type": "EVENT", "Pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"},
    {"Type": "BASE_REF", "Pattern": "^refs/heads/main$"},
]
PUSHES = [
    {"Type": "EVENT", "Pattern": "PUSH"},
    {"Type": "HEAD_REF", "Pattern": "^refs/heads/main$"},
]
FORKS = {"PullRequestBuildPolicy": {"RequiresCommentApproval": "FORK_PULL_REQUESTS"}}


@pytest.fixture
def account() -> str:
    return ACCOUNT


@pytest.mark.parametrize(
    ("group", "policy", "push", "version"),
    [
        (PULL_REQUESTS, {}, {"branch": "change", "pull_request": "OPEN"}, "pr/1"),
        (PULL_REQUESTS, {}, {"branch": "change", "pull_request": "CLOSED"}, ""),
        (PULL_REQUESTS, {}, {"branch": "change", "pull_request": "OPEN", "target": "other"}, ""),
        (PULL_REQUESTS, {}, {"branch": "main"}, ""),
        (
            PULL_REQUESTS,
            FORKS,
            {"branch": "change", "pull_request": "OPEN", "from_fork": True},
            "",
        ),
        (PULL_REQUESTS, FORKS, {"branch": "change", "pull_request": "OPEN"}, "pr/1"),
        (PUSHES, {}, {"branch": "main"}, "commit"),
        (PUSHES, {}, {"branch": "other"}, ""),
    ],
)
def test_a_push_builds_where_a_filter_group_matches(
    lab: Lab,
    stacks: Stacks,
    name: str,
    group: list[Any],
    policy: dict[str, Any],
    push: dict[str, Any],
    version: str,
) -> None:
    source = {"Type": "GITHUB", "Location": f"https://github.com/example/{name}.git"}
    triggers = {"Webhook": True, "FilterGroups": [group], **policy}
    assert create(stacks, with_project(name, Source=source, Triggers=triggers)) == "CREATE_COMPLETE"
    commit = lab.push(f"example/{name}", {"a": "b"}, **push)["commit"]
    client = lab.client("codebuild", ACCOUNT)
    builds = client.list_builds_for_project(projectName=name)["ids"]
    if not version:
        assert builds == []
        return
    found = eventually(lambda: client.batch_get_builds(ids=builds)["builds"])[0]
    assert found["sourceVersion"] == (commit if version == "commit" else version)
    eventually(lambda: "endTime" in client.batch_get_builds(ids=builds)["builds"][0])
