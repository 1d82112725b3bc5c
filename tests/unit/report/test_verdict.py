# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one verdict on many reports. Talks to nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import (
    verdict as _verdict,
)

HOSTS = ["build", "eu-west-1", "production", "testing"]
DRIFTED = "drift production CrossAccountDeploy (444444444444 us-east-1): Role was deleted"


def part(*hosts: str, **changes: Any) -> str:
    """What the run of a part publishes when all is well."""
    summary = {
        "schema_version": "1.2",
        "organisation": "org",
        "started": "2026-11-24T03:00:10Z",
        "finished": "2026-11-24T03:00:50Z",
        "seconds": 40.0,
        "complete": True,
        "verdict": "clean",
        "hosts": list(hosts),
        "affected": [],
        "stacks": {"clean": len(hosts)},
        "findings": {},
        "severities": {},
        "ignored": 0,
        "unchecked": 1,
        "messages": [],
        "more_messages": 0,
        "links": [],
        **changes,
    }
    return json.dumps(summary)


def with_drift(*hosts: str, **changes: Any) -> str:
    """What a part publishes that found a role of its last host deleted."""
    return part(
        *hosts,
        **{
            "verdict": "drifted",
            "affected": [hosts[-1]],
            "stacks": {"drifted": 1, "clean": len(hosts) - 1},
            "findings": {"drifted": 1},
            "severities": {"drift": 1},
            "messages": [DRIFTED],
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
        "schema_version": "1.2",
        "organisation": "org",
        "started": "2026-11-24T03:00:00Z",
        "finished": "2026-11-24T03:01:00Z",
        "complete": True,
        "verdict": "clean",
        "hosts": HOSTS,
        "affected": [],
        "missing": [],
        "remediable": False,
        "reports": 3,
        "stacks": {"clean": 4},
        "findings": {},
        "severities": {},
        "ignored": 0,
        "unchecked": 3,
        "messages": [],
        "more_messages": 0,
        "links": [],
    }
    assert _verdict.failure(summary) == ""


def test_one_part_that_found_something_makes_all_of_it_drifted() -> None:
    reports = {
        "drift_report_1": part("build", "eu-west-1"),
        "drift_report_2": with_drift("testing", "production", more_messages=2),
    }

    summary = _verdict.collect(reports, HOSTS)

    assert (summary["verdict"], summary["complete"]) == ("drifted", True)
    assert summary["stacks"] == {"drifted": 1, "clean": 3}
    assert summary["messages"] == [DRIFTED]
    assert summary["more_messages"] == 2
    assert summary["remediable"] is True
    assert _verdict.failure(summary) == "findings: 1 drifted"
    assert _verdict.failure(summary, drift=False) == ""


def test_a_part_that_published_nothing_shows_in_the_hosts_that_no_part_checked() -> None:
    reports = {
        "drift_report_1": part("build", "eu-west-1"),
        "drift_report_3": with_drift("testing"),
    }

    summary = _verdict.collect(reports, HOSTS)

    assert (summary["verdict"], summary["complete"]) == ("drifted", False)
    assert summary["missing"] == ["production"]
    assert summary["remediable"] is False
    assert _verdict.failure(summary) == ("findings: 1 drifted; not checked by any part: production")
    assert _verdict.failure(summary, drift=False) == "not checked by any part: production"


@pytest.mark.parametrize(
    ("reports", "hosts", "reason"),
    [
        ({}, HOSTS, "no part of the run published a report"),
        ({}, [], "no part of the run published a report"),
        (
            {"drift_report_1": part("build")},
            [],
            "the inventory has no hosts to check",
        ),
        (
            {"drift_report_1": part("build")},
            ["build", *(f"account-{number:02}" for number in range(12))],
            (
                "not checked by any part: "
                f"{', '.join(f'account-{number:02}' for number in range(10))} and 2 more"
            ),
        ),
        (
            {
                "drift_report_1": part(
                    *HOSTS, complete=False, verdict="incomplete", stacks={"error": 1, "clean": 3}
                )
            },
            HOSTS,
            "1 stack could not be checked",
        ),
    ],
)
def test_what_no_part_checked_is_never_clean(
    reports: dict[str, str], hosts: list[str], reason: str
) -> None:
    summary = _verdict.collect(reports, hosts)

    assert (summary["verdict"], summary["complete"]) == ("incomplete", False)
    assert _verdict.failure(summary, drift=False) == reason


def test_orphaned_stacks_alone_are_not_remediable() -> None:
    reports = {"drift_report_1": with_drift(*HOSTS, findings={"orphaned": 2})}

    assert _verdict.collect(reports, HOSTS)["remediable"] is False


def test_what_two_parts_found_is_there_once() -> None:
    reports = {f"drift_report_{number}": with_drift(*HOSTS) for number in (1, 2)}

    assert _verdict.collect(reports, HOSTS)["messages"] == [DRIFTED]


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("text", "drift_report_1 is not the summary of a drift run"),
        ({"schema_version": 1.1}, "drift_report_1 is not the summary of a drift run"),
        ('{"verdict": "clean"}', "drift_report_1 is not the summary of a drift run"),
        (part(*HOSTS, schema_version="2.0"), "drift_report_1 has the schema version 2.0"),
        (
            '{"schema_version": "1.2", "verdict": "clean", "complete": true}',
            "drift_report_1 has no findings, finished, hosts, messages, severities, stacks,",
        ),
    ],
)
def test_what_is_no_report_is_refused(report: object, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        _verdict.collect({"drift_report_1": report}, HOSTS)
