# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests with a real AWX rely on, tried on the stand-in for it."""

from __future__ import annotations

import pytest

from tests.awx.api import Api
from tests.awx.controller import TOKEN, Refused, serve


def test_an_organisation_is_removed_although_its_inventories_take_a_while() -> None:
    with serve() as controller:
        names = ("inventories", "projects", "execution_environments", "job_templates")
        controller.add_organisation("org", dict.fromkeys(names, "name"))
        ((inventory, _),) = controller.items["inventories"].items()
        ((project, _),) = controller.items["projects"].items()
        source = {"name": "source", "inventory": inventory, "source_project": project}
        controller.answer("POST", "/api/v2/inventory_sources/", source)

        Api(url=controller.url, token=TOKEN, organisation="org").remove(pause=0)

        endpoints = (*names, "inventory_sources", "organizations")
        assert [name for name in endpoints if controller.items[name]] == []


def test_a_schedule_answers_every_question_that_is_required() -> None:
    with serve() as controller:
        controller.add_organisation("org", {"job_templates": "drift"})
        ((template, item),) = controller.items["job_templates"].items()
        item["survey_enabled"] = True
        question = {
            "question_name": "Which?",
            "variable": "drift_hosts",
            "type": "text",
            "default": "all",
            "required": True,
        }
        survey = {"name": "", "description": "", "spec": [question]}
        controller.answer("POST", f"/api/v2/job_templates/{template}/survey_spec/", survey)
        schedule = {
            "name": "every night",
            "unified_job_template": template,
            "rrule": "DTSTART;TZID=UTC:20260101T030000 RRULE:FREQ=DAILY;INTERVAL=1",
        }

        with pytest.raises(Refused, match="'drift_hosts' value missing"):
            controller.answer("POST", "/api/v2/schedules/", schedule)

        schedule["extra_data"] = {"drift_hosts": "production"}
        status, _body = controller.answer("POST", "/api/v2/schedules/", schedule)
        assert status == 201
