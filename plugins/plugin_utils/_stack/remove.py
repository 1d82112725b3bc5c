# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove one stack; retain its keys and buckets unless purged."""

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

    :param found: the stack before; None when there was none.
    :param resources: what is deleted with it: everything but keys and buckets.
    :param retained: keys and buckets without a stack, also those of earlier stacks of that name.
    """

    found: Found | None
    resources: tuple[str, ...] = ()
    retained: tuple[Retained, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether a stack was deleted or data purged, or would be."""
        return self.found is not None or any(item.purged for item in self.retained)


def remove(
    api: StackApi,
    *,
    name: str,
    patience: Patience,
    retained_data: RetainedData | None = None,
    purge_data: bool = False,
    check_mode: bool = False,
) -> Removal:
    """Remove the stack called *name*. Raises PipelineError with cause and cure.

    :param retained_data: finds what it leaves; None for a stack that never holds data.
    :param purge_data: empty and delete the buckets that are left, schedule the deletion of keys.
    :param check_mode: change nothing.
    """
    operations = Operations(api, patience)
    found = operations.settled(name)
    if found is not None and found.verdict is Verdict.ABSENT:
        found = None
    resources = api.resources(found.stack_id) if found else []
    if found is not None and not check_mode:
        operations.delete(found)
    types = frozenset(entry["ResourceType"] for entry in resources) - DATA_TYPES
    return Removal(
        found=found,
        resources=tuple(existing(resources, types)),
        retained=tuple(_retained(retained_data, name, purge=purge_data, check_mode=check_mode)),
    )


def _retained(
    retained_data: RetainedData | None, name: str, *, purge: bool, check_mode: bool
) -> t.Iterator[Retained]:
    if retained_data is None:
        return
    for item in retained_data.of(name):
        if not purge:
            yield item
        elif check_mode:
            yield dataclasses.replace(item, purged=item.deletion_date is None)
        else:
            yield retained_data.purge(item)


__all__ = ("Removal", "remove")
