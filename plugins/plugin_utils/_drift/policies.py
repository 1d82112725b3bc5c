# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live policies and settings of one stack against its template and CloudFormation's detection."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import PipelineError
from .._policy.carriers import PolicyDifference, Repair, Subject
from .._policy.expected import expected_carriers
from .._policy.live import Gone, LivePolicies
from .._policy.resolver import Deployed, Resolver, Unresolvable
from .detection import ResourceDrift
from .finding import Finding, Kind, Resource, Unchecked
from .settings import LiveSettings, settings_carriers

Data = dict[str, t.Any]
Dispute = tuple[str, str]  # logical id and property

# The comparison here covers all of these: policies and nothing else, and what releases.
_COVERED_TYPES = frozenset(
    {
        "AWS::CodeBuild::Project",
        "AWS::CodePipeline::Pipeline",
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
    }
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What differs according to both checks together.

    :param findings: each difference once, a policy by its statements.
    :param disputes: properties whose expected value differs between CloudFormation and here.
        They are unchecked, or right where the live value is either; never reverted here.
    """

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    disputes: frozenset[Dispute]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PolicyDrift:
    """The policies and settings of one stack, read.

    :param unread: what could not be resolved or read.
    :param gone: resources that do not exist, and carried a policy or settings.
    :param compared: logical ids of the resources that were read.
    :param deployed: the stack; None where nothing of its template can be resolved.
    """

    subjects: tuple[Subject, ...] = ()
    unread: tuple[Unchecked, ...] = ()
    gone: tuple[Resource, ...] = ()
    compared: frozenset[str] = frozenset()
    deployed: Deployed | None = None

    def not_compared(self, resource: Resource) -> Data:
        """Return the properties, resolved, that are not compared here.

        Raises Unresolvable.
        """
        if self.deployed is None:
            raise Unresolvable("nothing of the template can be resolved")
        compared = {
            prop
            for subject in self.subjects
            if subject.resource.logical_id == resource.logical_id
            for prop in subject.expected()
        }
        given = Resolver(self.deployed).properties(resource.logical_id)
        return {prop: value for prop, value in given.items() if prop not in compared}

    def evaluate(
        self,
        drifts: t.Sequence[ResourceDrift],
        *,
        findings: t.Iterable[Finding] = (),
        unchecked: t.Iterable[Unchecked] = (),
    ) -> Evaluation:
        """Return what differs, together with what CloudFormation's detection found.

        :param findings: the detection's findings.
        :param unchecked: what the detection could not check.
        """
        by_id = {drift.resource.logical_id: drift for drift in drifts}
        differing: list[Finding] = []
        unread = list(self.unread)
        disputes: set[Dispute] = set()
        open_disputes: set[Dispute] = set()
        for subject in self.subjects:
            logical_id = subject.resource.logical_id
            drift = by_id.get(logical_id)
            for prop in _disputed(subject, drift):
                disputes.add((logical_id, prop))
                if _is_expected(subject, prop, drift):
                    continue
                open_disputes.add((logical_id, prop))
                why = (
                    f"CloudFormation expects another {prop} than the template resolves to here, so"
                    " it was not compared with the live policy"
                )
                unread.append(Unchecked(resource=subject.resource, why=why))
            differing += [
                as_finding(item)
                for item in subject.differences()
                if (item.resource.logical_id, _top(item.property)) not in disputes
            ]
        differing += self._gone(by_id)
        return Evaluation(
            findings=(*self._not_covered(findings, differing, by_id), *differing),
            unchecked=(*unread, *self._still_unchecked(unchecked, open_disputes)),
            disputes=frozenset(disputes),
        )

    def repairs(self, disputes: t.Collection[Dispute]) -> list[Repair]:
        """Return the writes that restore what differs and is not in dispute."""
        return [
            repair
            for subject in self.subjects
            for repair in subject.repairs()
            if (subject.resource.logical_id, repair.top) not in disputes
        ]

    def _gone(self, by_id: t.Mapping[str, ResourceDrift]) -> list[Finding]:
        """Return a finding for each missing resource that the detection did not find."""
        findings = []
        kind: Kind
        for resource in self.gone:
            drift = by_id.get(resource.logical_id)
            if drift is not None and drift.status == "DELETED":
                continue
            kind, message = "policy", f"{resource}: the resource with this policy does not exist"
            if resource.resource_type.startswith("AWS::Code"):
                kind, message = "drifted", f"{resource} was deleted"
            findings.append(
                Finding(kind=kind, resource=resource, difference="DELETED", message=message)
            )
        return findings

    def _not_covered(
        self,
        findings: t.Iterable[Finding],
        differing: t.Sequence[Finding],
        by_id: t.Mapping[str, ResourceDrift],
    ) -> list[Finding]:
        """Return the detection's findings that ours do not cover.

        A finding is dropped too where the live value, read directly, is as expected, or where
        both values only spell the same document differently.
        """
        ours = {(item.resource.logical_id, _top(item.property)) for item in differing}
        resources = {logical_id for logical_id, _property in ours}

        def is_covered(finding: Finding) -> bool:
            logical_id, prop = finding.resource.logical_id, _top(finding.property)
            if (logical_id, prop) in ours:
                return True
            if finding.difference == "DELETED":
                return finding.resource.resource_type in _COVERED_TYPES and logical_id in resources
            drift = by_id.get(logical_id)
            return any(
                _is_expected(subject, prop, drift) or _is_spelling(subject, prop, drift)
                for subject in self.subjects
                if subject.resource.logical_id == logical_id
            )

        return [finding for finding in findings if not is_covered(finding)]

    def _still_unchecked(
        self, unchecked: t.Iterable[Unchecked], disputes: t.Collection[Dispute]
    ) -> list[Unchecked]:
        """Return what neither the detection nor the comparison here has checked."""
        compared = self.compared - {logical_id for logical_id, _property in disputes}
        return [
            item
            for item in unchecked
            if item.resource.resource_type not in _COVERED_TYPES
            or item.resource.logical_id not in compared
        ]


def read_policies(deployed: Deployed, live: LivePolicies, settings: LiveSettings) -> PolicyDrift:
    """Read every policy and setting of the stack; a failure stops no other.

    :param live: the policies of the stack's account and region.
    :param settings: the settings there.
    """
    try:
        carriers, unresolved = expected_carriers(deployed, live)
        others, unresolved_others = settings_carriers(deployed, settings)
    except Unresolvable as exc:
        return PolicyDrift(unread=(Unchecked(why=f"its policies cannot be compared: {exc}"),))
    unread = [
        Unchecked(resource=item.resource, why=f"its policy cannot be compared: {item.why}")
        for item in (*unresolved, *unresolved_others)
    ]
    subjects: list[Subject] = []
    gone: list[Resource] = []
    compared: set[str] = set()
    for carrier in (*carriers, *others):
        try:
            subjects.append(carrier.read())
        except Gone:
            gone.append(carrier.resource)
        except PipelineError as exc:
            unread.append(Unchecked(resource=carrier.resource, why=str(exc)))
        else:
            compared |= {carrier.resource.logical_id, *carrier.parts}
    return PolicyDrift(
        subjects=tuple(subjects),
        unread=tuple(unread),
        gone=tuple(gone),
        compared=frozenset(compared),
        deployed=deployed,
    )


def as_finding(difference: PolicyDifference) -> Finding:
    """Return a difference as a finding."""
    return Finding(
        kind=difference.kind,
        resource=difference.resource,
        property=difference.property,
        expected=difference.expected,
        actual=difference.actual,
        difference=difference.difference,
        message=difference.message,
    )


def _disputed(subject: Subject, drift: ResourceDrift | None) -> list[str]:
    """Return the properties for which CloudFormation expects another value."""
    if drift is None or drift.expected is None:
        return []
    expected = subject.expected()
    return [prop for prop in expected if _is_same(subject, prop, expected, drift.expected) is False]


def _is_expected(subject: Subject, prop: str, drift: ResourceDrift | None) -> bool:
    """Return whether the live value is what the template or CloudFormation expects."""
    actual = subject.actual()
    wanted = [subject.expected(), (drift and drift.expected) or {}]
    return any(_is_same(subject, prop, expected, actual) is True for expected in wanted)


def _is_spelling(subject: Subject, prop: str, drift: ResourceDrift | None) -> bool:
    """Return whether both values of CloudFormation mean the same."""
    if drift is None or drift.expected is None or drift.actual is None:
        return False
    return _is_same(subject, prop, drift.expected, drift.actual) is True


def _is_same(subject: Subject, prop: str, first: Data, second: Data) -> bool | None:
    """Return whether two sets of properties mean the same."""
    try:
        return subject.same(prop, first, second)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _top(prop: str) -> str:
    return prop.partition(".")[0]


__all__ = ("Evaluation", "PolicyDrift", "as_finding", "read_policies")
