# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as tests use it."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

from ..calls.call import Call
from ..calls.faults import Rule
from ..clients import Clients
from ..cloudformation.hooks import Hook
from ..cloudformation.resource_faults import ResourceRule
from ..codebuild.results import BuildResult
from ..errors import LabError
from ..organisation.model import OU, Account, Organisation, check_account_id, load_organisation
from ..organisation.seed import Seeder
from . import process

Setup = Literal["operator", "management", "profiles", "drift"]
_BUILD_SECONDS = 900.0
# Events and functions that a finished operation has set off end in this time.
_REST_SECONDS = 30.0


class Lab:
    """One local organisation: `with Lab() as lab` starts it on a free port, seeds and ends it.

    directory: where its files go (state, call log, server log); a temporary one by default.
    stock: MiniStack without the lab's patches, for tests of the lab itself.
    state: a file of save(), restored instead of seeding.
    """

    def __init__(
        self,
        *,
        organisation: Organisation | None = None,
        directory: Path | None = None,
        stock: bool = False,
        state: Path | None = None,
    ) -> None:
        self.organisation = organisation or load_organisation()
        self._stock = stock
        self._saved = state
        self._own_directory = directory is None
        self._directory = directory
        self._state: process.State | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._clients: Clients | None = None

    def __enter__(self) -> Lab:
        self.start()
        try:
            if self._saved:
                self.restore(self._saved)
            else:
                self.seed()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The endpoint, as AWS_ENDPOINT_URL wants it."""
        return self._running.url

    @property
    def directory(self) -> Path:
        """Where the lab's files are."""
        if self._directory is None:
            raise LabError("The lab was not started.")
        return self._directory

    @property
    def pid(self) -> int:
        """The launcher's process id, which is its process group's too."""
        return self._running.pid

    def start(self, *, watch: bool = True) -> None:
        """Start an empty lab. watch: it ends when this process ends, however that happens."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="lab-"))
        self._state, child = process.start(self._directory, watch=watch, stock=self._stock)
        self._child = child if watch else None
        self._clients = Clients(self._state.url)

    def attach(self) -> bool:
        """Use the lab that runs in the directory; False when none does."""
        self._state = process.running(self.directory)
        if self._state:
            self._clients = Clients(self._state.url)
        return self._state is not None

    def stop(self) -> None:
        """End the lab and everything that it started."""
        if self._state:
            process.stop(self._state, self.directory)
        if self._child:
            if self._child.stdin:
                self._child.stdin.close()
            self._child.wait()
        if self._own_directory and self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None
        self._state = self._child = self._clients = None

    def seed(self, organisation: Organisation | None = None, *, bare: bool = False) -> None:
        """Create the accounts and the roles of both set-ups, and empty the call log.

        bare: with the roles of the management account only.
        """
        if organisation:
            self.organisation = organisation
        self._configure(accounts=sorted(self.organisation.accounts.values()))
        self._found_organization()
        if bare:
            self._seeder.seed_management()
        else:
            self._seeder.seed()
        self.clear_calls()

    def reset(self, *, bare: bool = False) -> None:
        """Delete everything, put every switch back and seed again.

        Whatever is at work ends. bare: as for seed().
        """
        # MiniStack empties one service after the other, and a resource may be made meanwhile. After
        # the first time no stack is left that would go on, so the second leaves nothing.
        for _time in range(2):
            process.ask(f"{self.url}/_ministack/reset", method="POST")
        self.reset_settings()
        self.seed(bare=bare)

    def reset_settings(self) -> None:
        """Put every switch back; end all faults."""
        self._ask("settings", method="DELETE")

    def save(self, path: Path, *, seconds: float = _REST_SECONDS) -> None:
        """Write all that the lab holds to a file. LabError if work goes on longer than that."""
        self._at_rest("save", path, seconds)

    def restore(self, path: Path, *, seconds: float = _REST_SECONDS) -> None:
        """Replace all that the lab holds by a file of save(), and put every switch back.

        The call log is emptied. Roles' credentials that were handed out before may be unknown.
        """
        self._at_rest("restore", path, seconds)

    def _at_rest(self, what: str, path: Path, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._ask(what, method="POST", data={"path": str(path.resolve())})
            except LabError as error:
                if "is at work" not in str(error) or time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(0.05)

    def wait_for_events(self, seconds: float = _REST_SECONDS) -> None:
        """Wait until everything that an event has set off has begun; pipelines may go on."""
        deadline = time.monotonic() + seconds
        while any(item["kind"] == "event" for item in cast("list[Any]", self._ask("work"))):
            if time.monotonic() > deadline:
                raise LabError(f"Events are still under way after {seconds:.0f} s.")
            time.sleep(0.02)

    def pipeline_progress(self, name: str, *, seen: str | None = None) -> str:
        """How far a pipeline of the build account is, as soon as it is further than was seen.

        The same again after some seconds, where it is not.
        """
        organisation = self.organisation
        place = {"account": organisation.build, "region": organisation.primary_region}
        data = {**place, "name": name, "seen": seen}
        return str(self._ask("pipelines/progress", method="POST", data=data))

    def add_account(self, *account_ids: str, ou: str | None = OU) -> None:
        """Make more deploy accounts, with the access roles of both set-ups.

        ou: where they are in the organization, unless they are there already; None: outside.
        """
        for account_id in account_ids:
            check_account_id(account_id, name="added to the lab")
        settings = cast("dict[str, Any]", self._ask("settings"))
        self._configure(accounts=[*settings["accounts"], *account_ids])
        new = set(account_ids) - set(settings["accounts"])
        if ou is not None:
            self.place_accounts(Account(account_id, ou=ou) for account_id in sorted(new))
        self._seeder.seed_accounts(list(account_ids))

    def place_accounts(self, accounts: Iterable[Account]) -> None:
        """Put accounts into the organization, or elsewhere in it, active, with name and tags."""
        data = [asdict(account) for account in accounts]
        self._ask("organization/accounts", method="POST", data=data)

    def _found_organization(self) -> None:
        organisation = self.organisation
        management = organisation.management
        self._ask("organization", method="POST", data={"management_id": management})
        self.place_accounts(
            Account(account_id, name=name, ou=organisation.organizational_units.get(name, OU))
            for name, account_id in organisation.accounts.items()
            if account_id != management
        )

    def add_organization_reader(self) -> None:
        """Let the operator read the accounts of the organization, with the shipped policy."""
        self._seeder.seed_organization_reader()

    def add_drift_operator(self) -> None:
        """Make the role of drift runs and its access roles, from the files that are shipped."""
        self._seeder.seed_drift_operator()

    def add_approver(self, pipeline: str) -> None:
        """Make the role that approves releases, and its reviewer roles, from the shipped files."""
        self._seeder.seed_approver(pipeline)

    def client(self, service: str, account_id: str, region: str = "us-east-1") -> Any:
        """A boto3 client as the root of an account, to look at what AWS holds.

        Faults do not hit it.
        """
        if self._clients is None:
            raise LabError("The lab was not started.")
        return self._clients.root(service, account_id, region)

    def environment(self, setup: Setup = "operator") -> dict[str, str]:
        """A whole environment for a subprocess: this one's without AWS_*, and variables()."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**own, **self.variables(setup)}

    def variables(self, setup: Setup = "operator") -> dict[str, str]:
        """What a set-up adds to the environment: endpoint, region, credentials or profiles.

        operator: the operator in the build account. management: an administrator of the
        management account. profiles: as operator, with one AWS profile for every account (named
        as in organisation.yml) in a config file, and no credentials in the environment. drift: one
        who may only look, after add_drift_operator().
        """
        region = self.organisation.primary_region
        variables = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            **_past_the_proxy(),
        }
        if setup == "profiles":
            return {**variables, "AWS_CONFIG_FILE": str(self._write_profiles())}
        credentials = self._credentials(setup)
        return {**variables, **{name.upper(): value for name, value in credentials.items()}}

    def calls(self, since: float = 0.0, *, root: bool = False) -> list[Call]:
        """The call log from a time.time() on; with the calls of accounts' roots only if asked.

        Root is the lab itself and client(); what is tested has a role.
        """
        answer = cast("list[dict[str, Any]]", self._ask(f"calls?since={since!r}"))
        calls = [Call.from_data(item) for item in answer]
        return [call for call in calls if root or not call.principal.endswith(":root")]

    def clear_calls(self) -> None:
        """Empty the call log."""
        self._ask("calls", method="DELETE")

    def decisions(self) -> list[dict[str, Any]]:
        """The permissions that the work of stacks asked for: principal, action, resource, allowed.

        Those of accounts' roots are not asked for.
        """
        return cast("list[dict[str, Any]]", self._ask("decisions"))

    def clear_decisions(self) -> None:
        """Empty the list of decisions."""
        self._ask("decisions", method="DELETE")

    def set_latency(
        self,
        seconds: float,
        *,
        resource: float = 0.0,
        change_set: float = 0.0,
        drift: float = 0.0,
        read: float = 0.0,
    ) -> None:
        """Let every stack operation take so long, every resource and change set so long more.

        drift: what a drift detection takes. read: what every call takes that only reads.
        """
        self._configure(
            latency={
                "operation": seconds,
                "resource": resource,
                "change_set": change_set,
                "drift": drift,
                "read": read,
            }
        )

    def hold(self, *kinds: Literal["operation", "change_set", "drift", "rule"]) -> None:
        """Let work of these kinds stay in progress, and all other work go on; none releases all.

        operation: a stack's. drift: a drift detection. rule: the wait of a pipeline's alarm rule.
        """
        self._configure(held=kinds)

    def hold_until_seen(self) -> None:
        """Let no *_IN_PROGRESS of a stack end before a DescribeStacks has shown it."""
        self._configure(until_seen=True)

    def set_faults(self, rules: Iterable[Rule]) -> None:
        """Replace the fault rules; an empty list ends all faults."""
        self._configure(faults=[asdict(rule) for rule in rules])

    def faults(self) -> list[dict[str, Any]]:
        """The rules in force, with how often each was met and fired."""
        settings = cast("dict[str, Any]", self._ask("settings"))
        return cast("list[dict[str, Any]]", settings["faults"])

    def set_resource_faults(self, rules: Iterable[ResourceRule]) -> None:
        """Replace the rules by which resources of stacks fail; an empty list ends that."""
        self._configure(resource_faults=[asdict(rule) for rule in rules])

    def set_early_validation(self, enabled: bool) -> None:
        """Whether a change set fails that would take a name that is taken; else its execution."""
        self._configure(early_validation=enabled)

    def set_hooks(self, hooks: Iterable[Hook]) -> None:
        """Replace the CloudFormation Hooks, which refuse change sets; an empty list ends that."""
        self._configure(hooks=[asdict(hook) for hook in hooks])

    def set_stack_status(
        self, account_id: str, region: str, stack: str, status: str, reason: str = ""
    ) -> None:
        """Put a stack, by name or id, into any status; what it holds stays as it is."""
        data = {"account": account_id, "region": region, "stack": stack}
        self._ask("stacks", method="POST", data={**data, "status": status, "reason": reason})

    def start_build(
        self,
        project: str,
        artifacts: Mapping[str, bytes] | None = None,
        *,
        account_id: str = "",
        region: str = "",
        seconds: float = 0.0,
        error: str = "",
    ) -> str:
        """Begin a build of a CodeBuild project, as a push does; the build's id.

        artifacts: the ZIP files that its commands leave, by the names of the project's artifacts.
        Without account and region: the build account in the primary region. seconds: how long it
        takes. error: why a command fails.
        """
        data = {
            "account": account_id or self.organisation.build,
            "region": region or self.organisation.primary_region,
            "project": project,
            "artifacts": {
                name: base64.b64encode(content).decode()
                for name, content in (artifacts or {}).items()
            },
            "seconds": seconds,
            "error": error,
        }
        build = cast("dict[str, Any]", self._ask("builds", method="POST", data=data))
        return str(build["id"])

    def end_build(self, build_id: str, *, account_id: str = "", region: str = "") -> dict[str, Any]:
        """End the commands of a build that still runs, and wait for its end."""
        account = account_id or self.organisation.build
        place = region or self.organisation.primary_region
        data = {"account": account, "region": place, "build_id": build_id}
        self._ask("builds/end", method="POST", data=data)
        return self._built(build_id, account, place)

    def build(
        self,
        project: str,
        artifacts: Mapping[str, bytes] | None = None,
        *,
        account_id: str = "",
        region: str = "",
        error: str = "",
    ) -> dict[str, Any]:
        """Build to the end, SUCCEEDED or FAILED: the answer of BatchGetBuilds."""
        build_id = self.start_build(
            project, artifacts, account_id=account_id, region=region, error=error
        )
        return self._built(
            build_id,
            account_id or self.organisation.build,
            region or self.organisation.primary_region,
        )

    def _built(self, build_id: str, account_id: str, region: str) -> dict[str, Any]:
        """Wait for the end of a build: the answer of BatchGetBuilds."""
        client = self.client("codebuild", account_id, region)
        deadline = time.monotonic() + _BUILD_SECONDS
        while time.monotonic() < deadline:
            build: dict[str, Any] = client.batch_get_builds(ids=[build_id])["builds"][0]
            if "endTime" in build:
                return build
            time.sleep(0.02)
        raise LabError(f"The build {build_id} does not end.")

    def set_build_results(self, results: Iterable[BuildResult]) -> None:
        """Replace what builds leave that a pipeline or StartBuild starts; an empty list: nothing.

        A build whose project has no result succeeds, unless it has artifacts to upload.
        """
        self._configure(build_results=[result.as_data() for result in results])

    def push(
        self,
        repository: str,
        files: Mapping[str, bytes | str] | None = None,
        *,
        branch: str = "main",
        tag: str = "",
        pull_request: Literal["", "OPEN", "UPDATED", "CLOSED"] = "",
        target: str = "main",
        message: str = "a commit",
        from_fork: bool = False,
    ) -> dict[str, Any]:
        """Push to a repository, as its provider's webhooks report it: commit and pull_request.

        repository: owner and name, as connections have it, or the ARN of one in CodeCommit; the
        first push makes it. files: what the commit adds to the branch, by path. tag: given to the
        branch's head. pull_request: from the branch into *target*. from_fork: by somebody else's
        copy, of which only the pull request is heard.
        """
        content = {
            path: base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
            for path, data in (files or {}).items()
        }
        request = {
            "repository": repository,
            "files": content,
            "branch": branch,
            "tag": tag,
            "pull_request": pull_request,
            "target": target,
            "message": message,
            "from_fork": from_fork,
        }
        return cast("dict[str, Any]", self._ask("pushes", method="POST", data=request))

    def client_of(self, service: str, role_arn: str, region: str = "us-east-1") -> Any:
        """A boto3 client as a role that trusts its own account."""
        if self._clients is None:
            raise LabError("The lab was not started.")
        account_id, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        credentials = self._clients.assume(account_id, name, region)
        return self._clients.client(service, region=region, credentials=credentials)

    def set_artifact_copier(self, who: Literal["pipeline-role", "service"]) -> None:
        """Who brings the artifacts of a pipeline into the store of another region."""
        self._configure(artifact_copier=who)

    def set_job_seconds(self, seconds: float) -> None:
        """How long a pipeline waits for what a function reports; 20 minutes as on AWS."""
        self._configure(job_seconds=seconds)

    def set_role_check(self, checks: bool) -> None:
        """Whether a pipeline is made only if its roles can be assumed, as on AWS; by default not.

        Most tests make pipelines for accounts that have no roles.
        """
        self._configure(role_check=checks)

    def set_pipeline_quota(self, number: int) -> None:
        """How many pipelines an account may have in a region; 1,000 as on AWS."""
        self._configure(pipeline_quota=number)

    def set_approval_seconds(self, seconds: float) -> None:
        """How long a pipeline waits for an approval; 7 days as on AWS."""
        self._configure(approval_seconds=seconds)

    def set_time(self, time: str) -> None:
        """Set the time by which deployment windows open, like 2026-01-05T12:00:00+00:00."""
        self._configure(time=time)

    def set_secure_transport(self, secure: bool) -> None:
        """aws:SecureTransport of every request; true unless a test says otherwise."""
        self._configure(secure_transport=secure)

    def set_change_page(self, changes: int) -> None:
        """How many changes DescribeChangeSet gives on one page."""
        self._configure(change_page=changes)

    def set_organization_page(self, items: int) -> None:
        """How many items a list of Organizations gives on one page, at most; 20 as on AWS."""
        self._configure(organization_page=items)

    def set_drift_page(self, resources: int) -> None:
        """How many resources DescribeStackResourceDrifts gives on one page, at most."""
        self._configure(drift_page=resources)

    def refuse_access(self, account_id: str) -> None:
        """Let the access roles of an account refuse everybody."""
        self._seeder.set_access(account_id, "Deny")

    def allow_access(self, account_id: str) -> None:
        """Undo refuse_access."""
        self._seeder.set_access(account_id, "Allow")

    @property
    def _running(self) -> process.State:
        if self._state is None:
            raise LabError("The lab does not run.")
        return self._state

    @property
    def _seeder(self) -> Seeder:
        if self._clients is None:
            raise LabError("The lab was not started.")
        return Seeder(self._clients, self.organisation)

    def _credentials(self, setup: Setup) -> dict[str, str]:
        organisation = self.organisation
        if self._clients is None:
            raise LabError("The lab was not started.")
        if setup == "management":
            account_id, role = organisation.management, organisation.management_access.operator_role
        else:
            access = organisation.drift if setup == "drift" else organisation.operator
            account_id, role = organisation.build, access.operator_role
        return self._clients.assume(account_id, role, organisation.primary_region)

    def _write_profiles(self) -> Path:
        """Write the AWS config file with a profile for every account that the operator reaches."""
        organisation = self.organisation
        credentials = "".join(
            f"{name} = {value}\n" for name, value in self._credentials("operator").items()
        )
        sections = [f"[default]\n{credentials}", f"[profile build]\n{credentials}"]
        for name, account_id in organisation.deploy.items():
            role_arn = f"arn:aws:iam::{account_id}:role/{organisation.operator.access_role}"
            sections.append(f"[profile {name}]\nrole_arn = {role_arn}\nsource_profile = build\n")
        path = self.directory / "profiles"
        path.write_text("\n".join(sections), encoding="utf-8")
        return path

    def _configure(self, **changes: Any) -> None:
        self._ask("settings", method="POST", data=changes)

    def _ask(self, path: str, *, method: str = "GET", data: object = None) -> object:
        return process.ask(f"{self.url}/_lab/{path}", method=method, data=data)


def _past_the_proxy() -> dict[str, str]:
    """Where the user has a proxy, let requests to the lab go past it."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name in os.environ):
        return {}
    own = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    value = f"{own},127.0.0.1" if own else "127.0.0.1"
    return {"no_proxy": value, "NO_PROXY": value}


__all__ = ("Lab", "Setup")
