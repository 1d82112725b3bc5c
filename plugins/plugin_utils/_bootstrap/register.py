# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register: every region's key ARN and bucket ARN, held by the primary stack. Pure."""

from __future__ import annotations

import typing as t

from .._organisation.model import REGIONAL, Organisation
from .plan import Stack, listed, readable, standing

Entry = dict[str, str]  # region, key_arn, bucket_arn

# Stands for what an earlier phase would make, in check mode; the form is that of a real ARN.
_UNKNOWN = "known-after-apply"


def wanted_register(
    organisation: Organisation, stacks: t.Iterable[Stack], *, pending: t.Collection[str] = ()
) -> list[Entry]:
    """Return what the register should hold of the regional regions, by region.

    :param stacks: the primary stack and the regional ones as they were read in this run; of two
        readings of one region the later counts.
    :param pending: hosts whose stacks this run would make, in check mode: what only these stacks
        can tell is filled in.

    A region enters with outputs read in this run; one that could not be read keeps its values.
    """
    newest = {stack["region"]: stack for stack in stacks if standing(stack)}
    primary = newest.get(organisation.primary_region, {})
    entries = {
        entry["region"]: entry
        for entry in _registered(primary)
        if entry["region"] in organisation.regions
    }
    for host in organisation.of(REGIONAL):
        if not host.is_present:
            continue
        regional = newest.get(host.region, {})
        entry = _own_entry(regional, host.region) if readable(regional) else None
        if entry:
            entries[host.region] = entry
        elif host.name in pending and host.region not in entries:
            entries[host.region] = _unknown_entry(organisation, host.region)
    return [entries[region] for region in sorted(entries)]


def read_register(
    organisation: Organisation,
    primary: Stack,
    *,
    failure: str | None = None,
    pending: t.Collection[str] = (),
) -> dict[str, t.Any]:
    """Return the register as the primary stack holds it, the primary region with it.

    :param primary: the primary stack as it was read or converged in this run.
    :param failure: why the primary failed in this run, if it did.
    :param pending: hosts whose stacks this run would make, in check mode: what only these stacks
        can tell is filled in.
    :returns: ``regions`` (region to entry), ``outputs`` (of the primary stack) and ``problem``, why
        it cannot be relied on, or None.
    """
    problem = _problem(primary, failure, pending=organisation.primary.name in pending)
    entries = {}
    if readable(primary):
        entries = {entry["region"]: entry for entry in _registered(primary)}
        own = _own_entry(primary, primary["region"])
        if own:
            entries[own["region"]] = own
    for name in pending:
        region = organisation.hosts[name].region
        if region in organisation.regions:
            entries.setdefault(region, _unknown_entry(organisation, region))
    outputs = dict(primary.get("outputs") or {})
    if organisation.primary.name in pending:
        outputs = _unknown_outputs(organisation) | outputs
    return {
        "regions": {} if problem else entries,
        "outputs": {} if problem else outputs,
        "problem": problem,
    }


def _problem(primary: Stack, failure: str | None, *, pending: bool) -> str | None:
    if failure:
        return "the primary stack failed in this run"
    if primary.get("error"):
        return f"the register cannot be read. {primary['error']}"
    if pending or readable(primary):
        return None
    if not primary.get("status"):
        return "there is no primary stack yet. Run the bootstrap without --limit first"
    return (
        f"the primary stack is {primary['status']}, so its register is not settled."
        " Run the bootstrap without --limit, or wait for the other run"
    )


def _registered(primary: Stack) -> list[Entry]:
    names = ("Regions", "RegionKeyArns", "RegionBucketArns")
    lists = (listed(primary, name) for name in names)
    return [
        {"region": region, "key_arn": key_arn, "bucket_arn": bucket_arn}
        for region, key_arn, bucket_arn in zip(*lists, strict=True)
    ]


def _own_entry(stack: Stack, region: str) -> Entry | None:
    outputs = stack.get("outputs") or {}
    if not {"KeyArn", "PipelineBucketArn"} <= outputs.keys():
        return None
    return {
        "region": region,
        "key_arn": outputs["KeyArn"],
        "bucket_arn": outputs["PipelineBucketArn"],
    }


def _unknown_entry(organisation: Organisation, region: str) -> Entry:
    account_id = organisation.build_account_id
    return {
        "region": region,
        "key_arn": f"arn:aws:kms:{region}:{account_id}:key/{_UNKNOWN}",
        "bucket_arn": f"arn:aws:s3:::{_UNKNOWN}",
    }


def _unknown_outputs(organisation: Organisation) -> dict[str, str]:
    """Return what pipelines are made with, in the form that each has in AWS."""
    topic = f"{organisation.primary_region}:{organisation.build_account_id}:{_UNKNOWN}"
    return {
        "BuildBucketName": _UNKNOWN,
        "SyncArtifactsFunctionName": _UNKNOWN,
        "ApprovalTopicArn": f"arn:aws:sns:{topic}",
    }


__all__ = ("Entry", "read_register", "wanted_register")
