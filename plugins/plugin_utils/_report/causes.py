# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same cause of many hosts, found although each names its own account. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._organisation.model import Host

_MASKS = (
    (re.compile(r"\barn:[^\s,;'\"()]+[^\s,;'\"().:]"), "<arn>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),  # request ids, keys
    (re.compile(r"(?i)\b(request|host) ?id: ?[^\s,;()]+"), "<id>"),
    (re.compile(r"\b[0-9]{12}\b"), "<account>"),
    (re.compile(r"\b[a-z]{2}(?:-[a-z]+){1,2}-[0-9]\b"), "<region>"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cause:
    """One reason with everything it concerns.

    :param text: as it reads for the first host.
    """

    text: str
    hosts: tuple[Host, ...]


def group(texts: t.Iterable[tuple[Host, str]]) -> list[Cause]:
    """Return the causes, in the order in which each comes first."""
    found: dict[str, tuple[str, list[Host]]] = {}
    keys: dict[str, str] = {}  # the same text is one cause, whatever of it a host masks
    for host, text in texts:
        key = keys.setdefault(text, _masked(text, host))
        found.setdefault(key, (text, []))[1].append(host)
    return [Cause(text=text, hosts=tuple(hosts)) for text, hosts in found.values()]


def _masked(text: str, host: Host) -> str:
    """Return *text* without what is specific to this host."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    for name, mask in ((host.stack_name, "<stack>"), (host.name, "<host>")):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", mask, text)
    return text


__all__ = ("Cause", "group")
