# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grant mode: no policy may admit another organization, or hold more than AWS takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.inventory import Inventory

ORGANISATION = "o-a1b2c3d4e5"
PATH = f"{ORGANISATION}/r-ab12/ou-ab12-11111111/"


def problems(inventory: Inventory) -> str:
    """Return what is wrong with an inventory, as text."""
    try:
        inventory.read()
    except PipelineError as exc:
        return str(exc)
    return ""


def organization(**shared: Any) -> Inventory:
    """Return an inventory whose policies admit an organization."""
    inventory = Inventory()
    inventory.shared |= {"grant_mode": "organization", "organisation_id": ORGANISATION, **shared}
    return inventory


@pytest.mark.parametrize(
    "paths", [[], [PATH], [f"{PATH}*"], [f"{ORGANISATION}/r-ab12/*", f"{PATH}ou-ab12-22222222/"]]
)
def test_an_organization_is_admitted_whole_or_by_its_units(paths: list[str]) -> None:
    organisation = organization(organisation_paths=paths).read()

    assert organisation.grants_organization
    assert type(organisation).from_dict(organisation.as_dict()) == organisation
    assert not Inventory().read().grants_organization


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        ({"organisation_id": ""}, "only that keeps other organizations out"),
        ({"organisation_id": "o-short"}, "is not the id of an organization"),
        ({"grant_mode": "organisation"}, "Did you mean organization?"),
        ({"organisation_paths": [PATH.rstrip("/")]}, "is not a path such as"),
        ({"organisation_paths": ["o-*/r-ab12/*"]}, "is not a path such as"),
        ({"organisation_paths": [f"{ORGANISATION}/*"]}, "is not a path such as"),
        (
            {"organisation_paths": ["o-zzzzzzzzzz/r-ab12/*"]},
            f"o-zzzzzzzzzz/r-ab12/* is not of organisation_id {ORGANISATION}",
        ),
        (
            {"organisation_paths": [f"{PATH}ou-ab12-{n:08}/*" for n in range(80)]},
            "characters, and policies hold 4096",
        ),
    ],
)
def test_what_could_admit_others_is_refused(shared: dict[str, Any], expected: str) -> None:
    assert expected in problems(organization(**shared))


def test_the_id_may_be_that_of_the_role_and_the_mode_may_not() -> None:
    inventory = organization(organisation_id="")
    for name in ("build", "eu-west-1", "ap-southeast-2"):
        group = "primary" if name == "build" else "regional"
        inventory.hosts[name][f"{group}_organisation_id"] = ORGANISATION
    assert not problems(inventory)

    inventory.hosts["eu-west-1"]["regional_grant_mode"] = "accounts"
    assert "Set grant_mode once" in problems(inventory)


def test_a_region_takes_any_number_of_accounts_and_excludes_a_limited_number() -> None:
    inventory = organization()
    for number in range(251):
        inventory.add_account(f"account-{number}", f"{500_000_000_000 + number}")
    assert len(inventory.read().granted("us-east-1")) == 251 + 3

    for number in range(251):
        inventory.hosts[f"account-{number}"]["state"] = "quarantined"
    assert "251 deploy accounts are quarantined, and policies exclude 250" in problems(inventory)
