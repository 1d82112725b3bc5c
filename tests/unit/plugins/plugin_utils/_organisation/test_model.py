# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of an inventory: what is read from a good one, and what is said of a bad one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    ACCESS_ROLE_NAME,
    STACK_NAMES,
    Host,
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    MINIMUM_RETENTION_DAYS,
    MOST_ACCOUNTS,
    MOST_REGIONS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import (
    PARAMETER_LIMIT,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import (
    parse,
    render,
)

from tests.fakes.inventory import (
    BUILD,
    DEVELOPMENT,
    HOSTS_FILE,
    PRODUCTION,
    Inventory,
)

ROOT = Path(__file__).resolve().parents[5]
ROLE_OF_GROUP = {
    "regional": "regional",
    "primary": "primary",
    "deploy_accounts": "deploy_account",
}


@pytest.fixture
def inventory() -> Inventory:
    return Inventory()


def problems(inventory: Inventory) -> list[str]:
    """Return what is said of an inventory that is not usable."""
    with pytest.raises(PipelineError) as caught:
        inventory.read()
    head, *lines = str(caught.value).split("\n")
    assert head == "the inventory is not usable:"
    assert all(line.startswith("  - ") for line in lines)
    return [line.removeprefix("  - ") for line in lines]


# A good inventory


def test_the_inventory_that_is_shipped_is_read(inventory: Inventory) -> None:
    organisation = inventory.read()

    assert organisation.build_account_id == BUILD
    assert organisation.primary_region == "us-east-1"
    assert organisation.regions == ["ap-southeast-2", "eu-west-1", "us-east-1"]
    assert not organisation.is_slice
    assert {
        group: [host.name for host in organisation.of(group)] for group in inventory.groups
    } == {
        "regional": ["ap-southeast-2", "eu-west-1"],
        "primary": ["build"],
        "deploy_accounts": ["development", "production", "testing"],
    }


def test_the_inventory_of_these_tests_is_the_one_that_is_shipped(inventory: Inventory) -> None:
    shipped = yaml.safe_load((ROOT / HOSTS_FILE).read_text(encoding="ascii"))
    told = {"account_id", "regions"}

    assert {
        group: sorted(content["hosts"])
        for group, content in shipped.items()
        if group != "pipelines"
    } == {group: sorted(names) for group, names in inventory.groups.items()}
    assert shipped["deploy_accounts"]["hosts"] == {
        name: {key: value for key, value in inventory.hosts[name].items() if key in told}
        for name in inventory.groups["deploy_accounts"]
    }


def test_each_host_is_a_stack_and_the_way_to_it(inventory: Inventory) -> None:
    hosts = inventory.read().hosts

    assert hosts["eu-west-1"] == Host(
        name="eu-west-1",
        group="regional",
        account_id=BUILD,
        region="eu-west-1",
        stack_name="CrossAccountRegional",
        access_role_name="CrossAccountAccess",
    )
    assert hosts["build"] == Host(
        name="build",
        group="primary",
        account_id=BUILD,
        region="us-east-1",
        stack_name="CrossAccountPrimary",
        access_role_name="CrossAccountAccess",
    )
    assert hosts["production"] == Host(
        name="production",
        group="deploy_accounts",
        account_id=PRODUCTION,
        region="us-east-1",
        stack_name="CrossAccountDeploy",
        regions=("us-east-1", "eu-west-1", "ap-southeast-2"),
        access_role_name="CrossAccountAccess",
    )


def test_the_primary_is_the_primary_host(inventory: Inventory) -> None:
    organisation = inventory.read()

    assert organisation.primary is organisation.hosts["build"]


def test_the_access_role_has_a_default(inventory: Inventory) -> None:
    del inventory.shared["access_role_name"]

    assert inventory.read().hosts["production"].access_role_name == ACCESS_ROLE_NAME


@pytest.mark.parametrize(
    ("group", "name"),
    [("regional", "eu-west-1"), ("primary", "build"), ("deploy_accounts", "testing")],
)
def test_names_of_stacks_may_be_set(inventory: Inventory, group: str, name: str) -> None:
    inventory.shared[STACK_NAMES[group][0]] = "Another"

    assert inventory.read().hosts[name].stack_name == "Another"


@pytest.mark.parametrize(
    ("variables", "profile", "role_arn"),
    [
        ({}, None, None),
        ({"aws_profile": "", "role_arn": ""}, None, None),
        ({"aws_profile": "production"}, "production", None),
        (
            {"role_arn": f"arn:aws:iam::{PRODUCTION}:role/path/Other"},
            None,
            f"arn:aws:iam::{PRODUCTION}:role/path/Other",
        ),
        (
            {"role_arn": f"arn:aws-cn:iam::{PRODUCTION}:role/Other"},
            None,
            f"arn:aws-cn:iam::{PRODUCTION}:role/Other",
        ),
    ],
)
def test_a_host_may_have_a_way_in_of_its_own(
    inventory: Inventory, variables: dict[str, str], profile: str | None, role_arn: str | None
) -> None:
    inventory.hosts["production"] |= variables

    host = inventory.read().hosts["production"]

    assert (host.profile, host.role_arn) == (profile, role_arn)
    assert ("profile" in host.target(), "role_arn" in host.target()) == (
        profile is not None,
        role_arn is not None,
    )


def test_a_host_is_a_target_of_the_batch_actions(inventory: Inventory) -> None:
    assert inventory.read().hosts["eu-west-1"].target() == {
        "name": "eu-west-1",
        "account_id": BUILD,
        "region": "eu-west-1",
        "stack_name": "CrossAccountRegional",
        "access_role_name": "CrossAccountAccess",
    }


@pytest.mark.parametrize(
    ("region", "granted"),
    [
        ("us-east-1", ["development", "production", "testing"]),
        ("eu-west-1", ["production", "testing"]),
        ("ap-southeast-2", ["production"]),
        ("sa-east-1", []),
    ],
)
def test_a_region_grants_the_accounts_that_list_it(
    inventory: Inventory, region: str, granted: list[str]
) -> None:
    assert [host.name for host in inventory.read().granted(region)] == granted


def test_a_quarantined_account_is_granted_nowhere(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "quarantined"

    organisation = inventory.read()

    assert organisation.hosts["production"].is_quarantined
    assert organisation.granted("ap-southeast-2") == []
    assert [host.name for host in organisation.granted("eu-west-1")] == ["testing"]


def test_the_build_account_may_be_a_target_of_its_own(inventory: Inventory) -> None:
    inventory.add_account("build-as-target", BUILD)

    assert inventory.read().hosts["build-as-target"].account_id == BUILD


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "empty"])
@pytest.mark.parametrize("group", ["regional", "deploy_accounts"])
def test_a_group_may_be_empty_or_missing(inventory: Inventory, group: str, missing: bool) -> None:
    inventory.remove(*list(inventory.groups[group]))
    if missing:
        del inventory.groups[group]
    for name in inventory.groups.get("deploy_accounts", []):
        inventory.hosts[name]["regions"] = ["us-east-1"]

    assert inventory.read().of(group) == []


@pytest.mark.parametrize("days", [90, 365, 3_650])
def test_artifacts_may_be_kept_for_long(inventory: Inventory, days: int) -> None:
    inventory.shared["artifact_retention_days"] = days

    assert inventory.read().hosts


@pytest.mark.parametrize("tags", [None, {}, {"team": "one"}, {"cost-centre": 4711, 2026: "year"}])
def test_stacks_may_have_tags_of_their_own(inventory: Inventory, tags: Any) -> None:
    inventory.shared["stack_tags"] = tags

    assert inventory.read().hosts


ROLES_OF_ACCOUNTS = {
    "codepipeline_role_name": "CrossAccountCodePipeline",
    "cloudformation_role_name": "CrossAccountCloudFormation",
}


def test_the_roles_of_deploy_accounts_have_default_names(inventory: Inventory) -> None:
    assert inventory.read().role_names == ROLES_OF_ACCOUNTS


@pytest.mark.parametrize("variable", ROLES_OF_ACCOUNTS)
def test_the_roles_of_deploy_accounts_may_be_named(inventory: Inventory, variable: str) -> None:
    inventory.shared[variable] = "Another"

    assert inventory.read().role_names == {**ROLES_OF_ACCOUNTS, variable: "Another"}


# What is to be absent


def retire(inventory: Inventory, region: str) -> None:
    """Remove a region away as the rules want it."""
    inventory.hosts[region]["state"] = "absent"
    for host in inventory.hosts.values():
        if region in host.get("regions", ()):
            host["regions"].remove(region)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, (True, False, False)),
        ("present", (True, False, False)),
        ("absent", (False, True, False)),
        ("quarantined", (False, False, True)),
    ],
)
def test_a_host_has_one_of_three_states(
    inventory: Inventory, state: str | None, expected: tuple[bool, bool, bool]
) -> None:
    inventory.hosts["production"]["state"] = state

    host = inventory.read().hosts["production"]

    assert (host.is_present, host.is_absent, host.is_quarantined) == expected


def test_a_region_may_be_absent(inventory: Inventory) -> None:
    retire(inventory, "eu-west-1")

    organisation = inventory.read()

    assert organisation.hosts["eu-west-1"].is_absent
    assert organisation.regions == ["ap-southeast-2", "us-east-1"]
    assert organisation.granted("eu-west-1") == []


def test_an_account_may_be_absent(inventory: Inventory) -> None:
    inventory.hosts["production"]["state"] = "absent"

    organisation = inventory.read()

    assert organisation.hosts["production"].is_absent
    assert organisation.granted("ap-southeast-2") == []
    assert [host.name for host in organisation.granted("eu-west-1")] == ["testing"]


def test_an_account_and_its_region_may_be_absent_together(inventory: Inventory) -> None:
    set_on("production", state="absent")(inventory)
    set_on("ap-southeast-2", state="absent")(inventory)

    assert inventory.read().regions == ["eu-west-1", "us-east-1"]


def test_an_absent_account_may_list_regions_that_are_gone(inventory: Inventory) -> None:
    set_on("production", state="absent", regions=["sa-east-1"])(inventory)

    assert inventory.read().hosts["production"].regions == ("sa-east-1",)


def test_an_absent_account_keeps_its_settings(inventory: Inventory) -> None:
    set_on("production", state="absent")(inventory)
    without("production", "deploy_account_execution_policies")(inventory)

    assert problems(inventory) == [
        named(
            "production",
            "deploy_account_execution_policies is not a list of at least one policy. List the"
            " managed policies that deployments need",
        )
    ]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"artifact_retention_days": 1},
            (
                "artifact_retention_days 1 is not a number of at least 90. Set one: a rollback"
                " needs the previous release's package"
            ),
        ),
        (
            {"stack_tags": ["team"]},
            "stack_tags is not a mapping of ASCII names to ASCII values. Correct it",
        ),
    ],
    ids=["retention", "tags"],
)
def test_an_absent_region_keeps_its_settings(
    inventory: Inventory, variables: dict[str, Any], message: str
) -> None:
    retire(inventory, "eu-west-1")
    set_on("eu-west-1", **variables)(inventory)

    assert problems(inventory) == [named("eu-west-1", message)]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"account_id": "1"}, "account_id '1' is not 12 digits. Correct it"),
        (
            {"aws_profile": "a", "role_arn": "arn:aws:iam::444444444444:role/One"},
            "aws_profile and role_arn are both set. Remove one of them",
        ),
    ],
)
def test_the_way_to_an_absent_host_is_still_needed(
    inventory: Inventory, variables: dict[str, Any], message: str
) -> None:
    set_on("production", state="absent", **variables)(inventory)

    assert problems(inventory) == [named("production", message)]


def test_every_host_is_absent_for_a_teardown(inventory: Inventory) -> None:
    inventory.hosts["testing"]["state"] = "quarantined"
    inventory.hosts["development"]["state"] = "absent"

    organisation = inventory.read().all_absent()

    assert {name: host.state for name, host in organisation.hosts.items()} == {
        "ap-southeast-2": "absent",
        "build": "absent",
        "development": "absent",
        "eu-west-1": "absent",
        "production": "absent",
        "testing": "quarantined",
    }
    assert organisation.primary == organisation.hosts["build"]
    assert organisation.regions == ["us-east-1"]
    assert organisation.granted("us-east-1") == []


def test_a_teardown_changes_nothing_but_the_states(inventory: Inventory) -> None:
    before = inventory.read()

    after = before.all_absent()

    assert not any(host.is_absent for host in before.hosts.values())
    assert {name: host.target() for name, host in after.hosts.items()} == {
        name: host.target() for name, host in before.hosts.items()
    }
    assert after.all_absent() == after


def test_a_teardown_of_a_slice_knows_that_the_primary_is_to_go(inventory: Inventory) -> None:
    inventory.remove("eu-west-1", "ap-southeast-2", "build")

    organisation = inventory.read().all_absent()

    assert organisation.is_slice
    assert organisation.primary.is_absent


# A slice


def test_a_slice_of_deploy_accounts_stands_alone(inventory: Inventory) -> None:
    inventory.remove("eu-west-1", "ap-southeast-2", "build")
    inventory.shared["primary_stack_name"] = "Another"

    organisation = inventory.read()

    assert organisation.is_slice
    assert organisation.primary == Host(
        name="(primary)",
        group="primary",
        account_id=BUILD,
        region="us-east-1",
        stack_name="Another",
        access_role_name="CrossAccountAccess",
    )
    assert organisation.primary.name not in organisation.hosts


def test_a_slice_does_not_see_which_regions_there_are(inventory: Inventory) -> None:
    inventory.remove("eu-west-1", "ap-southeast-2", "build", "development", "testing")

    assert inventory.read().hosts["production"].regions == (
        "us-east-1",
        "eu-west-1",
        "ap-southeast-2",
    )


def test_a_slice_with_regions_but_without_the_primary_is_refused(inventory: Inventory) -> None:
    inventory.remove("build")

    assert (
        "group primary: no host, but group regional has some. Add the primary, or use an inventory"
        " (a slice) of deploy accounts alone"
    ) in problems(inventory)


# Plain data


@pytest.mark.parametrize("teardown", [False, True])
@pytest.mark.parametrize("is_slice", [False, True])
def test_an_organisation_survives_being_a_variable(
    inventory: Inventory, is_slice: bool, teardown: bool
) -> None:
    inventory.hosts["production"]["role_arn"] = f"arn:aws:iam::{PRODUCTION}:role/Other"
    if is_slice:
        inventory.remove("eu-west-1", "ap-southeast-2", "build")
    organisation = inventory.read().all_absent() if teardown else inventory.read()

    data = json.loads(json.dumps(organisation.as_data()))

    assert Organisation.from_data(data) == organisation


# What is refused: each rule with its message


def named(host: str, message: str) -> str:
    return f"host {host} ({HOSTS_FILE}): {message}"


def set_on(host: str, **variables: Any) -> Callable[[Inventory], None]:
    return lambda inventory: inventory.hosts[host].update(variables)


def shared(**variables: Any) -> Callable[[Inventory], None]:
    return lambda inventory: inventory.shared.update(variables)


def without(host: str, variable: str) -> Callable[[Inventory], None]:
    def spoil(inventory: Inventory) -> None:
        del inventory.hosts[host][variable]

    return spoil


STACK_TAGS = "stack_tags is not a mapping of ASCII names to ASCII values. Correct it"
DIFFERS = (
    "{} differs between hosts (eu-west-1: {}, testing: {}). Set it once, in group_vars/all.yml"
)

BAD: dict[str, tuple[Callable[[Inventory], None], str]] = {
    "account id is missing": (
        without("testing", "account_id"),
        named("testing", "account_id is not set. Set it"),
    ),
    "account id is a number": (
        set_on("testing", account_id=333333333333),
        named("testing", "account_id 333333333333 is not text. Quote it"),
    ),
    "account id was an octal number": (
        set_on("testing", account_id=1217111625),
        named("testing", "account_id 1217111625 is not text. Quote it"),
    ),
    "account id is short": (
        set_on("testing", account_id="33333333333"),
        named("testing", "account_id '33333333333' is not 12 digits. Correct it"),
    ),
    "account id is long": (
        set_on("testing", account_id="3333333333333"),
        named("testing", "account_id '3333333333333' is not 12 digits. Correct it"),
    ),
    "account id has letters": (
        set_on("testing", account_id="33333333333x"),
        named("testing", "account_id '33333333333x' is not 12 digits. Correct it"),
    ),
    "account id has a line end": (
        set_on("testing", account_id="333333333333\n"),
        named("testing", "account_id '333333333333\\n' is not 12 digits. Correct it"),
    ),
    "account twice": (
        set_on("testing", account_id=DEVELOPMENT),
        named(
            "testing",
            f"account {DEVELOPMENT} is that of host development already. Keep one host; list all"
            " its regions there",
        ),
    ),
    "regions is missing": (
        without("testing", "regions"),
        named("testing", "regions is not a list of at least one region. List its regions"),
    ),
    "regions is empty": (
        set_on("testing", regions=[]),
        named("testing", "regions is not a list of at least one region. List its regions"),
    ),
    "regions is text": (
        set_on("testing", regions="us-east-1"),
        named("testing", "regions is not a list of at least one region. List its regions"),
    ),
    "regions holds something else": (
        set_on("testing", regions=["us-east-1", "europe"]),
        named("testing", "'europe' in regions is not a region. Correct it"),
    ),
    "regions holds a number": (
        set_on("testing", regions=["us-east-1", 1]),
        named("testing", "1 in regions is not a region. Correct it"),
    ),
    "region twice": (
        set_on("testing", regions=["us-east-1", "eu-west-1", "us-east-1"]),
        named("testing", "region us-east-1 is in regions twice. Remove one"),
    ),
    "region that is not there": (
        set_on("testing", regions=["us-east-1", "sa-east-1"]),
        named(
            "testing",
            "region sa-east-1 is neither the primary region nor in group regional. Add sa-east-1 to"
            " group regional, or remove it from regions",
        ),
    ),
    "state is unknown": (
        set_on("testing", state="gone"),
        named("testing", "state 'gone' is unknown. Use one of present, quarantined, absent"),
    ),
    "primary is absent": (
        set_on("build", state="absent"),
        named(
            "build",
            "the primary cannot be absent: everything refers to it. To remove the whole"
            " organisation, run playbooks/teardown.yml",
        ),
    ),
    "region is absent and still listed": (
        set_on("ap-southeast-2", state="absent"),
        named(
            "production",
            "region ap-southeast-2 is in regions, and its host is absent."
            " Remove ap-southeast-2 from regions too",
        ),
    ),
    "region is quarantined": (
        set_on("eu-west-1", state="quarantined"),
        named("eu-west-1", "only a deploy account can be quarantined. Remove its state"),
    ),
    "primary is quarantined": (
        set_on("build", state="quarantined"),
        named("build", "only a deploy account can be quarantined. Remove its state"),
    ),
    "two ways in": (
        set_on("testing", aws_profile="a", role_arn="arn:aws:iam::333333333333:role/One"),
        named("testing", "aws_profile and role_arn are both set. Remove one of them"),
    ),
    "role is no ARN": (
        set_on("testing", role_arn="CrossAccountAccess"),
        named("testing", "role_arn 'CrossAccountAccess' is not the ARN of a role. Correct it"),
    ),
    "role is a user": (
        set_on("testing", role_arn="arn:aws:iam::333333333333:user/One"),
        named(
            "testing", "role_arn 'arn:aws:iam::333333333333:user/One' is not the ARN of a"
            " role. Correct it"
        ),
    ),
    "role is an assumed one": (
        set_on("testing", role_arn="arn:aws:sts::333333333333:assumed-role/One/two"),
        named(
            "testin"
            "g",
            "role_arn 'arn:aws:sts::333333333333:assumed-role/One/two' is not the ARN of a"
            " role. Correct"
            " it",
        ),
    ),
    "role of another account": (
        set_on("testing", role_arn="arn:aws:iam::444444444444:role/One"),
        named(
            "testing",
            "role_arn is of account 444444444444, not 333333333333. Correct role_arn or account_id",
        ),
    ),
    "role of another account for the primary": (
        set_on("build", role_arn="arn:aws:iam::444444444444:role/One"),
        named(
            "build",
            "role_arn is of account 444444444444, not 111111111111. Correct role_arn or account_id",
        ),
    ),
    "no execution policies": (
        without("testing", "deploy_account_execution_policies"),
        named(
            "testing",
            "deploy_account_execution_policies is not a list of at least one policy. List the"
            " managed policies that deployments need",
        ),
    ),
    "execution policies are empty": (
        set_on("testing", deploy_account_execution_policies=[]),
        named(
            "testing",
            "deploy_account_execution_policies is not a list of at least one policy. List the"
            " managed policies that deployments need",
        ),
    ),
    "execution policies are text": (
        set_on("testing", deploy_account_execution_policies="arn:aws:iam::aws:policy/One"),
        named(
            "testing",
            "deploy_account_execution_policies is not a list of at least one policy. List the"
            " managed policies that deployments need",
        ),
    ),
    "tags are a list": (
        set_on("testing", stack_tags=["team"]),
        named("testing", STACK_TAGS),
    ),
    "tags are text": (
        set_on("eu-west-1", stack_tags="team"),
        named("eu-west-1", STACK_TAGS),
    ),
    "name of a tag is not ASCII": (
        set_on("build", stack_tags={"caf\u00e9": "one"}),
        named("build", STACK_TAGS),
    ),
    "value of a tag is not ASCII": (
        set_on("testing", stack_tags={"team": "one", "place": "caf\u00e9"}),
        named("testing", STACK_TAGS),
    ),
    "artifacts are kept too short": (
        set_on("eu-west-1", artifact_retention_days=89),
        named(
            "eu-west-1",
            "artifact_retention_days 89 is not a number of at least 90. Set one: a rollback needs"
            " the previous release's package",
        ),
    ),
    "artifacts are kept for a word": (
        set_on("build", artifact_retention_days="always"),
        named(
            "build",
            "artifact_retention_days 'always' is not a number of at least 90. Set one: a rollback"
            " needs the previous release's package",
        ),
    ),
    "host in no group": (
        lambda inventory: inventory.hosts.update(bastion={"inventory_file": HOSTS_FILE}),
        named(
            "bastion",
            "it is in none of our groups. Put it into one of regional, primary, deploy_accounts,"
            " pipelines",
        ),
    ),
    "host in two groups": (
        lambda inventory: inventory.groups["deploy_accounts"].append("build"),
        named(
            "build",
            "it is in primary and deploy_accounts. Keep one; the build account as a target is a"
            " second host with another name",
        ),
    ),
    "two primaries": (
        lambda inventory: inventory.add("primary", "build-2"),
        "group primary: 2 hosts (build, build-2). Keep one",
    ),
    "regional host that is no region": (
        lambda inventory: inventory.add("regional", "ireland"),
        named("ireland", "a host of group regional is named by its region. Rename it"),
    ),
    "primary region is regional": (
        lambda inventory: inventory.add("regional", "us-east-1"),
        named("us-east-1", "the primary region is not regional. Remove it from group regional"),
    ),
    "build account is no account": (
        shared(build_account_id="1111"),
        "build_account_id 1111 is not 12 digits. Correct it in group_vars/all.yml",
    ),
    "build account is a number": (
        shared(build_account_id=111111111111),
        "build_account_id 111111111111 is not text. Quote it in group_vars/all.yml",
    ),
    "primary region is no region": (
        shared(primary_region="virginia"),
        "primary_region virginia is not a region. Correct it in group_vars/all.yml",
    ),
    "role name differs": (
        set_on("testing", codepipeline_role_name="Another"),
        DIFFERS.format("codepipeline_role_name", "CrossAccountCodePipeline", "Another"),
    ),
    "build account differs": (
        set_on("testing", build_account_id="999999999999"),
        DIFFERS.format("build_account_id", "111111111111", "999999999999"),
    ),
    "primary region differs": (
        set_on("testing", primary_region="eu-west-1"),
        DIFFERS.format("primary_region", "us-east-1", "eu-west-1"),
    ),
    "primary region is not set somewhere": (
        set_on("testing", primary_region=None),
        DIFFERS.format("primary_region", "us-east-1", "nothing"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "message"),
    BAD.values(),
    ids=BAD,
)
def test_a_broken_rule_is_told_with_its_host_its_file_and_its_cure(
    inventory: Inventory, spoil: Callable[[Inventory], None], message: str
) -> None:
    spoil(inventory)

    assert message in problems(inventory)


ALONE = set(BAD) - {
    # The host has no account or no group then, and other rules see that too.
    "account id was an octal number",
    "host in no group",
    "host in two groups",
    "build account is no account",
    "primary region is no region",
    "regional host that is no region",
}


@pytest.mark.parametrize("name", sorted(ALONE))
def test_one_broken_rule_is_told_once(inventory: Inventory, name: str) -> None:
    spoil, message = BAD[name]
    spoil(inventory)

    assert problems(inventory) == [message]


def test_a_shared_number_is_told_from_the_text_of_its_digits(inventory: Inventory) -> None:
    set_on("testing", build_account_id=111111111111)(inventory)

    assert problems(inventory) == [
        DIFFERS.format("build_account_id", BUILD, f"{BUILD} is not text")
    ]


def test_a_problem_of_many_hosts_is_told_once(inventory: Inventory) -> None:
    for number in range(3):
        inventory.add_account(f"account-{number}", f"50000000000{number}", [])
    inventory.hosts["production"]["regions"] = []

    assert problems(inventory) == [
        named(
            "production, account-0, account-1 and 1 more",
            "regions is not a list of at least one region. List its regions",
        )
    ]


def test_a_host_without_a_file_is_named_alone(inventory: Inventory) -> None:
    del inventory.hosts["testing"]["inventory_file"]
    inventory.hosts["testing"]["regions"] = []

    assert problems(inventory) == [
        "host testing: regions is not a list of at least one region. List its regions"
    ]


def test_every_broken_rule_is_told_at_once(inventory: Inventory) -> None:
    set_on("testing", account_id=333333333333)(inventory)
    set_on("build", state="absent")(inventory)
    inventory.add("primary", "build-2")

    assert problems(inventory) == [
        "group primary: 2 hosts (build, build-2). Keep one",
        BAD["primary is absent"][1],
        BAD["account id is a number"][1],
    ]


@pytest.mark.parametrize("variable", ["build_account_id", "primary_region"])
def test_what_is_shared_must_be_set(inventory: Inventory, variable: str) -> None:
    del inventory.shared[variable]

    told = [problem for problem in problems(inventory) if problem.startswith(variable)]
    assert told == [f"{variable} is not set. Set it in group_vars/all.yml"]


@pytest.mark.parametrize("groups", [{}, {"regional": [], "primary": [], "deploy_accounts": []}])
def test_an_inventory_without_any_host_is_refused(
    inventory: Inventory, groups: dict[str, list[str]]
) -> None:
    inventory.hosts, inventory.groups = {}, groups

    assert problems(inventory) == [
        "no host is in one of the groups regional, primary, deploy_accounts, pipelines. Add them"
    ]


def with_accounts(inventory: Inventory, count: int) -> None:
    for number in range(count - 3):
        inventory.add_account(f"account-{number}", f"{500_000_000_000 + number}")


def with_regions(inventory: Inventory, count: int) -> None:
    for number in range(count - 3):
        inventory.add("regional", f"eu-{'abcdefghij'[number % 10]}{'x' * (number // 10)}-1")


def test_the_accounts_of_a_region_fit_into_its_policies(inventory: Inventory) -> None:
    with_accounts(inventory, MOST_ACCOUNTS)

    granted = inventory.read().granted("us-east-1")
    assert len(granted) == 250
    assert len(",".join(host.account_id for host in granted)) <= PARAMETER_LIMIT


def test_more_accounts_in_one_region_are_refused(inventory: Inventory) -> None:
    with_accounts(inventory, MOST_ACCOUNTS + 1)

    (problem,) = problems(inventory)
    assert problem == (
        "region us-east-1: 251 deploy accounts, and its policies hold 250. Spread the accounts over"
        " two organisations"
    )


@pytest.mark.parametrize("state", ["quarantined", "absent"])
def test_accounts_without_grants_take_no_room(inventory: Inventory, state: str) -> None:
    for number in range(400):
        inventory.add_account(f"account-{number}", f"{500_000_000_000 + number}")
        inventory.hosts[f"account-{number}"]["state"] = state

    assert len(inventory.read().granted("us-east-1")) == 3


def test_the_regions_fit_into_the_policies_of_a_role(inventory: Inventory) -> None:
    with_regions(inventory, MOST_REGIONS)

    assert len(inventory.read().regions) == 32


def test_absent_regions_take_no_room(inventory: Inventory) -> None:
    with_regions(inventory, MOST_REGIONS + 1)
    inventory.hosts["eu-a-1"]["state"] = "absent"

    assert len(inventory.read().regions) == 32


def test_more_regions_are_refused(inventory: Inventory) -> None:
    with_regions(inventory, MOST_REGIONS + 1)

    (problem,) = problems(inventory)
    assert problem == (
        "33 regions, and the policies of a role hold 32. Remove regions that nothing is deployed to"
    )


# Role defaults say the same


def defaults(role: str) -> dict[str, Any]:
    path = ROOT / "roles" / role / "defaults" / "main.yml"
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="ascii"))
    return data


@pytest.mark.parametrize("group", STACK_NAMES)
def test_a_role_names_its_stack_the_same(group: str) -> None:
    variable, stack_name = STACK_NAMES[group]

    assert defaults(ROLE_OF_GROUP[group])[variable] == stack_name


@pytest.mark.parametrize("group", ["primary", "regional"])
def test_the_deploy_role_names_the_other_stacks_the_same(group: str) -> None:
    variable, stack_name = STACK_NAMES[group]

    told = defaults("deploy_account")[f"deploy_account_{group}_stack_name"]
    assert told == f"{{{{ {variable} | default('{stack_name}') }}}}"


@pytest.mark.parametrize("playbook", ["bootstrap.yml", "teardown.yml"])
def test_the_access_role_is_named_the_same_everywhere(playbook: str) -> None:
    told = f"{{{{ access_role_name | default('{ACCESS_ROLE_NAME}') }}}}"
    plays = yaml.safe_load((ROOT / "playbooks" / playbook).read_text(encoding="ascii"))
    used = [
        play["module_defaults"]["group/crossaccount.pipeline.aws"].get("access_role_name")
        for play in plays
        if "module_defaults" in play
    ]

    assert (
        f"access_role_name | default('{ACCESS_ROLE_NAME}', true)"
        in (defaults("deploy_account")["deploy_account_access_role_name"])
    )
    assert set(used) == {None, told}  # the check names the way in host by host


@pytest.mark.parametrize("role", ["primary", "regional"])
def test_templates_refuse_to_keep_artifacts_for_less(role: str) -> None:
    path = ROOT / "roles" / role / "files" / f"{role}.template"
    days = parse(render(path))["Parameters"]["ArtifactRetentionDays"]

    assert days["MinValue"] == MINIMUM_RETENTION_DAYS
    assert days["Default"] >= MINIMUM_RETENTION_DAYS
    assert defaults(role)[f"{role}_artifact_retention_days"] == (
        f"{{{{ artifact_retention_days | default({days['Default']}) }}}}"
    )
