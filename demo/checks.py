# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true for the demo to go on."""

from __future__ import annotations


class Untrue(Exception):
    """Something that the demo shows is not true; the message says what."""


def check(condition: bool, message: str) -> None:
    """Raise Untrue with the message unless the condition holds."""
    if not condition:
        raise Untrue(message)


def check_equal(found: object, expected: object, what: str) -> None:
    """Raise Untrue unless the two are equal."""
    check(found == expected, f"{what}: found {found}, not {expected}")


__all__ = ("Untrue", "check", "check_equal")
