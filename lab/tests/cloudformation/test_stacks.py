# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine needs of CloudFormation, on a running lab."""

from __future__ import annotations

import json
from typing import Any

from lab import Lab
from lab.tests.stacks import TOPIC, Stacks, delete, eventually, parameters, refused, text

ACCOUNT = "222222222222"
# The shapes that the foundation templates are made of.
FOUNDATION = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  AccountIds: {Type: CommaDelimitedList, Default: ''}
  BucketArns: {Type: CommaDelimitedList, Default: ''}
  RetentionDays: {Type: Number, Default: 365, MinValue: 90}
  Secret: {Type: String, NoEcho: true, Default: hush}
Conditions:
  HasAccounts: !Not [!Equals [!Join ['', !Ref AccountIds], '']]
  Elsewhere: !Not [!Equals [!Ref AWS::Region, us-east-1]]
Resources:
  Key:
    Type: AWS::KMS::Key
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      EnableKeyRotation: true
      KeyPolicy:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'}
            Action: kms:*
            Resource: '*'
          - !If
            - HasAccounts
            - Effect: Allow
              Principal: {AWS: !Ref AccountIds}
              Action: kms:Decrypt
              Resource: '*'
            - !Ref AWS::NoValue
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - BucketKeyEnabled: true
            ServerSideEncryptionByDefault:
              SSEAlgorithm: aws:kms
              KMSMasterKeyID: !GetAtt Key.Arn
      LifecycleConfiguration:
        Rules:
          - Id: expire
            Status: Enabled
            ExpirationInDays: !Ref RetentionDays
            NoncurrentVersionExpiration: {NoncurrentDays: 30}
            AbortIncompleteMultipartUpload: {DaysAfterInitiation: 7}
      OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
      VersioningConfiguration: {Status: Enabled}
      Tags: [{Key: own, Value: tag}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /crossaccount/build/
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {Service: lambda.amazonaws.com}
            Action: sts:AssumeRole
      ManagedPolicyArns: [!Sub 'arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess']
      Policies:
        - PolicyName: Objects
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource: !Split
                  - ','
                  - !Sub ['${Joined}/*', {Joined: !Join ['/*,', !Ref BucketArns]}]
  ElsewhereTopic:
    Type: AWS::SNS::Topic
    Condition: Elsewhere
Outputs:
  BucketName: {Value: !Ref Bucket}
  KeyArn: {Value: !GetAtt Key.Arn}
  RoleArn: {Value: !GetAtt Role.Arn}
"""


# In progress


def test_an_update_is_seen_and_touches_only_what_changes(lab: Lab, stacks: Stacks) -> None:
    stacks.create({"Same": TOPIC, "Gone": TOPIC, "Changed": TOPIC})
    before = len(stacks.events())
    lab.hold_until_seen()
    changed = {**TOPIC, "Properties": {"DisplayName": "changed"}}
    stacks.change_set("update", "UPDATE", {"Same": TOPIC, "New": TOPIC, "Changed": changed})
    stacks.api.execute_change_set(StackName=stacks.name, ChangeSetName="update")

    assert stacks.watch() == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    events = stacks.events()[before:]
    assert {event for event in events if event[0] != stacks.name} == {
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_COMPLETE"),
        ("Changed", "UPDATE_IN_PROGRESS"),
        ("Changed", "UPDATE_COMPLETE"),
        ("Gone", "DELETE_IN_PROGRESS"),
        ("Gone", "DELETE_COMPLETE"),
    }
    assert [status for name, status in events if name == stacks.name] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]


def test_deletion_is_seen(lab: Lab, stacks: Stacks) -> None:
    stacks.create({"A": TOPIC})
    stack_id = stacks.describe()["StackId"]
    lab.hold("operation")
    stacks.api.delete_stack(StackName=stacks.name)
    assert stacks.status() == "DELETE_IN_PROGRESS"
    assert stacks.events()[-1] == ("A", "DELETE_IN_PROGRESS")
    stacks.api.delete_stack(StackName=stacks.name)
    stacks.name = stack_id
    lab.hold()
    assert stacks.wait() == "DELETE_COMPLETE"
    assert stacks.events().count(("A", "DELETE_COMPLETE")) == 1


def test_a_change_set_is_seen_in_progress(lab: Lab, stacks: Stacks) -> None:
    def describe() -> Any:
        return stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="one")

    lab.hold("change_set")
    stacks.change_set("one", "CREATE", {"A": TOPIC})
    described = describe()
    assert (described["Status"], described["ExecutionStatus"]) == (
        "CREATE_IN_PROGRESS",
        "UNAVAILABLE",
    )
    assert described["Changes"] == []
    assert stacks.status() == "REVIEW_IN_PROGRESS"
    assert "InvalidChangeSetStatus" in refused(lambda: stacks.execute("one"))
    lab.hold()
    eventually(lambda: describe()["Status"] != "CREATE_IN_PROGRESS")
    described = describe()
    assert (described["Status"], described["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert len(described["Changes"]) == 1


def test_many_stacks_progress_at_once(lab: Lab, stacks: Stacks) -> None:
    lab.hold("operation")
    several = [Stacks(stacks.api, f"{stacks.name}-{number}") for number in range(20)]
    for stack in several:
        stack.api.create_stack(StackName=stack.name, TemplateBody=text({"A": TOPIC}))
    assert {stack.status() for stack in several} == {"CREATE_IN_PROGRESS"}
    lab.hold()
    assert {stack.wait() for stack in several} == {"CREATE_COMPLETE"}


def test_deleting_a_stack_in_creation_ends_the_creation(lab: Lab, stacks: Stacks) -> None:
    lab.hold("operation")
    template = {"A": TOPIC, "B": {**TOPIC, "DependsOn": "A"}}
    created = stacks.api.create_stack(StackName=stacks.name, TemplateBody=text(template))
    stacks.api.delete_stack(StackName=stacks.name)
    stacks.name = created["StackId"]
    lab.hold()
    assert stacks.wait() == "DELETE_COMPLETE"
    # What was made later has ended, so the creation, which began first, would have gone on.
    Stacks(stacks.api, f"{stacks.name.split('/')[1]}-2").create(template)
    assert stacks.status() == "DELETE_COMPLETE"
    assert ("A", "CREATE_COMPLETE") not in stacks.events()


def test_a_reset_ends_what_is_in_progress(lab: Lab, stacks: Stacks) -> None:
    lab.hold("operation")
    stacks.api.create_stack(StackName=stacks.name, TemplateBody=text({"A": TOPIC}))
    lab.reset()
    Stacks(stacks.api, "later").create({"B": {"Type": "AWS::Logs::LogGroup"}})
    assert "does not exist" in refused(stacks.describe)
    assert lab.client("sns", ACCOUNT).list_topics()["Topics"] == []


# States


def test_a_stack_at_work_is_neither_updated_nor_deleted(lab: Lab, stacks: Stacks) -> None:
    stacks.create({"A": TOPIC})
    lab.hold("operation")
    stacks.change_set("one", "UPDATE", {"A": TOPIC, "B": TOPIC})
    stacks.api.execute_change_set(StackName=stacks.name, ChangeSetName="one")
    assert "is in UPDATE_IN_PROGRESS state and can not be updated" in refused(
        lambda: stacks.change_set("two", "UPDATE", {"A": TOPIC})
    )
    assert "cannot be deleted while in status UPDATE_IN_PROGRESS" in refused(
        lambda: stacks.api.delete_stack(StackName=stacks.name)
    )
    lab.hold()
    assert stacks.wait() == "UPDATE_COMPLETE"


def test_a_stack_that_was_never_made_must_be_deleted_first(stacks: Stacks) -> None:
    broken = {
        "Kept": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate"},
        "Bad": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": {"Fn::GetAtt": ["Kept", "Missing"]}},
        },
    }
    assert stacks.create(broken) == "ROLLBACK_COMPLETE"
    assert ("Bad", "CREATE_FAILED") in stacks.events()
    assert ("Kept", "DELETE_COMPLETE") in stacks.events()
    assert "AlreadyExistsException" in refused(lambda: stacks.create({"A": TOPIC}))
    assert "already exists and cannot be created again" in refused(
        lambda: stacks.change_set("one", "CREATE", {"A": TOPIC})
    )
    assert "is in ROLLBACK_COMPLETE state and can not be updated" in refused(
        lambda: stacks.change_set("two", "UPDATE", {"A": TOPIC})
    )
    again = Stacks(stacks.api, stacks.name)
    assert delete(stacks) == "DELETE_COMPLETE"
    assert again.create({"A": TOPIC}) == "CREATE_COMPLETE"


def test_termination_protection_holds(stacks: Stacks) -> None:
    stacks.create({"A": TOPIC})
    stacks.api.update_termination_protection(
        StackName=stacks.name, EnableTerminationProtection=True
    )
    assert stacks.describe()["EnableTerminationProtection"] is True
    assert "TerminationProtection is enabled" in refused(
        lambda: stacks.api.delete_stack(StackName=stacks.name)
    )


# Change sets


def test_change_sets_join_a_stack_in_review_and_the_first_executed_ends_the_others(
    stacks: Stacks,
) -> None:
    one = stacks.change_set("one", "CREATE", {"A": TOPIC})
    two = stacks.change_set("two", "CREATE", {"A": TOPIC, "B": TOPIC})
    assert one["StackId"] == two["StackId"]
    assert "At least one Resources member" in refused(
        lambda: stacks.change_set("three", "CREATE", "{}")
    )
    assert stacks.describe()["StackId"] == one["StackId"]
    for name in (stacks.name, one["StackId"]):
        listed = stacks.api.list_change_sets(StackName=name)["Summaries"]
        assert sorted(item["ChangeSetName"] for item in listed) == ["one", "two"]
        described = stacks.api.describe_change_set(StackName=name, ChangeSetName="one")
        assert described["ChangeSetId"] == one["Id"]

    assert stacks.execute("one") == "CREATE_COMPLETE"
    assert stacks.describe()["StackId"] == one["StackId"]
    listed = stacks.api.list_change_sets(StackName=stacks.name)["Summaries"]
    assert [item["ExecutionStatus"] for item in listed] == ["EXECUTE_COMPLETE"]


def test_an_unchanged_change_set_fails_with_the_words_of_aws(stacks: Stacks) -> None:
    stacks.create({"A": TOPIC})
    stacks.change_set("none", "UPDATE", {"A": TOPIC})
    described = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="none")
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert described["StatusReason"].startswith("The submitted information didn't contain changes")


def test_a_change_set_is_read_in_pages(lab: Lab, stacks: Stacks) -> None:
    lab.set_change_page(2)
    stacks.change_set("many", "CREATE", {f"T{number}": TOPIC for number in range(5)})
    first = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="many")
    assert len(first["Changes"]) == 2
    pages = stacks.api.get_paginator("describe_change_set").paginate(
        StackName=stacks.name, ChangeSetName="many"
    )
    found = [change["ResourceChange"]["LogicalResourceId"] for page in pages
             for change in page["Changes"]]  # fmt: skip
    assert found == [f"T{number}" for number in range(5)]


def test_a_stack_that_does_not_exist_is_an_error(stacks: Stacks) -> None:
    for call in (
        stacks.describe,
        lambda: stacks.api.list_change_sets(StackName=stacks.name),
        lambda: stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="one"),
        lambda: stacks.api.execute_change_set(StackName=stacks.name, ChangeSetName="one"),
        lambda: stacks.change_set("one", "UPDATE", {"A": TOPIC}),
    ):
        message = refused(call)
        assert message.startswith("ValidationError")
        assert "does not exist" in message


# Templates and parameters


def test_a_template_is_given_back_as_it_was_sent(stacks: Stacks) -> None:
    stacks.change_set("one", "CREATE", FOUNDATION)
    stacks.execute("one")
    answer = stacks.api.get_template(StackName=stacks.name, TemplateStage="Original")
    assert answer["TemplateBody"] == FOUNDATION


def test_text_that_is_not_ascii_comes_back_as_question_marks(stacks: Stacks) -> None:
    stacks.create(json.dumps({"Description": "für", "Resources": {"A": TOPIC}}, ensure_ascii=False))
    answer = stacks.api.get_template(StackName=stacks.name, TemplateStage="Original")
    assert answer["TemplateBody"]["Description"] == "f?r"


def test_a_parameter_must_be_known_and_within_its_limits(stacks: Stacks) -> None:
    for wrong, message in (
        ({"Unknown": "1"}, "Parameters: [Unknown] do not exist in the template"),
        ({"RetentionDays": "89"}, "not less than 90"),
        ({"RetentionDays": "many"}, "not a valid Number"),
    ):
        assert message in refused(
            lambda wrong=wrong: stacks.change_set(  # type: ignore[misc]
                "one", "CREATE", FOUNDATION, Parameters=parameters(**wrong)
            )
        )


def test_secrets_are_not_shown(stacks: Stacks) -> None:
    stacks.change_set("one", "CREATE", FOUNDATION, Parameters=parameters(Secret="password"))
    described = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="one")
    stacks.execute("one")
    for shown in (described, stacks.describe()):
        values = {item["ParameterKey"]: item["ParameterValue"] for item in shown["Parameters"]}
        assert values["Secret"] == "****"
        assert values["AccountIds"] == ""


def test_an_empty_list_is_seen_by_conditions_and_a_full_one_becomes_objects(
    lab: Lab, stacks: Stacks
) -> None:
    stacks.change_set("one", "CREATE", FOUNDATION)
    stacks.execute("one")
    kms, key = lab.client("kms", ACCOUNT), stacks.physical_id("Key")
    assert len(key_statements(kms, key)) == 1

    stacks.change_set(
        "two",
        "UPDATE",
        FOUNDATION,
        Parameters=parameters(
            AccountIds="111111111111,333333333333", BucketArns="arn:aws:s3:::a,arn:aws:s3:::b"
        ),
    )
    described = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="two")
    changes = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]["Replacement"]
        for change in described["Changes"]
    }
    assert changes["Key"] == "False"
    assert changes["Role"] == "False"
    assert stacks.execute("two") == "UPDATE_COMPLETE"
    assert key_statements(kms, key)[1]["Principal"]["AWS"] == [
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::333333333333:root",
    ]
    policy = lab.client("iam", ACCOUNT).get_role_policy(
        RoleName=stacks.physical_id("Role"), PolicyName="Objects"
    )["PolicyDocument"]
    assert policy["Statement"][0]["Resource"] == ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]


def key_statements(kms: Any, key_id: str) -> list[dict[str, Any]]:
    policy = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
    statements: list[dict[str, Any]] = policy["Statement"]
    return statements


def test_pseudo_parameters_are_seen_by_conditions(lab: Lab, stacks: Stacks) -> None:
    for region, made in (("us-east-1", False), ("eu-west-1", True)):
        stacks.api = lab.client("cloudformation", ACCOUNT, region)
        stacks.change_set("one", "CREATE", FOUNDATION)
        stacks.execute("one")
        assert (("ElsewhereTopic", "CREATE_COMPLETE") in stacks.events()) is made


def test_a_bucket_has_the_properties_and_tags_that_it_was_given(lab: Lab, stacks: Stacks) -> None:
    tags = [{"Key": "stack", "Value": "tag"}]
    stacks.change_set("one", "CREATE", FOUNDATION, Tags=tags)
    stacks.execute("one")
    s3, bucket = lab.client("s3", ACCOUNT), stacks.physical_id("Bucket")
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms"
    assert default["KMSMasterKeyID"].endswith(stacks.physical_id("Key"))
    assert encryption["Rules"][0]["BucketKeyEnabled"] is True
    rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert rule["Expiration"] == {"Days": 365}
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    found = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert (found["own"], found["stack"]) == ("tag", "tag")
    assert found["aws:cloudformation:logical-id"] == "Bucket"
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert ownership["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_property_that_goes_is_taken_off_the_bucket(lab: Lab, stacks: Stacks) -> None:
    encrypted = {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        ]
    }
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketEncryption": encrypted}}
    stacks.create({"B": bucket})
    stacks.change_set("plain", "UPDATE", {"B": {"Type": "AWS::S3::Bucket"}})
    assert stacks.execute("plain") == "UPDATE_COMPLETE"
    answer = lab.client("s3", ACCOUNT).get_bucket_encryption(Bucket=stacks.physical_id("B"))
    default = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert default["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_a_role_lives_under_its_path_with_managed_policies_of_aws(lab: Lab, stacks: Stacks) -> None:
    stacks.change_set("one", "CREATE", FOUNDATION)
    stacks.execute("one")
    name = stacks.physical_id("Role")
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stacks.describe()["Outputs"]}
    assert outputs["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/crossaccount/build/{name}"
    attached = lab.client("iam", ACCOUNT).list_attached_role_policies(RoleName=name)
    assert attached["AttachedPolicies"][0]["PolicyArn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_what_is_retained_survives_the_stack(lab: Lab, stacks: Stacks) -> None:
    stacks.change_set("one", "CREATE", FOUNDATION)
    stacks.execute("one")
    bucket, key = stacks.physical_id("Bucket"), stacks.physical_id("Key")
    stack_id = stacks.describe()["StackId"]
    stacks.api.delete_stack(StackName=stacks.name)
    stacks.name = stack_id
    assert stacks.wait() == "DELETE_COMPLETE"
    lab.client("s3", ACCOUNT).head_bucket(Bucket=bucket)
    metadata = lab.client("kms", ACCOUNT).describe_key(KeyId=key)["KeyMetadata"]
    assert metadata["KeyState"] == "Enabled"


# Principals


def policy_of(principal: str, action: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [principal]},
        "Action": action,
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_principal_that_does_not_exist_fails_the_stack(stacks: Stacks) -> None:
    key = {
        "Type": "AWS::KMS::Key",
        "Properties": {"KeyPolicy": policy_of("999999999999", "kms:*")},
    }
    assert stacks.create({"Key": key}) == "ROLLBACK_COMPLETE"
    events = stacks.api.describe_stack_events(StackName=stacks.name)["StackEvents"]
    reasons = [
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert "invalid principals" in reasons[0]


def test_an_account_that_was_added_is_a_principal(lab: Lab, stacks: Stacks) -> None:
    lab.add_account("888888888888")
    key = {
        "Type": "AWS::KMS::Key",
        "Properties": {"KeyPolicy": policy_of("888888888888", "kms:*")},
    }
    assert stacks.create({"Key": key}) == "CREATE_COMPLETE"
