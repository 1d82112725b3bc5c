# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The organisation as data: hosts, accounts, regions. A host is one stack. Pure."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

REGIONAL, PRIMARY, DEPLOY_ACCOUNTS = "regional", "primary", "deploy_accounts"
PIPELINES = "pipelines"
GROUPS = (REGIONAL, PRIMARY, DEPLOY_ACCOUNTS, PIPELINES)
FOUNDATION_GROUPS = (REGIONAL, PRIMARY, DEPLOY_ACCOUNTS)

# Names of the foundation stacks: the variable, and its default. Role defaults are the same.
STACK_NAMES = {
    REGIONAL: ("regional_stack_name", "CrossAccountRegional"),
    PRIMARY: ("primary_stack_name", "CrossAccountPrimary"),
    DEPLOY_ACCOUNTS: ("deploy_account_stack_name", "CrossAccountDeploy"),
}
ACCESS_ROLE_NAME = "OrganizationAccountAccessRole"

# Names of the two roles in deploy accounts, which the policies of every region name.
ROLE_NAMES = {
    "codepipeline_role_name": "CrossAccountCodePipeline",
    "cloudformation_role_name": "CrossAccountCloudFormation",
}

_TARGET = (
    "name",
    "account_id",
    "region",
    "stack_name",
    "profile",
    "role_arn",
    "access_role_name",
    "external_id",
    "session_name",
    "session_duration",
    "source_identity",
)
_WAY_IN = (*_TARGET[_TARGET.index("profile") :], "session_tags")

# Whom the policies of keys and buckets admit: deploy accounts by id, or a whole organization.
ACCOUNTS, ORGANIZATION = "accounts", "organization"

PIPELINE_NAME = r"[a-z][a-z0-9-]{1,31}"


def pipeline_stack_name(pipeline: str) -> str:
    """Return the name of the stack of a pipeline."""
    return f"{pipeline}-pipeline"


def bucket_prefix(stack_name: str) -> str:
    """Return how the names begin that CloudFormation makes up for a stack's buckets.

    A name that does not fit is shortened; 24 characters of the stack's always remain.
    """
    return f"{stack_name.lower()}-"[:24]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Host:
    """One host of the inventory: one stack, and how its account is reached.

    :param regions: where pipelines deploy to in it; deploy accounts only, as what follows it.
    :param reads_alarms: whether pipelines may read its alarms.
    :param buckets: what they deploy files to, with the ARN of the key or empty text.
    :param services: what they deploy images to, as cluster/service.
    :param session_tags: name and value of each; they and what is above them make the session of
        an assumed role.
    """

    name: str
    group: str
    account_id: str
    region: str
    stack_name: str
    state: str = "present"
    regions: tuple[str, ...] = ()
    reads_alarms: bool = False
    buckets: tuple[tuple[str, str], ...] = ()
    services: tuple[str, ...] = ()
    profile: str | None = None
    role_arn: str | None = None
    access_role_name: str | None = None
    external_id: str | None = None
    session_name: str | None = None
    session_duration: int | None = None
    source_identity: str | None = None
    session_tags: tuple[tuple[str, str], ...] = ()

    @property
    def is_present(self) -> bool:
        """Whether its stack should exist, so that others may refer to it."""
        return self.state == "present"

    @property
    def is_absent(self) -> bool:
        """Whether its stack should be removed, once nothing refers to it."""
        return self.state == "absent"

    @property
    def is_quarantined(self) -> bool:
        """Whether its account is neither called nor granted anything."""
        return self.state == "quarantined"

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Host:
        """Return the host that :meth:`as_dict` wrote."""
        lists = {name: tuple(data[name]) for name in ("regions", "services") if name in data}
        pairs = {
            name: tuple(data[name].items()) for name in ("buckets", "session_tags") if name in data
        }
        return cls(**{**data, **lists, **pairs})

    def as_dict(self) -> dict[str, t.Any]:
        """Return the host as plain data, without what has its default."""
        found: dict[str, t.Any] = {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        }
        for name in found.keys() & {"regions", "services"}:
            found[name] = list(found[name])
        for name in found.keys() & {"buckets", "session_tags"}:
            found[name] = dict(found[name])
        return found

    def target(self) -> dict[str, t.Any]:
        """Return the host as a target of the batch actions."""
        target = {key: getattr(self, key) for key in _TARGET if getattr(self, key) is not None}
        return {**target, "session_tags": dict(self.session_tags)} if self.session_tags else target

    def way_in(self) -> dict[str, t.Any]:
        """Return how its account is reached, for another host of that account."""
        return {name: getattr(self, name) for name in _WAY_IN}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Organisation:
    """A whole inventory that follows the rules, or a slice of one.

    :param primary: the primary host; in a slice, which lacks it, a stand-in for it.
    :param role_names: the two roles in deploy accounts, by the variable that names them.
    :param grant_mode: whom the policies of keys and buckets admit.
    """

    build_account_id: str
    primary_region: str
    role_names: dict[str, str]
    primary: Host
    hosts: dict[str, Host]
    grant_mode: str = ACCOUNTS

    @property
    def grants_organization(self) -> bool:
        """Whether policies admit a whole organization instead of naming deploy accounts."""
        return self.grant_mode == ORGANIZATION

    def of(self, group: str) -> list[Host]:
        """Return the hosts of *group*, by name."""
        return list(self._groups.get(group, ()))

    @functools.cached_property
    def _groups(self) -> dict[str, list[Host]]:
        found: dict[str, list[Host]] = {}
        for name in sorted(self.hosts):
            found.setdefault(self.hosts[name].group, []).append(self.hosts[name])
        return found

    @property
    def foundation(self) -> list[Host]:
        """Every host but the pipelines, by name."""
        return sorted(
            (host for host in self.hosts.values() if host.group != PIPELINES),
            key=lambda host: host.name,
        )

    @property
    def is_slice(self) -> bool:
        """Whether it holds deploy accounts alone, as AWX slices do."""
        return not self.of(PRIMARY)

    @functools.cached_property
    def regions(self) -> list[str]:
        """Every region that should have a pipeline bucket and a key."""
        regional = (host.region for host in self.of(REGIONAL) if host.is_present)
        return sorted({self.primary_region, *regional})

    def granted(self, region: str) -> list[Host]:
        """Return the deploy accounts that belong in *region*'s policies."""
        return [
            host for host in self.of(DEPLOY_ACCOUNTS) if region in host.regions and host.is_present
        ]

    def all_absent(self) -> Organisation:
        """Return the organisation for a teardown: every host absent but quarantined ones."""
        hosts = {
            name: host if host.is_quarantined else dataclasses.replace(host, state="absent")
            for name, host in self.hosts.items()
        }
        return dataclasses.replace(
            self, hosts=hosts, primary=dataclasses.replace(self.primary, state="absent")
        )

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Organisation:
        """Return the organisation that :meth:`as_dict` wrote."""
        return cls(
            build_account_id=data["build_account_id"],
            primary_region=data["primary_region"],
            role_names=dict(data["role_names"]),
            primary=Host.from_dict(data["primary"]),
            hosts={name: Host.from_dict(host) for name, host in data["hosts"].items()},
            grant_mode=data["grant_mode"],
        )

    def as_dict(self) -> dict[str, t.Any]:
        """Return the organisation as plain data, for a variable of a playbook."""
        return {
            "build_account_id": self.build_account_id,
            "primary_region": self.primary_region,
            "role_names": self.role_names,
            "primary": self.primary.as_dict(),
            "hosts": {name: host.as_dict() for name, host in self.hosts.items()},
            "grant_mode": self.grant_mode,
        }


__all__ = (
    "ACCESS_ROLE_NAME",
    "ACCOUNTS",
    "DEPLOY_ACCOUNTS",
    "FOUNDATION_GROUPS",
    "GROUPS",
    "ORGANIZATION",
    "PIPELINES",
    "PIPELINE_NAME",
    "PRIMARY",
    "REGIONAL",
    "ROLE_NAMES",
    "STACK_NAMES",
    "Host",
    "Organisation",
    "bucket_prefix",
    "pipeline_stack_name",
)
