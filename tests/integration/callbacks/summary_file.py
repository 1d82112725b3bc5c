# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes what the summary of a run returns to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: summary_file
type: aggregate
short_description: Write the result of the summary to a file
description: To $CROSSACCOUNT_TEST_SUMMARY, for tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Waits for the task of the summary."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "summary_file"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        if result._task.action.endswith(("bootstrap_summary", "access_summary")):
            path = Path(os.environ["CROSSACCOUNT_TEST_SUMMARY"])
            path.write_text(json.dumps(result._result), encoding="utf-8")
