# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of ``pipelines``: every one is broken once, and what is said names field and cure.

Calls nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    MOST_INPUT_ARTIFACTS,
    MOST_SYNCED_ARTIFACTS,
    read_pipelines,
)

from tools import sample_pipelines

Data = dict[str, Any]
Change = Callable[[Data], Any]


def problems(*samples: Data, organisation: Organisation | None = None) -> list[str]:
    """Return the problems of pipelines that are not usable."""
    found = sample_pipelines.variables(*samples)
    whole = read_organisation(found, found.problems)
    if organisation:
        whole = dataclasses.replace(
            organisation,
            hosts={**organisation.hosts, **{host.name: host for host in whole.of("pipelines")}},
        )
    read_pipelines(found, whole, found.problems)
    lines = found.problems.lines()
    assert lines
    return lines


def put(path: str, value: Any) -> Change:
    """Return what sets a field, given as ``waves.0.name``, or adds it."""

    def change(data: Any) -> None:
        *way, last = path.split(".")
        for key in way:
            data = data[int(key) if isinstance(data, list) else key]
        data[int(last) if isinstance(data, list) else last] = value

    return change


def drop(path: str) -> Change:
    """Return what takes a field away."""

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
        data["stacks"] = [
            {
                "name": "hello",
                "artifact": "a0",
                "template": "template.yml",
                "parameters": {
                    f"P{number}": {"Fn::GetArtifactAtt": [f"a{number}", "URL"]}
                    for number in range(count)
                },
            }
        ]
        data["waves"][0]["environments"][0].pop("parameters")

    return change


def many_waves(data: Data) -> None:
    """Two targets to a stage, an environment each."""
    data["max_actions_per_stage"] = 4
    hosts = [f"target-{number:02}" for number in range(30)]
    data["waves"] = [{"name": "all", "environments": [{"host": host} for host in hosts]}]


FIELD_PROBLEMS: list[tuple[str, Change, str]] = [
    (
        "an unknown field",
        put("stages", []),
        (
            "hello: stages: unknown field. Use one of source, stacks, waves,"
            " artifact_sync, execution_mode, max_actions_per_stage"
        ),
    ),
    (
        "an unknown field further down",
        put("waves.0.environments.0.account", "1"),
        (
            "hello: waves[development].environments[development].account: unknown field. Use one of"
            " host, regions, parameters"
        ),
    ),
    # The source
    ("no source", drop("source"), "hello: source: is not set. Set it"),
    ("a source of text", put("source", "s3"), "hello: source: is not a mapping. Correct it"),
    (
        "a source of no type",
        drop("source.type"),
        "hello: source.type: is not set. Use one of codebuild, s3",
    ),
    (
        "a source of another type",
        put("source.type", "github"),
        "hello: source.type: 'github' is unknown. Use one of codebuild, s3",
    ),
    (
        "no repository",
        drop("source.repository"),
        "hello: source.repository: is not set. Set it",
    ),
    (
        "a repository elsewhere",
        put("source.repository", "git@github.com:example/hello.git"),
        (
            "hello: source.repository: 'git@github.com:example/hello.git' is not"
            " https://github.com/<owner>/<name>. Correct it"
        ),
    ),
    (
        "a branch that is a pattern",
        put("source.branch", "release/*"),
        (
            "hello: source.branch: 'release/*' is not letters, digits and ._/-, as it becomes a"
            " pattern. Correct it"
        ),
    ),
    (
        "a connection that is none",
        put("source.connection_arn", "arn:aws:iam::111111111111:role/x"),
        (
            "hello: source.connection_arn: 'arn:aws:iam::111111111111:role/x' is not the ARN of a"
            " connection. Correct it"
        ),
    ),
    (
        "a compute type that is none",
        put("source.compute_type", "LARGE"),
        (
            "hello: source.compute_type: 'LARGE' is unknown. Use one of BUILD_GENERAL1_SMALL,"
            " BUILD_GENERAL1_MEDIUM, BUILD_GENERAL1_LARGE, BUILD_GENERAL1_XLARGE,"
            " BUILD_GENERAL1_2XLARGE"
        ),
    ),
    (
        "an image that is none",
        put("source.image", "my image"),
        "hello: source.image: 'my image' is not an image. Correct it",
    ),
    (
        "forks in words",
        put("source.forks", "no"),
        "hello: source.forks: 'no' is neither true nor false. Correct it",
    ),
    (
        "a variable of CodeBuild's own",
        put("source.environment", {"CODEBUILD_SRC_DIR": "x"}),
        "hello: source.environment.CODEBUILD_SRC_DIR: is a name that CodeBuild reserves. Rename it",
    ),
    (
        "a variable with a hyphen",
        put("source.environment", {"a-b": "x"}),
        "hello: source.environment.a-b: is not the name of a variable. Rename it",
    ),
    (
        "a variable with a fraction",
        put("source.environment", {"VERSION": 1.1}),
        (
            "hello: source.environment.VERSION: is neither text, a whole number, true nor false."
            " Quote it, or correct it"
        ),
    ),
    (
        "no artifacts",
        put("source.artifacts", []),
        "hello: source.artifacts: is not a list of at least one entry. List what it needs",
    ),
    (
        "an artifact with a hyphen",
        put("source.artifacts.1.name", "my-function"),
        (
            "hello: source.artifacts[my-function].name: 'my-function' is not 1 to 100 letters,"
            " digits and underscores. Correct it"
        ),
    ),
    (
        "two artifacts of one name",
        put("source.artifacts.1.name", "application"),
        "hello: source.artifacts: name application is there twice. Keep one",
    ),
    (
        "two artifacts of one object",
        put("source.artifacts.1.object", "application.zip"),
        "hello: source.artifacts: object application.zip is there twice. Keep one",
    ),
    (
        "an object out of its place",
        put("source.artifacts.0.object", "../other/application.zip"),
        (
            "hello: source.artifacts[application].object: '../other/application.zip' is not a"
            " relative path in its plain form. Correct it"
        ),
    ),
    (
        "a trigger of a build",
        put("source.artifacts.0.trigger", True),
        (
            "hello: source.artifacts[application].trigger: is for source type s3: with codebuild,"
            " the build that has succeeded starts the pipeline. Remove it"
        ),
    ),
    (
        "more artifacts than a build makes",
        put(
            "source.artifacts",
            [*artifacts(12), *sample_pipelines.hello()["source"]["artifacts"]],
        ),
        "hello: source.artifacts: are 14, and a build has 13 at most. Put several into one",
    ),
    # The stacks
    (
        "no stacks",
        drop("stacks"),
        "hello: stacks: is not a list of at least one entry. List what it needs",
    ),
    (
        "a stack with an underscore",
        put("stacks.0.name", "my_stack"),
        (
            "hello: stacks[my_stack].name: 'my_stack' is not the name of a stack: letters, digits"
            " and hyphens, a letter first. Correct it"
        ),
    ),
    (
        "two stacks of one name",
        put("stacks.0.name", "hello"),
        "hello: stacks: name hello is there twice. Keep one",
    ),
    (
        "a stack of no artifact",
        drop("stacks.1.artifact"),
        "hello: stacks[hello].artifact: is not set. Set it",
    ),
    (
        "a stack of another artifact",
        put("stacks.1.artifact", "templates"),
        (
            "hello: stacks[hello].artifact: no artifact is called templates: the source makes"
            " application, function. Add it to source.artifacts, or correct the name"
        ),
    ),
    (
        "an absolute template",
        put("stacks.1.template", "/template.yml"),
        (
            "hello: stacks[hello].template: '/template.yml' is not a relative path in its plain"
            " form. Correct it"
        ),
    ),
    (
        "a template with a space",
        put("stacks.1.template", "my template.yml"),
        (
            "hello: stacks[hello].template: 'my template.yml' is not a path of letters, digits and"
            " ._/-. Correct it"
        ),
    ),
    (
        "a template that is far away",
        put("stacks.1.template", "d/" * 300 + "t"),
        "hello: stacks[hello].template: has over 512 characters. Shorten the path",
    ),
    (
        "a template configuration out of the artifact",
        put("stacks.1.template_configuration", "a/../../b.json"),
        (
            "hello: stacks[hello].template_configuration: 'a/../../b.json' is not a relative path"
            " in its plain form. Correct it"
        ),
    ),
    (
        "an unknown capability",
        put("stacks.0.capabilities", ["CAPABILITY_ALL"]),
        (
            "hello: stacks[hello-function].capabilities: 'CAPABILITY_ALL' is unknown. Use one of"
            " CAPABILITY_IAM, CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND"
        ),
    ),
    (
        "a stack after one that is not there",
        put("stacks.1.after", "database"),
        (
            "hello: stacks[hello].after: database is not a stack of this pipeline. Name one of its"
            " stacks"
        ),
    ),
    (
        "stacks that wait for each other",
        put("stacks.0.after", "hello"),
        (
            "hello: stacks[hello-function].after: the stacks hello-function, hello wait for each"
            " other. Remove one after"
        ),
    ),
    (
        "a stack that waits for itself",
        put("stacks.0.after", "hello-function"),
        (
            "hello: stacks[hello-function].after: the stacks hello-function, hello wait for each"
            " other. Remove one after"
        ),
    ),
    # Parameters
    (
        "a parameter with a hyphen",
        put("stacks.1.parameters", {"a-b": "c", "Greeting": "x"}),
        "hello: stacks[hello].parameters.a-b: is not the name of a parameter. Rename it",
    ),
    (
        "a parameter of nothing",
        put("stacks.1.parameters.Greeting", None),
        (
            "hello: stacks[hello].parameters.Greeting: is neither text, a whole number, true or"
            " false, a list of these, nor a function. Quote it, or correct it"
        ),
    ),
    (
        "a parameter that is not ASCII",
        put("stacks.1.parameters.Greeting", "Grüezi"),
        (
            "hello: stacks[hello].parameters.Greeting: is neither text, a whole number, true or"
            " false, a list of these, nor a function. Quote it, or correct it"
        ),
    ),
    (
        "a function of CloudFormation",
        put("stacks.1.parameters.Greeting", {"Fn::Sub": "x"}),
        (
            "hello: stacks[hello].parameters.Greeting: is a mapping, but not a function of"
            " CodePipeline. Use one of Fn::GetArtifactAtt, Fn::GetParam"
        ),
    ),
    (
        "a function with too little",
        put("stacks.1.parameters.Greeting", {"Fn::GetParam": ["function", "texts.json"]}),
        (
            "hello: stacks[hello].parameters.Greeting: Fn::GetParam takes artifact, file, key. Give"
            " it exactly these"
        ),
    ),
    (
        "an attribute that no artifact has",
        put("stacks.1.parameters.Greeting", {"Fn::GetArtifactAtt": ["function", "Key"]}),
        (
            "hello: stacks[hello].parameters.Greeting: 'Key' is not an attribute of an"
            " artifact. Use"
            " one of BucketName, ObjectKey, URL"
        ),
    ),
    (
        "a function of an artifact that is not made",
        put("stacks.1.parameters.Greeting", {"Fn::GetArtifactAtt": ["layer", "URL"]}),
        (
            "hello: stacks[hello].parameters.Greeting: no artifact is called layer: the source"
            " makes application, function. Add it to source.artifacts, or correct the name"
        ),
    ),
    (
        "an environment's function of an artifact that is not made",
        put(
            "waves.1.environments.0.parameters",
            {"Greeting": {"Fn::GetParam": ["layer", "texts.json", "Greeting"]}},
        ),
        (
            "hello: waves[testing].environments[testing].parameters.Greeting: no artifact is called"
            " layer: the source makes application, function. Add it to source.artifacts, or correct"
            " the name"
        ),
    ),
    (
        "an environment's parameter of no stack",
        put("waves.1.environments.0.parameters", {"Size": "1"}),
        (
            "hello: waves[testing].environments[testing].parameters.Size: no stack has this"
            " parameter, so it is not clear whose it is. Give it a value in parameters of the stack"
            " that it belongs to"
        ),
    ),
    (
        "too long parameters",
        put("stacks.1.parameters.Greeting", "x" * 1000),
        (
            "hello: stacks[hello].parameters: make 1015 characters for testing of wave testing, and"
            " an action takes 1000. Move them into a file of the artifact and name it in"
            " template_configuration"
        ),
    ),
    # The waves
    (
        "no waves",
        put("waves", {}),
        "hello: waves: is not a list of at least one entry. List what it needs",
    ),
    (
        "a wave with a space",
        put("waves.0.name", "first wave"),
        (
            "hello: waves[first wave].name: 'first wave' is not 1 to 100 letters, digits and .@_-."
            " Correct it"
        ),
    ),
    (
        "a wave called as a stage that is there",
        put("waves.0.name", "Source"),
        "hello: waves[Source].name: Source is a stage of every pipeline. Rename it",
    ),
    (
        "two waves of one name",
        put("waves.0.name", "testing"),
        "hello: waves: name testing is there twice. Keep one",
    ),
    (
        "a wave without environments",
        drop("waves.0.environments"),
        (
            "hello: waves[development].environments: is not a list of at least one entry. List what"
            " it needs"
        ),
    ),
    (
        "a host that is not there",
        put("waves.0.environments.0.host", "staging"),
        (
            "hello: waves[development].environments[staging].host: staging is not a host of"
            " deploy_accounts. Add it to the inventory, or correct the name"
        ),
    ),
    (
        "a host of another group",
        put("waves.0.environments.0.host", "build"),
        (
            "hello: waves[development].environments[build].host: build is not a host of"
            " deploy_accounts. Add it to the inventory, or correct the name"
        ),
    ),
    (
        "a region without a foundation",
        put("waves.0.environments.0.regions", ["us-west-1"]),
        (
            "hello: waves[development].environments[development].regions: region us-west-1 has no"
            " foundation: it is neither the primary region nor a present host of group regional."
            " Add us-west-1 to the inventory, or remove it"
        ),
    ),
    (
        "a region that is not the host's",
        put("waves.0.environments.0.regions", ["eu-west-1"]),
        (
            "hello: waves[development].environments[development].regions: region eu-west-1 is not"
            " in regions of host development. Add it to the host, so that its roles reach that"
            " region's bucket and key"
        ),
    ),
    (
        "a region twice",
        put("waves.0.environments.0.regions", ["us-east-1", "us-east-1"]),
        (
            "hello: waves[development].environments[development].regions: region us-east-1 is there"
            " twice. Keep one"
        ),
    ),
    (
        "no regions",
        put("waves.0.environments.0.regions", []),
        (
            "hello: waves[development].environments[development].regions: is not a list of at least"
            " one entry. List what it needs"
        ),
    ),
    (
        "an environment in two waves",
        lambda data: data["waves"][1]["environments"].append({"host": "development"}),
        (
            "hello: waves[testing].environments: development in us-east-1 is in wave development"
            " already. A release reaches it once: remove one"
        ),
    ),
    (
        "an environment twice in one wave",
        lambda data: data["waves"][2]["environments"].append(
            {"host": "production", "regions": ["eu-west-1"]}
        ),
        (
            "hello: waves[production].environments: production in eu-west-1 is in wave production"
            " already. A release reaches it once: remove one"
        ),
    ),
    (
        "an approval in words",
        put("waves.2.approval", "yes"),
        (
            "hello: waves[production].approval: is neither true nor a mapping. Give it summary and"
            " link"
        ),
    ),
    (
        "an approval of somebody",
        put("waves.2.approval", {"by": "me"}),
        "hello: waves[production].approval.by: unknown field. Use one of summary, link",
    ),
    (
        "an approval with a long text",
        put("waves.2.approval.summary", "x" * 1001),
        (
            "hello: waves[production].approval.summary: has 1001 characters, and an approval takes"
            " 1000. Shorten it"
        ),
    ),
    (
        "an approval with a text that is not ASCII",
        put("waves.2.approval.summary", "Auslösen?"),
        "hello: waves[production].approval.summary: is not ASCII. Use plain letters",
    ),
    (
        "an approval with a link that is none",
        put("waves.2.approval.link", "see the wiki"),
        "hello: waves[production].approval.link: 'see the wiki' is not an address. Correct it",
    ),
    # The whole
    (
        "another way to copy",
        put("artifact_sync", "replication"),
        "hello: artifact_sync: 'replication' is unknown. Use one of lambda, native",
    ),
    (
        "another execution mode",
        put("execution_mode", "queued"),
        "hello: execution_mode: 'queued' is unknown. Use one of QUEUED, SUPERSEDED, PARALLEL",
    ),
    (
        "a stage of one action",
        put("max_actions_per_stage", 1),
        "hello: max_actions_per_stage: 1 is not a number from 2 to 100. Correct it",
    ),
    (
        "a stage of yes actions",
        put("max_actions_per_stage", True),
        "hello: max_actions_per_stage: True is not a number from 2 to 100. Correct it",
    ),
    (
        "more artifacts than an invoke action takes",
        use_all(MOST_SYNCED_ARTIFACTS + 1),
        (
            "hello: artifact_sync: stacks use 6 artifacts, and an invoke action takes 5. Set"
            " artifact_sync: native, or put several into one"
        ),
    ),
    (
        "a stage that the next wave is called",
        lambda data: (
            put("max_actions_per_stage", 4)(data),
            put("waves.1.name", "production-approve")(data),
        ),
        "hello: waves: stage production-approve is there twice. Keep one",
    ),
    (
        "more sources than a stage takes",
        lambda data: (
            put("max_actions_per_stage", 2)(data),
            data["source"]["artifacts"].append({"name": "third", "object": "third.zip"}),
        ),
        "hello: max_actions_per_stage: stage Source has 3 actions. Allow as many",
    ),
    (
        "a wave whose stages get long names",
        lambda data: (
            put("max_actions_per_stage", 4)(data),
            put("waves.2.name", "p" * 95)(data),
        ),
        f"hello: waves: stage {'p' * 95}-prepare-1 has over 100 characters. Shorten the name",
    ),
    (
        "more stages than a pipeline has",
        many_waves,
        "hello: waves: make 66 stages, and a pipeline has 50 at most. Divide it into two pipelines",
    ),
]


@pytest.mark.parametrize(
    ("change", "told"),
    [(change, told) for _what, change, told in FIELD_PROBLEMS],
    ids=[what for what, _change, _told in FIELD_PROBLEMS],
)
def test_a_broken_rule_is_told_with_pipeline_field_and_cure(change: Change, told: str) -> None:
    data = sample_pipelines.hello()
    change(data)

    name, field, rest = told.split(": ", 2)
    assert f"host {name}: pipeline.{field}: {rest}" in problems(data)


def test_all_problems_are_reported_together() -> None:
    data = sample_pipelines.hello()
    put("source.repository", "x")(data)
    put("stacks.1.after", "y")(data)
    put("waves.0.environments.0.host", "z")(data)

    assert [line.split(": ")[1] for line in problems(data, {"name": "other"})] == [
        "pipeline.source.repository",
        "pipeline.waves[development].environments[z].host",
        "pipeline.stacks[hello].after",
        "pipeline.source",
        "pipeline.stacks",
        "pipeline.waves",
    ]


def test_no_pipelines_are_fine() -> None:
    assert sample_pipelines.read() == []


def test_an_absent_pipeline_is_not_read() -> None:
    data = sample_pipelines.hello() | {"state": "absent"}
    put("waves.0.environments.0.host", "gone")(data)

    assert sample_pipelines.read(data, {"name": "old", "state": "absent"}) == []


# Built elsewhere


@pytest.mark.parametrize(
    ("triggers", "told"),
    [
        ([], "none has trigger: true, and exactly one must"),
        ([0, 1], "application, function has trigger: true, and exactly one must"),
    ],
)
def test_one_upload_starts_the_pipeline(triggers: list[int], told: str) -> None:
    data = sample_pipelines.uploaded()
    for number, artifact in enumerate(data["source"]["artifacts"]):
        artifact["trigger"] = number in triggers

    assert problems(data) == [
        (
            f"host uploaded: pipeline.source.artifacts: {told}. Set it on the artifact that"
            " is uploaded last"
        )
    ]


@pytest.mark.parametrize("field", ["repository", "branch", "connection_arn", "forks", "image"])
def test_what_is_built_elsewhere_has_nothing_of_codebuild(field: str) -> None:
    data = sample_pipelines.uploaded()
    data["source"][field] = sample_pipelines.hello()["source"].get(field, "x")

    assert problems(data) == [
        (
            f"host uploaded: pipeline.source.{field}: is for type codebuild. Remove it,"
            " or change the"
            " type"
        )
    ]


# With the organisation


def test_nothing_is_deployed_to_a_host_that_is_to_be_absent() -> None:
    organisation = sample_pipelines.organisation()
    host = dataclasses.replace(organisation.hosts["testing"], state="absent")
    organisation.hosts["testing"] = host

    assert problems(sample_pipelines.hello(), organisation=organisation) == [
        (
            "host hello: pipeline.waves[testing].environments[testing].host: host testing is"
            " absent, so nothing can be deployed to it. Remove it from the waves"
        )
    ]


def test_a_host_in_quarantine_stays_in_the_waves() -> None:
    found = sample_pipelines.variables(sample_pipelines.hello())
    organisation = read_organisation(found, found.problems)
    before = read_pipelines(found, organisation, found.problems)
    host = dataclasses.replace(organisation.hosts["testing"], state="quarantined")
    organisation.hosts["testing"] = host

    assert read_pipelines(found, organisation, found.problems) == before
    assert not found.problems


@pytest.mark.parametrize(
    "place", ["waves[testing].environments[testing]", "waves[production].environments[production]"]
)
def test_a_region_that_is_to_be_absent_has_no_foundation(place: str) -> None:
    organisation = sample_pipelines.organisation()
    host = dataclasses.replace(organisation.hosts["eu-west-1"], state="absent")
    organisation.hosts["eu-west-1"] = host

    assert (
        f"host hello: pipeline.{place}.regions: region eu-west-1 has no foundation:"
        " it is neither the"
        " primary region nor a present host of group regional. Add eu-west-1 to the inventory, or"
        " remove it"
    ) in problems(sample_pipelines.hello(), organisation=organisation)


def test_a_host_with_a_name_that_no_action_can_have_is_refused() -> None:
    organisation = sample_pipelines.organisation()
    organisation.hosts["my host"] = dataclasses.replace(
        organisation.hosts["development"], name="my host"
    )
    data = sample_pipelines.hello()
    put("waves.0.environments.0.host", "my host")(data)

    assert problems(data, organisation=organisation) == [
        (
            "host hello: pipeline.waves[development].environments[my host].host: my host has other"
            " characters than letters, digits and .@_-, and becomes part of the names of actions."
            " Rename the host"
        )
    ]


def test_there_are_no_pipelines_in_china() -> None:
    organisation = dataclasses.replace(sample_pipelines.organisation(), primary_region="cn-north-1")
    organisation.hosts["development"] = dataclasses.replace(
        organisation.hosts["development"], regions=("cn-north-1",)
    )
    data = sample_pipelines.one_region()
    del data["waves"][1]

    assert (
        "host one-region: pipeline.waves: cn-north-1 is of the partition aws-cn,"
        " where CodePipeline has"
        " no CloudFormation action. Pipelines of this kind cannot be built there"
    ) in problems(data, organisation=organisation)


def test_more_accounts_than_a_role_policy_holds_are_refused() -> None:
    organisation = sample_pipelines.organisation()
    data = sample_pipelines.one_region()
    data["waves"] = [{"name": "all", "environments": []}]
    for number in range(200):
        name = f"account-{number:03}"
        organisation.hosts[name] = dataclasses.replace(
            organisation.hosts["development"], name=name, account_id=f"9{number:011}"
        )
        data["waves"][0]["environments"].append({"host": name})

    [told] = problems(data, organisation=organisation)
    assert told.startswith(
        "host one-region: pipeline.waves: 200 accounts and 1 regions make a role policy of "
    )
    assert told.endswith(" characters, and IAM takes 10240. Divide it into two pipelines")


def test_more_artifacts_than_an_action_takes_are_refused() -> None:
    data = sample_pipelines.hello() | {"artifact_sync": "native"}
    use_all(MOST_INPUT_ARTIFACTS + 1)(data)

    assert (
        "host hello: pipeline.stacks[hello].parameters: name 11 artifacts for"
        " testing of wave testing,"
        " and an action takes 10. Put several into one"
    ) in problems(data)


def test_as_many_artifacts_as_an_action_takes_are_fine_when_codepipeline_copies_them() -> None:
    data = sample_pipelines.hello() | {"artifact_sync": "native"}
    use_all(MOST_INPUT_ARTIFACTS)(data)

    [read] = sample_pipelines.read(data)

    assert len(read.artifacts) == MOST_INPUT_ARTIFACTS


def test_more_actions_than_a_pipeline_has_are_refused() -> None:
    data = sample_pipelines.hello()
    data["max_actions_per_stage"] = 100
    data["stacks"] = [
        {"name": f"hello-{number}", "artifact": "application", "template": "template.yml"}
        for number in range(9)
    ]
    data["waves"] = [
        {
            "name": "all",
            "environments": [{"host": f"target-{number:02}"} for number in range(30)],
        }
    ]

    assert (
        "host hello: pipeline.waves: make 1101 actions, and a pipeline has 1000 at"
        " most. Divide it into"
        " two pipelines"
    ) in problems(data)


# Between applications


def renamed(name: str) -> Data:
    """Return the sample under another name, with stacks of its own."""
    data = sample_pipelines.hello() | {"name": name}
    for stack in data["stacks"]:
        stack["name"] = f"{name}-{stack['name']}"
    data["stacks"][1]["after"] = data["stacks"][0]["name"]
    return data


def test_two_applications_do_not_deploy_one_stack() -> None:
    other = renamed("other")
    other["stacks"][1]["name"] = "hello"
    other["waves"] = [{"name": "development", "environments": [{"host": "development"}]}]

    assert problems(sample_pipelines.hello(), other) == [
        (
            "host other: pipeline.stacks[hello].name: pipeline hello deploys this stack"
            " to development"
            " in us-east-1 already. Rename one of them"
        )
    ]


def test_two_applications_may_deploy_stacks_of_one_name_to_different_places() -> None:
    one, other = sample_pipelines.hello(), sample_pipelines.hello() | {"name": "other"}
    one["waves"], other["waves"] = one["waves"][:1], other["waves"][1:]

    assert len(sample_pipelines.read(one, other)) == 2


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("CrossAccountPrimary", "build"),
        ("CrossAccountDeploy", "development"),
        ("CrossAccountDeploy", "production"),
    ],
)
def test_a_foundation_stack_is_none_of_an_application(name: str, host: str) -> None:
    data = sample_pipelines.hello()
    data["stacks"][0]["name"] = data["stacks"][1]["after"] = name

    assert (
        f"host hello: pipeline.stacks[{name}].name: it is the foundation stack of"
        f" host {host}. Rename it"
    ) in problems(data)


def test_a_pipelines_own_stack_is_none_of_an_application() -> None:
    organisation = sample_pipelines.organisation()
    organisation.hosts["tools"] = dataclasses.replace(
        organisation.hosts["development"], name="tools", account_id="111111111111"
    )
    data = sample_pipelines.one_region()
    data["stacks"][0]["name"] = "one-region-pipeline"
    data["waves"] = [{"name": "tools", "environments": [{"host": "tools"}]}]

    assert problems(data, organisation=organisation) == [
        (
            "host one-region: pipeline.stacks[one-region-pipeline].name: it is the stack of a"
            " pipeline. Rename it"
        )
    ]


def test_a_pipelines_stack_is_none_of_the_foundation() -> None:
    organisation = sample_pipelines.organisation()
    organisation.hosts["build"] = dataclasses.replace(
        organisation.hosts["build"], stack_name="hello-pipeline"
    )

    assert problems(sample_pipelines.hello(), organisation=organisation) == [
        (
            "host hello: its stack hello-pipeline is the foundation stack of host build. Rename the"
            " pipeline"
        )
    ]
