# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of pipelines: between fields, with the inventory, and of all together. Pure.

All broken rules are reported together, each with its host, its field and what to do.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping

from .._fields import Reader, entry_label, suggestion
from .._organisation.model import DEPLOY_ACCOUNTS, PIPELINES, Host, Organisation
from .._organisation.problems import Problems
from .._organisation.rules import knows_regions
from .._organisation.variables import Variables, is_dynamic_reference
from .build_rules import source_build_problems
from .model import Data, Pipeline
from .output_rules import output_problems
from .problem import Problem, add_problem
from .schema import PIPELINE, PIPELINE_NAME
from .source_rules import source_problems
from .stack_rules import stack_problems
from .together import check_together

_RESERVED_NAMES = ("templates",)  # a prefix of the build bucket that is in use
_HOST_NAME = r"[A-Za-z0-9.@_-]+"


def read_pipelines(
    variables: Variables, organisation: Organisation, problems: Problems
) -> dict[str, Pipeline]:
    """Return present pipelines by host; add what is wrong to *problems*."""
    pipelines = {}
    for host in organisation.of(PIPELINES):
        _check_name(host, problems)
        if not host.is_absent:
            reading = _Reading(host.name, organisation, problems)
            pipelines[host.name] = reading.read(variables.value(host.name, PIPELINE.name))
    check_together(pipelines, organisation, problems)
    return pipelines


def _check_name(host: Host, problems: Problems) -> None:
    if not re.fullmatch(PIPELINE_NAME, host.name):
        problems.add(
            "the name of a pipeline is 2 to 32 lowercase letters, digits and hyphens,"
            " a letter first",
            "Rename the host",
            host.name,
        )
    elif host.name in _RESERVED_NAMES:
        problems.add(
            "its name is a prefix of the build bucket that is in use", "Rename the host", host.name
        )


class _Reading:
    """Reads one pipeline, and checks its fields together."""

    def __init__(self, name: str, organisation: Organisation, problems: Problems) -> None:
        self._name = name
        self._organisation = organisation
        self._problems = problems

    def read(self, value: t.Any) -> Pipeline:
        """Return the pipeline that the variable's value describes."""
        self._check_dynamic_references(value, PIPELINE.name)
        reader = Reader(lambda what, fix: self._problems.add(what, fix, self._name))
        data: Data = reader.read(PIPELINE, value) or {}
        for wave in data.get("waves", ()):
            where = f"waves[{wave['name']}].environments"
            for environment in wave["environments"]:
                self._resolve_host(environment, f"{where}[{environment['host']}]")
        pipeline = Pipeline.from_dict({"name": self._name, **data})
        if reader.is_complete:
            for problem in self._rules(pipeline):
                add_problem(self._problems, self._name, problem)
        return pipeline

    def _rules(self, pipeline: Pipeline) -> Iterator[Problem]:
        if pipeline.source:
            yield from source_problems(pipeline.source, self._organisation)
        yield from source_build_problems(pipeline)
        yield from stack_problems(pipeline)
        yield from output_problems(pipeline)

    def _check_dynamic_references(self, value: t.Any, where: str) -> None:
        if isinstance(value, str) and is_dynamic_reference(value):
            self._problems.add(
                f"{where}: {{{{resolve:...}}}} would be resolved in the build account, and whoever"
                " reads the pipeline would read the secret",
                "Put it in the template or the template configuration, which the deploy account"
                " resolves",
                self._name,
            )
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self._check_dynamic_references(item, f"{where}.{key}")
        elif isinstance(value, (list, tuple)):
            for number, item in enumerate(value, start=1):
                self._check_dynamic_references(item, f"{where}[{entry_label(item, number)}]")

    # With the inventory

    def _resolve_host(self, environment: Data, where: str) -> None:
        """Fill in the account of an environment, and its regions by default."""
        name, regions = environment["host"], [item for item in environment["regions"] if item]
        host = self._organisation.hosts.get(name)
        if host is None or host.group != DEPLOY_ACCOUNTS:
            environment |= {"account_id": "", "regions": regions}
            if name and not self._problems.of(name):
                known = [host.name for host in self._organisation.of(DEPLOY_ACCOUNTS)]
                self._problem(
                    f"{where}.host",
                    f"{name} is not a host of deploy_accounts",
                    suggestion(name, known) or "Add it to the inventory, or correct the name",
                )
            return
        environment |= {"account_id": host.account_id, "regions": regions or list(host.regions)}
        # A quarantined host may stay in the waves: it must not stop every run, and may come back.
        if host.is_absent:
            self._problem(
                f"{where}.host",
                f"host {name} is absent, so nothing can be deployed to it",
                "Remove it from the waves",
            )
            return
        if not re.fullmatch(_HOST_NAME, name):
            self._problem(
                f"{where}.host",
                f"{name} has characters other than letters, digits and .@_-, and action names"
                " contain it",
                "Rename the host",
            )
        # What is wrong with the host is reported there.
        if knows_regions(self._organisation) and not self._problems.of(name):
            for region in environment["regions"]:
                self._check_region(region, host, f"{where}.regions")

    def _check_region(self, region: str, host: Host, where: str) -> None:
        if region not in self._organisation.regions:
            self._problem(
                where,
                f"region {region} has no foundation: it is neither the primary region nor a"
                " present host of group regional",
                f"Add {region} to the inventory, or remove it",
            )
        elif region not in host.regions:
            self._problem(
                where,
                f"region {region} is not in regions of host {host.name}",
                "Add it to the host, so that its roles reach that region's bucket and key",
            )

    def _problem(self, field: str, what: str, fix: str) -> None:
        add_problem(self._problems, self._name, (field, what, fix))


__all__ = ("read_pipelines",)
