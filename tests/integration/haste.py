# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that a run's Python begins with, for faults that would take the time of a whole test."""

from __future__ import annotations

from pathlib import Path

# botocore waits up to 20 s between attempts, and 30 s for an answer. This makes a run's Python
# wait for almost nothing and for 2 s.
HASTE = """
from botocore import httpsession
from botocore.retries import standard

standard.ExponentialBackoff.delay_amount = lambda self, context: 0.01
make = httpsession.URLLib3Session.__init__


def hasty(self, *arguments, **options):
    make(self, *arguments, **{**options, "timeout": (2, 2)})


httpsession.URLLib3Session.__init__ = hasty
"""
# Every use of credentials is close to their end.
EXPIRING = """
from botocore.credentials import RefreshableCredentials

RefreshableCredentials._advisory_refresh_timeout = 10**6
RefreshableCredentials._mandatory_refresh_timeout = 10**6
"""


def variables(folder: Path, code: str) -> dict[str, str]:
    """Variables that let every Python of a run begin with this code."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


__all__ = ("EXPIRING", "HASTE", "variables")
