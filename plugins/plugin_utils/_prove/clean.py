# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove what canary runs made: pipelines, stacks in accounts, objects. Nothing else.

Pipelines first: what no longer runs makes no stack. A stack is ours by its name and its tag; one
that never was complete has no tags yet.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.batch import Failure, account_of, for_each
from .._aws.gateway import AccountSession, Client, Gateway
from .._aws.patience import Patience
from .._errors import ErrorHandler
from .._organisation.model import Organisation
from .._stack.api import StackApi
from .._stack.model import Found
from .._stack.operation import Operations
from .._stack.recover import delete_with_role
from .._stack.status import Verdict
from .._stack.versions import delete_versions
from .canary import PREFIX, TAG, run_of_pipeline_stack, run_of_stack
from .model import Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Removed:
    """What was removed, or in check mode would be, and what could not be.

    :param stacks: as name, account and region.
    """

    stacks: tuple[str, ...] = ()
    objects: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: Removed) -> Removed:
        """Return both together."""
        return Removed(
            stacks=self.stacks + other.stacks,
            objects=self.objects + other.objects,
            problems=self.problems + other.problems,
        )


def is_pipeline_stack(stack: Found) -> bool:
    """Return whether *stack* holds the pipeline of a canary."""
    return _is_ours(stack, run_of_pipeline_stack(stack.name))


def is_deployed_stack(stack: Found) -> bool:
    """Return whether a canary deployed *stack*."""
    return _is_ours(stack, run_of_stack(stack.name))


def _is_ours(stack: Found, run: str) -> bool:
    if not run or stack.verdict is Verdict.ABSENT:
        return False
    return stack.tags.get(TAG) == run or stack.verdict is Verdict.REVIEW


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cleaner:
    """Removes what canaries made.

    :param session: of the build account.
    :param buckets: the buckets that canaries use, with their regions.
    :param patience: makes the patience of one removal.
    """

    gateway: Gateway
    organisation: Organisation
    session: AccountSession
    buckets: t.Mapping[str, str]
    patience: t.Callable[[], Patience]
    check_mode: bool = False

    def pipelines(self, stacks: t.Sequence[Found]) -> Removed:
        """Remove the pipelines that *stacks* hold; what is not ours stays."""
        home = self.organisation.primary
        api = StackApi.of(self.session, home.region)

        def remove(stack: Found) -> list[str]:
            if not self.check_mode:
                operations = Operations(api, self.patience())
                found = operations.settled(stack.stack_id)
                if found is not None and found.verdict is not Verdict.ABSENT:
                    operations.delete(found)
            return [_place(stack.name, home.account_id, home.region)]

        return _all([stack for stack in stacks if is_pipeline_stack(stack)], remove, _name)

    def stacks(self, paths: t.Sequence[Path], name: str = "") -> Removed:
        """Remove the stacks of canaries in *paths*.

        :param name: of the stacks of one run; by default those of any run.
        """

        def remove(path: Path) -> list[str]:
            host = self.organisation.hosts[path.host]
            api = StackApi.of(self.gateway.open(account_of(host.target())), path.region)
            found = api.all() if not name else [api.find(name)]
            ours = [stack for stack in found if stack is not None and is_deployed_stack(stack)]
            if not self.check_mode:
                for stack in ours:
                    self._delete(api, stack)
            return [_place(stack.name, path.account_id, path.region) for stack in ours]

        return _all(paths, remove, lambda path: f"{path.host} in {path.region}")

    def _delete(self, api: StackApi, stack: Found) -> None:
        patience = self.patience()
        found = Operations(api, patience).settled(stack.stack_id)
        if found is not None and found.verdict is not Verdict.ABSENT:
            role_name = self.organisation.role_names["cloudformation_role_name"]
            delete_with_role(api, found, role_name=role_name, patience=patience)

    def objects(self) -> Removed:
        """Remove the artifacts, and the templates that were too large for a request."""
        prefixes = (PREFIX, f"templates/{PREFIX}")

        def remove(bucket: str) -> int:
            s3 = self.session.client("s3", self.buckets[bucket])
            return sum(_delete_objects(s3, bucket, prefix, self.check_mode) for prefix in prefixes)

        buckets = sorted(self.buckets)
        answers = list(zip(buckets, for_each(buckets, remove), strict=True))
        return Removed(
            objects=sum(found for _bucket, found in answers if isinstance(found, int)),
            problems=tuple(
                f"objects in {bucket}: {found.error}"
                for bucket, found in answers
                if isinstance(found, Failure)
            ),
        )


T = t.TypeVar("T")


def _all(
    items: t.Sequence[T], remove: t.Callable[[T], list[str]], describe: t.Callable[[T], str]
) -> Removed:
    removed, problems = [], []
    for item, answer in zip(items, for_each(items, remove), strict=True):
        if isinstance(answer, Failure):
            problems.append(f"{describe(item)}: {answer.error}")
        else:
            removed += answer
    return Removed(stacks=tuple(removed), problems=tuple(problems))


def _name(stack: Found) -> str:
    return stack.name


def _place(name: str, account_id: str, region: str) -> str:
    return f"{name} in {account_id} {region}"


@ErrorHandler.common_error_handler("remove the canary's objects")  # type: ignore[untyped-decorator]
def _delete_objects(s3: Client, bucket: str, prefix: str, check_mode: bool) -> int:
    if check_mode:
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        return sum(len(page.get("Versions", [])) for page in pages)
    return int(delete_versions(s3, bucket, prefix))


__all__ = ("Cleaner", "Removed", "is_deployed_stack", "is_pipeline_stack")
