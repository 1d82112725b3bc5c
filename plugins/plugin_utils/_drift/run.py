# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift of many stacks: detection begun everywhere first, then followed together."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._aws.batch import Failure, Options, account_of, for_each
from .._aws.gateway import Gateway
from .._aws.patience import Patience
from .._errors import PipelineError
from .._stack.api import TemplateBody
from .._stack.granted import grantees
from .._stack.listing import Listings
from .._stack.model import Found
from .finding import Finding, FindingEntry, Place, Unchecked
from .inspection import Inspected, Inspection, InspectionEntry, Running
from .slots import Slots

_Region = tuple[str, str]  # account id and region
_Step = Running | Inspected | Failure


class TargetEntry(InspectionEntry):
    """A target and what was found, as stack_drift_info returns it."""

    name: str
    account_id: str
    region: str
    stack_name: str


class OtherEntry(t.TypedDict):
    """A stack that is no target, with its outputs."""

    account_id: str
    region: str
    stack_name: str
    outputs: dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FleetDrift:
    """What was found in all targets.

    :param stacks: one entry for each target, in their order.
    :param orphans: a finding for each other stack with the tag.
    :param others: the stacks that were to be returned too.
    """

    stacks: list[TargetEntry]
    orphans: list[FindingEntry]
    others: list[OtherEntry]

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as actions return it."""
        return {"stacks": self.stacks, "orphans": self.orphans, "others": self.others}


@dataclasses.dataclass(frozen=True)
class _Listing:
    """The stacks of the targets' regions, and regions that failed."""

    stacks: dict[_Region, dict[str, Found]] = dataclasses.field(default_factory=dict)
    failures: dict[_Region, str] = dataclasses.field(default_factory=dict)


def begin_inspections(
    targets: t.Sequence[Options],
    gateway: Gateway,
    *,
    policies: bool = False,
    listings: Listings | None = None,
) -> Fleet:
    """Begin to inspect every target. A target that fails stops no other.

    :param targets: the stacks, each with account_id, region and stack_name.
    :param policies: also compare the live policies with the templates.
    :param listings: the stacks of the targets' regions, to find those that are no target too.
    """
    places = [_place(target) for target in targets]
    listing = _Listing() if listings is None else _list_regions(targets, listings)
    slots = Slots()

    def begin(index: int) -> Running | Inspected:
        place = places[index]
        session = gateway.open(account_of(targets[index]))
        inspection = Inspection(place, session, policies=policies, slots=slots)
        listed = listing.stacks.get((place.account_id, place.region))
        found = inspection.api.find(place.stack) if listed is None else listed.get(place.stack)
        return inspection.begin(found)

    return Fleet(places=places, steps=list(for_each(range(len(targets)), begin)), listing=listing)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fleet:
    """Inspections that have begun."""

    places: t.Sequence[Place]
    steps: t.Sequence[_Step]
    listing: _Listing

    def template(self, name: str) -> TemplateBody | None:
        """Return the deployed template of a target; None where no detection runs.

        It is read once, after its detection has begun: never one that was replaced before.
        """
        step = self._by_name.get(name)
        return step.template() if isinstance(step, Running) else None

    def finish(
        self, patience: Patience, *, tag: str | None = None, others: t.Collection[str] = ()
    ) -> FleetDrift:
        """Follow all of them to their ends, and return what was found.

        :param patience: the time that all of them together may take.
        :param tag: also return every other listed stack that has this tag.
        :param others: names of listed stacks to return too.
        """
        steps = _follow(_take(self.steps, _read_ahead), patience)
        unlisted = dict(self.listing.failures)
        return FleetDrift(
            stacks=[
                # Once for each region, with its first target.
                _entry(place, step, unlisted.pop((place.account_id, place.region), None))
                for place, step in zip(self.places, steps, strict=True)
            ],
            orphans=_orphans(self.listing, self.places, tag) if tag else [],
            others=[
                OtherEntry(
                    account_id=account_id,
                    region=region,
                    stack_name=name,
                    outputs=stacks[name].outputs,
                )
                for (account_id, region), stacks in sorted(self.listing.stacks.items())
                for name in sorted(stacks.keys() & set(others))
            ],
        )

    @functools.cached_property
    def _by_name(self) -> dict[str, _Step]:
        return {place.host: step for place, step in zip(self.places, self.steps, strict=True)}


def _take(steps: t.Sequence[_Step], work: t.Callable[[Running], _Step]) -> list[_Step]:
    """Take the next step with every target that still runs."""
    going = [(index, step) for index, step in enumerate(steps) if isinstance(step, Running)]
    result = list(steps)
    taken = for_each(going, lambda item: work(item[1]))
    for (index, _step), step in zip(going, taken, strict=True):
        result[index] = step
    return result


def _read_ahead(running: Running) -> Running:
    running.read_ahead()
    return running


def _follow(steps: list[_Step], patience: Patience) -> list[_Step]:
    """Poll until every inspection has ended or the time is over."""

    def waiting() -> list[Running]:
        return [step for step in steps if isinstance(step, Running)]

    def describe() -> str:
        first, *others = waiting()
        return f"{first.describe()}, and {len(others)} more" if others else first.describe()

    if not waiting():
        return steps
    try:
        for _poll in patience.polls(describe):
            steps = _take(steps, lambda running: running.poll())
            if not waiting():
                break
    except PipelineError as exc:  # the time is over: what has ended is complete anyway
        cure = f". {exc.cure}" if exc.cure else ""
        return [
            Failure(f"gave up: {step.describe()}{cure}") if isinstance(step, Running) else step
            for step in steps
        ]
    return steps


def _list_regions(targets: t.Sequence[Options], listings: Listings) -> _Listing:
    """Return the stacks of every account and region of the targets."""
    first_of: dict[_Region, Options] = {}
    for target in targets:
        first_of.setdefault((target["account_id"], target["region"]), target)
    regions = list(first_of)
    listing = _Listing()
    answers = for_each(regions, lambda region: listings.of(first_of[region]))
    for region, answer in zip(regions, answers, strict=True):
        if isinstance(answer, Failure):
            # Its targets are read by name; a closed account fails them there.
            listing.failures[region] = answer.error
        else:
            listing.stacks[region] = answer
    return listing


def _entry(place: Place, step: _Step, unlisted: str | None) -> TargetEntry:
    """Return a target's entry.

    :param unlisted: why the other stacks of its region could not be listed.
    """
    entry: InspectionEntry = {
        "exists": None,
        "stack_id": None,
        "status": None,
        "error": None,
        "findings": [],
        "unchecked": [],
    }
    if isinstance(step, Inspected):
        entry = step.as_dict()
        if unlisted is not None:
            why = f"the other stacks of its region could not be listed: {unlisted}"
            entry["unchecked"].append(Unchecked(why=why).as_dict(place))
    elif isinstance(step, Failure):
        entry["error"] = step.error
    return {
        "name": place.host,
        "account_id": place.account_id,
        "region": place.region,
        "stack_name": place.stack,
        **entry,
    }


def _orphans(listing: _Listing, places: t.Sequence[Place], tag: str) -> list[FindingEntry]:
    """Return a finding for each stack with *tag* that is not a target."""
    known = {(place.account_id, place.region, place.stack) for place in places}
    return [
        _orphaned(found).as_dict(Place(host="", account_id=account_id, region=region, stack=name))
        for (account_id, region), stacks in sorted(listing.stacks.items())
        for name, found in sorted(stacks.items())
        if tag in found.tags and (account_id, region, name) not in known
    ]


def _place(target: Options) -> Place:
    return Place(
        host=target.get("name") or target["stack_name"],
        account_id=target["account_id"],
        region=target["region"],
        stack=target["stack_name"],
    )


def _orphaned(found: Found) -> Finding:
    _arn, _partition, _service, region, _account, _rest = found.stack_id.split(":", 5)
    granted = grantees(found.parameters)
    if granted:
        return Finding(
            kind="orphaned",
            actual=found.status,
            message=f"{found.name} has our tag, but no host in the inventory, and still grants"
            f" {', '.join(granted)}. Do not delete it: bring its host back, then remove"
            " that with state: absent",
        )
    command = f"aws cloudformation delete-stack --region {region} --stack-name {found.name}"
    if found.termination_protection:
        command = (
            f"aws cloudformation update-termination-protection --region {region}"
            f" --stack-name {found.name} --no-enable-termination-protection && {command}"
        )
    return Finding(
        kind="orphaned",
        actual=found.status,
        message=f"{found.name} has our tag, but no host in the inventory. To remove it: {command}",
    )


__all__ = ("Fleet", "FleetDrift", "OtherEntry", "TargetEntry", "begin_inspections")
