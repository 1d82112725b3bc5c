# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole canary run: look, make a few pipelines at a time, prove, remove."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import functools
import typing as t

from .._aws.batch import account_of
from .._aws.gateway import AccountSession, Client, Gateway
from .._aws.patience import Patience
from .._bootstrap import observation
from .._bootstrap.desired import Settings
from .._bootstrap.plan import Entry, Inputs
from .._bootstrap.register import Stack, read_register
from .._errors import ErrorHandler, PipelineError
from .._organisation.model import DEPLOY_ACCOUNTS, Organisation
from .._pipeline.live import live_names
from .._pipeline.model import Pipeline
from .._pipeline_stack.foundation import store_regions
from .._stack.api import StackApi
from .._stack.listing import Listings
from .._stack.model import Found
from . import lookups
from .canary import PREFIX, Canary, stack_name
from .clean import Cleaner, Removed, is_pipeline_stack
from .facts import Lookups, make_cause
from .model import LEFT_BEHIND, REACHED, REFUSED, UNKNOWN, Cause, Path, PathResult, Proof, result_of
from .plan import Plan, check_names
from .release import Releases
from .run import Foundation, Prover
from .uploader import uploaders_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a run covers.

    :param pipelines: those of the inventory, by host, whose sources and topics are looked at too.
    :param inventory: the options of a command that name the inventory.
    :param settings: what the role of pipelines takes.
    :param at_once: how many pipelines exist at a time.
    :param report: prints a line of progress.
    """

    organisation: Organisation
    pipelines: t.Mapping[str, Pipeline]
    inventory: str
    settings: Settings
    at_once: int
    report: t.Callable[[str], object]
    check_mode: bool = False

    def patience(self, seconds: float | None = None) -> Patience:
        """Return the patience of a wait; by default, as long as the settings allow."""
        limit = self.settings["wait_timeout"]
        return Patience(limit if seconds is None else seconds, report=self.report)


class Proving:
    """One run.

    Making it reads the primary region. Raises PipelineError where nothing may be written.
    """

    def __init__(self, request: Request, gateway: Gateway) -> None:
        self._request = request
        self._gateway = gateway
        home = request.organisation.primary
        self._session: AccountSession = gateway.open(account_of(home.target()))
        answers = observation.read_regions(Listings(gateway), [home])
        if home.name in answers.errors:
            raise PipelineError(answers.errors[home.name])
        self._stacks = answers.values[home.name].stacks
        self._register = self._read_register()
        check_names(self._foreign())

    def _read_register(self) -> Inputs:
        organisation = self._request.organisation
        found = self._stacks.get(organisation.primary.stack_name)
        primary = found and Stack(
            status=found.status, outputs=found.outputs, parameters=found.parameters
        )
        register = read_register(organisation, primary or None)
        if register["problem"]:
            raise PipelineError(register["problem"])
        entries: list[Entry] = sorted(
            register["regions"].values(), key=lambda entry: entry["region"]
        )
        return Inputs(register=entries, outputs=register["outputs"])

    def _foreign(self) -> list[str]:
        """Return the live pipelines with a name that canaries use, which no canary is."""
        region = self._request.organisation.primary_region
        live = _names(self._session.client("codepipeline", region))
        ours = {stack.name for stack in self._leftovers()}
        return [name for name in live if name.startswith(PREFIX) and f"{name}-pipeline" not in ours]

    def _leftovers(self) -> list[Found]:
        return [stack for stack in self._stacks.values() if is_pipeline_stack(stack)]

    # Removing

    def clean(self) -> Removed:
        """Remove what earlier runs left, wherever the inventory reaches."""
        cleaner = self.cleaner([entry["region"] for entry in self._register["register"]])
        paths = [
            Path(region=region, host=host.name, account_id=host.account_id)
            for host in self._request.organisation.of(DEPLOY_ACCOUNTS)
            if not host.is_quarantined
            for region in host.regions
        ]
        return cleaner.pipelines(self._leftovers()) + cleaner.stacks(paths) + cleaner.objects()

    def clean_leftovers(self) -> Removed:
        """Remove what earlier runs left, if a pipeline of theirs is left."""
        return self.clean() if self._leftovers() else Removed()

    def cleaner(self, regions: t.Collection[str], gateway: Gateway | None = None) -> Cleaner:
        """Return what removes.

        :param regions: whose pipeline buckets canaries used, in addition to the build bucket.
        """
        buckets = {
            entry["bucket_arn"].rpartition(":")[2]: entry["region"]
            for entry in self._register["register"]
            if entry["region"] in regions
        }
        home = self._request.organisation.primary_region
        return Cleaner(
            gateway=gateway or self._gateway,
            organisation=self._request.organisation,
            session=self._session,
            buckets={**buckets, self._register["outputs"]["BuildBucketName"]: home},
            patience=self._request.patience,
            check_mode=self._request.check_mode,
        )

    # Proving

    def look(self, plan: Plan) -> Lookups:
        """Return what explains usual causes."""
        paths = [path for canary in plan.canaries for path in canary.paths]
        return lookups.read(
            self._gateway,
            self._request.organisation,
            paths,
            pipelines=self._request.pipelines,
            inventory=self._request.inventory,
        )

    def preview(self, plan: Plan, known: Lookups, started: str) -> Proof:
        """Return what a run would prove, for check mode: the refused paths are those expected."""
        results = list(plan.left_out)
        for path in (path for canary in plan.canaries for path in canary.paths):
            cause = known.expected(path)
            results.append(result_of(path, REFUSED if cause else UNKNOWN, cause))
        return self._proof(plan, results, [*known.notes], started, pipelines=0)

    def prove(
        self, plan: Plan, known: Lookups, started: str, *, earlier: Removed | None = None
    ) -> Proof:
        """Prove the paths of *plan*, and remove everything that it made.

        :param earlier: what was removed of earlier runs.
        """
        prover = self.prover(known)
        progress = _Progress(len(plan.canaries), self._request.report)
        results = list(plan.left_out)
        notes = [*known.notes, *(_left(problem) for problem in (earlier or Removed()).problems)]
        with concurrent.futures.ThreadPoolExecutor(self._request.at_once) as pool:
            work = functools.partial(self._prove_one, prover)
            for found, removed in pool.map(work, plan.canaries):
                results += found
                notes += [_left(problem) for problem in removed.problems]
                progress.add(found)
        removed = self.cleaner(self._regions(plan)).objects()
        notes += [_left(problem) for problem in removed.problems]
        return self._proof(plan, results, notes, started, pipelines=len(plan.canaries))

    def _proof(
        self,
        plan: Plan,
        results: list[PathResult],
        notes: list[Cause],
        started: str,
        *,
        pipelines: int,
    ) -> Proof:
        return Proof(
            run=plan.run,
            started=started,
            ended=datetime.datetime.now(datetime.UTC).isoformat(),
            organisation=self._request.organisation.build_account_id,
            pipelines=pipelines,
            paths=sorted(results, key=lambda result: (result["host"], result["region"])),
            notes=notes,
        )

    def prover(self, known: Lookups) -> Prover:
        """Return what proves. Raises PipelineError for credentials that can assume no role."""
        home = self._request.organisation.primary
        region = home.region
        sts = self._session.client("sts", region)
        entries = {entry["region"]: entry for entry in self._register["register"]}
        return Prover(
            foundation=Foundation(
                settings=self._request.settings,
                inputs=self._register,
                uploaders=uploaders_of(_caller(sts)),
            ),
            releases=Releases(
                gateway=self._gateway,
                session=self._session,
                account_id=home.account_id,
                region=region,
                partition=entries[region]["key_arn"].split(":")[1],
                bucket=self._register["outputs"]["BuildBucketName"],
            ),
            known=known,
            patience=self._request.patience,
            seconds=self._request.settings["wait_timeout"],
        )

    def _prove_one(self, prover: Prover, canary: Canary) -> tuple[list[PathResult], Removed]:
        """Prove one canary's paths, and remove its pipeline and its stacks."""
        try:
            results = prover.prove(canary)
        except Exception as exc:  # a bug met at one canary must not leave the others behind
            cause = make_cause("unexpected", f"unexpected {type(exc).__name__}: {exc}")
            results = [result_of(path, UNKNOWN, cause) for path in canary.paths]
        cleaner = self.cleaner((), self._gateway.again())
        region = self._request.organisation.primary.region
        api = StackApi.of(self._session, region)
        try:
            stack = api.find(canary.pipeline().stack_name)
        except PipelineError as exc:
            return results, Removed(problems=(f"{canary.name}: {exc}",))
        removed = cleaner.pipelines([stack] if stack else [])
        return results, removed + cleaner.stacks(canary.paths, stack_name(canary.run))

    def _regions(self, plan: Plan) -> set[str]:
        home = self._request.organisation.primary_region
        return {
            region for canary in plan.canaries for region in store_regions(canary.pipeline(), home)
        }


class _Progress:
    """Reports each pipeline that is done."""

    def __init__(self, pipelines: int, report: t.Callable[[str], object]) -> None:
        self._pipelines = pipelines
        self._report = report
        self._done = self._reached = self._other = 0

    def add(self, results: t.Sequence[PathResult]) -> None:
        """Count what one pipeline has proven."""
        reached = sum(1 for result in results if result["status"] == REACHED)
        self._done += 1
        self._reached += reached
        self._other += len(results) - reached
        other = f", {self._other} not" if self._other else ""
        self._report(
            f"  pipeline {self._done} of {self._pipelines} done: {self._reached} reached{other}"
        )


def _left(problem: str) -> Cause:
    return make_cause(LEFT_BEHIND, f"not removed: {problem}")


@ErrorHandler.common_error_handler("identify the credentials")  # type: ignore[untyped-decorator]
def _caller(sts: Client) -> str:
    return t.cast("str", sts.get_caller_identity()["Arn"])


@ErrorHandler.common_error_handler("list the pipelines")  # type: ignore[untyped-decorator]
def _names(codepipeline: Client) -> list[str]:
    return live_names(codepipeline)


__all__ = ("Proving", "Request")
