# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of inventories/org that a test edits as a user would."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "inventories" / "org"

Variables = dict[str, Any]

# The source of hello as in the article.
ARTICLE: Variables = {
    "type": "codebuild",
    "repository": "https://github.com/example/hello.git",
    "branch": "main",
    "artifacts": [
        {"name": "application", "object": "application.zip"},
        {"name": "function", "object": "function.zip"},
    ],
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """A deploy account as the inventory has it."""

    account_id: str
    regions: tuple[str, ...]
    quarantined: bool = False
    absent: bool = False


class Inventory:
    """The inventory in a directory. Every edit is on disk when it returns."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def copied_to(
        cls,
        directory: Path,
        *,
        pipelines: bool = False,
        as_shipped: bool = False,
        example: str = SHIPPED.name,
    ) -> Inventory:
        """Copy an inventory that the collection ships.

        pipelines: its pipelines too. Without them a test is about the foundation. as_shipped: with
        their own source; otherwise they are built as in the article, by a project before them.
        """
        shutil.copytree(SHIPPED.with_name(example), directory)
        copy = cls(directory)
        if pipelines and not as_shipped:
            copy.declare("hello", {**copy.pipeline("hello"), "source": ARTICLE})
        if not pipelines:
            copy.remove_group("pipelines")
            shutil.rmtree(directory / "host_vars")
        return copy

    # What it says

    @property
    def build_account_id(self) -> str:
        """The account of the regional and primary stacks."""
        return str(self.variables("all")["build_account_id"])

    @property
    def primary_region(self) -> str:
        """Where the primary stack and every deploy account's stack are."""
        return str(self.variables("all")["primary_region"])

    @property
    def regional(self) -> list[str]:
        """Every region but the primary one."""
        return sorted(self._members("regional"))

    @property
    def regions(self) -> list[str]:
        """Every region."""
        return sorted([*self.regional, self.primary_region])

    @property
    def accounts(self) -> dict[str, Account]:
        """The deploy accounts by host name."""
        return {
            name: Account(
                account_id=host["account_id"],
                regions=tuple(host["regions"]),
                quarantined=host.get("state") == "quarantined",
                absent=host.get("state") == "absent",
            )
            for name, host in self._members("deploy_accounts").items()
        }

    @property
    def pipelines(self) -> set[str]:
        """The pipelines."""
        return set(self._members("pipelines"))

    @property
    def foundation(self) -> set[str]:
        """Every host but the pipelines."""
        return self.hosts - self.pipelines

    @property
    def absent(self) -> set[str]:
        """The hosts of the foundation that should be absent."""
        groups = ("regional", "deploy_accounts")
        return {
            name
            for group in groups
            for name, host in self._members(group).items()
            if host.get("state") == "absent"
        }

    @property
    def hosts(self) -> set[str]:
        """Every host."""
        return {name for group in self._read() for name in self._members(group)}

    def pipeline(self, name: str) -> Variables:
        """What a pipeline is made from: its variable `pipeline`."""
        found: Variables = yaml.safe_load(self._host_file(name).read_text(encoding="utf-8"))
        return dict(found["pipeline"])

    def variables(self, group: str) -> Variables:
        """The variables of a group, as its file has them."""
        path = self._group_file(group)
        return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}

    # Edits

    def add_region(self, region: str, *account_names: str) -> None:
        """Add a region, and let these accounts be deployed to in it."""
        self._edit("regional", region, {})
        for name in account_names:
            self._edit("deploy_accounts", name, {"regions": [*self.accounts[name].regions, region]})

    def add_account(self, name: str, account_id: str, *regions: str) -> None:
        """Add a deploy account."""
        self._edit("deploy_accounts", name, {"account_id": account_id, "regions": list(regions)})

    def put_into(self, group: str, *names: str) -> None:
        """Put hosts into one more group."""
        for name in names:
            self._edit(group, name, {})

    def declare(self, name: str, pipeline: Variables) -> None:
        """Add a pipeline, or let it be made from other data."""
        self._edit("pipelines", name, {})
        self._host_file(name).parent.mkdir(exist_ok=True)
        self._write(self._host_file(name), {"pipeline": pipeline})

    def retire(self, name: str) -> None:
        """Let a host be absent, as the documentation describes: no account deploys there."""
        for account, found in self.accounts.items():
            if name in found.regions:
                self.set(account, regions=[region for region in found.regions if region != name])
        self.set(name, state="absent")

    def set(self, name: str, **variables: Any) -> None:
        """Set variables of a host."""
        (group,) = [group for group in self._read() if name in self._members(group)]
        self._edit(group, name, variables)

    def set_group(self, group: str, **variables: Any) -> None:
        """Set variables of a group."""
        self.replace_group(group, {**self.variables(group), **variables})

    def replace_group(self, group: str, variables: Variables) -> None:
        """Give a group these variables and no others."""
        self._write(self._group_file(group), variables)

    def remove(self, name: str) -> None:
        """Remove a host, and every mention of it as a region."""
        groups = {
            group: {
                host: {
                    key: [item for item in value if item != name] if key == "regions" else value
                    for key, value in variables.items()
                }
                for host, variables in self._members(group).items()
                if host != name
            }
            for group in self._read()
        }
        self._write_groups(groups)
        self._host_file(name).unlink(missing_ok=True)

    def remove_group(self, group: str) -> None:
        """Take a whole group out of the file."""
        self._write_groups({name: self._members(name) for name in self._read() if name != group})

    def slice(self, directory: Path, *names: str) -> Inventory:
        """What a slice of a job sees: an inventory of these hosts only, with all variables."""
        copy = Inventory(directory)
        shutil.copytree(self.directory, directory)
        for name in self.hosts - set(names):
            copy._write_groups(
                {
                    group: {host: v for host, v in copy._members(group).items() if host != name}
                    for group in copy._read()
                }
            )
        return copy

    def _edit(self, group: str, name: str, variables: Variables) -> None:
        groups = {one: self._members(one) for one in self._read()}
        hosts = groups.setdefault(group, {})
        hosts[name] = {**hosts.get(name, {}), **variables}
        self._write_groups(groups)

    def _members(self, group: str) -> dict[str, Variables]:
        hosts = (self._read().get(group) or {}).get("hosts") or {}
        return {name: variables or {} for name, variables in hosts.items()}

    def _read(self) -> Variables:
        data: Variables = yaml.safe_load(self._hosts_file.read_text(encoding="utf-8"))
        return data

    def _write_groups(self, groups: dict[str, dict[str, Variables]]) -> None:
        self._write(self._hosts_file, {name: {"hosts": hosts} for name, hosts in groups.items()})

    @property
    def _hosts_file(self) -> Path:
        return self.directory / "hosts.yml"

    def _group_file(self, group: str) -> Path:
        return self.directory / "group_vars" / f"{group}.yml"

    def _host_file(self, name: str) -> Path:
        return self.directory / "host_vars" / f"{name}.yml"

    @staticmethod
    def _write(path: Path, data: Variables) -> None:
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


__all__ = ("ROOT", "SHIPPED", "Account", "Inventory")
