# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that brings files to a bucket and images to a service, with the roles of the account."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from lab import Lab, Pipeline, objects
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

REGION = "us-east-1"
SITE = "hello-site-development"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def with_images(data: bytes, image: str) -> bytes:
    """Return a package with the image definitions of a service."""
    package = io.BytesIO(data)
    with zipfile.ZipFile(package, "a") as archive:
        images = [{"name": "web", "imageUri": image}]
        archive.writestr("imagedefinitions.json", json.dumps(images))
    return package.getvalue()


def test_files_and_images_reach_what_the_account_lists(
    lab: Lab, inventory: Inventory, playbook: Playbook, existing: None
) -> None:
    """Talks to the lab."""
    account = inventory.accounts["development"].account_id
    hello = inventory.pipeline("hello")
    hello |= {
        "waves": [{"name": "development", "environments": [{"host": "development"}]}],
        "s3": [{"name": "site", "artifact": "function", "bucket": "hello-site-{host}"}],
        "ecs": [{"name": "web", "artifact": "application", "cluster": "main", "service": "web"}],
    }
    inventory.declare("hello", hello)
    inventory.set(
        "development",
        deploy_account_buckets=[{"name": SITE}],
        deploy_account_services=[{"cluster": "main", "service": "web", "roles": ["Task"]}],
    )
    s3, ecs = lab.client("s3", account, REGION), lab.client("ecs", account, REGION)
    s3.create_bucket(Bucket=SITE)
    ecs.create_cluster(clusterName="main")
    lab.client("iam", account).create_role(
        RoleName="Task",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            }
        ),
    )
    ecs.register_task_definition(
        family="web",
        executionRoleArn=f"arn:aws:iam::{account}:role/Task",
        containerDefinitions=[{"name": "web", "image": "web:old", "memory": 128}],
    )
    ecs.create_service(cluster="main", serviceName="web", taskDefinition="web:1", desiredCount=0)
    run = playbook.run()
    assert run.code == 0, run.output

    pipeline = Pipeline(lab, "hello")
    pipeline.wait()
    before = len(pipeline.executions)
    files = objects()
    files["application.zip"] = with_images(files["application.zip"], "web:new")
    assert lab.build("hello-release", files)["buildStatus"] == "SUCCEEDED"
    assert pipeline.wait(executions=before + 1) == "Succeeded", pipeline.description

    with zipfile.ZipFile(io.BytesIO(files["function.zip"])) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}
    assert {
        name: s3.get_object(Bucket=SITE, Key=name)["Body"].read() for name in expected
    } == expected
    (service,) = ecs.describe_services(cluster="main", services=["web"])["services"]
    found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
    assert found["taskDefinition"]["containerDefinitions"][0]["image"] == "web:new"
