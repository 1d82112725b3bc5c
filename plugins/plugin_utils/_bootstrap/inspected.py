# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a drift run: every stack compared and inspected, from one read of each."""

from __future__ import annotations

from .._aws.gateway import Gateway
from .._aws.patience import Patience
from .._drift.run import FleetDrift, begin_inspections
from .._stack.listing import Listings
from .comparison import compare
from .observation import TAG
from .plan import Plan
from .preflight import decide
from .request import Request
from .run import Run, targets_of


def check_and_inspect(
    request: Request, gateway: Gateway, patience: Patience
) -> tuple[Plan, FleetDrift]:
    """Return the plan, and what was changed outside CloudFormation.

    The stacks with access roles are returned too.

    :param patience: the time that all detections together may take.
    """
    listings = Listings(gateway)
    decided = decide(request, gateway, listings=listings)
    targets = targets_of(Run(decided.plan, {}))
    # First the detections, so that the templates are those that they compare with.
    fleet = begin_inspections(targets, gateway, policies=True, listings=listings)
    plan = compare(request, decided, gateway, read_template=fleet.template)
    access = {stack["stack_name"] for stack in request.access_stacks}
    return plan, fleet.finish(patience, tag=TAG, others=access)


__all__ = ("check_and_inspect",)
