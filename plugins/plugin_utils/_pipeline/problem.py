# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A broken rule of a pipeline. Data."""

from __future__ import annotations

from .._fields import Reader
from .._organisation.problems import Problems

# The field below ``pipeline``, what is wrong, and what to do.
Problem = tuple[str, str, str]


def add_problem(problems: Problems, host: str, problem: Problem) -> None:
    """Add *problem* of the pipeline of *host*."""
    field, what, fix = problem
    reader = Reader(lambda text, cure: problems.add(text, cure, host))
    reader.problem(f"pipeline.{field}", what, fix)


__all__ = ("Problem", "add_problem")
