# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove the credentials of many accounts at once; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    ACCOUNT_ACCESS_INFO,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    Failure,
    Options,
    account_of,
    for_each,
    gateway_of,
    with_defaults,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

ARGUMENT_SPEC = ACCOUNT_ACCESS_INFO


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.account_access_info``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Prove the credentials."""
        gateway = gateway_of(self.options)
        accounts = [with_defaults(account, self.options) for account in self.options["accounts"]]
        for account in accounts:
            if "account_id" not in account:
                raise PipelineError(f"account {account.get('name', '')} has no account_id")

        def prove(account: Options) -> None:
            gateway.open(account_of(account))

        answers = for_each(accounts, prove)
        return {
            "changed": False,
            "caller_account_id": gateway.known_caller_account_id,
            "accounts": [
                {
                    "name": account.get("name") or account["account_id"],
                    "account_id": account["account_id"],
                }
                | ({"error": answer.error} if isinstance(answer, Failure) else {})
                for account, answer in zip(accounts, answers, strict=True)
            ],
        }
