# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a canary run shows on the terminal. Pure."""

from __future__ import annotations

from .._prove.model import REACHED, Proof
from .lines import Line, columns


def proof_lines(proof: Proof) -> list[Line]:
    """Return a line for each path that was not reached, then how many were."""
    others = [path for path in proof["paths"] if path["status"] != REACHED]
    rows = [
        [
            "",
            path["host"],
            path["region"],
            path["status"],
            path["cause"]["message"] if path["cause"] else "",
        ]
        for path in others
    ]
    reached = len(proof["paths"]) - len(others)
    return [
        *(Line(text, "failed") for text in columns(rows)),
        *(Line(f"  {note['message']}", "failed") for note in proof["notes"]),
        Line(f"  {reached} of {len(proof['paths'])} paths reached", "ok"),
    ]


__all__ = ("proof_lines",)
