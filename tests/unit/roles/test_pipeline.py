# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The template of a pipeline: as it was reviewed, and who may do what by it. Calls nothing.

The reviewed templates are in ``golden``. ``python -m tools.render_templates --golden`` writes them
anew; what has changed in them is then for the reviewer.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.limits import (
    POLICY_LIMIT,
    size_problems,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.stages import (
    Foundation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.template import (
    compose_parameters,
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.unit.roles.templates import ACCOUNT, BASE, resolve_template, size
from tools import sample_pipelines
from tools.render_templates import GOLDEN, golden
from tools.sample_pipelines import PRIMARY_OUTPUTS, PRIMARY_REGION, SAMPLES, foundation

Data = dict[str, Any]
BUILD_BUCKET = f"arn:aws:s3:::{PRIMARY_OUTPUTS['BuildBucketName']}"
PRIMARY = foundation().register[PRIMARY_REGION]
BUILD_ROLES = {"SourceRole", "StartRole", "ReleaseRole", "PullRequestRole"}


def composed(data: Data) -> Data:
    """Return the resources of an application's pipeline, every function resolved."""
    [read] = sample_pipelines.read(data)
    text = compose_template(read, BASE.read_text("ascii"), foundation())
    parameters = compose_parameters(read, PRIMARY_REGION, foundation().register, PRIMARY_OUTPUTS)
    resources = resolve_template(parse(text), **parameters)
    conditions = {
        "BuildsHere": bool(parameters.get("Repository")),
    }
    return {
        key: resource
        for key, resource in resources.items()
        if conditions.get(resource.get("Condition", ""), True)
    }


def statements(resources: Data, role: str) -> dict[str, Data]:
    """Return the statements of a role's only policy, by Sid."""
    [policy] = resources[role]["Properties"]["Policies"]
    return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def trust(resources: Data, role: str) -> Data:
    """Return the only statement of a role's trust policy."""
    [statement] = resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)


def roles(resources: Data) -> Data:
    return {key: one for key, one in resources.items() if one["Type"] == "AWS::IAM::Role"}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# As reviewed


def test_templates_are_as_they_were_reviewed() -> None:
    reviewed = {path.name: path.read_text("ascii") for path in GOLDEN.iterdir()}

    assert golden() == reviewed, (
        "write them again with python -m tools.render_templates --golden, and review what changed"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_left_to_put_in_and_nothing_is_written_twice_by_reference(name: str) -> None:
    text = sample_pipelines.template(name)

    assert "'@@" not in text
    assert text.isascii()
    assert not re.search(r"^\s*(- )?[&*]id\d+", text, re.MULTILINE)
    # Comments of the base are for its readers, and for those of the result.
    assert "# Deploy accounts trust this path" in text


def test_many_regions_and_environments_fit() -> None:
    text = sample_pipelines.template("many-regions")
    template = parse(text)
    stores = template["Resources"]["Pipeline"]["Properties"]["ArtifactStores"]

    assert len(stores) == 20
    assert 51_200 < len(text) < 1_000_000


@pytest.mark.parametrize("name", SAMPLES)
def test_every_parameter_is_explained_and_used(name: str) -> None:
    text = sample_pipelines.template(name)
    template = parse(text)

    body = json.dumps([template["Resources"], template["Conditions"], template["Outputs"]])
    for key, definition in template["Parameters"].items():
        assert definition["Description"], key
        assert definition["AllowedPattern"], key
        assert re.search(rf'{{"Ref": "{key}"}}|\${{{key}}}', body), key


def test_no_arn_of_the_base_is_of_a_fixed_partition() -> None:
    assert "arn:aws:" not in BASE.read_text("ascii")


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "eu-west-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_roles_are_of_the_partition_that_the_keys_are_of(partition: str, region: str) -> None:
    entry = {
        "key_arn": f"arn:{partition}:kms:{region}:{ACCOUNT}:key/0",
        "bucket_arn": f"arn:{partition}:s3:::bucket",
    }
    given = Foundation(
        region=region,
        register={region: entry},
        codepipeline_role_name="A",
        cloudformation_role_name="B",
    )

    assert given.role_arn("222222222222", "A") == f"arn:{partition}:iam::222222222222:role/A"
    assert given.bucket_name(region) == "bucket"


# Roles


@pytest.mark.parametrize("name", SAMPLES)
def test_the_pipelines_role_alone_lives_where_deploy_accounts_trust(name: str) -> None:
    found = roles(composed(SAMPLES[name]()))

    paths = {key: role["Properties"]["Path"] for key, role in found.items()}
    assert paths.pop("PipelineRole") == "/crossaccount/pipeline/"
    assert set(paths.values()) == {"/crossaccount/build/"}
    built_elsewhere = {"SourceRole", "StartRole"}
    assert set(paths) == (built_elsewhere if name == "uploaded" else BUILD_ROLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_names_fit_and_policies_too(name: str) -> None:
    data = SAMPLES[name]() | {"name": "n" * 32}
    resources = composed(data)

    for role in roles(resources).values():
        assert len(role["Properties"]["RoleName"]) <= 64
        assert size(role["Properties"]["AssumeRolePolicyDocument"]) <= 2_048
        assert sum(size(one["PolicyDocument"]) for one in role["Properties"]["Policies"]) <= 10_240
    for resource in resources.values():
        if resource["Type"] == "AWS::CodeBuild::Project":
            assert len(resource["Properties"]["Name"]) <= 150


def test_the_size_of_the_pipelines_policy_is_not_guessed_too_low() -> None:
    data = sample_pipelines.one_region()
    organisation = sample_pipelines.organisation()
    [read] = sample_pipelines.read(data)
    assert size_problems(read, foundation()) == []
    # As many regions and accounts as are still let through.
    read = sample_pipelines.application("many-regions")
    resources = composed(sample_pipelines.many_regions())
    [policy] = resources["PipelineRole"]["Properties"]["Policies"]
    real = size(policy["PolicyDocument"])
    arns = [
        *(f"arn:aws:iam::{account}:role/CrossAccountCodePipeline" for account in read.account_ids),
        *(one["bucket_arn"] + "/*" for one in foundation().register.values()),
        *(one["bucket_arn"] for one in foundation().register.values()),
        *(one["key_arn"] for one in foundation().register.values()),
    ]
    assert len(organisation.regions) == 20
    assert real <= size(arns) + 1_600 <= POLICY_LIMIT


def test_the_pipeline_becomes_its_source_role_and_exactly_the_deploy_roles() -> None:
    found = statements(composed(sample_pipelines.hello()), "PipelineRole")

    assert found["AssumeRolesOfActions"]["Action"] == "sts:AssumeRole"
    source, *deploy = found["AssumeRolesOfActions"]["Resource"]
    assert "SourceRole" in source
    assert deploy == [
        f"arn:aws:iam::{account}:role/CrossAccountCodePipeline"
        for account in ("222222222222", "333333333333", "444444444444")
    ]


def test_the_pipeline_reads_and_writes_exactly_its_stores() -> None:
    found = statements(composed(sample_pipelines.hello()), "PipelineRole")
    stores = [
        foundation().register[region] for region in ("ap-southeast-2", "eu-west-1", "us-east-1")
    ]

    assert found["ReadAndWriteArtifacts"]["Resource"] == [
        f"{one['bucket_arn']}/*" for one in stores
    ]
    assert found["FindArtifacts"]["Resource"] == [one["bucket_arn"] for one in stores]
    assert found["UseArtifactKeys"]["Resource"] == [one["key_arn"] for one in stores]
    assert found["UseArtifactKeys"]["Condition"] == {
        "StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}
    }


def test_a_pipeline_asks_for_approval_only_where_there_is_one() -> None:
    data = sample_pipelines.hello()
    asked = statements(composed(data), "PipelineRole")
    del data["waves"][2]["approval"]
    never = statements(composed(data), "PipelineRole")

    assert asked["AskForApproval"]["Resource"] == PRIMARY_OUTPUTS["ApprovalTopicArn"]
    assert asked["EncryptQuestions"]["Resource"] == PRIMARY["key_arn"]
    assert asked["EncryptQuestions"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}
    }
    assert set(asked) - set(never) == {"AskForApproval", "EncryptQuestions"}


def test_only_the_pipeline_becomes_the_source_role() -> None:
    statement = trust(composed(sample_pipelines.hello()), "SourceRole")
    pipeline = f"arn:aws:iam::{ACCOUNT}:role/crossaccount/pipeline/hello-pipeline"

    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": pipeline},
        },
    }


def test_the_source_role_reads_its_own_builds_and_writes_the_store_next_to_it() -> None:
    found = statements(composed(sample_pipelines.hello()), "SourceRole")

    assert found["ReadBuilds"]["Resource"] == f"{BUILD_BUCKET}/hello/*"
    assert found["ReadBuilds"]["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert found["FindBuilds"]["Resource"] == BUILD_BUCKET
    assert found["ReadAndWriteArtifacts"]["Resource"] == f"{PRIMARY['bucket_arn']}/*"
    assert found["UseKey"]["Resource"] == PRIMARY["key_arn"]
    writes = [sid for sid, one in found.items() if "s3:PutObject" in listed(one["Action"])]
    assert writes == ["ReadAndWriteArtifacts"]


@pytest.mark.parametrize(
    ("name", "syncs"), [("hello", True), ("native", False), ("one-region", False)]
)
def test_the_function_is_invoked_only_where_artifacts_are_synced(name: str, syncs: bool) -> None:
    found = statements(composed(SAMPLES[name]()), "SourceRole")

    invokes = {sid: one for sid, one in found.items() if "lambda" in json.dumps(one["Action"])}
    assert set(invokes) == ({"InvokeSyncArtifacts", "FindSyncArtifacts"} if syncs else set())
    if syncs:
        function = PRIMARY_OUTPUTS["SyncArtifactsFunctionName"]
        assert invokes["InvokeSyncArtifacts"]["Action"] == "lambda:InvokeFunction"
        assert invokes["InvokeSyncArtifacts"]["Resource"] == (
            f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
        )


def test_a_release_writes_its_own_builds_and_no_more() -> None:
    found = statements(composed(sample_pipelines.hello()), "ReleaseRole")

    assert found["UploadBuilds"] == {
        "Sid": "UploadBuilds",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"{BUILD_BUCKET}/hello/*",
    }
    assert found["EncryptBuilds"]["Resource"] == PRIMARY["key_arn"]
    assert found["EncryptBuilds"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    }
    assert set(found) == {
        "UploadBuilds",
        "FindBuildBucket",
        "EncryptBuilds",
        "UseConnection",
        "WriteLog",
    }


def test_a_pull_request_reaches_no_bucket_no_key_and_no_pipeline() -> None:
    resources = composed(sample_pipelines.hello())
    found = statements(resources, "PullRequestRole")
    project = resources["PullRequestProject"]["Properties"]

    assert set(found) == {"UseConnection", "WriteLog"}
    assert not re.search("s3|kms|codepipeline", json.dumps(found))
    assert project["Artifacts"] == {"Type": "NO_ARTIFACTS"}
    assert not {"SecondaryArtifacts", "EncryptionKey", "Cache"} & set(project)
    assert project["ServiceRole"] != resources["ReleaseProject"]["Properties"]["ServiceRole"]


@pytest.mark.parametrize("role", ["ReleaseRole", "PullRequestRole"])
@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_build_uses_its_own_connection_only(role: str, service: str) -> None:
    data = sample_pipelines.hello()
    arn = data["source"]["connection_arn"].replace("codeconnections", service)
    data["source"]["connection_arn"] = arn
    resources = composed(data)
    found = statements(resources, role)["UseConnection"]

    assert found["Resource"] == arn
    assert found["Action"] == [
        f"{service}:GetConnection",
        f"{service}:GetConnectionToken",
        f"{service}:UseConnection",
    ]


def test_without_a_connection_the_accounts_oauth_is_used() -> None:
    resources = composed(sample_pipelines.one_region())

    for name in ("Release", "PullRequest"):
        assert "UseConnection" not in statements(resources, f"{name}Role")
        assert resources[f"{name}Project"]["Properties"]["Source"]["Auth"] == {"Type": "OAUTH"}


@pytest.mark.parametrize(
    ("role", "project"),
    [("ReleaseRole", "hello-release"), ("PullRequestRole", "hello-pull-request")],
)
def test_a_build_role_is_for_its_own_project(role: str, project: str) -> None:
    statement = trust(composed(sample_pipelines.hello()), role)

    assert statement["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/{project}"}
    }


def test_the_rule_starts_its_own_pipeline() -> None:
    resources = composed(sample_pipelines.hello())
    found = statements(resources, "StartRole")
    arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:hello"

    assert list(found) == ["StartPipeline"]
    assert (found["StartPipeline"]["Action"], found["StartPipeline"]["Resource"]) == (
        "codepipeline:StartPipelineExecution",
        arn,
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_no_role_passes_a_role_and_one_action_alone_is_for_everything(name: str) -> None:
    resources = composed(SAMPLES[name]())

    for role in roles(resources):
        for sid, statement in statements(resources, role).items():
            actions = listed(statement["Action"])
            assert "iam:PassRole" not in actions
            assert not [action for action in actions if "*" in action], sid
            if statement["Resource"] == "*":
                assert actions == ["lambda:ListFunctions"], sid
            if any(action.startswith("kms:") for action in actions):
                assert "kms:ViaService" in json.dumps(statement["Condition"]), sid


# Builds


def test_a_release_uploads_what_the_pipeline_takes() -> None:
    resources = composed(sample_pipelines.hello())
    project = resources["ReleaseProject"]["Properties"]
    taken = [
        action["Configuration"]["S3ObjectKey"]
        for action in resources["Pipeline"]["Properties"]["Stages"][0]["Actions"]
    ]

    made = [project["Artifacts"], *project["SecondaryArtifacts"]]
    assert [f"{one['Path']}/{one['Name']}" for one in made] == taken
    assert [one.get("ArtifactIdentifier") for one in made] == [None, "function"]
    for one in made:
        assert one["Location"] == PRIMARY_OUTPUTS["BuildBucketName"]
        assert one["EncryptionDisabled"] is False
        assert one["Packaging"] == "ZIP"
    assert project["EncryptionKey"] == PRIMARY["key_arn"]
    assert project["ConcurrentBuildLimit"] == 1


def test_an_object_further_down_is_uploaded_there() -> None:
    data = sample_pipelines.hello()
    data["source"]["artifacts"][1]["object"] = "packages/function.zip"
    project = composed(data)["ReleaseProject"]["Properties"]

    [secondary] = project["SecondaryArtifacts"]
    assert (secondary["Path"], secondary["Name"]) == ("hello/packages", "function.zip")


@pytest.mark.parametrize(
    ("branch", "pattern"),
    [("main", "^refs/heads/main$"), ("release/1.x", "^refs/heads/release/1[.]x$")],
)
def test_pushes_are_released_and_pull_requests_are_built(branch: str, pattern: str) -> None:
    data = sample_pipelines.hello()
    data["source"]["branch"] = branch
    resources = composed(data)
    filters = {
        name: resources[name]["Properties"]["Triggers"]["FilterGroups"]
        for name in ("ReleaseProject", "PullRequestProject")
    }

    assert filters == {
        "ReleaseProject": [
            [{"Type": "EVENT", "Pattern": "PUSH"}, {"Type": "HEAD_REF", "Pattern": pattern}]
        ],
        "PullRequestProject": [
            [
                {
                    "Type": "EVENT",
                    "Pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED",
                },
                {"Type": "BASE_REF", "Pattern": pattern},
            ]
        ],
    }
    assert re.search(pattern, f"refs/heads/{branch}")
    assert not re.search(pattern, f"refs/heads/{branch}-2")
    for name in filters:
        assert resources[name]["Properties"]["Source"]["ReportBuildStatus"] is True


@pytest.mark.parametrize(("forks", "policy"), [(False, "FORK_PULL_REQUESTS"), (True, "DISABLED")])
def test_forks_wait_for_somebody_who_may_push(forks: bool, policy: str) -> None:
    data = sample_pipelines.hello()
    data["source"]["forks"] = forks
    triggers = composed(data)["PullRequestProject"]["Properties"]["Triggers"]

    assert triggers["PullRequestBuildPolicy"]["RequiresCommentApproval"] == policy
    assert "GITHUB_READ" not in triggers["PullRequestBuildPolicy"]["ApproverRoles"]


def test_both_builds_run_in_the_same_surroundings() -> None:
    data = sample_pipelines.hello()
    data["source"] |= {
        "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        "compute_type": "BUILD_GENERAL1_LARGE",
        "buildspec": "ci/buildspec.yml",
    }
    resources = composed(data)

    for name in ("ReleaseProject", "PullRequestProject"):
        properties = resources[name]["Properties"]
        assert properties["Environment"] == {
            "Type": "ARM_CONTAINER",
            "Image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
            "ComputeType": "BUILD_GENERAL1_LARGE",
            "PrivilegedMode": False,
            "EnvironmentVariables": [{"Name": "STAGE", "Type": "PLAINTEXT", "Value": "release"}],
        }
        assert properties["Source"]["BuildSpec"] == "ci/buildspec.yml"


# One rule, one start


def test_the_build_that_has_succeeded_starts_the_pipeline() -> None:
    rule = composed(sample_pipelines.hello())["StartRule"]["Properties"]

    assert rule["EventPattern"] == {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"build-status": ["SUCCEEDED"], "project-name": ["hello-release"]},
    }
    [target] = rule["Targets"]
    assert "InputTransformer" not in target


def test_the_upload_of_the_last_object_starts_the_pipeline_with_its_version() -> None:
    resources = composed(sample_pipelines.uploaded())
    rule = resources["StartRule"]["Properties"]

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [PRIMARY_OUTPUTS["BuildBucketName"]]},
            "object": {"key": ["uploaded/function.zip"]},
        },
    }
    [target] = rule["Targets"]
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"] == {"version": "$.detail.object.version-id"}
    assert json.loads(transformer["InputTemplate"]) == {
        "sourceRevisions": [
            {
                "actionName": "function",
                "revisionType": "S3_OBJECT_VERSION_ID",
                "revisionValue": "<version>",
            }
        ]
    }
    sources = resources["Pipeline"]["Properties"]["Stages"][0]["Actions"]
    assert "function" in [action["Name"] for action in sources]


def test_what_is_built_elsewhere_has_no_projects() -> None:
    assert set(composed(sample_pipelines.uploaded())) == {
        "Pipeline",
        "PipelineRole",
        "SourceRole",
        "StartRule",
        "StartRole",
    }


# What is refused


def test_a_region_that_is_not_registered_is_refused() -> None:
    read = sample_pipelines.application("hello")
    register = dict(foundation().register)
    del register["eu-west-1"]
    given = Foundation(
        region=PRIMARY_REGION,
        register=register,
        codepipeline_role_name="A",
        cloudformation_role_name="B",
    )
    told = (
        r"^pipeline hello: region eu-west-1 is not in the register\."
        " Run the bootstrap, so that it has a pipeline bucket and a key$"
    )

    with pytest.raises(PipelineError, match=told):
        compose_template(read, BASE.read_text("ascii"), given)
    with pytest.raises(PipelineError, match=told):
        compose_parameters(read, PRIMARY_REGION, register, PRIMARY_OUTPUTS)


@pytest.mark.parametrize("missing", PRIMARY_OUTPUTS)
def test_a_primary_stack_without_what_is_needed_is_refused(missing: str) -> None:
    outputs = {name: value for name, value in PRIMARY_OUTPUTS.items() if name != missing}

    with pytest.raises(
        PipelineError,
        match=rf"^pipeline hello: the primary stack has no output {missing}\. Run the bootstrap",
    ):
        compose_parameters(
            sample_pipelines.application("hello"),
            PRIMARY_REGION,
            foundation().register,
            outputs,
        )


def test_a_template_that_is_too_large_is_refused() -> None:
    with pytest.raises(
        PipelineError,
        match=r"^pipeline hello: its template has 10\d{5} bytes, more than the 1000000 that",
    ):
        compose_template(
            sample_pipelines.application("hello"),
            BASE.read_text("ascii") + "#" * 1_000_000,
            foundation(),
        )


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PipelineName", "a-b-2"),
        ("PipelineBucketArn", "arn:aws:s3:::known-after-apply"),
        ("KeyArn", "arn:aws:kms:us-east-1:111111111111:key/known-after-apply"),
        ("SyncArtifactsFunctionName", "known-after-apply"),
        ("ApprovalTopicArn", "arn:aws:sns:us-east-1:111111111111:known-after-apply"),
        ("BuildBucketName", "known-after-apply"),
        ("Branch", "release/1.x"),
        ("Image", "111111111111.dkr.ecr.us-east-1.amazonaws.com/build@sha256:0123"),
    ],
)
def test_parameters_accept_real_values_and_those_of_check_mode(parameter: str, value: str) -> None:
    pattern = parse(BASE.read_text("ascii"))["Parameters"][parameter]["AllowedPattern"]

    assert re.search(pattern, value)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PipelineName", "*"),
        ("PipelineName", "hello/../other"),
        ("BuildBucketName", "bucket/*"),
        ("PipelineBucketArn", "arn:aws:s3:::*"),
        ("KeyArn", "arn:aws:kms:us-east-1:111111111111:alias/artifacts"),
        ("SyncArtifactsFunctionName", "*"),
        ("ApprovalTopicArn", "arn:aws:sns:us-east-1:111111111111:*"),
        ("ConnectionArn", "arn:aws:codeconnections:us-east-1:111111111111:connection/*"),
        ("Branch", ".*"),
        ("Repository", "https://example.com/a/b"),
        ("TriggerObjectKey", "hello/*"),
    ],
)
def test_parameters_refuse_what_would_open_a_door(parameter: str, value: str) -> None:
    pattern = parse(BASE.read_text("ascii"))["Parameters"][parameter]["AllowedPattern"]

    assert not re.search(pattern, value)
