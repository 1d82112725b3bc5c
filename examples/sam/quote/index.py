# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The price of an amount of work."""

from __future__ import annotations

import os
from typing import Any

from money import written  # of the layer


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Quote a price for hours of work."""
    amount = event["hours"] * int(os.environ["PRICE_OF_AN_HOUR"])
    return {"price": written(amount), "region": os.environ["AWS_REGION"]}
