# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buckets and keys, of the own account and of others.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.roles import ACCOUNT, Caller, Store, Stranger, only
from lab.tests.stacks import (
    Stacks,
    allowed,
    another,
    key_policy,
    reasons,
    statements,
)

OTHER = "333333333333"


@pytest.fixture
def store(lab: Lab, stacks: Stacks) -> Store:
    return Store(lab, stacks.name)


@pytest.fixture
def stranger(lab: Lab, stacks: Stacks) -> Stranger:
    return Stranger(lab, f"stranger-{stacks.name}"[:64])


def test_a_bucket_of_another_account_takes_both_policies_and_the_key(
    store: Store, stranger: Stranger
) -> None:
    store.grant("s3:GetObject", to=OTHER, **only(stranger.name))
    store.grant_key("kms:Decrypt", to=OTHER, **only(stranger.name))
    assert not stranger.reads(store)
    stranger.may("s3:GetObject", "kms:Decrypt")
    assert stranger.reads(store)
    stranger.may("s3:GetObject")
    assert not stranger.reads(store)
    stranger.may("s3:GetObject", "kms:Decrypt")
    store.grant_key("kms:Decrypt", to=OTHER, **only("another"))
    assert not stranger.reads(store)
    store.grant_key("kms:Decrypt", to=OTHER)
    assert stranger.reads(store)
    store.grant("s3:GetObject", to=OTHER, **only("another"))
    assert not stranger.reads(store)


def test_a_bucket_is_of_the_account_that_is_expected(store: Store) -> None:
    store.s3.head_bucket(Bucket=store.name, ExpectedBucketOwner=ACCOUNT)
    store.s3.put_object(Bucket=store.name, Key="a", Body=b"", ExpectedBucketOwner=ACCOUNT)
    copied = {"Bucket": store.name, "CopySource": {"Bucket": store.name, "Key": "a"}}
    store.s3.copy_object(**copied, Key="b", ExpectedSourceBucketOwner=ACCOUNT)
    with pytest.raises(ClientError, match="403"):
        store.s3.head_bucket(Bucket=store.name, ExpectedBucketOwner=OTHER)
    with pytest.raises(ClientError, match="AccessDenied"):
        store.s3.copy_object(**copied, Key="c", ExpectedSourceBucketOwner=OTHER)


def test_who_writes_needs_a_data_key(store: Store, stranger: Stranger) -> None:
    stranger.may("s3:PutObject", "kms:*")
    store.grant("s3:PutObject", to=OTHER, **only(stranger.name))
    store.grant_key("kms:Decrypt", to=OTHER)
    assert not stranger.writes(store)
    store.grant_key("kms:GenerateDataKey", to=OTHER, **only(stranger.name))
    assert stranger.writes(store)


def test_a_statement_about_the_key_of_uploads_holds(store: Store, stranger: Stranger) -> None:
    stranger.may("s3:PutObject", "kms:*")
    store.grant_key("kms:*", to=OTHER)
    key_id = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    store.grant("s3:PutObject", to=OTHER, Condition={"StringEquals": {key_id: store.key}})
    named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": store.key}
    assert stranger.writes(store, **named)
    assert not stranger.writes(store)


def test_a_reader_of_the_own_account_needs_the_key(store: Store, caller: Caller) -> None:
    caller.may("s3:GetObject")
    read = {"Bucket": store.name, "Key": "key"}
    assert not allowed(lambda: caller.client("s3").get_object(**read))
    caller.may("s3:GetObject", "kms:Decrypt")
    assert allowed(lambda: caller.client("s3").get_object(**read))


def test_a_disabled_key_refuses_reader_and_writer(lab: Lab, store: Store) -> None:
    kms = lab.client("kms", ACCOUNT)
    caller = store.s3
    read, write = {"Bucket": store.name, "Key": "key"}, {"Bucket": store.name, "Key": "new"}
    kms.disable_key(KeyId=store.key)
    for call, request in ((caller.get_object, read), (caller.put_object, write)):
        with pytest.raises(ClientError, match=f"{store.key} is disabled") as refused:
            call(**request)
        assert refused.value.response["Error"]["Code"] == "KMS.DisabledException"
    kms.enable_key(KeyId=store.key)
    assert allowed(lambda: caller.get_object(**read))
    kms.schedule_key_deletion(KeyId=store.key)
    with pytest.raises(ClientError, match=f"{store.key} is pending deletion"):
        caller.get_object(**read)


def test_a_bucket_policy_denies_its_own_account(store: Store) -> None:
    store.grant("s3:GetObject", to="*", effect="Deny")
    assert not allowed(lambda: store.s3.get_object(Bucket=store.name, Key="key"))
    store.s3.delete_bucket_policy(Bucket=store.name)
    assert allowed(lambda: store.s3.get_object(Bucket=store.name, Key="key"))


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/one"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-lab0000000/r-lab0/*"}},
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    ],
)
def test_a_stack_makes_no_public_policy_and_one_organization_is_not_the_public(
    stacks: Stacks, condition: dict[str, Any]
) -> None:
    def template(**more: Any) -> dict[str, Any]:
        grant = {"Principal": {"AWS": "*"}, "Action": "s3:GetObject"}
        grant |= {"Resource": {"Fn::Sub": "${Bucket.Arn}/*"}, "Condition": {**condition, **more}}
        policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": statements(grant)}
        return {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
        }

    assert stacks.create(template()) == "ROLLBACK_COMPLETE"
    assert "prevented by the BlockPublicPolicy setting" in reasons(stacks, "CREATE_FAILED")
    organization = {"aws:PrincipalOrgID": "o-lab0000000"}
    assert another(stacks).create(template(StringEquals=organization)) == "CREATE_COMPLETE"


def test_an_accounts_root_may_use_a_key_by_its_policy_only(store: Store) -> None:
    write = {"Bucket": store.name, "Key": "new", "Body": b""}
    assert allowed(lambda: store.s3.put_object(**write))
    roles = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}
    policy = key_policy(ACCOUNT, "kms:Decrypt", "kms:GenerateDataKey")
    policy["Statement"][0]["Condition"] = roles
    policy["Statement"] += key_policy(ACCOUNT, "kms:PutKeyPolicy")["Statement"]
    store.kms.put_key_policy(KeyId=store.key, PolicyName="default", Policy=json.dumps(policy))
    assert not allowed(lambda: store.s3.put_object(**write))
    assert not allowed(lambda: store.s3.get_object(Bucket=store.name, Key="key"))


def test_a_key_of_another_account_takes_both_policies(store: Store, stranger: Stranger) -> None:
    kms = stranger.client("kms")
    stranger.may("kms:GenerateDataKey")
    make = {"KeyId": store.key, "KeySpec": "AES_256"}
    assert not allowed(lambda: kms.generate_data_key(**make))
    store.grant_key("kms:GenerateDataKey", to=OTHER, **only(stranger.name))
    assert allowed(lambda: kms.generate_data_key(**make))
    stranger.may("kms:Decrypt")
    assert not allowed(lambda: kms.generate_data_key(**make))
