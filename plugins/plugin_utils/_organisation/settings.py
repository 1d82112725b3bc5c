# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role of each group takes, from its own variables or the inventory's. Pure."""

from __future__ import annotations

import copy
import typing as t
from collections.abc import Mapping

from .._errors import PipelineError
from .._fields import FLAG, LIST, MAPPING, NUMBER, Setting
from .model import (
    ACCESS_ROLE_NAME,
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    ROLE_NAMES,
    STACK_NAMES,
)

Lookup = t.Callable[[str], t.Any]

# The role of each group, whose name its variables begin with.
ROLES = {
    REGIONAL: "regional",
    PRIMARY: "primary",
    DEPLOY_ACCOUNTS: "deploy_account",
    PIPELINES: "pipeline",
}

RETENTION_DAYS = 365
WAIT_TIMEOUT = 3600

_ROLE_NAMES = tuple(
    Setting(name=name, inventory=name, default=default) for name, default in ROLE_NAMES.items()
)
_ALL = (
    Setting(name="tags", type=MAPPING, inventory="stack_tags", default={}),
    *_ROLE_NAMES,
    Setting(name="state", inventory="state", default="present"),
    Setting(name="allow_replacement", type=FLAG, inventory="allow_replacement", default=False),
    Setting(name="resources_to_skip", type=LIST, inventory="resources_to_skip", default=[]),
    Setting(name="wait_timeout", type=NUMBER, inventory="wait_timeout", default=WAIT_TIMEOUT),
)
_BUCKETS = (
    Setting(
        name="artifact_retention_days",
        type=NUMBER,
        inventory="artifact_retention_days",
        default=RETENTION_DAYS,
    ),
    Setting(name="purge_data", type=FLAG, inventory="purge_data", default=False),
)
_BUILD_ACCOUNT = Setting(name="account_id", inventory="build_account_id")
_PRIMARY_REGION = Setting(name="region", inventory="primary_region")


def _stack_name(group: str) -> Setting:
    return Setting(name="stack_name", default=STACK_NAMES[group][1])


SETTINGS: dict[str, tuple[Setting, ...]] = {
    REGIONAL: (
        _BUILD_ACCOUNT,
        Setting(name="region", inventory="inventory_hostname"),
        _stack_name(REGIONAL),
        *_BUCKETS,
        *_ALL,
    ),
    PRIMARY: (
        _BUILD_ACCOUNT,
        _PRIMARY_REGION,
        _stack_name(PRIMARY),
        Setting(name="replication_bucket_arns", type=LIST, default=[]),
        *_BUCKETS,
        *_ALL,
    ),
    DEPLOY_ACCOUNTS: (
        Setting(name="id", inventory="account_id"),
        _PRIMARY_REGION,
        Setting(name="build_account_id", inventory="build_account_id"),
        _stack_name(DEPLOY_ACCOUNTS),
        *(
            Setting(name=STACK_NAMES[group][0], inventory=STACK_NAMES[group][0], default=default)
            for group, default in ((g, STACK_NAMES[g][1]) for g in (PRIMARY, REGIONAL))
        ),
        Setting(name="access_role_name", inventory="access_role_name", default=ACCESS_ROLE_NAME),
        Setting(name="execution_policies", type=LIST, default=[]),
        Setting(name="permissions_boundary_arn", default=""),
        *_ALL,
    ),
    PIPELINES: (_BUILD_ACCOUNT, _PRIMARY_REGION, *_ALL),
}


def read_settings(group: str, lookup: Lookup) -> dict[str, t.Any]:
    """Return what the role of *group* takes, by plain noun such as ``tags``.

    :param lookup: gives the value of a variable, or None.

    Raises PipelineError for a value of the wrong type.
    """
    found = {
        setting.name: _read(setting, f"{ROLES[group]}_{setting.name}", lookup)
        for setting in SETTINGS[group]
    }
    if group == DEPLOY_ACCOUNTS:
        found["account_id"] = found.pop("id")
        found["access_role_name"] = _access_role_name(lookup)
    return found


def _read(setting: Setting, variable: str, lookup: Lookup) -> t.Any:
    for name in (variable, setting.inventory):
        value = lookup(name) if name else None
        if value is not None:
            return _convert(setting.type, name, value)
    return copy.copy(setting.default)


def _access_role_name(lookup: Lookup) -> str:
    """Return the role that this collection uses, with its path, from whichever names it."""
    own = lookup("deploy_account_access_role_name")
    role_arn = str(lookup("role_arn") or "")
    return str(
        own or role_arn.partition(":role/")[2] or lookup("access_role_name") or ACCESS_ROLE_NAME
    )


def _convert(kind: str, name: str, value: t.Any) -> t.Any:
    """Return *value* of a variable, which ``-e name=value`` makes text, as its type."""
    if kind == FLAG:
        text = str(value).lower()
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0", ""):
            return False
        raise PipelineError(f"{name} {value!r} is neither true nor false", cure="Correct it")
    if kind == NUMBER:
        try:
            return int(value)
        except (TypeError, ValueError):
            raise PipelineError(f"{name} {value!r} is not a number", cure="Correct it") from None
    if kind == LIST:
        if isinstance(value, str):
            return [item.strip() for item in value.split(",") if item.strip()]
        if isinstance(value, (list, tuple)):
            return list(value)
        raise PipelineError(f"{name} {value!r} is not a list", cure="Correct it")
    if kind == MAPPING:
        if isinstance(value, Mapping):
            return dict(value)
        raise PipelineError(f"{name} {value!r} is not a mapping", cure="Correct it")
    return str(value)


__all__ = ("ROLES", "SETTINGS", "Lookup", "read_settings")
