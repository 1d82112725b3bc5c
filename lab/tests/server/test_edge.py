# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call log, faults, set-ups and condition keys, on a running lab."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from lab import FILES, Lab, LabError, Rule, Setup

BUILD, DEVELOPMENT, PRODUCTION = "111111111111", "222222222222", "444444444444"
TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


def operator_client(lab: Lab, service: str, setup: Setup = "operator", **config: Any) -> Any:
    """A client that holds what a subprocess with this environment would hold."""
    variables = lab.variables(setup)
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=lab.url,
        region_name="us-east-1",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
        config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
    )


def assume(sts: Any, account_id: str, role: str) -> dict[str, str]:
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account_id}:role/{role}", RoleSessionName="test"
    )["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def client_with(lab: Lab, service: str, credentials: dict[str, str]) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=lab.url,
        region_name="eu-west-1",
        config=Config(retries={"total_max_attempts": 1}),
        **credentials,
    )


def error_code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_call_behind_an_assumed_role_is_logged_with_account_principal_and_stack(
    lab: Lab,
) -> None:
    start = time.time()
    credentials = assume(operator_client(lab, "sts"), DEVELOPMENT, "CrossAccountAccess")
    stacks = client_with(lab, "cloudformation", credentials)
    with pytest.raises(ClientError):
        stacks.describe_stacks(StackName="CrossAccountDeploy")

    assumed, described = lab.calls(start)
    assert (assumed.service, assumed.action, assumed.account, assumed.write) == (
        "sts",
        "AssumeRole",
        BUILD,
        False,
    )
    assert assumed.resource == f"arn:aws:iam::{DEVELOPMENT}:role/CrossAccountAccess"
    assert (described.service, described.action, described.region) == (
        "cloudformation",
        "DescribeStacks",
        "eu-west-1",
    )
    assert described.account == DEVELOPMENT
    assert described.principal == f"arn:aws:sts::{DEVELOPMENT}:assumed-role/CrossAccountAccess/test"
    assert (described.resource, described.status, described.error) == (
        "CrossAccountDeploy",
        400,
        "ValidationError",
    )


def test_calls_of_rest_and_json_services_are_logged_by_name(lab: Lab) -> None:
    start = time.time()
    lab.client("s3", DEVELOPMENT).create_bucket(Bucket="logged")
    lab.client("s3", DEVELOPMENT).list_objects_v2(Bucket="logged")
    lab.client("kms", DEVELOPMENT).list_keys()
    assert [
        (call.service, call.action, call.resource, call.write)
        for call in lab.calls(start, root=True)
    ] == [
        ("s3", "CreateBucket", "logged", True),
        ("s3", "ListBucket", "logged", False),
        ("kms", "ListKeys", "", False),
    ]


def test_an_error_rule_answers_in_the_service_s_own_format(lab: Lab) -> None:
    """boto3 reads the code of each protocol."""
    lab.set_faults([Rule(name="slow down", error="ThrottlingException", status=400)])
    for service, call in (
        ("cloudformation", "list_stacks"),
        ("sts", "get_caller_identity"),
        ("s3", "list_buckets"),
        ("kms", "list_keys"),
        ("lambda", "list_functions"),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(operator_client(lab, service, "management"), call)()
        assert error_code(caught) == "ThrottlingException"
    assert {call.fault for call in lab.calls()[-5:]} == {"slow down"}


def test_faults_do_not_hit_root(lab: Lab) -> None:
    lab.set_faults([Rule(error="Throttling")])
    lab.client("sts", BUILD).get_caller_identity()
    assert lab.faults()[0]["met"] == 0


def test_a_rule_reaches_one_account_behind_its_role_and_no_other(lab: Lab) -> None:
    sts = operator_client(lab, "sts", "management")
    credentials = {
        account: assume(sts, account, "OrganizationAccountAccessRole")
        for account in (DEVELOPMENT, PRODUCTION)
    }
    lab.set_faults([Rule(service="cloudformation", account=PRODUCTION, error="Throttling")])
    client_with(lab, "cloudformation", credentials[DEVELOPMENT]).list_stacks()
    with pytest.raises(ClientError, match="Throttling"):
        client_with(lab, "cloudformation", credentials[PRODUCTION]).list_stacks()


def test_a_lost_reply_means_that_the_call_took_effect(lab: Lab) -> None:
    """The connection ends in the middle of the answer."""
    lab.set_faults([Rule(action="CreateStack", after=True)])
    stacks = operator_client(lab, "cloudformation", "management")
    with pytest.raises(HTTPClientError):
        stacks.create_stack(StackName="lost", TemplateBody=TEMPLATE)
    names = [stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]]
    assert "lost" in names
    assert lab.calls()[-2].status == 200


def test_a_lost_reply_can_be_an_error(lab: Lab) -> None:
    lab.set_faults([Rule(action="CreateStack", after=True, error="InternalFailure", status=500)])
    stacks = operator_client(lab, "cloudformation", "management")
    with pytest.raises(ClientError, match="InternalFailure"):
        stacks.create_stack(StackName="answered-500", TemplateBody=TEMPLATE)
    assert stacks.describe_stacks(StackName="answered-500")["Stacks"]


def test_a_hanging_call_holds_up_nobody_else(lab: Lab) -> None:
    lab.set_faults([Rule(action="ListExports", hang=True)])
    stacks = operator_client(lab, "cloudformation", "management", read_timeout=1)
    with pytest.raises(HTTPClientError):
        stacks.list_exports()
    stacks.list_stacks()
    assert lab.faults()[0]["fired"] == 1


def test_reads_take_as_long_as_over_a_network(lab: Lab) -> None:
    lab.set_latency(0, read=0.3)
    start = time.time()
    operator_client(lab, "cloudformation", "management").list_stacks()

    assert lab.calls(start)[0].duration >= 0.3


def test_a_rule_with_latency_alone_slows_the_call_down(lab: Lab) -> None:
    lab.set_faults([Rule(action="ListStacks", latency=0.3)])
    started = time.monotonic()
    operator_client(lab, "cloudformation", "management").list_stacks()
    assert time.monotonic() - started >= 0.3


def test_a_switch_that_does_not_exist_is_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match="unknown settings: latenzy"):
        lab._configure(latenzy=1)


@pytest.mark.parametrize(
    ("setup", "principal"),
    [
        ("operator", f"arn:aws:sts::{BUILD}:assumed-role/CrossAccountOperator/lab"),
        ("management", "arn:aws:sts::555555555555:assumed-role/OrganizationAdministrator/lab"),
    ],
)
def test_each_set_up_has_its_own_base_credentials(lab: Lab, setup: Setup, principal: str) -> None:
    assert operator_client(lab, "sts", setup).get_caller_identity()["Arn"] == principal


@pytest.mark.parametrize(
    ("setup", "role", "accounts"),
    [
        ("operator", "CrossAccountAccess", (DEVELOPMENT, "333333333333", PRODUCTION)),
        (
            "management",
            "OrganizationAccountAccessRole",
            (BUILD, DEVELOPMENT, "333333333333", PRODUCTION),
        ),
    ],
)
def test_each_set_up_reaches_its_accounts_by_its_own_role(
    lab: Lab, setup: Setup, role: str, accounts: tuple[str, ...]
) -> None:
    sts = operator_client(lab, "sts", setup)
    for account_id in accounts:
        identity = client_with(lab, "sts", assume(sts, account_id, role)).get_caller_identity()
        assert identity["Account"] == account_id


@pytest.mark.parametrize(
    ("setup", "account_id", "role"),
    [
        ("operator", DEVELOPMENT, "OrganizationAccountAccessRole"),
        ("operator", "777777777777", "CrossAccountAccess"),
        ("operator", DEVELOPMENT, "Missing"),
        ("management", DEVELOPMENT, "CrossAccountAccess"),
    ],
)
def test_a_role_that_is_missing_or_trusts_others_is_refused(
    lab: Lab, setup: Setup, account_id: str, role: str
) -> None:
    with pytest.raises(ClientError) as caught:
        assume(operator_client(lab, "sts", setup), account_id, role)
    assert error_code(caught) == "AccessDenied"


def test_the_access_of_one_account_can_be_refused_and_allowed_again(lab: Lab) -> None:
    sts = operator_client(lab, "sts")
    lab.refuse_access(PRODUCTION)
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(sts, PRODUCTION, "CrossAccountAccess")
    assume(sts, DEVELOPMENT, "CrossAccountAccess")
    lab.allow_access(PRODUCTION)
    assume(sts, PRODUCTION, "CrossAccountAccess")


def test_an_account_can_be_added(lab: Lab) -> None:
    lab.add_account("666666666666")
    assume(operator_client(lab, "sts"), "666666666666", "CrossAccountAccess")
    sts = operator_client(lab, "sts", "management")
    assume(sts, "666666666666", "OrganizationAccountAccessRole")


def test_every_deploy_account_has_a_profile(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through profiles as a user's shell has them."""
    for name, value in lab.variables("profiles").items():
        monkeypatch.setenv(name, value)
    found = {
        name: boto3.Session(profile_name=name).client("sts").get_caller_identity()["Account"]
        for name in ("build", "development", "testing", "production")
    }
    assert found == {
        "build": BUILD,
        "development": DEVELOPMENT,
        "testing": "333333333333",
        "production": PRODUCTION,
    }


def test_an_environment_holds_nothing_of_the_user_s_aws(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("UNRELATED", "kept")
    environment = lab.environment()
    assert "AWS_PROFILE" not in environment
    assert "AWS_REGION" not in environment
    assert environment["UNRELATED"] == "kept"
    assert environment["AWS_ENDPOINT_URL"] == lab.url


def test_a_proxy_of_the_user_s_is_gone_past(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy does not exist: a request through it would fail."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "elsewhere")
    variables = lab.variables()
    assert variables["NO_PROXY"] == "elsewhere,127.0.0.1"
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    boto3.Session().client("sts").get_caller_identity()


def test_the_operator_holds_the_documented_policies_and_no_more(lab: Lab) -> None:
    iam = lab.client("iam", BUILD)
    names = iam.list_role_policies(RoleName="CrossAccountOperator")["PolicyNames"]
    assert sorted(names) == ["operator", "operator-builds", "operator-pipelines", "operator-prove"]
    attached = iam.list_attached_role_policies(RoleName="CrossAccountOperator")
    assert attached["AttachedPolicies"] == []
    for policy_name in names:
        policy = iam.get_role_policy(RoleName="CrossAccountOperator", PolicyName=policy_name)
        documented = (FILES / f"{policy_name}-policy.json").read_text(encoding="utf-8")
        for name, value in (
            ("BuildAccountId", BUILD),
            ("AccessRoleName", "CrossAccountAccess"),
            ("Partition", "aws"),
        ):
            documented = documented.replace(f"${{{name}}}", value)
        assert policy["PolicyDocument"] == json.loads(documented)
    with pytest.raises(ClientError, match="AccessDenied"):
        operator_client(lab, "cloudformation").get_template(StackName="Another")


def test_principal_arn_is_the_role_s_with_its_path(lab: Lab) -> None:
    """A trust narrowed to a path lets only the roles of the path in."""
    for path, name in (("/crossaccount/pipeline/", "inside"), ("/crossaccount/build/", "outside")):
        iam = lab.client("iam", BUILD)
        iam.create_role(
            Path=path,
            RoleName=name,
            AssumeRolePolicyDocument=trust(f"arn:aws:iam::{BUILD}:root"),
        )
        iam.attach_role_policy(
            RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
    pattern = f"arn:aws:iam::{BUILD}:role/crossaccount/pipeline/*"
    lab.client("iam", DEVELOPMENT).create_role(
        RoleName="narrow",
        AssumeRolePolicyDocument=trust(
            f"arn:aws:iam::{BUILD}:root", {"ArnLike": {"aws:PrincipalArn": pattern}}
        ),
    )
    root = lab.client("sts", BUILD)
    for path, name in (("crossaccount/pipeline/", "inside"), ("crossaccount/build/", "outside")):
        sts = client_with(lab, "sts", assume(root, BUILD, f"{path}{name}"))
        if name == "inside":
            assume(sts, DEVELOPMENT, "narrow")
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                assume(sts, DEVELOPMENT, "narrow")


def test_secure_transport_is_true_unless_a_test_sets_it(lab: Lab) -> None:
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    iam = lab.client("iam", DEVELOPMENT)
    iam.create_role(
        RoleName="tls-only", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{DEVELOPMENT}:root")
    )
    iam.put_role_policy(
        RoleName="tls-only",
        PolicyName="tls-only",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    s3 = client_with(lab, "s3", assume(lab.client("sts", DEVELOPMENT), DEVELOPMENT, "tls-only"))
    s3.list_buckets()
    lab.set_secure_transport(False)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_buckets()


def test_a_reset_leaves_a_seeded_organisation_and_nothing_else(lab: Lab) -> None:
    lab.client("s3", BUILD).create_bucket(Bucket="forgotten")
    lab.set_faults([Rule(error="Throttling")])
    lab.set_secure_transport(False)
    lab.reset()
    assert lab.client("s3", BUILD).list_buckets()["Buckets"] == []
    assert lab.calls(root=True)[:-1] == []
    assume(operator_client(lab, "sts"), DEVELOPMENT, "CrossAccountAccess")


def trust(principal: str, condition: dict[str, Any] | None = None) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
