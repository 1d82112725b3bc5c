# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown. Calls nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.lines import COLUMNS
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.markdown import (
    as_markdown,
    readable,
)

from tests.unit.report import sample

Data = dict[str, Any]


def with_finding(**more: Any) -> Data:
    """A report of one finding."""
    report = sample.large()
    (one,) = report["findings"]
    shown = {"kind": "drifted", "message": "Role was changed", **more}
    return {**report, "findings": [{**one, **shown}]}


def lines(report: Data) -> list[str]:
    return as_markdown(report).splitlines()


def test_a_clean_organisation_takes_a_line_a_group() -> None:
    assert as_markdown(sample.clean()) == (
        "# Drift: example is clean\n"
        "\n"
        "- regions: 4 clean\n"
        "- primary region: 1 clean\n"
        "- deploy accounts: 1 quarantined, 6 clean\n"
        "- pipelines: 2 clean\n"
        "- 2026-11-24 03:00:04 UTC, 41.3 s\n"
    )


def test_no_line_is_longer_than_a_terminal() -> None:
    long = json.dumps({"Statement": [{"Action": "x" * 300, "Resource": ["y" * 40] * 9}]})
    report = with_finding(expected=long, actual=long.replace("x", "z"), message="word " * 60)

    assert max(len(line) for line in lines(report)) <= COLUMNS
    assert max(len(line) for line in lines(sample.everything())) <= COLUMNS


def test_a_broken_line_keeps_its_sign() -> None:
    report = with_finding(expected="a" * 150, actual="b" * 150)

    assert [line.strip() for line in lines(report) if set(line.strip()) & {"+", "-"} == {"+"}][
        1:
    ] == ["+" + "b" * 97, "+" + "b" * 53]


def test_what_many_stacks_have_in_common_is_there_once() -> None:
    report = sample.large()
    (one,) = report["findings"]
    report["findings"] = [{**one, "host": f"host-{n}", "account_id": f"{n:012d}"} for n in range(9)]

    text = as_markdown(report)

    assert text.count("does not exist") == 1
    assert "\n## host-0, host-1, host-2 and 6 more: CrossAccountDeploy\n" in text
    assert "The same in 9 stacks: host-0 (000000000000 us-east-1), host-1" in text


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"expected": "900", "actual": "3", "message": "Timeout is 3, not 900"}, []),
        ({"expected": "900", "actual": "3"}, ["-900", "+3"]),
        ({"expected": "", "actual": "3"}, ["+3"]),
        ({"expected": "", "actual": ""}, []),
        ({"kind": "stuck", "actual": "ROLLBACK_FAILED"}, []),
    ],
)
def test_values_are_shown_where_the_message_does_not_hold_them(
    values: Data, shown: list[str]
) -> None:
    report = with_finding(**{"expected": "", "actual": "", **values})

    found = [line.strip() for line in lines(report) if line.startswith(("  +", "  -"))]
    assert [line for line in found if line[:3] not in ("+++", "---")] == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"b": 1, "a": [2]}', '{\n  "a": [\n    2\n  ],\n  "b": 1\n}'),
        ("[]", "[]"),
        ("{not json", "{not json"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_json_is_laid_out_and_everything_else_left(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_an_organisation_needs_no_name() -> None:
    assert lines({**sample.clean(), "organisation": ""})[0] == "# Drift: the organisation is clean"


def test_errors_known_and_expired_have_their_places() -> None:
    text = as_markdown(sample.everything())

    assert "\n## Not checked\n\n- **error** analytics (" in text
    assert "\n## No longer ignored\n\n- **expired** on 2026-10-01: resource SyncArtifacts (" in text
    assert "1 finding no longer ignored" in text.replace("\n ", "")
    assert "\n## Ignored\n\n- **drifted** build, CrossAccountPrimary in 111111111111" in text


def test_roles_of_an_earlier_version_are_named_with_the_command() -> None:
    text = as_markdown(sample.everything())

    assert (
        "\n## Roles of an earlier version of this collection\n\n"
        "- CrossAccountAccess: no version, now 2 (2 accounts: development, testing)\n\n"
        "Update them, as the management account: `ansible-playbook crossaccount.pipeline.access`"
    ) in text
