# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of waves add: a project each, and its action. Pure."""

from __future__ import annotations

import json

from .._pipeline.model import Pipeline, Wave
from .._pipeline.wave_test import WaveTest
from .actions import Action
from .buildspec import compose_buildspec
from .foundation import Foundation
from .part import Data, Part
from .pipeline_builds import build_action, make_pipeline_project, start_builds


def wave_tests(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return the projects of all tests."""
    tests = [test for wave in pipeline.waves for test in wave.tests]
    if not tests:
        return Part()
    resources: Data = {}
    for test in tests:
        resources |= make_pipeline_project(
            _logical_id(test),
            f"test-{test.name}",
            f"Tests releases of ${{PipelineName}}: {test.name}",
            test.build,
            pipeline=pipeline.name,
            buildspec=compose_buildspec(test.build),
        )
    start = start_builds("StartTests", [_logical_id(test) for test in tests])
    return Part(resources=resources, source_statements=(start,))


def test_actions(pipeline: Pipeline, wave: Wave, when: str) -> list[Action]:
    """Return the actions of those tests of *wave* that run at that time."""
    return [_action(pipeline, test) for test in wave.tests if test.when == when]


def _action(pipeline: Pipeline, test: WaveTest) -> Action:
    action = build_action(
        f"test-{test.name}",
        _logical_id(test),
        category="Test",
        inputs=test.artifacts or pipeline.test_artifacts[:1],
    )
    # A variable of the pipeline exists during a release alone, so the project cannot hold it.
    variables = [
        {"name": name, "value": output.reference, "type": "PLAINTEXT"}
        for name, output in test.outputs.items()
    ]
    if variables:
        action["Configuration"]["EnvironmentVariables"] = json.dumps(
            variables, separators=(",", ":")
        )
    return action


def _logical_id(test: WaveTest) -> str:
    return "Test" + "".join(part.capitalize() for part in test.name.split("-"))


__all__ = ("test_actions", "wave_tests")
