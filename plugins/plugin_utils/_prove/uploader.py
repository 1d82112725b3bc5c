# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uploads the canary's artifact: whoever runs the playbook, by a role of the pipeline. Pure."""

from __future__ import annotations

from .._errors import PipelineError


def uploaders_of(caller_arn: str) -> tuple[str, ...]:
    """Return what ``aws:PrincipalArn`` of a caller looks like: ARNs, or patterns of them.

    The ARN of a session does not show the path of its role; the name of a role is unique.

    :param caller_arn: as GetCallerIdentity returns it. Raises PipelineError for a root user.
    """
    head, _separator, resource = caller_arn.rpartition(":")
    account = head.rpartition(":")[2]
    partition = caller_arn.split(":")[1]
    kind, _separator, rest = resource.partition("/")
    if kind == "assumed-role":
        role = f"arn:{partition}:iam::{account}:role"
        name = rest.partition("/")[0]
        return (f"{role}/{name}", f"{role}/*/{name}")
    if kind == "user":
        return (caller_arn,)
    raise PipelineError(
        f"the credentials are those of {caller_arn}, which can assume no role",
        cure="Run it as a role or a user of the build account",
    )


__all__ = ("uploaders_of",)
