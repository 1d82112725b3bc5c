# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run may do: no grant is lost silently, and no new account is granted without an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import plan
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import Host
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found

from tests.fakes.inventory import (
    BUILD,
    DEVELOPMENT,
    PRODUCTION,
    TESTING,
    Inventory,
    primary_stack,
    regional_stack,
)

Change = Callable[[Inventory], object]
Foundation = dict[str, Found | None]

REGIONS = ["ap-southeast-2", "eu-west-1"]
ACCOUNTS = ["development", "production", "testing"]
EVERYBODY = ["build", *REGIONS, *ACCOUNTS]
GRANTS = {
    "us-east-1": [DEVELOPMENT, TESTING, PRODUCTION],
    "eu-west-1": [TESTING, PRODUCTION],
    "ap-southeast-2": [PRODUCTION],
}
WITHOUT_PRODUCTION = {
    "us-east-1": [DEVELOPMENT, TESTING],
    "eu-west-1": [TESTING],
    "ap-southeast-2": [],
}
GONE = "555555555555"
NEVER_MADE = ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"]


def standing(**more: Any) -> Foundation:
    """Return the foundation of the whole inventory, as it is after a run."""
    return {
        "build": primary_stack(GRANTS["us-east-1"], REGIONS, **more),
        **{region: regional_stack(region, GRANTS[region], **more) for region in REGIONS},
    }


NOTHING: Foundation = dict.fromkeys(standing())


def put(name: str, variable: str, value: Any) -> Change:
    """Return what sets a variable of a host."""
    return lambda inventory: inventory.hosts[name].update({variable: value})


def state(name: str, value: str) -> Change:
    """Return what sets the state of a host."""
    return put(name, "state", value)


def unchanged(_inventory: Inventory) -> None:
    """Change nothing."""


def to_slice(inventory: Inventory) -> None:
    """Leave deploy accounts only, as a slice of an AWX job does."""
    inventory.remove("build", *REGIONS)


def changed(change: Change) -> Any:
    """Return an organisation with a change."""
    inventory = Inventory()
    change(inventory)
    return inventory.read()


def names(hosts: list[Host]) -> list[str]:
    return [host.name for host in hosts]


# What is read, and which accounts must answer


@pytest.mark.parametrize(
    ("change", "play_hosts", "expected"),
    [
        (unchanged, EVERYBODY, ["build", *REGIONS]),
        (unchanged, ["eu-west-1", "production"], ["build", *REGIONS]),
        (unchanged, ["production"], ["build"]),
        (to_slice, ["production"], ["(primary)"]),
    ],
)
def test_regions_are_read_where_grants_may_change_and_the_register_always(
    change: Change, play_hosts: list[str], expected: list[str]
) -> None:
    assert names(plan.foundation_hosts(changed(change), play_hosts)) == expected


@pytest.mark.parametrize(
    ("change", "foundation", "play_hosts", "expected"),
    [
        (unchanged, standing(), EVERYBODY, ACCOUNTS),
        (unchanged, standing(), ["production"], ["production"]),
        # A newly granted account must answer, whatever --limit leaves out.
        (lambda inventory: inventory.add_account("new", GONE), standing(), ["build"], ["new"]),
        (
            lambda inventory: inventory.add_account("new", GONE),
            standing(),
            ["testing"],
            ["testing"],
        ),
        (
            put("development", "regions", ["us-east-1", "eu-west-1"]),
            standing(),
            ["build"],
            ["development"],
        ),
        (unchanged, NOTHING, ["build"], ACCOUNTS),
        (unchanged, {"build": standing()["build"]}, ["build"], ["production", "testing"]),
        (state("production", "quarantined"), NOTHING, EVERYBODY, ["development", "testing"]),
        (state("production", "absent"), standing(), EVERYBODY, ACCOUNTS),
    ],
)
def test_accounts_of_the_play_and_newly_granted_ones_must_answer(
    change: Change, foundation: Foundation, play_hosts: list[str], expected: list[str]
) -> None:
    assert names(plan.accounts_to_check(changed(change), foundation, play_hosts)) == expected


# Grants


@pytest.mark.parametrize(
    ("change", "foundation", "proven", "expected"),
    [
        (unchanged, NOTHING, ACCOUNTS, GRANTS),
        (unchanged, NOTHING, ["development", "testing"], WITHOUT_PRODUCTION),
        (unchanged, standing(), [], GRANTS),
        (
            unchanged,
            {**standing(), "eu-west-1": None},
            ["testing"],
            {**GRANTS, "eu-west-1": [TESTING]},
        ),
        (
            put("production", "regions", ["us-east-1", "eu-west-1"]),
            standing(),
            [],
            {**GRANTS, "ap-southeast-2": []},
        ),
        (state("production", "quarantined"), standing(), [], WITHOUT_PRODUCTION),
        (state("production", "absent"), standing(), ACCOUNTS, WITHOUT_PRODUCTION),
        *(
            (unchanged, standing(status=status), ["testing", "development"], WITHOUT_PRODUCTION)
            for status in NEVER_MADE
        ),
    ],
)
def test_policies_grant_who_is_granted_already_and_who_answered(
    change: Change, foundation: Foundation, proven: list[str], expected: plan.Grants
) -> None:
    assert plan.grants(changed(change), foundation, proven=proven) == expected


def test_an_absent_account_stays_granted_while_a_pipeline_uses_it() -> None:
    organisation = changed(state("production", "absent"))

    assert plan.grants(organisation, standing(), proven=ACCOUNTS, held=["production"]) == GRANTS


def test_a_teardown_grants_nobody() -> None:
    organisation = Inventory().read().all_absent()

    assert plan.grants(organisation, standing(), proven=ACCOUNTS) == {"us-east-1": []}


# An organization instead of accounts

ORGANISATION = "o-a1b2c3d4e5"


def admit_organization(inventory: Inventory) -> None:
    inventory.shared |= {"grant_mode": "organization", "organisation_id": ORGANISATION}


def admitted(change: Change) -> Any:
    """Return an organisation with a change, whose policies admit an organization."""
    inventory = Inventory()
    admit_organization(inventory)
    change(inventory)
    return inventory.read()


def admitting(*excluded: str) -> Foundation:
    """Return a foundation that admits an organization."""
    more = {"GrantMode": "organization", "ExcludedAccountIds": ",".join([BUILD, *excluded])}
    return {
        name: dataclasses.replace(
            stack, parameters={**stack.parameters, "DeployAccountIds": "", **more}
        )
        for name, stack in standing().items()
        if stack is not None
    }


def build_as_target(inventory: Inventory) -> None:
    inventory.add_account("build-as-target", BUILD, ("eu-west-1",))


@pytest.mark.parametrize("foundation", [NOTHING, standing(), admitting()])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (unchanged, []),
        (lambda inventory: inventory.add_account("new", GONE), []),
        (state("production", "quarantined"), []),
        (build_as_target, [BUILD]),
    ],
)
def test_of_an_organization_policies_name_at_most_the_build_account(
    change: Change, foundation: Foundation, expected: list[str]
) -> None:
    found = plan.grants(admitted(change), foundation, proven=[])

    assert found == {"us-east-1": [], "eu-west-1": expected, "ap-southeast-2": []}


def test_an_account_of_the_organization_need_not_answer_to_be_admitted() -> None:
    organisation = admitted(lambda inventory: inventory.add_account("new", GONE))

    assert names(plan.accounts_to_check(organisation, admitting(), ["build"])) == []
    # Before the first run, they may have the roles of another foundation.
    assert "new" in names(plan.accounts_to_check(organisation, NOTHING, ["build"]))


def test_accounts_must_answer_again_when_policies_name_them_again() -> None:
    organisation = Inventory().read()

    assert names(plan.accounts_to_check(organisation, admitting(), ["build"])) == ACCOUNTS
    assert plan.grants(organisation, admitting(), proven=["testing"]) == {
        "us-east-1": [TESTING],
        "eu-west-1": [TESTING],
        "ap-southeast-2": [],
    }


@pytest.mark.parametrize(
    ("change", "foundation", "readmitted", "expected"),
    [
        (unchanged, admitting(), [], []),
        (state("production", "quarantined"), admitting(), [], [PRODUCTION]),
        (state("production", "quarantined"), standing(), [], [PRODUCTION]),
        # It is back, or should be removed.
        (unchanged, admitting(PRODUCTION), [], []),
        (state("production", "absent"), admitting(PRODUCTION), [], []),
        # A host that is missing admits nobody.
        (unchanged, admitting(GONE), [], [GONE]),
        (state("production", "quarantined"), admitting(GONE), [], [PRODUCTION, GONE]),
        (unchanged, admitting(GONE), [GONE], []),
    ],
)
def test_quarantined_accounts_stay_out_until_somebody_admits_them(
    change: Change, foundation: Foundation, readmitted: list[str], expected: list[str]
) -> None:
    found = plan.excluded(admitted(change), foundation, readmitted=readmitted)

    assert found == expected
    assert plan.excluded(changed(change), foundation, readmitted=readmitted) == []


def test_more_excluded_accounts_than_policies_hold_are_refused_with_numbers() -> None:
    many = [f"{600_000_000_000 + number}" for number in range(251)]

    found = plan.refusal(admitted(unchanged), admitting(*many), allow_replacement=False)

    assert found is not None
    assert found.startswith(
        "251 accounts are excluded from the organization, and policies hold 250"
    )
    assert not plan.refusal(
        admitted(unchanged), admitting(*many), allow_replacement=False, readmitted=many[:1]
    )


# Refusals


def remove(*hosts: str) -> Change:
    """Return what removes hosts from the inventory."""
    return lambda inventory: inventory.remove(*hosts)


def remove_region(inventory: Inventory) -> None:
    inventory.retire("ap-southeast-2")
    inventory.remove("ap-southeast-2")


def test_an_account_that_left_its_ou_is_named_with_what_to_do() -> None:
    """A reading of AWS Organizations does not have it any more."""
    organisation = changed(lambda inventory: inventory.remove("production"))

    refusal = plan.refusal(organisation, standing(), allow_replacement=True, is_read=True)

    assert refusal == (
        f"the inventory no longer has {VANISHED_ACCOUNT}. An account that left its OU is not"
        " removed by that. Write it into a static file of the inventory, with account_id, regions"
        " and state: absent (or quarantined), or move it back"
    )


def make_absent(inventory: Inventory) -> None:
    inventory.retire("eu-west-1")
    inventory.hosts["production"]["state"] = "absent"


MORE = primary_stack([*GRANTS["us-east-1"], GONE], [*REGIONS, "sa-east-1"])
VANISHED = (
    "the inventory no longer has {}. A missing host removes nothing: bring it back"
    " (a closed account gets state: quarantined)"
)
VANISHED_REGION = "region {} (registered by CrossAccountPrimary)"
VANISHED_ACCOUNT = ", ".join(
    f"account {PRODUCTION} (granted in {region})" for region in sorted(GRANTS)
)


@pytest.mark.parametrize("allow_replacement", [False, True])
@pytest.mark.parametrize(
    ("change", "foundation", "missing"),
    [
        (unchanged, standing(), ""),
        (remove("production"), standing(), VANISHED_ACCOUNT),
        (remove_region, standing(), VANISHED_REGION.format("ap-southeast-2")),
        (
            unchanged,
            {"build": MORE},
            f"account {GONE} (granted in us-east-1), {VANISHED_REGION.format('sa-east-1')}",
        ),
        (make_absent, standing(), ""),
        (to_slice, {"(primary)": MORE}, ""),
        *((remove("production"), standing(status=status), "") for status in NEVER_MADE),
    ],
)
def test_nothing_is_written_where_aws_knows_more_than_the_inventory(
    change: Change, foundation: Foundation, missing: str, allow_replacement: bool
) -> None:
    found = plan.refusal(changed(change), foundation, allow_replacement=allow_replacement)

    assert found == (VANISHED.format(missing) if missing else None)


NAMES = {
    "CodePipelineRoleName": "CrossAccountCodePipeline",
    "CloudFormationRoleName": "CrossAccountCloudFormation",
}


def with_names(**more: str) -> Foundation:
    """Return a foundation with the names of the roles; *more* differs in one region."""
    return {
        "build": primary_stack(parameters=NAMES),
        "eu-west-1": regional_stack("eu-west-1", parameters={**NAMES, **more}),
    }


def rename(*variables: str) -> Change:
    """Return what gives roles another name."""
    return lambda inventory: inventory.shared.update({name: f"A-{name}" for name in variables})


PIPELINE_ROLE = "codepipeline_role_name from CrossAccountCodePipeline to A-codepipeline_role_name"
CLOUDFORMATION_ROLE = (
    "cloudformation_role_name from CrossAccountCloudFormation to A-cloudformation_role_name"
)
RENAMED = (
    "this would change {} and replace the roles of every deploy account. Nothing was written. Set"
    " allow_replacement for this run if that is meant"
)


@pytest.mark.parametrize(
    ("change", "foundation", "renamed"),
    [
        (unchanged, with_names(), ""),
        (rename("codepipeline_role_name"), with_names(), PIPELINE_ROLE),
        (
            rename("codepipeline_role_name", "cloudformation_role_name"),
            with_names(),
            f"{CLOUDFORMATION_ROLE}, {PIPELINE_ROLE}",
        ),
        (
            unchanged,
            with_names(CodePipelineRoleName="Old"),
            "codepipeline_role_name from Old to CrossAccountCodePipeline",
        ),
        (rename("codepipeline_role_name"), standing(), ""),
        (rename("codepipeline_role_name"), NOTHING, ""),
    ],
)
def test_roles_are_renamed_only_when_replacement_is_allowed(
    change: Change, foundation: Foundation, renamed: str
) -> None:
    organisation = changed(change)

    found = plan.refusal(organisation, foundation, allow_replacement=False)

    assert found == (RENAMED.format(renamed) if renamed else None)
    assert plan.refusal(organisation, foundation, allow_replacement=True) is None
    assert plan.refusal(organisation.all_absent(), foundation, allow_replacement=False) is None


@pytest.mark.parametrize(
    ("foundation", "gone"),
    [
        (NOTHING, True),
        ({"build": standing()["build"]}, False),
        *((standing(status=status), True) for status in [*NEVER_MADE, "DELETE_FAILED"]),
        *((standing(status=f"UPDATE_{end}"), False) for end in ("IN_PROGRESS", "ROLLBACK_FAILED")),
    ],
)
def test_an_absent_region_is_gone_when_its_stack_is_or_can_only_be_deleted(
    foundation: Foundation, gone: bool
) -> None:
    organisation = changed(lambda inventory: inventory.retire("eu-west-1"))

    assert plan.gone(organisation, foundation) == ["eu-west-1"] * gone


@pytest.mark.parametrize(
    ("tags", "skipped", "takes_part"),
    [
        ([], [], True),
        (["all"], ["regional"], True),
        (["tagged"], [], True),
        (["primary"], [], True),
        (["primary"], ["primary"], False),
        (["all"], ["all"], False),
        (["regional"], [], False),
    ],
)
def test_tags_choose_the_groups_of_a_run(
    tags: list[str], skipped: list[str], takes_part: bool
) -> None:
    assert plan.participates(Inventory().read().primary, tags, skipped) is takes_part
