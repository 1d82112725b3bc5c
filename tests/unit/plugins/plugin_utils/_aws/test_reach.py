# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint that cannot be reached is named, and tried a few times for all accounts together."""

from __future__ import annotations

import time

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

NOBODY = "http://127.0.0.1:9"  # the port "discard", where nothing listens


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABASE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "base")
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_all_accounts_learn_it_from_three_attempts(waits: list[float]) -> None:
    gateway = Gateway(sts_region="us-east-1", endpoint_url=NOBODY)

    for account_id in ("111111111111", "222222222222"):
        with pytest.raises(PipelineError) as failure:
            gateway.open(Account(account_id=account_id, access_role_name="One"))
        text = str(failure.value)
        assert text.startswith(f"the endpoint {NOBODY} cannot be reached: ")
        assert text.endswith(
            "Check the network, the proxy, the name of the region and AWS_ENDPOINT_URL"
        )
    assert len(waits) == 2


def test_a_worker_of_a_run_that_has_begun_waits_as_for_any_call(waits: list[float]) -> None:
    gateway = Gateway(sts_region="us-east-1", endpoint_url=NOBODY, caller_account_id="555555555555")

    with pytest.raises(PipelineError, match="Could not connect to the endpoint"):
        gateway.open(Account(account_id="111111111111", access_role_name="One"))
    assert len(waits) > 2
