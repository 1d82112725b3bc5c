# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The seed of everything that tests draw: which calls fail, and when a run is killed.

CROSSACCOUNT_TEST_SEED=42 pytest tests/integration/test_killed.py
"""

from __future__ import annotations

import os

VARIABLE = "CROSSACCOUNT_TEST_SEED"
# One seed for everybody, so that a failure is about the change and not about the draw.
_DEFAULT = 1


def seed() -> int:
    """The seed in force."""
    return int(os.environ.get(VARIABLE) or _DEFAULT)


__all__ = ("VARIABLE", "seed")
