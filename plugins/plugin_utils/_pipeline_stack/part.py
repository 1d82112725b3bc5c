# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one feature adds to the stack of a pipeline. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

Data = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """What one feature adds to the base template.

    :param primary_outputs: outputs of the primary stack that it needs. Each becomes a parameter of
        the same name.
    :param resources: by logical id, as CloudFormation takes them.
    :param outputs: by name.
    :param pipeline_statements: what the pipeline's role may do for it.
    :param source_statements: what the source role may do for it.
    """

    primary_outputs: tuple[str, ...] = ()
    resources: Data = dataclasses.field(default_factory=dict)
    outputs: Data = dataclasses.field(default_factory=dict)
    pipeline_statements: tuple[Data, ...] = ()
    source_statements: tuple[Data, ...] = ()


def join(parts: t.Iterable[Part]) -> Part:
    """Return everything that *parts* add, in their order."""
    found = list(parts)
    names = dict.fromkeys(name for part in found for name in part.primary_outputs)
    return Part(
        primary_outputs=tuple(names),
        resources={key: item for part in found for key, item in part.resources.items()},
        outputs={key: item for part in found for key, item in part.outputs.items()},
        pipeline_statements=tuple(item for part in found for item in part.pipeline_statements),
        source_statements=tuple(item for part in found for item in part.source_statements),
    )


__all__ = ("Data", "Part", "join")
