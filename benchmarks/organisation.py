# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A generated organisation of any size: what the lab seeds, and the inventory that names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from lab import Organisation, load_organisation
from lab.organisation.model import ORGANISATION_ID
from tools.environment import ROOT

# Regions that every account has enabled from the start, without the primary one.
REGIONS = (
    "eu-west-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "us-west-2",
    "eu-central-1",
    "us-east-2",
    "ap-southeast-1",
    "eu-west-2",
    "sa-east-1",
    "ca-central-1",
    "ap-south-1",
    "eu-north-1",
    "ap-northeast-2",
    "eu-west-3",
    "us-west-1",
    "ap-northeast-3",
)
_FIRST_ACCOUNT = 200_000_000_001
# Accounts that the policies of a region can name.
_NAMED = 250
_EXAMPLE = ROOT / "inventories" / "org"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """How many deploy accounts, and how many regions besides the primary one."""

    accounts: int
    regions: int

    @property
    def foundation(self) -> int:
        """Stacks of the build account: the regional ones and the primary one."""
        return self.regions + 1

    @property
    def stacks(self) -> int:
        """Every stack but those of pipelines."""
        return self.accounts + self.foundation


def generate(size: Size) -> Organisation:
    """The lab's organisation, with as many deploy accounts as *size* says in place of its own."""
    deploy = {f"account-{n + 1:03}": str(_FIRST_ACCOUNT + n) for n in range(size.accounts)}
    return dataclasses.replace(load_organisation(), deploy=deploy)


def write_inventory(
    directory: Path,
    organisation: Organisation,
    size: Size,
    *,
    release: str,
    pipelines: Sequence[str] = (),
) -> None:
    """Write the inventory of *organisation*, with the example's group variables.

    Each account deploys to the primary region and to one regional region, in turn.
    release: a tag of every deploy account's stack; another value is an update of each of them.
    pipelines: each releases stacks of its own to the first three accounts, one after the other.
    """
    regions = REGIONS[: size.regions]
    hosts = {}
    for n, (name, account_id) in enumerate(organisation.deploy.items()):
        own = [regions[n % len(regions)]] if regions else []
        hosts[name] = {"account_id": account_id, "regions": [organisation.primary_region, *own]}
    inventory = {
        "regional": {"hosts": dict.fromkeys(regions)},
        "primary": {"hosts": {"build": None}},
        "deploy_accounts": {"hosts": hosts},
        "pipelines": {"hosts": dict.fromkeys(pipelines)},
    }
    groups = _EXAMPLE / "group_vars"
    shared, deploy = (_load(groups / f"{name}.yml") for name in ("all", "deploy_accounts"))
    deploy["stack_tags"] = {**shared["stack_tags"], "release": release}
    if size.accounts > _NAMED:
        shared |= {"grant_mode": "organization", "organisation_id": ORGANISATION_ID}
    (directory / "group_vars").mkdir(exist_ok=True)
    _dump(directory / "hosts.yml", inventory)
    _dump(directory / "group_vars" / "all.yml", shared)
    _dump(directory / "group_vars" / "deploy_accounts.yml", deploy)
    (directory / "host_vars").mkdir(exist_ok=True)
    for name in pipelines:
        _dump(directory / "host_vars" / f"{name}.yml", {"pipeline": _pipeline(name, list(hosts))})


def _pipeline(name: str, accounts: Sequence[str]) -> dict[str, Any]:
    """Return the example's pipeline under another name."""
    pipeline: dict[str, Any] = _load(_EXAMPLE / "host_vars" / "hello.yml")["pipeline"]
    for stack in pipeline["stacks"]:
        stack["name"] = stack["name"].replace("hello", name)
    for wave, account in zip(pipeline["waves"], accounts, strict=False):
        wave["environments"] = [{"host": account}]
    return pipeline


def _load(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))


def _dump(path: Path, data: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(data), encoding="utf-8")


__all__ = ("REGIONS", "Size", "generate", "write_inventory")
