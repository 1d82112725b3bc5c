# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one verdict on many reports. Talks to nobody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import (
    verdict as _verdict,
)

HOSTS = ["build", "eu-west-1", "production", "testing"]
DRIFTED = "444444444444 us-east-1 CrossAccountDeploy: drifted: CodePipelineRole was deleted"


def part(*hosts: str, **changes: Any) -> dict[str, Any]:
    """What the run of a part publishes when all is well."""
    return {
        "schema_version": "1.0",
        "organisation": "org",
        "started": "2026-11-24T03:00:10Z",
        "finished": "2026-11-24T03:00:50Z",
        "seconds": 40.0,
        "complete": True,
        "verdict": "clean",
        "hosts": list(hosts),
        "stacks": {"clean": len(hosts)},
        "findings": {},
        "ignored": 0,
        "unchecked": 1,
        "told": [],
        "not_told": 0,
        **changes,
    }


def with_drift(*hosts: str, **changes: Any) -> dict[str, Any]:
    """What a part publishes that found a role of its last host deleted."""
    return part(
        *hosts,
        **{
            "verdict": "drifted",
            "stacks": {"drifted": 1, "clean": len(hosts) - 1},
            "findings": {"drifted": 1},
            "told": [DRIFTED],
            **changes,
        },
    )


def test_clean_parts_that_leave_nobody_out_are_clean() -> None:
    reports = {
        "drift_report_12": part("testing", finished="2026-11-24T03:01:00Z"),
        "drift_report_7": part("build", "eu-west-1", started="2026-11-24T03:00:00Z"),
        "drift_report_11": part("production"),
    }

    summary = _verdict.collect(reports, HOSTS)

    assert summary == {
        "schema_version": "1.0",
        "organisation": "org",
        "started": "2026-11-24T03:00:00Z",
        "finished": "2026-11-24T03:01:00Z",
        "complete": True,
        "verdict": "clean",
        "hosts": HOSTS,
        "missing": [],
        "reports": 3,
        "stacks": {"clean": 4},
        "findings": {},
        "ignored": 0,
        "unchecked": 3,
        "told": [],
        "not_told": 0,
    }
    assert _verdict.failure(summary) == ""


def test_one_part_that_found_something_makes_all_of_it_drifted() -> None:
    reports = {
        "drift_report_1": part("build", "eu-west-1"),
        "drift_report_2": with_drift("testing", "production", not_told=2),
    }

    summary = _verdict.collect(reports, HOSTS)

    assert (summary["verdict"], summary["complete"]) == ("drifted", True)
    assert summary["stacks"] == {"drifted": 1, "clean": 3}
    assert summary["told"] == [DRIFTED]
    assert summary["not_told"] == 2
    assert _verdict.failure(summary) == "not as the inventory says: 1 drifted"
    assert _verdict.failure(summary, drift=False) == ""


def test_a_part_that_published_nothing_is_told_by_the_hosts_that_nobody_looked_at() -> None:
    reports = {
        "drift_report_1": part("build", "eu-west-1"),
        "drift_report_3": with_drift("testing"),
    }

    summary = _verdict.collect(reports, HOSTS)

    assert (summary["verdict"], summary["complete"]) == ("drifted", False)
    assert summary["missing"] == ["production"]
    assert _verdict.failure(summary) == (
        "not as the inventory says: 1 drifted; nobody looked at production"
    )
    assert _verdict.failure(summary, drift=False) == "nobody looked at production"


@pytest.mark.parametrize(
    ("reports", "hosts", "told"),
    [
        ({}, HOSTS, "no part of the run published a report"),
        ({}, [], "no part of the run published a report"),
        (
            {"drift_report_1": part("build")},
            [],
            "the inventory has no hosts that were to be looked at",
        ),
        (
            {"drift_report_1": part("build")},
            ["build", *(f"account-{number:02}" for number in range(12))],
            f"nobody looked at {', '.join(f'account-{n:02}' for n in range(10))} and 2 more",
        ),
        (
            {
                "drift_report_1": part(
                    *HOSTS, complete=False, verdict="incomplete", stacks={"error": 1, "clean": 3}
                )
            },
            HOSTS,
            "could not look at 1 stack",
        ),
    ],
)
def test_what_nobody_looked_at_is_never_clean(
    reports: dict[str, Any], hosts: list[str], told: str
) -> None:
    summary = _verdict.collect(reports, hosts)

    assert (summary["verdict"], summary["complete"]) == ("incomplete", False)
    assert _verdict.failure(summary, drift=False) == told


def test_what_two_parts_told_is_told_once() -> None:
    reports = {f"drift_report_{number}": with_drift(*HOSTS) for number in (1, 2)}

    assert _verdict.collect(reports, HOSTS)["told"] == [DRIFTED]


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ("text", "drift_report_1 is not the summary of a drift run"),
        ({"verdict": "clean"}, "drift_report_1 is not the summary of a drift run"),
        (part(*HOSTS, schema_version="2.0"), "drift_report_1 has the schema version 2.0"),
        (
            {"schema_version": "1.0", "verdict": "clean", "complete": True},
            "drift_report_1 has no findings, finished, hosts, stacks, started, told",
        ),
    ],
)
def test_what_is_no_report_is_refused(report: object, told: str) -> None:
    with pytest.raises(PipelineError, match=told):
        _verdict.collect({"drift_report_1": report}, HOSTS)


def test_the_text_is_short_when_all_is_well() -> None:
    summary = _verdict.collect({"drift_report_1": part(*HOSTS, unchecked=0)}, HOSTS)

    assert _verdict.as_markdown(summary) == (
        "# Drift: org as the inventory says\n\n- 1 report on 4 hosts\n- stacks: 4 clean\n"
    )


def test_the_text_says_all_that_is_not() -> None:
    reports = {
        "drift_report_1": with_drift("build", "production", ignored=1, not_told=4),
        "drift_report_2": part("testing"),
    }

    assert _verdict.as_markdown(_verdict.collect(reports, HOSTS)).splitlines() == [
        "# Drift: org not as the inventory says",
        "",
        "- 2 reports on 3 hosts",
        "- nobody looked at: eu-west-1",
        "- stacks: 1 drifted, 2 clean",
        "- findings: 1 drifted",
        "- ignored findings: 1",
        "- resources that nobody could look at: 2",
        "",
        "## Told",
        "",
        f"- {DRIFTED}",
        "- and 4 more, in the reports of the parts",
    ]
