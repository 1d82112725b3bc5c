# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What explains usual causes, read before the first write."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.gateway import Gateway
from .._organisation.model import Organisation
from .model import Cause, Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lookups:
    """What was seen.

    :param notes: what concerns no single path.
    """

    notes: tuple[Cause, ...] = ()


def read(gateway: Gateway, organisation: Organisation, paths: t.Sequence[Path]) -> Lookups:
    """Return what can be seen of *paths*. Writes nothing, and raises nothing."""
    del gateway, organisation, paths
    return Lookups()


__all__ = ("Lookups", "read")
