# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks that block a release because their first deployment failed.

CloudFormation updates no stack that was never complete. Only targets whose action failed are read,
so a pipeline that works costs one call.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.batch import Failure, account_of, for_each
from .._aws.gateway import Gateway
from .._organisation.model import Organisation
from .._pipeline.live import read_failed_actions
from .._pipeline.model import Pipeline
from .._pipeline_stack.actions import EXECUTE, PREPARE, action_name
from .._stack.api import StackApi
from .._stack.model import Found
from .._stack.recover import NEVER_DEPLOYED
from .plan import BlockedStack


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Target:
    """One stack that a pipeline deploys."""

    pipeline: str
    host: str
    region: str
    stack_name: str


def find_blocked(
    gateway: Gateway,
    organisation: Organisation,
    pipelines: t.Iterable[Pipeline],
    hosts: t.Collection[str],
) -> tuple[list[BlockedStack], dict[str, str]]:
    """Return the stacks in *hosts* that block *pipelines*, and errors by host."""
    primary = organisation.primary
    errors: dict[str, str] = {}

    def failed_actions(pipeline: Pipeline) -> frozenset[str]:
        session = gateway.open(account_of(primary.target()))
        client = session.client("codepipeline", primary.region)
        return frozenset(read_failed_actions(client, pipeline.name))

    def find(target: _Target) -> Found | None:
        session = gateway.open(account_of(organisation.hosts[target.host].target()))
        return StackApi.of(session, target.region).find(target.stack_name)

    targets: list[_Target] = []
    pipelines = list(pipelines)
    for pipeline, failed in zip(pipelines, for_each(pipelines, failed_actions), strict=True):
        if isinstance(failed, Failure):
            errors[pipeline.name] = failed.error
        else:
            targets += [target for target in _targets(pipeline, failed) if target.host in hosts]
    blocked = []
    for target, found in zip(targets, for_each(targets, find), strict=True):
        if isinstance(found, Failure):
            errors[target.host] = found.error
        elif found is not None and found.status in NEVER_DEPLOYED:
            blocked.append(_blocked(organisation, target, found))
    return sorted(blocked, key=lambda stack: tuple(stack.values())), errors


def _blocked(organisation: Organisation, target: _Target, found: Found) -> BlockedStack:
    return BlockedStack(
        account_id=organisation.hosts[target.host].account_id,
        region=target.region,
        stack_name=found.name,
        host=target.host,
        pipeline=target.pipeline,
        status=found.status,
    )


def _targets(pipeline: Pipeline, failed: frozenset[str]) -> list[_Target]:
    """Return the targets of *pipeline* with an action among *failed*."""
    return [
        _Target(
            pipeline=pipeline.name,
            host=environment.host,
            region=region,
            stack_name=stack.name,
        )
        for wave in pipeline.waves
        for environment in wave.environments
        for region in environment.regions
        for stack in pipeline.stacks
        if failed.intersection(
            action_name(environment.host, region, stack.name, step) for step in (PREPARE, EXECUTE)
        )
    ]


__all__ = ("find_blocked",)
