# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of hosts, as Ansible has them. Nothing else reads the inventory.

A host costs one look-up (about 1 ms), a value that holds a template about 1 ms more; values
without a template are taken as they are. A template that fails is a problem of its host and field.
"""

from __future__ import annotations

import os
import re
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.template import Templar

try:
    # Where a value is set; no public name gives it. Without it, messages name the host's file.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

from .._errors import PipelineError
from .._fields import UNREADABLE, entry_label
from .problems import Problems

_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_DYNAMIC_REFERENCE = re.compile(r"\{\{\s*resolve:")
# One step of a field such as pipeline.stacks[hello].name
_PART = re.compile(r"^[^.\[]*|\.[^.\[]*|\[[^\]]*\]?")
_PLAIN = (bool, int, float, type(None))

Groups = t.Mapping[str, t.Sequence[str]]
HostVars = t.Mapping[str, t.Mapping[str, t.Any]]


class Variables:
    """Groups, and the variables of every host.

    :param hostvars: Ansible's own ``hostvars``, or plain mappings.
    :param loader: reads files for look-ups in templates: ``_loader`` of an action.
    """

    def __init__(self, groups: Groups, hostvars: HostVars, *, loader: t.Any = None) -> None:
        self.groups = {name: list(members) for name, members in groups.items()}
        self.problems = Problems(self.place)
        self.hostvars = hostvars
        self._loader = loader
        self._raw: dict[str, t.Mapping[str, t.Any]] = {}
        self._templars: dict[str, t.Any] = {}
        self._values: dict[tuple[str, str], t.Any] = {}
        self._origins: dict[tuple[str, str], t.Any] = {}

    def get(self, host: str, name: str, default: t.Any = None) -> t.Any:
        """Return a variable's value; *default* if unset, null or unreadable.

        Inside a list or mapping, UNREADABLE takes the place of what could not be templated.
        """
        value = self.value(host, name)
        return default if value is None or value is UNREADABLE else value

    def value(self, host: str, name: str) -> t.Any:
        """Return a variable's value, None if unset, or UNREADABLE."""
        key = (host, name)
        if key not in self._values:
            self._values[key] = self._read(host, name, self._of(host).get(name))
        return self._values[key]

    def file(self, host: str) -> str | None:
        """Return the inventory file of *host*."""
        value = self._of(host).get("inventory_file")
        return None if value is None else str(value)

    def place(self, host: str, field: str) -> str | None:
        """Return where a field such as ``pipeline.stacks[hello].name``, or its parent, is set."""
        while field:
            origin = self._origins.get((host, field))
            if origin is not None and origin.path:
                return f"{_short(origin.path)}:{origin.line_num}"
            field = field[: max(match.start() for match in _PART.finditer(field))]
        file = self.file(host)
        return None if file is None else _short(file)

    def _of(self, host: str) -> t.Mapping[str, t.Any]:
        if host not in self._raw:
            raw_get = getattr(self.hostvars, "raw_get", None)
            try:
                self._raw[host] = raw_get(host) if raw_get else self.hostvars[host]
            except AnsibleError as exc:
                raise PipelineError(
                    f"the variables of host {host} cannot be read: {_place(exc)}{exc}".rstrip("."),
                    cure="Correct the file",
                ) from exc
        return self._raw[host]

    def _read(self, host: str, field: str, value: t.Any) -> t.Any:
        """Return *value* as plain data, with its templates evaluated one by one."""
        if Origin is not None and (origin := Origin.get_tag(value)) is not None:
            self._origins[host, field] = origin
        if isinstance(value, str):
            # Subclasses of str carry Ansible's tags, which mark what may be templated.
            return self._template(host, field, value) if _TEMPLATE.search(value) else str(value)
        if isinstance(value, Mapping):
            return {
                str(key) if isinstance(key, str) else key: self._read(host, f"{field}.{key}", item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [
                self._read(host, f"{field}[{entry_label(item, number)}]", item)
                for number, item in enumerate(value, start=1)
            ]
        return value if isinstance(value, _PLAIN) else self._template(host, field, value)

    def _template(self, host: str, field: str, value: t.Any) -> t.Any:
        """Return the value of a template, or of text in a vault."""
        if host not in self._templars:
            self._templars[host] = Templar(loader=self._loader, variables=self._of(host))
        try:
            return _plain(self._templars[host].template(value))
        except AnsibleError as exc:
            # What a vault holds has no text without its password.
            text = value if isinstance(value, str) else ""
            self.problems.add(*_explain(field, text, exc), host=host)
            return UNREADABLE


def _short(path: str) -> str:
    """Return *path* relative to the working directory, if it is below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


def _place(exc: BaseException | None) -> str:
    """Return the file, line and column of an error of the YAML reader; empty if it has none."""
    while exc is not None:
        place = getattr(exc, "obj", None)
        if place is not None:
            return f"{place}: "
        exc = exc.__cause__ or exc.__context__
    return ""


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def is_dynamic_reference(text: str) -> bool:
    """Return whether *text* holds one of CloudFormation's ``{{resolve:...}}``."""
    return _DYNAMIC_REFERENCE.search(text) is not None


def _explain(field: str, text: str, exc: AnsibleError) -> tuple[str, str]:
    """Return what is wrong with a template, and what to do."""
    if is_dynamic_reference(text):
        return (
            (
                f"{field}: {{{{resolve:...}}}} is a dynamic reference of CloudFormation, which"
                " Jinja"
                " cannot read"
            ),
            (
                "In a pipeline, put it in the template or the template configuration;"
                " elsewhere write"
                " the value as !unsafe"
            ),
        )
    reason = " ".join(str(exc).split())
    if not text:
        return f"{field}: {reason}", "Give the password of the vault, or correct the value"
    if isinstance(exc, AnsibleUndefinedVariable):
        return f"{field}: {reason}", "Define it for this host, or correct the template"
    return (
        f"{field}: {reason} (in {text!r})",
        "Correct the template. If it is plain text, write it as !unsafe",
    )


__all__ = (
    "Groups",
    "HostVars",
    "Variables",
    "is_dynamic_reference",
)
