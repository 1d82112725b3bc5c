# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an acceptance run found: a file that grows with each step, without anything that is secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("ansible-core", "boto3", "botocore")
# What is left of an identifier: the same text for the same thing would still name it.
_REDACTED = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), "<key>"),
    (re.compile(r"\bo-[a-z0-9]{10,32}\b"), "<organization>"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<mail>"),
    (re.compile(r"(assumed-role/[\w+=,.@-]+/)[\w+=,.@-]+"), r"\1<session>"),
    (re.compile(r"\b\d{12}\b"), "<account>"),
    (re.compile(r"/(home|Users|root)/[^\s:'\"]+"), "<path>"),
)


class Record:
    """The file, and what it holds.

    names: words for account ids.
    """

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        self._path = path
        self._names = names
        self._data: dict[str, Any] = {"schema_version": 1, "steps": {}}
        if path.exists():
            self._data = json.loads(path.read_text(encoding="utf-8"))
        self._data["versions"] = {name: metadata.version(name) for name in _PACKAGES}

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """What is known of each step that has ended."""
        found: dict[str, dict[str, Any]] = self._data["steps"]
        return found

    def passed(self, step: str) -> bool:
        """Whether a step has passed."""
        return bool(self.steps.get(step, {}).get("passed"))

    def add(self, step: str, result: Mapping[str, Any]) -> None:
        """Write down how a step ended."""
        self.steps[step] = redact(dict(result), self._names)
        self.write()

    def clear(self) -> None:
        """Forget what has passed, so that the next run begins again."""
        self._data["steps"] = {}

    def write(self) -> None:
        """Write the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._data, indent=2) + "\n", encoding="utf-8")


def redact(value: Any, names: Mapping[str, str]) -> Any:
    """Return *value* without account ids and other identifiers. names: words for account ids."""
    if isinstance(value, dict):
        return {redact(key, names): redact(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, names) for item in value]
    if not isinstance(value, str):
        return value
    for account_id, name in names.items():
        value = value.replace(account_id, f"<{name}>")
    for pattern, text in _REDACTED:
        value = pattern.sub(text, value)
    return value


__all__ = ("Record", "redact")
