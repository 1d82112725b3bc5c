# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run may do: nobody loses a grant silently, and nobody new gets one without an answer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import (
    accounts_to_check,
    application_problems,
    foundation_hosts,
    listed,
    orphaned_applications,
    plan,
    readable,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import STATUSES

from tests.fakes.inventory import (
    BUILD,
    DEVELOPMENT,
    PRODUCTION,
    TESTING,
    Inventory,
    no_stack,
    primary_stack,
    regional_stack,
)

EVERYBODY = ["build", "ap-southeast-2", "eu-west-1", "development", "production", "testing"]
GRANTS = {
    "us-east-1": [DEVELOPMENT, TESTING, PRODUCTION],
    "eu-west-1": [TESTING, PRODUCTION],
    "ap-southeast-2": [PRODUCTION],
}
GONE = "555555555555"
NEVER_MADE = ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"]


@pytest.fixture
def inventory() -> Inventory:
    return Inventory()


def standing() -> list[dict[str, Any]]:
    """The foundation of the whole inventory, as it stands after a run."""
    return [
        primary_stack(GRANTS["us-east-1"], ["eu-west-1", "ap-southeast-2"]),
        regional_stack("ap-southeast-2", GRANTS["ap-southeast-2"]),
        regional_stack("eu-west-1", GRANTS["eu-west-1"]),
    ]


def nothing() -> list[dict[str, Any]]:
    """The foundation before the first run."""
    return [no_stack(stack) for stack in standing()]


def answers(*names: str, **errors: str) -> list[dict[str, Any]]:
    """What account_access_info told of the hosts that answered and of those that did not."""
    return [
        *({"name": name} for name in names),
        *({"name": name, "error": error} for name, error in errors.items()),
    ]


def names(hosts: list[Any]) -> list[str]:
    return [host.name for host in hosts]


# What is read, and who is checked


@pytest.mark.parametrize(
    ("play_hosts", "read"),
    [
        (EVERYBODY, ["build", "ap-southeast-2", "eu-west-1"]),
        (["build"], ["build", "ap-southeast-2", "eu-west-1"]),
        (["eu-west-1", "production"], ["build", "ap-southeast-2", "eu-west-1"]),
        (["production"], ["build"]),
        ([], ["build"]),
    ],
)
def test_the_register_is_always_read_and_the_regions_where_grants_may_change(
    inventory: Inventory, play_hosts: list[str], read: list[str]
) -> None:
    assert names(foundation_hosts(inventory.read(), play_hosts)) == read


def test_a_slice_reads_the_primary_although_it_is_not_in_it(inventory: Inventory) -> None:
    inventory.remove("build", "eu-west-1", "ap-southeast-2")

    (primary,) = foundation_hosts(inventory.read(), ["production"])

    assert (primary.name, primary.region, primary.stack_name) == (
        "(primary)",
        "us-east-1",
        "CrossAccountPrimary",
    )


def test_everybody_in_the_play_is_checked(inventory: Inventory) -> None:
    assert names(accounts_to_check(inventory.read(), standing(), EVERYBODY)) == sorted(EVERYBODY)


def test_a_limit_checks_its_own_hosts(inventory: Inventory) -> None:
    assert names(accounts_to_check(inventory.read(), standing()[:1], ["production"])) == [
        "production"
    ]


def test_who_would_be_newly_granted_is_checked_whatever_the_limit_says(
    inventory: Inventory,
) -> None:
    inventory.add_account("staging", "666666666666", ("eu-west-1",))

    checked = accounts_to_check(inventory.read(), standing(), ["eu-west-1"])

    assert names(checked) == ["eu-west-1", "staging"]


def test_a_limit_to_deploy_accounts_grants_nobody_and_checks_nobody_else(
    inventory: Inventory,
) -> None:
    inventory.add_account("staging", "666666666666")

    assert names(accounts_to_check(inventory.read(), standing()[:1], ["testing"])) == ["testing"]


def test_a_region_that_an_account_adds_makes_it_new_there(inventory: Inventory) -> None:
    inventory.hosts["development"]["regions"].append("eu-west-1")

    checked = accounts_to_check(inventory.read(), standing(), ["eu-west-1"])

    assert names(checked) == ["development", "eu-west-1"]


def test_everybody_is_new_before_the_first_run(inventory: Inventory) -> None:
    assert names(accounts_to_check(inventory.read(), nothing(), ["build"])) == [
        "build",
        "development",
        "production",
        "testing",
    ]


def test_everybody_is_new_where_a_region_could_not_be_read(inventory: Inventory) -> None:
    stacks = standing()
    stacks[2] = no_stack(stacks[2], error="throttled")

    assert names(accounts_to_check(inventory.read(), stacks, ["build"])) == [
        "build",
        "production",
        "testing",
    ]


@pytest.mark.parametrize("play_hosts", [EVERYBODY, ["build"], ["production"]])
def test_no_call_goes_to_a_quarantined_account(inventory: Inventory, play_hosts: list[str]) -> None:
    inventory.hosts["production"]["state"] = "quarantined"

    checked = accounts_to_check(inventory.read(), nothing(), play_hosts)

    assert "production" not in names(checked)


# Who is granted


def grants(
    organisation: Organisation, stacks: list[dict[str, Any]], access: list[dict[str, Any]]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = plan(organisation, stacks, access)["grants"]
    return found


def test_nothing_to_change_is_a_plan_without_failures(inventory: Inventory) -> None:
    assert plan(inventory.read(), standing(), answers(*EVERYBODY)) == {
        "grants": GRANTS,
        "failures": {},
        "quarantined": [],
        "gone": [],
        "orphans": [],
    }


def test_who_answers_is_granted_in_its_regions(inventory: Inventory) -> None:
    assert grants(inventory.read(), nothing(), answers(*EVERYBODY)) == GRANTS


def test_who_is_new_and_does_not_answer_is_left_out_and_fails_alone(
    inventory: Inventory,
) -> None:
    access = answers("build", "development", "testing", production="refused")

    found = plan(inventory.read(), nothing(), access)

    assert found["grants"] == {
        "us-east-1": [DEVELOPMENT, TESTING],
        "eu-west-1": [TESTING],
        "ap-southeast-2": [],
    }
    assert found["failures"] == {"production": "refused"}


def test_who_is_new_and_was_not_asked_is_left_out(inventory: Inventory) -> None:
    assert grants(inventory.read(), nothing(), answers("testing")) == {
        "us-east-1": [TESTING],
        "eu-west-1": [TESTING],
        "ap-southeast-2": [],
    }


@pytest.mark.parametrize("access", [answers(production="refused"), []], ids=["refuses", "unasked"])
def test_who_is_granted_stays_granted(inventory: Inventory, access: list[dict[str, Any]]) -> None:
    assert grants(inventory.read(), standing(), access) == GRANTS


def test_a_grant_holds_in_its_own_region_only(inventory: Inventory) -> None:
    stacks = [*standing()[:2], no_stack(standing()[2])]

    assert grants(inventory.read(), stacks, answers("testing", production="refused")) == {
        **GRANTS,
        "eu-west-1": [TESTING],
    }


def test_a_region_that_an_account_gives_up_loses_its_grant(inventory: Inventory) -> None:
    inventory.hosts["production"]["regions"] = ["us-east-1", "eu-west-1"]

    assert grants(inventory.read(), standing(), []) == {**GRANTS, "ap-southeast-2": []}


def test_a_quarantined_account_loses_its_grants_and_is_no_failure(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "quarantined"

    assert plan(inventory.read(), standing(), answers("build")) == {
        "grants": {
            "us-east-1": [DEVELOPMENT, TESTING],
            "eu-west-1": [TESTING],
            "ap-southeast-2": [],
        },
        "failures": {},
        "quarantined": ["production"],
        "gone": [],
        "orphans": [],
    }


@pytest.mark.parametrize("status", NEVER_MADE)
def test_a_stack_that_never_existed_properly_grants_nobody(
    inventory: Inventory, status: str
) -> None:
    stacks = standing()
    stacks[2]["status"] = status

    assert grants(inventory.read(), stacks, answers("testing", production="refused")) == {
        **GRANTS,
        "eu-west-1": [TESTING],
    }


# What vanished

VANISHED = (
    "the inventory no longer has {}. Nothing is removed because a host is missing: bring it back"
    " (an account that is gone gets state: quarantined)"
)


def test_an_account_that_vanished_stops_what_would_drop_it(inventory: Inventory) -> None:
    inventory.remove("production")

    found = plan(inventory.read(), standing(), answers("build", "development", "testing"))

    told = VANISHED.format(
        f"account {PRODUCTION} (granted in ap-southeast-2), account {PRODUCTION} (granted in"
        f" eu-west-1), account {PRODUCTION} (granted in us-east-1)"
    )
    assert found["failures"] == dict.fromkeys(["ap-southeast-2", "build", "eu-west-1"], told)


def test_a_region_that_vanished_stops_what_would_drop_it(inventory: Inventory) -> None:
    inventory.remove("ap-southeast-2")
    inventory.hosts["production"]["regions"].remove("ap-southeast-2")

    found = plan(inventory.read(), [*standing()[:1], standing()[2]], answers("build"))

    told = VANISHED.format("region ap-southeast-2 (registered by CrossAccountPrimary)")
    assert found["failures"] == dict.fromkeys(["build", "eu-west-1"], told)


def test_everything_that_vanished_is_told_at_once(inventory: Inventory) -> None:
    stacks = [
        primary_stack([*GRANTS["us-east-1"], GONE], ["eu-west-1", "ap-southeast-2", "sa-east-1"]),
        *standing()[1:],
    ]

    assert plan(inventory.read(), stacks, [])["failures"]["build"] == VANISHED.format(
        f"account {GONE} (granted in us-east-1), region sa-east-1 (registered by"
        " CrossAccountPrimary)"
    )


def test_a_failure_of_a_host_itself_goes_before_what_vanished(inventory: Inventory) -> None:
    inventory.remove("production")

    failures = plan(inventory.read(), standing(), answers(build="refused"))["failures"]

    assert failures["build"] == "refused"
    assert failures["eu-west-1"].startswith("the inventory no longer has account")


def test_deploy_accounts_go_on_when_something_vanished(inventory: Inventory) -> None:
    inventory.remove("production")

    failures = plan(inventory.read(), standing(), [])["failures"]

    assert not {"development", "testing"} & failures.keys()


@pytest.mark.parametrize("status", NEVER_MADE)
def test_what_never_existed_properly_cannot_vanish(inventory: Inventory, status: str) -> None:
    inventory.remove("production")
    stacks = [{**stack, "status": status} for stack in standing()]

    assert plan(inventory.read(), stacks, [])["failures"] == {}


@pytest.mark.parametrize("name", ["production", "ap-southeast-2"])
def test_what_is_to_be_absent_did_not_vanish(inventory: Inventory, name: str) -> None:
    inventory.hosts["production"]["regions"].remove("ap-southeast-2")
    inventory.hosts[name]["state"] = "absent"

    assert plan(inventory.read(), standing(), answers(*EVERYBODY))["failures"] == {}


# What is to be absent


def test_an_account_that_is_to_be_absent_loses_its_grants(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "absent"

    found = plan(inventory.read(), standing(), answers(*EVERYBODY))

    assert found["grants"] == {
        "us-east-1": [DEVELOPMENT, TESTING],
        "eu-west-1": [TESTING],
        "ap-southeast-2": [],
    }
    assert (found["failures"], found["quarantined"], found["gone"]) == ({}, [], [])


def test_what_is_to_be_absent_is_read_and_checked(inventory: Inventory) -> None:
    organisation = inventory.read().all_absent()

    assert names(foundation_hosts(organisation, EVERYBODY)) == [
        "build",
        "ap-southeast-2",
        "eu-west-1",
    ]
    assert names(accounts_to_check(organisation, standing(), EVERYBODY)) == sorted(EVERYBODY)


def test_a_teardown_grants_nobody(inventory: Inventory) -> None:
    organisation = inventory.read().all_absent()

    assert grants(organisation, standing(), answers(*EVERYBODY)) == {"us-east-1": []}


def gone(inventory: Inventory, stacks: list[dict[str, Any]]) -> list[str]:
    """Return who is gone when eu-west-1 is to be absent."""
    inventory.hosts["eu-west-1"]["state"] = "absent"
    for name in ("production", "testing"):
        inventory.hosts[name]["regions"].remove("eu-west-1")
    found: list[str] = plan(inventory.read(), stacks, answers(*EVERYBODY))["gone"]
    return found


def test_a_region_that_is_to_be_absent_and_is_not_there_is_gone(inventory: Inventory) -> None:
    assert gone(inventory, nothing()) == ["eu-west-1"]


@pytest.mark.parametrize(
    "status", ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"]
)
def test_a_region_whose_stack_stands_is_not_gone(inventory: Inventory, status: str) -> None:
    stacks = standing()
    stacks[2]["status"] = status

    assert gone(inventory, stacks) == []


def test_a_region_that_could_not_be_read_is_not_gone(inventory: Inventory) -> None:
    stacks = standing()
    stacks[2] = no_stack(stacks[2], error="Rate exceeded")

    assert gone(inventory, stacks) == []


def test_a_region_that_was_not_read_is_not_gone(inventory: Inventory) -> None:
    assert gone(inventory, standing()[:1]) == []


@pytest.mark.parametrize("status", [*NEVER_MADE, "DELETE_COMPLETE", "DELETE_FAILED"])
def test_a_region_that_was_never_made_or_can_only_be_deleted_is_gone(
    inventory: Inventory, status: str
) -> None:
    stacks = standing()
    stacks[2]["status"] = status

    assert gone(inventory, stacks) == ["eu-west-1"]


# What pipelines still need


STORES = {
    region: regional_stack(region)["outputs"]["PipelineBucketName"]
    for region in ("us-east-1", "eu-west-1", "ap-southeast-2")
}


def pipeline(name: str, *accounts: str, regions: tuple[str, ...] = ("us-east-1",)) -> Any:
    """Return a pipeline as pipelines_info tells it."""
    stores = {region: STORES[region] for region in regions}
    return {"name": name, "stores": stores, "accounts": list(accounts)}


def in_use(*told: str) -> str:
    return (
        f"to be absent, and still deployed through: {'; '.join(told)}. Change or remove these"
        " pipelines first, those of the inventory with playbooks/pipelines.yml. Nothing was written"
    )


def refusals(inventory: Inventory, *pipelines: Any, teardown: bool = False) -> dict[str, str]:
    """Return whom the plan refuses."""
    organisation = inventory.read()
    if teardown:
        organisation = organisation.all_absent()
    found: dict[str, str] = plan(
        organisation, standing(), answers(*EVERYBODY), pipelines=pipelines
    )["failures"]
    return found


def retire(inventory: Inventory, region: str) -> None:
    """Take a region away as the rules want it."""
    inventory.hosts[region]["state"] = "absent"
    for name in ("development", "production", "testing"):
        regions = inventory.hosts[name]["regions"]
        inventory.hosts[name]["regions"] = [one for one in regions if one != region]


def test_pipelines_hinder_nobody_who_stays(inventory: Inventory) -> None:
    inventory.hosts["testing"]["state"] = "quarantined"

    assert refusals(inventory, pipeline("shop", PRODUCTION, TESTING, regions=(*STORES,))) == {}


def test_an_account_that_pipelines_deploy_to_stays_and_nothing_is_written(
    inventory: Inventory,
) -> None:
    inventory.hosts["production"]["state"] = "absent"

    found = refusals(
        inventory,
        pipeline("shop", TESTING, PRODUCTION),
        pipeline("other", TESTING),
        pipeline("till", PRODUCTION),
    )

    told = in_use("production (pipelines shop, till)")
    assert found == dict.fromkeys(["ap-southeast-2", "build", "eu-west-1", "production"], told)


def test_a_region_that_pipelines_have_a_store_in_stays(inventory: Inventory) -> None:
    retire(inventory, "eu-west-1")

    found = refusals(
        inventory,
        pipeline("shop", TESTING, regions=("us-east-1", "eu-west-1")),
        pipeline("till", TESTING, regions=("us-east-1", "ap-southeast-2")),
    )

    told = in_use("eu-west-1 (pipelines shop)")
    assert found == dict.fromkeys(["ap-southeast-2", "build", "eu-west-1"], told)


def test_everything_that_is_in_use_is_told_at_once(inventory: Inventory) -> None:
    retire(inventory, "eu-west-1")
    inventory.hosts["production"]["state"] = "absent"

    found = refusals(
        inventory,
        pipeline("shop", PRODUCTION, regions=("us-east-1", "eu-west-1")),
        pipeline("till", PRODUCTION),
    )

    assert set(found.values()) == {
        in_use("eu-west-1 (pipelines shop)", "production (pipelines shop, till)")
    }


def test_a_teardown_needs_the_primary_for_every_pipeline(inventory: Inventory) -> None:
    found = refusals(inventory, pipeline("shop"), pipeline("till", TESTING), teardown=True)

    told = in_use("build (pipelines shop, till)", "testing (pipelines till)")
    assert found == dict.fromkeys(sorted(EVERYBODY), told)


@pytest.mark.parametrize("teardown", [False, True])
def test_pipelines_without_a_store_of_ours_are_not_looked_at(
    inventory: Inventory, teardown: bool
) -> None:
    retire(inventory, "eu-west-1")
    inventory.hosts["production"]["state"] = "absent"
    foreign = {"us-east-1": "another-bucket", "eu-west-1": "yet-another-bucket"}

    found = refusals(
        inventory,
        {"name": "foreign", "stores": foreign, "accounts": [PRODUCTION]},
        teardown=teardown,
    )

    assert found == {}


def test_a_store_of_one_region_makes_a_pipeline_ours(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "absent"
    stores = {"us-east-1": "another-bucket", "eu-west-1": STORES["eu-west-1"]}

    found = refusals(inventory, {"name": "shop", "stores": stores, "accounts": [PRODUCTION]})

    assert found["production"] == in_use("production (pipelines shop)")


def test_a_stack_without_outputs_has_no_store(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "absent"
    foreign = {"name": "foreign", "stores": {"us-east-1": "another"}, "accounts": [PRODUCTION]}

    found = plan(inventory.read(), nothing(), answers(*EVERYBODY), pipelines=[foreign])

    assert found["failures"] == {}


def test_what_vanished_goes_before_what_is_in_use(inventory: Inventory) -> None:
    inventory.remove("testing")
    inventory.hosts["production"]["state"] = "absent"

    found = refusals(inventory, pipeline("shop", PRODUCTION))

    assert found["production"].startswith(f"the inventory no longer has account {TESTING} ")


def test_a_failure_of_a_host_itself_goes_before_what_is_in_use(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "absent"

    failures = plan(
        inventory.read(),
        standing(),
        answers(production="refused"),
        pipelines=[pipeline("shop", PRODUCTION)],
    )["failures"]

    assert failures["production"] == "refused"
    assert failures["build"] == in_use("production (pipelines shop)")


# Roles under other names


NAMES = {
    "codepipeline_role_name": ("CodePipelineRoleName", "CrossAccountCodePipeline"),
    "cloudformation_role_name": ("CloudFormationRoleName", "CrossAccountCloudFormation"),
}


def named(**more: str) -> list[dict[str, Any]]:
    """Return the foundation with the names of the roles in its parameters."""
    stacks = standing()
    for stack in stacks:
        stack["parameters"] |= dict(NAMES.values()) | more
    return stacks


def renaming(inventory: Inventory, stacks: list[dict[str, Any]], **more: Any) -> dict[str, str]:
    """Return whom the plan refuses."""
    found: dict[str, str] = plan(inventory.read(), stacks, answers(*EVERYBODY), **more)["failures"]
    return found


def renamed(*told: str) -> str:
    return (
        f"this would change {', '.join(told)} and replace the roles of every deploy account."
        " Nothing was written. Set allow_replacement for this run if that is meant"
    )


def test_roles_that_keep_their_names_are_no_failure(inventory: Inventory) -> None:
    assert renaming(inventory, named()) == {}


@pytest.mark.parametrize("variable", NAMES)
def test_roles_are_not_renamed_behind_the_backs_of_policies(
    inventory: Inventory, variable: str
) -> None:
    inventory.shared[variable] = "Another"

    told = renamed(f"{variable} from {NAMES[variable][1]} to Another")
    assert renaming(inventory, named()) == dict.fromkeys(
        ["ap-southeast-2", "build", "eu-west-1"], told
    )


def test_every_name_that_would_change_is_told_once(inventory: Inventory) -> None:
    inventory.shared |= dict.fromkeys(NAMES, "Another")

    assert renaming(inventory, named())["build"] == renamed(
        "cloudformation_role_name from CrossAccountCloudFormation to Another",
        "codepipeline_role_name from CrossAccountCodePipeline to Another",
    )


def test_a_region_that_was_left_behind_is_a_change_as_well(inventory: Inventory) -> None:
    stacks = named()
    stacks[2]["parameters"]["CodePipelineRoleName"] = "Old"

    assert renaming(inventory, stacks)["build"] == renamed(
        "codepipeline_role_name from Old to CrossAccountCodePipeline"
    )


def test_names_do_not_matter_to_a_teardown(inventory: Inventory) -> None:
    inventory.shared |= dict.fromkeys(NAMES, "Another")

    organisation = inventory.read().all_absent()

    assert plan(organisation, named(), answers(*EVERYBODY))["failures"] == {}


def test_the_word_of_the_user_lets_roles_be_renamed(inventory: Inventory) -> None:
    inventory.shared |= dict.fromkeys(NAMES, "Another")

    assert renaming(inventory, named(), allow_replacement=True) == {}


@pytest.mark.parametrize("status", NEVER_MADE)
def test_what_never_existed_properly_names_no_roles(inventory: Inventory, status: str) -> None:
    inventory.shared["codepipeline_role_name"] = "Another"
    stacks = [{**stack, "status": status} for stack in named()]

    assert renaming(inventory, stacks) == {}


def test_a_stack_that_names_no_roles_hinders_nobody(inventory: Inventory) -> None:
    inventory.shared["codepipeline_role_name"] = "Another"

    assert renaming(inventory, standing()) == renaming(inventory, nothing()) == {}


def test_the_word_of_the_user_lets_nothing_else_through(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "absent"
    inventory.shared["codepipeline_role_name"] = "Another"
    more = {"pipelines": [pipeline("shop", PRODUCTION)]}

    told = in_use("production (pipelines shop)")
    assert renaming(inventory, named(), **more)["build"] == told
    assert renaming(inventory, named(), allow_replacement=True, **more)["build"] == told


# Stacks that nobody stands for


def orphans(inventory: Inventory, *owned: tuple[str, str, str]) -> list[tuple[str, ...]]:
    told = plan(
        inventory.read(),
        standing(),
        answers(*EVERYBODY),
        owned=[
            {"account_id": account_id, "region": region, "stack_name": name, "value": "primary"}
            for account_id, region, name in owned
        ],
    )["orphans"]
    assert all(list(one) == ["account_id", "region", "stack_name"] for one in told)
    return [tuple(one.values()) for one in told]


def test_a_stack_that_no_host_stands_for_is_an_orphan_once(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "quarantined"
    stacks = [
        (BUILD, "eu-west-1", "CrossAccountRegionalOld"),
        (BUILD, "us-east-1", "CrossAccountRegional"),
        (BUILD, "us-east-1", "CrossAccountDeploy"),
        (BUILD, "eu-west-1", "CrossAccountPrimary"),
        (GONE, "us-east-1", "CrossAccountDeploy"),
    ]
    known = [
        (BUILD, "us-east-1", "CrossAccountPrimary"),
        (BUILD, "eu-west-1", "CrossAccountRegional"),
        (PRODUCTION, "us-east-1", "CrossAccountDeploy"),
    ]

    assert orphans(inventory, *stacks, *known, *stacks) == sorted(stacks)


def test_a_stack_that_is_to_go_is_no_orphan(inventory: Inventory) -> None:
    inventory.hosts["ap-southeast-2"]["state"] = "absent"
    inventory.hosts["production"]["regions"].remove("ap-southeast-2")

    assert orphans(inventory, (BUILD, "ap-southeast-2", "CrossAccountRegional")) == []


def test_a_slice_calls_no_stack_an_orphan(inventory: Inventory) -> None:
    inventory.remove("build", "eu-west-1", "ap-southeast-2")

    assert orphans(inventory, (BUILD, "us-east-1", "CrossAccountDeploy")) == []


# What could not be read


@pytest.mark.parametrize(("position", "name"), [(0, "build"), (2, "eu-west-1")])
def test_a_stack_that_could_not_be_read_is_a_failure_of_its_host(
    inventory: Inventory, position: int, name: str
) -> None:
    stacks = standing()
    stacks[position] = no_stack(stacks[position], error="Rate exceeded")

    assert plan(inventory.read(), stacks, answers(*EVERYBODY))["failures"] == {
        name: "Rate exceeded"
    }


def test_a_primary_that_is_not_in_the_slice_is_no_failure_of_a_host(inventory: Inventory) -> None:
    inventory.remove("build", "eu-west-1", "ap-southeast-2")
    stack = no_stack(primary_stack(), error="Rate exceeded") | {"name": "(primary)"}

    assert plan(inventory.read(), [stack], answers("production"))["failures"] == {}


# Small things


@pytest.mark.parametrize(
    ("stack", "items"),
    [
        ({"parameters": {"A": "1,2"}}, ["1", "2"]),
        ({"parameters": {"A": "1"}}, ["1"]),
        ({"parameters": {"A": ""}}, []),
        ({"parameters": {}}, []),
        ({"parameters": None}, []),
        ({}, []),
    ],
)
def test_a_list_is_read_item_by_item(stack: dict[str, Any], items: list[str]) -> None:
    assert listed(stack, "A") == items


@pytest.mark.parametrize("status", STATUSES)
def test_a_stack_is_readable_where_it_stands_still(status: str) -> None:
    expected = status.endswith("_COMPLETE") and status not in (
        "DELETE_COMPLETE",
        "ROLLBACK_COMPLETE",
    )

    assert readable({"status": status}) is expected
    assert not readable({"status": status, "error": "throttled"})


def test_no_stack_is_not_readable() -> None:
    assert not readable({})
    assert not readable({"exists": False, "status": None})


# Application pipelines


def application_stack(name: str, value: str = "pipelines") -> dict[str, str]:
    """Return a stack with our tag as stack_outputs_info tells it."""
    place = {"account_id": BUILD, "region": "us-east-1", "stack_name": name}
    return place | {"value": value}


def application(name: str, *regions: str, state: str = "present") -> dict[str, Any]:
    """Return an application as applications_info tells it, as far as it matters here."""
    environments = [{"host": "production", "regions": [region]} for region in regions]
    return {"name": name, "state": state, "waves": [{"environments": environments}]}


def test_the_stack_of_an_application_is_no_orphan_of_the_foundation(inventory: Inventory) -> None:
    found = plan(
        inventory.read(),
        standing(),
        answers(*EVERYBODY),
        owned=[application_stack("hello-pipeline"), application_stack("Old", "primary")],
    )["orphans"]

    assert [one["stack_name"] for one in found] == ["Old"]


def test_an_application_that_the_data_lost_is_told_and_one_to_be_absent_is_not(
    inventory: Inventory,
) -> None:
    owned = [
        application_stack("hello-pipeline"),
        application_stack("shop-pipeline"),
        application_stack("lost-pipeline"),
        application_stack("Old", "primary"),
    ]
    declared = [application("hello"), application("shop", state="absent")]

    found = orphaned_applications(inventory.read(), declared, owned)

    assert found == [{"account_id": BUILD, "region": "us-east-1", "stack_name": "lost-pipeline"}]


def test_a_slice_calls_no_application_lost(inventory: Inventory) -> None:
    inventory.remove("build", "eu-west-1", "ap-southeast-2")

    assert orphaned_applications(inventory.read(), [], [application_stack("a-pipeline")]) == []


REGISTER: dict[str, Any] = {"regions": {"us-east-1": {}, "eu-west-1": {}}, "problem": None}


def test_an_application_needs_its_own_regions_only() -> None:
    applications = [
        application("hello", "us-east-1", "eu-west-1"),
        application("shop", "us-east-1", "eu-north-1", "ap-southeast-2"),
        application("gone", "eu-north-1", state="absent"),
    ]

    assert application_problems(applications, REGISTER) == {
        "shop": (
            "nothing can be deployed to ap-southeast-2, eu-north-1 yet: not in the register. Run"
            " the bootstrap again, without --limit, once its region is complete"
        )
    }


def test_without_a_register_an_application_can_only_be_removed() -> None:
    applications = [application("hello", "us-east-1"), application("gone", state="absent")]
    register = {"regions": {}, "problem": "there is no primary stack yet"}

    assert application_problems(applications, register) == {
        "hello": "not reached: there is no primary stack yet"
    }


def test_nothing_is_done_for_applications_when_the_primary_failed() -> None:
    applications = [application("hello", "us-east-1"), application("gone", state="absent")]

    assert application_problems(applications, REGISTER, failure="it broke") == dict.fromkeys(
        ["hello", "gone"], "not reached: the primary failed in this run"
    )


@pytest.mark.parametrize(
    ("removed_first", "owned", "refused"),
    [
        ([], [], True),
        (["shop"], [application_stack("shop-pipeline")], False),
        # Declared, but the pipeline of that name is not of our stack.
        (["shop"], [], True),
        (["shop"], [application_stack("shop-pipeline", "primary")], True),
        (["other"], [application_stack("other-pipeline")], True),
    ],
)
def test_a_pipeline_that_goes_first_hinders_no_teardown(
    inventory: Inventory, removed_first: list[str], owned: list[dict[str, str]], refused: bool
) -> None:
    failures = plan(
        inventory.read().all_absent(),
        standing(),
        answers(*EVERYBODY),
        owned=owned,
        pipelines=[pipeline("shop", PRODUCTION)],
        removed_first=removed_first,
    )["failures"]

    assert bool(failures) is refused
