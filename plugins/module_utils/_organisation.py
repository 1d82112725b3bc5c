# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise is made to others.
"""The inventory as data: hosts, accounts, regions, and the rules that they keep. Pure.

A host is one foundation stack. Every rule that is broken is found, not only the first, and each is
told with its host and its cure, before anything is called.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from ._errors import PipelineError

REGIONAL, PRIMARY, DEPLOY_ACCOUNTS = "regional", "primary", "deploy_accounts"
GROUPS = (REGIONAL, PRIMARY, DEPLOY_ACCOUNTS)

# The names of the stacks unless the inventory sets others; role defaults say the same.
STACK_NAMES = {
    REGIONAL: ("regional_stack_name", "CrossAccountRegional"),
    PRIMARY: ("primary_stack_name", "CrossAccountPrimary"),
    DEPLOY_ACCOUNTS: ("deploy_account_stack_name", "CrossAccountDeploy"),
}
ACCESS_ROLE_NAME = "OrganizationAccountAccessRole"
MINIMUM_RETENTION_DAYS = 90

# A bucket policy (20 KB) names each account twice, and S3 may count an id as its root's ARN; one
# stack parameter (4,096 bytes) would hold 315.
MOST_ACCOUNTS = 250
# A role's inline policies (10,240 characters) name each region's bucket twice and its key once.
MOST_REGIONS = 32

_ACCOUNT_ID = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")

_TARGET = (
    "name",
    "account_id",
    "region",
    "stack_name",
    "profile",
    "role_arn",
    "access_role_name",
)
_STATES = ("present", "quarantined", "absent")
_SHARED = ("build_account_id", "primary_region")

Variables = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Host:
    """One host of the inventory: one foundation stack and the way to it."""

    name: str
    group: str
    account_id: str
    region: str
    stack_name: str
    state: str = "present"
    regions: tuple[str, ...] = ()
    profile: str | None = None
    role_arn: str | None = None
    access_role_name: str | None = None

    @property
    def is_present(self) -> bool:
        """Whether its stack is to stand, and what refers to it may name it."""
        return self.state == "present"

    @property
    def is_absent(self) -> bool:
        """Whether its stack is to go, once nothing refers to it any more."""
        return self.state == "absent"

    @property
    def is_quarantined(self) -> bool:
        """Whether no call goes to its account and no grant names it."""
        return self.state == "quarantined"

    @classmethod
    def from_data(cls, data: t.Mapping[str, t.Any]) -> Host:
        """Return the host that :meth:`as_data` wrote."""
        return cls(**{**data, "regions": tuple(data["regions"])})

    def as_data(self) -> dict[str, t.Any]:
        """Return the host as plain data."""
        return {**dataclasses.asdict(self), "regions": list(self.regions)}

    def target(self) -> dict[str, t.Any]:
        """Return the host as a target of the batch actions."""
        return {key: getattr(self, key) for key in _TARGET if getattr(self, key) is not None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Organisation:
    """A whole inventory that keeps the rules, or a slice of one.

    :param primary: the primary host; in a slice, which does not hold it, what stands for it.
    """

    build_account_id: str
    primary_region: str
    primary: Host
    hosts: dict[str, Host]

    def of(self, group: str) -> list[Host]:
        """Return the hosts of *group*, by name."""
        return sorted(
            (host for host in self.hosts.values() if host.group == group),
            key=lambda host: host.name,
        )

    @property
    def is_slice(self) -> bool:
        """Whether it holds deploy accounts alone, as a slice of an AWX job does."""
        return not self.of(PRIMARY)

    @property
    def regions(self) -> list[str]:
        """Every region that is to have a pipeline bucket and a key."""
        regional = (host.region for host in self.of(REGIONAL) if host.is_present)
        return sorted({self.primary_region, *regional})

    def granted(self, region: str) -> list[Host]:
        """Return the deploy accounts that the inventory wants in *region*'s policies."""
        return [
            host for host in self.of(DEPLOY_ACCOUNTS) if region in host.regions and host.is_present
        ]

    def all_absent(self) -> Organisation:
        """Return the organisation as a teardown wants it; quarantined hosts stay as they are."""
        hosts = {
            name: host if host.is_quarantined else dataclasses.replace(host, state="absent")
            for name, host in self.hosts.items()
        }
        return dataclasses.replace(
            self, hosts=hosts, primary=dataclasses.replace(self.primary, state="absent")
        )

    @classmethod
    def from_data(cls, data: t.Mapping[str, t.Any]) -> Organisation:
        """Return the organisation that :meth:`as_data` wrote."""
        return cls(
            build_account_id=data["build_account_id"],
            primary_region=data["primary_region"],
            primary=Host.from_data(data["primary"]),
            hosts={name: Host.from_data(host) for name, host in data["hosts"].items()},
        )

    def as_data(self) -> dict[str, t.Any]:
        """Return the organisation as plain data, for a variable of a playbook."""
        return {
            "build_account_id": self.build_account_id,
            "primary_region": self.primary_region,
            "primary": self.primary.as_data(),
            "hosts": {name: host.as_data() for name, host in self.hosts.items()},
        }


def read_organisation(
    groups: t.Mapping[str, t.Sequence[str]], hostvars: t.Mapping[str, Variables]
) -> Organisation:
    """Return the organisation that *groups* and *hostvars* (Ansible's own) describe.

    Raises PipelineError that lists every broken rule.
    """
    reader = _Reader(groups, hostvars)
    organisation = reader.read()
    if reader.problems:
        lines = "\n".join(f"  - {problem}" for problem in reader.problems)
        raise PipelineError(f"the inventory is not usable:\n{lines}")
    return organisation


class _Reader:
    """Reads hosts one by one, then looks at them together; collects what is wrong."""

    def __init__(
        self, groups: t.Mapping[str, t.Sequence[str]], hostvars: t.Mapping[str, Variables]
    ) -> None:
        self._members = {group: list(groups.get(group, ())) for group in GROUPS}
        self._all = list(groups.get("all", ()))
        self._hostvars = hostvars
        self.problems: list[str] = []

    def read(self) -> Organisation:
        self._check_groups()
        shared = {name: self._shared(name) for name in _SHARED}
        hosts = {
            name: self._host(name, group, shared)
            for group in GROUPS
            for name in self._members[group]
        }
        organisation = Organisation(hosts=hosts, primary=self._primary(hosts, shared), **shared)
        self._check_shared(shared)
        self._check_regional(organisation)
        self._check_deploy_accounts(organisation)
        self._check_sizes(organisation)
        return organisation

    # One host

    def _primary(self, hosts: dict[str, Host], shared: dict[str, str]) -> Host:
        """Return the primary host, or what any other host's variables say of it."""
        members = self._members[PRIMARY]
        if members:
            return hosts[members[0]]
        stand_in = next(iter(hosts), None)
        variable, stack_name = STACK_NAMES[PRIMARY]
        return Host(
            name="(primary)",  # no name of a host
            group=PRIMARY,
            account_id=shared[_SHARED[0]],
            region=shared[_SHARED[1]],
            stack_name=self._value(stand_in, variable, stack_name) if stand_in else stack_name,
            access_role_name=hosts[stand_in].access_role_name if stand_in else None,
        )

    def _host(self, name: str, group: str, shared: dict[str, str]) -> Host:
        deploys = group == DEPLOY_ACCOUNTS
        stack_variable, stack_name = STACK_NAMES[group]
        host = Host(
            name=name,
            group=group,
            account_id=self._account_id(name) if deploys else shared[_SHARED[0]],
            region=name if group == REGIONAL else shared[_SHARED[1]],
            stack_name=self._value(name, stack_variable, stack_name),
            state=self._value(name, "state", "present"),
            regions=tuple(self._regions_of(name)) if deploys else (),
            profile=self._value(name, "aws_profile", None) or None,
            role_arn=self._value(name, "role_arn", None) or None,
            access_role_name=self._value(name, "access_role_name", ACCESS_ROLE_NAME) or None,
        )
        self._check_state(host)
        self._check_way_in(host)
        self._check_settings(host)
        return host

    def _value(self, name: str, variable: str, default: t.Any) -> t.Any:
        value = self._hostvars[name].get(variable)
        return default if value is None else value

    def _account_id(self, name: str) -> str:
        value = self._value(name, "account_id", None)
        if value is None:
            self._problem(name, "account_id is not set", "Set it")
        elif not isinstance(value, str):
            # YAML reads 011111111111 as another number.
            self._problem(name, f"account_id {value!r} is not text", "Quote it")
        elif not _ACCOUNT_ID.fullmatch(value):
            self._problem(name, f"account_id {value!r} is not 12 digits", "Correct it")
        else:
            return value
        return ""

    def _regions_of(self, name: str) -> list[str]:
        regions = self._value(name, "regions", [])
        if not isinstance(regions, (list, tuple)) or not regions:
            self._problem(name, "regions is not a list of at least one region", "List its regions")
            return []
        wrong = [region for region in regions if not self._is_region(region)]
        if wrong:
            self._problem(name, f"{wrong[0]!r} in regions is not a region", "Correct it")
        twice = sorted({str(region) for region in regions if regions.count(region) > 1})
        if twice:
            self._problem(name, f"region {twice[0]} is in regions twice", "Take one away")
        return [str(region) for region in regions]

    def _check_state(self, host: Host) -> None:
        if host.state not in _STATES:
            self._problem(
                host.name, f"state {host.state!r} is unknown", f"Use one of {', '.join(_STATES)}"
            )
        elif host.is_absent and host.group == PRIMARY:
            self._problem(
                host.name,
                "the primary cannot be absent: everything refers to it",
                "To remove the whole organisation, run playbooks/teardown.yml",
            )
        elif host.is_quarantined and host.group != DEPLOY_ACCOUNTS:
            self._problem(
                host.name, "only a deploy account can be quarantined", "Take its state away"
            )

    def _check_way_in(self, host: Host) -> None:
        if host.profile and host.role_arn:
            self._problem(
                host.name, "aws_profile and role_arn are both set", "Keep the one that is meant"
            )
        if host.role_arn:
            arn = parse_aws_arn(str(host.role_arn))
            if arn is None or arn["service"] != "iam" or not arn["resource"].startswith("role/"):
                self._problem(
                    host.name, f"role_arn {host.role_arn!r} is not of a role", "Correct it"
                )
            elif host.account_id and arn["account_id"] != host.account_id:
                self._problem(
                    host.name,
                    f"role_arn is of account {arn['account_id']}, not {host.account_id}",
                    "Correct role_arn or account_id",
                )

    def _check_settings(self, host: Host) -> None:
        if host.is_absent:
            return
        if host.group == DEPLOY_ACCOUNTS:
            policies = self._value(host.name, "deploy_account_execution_policies", None)
            if not isinstance(policies, (list, tuple)) or not policies:
                self._problem(
                    host.name,
                    "deploy_account_execution_policies is not set",
                    "List the managed policies that deployments into this account need",
                )
            return
        days = self._value(host.name, "artifact_retention_days", MINIMUM_RETENTION_DAYS)
        if not isinstance(days, int) or days < MINIMUM_RETENTION_DAYS:
            self._problem(
                host.name,
                f"artifact_retention_days is {days!r}; a rollback needs the previous package",
                f"Set a number of at least {MINIMUM_RETENTION_DAYS}",
            )

    # All of them together

    def _check_groups(self) -> None:
        for name in self._all:
            member_of = [group for group in GROUPS if name in self._members[group]]
            if not member_of:
                self._problem(
                    name, "it is in none of our groups", f"Put it into one of {', '.join(GROUPS)}"
                )
            elif len(member_of) > 1:
                self._problem(
                    name,
                    f"it is in {' and '.join(member_of)}",
                    "Keep one; the build account as a target is a second host",
                )
        primary = self._members[PRIMARY]
        if len(primary) > 1:
            self.problems.append(
                f"group primary: {len(primary)} hosts ({', '.join(primary)}). Keep one"
            )
        if not primary and self._members[REGIONAL]:
            self.problems.append(
                "group primary: no host, but there are regional ones. Add the primary, or take an"
                " inventory (a slice) of deploy accounts alone"
            )
        if not any(self._members.values()):
            self.problems.append(f"no host is in one of the groups {', '.join(GROUPS)}. Add them")

    def _shared(self, variable: str) -> str:
        """Return what every host must agree on; the first host's where they do not."""
        hosts_of: dict[str, list[str]] = {}
        for name in (name for group in GROUPS for name in self._members[group]):
            value = self._value(name, variable, "")
            # A number is told as such: YAML reads 011111111111 as another one.
            told = value if isinstance(value, str) else f"{value!r} (not text: quote it)"
            hosts_of.setdefault(told, []).append(name)
        if set(hosts_of) == {""}:
            self.problems.append(f"{variable} is not set. Set it in group_vars/all.yml")
        elif len(hosts_of) > 1:
            told = ", ".join(
                f"{value or 'nothing'} for {names[0]}" for value, names in hosts_of.items()
            )
            self.problems.append(
                f"{variable} differs between hosts ({told}). Set it once, in group_vars/all.yml"
            )
        return next(iter(hosts_of), "")

    def _check_shared(self, shared: dict[str, str]) -> None:
        account_id, region = (shared[name] for name in _SHARED)
        if account_id and not _ACCOUNT_ID.fullmatch(account_id):
            self.problems.append(
                f"build_account_id {account_id} is not 12 digits. Correct group_vars/all.yml"
            )
        if region and not self._is_region(region):
            self.problems.append(
                f"primary_region {region} is not a region. Correct group_vars/all.yml"
            )

    def _check_regional(self, organisation: Organisation) -> None:
        for host in organisation.of(REGIONAL):
            if not self._is_region(host.name):
                self._problem(
                    host.name, "a host of group regional is named by its region", "Rename it"
                )
            elif host.name == organisation.primary_region:
                self._problem(
                    host.name, "the primary region is not regional", "Take it out of group regional"
                )

    def _check_deploy_accounts(self, organisation: Organisation) -> None:
        owners: dict[str, str] = {}
        for host in organisation.of(DEPLOY_ACCOUNTS):
            if host.account_id in owners:
                self._problem(
                    host.name,
                    f"account {host.account_id} is that of host {owners[host.account_id]} already",
                    "Keep one host; list all its regions there",
                )
            if host.account_id:
                owners.setdefault(host.account_id, host.name)
            # A slice has no regional hosts in sight; an absent account deploys nowhere any more.
            if not organisation.is_slice and not host.is_absent:
                self._check_regions_known(host, organisation)

    def _check_regions_known(self, host: Host, organisation: Organisation) -> None:
        for region in host.regions:
            if not self._is_region(region) or region in organisation.regions:
                continue
            if region in organisation.hosts:
                self._problem(
                    host.name,
                    f"region {region} is in regions, and its host is to be absent",
                    f"Take {region} out of regions too",
                )
            else:
                self._problem(
                    host.name,
                    f"region {region} is neither the primary region nor in group regional",
                    f"Add {region} to group regional, or take it out of regions",
                )

    def _check_sizes(self, organisation: Organisation) -> None:
        for region in organisation.regions:
            count = len(organisation.granted(region))
            if count > MOST_ACCOUNTS:
                self.problems.append(
                    f"region {region}: {count} deploy accounts, and its policies hold"
                    f" {MOST_ACCOUNTS}. Spread the accounts over two organisations"
                )
        if len(organisation.regions) > MOST_REGIONS:
            self.problems.append(
                f"{len(organisation.regions)} regions, and the policies of a role hold"
                f" {MOST_REGIONS}. Take away regions that nothing is deployed to"
            )

    @staticmethod
    def _is_region(value: t.Any) -> bool:
        return isinstance(value, str) and _REGION.fullmatch(value) is not None

    def _problem(self, name: str, what: str, cure: str) -> None:
        file = self._hostvars[name].get("inventory_file") if name in self._all else None
        where = f"host {name} ({file})" if file else f"host {name}"
        self.problems.append(f"{where}: {what}. {cure}")


__all__ = (
    "ACCESS_ROLE_NAME",
    "DEPLOY_ACCOUNTS",
    "GROUPS",
    "MINIMUM_RETENTION_DAYS",
    "MOST_ACCOUNTS",
    "MOST_REGIONS",
    "PRIMARY",
    "REGIONAL",
    "STACK_NAMES",
    "Host",
    "Organisation",
    "read_organisation",
)
