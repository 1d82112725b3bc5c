# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run so far: its plan, its results, and what is left. Pure."""

from __future__ import annotations

import functools
import typing as t

from .._organisation.model import (
    ACCOUNTS,
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    Host,
    Organisation,
)
from .._pipeline.model import Pipeline
from .._pipeline_stack.foundation import store_regions
from .._pipeline_stack.template import PRIMARY_OUTPUTS
from .._stack.granted import admits, admits_organization, items, named_accounts
from . import removal
from .plan import HostResult, Inputs, Plan, StackState, fingerprint
from .register import Register, Stack, desired_register, read_register

Results = t.Mapping[str, HostResult]
Data = t.Mapping[str, t.Any]

# The phases that are not named by their group.
RELEASING = "releasing"  # pipelines that only stop using an absent host
RETIRED = "retired"  # the stacks of absent regions


class _Last:
    """The organisation that was read last: every host asks for that of the same plan."""

    data: Data | None = None
    organisation: Organisation


def _organisation(data: Data) -> Organisation:
    if _Last.data is not data:
        _Last.data, _Last.organisation = data, Organisation.from_dict(data)
    return _Last.organisation


class Run:
    """What a play has to do, from plan and results.

    :param results: what the roles registered in this run, by host; empty before the first phase.
    """

    def __init__(self, plan: Plan, results: Results) -> None:
        self.plan = plan
        self.results = results
        self.organisation = _organisation(plan["organisation"])

    def hosts(self, phase: str) -> list[str]:
        """Return the hosts that *phase* has something to do for, by name."""
        group = {RELEASING: PIPELINES, RETIRED: REGIONAL}.get(phase, phase)
        hosts = (self.organisation.hosts[name] for name in sorted(self.plan["hosts"]))
        return [
            host.name for host in hosts if host.group == group and self._takes_part(host, phase)
        ]

    def _takes_part(self, host: Host, phase: str) -> bool:
        if host.is_quarantined or host.name in self.plan["failures"]:
            return False
        if phase == RELEASING and not self._is_releasing(host):
            return False
        if not host.is_absent:
            # One that failed in this run has a result, so it has no work.
            return phase != RETIRED and self.has_work(host.name)
        if self.failure(host.name):
            return False
        if phase == RETIRED:
            return self.postponed(host.name) is None
        if host.group == REGIONAL:
            # It grants nobody from here on; its stack is removed later.
            is_waiting = host.name in self._held or host.name in self.plan["gone"]
            return not is_waiting and self.has_work(host.name)
        if self.postponed(host.name) is not None:
            return False
        # Data of an earlier primary is looked for even if its stack is gone.
        return host.group == PRIMARY or self.has_work(host.name)

    def _is_releasing(self, host: Host) -> bool:
        return host.name in self.plan["releasing"] or self.organisation.primary.is_absent

    def has_work(self, name: str) -> bool:
        """Return whether converging *name* may change anything, as far as is known now."""
        inputs = self.inputs(name)
        if inputs is None:
            return False
        state = self.plan["stacks"].get(name)
        is_as_desired = (
            state is not None
            and state["operation"] == "none"
            and state["inputs"] in (None, fingerprint(inputs))
        )
        # Results come last: reading a host's variables takes longest.
        return not is_as_desired and name not in self.results

    def is_settled(self, name: str) -> bool:
        """Return whether *name* is in its desired state by this run."""
        if name not in self.plan["hosts"]:
            return False
        if name in self.plan["gone"]:
            return True
        if self.failure(name):
            return False
        return name in self.results or (self.inputs(name) is not None and not self.has_work(name))

    def failure(self, name: str) -> str | None:
        """Return why *name* failed in this run; None when it did not."""
        planned = self.plan["failures"].get(name)
        if planned:
            return planned
        result = self.results.get(name)
        if result is None or not result.get("failed"):
            return None
        return str(result.get("msg") or "failed without a message")

    def postponed(self, name: str) -> str | None:
        """Return why the stack of an absent host must stay for now."""
        return removal.postponed(
            self.organisation.hosts[name],
            self.organisation,
            held=self.plan["held"],
            releasing=self.plan["releasing"],
            settled=self.is_settled,
        )

    def not_reached(self, name: str) -> str | None:
        """Return why this run can do nothing for *name*, which did not fail."""
        host = self.organisation.hosts[name]
        if host.is_absent or host.group not in (DEPLOY_ACCOUNTS, PIPELINES):
            return None
        if self.register["problem"]:
            return self.register["problem"]
        if host.group == PIPELINES:
            return self.unregistered(name)
        return None

    def unfinished(self, name: str) -> str | None:
        """Return why *name* is not as desired although nothing stopped it."""
        if self.is_settled(name):
            return None
        if self.organisation.hosts[name].is_absent and self.plan["releasing"]:
            pipelines = ", ".join(self.plan["releasing"])
            return f"postponed: pipelines used it until the end of this run: {pipelines}. Run again"
        return "an earlier phase ended the run"

    def unregistered(self, name: str) -> str | None:
        """Return which regions of *name* the register does not hold yet."""
        host = self.organisation.hosts[name]
        regions: t.Collection[str] = host.regions
        if host.group == PIPELINES:
            regions = self._pipeline_regions(name)
        missing = sorted(set(regions) - set(self.register["regions"]))
        if not missing:
            return None
        return (
            f"nothing can be deployed to {', '.join(missing)} yet: not in the register. Run the"
            " bootstrap again, without --limit, once its region is complete"
        )

    def undeployable(self, name: str) -> str | None:
        """Return which accounts of a new or changed pipeline failed, and may have no roles yet."""
        if self.results.get(name, {}).get("operation", "none") == "none":
            return None
        pipeline = self.plan["pipelines"].get(name)
        if pipeline is None or self.organisation.hosts[name].is_absent:
            return None
        accounts = Pipeline.from_dict(pipeline).account_ids
        failed = [
            host.name
            for host in self.organisation.of(DEPLOY_ACCOUNTS)
            if host.account_id in accounts and host.name in self.plan["hosts"]
            if self.failure(host.name) and not self.plan["stacks"][host.name]["exists"]
        ]
        if not failed:
            return None
        return f"it deploys to {', '.join(failed)}, which failed in this run"

    def shortfall(self, name: str) -> str | None:
        """Return why *name* is incomplete at the end, else None."""
        host = self.organisation.hosts[name]
        if host.is_quarantined:
            return None
        reason = self.failure(name) or self.postponed(name) or self.not_reached(name)
        reason = reason or self.unfinished(name)
        if reason or host.is_absent:
            return reason
        return self.unregistered(name) or self.undeployable(name)

    def is_readable(self, name: str) -> bool:
        """Return whether the account of *name* may be called, and answers."""
        state = self.plan["stacks"].get(name)
        quarantined = self.organisation.hosts[name].is_quarantined
        return not quarantined and (state is None or state["error"] is None)

    def incomplete(self) -> list[str]:
        """Return the hosts that must end as failed, by name."""
        return [name for name in sorted(self.plan["hosts"]) if self.shortfall(name)]

    # What stacks give to each other

    def inputs(self, name: str) -> Inputs | None:
        """Return the inputs of *name*'s stack; None while they are unknown."""
        host = self.organisation.hosts[name]
        if host.is_absent:
            # It grants nobody.
            return {
                "grant_mode": ACCOUNTS,
                "deploy_account_ids": [],
                "excluded_account_ids": [],
                "register": [],
                "outputs": {},
            }
        if host.group == REGIONAL:
            return self._grants(self._named(host))
        if host.group == PRIMARY:
            return {
                **self._grants(self._named(host)),
                "register": desired_register(
                    self.organisation,
                    self._foundation(),
                    pending=self._pending,
                    held=self._held,
                ),
            }
        if self.not_reached(name):
            return None
        entries = self.register["regions"]
        if host.group == DEPLOY_ACCOUNTS:
            regions = {*host.regions, *self._held_regions(host)} & entries.keys()
            return {"register": [entries[region] for region in sorted(regions)]}
        outputs = self.register["outputs"]
        return {
            "register": [entries[region] for region in self._pipeline_regions(name)],
            "outputs": {key: outputs[key] for key in PRIMARY_OUTPUTS if key in outputs},
        }

    @functools.cached_property
    def register(self) -> Register:
        """The register as the primary stack holds it now."""
        name = self.organisation.primary.name
        reason = self.failure(name)
        takes_part = name in self.plan["hosts"]
        failure = f"the primary {name} failed in this run" if reason and takes_part else None
        state = self.plan["stacks"].get(name)
        if failure is None and state is not None and state["error"]:
            failure = f"the register cannot be read. {state['error']}"
        found = read_register(
            self.organisation, self._stack(name), failure=failure, pending=self._pending
        )
        if found["problem"] and reason and failure is None:
            # The summary has no row for the primary that would show the reason.
            found["problem"] = f"{name} is refused: {reason}"
        return found

    def _pipeline_regions(self, name: str) -> list[str]:
        pipeline = Pipeline.from_dict(self.plan["pipelines"][name])
        return store_regions(pipeline, self.organisation.primary_region)

    @functools.cached_property
    def _held(self) -> list[str]:
        """The absent hosts that pipelines still use.

        Where a pipeline that was to stop using one has failed, all of them.
        """
        absent = (host.name for host in self.organisation.foundation if host.is_absent)
        failed = any(self.failure(name) for name in self.plan["releasing"])
        if failed and not self.organisation.primary.is_absent:
            return list(absent)
        return list(self.plan["held"])

    def _grants(self, named: list[str]) -> Inputs:
        """Return whom the policies of a stack should admit."""
        return {
            "grant_mode": self.organisation.grant_mode,
            "deploy_account_ids": named,
            "excluded_account_ids": self.plan["excluded"],
        }

    def _named(self, host: Host) -> list[str]:
        """Return the accounts that a stack is to name; held ones keep what they have."""
        state = self.plan["stacks"].get(host.name)
        before = state["parameters"] if state else {}
        held = {self.organisation.hosts[name].account_id for name in self._held}
        if self.organisation.grants_organization:
            held &= {self.organisation.build_account_id}
        wanted = self.plan["grants"].get(host.region, [])
        return sorted({*wanted, *(account for account in held if admits(before, account))})

    def _held_regions(self, account: Host) -> list[str]:
        """Return the regions of held hosts that *account* reaches: pipelines still use them."""
        stacks = {name: self.plan["stacks"].get(name) for name in self._held}
        return [
            self.organisation.hosts[name].region
            for name, state in stacks.items()
            if state is not None and self._reaches(account, state)
        ]

    def _reaches(self, account: Host, region: StackState) -> bool:
        """Return whether an account's roles read from a region, by its policies or the roles'."""
        if not admits_organization(region["parameters"]):
            return account.account_id in named_accounts(region["parameters"])
        own = self.plan["stacks"].get(account.name)
        bucket = region["outputs"].get("PipelineBucketArn")
        return own is not None and bucket in items(own["parameters"], "BucketArns")

    def _foundation(self) -> dict[str, Stack]:
        names = [host.name for host in [self.organisation.primary, *self.organisation.of(REGIONAL)]]
        stacks = ((name, self._stack(name)) for name in names)
        return {name: stack for name, stack in stacks if stack is not None}

    def _stack(self, name: str) -> Stack | None:
        """Return the stack of *name* as converged in this run, else as read."""
        result = self.results.get(name)
        if result is not None and "operation" in result:
            stack = result["stack"]
            return Stack(
                status=stack["status"], outputs=stack["outputs"], parameters=stack["parameters"]
            )
        state = self.plan["stacks"].get(name)
        if state is None or state["error"]:
            return None
        return Stack(
            status=state["status"], outputs=state["outputs"], parameters=state["parameters"]
        )

    @functools.cached_property
    def _pending(self) -> list[str]:
        """The foundation hosts that this run would converge, in check mode."""
        if not self.plan["check_mode"]:
            return []
        hosts = self.organisation.of(REGIONAL) + self.organisation.of(PRIMARY)
        return [host.name for host in hosts if "operation" in self.results.get(host.name, {})]


def targets_of(run: Run, hosts: t.Collection[str] | None = None) -> list[dict[str, t.Any]]:
    """Return the stacks of *hosts* (default: all) as batch targets, readable ones only."""
    return [
        run.organisation.hosts[name].target()
        for name in run.plan["hosts"]
        if (hosts is None or name in hosts) and run.is_readable(name)
    ]


__all__ = ("RELEASING", "RETIRED", "Results", "Run", "targets_of")
