# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of all pipelines together: no two deploy the same stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .._organisation.model import (
    DEPLOY_ACCOUNTS,
    PIPELINES,
    Organisation,
    pipeline_stack_name,
)
from .._organisation.problems import Problems
from .model import Pipeline
from .schema import PIPELINE

# CodePipeline writes artifacts below so many characters of the pipeline's name.
_ARTIFACT_PREFIX = 20
_PIPELINE_STACK = pipeline_stack_name("")  # how the names of pipelines' stacks end


def check_together(
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


__all__ = ("check_together",)
