# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise of compatibility.
"""Fields that users write, and the reader that checks values against them. Pure.

Declared once, they give the checks, their messages, the defaults, the reference tables of the docs
and JSON Schemas for editors (tools/reference.py).
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import difflib
import re
import typing as t
from collections.abc import Mapping

TEXT, FLAG, NUMBER, LIST, MAPPING = "str", "bool", "int", "list", "dict"
SCALAR = "scalar"  # text, a whole number, true or false; read as text

_EMPTY: dict[str, t.Any] = {TEXT: "", SCALAR: "", FLAG: False, NUMBER: 0, LIST: [], MAPPING: {}}
_FLAGS = {"true": True, "yes": True, "on": True, "1": True}
_FLAGS |= {"false": False, "no": False, "off": False, "0": False}

Schema = dict[str, t.Any]
Report = t.Callable[[str, str], None]


class Unreadable:
    """A value whose template failed; already reported."""


UNREADABLE = Unreadable()

# What to do about a value that YAML does not read as text; problems.py adds how INI files quote.
QUOTE = "Quote it"


@dataclasses.dataclass(frozen=True)
class Rewritten:
    """A value that YAML reads as another one, such as 012345, 20:00 or NO.

    :param text: what the file has.
    """

    value: t.Any
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field or variable.

    :param doc: its meaning, for people who look it up.
    :param pattern: a regular expression for the whole text; *words* describe it.
    :param check: returns what is wrong with text that fits the pattern, and what to do.
    :param fix: what to do about a wrong value.
    :param minimum: the smallest number, or the fewest entries of a list.
    :param maximum: the largest number, or the most entries of a list or mapping.
    :param fields: the fields of a mapping, or of each entry of a list; others are refused.
    :param item: what each entry of a list, or each value of an open mapping, is.
    :param keys: what the names in an open mapping are.
    :param unique: fields that no two entries of a list share; ``""`` means the entries themselves.
    :param read: reads a value that no type describes; *json* is its JSON Schema.
    :param kind: its type in the tables, where it does not follow from the rest.
    :param default_words: its default in the tables, where it is not a constant.
    :param fallback: for a setting of a role, the variable of the inventory that it falls back to.
    :param is_extra: whether it is usually given with ``-e``, which makes text of every value.
    """

    name: str = ""
    doc: str = ""
    type: str = TEXT
    required: bool = False
    default: t.Any = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    words: str = ""
    check: t.Callable[[str], tuple[str, str] | None] | None = None
    fix: str = "Correct it"
    minimum: int | None = None
    maximum: int | None = None
    longest: int = 0
    fields: tuple[Field, ...] = ()
    item: Field | None = None
    keys: Field | None = None
    unique: tuple[str, ...] = ()
    read: t.Callable[[Reader, t.Any, str], t.Any] | None = None
    json: Schema | None = None
    kind: str = ""
    default_words: str = ""
    fallback: str = ""
    is_extra: bool = False

    def empty(self) -> t.Any:
        """Return the value of a field that is not set, or wrong."""
        if self.default is None and (self.read or self.fields) and self.type != LIST:
            return None
        return copy.copy(_EMPTY[self.type] if self.default is None else self.default)


class Reader:
    """Reads values by their fields, and reports what is wrong.

    :param report: takes what is wrong, and what to do.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self.is_complete = True

    def problem(self, where: str, what: str, fix: str) -> None:
        """Report a problem of the field at *where*, such as ``is not set``."""
        colon = "" if what.startswith(("is ", "has ")) else ":"
        self._report(f"{where}{colon} {what}", fix)

    def is_unreadable(self, value: t.Any) -> bool:
        """Return whether the template of *value* failed, so that it is unknown."""
        self.is_complete = self.is_complete and value is not UNREADABLE
        return value is UNREADABLE

    def read(self, field: Field, value: t.Any, where: str = "") -> t.Any:
        """Return *value* as plain data with its defaults; report what is wrong."""
        where = where or field.name
        if self.is_unreadable(value):
            return field.empty()
        if value is None or (value == "" and field.type == TEXT):
            if field.required:
                self.problem(where, "is not set", _how_to_set(field))
            return field.empty()
        read = _READ[field.type]
        found = field.read(self, value, where) if field.read else read(self, field, value, where)
        return field.empty() if found is None else found

    def text(self, field: Field, value: t.Any, where: str) -> str | None:
        """Return text that fits the field."""
        if isinstance(value, Rewritten):
            self.problem(where, f"YAML reads {value.text} as another value", QUOTE)
        elif not isinstance(value, str):
            self.problem(where, f"is {_kind(value)}, not text", QUOTE)
        elif problem := self._problem_of(field, value):
            self.problem(where, *problem)
        else:
            return value
        return None

    def _problem_of(self, field: Field, value: str) -> tuple[str, str] | None:
        """Return what is wrong with text, and what to do."""
        if not value.isascii():
            return "has characters outside ASCII", "Use plain letters"
        if field.choices and value not in field.choices:
            expected = ", ".join(field.choices)
            return (
                f"{value!r} is unknown; expected one of {expected}",
                suggestion(value, field.choices) or field.fix,
            )
        if field.pattern and not re.fullmatch(field.pattern, value, re.ASCII):
            return f"{value!r} is not {field.words}", field.fix
        if field.longest and len(value) > field.longest:
            return f"has {len(value)} characters, over the limit of {field.longest}", "Shorten it"
        return field.check(value) if field.check else None

    def scalar(self, field: Field, value: t.Any, where: str) -> str | None:
        """Return a scalar as text. A number with a fraction is refused: 1.10 reads as 1.1."""
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, int):
            value = str(value)
        if isinstance(value, (str, Rewritten)):
            return self.text(field, value, where)
        self.problem(
            where,
            f"is {_kind(value)}; expected ASCII text, a whole number, true or false",
            "Quote it, or correct it",
        )
        return None

    def flag(self, field: Field, value: t.Any, where: str) -> bool | None:
        """Return a boolean."""
        value = _plain(value)
        if isinstance(value, bool):
            return value
        if field.is_extra and str(value).lower() in _FLAGS:
            return _FLAGS[str(value).lower()]
        self.problem(where, f"{shown(value)} is neither true nor false", field.fix)
        return None

    def number(self, field: Field, value: t.Any, where: str) -> int | None:
        """Return a whole number within the limits."""
        given, value = value, _plain(value)
        if field.is_extra and isinstance(value, str) and value.isdecimal():
            value = int(value)
        low, high = field.minimum, field.maximum
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and (low is None or value >= low)
            and (high is None or value <= high)
        ):
            return int(value)
        limits = f" from {low} to {high}" if high is not None else f" of at least {low}"
        is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
        text = repr(given) if is_number else shown(given)
        self.problem(
            where, f"{text} is not a whole number{'' if low is None else limits}", field.fix
        )
        return None

    def entries(self, field: Field, value: t.Any, where: str) -> list[t.Any] | None:
        """Return the entries of a list."""
        if field.is_extra and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, (list, tuple)):
            self.problem(where, f"{shown(value)} is not a list", field.fix)
            return None
        if field.minimum and not value:
            self.problem(where, "is an empty list", field.fix)
        self._check_count(field, value, where)
        entry = field.item or Field(type=MAPPING, fields=field.fields)
        found = []
        for number, item in enumerate(value, start=1):
            place = f"{where}[{entry_label(item, number)}]"
            if field.fields and not isinstance(item, Mapping) and not self.is_unreadable(item):
                self.problem(place, "is not a mapping", "Correct it")
            elif not self.is_unreadable(item):
                found.append(self.read(entry, item, place))
        self._check_unique(field, found, where)
        return found

    def mapping(self, field: Field, value: t.Any, where: str) -> dict[str, t.Any] | None:
        """Return a mapping, either of known fields or of any names."""
        if not isinstance(value, Mapping):
            self.problem(where, f"{shown(value)} is not a mapping", field.fix)
            return None
        if not field.fields:
            return self._open_mapping(field, value, where)
        known = [part.name for part in field.fields]
        for name in value:
            if name not in known:
                self.problem(
                    where,
                    f"unknown field `{name}`; expected one of {', '.join(known)}",
                    suggestion(str(name), known) or "Remove it, or correct its name",
                )
        return {
            part.name: self.read(part, value.get(part.name), f"{where}.{part.name}")
            for part in field.fields
        }

    def _open_mapping(
        self, field: Field, value: Mapping[t.Any, t.Any], where: str
    ) -> dict[str, t.Any]:
        found = {}
        self._check_count(field, value, where)
        for name, item in value.items():
            key = str(name)
            if not isinstance(name, str):
                self.problem(where, f"has a name that is {_kind(name)}, not text", QUOTE)
            elif field.keys and not re.fullmatch(field.keys.pattern, key, re.ASCII):
                self.problem(f"{where}.{key}", f"is not {field.keys.words}", field.keys.fix)
            else:
                entry = field.item or Field(type=SCALAR)
                found[key] = self.read(
                    dataclasses.replace(entry, required=True), item, f"{where}.{key}"
                )
        return found

    def _check_count(self, field: Field, value: t.Collection[t.Any], where: str) -> None:
        if field.maximum is not None and len(value) > field.maximum:
            self.problem(
                where, f"has {len(value)} entries, over the limit of {field.maximum}", "Remove some"
            )

    def _check_unique(self, field: Field, entries: t.Sequence[t.Any], where: str) -> None:
        for name in field.unique:
            values = [entry[name] if name else entry for entry in entries]
            for value, count in collections.Counter(map(str, values)).items():
                if count > 1 and value:
                    what = f"{name} {value}" if name else value
                    self.problem(where, f"{what} appears twice", "Keep one")


_READ: dict[str, t.Callable[[Reader, Field, t.Any, str], t.Any]] = {
    TEXT: Reader.text,
    SCALAR: Reader.scalar,
    FLAG: Reader.flag,
    NUMBER: Reader.number,
    LIST: Reader.entries,
    MAPPING: Reader.mapping,
}


def entry_label(entry: t.Any, number: int) -> str:
    """Return the label of a list entry in messages: its name or number."""
    if isinstance(entry, Mapping):
        for key in ("name", "host", "group"):
            name = entry.get(key)
            if isinstance(name, str) and name:
                return name
    return str(number)


def suggestion(value: str, known: t.Iterable[str]) -> str:
    """Return a "did you mean" question if *value* resembles known names, else empty text."""
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(value.lower(), names, n=2, cutoff=0.75)
    if len(found) == 2 and _ratio(found[0], value) > _ratio(found[1], value):
        found.pop()
    meant = " or ".join(names[name] for name in sorted(found))
    return f"Did you mean {meant}?" if found else ""


def _ratio(name: str, value: str) -> float:
    return difflib.SequenceMatcher(None, name, value.lower()).ratio()


def _plain(value: t.Any) -> t.Any:
    """Return what YAML made of a value, where its type expects just that."""
    return value.value if isinstance(value, Rewritten) else value


def shown(value: t.Any) -> str:
    """Return a wrong value as it was written, or what it is."""
    if isinstance(value, Rewritten):
        return value.text
    return repr(value) if isinstance(value, str) else _kind(value)


def _kind(value: t.Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a number" if isinstance(value, (int, float)) else "a date"


def _how_to_set(field: Field) -> str:
    return f"Set it to one of {', '.join(field.choices)}" if field.choices else "Set it"


__all__ = (
    "FLAG",
    "LIST",
    "MAPPING",
    "NUMBER",
    "QUOTE",
    "SCALAR",
    "TEXT",
    "UNREADABLE",
    "Field",
    "Reader",
    "Report",
    "Rewritten",
    "Schema",
    "Unreadable",
    "entry_label",
    "shown",
    "suggestion",
)
