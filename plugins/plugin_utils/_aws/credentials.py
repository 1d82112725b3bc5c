# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary credentials that the processes of a run share, and the base credentials."""

from __future__ import annotations

import datetime
import typing as t

from .._errors import PipelineError
from .cache import Entry, RunCache

try:
    import botocore.credentials
except ImportError:  # reported by the actions, host by host
    pass

# Seconds before their end when credentials are renewed: botocore's, less for short sessions.
_WINDOW = 900
_DEFAULT_DURATION = 3600
# botocore asks the metadata service once; among many machines that start, it answers late.
_METADATA_ATTEMPTS = 4

Session = t.Any  # of botocore, which carries no types
Credentials = t.Any


def refreshable(
    cache: RunCache,
    key: t.Sequence[t.Any],
    fetch: t.Callable[[], Entry],
    *,
    duration: int | None = None,
) -> Credentials:
    """Return credentials that renew themselves, and that *fetch* gives to one process of the run.

    :param fetch: returns ``access_key``, ``secret_key``, ``token`` and ``expiry_time`` (ISO 8601).
    :param duration: seconds that they last; None means an hour.
    """
    window = min(_WINDOW, (duration or _DEFAULT_DURATION) // 3)

    def is_fresh(entry: Entry) -> bool:
        left = datetime.datetime.fromisoformat(entry["expiry_time"]) - _now()
        return left.total_seconds() > window

    def refresh() -> Entry:
        return cache.get(key, fetch, is_fresh=is_fresh)

    return botocore.credentials.RefreshableCredentials.create_from_metadata(
        metadata=refresh(),
        refresh_using=refresh,
        method="assume-role",
        advisory_timeout=window,
        mandatory_timeout=window * 2 // 3,
    )


def share_base_credentials(session: Session, cache: RunCache) -> None:
    """Make *session* fetch temporary base credentials once in a run, and refuse an MFA profile."""
    name = "metadata_service_num_attempts"
    attempts = max(int(session.get_config_variable(name)), _METADATA_ATTEMPTS)
    session.set_config_variable(name, attempts)
    chain = session.get_component("credential_provider")
    chain.insert_before("assume-role", _MfaRefusal(session))
    profile = session.get_config_variable("profile") or "default"
    shared = t.cast("t.Any", _SharedChain(chain, cache, profile))
    resolver = botocore.credentials.CredentialResolver([shared])
    session.register_component("credential_provider", resolver)


class _Provider:
    """A credential provider, as botocore's resolver calls it."""

    METHOD = "crossaccount-pipeline"
    CANONICAL_NAME = None

    def load(self) -> Credentials | None:
        """Return credentials; None leaves it to the next provider."""
        raise NotImplementedError


class _SharedChain(_Provider):
    """botocore's own providers; what they fetch is shared.

    Permanent keys are in the environment or in files already, and are never stored again.
    """

    def __init__(self, chain: t.Any, cache: RunCache, profile: str) -> None:
        self._chain = chain
        self._cache = cache
        self._profile = profile
        self._permanent: Credentials | None = None

    def load(self) -> Credentials | None:
        try:
            return refreshable(self._cache, ["base", self._profile], self._fetch)
        except _NotTemporary:
            return self._permanent

    def _fetch(self) -> Entry:
        found = self._chain.load_credentials()
        frozen = found.get_frozen_credentials() if found else None
        # Like `aws configure export-credentials`: botocore has no public name for it.
        expires = getattr(found, "_expiry_time", None)
        if frozen is None or expires is None:
            self._permanent = found
            raise _NotTemporary
        return {
            "access_key": frozen.access_key,
            "secret_key": frozen.secret_key,
            "token": frozen.token,
            "expiry_time": expires.isoformat(),
        }


class _NotTemporary(Exception):
    """The base credentials do not expire, or there are none."""


class _MfaRefusal(_Provider):
    """Refuses a profile whose role asks for an MFA code, which no worker can enter."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load(self) -> None:
        profiles = self._session.full_config.get("profiles", {})
        name = self._session.get_config_variable("profile") or "default"
        seen: set[str] = set()
        while "role_arn" in profiles.get(name, {}) and name not in seen:
            seen.add(name)
            profile = profiles[name]
            if "mfa_serial" in profile:
                raise PipelineError(
                    f"profile {name} asks for an MFA code (mfa_serial), which a run cannot enter",
                    cure="Enter it first and start the run with that session: eval"
                    f' "$(aws configure export-credentials --profile {name} --format env)"',
                )
            name = profile.get("source_profile", "")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


__all__ = ("refreshable", "share_base_credentials")
