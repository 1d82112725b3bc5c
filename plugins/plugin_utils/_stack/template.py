# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFormation templates: Lambda code put in place, size limits, one form for comparison.

A template is never a Jinja template: ``{{resolve:...}}`` and ``${...}`` belong to CloudFormation.
The one substitution is a scalar such as ``'@@ sync_artifacts.py @@'``, which becomes the text of
that file in the template's directory.
"""

from __future__ import annotations

import enum
import re
import typing as t
from pathlib import Path

import yaml

from .._errors import PipelineError

# What CloudFormation returns in place of a secret (NoEcho) parameter, and what we show for it.
HIDDEN = "****"

# What an update cannot change by itself: AWS answers that there is nothing to update.
_WITHOUT_EFFECT = frozenset({"Description", "Metadata"})
_WITHOUT_EFFECT_ON_PARAMETERS = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
    }
)

# CloudFormation's limits of a template, in bytes: given inline, and read from a bucket.
BODY_LIMIT = 51_200
OBJECT_LIMIT = 1_000_000

_CODE = re.compile(r"^(?P<indent> *)(?P<key>[\w-]+): '@@ (?P<file>[\w.-]+) @@'$", re.MULTILINE)
_SHARED = re.compile(r"^  <<: '@@ (?P<file>[\w./-]+) @@'\n", re.MULTILINE)
_SECTION = re.compile(r"^(?P<name>\w+):\n(?P<body>(?:(?:  .*)?\n)*)", re.MULTILINE)


def render(path: Path) -> str:
    """Return the template at *path* with the files it names inserted.

    Raises PipelineError when a file is missing or not ASCII (GetTemplate answers ``?`` for the
    rest), or when a template has no section to share.
    """
    text = _SECTION.sub(lambda match: _section(path, match), _read(path))
    return insert_code(text, path.parent)


def insert_code(text: str, directory: Path) -> str:
    """Return *text* with the code files that it names inserted from *directory*."""
    return _CODE.sub(lambda match: _code_block(directory, match), text)


def check_body(body: str, *, name: str, has_bucket: bool) -> None:
    """Raise PipelineError if CloudFormation would refuse *body*.

    :param name: the template's name in the message.
    :param has_bucket: whether a bucket can hold a template that is too large for a request.
    """
    if not body.isascii():
        number = next(number for number, line in _numbered(body) if not line.isascii())
        raise PipelineError(f"{name}: line {number} is not ASCII")
    limit = OBJECT_LIMIT if has_bucket else BODY_LIMIT
    if len(body) > limit:
        raise PipelineError(
            f"{name} has {len(body)} bytes, and CloudFormation allows {limit}"
            + ("" if has_bucket else " without a bucket"),
            cure="Shorten the template or its code files"
            + ("" if has_bucket else ", or set template_bucket"),
        )


def _numbered(text: str) -> t.Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), start=1)


def _section(path: Path, match: re.Match[str]) -> str:
    """Return a section of the template, with shared parts inserted."""

    def shared(place: re.Match[str]) -> str:
        source = path.parent / place["file"]
        for section in _SECTION.finditer(_read(source)):
            if section["name"] == match["name"]:
                return section["body"].rstrip("\n") + "\n"
        raise PipelineError(f"{source} has no section {match['name']}, which {path.name} shares")

    return _SHARED.sub(shared, match[0])


def _code_block(directory: Path, match: re.Match[str]) -> str:
    indent = match["indent"] + "  "
    lines = _read(directory / match["file"]).rstrip("\n").split("\n")
    block = "\n".join(f"{indent}{line}" if line else "" for line in lines)
    return f"{match['indent']}{match['key']}: |\n{block}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError as exc:
        # Everything before the first wrong byte; latin-1 reads any byte as one character.
        before = path.read_bytes().decode("latin-1")[: int(exc.start)]
        line = before.count("\n") + 1
        raise PipelineError(f"{path.name}: line {line} is not ASCII") from exc
    except OSError as exc:
        raise PipelineError(f"cannot read the template {path}: {exc.strerror}") from exc


def parse(body: str | dict[str, t.Any]) -> dict[str, t.Any]:
    """Return *body* as data: long forms, no comments, no layout.

    :param body: what GetTemplate returns: text (YAML), or data where the template was JSON.

    Raises PipelineError when it is not a template.
    """
    if not isinstance(body, str):
        return dict(body)
    try:
        data = yaml.load(body, Loader=_Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.YAMLError as exc:
        raise PipelineError(f"the template is not YAML: {exc}") from exc
    if not isinstance(data, dict):
        raise PipelineError("the template is not a mapping")
    return data


def same_template(first: str | dict[str, t.Any], second: str | dict[str, t.Any]) -> bool:
    """Return whether two templates make the same stack; parsed only where their texts differ.

    What CloudFormation does not update by itself is left out: with it alone, no run could make the
    deployed template the desired one.
    """
    return first == second or _effective(parse(first)) == _effective(parse(second))


def _effective(template: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a template without what makes no resource differ."""
    found = {key: value for key, value in template.items() if key not in _WITHOUT_EFFECT}
    if isinstance(parameters := template.get("Parameters"), dict):
        found["Parameters"] = {
            name: {
                key: value
                for key, value in definition.items()
                if key not in _WITHOUT_EFFECT_ON_PARAMETERS
            }
            if isinstance(definition, dict)
            else definition
            for name, definition in parameters.items()
        }
    return found


def parameter_defaults(body: str | dict[str, t.Any]) -> dict[str, str]:
    """Return the defaults of the template's parameters, as CloudFormation writes them."""
    parameters: dict[str, t.Any] = parse(body).get("Parameters") or {}
    return {
        name: _default(definition["Default"])
        for name, definition in parameters.items()
        if "Default" in definition
    }


def _default(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class ParameterKind(enum.Enum):
    """How a parameter's value is shown."""

    PLAIN = "as it is"
    LIST = "item by item"
    MASKED = "not at all"


def parameter_kinds(body: str | dict[str, t.Any]) -> dict[str, ParameterKind]:
    """Return the kind of each of the template's parameters."""
    parameters: dict[str, t.Any] = parse(body).get("Parameters") or {}
    return {name: _kind(definition) for name, definition in parameters.items()}


def _kind(definition: dict[str, t.Any]) -> ParameterKind:
    if str(definition.get("NoEcho", "")).lower() == "true":
        return ParameterKind.MASKED
    of = str(definition.get("Type", ""))
    is_list = of == "CommaDelimitedList" or of.startswith("List<")
    return ParameterKind.LIST if is_list else ParameterKind.PLAIN


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Loads CloudFormation's YAML safely; ten times as fast with libyaml."""


def _long_form(loader: t.Any, tag: str, node: t.Any) -> dict[str, t.Any]:
    if isinstance(node, yaml.ScalarNode):
        value: t.Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long_form)
# CloudFormation reads dates as text ("2012-10-17").
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_str)


__all__ = (
    "BODY_LIMIT",
    "HIDDEN",
    "OBJECT_LIMIT",
    "ParameterKind",
    "check_body",
    "insert_code",
    "parameter_defaults",
    "parameter_kinds",
    "parse",
    "render",
    "same_template",
)
