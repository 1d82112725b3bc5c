# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths a run proves, and which it leaves out. Pure."""

from __future__ import annotations

import typing as t

from .._errors import PipelineError
from .._organisation.model import DEPLOY_ACCOUNTS, REGIONAL, Host, Organisation
from .model import LEFT_OUT, Cause, Path, PathResult


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
            reason = _reason(organisation, host, region)
            if reason is None:
                paths.append(Path(region=region, host=host.name, account_id=host.account_id))
            else:
                left_out.append(_left_out(host, region, reason))
    if not paths and not left_out:
        raise PipelineError(
            "no account of the run has a region that pipelines deploy to",
            cure="Look at --limit and the group deploy_accounts: --limit takes accounts and regions",
        )
    return sorted(paths), left_out


def _reason(organisation: Organisation, host: Host, region: str) -> tuple[str, str, str] | None:
    """Return kind, message and cure of what leaves a path out."""
    if host.is_quarantined:
        return "quarantined", "the account is quarantined", "Remove state: quarantined"
    if host.is_absent:
        return "absent", "the account is to be absent", "Remove state: absent"
    if region not in organisation.regions:
        return "absent", f"the region {region} is to be absent", "Remove its state: absent"
    return None


def _left_out(host: Host, region: str, reason: tuple[str, str, str]) -> PathResult:
    kind, message, cure = reason
    cause = Cause(
        kind=kind,
        stage=None,
        principal=None,
        permission=None,
        resource=None,
        message=message,
        cure=f"{cure} to prove it",
    )
    return PathResult(
        host=host.name, account_id=host.account_id, region=region, status=LEFT_OUT, cause=cause
    )


__all__ = ("choose_paths",)
