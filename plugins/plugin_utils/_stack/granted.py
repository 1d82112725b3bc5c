# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom the policies of a foundation stack admit, by its parameters. Pure."""

from __future__ import annotations

import typing as t

Parameters = t.Mapping[str, str]


def items(parameters: Parameters, name: str) -> list[str]:
    """Return the items of a list parameter; empty when it is not there."""
    return [item for item in parameters.get(name, "").split(",") if item]


def named_accounts(parameters: Parameters) -> list[str]:
    """Return the accounts that the policies name; none where they admit an organization."""
    return [] if admits_organization(parameters) else items(parameters, "DeployAccountIds")


def excluded_accounts(parameters: Parameters) -> list[str]:
    """Return the accounts that an admitted organization is admitted without."""
    return items(parameters, "ExcludedAccountIds") if admits_organization(parameters) else []


def admits(parameters: Parameters, account_id: str) -> bool:
    """Return whether the policies admit an account, if it is one of the organization."""
    if admits_organization(parameters):
        return account_id not in excluded_accounts(parameters)
    return account_id in named_accounts(parameters)


def grantees(parameters: Parameters) -> list[str]:
    """Return who is admitted, for people: ids of accounts, or the organization."""
    if admits_organization(parameters):
        return [f"organization {parameters.get('OrganisationId', '')}"]
    return named_accounts(parameters)


def admits_organization(parameters: Parameters) -> bool:
    """Return whether the policies admit an organization instead of naming accounts."""
    return parameters.get("GrantMode") == "organization"


__all__ = (
    "admits",
    "admits_organization",
    "excluded_accounts",
    "grantees",
    "items",
    "named_accounts",
)
