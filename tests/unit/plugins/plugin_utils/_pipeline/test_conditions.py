# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failure, alarms and window of a wave: what they mean, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._fields import (
    Reader,
    Rewritten,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.conditions import (
    Window,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.conditions_schema import (
    WINDOW,
)

from tools import sample_pipelines

Data = dict[str, Any]
REVIEWED = {"approval": True}


def wave(**fields: Any) -> Data:
    """Return a pipeline whose wave of production has more fields."""
    data = sample_pipelines.one_region()
    data["waves"] = [{"name": "all", "environments": [{"host": "production"}], **fields}]
    return data


def window_of(**fields: Any) -> Window:
    [pipeline] = sample_pipelines.read(wave(window=fields))
    window = pipeline.waves[0].window
    assert window is not None
    return window


@pytest.mark.parametrize(
    ("fields", "cron"),
    [
        ({"days": ["fri", "mon"], "from": 9, "to": 17}, "* * 9-16 ? * MON,FRI *"),
        ({"from": 22, "to": 4}, "* * 22-23,0-3 ? * * *"),
        ({"from": 23, "to": 0}, "* * 23 ? * * *"),
        ({"days": ["sat"]}, "* * * ? * SAT *"),
    ],
)
def test_a_window_is_every_minute_of_its_hours_and_days(fields: Data, cron: str) -> None:
    assert window_of(**fields).cron == cron


def test_an_hour_may_be_written_as_a_time() -> None:
    reported: list[str] = []
    reader = Reader(lambda what, _fix: reported.append(what))
    found = reader.read(WINDOW, {"from": "09:00", "to": Rewritten(61_200, "17:00")})
    assert (found["start"], found["end"], reported) == (9, 17, [])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window": {"from": "9:30"}}, "window.from: '9:30' is not a full hour"),
        ({"window": {"to": 25}}, "window.to: 25 is not a full hour"),
        ({"window": {"from": 9, "to": 9}}, "window.to is the hour that it opens"),
        ({"window": {"days": ["mon"], "from": 22, "to": 4}}, "a night belongs to two days"),
        ({"window": {"timezone": "CET"}}, "'CET' is not UTC, UTC+05:30 or a time zone"),
        ({"window": {}, **REVIEWED}, "it would open before the approval"),
        ({"on_failure": "skip"}, "'skip' is unknown; expected one of retry, rollback"),
        ({"on_failure": "retry", **REVIEWED}, "a retry would ask for approval again"),
        ({"on_failure": "rollback", **REVIEWED}, "a rollback would wait for an approval"),
        (
            {"alarms": [{"name": "a", "host": "testing"}]},
            "alarms[a].host: testing is not a host of this wave",
        ),
        (
            {
                "alarms": [{"name": "a", "host": "testing"}],
                "environments": [{"host": "testing"}],
            },
            "testing does not let pipelines read its alarms. Set deploy_account_read_alarms",
        ),
        ({"alarms": [{"name": f"a{n}"} for n in range(6)]}, "6 alarms, one for each region"),
        ({"alarms": [{"name": "a"}, {"name": "a", "wait": 5}]}, "an alarm appears twice"),
        ({"alarms": [{"name": "#{a.b}"}]}, "a variable that the pipeline does not have"),
    ],
)
def test_what_a_wave_cannot_have_is_refused(fields: Data, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        sample_pipelines.read(wave(**fields))
    assert message in f"{caught.value}"


@pytest.mark.parametrize(
    ("fields", "most", "message"),
    [
        ({"on_failure": "rollback"}, 4, "the wave has 2 stages, and a rollback undoes one"),
        ({"on_failure": "retry"}, 2, ""),
    ],
)
def test_a_wave_of_several_stages_is_retried_but_not_rolled_back(
    fields: Data, most: int, message: str
) -> None:
    data = {**wave(**fields), "max_actions_per_stage": most}
    if not message:
        assert sample_pipelines.read(data)
        return
    with pytest.raises(PipelineError) as caught:
        sample_pipelines.read(data)
    assert message in f"{caught.value}"


def test_change_sets_of_another_stage_are_not_executed_again() -> None:
    data = {**sample_pipelines.hello(), "max_actions_per_stage": 2}
    del data["waves"][2]
    data["waves"][1]["on_failure"] = "retry"
    with pytest.raises(PipelineError, match="execute the change sets of another again"):
        sample_pipelines.read(data)
