# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way into an account: who is asked for what, and what is proven before the first use."""

from __future__ import annotations

import datetime
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils import _botocore
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws import (
    gateway as _connection,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    for_each,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import (
    AccountSession,
    Gateway,
    warm_up,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from botocore.stub import Stubber

from tests.fakes.signing import access_key, signed_headers

BUILD, DEPLOY, MANAGEMENT = "111111111111", "222222222222", "555555555555"
ROLE = f"arn:aws:iam::{DEPLOY}:role/CrossAccountAccess"
CURE = (
    "The role (access_role_name, or role_arn of the host) must exist and trust the credentials in"
    " use, with the external_id that it demands. For a suspended or closed account set state:"
    " quarantined"
)


@pytest.fixture(autouse=True)
def base_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABASE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "base")
    monkeypatch.setenv("LOGNAME", "alice")


@pytest.fixture
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A configuration with one profile, which has credentials."""
    path = tmp_path / "config"
    path.write_text(
        "[profile deploy]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = profile\n",
        encoding="ascii",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    return path


def gateway(caller: str | None = None, region: str = "eu-west-1") -> Gateway:
    return Gateway(sts_region=region, caller_account_id=caller)


@pytest.fixture
def stubs() -> Iterator[list[Stubber]]:
    """Every stub in use; in the end each of their answers must have been asked for."""
    active: list[Stubber] = []
    yield active
    for stub in active:
        stub.assert_no_pending_responses()
        stub.deactivate()


class Sts:
    """STS as one gateway asks it: with its base credentials, or with a profile."""

    def __init__(self, gate: Gateway, stubs: list[Stubber], profile: str | None = None) -> None:
        self.client = gate._sts(profile)
        self._stub = Stubber(self.client)
        self._stub.activate()
        stubs.append(self._stub)

    def identify(self, account_id: str) -> None:
        """Answer GetCallerIdentity once."""
        answer = {"Account": account_id, "Arn": f"arn:aws:iam::{account_id}:user/One"}
        self._stub.add_response("get_caller_identity", answer, {})

    def assume(
        self, role_arn: str, *, seconds: int = 3_600, key: str = "ASIAONE", **session: Any
    ) -> None:
        """Answer AssumeRole once, with credentials that last so many seconds."""
        now = datetime.datetime.now(datetime.UTC)
        self._stub.add_response(
            "assume_role",
            {
                "Credentials": {
                    "AccessKeyId": key.ljust(16, "X"),
                    "SecretAccessKey": "secret",
                    "SessionToken": "token",
                    "Expiration": now + datetime.timedelta(seconds=seconds),
                },
                "AssumedRoleUser": {
                    "Arn": f"arn:aws:sts::{DEPLOY}:assumed-role/CrossAccountAccess/alice",
                    "AssumedRoleId": "AROAEXAMPLE:session",
                },
            },
            {"RoleArn": role_arn, "RoleSessionName": "alice", **session},
        )

    def refuse(self, operation: str, code: str, message: str) -> None:
        """Answer with an error once."""
        self._stub.add_client_error(operation, code, message)


def client_of(session: AccountSession) -> Any:
    return session.client("cloudformation", "eu-west-1")


def key_of(session: AccountSession) -> str:
    return access_key(client_of(session)).rstrip("X")


def refusal(gate: Gateway, account: Account) -> str:
    with pytest.raises(PipelineError) as caught:
        gate.open(account)
    return str(caught.value)


# Whose credentials


def test_the_callers_own_account_needs_no_assumption(stubs: list[Stubber]) -> None:
    gate = gateway()
    Sts(gate, stubs).identify(BUILD)

    session = gate.open(Account(account_id=BUILD, access_role_name="CrossAccountAccess"))

    assert key_of(session) == "AKIABASE"
    assert gate.known_caller_account_id == BUILD


def test_the_caller_is_asked_once_for_many_accounts(stubs: list[Stubber]) -> None:
    gate = gateway()
    sts = Sts(gate, stubs)
    sts.identify(BUILD)
    sts.assume(ROLE)

    gate.open(Account(account_id=BUILD))
    gate.open(Account(account_id=BUILD))
    gate.open(Account(account_id=DEPLOY, access_role_name="CrossAccountAccess"))


def test_an_account_is_opened_once_for_a_batch(
    stubs: list[Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = gateway(BUILD)
    Sts(gate, stubs).assume(ROLE)  # a second request would have no answer
    assume = _connection._assume_role

    def slowly(sts: Any, request: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.05)  # until the other threads are there
        return assume(sts, request)

    monkeypatch.setattr(_connection, "_assume_role", slowly)
    account = Account(account_id=DEPLOY, access_role_name="CrossAccountAccess")

    answers = for_each([{}] * 40, lambda _target: gate.open(account))

    assert {id(answer) for answer in answers} == {id(gate.open(account))}


def test_other_accounts_are_opened_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2, timeout=10)

    def assume(_sts: Any, _request: dict[str, Any]) -> dict[str, Any]:
        together.wait()
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        return {
            "access_key": "ASIAONE",
            "secret_key": "secret",
            "token": "token",
            "expiry_time": expires.isoformat(),
        }

    monkeypatch.setattr(_connection, "_assume_role", assume)
    gate = gateway(BUILD)
    accounts = [
        Account(account_id=account_id, access_role_name="CrossAccountAccess")
        for account_id in (DEPLOY, MANAGEMENT)
    ]

    answers = for_each(accounts, lambda account: key_of(gate.open(account)))

    assert answers == ["ASIAONE", "ASIAONE"]


def test_another_way_into_an_account_is_opened_by_itself(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    sts = Sts(gate, stubs)
    sts.assume(ROLE, key="ASIAONE")
    sts.assume(f"{ROLE}2", key="ASIATWO")

    sessions = [
        gate.open(Account(account_id=DEPLOY, access_role_name=f"CrossAccountAccess{suffix}"))
        for suffix in ("", "2", "")
    ]

    assert [key_of(session) for session in sessions] == ["ASIAONE", "ASIATWO", "ASIAONE"]


def test_an_account_that_refused_is_asked_once_for_a_batch(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    Sts(gate, stubs).refuse("assume_role", "AccessDenied", "no")
    account = Account(account_id=DEPLOY, access_role_name="CrossAccountAccess")

    assert refusal(gate, account) == refusal(gate, account)


def test_threads_share_the_client_of_a_region() -> None:
    session = gateway(BUILD).open(Account(account_id=BUILD))

    clients = for_each([{}] * 4, lambda _target: session.client("cloudformation", "eu-west-1"))

    assert {id(client) for client in clients} == {id(clients[0])}
    assert session.client("cloudformation", "us-east-1") is not clients[0]


def test_accounts_share_the_connections_of_a_region(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    sts = Sts(gate, stubs)
    sts.assume(ROLE, key="ASIAONE")
    sts.assume(f"arn:aws:iam::{MANAGEMENT}:role/CrossAccountAccess", key="ASIATWO")
    sessions = [
        gate.open(Account(account_id=account_id, access_role_name="CrossAccountAccess"))
        for account_id in (DEPLOY, MANAGEMENT)
    ]

    clients = [session.client("cloudformation", "eu-west-1") for session in sessions]

    assert clients[0]._endpoint is clients[1]._endpoint
    assert [key_of(session) for session in (*sessions, *sessions)] == ["ASIAONE", "ASIATWO"] * 2


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
    ],
)
def test_the_access_role_of_another_account_is_assumed_in_its_partition(
    stubs: list[Stubber], region: str, partition: str
) -> None:
    gate = gateway(BUILD, region)
    Sts(gate, stubs).assume(f"arn:{partition}:iam::{DEPLOY}:role/CrossAccountAccess")

    session = gate.open(Account(account_id=DEPLOY, access_role_name="CrossAccountAccess"))

    assert key_of(session) == "ASIAONE"
    assert signed_headers(client_of(session))["X-Amz-Security-Token"] == b"token"


def test_a_role_arn_goes_before_the_access_role_also_in_the_callers_account(
    stubs: list[Stubber],
) -> None:
    gate = gateway(DEPLOY)
    other = f"arn:aws:iam::{DEPLOY}:role/path/Other"
    Sts(gate, stubs).assume(other)

    session = gate.open(
        Account(account_id=DEPLOY, role_arn=other, access_role_name="CrossAccountAccess")
    )

    assert key_of(session) == "ASIAONE"


def test_a_profile_reaches_its_account_by_itself(profiles: Path, stubs: list[Stubber]) -> None:
    gate = gateway()
    Sts(gate, stubs, "deploy").identify(DEPLOY)

    session = gate.open(Account(account_id=DEPLOY, profile="deploy", access_role_name="Unused"))

    assert key_of(session) == "AKIAPROFILE"
    assert gate.known_caller_account_id is None


@pytest.mark.parametrize("region", ["eu-west-1", "ap-southeast-2", "us-east-1"])
def test_sts_is_regional(region: str) -> None:
    client = gateway(region=region)._sts(None)

    assert client.meta.endpoint_url == f"https://sts.{region}.amazonaws.com"


def test_a_client_is_of_the_region_and_of_the_endpoint_that_are_asked_for() -> None:
    gate = Gateway(
        sts_region="eu-west-1", endpoint_url="http://127.0.0.1:9", caller_account_id=BUILD
    )

    client = gate.open(Account(account_id=BUILD)).client("cloudformation", "ap-southeast-2")

    assert client.meta.region_name == "ap-southeast-2"
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.retries["mode"] == "adaptive"
    assert client.meta.config.user_agent_extra == "crossaccount.pipeline"


# The session of a role


def test_a_session_is_as_it_was_asked_for(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    Sts(gate, stubs).assume(
        ROLE,
        RoleSessionName="release-42",
        ExternalId="crossaccount",
        DurationSeconds=900,
        SourceIdentity="alice",
        Tags=[{"Key": "cost", "Value": "42"}, {"Key": "team", "Value": "platform"}],
    )
    options = {
        "account_id": DEPLOY,
        "role_arn": ROLE,
        "session_name": "release-42",
        "external_id": "crossaccount",
        "session_duration": 900,
        "source_identity": "alice",
        "session_tags": {"team": "platform", "cost": "42"},
    }

    assert key_of(gate.open(account_of(options))) == "ASIAONE"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("alice", "alice"),
        ("Müller, Bob", "M-ller,-Bob"),
        ("x", "crossaccount.pipeline"),
        ("a" * 65, "a" * 64),
    ],
)
def test_a_session_has_the_name_of_who_runs_it(
    stubs: list[Stubber], monkeypatch: pytest.MonkeyPatch, user: str, name: str
) -> None:
    monkeypatch.setenv("LOGNAME", user)
    gate = gateway(BUILD)
    Sts(gate, stubs).assume(ROLE, RoleSessionName=name)

    gate.open(Account(account_id=DEPLOY, role_arn=ROLE))


# What does not reach the account


def test_a_profile_that_reaches_another_account_is_refused(
    profiles: Path, stubs: list[Stubber]
) -> None:
    gate = gateway()
    Sts(gate, stubs, "deploy").identify(MANAGEMENT)

    assert refusal(gate, Account(account_id=DEPLOY, profile="deploy")) == (
        f"profile deploy reaches account {MANAGEMENT}, not {DEPLOY}. Correct aws_profile or"
        " account_id"
    )


def test_a_role_of_another_account_is_refused_without_a_call() -> None:
    role = f"arn:aws:iam::{MANAGEMENT}:role/CrossAccountAccess"

    assert refusal(gateway(), Account(account_id=DEPLOY, role_arn=role)) == (
        f"role {role} does not belong to account {DEPLOY}. Correct role_arn or account_id"
    )


def test_a_role_that_refuses_is_named_with_the_cure(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    Sts(gate, stubs).refuse("assume_role", "AccessDenied", "not authorized")

    assert refusal(gate, Account(account_id=DEPLOY, access_role_name="CrossAccountAccess")) == (
        f"Failed to assume {ROLE}: An error occurred (AccessDenied) when calling the AssumeRole"
        f" operation: not authorized. {CURE}"
    )


@pytest.mark.parametrize(
    ("code", "message", "cure"),
    [
        ("Throttling", "Rate exceeded", ""),
        (
            "ExpiredToken",
            "The token has expired",
            "The credentials have expired: renew them, then start ansible-playbook again",
        ),
        (
            "AccessDenied",
            "not authorized to perform: sts:TagSession on resource",
            "The role's trust and the policy of the credentials in use must allow sts:TagSession",
        ),
    ],
)
def test_only_an_account_that_refused_may_need_quarantine(
    stubs: list[Stubber], code: str, message: str, cure: str
) -> None:
    gate = gateway(BUILD)
    Sts(gate, stubs).refuse("assume_role", code, message)

    told = refusal(gate, Account(account_id=DEPLOY, access_role_name="CrossAccountAccess"))

    assert told.endswith(f"operation: {message}{'. ' if cure else ''}{cure}")


def test_a_service_that_does_not_answer_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gateway(BUILD)

    def silent(**_request: Any) -> None:
        raise botocore.exceptions.ReadTimeoutError(endpoint_url="https://sts")

    monkeypatch.setattr(gate._sts(None), "assume_role", silent)

    told = refusal(gate, Account(account_id=DEPLOY, role_arn=ROLE))
    assert told == f'Failed to assume {ROLE}: Read timeout on endpoint URL: "https://sts"'


def test_no_way_in_is_told(stubs: list[Stubber]) -> None:
    gate = gateway()
    Sts(gate, stubs).identify(BUILD)

    assert refusal(gate, Account(account_id=DEPLOY)) == (
        f"account {DEPLOY} cannot be reached from account {BUILD}: there is no role to"
        " assume. Set access_role_name, or role_arn or aws_profile of the host"
    )


def test_a_caller_without_an_identity_is_told(stubs: list[Stubber]) -> None:
    gate = gateway()
    Sts(gate, stubs).refuse("get_caller_identity", "ExpiredToken", "The token has expired")

    assert refusal(gate, Account(account_id=BUILD)) == (
        "Failed to use the credentials: An error occurred (ExpiredToken) when calling the"
        " GetCallerIdentity operation: The token has expired. The credentials have expired: renew"
        " them, then start ansible-playbook again"
    )


def test_missing_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    told = refusal(gateway(), Account(account_id=BUILD))

    assert told == (
        "there are no AWS credentials. Set AWS_PROFILE or AWS_ACCESS_KEY_ID before ansible-playbook"
        " starts, or aws_profile of the host"
    )


def test_a_profile_that_is_unknown_is_told(profiles: Path) -> None:
    assert refusal(gateway(), Account(account_id=DEPLOY, profile="nobody")) == (
        "Failed to set up the connection: The config profile (nobody) could not be found"
    )


def test_a_region_that_does_not_exist_is_told() -> None:
    told = refusal(gateway(BUILD, "xx-nowhere-1"), Account(account_id=DEPLOY, access_role_name="A"))

    assert told.startswith("Failed to set up the connection: ")
    assert "xx-nowhere-1" in told


def test_an_endpoint_that_is_none_is_told() -> None:
    gate = Gateway(sts_region="eu-west-1", endpoint_url="not a url")

    assert refusal(gate, Account(account_id=BUILD)) == (
        "Failed to set up the connection: Invalid endpoint: not a url"
    )


# Credentials that expire


def test_credentials_that_expire_are_assumed_again(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    sts = Sts(gate, stubs)
    sts.assume(ROLE, seconds=60, key="ASIAOLD")
    session = gate.open(Account(account_id=DEPLOY, access_role_name="CrossAccountAccess"))
    sts.assume(ROLE, key="ASIANEW")

    assert key_of(session) == "ASIANEW"
    assert key_of(session) == "ASIANEW"


def test_credentials_that_cannot_be_renewed_are_told(stubs: list[Stubber]) -> None:
    gate = gateway(BUILD)
    sts = Sts(gate, stubs)
    sts.assume(ROLE, seconds=60)
    session = gate.open(Account(account_id=DEPLOY, access_role_name="CrossAccountAccess"))
    sts.refuse("assume_role", "AccessDenied", "not any more")

    with pytest.raises(PipelineError, match=f"^Failed to assume {ROLE}: .*not any more"):
        client_of(session).list_stacks()


# The warm-up


@pytest.fixture
def cold() -> Iterator[None]:
    """Nothing loaded yet, and nothing kept of what a test loads."""
    _botocore.loader.cache_clear()
    yield
    _botocore.loader.cache_clear()


def test_the_warm_up_reads_no_profile_and_no_credentials_and_starts_nothing(
    cold: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[profile\nthis does not parse", encoding="ascii")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(broken))
    monkeypatch.setattr(socket, "socket", lambda *_args, **_more: pytest.fail("a socket"))
    before = threading.active_count()

    warm_up()

    assert threading.active_count() == before
    assert _botocore.loader.cache_info().currsize == 1


def test_what_was_warmed_up_is_not_read_again(cold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up()
    # Read now, a file would not be found any more.
    monkeypatch.setattr(_botocore.loader(), "_search_paths", [])

    client = gateway(BUILD).open(Account(account_id=BUILD)).client("cloudformation", "eu-west-1")

    assert client.can_paginate("describe_change_set")


@pytest.mark.parametrize(
    "error",
    [botocore.exceptions.DataNotFoundError(data_path="endpoints"), PermissionError("no")],
)
def test_the_warm_up_never_raises(
    cold: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_name: str) -> None:
        raise error

    monkeypatch.setattr(_botocore.loader(), "load_data", fail)

    warm_up()


def test_the_warm_up_does_without_botocore(cold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_connection, "HAS_BOTOCORE", False)

    warm_up()

    assert _botocore.loader.cache_info().currsize == 0
