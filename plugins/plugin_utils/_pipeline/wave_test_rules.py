# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of tests: what they run, what they get, and in time. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterator

from .._fields import suggestion
from .build_rules import build_problems
from .model import Pipeline, Wave
from .output_rules import late_output, unknown_output
from .problem import Problem
from .wave_test import BEFORE, WaveTest


def wave_test_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield what is wrong with the tests of *pipeline*."""
    names = [test.name for wave in pipeline.waves for test in wave.tests]
    for wave in pipeline.waves:
        # A name twice in one wave is reported with the list.
        for name in {test.name for test in wave.tests}:
            here = sum(test.name == name for test in wave.tests)
            if collections.Counter(names)[name] > here:
                yield (
                    f"waves[{wave.name}].tests[{name}]",
                    "another wave has a test of this name, and each has a project of its own",
                    "Rename one of them",
                )
        for test in wave.tests:
            yield from _problems(pipeline, wave, test)


def _problems(pipeline: Pipeline, wave: Wave, test: WaveTest) -> Iterator[Problem]:
    where = f"waves[{wave.name}].tests[{test.name}]"
    if not (test.build.commands or test.build.buildspec):
        yield (where, "runs nothing", "Set commands, or buildspec")
    yield from build_problems(test.build, where)
    known = pipeline.test_artifacts
    for name in test.artifacts:
        if name not in known:
            yield (
                f"{where}.artifacts",
                f"{name} is not an artifact of the source",
                suggestion(name, known) or f"Use one of {', '.join(known)}",
            )
    for variable, output in test.outputs.items():
        times = {"before": wave} if test.when == BEFORE else {"after": wave}
        problem = unknown_output(pipeline, output) or late_output(pipeline, output, **times)
        if problem:
            yield (f"{where}.environment.{variable}", *problem)


__all__ = ("wave_test_problems",)
