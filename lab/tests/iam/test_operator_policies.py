# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented policies are enough for everything, and nothing in them is too much.

Every path is gone once with the whole policy, and the lab notes what was asked for. Then it is gone
again with a permission taken out, and must fail for want of it: for each that the role uses itself,
and for one of each service that CloudFormation uses in its name. The others of that service fail in
the same way, so for each of them it is enough that nothing else allows what was asked for.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.notifications import (
    Notifications,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.places import (
    fill_places,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_parameters,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.topics import (
    organisation_topics,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)
from botocore.exceptions import ClientError

from lab import Lab, load_organisation, operator_policy
from lab.clients import Clients
from lab.organisation.seed import OPERATOR_POLICIES
from lab.tests.iam.subject import (
    ACCESS_PATHS,
    DEPLOY,
    OPERATOR_PATHS,
    PATHS,
    PIPELINE_PATHS,
    REGION,
    Subject,
    access_policy,
    actions_of,
    changed,
    render,
    shortened,
)
from tools.sample_pipelines import PRIMARY_OUTPUTS, foundation, pipeline, template


def together(*names: str) -> dict[str, Any]:
    """The statements of several of the operator's policies."""
    policies = [json.loads(operator_policy(load_organisation(), name)) for name in names]
    return {"Statement": [one for policy in policies for one in policy["Statement"]]}


POLICIES = {
    "operator": together("operator"),
    "pipelines": together("operator-pipelines", "operator-builds"),
    "access": access_policy(),
}
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
_TAGS = "MiniStack does not ask for it, and whether AWS does is not documented clearly"
_UNUSED = "the engine does not call it"
_NO_CONNECTION = "this pipeline has none: lab/tests/codepipeline/test_sources.py"
_RETIRED = "removes what an earlier version replicated builds with"
UNSEEN: dict[str, dict[str, str]] = {
    "operator": {
        "cloudformation:DescribeStackResources": _UNUSED,
        "cloudformation:TagResource": _TAGS,
        "cloudformation:UntagResource": _TAGS,
        "kms:DisableKey": "no template of ours disables a key",
        **{
            f"events:{name}": _RETIRED
            for name in ("DeleteRule", "DescribeRule", "ListTargetsByRule", "RemoveTargets")
        },
        "lambda:RemovePermission": _RETIRED,
    },
    "pipelines": {
        "cloudformation:DescribeStackResources": _UNUSED,
        "cloudformation:TagResource": _TAGS,
        "cloudformation:UntagResource": _TAGS,
        "codeconnections:PassConnection": _NO_CONNECTION,
        "codestar-connections:PassConnection": _NO_CONNECTION,
    },
    "access": {
        "cloudformation:DescribeStackResources": _UNUSED,
        "cloudformation:TagResource": _TAGS,
        "cloudformation:UntagResource": _TAGS,
    },
}


def primary() -> str:
    """The primary template with everything that data may add."""
    topics = organisation_topics(Notifications(mail=("team@example.com",)))
    places = {"resources": topics.resources, "outputs": topics.outputs}
    return fill_places(render("primary"), places)


def short() -> dict[str, Any]:
    """The pipeline's template, small enough for a request."""
    return shortened(_template.parse(template("notified")))


@pytest.fixture(scope="module")
def operator(running_lab: Lab) -> Subject:
    arn = "arn:aws:kms:eu-west-1:111111111111:key/one"
    return Subject(
        lab=running_lab,
        account=running_lab.organisation.build,
        role=running_lab.organisation.operator.operator_role,
        policy_names=OPERATOR_POLICIES,
        template=primary(),
        name="CrossAccountPrimary",
        empty={},
        full={
            "DeployAccountIds": DEPLOY,
            "ArtifactRetentionDays": "100",
            "Regions": "eu-west-1",
            "RegionKeyArns": arn,
            "RegionBucketArns": "arn:aws:s3:::one",
            "PermissionsBoundaryArn": BOUNDARY,
        },
        last="SyncArtifactsFunction",
        credentials=Clients(running_lab.url).assume(
            running_lab.organisation.build, running_lab.organisation.operator.operator_role, REGION
        ),
        changed_template=json.dumps(changed(_template.parse(primary()))),
    )


@pytest.fixture(scope="module")
def pipelines(running_lab: Lab) -> Subject:
    given = compose_parameters(pipeline("notified"), foundation(), PRIMARY_OUTPUTS)
    full = {**given, "PermissionsBoundaryArn": BOUNDARY}
    return Subject(
        lab=running_lab,
        account=running_lab.organisation.build,
        role=running_lab.organisation.operator.operator_role,
        policy_names=OPERATOR_POLICIES,
        template=json.dumps(short()),
        name="notified-pipeline",
        empty=given,
        full=full,
        last="StarterPermission",
        credentials=Clients(running_lab.url).assume(
            running_lab.organisation.build, running_lab.organisation.operator.operator_role, REGION
        ),
        changed_template=json.dumps(changed(short())),
    )


@pytest.fixture(scope="module")
def access(running_lab: Lab, operator: Subject) -> Subject:
    role = running_lab.organisation.operator.access_role
    session = operator.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{DEPLOY}:role/{role}", RoleSessionName="lab"
    )["Credentials"]
    policies = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    another = running_lab.organisation.execution_policies[0].format(account=DEPLOY)
    common = {
        "BuildAccountId": running_lab.organisation.build,
        "AccessRoleName": "CrossAccountAccess",
    }
    return Subject(
        lab=running_lab,
        account=DEPLOY,
        role=role,
        policy_names=("Foundation",),
        template=render("deploy_account"),
        name="CrossAccountDeploy",
        empty={**common, "ExecutionPolicyArns": policies},
        full={
            **common,
            "BucketArns": "arn:aws:s3:::one",
            "KeyArns": "arn:aws:kms:eu-west-1:111111111111:key/one",
            "ExecutionPolicyArns": another,
            "PermissionsBoundaryArn": BOUNDARY,
            "CodePipelineBoundaryArn": BOUNDARY,
        },
        last="CloudFormationRole",
        credentials={
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        },
        changed_template=json.dumps(changed(_template.parse(render("deploy_account")))),
    )


# Paths that end in a failure when CloudFormation is refused something, in the order in which they are
# looked at: what an update deletes in the end, it goes on without, but that is asked for by delete.
DECISIVE = ("create", "delete", "detect_drift", "update", "change_template")


@dataclass(frozen=True)
class Trace:
    """What one path asked for, and how it ended.

    called: what the role called itself. asked: what CloudFormation asked for in its name. length:
    how many calls and requests that were.
    """

    error: str
    called: set[str]
    asked: set[str]
    denied: set[str]
    length: int

    def calls(self, pattern: str) -> bool:
        return any(fnmatchcase(action, pattern) for action in self.called)

    def asks(self, pattern: str) -> bool:
        return any(fnmatchcase(action, pattern) for action in self.asked)


Traces = dict[str, dict[str, Trace]]


def walk(subject: Subject, path: Callable[[Subject], None], *, without: str = "") -> Trace:
    """Go a path, with one permission taken out of the policy if one is named."""
    subject.lab.clear_decisions()
    began = time.time()
    try:
        with subject.without(without):
            path(subject)
        error = ""
    except (ClientError, PipelineError) as exception:
        error = str(exception)
    finally:
        subject.clear()
    decisions = [one for one in subject.lab.decisions() if subject.role in one["principal"]]
    calls = [one for one in subject.lab.calls(since=began) if subject.role in one.principal]
    return Trace(
        error=error,
        called={
            f"{'tag' if one.service == 'tagging' else one.service}:{one.action}" for one in calls
        },
        asked={one["action"] for one in decisions},
        denied={one["action"] for one in decisions if not one["allowed"]},
        length=len(calls) + len(decisions),
    )


@pytest.fixture(scope="module")
def traces(operator: Subject, pipelines: Subject, access: Subject) -> Traces:
    return {
        "operator": {name: walk(operator, path) for name, path in (PATHS | OPERATOR_PATHS).items()},
        "pipelines": {
            name: walk(pipelines, path) for name, path in (PATHS | PIPELINE_PATHS).items()
        },
        "access": {name: walk(access, path) for name, path in (PATHS | ACCESS_PATHS).items()},
    }


# Each permission of each policy, but for those that the lab never asks for.
TAKEN_OUT = [
    (name, action)
    for name, policy in POLICIES.items()
    for action in sorted(actions_of(policy) - set(UNSEEN[name]))
]


@pytest.mark.parametrize("path", [*PATHS, *OPERATOR_PATHS])
def test_the_operator_policy_is_enough(traces: Traces, path: str) -> None:
    assert traces["operator"][path].error == ""


@pytest.mark.parametrize("path", [*PATHS, *PIPELINE_PATHS])
def test_the_operator_s_policies_are_enough_for_pipelines(traces: Traces, path: str) -> None:
    assert traces["pipelines"][path].error == ""


@pytest.mark.parametrize("path", [*PATHS, *ACCESS_PATHS])
def test_the_access_role_is_enough(traces: Traces, path: str) -> None:
    assert traces["access"][path].error == ""


@pytest.fixture(scope="module")
def samples(traces: Traces) -> dict[tuple[str, str], str]:
    """The permission that is taken out for each one: itself, or the first of its path and service.

    Whatever CloudFormation is refused fails its work in one way (lab/cloudformation/permissions.py),
    so that one permission shows it for all that a path asks of a service. How the caller takes a
    refusal differs from call to call.
    """
    first: dict[tuple[str, str, str], str] = {}
    found = {}
    for name, action in TAKEN_OUT:
        path = decisive(traces[name], action)
        group = (name, path, action.partition(":")[0] if path else action)
        found[name, action] = first.setdefault(group, action)
    return found


def decisive(traces: dict[str, Trace], action: str) -> str:
    """The decisive path on which only CloudFormation asks for a permission, or nothing."""
    if any(trace.calls(action) for trace in traces.values()):
        return ""
    return next((path for path in DECISIVE if traces[path].asks(action)), "")


@pytest.mark.parametrize(("name", "action"), TAKEN_OUT)
def test_a_permission_taken_out_is_missed(
    request: pytest.FixtureRequest,
    traces: Traces,
    samples: dict[tuple[str, str], str],
    name: str,
    action: str,
) -> None:
    subject: Subject = request.getfixturevalue(name)
    path = decisive(traces[name], action)
    if samples[name, action] != action:
        assert is_allowed_by_nothing_else(subject, traces[name][path], action)
        return
    # The shortest first. One that ends in a refusal goes on without what cleans up after it.
    by_length = sorted(traces[name].items(), key=lambda item: item[1].length)
    paths = [one for one, trace in by_length if trace.calls(action) or trace.asks(action)]
    assert paths, f"nothing asks for {action}: is it needed? Then add the path, else drop it"
    paths = [path] if path else paths
    assert any(is_missed(subject, one, action) for one in paths), f"{paths} go on without"


def is_allowed_by_nothing_else(subject: Subject, trace: Trace, action: str) -> bool:
    """Whether no other permission of the role's is one for what a path asked for."""
    others = {one for policy in subject.policies.values() for one in actions_of(policy)} - {action}
    asked = [one for one in trace.asked if fnmatchcase(one, action)]
    return not any(fnmatchcase(one, other) for one in asked for other in others)


def is_missed(subject: Subject, path: str, action: str) -> bool:
    """Go a path without a permission, and return whether it failed for want of it."""
    every = PATHS | OPERATOR_PATHS | PIPELINE_PATHS | ACCESS_PATHS
    trace = walk(subject, every[path], without=action)
    # Not every error names what was denied: S3's does not, where CloudFormation reads for somebody.
    refused = trace.denied | set(re.findall(r"not authorized to perform: ([\w:]+)", trace.error))
    return bool(trace.error) and any(fnmatchcase(one, action) for one in refused)


@pytest.mark.parametrize("name", ["operator", "pipelines", "access"])
def test_the_policies_are_all_that_the_role_has(request: pytest.FixtureRequest, name: str) -> None:
    subject: Subject = request.getfixturevalue(name)
    attached = subject.iam.list_attached_role_policies(RoleName=subject.role)["AttachedPolicies"]
    inline = subject.iam.list_role_policies(RoleName=subject.role)["PolicyNames"]
    assert (attached, sorted(inline)) == ([], sorted(subject.policy_names))


@pytest.mark.parametrize("name", POLICIES)
def test_what_the_lab_does_not_ask_for_is_known(traces: Traces, name: str) -> None:
    actions = actions_of(POLICIES[name])
    unseen = {
        action
        for action in actions
        if not any(trace.calls(action) or trace.asks(action) for trace in traces[name].values())
    }
    assert unseen == set(UNSEEN[name]) & actions
