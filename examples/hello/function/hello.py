# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The function of the sample application."""

from __future__ import annotations

import os
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Greet whoever *event* names."""
    name = event.get("name", "world")
    return {"message": f"{os.environ['GREETING']}, {name}!", "region": os.environ["AWS_REGION"]}
