# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of pipelines: between fields, with the inventory, and of all together. Pure.

All broken rules are reported together, each with its host, its field and what to do.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t
from collections.abc import Iterator, Mapping

from .._fields import Reader, entry_label
from .._organisation.builds_from import BUILDS_FROM
from .._organisation.model import PIPELINE_NAME, PIPELINES, Host, Organisation
from .._organisation.problems import Problems
from .._organisation.variables import Groups, Variables, is_dynamic_reference
from .approval_rules import approval_problems
from .build_rules import source_build_problems
from .conditions_rules import condition_problems
from .deploy_kinds_rules import deploy_kind_problems
from .developers import developer_problems, received_pipelines
from .environments import Environments
from .model import Data, Pipeline
from .notification_rules import notification_problems, organisation_notifications, own_fields
from .notifications import Notifications
from .output_rules import output_problems
from .problem import Problem, add_problem
from .schema import PIPELINE
from .source_rules import source_problems, source_warnings
from .stack_rules import stack_problems
from .together import check_together
from .wave_test_rules import wave_test_problems

_RESERVED_NAMES = ("builds", "templates")  # prefixes of the build bucket that are in use


def read_pipelines(
    variables: Variables, organisation: Organisation, problems: Problems
) -> dict[str, Pipeline]:
    """Return present pipelines by host; add what is wrong to *problems*."""
    pipelines = {}
    for host in organisation.of(PIPELINES):
        _check_name(host, problems)
        if not host.is_absent:
            shared = organisation_notifications(variables, organisation, host, problems)
            reading = _Reading(host.name, organisation, variables.groups, shared, problems)
            reading.received = received_pipelines(variables.value(host.name, BUILDS_FROM.name))
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


def pipeline_warnings(pipelines: Mapping[str, Pipeline], organisation: Organisation) -> list[str]:
    """Return what AWS may refuse of *pipelines*, by its documentation."""
    return [
        f"pipeline {name}: {warning}"
        for name, pipeline in pipelines.items()
        if pipeline.source
        for warning in source_warnings(pipeline.source, organisation.primary_region)
    ]


class _Reading:
    """Reads one pipeline, and checks its fields together."""

    def __init__(
        self,
        name: str,
        organisation: Organisation,
        groups: Groups,
        notifications: Notifications,
        problems: Problems,
    ) -> None:
        self._name = name
        self._organisation = organisation
        self._notifications = notifications
        self._problems = problems
        self.received: set[str] = set()
        self._environments = Environments(
            organisation, groups, problems, functools.partial(add_problem, problems, name)
        )

    def read(self, value: t.Any) -> Pipeline:
        """Return the pipeline that the variable's value describes."""
        self._check_dynamic_references(value, PIPELINE.name)
        reader = Reader(lambda what, fix: self._problems.add(what, fix, self._name))
        data: Data = reader.read(PIPELINE, value) or {}
        for wave in data.get("waves", ()):
            where = f"waves[{wave['name']}].environments"
            wave["environments"] = self._environments.resolve(wave["environments"], where)
        own = own_fields(value, data)
        data["notifications"] = dataclasses.asdict(self._notifications.overridden(own))
        pipeline = Pipeline.from_dict({"name": self._name, **data})
        if reader.is_complete:
            for problem in self._rules(pipeline):
                add_problem(self._problems, self._name, problem)
        return pipeline

    def _rules(self, pipeline: Pipeline) -> Iterator[Problem]:
        if pipeline.source:
            yield from source_problems(pipeline.source, self._organisation)
            yield from developer_problems(
                pipeline.source, pipeline.developers, is_received=self._name in self.received
            )
        yield from source_build_problems(pipeline)
        yield from wave_test_problems(pipeline)
        yield from stack_problems(pipeline)
        yield from output_problems(pipeline)
        yield from condition_problems(pipeline, self._organisation)
        yield from approval_problems(pipeline, self._organisation)
        yield from deploy_kind_problems(pipeline, self._organisation)
        yield from notification_problems(pipeline.notifications, self._organisation)

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


__all__ = ("pipeline_warnings", "read_pipelines")
