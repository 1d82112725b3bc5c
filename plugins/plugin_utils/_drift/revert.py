# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revert what was changed outside CloudFormation, in one stack.

First a drift-aware change set restores what CloudFormation can see. Then every other policy is
rewritten exactly as in the template.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
)

from .._aws.gateway import Client
from .._aws.patience import Patience
from .._errors import PipelineError
from .._policy.carriers import Repair
from .._stack.change_set import ChangeSet, ChangeSets
from .._stack.gate import DATA_TYPES, Change, guarded
from .._stack.model import Found
from .._stack.operation import Operations
from .._stack.result import ChangeEntry
from .._stack.status import Verdict
from .detection import text_of
from .finding import Finding, Unchecked
from .inspection import Inspected, Inspection, Running
from .policies import PolicyDrift

_MODE = "REVERT_DRIFT"
# The first botocore with this mode.
_NEEDED = "1.40.76"
# The stack has its template already, so its capabilities were agreed to.
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


class PropertyEntry(t.TypedDict):
    """A property that is put back, in a task's result."""

    path: str
    before: str
    after: str


class RevertChangeEntry(ChangeEntry):
    """A change of a drift-aware change set, in a task's result."""

    drift_status: str
    properties: list[PropertyEntry]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Property:
    """One property that a drift-aware change set puts back.

    :param before: the value found, as text; empty where there is none.
    :param after: the template's value.
    """

    path: str
    before: str
    after: str

    def as_dict(self) -> PropertyEntry:
        """Return it as a task's result holds it."""
        return {"path": self.path, "before": self.before, "after": self.after}

    @property
    def dotted(self) -> str:
        """The path as findings write it, with a dot at its end."""
        parts = [part for part in self.path.split("/") if part]
        below = parts[1:] if parts[:1] == ["Properties"] else parts
        return "".join(f"{part}." for part in below)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RevertChange(Change):
    """One change of a drift-aware change set.

    :param drift_status: what happened to the resource outside CloudFormation.
    :param properties: what is put back.
    """

    drift_status: str = ""
    properties: tuple[Property, ...] = ()

    @classmethod
    def from_description(cls, change: dict[str, t.Any]) -> RevertChange:
        """Return the change that *change*, an entry of DescribeChangeSet, describes."""
        known = Change.from_description(change)
        resource = change["ResourceChange"]
        targets = [detail.get("Target", {}) for detail in resource.get("Details", [])]
        return cls(
            **{field.name: getattr(known, field.name) for field in dataclasses.fields(known)},
            drift_status=resource.get("ResourceDriftStatus", ""),
            properties=tuple(
                Property(
                    path=target.get("Path") or target.get("Name", ""),
                    before=text_of(target.get("BeforeValue")),
                    after=text_of(target.get("AfterValue")),
                )
                for target in targets
            ),
        )

    def as_dict(self) -> RevertChangeEntry:
        """Return it as a task's result holds it."""
        return {
            **super().as_dict(),
            "drift_status": self.drift_status,
            "properties": [item.as_dict() for item in self.properties],
        }

    @property
    def loses_data(self) -> bool:
        """Whether a key or bucket would be replaced, removed or recreated empty."""
        return self.resource_type in DATA_TYPES and (self.action == "Add" or self.is_guarded)

    def also_restores(self, finding: Finding) -> bool:
        """Return whether it would also restore *finding*."""
        if self.logical_id != finding.resource.logical_id:
            return False
        if not (self.properties and finding.property):
            return True  # the whole resource
        # Findings name the statements of a policy, a change set only their numbers.
        name = finding.property.partition(".")[0] if finding.kind == "policy" else finding.property
        return any(
            path.startswith(f"{name}.") or f"{name}.".startswith(path)
            for path in (item.dotted for item in self.properties)
        )


def revert_change_sets(client: Client) -> ChangeSets[RevertChange]:
    """Return the drift-aware change sets of one account's stacks in one region."""
    return ChangeSets(client, read_change=RevertChange.from_description, IncludePropertyValues=True)


def revert_request(client: Client, found: Found) -> dict[str, t.Any]:
    """Return the request of the change set that restores the deployed stack.

    Raises PipelineError when the installed botocore does not know such change sets.
    """
    model = client.meta.service_model.operation_model("CreateChangeSet")
    mode = model.input_shape.members.get("DeploymentMode")
    if mode is None or _MODE not in (mode.enum or [_MODE]):
        raise PipelineError(
            "the botocore where ansible-playbook runs does not know drift-aware change sets",
            cure=f"Install botocore {_NEEDED} or newer there",
        )
    return {
        "ChangeSetType": "UPDATE",
        "DeploymentMode": _MODE,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": name, "UsePreviousValue": True} for name in found.parameters
        ],
        "Tags": ansible_dict_to_boto3_tag_list(found.tags),
        "Capabilities": _CAPABILITIES,
    }


@dataclasses.dataclass(kw_only=True)
class Reverted:
    """What was done, up to a failure, or would be in check mode.

    :param findings: what was found before anything was written.
    :param ignored: those of the findings that the user ignores.
    :param reverts: whether a drift-aware change set is needed; check mode creates none.
    :param changes: those of the change set.
    :param repairs: policies that were put back directly.
    """

    found: Found | None = None
    findings: tuple[Finding, ...] = ()
    ignored: tuple[Finding, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    reverts: bool = False
    changes: tuple[RevertChange, ...] = ()
    repairs: list[Repair] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was written, or would be."""
        return bool(self.reverts or self.changes or self.repairs)

    @property
    def reverted(self) -> list[Finding]:
        """The findings to revert: all but the ignored ones."""
        return [finding for finding in self.findings if finding not in self.ignored]


class Reverter:
    """Reverts the drift of one stack.

    :param inspection: the stack; policies included.
    :param is_ignored: whether the user wants a finding to stay as it is.
    :param check_mode: write nothing, not even a change set.
    :ivar done: what was done so far, also after a failure.
    """

    def __init__(
        self,
        inspection: Inspection,
        *,
        patience: Patience,
        is_ignored: t.Callable[[Finding], bool] = lambda _finding: False,
        check_mode: bool = False,
    ) -> None:
        self._inspection = inspection
        self._api = inspection.api
        self._is_ignored = is_ignored
        self._change_sets = revert_change_sets(self._api.client)
        self._operations = Operations(self._api, patience)
        self._patience = patience
        self._check_mode = check_mode
        self.done = Reverted()

    def run(self) -> Reverted:
        """Inspect, revert, and return what was done. Raises PipelineError with cause and cure."""
        inspected, found = self._inspect()
        _refuse_lost_data(inspected, found)
        can_revert = self._can_revert(inspected)
        if self._check_mode:
            self.done.reverts = can_revert
            self.done.repairs = self._repairs(inspected, inspected.policies)
            return self.done
        policies = inspected.policies
        if can_revert and self._revert(found):
            # What the change set has restored needs no further write.
            resources = self._inspection.read_resources(found)
            policies = self._inspection.read_policies(found, resources)
        for repair in self._repairs(inspected, policies):
            repair.put()
            self.done.repairs.append(repair)
        return self.done

    def _inspect(self) -> tuple[Inspected, Found]:
        name = self._inspection.place.stack
        inspected = self._wait(self._inspection.begin(self._api.find(name)))
        found = inspected.found
        if found is None or not found.exists:
            raise PipelineError(
                f"stack {name} does not exist", cure="The bootstrap creates what is missing"
            )
        if found.verdict is not Verdict.SETTLED:
            raise PipelineError(
                inspected.findings[0].message, cure="The bootstrap repairs what can be repaired"
            )
        self.done.found = found
        self.done.findings = inspected.findings
        self.done.ignored = tuple(filter(self._is_ignored, inspected.findings))
        self.done.unchecked = inspected.unchecked
        return inspected, found

    def _wait(self, step: Running | Inspected) -> Inspected:
        def describe() -> str:
            return step.describe() if isinstance(step, Running) else ""

        for _poll in self._patience.polls(describe):
            if isinstance(step, Inspected):
                return step
            step = step.poll()
        raise AssertionError  # polls() ends only by raising

    def _can_revert(self, inspected: Inspected) -> bool:
        """Return whether CloudFormation found something that it may restore."""
        reverted = {finding.resource.logical_id for finding in self.done.reverted}
        return any(
            drift.status in ("MODIFIED", "DELETED") and drift.resource.logical_id in reverted
            for drift in inspected.drifts
        )

    def _repairs(self, inspected: Inspected, policies: PolicyDrift | None) -> list[Repair]:
        repairs = policies.repairs(inspected.disputes) if policies else []
        return [
            repair
            for repair in repairs
            if not any(
                repair.covers(finding.resource, finding.property) for finding in self.done.ignored
            )
        ]

    def _revert(self, found: Found) -> bool:
        """Create, check and execute the change set; return whether it changed anything."""
        request = revert_request(self._api.client, found)
        change_set = self._change_sets.create(found.stack_id, **request)
        try:
            change_set = self._change_sets.read(change_set, self._patience)
            self._check(found, change_set)
            if change_set.is_empty:
                self._change_sets.delete(change_set)
                return False
            self._change_sets.execute(change_set)
        except PipelineError:
            with contextlib.suppress(PipelineError):
                self._change_sets.delete(change_set)
            raise
        self.done.changes = change_set.changes
        self.done.found = self._operations.executed(
            self._change_sets, change_set, name=found.name, before=found
        )
        return True

    def _check(self, found: Found, change_set: ChangeSet[RevertChange]) -> None:
        change_set.check(found.name)
        changes = change_set.changes
        refused = guarded(changes)
        losing = [change for change in changes if change.loses_data or change in refused]
        if losing:
            raise PipelineError(
                f"reverting {found.name} would lose data or roles: "
                + "; ".join(str(change) for change in losing),
                cure="Nothing was changed. Put these back by hand, then run again",
            )
        undone = [
            finding
            for finding in self.done.ignored
            if any(change.also_restores(finding) for change in changes)
        ]
        if undone:
            raise PipelineError(
                f"the change set of {found.name} would also put back what is ignored: "
                + "; ".join(finding.message for finding in undone),
                cure="Nothing was changed. Put the rest back by hand, or remove the entry from"
                " drift_ignore",
            )


def _refuse_lost_data(inspected: Inspected, found: Found) -> None:
    """Refuse to recreate a key or bucket: that would hide the loss."""
    gone = [
        f"{drift.resource.logical_id} ({drift.resource.physical_id})"
        for drift in inspected.drifts
        if drift.status == "DELETED" and drift.resource.resource_type in DATA_TYPES
    ]
    if gone:
        raise PipelineError(
            f"{found.name} has lost {', '.join(gone)}, and what it contained",
            cure="Nothing was changed. If only the deletion of a key is scheduled, aws kms"
            " cancel-key-deletion and enable-key bring it back; otherwise remove the stack's host"
            " with state: absent and let the bootstrap create it again",
        )


__all__ = ("Property", "RevertChange", "Reverted", "Reverter", "revert_change_sets")
