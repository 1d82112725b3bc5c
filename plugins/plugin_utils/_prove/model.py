# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a canary run finds: paths, what became of each, and what refused. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

REACHED = "reached"
REFUSED = "refused"
LEFT_OUT = "left_out"  # quarantined or absent
UNKNOWN = "unknown"  # not seen to its end
STATUSES = (REACHED, REFUSED, LEFT_OUT, UNKNOWN)


@dataclasses.dataclass(frozen=True, order=True)
class Path:
    """One account in one region; ordered by region, so that a pipeline needs few stores."""

    region: str
    host: str
    account_id: str


class Cause(t.TypedDict):
    """The first thing that refused.

    :param kind: of ``catalogue``: bucket_policy, key_policy, trust, pass_role, ...
    :param stage: of the canary's pipeline; None if it refused before a pipeline ran.
    :param principal: the ARN of the caller that was refused.
    :param permission: the refused action of IAM, such as ``s3:GetObject``.
    :param resource: the ARN of what was refused.
    :param message: what AWS reported, or what the look-up saw.
    :param cure: what to do.
    """

    kind: str
    stage: str | None
    principal: str | None
    permission: str | None
    resource: str | None
    message: str
    cure: str


class PathResult(t.TypedDict):
    """What became of one account in one region.

    :param status: one of :data:`STATUSES`.
    :param cause: why it was refused, left out, or is unknown.
    """

    host: str
    account_id: str
    region: str
    status: str
    cause: Cause | None


class Proof(t.TypedDict):
    """What a canary run registers, publishes and shows.

    :param run: the name of the run, in the names and tags of all that it made.
    :param started: in UTC (ISO 8601), as *ended*.
    :param organisation: the id of the build account.
    :param pipelines: how many temporary pipelines ran.
    :param paths: by host and region.
    :param notes: what the look-ups saw that concerns no single path.
    """

    run: str
    started: str
    ended: str
    organisation: str
    pipelines: int
    paths: list[PathResult]
    notes: list[Cause]


class FailedAction(t.TypedDict):
    """An action of the canary that failed, as CodePipeline reports it.

    Without a stage: a step before the first action, such as creating the pipeline.

    :param code: of the error, such as ``JobFailed``; empty if CodePipeline gave none.
    :param summary: its message, or the summary of the provider.
    :param execution: the provider's id of the execution: for CloudFormation, the stack's ARN.
    """

    pipeline: str
    stage: str
    action: str
    provider: str
    region: str
    role_arn: str
    code: str
    summary: str
    execution: str


LEFT_BEHIND = "left_behind"  # the kind of a note: something could not be removed


def result_of(path: Path, status: str, cause: Cause | None) -> PathResult:
    """Return what became of *path*."""
    return PathResult(
        host=path.host,
        account_id=path.account_id,
        region=path.region,
        status=status,
        cause=cause,
    )


def failures(proof: Proof) -> list[str]:
    """Return why the run must end as failed: paths without proof, and what stayed behind."""
    return [
        *(
            f"{path['host']} in {path['region']}: {path['status']}"
            for path in proof["paths"]
            if path["status"] in (REFUSED, UNKNOWN)
        ),
        *(note["message"] for note in proof["notes"] if note["kind"] == LEFT_BEHIND),
    ]


def summary(proof: Proof) -> dict[str, t.Any]:
    """Return the proof in short, for ``set_stats``."""
    counts = {
        status: sum(1 for path in proof["paths"] if path["status"] == status) for status in STATUSES
    }
    return {
        "run": proof["run"],
        "organisation": proof["organisation"],
        "started": proof["started"],
        "ended": proof["ended"],
        "pipelines": proof["pipelines"],
        **counts,
        "failures": failures(proof),
    }


__all__ = (
    "LEFT_BEHIND",
    "LEFT_OUT",
    "REACHED",
    "REFUSED",
    "STATUSES",
    "UNKNOWN",
    "Cause",
    "FailedAction",
    "Path",
    "PathResult",
    "Proof",
    "failures",
    "result_of",
    "summary",
)
