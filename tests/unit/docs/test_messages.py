# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages quote messages that exist: what a user searches for is found there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.docs.messages import VALUE, is_in_code, messages_of_page, texts_of_code

ROOT = Path(__file__).resolve().parents[3]
PAGES = {"troubleshooting": 50, "inventory": 30, "pipelines": 15}


@pytest.mark.parametrize(("page", "count"), PAGES.items())
def test_every_message_of_a_page_is_one_of_the_code(page: str, count: int) -> None:
    texts = texts_of_code(ROOT)
    messages = messages_of_page(ROOT / "docs" / f"{page}.md")

    assert len(messages) > count
    assert [message for message in messages if not is_in_code(message, texts)] == []


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("profile ... reaches account ..., not ...", True),
        ("Failed to list the stacks", True),
        ("profile ... leads to account ...", False),
        ("account ... reaches profile", False),
        ("...", False),
    ],
)
def test_a_message_is_found_by_its_fixed_parts_in_order(message: str, *, found: bool) -> None:
    texts = {f"profile {VALUE} reaches account {VALUE}, not {VALUE}", "list the stacks"}

    assert is_in_code(message, texts) is found
