# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of an inventory: each one broken once, with the host, the field and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    MOST_ACCOUNTS,
    MOST_REGIONS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import (
    PARAMETER_LIMIT,
)

from tests.fakes.inventory import BUILD, DEVELOPMENT, HOSTS_FILE, Inventory

Change = Callable[[Inventory], Any]
ROLE = "arn:aws:iam::333333333333:role/One"


@pytest.fixture
def inventory() -> Inventory:
    return Inventory()


def problems(inventory: Inventory) -> list[str]:
    """Return the problems of an inventory that is not usable."""
    with pytest.raises(PipelineError) as caught:
        inventory.read()
    head, *lines = str(caught.value).split("\n")
    assert head == "the inventory is not usable:"
    return [line.removeprefix("  - ") for line in lines]


def put(host: str, **variables: Any) -> Change:
    return lambda inventory: inventory.hosts[host].update(variables)


def share(**variables: Any) -> Change:
    return lambda inventory: inventory.shared.update(variables)


def add(group: str, host: str, **variables: Any) -> Change:
    return lambda inventory: inventory.add(group, host, **variables)


def join(group: str, host: str) -> Change:
    return lambda inventory: inventory.groups.setdefault(group, []).append(host)


# What is changed, the host that is named, and the message.
HOST_PROBLEMS: list[tuple[Change, str, str]] = [
    (put("testing", account_id=None), "testing", "account_id is not set. Set it"),
    # YAML reads an unquoted id as a number, and 011111111111 as another one.
    (put("testing", account_id=1217111625), "testing", "account_id: 1217111625 is not text. Quote"),
    (put("testing", account_id="3" * 11), "testing", f"account_id: '{'3' * 11}' is not 12 digits"),
    (put("testing", account_id="3" * 12 + "\n"), "testing", "account_id: '333333333333\\n' is not"),
    (
        put("testing", account_id=DEVELOPMENT),
        "testing",
        f"account_id: {DEVELOPMENT} is already the account of host development. Keep one host",
    ),
    (put("testing", regions=None), "testing", "regions is not set"),
    (put("testing", regions=[]), "testing", "regions is an empty list. List at least one region"),
    (put("testing", regions="us-east-1"), "testing", "regions: 'us-east-1' is not a list. List"),
    (put("testing", regions=["ireland"]), "testing", "regions[1]: 'ireland' is not a region"),
    (put("testing", regions=["us-east-1"] * 2), "testing", "regions: us-east-1 appears twice"),
    (
        put("testing", regions=["sa-east-1"]),
        "testing",
        "regions: sa-east-1 is neither the primary region nor in group regional. Add sa-east-1 to",
    ),
    (
        put("ap-southeast-2", state="absent"),
        "production",
        "regions: the host of ap-southeast-2 is absent. Remove ap-southeast-2 from regions too",
    ),
    (put("testing", state="gone"), "testing", "state: 'gone' is unknown; expected one of present,"),
    (put("testing", state="absnt"), "testing", "quarantined, absent. Did you mean absent?"),
    (put("build", state="absent"), "build", "state: the primary cannot be absent"),
    (
        put("eu-west-1", state="quarantined"),
        "eu-west-1",
        "state: only a deploy account can be quarantined. Remove its state",
    ),
    (
        put("testing", aws_profile="a", role_arn=ROLE),
        "testing",
        "aws_profile and role_arn are both set. Remove one of them",
    ),
    (put("testing", role_arn="Access"), "testing", "role_arn: 'Access' is not the ARN of a role"),
    (
        put("testing", role_arn=ROLE.replace("role/", "user/")),
        "testing",
        "is not the ARN of a role",
    ),
    (put("build", role_arn=ROLE), "build", f"role_arn: it is of account 333333333333, not {BUILD}"),
    (
        put("testing", deploy_account_execution_policies=None),
        "testing",
        "deploy_account_execution_policies is not set",
    ),
    (
        put("testing", deploy_account_execution_policies=[]),
        "testing",
        "deploy_account_execution_policies is an empty list. List the managed policies",
    ),
    (put("build", stack_tags=["team"]), "build", "stack_tags is not a mapping of ASCII names"),
    (put("build", stack_tags={"a": "\u00e9"}), "build", "stack_tags is not a mapping of ASCII"),
    (
        put("build", artifact_retention_days=89),
        "build",
        "artifact_retention_days: 89 is not a whole number of at least 90. Set more: a rollback",
    ),
    (
        put("build", artifact_retention_days="365"),
        "build",
        "artifact_retention_days: '365' is not a whole number",
    ),
    # The variables of roles, and those of one run
    (put("build", primary_tags="team"), "build", "primary_tags is not a mapping"),
    (share(wait_timeout="soon"), "build", "wait_timeout: 'soon' is not a whole number"),
    (share(purge_data="maybe"), "build", "purge_data: 'maybe' is neither true nor false"),
    # Groups
    (
        lambda inventory: inventory.hosts.update(bastion={"inventory_file": HOSTS_FILE}),
        "bastion",
        "it is in none of the groups of this collection. Put it into one of regional, primary,",
    ),
    (
        join("deploy_accounts", "build"),
        "build",
        "it is in primary and deploy_accounts. Keep one; the build account as a target is a second",
    ),
    (
        join("pipelines", "testing"),
        "testing",
        (
            "it is in deploy_accounts and pipelines. Hosts share one namespace:"
            " rename the pipeline,"
            " for example to testing-release"
        ),
    ),
    (
        lambda inventory: inventory.add_account("primary", "5" * 12),
        "primary",
        "it has the name of a group, which Ansible confuses. Rename the host",
    ),
    *(
        (
            add("deploy_accounts", name),
            name,
            "its name has characters other than letters, digits and . _ - + = / @. Rename the host",
        )
        for name in ("my account", "a,b", "a:b", "prod*", "!dev", "~dev", "&dev", "dev[1]")
    ),
    (
        put("build", pipelines=[{"name": "hello"}]),
        "build",
        "pipelines: it is a group now, not a variable. Make each entry a host of group pipelines",
    ),
    (add("regional", "ireland"), "ireland", "a host of group regional is named by its region"),
    (add("regional", "us-east-1"), "us-east-1", "the primary region is not regional. Remove it"),
    (add("pipelines", "hello", state="quarantined"), "hello", "only a deploy account can be"),
    (add("pipelines", "hello", stack_tags=[]), "hello", "stack_tags is not a mapping"),
]


@pytest.mark.parametrize(("change", "host", "message"), HOST_PROBLEMS)
def test_a_problem_names_host_file_field_and_fix(
    inventory: Inventory, change: Change, host: str, message: str
) -> None:
    change(inventory)

    found = [line for line in problems(inventory) if message in line]
    assert found
    assert f" {host}" in found[0] or f", {host}" in found[0] or " more (" in found[0]
    assert f"({HOSTS_FILE}): " in found[0]


def only_accounts_and_a_pipeline(inventory: Inventory) -> None:
    inventory.remove("build", "eu-west-1", "ap-southeast-2")
    inventory.add("pipelines", "hello")


WHOLE_PROBLEMS: list[tuple[Change, str]] = [
    (add("primary", "build-2"), "group primary: 2 hosts (build, build-2). Keep one"),
    (
        lambda inventory: inventory.remove("build"),
        (
            "group primary: no host, but group regional has some. Add the primary, or"
            " use an inventory"
            " (a slice) of deploy accounts alone"
        ),
    ),
    (
        only_accounts_and_a_pipeline,
        (
            "group primary: no host, but group pipelines has some. Add the primary, or use an"
            " inventory (a slice) of deploy accounts alone"
        ),
    ),
    (
        lambda inventory: inventory.remove(*list(inventory.hosts)),
        "no host is in one of the groups regional, primary, deploy_accounts, pipelines. Add them",
    ),
    (share(build_account_id=None), "build_account_id is not set. Set it in group_vars/all.yml"),
    (
        share(build_account_id="1111"),
        "build_account_id: '1111' is not 12 digits. Correct it in group_vars/all.yml",
    ),
    (
        share(build_account_id=111111111111),
        "build_account_id: 111111111111 is not text. Quote it in group_vars/all.yml",
    ),
    (
        share(primary_region="virginia"),
        "primary_region: 'virginia' is not a region. Correct it in group_vars/all.yml",
    ),
    (
        put("testing", codepipeline_role_name="Another"),
        (
            "codepipeline_role_name: it differs between hosts (eu-west-1: CrossAccountCodePipeline,"
            " testing: Another). Set it once, in group_vars/all.yml"
        ),
    ),
    (
        put("testing", build_account_id=111111111111),
        (
            f"build_account_id: it differs between hosts (eu-west-1: {BUILD}, testing:"
            f" {BUILD}, which"
            " is not text). Set it once, in group_vars/all.yml"
        ),
    ),
    (
        put("testing", primary_region=None),
        (
            "primary_region: it differs between hosts (eu-west-1: us-east-1, testing:"
            " nothing). Set it"
            " once, in group_vars/all.yml"
        ),
    ),
]


@pytest.mark.parametrize(("change", "message"), WHOLE_PROBLEMS)
def test_a_problem_of_the_whole_inventory(
    inventory: Inventory, change: Change, message: str
) -> None:
    change(inventory)

    assert message in problems(inventory)


def test_all_problems_are_reported_together(inventory: Inventory) -> None:
    put("testing", account_id=333333333333)(inventory)
    put("build", state="absent")(inventory)
    add("primary", "build-2")(inventory)

    assert [line.split(": ")[1][:10] for line in problems(inventory)] == [
        "2 hosts (b",
        "state",
        "account_id",
    ]


def test_the_same_problem_of_many_hosts_is_one(inventory: Inventory) -> None:
    for number in range(3):
        inventory.add_account(f"account-{number}", f"50000000000{number}", [])
    inventory.hosts["production"]["regions"] = []

    [line] = problems(inventory)
    assert line.startswith(f"host production, account-0, account-1 and 1 more ({HOSTS_FILE}): ")


@pytest.mark.parametrize(
    "variables",
    [
        {"artifact_retention_days": 90},
        {"stack_tags": None},
        {"stack_tags": {"cost-centre": 4711, 2026: "year", "version": 1.5}},
        # -e makes text of everything
        {"wait_timeout": "60", "allow_replacement": "yes", "resources_to_skip": "One,Two"},
    ],
)
def test_what_is_right_is_accepted(inventory: Inventory, variables: dict[str, Any]) -> None:
    inventory.shared |= variables

    assert inventory.read().hosts


def test_an_absent_host_is_still_checked(inventory: Inventory) -> None:
    put("production", state="absent", account_id="1", stack_tags=[])(inventory)

    assert len(problems(inventory)) == 2


def with_accounts(inventory: Inventory, count: int, state: str = "present") -> None:
    for number in range(count - 3):
        inventory.add_account(f"account-{number}", f"{500_000_000_000 + number}")
        inventory.hosts[f"account-{number}"]["state"] = state


def with_regions(inventory: Inventory, count: int) -> None:
    for number in range(count - 3):
        inventory.add("regional", f"eu-{'abcdefghij'[number % 10]}{'x' * (number // 10)}-1")


def test_the_accounts_of_a_region_fit_into_its_policies(inventory: Inventory) -> None:
    with_accounts(inventory, MOST_ACCOUNTS)
    granted = inventory.read().granted("us-east-1")
    assert len(",".join(host.account_id for host in granted)) <= PARAMETER_LIMIT

    inventory.add_account("another", "6" * 12)
    assert problems(inventory) == [
        (
            "region us-east-1: 251 deploy accounts, and its policies hold 250. Spread"
            " the accounts over"
            " two organisations"
        )
    ]
    inventory.hosts["another"]["state"] = "quarantined"
    assert len(inventory.read().granted("us-east-1")) == MOST_ACCOUNTS


def test_the_regions_fit_into_the_policies_of_a_role(inventory: Inventory) -> None:
    with_regions(inventory, MOST_REGIONS + 1)
    assert problems(inventory) == [
        "33 regions, and the policies of a role hold 32. Remove regions that nothing is deployed to"
    ]
    inventory.hosts["eu-a-1"]["state"] = "absent"
    assert len(inventory.read().regions) == MOST_REGIONS
