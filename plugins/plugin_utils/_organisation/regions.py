# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regions and partitions, as botocore's endpoint data lists them. No calls."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from .._botocore import HAS_BOTOCORE, loader
from .._fields import suggestion

try:
    import botocore.exceptions
    import botocore.regions
except ImportError:  # the actions report it
    pass

REGION = r"[a-z]{2,}(-[a-z]+)+-\d"


def load_regions() -> None:
    """Read the regions once, in the parent, for every forked worker; never raises."""
    if HAS_BOTOCORE:
        with contextlib.suppress(botocore.exceptions.BotoCoreError, OSError):
            region_problem("")


def region_problem(region: str) -> tuple[str, str] | None:
    """Return why no stack of this collection can be in *region*, and what to do."""
    if region not in _regions_of("cloudformation"):
        return (
            f"botocore knows no region {region}",
            suggestion(region, _regions_of("codepipeline"))
            or "Correct it, or install a newer botocore",
        )
    if region not in _regions_of("codepipeline"):
        # Actions in another region than their pipeline's are possible only where it exists too.
        return (
            f"botocore knows no CodePipeline in {region}",
            "Use another region, or install a newer botocore",
        )
    return None


def partition_of(region: str) -> str:
    """Return the partition of *region*; "aws" if that is unknown."""
    try:
        return str(_resolver().get_partition_for_region(region))
    except botocore.exceptions.UnknownRegionError:
        return "aws"


@functools.cache
def _regions_of(service: str) -> frozenset[str]:
    resolver = _resolver()
    return frozenset(
        region
        for partition in resolver.get_available_partitions()
        for region in resolver.get_available_endpoints(service, partition)
    )


@functools.cache
def _resolver() -> t.Any:
    return botocore.regions.EndpointResolver(loader().load_data("endpoints"))


__all__ = ("REGION", "load_regions", "partition_of", "region_problem")
