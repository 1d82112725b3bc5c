# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines shown on the terminal of ansible-playbook, from the worker that made them."""

from __future__ import annotations

import os
import typing as t

from ansible import constants as C  # noqa: N812  # as everywhere in Ansible
from ansible.utils.display import Display

from .lines import COLUMNS, Line, Meaning, wrap

# Imported in the parent: a worker's own standard output leads nowhere.
_IS_TERMINAL = os.isatty(1)

_COLOURS: dict[Meaning, str] = {
    "ok": "COLOR_OK",
    "changed": "COLOR_CHANGED",
    "failed": "COLOR_ERROR",
    "skipped": "COLOR_SKIP",
}


def width() -> int:
    """Return the terminal's columns, 100 at most or without one."""
    return min(COLUMNS, Display().columns) if _IS_TERMINAL else COLUMNS


def shows_text() -> bool:
    """Return whether the chosen stdout callback writes text for people.

    Text in between would break the document that ``ansible.posix.json`` and the like write, and
    ``null`` asks for silence.
    """
    name = str(C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2].lower()
    return "json" not in name and name != "null"


def show(lines: t.Iterable[Line]) -> None:
    """Show *lines*, each in the colour of its meaning, if text is wanted."""
    if not shows_text():
        return
    for line in lines:
        colour = _COLOURS.get(line.meaning)
        _display(line.text, color=getattr(C, colour) if colour else None)


def show_errors(errors: t.Sequence[str]) -> bool:
    """Show *errors* as a list, and return whether there are any and text is wanted."""
    lines = [
        Line(line, "failed")
        for error in errors
        for line in wrap(f"- {error}", width=width(), indent=2, hanging=4)
    ]
    show(lines)
    return bool(lines) and shows_text()


def show_progress(text: str) -> None:
    """Show a line of progress, cut to the width of the terminal."""
    room = width()
    show([Line(text if len(text) <= room else f"{text[: room - 3]}...")])


def _display(text: str, *, color: str | None) -> None:
    """Hand a line to the parent, which prints it.

    ``Display.display`` does the same, but ansible-runner's callback, which AWX uses, wraps it and
    writes its event marks to standard output first. In a worker, ansible-core reports those on the
    task: "errantly sent data directly to stdout". The parent prints through the wrapper as well.
    """
    queue = getattr(Display(), "_final_q", None)
    if queue is None:
        Display().display(text, color=color)
    else:
        queue.send_display("display", text, color=color)


__all__ = ("show", "show_errors", "show_progress", "shows_text", "width")
