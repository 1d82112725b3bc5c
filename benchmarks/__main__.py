# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the bootstrap with Sceptre: python -m benchmarks [SCENARIO...].

Times depend on the machine and are only printed. Claims are counted from the call log: the exit
status is 1 when a claim does not hold, 2 when a run failed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from benchmarks.bench import Options
from benchmarks.measure import BenchmarkError
from benchmarks.organisation import REGIONS, Size, generate
from benchmarks.report import as_data, as_text
from benchmarks.result import Result
from benchmarks.scenarios import SCENARIOS, WITH_SCEPTRE, Stage
from benchmarks.tool import sceptre_version
from lab import Lab, LabError
from tools.environment import ROOT

_WORK = ROOT / "build" / "benchmarks"
_RESULTS = ROOT / "build" / "benchmarks.json"


def main() -> int:
    """Run the chosen scenarios, print their tables, write build/benchmarks.json."""
    arguments = _parser().parse_args()
    # Ended from outside or by hand, it ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    size = Size(accounts=arguments.accounts, regions=arguments.regions)
    shutil.rmtree(_WORK, ignore_errors=True)
    _WORK.mkdir(parents=True)
    results: list[Result] = []
    try:
        about = _about(size, arguments.scenarios)
        print(_heading(about), flush=True)
        with Lab(organisation=generate(size)) as lab:
            for result in _run(lab, _options(size, arguments), arguments.scenarios):
                results.append(result)
                print(as_text(result), flush=True)
    except (BenchmarkError, LabError) as error:
        print(error, file=sys.stderr)
        return 2
    data = {"about": about, "results": [as_data(result) for result in results]}
    _RESULTS.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {_RESULTS.relative_to(ROOT)}; every run's output is in build/benchmarks/.")
    broken = [claim.text for result in results for claim in result.claims if not claim.holds]
    for text in broken:
        print(f"Does not hold: {text}")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", type=_scenario, metavar="SCENARIO",
                        help=f"{', '.join(SCENARIOS)}; all of them by default")  # fmt: skip
    parser.add_argument("--accounts", type=_positive, default=100, help="deploy accounts")
    parser.add_argument("--regions", type=_region_count, default=10, help="regional regions")
    parser.add_argument("--repeat", type=_positive, default=3, metavar="N",
                        help="timed runs of each tool, in turn")  # fmt: skip
    parser.add_argument("--reads", type=float, nargs="+", default=[0.0, 0.08], metavar="S",
                        help="unchanged, drift: seconds that a read takes, as on AWS")  # fmt: skip
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 5.0], metavar="S",
                        help="update: seconds that a stack operation takes")  # fmt: skip
    parser.add_argument("--sizes", type=_positive, nargs="+", default=[100, 300, 1000],
                        metavar="N", help="scale: deploy accounts")  # fmt: skip
    parser.add_argument("--sliced", type=_positive, default=1000, metavar="N",
                        help="slices: deploy accounts")  # fmt: skip
    parser.add_argument("--pipelines", type=_positive, default=100, metavar="N",
                        help="pipelines: how many are created")  # fmt: skip
    parser.add_argument("--forks", type=_positive, help="instead of those of ansible.cfg")
    return parser


def _scenario(text: str) -> str:
    if text not in SCENARIOS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(SCENARIOS)}")
    return text


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 1")
    return int(text)


def _region_count(text: str) -> int:
    if not text.isdigit() or int(text) > len(REGIONS):
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 0 to {len(REGIONS)}")
    return int(text)


def _options(size: Size, arguments: argparse.Namespace) -> Options:
    return Options(
        size=size,
        repeat=arguments.repeat,
        forks=arguments.forks,
        reads=arguments.reads,
        operations=arguments.latency,
        sizes=arguments.sizes,
        sliced=arguments.sliced,
        pipelines=arguments.pipelines,
    )


def _run(lab: Lab, options: Options, chosen: Sequence[str]) -> Iterator[Result]:
    """Run the chosen scenarios in their order and yield what each found."""
    stage = Stage(
        lab,
        directory=_WORK,
        options=options,
        report=lambda line: print(f"... {line}", file=sys.stderr, flush=True),
    )
    for name, scenario in SCENARIOS.items():
        if not chosen or name in chosen:
            yield from scenario(stage)


def _about(size: Size, chosen: Sequence[str]) -> dict[str, Any]:
    """What was run, and where. Sceptre has no part in some scenarios."""
    return {
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "size": {**asdict(size), "stacks": size.stacks},
        "sceptre": sceptre_version() if not chosen or set(chosen) & WITH_SCEPTRE else None,
        "ansible-core": metadata.version("ansible-core"),
        "boto3": metadata.version("boto3"),
        "ministack": metadata.version("ministack"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
    }


def _heading(about: dict[str, Any]) -> str:
    size = about["size"]
    peer = f" and Sceptre {about['sceptre']}" if about["sceptre"] else ""
    return (
        f"crossaccount.pipeline (ansible-core {about['ansible-core']}, Python {about['python']})"
        f"{peer}\n"
        f"{size['accounts']} deploy accounts, {size['regions']} regional regions:"
        f" {size['stacks']} stacks. {about['system']}, {about['cpus']} CPUs, shared with the lab.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
