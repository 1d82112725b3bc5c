# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The invoice for work that is done."""

from __future__ import annotations

import os
from typing import Any

from money import written  # of the layer


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write the total of an invoice."""
    amount = sum(event["hours"]) * int(os.environ["PRICE_OF_AN_HOUR"])
    return {"total": written(amount), "region": os.environ["AWS_REGION"]}
