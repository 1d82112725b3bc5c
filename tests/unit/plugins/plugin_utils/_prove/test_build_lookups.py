# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look-ups of what the lab has not: pending connections, CodeBuild's credentials, full quotas."""

from __future__ import annotations

import types
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.build_lookups import (
    connection_facts,
    oauth_facts,
    quota_facts,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.facts import Fact

from tests.fakes.service import FakeService, refuse
from tools.sample_pipelines import hello, organisation, read

ARN = "arn:aws:codeconnections:us-east-1:111111111111:connection/0123-4567"


class Build(FakeService):
    """The build account in its primary region."""

    def __init__(self) -> None:
        super().__init__("codeconnections", "codebuild", "codepipeline")
        self.status = "AVAILABLE"
        self.server_types: list[str] = []
        self.pipelines = 0
        self.gateway: Any = types.SimpleNamespace(
            open=lambda _account: types.SimpleNamespace(
                client=lambda service, _region: self.clients[service]
            )
        )

    def _get_connection(self, **request: Any) -> dict[str, Any]:
        assert request == {"ConnectionArn": ARN}
        return {"Connection": {"ConnectionArn": ARN, "ConnectionStatus": self.status}}

    def _list_source_credentials(self) -> dict[str, Any]:
        return {"sourceCredentialsInfos": [{"serverType": name} for name in self.server_types]}

    def _list_pipelines(self) -> dict[str, Any]:
        return {"pipelines": [{"name": f"pipeline-{number}"} for number in range(self.pipelines)]}


@pytest.fixture
def build() -> Build:
    return Build()


def messages(facts: list[Fact]) -> list[str]:
    """The messages of notes: nothing here stops a path of a canary."""
    assert all(fact.is_note for fact in facts)
    return [fact.cause["message"] for fact in facts]


def test_a_connection_that_nobody_has_completed_is_noted(build: Build) -> None:
    primary = organisation().primary
    assert connection_facts(build.gateway, primary, ARN) == []

    build.status = "PENDING"
    (fact,) = connection_facts(build.gateway, primary, ARN)
    assert messages([fact]) == [f"connection {ARN} is PENDING"]
    assert fact.cause["resource"] == ARN
    assert "console" in fact.cause["cure"]

    build.before("GetConnection", refuse("ResourceNotFoundException", "no such connection"))
    assert messages(connection_facts(build.gateway, primary, ARN)) == [f"connection {ARN} is gone"]


def test_a_connection_that_may_not_be_read_is_no_available_one(build: Build) -> None:
    build.before("GetConnection", refuse("AccessDeniedException", "not you"))

    with pytest.raises(PipelineError, match=f"read the connection {ARN}"):
        connection_facts(build.gateway, organisation().primary, ARN)


def test_credentials_that_codebuild_lacks_are_noted_with_who_needs_them(build: Build) -> None:
    primary = organisation().primary
    sample = hello()
    del sample["source"]["connection_arn"]
    pipelines = {pipeline.name: pipeline for pipeline in read(sample)}

    (message,) = messages(oauth_facts(build.gateway, primary, pipelines))
    assert message == "CodeBuild has no credentials for GITHUB in us-east-1, which hello need"

    build.server_types = ["BITBUCKET"]
    assert len(oauth_facts(build.gateway, primary, pipelines)) == 1
    build.server_types = ["BITBUCKET", "GITHUB"]
    assert oauth_facts(build.gateway, primary, pipelines) == []


def test_without_a_repository_that_needs_them_nobody_is_asked(build: Build) -> None:
    assert oauth_facts(build.gateway, organisation().primary, {}) == []
    assert build.calls == []


@pytest.mark.parametrize(("pipelines", "noted"), [(990, False), (991, True)])
def test_few_pipelines_left_of_the_quota_are_noted(
    build: Build, pipelines: int, noted: bool
) -> None:
    build.pipelines = pipelines

    facts = quota_facts(build.gateway, organisation())

    assert bool(facts) is noted
    assert all(str(pipelines) in message for message in messages(facts))
