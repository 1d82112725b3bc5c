# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stack inspected, in steps that many stacks can take together."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._aws.gateway import AccountSession
from .._errors import PipelineError
from .._policy.live import LivePolicies
from .._policy.resolver import Deployed
from .._stack.api import StackApi, TemplateBody
from .._stack.model import Found
from .._stack.status import CURES, Verdict
from .detection import (
    Detection,
    EndedDetection,
    ResourceDrift,
    findings_of,
    is_throttled,
    start_detection,
    unchecked_of,
)
from .finding import WHOLE_STACK, Finding, FindingEntry, Place, Resource, Unchecked, UncheckedEntry
from .policies import Dispute, PolicyDrift, read_policies
from .reread import LiveProperties
from .settings import LiveSettings
from .slots import Slots

_GONE = "DELETE_COMPLETE"
_ATTEMPTS = 3  # detections of a stack that AWS throttles


class InspectionEntry(t.TypedDict):
    """What was found in one stack, as actions return it."""

    exists: bool | None
    stack_id: str | None
    status: str | None
    error: str | None
    findings: list[FindingEntry]
    unchecked: list[UncheckedEntry]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspected:
    """What was found in one stack.

    :param drifts: what CloudFormation's detection found, resources in sync included.
    :param policies: the policies as they were read; None where they were not.
    :param disputes: properties that could not be compared with the template.
    """

    place: Place
    found: Found | None
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    drifts: tuple[ResourceDrift, ...] = ()
    policies: PolicyDrift | None = None
    disputes: frozenset[Dispute] = frozenset()

    def as_dict(self) -> InspectionEntry:
        """Return it as actions return it."""
        found = self.found
        return {
            "exists": found is not None and found.exists,
            "stack_id": found.stack_id if found else None,
            "status": found.status if found else None,
            "error": None,
            "findings": [finding.as_dict(self.place) for finding in self.findings],
            "unchecked": [item.as_dict(self.place) for item in self.unchecked],
        }


class Inspection:
    """One stack to inspect.

    :param place: the stack, and whose findings they are.
    :param session: the opened account.
    :param policies: also compare live policies and settings with the template.
    :param slots: the detections at once, shared by the inspections of a run.
    """

    def __init__(
        self, place: Place, session: AccountSession, *, policies: bool, slots: Slots | None = None
    ) -> None:
        self.place = place
        self.slots = slots or Slots()
        self.api = StackApi.of(session, place.region)
        self._session = session
        self._with_policies = policies

    def begin(self, found: Found | None, *, attempt: int = 1) -> Running | Inspected:
        """Start the detection where the stack and other detections allow it.

        :param found: the stack as it was just read.
        :param attempt: the number of this detection of the stack.
        """
        if found is None or not found.exists:
            finding = Finding(kind="missing", message=f"stack {self.place.stack} does not exist")
            return Inspected(place=self.place, found=found, findings=(finding,))
        if found.verdict is Verdict.BUSY:
            return Running(self, found, attempt=attempt)
        if found.verdict is not Verdict.SETTLED:
            return Inspected(place=self.place, found=found, findings=(_stuck(found),))
        if not self.slots.take(self.place):
            return Running(self, found, attempt=attempt, waits=1)
        detection = None
        try:
            detection = start_detection(self.api.client, found.stack_id)
        except PipelineError:
            now = self.api.find(found.stack_id)
            if now is not None and now.verdict is Verdict.SETTLED:
                raise  # AWS refuses the request itself, not its timing
            return self.begin(now, attempt=attempt)  # an operation came first
        finally:
            if detection is None:
                self.slots.release(self.place)
        return Running(self, found, detection, attempt=attempt)

    def read_resources(self, found: Found) -> tuple[Resource, ...]:
        """Return the stack's resources."""
        return tuple(
            Resource.from_summary(entry)
            for entry in self.api.resources(found.stack_id)
            if entry["ResourceStatus"] != _GONE
        )

    @functools.cached_property
    def live(self) -> LiveProperties:
        """Properties of the stack's resources, read directly."""
        return LiveProperties(self._session, self.place.region, self.place.account_id)

    def read_policies(
        self,
        found: Found,
        resources: t.Sequence[Resource],
        *,
        template: TemplateBody | None = None,
    ) -> PolicyDrift | None:
        """Read the current live policies; None if they are not wanted.

        :param template: the deployed template where it has been read.
        """
        if not self._with_policies:
            return None
        body = self.api.template(found.stack_id) if template is None else template
        deployed = Deployed.from_stack(found, body, resources)
        live = LivePolicies(self._session, self.place.region, self.place.account_id)
        settings = LiveSettings(self._session, self.place.region)
        return read_policies(deployed, live, settings)


class Running:
    """An inspection that waits for an operation, a detection, or its turn.

    :param attempt: the number of this detection of the stack.
    :param waits: how many polls it waits for its turn; 0 for something else.
    """

    def __init__(
        self,
        inspection: Inspection,
        found: Found,
        detection: Detection | None = None,
        *,
        attempt: int = 1,
        waits: int = 0,
    ) -> None:
        self._inspection = inspection
        self._found = found
        self._detection = detection
        self._attempt = attempt
        self._waits = waits
        self._template: TemplateBody | None = None

    def describe(self) -> str:
        """Return what it waits for."""
        place = self._inspection.place
        if self._found.verdict is Verdict.BUSY:
            return f"{place} is {self._found.status}"
        if self._waits:
            return f"the drift detection of {place} waits for others"
        if self._detection is None:
            return f"another drift detection of {place} is in progress"
        return f"the drift detection of {place} is in progress"

    def poll(self) -> Running | Inspected:
        """Ask AWS again."""
        if self._waits > 1:
            self._waits -= 1
            return self
        if self._waits:
            return self._inspection.begin(self._found, attempt=self._attempt)
        if self._detection is None:  # what it waits for may have ended
            found = self._inspection.api.find(self._found.stack_id)
            return self._inspection.begin(found, attempt=self._attempt)
        goes_on = False
        try:
            ended = self._detection.end()
            goes_on = ended is None
        finally:
            if not goes_on:
                self._inspection.slots.release(self._inspection.place)
        if ended is None:
            self.read_ahead()
            return self
        return self._finish(ended)

    def _finish(self, ended: EndedDetection) -> Running | Inspected:
        """Read what the detection found; wait for another one where AWS throttled it."""
        drifts = tuple(ended.drifts())
        if self._attempt < _ATTEMPTS and is_throttled(drifts, ended.failure):
            again = self._attempt + 1
            return Running(self._inspection, self._found, attempt=again, waits=2**again)
        return self._inspected(drifts, ended.failure)

    def template(self) -> TemplateBody | None:
        """Return the deployed template, which the detection compares with; None without one."""
        if self._detection is not None and self._template is None:
            self._template = self._inspection.api.template(self._found.stack_id)
        return self._template

    def read_ahead(self) -> None:
        """Read what does not depend on the detection, while it runs."""
        if self._detection is not None:
            _resources, _policies = self.resources, self.policies

    @functools.cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The stack's resources."""
        return self._inspection.read_resources(self._found)

    @functools.cached_property
    def policies(self) -> PolicyDrift | None:
        """The live policies."""
        return self._inspection.read_policies(self._found, self.resources, template=self._template)

    def _inspected(self, drifts: tuple[ResourceDrift, ...], failure: str) -> Inspected:
        """Return what the detection and the policies show."""
        findings = self._inspection.live.without_mistakes(
            [finding for drift in drifts for finding in findings_of(drift)], drifts
        )
        unchecked = tuple(unchecked_of(drifts, self.resources, failure=failure))
        result = Inspected(
            place=self._inspection.place,
            found=self._found,
            findings=findings,
            unchecked=unchecked,
            drifts=drifts,
        )
        if self.policies is None:
            return result
        evaluation = self.policies.evaluate(drifts, findings=findings, unchecked=unchecked)
        more, left = self._inspection.live.of_left_out(evaluation.unchecked, drifts, self.policies)
        return dataclasses.replace(
            result,
            findings=(*evaluation.findings, *more),
            unchecked=tuple(left),
            policies=self.policies,
            disputes=evaluation.disputes,
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


__all__ = ("Inspected", "Inspection", "InspectionEntry", "Running")
