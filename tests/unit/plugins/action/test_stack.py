# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that converges a stack: arguments in, result and diff out, and no secret in either."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.action import stack
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import (
    FakeCloudFormation,
    change,
)
from tests.fakes.data import FakeData
from tests.fakes.gateway import FakeGateway, Install
from tests.fakes.harness import run_action

ACCOUNT, REGION = "222222222222", "eu-west-1"
PLACE = f"One in {ACCOUNT} {REGION}"
SECRET = "open-sesame-4711"
TEMPLATE = """\
Parameters:
  Accounts: {Type: CommaDelimitedList, Default: ''}
  Days: {Type: Number}
  Password: {Type: String, NoEcho: true}
Resources:
  Topic: {Type: AWS::SNS::Topic}
"""
# Over what CloudFormation takes inline.
LARGE = TEMPLATE + "#" * 51_200
LARGE_KEY = f"templates/{hashlib.sha256(LARGE.encode()).hexdigest()}.template"
LARGE_URL = f"https://s3.{REGION}.amazonaws.com/builds/{LARGE_KEY}"
TOO_LARGE = (
    "and CloudFormation allows 51200 without a bucket. Shorten the template or its"
    " code files, or set template_bucket"
)


@pytest.fixture
def role(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one.template").write_text(TEMPLATE, encoding="ascii")
    return tmp_path


@pytest.fixture
def gateway(install: Install, clock: Clock) -> FakeGateway:
    assert clock.pauses == []
    return install(stack)


@pytest.fixture
def aws(gateway: FakeGateway) -> FakeCloudFormation:
    return gateway.region(ACCOUNT, REGION)


def arguments(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "account_id": ACCOUNT,
        "region": REGION,
        "access_role_name": "CrossAccountAccess",
        "stack_name": "One",
        "template": "one.template",
        "parameters": {"Accounts": ["111111111111", "222222222222"], "Days": 365},
        "tags": {"application": "pipeline", "number": 7},
    }
    given["parameters"]["Password"] = SECRET
    return given | more


def converge(role: Path, *, check_mode: bool = False, **more: Any) -> dict[str, Any]:
    return run_action(
        stack.ActionModule,
        arguments(**more),
        role=role,
        check_mode=check_mode,
        task_vars={"inventory_hostname": "production"},
    )


def shown(result: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the diff: header to what was before and what comes after."""
    assert all(one["before_header"] == one["after_header"] for one in result["diff"])
    return {one["before_header"]: (one["before"], one["after"]) for one in result["diff"]}


# Templates


def test_a_template_can_be_given_as_text(aws: FakeCloudFormation, role: Path) -> None:
    text = TEMPLATE + "# {{ no Jinja }} '@@ no file @@'\n"

    assert converge(role, template=None, template_body=text)["operation"] == "create"
    assert aws.stacks[0].template == text


def large(
    gateway: FakeGateway, aws: FakeCloudFormation, role: Path, **more: Any
) -> tuple[dict[str, Any], FakeData]:
    """Converge a large template through a bucket, and return the result and the bucket's region."""
    data = gateway.data_of(ACCOUNT, REGION)
    aws.templates[LARGE_URL] = LARGE
    result = converge(
        role, **{"template": None, "template_body": LARGE, "template_bucket": "builds"} | more
    )
    return result, data


def test_a_large_template_goes_through_the_bucket_named_by_its_content(
    gateway: FakeGateway, aws: FakeCloudFormation, role: Path
) -> None:
    result, data = large(gateway, aws, role)

    assert result["operation"] == "create"
    assert data.objects == {
        ("builds", LARGE_KEY): {
            "Bucket": "builds",
            "Key": LARGE_KEY,
            "Body": LARGE.encode(),
            "ServerSideEncryption": "AES256",
        }
    }
    (request,) = (asked for name, asked in aws.calls if name == "CreateChangeSet")
    assert request["TemplateURL"] == LARGE_URL
    assert "TemplateBody" not in request


def test_an_unchanged_large_template_asks_nothing_of_the_bucket(
    gateway: FakeGateway, aws: FakeCloudFormation, role: Path
) -> None:
    _first, data = large(gateway, aws, role)
    del data.calls[:]

    second, data = large(gateway, aws, role)

    assert (second["operation"], data.calls) == ("none", [])


# Arguments


@pytest.mark.parametrize("missing", ["account_id", "region"])
@pytest.mark.parametrize("value", [None, ""])
def test_the_account_and_the_region_are_needed(
    gateway: FakeGateway, role: Path, missing: str, value: str | None
) -> None:
    given: dict[str, Any] = {missing: value}

    result = converge(role, **given)

    assert (result["failed"], result["msg"]) == (True, f"missing required argument: {missing}")
    assert gateway.opened == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"template": None}, "missing required argument: template or template_body"),
        ({"template": ""}, "missing required argument: template or template_body"),
        ({"template_body": TEMPLATE}, "template and template_body are both set. Remove one"),
        (
            {"template": None, "template_body": LARGE},
            f"template_body has {len(LARGE)} bytes, {TOO_LARGE}",
        ),
    ],
)
def test_one_template_is_needed_that_cloudformation_can_take(
    gateway: FakeGateway, role: Path, more: dict[str, Any], message: str
) -> None:
    result = converge(role, **more)

    assert (result["failed"], result["msg"]) == (True, message)
    assert gateway.opened == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"parameters": {"Days": None}},
            "parameter Days: its value is null. Use text, a number, a boolean or a list of them",
        ),
        (
            {"tags": {"application": "caf\u00e9"}},
            "tag application: 'caf\u00e9' is not ASCII. Use plain letters",
        ),
        ({"tags": {"caf\u00e9": "a"}}, "tag caf\u00e9: 'a' is not ASCII. Use plain letters"),
    ],
)
def test_what_cloudformation_cannot_keep_is_refused_before_a_call(
    gateway: FakeGateway, role: Path, more: dict[str, Any], message: str
) -> None:
    result = converge(role, **more)

    assert (result["failed"], result["msg"]) == (True, message)
    assert gateway.opened == []


def test_the_account_is_opened_in_the_way_that_is_given(
    gateway: FakeGateway, aws: FakeCloudFormation, role: Path
) -> None:
    converge(role, role_arn="arn:aws:iam::222222222222:role/Other", sts_region="us-east-1")

    assert gateway.opened == [
        Account(
            account_id=ACCOUNT,
            role_arn="arn:aws:iam::222222222222:role/Other",
            access_role_name="CrossAccountAccess",
        )
    ]
    assert gateway.options["sts_region"] == "us-east-1"


def test_an_account_that_does_not_open_fails_the_task(gateway: FakeGateway, role: Path) -> None:
    gateway.errors[ACCOUNT] = "refused"

    assert converge(role) == {"failed": True, "changed": False, "msg": "refused"}


def test_arguments_become_what_is_desired(aws: FakeCloudFormation, role: Path) -> None:
    converge(
        role,
        capabilities=["CAPABILITY_NAMED_IAM"],
        termination_protection=True,
        stack_policy={"Statement": []},
    )

    made = aws.stacks[0]
    assert made.template == TEMPLATE
    assert made.parameters == {
        "Accounts": "111111111111,222222222222",
        "Days": "365",
        "Password": SECRET,
    }
    assert made.tags == {"application": "pipeline", "number": "7"}
    assert (made.protected, made.policy) == (True, '{"Statement": []}')
    (request,) = [asked for operation, asked in aws.calls if operation == "CreateChangeSet"]
    assert request["Capabilities"] == ["CAPABILITY_NAMED_IAM"]


# Results


def as_aws_keeps_it() -> dict[str, Any]:
    """A stack that is as desired, in the way that DescribeStacks shows it."""
    return {
        "template": TEMPLATE,
        "parameters": {
            "Accounts": "111111111111,222222222222",
            "Days": "365",
            "Password": "****",
        },
        "tags": {"application": "pipeline", "number": "7"},
        "outputs": {"TopicArn": "arn:topic"},
    }


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_unchanged_stack_is_told_without_a_diff(
    aws: FakeCloudFormation, role: Path, check_mode: bool
) -> None:
    found = aws.add("UPDATE_COMPLETE", **as_aws_keeps_it())

    assert converge(role, check_mode=check_mode) == {
        "changed": False,
        "operation": "none",
        "stack": {
            "stack_name": "One",
            "account_id": ACCOUNT,
            "region": REGION,
            "stack_id": found.stack_id,
            "status": "UPDATE_COMPLETE",
            "outputs": {"TopicArn": "arn:topic"},
            "parameters": found.parameters,
        },
        "changes": [],
        "retained": [],
    }
    assert aws.writes == []


def test_a_new_stack_in_check_mode_is_told_as_far_as_it_is_known(
    aws: FakeCloudFormation, role: Path
) -> None:
    aws.changes = [change("Add", "Topic", "AWS::SNS::Topic")]

    result = converge(role, check_mode=True)

    assert result["stack"] == {
        "stack_name": "One",
        "account_id": ACCOUNT,
        "region": REGION,
        "stack_id": None,
        "status": None,
        "outputs": {},
        "parameters": {},
    }
    assert result["changes"] == [
        {
            "action": "Add",
            "logical_id": "Topic",
            "resource_type": "AWS::SNS::Topic",
            "replacement": "",
            "scope": (),
            "depends_on": (),
        }
    ]
    assert shown(result) == {
        f"{PLACE} (change set)": ("", "Add Topic (AWS::SNS::Topic)\n"),
        f"{PLACE} (parameters)": (
            "",
            "Accounts:\n- '111111111111'\n- '222222222222'\nDays: '365'\nPassword: '****'\n",
        ),
    }
    assert aws.left == {}


def test_a_diff_shows_all_that_differs_and_hides_the_secret(
    aws: FakeCloudFormation, role: Path
) -> None:
    stack_found = as_aws_keeps_it()
    stack_found["parameters"] = {**stack_found["parameters"], "Accounts": "111111111111"}
    stack_found["tags"] = {}
    stack_found["template"] = TEMPLATE.replace("Topic:", "Old:")
    aws.add(**stack_found)

    result = converge(role, check_mode=True, termination_protection=True)

    assert shown(result) == {
        f"{PLACE} (change set)": ("", "Modify Topic (AWS::SNS::Topic)\n"),
        f"{PLACE} (template)": (stack_found["template"] + "\n", TEMPLATE + "\n"),
        f"{PLACE} (parameters)": (
            "Accounts:\n- '111111111111'\nDays: '365'\nPassword: '****'\n",
            "Accounts:\n- '111111111111'\n- '222222222222'\nDays: '365'\nPassword: '****'\n",
        ),
        f"{PLACE} (tags)": ("{}\n", "application: pipeline\nnumber: '7'\n"),
        f"{PLACE} (termination_protection)": ("false\n", "true\n"),
    }


def test_a_repair_is_shown_by_both_statuses(aws: FakeCloudFormation, role: Path) -> None:
    converge(role)
    aws.stacks[0].status = "UPDATE_ROLLBACK_FAILED"

    result = converge(role)

    assert (result["operation"], result["changed"]) == ("repair", True)
    assert shown(result) == {
        f"{PLACE} (status)": ("UPDATE_ROLLBACK_FAILED\n", "UPDATE_ROLLBACK_COMPLETE\n")
    }


def test_a_stack_that_is_stuck_is_shown_by_its_status(aws: FakeCloudFormation, role: Path) -> None:
    aws.add("ROLLBACK_COMPLETE")

    result = converge(role, check_mode=True)

    assert (result["operation"], result["changed"]) == ("repair", True)
    assert shown(result) == {
        f"{PLACE} (status)": (
            "ROLLBACK_COMPLETE\n",
            "its creation failed: delete it and create it again\n",
        )
    }


# Secrets


def no_echo(aws: FakeCloudFormation) -> None:
    """Let AWS hide the secret, as it does."""
    retained = aws.stacks[-1].parameters
    retained.update({name: "****" for name in retained if name == "Password"})


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("status", [None, "CREATE_COMPLETE", "ROLLBACK_COMPLETE"])
def test_a_secret_is_in_no_result(
    aws: FakeCloudFormation, role: Path, status: str | None, check_mode: bool
) -> None:
    if status:
        aws.add(status, **{**as_aws_keeps_it(), "tags": {}})
    aws.after("ExecuteChangeSet", lambda: no_echo(aws))

    result = converge(role, check_mode=check_mode)

    assert result["changed"]
    assert SECRET not in json.dumps(result)


def test_results_hold_no_arguments(aws: FakeCloudFormation, role: Path) -> None:
    result = converge(role, endpoint_url="http://127.0.0.1:9")

    assert set(result) == {"changed", "operation", "stack", "changes", "retained", "diff"}
    assert "127.0.0.1" not in json.dumps(result)


# Removal


BUCKET = {
    "kind": "bucket",
    "name": "one-bucket",
    "arn": "arn:aws:s3:::one-bucket",
    "region": REGION,
    "deletion_date": None,
    "purged": False,
}
KEY = BUCKET | {
    "kind": "key",
    "name": "1234",
    "arn": f"arn:aws:kms:{REGION}:111111111111:key/1234",
}
REMOVED: dict[str, Any] = {
    "stack_name": "One",
    "account_id": ACCOUNT,
    "region": REGION,
    "stack_id": None,
    "status": None,
    "outputs": {},
    "parameters": {},
}


@pytest.fixture
def data(gateway: FakeGateway) -> FakeData:
    found = gateway.data_of(ACCOUNT, REGION)
    found.add_bucket("one-bucket", versions=[("a", "1")])
    found.add_key("1234")
    return found


def remove(*, check_mode: bool = False, **more: Any) -> dict[str, Any]:
    given = {"account_id": ACCOUNT, "region": REGION, "stack_name": "One", "state": "absent"}
    return run_action(stack.ActionModule, given | more, check_mode=check_mode)


def held(logical_id: str, resource_type: str, physical_id: str) -> dict[str, str]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "PhysicalResourceId": physical_id,
        "ResourceStatus": "CREATE_COMPLETE",
    }


RESOURCES = [
    held("Topic", "AWS::SNS::Topic", "arn:topic"),
    held("KeyAlias", "AWS::KMS::Alias", "alias/One"),
]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_stack_is_removed_without_its_template(
    gateway: FakeGateway, aws: FakeCloudFormation, check_mode: bool
) -> None:
    retained = [
        held("Key", "AWS::KMS::Key", "1234"),
        held("PipelineBucket", "AWS::S3::Bucket", "one-bucket"),
    ]
    parameters = {"DeployAccountIds": "222222222222,333333333333"}
    aws.add(protected=True, resources=[*retained, *RESOURCES], parameters=parameters)

    result = remove(check_mode=check_mode, access_role_name="CrossAccountAccess")

    assert result == {
        "changed": True,
        "operation": "delete",
        "stack": REMOVED | {"parameters": parameters},
        "changes": [],
        "retained": [],
        "diff": [
            {
                "before_header": f"{PLACE} (resources)",
                "after_header": f"{PLACE} (resources)",
                "before": "Topic (arn:topic)\nKeyAlias (alias/One)\n",
                "after": "",
            }
        ],
    }
    deletion = ["UpdateTerminationProtection", "DeleteStack"]
    assert aws.writes == ([] if check_mode else deletion)
    assert aws.left == ({"One": "CREATE_COMPLETE"} if check_mode else {})
    assert gateway.opened == [Account(account_id=ACCOUNT, access_role_name="CrossAccountAccess")]
    assert gateway.data == {}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("stands", [False, True])
def test_what_a_removal_leaves_is_told(
    aws: FakeCloudFormation, data: FakeData, stands: bool, check_mode: bool
) -> None:
    if stands:
        aws.add()

    result = remove(check_mode=check_mode, find_retained=True)

    assert (result["changed"], result["retained"]) == (stands, [BUCKET, KEY])
    assert data.writes == []


def test_what_is_left_is_purged_at_the_users_word_and_shown(
    aws: FakeCloudFormation, data: FakeData
) -> None:
    aws.add(resources=RESOURCES)

    checked = remove(check_mode=True, find_retained=True, purge_data=True)
    assert (aws.writes, data.writes) == ([], [])
    done = remove(find_retained=True, purge_data=True)

    assert (
        shown(checked)
        == shown(done)
        == {
            f"{PLACE} (resources)": (
                "Topic (arn:topic)\nKeyAlias (alias/One)\nbucket one-bucket\nkey 1234\n",
                "",
            )
        }
    )
    assert checked["retained"] == [BUCKET | {"purged": True}, KEY | {"purged": True}]
    assert done["retained"] == [
        BUCKET | {"purged": True},
        KEY | {"purged": True, "deletion_date": "2026-12-24"},
    ]
    assert data.buckets == {}


# What earlier stacks left


def creates(aws: FakeCloudFormation) -> None:
    """Let the stack that is made own a key and a bucket."""

    def own() -> None:
        aws.stacks[-1].resources = [
            held("Key", "AWS::KMS::Key", "5678"),
            held("PipelineBucket", "AWS::S3::Bucket", "new-bucket"),
            held("Never", "AWS::SNS::Topic", ""),
        ]

    aws.after("ExecuteChangeSet", own)


@pytest.mark.parametrize("status", [None, "ROLLBACK_COMPLETE"])
def test_a_new_stack_tells_what_earlier_ones_left(
    aws: FakeCloudFormation, data: FakeData, role: Path, status: str | None
) -> None:
    if status:
        aws.add(status)
    data.add_key("5678")
    data.add_bucket("new-bucket")
    creates(aws)

    result = converge(role, find_retained=True)

    assert (result["operation"], result["retained"]) == ("create", [BUCKET, KEY])
    assert data.writes == []


@pytest.mark.parametrize("find_retained", [False, True])
@pytest.mark.parametrize("differs", [False, True])
def test_a_stack_that_stands_costs_no_look_at_what_was_left(
    aws: FakeCloudFormation, data: FakeData, role: Path, find_retained: bool, differs: bool
) -> None:
    aws.add(**as_aws_keeps_it() | ({"tags": {}} if differs else {}))

    result = converge(role, find_retained=find_retained)

    assert (result["operation"], result["retained"]) == ("update" if differs else "none", [])
    assert data.calls == []


def test_a_stack_that_is_to_stand_purges_nothing(
    aws: FakeCloudFormation, data: FakeData, role: Path
) -> None:
    assert converge(role, find_retained=True, purge_data=True)["retained"] == [BUCKET, KEY]
    assert data.writes == []


# Waiting


def test_a_wait_speaks_with_the_name_of_its_host(
    aws: FakeCloudFormation, role: Path, clock: Clock
) -> None:
    aws.add("CREATE_IN_PROGRESS", coming=[*["CREATE_IN_PROGRESS"] * 20, "CREATE_COMPLETE"])

    converge(role)

    assert clock.lines[0].startswith("  production: One creating for ")


# Comparing


@pytest.mark.parametrize("check_mode", [False, True])
def test_comparing_reads_twice_and_changes_nothing(
    aws: FakeCloudFormation, role: Path, check_mode: bool
) -> None:
    aws.add(
        template=TEMPLATE,
        parameters={"Accounts": "111111111111", "Days": "365", "Password": "****"},
        tags={"application": "pipeline", "number": "7"},
        outputs={"KeyArn": "arn"},
    )

    result = converge(role, check_mode=check_mode, state="compared")

    assert result == {
        "changed": False,
        "operation": "update",
        "stack": {
            "stack_name": "One",
            "account_id": ACCOUNT,
            "region": REGION,
            "stack_id": aws.stacks[0].stack_id,
            "status": "CREATE_COMPLETE",
            "outputs": {"KeyArn": "arn"},
            "parameters": {"Accounts": "111111111111", "Days": "365", "Password": "****"},
        },
        "differences": [
            {
                "what": "parameters",
                "name": "Accounts",
                "resource_type": "",
                "before": "111111111111",
                "after": "111111111111\n222222222222",
            }
        ],
        "changes": [],
        "retained": [],
    }
    assert aws.asked == ["DescribeStacks", "GetTemplate"]


def test_comparing_a_stack_that_is_not_there(aws: FakeCloudFormation, role: Path) -> None:
    result = converge(role, state="compared")

    assert (result["operation"], result["differences"]) == ("create", [])
    assert (result["stack"]["stack_id"], result["stack"]["status"]) == (None, None)
    assert SECRET not in json.dumps(result)


def test_a_busy_stack_is_not_compared(aws: FakeCloudFormation, role: Path) -> None:
    aws.add("UPDATE_IN_PROGRESS")

    assert converge(role, state="compared") == {
        "failed": True,
        "changed": False,
        "msg": (
            "One is UPDATE_IN_PROGRESS, so it cannot be compared."
            " Run again when the operation has ended"
        ),
    }


def test_options_of_the_user_reach_the_engine(aws: FakeCloudFormation, role: Path) -> None:
    found = aws.add("UPDATE_ROLLBACK_FAILED")
    aws.changes = [change("Remove", "Key", "AWS::KMS::Key")]

    assert converge(role, resources_to_skip=["Topic"])["msg"].startswith("One would lose data")
    assert converge(role, allow_replacement=True)["changed"]
    (asked,) = [asked for operation, asked in aws.calls if operation == "ContinueUpdateRollback"]
    assert (asked["StackName"], asked["ResourcesToSkip"]) == (found.stack_id, ["Topic"])
