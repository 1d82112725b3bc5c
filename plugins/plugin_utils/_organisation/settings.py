# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a role: its variables, else the inventory's, else defaults. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import PipelineError
from .._fields import Field, Reader
from .model import DEPLOY_ACCOUNTS
from .schema import ROLES, SETTINGS

Lookup = t.Callable[[str], t.Any]

# A role may also compare its stack; a host of an inventory may not.
_STATE = Field(name="state", default="present", fallback="state")


def read_settings(group: str, lookup: Lookup) -> dict[str, t.Any]:
    """Return what the role of *group* takes, by plain noun such as ``tags``.

    :param lookup: gives the value of a variable, or None.

    Raises PipelineError for a value of the wrong type.
    """
    found = {
        setting.name: _read(setting, f"{ROLES[group]}_{setting.name}", lookup)
        for setting in (*SETTINGS[group], _STATE)
    }
    if group == DEPLOY_ACCOUNTS:
        found["account_id"] = found.pop("id")
        found["access_role_name"] = _access_role_name(found["access_role_name"], lookup)
    return found


def read_variables(fields: t.Iterable[Field], lookup: Lookup) -> dict[str, t.Any]:
    """Return what these variables hold, or their defaults. Raises PipelineError."""
    return {field.name: _read(field, field.name, lookup) for field in fields}


def _read(setting: Field, variable: str, lookup: Lookup) -> t.Any:
    field = dataclasses.replace(setting, required=False)
    for name in (variable, setting.fallback):
        value = lookup(name) if name else None
        if value is not None:
            return Reader(_fail).read(field, value, name)
    return field.empty()


def read_flag(field: Field, lookup: Lookup) -> bool:
    """Return a variable that is true or false. Raises PipelineError for another value."""
    return bool(_read(field, field.name, lookup))


def read_list(field: Field, lookup: Lookup) -> list[t.Any]:
    """Return a variable that is a list. Raises PipelineError for another value."""
    return list(_read(field, field.name, lookup))


def _access_role_name(found: str, lookup: Lookup) -> str:
    """Return the role that this collection uses: role_arn, else the access role."""
    role_arn = str(lookup("role_arn") or "")
    own = lookup("deploy_account_access_role_name")
    return found if own else role_arn.partition(":role/")[2] or found


def _fail(what: str, fix: str) -> t.NoReturn:
    raise PipelineError(what, cure=fix)


__all__ = ("ROLES", "Lookup", "read_flag", "read_list", "read_settings", "read_variables")
