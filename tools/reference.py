# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the reference tables of docs/ and the JSON Schemas of docs/schema/ from the fields.

A page has the tables between `<!-- reference: NAME -->` and `<!-- end of reference -->`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._fields import (
    FLAG,
    LIST,
    MAPPING,
    NUMBER,
    SCALAR,
    TEXT,
    Field,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.access_schema import (
    ACCESS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    DEPLOY_ACCOUNTS,
    GROUPS,
    PIPELINES,
    PRIMARY,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.notifications import (
    NOTIFICATIONS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.schema import (
    GROUP_VARIABLES,
    HOST,
    ORGANISATION,
    RUN,
    SETTINGS,
    host_variables,
    setting_variable,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.build_schema import (
    BUILD_FIELDS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.schema import PIPELINE
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source_schema import (
    FIELDS_OF_TYPE,
    SOURCE_FIELDS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.wave_test_schema import (
    TEST_FIELDS,
)

from tools.environment import ROOT

DOCS = ROOT / "docs"
PAGES = (DOCS / "inventory.md", DOCS / "notifications.md", DOCS / "pipelines.md")
SCHEMAS = DOCS / "schema"

_TABLE = re.compile(
    r"(<!-- reference: (?P<name>\w+) -->\n).*?(<!-- end of reference -->)", re.DOTALL
)
_TYPES = {TEXT: "text", FLAG: "boolean", NUMBER: "number", LIST: "list", MAPPING: "mapping"}
_TEMPLATE_PATTERN = r"\{\{|\{%"
_TEMPLATE = {"$ref": "#/$defs/template"}
# Fields of a source that only one of its types has.
_OF_ONE_TYPE = [field for fields in FIELDS_OF_TYPE.values() for field in fields]

Schema = dict[str, Any]


# Tables


def tables() -> dict[str, str]:
    """Return every reference table by its name."""
    fields = {field.name: field for field in PIPELINE.fields}
    return {
        "organisation": _table("Variable", ORGANISATION),
        "run": _table("Variable", RUN),
        "access": _table("Variable", ACCESS),
        "deploy_account": _table("Variable", _flat(_variables(DEPLOY_ACCOUNTS))),
        "primary": _table("Variable", _variables(PRIMARY)),
        "host": _table("Variable", HOST),
        "notifications": _table("Field", NOTIFICATIONS.fields),
        "pipeline": _table("Field", PIPELINE.fields),
        "source": _table("Field", _flat(SOURCE_FIELDS)),
        "build": _table("Field", _flat(BUILD_FIELDS)),
        **{kind: _table("Field", _flat(fields)) for kind, fields in FIELDS_OF_TYPE.items()},
        "stacks": _table("Field", fields["stacks"].fields),
        "s3": _table("Field", fields["s3"].fields),
        "ecs": _table("Field", fields["ecs"].fields),
        # Tests take all fields of a build, too, which have a table of their own.
        "waves": _table(
            "Field",
            _flat(
                dataclasses.replace(field, fields=()) if field.name == "tests" else field
                for field in fields["waves"].fields
            ),
        ),
        "tests": _table("Field", TEST_FIELDS),
    }


def write_tables(page: str) -> str:
    """Return a page with its tables as they should be."""
    found = tables()
    return _TABLE.sub(lambda match: f"{match[1]}{found[match['name']]}{match[3]}", page)


def _table(head: str, fields: Iterable[Field]) -> str:
    rows = [
        f"| `{field.name}` | {_type(field)} | {_default(field)} | {field.doc} |\n"
        for field in fields
    ]
    return f"| {head} | Type | Default | Meaning |\n|---|---|---|---|\n{''.join(rows)}"


def _variables(group: str) -> Iterator[Field]:
    """Yield what the inventory sets for a group: its variables, and settings without fallback."""
    yield from GROUP_VARIABLES[group]
    for setting in SETTINGS[group]:
        if not setting.fallback and setting.name != "stack_name":
            yield setting_variable(group, setting)


def _flat(fields: Iterable[Field], prefix: str = "") -> Iterator[Field]:
    """Yield fields with those below them: `artifacts[].name`, `approval.link`."""
    for field in fields:
        name = f"{prefix}{field.name}"
        yield dataclasses.replace(field, name=name)
        yield from _flat(field.fields, f"{name}[]." if field.type == LIST else f"{name}.")


def _type(field: Field) -> str:
    if field.kind:
        return field.kind
    if field.choices or (field.item and field.item.choices):
        choices = field.choices or (field.item.choices if field.item else ())
        listed = ", ".join(f"`{choice}`" for choice in choices)
        return f"list of {listed}" if field.item else listed
    if field.type == NUMBER and field.maximum is not None:
        return f"{field.minimum} to {field.maximum}"
    if field.type == NUMBER and field.minimum is not None:
        return f"number, at least {field.minimum}"
    if field.longest:
        return f"{field.words or 'text'}, {field.longest:,} characters"
    if field.words.startswith("https:"):
        return f"`{field.words}`"
    return field.words or _TYPES[field.type]


def _default(field: Field) -> str:
    if field.required:
        return "required"
    if field.default_words:
        return field.default_words
    if field.type == FLAG:
        return str(bool(field.default)).lower()
    return f"`{field.default}`" if field.default else "none"


# Schemas


def schemas() -> dict[str, Schema]:
    """Return every JSON Schema by the name of its file."""
    every = {name: one for group in GROUPS for name, one in _variable_schemas(group).items()}
    state = next(field for field in HOST if field.name == "state")
    groups = {group: _object(_variable_schemas(group)) for group in GROUPS}
    return {
        "inventory": _document(
            "Groups and hosts of an inventory: hosts.yml",
            {group: _object(_members(group)) for group in GROUPS},
            groups,
        ),
        "variables": _document(
            "Variables: files of group_vars and host_vars", every | {"state": _described(state)}
        ),
        "pipeline": _document("A pipeline: host_vars/<name>.yml", _variable_schemas(PIPELINES)),
    }


def _document(title: str, properties: Schema, definitions: Schema | None = None) -> Schema:
    template = {"type": "string", "pattern": _TEMPLATE_PATTERN}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "properties": properties,
        "$defs": {"template": template, **(definitions or {})},
    }


def _object(properties: Schema) -> Schema:
    """Return a mapping of an inventory: it may be left empty, and hold more than is ours."""
    return {"type": ["object", "null"], "properties": properties}


def _members(group: str) -> Schema:
    variables = {"$ref": f"#/$defs/{group}"}
    return {
        "hosts": {"type": ["object", "null"], "additionalProperties": variables},
        "vars": variables,
    }


def _variable_schemas(group: str) -> Schema:
    """Return the variables that a host of *group* may have."""
    found = {field.name: _described(field) for field in host_variables(group)}
    if group == PIPELINES:
        found |= {PIPELINE.name: _described(PIPELINE)}
    if group in (PRIMARY, PIPELINES):
        choices = ("present", "absent") if group == PIPELINES else ("present",)
        state = next(field for field in HOST if field.name == "state")
        found["state"] = _described(dataclasses.replace(state, choices=choices))
    return found


def _described(field: Field) -> Schema:
    """Return the schema of a field, with its meaning."""
    found = {"description": re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", field.doc)} if field.doc else {}
    if field.default not in (None, "", [], {}):
        found = {**found, "default": field.default}
    return {**found, **_schema(field)}


def _schema(field: Field) -> Schema:
    """Return what values a field takes; a template stands for any of them."""
    if field.json is not None:
        parts = [_mapping(field)] if field.fields else []
        return {"anyOf": [field.json, *parts, _TEMPLATE]}
    if field.type == MAPPING:
        return {"anyOf": [_mapping(field), _TEMPLATE]}
    if field.type == LIST:
        return {"anyOf": [_list(field), _TEMPLATE]}
    if field.type == SCALAR:
        text = {"pattern": rf"{_TEMPLATE_PATTERN}|^(?:{field.pattern})$"} if field.pattern else {}
        return {"type": ["string", "integer", "boolean"], **text}
    if field.type == FLAG:
        return {"anyOf": [{"type": "boolean"}, _TEMPLATE]}
    if field.type == NUMBER:
        limits = {"minimum": field.minimum, "maximum": field.maximum}
        return {"anyOf": [{"type": "integer", **_given(limits)}, _TEMPLATE]}
    text = _given(
        {
            "pattern": _pattern(field) if field.pattern else None,
            "enum": list(field.choices) or None,
            "maxLength": field.longest or None,
        }
    )
    return {"anyOf": [{"type": "string", **text}, _TEMPLATE]} if text else {"type": "string"}


def _pattern(field: Field) -> str:
    """Return the pattern of a text; empty text means that it is not set."""
    return f"^(?:{field.pattern}){'' if field.required else '?'}$"


def _mapping(field: Field) -> Schema:
    if field.fields:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [
                one.name for one in field.fields if one.required and one not in _OF_ONE_TYPE
            ],
            "properties": _properties(field.fields),
        }
    names = {"propertyNames": {"pattern": f"^(?:{field.keys.pattern})$"}} if field.keys else {}
    most = _given({"maxProperties": field.maximum})
    entries = {"additionalProperties": _schema(field.item or Field())}
    return {"type": "object", **names, **most, **entries}


def _properties(fields: Iterable[Field]) -> Schema:
    """Return the properties of a mapping; a name that types share has the forms of each."""
    found: dict[str, list[Schema]] = {}
    for field in fields:
        forms = found.setdefault(field.name, [])
        form = _described(field)
        if form not in forms:
            forms.append(form)
    return {
        name: forms[0] if len(forms) == 1 else {"anyOf": forms} for name, forms in found.items()
    }


def _list(field: Field) -> Schema:
    entry = _mapping(field) if field.fields else _schema(field.item or Field())
    return {
        "type": "array",
        "items": entry,
        **_given(
            {
                "minItems": field.minimum,
                "maxItems": field.maximum,
                "uniqueItems": "" in field.unique or None,
            }
        ),
    }


def _given(values: Schema) -> Schema:
    return {name: value for name, value in values.items() if value is not None}


def outputs() -> dict[Path, str]:
    """Return every file that comes from the fields, with its text."""
    found = {page: write_tables(page.read_text(encoding="utf-8")) for page in PAGES}
    for name, schema in schemas().items():
        found[SCHEMAS / f"{name}.schema.json"] = json.dumps(schema, indent=1) + "\n"
    return found


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8")
