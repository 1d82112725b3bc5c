# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the actions share."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience

from tests.fakes.clock import Clock
from tests.fakes.gateway import FakeGateway, Install


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Give the module of an action a gateway of its own, and return it."""

    def into(module: Any) -> FakeGateway:
        gateway = FakeGateway({})

        def gateway_of(options: dict[str, Any]) -> FakeGateway:
            gateway.options = options
            return gateway

        monkeypatch.setattr(module, "gateway_of", gateway_of)
        return gateway

    return into


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that passes only while the action sleeps."""
    clock = Clock()

    def patience(_action: PipelineAction, seconds: float, *, host: str = "") -> Patience:
        return clock.patience(seconds, host=host)

    monkeypatch.setattr(PipelineAction, "patience", patience)
    return clock
