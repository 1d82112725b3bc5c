# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies of principals, and patterns in them, parsed once and not at every request."""

from __future__ import annotations

import functools
from typing import Any

from ministack.core import iam_evaluator

_NEWEST = 1_000
_NEWEST_PATTERNS = 4_000


def install() -> None:
    """Parse each text once.

    MiniStack: parses every policy of the caller at every request, which takes longer than the rest
    of the decision; compiles every pattern after the first 4,096 each time.
    """
    compiled = iam_evaluator._fnmatch_compile
    iam_evaluator._fnmatch_compile = functools.lru_cache(maxsize=_NEWEST_PATTERNS)(compiled)
    stock = iam_evaluator.parse_policy_document
    of_text = functools.lru_cache(maxsize=_NEWEST)(stock)

    def parse(document: Any) -> Any:
        return of_text(document) if isinstance(document, str) else stock(document)

    iam_evaluator.parse_policy_document = parse


__all__ = ("install",)
