# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pushes the filters of a trigger match."""

from __future__ import annotations

from typing import Any

import pytest

from lab.codepipeline.trigger_filters import wants
from lab.repositories.push import Push, matches

Data = dict[str, Any]

BRANCHES = {"branches": {"includes": ["main", "release/**"], "excludes": ["release/old/*"]}}
PATHS = {"branches": {"includes": ["main"]}, "filePaths": {"includes": ["services/**/*.yml"]}}
QUIET = {"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}
TAGS = {"tags": {"includes": ["v*"], "excludes": ["v*-rc[0-9]"]}}


def pushed(**given: Any) -> Push:
    return Push(repository="example/hello", commit="c", **{"branch": "main", **given})


def trigger(**filters: Any) -> Data:
    return {"gitConfiguration": {"sourceActionName": "source", **filters}}


@pytest.mark.parametrize(
    ("filters", "push", "starts"),
    [
        ([BRANCHES], pushed(), True),
        ([BRANCHES], pushed(branch="release/2/hot"), True),
        ([BRANCHES], pushed(branch="release/old/1"), False),
        ([BRANCHES], pushed(branch="other"), False),
        ([BRANCHES], pushed(branch="", tag="v1"), False),
        ([BRANCHES], pushed(event="OPEN", target="main"), False),
        ([PATHS], pushed(paths=("services/one/app.yml", "README.md")), True),
        ([PATHS], pushed(paths=("services/app.yml",)), True),
        ([PATHS], pushed(paths=("docs/guide.md",)), False),
        ([PATHS], pushed(paths=("services/app.yml",), branch="other"), False),
        ([QUIET], pushed(paths=("docs/guide.md",)), False),
        ([QUIET], pushed(paths=("docs/guide.md", "app.yml")), True),
        ([TAGS], pushed(branch="", tag="v1"), True),
        ([TAGS], pushed(branch="", tag="v1-rc1"), False),
        ([TAGS], pushed(), False),
        ([TAGS, PATHS], pushed(paths=("services/one/app.yml",)), True),
    ],
)
def test_a_push_trigger_matches(filters: list[Data], push: Push, starts: bool) -> None:
    assert wants(trigger(push=filters), "source", push) is starts
    assert not wants(trigger(push=filters), "other", push)


@pytest.mark.parametrize(
    ("events", "event", "target", "starts"),
    [
        ({"events": ["OPEN", "UPDATED"]}, "OPEN", "main", True),
        ({"events": ["OPEN", "UPDATED"]}, "CLOSED", "main", False),
        ({}, "CLOSED", "main", True),
        ({"events": ["OPEN"]}, "OPEN", "other", False),
    ],
)
def test_a_pull_request_trigger_matches(
    events: Data, event: str, target: str, starts: bool
) -> None:
    found = trigger(pullRequest=[{"branches": {"includes": ["main"]}, **events}])
    assert wants(found, "source", pushed(branch="change", event=event, target=target)) is starts
    assert not wants(found, "source", pushed())


@pytest.mark.parametrize(
    ("pattern", "text", "same"),
    [
        ("*.{java,class}", "a.class", True),
        ("*.{java,class}", "a/b.java", False),
        ("foo.?", "foo.c", True),
        ("foo.[!a]", "foo.a", False),
        ("**", "a/b/c", True),
        ("**/*", "a", True),
        ("directory/*", "directory/a/b", False),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
    ],
)
def test_a_pattern_is_a_glob(pattern: str, text: str, same: bool) -> None:
    assert matches(pattern, text) is same
