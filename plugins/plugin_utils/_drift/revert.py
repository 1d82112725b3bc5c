# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put right what was changed outside CloudFormation, in one stack.

First a drift-aware change set, which brings back what CloudFormation can see. Then the policies
that it does not see, each put back as exactly the document that the template gives.
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
from .._stack.api import StackApi
from .._stack.change_set import ChangeSet, ChangeSets
from .._stack.gate import DATA_TYPES, Change, guarded
from .._stack.model import Found
from .._stack.operation import Operations
from .._stack.status import Verdict
from .finding import Finding
from .run import Look

_MODE = "REVERT_DRIFT"
# The first botocore whose model has it.
_NEEDED = "1.40.76"
# The stack has its template already, so what it may create was agreed to.
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Property:
    """One property that a drift-aware change set puts back.

    :param before: the value that is there, as text; empty where there is none.
    :param after: the value of the template.
    """

    path: str
    before: str
    after: str

    @property
    def dotted(self) -> str:
        """The path as findings write it, and a dot."""
        parts = [part for part in self.path.split("/") if part]
        below = parts[1:] if parts[:1] == ["Properties"] else parts
        return "".join(f"{part}." for part in below)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RevertChange(Change):
    """One change of a drift-aware change set.

    :param drift_status: what became of the resource outside CloudFormation.
    :param properties: what is put back of it.
    """

    drift_status: str = ""
    properties: tuple[Property, ...] = ()

    @classmethod
    def from_description(cls, change: dict[str, t.Any]) -> RevertChange:
        """Return what *change*, an entry of DescribeChangeSet, says."""
        known = Change.from_description(change)
        resource = change["ResourceChange"]
        targets = [detail.get("Target", {}) for detail in resource.get("Details", [])]
        return cls(
            **{field.name: getattr(known, field.name) for field in dataclasses.fields(known)},
            drift_status=resource.get("ResourceDriftStatus", ""),
            properties=tuple(
                Property(
                    path=target.get("Path") or target.get("Name", ""),
                    before=_text(target.get("BeforeValue")),
                    after=_text(target.get("AfterValue")),
                )
                for target in targets
            ),
        )

    @property
    def loses_data(self) -> bool:
        """Whether a key or bucket would be replaced, removed, or made again without its data."""
        return self.resource_type in DATA_TYPES and (self.action == "Add" or self.is_guarded)

    def undoes(self, finding: Finding) -> bool:
        """Return whether it puts *finding* right too, be that meant or not."""
        if self.logical_id != finding.resource.logical_id:
            return False
        if not (self.properties and finding.property):
            return True  # all of the resource
        # Findings tell a policy by its statements, a change set by their numbers.
        name = finding.property.partition(".")[0] if finding.kind == "policy" else finding.property
        return any(
            path.startswith(f"{name}.") or f"{name}.".startswith(path)
            for path in (one.dotted for one in self.properties)
        )


def revert_change_sets(client: Client) -> ChangeSets[RevertChange]:
    """Return the drift-aware change sets of one account's stacks in one region."""
    return ChangeSets(client, read_change=RevertChange.from_description, IncludePropertyValues=True)


def revert_request(client: Client, found: Found) -> dict[str, t.Any]:
    """Return the request of the change set that leads back to the stack as it was deployed.

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
    """What was done, or in check mode would be; kept up to the moment of a failure.

    :param left: those of the findings that the user ignores.
    :param reverts: whether a drift-aware change set is needed; in check mode none is made.
    :param changes: those of the change set.
    :param repairs: policies that were put back directly.
    """

    found: Found | None = None
    findings: tuple[Finding, ...] = ()
    left: tuple[Finding, ...] = ()
    reverts: bool = False
    changes: tuple[RevertChange, ...] = ()
    repairs: list[Repair] = dataclasses.field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was written, or would be."""
        return bool(self.reverts or self.changes or self.repairs)


class Reverter:
    """Puts one stack right.

    :param look: a look at the stack, not yet begun, that compares policies too.
    :param is_ignored: whether the user wants a finding to be left as it is.
    :param check_mode: write nothing, not even a change set.
    """

    def __init__(
        self,
        look: Look,
        *,
        patience: Patience,
        is_ignored: t.Callable[[Finding], bool] = lambda _finding: False,
        check_mode: bool = False,
    ) -> None:
        self._look = look
        self._is_ignored = is_ignored
        self._api: StackApi = look.stacks
        self._change_sets = revert_change_sets(look.stacks.client)
        self._operations = Operations(look.stacks, patience)
        self._patience = patience
        self._check_mode = check_mode
        self.done = Reverted()

    def run(self) -> Reverted:
        """Look, put right, and return what that did. Raises PipelineError with cause and cure."""
        found = self._see()
        self._refuse_what_is_gone(found)
        if self._check_mode:
            self.done.reverts = self._can_be_reverted
            self.done.repairs = self._repairs()
            return self.done
        if self._can_be_reverted:
            self._revert(found)
        for repair in self._repairs():
            repair.put()
            self.done.repairs.append(repair)
        return self.done

    def _see(self) -> Found:
        look, name = self._look, self._look.place.stack
        for _poll in self._patience.polls(look.waits_for):
            if look.found is None:
                look.begin(look.stacks.find(name))
            if look.has_ended():
                break
        found = look.found
        if found is None or found.verdict in (Verdict.ABSENT, Verdict.REVIEW):
            raise PipelineError(
                f"stack {name} does not exist", cure="The bootstrap creates what is missing"
            )
        if found.verdict is not Verdict.SETTLED:
            raise PipelineError(
                f"{look.findings[0].message}", cure="The bootstrap repairs what can be repaired"
            )
        look.end()
        self.done.found = found
        self.done.findings = tuple(look.findings)
        self.done.left = tuple(one for one in look.findings if self._is_ignored(one))
        return found

    @property
    def _can_be_reverted(self) -> bool:
        """Whether CloudFormation itself has found something that it may put back."""
        wanted = {
            one.resource.logical_id for one in self.done.findings if one not in self.done.left
        }
        return any(
            drift.status in ("MODIFIED", "DELETED") and drift.resource.logical_id in wanted
            for drift in self._look.drifts
        )

    def _refuse_what_is_gone(self, found: Found) -> None:
        """A key or a bucket is never made again silently: what it held would seem to be there."""
        gone = [
            f"{drift.resource.logical_id} ({drift.resource.physical_id})"
            for drift in self._look.drifts
            if drift.status == "DELETED" and drift.resource.resource_type in DATA_TYPES
        ]
        if gone:
            raise PipelineError(
                f"{found.name} has lost {', '.join(gone)}, and what it held",
                cure="Nothing was changed. A key whose deletion is only scheduled is brought back"
                " by aws kms cancel-key-deletion and enable-key; else remove the stack's host with"
                " state: absent and let the bootstrap make it anew",
            )

    def _repairs(self) -> list[Repair]:
        policies = self._look.policies
        repairs = policies.repairs(self._look.disputes) if policies else []
        return [
            repair
            for repair in repairs
            if not any(repair.is_about(finding) for finding in self.done.left)
        ]

    def _revert(self, found: Found) -> None:
        request = revert_request(self._api.client, found)
        change_set = self._change_sets.create(found.stack_id, **request)
        try:
            change_set = self._change_sets.read(change_set, self._patience)
            self._check(found, change_set)
            if change_set.is_empty:
                self._change_sets.delete(change_set)
                return
            self._change_sets.execute(change_set)
        except PipelineError:
            with contextlib.suppress(PipelineError):
                self._change_sets.delete(change_set)
            raise
        self.done.changes = change_set.changes
        self.done.found = self._operations.executed(self._change_sets, change_set, name=found.name)
        # What the change set has put back needs no further write.
        self._look.read_policies_again()

    def _check(self, found: Found, change_set: ChangeSet[RevertChange]) -> None:
        if change_set.failure:
            raise PipelineError(f"the change set of {found.name} failed: {change_set.failure}")
        changes = change_set.changes
        refused = guarded(changes)
        losing = [change for change in changes if change.loses_data or change in refused]
        if losing:
            raise PipelineError(
                f"putting {found.name} right would lose data or roles: "
                + "; ".join(str(change) for change in losing),
                cure="Nothing was changed. Put these right by hand, then run again",
            )
        undone = [one for one in self.done.left if any(change.undoes(one) for change in changes)]
        if undone:
            raise PipelineError(
                f"the change set of {found.name} would put back what is ignored too: "
                + "; ".join(one.message for one in undone),
                cure="Nothing was changed. Put the rest right by hand, or take the entry out of"
                " drift_ignore",
            )


def _text(value: str | None) -> str:
    return "" if value in (None, "null") else str(value)


__all__ = ("Property", "RevertChange", "Reverted", "Reverter", "revert_change_sets")
