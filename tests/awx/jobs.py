# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them, without an AWX: as ansible-runner starts them, in AWX's directories.

A job is a fork of a process that has imported Ansible. It finds a project, one inventory file that
prints all that it may see, its extra variables and its environment. What it publishes by set_stats
is read from its events, as AWX does.

Extra variables are YAML. AWX trusts those of the job template; every other text, such as what
earlier jobs of a workflow have published, has the tag ``!unsafe``. ansible-core 2.19 and later then
resolve the type behind the tag: the text 1.0 becomes a number, a time a datetime, '' null.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_runner.config.runner import RunnerConfig

from tests.integration.warm import KINDS, Warm

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "examples" / "awx-project"
# ansible-runner's callback learns at its import where a job's events go.
_KINDS = tuple(kind for kind in KINDS if kind != "callback")

Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job that has ended."""

    code: int
    output: str
    artifacts: Data

    @property
    def summary(self) -> Data:
        """The one summary among what it published, as a program reads it."""
        (text,) = [
            value
            for name, value in self.artifacts.items()
            if name == "drift_verdict" or name.startswith("drift_report_")
        ]
        found: Data = json.loads(text)
        return found


class Stored:
    """An inventory as AWX holds it after it has read the project's, all of it or a part.

    limit: the limit of its source.
    """

    def __init__(self, directory: Path, *, limit: str = "") -> None:
        command = ("ansible-inventory", "-i", str(directory), "--list", "--export")
        answer = subprocess.run(
            (*command, *(("--limit", limit) if limit else ())),
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
        )
        self._data: Data = json.loads(answer.stdout)

    @property
    def hosts(self) -> list[str]:
        """The names of its hosts, sorted."""
        return sorted({host for group in self._groups.values() for host in group.get("hosts", ())})

    def slices(self, number: int) -> list[list[str]]:
        """The hosts of each slice: sorted, and every n-th; no more slices than hosts."""
        parts = min(number, len(self.hosts))
        return [self.hosts[start::parts] for start in range(parts)]

    def script(self, hosts: Iterable[str]) -> str:
        """The program that a job with these hosts finds as its inventory."""
        seen = set(hosts)
        groups = {
            name: {
                **group,
                "hosts": [host for host in group.get("hosts", ()) if host in seen],
            }
            for name, group in self._groups.items()
        }
        variables = self._data["_meta"]["hostvars"]
        hostvars = {
            host: {
                **variables.get(host, {}),
                "remote_tower_enabled": "true",
                "remote_tower_id": number,
            }
            for number, host in enumerate(sorted(seen), start=1)
        }
        text = json.dumps({**groups, "_meta": {"hostvars": hostvars}})
        return f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({text!r})\n"

    @property
    def _groups(self) -> Data:
        return {name: group for name, group in self._data.items() if name != "_meta"}


def warm_jobs(folder: Path, environment: Mapping[str, str], modules: Iterable[str]) -> Warm:
    """Return what runs jobs in this environment. folder: an empty one."""
    config = RunnerConfig(str(folder), playbook="", ident="none", envvars=dict(environment))
    config.prepare_env()
    return Warm(PROJECT, config.env, modules, kinds=_KINDS)


def run_job(
    folder: Path,
    playbook: str,
    *,
    number: int,
    inventory: Stored,
    warm: Warm,
    environment: Mapping[str, str],
    hosts: Iterable[str] | None = None,
    variables: Data | None = None,
    given: Data | None = None,
) -> Job:
    """Run one job to its end.

    number: its id. hosts: those of its slice; all by default. variables: of the template. given: of
    the launch, and what jobs before it in a workflow have published.
    """
    directory = folder / f"job-{number}"
    shutil.copytree(PROJECT, directory / "project")
    script = directory / "inventory" / "hosts"
    script.parent.mkdir()
    script.write_text(inventory.script(inventory.hosts if hosts is None else hosts), "utf-8")
    script.chmod(0o700)
    untrusted = {"awx_job_id": number, "awx_job_template_name": playbook, **(given or {})}
    env = directory / "env"
    env.mkdir()
    (env / "extravars").write_text(extra_variables(variables or {}, untrusted), "utf-8")
    (env / "envvars").write_text(json.dumps({"ANSIBLE_HOME": str(folder / "ansible")}), "utf-8")
    config = RunnerConfig(
        str(directory), playbook=playbook, ident=str(number), envvars=dict(environment)
    )
    config.prepare()
    code, output = warm.run(
        config.command,
        environment=config.env,
        output=directory / "output",
        folder=Path(config.cwd),
    )
    return Job(code=code, output=_ESCAPED.sub("", output), artifacts=_published(directory, number))


# What the callback writes for ansible-runner between the lines.
_ESCAPED = re.compile(r"\x1b\[K(?:[\w+/=]+\x1b\[\d+D)*\x1b\[K")


class _Untrusted(yaml.SafeDumper):
    """Writes every text with the tag !unsafe, keys too."""


_Untrusted.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


def extra_variables(trusted: Data, untrusted: Data) -> str:
    """The file of a job's extra variables."""
    parts = [
        yaml.dump(data, Dumper=dumper, default_flow_style=False, width=80)
        for data, dumper in ((trusted, yaml.SafeDumper), (untrusted, _Untrusted))
        if data
    ]
    return "".join(parts)


def _published(directory: Path, number: int) -> Data:
    found: Data = {}
    for path in (directory / "artifacts" / str(number) / "job_events").glob("*.json"):
        event = json.loads(path.read_text(encoding="utf-8"))
        if event["event"] == "playbook_on_stats":
            found.update(event["event_data"].get("artifact_data") or {})
    return found


__all__ = ("Job", "Stored", "extra_variables", "run_job", "warm_jobs")
