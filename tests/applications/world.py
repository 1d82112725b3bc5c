# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrapped organisation whose builds run the real commands of a buildspec."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import Lab, Pipeline
from lab.clients import Clients
from tests.commands import run_command
from tools.environment import ROOT, environment

HOSTS = {"development": "222222222222", "testing": "333333333333", "production": "444444444444"}
REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
PLACES = [(host, region) for host in HOSTS for region in REGIONS]
_EXAMPLES = ROOT / "examples"

Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Build:
    """A checkout of an example, in the environment of its pipeline's builds."""

    folder: Path
    variables: dict[str, str]

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command as CodeBuild does, by the shell."""
        return run_command(
            ["bash", "-c", command],
            environment={**self.variables, **variables},
            folder=self.folder,
        )

    def run_buildspec(self) -> bytes:
        """Run the commands of phase build; the artifact that they leave."""
        spec = yaml.safe_load((self.folder / "buildspec.yml").read_text(encoding="utf-8"))
        for command in spec["phases"]["build"]["commands"]:
            done = self.run(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            base = self.folder / spec["artifacts"]["base-directory"]
            for pattern in spec["artifacts"]["files"]:
                for path in sorted(base.glob(pattern)):
                    archive.write(path, path.relative_to(base))
        return content.getvalue()


class World:
    """The lab with its pipelines."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.account = lab.organisation.build

    def assets(self, pipeline: str) -> dict[str, dict[str, str]]:
        """Where a build puts assets, by the variable that its project has."""
        return dict(json.loads(self._variables(pipeline)["CROSSACCOUNT_ASSETS"]))

    def objects(self, pipeline: str, region: str) -> list[str]:
        """The keys of a pipeline's assets in a region."""
        assets = self.assets(pipeline)[region]
        s3 = self.lab.client("s3", self.account, region)
        found = s3.list_objects_v2(Bucket=assets["bucket"], Prefix=assets["prefix"])
        return [entry["Key"] for entry in found.get("Contents", [])]

    def checkout(self, example: str, pipeline: str, folder: Path, tools: Path) -> Build:
        """Copy an example, for a build with the credentials of the project's role.

        tools: a folder with the programs that it uses.
        """
        ignored = shutil.ignore_patterns("node_modules", "cdk.out", "packaged")
        shutil.copytree(_EXAMPLES / example, folder, ignore=ignored)
        if (tools.parent / "node_modules").is_dir():
            (folder / "node_modules").symlink_to(tools.parent / "node_modules")
        region = self.lab.organisation.primary_region
        credentials = self._credentials(f"{pipeline}-release")
        inherited = environment()
        return Build(
            folder=folder,
            variables={
                **{name: value for name, value in inherited.items() if not name.startswith("AWS_")},
                "PATH": os.pathsep.join((str(tools), os.environ.get("PATH", os.defpath))),
                "HOME": str(folder),
                "SAM_CLI_TELEMETRY": "0",
                "AWS_ENDPOINT_URL": self.lab.url,
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "AWS_EC2_METADATA_DISABLED": "true",
                **{name.upper(): value for name, value in credentials.items()},
                **self._variables(pipeline),
                "CODEBUILD_WEBHOOK_TRIGGER": "branch/main",
            },
        )

    def release(self, pipeline: str, artifact: bytes) -> None:
        """Let a build leave the artifact, and wait until it is deployed everywhere."""
        found = Pipeline(self.lab, pipeline)
        found.wait()
        built = self.lab.build(f"{pipeline}-release", {"application.zip": artifact})
        assert built["buildStatus"] == "SUCCEEDED", built
        assert found.wait(executions=2) == "Succeeded", found.description

    def outputs(self, host: str, region: str, stack: str) -> dict[str, str]:
        """The outputs of a stack, and of the stacks nested in it."""
        cloudformation = self.lab.client("cloudformation", HOSTS[host], region)
        found: dict[str, str] = {}
        for page in cloudformation.get_paginator("describe_stacks").paginate():
            for described in page["Stacks"]:
                name = described["StackName"]
                if name == stack or name.startswith(f"{stack}-"):
                    found |= {
                        entry["OutputKey"]: entry["OutputValue"]
                        for entry in described.get("Outputs", [])
                    }
        return found

    def invoke(self, host: str, region: str, function: str, **event: Any) -> Data:
        """What a function answers."""
        answer = self.lab.client("lambda", HOSTS[host], region).invoke(
            FunctionName=function, Payload=json.dumps(event)
        )
        body: Data = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def _credentials(self, role: str) -> dict[str, str]:
        """Those of a role that only CodeBuild may assume."""
        iam = self.lab.client("iam", self.account)
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        root = {"AWS": f"arn:aws:iam::{self.account}:root"}
        admitted = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
        opened = {**trust, "Statement": [*trust["Statement"], admitted]}
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(opened))
        try:
            region = self.lab.organisation.primary_region
            return Clients(self.lab.url).assume(self.account, f"crossaccount/build/{role}", region)
        finally:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))

    def _variables(self, pipeline: str) -> dict[str, str]:
        codebuild = self.lab.client("codebuild", self.account)
        [project] = codebuild.batch_get_projects(names=[f"{pipeline}-release"])["projects"]
        return {
            variable["name"]: variable["value"]
            for variable in project["environment"]["environmentVariables"]
        }


__all__ = ("HOSTS", "PLACES", "REGIONS", "Build", "World")
