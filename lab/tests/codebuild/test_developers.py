# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build of the team reaches a developer's account and is deployed there."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.receiving import (
    receive_builds,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import Pipeline
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source import (
    S3,
    Artifact,
    Source,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.foundation import (
    Foundation as Register,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_parameters,
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)

from lab import Lab
from lab.clients import Clients
from lab.tests.applications import CAPABILITIES, Foundation
from lab.tests.codebuild.test_overlapping import failed
from lab.tests.stacks import Stacks, eventually, parameters, refused, statements
from lab.tests.world import TEMPLATE, template, zipped
from tools import sample_pipelines
from tools.environment import ROOT

DEVELOPER, REGION = "222222222222", "us-east-1"
TEAM = "111111111111"
FILES = {
    "application.zip": zipped({TEMPLATE: template()}),
    "function.zip": zipped({"index.py": ""}),
}
SENDERS = [{"account_id": TEAM, "pipelines": ["hello"]}]
POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


class Developer:
    """A small organisation of one account: foundation, deploy roles and a pipeline of uploads."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.api = lab.client("cloudformation", DEVELOPER)
        rendered = _template.render(ROOT / "roles" / "primary" / "files" / "primary.template")
        primary = self._make(
            "CrossAccountPrimary",
            receive_builds(rendered, SENDERS, ""),
            DeployAccountIds=DEVELOPER,
        )
        self.outputs = {
            output["OutputKey"]: output["OutputValue"] for output in primary.describe()["Outputs"]
        }
        deploy = ROOT / "roles" / "deploy_account" / "files" / "deploy_account.template"
        self._make(
            "CrossAccountDeploy",
            _template.render(deploy),
            BuildAccountId=DEVELOPER,
            BucketArns=self.outputs["PipelineBucketArn"],
            KeyArns=self.outputs["KeyArn"],
            ExecutionPolicyArns=POLICY,
            AccessRoleName="CrossAccountAccess",
        )
        own = {
            "key_arn": self.outputs["KeyArn"],
            "bucket_arn": self.outputs["PipelineBucketArn"],
        }
        register = Register(
            region=REGION,
            register={REGION: own},
            codepipeline_role_name="CrossAccountCodePipeline",
            cloudformation_role_name="CrossAccountCloudFormation",
        )
        found = self._pipeline()
        base = sample_pipelines.BASE.read_text(encoding="ascii")
        given = compose_parameters(found, register, self.outputs)
        self._make("hello-pipeline", compose_template(found, base, register), **given)

    @property
    def bucket(self) -> str:
        return str(self.outputs["BuildBucketName"])

    def _make(self, name: str, body: str, **values: str) -> Stacks:
        stacks = Stacks(self.api, name)
        more = {"Parameters": parameters(**values), "Capabilities": CAPABILITIES}
        assert stacks.create(body, **more) == "CREATE_COMPLETE"
        return stacks

    def _pipeline(self) -> Pipeline:
        waves = [{"name": "mine", "environments": [{"host": "development"}]}]
        stacks = [{"name": "hello", "artifact": "application", "template": "template.json"}]
        data = {**sample_pipelines.hello(), "stacks": stacks, "waves": waves}
        [found] = sample_pipelines.read(data)
        uploads = (
            Artifact(name="application", object="application.zip", trigger=True),
            Artifact(name="function", object="function.zip"),
        )
        return dataclasses.replace(found, source=Source(type=S3, artifacts=uploads))


@pytest.fixture(scope="module")
def developer(running_lab: Lab) -> Developer:
    return Developer(running_lab)


@pytest.fixture(scope="module")
def team(running_lab: Lab, developer: Developer) -> Foundation:
    foundation = Foundation(running_lab)
    receiver = {"account_id": DEVELOPER, "bucket": developer.bucket}
    foundation.install("hello", developers=[receiver])
    return foundation


def test_a_build_of_the_team_is_deployed_by_the_developer_s_pipeline(
    team: Foundation, developer: Developer
) -> None:
    assert team.lab.build("hello-release", FILES)["buildStatus"] == "SUCCEEDED"

    api = team.lab.client("codepipeline", DEVELOPER)

    def ended() -> dict[str, Any] | None:
        found = api.list_pipeline_executions(pipelineName="hello")["pipelineExecutionSummaries"]
        # The first one began when the pipeline was made, without a build.
        over = [one for one in found[:-1] if one["status"] not in ("InProgress", "Stopping")]
        return over[0] if over else None

    execution = eventually(ended)
    failures = [
        action["output"]["executionResult"]["errorDetails"]["message"]
        for action in api.list_action_executions(
            pipelineName="hello",
            filter={"pipelineExecutionId": execution["pipelineExecutionId"]},
        )["actionExecutionDetails"]
        if action["status"] == "Failed"
    ]
    assert failures == []
    assert execution["trigger"]["triggerType"] == "CloudWatchEvent"
    assert Stacks(developer.api, "hello").status() == "CREATE_COMPLETE"
    assert failed(team) == []


def test_a_build_that_cannot_be_sent_is_in_the_queue_and_starts_nothing(
    team: Foundation, developer: Developer
) -> None:
    s3 = team.lab.client("s3", DEVELOPER)
    policy = json.loads(s3.get_bucket_policy(Bucket=developer.bucket)["Policy"])
    less = [item for item in policy["Statement"] if not item["Sid"].startswith("ReceiveBuilds")]
    before = _versions(s3, developer)
    s3.put_bucket_policy(Bucket=developer.bucket, Policy=json.dumps({**policy, "Statement": less}))
    assert team.lab.build("hello-release", FILES)["buildStatus"] == "SUCCEEDED"
    [message] = eventually(lambda: failed(team))
    s3.put_bucket_policy(Bucket=developer.bucket, Policy=json.dumps(policy))

    assert (
        f"not sent to {developer.bucket}"
        in message["MessageAttributes"]["ErrorMessage"]["StringValue"]
    )
    assert _versions(s3, developer) == before


def _versions(s3: Any, developer: Developer) -> int:
    return len(s3.list_object_versions(Bucket=developer.bucket, Prefix="hello/")["Versions"])


# Who may write what; each beside what is allowed


def client_as(lab: Lab, account: str, role: str) -> Any:
    """S3 as a role that may do everything with objects and keys by its own policies."""
    iam = lab.client("iam", account)
    trust = statements({"Principal": {"AWS": account}, "Action": "sts:AssumeRole"})
    path, _slash, name = role.rpartition("/")
    try:
        iam.create_role(RoleName=name, Path=f"/{path}/", AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    everything = statements({"Action": ["s3:*", "kms:*"], "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
    clients = Clients(lab.url)
    credentials = clients.assume(account, role, REGION)
    return clients.client("s3", region=REGION, credentials=credentials)


def test_the_sender_writes_its_builds_and_does_nothing_else(
    team: Foundation, developer: Developer
) -> None:
    sender = client_as(team.lab, TEAM, "crossaccount/build/hello-starter")
    other = client_as(team.lab, TEAM, "crossaccount/build/another-starter")
    place = {"Bucket": developer.bucket, "Key": "hello/allowed.zip"}
    sender.put_object(**place, Body=b"a build")

    for denied in (
        lambda: sender.put_object(**{**place, "Key": "another/a.zip"}, Body=b""),
        lambda: sender.put_object(**{**place, "Key": "templates/a.template"}, Body=b""),
        lambda: sender.get_object(**place),
        lambda: sender.delete_object(**place),
        lambda: other.put_object(**place, Body=b""),
    ):
        assert refused(denied).startswith("AccessDenied")


def test_the_developer_can_write_nothing_back(team: Foundation, developer: Developer) -> None:
    role = client_as(team.lab, DEVELOPER, "crossaccount/build/hello-starter")
    own = {"Bucket": developer.bucket, "Key": "hello/own.zip", "Body": b"mine"}
    role.put_object(**own)

    for bucket in ("BuildBucketName", "PipelineBucketName"):
        theirs = team.outputs[bucket]
        write = functools.partial(role.put_object, **{**own, "Bucket": theirs})
        read = functools.partial(role.get_object, Bucket=theirs, Key="hello/application.zip")
        assert refused(write).startswith("AccessDenied")
        assert refused(read).startswith("AccessDenied")
