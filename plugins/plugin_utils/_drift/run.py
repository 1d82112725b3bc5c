# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift of many stacks: detection started everywhere first, then followed together."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.batch import Failure, Options, account_of, for_each
from .._aws.gateway import Account, AccountSession
from .._aws.patience import Patience
from .._errors import PipelineError
from .._policy.live import LivePolicies
from .._policy.resolver import Deployed
from .._stack.api import StackApi
from .._stack.model import Found
from .._stack.status import CURES, Verdict
from .._stack.template import parse
from .detection import Detection, ResourceDrift, findings_of, unchecked_of
from .finding import WHOLE_STACK, Finding, Place, Resource, Unchecked
from .policies import PolicyDrift

_GONE = "DELETE_COMPLETE"
_NOTHING_IN_IT = (Verdict.ABSENT, Verdict.REVIEW)


class Opener(t.Protocol):
    """What opens accounts: a Gateway."""

    def open(self, account: Account) -> AccountSession:
        """Return a session of *account*."""


class Look:
    """One look at one stack, taken in steps so that many can be taken together.

    :param place: where its findings belong.
    :param session: the account's session.
    :param policies: also compare the live policies with the template.
    """

    def __init__(self, place: Place, session: AccountSession, *, policies: bool) -> None:
        self.place = place
        self.session = session
        self.stacks = StackApi(session.client("cloudformation", place.region))
        self.found: Found | None = None
        self.detection: Detection | None = None
        self.drifts: list[ResourceDrift] = []
        self.findings: list[Finding] = []
        self.unchecked: list[Unchecked] = []
        self.policies: PolicyDrift | None = None
        self.disputes: set[tuple[str, str]] = set()
        self._compare_policies = policies
        self._resources: list[Resource] | None = None

    @property
    def is_running(self) -> bool:
        """Whether AWS still works on it."""
        return self.found is not None and self.found.verdict in (Verdict.BUSY, Verdict.SETTLED)

    def begin(self, found: Found | None) -> None:
        """Judge the stack, and start the detection where it can be looked at."""
        self.found = found
        if found is None or found.verdict in _NOTHING_IN_IT:
            self.findings = [
                Finding(kind="missing", message=f"stack {self.place.stack} does not exist")
            ]
        elif found.verdict is Verdict.SETTLED:
            self.detection = self.detection or Detection(self.stacks.client, found.stack_id)
            self._detect(self.detection, found)
        elif found.verdict is not Verdict.BUSY:
            self.findings = [_stuck(found)]

    def _detect(self, detection: Detection, found: Found) -> None:
        """Start the detection; judge the stack anew where an operation came first."""
        try:
            detection.begin()
        except PipelineError:
            now = self.stacks.find(found.stack_id)
            if now is not None and now.verdict is Verdict.SETTLED:
                raise  # AWS refuses the request itself, not the moment
            self.detection = None
            self.begin(now)

    def has_ended(self) -> bool:
        """Return whether there is nothing more to wait for; one step on where there is."""
        if self.found is None or not self.is_running:
            return True
        if self.detection is not None and self.detection.has_begun:
            return bool(self.detection.has_ended())
        # An operation, or a detection of somebody else's, came first: look again.
        self.begin(self.stacks.find(self.found.stack_id))
        return not self.is_running

    def read_ahead(self) -> None:
        """Read, while the detection runs, what does not depend on it."""
        if self.detection is not None and self.found is not None:
            self._read_resources(self.found)
            if self._compare_policies and self.policies is None:
                self.policies = self._read_policies(self.found)

    def end(self) -> None:
        """Read what the detection found."""
        if self.detection is None or self.found is None:
            return
        self.read_ahead()  # of a stack that was busy before
        self.drifts = self.detection.drifts()
        resources = self._read_resources(self.found)
        self.findings = [one for drift in self.drifts for one in findings_of(drift)]
        self.unchecked = unchecked_of(self.drifts, resources, failure=self.detection.failure)
        if self.policies is not None:
            differing, unread, self.disputes = self.policies.judge(self.drifts)
            self.findings = self.policies.merge(self.findings, differing, self.drifts)
            self.unchecked = unread + self.policies.still_unchecked(self.unchecked, self.disputes)

    def read_policies_again(self) -> None:
        """Read the policies as they are now."""
        if self.policies is not None:
            self.policies.read()

    def _read_policies(self, found: Found) -> PolicyDrift:
        deployed = Deployed(
            stack_id=found.stack_id,
            template=parse(self.stacks.template(found.stack_id)),
            parameters=found.parameters,
            resources=self._read_resources(found),
        )
        live = LivePolicies(self.session, self.place.region, self.place.account_id)
        policies = PolicyDrift(deployed, live)
        policies.read()
        return policies

    def _read_resources(self, found: Found) -> list[Resource]:
        if self._resources is None:
            self._resources = [
                Resource(
                    logical_id=entry["LogicalResourceId"],
                    resource_type=entry["ResourceType"],
                    physical_id=entry.get("PhysicalResourceId", ""),
                )
                for entry in self.stacks.resources(found.stack_id)
                if entry["ResourceStatus"] != _GONE
            ]
        return self._resources

    def waits_for(self) -> str:
        """Say what it waits for."""
        stack = f"{self.place.stack} in {self.place.account_id} {self.place.region}"
        if self.found is not None and self.found.verdict is Verdict.BUSY:
            return f"{stack} is {self.found.status}"
        if self.detection is not None and not self.detection.has_begun:
            return f"somebody else's drift detection of {stack} runs"
        return f"the drift detection of {stack} runs"

    def told(self) -> dict[str, t.Any]:
        """Return what was found, as data."""
        exists = self.found is not None and self.found.verdict not in _NOTHING_IN_IT
        return {
            "exists": exists,
            "stack_id": self.found.stack_id if self.found else None,
            "status": self.found.status if self.found else None,
            "error": None,
            "findings": [one.told(self.place) for one in self.findings],
            "unchecked": [one.told(self.place) for one in self.unchecked],
        }


@dataclasses.dataclass
class _Task:
    """A target on its way.

    :ivar error: why it could not be looked at.
    :ivar unlisted: why the stacks beside it could not be listed.
    """

    target: Options
    place: Place
    look: Look | None = None
    error: str | None = None
    unlisted: str | None = None

    def told(self) -> dict[str, t.Any]:
        nothing: dict[str, t.Any] = {"exists": None, "stack_id": None, "status": None}
        told = self.look.told() if self.look else nothing
        if self.unlisted is not None and self.error is None:
            why = f"the other stacks of its region could not be listed: {self.unlisted}"
            told["unchecked"].append(Unchecked(why=why).told(self.place))
        if self.error is not None:
            told |= {"error": self.error, "findings": [], "unchecked": []}
        return {
            "name": self.place.host,
            "account_id": self.place.account_id,
            "region": self.place.region,
            "stack_name": self.place.stack,
            **told,
        }


class DriftRun:
    """A look at every target at once. A target that fails stops no other.

    :param targets: the stacks, each with account_id, region and stack_name.
    :param gateway: opens their accounts.
    :param patience: the time that all of them together may take.
    :param policies: also compare the live policies with the templates.
    """

    def __init__(
        self,
        targets: t.Sequence[Options],
        gateway: Opener,
        *,
        patience: Patience,
        policies: bool = False,
    ) -> None:
        self._gateway = gateway
        self._patience = patience
        self._policies = policies
        self._tasks = [_Task(target, _place(target)) for target in targets]
        self._listed: dict[tuple[str, str], dict[str, Found]] = {}

    def run(self, *, tag: str | None = None) -> list[dict[str, t.Any]]:
        """Return what was found, one entry for each target, in their order.

        :param tag: also list every stack that carries it, for :meth:`orphans`.
        """
        if tag:
            self._list()
        self._step(self._tasks, self._begin)
        self._step(self._tasks, lambda look: look.read_ahead())
        self._follow()
        self._step(self._tasks, lambda look: look.end())
        return [task.told() for task in self._tasks]

    def orphans(self, tag: str) -> list[dict[str, t.Any]]:
        """Return a finding for each listed stack that carries *tag* and is no target."""
        known = {
            (task.place.account_id, task.place.region, task.place.stack) for task in self._tasks
        }
        return [
            _orphaned(found).told(place)
            for (account_id, region), stacks in sorted(self._listed.items())
            for name, found in sorted(stacks.items())
            if tag in found.tags and (account_id, region, name) not in known
            for place in (Place(host="", account_id=account_id, region=region, stack=name),)
        ]

    def _list(self) -> None:
        """List the stacks of every account and region once, however many targets it has."""
        tasks_of: dict[tuple[str, str], list[_Task]] = {}
        for task in self._tasks:
            tasks_of.setdefault((task.place.account_id, task.place.region), []).append(task)
        places = list(tasks_of)

        def read(place: tuple[str, str]) -> dict[str, Found]:
            session = self._gateway.open(account_of(tasks_of[place][0].target))
            stacks = StackApi(session.client("cloudformation", place[1])).all()
            return {one.name: one for one in stacks if one.status != _GONE}

        for place, answer in zip(places, for_each(places, read), strict=True):
            if isinstance(answer, Failure):
                # Its targets are read by name; an account that is closed fails them there.
                tasks_of[place][0].unlisted = answer.error
            else:
                self._listed[place] = answer

    def _begin(self, look: Look) -> None:
        place = look.place
        listed = self._listed.get((place.account_id, place.region))
        found = listed.get(place.stack) if listed is not None else look.stacks.find(place.stack)
        look.begin(found)

    def _step(self, tasks: t.Iterable[_Task], step: t.Callable[[Look], object]) -> None:
        """Take one step with every task that has not failed."""
        going = [task for task in tasks if task.error is None]

        def take(task: _Task) -> None:
            if task.look is None:
                session = self._gateway.open(account_of(task.target))
                task.look = Look(task.place, session, policies=self._policies)
            step(task.look)

        for task, answer in zip(going, for_each(going, take), strict=True):
            task.error = answer.error if isinstance(answer, Failure) else None

    def _follow(self) -> None:
        """Follow all of them until the last has ended, or the time is over."""
        waiting = [task for task in self._tasks if task.look and task.look.is_running]
        ended: set[int] = set()

        def look_on(look: Look) -> None:
            if look.has_ended():
                ended.add(id(look))

        def describe() -> str:
            first = next(task.look for task in waiting if task.look)
            more = f", and {len(waiting) - 1} more" if len(waiting) > 1 else ""
            return f"{first.waits_for()}{more}"

        try:
            for _poll in self._patience.polls(describe):
                self._step(waiting, look_on)
                waiting = [
                    task for task in waiting if task.error is None and id(task.look) not in ended
                ]
                if not waiting:
                    return
        except PipelineError as exc:  # the time is over: what has ended is complete all the same
            for task in waiting:
                waited = f"gave up: {task.look.waits_for()}" if task.look else str(exc)
                task.error = f"{waited}. {exc.cure}" if exc.cure else waited


def _place(target: Options) -> Place:
    return Place(
        host=target.get("name") or target["stack_name"],
        account_id=target["account_id"],
        region=target["region"],
        stack=target["stack_name"],
    )


def _stuck(found: Found) -> Finding:
    reason = f": {found.status_reason.rstrip('.')}" if found.status_reason else ""
    needs = found.verdict.value
    cure = CURES.get(found.status) or f"{needs[0].upper()}{needs[1:]}"
    return Finding(
        kind="stuck",
        resource=WHOLE_STACK,
        property="status",
        actual=found.status,
        message=f"{found.name} is {found.status}{reason}. {cure}",
    )


def _orphaned(found: Found) -> Finding:
    _arn, _partition, _service, region, _account, _rest = found.stack_id.split(":", 5)
    command = f"aws cloudformation delete-stack --region {region} --stack-name {found.name}"
    if found.termination_protection:
        command = (
            f"aws cloudformation update-termination-protection --region {region}"
            f" --stack-name {found.name} --no-enable-termination-protection && {command}"
        )
    return Finding(
        kind="orphaned",
        actual=found.status,
        message=f"{found.name} carries our tag, and nothing in the inventory stands for it."
        f" To remove it: {command}",
    )


__all__ = ("DriftRun", "Look", "Opener")
