# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reference of the docs and the schemas for editors are those of the fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml

from tools import sample_pipelines
from tools.environment import ROOT
from tools.reference import outputs, schemas

INVENTORIES = ROOT / "inventories"
# It has options of an inventory plugin, which ansible-doc lists.
OF_A_PLUGIN = "organizations.yml"
MODELINE = re.compile(r"^# yaml-language-server: \$schema=(.*)$", re.MULTILINE)


def test_the_reference_is_up_to_date() -> None:
    stale = [
        path.name
        for path, text in outputs().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run `make reference`"


def test_every_file_of_the_examples_fits_the_schema_that_it_names() -> None:
    for path in sorted(INVENTORIES.rglob("*.yml")):
        if path.name == OF_A_PLUGIN:
            continue
        text = path.read_text(encoding="utf-8")
        [target] = MODELINE.findall(text)
        schema = (path.parent / target).resolve()
        assert schema.is_file(), path
        check(schema.name.removesuffix(".schema.json"), yaml.safe_load(text))


def check(name: str, data: Any) -> None:
    """Raise ValidationError unless *data* fits a schema."""
    schema = schemas()[name]
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(data)


@pytest.mark.parametrize("name", sample_pipelines.SAMPLES)
def test_every_sample_fits_the_schema_of_pipelines(name: str) -> None:
    data = sample_pipelines.SAMPLES[name]()
    del data["name"]

    check("pipeline", {"pipeline": data})


def test_a_template_may_stand_for_any_value() -> None:
    check("variables", {"account_id": "{{ ids[inventory_hostname] }}", "regions": "{{ all }}"})


BAD: list[tuple[str, Callable[[], Any]]] = [
    ("variables", lambda: {"account_id": 222222222222}),
    ("variables", lambda: {"artifact_retention_days": 30}),
    ("inventory", lambda: {"deploy_accounts": {"hosts": {"a": {"regions": []}}}}),
    ("inventory", lambda: {"primary": {"hosts": {"a": {"state": "absent"}}}}),
    ("pipeline", lambda: {"pipeline": sample_pipelines.hello()}),  # no field is called name
    ("pipeline", lambda: {"pipeline": {"source": {}}}),
]


@pytest.mark.parametrize(("name", "data"), BAD)
def test_an_editor_shows_what_the_rules_would_refuse(name: str, data: Callable[[], Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(name, data())
