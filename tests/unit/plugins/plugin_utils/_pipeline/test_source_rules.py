# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources: what is refused, and what is understood of what is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    pipeline_warnings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source_rules import (
    WITHOUT_CONNECTIONS,
)

from tools import sample_pipelines

Data = dict[str, Any]


def problems(data: Data, **source: Any) -> list[str]:
    """What is wrong with a pipeline whose source is changed; None takes a field out."""
    given = {**data["source"], **source}
    data["source"] = {name: value for name, value in given.items() if value is not None}
    try:
        sample_pipelines.read(data)
    except PipelineError as error:
        return [line.strip(" -") for line in str(error).splitlines()]
    return []


@pytest.mark.parametrize(
    ("sample", "change", "words"),
    [
        ("connected", {"connection_arn": None}, "connection_arn is not set. Set it"),
        (
            "connected",
            {"repository": "https://git.example.com/example/hello"},
            "provider is not set, and https://git.example.com/example/hello does not show whose",
        ),
        ("connected", {"repository": "https://github.com/hello"}, "repository"),
        ("connected", {"provider": "azure"}, "provider: 'azure' is unknown"),
        (
            "connected",
            {"triggers": [{"tags": ["v*"], "paths": ["src/**"]}]},
            "triggers[1] has tags with paths, which AWS refuses. Put them into two triggers",
        ),
        ("connected", {"triggers": [{"tags": ["v*"], "branches": ["main"]}]}, "tags with branches"),
        ("connected", {"triggers": [{}]}, "triggers[1] has no pattern"),
        ("connected", {"triggers": [{"branches": ["main"]}] * 4}, "triggers"),
        ("connected", {"triggers": [{"branches": list("abcdefghi")}]}, "triggers[1].branches"),
        ("connected", {"forks": True}, "forks is for type codebuild"),
        (
            "connected",
            {"artifacts": [{"name": "application", "object": "a.zip"}, {"name": "function"}]},
            "artifacts[application].object is for type codebuild, s3",
        ),
        (
            "connected",
            {"artifacts": [{"name": name} for name in ("source", "application", "function")]},
            "artifacts[source].name is the artifact of the source itself",
        ),
        (
            "connected",
            {
                "artifacts": [
                    {"name": name} for name in ("application", "function", "a", "b", "c", "d")
                ]
            },
            "artifacts: 6, and a build has 5 at most",
        ),
        (
            "connected",
            {"artifacts": [{"name": "application", "trigger": True}, {"name": "function"}]},
            "with connection, a push starts the pipeline",
        ),
        ("hello", {"artifacts": [{"name": "application"}, {"name": "function"}]}, "is not set"),
        ("committed", {"repository": "https://github.com/example/hello"}, "repository"),
        (
            "committed",
            {"connection_arn": "arn"},
            "connection_arn is for type connection, codebuild",
        ),
        ("imaged", {"branch": "main"}, "branch is for type connection, codebuild, codecommit"),
    ],
)
def test_a_wrong_source_is_refused(sample: str, change: Data, words: str) -> None:
    found = problems(sample_pipelines.SAMPLES[sample](), **change)

    assert any(words in line for line in found), found


def test_an_image_needs_commands() -> None:
    data = sample_pipelines.imaged()
    del data["build"]

    assert any("build.commands is not set, and an image brings no" in one for one in problems(data))


@pytest.mark.parametrize(
    ("address", "provider", "full_id"),
    [
        ("https://github.com/example/hello.git", "GITHUB", "example/hello"),
        ("https://gitlab.com/group/sub/hello", "GITLAB", "group/sub/hello"),
        ("https://bitbucket.org/example/hello", "BITBUCKET", "example/hello"),
    ],
)
def test_the_address_shows_provider_and_repository(
    address: str, provider: str, full_id: str
) -> None:
    data = sample_pipelines.connected()
    data["source"]["repository"] = address

    [read] = sample_pipelines.read(data)

    assert read.source
    assert read.source.git_provider
    assert (read.source.git_provider.source_type, read.source.full_repository_id) == (
        provider,
        full_id,
    )


@pytest.mark.parametrize(
    ("sample", "region", "warned"),
    [
        (sample_pipelines.connected, WITHOUT_CONNECTIONS[0], True),
        (sample_pipelines.connected, "us-east-1", False),
        (sample_pipelines.uploaded, WITHOUT_CONNECTIONS[0], False),
    ],
)
def test_a_region_without_the_source_action_is_warned_about(
    sample: Callable[[], Data], region: str, warned: bool
) -> None:
    [read] = sample_pipelines.read(sample())
    organisation = sample_pipelines.organisation(sample())

    found = pipeline_warnings(
        {read.name: read}, dataclasses.replace(organisation, primary_region=region)
    )

    assert [text.startswith(f"pipeline {read.name}: AWS lists no") for text in found] == (
        [True] if warned else []
    )
