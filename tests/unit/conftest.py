# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit tests have no network."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def offline(no_network: None) -> None:
    """Refuse every connection that leaves this machine."""
