# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acceptance run knows every point that only AWS can settle."""

from __future__ import annotations

import re

from tools.environment import ROOT

DOCS = ROOT / "docs"


def test_every_point_that_only_aws_can_settle_is_in_the_acceptance_run() -> None:
    lab = (DOCS / "lab.md").read_text(encoding="utf-8").partition("## What only AWS can settle")[2]
    points = re.findall(r"^- \*\*(.+?)\.\*\*", lab, re.MULTILINE)
    page = (DOCS / "aws-acceptance.md").read_text(encoding="utf-8")

    assert points
    assert re.findall(r"^\| (.+?) \| ", page.partition("## What it settles")[2], re.MULTILINE)[
        1:
    ] == [*points]
