# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases: from a build that lands to stacks in every account, and where each broken link stops.

CodePipeline, CodeBuild and EventBridge are the lab's. Each action works with the credentials that
AWS would use, so what a role lacks stops the release where it would there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab import EXAMPLE, Action, BuildResult, Lab, Pipeline, ResourceRule, objects
from lab.clients import Clients
from tests.integration.held import CLOUDFORMATION, CODEPIPELINE, Data, Held
from tests.integration.inventory import Inventory
from tests.integration.notices import Subscriber
from tests.integration.playbook import Playbook, StackName
from tests.integration.uploads import Uploads
from tests.integration.waiting import wait_until

HELLO = "hello"
# Where inventories/org releases hello to: host and region.
EVERYWHERE = (
    ("development", "us-east-1"),
    ("testing", "eu-west-1"),
    ("production", "us-east-1"),
    ("production", "eu-west-1"),
    ("production", "ap-southeast-2"),
)


# A role of an account outside the organisation's inventory, which builds and uploads.
BUILDER = "arn:aws:iam::555555555555:role/OrganizationAdministrator"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


@pytest.fixture
def pipeline(lab: Lab, existing: None) -> Pipeline:
    """The pipeline of the sample application, whose first execution has failed.

    CodePipeline starts every new pipeline, and there is no build yet.
    """
    found = Pipeline(lab, HELLO)
    assert found.wait() == "Failed", found.description
    assert [one.stage for one in found.failures] == ["Source", "Source"]
    return found


@pytest.fixture
def subscriber(lab: Lab, held: Held, pipeline: Pipeline) -> Subscriber:
    """Somebody who hears of its releases."""
    return Subscriber(lab, held, HELLO)


class World:
    """What releases are tested with."""

    def __init__(self, lab: Lab, held: Held, inventory: Inventory, playbook: Playbook) -> None:
        self.lab = lab
        self.held = held
        self.inventory = inventory
        self.playbook = playbook

    def account(self, host: str) -> str:
        """The account of a host."""
        return self.inventory.accounts[host].account_id

    def status(self, host: str, region: str, stack: str = HELLO) -> str:
        """The status of a stack of the application; empty where it is not."""
        return self.held.status(StackName(self.account(host), region, stack))

    def says(self, host: str, region: str) -> str:
        """What the deployed function says."""
        stack = StackName(self.account(host), region, f"{HELLO}-function")
        function = self.held.outputs(stack)["FunctionName"]
        answer = self.lab.client("lambda", stack.account_id, region).invoke(
            FunctionName=function, Payload=json.dumps({"name": "you"})
        )
        assert "FunctionError" not in answer
        said: dict[str, str] = json.loads(answer["Payload"].read())
        assert said["region"] == region
        return said["message"]

    def declared(self) -> dict[str, Any]:
        """What the pipeline is made from."""
        return self.inventory.pipeline(HELLO)

    def reconcile(self, pipeline: dict[str, Any]) -> None:
        """Make the pipeline from other data."""
        self.inventory.declare(HELLO, pipeline)
        run = self.playbook.run("--limit", HELLO)
        assert run.code == 0, run.output

    def bucket(self, region: str) -> str:
        """The name of a region's pipeline bucket."""
        return self.held.store(region)[1].rpartition(":")[2]


@pytest.fixture
def world(lab: Lab, held: Held, inventory: Inventory, playbook: Playbook) -> World:
    """The lab, its inventory, and the playbooks."""
    return World(lab, held, inventory, playbook)


def build(lab: Lab, **changes: str) -> None:
    """Let a build of the sample application succeed."""
    built = lab.build(f"{HELLO}-release", objects(**changes))
    assert built["buildStatus"] == "SUCCEEDED", built


def release(lab: Lab, pipeline: Pipeline, **changes: str) -> None:
    """Build, and let the pipeline pass to its end, with every approval."""
    before = len(pipeline.executions)
    build(lab, **changes)
    while pipeline.wait(executions=before + 1) == "InProgress":
        pipeline.approve()
    assert pipeline.status == "Succeeded", pipeline.description


# From a build to production


def test_a_build_that_lands_reaches_production_after_its_approval(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. By itself to the approval; production is prepared but untouched till then.

    The build's two artifacts give one execution.
    """
    build(lab)

    assert pipeline.wait(executions=2) == "InProgress"
    waiting = pipeline.waiting
    assert waiting is not None
    assert waiting.stage == "production"
    assert len(pipeline.executions) == 2
    for host, region in EVERYWHERE:
        status = "REVIEW_IN_PROGRESS" if host == "production" else "CREATE_COMPLETE"
        for stack in (HELLO, f"{HELLO}-function"):
            assert world.status(host, region, stack) == status, (host, region, stack)

    pipeline.approve()

    assert pipeline.wait() == "Succeeded", pipeline.description
    assert {one.status for one in pipeline.actions} == {"Succeeded"}
    for host, region in EVERYWHERE:
        for stack in (HELLO, f"{HELLO}-function"):
            assert world.status(host, region, stack) == "CREATE_COMPLETE"
    assert world.says("development", "us-east-1") == "Hello from development, you!"
    for host, region in EVERYWHERE[1:]:
        assert world.says(host, region) == "Hello, you!"


def test_each_action_works_as_the_role_that_is_meant_for_it(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. The call log: who read builds, copied artifacts, made change sets."""
    lab.clear_calls()
    release(lab, pipeline)

    calls = lab.calls()
    for call in calls:
        if call.service == "cloudformation":
            assert f"assumed-role/{CODEPIPELINE}/" in call.principal, call
            assert call.principal.split(":")[4] == call.account
    builds = world.held.outputs(world.held.primary)["BuildBucketName"]
    reads = [
        call
        for call in calls
        if call.action in ("GetObject", "GetObjectVersion") and call.resource.startswith(builds)
    ]
    readers = {call.principal.split("/")[1] for call in reads}
    assert readers == {f"{HELLO}-source", f"{HELLO}-starter"}


def test_a_rejected_release_leaves_production_as_it_is(
    lab: Lab, pipeline: Pipeline, world: World, subscriber: Subscriber
) -> None:
    """Talks to the lab. It ends there as failed; nothing of it is executed, and that is heard."""
    build(lab)
    pipeline.wait(executions=2)

    pipeline.approve(approve=False)

    assert pipeline.wait() == "Failed"
    assert [one.stage for one in pipeline.failures] == ["production"]
    for host, region in EVERYWHERE[2:]:
        assert world.status(host, region) == "REVIEW_IN_PROGRESS"
    assert {notice["event"]: notice["title"] for notice in subscriber.heard(2)} == {
        "approval_waiting": "production waits for approval",
        "approval_rejected": "production was not approved",
    }


def test_a_failing_test_stops_a_release_before_production(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. It gets an output of a deployed stack; a retry goes on once it succeeds."""
    declared = world.declared()
    function = [f"{HELLO}-function", "FunctionName", "testing", "eu-west-1"]
    smoke = {
        "name": "smoke",
        "commands": ['aws lambda invoke --function-name "$FUNCTION" answer.json'],
        "environment": {"FUNCTION": {"Fn::GetOutput": function}},
    }
    declared["waves"][1]["tests"] = [smoke]
    world.reconcile(declared)
    before = len(pipeline.executions)
    project = f"{HELLO}-test-smoke"
    lab.set_build_results([BuildResult(project=project, error="it does not answer")])
    build(lab)

    assert pipeline.wait(executions=before + 1) == "Failed"
    [failed] = pipeline.failures
    assert (failed.stage, failed.name) == ("testing", "test-smoke")
    assert "it does not answer" in failed.message
    assert world.status("testing", "eu-west-1") == "CREATE_COMPLETE"
    assert world.status("production", "eu-west-1") == ""
    builds = lab.client("codebuild", lab.organisation.build)
    [build_id] = builds.list_builds_for_project(projectName=project)["ids"]
    [tested] = builds.batch_get_builds(ids=[build_id])["builds"]
    stack = StackName(world.account("testing"), "eu-west-1", f"{HELLO}-function")
    variables = {
        item["name"]: item["value"] for item in tested["environment"]["environmentVariables"]
    }
    assert variables["FUNCTION"] == world.held.outputs(stack)["FunctionName"]

    lab.set_build_results([])
    lab.client("codepipeline", lab.organisation.build).retry_stage_execution(
        pipelineName=HELLO,
        stageName="testing",
        pipelineExecutionId=pipeline.executions[0]["pipelineExecutionId"],
        retryMode="FAILED_ACTIONS",
    )
    assert pipeline.wait() == "InProgress"
    assert pipeline.waiting is not None
    assert pipeline.waiting.stage == "production"


def test_the_next_release_brings_new_code_and_new_templates_together(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. One build, two artifacts, one execution; both are the new ones."""
    release(lab, pipeline)
    code = (EXAMPLE / "function" / "hello.py").read_text(encoding="utf-8")
    assert code.count(", {name}!") == 1
    template = (EXAMPLE / "hello.template").read_text(encoding="ascii")
    assert template.count("DisplayName: !Ref Greeting") == 1
    topic = "DisplayName: !Sub Second ${Greeting}"
    before = len(pipeline.executions)

    release(
        lab,
        pipeline,
        hello_py=code.replace(", {name}!", ", {name}, again!"),
        hello_template=template.replace("DisplayName: !Ref Greeting", topic),
    )

    assert len(pipeline.executions) == before + 1
    for host, region in EVERYWHERE:
        assert world.says(host, region).endswith(", you, again!")
        client = lab.client("cloudformation", world.account(host), region)
        assert topic in client.get_template(StackName=HELLO)["TemplateBody"]
        assert world.status(host, region) == "UPDATE_COMPLETE"


def test_a_first_deployment_that_failed_is_deleted_and_released_again(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. Only what was never complete is deleted; check mode deletes nothing."""
    lab.set_resource_faults(
        [ResourceRule(logical_id="Greetings", account=world.account("testing"))]
    )
    assert stopped(lab, pipeline).name == "testing-eu-west-1-hello-execute"
    lab.set_resource_faults([])
    assert world.status("testing", "eu-west-1") == "ROLLBACK_COMPLETE"

    shown = world.playbook.run("--check", playbook="playbooks/recover.yml")
    assert shown.code == 0, shown.output
    assert "ROLLBACK_COMPLETE, to be deleted" in shown.output
    assert not [call for call in shown.calls if call.action == "DeleteStack"]

    done = world.playbook.run("--limit", "testing", playbook="playbooks/recover.yml")
    assert done.code == 0, done.output
    assert world.status("testing", "eu-west-1") == ""
    assert world.status("development", "us-east-1") == "CREATE_COMPLETE"
    release(lab, pipeline)


# Other ways


def uploaded(pipeline: dict[str, Any]) -> dict[str, Any]:
    """The pipeline with artifacts that somebody else uploads."""
    (application_zip, function_zip) = pipeline["source"]["artifacts"]
    return {
        **pipeline,
        "source": {
            "type": "s3",
            "artifacts": [application_zip, {**function_zip, "trigger": True}],
            "uploader": {"role_arns": [BUILDER]},
        },
    }


def as_uploader(lab: Lab, role_arn: str) -> Any:
    """S3 as the uploader of a pipeline, which the builder has assumed."""
    assumed = lab.client_of("sts", BUILDER).assume_role(RoleArn=role_arn, RoleSessionName="build")[
        "Credentials"
    ]
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=lab.url,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def test_what_is_uploaded_last_starts_the_pipeline_once(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    world: World,
    inventory: Inventory,
) -> None:
    """Talks to the lab. Built elsewhere: the first upload starts nothing, the trigger one release.

    The builder's role of another account uploads, as the pipeline's uploader. The version is
    pinned, and both artifacts are those of that release.
    """
    inventory.declare("uploaded", uploaded(world.declared()))
    inventory.set(HELLO, state="absent")
    run = playbook.run()
    assert run.code == 0, run.output
    pipeline = Pipeline(lab, "uploaded")
    assert pipeline.wait() == "Failed"
    stack = StackName(inventory.build_account_id, "us-east-1", "uploaded-pipeline")
    upload = held.outputs(stack)
    s3 = as_uploader(lab, upload["UploaderRoleArn"])
    bucket = held.outputs(held.primary)["BuildBucketName"]
    assert upload["UploadLocation"] == f"s3://{bucket}/uploaded/"
    files = objects()

    s3.put_object(Bucket=bucket, Key="uploaded/application.zip", Body=files["application.zip"])
    s3.put_object(Bucket=bucket, Key="uploaded/readme.txt", Body=b"nobody waits for this")
    version = s3.put_object(Bucket=bucket, Key="uploaded/function.zip", Body=files["function.zip"])[
        "VersionId"
    ]

    assert pipeline.wait(executions=2) == "InProgress", pipeline.description
    assert len(pipeline.executions) == 2
    revisions = {
        one["actionName"]: one["revisionId"] for one in pipeline.executions[0]["sourceRevisions"]
    }
    assert revisions["function"] == version
    pipeline.approve()
    assert pipeline.wait() == "Succeeded", pipeline.description
    assert world.says("production", "ap-southeast-2") == "Hello, you!"
    projects = lab.client("codebuild", inventory.build_account_id).list_projects()["projects"]
    assert projects == []


def test_codepipeline_can_copy_the_artifacts_itself(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. artifact_sync: native has no stage for it, and reaches every region."""
    world.reconcile({**world.declared(), "artifact_sync": "native"})
    assert pipeline.stages == ["Source", "development", "testing", "production"]

    release(lab, pipeline)

    assert world.says("production", "ap-southeast-2") == "Hello, you!"


# Changes of the data


def test_the_next_release_follows_a_change_of_the_data(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. A region more, a wave more, another approval, one after the other."""
    application = world.declared()
    assert world.status("testing", "us-east-1") == ""

    application["waves"][1]["environments"][0]["regions"] = ["eu-west-1", "us-east-1"]
    world.reconcile(application)
    release(lab, pipeline)
    assert world.status("testing", "us-east-1") == "CREATE_COMPLETE"

    (production,) = application["waves"][2]["environments"]
    production["regions"] = ["ap-southeast-2", "eu-west-1"]
    first = {"host": "production", "regions": ["us-east-1"], "parameters": {"Greeting": "Early"}}
    application["waves"].insert(2, {"name": "canary", "environments": [first]})
    world.reconcile(application)
    assert pipeline.stages[-2:] == ["canary", "production"]
    release(lab, pipeline)
    assert world.says("production", "us-east-1") == "Early, you!"

    # What hello imports is exported by this very release, so no change set could be made before.
    application["stacks"][1]["after"] = f"{HELLO}-function"
    application["waves"][3]["approval"]["review"] = "release"
    world.reconcile(application)
    assert pipeline.stages[-2:] == ["production-approve", "production"]
    exporting = (EXAMPLE / "function.template").read_text(encoding="ascii")
    exporting += f"    Export: {{Name: {HELLO}-function}}\n"
    importing = (EXAMPLE / "hello.template").read_text(encoding="ascii")
    importing = importing.replace("!Ref Greeting", f"!ImportValue {HELLO}-function", 1)
    release(lab, pipeline, function_template=exporting, hello_template=importing)
    assert world.status("production", "us-east-1") == "UPDATE_COMPLETE"


# Attacks


def test_an_account_cannot_change_what_production_will_run(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. Development's administrator owns its deploy roles, and nothing else."""
    build(lab)
    assert pipeline.wait(executions=2) == "InProgress"
    s3 = lab.client("s3", world.inventory.build_account_id)
    bucket = world.bucket("us-east-1")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{HELLO}/function")["Contents"]
    (key,) = (one["Key"] for one in found)
    code = (EXAMPLE / "function" / "hello.py").read_text(encoding="utf-8")
    evil = objects(hello_py=code.replace("Hello", "Evil"))["function.zip"]

    for role in (CODEPIPELINE, CLOUDFORMATION):
        taken = take_over(lab, world.account("development"), role)
        assert taken.get_object(Bucket=bucket, Key=key)["Body"].read()
        with pytest.raises(ClientError, match="AccessDenied"):
            taken.put_object(Bucket=bucket, Key=key, Body=evil)

    pipeline.approve()
    assert pipeline.wait() == "Succeeded", pipeline.description
    assert world.says("production", "us-east-1") == "Hello, you!"


def test_an_artifact_that_is_overwritten_leaves_a_trace(
    lab: Lab, pipeline: Pipeline, world: World, uploads: Uploads
) -> None:
    """Talks to the lab. Who may write artifacts cannot hide that one was replaced."""
    build(lab)
    assert pipeline.wait(executions=2) == "InProgress"
    s3 = lab.client("s3", world.inventory.build_account_id)
    _key_arn, bucket_arn = world.held.store("us-east-1")
    bucket = world.bucket("us-east-1")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{HELLO}/function")["Contents"]
    (key,) = (one["Key"] for one in found)

    uploads.put(bucket_arn, "us-east-1", key, b"other code")

    assert len(s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]) == 2
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [one["NoncurrentVersionExpiration"] for one in rules if "Noncurrent" in one["ID"]] == [
        {"NoncurrentDays": 90}
    ]


def test_a_stack_in_the_build_account_becomes_no_pipeline(
    lab: Lab, pipeline: Pipeline, world: World
) -> None:
    """Talks to the lab. Also where the execution policy allows everything."""
    build = world.inventory.build_account_id
    lab.add_account(build)
    world.inventory.add_account("tools", build, "us-east-1")
    world.inventory.set("tools", role_arn=f"arn:aws:iam::{build}:role/CrossAccountAccess")
    run = world.playbook.run()
    assert run.code == 0, run.output
    lab.client("iam", build).attach_role_policy(
        RoleName=CLOUDFORMATION, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    outputs = world.held.outputs(world.held.primary)
    trust = json.loads(
        allow(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole")
    )
    everything = json.loads(allow(Action="*", Resource="*"))
    anybody = json.loads(allow(Principal="*", Action="*", Resource="*"))
    role = {"AssumeRolePolicyDocument": trust}
    policy = {"PolicyName": "more", "PolicyDocument": everything}
    attacks: dict[str, tuple[str, Data]] = {
        "pipeline": ("IAM::Role", {**role, "Path": "/crossaccount/pipeline/"}),
        "build": ("IAM::Role", {**role, "Path": "/crossaccount/build/"}),
        "policy": ("IAM::Policy", {**policy, "Roles": [f"{HELLO}-pipeline"]}),
        "bucket": (
            "S3::BucketPolicy",
            {"Bucket": world.bucket("us-east-1"), "PolicyDocument": anybody},
        ),
        "topic": (
            "SNS::TopicPolicy",
            {"Topics": [outputs["ApprovalTopicArn"]], "PolicyDocument": anybody},
        ),
        "function": (
            "Lambda::Permission",
            {
                "FunctionName": outputs["SyncArtifactsFunctionName"],
                "Action": "lambda:InvokeFunction",
                "Principal": "*",
            },
        ),
    }

    for name, (resource_type, properties) in attacks.items():
        status, why = as_pipeline(lab, build, name, resource_type, properties)
        assert (status, "explicit deny" in why) == ("ROLLBACK_COMPLETE", True), (name, why)

    # The same outside of what pipelines are made of.
    status, why = as_pipeline(lab, build, "free", "IAM::Role", {**role, "RoleName": "free"})
    assert status == "CREATE_COMPLETE", why
    status, why = as_pipeline(lab, build, "more", "IAM::Policy", {**policy, "Roles": ["free"]})
    assert status == "CREATE_COMPLETE", why


def as_pipeline(
    lab: Lab, account: str, name: str, resource_type: str, properties: Data
) -> tuple[str, str]:
    """Create a stack as pipelines do; its status, and why something in it failed."""
    client = lab.client("cloudformation", account)
    resource = {"Type": f"AWS::{resource_type}", "Properties": properties}
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"It": resource}}),
        RoleARN=f"arn:aws:iam::{account}:role/{CLOUDFORMATION}",
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    def status() -> str:
        return str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    wait_until(lambda: not status().endswith("_IN_PROGRESS"), f"{name} is made")
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return status(), " ".join(one.get("ResourceStatusReason", "") for one in events)


def take_over(lab: Lab, account: str, role: str) -> Any:
    """S3 as a role of which the account's administrator has rewritten trust and permissions."""
    iam = lab.client("iam", account)
    trust = allow(Principal={"AWS": f"arn:aws:iam::{account}:root"}, Action="sts:AssumeRole")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
    everything = allow(Action=["kms:*", "s3:*"], Resource="*")
    iam.put_role_policy(RoleName=role, PolicyName="everything", PolicyDocument=everything)
    clients = Clients(lab.url)
    credentials = clients.assume(account, role, "us-east-1")
    return clients.client("s3", region="us-east-1", credentials=credentials)


def allow(**statement: Any) -> str:
    """A policy with one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


# Broken on purpose


def stopped(lab: Lab, pipeline: Pipeline) -> Action:
    """Build, and return the action that stops the release, before or after the approval."""
    before = len(pipeline.executions)
    build(lab)
    while pipeline.wait(executions=before + 1) == "InProgress":
        pipeline.approve()
    assert pipeline.status == "Failed", pipeline.description
    return pipeline.failures[0]


def drop_account_from_bucket(world: World) -> None:
    """Take production out of what the bucket policy of its region grants."""
    _key, bucket = world.held.store("ap-southeast-2")
    policy = world.held.bucket_policy(bucket, "ap-southeast-2")
    for statement in policy["Statement"]:
        drop_account(statement, world.account("production"))
    policy["Statement"] = [one for one in policy["Statement"] if granted_to_somebody(one)]
    s3 = world.lab.client("s3", world.inventory.build_account_id, "ap-southeast-2")
    s3.put_bucket_policy(Bucket=world.bucket("ap-southeast-2"), Policy=json.dumps(policy))


def drop_account_from_key(world: World) -> None:
    """Take production out of what the key policy of its region grants."""
    key, _bucket = world.held.store("ap-southeast-2")
    policy = world.held.key_policy(key, "ap-southeast-2")
    for statement in policy["Statement"]:
        drop_account(statement, world.account("production"))
    policy["Statement"] = [one for one in policy["Statement"] if granted_to_somebody(one)]
    kms = world.lab.client("kms", world.inventory.build_account_id, "ap-southeast-2")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def drop_account(statement: Data, account_id: str) -> None:
    principal = statement["Principal"]
    if statement["Effect"] == "Allow" and isinstance(principal, dict) and "AWS" in principal:
        named = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
        principal["AWS"] = [one for one in named if account_id not in one]


def granted_to_somebody(statement: Data) -> bool:
    principal = statement["Principal"]
    return not isinstance(principal, dict) or principal.get("AWS") != []


def break_trust(world: World) -> None:
    """Let the deploy role of testing trust another path."""
    iam = world.lab.client("iam", world.account("testing"))
    trust = iam.get_role(RoleName=CODEPIPELINE)["Role"]["AssumeRolePolicyDocument"]
    text = json.dumps(trust).replace("/crossaccount/pipeline/*", "/somewhere/else/*")
    iam.update_assume_role_policy(RoleName=CODEPIPELINE, PolicyDocument=text)


def remove_pass_role(world: World) -> None:
    """Take iam:PassRole from the deploy role of development."""
    change_role(world, world.account("development"), CODEPIPELINE, without_pass_role)


def without_pass_role(statement: Data) -> bool:
    return statement["Effect"] == "Allow" and statement.get("Action") == "iam:PassRole"


def remove_key_of_destination(world: World) -> None:
    """Take the keys of the other regions from the role of SyncArtifacts."""
    own, _bucket = world.held.store("us-east-1")
    build = world.inventory.build_account_id
    function = world.held.outputs(world.held.primary)["SyncArtifactsFunctionName"]
    configuration = world.lab.client("lambda", build).get_function(FunctionName=function)
    role = configuration["Configuration"]["Role"].rpartition("/")[2]

    def about_other_keys(statement: Data) -> bool:
        resources = statement.get("Resource", [])
        resources = resources if isinstance(resources, list) else [resources]
        keys = [one for one in resources if ":kms:" in one]
        return bool(keys) and own not in keys

    change_role(world, build, role, about_other_keys)


def remove_code_from_cloudformation(world: World) -> None:
    """Take the artifacts from the role that CloudFormation works with in development."""

    def reads(statement: Data) -> bool:
        return statement.get("Sid") == "ReadArtifacts"

    change_role(world, world.account("development"), CLOUDFORMATION, reads)


def change_role(world: World, account_id: str, role: str, goes: Callable[[Data], bool]) -> None:
    """Take statements out of the inline policies of a role; at least one goes."""
    iam = world.lab.client("iam", account_id)
    gone = 0
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        kept = [one for one in document["Statement"] if not goes(one)]
        gone += len(document["Statement"]) - len(kept)
        document["Statement"] = kept
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    assert gone


@pytest.mark.parametrize(
    ("breaking", "stage", "said"),
    [
        (
            drop_account_from_bucket,
            "production",
            ["s3:GetObject", "crossaccountregional-pipelinebucket-"],
        ),
        (drop_account_from_key, "production", ["kms:Decrypt", CODEPIPELINE]),
        (break_trust, "testing", ["sts:AssumeRole", CODEPIPELINE]),
        (remove_pass_role, "development", ["iam:PassRole", CLOUDFORMATION]),
        (remove_key_of_destination, "SyncArtifacts", ["kms:GenerateDataKey"]),
        (remove_code_from_cloudformation, "development", ["GetObject"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_broken_link_stops_the_release_where_it_is_and_names_it(
    lab: Lab,
    pipeline: Pipeline,
    world: World,
    subscriber: Subscriber,
    breaking: Callable[[World], None],
    stage: str,
    said: list[str],
) -> None:
    """Talks to the lab. The message of the failed action holds what is missing, and to whom.

    Who hears of releases gets it too, once.
    """
    breaking(world)

    action = stopped(lab, pipeline)

    assert action.stage == stage, pipeline.description
    for words in said:
        assert words in action.message, pipeline.description
    (failed,) = subscriber.heard(1)
    assert (failed["event"], failed["stage"]) == ("release_failed", stage)
    assert failed["execution"] in failed["link"]
    host = world.inventory.build_account_id if stage == "SyncArtifacts" else world.account(stage)
    assert failed["account"] == host
    for words in said:
        assert words in failed["reason"]
