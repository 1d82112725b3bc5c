# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits end, do not beat in step, and say what they wait for."""

from __future__ import annotations

import itertools
import random

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.clock import Clock


def wait(clock: Clock, seconds: float, *, patience: float = 3_600) -> None:
    """Wait for something that takes *seconds*."""
    began = clock.time
    for _poll in clock.patience(patience).polls(lambda: "the stack is busy"):
        if clock.time - began >= seconds:
            return


@pytest.mark.parametrize("jitter", [0.8, 1.0, 1.2])
def test_pauses_grow_to_five_seconds_give_or_take_a_fifth(
    monkeypatch: pytest.MonkeyPatch, jitter: float
) -> None:
    bounds = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return jitter

    monkeypatch.setattr(random, "uniform", uniform)
    clock = Clock()

    wait(clock, 60)

    assert set(bounds) == {(0.8, 1.2)}
    assert clock.pauses[:3] == pytest.approx([0.2 * jitter, 0.3 * jitter, 0.45 * jitter])
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == pytest.approx(5.0 * jitter)


def test_two_waits_do_not_beat_in_step() -> None:
    one, other = Clock(), Clock()

    wait(one, 30)
    wait(other, 30)

    assert one.pauses != other.pauses


def test_a_long_wait_speaks_after_15_seconds_and_then_every_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 1.0)
    clock = Clock()

    wait(clock, 200)

    assert [line.rsplit(" for ", 1)[0] for line in clock.lines] == ["  the stack is busy"] * 4
    spoken = [float(line.rsplit(" for ", 1)[1].removesuffix(" s")) for line in clock.lines]
    assert 15 <= spoken[0] <= 20
    assert all(60 <= after - before < 66 for before, after in itertools.pairwise(spoken))


def test_each_wait_has_its_own_silence() -> None:
    clock = Clock()
    patience = clock.patience()

    for _wait in range(3):
        began = clock.time
        for _poll in patience.polls(lambda: "busy"):
            if clock.time - began >= 8:
                break

    assert clock.time - 1_000 > 15
    assert clock.lines == []


def test_a_wait_ends_at_its_time_and_says_what_it_waited_for() -> None:
    clock = Clock()

    with pytest.raises(PipelineError) as caught:
        wait(clock, 1_000, patience=300)

    assert str(caught.value) == (
        "gave up after 300 s: the stack is busy. AWS carries on: run again later, or raise"
        " wait_timeout"
    )
    assert clock.time == pytest.approx(1_300)


def test_what_comes_at_the_last_moment_counts() -> None:
    clock = Clock()

    wait(clock, 300, patience=300)

    assert clock.time == pytest.approx(1_300)


def test_all_waits_of_a_task_share_its_time() -> None:
    clock = Clock()
    patience = clock.patience(10)
    for _poll in patience.polls(lambda: "first"):
        if clock.time >= 1_008:
            break

    with pytest.raises(PipelineError, match=r"^gave up after 10 s: second\."):
        for _poll in patience.polls(lambda: "second"):
            pass

    assert clock.time == pytest.approx(1_010)


def test_no_time_at_all_still_looks_once() -> None:
    clock = Clock()
    polls = clock.patience(0).polls(lambda: "busy")

    next(polls)
    with pytest.raises(PipelineError, match=r"^gave up after 0 s: busy\."):
        next(polls)

    assert clock.pauses == []


@pytest.mark.parametrize(
    ("host", "what", "line"),
    [
        ("eu-west-1", "One creating", "  eu-west-1: One creating for 18 s"),
        ("", "One creating", "  One creating for 18 s"),
        ("eu-west-1", "One creating, " + "x" * 90, None),
    ],
)
def test_a_line_has_at_most_100_columns_and_ends_in_the_time(
    monkeypatch: pytest.MonkeyPatch, host: str, what: str, line: str | None
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 1.0)
    clock = Clock()

    for _poll in clock.patience(host=host).polls(lambda: what):
        if clock.lines:
            break

    assert len(clock.lines[0]) <= 100
    assert clock.lines[0].endswith(" s")
    if line:
        assert clock.lines[0].rsplit(" for ", 1)[0] == line.rsplit(" for ", 1)[0]
    else:
        assert len(clock.lines[0]) == 100
