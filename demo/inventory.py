# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory that the demo uses, as its files say it, and the edit that it makes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PRODUCTION = "regions: [us-east-1, eu-west-1, ap-southeast-2]"

Stack = tuple[str, str, str]  # account id, region, stack name


class InventoryError(Exception):
    """The inventory is not the one that the demo was written for."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """An inventory as its files say it.

    accounts: deploy account by name. deploys_to: regions by deploy account's name. pipeline: the
    name of the only one.
    """

    build_account_id: str
    primary_region: str
    regional: Sequence[str]
    accounts: Mapping[str, str]
    deploys_to: Mapping[str, Sequence[str]]
    pipeline: str

    @property
    def regions(self) -> list[str]:
        """Every region that has, or should have, a bucket and a key."""
        return [*self.regional, self.primary_region]

    @property
    def stack_of(self) -> dict[str, Stack]:
        """The stack of each host."""
        build, primary = self.build_account_id, self.primary_region
        return {
            "build": (build, primary, "CrossAccountPrimary"),
            **{region: (build, region, "CrossAccountRegional") for region in self.regional},
            **{name: (one, primary, "CrossAccountDeploy") for name, one in self.accounts.items()},
            self.pipeline: (build, primary, f"{self.pipeline}-pipeline"),
        }


def read_inventory(directory: Path) -> Inventory:
    """Read the files themselves: what is compared with AWS must not come from our own code."""
    hosts: Any = yaml.safe_load((directory / "hosts.yml").read_text(encoding="utf-8"))
    shared: Any = yaml.safe_load((directory / "group_vars" / "all.yml").read_text(encoding="utf-8"))
    (pipeline,) = hosts["pipelines"]["hosts"]
    accounts = hosts["deploy_accounts"]["hosts"]
    return Inventory(
        build_account_id=shared["build_account_id"],
        primary_region=shared["primary_region"],
        regional=list(hosts["regional"]["hosts"]),
        accounts={name: host["account_id"] for name, host in accounts.items()},
        deploys_to={name: host["regions"] for name, host in accounts.items()},
        pipeline=pipeline,
    )


def add_region(path: Path, region: str) -> list[str]:
    """Add a region to a hosts.yml, for production only, and return the difference.

    Raises InventoryError when the file is not the one that is shipped.
    """
    before = after = path.read_text(encoding="utf-8")
    for old, new in (
        ("regional:\n  hosts:\n", f"regional:\n  hosts:\n    {region}:\n"),
        (_PRODUCTION, _PRODUCTION.replace("]", f", {region}]")),
    ):
        if after.count(old) != 1:
            raise InventoryError(f"{path.name} is not the one that is shipped: no {old!r}")
        after = after.replace(old, new)
    path.write_text(after, encoding="utf-8")
    difference = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "hosts.yml", "hosts.yml", n=1, lineterm=""
    )
    return "\n".join(difference).rstrip().splitlines()


__all__ = ("Inventory", "InventoryError", "Stack", "add_region", "read_inventory")
