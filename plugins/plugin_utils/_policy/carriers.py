# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What carries policies in a stack: what its template expects of each, and what AWS holds."""

from __future__ import annotations

import dataclasses
import typing as t

from .._drift.finding import Finding, Resource
from .document import StatementDifference, compare, is_same, shown
from .live import LivePolicies, LiveRole

Data = dict[str, t.Any]

_FUNCTION_POLICY = "Policy"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repair:
    """One write that puts back exactly what is expected.

    :param prop: the property of the template that it is about, as findings name it.
    :param what: what is written, for people.
    :param before: what is there, as text; empty for nothing.
    :param after: what will be there.
    """

    resource: Resource
    prop: str
    what: str
    before: str
    after: str
    put: t.Callable[[], None]

    @property
    def top(self) -> str:
        """The property without what is inside of it."""
        return self.prop.partition(".")[0]

    def is_about(self, finding: Finding) -> bool:
        """Return whether it puts *finding* right, alone or with others."""
        same = self.resource.logical_id == finding.resource.logical_id
        return same and f"{finding.property}.".startswith(f"{self.prop}.")


class Subject:
    """One thing that carries policies.

    :ivar resource: the resource that it stands for.
    """

    resource: Resource

    def read(self) -> None:
        """Read what AWS holds. Raises Gone when there is no such thing, PipelineError otherwise."""
        raise NotImplementedError

    def findings(self) -> list[Finding]:
        """Return what differs of what was read."""
        raise NotImplementedError

    def repairs(self) -> list[Repair]:
        """Return the writes that put right what differs."""
        raise NotImplementedError

    def same(self, prop: str, one: Data, other: Data) -> bool | None:
        """Return whether two sets of properties say the same in *prop*.

        None where the subject does not compare it, or where one set lacks it.
        """
        raise NotImplementedError

    def expected(self) -> Data:
        """Return the properties that it compares, resolved."""
        raise NotImplementedError


class DocumentSubject(Subject):
    """One policy document: of a bucket, a key or a topic.

    :param prop: the property of the template that holds it.
    :param document: the document expected; None for none.
    :param put: writes a document; None where there is no way to.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        prop: str,
        what: str,
        document: Data | None,
        partition: str,
        read: t.Callable[[], Data | None],
        put: t.Callable[[Data | None], None],
    ) -> None:
        self.resource = resource
        self._property = prop
        self._what = what
        self._document = document
        self._partition = partition
        self._read = read
        self._put = put
        self._actual: Data | None = None

    def read(self) -> None:
        """Read the document."""
        self._actual = self._read()

    def findings(self) -> list[Finding]:
        """Return what differs, statement by statement."""
        found = compare(self._document, self._actual, partition=self._partition)
        return [_finding(self.resource, self._property, one) for one in found]

    def repairs(self) -> list[Repair]:
        """Return the one write that puts the document back, where it differs."""
        if is_same(self._document, self._actual, partition=self._partition):
            return []
        return [
            Repair(
                resource=self.resource,
                prop=self._property,
                what=self._what,
                before=shown(self._actual, partition=self._partition),
                after=shown(self._document, partition=self._partition),
                put=lambda: self._put(self._document),
            )
        ]

    def same(self, prop: str, one: Data, other: Data) -> bool | None:
        """Compare the document."""
        if prop != self._property or prop not in one or prop not in other:
            return None
        return is_same(one[prop], other[prop], partition=self._partition)

    def expected(self) -> Data:
        """Return the document, where one is expected."""
        return {} if self._document is None else {self._property: self._document}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoleExpectation:
    """The policies that the template gives a role.

    :param inline: for each inline policy its document and the resource that holds it.
    :param attached: ARNs of managed policies.
    :param own: the properties that the role's own resource gives.
    """

    name: str
    trust: Data
    inline: dict[str, tuple[Resource, Data]]
    attached: frozenset[str]
    own: Data


class RoleSubject(Subject):
    """A role: its trust, its inline policies, those that are attached, and no others."""

    _TRUST, _INLINE, _ATTACHED = "AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns"

    def __init__(
        self, resource: Resource, expected: RoleExpectation, *, partition: str, live: LivePolicies
    ) -> None:
        self.resource = resource
        self._expected = expected
        self._partition = partition
        self._live = live
        self._actual = LiveRole(trust=None, inline={}, attached=frozenset())

    def read(self) -> None:
        """Read all of its policies."""
        self._actual = self._live.role(self._expected.name)

    def findings(self) -> list[Finding]:
        """Return what differs: statements, whole policies, attachments."""
        expected, actual, resource = self._expected, self._actual, self.resource
        result = [
            _finding(resource, self._TRUST, one)
            for one in compare(expected.trust, actual.trust, partition=self._partition)
        ]
        for name in sorted(expected.inline.keys() | actual.inline.keys()):
            holder, document = expected.inline.get(name, (resource, None))
            result += [
                _finding(holder, f"{self._INLINE}.{name}", one, whole=f"inline policy {name}")
                for one in compare(document, actual.inline.get(name), partition=self._partition)
            ]
        for arn in sorted(expected.attached ^ actual.attached):
            is_expected = arn in expected.attached
            result.append(
                Finding(
                    kind="policy",
                    resource=resource,
                    property=self._ATTACHED,
                    expected=arn if is_expected else "",
                    actual="" if is_expected else arn,
                    difference="REMOVE" if is_expected else "ADD",
                    message=f"{resource}: policy {arn} was"
                    f" {'detached' if is_expected else 'attached'}",
                )
            )
        return result

    def repairs(self) -> list[Repair]:
        """Return the writes: what was added goes before what is missing comes back."""
        expected, actual, name = self._expected, self._actual, self._expected.name
        result = []
        for policy in sorted(expected.inline.keys() | actual.inline.keys()):
            holder, document = expected.inline.get(policy, (self.resource, None))
            found = actual.inline.get(policy)
            if is_same(document, found, partition=self._partition):
                continue
            result.append(
                Repair(
                    resource=holder,
                    prop=f"{self._INLINE}.{policy}",
                    what=f"inline policy {policy} of role {name}",
                    before=shown(found, partition=self._partition),
                    after=shown(document, partition=self._partition),
                    put=self._inline_put(policy, document),
                )
            )
        for arn in sorted(actual.attached - expected.attached):
            what = f"policies attached to role {name}"
            result.append(self._repair(self._ATTACHED, what, arn, "", self._detachment(arn)))
        for arn in sorted(expected.attached - actual.attached):
            what = f"policies attached to role {name}"
            result.append(self._repair(self._ATTACHED, what, "", arn, self._attachment(arn)))
        if not is_same(expected.trust, actual.trust, partition=self._partition):
            result.append(
                self._repair(
                    self._TRUST,
                    f"trust policy of role {name}",
                    shown(actual.trust, partition=self._partition),
                    shown(expected.trust, partition=self._partition),
                    lambda: self._live.put_trust(name, expected.trust),
                )
            )
        return result

    def _inline_put(self, policy: str, document: Data | None) -> t.Callable[[], None]:
        return lambda: self._live.put_inline(self._expected.name, policy, document)

    def _detachment(self, arn: str) -> t.Callable[[], None]:
        return lambda: self._live.detach(self._expected.name, arn)

    def _attachment(self, arn: str) -> t.Callable[[], None]:
        return lambda: self._live.attach(self._expected.name, arn)

    def _repair(
        self, prop: str, what: str, before: str, after: str, put: t.Callable[[], None]
    ) -> Repair:
        return Repair(
            resource=self.resource, prop=prop, what=what, before=before, after=after, put=put
        )

    def same(self, prop: str, one: Data, other: Data) -> bool | None:
        """Compare trust, inline policies by their names, and attached policies."""
        if prop not in one or prop not in other:
            return None
        if prop == self._TRUST:
            return is_same(one[prop], other[prop], partition=self._partition)
        if prop == self._ATTACHED:
            return set(one[prop]) == set(other[prop])
        if prop == self._INLINE:
            a, b = (
                {entry["PolicyName"]: entry["PolicyDocument"] for entry in properties[prop]}
                for properties in (one, other)
            )
            return a.keys() == b.keys() and all(
                is_same(a[name], b[name], partition=self._partition) for name in a
            )
        return None

    def expected(self) -> Data:
        """Return what the role's own resource gives."""
        return self._expected.own


@dataclasses.dataclass(frozen=True, kw_only=True)
class Permission:
    """One AWS::Lambda::Permission.

    :param statement: what AWS makes of it in the function's policy.
    :param request: what AddPermission takes.
    """

    resource: Resource
    statement: Data
    request: dict[str, str]


class FunctionSubject(Subject):
    """A function: the permissions that the template gives, and no others."""

    def __init__(
        self,
        resource: Resource,
        permissions: t.Sequence[Permission],
        *,
        partition: str,
        live: LivePolicies,
    ) -> None:
        self.resource = resource
        self._permissions = {str(one.statement["Sid"]): one for one in permissions}
        self._partition = partition
        self._live = live
        self._actual: Data | None = None

    def read(self) -> None:
        """Read its policy."""
        self._actual = self._live.function(self.resource.physical_id)

    def _differences(self) -> list[StatementDifference]:
        expected = {"Statement": [one.statement for one in self._permissions.values()]}
        actual = self._actual or {"Statement": []}
        return compare(expected, actual, partition=self._partition, by_content=True)

    def findings(self) -> list[Finding]:
        """Return the permissions that are missing, and those that were added."""
        result = []
        for one in self._differences():
            lost = self._permissions.get(one.name) if one.difference == "REMOVE" else None
            resource = lost.resource if lost else self.resource
            result.append(_finding(resource, _FUNCTION_POLICY, one))
        return result

    def repairs(self) -> list[Repair]:
        """Return the writes: what was added goes before what is missing comes back."""
        result = []
        function = self.resource.physical_id
        differences = self._differences()
        for one in sorted(differences, key=lambda one: one.difference):  # ADD, then REMOVE
            lost = self._permissions.get(one.name) if one.difference == "REMOVE" else None
            result.append(
                Repair(
                    resource=lost.resource if lost else self.resource,
                    prop=f"{_FUNCTION_POLICY}.{one.name}",
                    what=f"policy of function {function}",
                    before=one.actual,
                    after=one.expected,
                    put=self._put(one.name, lost),
                )
            )
        return result

    def _put(self, sid: str, lost: Permission | None) -> t.Callable[[], None]:
        function = self.resource.physical_id
        if lost is None:
            return lambda: self._live.remove_permission(function, sid)
        return lambda: self._live.add_permission(function, lost.request)

    def same(self, prop: str, one: Data, other: Data) -> bool | None:  # noqa: ARG002
        """Compare nothing: CloudFormation tells of properties, AWS of statements."""
        return None

    def expected(self) -> Data:
        """Return nothing, for the same reason."""
        return {}


def _finding(
    resource: Resource, prop: str, one: StatementDifference, *, whole: str = ""
) -> Finding:
    if one.name:
        message = f"{resource}: {prop}.{one.message}"
    else:
        message = f"{resource}: {one.message.replace('the policy', whole or 'the policy', 1)}"
    return Finding(
        kind="policy",
        resource=resource,
        property=f"{prop}.{one.name}" if one.name else prop,
        expected=one.expected,
        actual=one.actual,
        difference=one.difference,
        message=message,
    )


__all__ = (
    "DocumentSubject",
    "FunctionSubject",
    "Permission",
    "Repair",
    "RoleExpectation",
    "RoleSubject",
    "Subject",
)
