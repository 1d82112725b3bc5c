# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of pipelines: between fields, with the inventory, and of all together. Pure.

All broken rules are reported together, each with its host, its field and what to do.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._fields import Reader, entry_label, suggestion
from .._organisation.model import (
    DEPLOY_ACCOUNTS,
    PIPELINES,
    Host,
    Organisation,
    pipeline_stack_name,
)
from .._organisation.problems import Problems
from .._organisation.rules import knows_regions
from .._organisation.variables import Variables, is_dynamic_reference
from .limits import MOST_BUILD_ARTIFACTS, TRUST_LIMIT, limit_problems
from .model import S3, Pipeline, Source, Uploader, functions_in
from .schema import PIPELINE, PIPELINE_NAME
from .stages import levels
from .uploader import trust_statements

_RESERVED_NAMES = ("templates",)  # a prefix of the build bucket that is in use
# CodePipeline writes artifacts below so many characters of the pipeline's name.
_ARTIFACT_PREFIX = 20
_PIPELINE_STACK = pipeline_stack_name("")  # how the names of pipelines' stacks end
_HOST_NAME = r"[A-Za-z0-9.@_-]+"
_TRUST_REST = 50  # a trust policy without its statements, with room to spare

Data = dict[str, t.Any]


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
    _check_together(pipelines, organisation, problems)
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
        if not reader.is_complete:
            return pipeline
        self._check_source(pipeline)
        self._check_artifacts_exist(pipeline)
        self._check_order(pipeline)
        self._check_environment_parameters(pipeline)
        self._check_targets(pipeline)
        knows_targets = set(pipeline.regions) <= set(self._organisation.regions)
        if (
            knows_regions(self._organisation)
            and knows_targets
            and not self._problems.of(self._name)
        ):
            for problem in limit_problems(pipeline, self._organisation):
                self._problem(*problem)
        return pipeline

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

    # Between fields

    def _check_source(self, pipeline: Pipeline) -> None:
        source = pipeline.source
        if source is None:
            return
        triggers = [artifact.name for artifact in source.artifacts if artifact.trigger]
        if source.type == S3 and source.artifacts and len(triggers) != 1:
            self._problem(
                "source.artifacts",
                f"{', '.join(triggers) or 'none'} has trigger: true, and exactly one must",
                "Set it on the artifact that is uploaded last",
            )
        if source.uploader:
            self._check_uploader(source.uploader)
        if not source.builds:
            return
        if source.forks and source.connection_arn:
            self._problem(
                "source.forks",
                "would let anybody's fork get the token of the connection",
                "Remove it: a maintainer's comment builds a fork's pull request",
            )
        for name in triggers:
            self._problem(
                f"source.artifacts[{name}].trigger",
                "is for source type s3: with codebuild, the successful build starts the pipeline",
                "Remove it",
            )
        if len(source.artifacts) > MOST_BUILD_ARTIFACTS:
            self._problem(
                "source.artifacts",
                f"{len(source.artifacts)}, and a build has {MOST_BUILD_ARTIFACTS} at most",
                "Combine artifacts",
            )

        self._check_connection(source)

    def _check_connection(self, source: Source) -> None:
        arn = parse_aws_arn(source.connection_arn) if source.connection_arn else None
        if arn is None:
            return
        organisation = self._organisation
        for part, own, words in (
            ("account_id", organisation.build_account_id, "account"),
            ("region", organisation.primary_region, "region"),
        ):
            if own and arn[part] != own:
                self._problem(
                    "source.connection_arn",
                    f"it is of {words} {arn[part]}, and builds run in {own}",
                    f"Make a connection in {own}",
                )

    def _check_uploader(self, uploader: Uploader) -> None:
        where, provider = "source.uploader", uploader.oidc_provider_arn
        build_account_id = self._organisation.build_account_id
        if provider and f":iam::{build_account_id}:" not in provider:
            self._problem(
                f"{where}.oidc_provider_arn",
                "is not in the build account, and a role can trust a provider of its account only",
                f"Make the provider in account {build_account_id}",
            )
        size = len(json.dumps(trust_statements(uploader), separators=(",", ":")))
        if size + _TRUST_REST > TRUST_LIMIT:
            self._problem(
                f"{where}.role_arns",
                f"make a trust policy of over {TRUST_LIMIT} characters",
                "Name fewer roles",
            )

    def _check_artifacts_exist(self, pipeline: Pipeline) -> None:
        made = (
            {artifact.name for artifact in pipeline.source.artifacts} if pipeline.source else set()
        )
        if not made or "" in made:  # reported there
            return
        makes = ", ".join(sorted(made))
        uses = [(f"stacks[{stack.name}].artifact", stack.artifact) for stack in pipeline.stacks]
        for where, parameters in _parameters(pipeline):
            uses += [
                (f"{where}.{name}", str(arguments[0]))
                for name, _function, arguments in functions_in(parameters)
            ]
        for where, name in uses:
            if name and name not in made:
                self._problem(
                    where,
                    f"no artifact is called {name}; the source makes {makes}",
                    suggestion(name, made) or "Add it to source.artifacts, or correct the name",
                )

    def _check_order(self, pipeline: Pipeline) -> None:
        names = {stack.name for stack in pipeline.stacks}
        if "" in names:  # reported there
            return
        for stack in pipeline.stacks:
            if stack.after and stack.after not in names:
                self._problem(
                    f"stacks[{stack.name}].after",
                    f"{stack.after} is not a stack of this pipeline",
                    suggestion(stack.after, names - {stack.name}) or "Name one of its stacks",
                )
                return
        reached = {stack.name for level in levels(pipeline.stacks) for stack in level}
        waiting = [stack.name for stack in pipeline.stacks if stack.name not in reached]
        if waiting:
            self._problem(
                f"stacks[{waiting[0]}].after",
                f"the stacks {', '.join(waiting)} wait for each other",
                "Remove one after",
            )

    def _check_environment_parameters(self, pipeline: Pipeline) -> None:
        if len(pipeline.stacks) < 2:
            return
        known = {name for stack in pipeline.stacks for name in stack.parameters}
        for wave in pipeline.waves:
            for environment in wave.environments:
                for name in environment.parameters:
                    if name not in known:
                        self._problem(
                            f"waves[{wave.name}].environments[{environment.host}]"
                            f".parameters.{name}",
                            "no stack has this parameter, so it is unclear which one it is for",
                            "Give it a value in parameters of the stack that it belongs to",
                        )

    def _check_targets(self, pipeline: Pipeline) -> None:
        seen: dict[tuple[str, str], str] = {}
        for wave in pipeline.waves:
            for environment in wave.environments:
                for region in environment.regions:
                    target = (environment.host, region)
                    if target in seen:
                        self._problem(
                            f"waves[{wave.name}].environments",
                            f"{environment.host} in {region} is already in wave {seen[target]}",
                            "A release reaches it once: remove one",
                        )
                    seen.setdefault(target, wave.name)

    def _problem(self, field: str, what: str, fix: str) -> None:
        reader = Reader(lambda text, cure: self._problems.add(text, cure, self._name))
        reader.problem(f"{PIPELINE.name}.{field}", what, fix)


def _parameters(pipeline: Pipeline) -> list[tuple[str, Data]]:
    """Return all parameters, of stacks and of environments, with their field."""
    found = [(f"stacks[{stack.name}].parameters", stack.parameters) for stack in pipeline.stacks]
    found += [
        (f"waves[{wave.name}].environments[{environment.host}].parameters", environment.parameters)
        for wave in pipeline.waves
        for environment in wave.environments
    ]
    return found


def _check_together(
    pipelines: Mapping[str, Pipeline], organisation: Organisation, problems: Problems
) -> None:
    """Check stacks of pipelines against one another, and against the foundation's."""
    # A deploy account's roles keep pipelines away from these names, in every region.
    build_stacks = {
        host.stack_name: host for host in organisation.foundation if host.group != DEPLOY_ACCOUNTS
    }
    account_stacks = {
        (host.stack_name, host.account_id): host for host in organisation.of(DEPLOY_ACCOUNTS)
    }
    for host in organisation.of(PIPELINES):
        if host.stack_name in build_stacks:
            problems.add(
                f"its stack {host.stack_name} is the foundation stack of host"
                f" {build_stacks[host.stack_name].name}",
                "Rename the pipeline",
                host.name,
            )
    first_of: dict[str, str] = {}
    for host in organisation.of(PIPELINES):
        if host.is_absent:
            continue
        first = first_of.setdefault(host.name[:_ARTIFACT_PREFIX], host.name)
        if first != host.name:
            problems.add(
                f"its name begins as that of pipeline {first}: CodePipeline writes artifacts below"
                f" the first {_ARTIFACT_PREFIX} characters",
                "Rename one of them, so that these differ",
                host.name,
            )
    owners: dict[tuple[str, str, str], str] = {}
    for name, pipeline in pipelines.items():
        for stack, environment in pipeline.deployments:
            account_id = environment.account_id
            if not account_id:  # a wrong one is reported at its host
                continue
            where = f"{PIPELINE.name}.stacks[{stack.name}].name"
            foundation = build_stacks.get(stack.name) or account_stacks.get(
                (stack.name, account_id)
            )
            if foundation:
                problems.add(
                    f"{where}: it is the foundation stack of host {foundation.name}",
                    "Rename it",
                    name,
                )
            in_build_account = account_id == organisation.build_account_id
            if in_build_account and stack.name.endswith(_PIPELINE_STACK):
                problems.add(
                    f"{where}: it ends in {_PIPELINE_STACK}, as only the stacks of pipelines may"
                    " in the build account",
                    "Rename it",
                    name,
                )
            for region in environment.regions:
                owner = owners.setdefault((stack.name, account_id, region), name)
                if owner != name:
                    problems.add(
                        f"{where}: pipeline {owner} already deploys this stack to"
                        f" {environment.host} in {region}",
                        "Rename one of them",
                        name,
                    )


__all__ = ("read_pipelines",)
