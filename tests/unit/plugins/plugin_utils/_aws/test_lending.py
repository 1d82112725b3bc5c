# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One client lent to many accounts: whose credentials sign what."""

from __future__ import annotations

import re
import threading
from typing import Any

import botocore.session
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import for_each
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.lending import (
    lend,
    prepare_lending,
)
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

PAGE = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks/>{token}</DescribeStacksResult>"
    "</DescribeStacksResponse>"
)


class Service:
    """CloudFormation, which has two pages of stacks for everybody; *keys* are the signers."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.client = _client()
        self.client.meta.events.register("before-send", self._answer)

    def lend_to(self, key: str) -> Any:
        return lend(self.client, Credentials(key, "secret", "token"))

    def _answer(self, request: Any, **_event: Any) -> Any:
        found = re.search(rb"Credential=([^/]+)/", request.headers["Authorization"])
        assert found
        self.keys.append(found[1].decode())
        is_first = "NextToken" not in request.body
        body = PAGE.format(token="<NextToken>more</NextToken>" if is_first else "")
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(body.encode()))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body


def _client() -> Any:
    session = botocore.session.Session()
    prepare_lending(session)
    return session.create_client("cloudformation", "eu-west-1")


def test_each_account_signs_its_own_calls() -> None:
    service = Service()
    first, second = service.lend_to("ASIAONE"), service.lend_to("ASIATWO")

    for client in (first, second, first):
        client.describe_stacks()

    assert service.keys == ["ASIAONE", "ASIATWO", "ASIAONE"]


def test_the_pages_of_accounts_do_not_mix() -> None:
    service = Service()
    first, second = (
        iter(service.lend_to(key).get_paginator("describe_stacks").paginate())
        for key in ("ASIAONE", "ASIATWO")
    )

    for pages in (first, second, first, second):
        next(pages)

    assert service.keys == ["ASIAONE", "ASIATWO", "ASIAONE", "ASIATWO"]


def test_threads_of_many_accounts_call_at_the_same_time() -> None:
    service = Service()
    together = threading.Barrier(8, timeout=10)

    class Slow(Credentials):
        """Credentials that are asked for while all threads are in a call."""

        def get_frozen_credentials(self) -> Any:
            together.wait()
            return super().get_frozen_credentials()

    keys = [f"ASIA{number}" for number in range(8)]
    clients = [lend(service.client, Slow(key, "secret", "token")) for key in keys]

    for_each(clients, lambda client: client.describe_stacks())

    assert sorted(service.keys) == keys


def test_what_is_not_lent_makes_no_call() -> None:
    service = Service()

    with pytest.raises(AttributeError, match="lent_to"):
        service.client.describe_stacks()

    assert service.keys == []
