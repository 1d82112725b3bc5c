# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the plugin's file as a choice of accounts. Pure."""

from __future__ import annotations

import typing as t

from .._errors import PipelineError
from .._fields import suggestion
from .model import Choice

Options = t.Mapping[str, t.Any]

_EXCLUDE = ("accounts", "organizational_units", "tags")


def check_config(config: Options, definitions: t.Mapping[str, Options]) -> None:
    """Raise PipelineError for what Ansible would ignore, or read as false.

    :param config: the file as it is.
    :param definitions: of the options, as Ansible has them.
    """
    aliases = {name for item in definitions.values() for name in item.get("aliases", ())}
    _check_names("", config, {*definitions, *aliases})
    for name, value in config.items():
        is_flag = definitions.get(name, {}).get("type") in ("bool", "boolean")
        if is_flag and not isinstance(value, bool):
            raise PipelineError(f"{name} is neither true nor false", cure="Correct it")
    exclude = config.get("exclude")
    if isinstance(exclude, t.Mapping):
        _check_names("exclude.", exclude, _EXCLUDE)


def choice_of(options: Options, *, connection: Options, uses_tags: bool) -> Choice:
    """Return the choice that the options make.

    :param uses_tags: whether a template uses the tags of accounts.
    """
    exclude = options["exclude"] or {}
    return Choice(
        ous=tuple(options["organizational_units"]),
        nested=options["nested"],
        tags=_patterns("tags", options["tags"]),
        excluded_accounts=_texts("exclude.accounts", exclude.get("accounts")),
        excluded_ous=_texts("exclude.organizational_units", exclude.get("organizational_units")),
        excluded_tags=_patterns("exclude.tags", exclude.get("tags")),
        regions_by_ou=tuple(_regions(options["regions_by_ou"])),
        needs_tags=bool(
            uses_tags or options["tags"] or exclude.get("tags") or options["regions_tag"]
        ),
        connection=connection,
    )


def _check_names(prefix: str, found: Options, known: t.Collection[str]) -> None:
    for name in found:
        if name not in known:
            ours = [other for other in known if not other.startswith("_")]
            raise PipelineError(
                f"unknown option {prefix}{name}",
                cure=suggestion(str(name), ours) or "Remove it",
            )


def _regions(value: t.Any) -> Options:
    if not isinstance(value, t.Mapping) or not all(
        isinstance(item, list) for item in value.values()
    ):
        raise PipelineError("regions_by_ou is not a mapping of OUs to lists of regions")
    return value


def _patterns(option: str, value: t.Any) -> dict[str, list[str]]:
    """Return tags with their patterns of values."""
    if not isinstance(value or {}, t.Mapping):
        raise PipelineError(f"{option} is not a mapping of tags to values")
    return {
        tag: list(_texts(f"{option}.{tag}", item if isinstance(item, list) else [item]))
        for tag, item in (value or {}).items()
    }


def _texts(option: str, value: t.Any) -> tuple[str, ...]:
    """Return a list of text; YAML makes numbers of ids without quotes."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise PipelineError(f"{option} is not a list", cure="Write it with [...]")
    for item in value:
        if not isinstance(item, str):
            raise PipelineError(f"{option}: {item!r} is not text", cure="Quote it")
    return tuple(value)


__all__ = ("check_config", "choice_of")
