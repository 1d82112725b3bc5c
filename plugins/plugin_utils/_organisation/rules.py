# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the inventory. Pure.

All broken rules are reported together, each with its host and what to do, before any call.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._fields import QUOTE, UNREADABLE, Field, Reader, shown, suggestion
from .forms import check_forms
from .grants import GRANT_MODE, check_grants
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
from .near_misses import check_variables
from .problems import Problems
from .regions import REGION, region_problem
from .schema import BUILD_ACCOUNT_ID, HOST_NAME, PRIMARY_REGION, SHARED, host_variables
from .sizes import check_sizes
from .variables import Variables

_SHARED_FILE = "group_vars/all.yml"
_SHARED_NAMES = frozenset(field.name for field in SHARED)

Values = dict[str, t.Any]


def read_organisation(variables: Variables, problems: Problems) -> Organisation:
    """Return the organisation that the inventory describes; add what is wrong to *problems*."""
    return _Organisation(variables, problems).read()


def _opened(values: Values) -> Values:
    """Return what a deploy account opens to pipelines."""
    buckets, services = values["deploy_account_buckets"], values["deploy_account_services"]
    return {
        "reads_alarms": values["deploy_account_read_alarms"],
        "buckets": tuple((bucket["name"], bucket["key_arn"]) for bucket in buckets),
        "services": tuple(f"{item['cluster']}/{item['service']}" for item in services),
    }


class _Organisation:
    """Reads the hosts, then checks them together."""

    def __init__(self, variables: Variables, problems: Problems) -> None:
        self._members = {group: variables.groups.get(group, []) for group in GROUPS}
        self._groups: dict[str, list[str]] = {}
        for group, members in variables.groups.items():
            for member in members:
                self._groups.setdefault(member, []).append(group)
        self._all = variables.groups.get("all", [])
        self._variables = variables
        self._problems = problems

    def read(self) -> Organisation:
        """Return the organisation."""
        self._check_groups()
        check_variables(self._variables, self._problems)
        shared = {field.name: self._shared(field) for field in SHARED}
        hosts: dict[str, Host] = {}
        for group in FOUNDATION_GROUPS:
            for name in self._members[group]:
                if name not in hosts:
                    hosts[name] = self._host(name, group, shared)
        primary = self._primary(hosts, shared)
        for name in self._members[PIPELINES]:
            if name not in hosts:
                hosts[name] = self._pipeline(name, primary)
        organisation = Organisation(
            build_account_id=shared[BUILD_ACCOUNT_ID.name],
            primary_region=shared[PRIMARY_REGION.name],
            role_names={name: shared[name] for name in ROLE_NAMES},
            primary=primary,
            hosts=hosts,
            grant_mode=shared[GRANT_MODE.name],
        )
        self._check_regional(organisation)
        check_forms(organisation, self._variables, self._problems)
        self._check_deploy_accounts(organisation)
        _check_stacks(organisation, self._problems)
        check_grants(organisation, self._variables, self._problems)
        if knows_regions(organisation):
            check_sizes(organisation, self._variables, self._problems)
        return organisation

    # One host

    def _values(self, name: str, group: str) -> Values:
        """Return the variables of a host; report what is wrong with them."""
        reader = Reader(functools.partial(self._problem_of_value, name))
        return {
            field.name: reader.read(field, self._variables.value(name, field.name))
            for field in host_variables(group)
            if field.name not in _SHARED_NAMES
        }

    def _host(self, name: str, group: str, shared: Values) -> Host:
        values = self._values(name, group)
        deploys = group == DEPLOY_ACCOUNTS
        host = Host(
            name=name,
            group=group,
            account_id=values["account_id"] if deploys else shared[BUILD_ACCOUNT_ID.name],
            region=name if group == REGIONAL else shared[PRIMARY_REGION.name],
            stack_name={**shared, **values}[STACK_NAMES[group][0]],
            state=values["state"],
            regions=tuple(filter(None, values["regions"])) if deploys else (),
            **(_opened(values) if deploys else {}),
            profile=values["aws_profile"] or None,
            role_arn=values["role_arn"] or None,
            access_role_name=self._access_role_name(name, values),
            external_id=values["external_id"] or None,
            session_name=values["session_name"] or self._awx_user(name),
            session_duration=values["session_duration"] or None,
            source_identity=values["source_identity"] or None,
            session_tags=tuple(sorted(values["session_tags"].items())),
        )
        self._check_state(host)
        self._check_access(host)
        return host

    def _access_role_name(self, name: str, values: Values) -> str | None:
        """Return the role to assume; empty text in the inventory means none."""
        is_empty = self._variables.value(name, "access_role_name") == ""
        return None if is_empty else str(values["access_role_name"])

    def _awx_user(self, name: str) -> str | None:
        """Return who started the job of AWX, or the schedule that did."""
        found = (self._variables.get(name, f"awx_{who}_name") for who in ("user", "schedule"))
        return next((str(value) for value in found if value), None)

    def _pipeline(self, name: str, primary: Host) -> Host:
        """Return the host of a pipeline, which is reached as the primary is."""
        host = Host(
            name=name,
            group=PIPELINES,
            account_id=primary.account_id,
            region=primary.region,
            stack_name=pipeline_stack_name(name),
            state=self._values(name, PIPELINES)["state"],
            **primary.way_in(),
        )
        self._check_state(host)
        return host

    def _primary(self, hosts: dict[str, Host], shared: Values) -> Host:
        """Return the primary host, or a stand-in from the variables of another host."""
        if self._members[PRIMARY]:
            return hosts[self._members[PRIMARY][0]]
        other = next(iter(hosts.values()), None)
        return Host(
            name="(primary)",  # not the name of a host
            group=PRIMARY,
            account_id=shared[BUILD_ACCOUNT_ID.name],
            region=shared[PRIMARY_REGION.name],
            stack_name=shared[STACK_NAMES[PRIMARY][0]],
            **{
                **(other.way_in() if other else {"access_role_name": ACCESS_ROLE_NAME}),
                "profile": None,
                "role_arn": None,
            },
        )

    def _check_state(self, host: Host) -> None:
        if host.is_absent and host.group == PRIMARY:
            self._problem(
                host.name,
                "state: the primary cannot be absent, because everything refers to it",
                "To remove the whole organisation, run playbooks/teardown.yml",
            )
        elif host.is_quarantined and host.group != DEPLOY_ACCOUNTS:
            self._problem(
                host.name, "state: only a deploy account can be quarantined", "Remove its state"
            )

    def _check_access(self, host: Host) -> None:
        if host.profile and host.role_arn:
            self._problem(host.name, "aws_profile and role_arn are both set", "Remove one of them")
        arn = parse_aws_arn(host.role_arn) if host.role_arn else None
        if arn and host.account_id and arn["account_id"] != host.account_id:
            self._problem(
                host.name,
                f"role_arn: it is of account {arn['account_id']}, not {host.account_id}",
                "Correct role_arn or account_id",
            )

    # All of them together

    def _check_groups(self) -> None:
        for name in self._all:
            groups = [group for group in GROUPS if group in self._groups.get(name, ())]
            if not groups:
                self._problem(
                    name,
                    "it is in none of the groups of this collection",
                    self._meant_group(name) or f"Put it into one of {', '.join(GROUPS)}",
                )
            elif len(groups) > 1:
                self._problem(name, f"it is in {' and '.join(groups)}", _rename(name, groups))
            if not re.fullmatch(HOST_NAME, name, re.ASCII):
                self._problem(
                    name,
                    "its name has characters other than letters, digits and . _ - + = / @",
                    "Rename the host: the plays find hosts by name, and Ansible would read a"
                    " pattern",
                )
            if name in self._variables.groups:
                self._problem(
                    name,
                    "it has the name of a group, which Ansible confuses",
                    f"Rename the host, for example to {name}-1",
                )
            if self._variables.value(name, "pipelines") is not None:
                self._problem(
                    name,
                    "pipelines: it is a group now, not a variable",
                    "Make each entry a host of group pipelines, with its fields in the variable"
                    " pipeline (host_vars/<name>.yml)",
                )
        # What hosts in the wrong groups lack follows from that.
        if not any(self._meant_group(name) for name in self._all):
            self._check_primary()
            if not any(self._members.values()):
                self._problems.add(
                    f"no host is in one of the groups {', '.join(GROUPS)}", "Add them"
                )

    def _meant_group(self, host: str) -> str:
        """Return a "did you mean" question if a group of *host* is almost one of ours."""
        of_host = [name for name in self._groups.get(host, ()) if name not in GROUPS]
        return next(filter(None, (suggestion(name, GROUPS) for name in of_host)), "")

    def _check_primary(self) -> None:
        primary = self._members[PRIMARY]
        if len(primary) > 1:
            self._problems.add(
                f"group primary: {len(primary)} hosts ({', '.join(primary)})", "Keep one"
            )
        for group in (REGIONAL, PIPELINES):
            if not primary and self._members[group]:
                self._problems.add(
                    f"group primary: no host, but group {group} has some",
                    "Add the primary, or use an inventory (a slice) of deploy accounts alone",
                )

    def _shared(self, field: Field) -> str:
        """Return what all hosts must agree on; empty where they do not."""
        hosts_of: dict[str, list[str]] = {}
        for name in dict.fromkeys(name for group in GROUPS for name in self._members[group]):
            value = self._variables.value(name, field.name)
            if value is UNREADABLE:
                return str(field.empty())
            value = field.empty() if value is None else value
            text = value if isinstance(value, str) else f"{shown(value)}, which is not text"
            hosts_of.setdefault(text, []).append(name)
        if len(hosts_of) > 1:
            found = ", ".join(
                f"{names[0]}: {text or 'nothing'}{self._set_in(names[0], field.name)}"
                for text, names in hosts_of.items()
            )
            self._problems.add(
                f"{field.name}: it differs between hosts ({found})",
                f"Set it once, in {_SHARED_FILE}",
            )
            return str(field.empty())
        if not hosts_of:
            return str(field.empty())  # no hosts, which is reported elsewhere
        first = next(iter(hosts_of.values()))[0]
        place = self._variables.line(first, field.name)

        def report(what: str, fix: str) -> None:
            if place:
                quoted = self._variables.how_to_quote(first, field.name)
                self._problems.add(what, quoted if fix == QUOTE else fix, place=place)
            else:
                self._problems.add(what, f"{fix} in {_SHARED_FILE}")

        return str(Reader(report).read(field, self._variables.value(first, field.name)))

    def _set_in(self, host: str, name: str) -> str:
        """Return where a variable is set, in brackets, if that is known."""
        place = self._variables.line(host, name)
        return f" ({place})" if place else ""

    def _check_regional(self, organisation: Organisation) -> None:
        for host in organisation.of(REGIONAL):
            if not re.fullmatch(REGION, host.name):
                self._problem(
                    host.name, "a host of group regional is named by its region", "Rename it"
                )
            elif problem := region_problem(host.name):
                self._problem(host.name, f"its name: {problem[0]}", problem[1])
            elif host.name == organisation.primary_region:
                self._problem(
                    host.name, "the primary region is not regional", "Remove it from group regional"
                )

    def _check_deploy_accounts(self, organisation: Organisation) -> None:
        owners: dict[str, str] = {}
        # A slice has no regional hosts in sight.
        known = knows_regions(organisation) and not organisation.is_slice
        for host in organisation.of(DEPLOY_ACCOUNTS):
            if host.account_id in owners:
                self._problem(
                    host.name,
                    f"account_id: {host.account_id} is already the account of host"
                    f" {owners[host.account_id]}",
                    "Keep one host; list all its regions there",
                )
            if host.account_id:
                owners.setdefault(host.account_id, host.name)
            # An absent account deploys nowhere any more.
            if known and not host.is_absent:
                self._check_regions_known(host, organisation)

    def _check_regions_known(self, host: Host, organisation: Organisation) -> None:
        for region in host.regions:
            if region in organisation.regions:
                continue
            host_of = organisation.hosts.get(region)
            if host_of is None:
                self._problem(
                    host.name,
                    f"regions: {region} is neither the primary region nor in group regional",
                    f"Add {region} to group regional, or remove it from regions",
                )
            elif host_of.is_absent:
                self._problem(
                    host.name,
                    f"regions: the host of {region} is absent",
                    f"Remove {region} from regions too",
                )

    def _problem_of_value(self, name: str, what: str, fix: str) -> None:
        # A host called like a group has none of its variables: Ansible gives them to the group.
        if name not in self._variables.groups:
            self._problem(name, what, fix)

    def _problem(self, name: str, what: str, fix: str) -> None:
        self._problems.add(what, fix, host=name)


def knows_regions(organisation: Organisation) -> bool:
    """Return whether the regions are known: the primary region, and the names of regional hosts.

    What depends on them is checked when these are right.
    """
    return bool(organisation.primary_region) and not any(
        region_problem(host.name) for host in organisation.of(REGIONAL)
    )


def _check_stacks(organisation: Organisation, problems: Problems) -> None:
    """Check that no two hosts are the same stack; a slice's stand-in primary counts."""
    owners: dict[tuple[str, str, str], Host] = {}
    for host in [organisation.primary, *organisation.hosts.values()]:
        place = (host.account_id, host.region, host.stack_name)
        owner = owners.setdefault(place, host)
        # Two hosts of one group are reported already.
        if all(place) and owner.group != host.group:
            problems.add(
                f"its stack {host.stack_name} in {host.region} of {host.account_id} is already the"
                f" stack of {owner.name}",
                "Give each its own stack name",
                host=host.name,
            )


def _rename(name: str, groups: t.Sequence[str]) -> str:
    if PIPELINES in groups:
        return (
            f"Hosts share one namespace: rename the pipeline, for example to {name}-release, or the"
            " other host"
        )
    return "Keep one; the build account as a target is a second host with another name"


__all__ = ("knows_regions", "read_organisation")
