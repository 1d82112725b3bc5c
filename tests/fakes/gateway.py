# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gateway whose accounts answer as a test wants."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.cloudformation import FakeCloudFormation
from tests.fakes.codepipeline import FakeCodePipeline
from tests.fakes.data import FakeData
from tests.fakes.organizations import FakeOrganizations
from tests.fakes.roles import FakeRoles


class FakeGateway:
    """Stands in for a Gateway: it opens every account but those in *errors*."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.opened: list[Account] = []
        self.errors: dict[str, str] = {}
        self.regions: dict[tuple[str, str], FakeCloudFormation] = {}
        self.make_region: Callable[[], FakeCloudFormation] = FakeCloudFormation
        self.data: dict[tuple[str, str], FakeData] = {}
        self.pipelines: dict[tuple[str, str], FakeCodePipeline] = {}
        self.roles: dict[str, FakeRoles] = {}
        self.organizations = FakeOrganizations()
        self.known_caller_account_id: str | None = "111111111111"

    def open(self, account: Account) -> Any:
        """Return a session with the clients of *account*."""
        self.opened.append(account)
        if account.account_id in self.errors:
            raise PipelineError(self.errors[account.account_id])

        def client(service: str, region: str) -> Any:
            if service == "cloudformation":
                return self.region(account.account_id, region).client
            if service == "codepipeline":
                return self.pipelines_of(account.account_id, region).client
            if service == "organizations":
                return self.organizations.client
            clients = self.data_of(account.account_id, region).clients
            if service == "iam" and service not in clients:
                return self.roles_of(account.account_id).client
            return clients[service]

        return types.SimpleNamespace(client=client)

    def region(self, account_id: str, region: str) -> FakeCloudFormation:
        """Return CloudFormation of an account's region."""
        if (account_id, region) not in self.regions:
            self.regions[account_id, region] = self.make_region()
        return self.regions[account_id, region]

    def data_of(self, account_id: str, region: str) -> FakeData:
        """Return the keys and buckets of an account's region."""
        if (account_id, region) not in self.data:
            self.data[account_id, region] = FakeData(region)
        return self.data[account_id, region]

    def roles_of(self, account_id: str) -> FakeRoles:
        """Return the roles of an account."""
        if account_id not in self.roles:
            self.roles[account_id] = FakeRoles()
        return self.roles[account_id]

    def pipelines_of(self, account_id: str, region: str) -> FakeCodePipeline:
        """Return the pipelines of an account's region."""
        if (account_id, region) not in self.pipelines:
            self.pipelines[account_id, region] = FakeCodePipeline(region)
        return self.pipelines[account_id, region]


Install = Callable[[Any], FakeGateway]  # takes the module of an action
