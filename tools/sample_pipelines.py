# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sample pipelines, for cfn-lint, golden templates and tests."""

from __future__ import annotations

import functools
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import Pipeline
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    read_pipelines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.foundation import (
    Foundation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.limits import (
    check_limits,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_template,
)

from tools.environment import ROOT

BASE = ROOT / "roles" / "pipeline" / "files" / "pipeline.template"
BUILD_ACCOUNT = "111111111111"
PRIMARY_REGION = "us-east-1"
REGIONS = [
    "us-east-1",
    "eu-west-1",
    "ap-southeast-2",
    *("af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-3", "ap-southeast-4"),
    *("ca-central-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1"),
    *("eu-south-2", "us-west-2"),
]

_KEY_ARN = "arn:aws:kms:us-east-1:222222222222:key/01234567-89ab-cdef-0123-456789abcdef"

Data = dict[str, Any]


def hello() -> Data:
    """The usual pipeline: two stacks, three accounts, three regions."""
    return {
        "name": "hello",
        "source": {
            "type": "codebuild",
            "repository": "https://github.com/example/hello.git",
            "branch": "main",
            "connection_arn": (
                f"arn:aws:codeconnections:{PRIMARY_REGION}:{BUILD_ACCOUNT}"
                ":connection/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
            ),
            "artifacts": [
                {"name": "application", "object": "application.zip"},
                {"name": "function", "object": "function.zip"},
            ],
        },
        "build": {"environment": {"STAGE": "release"}},
        "stacks": [
            {
                "name": "hello-function",
                "artifact": "application",
                "template": "function.yml",
                "parameters": {
                    "CodeBucket": {"Fn::GetArtifactAtt": ["function", "BucketName"]},
                    "CodeKey": {"Fn::GetArtifactAtt": ["function", "ObjectKey"]},
                },
                "capabilities": ["CAPABILITY_IAM"],
            },
            {
                "name": "hello",
                "artifact": "application",
                "template": "template.yml",
                "parameters": {"Greeting": "Hello"},
                "after": "hello-function",
            },
        ],
        "waves": [
            {
                "name": "development",
                "environments": [{"host": "development", "parameters": {"Greeting": "Hi"}}],
            },
            {
                "name": "testing",
                "environments": [{"host": "testing", "regions": ["eu-west-1"]}],
            },
            {
                "name": "production",
                "approval": {
                    "summary": "Release hello to production?",
                    "link": "https://example.com/releases",
                },
                "environments": [{"host": "production"}],
            },
        ],
    }


def uploaded() -> Data:
    """Artifacts are built elsewhere; the upload of the last one starts the pipeline."""
    data = hello()
    data["name"] = "uploaded"
    del data["build"]
    data["source"] = {
        "type": "s3",
        "artifacts": [
            {"name": "application", "object": "application.zip"},
            {"name": "function", "object": "function.zip", "trigger": True},
        ],
        "uploader": {
            "role_arns": ["arn:aws:iam::333333333333:role/Builder"],
            "oidc_provider_arn": (
                f"arn:aws:iam::{BUILD_ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
            ),
            "oidc_subject": "repo:example/uploaded:ref:refs/heads/main",
        },
    }
    return data


def connected() -> Data:
    """A push over a connection, built by a stage of the pipeline."""
    data = hello()
    source = data["source"]
    data["name"] = "connected"
    data["source"] = {
        "type": "connection",
        "repository": "https://gitlab.com/example/group/connected.git",
        "connection_arn": source["connection_arn"],
        "triggers": [
            {"branches": ["main", "release/*"], "exclude_paths": ["docs/**"]},
            {"tags": ["v*"], "exclude_tags": ["*-rc*"]},
        ],
        "artifacts": [{"name": "application"}, {"name": "function"}],
    }
    return data


def cloned() -> Data:
    """The same with the history of the repository, and without pull requests."""
    data = connected()
    data["source"] |= {"clone": True, "pull_requests": False}
    return {**data, "name": "cloned"}


def committed() -> Data:
    """A push to CodeCommit."""
    artifacts = [{"name": "application"}, {"name": "function"}]
    source = {"type": "codecommit", "repository": "committed", "artifacts": artifacts}
    return {**hello(), "name": "committed", "source": {**source, "clone": True}}


def imaged() -> Data:
    """An image that is pushed."""
    artifacts = [{"name": "application"}, {"name": "function"}]
    source = {"type": "ecr", "repository": "team/hello", "tag": "release", "artifacts": artifacts}
    commands = ["docker create --name content $(jq -r .ImageURI imageDetail.json)"]
    build = {"commands": commands, "privileged": True}
    data = {**hello(), "name": "imaged", "source": source, "build": build}
    image = {"Fn::GetParam": ["image", "imageDetail.json", "ImageURI"]}
    data["stacks"][1]["parameters"] = {"Greeting": "Hello", "Image": image}
    return data


def native() -> Data:
    """CodePipeline copies the artifacts itself."""
    return {**hello(), "name": "native", "artifact_sync": "native"}


def split() -> Data:
    """Waves with more actions than a stage takes."""
    return {**hello(), "name": "split", "max_actions_per_stage": 4}


def watched() -> Data:
    """Waves with windows, alarms, a retry and a rollback."""
    data = {**hello(), "name": "watched"}
    development, testing, production = data["waves"]
    development["on_failure"] = "retry"
    testing["alarms"] = [{"name": "hello errors"}]
    production |= {
        "approval": {"review": "release"},
        "on_failure": "rollback",
        "alarms": [{"name": "hello-errors", "host": "production", "wait": 30}],
        "window": {
            "days": ["mon", "tue", "wed", "thu"],
            "from": 9,
            "to": 16,
            "timezone": "Europe/Berlin",
        },
    }
    return data


def delivered() -> Data:
    """Files for buckets and images for services, in addition to stacks."""
    data = {**hello(), "name": "delivered"}
    data["source"]["artifacts"] += [
        {"name": "site", "object": "site.zip"},
        {"name": "images", "object": "images.zip"},
    ]
    data["s3"] = [
        {
            "name": "site",
            "artifact": "site",
            "bucket": "hello-{host}-{region}",
            "cache_control": "max-age=60",
        }
    ]
    data["ecs"] = [{"name": "web", "artifact": "images", "cluster": "main", "service": "web"}]
    return data


def notified() -> Data:
    """Everything is reported, to people and tools of this pipeline alone."""
    secret = f"arn:aws:secretsmanager:{PRIMARY_REGION}:{BUILD_ACCOUNT}:secret:hook-0a1b2c"
    data = tested()
    data["waves"][1]["approval"] = {"mail": ["testers@example.com"]}
    return {
        **data,
        "name": "notified",
        "notifications": {
            "mail": ["team@example.com", "on-call@example.com"],
            "topics": [f"arn:aws:sns:eu-west-1:{BUILD_ACCOUNT}:releases"],
            "chat": [f"arn:aws:chatbot::{BUILD_ACCOUNT}:chat-configuration/slack-channel/releases"],
            "webhooks": [secret],
        },
    }


def one_region() -> Data:
    """The smallest pipeline: one artifact, one stack, only the primary region."""
    return {
        "name": "one-region",
        "source": {
            "type": "codebuild",
            "repository": "https://github.com/example/one-region.git",
            "artifacts": [{"name": "application", "object": "application.zip"}],
        },
        "stacks": [
            {"name": "one-region", "artifact": "application", "template": "template.yml"},
        ],
        "waves": [
            {"name": "development", "environments": [{"host": "development"}]},
            {"name": "testing", "environments": [{"host": "testing", "regions": ["us-east-1"]}]},
        ],
    }


def tested() -> Data:
    """Everything that a build may have, and tests around a wave."""
    data = one_region()
    key = f"arn:aws:kms:{PRIMARY_REGION}:{BUILD_ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"
    data["name"] = "tested"
    data["build"] = {
        "commands": ["make"],
        "image": f"{BUILD_ACCOUNT}.dkr.ecr.{PRIMARY_REGION}.amazonaws.com/tools/build:1",
        "architecture": "arm64",
        "privileged": True,
        "environment": {
            "STAGE": "release",
            "TOKEN": {"parameter": "/tested/token", "key_arn": key},
            "PASSWORD": {"secret": "tested/login", "json_key": "password", "key_arn": key},
        },
        "vpc": {
            "vpc_id": "vpc-0123abcd",
            "subnet_ids": ["subnet-0123abcd"],
            "security_group_ids": ["sg-0123abcd"],
        },
        "cache": "s3",
        "reports": True,
        "managed_policy_arns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
        "log_retention_days": 30,
    }
    data["waves"][0]["tests"] = [
        {"name": "ready", "when": "before", "commands": ["make ready"]},
        {
            "name": "smoke",
            "image": "registry.example.com/smoke:1",
            "registry_secret_arn": (
                f"arn:aws:secretsmanager:{PRIMARY_REGION}:{BUILD_ACCOUNT}:secret:registry-AbCdEf"
            ),
            "buildspec": "smoke.yml",
            "environment": {
                "URL": {"Fn::GetOutput": ["one-region", "Url", "development", PRIMARY_REGION]}
            },
        },
    ]
    return data


def many_regions() -> Data:
    """20 regions and 30 environments."""
    data = hello()
    data["name"] = "many-regions"
    data["waves"] = [
        {
            "name": f"wave-{wave}",
            "approval": wave > 1,
            "environments": [{"host": f"target-{10 * wave + number:02}"} for number in range(10)],
        }
        for wave in range(3)
    ]
    return data


SAMPLES = {
    make()["name"]: make
    for make in (
        hello,
        connected,
        cloned,
        committed,
        imaged,
        uploaded,
        native,
        split,
        watched,
        delivered,
        one_region,
        tested,
        notified,
        many_regions,
    )
}


def variables(*samples: Data) -> Variables:
    """An inventory that all samples fit: inventories/org, 30 more accounts, and *samples*.

    A sample is the variable ``pipeline`` of a host, with the host's ``name`` (and ``state``).
    """
    accounts: dict[str, tuple[str, list[str]]] = {
        "development": ("222222222222", REGIONS[:1]),
        "testing": ("333333333333", REGIONS[:2]),
        "production": ("444444444444", REGIONS[:3]),
    }
    for number in range(30):
        regions = [REGIONS[number % 20], REGIONS[(number + 7) % 20]]
        accounts[f"target-{number:02}"] = (f"5{number:011}", regions)
    groups = {
        "regional": REGIONS[1:],
        "primary": ["build"],
        "deploy_accounts": list(accounts),
        "pipelines": [sample["name"] for sample in samples],
    }
    hosts: dict[str, Data] = {name: {} for name in (*REGIONS[1:], "build")}
    for sample in samples:
        fields = {key: value for key, value in sample.items() if key not in ("name", "state")}
        hosts[sample["name"]] = {"pipeline": fields, "state": sample.get("state")}
    for name, (account_id, regions) in accounts.items():
        hosts[name] = {
            "account_id": account_id,
            "regions": regions,
            "deploy_account_execution_policies": ["arn:aws:iam::aws:policy/PowerUserAccess"],
            "deploy_account_read_alarms": name == "production",
            "deploy_account_buckets": [
                {"name": f"hello-{name}-{region}", "key_arn": _KEY_ARN} for region in regions
            ],
            "deploy_account_services": [{"cluster": "main", "service": "web", "roles": ["Task"]}],
        }
    shared = {"build_account_id": BUILD_ACCOUNT, "primary_region": PRIMARY_REGION}
    hostvars = {name: {**shared, **given} for name, given in hosts.items()}
    return Variables({"all": list(hosts), **groups}, hostvars)


def organisation(*samples: Data) -> Organisation:
    """Return that organisation."""
    found = variables(*samples)
    return read_organisation(found, found.problems)


def foundation() -> Foundation:
    """The foundation of that organisation."""
    return Foundation(
        region=PRIMARY_REGION,
        register={
            region: {
                "region": region,
                "key_arn": (
                    f"arn:aws:kms:{region}:{BUILD_ACCOUNT}:key/01234567-89ab-cdef-0123-{number:012}"
                ),
                "bucket_arn": f"arn:aws:s3:::crossaccountregional-pipelinebucket-{number:012}",
                "asset_bucket_arn": f"arn:aws:s3:::crossaccountregional-assetbucket-{number:012}",
            }
            for number, region in enumerate(REGIONS)
        },
        codepipeline_role_name="CrossAccountCodePipeline",
        cloudformation_role_name="CrossAccountCloudFormation",
    )


PRIMARY_OUTPUTS = {
    "BuildBucketName": "crossaccountprimary-buildbucket-0123456789ab",
    "SyncArtifactsFunctionName": "CrossAccountPrimary-SyncArtifactsFunction-0123456789ab",
    "ApprovalTopicArn": (
        f"arn:aws:sns:{PRIMARY_REGION}:{BUILD_ACCOUNT}:CrossAccountPrimary-ApprovalTopic-01234567"
    ),
}


def read(*samples: Data) -> list[Pipeline]:
    """Return *samples* as the rules read them. Raises PipelineError that lists the problems."""
    found = variables(*samples)
    organisation = read_organisation(found, found.problems)
    pipelines = read_pipelines(found, organisation, found.problems)
    check_limits(pipelines, organisation, found.problems)
    found.problems.raise_any()
    return [pipelines[name] for name in found.groups["pipelines"] if name in pipelines]


@functools.cache
def pipeline(name: str) -> Pipeline:
    """Return a sample as the rules read it."""
    [found] = read(SAMPLES[name]())
    return found


@functools.cache
def template(name: str, *, called: str = "") -> str:
    """Return the template of a sample, with another name if one is given."""
    [pipeline] = read({**SAMPLES[name](), "name": called or name})
    return compose_template(pipeline, BASE.read_text("ascii"), foundation())
