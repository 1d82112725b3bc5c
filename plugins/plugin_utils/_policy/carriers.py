# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carriers of policies and settings: their differences from the template, and repairs."""

from __future__ import annotations

import abc
import dataclasses
import functools
import typing as t

from .._stack.model import Resource
from .document import StatementDifference, compare, is_same, shown
from .live import LivePolicies, LiveRole, RoleSettings

Data = dict[str, t.Any]

_FUNCTION_POLICY = "Policy"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PolicyDifference:
    """One way in which a live policy or setting differs from the template.

    :param kind: the kind of its finding: ``drifted`` for a setting.
    :param property: where in the resource, names joined by dots.
    :param expected: what the template gives, as text; empty for nothing.
    :param actual: what AWS holds, as text; empty for nothing.
    """

    resource: Resource
    property: str
    expected: str
    actual: str
    difference: t.Literal["NOT_EQUAL", "ADD", "REMOVE"]
    message: str
    kind: t.Literal["policy", "drifted"] = "policy"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repair:
    """One write that restores exactly what the template gives.

    :param prop: the property of the template, as differences name it.
    :param what: what is written, for people.
    :param before: what AWS holds, as text; empty for nothing.
    :param after: what it will hold.
    """

    resource: Resource
    prop: str
    what: str
    before: str
    after: str
    put: t.Callable[[], None]

    @property
    def top(self) -> str:
        """The first name of the property."""
        return self.prop.partition(".")[0]

    def covers(self, resource: Resource, prop: str) -> bool:
        """Return whether it restores this property of *resource*."""
        same = self.resource.logical_id == resource.logical_id
        return same and f"{prop}.".startswith(f"{self.prop}.")


class Subject(abc.ABC):
    """Something that carries policies or settings, in the template and in AWS.

    :ivar resource: the resource itself, or the one it belongs to.
    """

    resource: Resource

    @abc.abstractmethod
    def differences(self) -> list[PolicyDifference]:
        """Return what differs."""

    @abc.abstractmethod
    def repairs(self) -> list[Repair]:
        """Return the writes that restore what differs."""

    @abc.abstractmethod
    def expected(self) -> Data:
        """Return the properties that it compares, resolved."""

    @abc.abstractmethod
    def actual(self) -> Data:
        """Return the same properties as AWS holds them."""

    @abc.abstractmethod
    def same(self, prop: str, first: Data, second: Data) -> bool | None:
        """Return whether *prop* means the same in two sets of properties.

        None where the subject does not compare it, or one set lacks it.
        """


class DocumentSubject(Subject):
    """One policy document: of a bucket, a key or a topic.

    :param prop: the property of the template that holds it.
    :param document: what the template gives; None for no policy.
    :param actual: what AWS holds.
    :param put: writes a document.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        prop: str,
        what: str,
        document: Data | None,
        actual: Data | None,
        partition: str,
        put: t.Callable[[t.Any], None],
    ) -> None:
        self.resource = resource
        self._property = prop
        self._what = what
        self._document = document
        self._actual = actual
        self._partition = partition
        self._put = put

    def differences(self) -> list[PolicyDifference]:
        """Return what differs, statement by statement."""
        found = compare(self._document, self._actual, partition=self._partition)
        return [_difference(self.resource, self._property, item) for item in found]

    def repairs(self) -> list[Repair]:
        """Return the write that restores the document, if it differs."""
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

    def expected(self) -> Data:
        """Return the document, where the template gives one."""
        return {} if self._document is None else {self._property: self._document}

    def actual(self) -> Data:
        """Return the live document, where there is one."""
        return {} if self._actual is None else {self._property: self._actual}

    def same(self, prop: str, first: Data, second: Data) -> bool | None:
        """Compare the document."""
        if prop != self._property or prop not in first or prop not in second:
            return None
        return is_same(first[prop], second[prop], partition=self._partition)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoleExpectation:
    """The policies that the template gives a role.

    :param inline: for each inline policy its document and the resource that holds it.
    :param attached: ARNs of managed policies.
    :param settings: its settings, AWS's defaults where the template gives none.
    :param own: the properties of the role's own resource.
    """

    name: str
    trust: Data
    inline: dict[str, tuple[Resource, Data]]
    attached: frozenset[str]
    settings: RoleSettings
    own: Data


class RoleSubject(Subject):
    """A role: its trust, inline and attached policies, and no others, and its settings."""

    _TRUST, _INLINE, _ATTACHED = "AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns"

    def __init__(
        self,
        resource: Resource,
        expected: RoleExpectation,
        *,
        actual: LiveRole,
        partition: str,
        live: LivePolicies,
    ) -> None:
        self.resource = resource
        self._expected = expected
        self._actual = actual
        self._partition = partition
        self._live = live

    def differences(self) -> list[PolicyDifference]:
        """Return what differs: statements, whole policies, attachments, settings."""
        expected, actual, resource = self._expected, self._actual, self.resource
        result = [
            _difference(resource, self._TRUST, item)
            for item in compare(expected.trust, actual.trust, partition=self._partition)
        ]
        for name in sorted(expected.inline.keys() | actual.inline.keys()):
            holder, document = expected.inline.get(name, (resource, None))
            result += [
                _difference(holder, f"{self._INLINE}.{name}", item, whole=f"inline policy {name}")
                for item in compare(document, actual.inline.get(name), partition=self._partition)
            ]
        for arn in sorted(expected.attached ^ actual.attached):
            is_expected = arn in expected.attached
            result.append(
                PolicyDifference(
                    resource=resource,
                    property=self._ATTACHED,
                    expected=arn if is_expected else "",
                    actual="" if is_expected else arn,
                    difference="REMOVE" if is_expected else "ADD",
                    message=f"{resource}: policy {arn} was"
                    f" {'detached' if is_expected else 'attached'}",
                )
            )
        return result + [
            setting_difference(resource, prop, wanted, found)
            for prop, wanted, found in self._settings()
        ]

    def repairs(self) -> list[Repair]:
        """Return the writes: remove what was added, then restore what is missing."""
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
        what = f"policies attached to role {name}"
        result += [
            self._repair(self._ATTACHED, what, arn, "", self._detachment(arn))
            for arn in sorted(actual.attached - expected.attached)
        ]
        result += [
            self._repair(self._ATTACHED, what, "", arn, self._attachment(arn))
            for arn in sorted(expected.attached - actual.attached)
        ]
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
        return result + [
            self._repair(
                prop,
                f"{prop} of role {name}",
                found,
                wanted,
                functools.partial(self._live.put_role_setting, name, prop, wanted),
            )
            for prop, wanted, found in self._settings()
        ]

    def expected(self) -> Data:
        """Return the properties of the role's own resource."""
        return self._expected.own

    def actual(self) -> Data:
        """Return the live properties, without the inline policies of other resources."""
        held = {
            name
            for name, (holder, _document) in self._expected.inline.items()
            if holder.logical_id != self.resource.logical_id
        }
        inline = [
            {"PolicyName": name, "PolicyDocument": document}
            for name, document in self._actual.inline.items()
            if name not in held
        ]
        return {
            self._TRUST: self._actual.trust,
            self._INLINE: inline,
            self._ATTACHED: sorted(self._actual.attached),
            **self._actual.settings.as_properties(),
        }

    def _settings(self) -> list[tuple[str, str, str]]:
        """Return the settings that differ, each with the value expected and the one found."""
        wanted, found = (role.settings.as_properties() for role in (self._expected, self._actual))
        return [(prop, wanted[prop], found[prop]) for prop in wanted if wanted[prop] != found[prop]]

    def same(self, prop: str, first: Data, second: Data) -> bool | None:
        """Compare trust, inline policies by their names, attached policies, and settings."""
        if prop not in first or prop not in second:
            return None
        if prop in self._actual.settings.as_properties():
            return str(first[prop]) == str(second[prop])
        if prop == self._TRUST:
            return is_same(first[prop], second[prop], partition=self._partition)
        if prop == self._ATTACHED:
            return set(first[prop]) == set(second[prop])
        if prop == self._INLINE:
            a, b = (
                {entry["PolicyName"]: entry["PolicyDocument"] for entry in properties[prop]}
                for properties in (first, second)
            )
            return a.keys() == b.keys() and all(
                is_same(a[name], b[name], partition=self._partition) for name in a
            )
        return None

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Permission:
    """One AWS::Lambda::Permission.

    :param statement: what AWS makes of it in the function's policy.
    :param request: the arguments of AddPermission.
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
        actual: Data | None,
        partition: str,
        live: LivePolicies,
    ) -> None:
        self.resource = resource
        self._permissions = {str(item.statement["Sid"]): item for item in permissions}
        self._actual = actual
        self._partition = partition
        self._live = live

    def differences(self) -> list[PolicyDifference]:
        """Return the permissions that are missing, and those that were added."""
        return [
            _difference(self._holder(item), _FUNCTION_POLICY, item) for item in self._statements()
        ]

    def repairs(self) -> list[Repair]:
        """Return the writes: remove what was added, then restore what is missing."""
        return [
            Repair(
                resource=self._holder(item),
                prop=f"{_FUNCTION_POLICY}.{item.name}",
                what=f"policy of function {self.resource.physical_id}",
                before=item.actual,
                after=item.expected,
                put=self._put(item.name, self._lost(item)),
            )
            for item in sorted(self._statements(), key=lambda item: item.difference)  # ADD first
        ]

    def expected(self) -> Data:
        """Return nothing: CloudFormation compares properties, AWS holds statements."""
        return {}

    def actual(self) -> Data:
        """Return nothing, for the same reason."""
        return {}

    def same(self, prop: str, first: Data, second: Data) -> bool | None:  # noqa: ARG002
        """Compare nothing, for the same reason."""
        return None

    def _statements(self) -> list[StatementDifference]:
        expected = {"Statement": [item.statement for item in self._permissions.values()]}
        actual = self._actual or {"Statement": []}
        return compare(expected, actual, partition=self._partition, by_content=True)

    def _lost(self, item: StatementDifference) -> Permission | None:
        return self._permissions.get(item.name) if item.difference == "REMOVE" else None

    def _holder(self, item: StatementDifference) -> Resource:
        lost = self._lost(item)
        return lost.resource if lost else self.resource

    def _put(self, sid: str, lost: Permission | None) -> t.Callable[[], None]:
        function = self.resource.physical_id
        if lost is None:
            return lambda: self._live.remove_permission(function, sid)
        return lambda: self._live.add_permission(function, lost.request)


def setting_difference(
    resource: Resource, prop: str, expected: str, actual: str
) -> PolicyDifference:
    """Return the difference of a setting; an empty value is none."""
    difference: t.Literal["NOT_EQUAL", "ADD", "REMOVE"] = "NOT_EQUAL"
    what = f"is {actual}, not {expected}"
    if not expected:
        difference, what = "ADD", f"was added: {actual}"
    elif not actual:
        difference, what = "REMOVE", f"was removed: {expected}"
    return PolicyDifference(
        kind="drifted",
        resource=resource,
        property=prop,
        expected=expected,
        actual=actual,
        difference=difference,
        message=f"{resource}: {prop} {what}",
    )


def _difference(
    resource: Resource, prop: str, item: StatementDifference, *, whole: str = ""
) -> PolicyDifference:
    if item.name:
        message = f"{resource}: {prop}.{item.message}"
    else:
        message = f"{resource}: {item.message.replace('the policy', whole or 'the policy', 1)}"
    return PolicyDifference(
        resource=resource,
        property=f"{prop}.{item.name}" if item.name else prop,
        expected=item.expected,
        actual=item.actual,
        difference=item.difference,
        message=message,
    )


__all__ = (
    "DocumentSubject",
    "FunctionSubject",
    "Permission",
    "PolicyDifference",
    "Repair",
    "RoleExpectation",
    "RoleSubject",
    "Subject",
    "setting_difference",
)
