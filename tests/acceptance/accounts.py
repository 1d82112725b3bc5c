# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts of an acceptance run, their inventory, and sessions in them."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import boto3
import yaml

INSTALLER = "OrganizationAccountAccessRole"
OPERATOR, DRIFT = "CrossAccountOperator", "CrossAccountDrift"
NAME = "acceptance"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accounts:
    """The sandbox.

    regions: the first is the primary one, and every account deploys to all. organisation_id: with
    it, policies admit the organization instead of naming accounts.
    """

    build: str
    deploy: tuple[str, ...]
    regions: tuple[str, ...]
    organisation_id: str = ""

    @property
    def hosts(self) -> dict[str, str]:
        """Account ids by host."""
        deploy = {
            f"deploy{number}": account_id for number, account_id in enumerate(self.deploy, start=1)
        }
        return {"build": self.build, **deploy}

    def role(self, name: str, host: str = "build") -> str:
        """Return the ARN of a role of a host's account."""
        return f"arn:aws:iam::{self.hosts[host]}:role/{name}"

    def write_inventory(self, directory: Path, *, without: str = "") -> None:
        """Write the inventory, with all defaults that it can have.

        without: a region that should be absent.
        """
        first, *others = self.regions
        regions = [region for region in self.regions if region != without]
        deploy = [name for name in self.hosts if name != "build"]
        hosts = {
            "regional": {
                "hosts": {
                    region: {"state": "absent"} if region == without else {} for region in others
                }
            },
            "primary": {"hosts": {"build": {}}},
            "deploy_accounts": {
                "hosts": {
                    name: {"account_id": self.hosts[name], "regions": regions} for name in deploy
                }
            },
            "pipelines": {"hosts": {NAME: {}}},
        }
        shared = {
            "organisation_name": NAME,
            "build_account_id": self.build,
            "primary_region": first,
            "access_role_name": "CrossAccountAccess",
            "operator_principals": [self.role(INSTALLER)],
            "operator_remediates": True,
            "stack_tags": {"purpose": NAME},
        }
        if self.organisation_id:
            shared |= {"grant_mode": "organization", "organisation_id": self.organisation_id}
        policy = "arn:aws:iam::{{ account_id }}:policy/CrossAccountExecution"
        _write(directory / "hosts.yml", hosts)
        _write(directory / "group_vars" / "all.yml", shared)
        _write(
            directory / "group_vars" / "deploy_accounts.yml",
            {"deploy_account_execution_policies": [policy]},
        )
        _write(directory / "host_vars" / f"{NAME}.yml", {"pipeline": self._pipeline(deploy)})

    def _pipeline(self, deploy: list[str]) -> dict[str, Any]:
        """An upload goes to one account, and after an approval of its change sets to the last."""
        waves = [{"name": "first", "environments": [{"host": deploy[0]}]}]
        if len(deploy) > 1:
            last = [{"host": name} for name in deploy[1:]]
            approval = {"summary": "Release it?", "review": "change_sets"}
            waves.append({"name": "last", "approval": approval, "environments": last})  # type: ignore[dict-item]
        return {
            "source": {
                "type": "s3",
                "artifacts": [
                    {"name": "application", "object": "application.zip", "trigger": True}
                ],
                "uploader": {"role_arns": [self.role(INSTALLER)]},
            },
            "stacks": [
                {"name": f"{NAME}-topic", "artifact": "application", "template": "topic.template"}
            ],
            "waves": waves,
        }


class Sessions:
    """Sessions of roles: those of the installer, and of who may be assumed from there."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def installer(self, host: str) -> Any:
        """Return a session of the administrator of a host's account."""
        if self._base_account_id == self._accounts.hosts[host]:
            return self._base
        return self._assumed(self._base, self._accounts.role(INSTALLER, host))

    def in_build(self, role_arn: str) -> Any:
        """Return a session of a role that the administrator of the build account assumes."""
        return self._assumed(self.installer("build"), role_arn)

    @functools.cached_property
    def region(self) -> str:
        """The primary region."""
        return self._accounts.regions[0]

    @functools.cached_property
    def _base(self) -> Any:
        return boto3.Session()

    @functools.cached_property
    def _base_account_id(self) -> str:
        return str(self._base.client("sts", self.region).get_caller_identity()["Account"])

    def _assumed(self, session: Any, role_arn: str) -> Any:
        answer = session.client("sts", self.region).assume_role(
            RoleArn=role_arn, RoleSessionName=NAME
        )["Credentials"]
        return boto3.Session(
            aws_access_key_id=answer["AccessKeyId"],
            aws_secret_access_key=answer["SecretAccessKey"],
            aws_session_token=answer["SessionToken"],
            region_name=self.region,
        )


def environment_of(session: Any) -> dict[str, str]:
    """Return a session's credentials as environment variables."""
    found = session.get_credentials().get_frozen_credentials()
    return {
        "AWS_ACCESS_KEY_ID": found.access_key,
        "AWS_SECRET_ACCESS_KEY": found.secret_key,
        "AWS_SESSION_TOKEN": found.token,
    }


def _write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


__all__ = (
    "DRIFT",
    "INSTALLER",
    "NAME",
    "OPERATOR",
    "Accounts",
    "Sessions",
    "environment_of",
)
