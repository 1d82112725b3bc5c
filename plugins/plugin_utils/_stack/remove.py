# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove one stack; its keys and buckets stay, unless the user says otherwise."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.patience import Patience
from .api import StackApi, existing
from .gate import DATA_TYPES
from .model import Found
from .operation import Operations
from .retained import Retained, RetainedData
from .status import Verdict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Removal:
    """What removing did, or in check mode would do.

    :param found: the stack as it was before; None when there was none.
    :param resources: what goes with it; keys and buckets do not.
    :param retained: keys and buckets without a stack, also those of earlier stacks of that name.
    """

    found: Found | None
    resources: tuple[str, ...] = ()
    retained: tuple[Retained, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether a stack was deleted or data purged, or would be."""
        return self.found is not None or any(one.purged for one in self.retained)


class Remover:
    """Removes one stack.

    :param retained_data: finds what it leaves; None for a stack that never holds data.
    :param purge_data: empty and delete the buckets that are left, schedule the deletion of keys.
    :param check_mode: change nothing.
    """

    def __init__(
        self,
        api: StackApi,
        *,
        name: str,
        patience: Patience,
        retained_data: RetainedData | None = None,
        purge_data: bool = False,
        check_mode: bool = False,
    ) -> None:
        self._api = api
        self._operations = Operations(api, patience)
        self._retained_data = retained_data
        self._name = name
        self._purge_data = purge_data
        self._check_mode = check_mode

    def run(self) -> Removal:
        """Remove, and return what that did. Raises PipelineError with cause and cure."""
        found = self._operations.settled(self._name)
        if found is not None and found.verdict is Verdict.ABSENT:
            found = None
        resources = self._api.resources(found.stack_id) if found else []
        if found is not None and not self._check_mode:
            self._operations.delete(found)
        types = frozenset(one["ResourceType"] for one in resources) - DATA_TYPES
        return Removal(
            found=found,
            resources=tuple(existing(resources, types)),
            retained=tuple(self._retained()),
        )

    def _retained(self) -> t.Iterator[Retained]:
        if self._retained_data is None:
            return
        for retained in self._retained_data.of(self._name):
            if not self._purge_data:
                yield retained
            elif self._check_mode:
                yield dataclasses.replace(retained, purged=retained.deletion_date is None)
            else:
                yield self._retained_data.purge(retained)


__all__ = ("Removal", "Remover")
