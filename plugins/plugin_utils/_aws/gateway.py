# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access to an account: base credentials, the access role, proven accounts, clients.

Base credentials are whatever boto3 finds. They assume the access role of every other account,
refreshable, through a regional STS endpoint: global tokens are not valid in opt-in regions. Each
account costs one call of STS in a run: its processes share what is temporary.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import typing as t
from pathlib import Path

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._botocore import HAS_BOTOCORE, bare_session, loader
from .._errors import NO_CREDENTIALS, PipelineError
from .account import PRODUCT, Account
from .cache import Entry, RunCache
from .credentials import refreshable, share_base_credentials
from .lending import lend, prepare_lending
from .parent import ParentWatch
from .reach import Reach

try:
    import botocore.credentials
    import botocore.exceptions
    from botocore.config import Config
except ImportError:  # reported by the actions, host by host
    pass

Client = t.Any  # botocore makes its client classes at run time
Retries = t.Literal["adaptive", "standard"]

_SERVICES = ("cloudformation", "sts")

# At once in a batch. A call takes 3 ms of CPU and about 80 ms until AWS answers.
THREADS = 32

# Made before the fork: a session costs more than a client. The check of the inventory needs two,
# one for the base credentials and one for all roles.
_SESSIONS_OF_A_WORKER = 2
_SPARE_SESSIONS: list[t.Any] = []


def warm_up() -> None:
    """Load the service models once, in the parent, for every forked worker.

    Reads botocore's own data only: no profile, no credentials, no socket, no thread; never raises.
    """
    if not HAS_BOTOCORE:
        return
    # What cannot be loaded now is loaded, or fails, with the first client.
    with contextlib.suppress(botocore.exceptions.BotoCoreError, OSError):
        for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
            loader().load_data(name)
        for service in _SERVICES:
            for kind in ("service-2", "endpoint-rule-set-1", "paginators-1"):
                loader().load_service_model(service, kind)
    _SPARE_SESSIONS.extend(bare_session() for _session in range(_SESSIONS_OF_A_WORKER))


class Gateway:
    """Opens accounts with one set of base credentials; safe to share between threads.

    :param sts_region: the region of the STS endpoint; its sessions are valid everywhere.
    :param endpoint_url: endpoint of every service; None leaves it to botocore (AWS_ENDPOINT_URL).
    :param caller_account_id: the account of the base credentials where it is known already;
        saves a call of GetCallerIdentity.
    :param run_directory: where the processes of a run share temporary credentials.
    """

    def __init__(
        self,
        *,
        sts_region: str,
        endpoint_url: str | None = None,
        caller_account_id: str | None = None,
        run_directory: Path | None = None,
    ) -> None:
        self._sts_region = sts_region
        self._endpoint_url = endpoint_url
        self._caller_account_id = caller_account_id
        self._watch = ParentWatch()
        self._run_directory = run_directory
        self._cache = RunCache(run_directory)
        self._reach = Reach(is_first=caller_account_id is None)
        self._lock = threading.RLock()  # botocore sessions are not safe to share
        self._identifying = threading.Lock()
        self._sessions: dict[str | None, t.Any] = {}
        self._lending: t.Any = None
        self._lent: dict[tuple[str, str], Client] = {}
        self._sts_clients: dict[str | None, Client] = {}
        self._opened: dict[Account, AccountSession | PipelineError] = {}
        self._opening: dict[Account, threading.Lock] = {}

    def again(self) -> Gateway:
        """Return a gateway like this one that holds no client yet.

        The clients of thousands of accounts and regions go with the gateways that made them.
        """
        return Gateway(
            sts_region=self._sts_region,
            endpoint_url=self._endpoint_url,
            caller_account_id=self._caller_account_id,
            run_directory=self._run_directory,
        )

    def caller_account_id(self) -> str:
        """Return the account of the base credentials. Raises PipelineError."""
        with self._identifying:
            if self._caller_account_id is None:
                self._caller_account_id = self._identify(None)
            return self._caller_account_id

    @property
    def known_caller_account_id(self) -> str | None:
        """The account of the base credentials, if known. Makes no call."""
        return self._caller_account_id

    def open(self, account: Account) -> AccountSession:
        """Return a session whose credentials are proven to reach *account* and no other.

        Raises PipelineError when the credentials reach no account, or another one; also for later
        targets of the account, without asking again.
        """
        with self._lock:
            opening = self._opening.setdefault(account, threading.Lock())
        with opening:  # other accounts are opened meanwhile
            if account not in self._opened:
                try:
                    self._opened[account] = self._open(account)
                except PipelineError as exc:
                    self._opened[account] = exc
            opened = self._opened[account]
            if isinstance(opened, PipelineError):
                raise opened
            return opened

    def _open(self, account: Account) -> AccountSession:
        if account.profile:
            found = self._identify(account.profile)
            if found != account.account_id:
                raise PipelineError(
                    f"profile {account.profile} reaches account {found}, not {account.account_id}",
                    cure="Correct aws_profile or account_id",
                )
            return AccountSession(functools.partial(self._create_client, account.profile))
        if account.role_arn is None and self.caller_account_id() == account.account_id:
            return AccountSession(functools.partial(self._create_client, None))
        return AccountSession(functools.partial(self._lend_client, self._assume(account)))

    def assume(self, session: AccountSession, role_arn: str, region: str) -> AccountSession:
        """Return a session of a role that *session* may assume, for an hour.

        :param region: of the STS endpoint. Raises PipelineError.
        """
        request = Account(account_id=role_arn.split(":")[4]).assumption(role_arn)
        found = _assume_role(session.client("sts", region), request)
        keys = (found[name] for name in ("access_key", "secret_key", "token"))
        credentials = botocore.credentials.Credentials(*keys)
        return AccountSession(functools.partial(self._lend_client, credentials))

    def _create_client(self, profile: str | None, service: str, region: str) -> Client:
        """Return a client with the base credentials, or those of *profile*."""
        return self._new_client(self._session(profile), service, region, retries="adaptive")

    def _lend_client(self, credentials: t.Any, service: str, region: str) -> Client:
        """Return the client that all assumed roles share, for the one with *credentials*."""
        with self._lock:
            if (service, region) not in self._lent:
                # An account that is throttled slows down no other.
                self._lent[service, region] = self._new_client(
                    self._lending_session(), service, region, retries="standard"
                )
        return lend(self._lent[service, region], credentials)

    def _new_client(self, session: t.Any, service: str, region: str, *, retries: Retries) -> Client:
        """Return a client of *session* that retries while the parent lives.

        :param retries: botocore's mode; ``adaptive`` limits the rate of all calls of a client.
        """
        config = Config(
            connect_timeout=10,
            read_timeout=30,
            retries={"mode": retries, "max_attempts": 8},
            user_agent_extra=PRODUCT,
            max_pool_connections=THREADS,
        )
        try:
            with self._lock:
                client = session.create_client(
                    service, region_name=region, endpoint_url=self._endpoint_url, config=config
                )
        except (botocore.exceptions.BotoCoreError, ValueError) as exc:
            raise PipelineError("Failed to set up the connection", exc) from exc
        client.meta.events.register("before-send.*", self._watch.check)
        self._reach.watch(client)
        return client

    def _session(self, profile: str | None) -> t.Any:
        with self._lock:
            if profile not in self._sessions:
                session = _new_session()
                if profile is not None:
                    session.set_config_variable("profile", profile)
                try:
                    share_base_credentials(session, self._cache)
                except (botocore.exceptions.BotoCoreError, ValueError) as exc:
                    raise PipelineError("Failed to set up the connection", exc) from exc
                self._sessions[profile] = session
            return self._sessions[profile]

    def _lending_session(self) -> t.Any:
        """Return the session of the clients that assumed roles share."""
        with self._lock:
            if self._lending is None:
                self._lending = _new_session()
                prepare_lending(self._lending)
            return self._lending

    def _identify(self, profile: str | None) -> str:
        """Return the account of the credentials; asked once in a run for each access key."""
        sts = self._sts(profile)

        def ask() -> Entry:
            return {"account": str(sts.get_caller_identity()["Account"])}

        try:
            key = self._session(profile).get_credentials()
            name = key.get_frozen_credentials().access_key if key else ""
            found = self._cache.get(["identity", self._endpoint_url, name], ask)
        except botocore.exceptions.NoCredentialsError as exc:
            raise PipelineError("there are no AWS credentials", cure=NO_CREDENTIALS) from exc
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as exc:
            raise PipelineError("Failed to use the credentials", exc) from exc
        return str(found["account"])

    def _sts(self, profile: str | None) -> Client:
        with self._lock:
            if profile not in self._sts_clients:
                self._sts_clients[profile] = self._create_client(profile, "sts", self._sts_region)
            return self._sts_clients[profile]

    def _assume(self, account: Account) -> t.Any:
        """Return the credentials of the account's role, which renew themselves."""
        role_arn = account.role_arn or self._access_role_arn(account)
        owner = parse_aws_arn(role_arn)
        if owner is None or owner["account_id"] != account.account_id:
            raise PipelineError(
                f"role {role_arn} does not belong to account {account.account_id}",
                cure="Correct role_arn or account_id",
            )
        request = account.assumption(role_arn)
        return refreshable(
            self._cache,
            ["role", self._endpoint_url, request],
            lambda: _assume_role(self._sts(None), request),
            duration=account.session_duration,
        )

    def _access_role_arn(self, account: Account) -> str:
        if not account.access_role_name:
            raise PipelineError(
                f"account {account.account_id} cannot be reached from account"
                f" {self.caller_account_id()}: there is no role to assume",
                cure="Set access_role_name, or role_arn or aws_profile of the host",
            )
        try:
            partition = self._lending_session().get_partition_for_region(self._sts_region)
        except botocore.exceptions.BotoCoreError as exc:
            raise PipelineError("Failed to set up the connection", exc) from exc
        return f"arn:{partition}:iam::{account.account_id}:role/{account.access_role_name}"


class AccountSession:
    """Clients of one account.

    :param create: makes a client of a service in a region.
    """

    def __init__(self, create: t.Callable[[str, str], Client]) -> None:
        self._create = create
        self._clients: dict[tuple[str, str], Client] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str) -> Client:
        """Return the client of *service* in *region*; threads may share it."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._create(service, region)
            return self._clients[service, region]


def _new_session() -> t.Any:
    return _SPARE_SESSIONS.pop() if _SPARE_SESSIONS else bare_session()


def _assume_role(sts: Client, request: dict[str, t.Any]) -> Entry:
    try:
        found = sts.assume_role(**request)["Credentials"]
    except botocore.exceptions.NoCredentialsError as exc:
        raise PipelineError("there are no AWS credentials", cure=NO_CREDENTIALS) from exc
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as exc:
        raise PipelineError(
            f"Failed to assume {request['RoleArn']}", exc, cure=_cure_of_refusal(exc)
        ) from exc
    return {
        "access_key": found["AccessKeyId"],
        "secret_key": found["SecretAccessKey"],
        "token": found["SessionToken"],
        "expiry_time": found["Expiration"].isoformat(),
    }


def _cure_of_refusal(exc: Exception) -> str | None:
    """Return what to do where the role refused; None where the call did not get so far."""
    if not isinstance(exc, botocore.exceptions.ClientError):
        return None
    if exc.response["Error"]["Code"] != "AccessDenied":
        return None
    for action in ("sts:TagSession", "sts:SetSourceIdentity"):
        if action in str(exc):
            return f"The role's trust and the policy of the credentials in use must allow {action}"
    return (
        "The role (access_role_name, or role_arn of the host) must exist and trust the credentials"
        " in use, with the external_id that it demands. For a suspended or closed account set"
        " state: quarantined"
    )


__all__ = ("THREADS", "AccountSession", "Client", "Gateway", "warm_up")
