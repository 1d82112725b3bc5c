# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths a run proves, and which it leaves out. Pure."""

from __future__ import annotations

import typing as t

from .._errors import PipelineError
from .._organisation.model import DEPLOY_ACCOUNTS, REGIONAL, Host, Organisation
from .facts import make_cause
from .model import LEFT_OUT, Cause, Path, PathResult, result_of


def choose_paths(
    organisation: Organisation, hosts: t.Collection[str]
) -> tuple[list[Path], list[PathResult]]:
    """Return the paths of a run, and those that it leaves out.

    An account stands for its regions, a region of group ``regional`` for its accounts.

    :param hosts: those of the run, without what --limit leaves out.

    Raises PipelineError where nothing is chosen.
    """
    regions = {host.region for host in organisation.of(REGIONAL) if host.name in hosts}
    paths, left_out = [], []
    for host in organisation.of(DEPLOY_ACCOUNTS):
        for region in host.regions:
            if host.name not in hosts and region not in regions:
                continue
            cause = _cause(organisation, host, region)
            path = Path(region=region, host=host.name, account_id=host.account_id)
            if cause is None:
                paths.append(path)
            else:
                left_out.append(result_of(path, LEFT_OUT, cause))
    if not paths and not left_out:
        raise PipelineError(
            "no account of the run has a region that pipelines deploy to",
            cure="Look at --limit and the group deploy_accounts: --limit takes accounts and regions",
        )
    return sorted(paths), left_out


def _cause(organisation: Organisation, host: Host, region: str) -> Cause | None:
    """Return what leaves a path out; None for nothing."""
    if host.is_quarantined:
        return make_cause("quarantined", "the account is quarantined", host=host.name)
    if host.is_absent:
        return make_cause("absent", "the account is to be absent", host=host.name)
    if region not in organisation.regions:
        return make_cause("absent", f"the region {region} is to be absent", host=host.name)
    return None


__all__ = ("choose_paths",)
