# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the lab restores of AWS's behaviour, one concern a file."""

from __future__ import annotations

from tests.lab import buckets, conditions, latency, operations, principals, templates
from tests.lab.settings import Settings


def install(settings: Settings) -> None:
    """Apply every patch to the MiniStack of this process."""
    buckets.install()
    conditions.install(settings)
    latency.install(settings)
    operations.install(settings)
    principals.install(settings)
    templates.install()


__all__ = ("install",)
