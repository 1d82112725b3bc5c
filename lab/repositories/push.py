# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A push, as the webhooks of providers describe it, and its patterns."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

OPEN, UPDATED, CLOSED = "OPEN", "UPDATED", "CLOSED"


@dataclass(frozen=True, kw_only=True)
class Push:
    """What one webhook is about: a branch, a tag, or a pull request.

    repository: owner and name, or the ARN of a CodeCommit repository. branch: that of the commit,
    for a pull request the one it comes from. paths: what the commit changes. event: OPEN, UPDATED
    or CLOSED of pull request `number` into `target`. from_fork: it comes from somebody else's copy.
    """

    repository: str
    commit: str
    message: str = ""
    branch: str = ""
    tag: str = ""
    paths: tuple[str, ...] = ()
    is_new: bool = False
    event: str = ""
    number: int = 0
    target: str = ""
    from_fork: bool = False


def matches(pattern: str, text: str) -> bool:
    """Return whether a name or path is one that a trigger's glob pattern means."""
    return bool(_compiled(pattern).fullmatch(text))


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate a glob.

    Rules: https://docs.aws.amazon.com/codepipeline/latest/userguide/syntax-glob.html
    """
    text, at, depth = "", 0, 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            text, at = f"{text}(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            text, at = f"{text}.*", at + 2
        elif (letter := pattern[at]) == "[" and "]" in pattern[at:]:
            end = pattern.index("]", at)
            inner = pattern[at + 1 : end].replace("\\", r"\\")
            text += f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
            at = end + 1
        elif letter == "\\" and at + 1 < len(pattern):
            text, at = text + re.escape(pattern[at + 1]), at + 2
        else:
            depth += (letter == "{") - (letter == "}")
            inside = {",": "|"} if depth else {}
            plain = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"} | inside
            text, at = text + plain.get(letter, re.escape(letter)), at + 1
    return re.compile(text)


__all__ = ("CLOSED", "OPEN", "UPDATED", "Push", "matches")
