# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run in one line. Talks to nobody."""

from __future__ import annotations

import json

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import extract, verdict
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.notice import notice

from tests.unit.report import sample

LINK = "https://reports.example.com/drift/1/drift-report.html"


def test_a_clean_run_is_a_few_words() -> None:
    assert notice(extract.summary(sample.clean())) == "example is clean: 14 stacks"


def test_a_notice_has_counts_hosts_and_the_links_of_every_part() -> None:
    part = extract.summary(sample.everything(), link=LINK)
    hosts = [*part["hosts"], "payroll"]

    line = notice(verdict.collect({"drift_report_1": json.dumps(part)}, hosts))

    start, *others = line.split(". ")
    assert start.startswith("example has drifted: 12 findings (")
    assert start.endswith(" of them dangerous")
    assert others[-2:] == ["Not checked by any part: payroll", f"Report: {LINK}"]
    (named,) = [part for part in others if part.startswith("Hosts: ")]
    assert "eu-west-1" in named
    assert "\n" not in line
