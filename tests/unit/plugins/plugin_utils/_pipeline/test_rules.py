# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of pipelines: each one broken once, with the host, the field and what to do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._fields import UNREADABLE
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    read_pipelines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.limits import (
    MOST_INPUT_ARTIFACTS,
    MOST_SYNCED_ARTIFACTS,
    check_limits,
)

from tools import sample_pipelines

Data = dict[str, Any]
Change = Callable[[Data], Any]

CONNECTION = "arn:aws:iam::111111111111:role/x"
PARAMETERS = "waves.1.environments.0.parameters"
KEY = "arn:aws:kms:us-east-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef"
SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:registry-AbCdEf"


def problems(
    *samples: Data,
    change: Callable[[Organisation], Any] = lambda _: None,
    shared: Data | None = None,
) -> list[str]:
    """Return the problems of pipelines, in an organisation that is changed first."""
    found = sample_pipelines.variables(*samples)
    hostvars: Any = found.hostvars
    for variables in hostvars.values():
        variables.update(shared or {})
    organisation = read_organisation(found, found.problems)
    change(organisation)
    organisation = dataclasses.replace(organisation)  # without what it found before the change
    check_limits(read_pipelines(found, organisation, found.problems), organisation, found.problems)
    return found.problems.lines()


def replace(name: str, **values: Any) -> Callable[[Organisation], None]:
    """Return what changes a host of an organisation."""

    def change(organisation: Organisation) -> None:
        organisation.hosts[name] = dataclasses.replace(organisation.hosts[name], **values)

    return change


def put(path: str, value: Any) -> Change:
    """Return what sets a field, given as ``waves.0.name``, or adds it."""

    def change(data: Any) -> None:
        *way, last = path.split(".")
        for key in way:
            data = data[int(key) if isinstance(data, list) else key]
        data[int(last) if isinstance(data, list) else last] = value

    return change


def drop(path: str) -> Change:
    """Return what removes a field."""

    def change(data: Any) -> None:
        *way, last = path.split(".")
        for key in way:
            data = data[int(key) if isinstance(data, list) else key]
        del data[last]

    return change


def artifacts(count: int) -> list[Data]:
    return [{"name": f"a{number}", "object": f"a{number}.zip"} for number in range(count)]


def use_all(count: int) -> Change:
    """Return what makes many artifacts, all of them used by one stack."""

    def change(data: Data) -> None:
        data["source"]["artifacts"] = artifacts(count)
        parameters = {f"P{n}": {"Fn::GetArtifactAtt": [f"a{n}", "URL"]} for n in range(count)}
        stack = {"artifact": "a0", "template": "template.yml", "parameters": parameters}
        data["stacks"] = [{"name": "hello", **stack}]
        data["waves"][0]["environments"][0].pop("parameters")

    return change


def release_to(*hosts: str, stacks: int = 0, **fields: Any) -> Change:
    """Return what makes one wave of *hosts*, and as many stacks as wanted."""

    def change(data: Data) -> None:
        data |= fields
        if stacks:
            stack = {"artifact": "application", "template": "template.yml"}
            data["stacks"] = [{"name": f"hello-{number}", **stack} for number in range(stacks)]
        data["waves"] = [{"name": "all", "environments": [{"host": host} for host in hosts]}]

    return change


VARIABLE = "#{brand.color} and #1"
TARGETS = [f"target-{number:02}" for number in range(30)]

# What is changed, the field, and what the message says of it.
FIELD_PROBLEMS: list[tuple[Change, str, str]] = [
    (
        put("stages", []),
        "",
        "unknown field `stages`; expected one of source, build, stacks, s3, ecs, waves,",
    ),
    (put("stack", []), "", "notifications. Did you mean stacks?"),
    (put("quite_another", 1), "", "Remove it, or correct its name"),
    (
        put("waves.0.environments.0.region", "x"),
        "waves[development].environments[development]",
        "unknown field `region`; expected one of host, group, regions, parameters. Did you mean regions?",
    ),
    # The source
    (
        put("source.forks", True),
        "source.forks",
        "would let anybody's fork get the token of the connection. Remove it: a",
    ),
    (drop("source"), "source", "is not set. Set it"),
    (put("source", "s3"), "source", "'s3' is not a mapping. Correct it"),
    (drop("source.type"), "source.type", "is not set. Set it to one of connection, codebuild,"),
    (
        put("source.type", "github"),
        "source.type",
        "'github' is unknown; expected one of connection,",
    ),
    (drop("source.repository"), "source.repository", "is not set. Set it"),
    (
        put("source.repository", "git@github.com:example/hello.git"),
        "source.repository",
        "is not https://github.com/<owner>/<name>. Correct it",
    ),
    (put("source.branch", "release/*"), "source.branch", "'release/*' is not a branch of letters,"),
    (
        put("source.branch", "refs/heads/main"),
        "source.branch",
        "'refs/heads/main' is a reference, not a branch. Did you mean main?",
    ),
    *(
        (put("source.branch", branch), "source.branch", "is not a branch of letters, digits and")
        for branch in ("a..b", "a//b", "a/", "a.lock", "a.")
    ),
    *(
        (
            put("source.connection_arn", f"arn:aws:codeconnections:{place}:connection/0a"),
            "source.connection_arn",
            f"it is of {wrong}. Make a connection in {own}",
        )
        for place, wrong, own in (
            (
                "us-east-1:222222222222",
                "account 222222222222, and builds run in 111111111111",
                "111111111111",
            ),
            (
                "eu-west-1:111111111111",
                "region eu-west-1, and builds run in us-east-1",
                "us-east-1",
            ),
        )
    ),
    *(
        (
            put("build.image", f"aws/codebuild/{image}"),
            "build.image",
            "does not run in a Linux container. Use an image for Linux",
        )
        for image in (
            "windows-base:2022-1.0",
            "amazonlinux-x86_64-lambda-standard:python3.13",
            "macos-arm-base:14",
        )
    ),
    (put("source.connection_arn", CONNECTION), "source.connection_arn", "not the ARN of a connect"),
    (put("build.compute_type", "LARGE"), "build.compute_type", "expected one of BUILD_GENERAL1_"),
    (put("build.image", "my image"), "build.image", "'my image' is not an image"),
    (put("source.forks", "no"), "source.forks", "'no' is neither true nor false"),
    (
        put("build.environment", {"CODEBUILD_SRC_DIR": "x"}),
        "build.environment.CODEBUILD_SRC_DIR",
        "is not the name of a variable (CODEBUILD_ and CROSSACCOUNT_ are reserved). Rename it",
    ),
    (
        put("build.environment", {"TOKEN": {"key_arn": KEY}}),
        "build.environment.TOKEN",
        "names not exactly one of parameter and secret. Name one",
    ),
    (
        put("build.environment", {"TOKEN": {"parameter": "/token", "json_key": "key"}}),
        "build.environment.TOKEN.json_key",
        "is for a secret. Remove it",
    ),
    (
        put("build.environment", {"TEXT": "x" * 6000}),
        "build.environment",
        "has 6004 characters, over CodeBuild's limit of 5500",
    ),
    (
        put("build", {"commands": ["make"], "buildspec": "buildspec.yml"}),
        "build.commands",
        "is set, and so is buildspec. Remove one of them",
    ),
    (
        put("build.registry_secret_arn", SECRET),
        "build.registry_secret_arn",
        "needs no credentials of a registry. Remove it, or change image",
    ),
    (
        put("build.log_retention_days", 8),
        "build.log_retention_days",
        "CloudWatch does not take 8. Use one of 1, 3, 5,",
    ),
    (
        put("source.artifacts.1.directory", "dist"),
        "source.artifacts[function].directory",
        "is for build.commands: the build specification says what an artifact holds. Remove it",
    ),
    (put("build.environment", {"a-b": "x"}), "build.environment.a-b", "not the name of a varia"),
    (
        put("build.environment", {"VERSION": 1.1}),
        "build.environment.VERSION",
        "is a number; expected ASCII text, a whole number, true or false. Quote it, or correct it",
    ),
    (put("source.artifacts", []), "source.artifacts", "is an empty list. List what the build"),
    (put("source.artifacts", ["a"]), "source.artifacts[1]", "is not a mapping"),
    (
        put("source.artifacts.1.name", "my-function"),
        "source.artifacts[my-function].name",
        "'my-function' is not a name of 1 to 100 letters, digits and underscores",
    ),
    (
        put("source.artifacts.1.name", "application"),
        "source.artifacts",
        "name application appears twice. Keep one",
    ),
    (
        put("source.artifacts.1.object", "application.zip"),
        "source.artifacts",
        "object application.zip appears twice. Keep one",
    ),
    (
        put("source.artifacts.0.object", "../other/application.zip"),
        "source.artifacts[application].object",
        "is not a plain relative path of letters, digits and ._/-",
    ),
    (
        put("source.artifacts.0.trigger", True),
        "source.artifacts[application].trigger",
        "is for source type s3: with codebuild, the successful build starts the pipeline. Remove",
    ),
    (
        put("source.artifacts", [*artifacts(12), *sample_pipelines.hello()["source"]["artifacts"]]),
        "source.artifacts",
        "14, and a build has 13 at most. Combine artifacts",
    ),
    # The stacks
    (drop("stacks"), "stacks", "is not set"),
    (put("stacks", []), "stacks", "is an empty list. List the stacks to deploy"),
    (put("stacks.0.name", "my_stack"), "stacks[my_stack].name", "is not the name of a stack"),
    (put("stacks.0.name", "hello"), "stacks", "name hello appears twice"),
    (drop("stacks.1.artifact"), "stacks[hello].artifact", "is not set"),
    (
        put("stacks.1.artifact", "templates"),
        "stacks[hello].artifact",
        "no artifact is called templates; the source makes application, function. Add it to",
    ),
    (put("stacks.1.template", "/t.yml"), "stacks[hello].template", "is not a plain relative path"),
    (
        put("stacks.1.template", "{account}.yml"),
        "stacks[hello].template",
        "is not a plain relative path of letters, digits and ._/-, and {host} or {region}",
    ),
    (put("stacks.1.template", "./t.yml"), "stacks[hello].template", "is not a plain relative path"),
    (put("stacks.1.template", "my t.yml"), "stacks[hello].template", "is not a plain relative"),
    (
        put("stacks.1.template", "d/" * 300 + "t"),
        "stacks[hello].template",
        "has 601 characters, over the limit of 512. Shorten it",
    ),
    (
        put("stacks.1.template_configuration", "a/../../b.json"),
        "stacks[hello].template_configuration",
        "is not a plain relative path",
    ),
    (
        put("stacks.0.capabilities", ["CAPABILITY_ALL"]),
        "stacks[hello-function].capabilities[1]",
        "'CAPABILITY_ALL' is unknown; expected one of CAPABILITY_IAM, CAPABILITY_NAMED_IAM,",
    ),
    (put("stacks.1.after", "database"), "stacks[hello].after", "database is not a stack of this"),
    (
        put("stacks.0.after", "hello"),
        "stacks[hello-function].after",
        "the stacks hello-function, hello wait for each other. Remove one after",
    ),
    (
        put("stacks.0.after", "hello-function"),
        "stacks[hello-function].after",
        "wait for each other",
    ),
    # Parameters
    (
        put("stacks.1.parameters", {"a-b": "c", "Greeting": "x"}),
        "stacks[hello].parameters.a-b",
        "is not the name of a parameter. Rename it",
    ),
    (put("stacks.1.parameters.A", None), "stacks[hello].parameters.A", "is not set"),
    (
        put("stacks.1.parameters.A", "Gr\u00fcezi"),
        "stacks[hello].parameters.A",
        "has characters outside ASCII",
    ),
    (
        put("stacks.1.parameters.A", ["10.0.0.0/8,192.168.0.0/16", "172.16.0.0/12"]),
        "stacks[hello].parameters.A[1]",
        "'10.0.0.0/8,192.168.0.0/16' has a comma, which makes two items of it. Write them as two",
    ),
    *(
        (
            put(where, value),
            field,
            "#{brand.color} is a variable that the pipeline does not have. Use #{codepipeline.",
        )
        for where, field, value in (
            ("stacks.1.parameters.A", "stacks[hello].parameters.A", VARIABLE),
            ("stacks.1.parameters.A", "stacks[hello].parameters.A[1]", [VARIABLE]),
            ("waves.2.approval.summary", "waves[production].approval.summary", VARIABLE),
        )
    ),
    (
        put("stacks.1.parameters.A", ["a", 1.5]),
        "stacks[hello].parameters.A[2]",
        "is a number; expected ASCII text",
    ),
    (
        put("stacks.1.parameters.A", {"Fn::Sub": "x"}),
        "stacks[hello].parameters.A",
        "is a mapping, but not a function of CodePipeline. Use one of Fn::GetArtifactAtt, Fn::Get",
    ),
    (
        put("stacks.1.parameters.A", {"Fn::GetParam": ["function", "texts.json"]}),
        "stacks[hello].parameters.A",
        "Fn::GetParam takes artifact, file, key. Give it exactly these",
    ),
    (
        put("stacks.1.parameters.A", {"Fn::GetArtifactAtt": ["function", "Key"]}),
        "stacks[hello].parameters.A",
        "'Key' is unknown; expected one of BucketName, ObjectKey, URL",
    ),
    (
        put("stacks.1.parameters.A", {"Fn::GetArtifactAtt": ["layer", "URL"]}),
        "stacks[hello].parameters.A",
        "no artifact is called layer",
    ),
    (
        put(PARAMETERS, {"Greeting": {"Fn::GetParam": ["layer", "texts.json", "Greeting"]}}),
        "waves[testing].environments[testing].parameters.Greeting",
        "no artifact is called layer",
    ),
    (
        put(PARAMETERS, {"Size": "1"}),
        "waves[testing].environments[testing].parameters.Size",
        "no stack has this parameter, so it is unclear which one it is for. Give it a value in",
    ),
    (
        put("stacks.1.parameters.Greeting", "x" * 1000),
        "stacks[hello].parameters",
        "1015 characters for testing of wave testing, and an action takes 1000. Move them into",
    ),
    (
        put("stacks.1.parameters.A", "{{resolve:secretsmanager:hello:SecretString:pw}}"),
        "stacks[hello].parameters.A",
        "{{resolve:...}} would be resolved in the build account, and whoever reads the pipeline",
    ),
    (
        put("build.environment", {"TOKEN": "{{resolve:ssm:/token}}"}),
        "build.environment.TOKEN",
        "{{resolve:...}} would be resolved in the build account",
    ),
    # The waves
    (put("waves", {}), "waves", "a mapping is not a list. List what is rele"),
    (
        put("waves.0.name", "first wave"),
        "waves[first wave].name",
        "is not a name of 1 to 100 letters",
    ),
    (put("waves.0.name", "Source"), "waves[Source].name", "other than Source and SyncArtifacts"),
    (put("waves.0.name", "testing"), "waves", "name testing appears twice"),
    (drop("waves.0.environments"), "waves[development].environments", "is not set"),
    (
        put("waves.0.environments.0.host", "staging"),
        "waves[development].environments[staging].host",
        "staging is not a host of deploy_accounts. Add it to the inventory, or correct the name",
    ),
    (
        put("waves.0.environments.0.host", "developement"),
        "waves[development].environments[developement].host",
        "developement is not a host of deploy_accounts. Did you mean development?",
    ),
    (
        put("waves.1.environments.0.regions", ["eu-wst-1"]),
        "waves[testing].environments[testing].regions[1]",
        "botocore knows no region eu-wst-1. Did you mean eu-west-1?",
    ),
    (
        put("waves.0.environments.0.host", "build"),
        "waves[development].environments[build].host",
        "build is not a host of deploy_accounts",
    ),
    (
        put("waves.0.environments.0.regions", ["eu-west-1"]),
        "waves[development].environments[development].regions",
        "region eu-west-1 is not in regions of host development. Add it to the host, so that",
    ),
    (
        put("waves.1.environments.0.regions", ["sa-east-1"]),
        "waves[testing].environments[testing].regions",
        "region sa-east-1 has no foundation: it is neither the primary region nor a present host",
    ),
    (
        put("waves.1.environments.0.regions", ["eu-west-1", "eu-west-1"]),
        "waves[testing].environments[testing].regions",
        "eu-west-1 appears twice",
    ),
    (
        put("waves.0.environments.0.regions", []),
        "waves[development].environments[development].regions",
        "is an empty list. List at least one region",
    ),
    (
        lambda data: data["waves"][1]["environments"].append({"host": "development"}),
        "waves[testing].environments",
        "development in us-east-1 is already in wave development. A release reaches it once",
    ),
    (put("waves.2.approval", "yes"), "waves[production].approval", "neither true nor a mapping"),
    (put("waves.2.approval", {"by": "me"}), "waves[production].approval", "unknown field `by`"),
    (
        put("waves.2.approval.summary", "x" * 1001),
        "waves[production].approval.summary",
        "has 1001 characters, over the limit of 1000",
    ),
    (
        put("waves.2.approval.summary", "Ausl\u00f6sen?"),
        "waves[production].approval.summary",
        "has characters outside ASCII. Use plain letters",
    ),
    (put("waves.2.approval.link", "the wiki"), "waves[production].approval.link", "not an address"),
    # The whole
    (put("artifact_sync", "replication"), "artifact_sync", "expected one of lambda, native"),
    (put("execution_mode", "queued"), "execution_mode", "SUPERSEDED. Did you mean QUEUED?"),
    # Two releases at a time would meet in the same stacks.
    (put("execution_mode", "PARALLEL"), "execution_mode", "SUPERSEDED"),
    (put("max_actions_per_stage", 1), "max_actions_per_stage", "1 is not a whole number from 2 to"),
    (put("max_actions_per_stage", True), "max_actions_per_stage", "true is not a whole number"),
    (
        use_all(MOST_SYNCED_ARTIFACTS + 1),
        "artifact_sync",
        "stacks use 6 artifacts, and an invoke action takes 5. Set artifact_sync: native, or",
    ),
    (
        lambda data: (use_all(MOST_INPUT_ARTIFACTS + 1)(data), data.update(artifact_sync="native")),
        "stacks[hello].parameters",
        "11 artifacts for testing of wave testing, and an action takes 10. Combine artifacts",
    ),
    (
        lambda data: (
            put("max_actions_per_stage", 4)(data),
            put("waves.1.name", "production-approve")(data),
        ),
        "waves",
        "stage production-approve appears twice. Rename a wave",
    ),
    (
        lambda data: (
            put("max_actions_per_stage", 2)(data),
            data["source"]["artifacts"].append({"name": "third", "object": "third.zip"}),
        ),
        "max_actions_per_stage",
        "stage Source has 3 actions. Allow that many",
    ),
    (
        lambda data: (
            put("max_actions_per_stage", 4)(data),
            put("waves.2.name", "p" * 95)(data),
        ),
        "waves",
        f"stage {'p' * 95}-prepare-1 has over 100 characters. Shorten the name",
    ),
    (
        release_to(*TARGETS, max_actions_per_stage=4),
        "waves",
        "66 stages, and a pipeline has 50 at most. Allow max_actions_per_stage: 100, or divide it",
    ),
    (
        release_to(*TARGETS, stacks=9, max_actions_per_stage=100),
        "waves",
        "1101 actions for 9 stacks in 60 accounts and regions, and a pipeline has 1000 at most.",
    ),
]


@pytest.mark.parametrize(("change", "field", "message"), FIELD_PROBLEMS)
def test_a_problem_names_host_field_and_fix(change: Change, field: str, message: str) -> None:
    data = sample_pipelines.hello()
    change(data)

    prefix = f"host hello: pipeline{'.' * bool(field)}{field}"
    found = [line for line in problems(data) if line.startswith((f"{prefix}: ", f"{prefix} "))]
    assert [line for line in found if message in line], problems(data)


@pytest.mark.parametrize("name", ["Hello", "h", "h" * 33, "1hello", "templates"])
def test_a_pipeline_has_a_name_that_its_stack_and_its_bucket_take(name: str) -> None:
    [line] = problems(sample_pipelines.hello() | {"name": name})

    assert line.startswith(f"host {name}: ")
    assert line.endswith("Rename the host")


def test_all_problems_are_reported_together() -> None:
    data = sample_pipelines.hello()
    put("source.repository", "x")(data)
    put("stacks.1.after", "y")(data)
    put("waves.0.environments.0.host", "z")(data)

    assert [line.split(": ")[:2] for line in problems(data, {"name": "other"})] == [
        ["host hello", "pipeline.source.repository"],
        ["host hello", "pipeline.waves[development].environments[z].host"],
        ["host hello", "pipeline.stacks[hello].after"],
        ["host other", "pipeline.source is not set. Set it"],
        ["host other", "pipeline.stacks is not set. Set it"],
        ["host other", "pipeline.waves is not set. Set it"],
    ]


def paths(data: Any, prefix: str = "") -> Iterator[str]:
    """Yield every place in *data*, as :func:`put` takes it."""
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield f"{prefix}{key}"
            yield from paths(value, f"{prefix}{key}.")


@pytest.mark.parametrize("sample", [sample_pipelines.connected, sample_pipelines.uploaded])
def test_whatever_is_written_gives_problems_and_no_traceback(sample: Callable[[], Data]) -> None:
    values: list[Any] = [None, "", "x", 1, 1.5, True, [], {}, [None], ["x"], {"a": 1}, {1: 2}]
    found = sample_pipelines.variables(sample())
    organisation = read_organisation(found, found.problems)
    name = sample()["name"]
    for path in paths(sample()):
        for value in (*values, UNREADABLE):
            data = sample()
            put(path, value)(data)
            found._values[name, "pipeline"] = data
            pipelines = read_pipelines(found, organisation, found.problems)
            check_limits(pipelines, organisation, found.problems)


def test_what_could_not_be_templated_is_reported_once() -> None:
    """Its own problem is that of the template; nothing follows from it."""
    data = sample_pipelines.hello()
    found = sample_pipelines.variables(data)
    organisation = read_organisation(found, found.problems)
    for path in (
        "source.artifacts.0.name",
        "stacks.1.artifact",
        "waves.1.name",
        "waves.2.approval",
    ):
        put(path, UNREADABLE)(data)
    found._values["hello", "pipeline"] = {key: data[key] for key in ("source", "stacks", "waves")}

    read_pipelines(found, organisation, found.problems)

    assert found.problems.lines() == []


def test_without_a_primary_region_nothing_follows_from_it() -> None:
    assert problems(sample_pipelines.hello(), shared={"primary_region": None}) == [
        "primary_region is not set. Set it in group_vars/all.yml"
    ]


def test_an_absent_pipeline_is_not_read() -> None:
    data = sample_pipelines.hello() | {"state": "absent"}
    put("waves.0.environments.0.host", "gone")(data)

    assert sample_pipelines.read(data, {"name": "old", "state": "absent"}) == []


def test_a_pipeline_without_its_variable_is_refused() -> None:
    found = sample_pipelines.variables(sample_pipelines.hello())
    hostvars: Any = found.hostvars
    del hostvars["hello"]["pipeline"]

    assert read_pipelines(found, read_organisation(found, found.problems), found.problems)
    assert found.problems.lines() == ["host hello: pipeline is not set. Set it"]


# Built elsewhere


@pytest.mark.parametrize(("triggers", "found"), [([], "none"), ([0, 1], "application, function")])
def test_one_upload_starts_the_pipeline(triggers: list[int], found: str) -> None:
    data = sample_pipelines.uploaded()
    for number, artifact in enumerate(data["source"]["artifacts"]):
        artifact["trigger"] = number in triggers

    assert problems(data) == [
        (
            f"host uploaded: pipeline.source.artifacts: {found} has trigger: true, and"
            " exactly one must."
            " Set it on the artifact that is uploaded last"
        )
    ]


def test_what_is_uploaded_is_not_built() -> None:
    data = sample_pipelines.uploaded() | {"build": {"image": "python:3.13"}}

    assert problems(data) == [
        (
            "host uploaded: pipeline.build is for a source that is built here, and somebody else"
            " builds what is uploaded. Remove it, or change source.type"
        )
    ]


@pytest.mark.parametrize(
    ("field", "types"),
    [
        ("repository", "connection, codebuild, codecommit, ecr"),
        ("branch", "connection, codebuild, codecommit"),
        ("connection_arn", "connection, codebuild"),
        ("forks", "codebuild"),
    ],
)
def test_what_is_built_elsewhere_has_no_field_of_other_types(field: str, types: str) -> None:
    data = sample_pipelines.uploaded()
    data["source"][field] = sample_pipelines.hello()["source"].get(field, "x")

    assert problems(data) == [
        f"host uploaded: pipeline.source.{field} is for type {types}. Remove it, or change the type"
    ]


GITHUB = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
GITLAB = "arn:aws:iam::111111111111:oidc-provider/gitlab.example.com"


@pytest.mark.parametrize(
    ("provider", "subject"),
    [
        (GITHUB, "repo:example/hello:ref:refs/heads/release/1.x"),
        (GITHUB, "repo:example@12/hello@345:environment:production"),
        (GITLAB, "project_path:group/sub/hello:ref_type:branch:ref:main"),
        (GITLAB, "project_path:group/hello:ref_type:tag:ref:v1.2"),
    ],
)
def test_a_job_uploads_by_its_subject(provider: str, subject: str) -> None:
    data = sample_pipelines.uploaded()
    data["source"]["uploader"] = {"oidc_provider_arn": provider, "oidc_subject": subject}

    assert problems(data) == []


ROLES = [f"arn:aws:iam::{number:012}:role/{'r' * 64}" for number in range(20)]


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        (drop("uploader"), "uploader", "is not set. Set it"),
        (put("uploader", {}), "uploader", "names nobody. Set role_arns, or oidc_subject"),
        (put("uploader.role_arns", ["*"]), "uploader.role_arns[1]", "is not the ARN of a role"),
        (
            put("uploader.role_arns", ["arn:aws:iam::333333333333:role/ci-*"]),
            "uploader.role_arns[1]",
            "is not the ARN of a role",
        ),
        (
            put("uploader.role_arns", ROLES),
            "uploader.role_arns",
            "make a trust policy of over 2048 characters. Name fewer roles",
        ),
        (
            drop("uploader.oidc_provider_arn"),
            "uploader",
            "oidc_subject is set without oidc_provider_arn. Set oidc_provider_arn too",
        ),
        (
            drop("uploader.oidc_subject"),
            "uploader",
            "oidc_provider_arn is set without oidc_subject. Set oidc_subject too",
        ),
        (
            put("uploader.oidc_provider_arn", GITHUB.replace("1" * 12, "2" * 12)),
            "uploader.oidc_provider_arn",
            "is not in the build account, and a role can trust a provider of its account only",
        ),
        *(
            (put("uploader.oidc_subject", subject), "uploader.oidc_subject", "is not a branch or")
            for subject in (
                "repo:example/hello:*",
                "repo:example/hello:pull_request",
                "repo:example/hello:ref:refs/heads/${aws:PrincipalTag/branch}",
                "repo:example/*:ref:refs/heads/main",
                "project_path:group/hello:ref_type:branch:ref:?",
            )
        ),
    ],
)
def test_who_uploads_is_named_exactly(change: Change, field: str, expected: str) -> None:
    data = sample_pipelines.uploaded()
    change(data["source"])
    found = problems(data)

    assert found
    assert all(line.startswith(f"host uploaded: pipeline.source.{field}") for line in found)
    assert expected in found[0]


def test_what_codebuild_builds_has_no_uploader() -> None:
    data = sample_pipelines.hello()
    data["source"]["uploader"] = sample_pipelines.uploaded()["source"]["uploader"]

    assert problems(data) == [
        "host hello: pipeline.source.uploader is for type s3. Remove it, or change the type"
    ]


# With the organisation


@pytest.mark.parametrize(
    ("host", "state", "expected"),
    [
        ("testing", "absent", ["environments[testing].host: host testing is absent, so nothing"]),
        # One in quarantine may come back, and must not stop every run.
        ("testing", "quarantined", []),
        (
            "eu-west-1",
            "absent",
            [
                "environments[testing].regions: region eu-west-1 has no foundation",
                "environments[production].regions: region eu-west-1 has no foundation",
            ],
        ),
    ],
)
def test_hosts_that_are_not_present(host: str, state: str, expected: list[str]) -> None:
    found = problems(sample_pipelines.hello(), change=replace(host, state=state))

    assert len(found) == len(expected)
    assert all(message in line for message, line in zip(expected, found, strict=True))


def test_a_host_whose_name_no_action_can_have_is_refused() -> None:
    def change(organisation: Organisation) -> None:
        host = organisation.hosts["development"]
        organisation.hosts["my host"] = dataclasses.replace(host, name="my host")

    data = sample_pipelines.hello()
    put("waves.0.environments.0.host", "my host")(data)

    [line] = problems(data, change=change)
    assert "my host has characters other than letters, digits and .@_-" in line


def test_there_are_no_pipelines_in_china() -> None:
    found = sample_pipelines.variables(sample_pipelines.one_region())
    organisation = read_organisation(found, found.problems)
    for name in ("development", "testing"):
        replace(name, regions=("cn-north-1",))(organisation)
    organisation = dataclasses.replace(organisation, primary_region="cn-north-1")
    found.hostvars["one-region"]["pipeline"]["waves"].pop()

    check_limits(read_pipelines(found, organisation, found.problems), organisation, found.problems)

    assert "cn-north-1 is in partition aws-cn, where CodePipeline has no" in str(
        found.problems.lines()
    )


def test_the_accounts_of_a_pipeline_fit_into_its_role() -> None:
    def change(organisation: Organisation) -> None:
        for number in range(200):
            organisation.hosts[f"account-{number:03}"] = dataclasses.replace(
                organisation.hosts["development"],
                name=f"account-{number:03}",
                account_id=f"9{number:011}",
            )

    data = sample_pipelines.one_region()
    release_to(*(f"account-{number:03}" for number in range(200)))(data)

    found = problems(data, change=change)
    assert "200 accounts and 1 regions make a role policy of " in found[-1]
    assert found[-1].endswith("and IAM takes 10240. Divide it into two pipelines")


def test_the_resources_of_a_pipeline_fit_into_its_template() -> None:
    data = sample_pipelines.one_region()
    data["waves"] = [
        {
            "name": host,
            "environments": [{"host": host, "regions": ["us-east-1"]}],
            "tests": [
                {"name": f"{host[:4]}-{when}{number}", "when": when, "commands": ["make"]}
                for when in ("before", "after")
                for number in range(45)
            ],
        }
        for host in ("development", "testing", "production")
    ]

    (problem,) = problems(data)

    assert re.search(r"its template has \d+ resources, and CloudFormation takes 500", problem)


def test_as_many_artifacts_as_an_action_takes_fit() -> None:
    data = sample_pipelines.hello() | {"artifact_sync": "native"}
    use_all(MOST_INPUT_ARTIFACTS)(data)

    [read] = sample_pipelines.read(data)

    assert len(read.artifacts) == MOST_INPUT_ARTIFACTS


@pytest.mark.parametrize(
    "change",
    [
        put("source.artifacts", []),
        put("source.artifacts.0.name", "my-application"),
        lambda data: (put("stacks.0.name", "a_b")(data), put("stacks.1.after", "a_b")(data)),
    ],
)
def test_one_mistake_is_one_problem(change: Change) -> None:
    data = sample_pipelines.hello()
    change(data)

    assert len(problems(data)) == 1


# Between pipelines


def test_two_pipelines_do_not_deploy_one_stack_to_one_place() -> None:
    other = sample_pipelines.hello() | {"name": "other"}
    other["waves"] = [{"name": "development", "environments": [{"host": "development"}]}]

    assert problems(sample_pipelines.hello(), other) == [
        f"host other: pipeline.stacks[{stack}].name: pipeline hello already deploys this stack to"
        " development in us-east-1. Rename one of them"
        for stack in ("hello-function", "hello")
    ]


def test_two_pipelines_may_deploy_stacks_of_one_name_to_different_places() -> None:
    hello, other = sample_pipelines.hello(), sample_pipelines.hello() | {"name": "other"}
    hello["waves"], other["waves"] = hello["waves"][:1], other["waves"][1:]

    assert len(sample_pipelines.read(hello, other)) == 2


@pytest.mark.parametrize(
    ("name", "host"),
    [("CrossAccountPrimary", "build"), ("CrossAccountDeploy", "development")],
)
def test_a_pipeline_deploys_no_foundation_stack(name: str, host: str) -> None:
    data = sample_pipelines.hello()
    data["stacks"][0]["name"] = data["stacks"][1]["after"] = name

    assert (
        f"host hello: pipeline.stacks[{name}].name: it is the foundation stack of host {host}."
        " Rename it"
    ) in problems(data)


def test_a_pipeline_deploys_no_stack_of_a_pipeline() -> None:
    def change(organisation: Organisation) -> None:
        host = organisation.hosts["development"]
        tools = dataclasses.replace(host, name="tools", account_id="111111111111")
        organisation.hosts["tools"] = tools

    data = sample_pipelines.one_region()
    data["stacks"][0]["name"] = "another-pipeline"
    release_to("tools")(data)

    [line] = problems(data, change=change)
    assert (
        "stacks[another-pipeline].name: it ends in -pipeline, as only the stacks of pipelines may"
        " in the build account. Rename it"
    ) in line
    release_to("development")(data)
    assert problems(data, change=change) == []


def test_artifacts_of_two_pipelines_do_not_lie_together() -> None:
    first = sample_pipelines.one_region()
    first["name"] = "application-of-orders"
    second = {**sample_pipelines.one_region(), "name": "application-of-orders-too"}
    second["stacks"] = [{**second["stacks"][0], "name": "another"}]

    found = problems(first, second)

    assert (
        "host application-of-orders-too: its name begins as that of pipeline application-of-orders:"
        " CodePipeline writes artifacts below the first 20 characters. Rename one of them, so that"
        " these differ"
    ) in found
    assert problems({**first, "name": "orders-of-application"}, second) == []


def test_a_stack_of_a_pipeline_is_no_foundation_stack() -> None:
    assert problems(
        sample_pipelines.hello(), change=replace("build", stack_name="hello-pipeline")
    ) == [
        (
            "host hello: its stack hello-pipeline is the foundation stack of host build. Rename the"
            " pipeline"
        )
    ]


# Notifications

SECRET = "arn:aws:secretsmanager:us-east-1:222222222222:secret:hook-0a1b2c"


@pytest.mark.parametrize(
    ("notifications", "found"),
    [
        (
            {"events": ["release_fialed"]},
            "pipeline.notifications.events[1]: 'release_fialed' is unknown; expected one of",
        ),
        ({"mail": ["team"]}, "pipeline.notifications.mail[1]: 'team' is not a mail address"),
        (
            {"webhooks": [SECRET]},
            f"pipeline.notifications.webhooks: {SECRET} is of another account than the build",
        ),
    ],
)
def test_who_hears_of_releases_is_named_rightly(notifications: Data, found: str) -> None:
    (problem,) = problems({**sample_pipelines.hello(), "notifications": notifications})
    assert found in problem


def test_a_pipeline_sets_its_notifications_in_its_own_variable() -> None:
    hello = sample_pipelines.hello()
    found = sample_pipelines.variables(hello)
    hostvars: Any = found.hostvars
    hostvars["hello"]["notifications"] = {"mail": ["team@example.com"]}
    organisation = read_organisation(found, found.problems)
    read_pipelines(found, organisation, found.problems)
    (problem,) = found.problems.lines()
    assert "notifications: it differs from that of the primary. Set notifications in" in problem


def test_a_pipeline_inherits_the_notifications_that_it_does_not_set() -> None:
    found = sample_pipelines.variables(
        {**sample_pipelines.hello(), "notifications": {"mail": ["team@example.com"]}}
    )
    hostvars: Any = found.hostvars
    for variables in hostvars.values():
        variables["notifications"] = {"mail": ["all@example.com"], "events": ["release_failed"]}
    organisation = read_organisation(found, found.problems)
    pipeline = read_pipelines(found, organisation, found.problems)["hello"]
    assert found.problems.lines() == []
    read = pipeline.notifications
    assert (read.mail, read.events, read.own) == (
        ("team@example.com",),
        ("release_failed",),
        ("mail",),
    )
    assert type(pipeline).from_dict(pipeline.as_dict()) == pipeline
