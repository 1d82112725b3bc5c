# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events that services send to the default bus of their account and region."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

Data = dict[str, Any]


def emit(
    place: tuple[str, str], source: str, detail_type: str, resource: str, detail: Data
) -> None:
    """Send one event. place: account and region. source: such as aws.codebuild."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": [resource],
        "Detail": json.dumps(detail),
    }
    with request_scope(*place):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


__all__ = ("emit",)
