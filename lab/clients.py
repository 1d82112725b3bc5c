# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""boto3 clients for the lab that read nothing of the user's: no profile, no file, no proxy."""

from __future__ import annotations

import functools
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.model import ServiceModel

# MiniStack's secret for the root of every account; the account id is the access key id.
ROOT_SECRET = "test"
_CONFIG = Config(proxies={}, retries={"mode": "standard", "max_attempts": 3})


# Where more are in use, as with many accounts, those used least are made again.
_MOST_CLIENTS = 200
_making = threading.Lock()


class Clients:
    """Makes clients quickly, and each once: one session, credentials given to each client.

    Threads may share it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._made = functools.lru_cache(_MOST_CLIENTS)(self._make)

    def root(self, service: str, account_id: str, region: str) -> Any:
        """A client as the root of an account."""
        return self.client(
            service,
            region=region,
            credentials={
                "aws_access_key_id": account_id,
                "aws_secret_access_key": ROOT_SECRET,
            },
        )

    def client(self, service: str, *, region: str, credentials: dict[str, str]) -> Any:
        """A client with the given aws_* credentials."""
        return self._made(service, region, tuple(credentials.items()))

    def _make(self, service: str, region: str, credentials: tuple[tuple[str, str], ...]) -> Any:
        # A session makes one client at a time.
        with _making:
            return _session().client(  # type: ignore[call-overload]
                service,
                region_name=region,
                endpoint_url=self._url,
                config=_CONFIG,
                **dict(credentials),
            )

    def assume(self, account_id: str, role_name: str, region: str) -> dict[str, str]:
        """Credentials of a role, for 12 hours, assumed by its own account's root."""
        answer = self.root("sts", account_id, region).assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/{role_name}",
            RoleSessionName="lab",
            DurationSeconds=43200,
        )["Credentials"]
        return {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Botocore's model of a service."""
    return _core().get_service_model(service)


@functools.cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(botocore_session=_core())


@functools.cache
def _core() -> botocore.session.Session:
    """A session without anything of the user's; it reads each model once."""
    core = botocore.session.Session()
    store = core.get_component("config_store")
    store.set_config_provider("profile", ConstantProvider(value=None))
    store.set_config_provider("config_file", ConstantProvider(value="/dev/null"))
    store.set_config_provider("credentials_file", ConstantProvider(value="/dev/null"))
    return core


__all__ = ("ROOT_SECRET", "Clients", "service_model")
