# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals, condition keys, and the permissions that stacks work with.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json

import pytest

from lab import Lab, ResourceRule
from lab.tests.roles import Caller, with_token
from lab.tests.stacks import (
    TOPIC,
    Stacks,
    allowed,
    another,
    delete,
    key_policy,
    reasons,
    refused,
    statements,
    text,
    topic,
    update,
)

ACCOUNT = "222222222222"
REGION = "us-east-1"
BUCKET = {"Type": "AWS::S3::Bucket"}


# Principals


@pytest.mark.parametrize(
    "principal",
    ["999999999999", "arn:aws:iam::999999999999:root", f"arn:aws:iam::{ACCOUNT}:role/no", ""],
)
def test_a_principal_that_does_not_exist_is_refused(lab: Lab, principal: str) -> None:
    s3, kms, iam = (lab.client(service, ACCOUNT) for service in ("s3", "kms", "iam"))
    s3.create_bucket(Bucket="principals")
    grant = statements({"Principal": {"AWS": principal}, "Action": "s3:*", "Resource": "*"})
    assert "Invalid principal" in refused(
        lambda: s3.put_bucket_policy(Bucket="principals", Policy=json.dumps(grant))
    )
    policy = json.dumps(key_policy(principal, "kms:*"))
    assert "invalid principals" in refused(lambda: kms.create_key(Policy=policy))
    trust = statements({"Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})
    assert "Invalid principal" in refused(
        lambda: iam.create_role(RoleName="no", AssumeRolePolicyDocument=json.dumps(trust))
    )


def test_a_condition_on_a_role_sees_the_role_with_its_path(lab: Lab, caller: Caller) -> None:
    caller.may("sns:ListTopics", Condition={"ArnEquals": {"aws:PrincipalArn": caller.arn}})
    caller.client("sns").list_topics()


def test_a_caller_belongs_to_the_organization_of_the_lab(caller: Caller) -> None:
    organization = {"aws:PrincipalOrgID": "o-lab0000000"}
    caller.may("sns:ListTopics", Condition={"StringEquals": organization})
    caller.client("sns").list_topics()
    organization = {"aws:PrincipalOrgID": "o-other00000"}
    caller.may("sns:ListTopics", Condition={"StringEquals": organization})
    assert "not authorized" in refused(lambda: caller.client("sns").list_topics())


def test_a_caller_is_at_the_place_of_its_account_in_the_organization(caller: Caller) -> None:
    def listed(path: str) -> bool:
        unit = {"aws:PrincipalOrgPaths": path}
        caller.may("s3:ListAllMyBuckets", Condition={"ForAnyValue:StringLike": unit})
        return allowed(lambda: caller.client("s3").list_buckets())

    assert listed("o-lab0000000/r-lab0/ou-*/ou-*/")
    assert listed("o-lab0000000/r-lab0/*")
    assert not listed("o-lab0000000/r-lab0/")
    assert not listed("o-lab0000000/r-lab0/ou-lab0-00000000/*")


def test_requests_have_used_tls(caller: Caller) -> None:
    caller.may("sns:ListTopics", Condition={"Bool": {"aws:SecureTransport": "true"}})
    caller.client("sns").list_topics()


def test_a_token_is_taken_from_a_provider_of_the_account_for_its_audience(
    lab: Lab, name: str
) -> None:
    iam, issuer = lab.client("iam", ACCOUNT), f"{name}.example.com"
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
    trust = statements(
        {"Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
    )
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]

    def assume(audience: str) -> str:
        return refused(
            lambda: with_token(lab, arn, "s3", issuer=issuer, audience=audience, subject="job")
        )

    assert "No OpenIDConnect provider found in your account" in assume("ours")
    iam.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=["ours"])
    assert "Incorrect token audience" in assume("other")
    with_token(lab, arn, "s3", issuer=issuer, audience="ours", subject="job")


# Permissions


def test_a_stack_works_with_the_permissions_of_its_caller(stacks: Stacks, caller: Caller) -> None:
    caller.may("cloudformation:*")
    stacks.api = caller.stacks
    assert stacks.create({"T": TOPIC}) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: sns:CreateTopic" in reasons(stacks, "CREATE_FAILED")


def test_a_stack_that_may_not_be_undone_is_stuck(lab: Lab, stacks: Stacks, caller: Caller) -> None:
    caller.may("cloudformation:*", "sns:CreateTopic", "sns:Get*", "sns:List*", "sns:TagResource")
    lab.set_resource_faults([ResourceRule(logical_id="B", operation="create")])
    stacks.api = caller.stacks
    assert stacks.create({"A": TOPIC, "B": topic("x", DependsOn="A")}) == "ROLLBACK_FAILED"
    assert "not authorized to perform: sns:DeleteTopic" in reasons(stacks, "DELETE_FAILED")


def test_cloudformation_calls_for_its_caller(lab: Lab, stacks: Stacks, caller: Caller) -> None:
    called_via = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy(f"{ACCOUNT}", "kms:*")}}
    caller.iam.put_role_policy(
        RoleName=caller.name,
        PolicyName="stacks",
        PolicyDocument=json.dumps(statements({"Action": "cloudformation:*", "Resource": "*"})),
    )
    caller.may("kms:*", Condition=called_via)
    stacks.api = caller.stacks
    assert stacks.create({"Key": key}) == "CREATE_COMPLETE"
    assert "AccessDenied" in refused(lambda: caller.client("kms").create_key())
    called_via["ForAnyValue:StringEquals"]["aws:CalledVia"] = "athena.amazonaws.com"
    caller.may("kms:*", Condition=called_via)
    assert another(stacks).create({"Key": key}).startswith("ROLLBACK_")


def test_a_key_policy_that_does_not_let_the_caller_tag_fails_the_key(
    stacks: Stacks, caller: Caller
) -> None:
    caller.may("*")
    actions = ["kms:Create*", "kms:Put*", "kms:Get*", "kms:Describe*", "kms:List*"]
    actions.append("kms:ScheduleKeyDeletion")
    policy = key_policy(ACCOUNT, *actions)
    stacks.api = caller.stacks
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}
    assert stacks.create({"Key": key}) == "ROLLBACK_COMPLETE"
    assert "kms:TagResource" in reasons(stacks, "CREATE_FAILED")


def test_a_role_is_passed_to_cloudformation_by_who_may(
    lab: Lab, stacks: Stacks, caller: Caller
) -> None:
    role = Caller(lab, f"role-{stacks.name}"[:64])
    role.may("s3:*")
    caller.may("cloudformation:*")
    stacks.api = caller.stacks
    message = refused(lambda: stacks.create({"T": TOPIC}, RoleARN=role.arn))
    assert "not authorized to perform: iam:PassRole" in message
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    caller.may("cloudformation:*", "iam:PassRole", Condition=to_lambda)
    caller.iam.put_role_policy(
        RoleName=caller.name,
        PolicyName="stacks",
        PolicyDocument=json.dumps(statements({"Action": "cloudformation:*", "Resource": "*"})),
    )
    assert "iam:PassRole" in refused(lambda: stacks.create({"T": TOPIC}, RoleARN=role.arn))
    caller.may("cloudformation:*", "iam:PassRole")
    assert stacks.create({"T": TOPIC}, RoleARN=role.arn) == "ROLLBACK_COMPLETE"
    assert f"assumed-role/{role.name}/AWSCloudFormation" in reasons(stacks, "CREATE_FAILED")
    bucket = another(stacks)
    assert bucket.create({"B": BUCKET}, RoleARN=role.arn) == "CREATE_COMPLETE"
    assert "cannot be assumed" in refused(
        lambda: stacks.api.create_stack(
            StackName=f"{stacks.name}-3",
            TemplateBody=text({"T": TOPIC}),
            RoleARN=f"arn:aws:iam::{ACCOUNT}:role/no-such-role",
        )
    )


def test_a_policy_of_a_role_takes_the_right_to_change_that_role(
    stacks: Stacks, caller: Caller
) -> None:
    policy = {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "more",
            "PolicyDocument": statements({"Action": "s3:GetObject", "Resource": "*"}),
            "Roles": [caller.name],
        },
    }
    caller.may("iam:PutRolePolicy", "iam:DeleteRolePolicy", resource=f"{caller.arn}-other")
    caller.iam.put_role_policy(
        RoleName=caller.name,
        PolicyName="stacks",
        PolicyDocument=json.dumps(statements({"Action": "cloudformation:*", "Resource": "*"})),
    )
    stacks.api = caller.stacks
    named = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    assert stacks.create({"Policy": policy}, **named).startswith("ROLLBACK_")
    assert "iam:PutRolePolicy" in reasons(stacks, "CREATE_FAILED")
    caller.may("iam:PutRolePolicy", "iam:DeleteRolePolicy", resource=caller.arn)
    assert another(stacks).create({"Policy": policy}, **named) == "CREATE_COMPLETE"


def test_the_role_of_a_change_set_stays_with_its_stack(
    lab: Lab, stacks: Stacks, caller: Caller
) -> None:
    role = Caller(lab, f"role-{stacks.name}"[:64])
    role.may("sns:CreateTopic", "sns:TagResource", "sns:Get*", "sns:List*")
    caller.may("*")
    stacks.api = caller.stacks
    stacks.change_set("one", "CREATE", {"T": TOPIC}, RoleARN=role.arn)
    assert stacks.execute("one") == "CREATE_COMPLETE"
    assert update(stacks, {"T": topic("2")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert delete(stacks) == "DELETE_FAILED"


def test_a_function_gets_a_role_from_who_may_pass_it(stacks: Stacks, caller: Caller) -> None:
    caller.may("cloudformation:*", "lambda:*")
    stacks.api = caller.stacks
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": "def handler(event, context): pass"},
        },
    }
    assert stacks.create({"F": function}) == "ROLLBACK_COMPLETE"
    assert "iam:PassRole" in reasons(stacks, "CREATE_FAILED")


def test_drift_is_read_with_the_permissions_of_the_caller(stacks: Stacks, caller: Caller) -> None:
    stacks.create({"T": topic("1")})
    caller.may("cloudformation:*")
    started = caller.stacks.detect_stack_drift(StackName=stacks.name)["StackDriftDetectionId"]
    status = caller.stacks.describe_stack_drift_detection_status(StackDriftDetectionId=started)
    assert status["DetectionStatus"] == "DETECTION_FAILED"
    assert status["StackDriftStatus"] == "UNKNOWN"


# Actions


def test_removing_a_reserved_concurrency_is_an_action_of_its_own(lab: Lab, caller: Caller) -> None:
    functions = caller.client("lambda")
    caller.may("lambda:DeleteFunctionConcurrency")
    # Allowed, and there is no such function.
    assert (
        "not found"
        in refused(lambda: functions.delete_function_concurrency(FunctionName="none")).lower()
    )
    assert "lambda:PutFunctionConcurrency" in refused(
        lambda: functions.put_function_concurrency(
            FunctionName="none", ReservedConcurrentExecutions=0
        )
    )


def test_a_call_that_names_an_ecs_service_is_about_the_service(lab: Lab, caller: Caller) -> None:
    lab.client("ecs", ACCOUNT).create_cluster(clusterName="main")
    caller.may("ecs:DescribeServices", resource=f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/main/web")
    ecs = caller.client("ecs")
    found = ecs.describe_services(cluster="main", services=["web"])
    assert found["services"] == []
    assert "AccessDenied" in refused(
        lambda: ecs.describe_services(cluster="main", services=["other"])
    )
