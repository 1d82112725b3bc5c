# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab by hand: python -m lab up | down | env | log | push | build | pipeline | approve."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import cast

from botocore.exceptions import ClientError

from .client import process
from .client.lab import Lab, Setup
from .client.pipeline import Pipeline
from .codebuild.results import BuildResult
from .errors import LabError

DIRECTORY = Path(__file__).parents[1] / ".lab"
# A shell may hold any AWS_* variable; each would win over, or mix with, what the lab gives.
_UNSET = "unset AWS_PROFILE $(env | sed -n 's/^\\(AWS_[A-Za-z0-9_]*\\)=.*/\\1/p')"


def main() -> int:
    """Run one command; the exit status is 1 when it could not be done."""
    arguments = _parser().parse_args()
    lab = Lab(directory=arguments.directory)
    try:
        match arguments.command:
            case "up":
                _up(lab, latency=arguments.latency, setup=arguments.setup)
            case "down":
                _down(lab)
            case "env":
                print((_running(lab).directory / "env").read_text(encoding="utf-8"), end="")
            case "log":
                for call in _running(lab).calls():
                    print(json.dumps(asdict(call)))
            case "push":
                _push(_running(lab), arguments.repository, arguments.files, arguments.branch)
            case "build":
                return _build(_running(lab), arguments.project, arguments.files)
            case "pipeline":
                _show(lab, Pipeline(_running(lab), arguments.name))
            case "approve":
                pipeline = Pipeline(_running(lab), arguments.name)
                pipeline.approve()
                _show(lab, pipeline)
    except (LabError, ClientError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where its files go")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it in the background and seed the organisation")
    up.add_argument("--latency", type=float, default=0.0, metavar="S",
                    help="seconds that every stack operation takes")  # fmt: skip
    up.add_argument("--setup", choices=("operator", "management"), default="operator",
                    help="whose credentials .lab/env holds")  # fmt: skip
    commands.add_parser("down", help="end it and everything that it started")
    commands.add_parser("env", help="print the shell lines that .lab/env holds")
    commands.add_parser("log", help="print the call log, one JSON object a line")
    push = commands.add_parser("push", help="push to a repository, as its provider reports it")
    push.add_argument("repository", help="its owner and name")
    push.add_argument("files", nargs="*", type=Path, metavar="FILE",
                      help="what the build of a release leaves, by the artifacts' names")  # fmt: skip
    push.add_argument("--branch", default="main")
    build = commands.add_parser("build", help="build a CodeBuild project, as a push does")
    build.add_argument("project")
    build.add_argument("files", nargs="*", type=Path, metavar="FILE",
                       help="what its commands leave, by the artifacts' names")  # fmt: skip
    pipeline = commands.add_parser("pipeline", help="wait until a pipeline rests, and show it")
    pipeline.add_argument("name")
    approve = commands.add_parser("approve", help="approve what a pipeline waits for")
    approve.add_argument("name")
    return parser


def _push(lab: Lab, repository: str, files: list[Path], branch: str) -> None:
    """Push a commit, and let builds of releases leave these artifacts."""
    left = {file.stem: file.read_bytes() for file in files}
    lab.set_build_results([BuildResult(project="*-release", artifacts=left)])
    commit = lab.push(repository, {"pushed": repository}, branch=branch)["commit"]
    print(f"{branch} of {repository} is {commit}.")


def _build(lab: Lab, project: str, files: list[Path]) -> int:
    """Build and print the result; 1 when it has failed."""
    build = lab.build(project, {file.name: file.read_bytes() for file in files})
    print(f"{build['id']} has {build['buildStatus']}.")
    for phase in build["phases"]:
        for context in phase.get("contexts", []):
            print(f"{phase['phaseType']}: {context['message']}", file=sys.stderr)
    return 0 if build["buildStatus"] == "SUCCEEDED" else 1


def _show(lab: Lab, pipeline: Pipeline) -> None:
    lab.wait_for_events()
    pipeline.wait()
    print(pipeline.description)


def _up(lab: Lab, *, latency: float, setup: str) -> None:
    if lab.attach():
        shown = _shown(lab.directory / "env")
        print(f"The lab runs already at {lab.url} (pid {lab.pid}). To use it: source {shown}")
        return
    if process.read_state(lab.directory):
        process.stop_unresponsive(lab.directory)
    lab.start(watch=False)
    try:
        lab.seed()
        lab.set_latency(latency)
        _write_environment(lab, cast("Setup", setup))
    except BaseException:
        lab.stop()
        raise
    shown = _shown(lab.directory / "env")
    print(f"The lab runs at {lab.url} (pid {lab.pid}), with {setup} credentials in {shown}.")
    print(f"To use it: source {shown}     To end it: python -m lab down")


def _down(lab: Lab) -> None:
    if lab.attach():
        pid = lab.pid
        lab.stop()
        print(f"The lab (pid {pid}) is ended.")
    elif process.stop_unresponsive(lab.directory):
        print("The lab did not answer any more; it is ended.")
    else:
        print("The lab does not run.")
    (lab.directory / "env").unlink(missing_ok=True)


def _running(lab: Lab) -> Lab:
    if not lab.attach():
        raise LabError("The lab does not run. To start it: python -m lab up")
    return lab


def _shown(path: Path) -> str:
    """A path as a person in the checkout would type it."""
    with suppress(ValueError):
        path = path.resolve().relative_to(Path.cwd())
    return shlex.quote(str(path))


def _write_environment(lab: Lab, setup: Setup) -> None:
    lines = [_UNSET]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in lab.variables(setup).items()]
    path = lab.directory / "env"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
