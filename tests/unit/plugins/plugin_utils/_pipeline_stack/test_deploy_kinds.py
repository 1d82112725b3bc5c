# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and images that a pipeline deploys in addition to stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import Pipeline
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.limits import (
    action_role_arns,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)

from tools import sample_pipelines

Data = dict[str, Any]
ROLE = "arn:aws:iam::333333333333:role/CrossAccountCodePipeline"


def stage(stages: list[Data], name: str) -> list[Data]:
    [found] = [item["Actions"] for item in stages if item["Name"] == name]
    return list(found)


def test_files_and_images_follow_the_stacks_with_roles_of_their_kinds() -> None:
    stages = compose_stages(sample_pipelines.pipeline("delivered"), sample_pipelines.foundation())
    *stacks, files, images = stage(stages, "testing")
    assert {action["ActionTypeId"]["Provider"] for action in stacks} == {"CloudFormation"}
    order = stacks[-1]["RunOrder"] + 1
    deploy = {"Category": "Deploy", "Owner": "AWS", "Version": "1"}
    assert files == {
        "Name": "testing-eu-west-1-site-s3",
        "ActionTypeId": {**deploy, "Provider": "S3"},
        "Region": "eu-west-1",
        "RoleArn": f"{ROLE}S3",
        "Configuration": {
            "BucketName": "hello-testing-eu-west-1",
            "Extract": "true",
            "CacheControl": "max-age=60",
            "KMSEncryptionKeyARN": (
                "arn:aws:kms:us-east-1:222222222222:key/01234567-89ab-cdef-0123-456789abcdef"
            ),
        },
        "InputArtifacts": [{"Name": "site"}],
        "RunOrder": order,
    }
    assert images["RoleArn"] == f"{ROLE}ECS"
    assert images["Configuration"] == {
        "ClusterName": "main",
        "ServiceName": "web",
        "FileName": "imagedefinitions.json",
    }
    assert images["RunOrder"] == order


def test_they_are_deployed_after_the_approval_of_change_sets() -> None:
    stages = compose_stages(sample_pipelines.pipeline("delivered"), sample_pipelines.foundation())
    actions = stage(stages, "production")
    [approval] = [action for action in actions if action["Name"] == "approve"]
    beside = [action for action in actions if action["Name"].endswith(("-s3", "-ecs"))]
    assert len(beside) == 6
    assert all(action["RunOrder"] > approval["RunOrder"] for action in beside)


def test_the_pipeline_assumes_the_roles_of_the_kinds_that_it_has() -> None:
    foundation = sample_pipelines.foundation()
    found = action_role_arns(sample_pipelines.pipeline("delivered"), foundation)
    assert [arn for arn in found if ":333333333333:" in arn] == [ROLE, f"{ROLE}S3", f"{ROLE}ECS"]
    assert f"{ROLE}S3" not in action_role_arns(sample_pipelines.pipeline("hello"), foundation)


def test_what_they_deploy_reaches_every_region() -> None:
    pipeline = sample_pipelines.pipeline("delivered")
    assert pipeline.artifacts == ["application", "function", "site", "images"]
    assert Pipeline.from_dict(pipeline.as_dict()) == pipeline


def _bucket(name: str) -> Callable[[Data], None]:
    return lambda data: data["s3"][0].update(bucket=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_bucket("other"), "s3[site].bucket: development does not list bucket other"),
        (_bucket("hello-{host}"), "is one bucket for 3 regions of production"),
        (_bucket("Hello"), "'Hello' is not the name of a bucket"),
        (
            lambda data: data["ecs"][0].update(service="api"),
            "ecs[web].service: development does not list service main/api",
        ),
        (
            lambda data: data["s3"][0].update(artifact="sites"),
            "s3[site].artifact: no artifact is called sites; the source makes",
        ),
        (lambda data: data["s3"][0].update(extract=False), "s3[site].key is not set"),
        (
            lambda data: data["s3"][0].update(CannedACL="public-read"),
            "unknown field `CannedACL`",
        ),
    ],
)
def test_what_an_account_does_not_open_is_refused(
    change: Callable[[Data], None], message: str
) -> None:
    data = sample_pipelines.delivered()
    change(data)
    with pytest.raises(PipelineError) as caught:
        sample_pipelines.read(data)
    assert message in f"{caught.value}"
