# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The template of a pipeline: as it was reviewed, with its options, and what is refused.

Who may do what in a deployed organisation is for tests/policy.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.limits import (
    BASE_RESOURCES,
    POLICY_LIMIT,
    size_problems,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.parts import (
    compose_part,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_parameters,
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.unit.roles.templates import BASE, resolve_template, size
from tools import sample_pipelines
from tools.render_templates import GOLDEN, golden
from tools.sample_pipelines import PRIMARY_OUTPUTS, SAMPLES, foundation

Data = dict[str, Any]
# Actions that AWS limits to no resource, or that find composite alarms only so.
_WITHOUT_RESOURCE = (
    "cloudwatch:DescribeAlarms",
    "ec2:Describe",
    "ecr:GetAuthorizationToken",
    "lambda:ListFunctions",
)


def composed(data: Data, **more: str) -> Data:
    """The resources of a pipeline, every function and condition resolved.

    more: parameters.
    """
    [read] = sample_pipelines.read(data)
    text = compose_template(read, BASE.read_text("ascii"), foundation())
    parameters = compose_parameters(read, foundation(), PRIMARY_OUTPUTS)
    return resolve_template(parse(text), **parameters, **more)


def statements(resources: Data, role: str) -> dict[str, Data]:
    """The statements of a role's only policy, by Sid."""
    [policy] = resources[role]["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def roles(resources: Data) -> Data:
    return {key: item for key, item in resources.items() if item["Type"] == "AWS::IAM::Role"}


def test_templates_are_as_they_were_reviewed() -> None:
    reviewed = {path.name: path.read_text("ascii") for path in GOLDEN.iterdir()}

    assert golden() == reviewed, (
        "write them again with python -m tools.render_templates --golden, and review what changed"
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_everything_is_filled_in_and_nothing_is_an_alias(name: str) -> None:
    text = sample_pipelines.template(name)

    assert "'@@" not in text
    # CloudFormation takes no YAML aliases.
    assert not re.search(r"^\s*(- )?[&*]id\d+", text, re.MULTILINE)


# What IAM and CodeBuild take


@pytest.mark.parametrize("name", SAMPLES)
def test_the_longest_name_fits_everywhere(name: str) -> None:
    resources = composed(SAMPLES[name]() | {"name": "n" * 32})

    for role in roles(resources).values():
        assert len(role["Properties"]["RoleName"]) <= 64
        assert size(role["Properties"]["AssumeRolePolicyDocument"]) <= 2_048
        assert sum(size(policy["PolicyDocument"]) for policy in role["Properties"]["Policies"]) <= (
            POLICY_LIMIT
        )


def test_the_policy_is_not_larger_than_the_check_assumes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check counts ARNs and adds a constant, before there is a template."""
    [policy] = composed(SAMPLES["many-regions"]())["PipelineRole"]["Properties"]["Policies"]
    read = sample_pipelines.pipeline("many-regions")
    limit = size(policy["PolicyDocument"]) - 1
    monkeypatch.setitem(size_problems.__globals__, "POLICY_LIMIT", limit)

    assert size_problems(read, foundation())


@pytest.mark.parametrize("name", SAMPLES)
def test_the_check_counts_every_resource(name: str) -> None:
    part = compose_part(sample_pipelines.pipeline(name), foundation())

    resources = parse(sample_pipelines.template(name))["Resources"]
    assert len(resources) == BASE_RESOURCES + len(part.resources)


# Options


def test_every_role_gets_the_boundary_that_an_organisation_demands() -> None:
    boundary = "arn:aws:iam::111111111111:policy/Boundary"
    for sample in (sample_pipelines.hello(), sample_pipelines.uploaded()):
        bounded = roles(composed(sample, PermissionsBoundaryArn=boundary))
        assert {role["Properties"].get("PermissionsBoundary") for role in bounded.values()} == {
            boundary
        }
        free = roles(composed(sample))
        free.pop("ReleaseRole", None)  # it has the boundary of builds
        assert {role["Properties"].get("PermissionsBoundary") for role in free.values()} == {None}


@pytest.mark.parametrize(
    ("name", "role", "without"),
    [
        ("hello", "PipelineRole", set()),
        ("one-region", "PipelineRole", {"AskForApproval", "EncryptQuestions"}),
        ("hello", "SourceRole", set()),
        ("native", "SourceRole", {"InvokeSyncArtifacts", "FindSyncArtifacts"}),
        ("one-region", "SourceRole", {"InvokeSyncArtifacts", "FindSyncArtifacts"}),
        # The key of the primary region is that of the builds.
        ("one-region", "ReleaseRole", {"EncryptAssets", "GetToken", "UseConnection"}),
        ("one-region", "PullRequestRole", {"GetToken", "UseConnection"}),
    ],
)
def test_a_role_has_no_statement_for_what_is_not_used(
    name: str, role: str, without: set[str]
) -> None:
    everything = statements(composed(sample_pipelines.hello()), role)
    found = statements(composed(SAMPLES[name]()), role)

    assert set(everything) - set(found) == without


@pytest.mark.parametrize("name", SAMPLES)
def test_no_role_passes_a_role_or_holds_a_wildcard(name: str) -> None:
    resources = composed(SAMPLES[name]())

    for role in roles(resources):
        for sid, statement in statements(resources, role).items():
            actions = statement["Action"]
            actions = actions if isinstance(actions, list) else [actions]
            if statement["Effect"] == "Deny":
                continue
            assert not [action for action in actions if "*" in action or "PassRole" in action], sid
            if statement["Resource"] == "*":
                assert all(action.startswith(_WITHOUT_RESOURCE) for action in actions), sid


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_build_uses_the_connection_by_the_name_of_its_service(service: str) -> None:
    data = sample_pipelines.hello()
    arn = data["source"]["connection_arn"].replace("codeconnections", service)
    data["source"]["connection_arn"] = arn
    found = statements(composed(data), "PullRequestRole")

    assert found["GetToken"]["Action"] == [
        f"{service}:GetConnection",
        f"{service}:GetConnectionToken",
    ]
    assert found["UseConnection"]["Action"] == [f"{service}:UseConnection"]
    assert found["UseConnection"]["Condition"] == {
        "StringEqualsIfExists": {f"{service}:FullRepositoryId": "example/hello"}
    }
    assert {found[sid]["Resource"] for sid in ("GetToken", "UseConnection")} == {arn}


def test_without_a_connection_the_accounts_oauth_is_used() -> None:
    resources = composed(sample_pipelines.one_region())

    assert resources["ReleaseProject"]["Properties"]["Source"]["Auth"] == {"Type": "OAUTH"}
    assert resources["PullRequestProject"]["Properties"]["Source"]["Auth"] == {"Type": "OAUTH"}


def test_a_release_uploads_what_the_pipeline_takes() -> None:
    data = sample_pipelines.hello()
    data["source"]["artifacts"][1]["object"] = "packages/function.zip"
    resources = composed(data)
    project = resources["ReleaseProject"]["Properties"]
    taken = [
        action["Configuration"]["S3ObjectKey"]
        for action in resources["Pipeline"]["Properties"]["Stages"][0]["Actions"]
    ]

    made = [project["Artifacts"], *project["SecondaryArtifacts"]]
    # Each build's id is in between; the starter copies the newest build to what is taken.
    assert [f"{artifact['Path']}/{artifact['Name']}" for artifact in made] == [
        f"builds/{key}" for key in taken
    ]
    assert {artifact["NamespaceType"] for artifact in made} == {"BUILD_ID"}
    assert taken == ["hello/application.zip", "hello/packages/function.zip"]
    statements = {
        statement["Sid"]: statement
        for statement in resources["StarterRole"]["Properties"]["Policies"][0]["PolicyDocument"][
            "Statement"
        ]
    }
    written = statements["WriteNewestBuild"]["Resource"]
    assert [arn.partition("/")[2] for arn in written] == taken


@pytest.mark.parametrize(
    ("branch", "pattern"),
    [("main", "^refs/heads/main$"), ("release/1.x", "^refs/heads/release/1[.]x$")],
)
def test_a_branch_is_matched_literally(branch: str, pattern: str) -> None:
    data = sample_pipelines.hello()
    data["source"]["branch"] = branch
    resources = composed(data)

    for name in ("ReleaseProject", "PullRequestProject"):
        [[_event, ref]] = resources[name]["Properties"]["Triggers"]["FilterGroups"]
        assert ref["Pattern"] == pattern


@pytest.mark.parametrize(("forks", "policy"), [(False, "FORK_PULL_REQUESTS"), (True, "DISABLED")])
def test_forks_wait_for_somebody_who_may_push(forks: bool, policy: str) -> None:
    data = sample_pipelines.hello()
    data["source"]["forks"] = forks
    del data["source"]["connection_arn"]
    triggers = composed(data)["PullRequestProject"]["Properties"]["Triggers"]

    assert triggers["PullRequestBuildPolicy"]["RequiresCommentApproval"] == policy


def test_both_builds_run_in_the_same_environment() -> None:
    data = sample_pipelines.hello()
    data["build"] |= {
        "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        "compute_type": "BUILD_GENERAL1_LARGE",
        "buildspec": "ci/buildspec.yml",
        "privileged": True,
    }
    resources = composed(data)

    release, pull_request = (
        resources[name]["Properties"] for name in ("ReleaseProject", "PullRequestProject")
    )
    assert release["Environment"] == pull_request["Environment"]
    assert release["Environment"]["Type"] == "ARM_CONTAINER"
    assert release["Environment"]["ComputeType"] == "BUILD_GENERAL1_LARGE"
    assert release["Source"]["BuildSpec"] == pull_request["Source"]["BuildSpec"]


def test_the_upload_of_the_last_object_starts_the_pipeline_with_its_version() -> None:
    resources = composed(sample_pipelines.uploaded())
    rule = resources["StartRule"]["Properties"]

    assert rule["EventPattern"]["detail"]["object"] == {"key": ["uploaded/function.zip"]}
    [target] = rule["Targets"]
    [revision] = json.loads(target["InputTransformer"]["InputTemplate"])["sourceRevisions"]
    assert revision == {
        "actionName": "function",
        "revisionType": "S3_OBJECT_VERSION_ID",
        "revisionValue": "<version>",
    }
    assert not [key for key in resources if "Release" in key or "PullRequest" in key]


def test_a_job_of_gitlab_uploads_with_a_token_for_its_instance() -> None:
    data = sample_pipelines.uploaded()
    provider = "arn:aws:iam::111111111111:oidc-provider/gitlab.example.com"
    subject = "project_path:group/hello:ref_type:branch:ref:main"
    data["source"]["uploader"] = {"oidc_provider_arn": provider, "oidc_subject": subject}
    role = composed(data)["UploaderRole"]["Properties"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Federated": provider}
    assert statement["Condition"] == {
        "StringEquals": {
            "gitlab.example.com:aud": "https://gitlab.example.com",
            "gitlab.example.com:sub": subject,
        }
    }


def test_what_is_built_here_has_no_uploader() -> None:
    assert "UploaderRole" not in composed(sample_pipelines.hello())


# What is refused


def test_a_region_that_is_not_registered_is_refused() -> None:
    read = sample_pipelines.pipeline("hello")
    register = {key: item for key, item in foundation().register.items() if key != "eu-west-1"}
    given = dataclasses.replace(foundation(), register=register)
    message = (
        r"^pipeline hello: region eu-west-1 is not in the register\."
        " Run the bootstrap, so that it has a pipeline bucket and a key$"
    )

    with pytest.raises(PipelineError, match=message):
        compose_template(read, BASE.read_text("ascii"), given)
    with pytest.raises(PipelineError, match=message):
        compose_parameters(read, given, PRIMARY_OUTPUTS)


@pytest.mark.parametrize("missing", PRIMARY_OUTPUTS)
def test_a_primary_stack_without_what_is_needed_is_refused(missing: str) -> None:
    read = sample_pipelines.pipeline("hello")
    outputs = {name: value for name, value in PRIMARY_OUTPUTS.items() if name != missing}
    message = rf"^pipeline hello: the primary stack has no output {missing}\. Run the bootstrap"

    with pytest.raises(PipelineError, match=message):
        compose_parameters(read, foundation(), outputs)


def test_a_template_that_is_too_large_is_refused() -> None:
    base = BASE.read_text("ascii") + "#" * 1_000_000
    message = r"^pipeline hello: its template has 10\d{5} bytes, more than the 1000000 that"

    with pytest.raises(PipelineError, match=message):
        compose_template(sample_pipelines.pipeline("hello"), base, foundation())
