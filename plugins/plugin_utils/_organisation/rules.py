# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the inventory. Pure.

All broken rules are reported together, each with its host and what to do, before any call.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .model import (
    ACCESS_ROLE_NAME,
    DEPLOY_ACCOUNTS,
    FOUNDATION_GROUPS,
    GROUPS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    ROLE_NAMES,
    STACK_NAMES,
    Host,
    Organisation,
    pipeline_stack_name,
)
from .problems import Problems
from .variables import Variables

MINIMUM_RETENTION_DAYS = 90
# A bucket policy (20 KB) names each account twice, and S3 may count an id as its root's ARN; one
# stack parameter (4,096 bytes) would hold 315.
MOST_ACCOUNTS = 250
# A role's inline policies (10,240 characters) name each region's bucket twice and its key once.
MOST_REGIONS = 32

_ACCOUNT_ID = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
_NOT_TEXT = "is not text"  # YAML reads 011111111111 as another number
_ANYTHING = re.compile(r".+")
_STATES = ("present", "quarantined", "absent")


def read_organisation(variables: Variables, problems: Problems) -> Organisation:
    """Return the organisation that the inventory describes; add what is wrong to *problems*."""
    return _Reader(variables, problems).read()


class _Reader:
    """Reads the hosts, then checks them together."""

    def __init__(self, variables: Variables, problems: Problems) -> None:
        self._members = {group: variables.groups.get(group, []) for group in GROUPS}
        self._all = variables.groups.get("all", [])
        self._names_of_groups = set(variables.groups)
        self._variables = variables
        self.problems = problems

    def read(self) -> Organisation:
        """Return the organisation."""
        self._check_groups()
        build_account_id = self._shared("build_account_id", of=_ACCOUNT_ID, which="12 digits")
        primary_region = self._shared("primary_region", of=_REGION, which="a region")
        names = {
            variable: self._shared(variable, default=name) for variable, name in ROLE_NAMES.items()
        }
        hosts: dict[str, Host] = {}
        for group in FOUNDATION_GROUPS:
            for name in self._members[group]:
                if name not in hosts:
                    hosts[name] = self._host(name, group, build_account_id, primary_region)
        primary = self._primary(hosts, build_account_id, primary_region)
        for name in self._members[PIPELINES]:
            if name not in hosts:
                hosts[name] = self._pipeline(name, primary)
        organisation = Organisation(
            build_account_id=build_account_id,
            primary_region=primary_region,
            role_names=names,
            primary=primary,
            hosts=hosts,
        )
        self._check_regional(organisation)
        self._check_deploy_accounts(organisation)
        self._check_sizes(organisation)
        return organisation

    # One host

    def _primary(self, hosts: dict[str, Host], account_id: str, region: str) -> Host:
        """Return the primary host, or what any other host's variables say of it."""
        members = self._members[PRIMARY]
        if members:
            return hosts[members[0]]
        stand_in = next(iter(hosts), None)
        variable, stack_name = STACK_NAMES[PRIMARY]
        return Host(
            name="(primary)",  # no name of a host
            group=PRIMARY,
            account_id=account_id,
            region=region,
            stack_name=self._value(stand_in, variable, stack_name) if stand_in else stack_name,
            access_role_name=hosts[stand_in].access_role_name if stand_in else None,
        )

    def _host(self, name: str, group: str, build_account_id: str, primary_region: str) -> Host:
        deploys = group == DEPLOY_ACCOUNTS
        stack_variable, stack_name = STACK_NAMES[group]
        host = Host(
            name=name,
            group=group,
            account_id=self._account_id(name) if deploys else build_account_id,
            region=name if group == REGIONAL else primary_region,
            stack_name=self._value(name, stack_variable, stack_name),
            state=self._value(name, "state", "present"),
            regions=tuple(self._regions_of(name)) if deploys else (),
            profile=self._value(name, "aws_profile", None) or None,
            role_arn=self._value(name, "role_arn", None) or None,
            access_role_name=self._value(name, "access_role_name", ACCESS_ROLE_NAME) or None,
        )
        self._check_state(host)
        self._check_access(host)
        self._check_settings(host)
        return host

    def _pipeline(self, name: str, primary: Host) -> Host:
        """Return the host of a pipeline, which is reached as the primary is."""
        host = Host(
            name=name,
            group=PIPELINES,
            account_id=primary.account_id,
            region=primary.region,
            stack_name=pipeline_stack_name(name),
            state=self._value(name, "state", "present"),
            profile=primary.profile,
            role_arn=primary.role_arn,
            access_role_name=primary.access_role_name,
        )
        self._check_state(host)
        self._check_tags(host)
        return host

    def _value(self, name: str, variable: str, default: t.Any) -> t.Any:
        return self._variables.get(name, variable, default)

    def _account_id(self, name: str) -> str:
        value = self._value(name, "account_id", None)
        if value is None:
            if not self._variables.is_unreadable(name, "account_id"):
                self._problem(name, "account_id is not set", "Set it")
        elif not isinstance(value, str):
            self._problem(name, f"account_id {value!r} is not text", "Quote it")
        elif not _ACCOUNT_ID.fullmatch(value):
            self._problem(name, f"account_id {value!r} is not 12 digits", "Correct it")
        else:
            return value
        return ""

    def _regions_of(self, name: str) -> list[str]:
        regions = self._value(name, "regions", [])
        if self._variables.is_unreadable(name, "regions"):
            return []
        if not isinstance(regions, (list, tuple)) or not regions:
            self._problem(name, "regions is not a list of at least one region", "List its regions")
            return []
        wrong = [region for region in regions if not self._is_region(region)]
        if wrong:
            self._problem(name, f"{wrong[0]!r} in regions is not a region", "Correct it")
        twice = sorted({str(region) for region in regions if regions.count(region) > 1})
        if twice:
            self._problem(name, f"region {twice[0]} is in regions twice", "Remove one")
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
            self._problem(host.name, "only a deploy account can be quarantined", "Remove its state")

    def _check_access(self, host: Host) -> None:
        if host.profile and host.role_arn:
            self._problem(host.name, "aws_profile and role_arn are both set", "Remove one of them")
        if host.role_arn:
            arn = parse_aws_arn(str(host.role_arn))
            if arn is None or arn["service"] != "iam" or not arn["resource"].startswith("role/"):
                self._problem(
                    host.name, f"role_arn {host.role_arn!r} is not the ARN of a role", "Correct it"
                )
            elif host.account_id and arn["account_id"] != host.account_id:
                self._problem(
                    host.name,
                    f"role_arn is of account {arn['account_id']}, not {host.account_id}",
                    "Correct role_arn or account_id",
                )

    def _check_tags(self, host: Host) -> None:
        tags = self._value(host.name, "stack_tags", {})
        if not isinstance(tags, Mapping) or not all(
            str(text).isascii() for pair in tags.items() for text in pair
        ):
            self._problem(
                host.name,
                "stack_tags is not a mapping of ASCII names to ASCII values",
                "Correct it",
            )

    def _check_settings(self, host: Host) -> None:
        self._check_tags(host)
        if host.group == DEPLOY_ACCOUNTS:
            policies = self._value(host.name, "deploy_account_execution_policies", None)
            unreadable = self._variables.is_unreadable(
                host.name, "deploy_account_execution_policies"
            )
            if unreadable:
                return
            if not isinstance(policies, (list, tuple)) or not policies:
                self._problem(
                    host.name,
                    "deploy_account_execution_policies is not a list of at least one policy",
                    "List the managed policies that deployments need",
                )
            return
        days = self._value(host.name, "artifact_retention_days", MINIMUM_RETENTION_DAYS)
        if not isinstance(days, int) or days < MINIMUM_RETENTION_DAYS:
            self._problem(
                host.name,
                f"artifact_retention_days {days!r} is not a number of at least"
                f" {MINIMUM_RETENTION_DAYS}",
                "Set one: a rollback needs the previous release's package",
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
                self._problem(name, f"it is in {' and '.join(member_of)}", _rename(name, member_of))
            if name in self._names_of_groups:
                self._problem(
                    name,
                    "it has the name of a group, which Ansible confuses",
                    f"Rename the host, for example to {name}-1",
                )
            if self._variables.get(name, "pipelines") is not None:
                self._problem(
                    name,
                    "pipelines is a group now, not a variable",
                    "Make each entry a host of group pipelines, with its fields in the variable"
                    " pipeline (host_vars/<name>.yml)",
                )
        self._check_primary()
        if not any(self._members.values()):
            self.problems.add(f"no host is in one of the groups {', '.join(GROUPS)}", "Add them")

    def _check_primary(self) -> None:
        primary = self._members[PRIMARY]
        if len(primary) > 1:
            self.problems.add(
                f"group primary: {len(primary)} hosts ({', '.join(primary)})", "Keep one"
            )
        for group in (REGIONAL, PIPELINES):
            if not primary and self._members[group]:
                self.problems.add(
                    f"group primary: no host, but group {group} has some",
                    "Add the primary, or use an inventory (a slice) of deploy accounts alone",
                )

    def _shared(
        self,
        variable: str,
        *,
        default: str = "",
        of: re.Pattern[str] = _ANYTHING,
        which: str = "",
    ) -> str:
        """Return what all hosts must agree on; empty where it is wrong.

        :param of: what the value must look like, in words *which*.
        """
        where = "group_vars/all.yml"
        hosts_of: dict[str, list[str]] = {}
        for name in dict.fromkeys(name for group in GROUPS for name in self._members[group]):
            if self._variables.is_unreadable(name, variable):
                return default
            value = self._value(name, variable, default)
            text = value if isinstance(value, str) else f"{value} {_NOT_TEXT}"
            hosts_of.setdefault(text, []).append(name)
        values = list(hosts_of)
        if not values:
            return default  # no host at all, which is reported elsewhere
        value = values[0]
        if len(values) > 1:
            found = ", ".join(f"{hosts_of[text][0]}: {text or 'nothing'}" for text in values)
            self.problems.add(
                f"{variable} differs between hosts ({found})", f"Set it once, in {where}"
            )
        elif value == "":
            self.problems.add(f"{variable} is not set", f"Set it in {where}")
        elif value.endswith(_NOT_TEXT):
            self.problems.add(f"{variable} {value}", f"Quote it in {where}")
        elif not of.fullmatch(value):
            self.problems.add(f"{variable} {value} is not {which}", f"Correct it in {where}")
        else:
            return value
        return ""

    def _check_regional(self, organisation: Organisation) -> None:
        for host in organisation.of(REGIONAL):
            if not self._is_region(host.name):
                self._problem(
                    host.name, "a host of group regional is named by its region", "Rename it"
                )
            elif host.name == organisation.primary_region:
                self._problem(
                    host.name, "the primary region is not regional", "Remove it from group regional"
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
            known = organisation.primary_region and not organisation.is_slice
            if known and not host.is_absent:
                self._check_regions_known(host, organisation)

    def _check_regions_known(self, host: Host, organisation: Organisation) -> None:
        for region in host.regions:
            if not self._is_region(region) or region in organisation.regions:
                continue
            host_of = organisation.hosts.get(region)
            if host_of is not None and not host_of.is_absent:
                continue  # what is wrong with its host is reported there
            if host_of is not None:
                self._problem(
                    host.name,
                    f"region {region} is in regions, and its host is absent",
                    f"Remove {region} from regions too",
                )
            else:
                self._problem(
                    host.name,
                    f"region {region} is neither the primary region nor in group regional",
                    f"Add {region} to group regional, or remove it from regions",
                )

    def _check_sizes(self, organisation: Organisation) -> None:
        for region in organisation.regions:
            count = len(organisation.granted(region))
            if count > MOST_ACCOUNTS:
                self.problems.add(
                    f"region {region}: {count} deploy accounts, and its policies hold"
                    f" {MOST_ACCOUNTS}",
                    "Spread the accounts over two organisations",
                )
        if len(organisation.regions) > MOST_REGIONS:
            self.problems.add(
                f"{len(organisation.regions)} regions, and the policies of a role hold"
                f" {MOST_REGIONS}",
                "Remove regions that nothing is deployed to",
            )

    @staticmethod
    def _is_region(value: t.Any) -> bool:
        return isinstance(value, str) and _REGION.fullmatch(value) is not None

    def _problem(self, name: str, what: str, cure: str) -> None:
        self.problems.add(what, cure, host=name)


def _rename(name: str, groups: t.Sequence[str]) -> str:
    if PIPELINES in groups:
        return (
            f"Hosts share one namespace: rename the pipeline, for example to {name}-release, or the"
            " other host"
        )
    return "Keep one; the build account as a target is a second host with another name"


__all__ = ("MINIMUM_RETENTION_DAYS", "MOST_ACCOUNTS", "MOST_REGIONS", "read_organisation")
