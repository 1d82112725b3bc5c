# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths a canary run proves, and how they are divided into pipelines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path as File

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    ROLE_NAMES,
    Host,
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack import limits
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.plan import make_plan

BUILD, HOME = "111111111111", "us-east-1"
REGIONS = ("ap-southeast-2", "eu-west-1", HOME)
# More than the policy of a pipeline's role can name.
MANY = tuple(f"eu-west-{number}" for number in range(1, 51))
RUN = "3f9a1c"
BASE = File(__file__).parents[5] / "roles" / "pipeline" / "files" / "pipeline.template"


def organisation(
    accounts: int, regions: Sequence[str] = REGIONS, *more: Host, **state: str
) -> Organisation:
    """An organisation; *state* is the state of hosts by name."""
    primary = Host(name="build", group=PRIMARY, account_id=BUILD, region=HOME, stack_name="P")
    regional = [
        Host(name=region, group=REGIONAL, account_id=BUILD, region=region, stack_name="R")
        for region in regions
        if region != HOME
    ]
    deploy = [
        Host(
            name=f"account{number}",
            group=DEPLOY_ACCOUNTS,
            account_id=str(200_000_000_000 + number),
            region=HOME,
            stack_name="D",
            state=state.get(f"account{number}", "present"),
            regions=tuple(regions),
        )
        for number in range(accounts)
    ]
    hosts = {host.name: host for host in (primary, *regional, *deploy, *more)}
    return Organisation(
        build_account_id=BUILD,
        primary_region=HOME,
        role_names=dict(ROLE_NAMES),
        primary=primary,
        hosts=hosts,
    )


@pytest.mark.parametrize(
    ("accounts", "regions", "pipelines"),
    [(1, (HOME,), 1), (17, REGIONS, 2), (1_000, REGIONS, 60), (1, MANY, 2)],
)
def test_every_path_is_in_one_pipeline_that_fits_the_limits(
    accounts: int, regions: Sequence[str], pipelines: int
) -> None:
    whole = organisation(accounts, regions)
    foundation = limits.longest_foundation(whole)

    plan = make_plan(whole, whole.hosts, RUN)

    assert len(plan.canaries) == pipelines
    found = [path for canary in plan.canaries for path in canary.paths]
    wanted = {(f"account{number}", region) for number in range(accounts) for region in regions}
    assert {(path.host, path.region) for path in found} == wanted
    assert len(found) == len(wanted)
    base = BASE.read_text(encoding="ascii")
    for canary in (plan.canaries[0], plan.canaries[-1]):
        pipeline = canary.pipeline(("arn:aws:iam::111111111111:role/CrossAccountOperator",))
        stages = compose_stages(pipeline, foundation)
        # One stage: CodePipeline begins no later one once an action has failed.
        assert [stage["Name"] for stage in stages if stage["Name"] == "canary"] == ["canary"]
        assert [len(stage["Actions"]) <= limits.MOST_IN_STAGE for stage in stages].count(False) == 0
        assert compose_template(pipeline, base, foundation)  # which checks the other limits


def test_names_differ_by_run_and_number_and_fit() -> None:
    whole = organisation(1_000)

    names = [canary.name for canary in make_plan(whole, whole.hosts, RUN).canaries]

    assert len(set(names)) == len(names)
    assert all(name.startswith("crossaccount-prove-3f9a1c-") and len(name) <= 32 for name in names)


def test_the_cost_counts_every_action() -> None:
    whole = organisation(1_000)

    estimate = make_plan(whole, whole.hosts, RUN).estimate

    assert (estimate.paths, estimate.pipelines, estimate.actions) == (3_000, 60, 6_160)
    assert round(estimate.dollars, 2) == 12.32


@pytest.mark.parametrize(
    ("hosts", "chosen"),
    [
        (("account0",), [("account0", region) for region in REGIONS]),
        (("eu-west-1",), [("account0", "eu-west-1"), ("account1", "eu-west-1")]),
        (("account0", "build"), [("account0", region) for region in REGIONS]),
    ],
    ids=["an account", "a region", "an account and the primary"],
)
def test_a_limit_takes_accounts_and_regions(
    hosts: Sequence[str], chosen: list[tuple[str, str]]
) -> None:
    plan = make_plan(organisation(2), hosts, RUN)

    paths = itertools.chain.from_iterable(canary.paths for canary in plan.canaries)
    assert sorted((path.host, path.region) for path in paths) == sorted(chosen)


def test_a_limit_without_any_path_is_refused() -> None:
    with pytest.raises(PipelineError, match="no account of the run has a region"):
        make_plan(organisation(2), ["build"], RUN)


@pytest.mark.parametrize("state", ["quarantined", "absent"])
def test_what_is_quarantined_or_absent_is_left_out_and_shown(state: str) -> None:
    whole = organisation(2, account1=state)

    plan = make_plan(whole, whole.hosts, RUN)

    assert {path.host for canary in plan.canaries for path in canary.paths} == {"account0"}
    shown = [
        (path["host"], path["status"], path["cause"] and path["cause"]["kind"])
        for path in plan.left_out
    ]
    assert shown == [("account1", "left_out", state)] * 3


def test_a_pipeline_of_the_user_with_such_a_name_is_refused() -> None:
    name = "crossaccount-prove-mine"
    own = Host(name=name, group=PIPELINES, account_id=BUILD, region=HOME, stack_name=name)
    whole = organisation(1, REGIONS, own)

    with pytest.raises(PipelineError, match=name):
        make_plan(whole, whole.hosts, RUN)


def test_a_slice_is_refused() -> None:
    whole = organisation(1)
    hosts = {name: host for name, host in whole.hosts.items() if host.group == DEPLOY_ACCOUNTS}
    part = Organisation(
        build_account_id=BUILD,
        primary_region=HOME,
        role_names=whole.role_names,
        primary=whole.primary,
        hosts=hosts,
    )

    with pytest.raises(PipelineError, match="without slices"):
        make_plan(part, part.hosts, RUN)
