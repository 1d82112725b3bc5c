# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check mode would change, as lines; same changes once. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._bootstrap.summary import Data, Preview, Row
from .lines import Line, Meaning, names, wrap

_VALUE_SHOWN = 40  # characters of a value that still fits next to its name
_SAME_SHOWN = 3  # up to this many resources with the same single detail are listed
_INDENT = 4
_SUBJECT = 40  # columns of the longest subject that others line up with
_GLUE = "\0"  # a space at which no line breaks
_SIGNS = {"Add": "+", "Remove": "-", "Import": "+"}
_MEANINGS: dict[str, Meaning] = {"+": "ok", "-": "failed", "~": "changed", "!": "failed"}
# Properties that are a resource's whole content: the resource's name says it.
_WHOLE = frozenset({"PolicyDocument"})


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One thing that would change, with what changes in it."""

    sign: str
    subject: str
    details: tuple[str, ...] = ()


def preview_lines(rows: t.Iterable[Row], *, width: int) -> list[Line]:
    """Return what would change, a block for each set of like stacks."""
    blocks: dict[tuple[_Entry, ...], list[tuple[Row, list[_Entry]]]] = {}
    for row in rows:
        entries = _entries(row.preview) if row.preview else []
        if entries:
            key = tuple(_without_identity(entry, row) for entry in entries)
            blocks.setdefault(key, []).append((row, entries))
    lines: list[Line] = []
    for members in blocks.values():
        row, entries = members[0]
        title = f"{row.host.name} {row.host.stack_name}"
        others = [other.host.name for other, _entries_of_other in members[1:]]
        if others:
            title += f" (the same on {len(members)} hosts: {names([row.host.name, *others])})"
        lines.append(Line())
        lines += [Line(text) for text in wrap(title, width=width, indent=2, hanging=4)]
        lines += _block(entries, width)
    return lines


def _without_identity(entry: _Entry, row: Row) -> _Entry:
    """Return *entry* without the host's own names, to compare hosts."""
    own = (row.host.name, row.host.account_id, row.host.region, row.host.stack_name)
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(text)}(?![\w-])" for text in own))
    return _Entry(
        entry.sign,
        pattern.sub("<own>", entry.subject),
        tuple(pattern.sub("<own>", detail) for detail in entry.details),
    )


def _block(entries: t.Sequence[_Entry], width: int) -> list[Line]:
    """Return a line for each entry; long details go below it."""
    detailed = [len(entry.subject) for entry in entries if entry.details]
    column = min(max(detailed, default=0), _SUBJECT)
    lines = []
    for entry in entries:
        head = f"{entry.sign} {entry.subject.ljust(column)}"
        margin = _INDENT + len(head) + 2
        widths = [_INDENT + len(head.rstrip()), *(margin + len(text) for text in entry.details)]
        if max(widths) <= width:
            first, *more = entry.details or ("",)
            texts = [f"{' ' * _INDENT}{head}  {first}".rstrip()]
            texts += [f"{' ' * margin}{detail}" for detail in more]
        else:
            texts = wrap(head.rstrip(), width=width, indent=_INDENT, hanging=_INDENT + 2)
            for detail in entry.details:
                texts += _wrapped(detail, width)
        lines += [Line(text, _MEANINGS[entry.sign]) for text in texts]
    return lines


def _wrapped(detail: str, width: int) -> list[str]:
    """Return a detail below its subject; its sign stays with the first word."""
    joined = detail.replace(" ", _GLUE, 1) if detail[:2] in ("+ ", "- ") else detail
    pieces = wrap(joined, width=width, indent=_INDENT + 2, hanging=_INDENT + 4)
    return [piece.replace(_GLUE, " ") for piece in pieces]


def _entries(preview: Preview) -> list[_Entry]:
    if preview.operation == "create":
        made = [change["logical_id"] for change in preview.changes]
        return [_Entry("+", ", ".join(made))] if made else []
    if preview.operation != "update":
        return []
    result, followers = [], []
    for change in preview.changes:
        entries = _of_change(change, preview)
        if change["depends_on"] and entries == [_by_scope(change)]:
            followers.append(change)
        else:
            result += entries
    return [*_merged([*result, *_following(followers)]), *_of_stack(preview)]


def _following(changes: t.Sequence[Data]) -> list[_Entry]:
    """Return entries of what changes only if something else does: AWS knows later."""
    causes = {tuple(change["depends_on"]) for change in changes}
    cause = _condition(*causes.pop()) if len(causes) == 1 else "if what they refer to changes"
    return [_Entry("~", change["logical_id"], (f"only {cause}",)) for change in changes]


def _of_change(change: Data, preview: Preview) -> list[_Entry]:
    """Return a resource's entries: policies by statement, then the rest."""
    name, kind = change["logical_id"], change["resource_type"]
    if change["action"] != "Modify":
        return [_Entry(_SIGNS.get(change["action"], "~"), name, (kind,))]
    causes = change["depends_on"]
    conditional = f"REPLACED {_condition(*causes)}" if causes else "may be REPLACED"
    replaced = {"True": "REPLACED", "Conditional": conditional}.get(change["replacement"])
    policies = [policy for policy in preview.policies if policy["resource"] == name]
    named = {policy["property"] for policy in policies}
    details = [
        _value(difference, label)
        for difference in preview.differences
        if difference["what"] == "template"
        and (label := _property(difference["name"], name))
        and label.partition(".")[0] not in named
    ]
    entries = [_policy(policy) for policy in policies]
    if replaced:
        return [_Entry("!", name, (replaced, *details)), *entries]
    if details or not entries:
        entries.append(_Entry("~", name, tuple(details)) if details else _by_scope(change))
    return entries


def _by_scope(change: Data) -> _Entry:
    scope = ", ".join(_words(part) for part in change["scope"])
    return _Entry("~", change["logical_id"], (scope,) if scope else ())


def _condition(*causes: str) -> str:
    return f"if {' or '.join(causes)} changes"


def _words(scope: str) -> str:
    """Return ``DeletionPolicy`` as ``deletion policy``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", scope).lower()


def _property(path: str, logical_id: str) -> str:
    """Return the property that a difference is about; empty for another resource."""
    prefix = f"Resources.{logical_id}."
    return path.removeprefix(prefix).removeprefix("Properties.") if path.startswith(prefix) else ""


def _policy(policy: Data) -> _Entry:
    whole = policy["property"] in _WHOLE
    subject = policy["resource"] if whole else f"{policy['property']} of {policy['resource']}"
    details = [f"+ {text}" for text in policy["added"]]
    return _Entry("~", subject, (*details, *(f"- {text}" for text in policy["removed"])))


def _of_stack(preview: Preview) -> list[_Entry]:
    """Return differences in parameters, tags, direct settings and template."""
    result = []
    for difference in preview.differences:
        what, name = difference["what"], difference["name"]
        if what == "parameters":
            result.append(_Entry("~", f"parameter {name}", _values(difference)))
        elif what == "tags":
            result.append(_Entry("~", f"tag {name}", _values(difference)))
        elif what != "template":
            result.append(_Entry("~", name, _values(difference)))
        elif not name.startswith("Resources."):
            result.append(_Entry("~", f"template {name}", _values(difference)))
    return result


def _values(difference: Data) -> tuple[str, ...]:
    """Return the values of a difference; lists item by item."""
    before, after = difference["before"] or "", difference["after"] or ""
    if "\n" in before + after and "{" not in before + after:
        old, new = before.splitlines(), after.splitlines()
        added = [f"+ {item}" for item in new if item not in old]
        return (*added, *(f"- {item}" for item in old if item not in new))
    text = _value(difference, "")
    return (text,) if text else ()


def _value(difference: Data, label: str) -> str:
    before, after = difference["before"], difference["after"]
    if any(value is not None and not _is_short(value) for value in (before, after)):
        return label
    if before is None:
        return f"{label} + {after}".strip()
    if after is None:
        return f"{label} - {before}".strip()
    return f"{label} {before} -> {after}".strip()


def _is_short(value: str) -> bool:
    return len(value) <= _VALUE_SHOWN and "\n" not in value


def _merged(entries: t.Sequence[_Entry]) -> list[_Entry]:
    """Return *entries*, with the same change of many resources as one entry."""
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in entries:
        alike.setdefault((entry.sign, entry.details), []).append(entry.subject)
    result = []
    for (sign, details), subjects in alike.items():
        if len(subjects) > _SAME_SHOWN:
            result.append(_Entry(sign, names(subjects), details))
        else:
            result += [_Entry(sign, subject, details) for subject in subjects]
    return result


__all__ = ("preview_lines",)
