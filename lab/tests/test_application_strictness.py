# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application's stack and builds as AWS has them and MiniStack as it comes has not.

With LAB_STOCK=1 in the environment the same tests run on MiniStack without the lab's patches.
Every one of them must fail there, else it proves nothing here:

    LAB_STOCK=1 python -m pytest lab/tests/test_application_strictness.py
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.clients import Clients
from lab.tests.stacks import TOPIC, Stacks, refused

ACCOUNT = "111111111111"
REGION = "us-east-1"
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/one"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
STAGES = [
    {
        "Name": "Source",
        "Actions": [
            {
                "Name": "application",
                "ActionTypeId": {
                    "Category": "Source",
                    "Owner": "AWS",
                    "Provider": "S3",
                    "Version": "1",
                },
                "Configuration": {
                    "S3Bucket": "a-bucket",
                    "S3ObjectKey": "application.zip",
                    "PollForSourceChanges": False,
                },
                "OutputArtifacts": [{"Name": "application"}],
                "RunOrder": "1",
            }
        ],
    },
    {
        "Name": "Approval",
        "Actions": [
            {
                "Name": "Approve",
                "ActionTypeId": {
                    "Category": "Approval",
                    "Owner": "AWS",
                    "Provider": "Manual",
                    "Version": "1",
                },
            }
        ],
    },
]


@pytest.fixture(scope="module")
def running_lab() -> Iterator[Lab]:
    with Lab(stock=bool(os.environ.get("LAB_STOCK"))) as lab:
        yield lab


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of its own for what a test makes."""
    words = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-")
    return "".join(letter for letter in words if letter.isalnum() or letter == "-")[-40:].strip("-")


@pytest.fixture
def stacks(lab: Lab, name: str) -> Stacks:
    return Stacks(lab.client("cloudformation", ACCOUNT), name)


def statement(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def role(service: str, *statements: dict[str, Any], source_arn: str = "") -> dict[str, Any]:
    """A role that a service may assume, for one resource if its ARN is given."""
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    if source_arn:
        trust["Condition"] = {"ArnEquals": {"aws:SourceArn": source_arn}}
    policy = {"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [policy] if statements else [],
        },
    }


def project(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "Name": name,
            "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
            "Source": {"Type": "GITHUB", "Location": "https://github.com/example/hello.git"},
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "ComputeType": "BUILD_GENERAL1_SMALL",
            },
            **properties,
        },
    }


def pipeline(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CodePipeline::Pipeline",
        "Properties": {
            "Name": name,
            "PipelineType": "V2",
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "ArtifactStores": [
                {"Region": REGION, "ArtifactStore": {"Type": "S3", "Location": "a-store"}}
            ],
            "Stages": STAGES,
            **properties,
        },
    }


def uploaded(name: str, bucket: str, **more: Any) -> dict[str, Any]:
    """An artifact of a project."""
    where = {"Type": "S3", "Location": bucket, "Path": "hello", "Name": name, "Packaging": "ZIP"}
    return {**where, **more}


LOGS = statement(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
BUILD_ROLE = role("codebuild", LOGS)


def with_project(name: str, role_: dict[str, Any] | None = None, **properties: Any) -> Any:
    return {"Role": role_ or BUILD_ROLE, "Project": project(name, **properties)}


def create(stacks: Stacks, template: dict[str, Any], **more: Any) -> str:
    return stacks.create(template, Capabilities=CAPABILITIES, **more)


def update(stacks: Stacks, template: dict[str, Any], **more: Any) -> str:
    name = f"update-{time.monotonic_ns()}"
    stacks.change_set(name, "UPDATE", template, **more)
    return stacks.execute(name)


def reasons(stacks: Stacks) -> str:
    """Why resources failed."""
    events = stacks.api.describe_stack_events(StackName=stacks.name)["StackEvents"]
    return " ".join(
        event.get("ResourceStatusReason", "")
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    )


def kept(lab: Lab, name: str) -> dict[str, Any]:
    """What CodeBuild says of a project."""
    projects = lab.client("codebuild", ACCOUNT).batch_get_projects(names=[name])["projects"]
    found: dict[str, Any] = projects[0]
    return found


def finished(lab: Lab, build_id: str) -> dict[str, Any]:
    client = lab.client("codebuild", ACCOUNT)
    build: dict[str, Any] = eventually(
        lambda: next(
            (one for one in client.batch_get_builds(ids=[build_id])["builds"] if "endTime" in one),
            None,
        )
    )
    return build


def failure(build: dict[str, Any]) -> str:
    """The phase in which a build failed, and why."""
    for phase in build["phases"]:
        if phase.get("phaseStatus") == "FAILED":
            return f"{phase['phaseType']}: {phase['contexts'][0]['message']}"
    return ""


def eventually(look: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What *look* finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("it was not found")


class Told:
    """The events that match a pattern, by way of a queue."""

    def __init__(self, lab: Lab, name: str, pattern: dict[str, Any]) -> None:
        self.sqs, events = lab.client("sqs", ACCOUNT), lab.client("events", ACCOUNT)
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        policy = {"Statement": [{**statement("sqs:SendMessage"), "Principal": "*"}]}
        self.sqs.set_queue_attributes(
            QueueUrl=self.queue, Attributes={"Policy": json.dumps(policy)}
        )
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def next(self) -> dict[str, Any]:
        """The detail of an event that was not read yet."""
        messages = eventually(
            lambda: self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=1).get(
                "Messages"
            )
        )
        handle = messages[0]["ReceiptHandle"]
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=handle)
        detail: dict[str, Any] = json.loads(messages[0]["Body"])["detail"]
        return detail


def bucket(lab: Lab, name: str) -> str:
    """A bucket that keeps versions and tells EventBridge of objects."""
    s3 = lab.client("s3", ACCOUNT)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return name


# Projects


def test_all_of_a_project_is_kept(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    template = with_project(
        name,
        Artifacts=uploaded("application.zip", "a-bucket"),
        SecondaryArtifacts=[uploaded("function.zip", "a-bucket", ArtifactIdentifier="function")],
        ConcurrentBuildLimit=1,
        LogsConfig={"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "a-group"}},
        Triggers={
            "Webhook": True,
            "FilterGroups": [[{"Type": "EVENT", "Pattern": "PUSH"}]],
            "PullRequestBuildPolicy": {"RequiresCommentApproval": "FORK_PULL_REQUESTS"},
        },
    )
    assert create(stacks, template) == "CREATE_COMPLETE"
    found = kept(lab, name)
    assert found["secondaryArtifacts"][0]["artifactIdentifier"] == "function"
    assert found["concurrentBuildLimit"] == 1
    assert found["logsConfig"]["cloudWatchLogs"]["groupName"] == "a-group"
    assert found["webhook"]["filterGroups"] == [[{"type": "EVENT", "pattern": "PUSH"}]]
    policy = found["webhook"]["pullRequestBuildPolicy"]
    assert policy == {"requiresCommentApproval": "FORK_PULL_REQUESTS"}


def test_an_update_changes_and_drops_what_the_template_says(
    lab: Lab, stacks: Stacks, name: str
) -> None:
    """Talks to a running lab."""
    secondary = [uploaded("function.zip", "a-bucket", ArtifactIdentifier="function")]
    first = with_project(name, SecondaryArtifacts=secondary, ConcurrentBuildLimit=1)
    assert create(stacks, first) == "CREATE_COMPLETE"
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one"
    assert update(stacks, with_project(name, EncryptionKey=key)) == "UPDATE_COMPLETE"
    found = kept(lab, name)
    assert found["encryptionKey"] == key
    assert found["secondaryArtifacts"] == []
    assert "concurrentBuildLimit" not in found


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"ServiceRole": f"arn:aws:iam::{ACCOUNT}:role/none"}, "is not authorized to perform"),
        ({"Artefacts": {}}, r"extraneous key \[Artefacts\]"),
        ({"Artifacts": {"Type": "S3"}}, "S3 artifacts need a location"),
        ({"SecondaryArtifacts": [uploaded("f", "b")]}, "an identifier of its own"),
        ({"TimeoutInMinutes": 1}, "timeoutInMinutes"),
    ],
    ids=["role", "property", "bucket", "identifier", "limit"],
)
def test_a_project_that_cannot_be_is_refused(
    stacks: Stacks, name: str, properties: dict[str, Any], message: str
) -> None:
    """Talks to a running lab."""
    assert create(stacks, with_project(name, **properties)) == "ROLLBACK_COMPLETE"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(reasons(stacks))


def test_a_role_of_another_project_is_refused(stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/another"
    template = with_project(name, role("codebuild", LOGS, source_arn=arn))
    assert create(stacks, template) == "ROLLBACK_COMPLETE"
    assert "sts:AssumeRole on service role" in reasons(stacks)


def test_a_webhook_by_a_connection_needs_the_role_to_use_it(stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    source = {
        "Type": "GITHUB",
        "Location": "https://github.com/example/hello.git",
        "Auth": {"Type": "CODECONNECTIONS", "Resource": CONNECTION},
    }
    template = with_project(name, Source=source, Triggers={"Webhook": True})
    assert create(stacks, template) == "ROLLBACK_COMPLETE"
    assert "Access denied to connection" in reasons(stacks)
    assert "codeconnections:UseConnection" in reasons(stacks)


# Builds


def test_a_build_without_files_fails(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    template = with_project(name, Artifacts=uploaded("application.zip", "a-bucket"))
    assert create(stacks, template) == "CREATE_COMPLETE"
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    build = finished(lab, started["id"])
    assert build["buildStatus"] == "FAILED"
    assert "no matching artifact paths found" in failure(build)


def test_a_build_without_a_log_fails(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    assert create(stacks, with_project(name, role("codebuild"))) == "CREATE_COMPLETE"
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    assert "logs:CreateLogStream" in failure(finished(lab, started["id"]))


def test_a_build_needs_its_connection(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    source = {
        "Type": "GITHUB",
        "Location": "https://github.com/example/hello.git",
        "Auth": {"Type": "CODECONNECTIONS", "Resource": CONNECTION},
    }
    assert create(stacks, with_project(name, Source=source)) == "CREATE_COMPLETE"
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    assert failure(finished(lab, started["id"])).startswith("DOWNLOAD_SOURCE: ACCESS_DENIED")


def test_builds_beyond_the_limit_are_refused(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    assert create(stacks, with_project(name, ConcurrentBuildLimit=1)) == "CREATE_COMPLETE"
    client = lab.client("codebuild", ACCOUNT)

    def start_many() -> None:
        for _unused in range(10):
            client.start_build(projectName=name)

    assert refused(start_many).startswith("AccountLimitExceededException")


def test_the_ends_of_builds_are_told(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    assert create(stacks, with_project(name)) == "CREATE_COMPLETE"
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"project-name": [name], "build-status": ["SUCCEEDED", "FAILED"]},
    }
    told = Told(lab, name, pattern)
    started = lab.client("codebuild", ACCOUNT).start_build(projectName=name)["build"]
    detail = told.next()
    assert detail["build-status"] == "SUCCEEDED"
    assert detail["build-id"] == started["arn"]
    assert detail["additional-information"]["build-complete"] is True


# Pipelines


def test_a_pipeline_is_made_updated_and_deleted(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    template = {"Role": role("codepipeline"), "Pipeline": pipeline(name)}
    body = json.dumps(
        {
            "Resources": template,
            "Outputs": {
                "Name": {"Value": {"Ref": "Pipeline"}},
                "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}},
            },
        }
    )
    tags = [{"Key": "one", "Value": "tag"}]
    assert stacks.create(body, Capabilities=CAPABILITIES, Tags=tags) == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stacks.describe()["Outputs"]}
    assert outputs == {"Name": name, "Version": "1"}
    client = lab.client("codepipeline", ACCOUNT)
    found = client.get_pipeline(name=name)
    action = found["pipeline"]["stages"][0]["actions"][0]
    assert action["configuration"]["PollForSourceChanges"] == "false"
    assert action["runOrder"] == 1
    arn = found["metadata"]["pipelineArn"]
    tagged = client.list_tags_for_resource(resourceArn=arn)["tags"]
    assert {"key": "one", "value": "tag"} in tagged
    changed = json.loads(body)
    changed["Resources"]["Pipeline"]["Properties"]["ExecutionMode"] = "QUEUED"
    stacks.change_set("change", "UPDATE", json.dumps(changed), Tags=tags)
    assert stacks.execute("change") == "UPDATE_COMPLETE", reasons(stacks)
    assert client.get_pipeline(name=name)["pipeline"]["version"] == 2
    stacks.name = str(stacks.describe()["StackId"])
    stacks.api.delete_stack(StackName=stacks.name)
    assert stacks.wait() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="PipelineNotFoundException"):
        client.get_pipeline(name=name)


def test_another_name_is_another_pipeline(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name)}
    assert create(stacks, made) == "CREATE_COMPLETE"
    stacks.change_set("rename", "UPDATE", {**made, "Pipeline": pipeline(f"{name}-2")})
    described = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="rename")
    assert described["Changes"][0]["ResourceChange"]["Replacement"] == "True"
    assert stacks.execute("rename") == "UPDATE_COMPLETE"
    names = [
        one["name"] for one in lab.client("codepipeline", ACCOUNT).list_pipelines()["pipelines"]
    ]
    assert f"{name}-2" in names
    assert name not in names


def test_a_pipeline_s_name_that_is_taken_fails_the_stack(stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name)}
    assert create(stacks, made) == "CREATE_COMPLETE"
    second = Stacks(stacks.api, f"{stacks.name}-2")
    assert create(second, made) == "ROLLBACK_COMPLETE"
    assert "already exists" in reasons(second)


def test_a_property_that_a_pipeline_does_not_have_is_refused(stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name, Stores=[])}
    assert create(stacks, made) == "ROLLBACK_COMPLETE"
    assert "extraneous key [Stores]" in reasons(stacks)


# Templates in buckets


@pytest.mark.parametrize("denied", ["s3:GetObject", "kms:Decrypt"])
def test_a_template_is_read_with_the_rights_of_the_caller(lab: Lab, name: str, denied: str) -> None:
    """Talks to a running lab."""
    s3, body = lab.client("s3", ACCOUNT), json.dumps({"Resources": {"Topic": TOPIC}})
    name = name.replace(":", "-").lower()
    key = lab.client("kms", ACCOUNT).create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    s3.put_object(
        Bucket=name, Key="one", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    url = f"{lab.url}/{name}/one"
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    but_one = {"Effect": "Allow", "NotAction": denied, "Resource": "*"}
    other = somebody(lab, f"{name}-other", but_one)
    message = refused(lambda: other.create_stack(StackName=name, TemplateURL=url))
    assert message == "ValidationError: S3 error: Access Denied"
    own = Stacks(somebody(lab, f"{name}-own", everything), name)
    own.api.create_stack(StackName=name, TemplateURL=url)
    assert own.wait() == "CREATE_COMPLETE"


# Roles that are passed


def somebody(lab: Lab, name: str, *statements: dict[str, Any]) -> Any:
    """CloudFormation as a role of that name, with these permissions."""
    iam = lab.client("iam", ACCOUNT)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    clients = Clients(lab.url)
    credentials = clients.assume(ACCOUNT, name, REGION)
    return clients.client("cloudformation", region=REGION, credentials=credentials)


def rule(name: str, **target: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": name,
            "EventPattern": {"source": ["aws.s3"]},
            "Targets": [
                {
                    "Id": "Pipeline",
                    "Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}",
                    **target,
                }
            ],
        },
    }


PASSED: dict[str, Callable[[str], dict[str, Any]]] = {
    "codebuild": lambda name: project(name, ServiceRole="ROLE"),
    "codepipeline": lambda name: pipeline(name, RoleArn="ROLE"),
    "events": lambda name: rule(name, RoleArn="ROLE"),
}


@pytest.mark.parametrize("service", PASSED)
def test_whoever_gives_a_role_must_be_allowed_to_pass_it(lab: Lab, name: str, service: str) -> None:
    """Talks to a running lab."""
    iam = lab.client("iam", ACCOUNT)
    trust = role(service)["Properties"]["AssumeRolePolicyDocument"]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    other = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    api = somebody(
        lab,
        f"{name}-me",
        {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"},
        statement("iam:PassRole", Condition=other),
    )
    own = Stacks(api, name)
    template = json.loads(json.dumps({"One": PASSED[service](name)}).replace("ROLE", arn))
    assert create(own, template) == "ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {arn}" in reasons(own)


# Events


def test_a_pipeline_as_target_needs_a_role(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    assert create(stacks, {"Rule": rule(name)}) == "ROLLBACK_COMPLETE"
    assert "RoleArn is required for target" in reasons(stacks)
    events = lab.client("events", ACCOUNT)
    events.put_rule(Name=name, EventPattern='{"source": ["aws.s3"]}')
    target = {"Id": "1", "Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}"}
    message = refused(lambda: events.put_targets(Rule=name, Targets=[target]))
    assert message.startswith("ValidationException: RoleArn is required for target")


def test_a_pattern_that_means_nothing_fails_the_rule(stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    template = {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"a": "b"}}}}
    assert create(stacks, template) == "ROLLBACK_COMPLETE"
    assert "Event pattern is not valid" in reasons(stacks)


def test_the_tags_of_a_stack_are_put_on_its_rules(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    pattern = {"EventPattern": {"source": ["aws.s3"]}, "Name": name}
    template = {"Rule": {"Type": "AWS::Events::Rule", "Properties": pattern}}
    assert create(stacks, template, Tags=[{"Key": "one", "Value": "tag"}]) == "CREATE_COMPLETE"
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    tags = lab.client("events", ACCOUNT).list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert {"Key": "one", "Value": "tag"} in tags


def test_the_event_of_an_object_has_its_version(lab: Lab, name: str) -> None:
    """Talks to a running lab."""
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
    told = Told(lab, name, pattern)
    s3 = lab.client("s3", ACCOUNT)
    put = s3.put_object(Bucket=bucket(lab, name), Key="hello/application.zip", Body=b"zip")
    detail = told.next()
    assert detail["object"]["key"] == "hello/application.zip"
    assert detail["object"]["version-id"] == put["VersionId"]


def test_a_group_s_arn_with_an_asterisk_is_about_its_streams(lab: Lab, name: str) -> None:
    """Talks to a running lab."""
    lab.client("logs", ACCOUNT).create_log_group(logGroupName=name)
    iam = lab.client("iam", ACCOUNT)
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"
    policy = {"Statement": [statement("logs:CreateLogStream", arn)]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    clients = Clients(lab.url)
    logs = clients.client("logs", region=REGION, credentials=clients.assume(ACCOUNT, name, REGION))
    logs.create_log_stream(logGroupName=name, logStreamName="one")


# Drift


def test_a_pipeline_that_was_changed_has_drifted(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name, ExecutionMode="QUEUED")}
    tags = [{"Key": "one", "Value": "tag"}]
    assert create(stacks, made, Tags=tags) == "CREATE_COMPLETE"
    assert drift(stacks)["StackResourceDriftStatus"] == "IN_SYNC"
    client = lab.client("codepipeline", ACCOUNT)
    found = client.get_pipeline(name=name)["pipeline"]
    found["stages"][0]["actions"][0]["configuration"]["S3Bucket"] = "another"
    client.update_pipeline(pipeline={**found, "executionMode": "SUPERSEDED"})
    drifted = drift(stacks)
    assert drifted["StackResourceDriftStatus"] == "MODIFIED"
    differences = {
        one["PropertyPath"]: one["ActualValue"] for one in drifted["PropertyDifferences"]
    }
    assert differences == {
        "/ExecutionMode": "SUPERSEDED",
        "/Stages/0/Actions/0/Configuration/S3Bucket": "another",
    }
    client.delete_pipeline(name=name)
    assert drift(stacks)["StackResourceDriftStatus"] == "DELETED"


def drifts(stacks: Stacks) -> list[dict[str, Any]]:
    api = stacks.api
    detection = api.detect_stack_drift(StackName=stacks.name)["StackDriftDetectionId"]
    eventually(
        lambda: (
            api.describe_stack_drift_detection_status(StackDriftDetectionId=detection)[
                "DetectionStatus"
            ]
            == "DETECTION_COMPLETE"
        )
    )
    found: list[dict[str, Any]] = api.describe_stack_resource_drifts(StackName=stacks.name)[
        "StackResourceDrifts"
    ]
    return found


def drift(stacks: Stacks) -> dict[str, Any]:
    """The pipeline's."""
    return next(one for one in drifts(stacks) if one["LogicalResourceId"] == "Pipeline")
