# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether organisation_id is the organization that the build account is in.

With another one, policies would admit no account, and no rule for its form notices that.
"""

from __future__ import annotations

import typing as t

from .._errors import PipelineError
from .._organisation.model import Organisation
from .desired import Settings
from .plan import Foundation


def outside(
    organisation: Organisation,
    settings: t.Mapping[str, Settings],
    foundation: Foundation,
    read: t.Callable[[], str | None],
) -> dict[str, str]:
    """Return the hosts with another organization than the build account's, with the reason.

    :param settings: what the roles take, by host of the run.
    :param read: returns the build account's organization, or None where it is in none. It is asked
        only about an id that the primary stack does not have yet.
    """
    home = organisation.primary
    if home.name not in foundation:
        return {}  # its region could not be read
    primary = foundation[home.name]
    proven = ("", primary.parameters.get("OrganisationId") if primary else None)
    wanted = {
        host.name: settings[host.name]["organisation_id"]
        for host in organisation.foundation
        if host.is_present and host.name in settings
    }
    unproven = {name: value for name, value in wanted.items() if value not in proven}
    if not unproven:
        return {}
    try:
        actual = read()
    except PipelineError as exc:
        return dict.fromkeys(
            unproven,
            f"organisation_id cannot be compared with the build account's organization: {exc}",
        )
    place = f"in {actual}" if actual else "in no organization"
    return {
        name: f"organisation_id is {value}, and the build account is {place}, so policies would"
        " admit no other account. Correct organisation_id"
        for name, value in unproven.items()
        if value != actual
    }


__all__ = ("outside",)
