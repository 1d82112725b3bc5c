# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold of the templates and policies with any parameters, in any partition.

Who may do what in a deployed organisation is for tests/policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation import sizes
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.grants import (
    LONGEST_PATHS,
    MOST_EXCLUDED,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.sizes import (
    BUCKET_POLICY_LIMIT,
    most_accounts,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from lab.organisation.seed import OPERATOR_POLICIES
from tests.fakes.inventory import Inventory
from tests.unit.roles.templates import (
    ACCOUNT,
    BASE,
    TEMPLATES,
    policy_file,
    resolve,
    size,
    source,
)

BUILD_STACKS = ["primary", "regional"]
POLICY = "arn:aws:iam::aws:policy/PowerUserAccess"
# What adds the roles of other deploy kinds.
OPENED = {
    "DeployBucketArns": "arn:aws:s3:::site",
    "ServiceArns": "arn:aws:ecs:*:111111111111:service/main/web",
}
PRINCIPALS = {
    "PrincipalArns": "arn:aws:iam::111111111111:role/Awx",
    "PrincipalAccountIds": "111111111111",
}
NEEDED: dict[str, dict[str, str]] = {
    "deploy_account": {"BuildAccountId": "111111111111", "ExecutionPolicyArns": POLICY},
    "access-role": {
        "OperatorRoleArn": "arn:aws:iam::111111111111:role/CrossAccountOperator",
        "AllowedExecutionPolicyArns": POLICY,
    },
    "reviewer-role": {
        "ApproverRoleArns": "arn:aws:iam::111111111111:role/CrossAccountApprover",
        "BuildAccountId": "111111111111",
    },
    "operator-role": PRINCIPALS,
    "drift-role": PRINCIPALS,
    "drift-access-role": {"DriftRoleArn": "arn:aws:iam::111111111111:role/CrossAccountDrift"},
}
# As many as AWS has, and all with long names.
REGIONS = [f"ap-southeast-{number}" for number in range(1, 37)]
KEYS = [
    f"arn:aws:kms:{name}:111111111111:key/01234567-89ab-cdef-0123-456789abcdef" for name in REGIONS
]
BUCKETS = [f"arn:aws:s3:::crossaccountregional-pipelinebucket-{number:012}" for number in range(36)]


def statements(document: dict[str, Any]) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in document["Statement"]}


def inline(resources: dict[str, Any], role: str) -> dict[str, Any]:
    """The only inline policy of a role."""
    [policy] = resources[role]["Properties"]["Policies"]
    document: dict[str, Any] = policy["PolicyDocument"]
    return document


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", [*TEMPLATES.values(), BASE], ids=lambda path: path.stem)
def test_no_arn_is_of_a_fixed_partition(path: Any) -> None:
    assert "arn:aws:" not in path.read_text(encoding="ascii")


@pytest.mark.parametrize("name", TEMPLATES)
def test_empty_lists_leave_no_empty_value(name: str) -> None:
    for key, resource in resolve(name, **NEEDED.get(name, {})).items():
        for document in (
            *(policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])),
            *(resource["Properties"].get(kind) for kind in ("KeyPolicy", "PolicyDocument")),
        ):
            assert not {"", "/*"} & set(texts(document)), key


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_data_is_retained_but_not_after_a_failed_creation(name: str) -> None:
    for key, resource in source(name)["Resources"].items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if resource["Type"] in ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"):
            assert policies == ("RetainExceptOnCreate", "Retain"), key
        else:
            assert policies in ((None, None), ("Delete", "Delete")), key


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_without_accounts_nobody_outside_is_granted_anything(name: str) -> None:
    resources = resolve(name)

    for document in (
        resources["Key"]["Properties"]["KeyPolicy"],
        resources["PipelineBucketPolicy"]["Properties"]["PolicyDocument"],
        resources["AssetBucketPolicy"]["Properties"]["PolicyDocument"],
    ):
        for statement in document["Statement"]:
            own = statement["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
            assert own or statement["Effect"] == "Deny", statement["Sid"]


def test_templates_alone_may_be_encrypted_without_our_key() -> None:
    resources = resolve("primary")
    found = statements(resources["BuildBucketPolicy"]["Properties"]["PolicyDocument"])
    arn = found["DenyUploadsWithAnotherKey"]["Resource"].removesuffix("/*")

    for sid in ("DenyUploadsWithAnotherAlgorithm", "DenyUploadsWithoutOurKey"):
        assert found[sid]["NotResource"] == f"{arn}/templates/*"


def test_newest_builds_and_assets_stay_and_artifacts_expire() -> None:
    resources = resolve("primary", ArtifactRetentionDays="90")
    rules = resources["BuildBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule} == {"builds/"}

    expiring = {
        bucket: [
            {key for key in rule if "Expiration" in key}
            for rule in resources[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
        ]
        for bucket in ("AssetBucket", "BuildBucket", "PipelineBucket")
    }
    assert expiring == {
        "AssetBucket": [{"NoncurrentVersionExpiration"}, set()],
        "BuildBucket": [
            {"NoncurrentVersionExpiration"},
            {"ExpirationInDays"},
            {"NoncurrentVersionExpiration"},
            set(),
        ],
        "PipelineBucket": [{"ExpirationInDays"}, {"NoncurrentVersionExpiration"}, set()],
    }


def test_roles_of_the_build_account_are_not_pipeline_roles() -> None:
    paths = {
        resource["Properties"]["Path"]
        for resource in source("primary")["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    }
    assert paths == {"/crossaccount/build/"}


@pytest.mark.parametrize("role", ["CodePipelineRole", "CloudFormationRole"])
def test_the_foundation_is_denied_by_the_names_that_it_was_given(role: str) -> None:
    resources = resolve(
        "deploy_account",
        **NEEDED["deploy_account"],
        AccessRoleName="ops/Access",
        PrimaryStackName="One",
        RegionalStackName="Two",
    )
    found = statements(inline(resources, role))
    stack = "arn:aws:cloudformation:*:111111111111:stack"

    assert found["DenyFoundationStacks"]["Resource"] == [
        f"{stack}/CrossAccountRegional/*",  # the name of this stack in this test
        f"{stack}/One/*",
        f"{stack}/Two/*",
        f"{stack}/*-pipeline/*",  # where the build account is a target
    ]
    assert "arn:aws:iam::111111111111:role/ops/Access" in found["DenyFoundationRoles"]["Resource"]


@pytest.mark.parametrize("role", ["CodePipelineRole", "CloudFormationRole"])
def test_templates_may_have_transforms_of_aws_but_no_macros(role: str) -> None:
    resources = resolve("deploy_account", **NEEDED["deploy_account"])
    transforms = [
        arn
        for statement in inline(resources, role)["Statement"]
        if "cloudformation:CreateChangeSet" in statement.get("Action", ())
        for arn in texts(statement["Resource"])
        if ":transform/" in arn
    ]

    assert transforms == ["arn:aws:cloudformation:*:aws:transform/*"]


def test_only_in_the_build_account_pipelines_are_out_of_reach() -> None:
    def found(build_account: str) -> dict[str, Any]:
        parameters = {**NEEDED["deploy_account"], "BuildAccountId": build_account}
        parameters["PrimaryBucketPrefix"] = "one-"
        return statements(inline(resolve("deploy_account", **parameters), "CloudFormationRole"))

    here, elsewhere = found("111111111111"), found("222222222222")

    assert set(here) - set(elsewhere) == {
        "DenyFoundationBuckets",
        "DenyFoundationFunctionsAndTopic",
        "DenyFoundationKeys",
    }
    assert here["DenyFoundationBuckets"]["Resource"] == [
        "arn:aws:s3:::one-*",
        "arn:aws:s3:::crossaccountregional-*",
    ]
    roles = "arn:aws:iam::111111111111:role/crossaccount/*"
    assert roles in here["DenyFoundationRoles"]["Resource"]
    assert roles not in elsewhere["DenyFoundationRoles"]["Resource"]


@pytest.mark.parametrize("name", ["primary", "regional", "deploy_account"])
def test_other_accounts_are_those_of_the_organisation(name: str) -> None:
    # The account that is admitted: the build account by roles of a deploy account.
    other = "111111111111" if name == "deploy_account" else "222222222222"

    def conditions(organisation: str) -> list[Any]:
        parameters = {**NEEDED.get(name, {}), "OrganisationId": organisation}
        if name != "deploy_account":
            parameters["DeployAccountIds"] = "222222222222"
        resources = resolve(name, **parameters)
        documents = [
            resource["Properties"][key]
            for resource in resources.values()
            for key in ("KeyPolicy", "PolicyDocument", "AssumeRolePolicyDocument")
            if key in resource["Properties"]
        ]
        return [
            statement["Condition"].get("StringEquals", {}).get("aws:PrincipalOrgID")
            for document in documents
            for statement in document["Statement"]
            if statement["Effect"] == "Allow" and other in str(statement["Principal"])
        ]

    found = conditions("o-a1b2c3d4e5")
    assert set(found) == {"o-a1b2c3d4e5"}
    assert set(conditions("")) == {None}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("primary", ["PermissionsBoundaryArn"]),
        ("deploy_account", ["PermissionsBoundaryArn", "CodePipelineBoundaryArn"]),
    ],
)
def test_every_role_gets_the_boundary_that_an_organisation_demands(
    name: str, parameters: list[str]
) -> None:
    boundary = "arn:aws:iam::111111111111:policy/Boundary"
    for given, expected in ((boundary, {boundary}), ("", {None})):
        values = {**NEEDED.get(name, {}), **dict.fromkeys(parameters, given)}
        values |= OPENED if name == "deploy_account" else {}
        roles = [one for one in resolve(name, **values).values() if one["Type"] == "AWS::IAM::Role"]

        assert len(roles) == {"deploy_account": 4, "primary": 1}.get(name, 2)
        assert {role["Properties"].get("PermissionsBoundary") for role in roles} == expected


def test_stacks_cannot_change_their_permissions_boundary() -> None:
    boundary = "arn:aws:iam::111111111111:policy/Boundary"
    resources = resolve(
        "deploy_account", **NEEDED["deploy_account"], PermissionsBoundaryArn=boundary
    )
    found = statements(inline(resources, "CloudFormationRole"))

    assert resources["CloudFormationRole"]["Properties"]["PermissionsBoundary"] == boundary
    assert found["DenyChangesOfPermissionsBoundary"]["Resource"] == boundary


# Limits of IAM, S3 and KMS


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("deploy_account", "CodePipelineRole"),
        ("deploy_account", "CloudFormationRole"),
        ("primary", "SyncArtifactsRole"),
    ],
)
def test_roles_hold_every_region_of_aws(name: str, role: str) -> None:
    lists = {
        "deploy_account": {
            "BucketArns": ",".join(BUCKETS),
            "AssetBucketArns": ",".join(BUCKETS),
            "KeyArns": ",".join(KEYS),
        },
        "primary": {
            "Regions": ",".join(REGIONS),
            "RegionKeyArns": ",".join(KEYS),
            "RegionBucketArns": ",".join(BUCKETS),
            "RegionAssetBucketArns": ",".join(BUCKETS),
        },
    }
    resources = resolve(name, **NEEDED.get(name, {}), **lists[name])

    assert size(inline(resources, role)) <= 10_240
    assert size(resources[role]["Properties"]["AssumeRolePolicyDocument"]) <= 2_048


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("name", BUILD_STACKS)
def test_policies_hold_as_many_accounts_as_the_rules_allow(name: str, partition: str) -> None:
    accounts = [f"{number:012}" for number in range(most_accounts(partition))]
    roles = {"CodePipelineRoleName": "a" * 64, "CloudFormationRoleName": "b" * 64}
    roles["OrganisationId"] = f"o-{'c' * 32}"
    resources = resolve(name, partition=partition, DeployAccountIds=",".join(accounts), **roles)

    def counted(document: Any) -> int:
        roots = len(f"arn:{partition}:iam::{ACCOUNT}:root") - len(ACCOUNT)
        return size(document) + 2 * roots * len(accounts)

    policy = resources["PipelineBucketPolicy"]["Properties"]["PolicyDocument"]
    assert len(",".join(accounts)) <= 4_096
    assert counted(policy) + 10 * (63 - len(BUCKETS[0].rpartition(":")[2])) <= BUCKET_POLICY_LIMIT
    assert counted(resources["Key"]["Properties"]["KeyPolicy"]) <= 32 * 1024


def test_the_roles_are_not_larger_than_the_rules_assume(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules count names and ARNs and add a constant, before there is a template."""
    inventory = Inventory()
    policies = [f"arn:aws:iam::aws:policy/{number}" for number in range(5)]
    boundary = "arn:aws:iam::aws:policy/Boundary"
    inventory.hosts["testing"] |= {
        "deploy_account_execution_policies": policies,
        "deploy_account_permissions_boundary_arn": boundary,
    }
    resources = resolve(
        "deploy_account",
        BuildAccountId=ACCOUNT,
        ExecutionPolicyArns=",".join(policies),
        PermissionsBoundaryArn=boundary,
        BucketArns=",".join(BUCKETS[:2]),
        AssetBucketArns=",".join(BUCKETS[:2]),
        KeyArns=",".join(KEYS[:2]),
        AccessRoleName="CrossAccountAccess",
    )
    roles = ("CodePipelineRole", "CloudFormationRole")
    least = min(size(inline(resources, role)) for role in roles)
    monkeypatch.setattr(sizes, "ROLE_LIMIT", least - 1)

    with pytest.raises(PipelineError) as caught:
        inventory.read()

    for name, role in zip(("regions", "deploy_account_execution_policies"), roles, strict=True):
        [found] = re.findall(
            rf"testing .*{name}: the role's policies have (\d+)", str(caught.value)
        )
        assert int(found) >= size(inline(resources, role))


# Parameters


def pattern(name: str, parameter: str) -> str:
    template = parse(BASE.read_text("ascii")) if name == "pipeline" else source(name)
    found: str = template["Parameters"][parameter]["AllowedPattern"]
    return found


# Names and ARNs that check mode makes up included.
@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("deploy_account", "KeyArns", "arn:aws:kms:eu-west-1:111111111111:key/known-after-apply"),
        ("deploy_account", "KeyArns", "arn:aws-cn:kms:cn-north-1:111111111111:key/mrk-0123abcd"),
        ("deploy_account", "BucketArns", "arn:aws:s3:::known-after-apply"),
        ("deploy_account", "BucketArns", "arn:aws-us-gov:s3:::a.bucket-1"),
        ("deploy_account", "PermissionsBoundaryArn", "arn:aws:iam::111111111111:policy/p/B_1"),
        ("primary", "RegionKeyArns", "arn:aws:kms:eu-west-1:111111111111:key/known-after-apply"),
        ("primary", "RegionBucketArns", "arn:aws:s3:::known-after-apply"),
        ("primary", "RegionAssetBucketArns", "none"),
        ("primary", "Regions", "us-gov-west-1"),
        ("primary", "Regions", "eusc-de-east-1"),
        ("regional", "DeployAccountIds", "012345678901"),
        ("access-role", "AllowedExecutionPolicyArns", "arn:aws:iam::111111111111:policy/app/*"),
        ("pipeline", "PipelineBucketArn", "arn:aws:s3:::known-after-apply"),
        ("pipeline", "KeyArn", "arn:aws:kms:us-east-1:111111111111:key/known-after-apply"),
    ],
)
def test_parameters_accept_real_values(name: str, parameter: str, value: str) -> None:
    assert re.search(pattern(name, parameter), value)


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("deploy_account", "BuildAccountId", "11111111111"),
        ("deploy_account", "KeyArns", "arn:aws:kms:eu-west-1:111111111111:alias/artifacts"),
        ("deploy_account", "BucketArns", "a-bucket"),
        ("deploy_account", "BucketArns", "arn:aws:s3:::a-bucket/*"),
        ("deploy_account", "BucketArns", "arn:aws:s3:::*"),
        ("deploy_account", "ExecutionPolicyArns", ""),
        ("deploy_account", "AccessRoleName", ""),
        ("primary", "Regions", "eu-west"),
        ("regional", "DeployAccountIds", "*"),
        ("access-role", "OperatorRoleArn", "arn:aws:iam::111111111111:root"),
        ("access-role", "AllowedExecutionPolicyArns", "*"),
        ("pipeline", "PipelineName", "hello/../other"),
        ("pipeline", "PipelineBucketArn", "arn:aws:s3:::*"),
        ("pipeline", "KeyArn", "arn:aws:kms:us-east-1:111111111111:alias/artifacts"),
    ],
)
def test_parameters_refuse_what_would_grant_more(name: str, parameter: str, value: str) -> None:
    assert not re.search(pattern(name, parameter), value)


# The operator


@pytest.mark.parametrize("name", [*OPERATOR_POLICIES, "drift", "remediation"])
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_each_policy_fits_a_managed_policy(partition: str, name: str) -> None:
    document = policy_file(name, partition)

    assert size(document) <= 6_144
    assert partition == "aws" or "arn:aws:" not in json.dumps(document)


def test_everybody_who_changes_stacks_may_do_the_same_with_them() -> None:
    access = statements(inline(resolve("access-role", **NEEDED["access-role"]), "AccessRole"))
    operator = statements(policy_file("operator"))
    pipelines = statements(policy_file("operator-pipelines"))

    assert access["FoundationStack"]["Action"] == operator["FoundationStacks"]["Action"]
    assert pipelines["PipelineStacks"]["Action"] == operator["FoundationStacks"]["Action"]


@pytest.mark.parametrize("name", ["operator-pipelines", "operator-builds"])
def test_each_action_for_pipelines_is_named(name: str) -> None:
    for statement in policy_file(name)["Statement"]:
        assert "*" not in json.dumps(statement["Action"]), statement["Sid"]


def test_the_operator_reaches_other_accounts_by_their_access_role_only() -> None:
    documents = [policy_file(name) for name in OPERATOR_POLICIES]
    reading = {"DriftDetection", "Keys", "ListsOfLogs", "ReadSourceCredentials", "SeeWhatIsThere"}

    for sid, statement in [item for found in documents for item in statements(found).items()]:
        for resource in texts(statement["Resource"]):
            own = ":111111111111:" in resource or resource.startswith("arn:aws:s3:::")
            assert own or sid in reading | {"AccessRoles"}, sid
    keys = statements(policy_file("operator"))["Keys"]
    assert keys["Condition"] == {
        "ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}
    }


@pytest.mark.parametrize("boundary", ["", "arn:aws:iam::111111111111:policy/Boundary"])
def test_the_access_role_sets_no_boundary_but_the_required_one(boundary: str) -> None:
    resources = resolve(
        "access-role", **NEEDED["access-role"], RequiredPermissionsBoundaryArn=boundary
    )
    found = statements(inline(resources, "AccessRole"))
    bounded = {"iam:PermissionsBoundary": boundary} if boundary else None

    assert found["ExecutionPolicies"]["Condition"].get("ArnEquals") == bounded
    assert found["CloudFormationRole"].get("Condition", {}).get("ArnEquals") == bounded
    assert ("SetAndRemoveBoundary" in found) is (not boundary)


@pytest.mark.parametrize("template", ["access-role", "drift-access-role"])
def test_an_access_role_demands_the_external_id(template: str) -> None:
    [role] = resolve(template, **NEEDED[template], ExternalId="crossaccount").values()

    enter, _session = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert enter["Action"] == "sts:AssumeRole"
    assert enter["Condition"]["StringEquals"] == {"sts:ExternalId": "crossaccount"}


ORGANISATION = "o-a1b2c3d4e5"


def _admitting(name: str, **parameters: str) -> list[dict[str, Any]]:
    """Return the statements that admit an organization, of key and buckets."""
    resources = resolve(name, GrantMode="organization", DeployAccountIds="", **parameters)
    return [
        statement
        for key, kind in (
            ("Key", "KeyPolicy"),
            ("PipelineBucketPolicy", "PolicyDocument"),
            ("AssetBucketPolicy", "PolicyDocument"),
        )
        for statement in resources[key]["Properties"][kind]["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] == {"AWS": "*"}
    ]


@pytest.mark.parametrize("organisation", [ORGANISATION, ""])
@pytest.mark.parametrize("name", BUILD_STACKS)
def test_an_organization_is_admitted_by_one_id_also_by_an_empty_one(
    name: str, organisation: str
) -> None:
    """An empty id admits nobody, where a missing condition would admit every organization."""
    found = _admitting(name, OrganisationId=organisation)

    assert len(found) == 4
    for statement in found:
        condition = statement["Condition"]
        assert condition["StringEquals"]["aws:PrincipalOrgID"] == organisation
        assert "aws:PrincipalArn" in condition["ArnLike"]
        assert not {"StringNotEquals", "ForAnyValue:StringLike"} & set(condition)


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_units_and_excluded_accounts_narrow_every_statement(name: str) -> None:
    path = f"{ORGANISATION}/r-ab12/ou-ab12-11111111/*"
    more = {"OrganisationPaths": path, "ExcludedAccountIds": "111111111111,222222222222"}
    for statement in _admitting(name, OrganisationId=ORGANISATION, **more):
        condition = statement["Condition"]
        assert condition["ForAnyValue:StringLike"] == {"aws:PrincipalOrgPaths": [path]}
        assert condition["StringNotEquals"] == {
            "aws:PrincipalAccount": ["111111111111", "222222222222"]
        }

    # They belong to that mode alone.
    resources = resolve(name, OrganisationId=ORGANISATION, **more, DeployAccountIds=ACCOUNT)
    assert "PrincipalOrgPaths" not in json.dumps(resources)
    assert "PrincipalAccount" not in json.dumps(resources)


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_policies_hold_the_longest_paths_and_the_most_excluded_accounts(name: str) -> None:
    organisation = f"o-{'c' * 32}"
    path = f"{organisation}/r-ab12/ou-ab12-{{:08}}/*"
    count = LONGEST_PATHS // (len(path.format(0)) + 1)
    excluded = [f"{number:012}" for number in range(MOST_EXCLUDED + 1)]  # with the build account
    resources = resolve(
        name,
        partition="aws-us-gov",
        GrantMode="organization",
        OrganisationId=organisation,
        OrganisationPaths=",".join(path.format(number) for number in range(count)),
        ExcludedAccountIds=",".join(excluded),
        CodePipelineRoleName="a" * 64,
        CloudFormationRoleName="b" * 64,
    )

    policy = resources["PipelineBucketPolicy"]["Properties"]["PolicyDocument"]
    assert len(",".join(excluded)) <= 4_096
    assert size(policy) + 10 * (63 - len(BUCKETS[0].rpartition(":")[2])) <= BUCKET_POLICY_LIMIT
    assert size(resources["Key"]["Properties"]["KeyPolicy"]) <= 32 * 1024
