# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack of each group, as the check and the roles both make it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    read_inventory,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import Inputs
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.fakes.inventory import (
    BUILD,
    PRIMARY_OUTPUTS,
    PRODUCTION,
    TESTING,
    Inventory,
    asset_bucket_arn,
    bucket_arn,
    entry,
    key_arn,
)

OPENED = ("DeployBucketArns", "DeployKeyArns", "ServiceArns", "TaskRoleArns")
ROLE_NAMES = {
    "CodePipelineRoleName": "CrossAccountCodePipeline",
    "CloudFormationRoleName": "CrossAccountCloudFormation",
}
BY_ACCOUNT = {"GrantMode": "accounts", "OrganisationPaths": "", "ExcludedAccountIds": ""}
BOTH = ["eu-west-1", "us-east-1"]
INPUTS: dict[str, Any] = {
    "deploy_account_ids": [TESTING, PRODUCTION],
    "register": [entry(region) for region in BOTH],
    "outputs": PRIMARY_OUTPUTS,
}


def make(name: str, inputs: dict[str, Any] | None = None, **shared: Any) -> Desired:
    """Return the stack of a host of the inventory."""
    inventory = Inventory()
    inventory.add_pipeline("shop", testing=None)
    inventory.shared |= shared
    found = read_inventory(inventory.variables(), hosts=[name])
    return desired.desired_stack(
        found.organisation.hosts[name].group,
        name,
        found.settings[name],
        Inputs(**{**INPUTS, **(inputs or {})}),  # type: ignore[typeddict-item]
        pipeline=found.pipelines.get(name),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "eu-west-1",
            {
                "DeployAccountIds": f"{TESTING},{PRODUCTION}",
                **BY_ACCOUNT,
                "ArtifactRetentionDays": "365",
                "OrganisationId": "",
                **ROLE_NAMES,
            },
        ),
        (
            "build",
            {
                "DeployAccountIds": f"{TESTING},{PRODUCTION}",
                **BY_ACCOUNT,
                "ArtifactRetentionDays": "365",
                **ROLE_NAMES,
                "Regions": "eu-west-1,us-east-1",
                "RegionKeyArns": ",".join(map(key_arn, BOTH)),
                "RegionBucketArns": ",".join(map(bucket_arn, BOTH)),
                "RegionAssetBucketArns": ",".join(map(asset_bucket_arn, BOTH)),
                "PermissionsBoundaryArn": "",
                "OrganisationId": "",
            },
        ),
        (
            "testing",
            {
                "BuildAccountId": BUILD,
                "KeyArns": ",".join(map(key_arn, BOTH)),
                "BucketArns": ",".join(map(bucket_arn, BOTH)),
                "AssetBucketArns": ",".join(map(asset_bucket_arn, BOTH)),
                **ROLE_NAMES,
                "ExecutionPolicyArns": "arn:aws:iam::aws:policy/One",
                "ReadsAlarms": "false",
                **dict.fromkeys(OPENED, ""),
                "PermissionsBoundaryArn": "",
                "CodePipelineBoundaryArn": "",
                "OrganisationId": "",
                "AccessRoleName": "CrossAccountAccess",
                "PrimaryStackName": "CrossAccountPrimary",
                "RegionalStackName": "CrossAccountRegional",
                "PrimaryBucketPrefix": "crossaccountprimary-",
                "RegionalBucketPrefix": "crossaccountregional-",
            },
        ),
    ],
)
def test_parameters_are_those_of_the_host_and_of_the_stacks_before(
    name: str, expected: dict[str, str]
) -> None:
    assert make(name).parameters == expected


ORGANIZATION = {
    "grant_mode": "organization",
    "organisation_id": "o-a1b2c3d4e5",
    "organisation_paths": ["o-a1b2c3d4e5/r-ab12/*"],
}


@pytest.mark.parametrize(
    ("inputs", "excluded"),
    [
        ({"deploy_account_ids": []}, [BUILD]),
        ({"deploy_account_ids": [BUILD]}, []),
        ({"deploy_account_ids": [BUILD], "excluded_account_ids": [TESTING]}, [TESTING]),
        ({"deploy_account_ids": [], "excluded_account_ids": [TESTING]}, [BUILD, TESTING]),
    ],
)
@pytest.mark.parametrize("name", ["eu-west-1", "build"])
def test_an_organization_is_admitted_without_the_build_account_itself(
    name: str, inputs: dict[str, Any], excluded: list[str]
) -> None:
    parameters = make(name, inputs, **ORGANIZATION).parameters

    assert {key: parameters[key] for key in (*BY_ACCOUNT, "DeployAccountIds")} == {
        "GrantMode": "organization",
        "OrganisationPaths": "o-a1b2c3d4e5/r-ab12/*",
        "ExcludedAccountIds": ",".join(excluded),
        "DeployAccountIds": "",
    }


def test_a_region_that_should_be_absent_admits_nobody() -> None:
    inputs = {"grant_mode": "accounts", "deploy_account_ids": []}
    parameters = make("eu-west-1", inputs, **ORGANIZATION).parameters

    assert {**BY_ACCOUNT, "DeployAccountIds": ""}.items() <= parameters.items()


@pytest.mark.parametrize("name", ["eu-west-1", "build", "testing"])
def test_every_parameter_of_the_template_is_given_and_no_other(name: str) -> None:
    stack = make(name)

    assert stack.parameters.keys() == parse(stack.template)["Parameters"].keys()


def test_one_boundary_reaches_every_role_and_the_accounts_own_the_cloudformation_role() -> None:
    ours, own = "arn:aws:iam::aws:policy/One", "arn:aws:iam::aws:policy/Two"
    shared: dict[str, Any] = {
        "permissions_boundary_arn": ours,
        "deploy_account_permissions_boundary_arn": own,
    }

    assert make("build", **shared).parameters["PermissionsBoundaryArn"] == ours
    assert make("shop", **shared).parameters["PermissionsBoundaryArn"] == ours
    account = make("testing", **shared).parameters
    assert account["CodePipelineBoundaryArn"] == ours
    assert account["PermissionsBoundaryArn"] == own


@pytest.mark.parametrize(
    ("name", "stack_name", "group", "capabilities", "is_protected"),
    [
        ("eu-west-1", "CrossAccountRegional", "regional", (), True),
        ("build", "CrossAccountPrimary", "primary", ("CAPABILITY_IAM",), True),
        ("testing", "CrossAccountDeploy", "deploy_accounts", ("CAPABILITY_NAMED_IAM",), False),
        ("shop", "shop-pipeline", "pipelines", ("CAPABILITY_NAMED_IAM",), False),
    ],
)
def test_stacks_are_marked_as_ours_and_those_with_data_protected(
    name: str, stack_name: str, group: str, capabilities: tuple[str, ...], is_protected: bool
) -> None:
    stack = make(name, stack_tags={"team": "platform", "crossaccount:host": "another"})

    assert (stack.name, stack.capabilities) == (stack_name, capabilities)
    assert stack.termination_protection is is_protected
    assert stack.tags == {
        "team": "platform",
        "crossaccount:group": group,
        "crossaccount:host": name,
        "crossaccount:stack": stack_name,
    }


@pytest.mark.parametrize("outputs", [{}, {"BuildBucketName": "builds"}])
def test_a_template_too_large_for_a_call_needs_the_build_bucket(
    monkeypatch: pytest.MonkeyPatch, outputs: dict[str, str]
) -> None:
    monkeypatch.setattr(desired, "_template", lambda _group: "Resources: {}\n" + "#" * 51_200)

    if outputs:
        assert len(make("eu-west-1", {"outputs": outputs}).template) > 51_200
    else:
        with pytest.raises(PipelineError, match=r"^the template of eu-west-1"):
            make("eu-west-1", {"outputs": outputs})
