# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab for all tests of a process, and no network but this machine's own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from lab import Lab
from lab.tests.drifting import TEMPLATE, Drifting
from lab.tests.roles import Caller
from lab.tests.stacks import Stacks

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def offline(no_network: None) -> None:
    """Refuse every connection that leaves this machine."""


@pytest.fixture(scope="session")
def session_lab() -> Iterator[Lab]:
    with Lab(stock=bool(os.environ.get("LAB_STOCK"))) as lab:
        yield lab


@pytest.fixture(scope="module")
def running_lab(session_lab: Lab) -> Iterator[Lab]:
    """The lab as the seed leaves it, for the tests of one module."""
    yield session_lab
    session_lab.reset()


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """The module's lab, with every switch back where it was afterwards."""
    yield running_lab
    running_lab.reset_settings()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of its own for what a test makes."""
    words = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-")
    return "".join(letter for letter in words if letter.isalnum() or letter == "-")[-40:].strip("-")


@pytest.fixture
def account() -> str:
    return "222222222222"


@pytest.fixture
def stacks(lab: Lab, account: str, name: str) -> Stacks:
    return Stacks(lab.client("cloudformation", account), name)


@pytest.fixture
def caller(lab: Lab, name: str) -> Caller:
    return Caller(lab, f"caller-{name}")


@pytest.fixture
def stack(lab: Lab) -> Drifting:
    """A stack with a name of its own, not made yet."""
    return Drifting(lab, f"drifting-{next(_NUMBERS)}")


@pytest.fixture
def drifting(stack: Drifting) -> Drifting:
    """A stack of every type."""
    stack.make(TEMPLATE, Tags=[{"Key": "of-the-stack", "Value": "tag"}])
    return stack
