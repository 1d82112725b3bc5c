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
from .._stack.api import StackApi
from .._stack.model import Found
from .._stack.status import CURES, Verdict
from .._stack.template import parse
from .detection import (
    Detection,
    EndedDetection,
    ResourceDrift,
    findings_of,
    start_detection,
    unchecked_of,
)
from .finding import WHOLE_STACK, Finding, FindingEntry, Place, Resource, Unchecked, UncheckedEntry
from .policies import Dispute, PolicyDrift, read_policies
from .reread import LiveProperties
from .settings import LiveSettings

_GONE = "DELETE_COMPLETE"


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
    :param policies: also compare the live policies with the template.
    """

    def __init__(self, place: Place, session: AccountSession, *, policies: bool) -> None:
        self.place = place
        self.api = StackApi.of(session, place.region)
        self._session = session
        self._with_policies = policies

    def begin(self, found: Found | None) -> Running | Inspected:
        """Start the detection where the stack allows it.

        :param found: the stack as it was just read.
        """
        if found is None or not found.exists:
            finding = Finding(kind="missing", message=f"stack {self.place.stack} does not exist")
            return Inspected(place=self.place, found=found, findings=(finding,))
        if found.verdict is Verdict.BUSY:
            return Running(self, found, None)
        if found.verdict is not Verdict.SETTLED:
            return Inspected(place=self.place, found=found, findings=(_stuck(found),))
        try:
            return Running(self, found, start_detection(self.api.client, found.stack_id))
        except PipelineError:
            now = self.api.find(found.stack_id)
            if now is not None and now.verdict is Verdict.SETTLED:
                raise  # AWS refuses the request itself, not its timing
            return self.begin(now)  # an operation came first

    def read_resources(self, found: Found) -> tuple[Resource, ...]:
        """Return the stack's resources."""
        return tuple(
            Resource(
                logical_id=entry["LogicalResourceId"],
                resource_type=entry["ResourceType"],
                physical_id=entry.get("PhysicalResourceId", ""),
            )
            for entry in self.api.resources(found.stack_id)
            if entry["ResourceStatus"] != _GONE
        )

    def without_mistakes(
        self, findings: t.Sequence[Finding], drifts: t.Sequence[ResourceDrift]
    ) -> tuple[Finding, ...]:
        """Return the detection's findings without those that AWS itself contradicts."""
        place = self.place
        live = LiveProperties(self._session, place.region, place.account_id)
        return live.without_mistakes(findings, drifts)

    def read_policies(self, found: Found, resources: t.Sequence[Resource]) -> PolicyDrift | None:
        """Read the current live policies; None if they are not wanted."""
        if not self._with_policies:
            return None
        deployed = Deployed(
            stack_id=found.stack_id,
            template=parse(self.api.template(found.stack_id)),
            parameters=found.parameters,
            resolved=found.resolved,
            resources=resources,
        )
        live = LivePolicies(self._session, self.place.region, self.place.account_id)
        settings = LiveSettings(self._session, self.place.region)
        return read_policies(deployed, live, settings)


class Running:
    """An inspection that waits for an operation or a detection."""

    def __init__(self, inspection: Inspection, found: Found, detection: Detection | None) -> None:
        self._inspection = inspection
        self._found = found
        self._detection = detection

    def describe(self) -> str:
        """Return what it waits for."""
        place = self._inspection.place
        if self._found.verdict is Verdict.BUSY:
            return f"{place} is {self._found.status}"
        if self._detection is None:
            return f"another drift detection of {place} is in progress"
        return f"the drift detection of {place} is in progress"

    def poll(self) -> Running | Detected | Inspected:
        """Ask AWS again."""
        if self._detection is None:  # what it waits for may have ended
            return self._inspection.begin(self._inspection.api.find(self._found.stack_id))
        ended = self._detection.end()
        return self if ended is None else Detected(self, ended)

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
        return self._inspection.read_policies(self._found, self.resources)

    def inspected(self, ended: EndedDetection) -> Inspected:
        """Return what the detection and the policies show."""
        drifts = tuple(ended.drifts())
        findings = self._inspection.without_mistakes(
            [finding for drift in drifts for finding in findings_of(drift)], drifts
        )
        unchecked = tuple(unchecked_of(drifts, self.resources, failure=ended.failure))
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
        return dataclasses.replace(
            result,
            findings=evaluation.findings,
            unchecked=evaluation.unchecked,
            policies=self.policies,
            disputes=evaluation.disputes,
        )


@dataclasses.dataclass(frozen=True)
class Detected:
    """An inspection whose detection has ended."""

    running: Running
    ended: EndedDetection

    def finish(self) -> Inspected:
        """Read what the detection found."""
        return self.running.inspected(self.ended)


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


__all__ = ("Detected", "Inspected", "Inspection", "InspectionEntry", "Running")
