# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register of the primary stack: each region's key and buckets. Pure."""

from __future__ import annotations

import typing as t

from .._errors import PipelineError
from .._organisation.model import PRIMARY, REGIONAL, Organisation
from .._stack.granted import items
from .._stack.status import is_readable, was_created
from .plan import Entry

# Stands for an asset bucket that a region does not have yet: the lists stay parallel.
_NONE = "none"

# Stands for what an earlier phase would create, in check mode; formed like a real ARN.
_UNKNOWN = "known-after-apply"


class Stack(t.TypedDict):
    """A stack as it was read or converged in this run."""

    status: str | None
    outputs: dict[str, str]
    parameters: dict[str, str]


class Register(t.TypedDict):
    """The register of the primary stack, primary region included.

    ``problem`` says why it cannot be relied on; everything else is empty then.
    """

    regions: dict[str, Entry]
    outputs: dict[str, str]
    problem: str | None


def desired_register(
    organisation: Organisation,
    stacks: t.Mapping[str, Stack],
    *,
    pending: t.Collection[str] = (),
    held: t.Collection[str] = (),
) -> list[Entry]:
    """Return what the register should hold of the regional regions, by region.

    :param stacks: the primary stack and the regional ones, by host.
    :param pending: hosts whose stacks this run would create, in check mode: their outputs are
        made up.
    :param held: absent hosts that a pipeline still uses: their regions stay.

    A region enters with outputs read in this run; one that could not be read keeps its values.
    """
    primary = stacks.get(organisation.primary.name)
    staying = {*organisation.regions, *(organisation.hosts[name].region for name in held)}
    entries = {
        entry["region"]: entry for entry in _registered(primary) if entry["region"] in staying
    }
    for host in organisation.of(REGIONAL):
        if not host.is_present:
            continue
        entry = _own_entry(stacks.get(host.name), host.region)
        if entry:
            entries[host.region] = entry
        elif host.name in pending and host.region not in entries:
            entries[host.region] = _unknown_entry(organisation, host.region)
    return [entries[region] for region in sorted(entries)]


def read_register(
    organisation: Organisation,
    primary: Stack | None,
    *,
    failure: str | None = None,
    pending: t.Collection[str] = (),
) -> Register:
    """Return the register of the primary stack, primary region included.

    :param primary: the primary stack; None when there is none.
    :param failure: why it cannot be read, or failed in this run.
    :param pending: hosts whose stacks this run would create, in check mode: their outputs are
        made up.
    """
    is_pending = organisation.primary.name in pending
    problem = failure or (None if is_pending else _problem(primary))
    if problem:
        return Register(regions={}, outputs={}, problem=problem)
    entries = {entry["region"]: entry for entry in _registered(primary)}
    own = _own_entry(primary, organisation.primary_region, is_repaired=is_pending)
    if own:
        entries[own["region"]] = own
    for name in pending:
        host = organisation.hosts[name]
        if host.group in (REGIONAL, PRIMARY) and host.region in organisation.regions:
            entries.setdefault(host.region, _unknown_entry(organisation, host.region))
    outputs = dict(primary["outputs"]) if primary else {}
    if is_pending:
        outputs = _unknown_outputs(organisation) | outputs
    return Register(regions=entries, outputs=outputs, problem=None)


def register_of(stack: t.Mapping[str, t.Any]) -> list[Entry]:
    """Return the register of a primary stack, as a list.

    :param stack: an entry of what the action stack_outputs_info returns.

    Raises PipelineError when the stack is not there, or an operation runs on it.
    """
    if stack.get("error"):
        raise PipelineError(f"the register cannot be read. {stack['error']}")
    primary = Stack(
        status=stack.get("status"),
        outputs=dict(stack.get("outputs") or {}),
        parameters=dict(stack.get("parameters") or {}),
    )
    problem = _problem(primary)
    if problem:
        raise PipelineError(problem)
    own = _own_entry(primary, stack["region"])
    entries = _registered(primary) + ([own] if own else [])
    return sorted(entries, key=lambda entry: entry["region"])


def _problem(primary: Stack | None) -> str | None:
    if primary is None or not was_created(primary["status"]):
        return "there is no primary stack yet. Run the bootstrap without --limit first"
    if is_readable(primary["status"]):
        return None
    return (
        f"the primary stack is {primary['status']}, so its register is not settled."
        " Run the bootstrap without --limit, or wait for the other run"
    )


def _registered(primary: Stack | None) -> list[Entry]:
    """Return the entries of the primary's parameters; none if their lists disagree."""
    if primary is None or not was_created(primary["status"]):
        return []
    regions, keys, buckets, assets = (
        items(primary["parameters"], name)
        for name in ("Regions", "RegionKeyArns", "RegionBucketArns", "RegionAssetBucketArns")
    )
    # A primary stack of an earlier version has no list of asset buckets.
    assets = assets or [_NONE] * len(regions)
    if not len(regions) == len(keys) == len(buckets) == len(assets):
        return []
    return [
        Entry(
            region=region,
            key_arn=key_arn,
            bucket_arn=bucket_arn,
            asset_bucket_arn="" if asset_bucket_arn == _NONE else asset_bucket_arn,
        )
        for region, key_arn, bucket_arn, asset_bucket_arn in zip(
            regions, keys, buckets, assets, strict=True
        )
    ]


def register_parameters(entries: t.Sequence[Entry]) -> dict[str, list[str]]:
    """Return the primary stack's parameters that hold the register of the other regions."""
    return {
        "Regions": [entry["region"] for entry in entries],
        "RegionKeyArns": [entry["key_arn"] for entry in entries],
        "RegionBucketArns": [entry["bucket_arn"] for entry in entries],
        "RegionAssetBucketArns": [entry.get("asset_bucket_arn") or _NONE for entry in entries],
    }


def _own_entry(stack: Stack | None, region: str, *, is_repaired: bool = False) -> Entry | None:
    """Return what a stack brings into the register.

    :param is_repaired: take a stuck stack, which this run would repair, for a settled one.
    """
    if stack is None:
        return None
    status = stack["status"]
    if not (is_readable(status) or (is_repaired and was_created(status))):
        return None
    outputs = stack["outputs"]
    if not {"KeyArn", "PipelineBucketArn"} <= outputs.keys():
        return None
    return Entry(
        region=region,
        key_arn=outputs["KeyArn"],
        bucket_arn=outputs["PipelineBucketArn"],
        asset_bucket_arn=outputs.get("AssetBucketArn", ""),
    )


def _unknown_entry(organisation: Organisation, region: str) -> Entry:
    account_id = organisation.build_account_id
    return Entry(
        region=region,
        key_arn=f"arn:aws:kms:{region}:{account_id}:key/{_UNKNOWN}",
        bucket_arn=f"arn:aws:s3:::{_UNKNOWN}",
        asset_bucket_arn=f"arn:aws:s3:::{_UNKNOWN}",
    )


def _unknown_outputs(organisation: Organisation) -> dict[str, str]:
    """Return stand-ins for the outputs that pipelines need, formed like real ones."""
    topic = f"{organisation.primary_region}:{organisation.build_account_id}:{_UNKNOWN}"
    return {
        "BuildBucketName": _UNKNOWN,
        "SyncArtifactsFunctionName": _UNKNOWN,
        "ApprovalTopicArn": f"arn:aws:sns:{topic}",
    }


__all__ = (
    "Register",
    "Stack",
    "desired_register",
    "read_register",
    "register_of",
    "register_parameters",
)
