# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of an inventory: each one broken once, with the host, the field and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    read_inventory,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation import regions
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.sizes import (
    MOST_REGIONS,
    most_accounts,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import (
    PARAMETER_LIMIT,
)

from tests.fakes.inventory import BUILD, DEVELOPMENT, HOSTS_FILE, Inventory

Change = Callable[[Inventory], Any]
NEAR = ("eu-west-1", "ap-southeast-2")
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
    (put("testing", account_id=1217111625), "testing", "account_id is a number, not text. Quote"),
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
    (put("testing", external_id="a b"), "testing", "external_id: 'a b' is not 2 to 1,224 letters"),
    (put("testing", session_name="a b"), "testing", "session_name: 'a b' is not 2 to 64 letters"),
    (
        put("testing", session_duration=60),
        "testing",
        "session_duration: 60 is not a whole number from 900 to 43200",
    ),
    (put("testing", source_identity="aws:x"), "testing", "source_identity: 'aws:x' is not 2 to 64"),
    (
        put("testing", session_tags={"aws:team": "a"}),
        "testing",
        "session_tags.aws:team is not the name of a tag",
    ),
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
    (put("build", stack_tags=["team"]), "build", "stack_tags: a list is not a mapping"),
    (put("build", stack_tags={"a": "\u00e9"}), "build", "stack_tags.a has characters outside"),
    (put("build", stack_tags={"a": None}), "build", "stack_tags.a is not set"),
    (put("build", stack_tags={"a": ""}), "build", "stack_tags.a: '' is not the value of a tag"),
    (put("build", stack_tags={"a": "R&D, #2"}), "build", "'R&D, #2' is not the value of a tag: 1"),
    (put("build", stack_tags={"a": "x" * 256}), "build", "is not the value of a tag: 1 to 255"),
    (put("build", stack_tags={"a": 1.5}), "build", "stack_tags.a is a number; expected ASCII"),
    (put("build", stack_tags={2026: "a"}), "build", "stack_tags has a name that is a number, not"),
    *(
        (put("build", stack_tags={name: "a"}), "build", f"stack_tags.{name} is not the name of a t")
        for name in ("aws:team", "AWS:team", "R&D", "x" * 128)
    ),
    (
        put("build", stack_tags={"team": "a", "Team": "b"}),
        "build",
        "stack_tags: team and Team are the same name to IAM. Keep one",
    ),
    (
        put("build", stack_tags={f"tag{number}": "a" for number in range(48)}),
        "build",
        "stack_tags has 48 entries, over the limit of 47",
    ),
    (
        put("build", artifact_retention_days=89),
        "build",
        "artifact_retention_days: 89 is not a whole number from 90 to 2147483647. Set more: a",
    ),
    (
        put("build", artifact_retention_days="365"),
        "build",
        "artifact_retention_days: '365' is not a whole number",
    ),
    # The variables of roles, and those of one run
    (put("build", primary_tags="team"), "build", "primary_tags: 'team' is not a mapping"),
    (share(wait_timeout=0), "build", "wait_timeout: 0 is not a whole number of at least 1"),
    (share(wait_timeout="soon"), "build", "wait_timeout: 'soon' is not a whole number"),
    (share(purge_data="maybe"), "build", "purge_data: 'maybe' is neither true nor false"),
    # ARNs and names that AWS refuses
    *(
        (
            put("testing", deploy_account_execution_policies=[arn]),
            "testing",
            f"deploy_account_execution_policies[1]: {arn!r} is not the ARN of a managed policy",
        )
        for arn in (
            "arn:aws:iam:aws:policy/AdministratorAccess",
            "arn:aws:iam::aws:role/AdministratorAccess",
            "arn:aws:s3::aws:policy/AdministratorAccess",
            "AdministratorAccess",
        )
    ),
    (
        put(
            "testing",
            deploy_account_execution_policies=[
                f"arn:aws:iam::aws:policy/P{number}" for number in range(21)
            ],
        ),
        "testing",
        "deploy_account_execution_policies has 21 entries, over the limit of 20",
    ),
    (
        put("testing", deploy_account_execution_policies=["arn:aws:iam::444444444444:policy/P"]),
        "testing",
        (
            "deploy_account_execution_policies: arn:aws:iam::444444444444:policy/P is of another"
            " account than the host"
        ),
    ),
    (
        put("testing", deploy_account_permissions_boundary_arn="arn:aws-cn:iam::aws:policy/P"),
        "testing",
        (
            "deploy_account_permissions_boundary_arn: arn:aws-cn:iam::aws:policy/P is of partition"
            " aws-cn, and primary_region of aws"
        ),
    ),
    (
        put("build", primary_replication_bucket_arns=["arn:aws:s3:::bucket"]),
        "build",
        (
            "primary_replication_bucket_arns: is not used any more. Name the buckets in developers"
            " of each pipeline"
        ),
    ),
    (
        put("build", builds_from=[{"account_id": "777777777777", "pipelines": ["Hello"]}]),
        "build",
        "builds_from[1].pipelines[1]: 'Hello' is not the name of a pipeline",
    ),
    (
        put("testing", deploy_account_stack_name="cross_account_deploy"),
        "testing",
        "deploy_account_stack_name: 'cross_account_deploy' is not the name of a stack: up to 128",
    ),
    (
        put("testing", access_role_name="/path/Role"),
        "testing",
        "access_role_name: '/path/Role' is not the name of a role, with or without a path",
    ),
    (
        put("testing", access_role_name="path/crossaccountcodepipeline"),
        "testing",
        (
            "access_role_name: crossaccountcodepipeline is the role of codepipeline_role_name too."
            " Give each"
        ),
    ),
    (
        share(codepipeline_role_name="Deploy", cloudformation_role_name="Deploy"),
        "testing",
        "cloudformation_role_name: Deploy is the role of codepipeline_role_name too. Give each",
    ),
    # Regions
    (
        put("testing", regions=["us-est-1"]),
        "testing",
        "regions[1]: botocore knows no region us-est-1. Did you mean us-east-1 or us-west-1?",
    ),
    (
        add("regional", "ca-west-1"),
        "ca-west-1",
        "its name: botocore knows no CodePipeline in ca-west-1. Use another region, or install",
    ),
    (
        add("regional", "us-gov-west-1"),
        "us-gov-west-1",
        "its name: us-gov-west-1 is of partition aws-us-gov, and primary_region of aws",
    ),
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
    (add("pipelines", "hello", stack_tags=[]), "hello", "stack_tags: a list is not a mapping"),
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
        "build_account_id is a number, not text. Quote it in group_vars/all.yml",
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
        put("build", primary_stack_name="Another"),
        (
            "primary_stack_name: it differs between hosts (eu-west-1: CrossAccountPrimary, build:"
            " Another). Set it once, in group_vars/all.yml"
        ),
    ),
    (
        put("eu-west-1", regional_stack_name="Another"),
        (
            "regional_stack_name: it differs between hosts (eu-west-1: Another, ap-southeast-2:"
            " CrossAccountRegional). Set it once, in group_vars/all.yml"
        ),
    ),
    (
        put("testing", build_account_id=111111111111),
        (
            f"build_account_id: it differs between hosts (eu-west-1: {BUILD}, testing: a number,"
            " which is not text). Set it once, in group_vars/all.yml"
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


@pytest.mark.parametrize("is_slice", [False, True])
def test_no_two_hosts_are_the_same_stack(inventory: Inventory, is_slice: bool) -> None:
    inventory.add_account("tools", BUILD)
    names = ("primary_stack_name", "regional_stack_name", "deploy_account_stack_name")
    inventory.shared |= dict.fromkeys(names, "Pipelines")
    if is_slice:
        inventory.remove("build", "eu-west-1", "ap-southeast-2")

    [problem] = problems(inventory)
    assert problem == (
        f"host tools ({HOSTS_FILE}): its stack Pipelines in us-east-1 of {BUILD} is already the"
        f" stack of {'(primary)' if is_slice else 'build'}. Give each its own stack name"
    )


def test_a_pipeline_is_not_the_stack_of_another_host(inventory: Inventory) -> None:
    inventory.add_pipeline("shop", testing=None)
    inventory.shared["primary_stack_name"] = "shop-pipeline"

    assert "its stack shop-pipeline in us-east-1" in problems(inventory)[0]


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
        {"stack_tags": {"cost-centre": 4711, "2026": True, "Owner": "a@example.com + b/c_d:e=f"}},
        {"deploy_account_execution_policies": ["arn:aws:iam::aws:policy/job-function/Support"]},
        {"codepipeline_role_name": "a.b", "cloudformation_role_name": "A+b=c,d@e_f-g"},
        {"regional_stack_name": "A" * 128, "access_role_name": "path/of/Role"},
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


# More regions than have CodePipeline today.
REGIONS = [f"eu-{chr(97 + number)}-1" for number in range(26)] + [f"eu-z-{n}" for n in range(2, 9)]


def with_regions(inventory: Inventory, count: int) -> None:
    for number in range(count - 3):
        inventory.add("regional", REGIONS[number])


def test_the_accounts_of_a_region_fit_into_its_policies(inventory: Inventory) -> None:
    with_accounts(inventory, most_accounts("aws"))
    granted = inventory.read().granted("us-east-1")
    assert len(",".join(host.account_id for host in granted)) <= PARAMETER_LIMIT

    inventory.add_account("another", "6" * 12)
    assert problems(inventory) == [
        (
            "region us-east-1: 251 deploy accounts, and its policies hold 250. Set grant_mode:"
            " organization, or spread the accounts over two organisations"
        )
    ]
    inventory.hosts["another"]["state"] = "quarantined"
    assert len(inventory.read().granted("us-east-1")) == most_accounts("aws")


def test_arns_of_govcloud_are_longer(inventory: Inventory) -> None:
    inventory.remove("ap-southeast-2", "eu-west-1", "development", "testing", "production")
    inventory.shared["primary_region"] = "us-gov-west-1"
    for number in range(250):
        inventory.add_account(f"account-{number}", f"{500_000_000_000 + number}", ["us-gov-west-1"])
        inventory.hosts[f"account-{number}"]["deploy_account_execution_policies"] = [
            "arn:aws-us-gov:iam::aws:policy/One"
        ]

    assert problems(inventory) == [
        (
            "region us-gov-west-1: 250 deploy accounts, and its policies hold 218. Set grant_mode:"
            " organization, or spread the accounts over two organisations"
        )
    ]


def test_the_policies_of_roles_fit(inventory: Inventory) -> None:
    inventory.hosts["testing"]["deploy_account_execution_policies"] = [
        f"arn:aws:iam::aws:policy/{number}{'x' * 800}" for number in range(10)
    ]

    [size] = [line.partition("): ")[2] for line in problems(inventory)]
    assert size.startswith("deploy_account_execution_policies: ")
    assert "characters, and IAM takes 10240. Use fewer or shorter" in size


def test_the_regions_fit_into_the_policies_of_a_role(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "_regions_of", lambda _service: {"us-east-1", *REGIONS, *NEAR})
    with_regions(inventory, MOST_REGIONS + 1)
    assert problems(inventory) == [
        "33 regions, and the policies of a role hold 32. Remove regions that nothing is deployed to"
    ]
    inventory.hosts["eu-a-1"]["state"] = "absent"
    assert len(inventory.read().regions) == MOST_REGIONS


# One mistake is one problem


def with_a_pipeline(inventory: Inventory) -> None:
    for name in ("hello", "other"):
        inventory.add_pipeline(name, testing=["eu-west-1"], production=None)
        inventory.hosts[name]["pipeline"]["stacks"][0]["name"] = name


def rename_region(inventory: Inventory) -> None:
    inventory.remove("eu-west-1")
    inventory.add("regional", "ireland")


def misspell_group(inventory: Inventory) -> None:
    inventory.groups["deploy_account"] = inventory.groups.pop("deploy_accounts")


CASCADES: list[tuple[Change, str]] = [
    (put("testing", account_id=1217111625), "testing"),
    (put("testing", account_id=None), "testing"),
    (put("testing", regions=["us-est-1"]), "testing"),
    (put("testing", deploy_account_execution_policies=None), "testing"),
    (share(primary_region="us-est-1"), ""),
    (share(build_account_id=111111111111), ""),
    (rename_region, ""),
    (
        misspell_group,
        "it is in none of the groups of this collection. Did you mean deploy_accounts?",
    ),
]


@pytest.mark.parametrize(("change", "host"), CASCADES)
def test_one_mistake_is_one_problem(inventory: Inventory, change: Change, host: str) -> None:
    with_a_pipeline(inventory)
    change(inventory)

    with pytest.raises(PipelineError) as caught:
        read_inventory(inventory.variables(), hosts=list(inventory.hosts))

    [_head, line] = str(caught.value).split("\n")
    assert host in line


@pytest.mark.parametrize(
    ("host", "name", "meant"),
    [
        ("production", "stat", "state"),
        ("production", "aws_profil", "aws_profile"),
        ("production", "profile", "aws_profile"),
        ("production", "acount_id", "account_id"),
        ("production", "region", "regions"),
        ("production", "organization_name", "organisation_name"),
        ("production", "execution_policies", "deploy_account_execution_policies"),
        ("build", "region", "primary_region"),
        ("build", "tags", "stack_tags"),
        ("hello", "pipline", "pipeline"),
        ("hello", "allow_replacment", "allow_replacement"),
    ],
)
def test_a_misspelt_variable_is_one_problem(
    inventory: Inventory, host: str, name: str, meant: str
) -> None:
    with_a_pipeline(inventory)
    variables = inventory.hosts[host]
    variables[name] = variables.pop(meant, "value")

    with pytest.raises(PipelineError) as caught:
        read_inventory(inventory.variables(), hosts=list(inventory.hosts))

    [_head, line] = str(caught.value).split("\n")
    assert line == (
        f"  - host {host} ({HOSTS_FILE}): {name}: unknown variable. Did you mean {meant}? If it is"
        " your own, rename it"
    )


def test_other_variables_are_the_users_own(inventory: Inventory) -> None:
    inventory.shared |= {"stage": "live", "account_ids": {}, "team_tags": {}, "ansible_stat": 1}
    inventory.hosts["eu-west-1"]["region"] = "eu-west-1"
    for name in ("eu-west-1", "ap-southeast-2", "build"):
        inventory.hosts[name]["regions"] = []

    assert inventory.read().hosts
