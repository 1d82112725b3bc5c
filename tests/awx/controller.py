# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the API of AWX, as far as the modules of awx.awx use it for the role awx.

It keeps what it is given and answers in the shape of AWX. It is strict where AWX was seen to be, or
where its source (24.6.1) says so: names, what a survey requires, rules of schedules, where a node's
edges are, messages of notifications, deletions that go on after the answer. It runs no job. That
AWX itself takes the same is for the tests with a server.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
import jinja2.sandbox

Item = dict[str, Any]

HIDDEN = "$encrypted$"
TOKEN = "a-token"

# What can be run by a node or a schedule, all of it found by its name in one place.
RUNNABLE = {
    "projects": "project",
    "inventory_sources": "inventory_source",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_approval_templates": "workflow_approval_template",
}
TYPES = {
    **RUNNABLE,
    "organizations": "organization",
    "credentials": "credential",
    "credential_types": "credential_type",
    "execution_environments": "execution_environment",
    "inventories": "inventory",
    "notification_templates": "notification_template",
    "schedules": "schedule",
    "workflow_job_template_nodes": "workflow_job_template_node",
}
NODES = ("success_nodes", "failure_nodes", "always_nodes")
NOTIFICATIONS = tuple(
    f"notification_templates_{when}" for when in ("started", "success", "error", "approvals")
)
# Of these AWX has one of a name, whatever the organisation.
UNIQUE = ("organizations", "execution_environments", "credential_types")
# How often AWX is asked for inventories until one that was deleted is gone.
DELETING = 3
# What a message of a notification may name, as far as it is checked here.
JOB = {"id": 42, "name": "a job", "status": "failed", "artifacts": {}}
MESSAGE = {
    "job": JOB,
    "url": "https://awx/#/jobs/playbook/42",
    "job_friendly_name": "Job",
    "job_metadata": "{}",
    "approval_status": "pending",
    "approval_node_name": "an approval",
    "workflow_url": "https://awx/#/jobs/workflow/43",
}
EVENTS = {"started", "success", "error", "workflow_approval"}
# What can be attached to what, and where the attached things are.
LISTS = {
    "organizations": {"galaxy_credentials": "credentials"},
    "job_templates": {
        "credentials": "credentials",
        **dict.fromkeys(NOTIFICATIONS[:3], "notification_templates"),
    },
    "workflow_job_templates": dict.fromkeys(NOTIFICATIONS, "notification_templates"),
    "workflow_job_template_nodes": dict.fromkeys(NODES, "workflow_job_template_nodes"),
}
DEFAULTS: dict[str, Item] = {
    "job_templates": {
        "description": "",
        "survey_enabled": False,
        "extra_vars": "",
        "job_slice_count": 1,
        "ask_variables_on_launch": False,
        "use_fact_cache": False,
    },
    "schedules": {"extra_data": {}, "enabled": True, "description": ""},
    "projects": {"scm_revision": ""},
    "inventories": {"pending_deletion": False},
    "notification_templates": {"messages": dict.fromkeys(sorted(EVENTS))},
}


class Refused(Exception):
    """A request that AWX would answer with an error."""

    def __init__(self, code: int, told: object) -> None:
        super().__init__(told)
        self.code, self.told = code, told


@dataclass
class Controller:
    """What the stand-in holds, by endpoint and id, and the requests that wrote."""

    items: dict[str, dict[int, Item]] = field(default_factory=lambda: {name: {} for name in TYPES})
    attached: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)
    surveys: dict[int, Item] = field(default_factory=dict)
    secrets: dict[int, Item] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    url: str = ""
    _deleting: dict[int, int] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def __post_init__(self) -> None:
        """Hold what every AWX has."""
        (amazon, galaxy) = (
            self._keep("credential_types", {"name": name})
            for name in ("Amazon Web Services", "Ansible Galaxy/Automation Hub API Token")
        )
        self._keep(
            "credentials", {"name": "Ansible Galaxy", "credential_type": galaxy["id"], "inputs": {}}
        )
        self._amazon = amazon["id"]

    def add_organisation(self, name: str, same: dict[str, str]) -> None:
        """Hold another organisation, with things of the given names: names by endpoint."""
        organisation = self._keep("organizations", {"name": name})["id"]
        for endpoint, thing in same.items():
            kind = {"credential_type": self._amazon} if endpoint == "credentials" else {}
            self._keep(endpoint, {"name": thing, "organization": organisation, **kind})

    # Requests

    def answer(self, method: str, target: str, data: Item) -> tuple[int, object]:
        """Answer one request as (status, body)."""
        parts = urlsplit(target)
        path = [part for part in parts.path.removeprefix("/api/v2/").split("/") if part]
        if method != "GET":
            self.writes.append(f"{method} {parts.path}")
        elif path[0] == "inventories":
            self._go_on_deleting()
        match path:
            case ["unified_job_templates"] if method == "GET":
                return 200, self._page(self._runnable(), dict(parse_qsl(parts.query)))
            case ["inventory_updates", _number]:
                return 200, {"id": 1, "status": "successful", "finished": True, "failed": False}
            case [endpoint] if endpoint in TYPES:
                if method == "GET":
                    found = list(self.items[endpoint].values())
                    return 200, self._page(found, dict(parse_qsl(parts.query)))
                return 201, self._create(endpoint, data)
            case [endpoint, number] if endpoint in TYPES:
                return self._one(method, endpoint, self._find(endpoint, number), data)
            case [endpoint, number, below] if endpoint in TYPES:
                return self._below(method, endpoint, self._find(endpoint, number), below, data)
        raise Refused(404, {"detail": "Not found."})

    def _find(self, endpoint: str, number: str) -> Item:
        try:
            return self.items[endpoint][int(number)]
        except (KeyError, ValueError) as exc:
            raise Refused(404, {"detail": "Not found."}) from exc

    def _runnable(self) -> list[Item]:
        return [item for endpoint in RUNNABLE for item in self.items[endpoint].values()]

    def _page(self, items: list[Item], query: dict[str, str]) -> Item:
        wanted = [pair for pair in query.items() if pair[0] != "page_size"]
        all_of = [(key, value) for key, value in wanted if not key.startswith("or__")]
        any_of = [(key[4:], value) for key, value in wanted if key.startswith("or__")]
        found = [
            self._shown(item)
            for item in items
            if all(str(item.get(key)) == value for key, value in all_of)
            and (not any_of or any(str(item.get(key)) == value for key, value in any_of))
        ]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _one(self, method: str, endpoint: str, item: Item, data: Item) -> tuple[int, object]:
        if method == "DELETE":
            return self._delete(endpoint, item)
        if method == "PATCH":
            self._check(endpoint, {**item, **data})
            item.update(self._without_secrets(endpoint, item["id"], data))
        return 200, self._shown(item)

    def _delete(self, endpoint: str, item: Item) -> tuple[int, object]:
        """Delete an item; an inventory goes on being deleted after the answer."""
        if endpoint == "inventories":
            if item["id"] in self._deleting:
                raise Refused(500, {"error": "Inventory is already pending deletion."})
            item["pending_deletion"] = True
            self._deleting[item["id"]] = DELETING
            return 202, None
        sources = self.items["inventory_sources"].values()
        if endpoint == "projects" and any(
            source["inventory"] in self._deleting and source["source_project"] == item["id"]
            for source in sources
        ):
            raise Refused(500, {"detail": "A server error has occurred."})
        self._forget(endpoint, item["id"])
        return 204, None

    def _go_on_deleting(self) -> None:
        for number in list(self._deleting):
            self._deleting[number] -= 1
            if not self._deleting[number]:
                del self._deleting[number]
                sources = list(self.items["inventory_sources"].values())
                for source in sources:
                    if source["inventory"] == number:
                        self._forget("inventory_sources", source["id"])
                self._forget("inventories", number)

    def _forget(self, endpoint: str, number: int) -> None:
        del self.items[endpoint][number]
        for ids in self.attached.values():
            if number in ids:
                ids.remove(number)

    def _create(self, endpoint: str, data: Item) -> Item:
        self._check(endpoint, data)
        return self._shown(self._keep(endpoint, data))

    def _keep(self, endpoint: str, data: Item) -> Item:
        number = next(self._ids)
        kind = {"id": number, "type": TYPES[endpoint], "url": f"/api/v2/{endpoint}/{number}/"}
        item = {
            **DEFAULTS.get(endpoint, {}),
            **self._without_secrets(endpoint, number, data),
            **kind,
        }
        if endpoint == "inventory_sources":
            item["organization"] = self.items["inventories"][item["inventory"]]["organization"]
        self.items[endpoint][number] = item
        return item

    def _without_secrets(self, endpoint: str, number: int, data: Item) -> Item:
        if endpoint != "credentials" or "inputs" not in data:
            return data
        self.secrets[number] = data["inputs"]
        shown = {
            key: value if key == "username" else HIDDEN for key, value in data["inputs"].items()
        }
        return {**data, "inputs": shown}

    def _shown(self, item: Item) -> Item:
        related = {}
        if item["type"] == "job_template":
            related["survey_spec"] = f"{item['url']}survey_spec/"
        if item["type"] == "inventory_source":
            related["update"] = f"{item['url']}update/"
        if item["type"] == "workflow_job_template_node" and item.get("unified_job_template"):
            target = item["unified_job_template"]
            endpoint = next(one for one in RUNNABLE if target in self.items[one])
            related["unified_job_template"] = f"/api/v2/{endpoint}/{target}/"
        return {**item, "related": related, "summary_fields": {}}

    def _below(
        self, method: str, endpoint: str, item: Item, below: str, data: Item
    ) -> tuple[int, object]:
        if (endpoint, below) == ("job_templates", "survey_spec"):
            return self._survey(method, item["id"], data)
        if (endpoint, below, method) == ("inventory_sources", "update", "POST"):
            return 202, {"id": 1, "status": "pending", "url": "/api/v2/inventory_updates/1/"}
        if below == "create_approval_template" and endpoint == "workflow_job_template_nodes":
            approval = self._create("workflow_approval_templates", data)
            item["unified_job_template"] = approval["id"]
            return 201, approval
        source = LISTS.get(endpoint, {}).get(below)
        if source is None:
            raise Refused(404, {"detail": "Not found."})
        ids = self.attached.setdefault((endpoint, item["id"], below), [])
        if method == "GET":
            return 200, self._page([self.items[source][one] for one in ids], {})
        if data.get("disassociate"):
            ids.remove(data["id"])
            return 204, None
        other = self._find(source, data["id"])
        self._check_attached(endpoint, item, below, other)
        ids.append(other["id"])
        return 204, None

    def _survey(self, method: str, number: int, data: Item) -> tuple[int, object]:
        if method == "POST":
            shape: dict[str, type] = {"name": str, "description": str, "spec": list}
            for key, kind in shape.items():
                if not isinstance(data.get(key), kind):
                    raise Refused(400, {"error": f"Field '{key}' is missing from survey spec."})
            for question in data["spec"]:
                wanted: dict[str, type] = dict.fromkeys(("type", "question_name", "variable"), str)
                for key, kind in {**wanted, "required": bool}.items():
                    if not isinstance(question.get(key), kind):
                        raise Refused(400, {"error": f"'{key}' missing from survey question"})
                if not isinstance(question["default"], str):
                    raise Refused(400, {"error": "Default value expected to be string."})
            self.surveys[number] = data
        if method == "DELETE":
            self.surveys.pop(number, None)
        return 200, self.surveys.get(number, {})

    # What AWX refuses

    def _check(self, endpoint: str, data: Item) -> None:
        keys = ("organization", "inventory", "workflow_job_template", "credential_type")
        for other in self.items[endpoint].values():
            same = all(
                other.get(key) == data.get(key)
                for key in ("name", "identifier", *(() if endpoint in UNIQUE else keys))
            )
            if same and other["id"] != data.get("id") and endpoint != "workflow_approval_templates":
                raise Refused(400, {"__all__": [f"{TYPES[endpoint]} with this name exists"]})
        if endpoint == "schedules":
            self._check_schedule(data)
        if endpoint == "notification_templates":
            _check_messages(data.get("messages") or {})

    def _check_schedule(self, data: Item) -> None:
        rule = data["rrule"]
        dates = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rule)
        if len(dates) != 1 or re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule):
            raise Refused(400, {"rrule": ["DTSTART cannot be a naive datetime."]})
        if "INTERVAL" not in rule or re.search("SECONDLY|RDATE|EXDATE", rule):
            raise Refused(400, {"rrule": ["INTERVAL required in rrule"]})
        template = next(
            one for one in self._runnable() if one["id"] == data["unified_job_template"]
        )
        survey = self.surveys.get(template["id"], {}) if template.get("survey_enabled") else {}
        questions = {question["variable"]: question for question in survey.get("spec", ())}
        answers = data.get("extra_data") or {}
        missing = [
            f"'{name}' value missing"
            for name, question in questions.items()
            if question["required"] and name not in answers
        ]
        wrong = [
            f"Value {answer} for '{name}' is not a string that it takes"
            for name, answer in answers.items()
            if name in questions
            and not (isinstance(answer, str) and answer in questions[name].get("choices", [answer]))
        ]
        if missing or wrong:
            raise Refused(400, {"variables_needed_to_start": missing + wrong})
        refused = sorted(set(answers) - set(questions))
        if refused and not template.get("ask_variables_on_launch"):
            raise Refused(400, {"extra_data": [f"Variables {refused} are not allowed"]})

    def _check_attached(self, endpoint: str, item: Item, below: str, other: Item) -> None:
        if below == "credentials":
            held = self.attached[(endpoint, item["id"], below)]
            kinds = {self.items["credentials"][one]["credential_type"] for one in held}
            if other["credential_type"] in kinds:
                raise Refused(400, {"error": "Cannot assign multiple credentials of one type."})
        if below in NODES and other["workflow_job_template"] != item["workflow_job_template"]:
            raise Refused(400, {"error": "Nodes are of different workflows."})


def _check_messages(messages: Item) -> None:
    """Refuse messages of a notification that AWX could not render."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    if not messages.keys() <= EVENTS:
        raise Refused(400, {"messages": [f"Event invalid: {sorted(messages)}"]})
    approvals = messages.get("workflow_approval") or {}
    for event in (
        *(messages.get(name) for name in EVENTS - {"workflow_approval"}),
        *approvals.values(),
    ):
        for kind, text in (event or {}).items():
            if kind not in ("message", "body") or (kind == "message" and "\n" in text):
                raise Refused(400, {"messages": [f"{kind} {text!r} is not allowed"]})
            try:
                environment.from_string(text or "").render(MESSAGE)
            except jinja2.TemplateError as exc:
                raise Refused(
                    400, {"messages": [f"Unable to render message {text!r}: {exc}"]}
                ) from exc


@contextmanager
def serve() -> Iterator[Controller]:
    """Run the stand-in on a free port."""
    controller = Controller()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        """One request after the other."""

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
            """Say nothing."""

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            status: int
            body: object
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, body = 401, {"detail": "Authentication credentials were not provided."}
            else:
                with lock:
                    try:
                        data = json.loads(text) if text else {}
                        status, body = controller.answer(self.command, self.path, data)
                    except Refused as exc:
                        status, body = exc.code, exc.told
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if body is not None:
                self.wfile.write(json.dumps(body).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    controller.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield controller
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


__all__ = ("HIDDEN", "TOKEN", "Controller", "Item", "Refused", "serve")
