# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge one CloudFormation stack; documented by the module of the same name."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import yaml
from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import STACK
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import (
    AccountSession,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.compare import (
    compare,
    describe,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.converge import (
    Converger,
    Outcome,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import (
    Desired,
    Found,
    parameter_value,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.remove import Remover
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.retained import (
    Retained,
    RetainedData,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import (
    ParameterKind,
    check_body,
    parameter_kinds,
    render,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.upload import (
    TemplateStore,
)

ARGUMENT_SPEC = STACK

_HIDDEN = "****"


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Converge the stack, compare it, or remove it."""
        self.require("account_id", "region")
        if self.options["state"] == "absent":
            return self._remove()
        if self.options["state"] == "compared":
            return self._compare(self._desired())
        return self._converge(self._desired())

    def _compare(self, desired: Desired) -> dict[str, t.Any]:
        client = self._open().client("cloudformation", self.options["region"])
        comparison = compare(StackApi(client), desired)
        found = comparison.found
        return {
            "changed": False,
            "operation": comparison.operation,
            "stack": self._identity() | _known(found),
            "differences": describe(comparison.differences, desired.template),
            "changes": [],
            "retained": [],
        }

    def _converge(self, desired: Desired) -> dict[str, t.Any]:
        session = self._open()
        client = session.client("cloudformation", self.options["region"])
        outcome = Converger(
            client,
            desired,
            patience=self._patience(),
            allow_replacement=self.options["allow_replacement"],
            resources_to_skip=self.options["resources_to_skip"],
            templates=self._templates(session),
            check_mode=self._task.check_mode,
        ).run()
        result = self._result(outcome, desired)
        if outcome.operation == "create" and self.options["find_retained"]:
            owned = StackApi(client).physical_ids(outcome.found.stack_id) if outcome.found else ()
            retained = RetainedData(session, self.options["region"]).of(desired.name, owned=owned)
            result["retained"] = _retained(retained)
        return result

    def _remove(self) -> dict[str, t.Any]:
        session = self._open()
        region, name = self.options["region"], self.options["stack_name"]
        removal = Remover(
            StackApi(session.client("cloudformation", region)),
            name=name,
            patience=self._patience(),
            retained_data=RetainedData(session, region) if self.options["find_retained"] else None,
            purge_data=self.options["purge_data"],
            check_mode=self._task.check_mode,
        ).run()
        result: dict[str, t.Any] = {
            "changed": removal.changed,
            "operation": "delete" if removal.changed else "none",
            "stack": self._identity()
            | {"stack_id": None, "status": None}
            | {"parameters": removal.found.parameters if removal.found else {}},
            "changes": [],
            "retained": _retained(removal.retained),
        }
        if removal.changed:
            purged = [f"{one.kind} {one.name}" for one in removal.retained if one.purged]
            before = "\n".join([*removal.resources, *purged])
            result["diff"] = [self._entry("resources", before, "")]
        return result

    def _open(self) -> AccountSession:
        return gateway_of(self.options).open(account_of(self.options))

    def _templates(self, session: AccountSession) -> TemplateStore | None:
        bucket = self.options["template_bucket"]
        if not bucket:
            return None
        region = self.options["region"]
        return TemplateStore(lambda: session.client("s3", region), bucket)

    def _patience(self) -> Patience:
        host = self.task_vars.get("inventory_hostname", "")
        return Patience(
            self.options["wait_timeout"],
            speak=lambda line: Display().display(f"{host}: {line}"),
        )

    def _identity(self) -> dict[str, t.Any]:
        return {
            **{key: self.options[key] for key in ("stack_name", "account_id", "region")},
            "outputs": {},
            "parameters": {},
        }

    def _template(self) -> str:
        path, body = self.options["template"], self.options["template_body"]
        if path and body:
            raise PipelineError("template and template_body exclude each other")
        if not (path or body):
            raise PipelineError("missing required argument: template or template_body")
        text = render(Path(self._find_needle("files", path))) if path else str(body)
        check_body(
            text,
            name=f"template {Path(path).name}" if path else "template_body",
            has_bucket=bool(self.options["template_bucket"]),
        )
        return text

    def _desired(self) -> Desired:
        template = self._template()
        return Desired(
            name=self.options["stack_name"],
            template=template,
            parameters={
                str(name): parameter_value(name, value)
                for name, value in self.options["parameters"].items()
            },
            tags={
                str(name): _tag_value(str(name), value)
                for name, value in self.options["tags"].items()
            },
            capabilities=tuple(self.options["capabilities"]),
            termination_protection=self.options["termination_protection"],
            stack_policy=self.options["stack_policy"],
        )

    def _result(self, outcome: Outcome, desired: Desired) -> dict[str, t.Any]:
        found = outcome.found
        result: dict[str, t.Any] = {
            "changed": outcome.changed,
            "operation": outcome.operation,
            "stack": self._identity() | _known(found),
            "changes": [dataclasses.asdict(change) for change in outcome.changes],
            "retained": [],
        }
        if outcome.changed:
            result["diff"] = self._diff(outcome, desired)
        return result

    def _diff(self, outcome: Outcome, desired: Desired) -> list[dict[str, str]]:
        """Return what ``--diff`` shows: the changes, then what differs, secrets hidden."""
        if outcome.operation == "repair" and outcome.found is not None:
            found = outcome.found
            return [self._entry("status", found.status, found.verdict.value)]
        parameters = parameter_kinds(desired.template)
        result = []
        if outcome.changes:
            changes = "\n".join(str(change) for change in outcome.changes)
            result.append(self._entry("change set", "", changes))
        for one in outcome.differences:
            before, after = (_shown(value, parameters) for value in (one.before, one.after))
            result.append(self._entry(one.what, before, after))
        if outcome.operation == "create":
            result.append(self._entry("parameters", "", _shown(desired.parameters, parameters)))
        return result

    def _entry(self, what: str, before: str, after: str) -> dict[str, str]:
        options = self.options
        place = f"{options['stack_name']} in {options['account_id']} {options['region']}"
        return {
            "before_header": f"{place} ({what})",
            "after_header": f"{place} ({what})",
            "before": f"{before}\n" if before else "",
            "after": f"{after}\n" if after else "",
        }


def _known(found: Found | None) -> dict[str, t.Any]:
    """Return what a result says of a stack, beside what it is called and where it is."""
    return {
        "stack_id": found.stack_id if found else None,
        "status": found.status if found else None,
        "outputs": found.outputs if found else {},
        "parameters": found.parameters if found else {},
    }


def _retained(retained: t.Iterable[Retained]) -> list[dict[str, t.Any]]:
    return [dataclasses.asdict(one) | {"name": one.name} for one in retained]


def _tag_value(name: str, value: t.Any) -> str:
    text = str(value)
    if not (text.isascii() and name.isascii()):
        raise PipelineError(f"tag {name}: {text!r} is not ASCII", cure="Use plain letters")
    return text


def _shown(value: t.Any, parameters: t.Mapping[str, ParameterKind]) -> str:
    """Return *value* as lines that a diff can compare: lists item by item, secrets hidden."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = {key: _shown_value(parameters.get(key), one) for key, one in value.items()}
    return str(yaml.safe_dump(value, default_flow_style=False)).strip()


def _shown_value(kind: ParameterKind | None, value: t.Any) -> t.Any:
    if kind is ParameterKind.HIDDEN:
        return _HIDDEN
    if kind is ParameterKind.LIST:
        return [item for item in value.split(",") if item]
    return value
