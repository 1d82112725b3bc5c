# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold of the templates whatever their parameters are, and of the operator's policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from string import Template
from typing import Any

import pytest

from tests.unit.roles.templates import ROOT, TEMPLATES, resolve, size, source

FOUNDATIONS = ["deploy_account", "primary", "regional"]
BUILD_STACKS = ["primary", "regional"]
POLICY = "arn:aws:iam::aws:policy/PowerUserAccess"
NEEDED: dict[str, dict[str, str]] = {
    "deploy_account": {"BuildAccountId": "111111111111", "ExecutionPolicyArns": POLICY},
    "access-role": {
        "OperatorRoleArn": "arn:aws:iam::111111111111:role/CrossAccountOperator",
        "AllowedExecutionPolicyArns": POLICY,
    },
    "drift-access-role": {"DriftRoleArn": "arn:aws:iam::111111111111:role/CrossAccountDrift"},
}
# As many as AWS has, and all with long names.
REGIONS = [f"ap-southeast-{number}" for number in range(1, 37)]
KEYS = [
    f"arn:aws:kms:{name}:111111111111:key/01234567-89ab-cdef-0123-456789abcdef" for name in REGIONS
]
BUCKETS = [f"arn:aws:s3:::crossaccountregional-pipelinebucket-{number:012}" for number in range(36)]
# As many as fit into a parameter of 4,096 bytes.
ACCOUNTS = ",".join(f"{number:012}" for number in range(315))


def statements(document: dict[str, Any]) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in document["Statement"]}


def inline(resources: dict[str, Any], role: str) -> dict[str, Any]:
    """The only inline policy of a role."""
    [policy] = resources[role]["Properties"]["Policies"]
    document: dict[str, Any] = policy["PolicyDocument"]
    return document


def key_policy(resources: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = resources["Key"]["Properties"]["KeyPolicy"]
    return document


def bucket_policy(resources: dict[str, Any], bucket: str = "PipelineBucket") -> dict[str, Any]:
    document: dict[str, Any] = resources[f"{bucket}Policy"]["Properties"]["PolicyDocument"]
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


def operator_policy(partition: str = "aws", name: str = "operator") -> dict[str, Any]:
    text = (ROOT / "playbooks" / "files" / f"{name}-policy.json").read_text(encoding="ascii")
    document: dict[str, Any] = json.loads(
        Template(text).substitute(
            Partition=partition, BuildAccountId="111111111111", AccessRoleName="CrossAccountAccess"
        )
    )
    return document


def test_the_templates_are_the_known_ones() -> None:
    assert sorted(TEMPLATES) == sorted(
        ["access-role", "drift-access-role", "execution-policy", *FOUNDATIONS]
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_is_explained(name: str) -> None:
    for key, definition in source(name)["Parameters"].items():
        assert definition.get("Description"), key
        assert "AllowedPattern" in definition or definition["Type"] == "Number", key


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_no_arn_is_of_a_fixed_partition(name: str, partition: str) -> None:
    text = TEMPLATES[name].read_text(encoding="ascii")
    assert "arn:aws:" not in text

    needed = {
        key: value.replace("arn:aws:", f"arn:{partition}:")
        for key, value in NEEDED.get(name, {}).items()
    }
    for value in texts(resolve(name, partition=partition, **needed)):
        assert not re.search(r"arn:aws:", value), value


@pytest.mark.parametrize("name", TEMPLATES)
def test_there_are_no_exports_and_no_resources_that_drift_unseen(name: str) -> None:
    template = source(name)
    assert not [output for output in template["Outputs"].values() if "Export" in output]
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert "AWS::IAM::Policy" not in types


@pytest.mark.parametrize("name", TEMPLATES)
def test_empty_lists_leave_no_empty_value(name: str) -> None:
    for key, resource in resolve(name, **NEEDED.get(name, {})).items():
        for document in (
            *(policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])),
            *(resource["Properties"].get(kind) for kind in ("KeyPolicy", "PolicyDocument")),
        ):
            assert "" not in list(texts(document)), key
            assert "/*" not in list(texts(document)), key


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_what_holds_data_survives_the_stack_but_not_a_failed_creation(name: str) -> None:
    for key, resource in source(name)["Resources"].items():
        kept = resource["Type"] in ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy")
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if kept:
            assert policies == ("RetainExceptOnCreate", "Retain"), key
        else:
            assert policies in ((None, None), ("Delete", "Delete")), key


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_accounts_are_principals_as_they_are_narrowed_to_their_roles(name: str) -> None:
    accounts = ["222222222222", "333333333333"]
    codepipeline = "arn:aws:iam::*:role/CrossAccountCodePipeline"
    cloudformation = "arn:aws:iam::*:role/CrossAccountCloudFormation"
    resources = resolve(name, DeployAccountIds=",".join(accounts))

    granted = {
        sid: (statement["Action"], statement["Condition"]["ArnLike"]["aws:PrincipalArn"])
        for document in (key_policy(resources), bucket_policy(resources))
        for sid, statement in statements(document).items()
        if statement["Principal"] == {"AWS": accounts}
    }

    assert granted == {
        "DeployAccountRolesDecrypt": ("kms:Decrypt", [codepipeline, cloudformation]),
        "DeployAccountCodePipelineEncrypts": (
            ["kms:DescribeKey", "kms:GenerateDataKey"],
            codepipeline,
        ),
        "DeployAccountRolesRead": (
            ["s3:GetObject", "s3:GetObjectVersion"],
            [codepipeline, cloudformation],
        ),
        "DeployAccountCodePipelineWrites": (
            ["s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket", "s3:PutObject"],
            codepipeline,
        ),
    }


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_without_accounts_nobody_outside_is_granted_anything(name: str) -> None:
    resources = resolve(name)

    for document in (key_policy(resources), bucket_policy(resources)):
        for statement in document["Statement"]:
            own = statement["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
            assert own or statement["Effect"] == "Deny", statement["Sid"]


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_administering_a_key_is_not_using_it(name: str) -> None:
    found = statements(key_policy(resolve(name)))
    administration = found["AccountAdministersKey"]["Action"]

    assert {"kms:PutKeyPolicy", "kms:TagResource", "kms:UntagResource"} <= set(administration)
    assert not [action for action in administration if "*" in action]
    assert not {"kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"} & set(administration)
    assert found["BuildAccountRolesUseKey"]["Condition"] == {
        "ArnLike": {
            "aws:PrincipalArn": [
                "arn:aws:iam::111111111111:role/crossaccount/pipeline/*",
                "arn:aws:iam::111111111111:role/crossaccount/build/*",
            ]
        }
    }


@pytest.mark.parametrize(
    ("name", "bucket"),
    [("primary", "BuildBucket"), ("primary", "PipelineBucket"), ("regional", "PipelineBucket")],
)
def test_every_bucket_takes_our_key_and_tls_only(name: str, bucket: str) -> None:
    resources = resolve(name)
    properties = resources[bucket]["Properties"]
    found = statements(bucket_policy(resources, bucket))
    algorithm = "s3:x-amz-server-side-encryption"
    key_id = f"{algorithm}-aws-kms-key-id"
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    key_arn = rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]

    assert key_arn.startswith("arn:")
    assert rule["BucketKeyEnabled"] is True
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert {sid: item["Condition"] for sid, item in found.items() if item["Effect"] == "Deny"} == {
        "DenyRequestsWithoutTls": {"Bool": {"aws:SecureTransport": "false"}},
        "DenyUploadsWithAnotherKey": {
            "StringNotEquals": {key_id: key_arn},
            "Null": {key_id: "false"},
        },
        "DenyUploadsWithAnotherAlgorithm": {
            "StringNotEquals": {algorithm: "aws:kms"},
            "Null": {algorithm: "false"},
        },
        "DenyUploadsWithoutOurKey": {"Null": {algorithm: "false", key_id: "true"}},
    }


def test_templates_alone_may_be_encrypted_without_our_key() -> None:
    resources = resolve("primary")
    for name, templates in (("BuildBucket", True), ("PipelineBucket", False)):
        found = statements(bucket_policy(resources, name))
        arn = found["DenyUploadsWithAnotherKey"]["Resource"].removesuffix("/*")

        for sid in ("DenyUploadsWithAnotherAlgorithm", "DenyUploadsWithoutOurKey"):
            assert found[sid].get("NotResource") == (f"{arn}/templates/*" if templates else None)
            assert found[sid].get("Resource") == (None if templates else f"{arn}/*")
        assert "NotResource" not in found["DenyRequestsWithoutTls"]


def test_replication_leaves_templates_out() -> None:
    pattern = source("primary")["Resources"]["ReplicateArtifactsRule"]["Properties"]["EventPattern"]

    assert pattern["detail"]["object"] == {"key": [{"anything-but": {"prefix": "templates/"}}]}


def test_builds_stay_and_artifacts_expire() -> None:
    resources = resolve("primary", ArtifactRetentionDays="90")
    rules = {
        bucket: {
            rule["Id"]: set(rule) - {"Id", "Status"}
            for rule in resources[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
        }
        for bucket in ("BuildBucket", "PipelineBucket")
    }

    assert rules == {
        "BuildBucket": {
            "ExpireNoncurrentVersions": {"NoncurrentVersionExpiration"},
            "AbortIncompleteUploads": {"AbortIncompleteMultipartUpload"},
        },
        "PipelineBucket": {
            "ExpireArtifacts": {"ExpirationInDays"},
            "AbortIncompleteUploads": {"AbortIncompleteMultipartUpload"},
        },
    }
    assert source("primary")["Parameters"]["ArtifactRetentionDays"]["MinValue"] == 90


@pytest.mark.parametrize(
    ("buckets", "state", "statements_of_role"),
    [
        ("", "DISABLED", {"WriteLog"}),
        (
            "arn:aws:s3:::dev",
            "ENABLED",
            {
                "ReadBuilds",
                "DecryptBuilds",
                "WriteDestinations",
                "EncryptForDestinations",
                "WriteLog",
            },
        ),
    ],
)
def test_replication_is_off_until_it_has_destinations(
    buckets: str, state: str, statements_of_role: set[str]
) -> None:
    resources = resolve("primary", ReplicationBucketArns=buckets)

    assert resources["ReplicateArtifactsRule"]["Properties"]["State"] == state
    assert set(statements(inline(resources, "ReplicateArtifactsRole"))) == statements_of_role


def test_replication_encrypts_for_its_destinations_only() -> None:
    resources = resolve("primary", ReplicationBucketArns="arn:aws:s3:::one,arn:aws:s3:::two")
    found = statements(inline(resources, "ReplicateArtifactsRole"))

    assert found["EncryptForDestinations"]["Condition"] == {
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": [
                "arn:aws:s3:::one",
                "arn:aws:s3:::two",
                "arn:aws:s3:::one/*",
                "arn:aws:s3:::two/*",
            ]
        }
    }


def test_sync_artifacts_reaches_the_register_and_no_more() -> None:
    resources = resolve(
        "primary",
        Regions="eu-west-1",
        RegionKeyArns=KEYS[0],
        RegionBucketArns=BUCKETS[0],
    )
    found = statements(inline(resources, "SyncArtifactsRole"))

    assert found["WriteRegisteredBuckets"]["Resource"] == [f"{BUCKETS[0]}/*"]
    assert found["FindRegisteredBuckets"]["Resource"] == [BUCKETS[0]]
    assert found["EncryptForRegisteredBuckets"]["Resource"] == [KEYS[0]]
    everywhere = [sid for sid, item in found.items() if item["Resource"] == "*"]
    assert everywhere == ["ReportToPipeline"]


def test_roles_of_the_build_account_are_not_pipeline_roles() -> None:
    for key, resource in source("primary")["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            assert resource["Properties"]["Path"] == "/crossaccount/build/", key


def test_only_pipeline_roles_may_act_in_a_deploy_account() -> None:
    resources = resolve("deploy_account", **NEEDED["deploy_account"])
    [trust] = resources["CodePipelineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert trust["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/crossaccount/pipeline/*"}
    }


def test_stacks_are_made_with_the_cloudformation_role_only() -> None:
    resources = resolve("deploy_account", **NEEDED["deploy_account"])
    role = "arn:aws:iam::111111111111:role/CrossAccountCloudFormation"
    takes_a_role = {"CreateChangeSet", "CreateStack", "DeleteStack", "UpdateStack"}

    for sid, statement in statements(inline(resources, "CodePipelineRole")).items():
        actions = {action.partition(":")[2] for action in texts(statement.get("Action", []))}
        if statement["Effect"] == "Allow" and actions & takes_a_role:
            assert statement["Condition"] == {"StringEquals": {"cloudformation:RoleArn": role}}, sid
        if statement["Effect"] == "Allow" and "PassRole" in actions:
            assert statement["Resource"] == role
            assert statement["Condition"] == {
                "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
            }


@pytest.mark.parametrize("role", ["CodePipelineRole", "CloudFormationRole"])
def test_both_roles_are_denied_the_foundation(role: str) -> None:
    resources = resolve(
        "deploy_account",
        **NEEDED["deploy_account"],
        AccessRoleName="ops/Access",
        PrimaryStackName="One",
        RegionalStackName="Two",
    )
    found = statements(inline(resources, role))
    stack = "arn:aws:cloudformation:*:111111111111:stack"
    iam = "arn:aws:iam::111111111111:role"

    assert found["DenyFoundationStacks"]["Action"] == "cloudformation:*"
    assert found["DenyFoundationStacks"]["Resource"] == [
        f"{stack}/CrossAccountRegional/*",  # the name of this stack in this test
        f"{stack}/One/*",
        f"{stack}/Two/*",
    ]
    assert found["DenyFoundationRoles"]["Resource"] == [
        f"{iam}/CrossAccountCodePipeline",
        f"{iam}/ops/Access",
    ]
    denial = found["DenyCloudFormationRoleButPassing"]
    assert (denial["NotAction"], denial["Resource"]) == (
        "iam:PassRole",
        f"{iam}/CrossAccountCloudFormation",
    )


def test_stacks_cannot_change_what_bounds_them() -> None:
    boundary = "arn:aws:iam::111111111111:policy/Boundary"
    resources = resolve(
        "deploy_account", **NEEDED["deploy_account"], PermissionsBoundaryArn=boundary
    )
    found = statements(inline(resources, "CloudFormationRole"))

    assert resources["CloudFormationRole"]["Properties"]["PermissionsBoundary"] == boundary
    assert found["DenyChangesOfExecutionPolicies"]["Resource"] == [POLICY]
    assert found["DenyChangesOfPermissionsBoundary"]["Resource"] == boundary


@pytest.mark.parametrize("role", ["CodePipelineRole", "CloudFormationRole"])
def test_deploy_roles_hold_every_region_of_aws(role: str) -> None:
    resources = resolve(
        "deploy_account",
        **NEEDED["deploy_account"],
        BucketArns=",".join(BUCKETS),
        KeyArns=",".join(KEYS),
    )

    assert size(inline(resources, role)) <= 10_240
    assert size(resources[role]["Properties"]["AssumeRolePolicyDocument"]) <= 2_048


def test_sync_artifacts_holds_every_region_of_aws() -> None:
    resources = resolve(
        "primary",
        Regions=",".join(REGIONS),
        RegionKeyArns=",".join(KEYS),
        RegionBucketArns=",".join(BUCKETS),
    )

    assert size(inline(resources, "SyncArtifactsRole")) <= 10_240


@pytest.mark.parametrize("name", BUILD_STACKS)
def test_policies_hold_as_many_accounts_as_a_parameter(name: str) -> None:
    assert 4_096 - 13 < len(ACCOUNTS) <= 4_096
    resources = resolve(name, DeployAccountIds=ACCOUNTS)

    assert size(bucket_policy(resources)) <= 20 * 1024
    assert size(key_policy(resources)) <= 32 * 1024


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
        ("primary", "Regions", "us-gov-west-1"),
        ("primary", "Regions", "eusc-de-east-1"),
        ("regional", "DeployAccountIds", "012345678901"),
        ("access-role", "AllowedExecutionPolicyArns", "arn:aws:iam::111111111111:policy/app/*"),
    ],
)
def test_parameters_accept_real_values_and_those_of_check_mode(
    name: str, parameter: str, value: str
) -> None:
    assert re.search(source(name)["Parameters"][parameter]["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("deploy_account", "BuildAccountId", "11111111111"),
        ("deploy_account", "KeyArns", "arn:aws:kms:eu-west-1:111111111111:alias/artifacts"),
        ("deploy_account", "KeyArns", "01234567-89ab-cdef-0123-456789abcdef"),
        ("deploy_account", "BucketArns", "a-bucket"),
        ("deploy_account", "BucketArns", "arn:aws:s3:::a-bucket/*"),
        ("deploy_account", "BucketArns", "arn:aws:s3:::*"),
        ("deploy_account", "ExecutionPolicyArns", ""),
        ("deploy_account", "ExecutionPolicyArns", "AdministratorAccess"),
        ("deploy_account", "AccessRoleName", ""),
        ("primary", "Regions", "eu-west"),
        ("regional", "DeployAccountIds", "*"),
        ("access-role", "OperatorRoleArn", "arn:aws:iam::111111111111:root"),
        ("access-role", "AllowedExecutionPolicyArns", "*"),
    ],
)
def test_parameters_refuse_what_would_open_a_door(name: str, parameter: str, value: str) -> None:
    assert not re.search(source(name)["Parameters"][parameter]["AllowedPattern"], value)


@pytest.mark.parametrize("name", ["operator", "operator-pipelines"])
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_each_policy_of_the_operator_fits_one_managed_policy(partition: str, name: str) -> None:
    document = operator_policy(partition, name)

    assert size(document) <= 6_144
    assert len(statements(document)) == len(document["Statement"])
    assert partition == "aws" or "arn:aws:" not in json.dumps(document)


def test_operator_and_access_role_may_do_the_same_with_stacks() -> None:
    access = statements(inline(resolve("access-role", **NEEDED["access-role"]), "AccessRole"))
    operator = statements(operator_policy())

    pipelines = statements(operator_policy(name="operator-pipelines"))

    assert access["FoundationStack"]["Action"] == operator["FoundationStacks"]["Action"]
    assert pipelines["PipelineStacks"]["Action"] == operator["FoundationStacks"]["Action"]


def test_the_operator_makes_pipelines_in_the_build_account_only() -> None:
    for statement in statements(operator_policy(name="operator-pipelines")).values():
        for resource in texts(statement["Resource"]):
            assert ":111111111111:" in resource or resource.startswith("arn:aws:s3:::")


def test_the_operator_gets_everywhere_else_by_the_access_role_only() -> None:
    for sid, statement in statements(operator_policy()).items():
        for resource in texts(statement["Resource"]):
            foreign = ":111111111111:" not in resource and not resource.startswith("arn:aws:s3:::")
            if not foreign:
                continue
            assert sid in (
                "AccessRoles",
                "DriftDetection",
                "Keys",
                "ListsOfLogs",
                "SeeWhatIsThere",
            )
    reads = statements(operator_policy())["SeeWhatIsThere"]["Action"]
    assert all(one.partition(":")[2].startswith(("Describe", "Get", "List")) for one in reads)
    keys = statements(operator_policy())["Keys"]
    assert keys["Condition"] == {
        "ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}
    }


@pytest.mark.parametrize("boundary", ["", "arn:aws:iam::111111111111:policy/Boundary"])
def test_the_access_role_attaches_allowed_policies_to_one_role_only(boundary: str) -> None:
    resources = resolve(
        "access-role", **NEEDED["access-role"], RequiredPermissionsBoundaryArn=boundary
    )
    found = statements(inline(resources, "AccessRole"))
    bounded = {"iam:PermissionsBoundary": boundary}

    attaching = [sid for sid, item in found.items() if "iam:AttachRolePolicy" in item["Action"]]
    assert attaching == ["ExecutionPolicies"]
    condition = found["ExecutionPolicies"]["Condition"]
    assert condition["ArnLike"] == {"iam:PolicyARN": [POLICY]}
    assert condition.get("ArnEquals") == (bounded if boundary else None)
    making = found["CloudFormationRole"].get("Condition")
    assert making == ({"ArnEquals": bounded} if boundary else None)
    assert ("SetAndRemoveBoundary" in found) is (not boundary)


def test_the_access_role_trusts_one_role() -> None:
    resources = resolve("access-role", **NEEDED["access-role"])
    [trust] = resources["AccessRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert trust["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/CrossAccountOperator"}
    }
