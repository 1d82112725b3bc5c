# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Sceptre project with the deployed templates, parameters and tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lab import Lab

# Sceptre updates stacks directly, which the access role of the collection does not allow. So it
# gets roles of its own that allow everything.
OPERATOR_ROLE = "SceptreOperator"
ACCESS_ROLE = "SceptreAccess"
_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
_SESSION_SECONDS = 43200


def create_roles(lab: Lab) -> None:
    """Make a role for Sceptre in every account, all of them trusting the build account."""
    build = lab.organisation.build
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{build}:root"},
            "Action": "sts:AssumeRole",
        },
    }
    roles = {build: OPERATOR_ROLE} | dict.fromkeys(lab.organisation.deploy.values(), ACCESS_ROLE)
    for account_id, name in roles.items():
        iam = lab.client("iam", account_id)
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trust),
            MaxSessionDuration=_SESSION_SECONDS,
        )
        iam.attach_role_policy(RoleName=name, PolicyArn=_POLICY)


def credentials(lab: Lab) -> dict[str, str]:
    """Environment variables with the credentials of Sceptre's operator, for 12 hours."""
    build = lab.organisation.build
    found = lab.client("sts", build).assume_role(
        RoleArn=f"arn:aws:iam::{build}:role/{OPERATOR_ROLE}",
        RoleSessionName="sceptre",
        DurationSeconds=_SESSION_SECONDS,
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def write_project(directory: Path, lab: Lab, regions: tuple[str, ...], *, release: str) -> None:
    """Write a project of every foundation stack that the lab holds.

    Parameters are written out as they stand. A real project would read the outputs of other stacks
    for them, which takes Sceptre more calls and an order. release: as in write_inventory().
    """
    templates, configs = directory / "templates", directory / "config"
    templates.mkdir(parents=True, exist_ok=True)
    configs.mkdir(exist_ok=True)
    region = lab.organisation.primary_region
    _write(configs / "config.yaml", {"project_code": "benchmark", "region": region})
    for name, account_id, stack_region, stack_name in _places(lab, regions):
        client = lab.client("cloudformation", account_id, stack_region)
        stack = client.describe_stacks(StackName=stack_name)["Stacks"][0]
        template = templates / f"{stack_name}.yaml"
        if not template.exists():
            body = client.get_template(StackName=stack_name)["TemplateBody"]
            template.write_text(body, encoding="utf-8")
        config = _config(stack, template=template.name, region=stack_region)
        if account_id != lab.organisation.build:
            config["sceptre_role"] = f"arn:aws:iam::{account_id}:role/{ACCESS_ROLE}"
            config["stack_tags"]["release"] = release
        _write(configs / f"{name}.yaml", config)


def _places(lab: Lab, regions: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """Name, account, region and stack name of every foundation stack."""
    organisation = lab.organisation
    for region in regions:
        yield region, organisation.build, region, "CrossAccountRegional"
    yield "build", organisation.build, organisation.primary_region, "CrossAccountPrimary"
    for name, account_id in organisation.deploy.items():
        yield name, account_id, organisation.primary_region, "CrossAccountDeploy"


def _config(stack: dict[str, Any], *, template: str, region: str) -> dict[str, Any]:
    return {
        "template": {"type": "file", "path": template},
        "region": region,
        "stack_name": stack["StackName"],
        "parameters": {
            entry["ParameterKey"]: entry["ParameterValue"] for entry in stack["Parameters"]
        },
        "stack_tags": {entry["Key"]: entry["Value"] for entry in stack["Tags"]},
    }


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(data), encoding="utf-8")


__all__ = ("create_roles", "credentials", "write_project")
