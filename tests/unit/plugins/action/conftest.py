# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the actions share."""

from __future__ import annotations

from typing import Any

import pytest

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
