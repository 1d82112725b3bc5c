# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles may do with a connection. Pure.

A connection keeps the name of the service that it was made under, and so do its permissions.
"""

from __future__ import annotations

from .._pipeline.source import Source
from .part import Data
from .roles import allow


def use_connection(source: Source) -> Data:
    """Return what reading the repository takes, in CodePipeline and in a build that clones.

    StringEquals: with ForAllValues, a request without the key would pass.
    """
    service = source.connection_service
    return allow(
        "UseConnection",
        f"{service}:UseConnection",
        source.connection_arn,
        StringEquals={f"{service}:FullRepositoryId": source.full_repository_id},
    )


def get_tokens(source: Source) -> list[Data]:
    """Return what a project needs that CodeBuild's webhooks start, over a connection."""
    arn = source.connection_arn
    if not arn:
        return []
    service = source.connection_service
    return [
        # The token reaches every repository of the connection: nothing narrows it.
        allow("GetToken", [f"{service}:GetConnection", f"{service}:GetConnectionToken"], arn),
        # CreateProject checks it. IfExists, because it is not documented whether that check names
        # the repository.
        allow(
            "UseConnection",
            [f"{service}:UseConnection"],
            arn,
            StringEqualsIfExists={f"{service}:FullRepositoryId": source.full_repository_id},
        ),
    ]


__all__ = ("get_tokens", "use_connection")
