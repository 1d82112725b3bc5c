# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of the checks: a failure anywhere is a failure, and nothing is left running."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tools import check


def step(name: str, code: str) -> check.Step:
    return check.Step(name, (sys.executable, "-c", code))


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[check.Step, ...]]:
    """Groups of the test's own, in place of the real ones."""
    groups: dict[str, tuple[check.Step, ...]] = {}
    monkeypatch.setattr(check, "GROUPS", groups)
    return groups


def test_every_step_runs_after_one_has_failed(
    groups: dict[str, tuple[check.Step, ...]], capfd: pytest.CaptureFixture[str]
) -> None:
    groups["lint"] = (step("first", "raise SystemExit('what is wrong')"), step("second", ""))
    groups["unit"] = (step("third", "print('at work')"),)

    assert check.main(["lint", "unit"]) == 1

    output = capfd.readouterr().out
    assert "what is wrong" in output
    assert "at work" in output
    assert "Failed: first\n" in output
    assert output.endswith("steps: 2 passed, 1 failed\n")


def test_all_that_passes_is_a_success(groups: dict[str, tuple[check.Step, ...]]) -> None:
    groups["lint"] = (step("only", ""),)

    assert check.main(["lint"]) == 0


def test_a_missing_tool_is_a_failure(
    groups: dict[str, tuple[check.Step, ...]], capfd: pytest.CaptureFixture[str]
) -> None:
    groups["unit"] = (check.Step("gone", ("no-such-tool",)),)

    assert check.main(["unit"]) == 1
    assert "no-such-tool" in capfd.readouterr().out


def test_a_step_that_hangs_is_ended(
    groups: dict[str, tuple[check.Step, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(check, "LIMIT", 0.5)
    groups["unit"] = (step("endless", "import time; time.sleep(60)"),)

    assert check.main(["unit"]) == 1
    assert "timed out after" in capfd.readouterr().out


@pytest.mark.parametrize("names", [[], ["lint", "nonsense"]])
def test_an_unknown_group_is_refused(names: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert check.main(names) == 2
    assert "usage:" in capfd.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows processes")
def test_a_process_left_running_is_ended_and_is_a_failure(
    groups: dict[str, tuple[check.Step, ...]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    leave_one = (
        "import pathlib, subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(left.pid))\n"
    )
    groups["unit"] = (step("careless", leave_one),)

    assert check.main(["unit"]) == 1

    assert "left running, and ended now" in capfd.readouterr().out
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    assert ended(pid)


def ended(pid: int) -> bool:
    """Whether a process is gone, or dead and not yet collected, within ten seconds."""
    for _attempt in range(200):
        try:
            state = (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            )
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
