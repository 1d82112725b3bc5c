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
import weakref
from collections.abc import Mapping

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.template import Templar

from .._errors import PipelineError
from .._fields import UNREADABLE, entry_label
from .problems import Problems
from .written import SCALARS, Origin, Written, how_to_quote

_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_DYNAMIC_REFERENCE = re.compile(r"\{\{\s*resolve:")
_NAME = re.compile(r"[A-Za-z_]\w*")
# One step of a field such as pipeline.stacks[hello].name
_PART = re.compile(r"^[^.\[]*|\.[^.\[]*|\[[^\]]*\]?")

Groups = t.Mapping[str, t.Sequence[str]]
HostVars = t.Mapping[str, t.Mapping[str, t.Any]]


class Variables:
    """Groups, and the variables of every host.

    :param hostvars: Ansible's own ``hostvars``, or plain mappings.
    :param loader: reads files for look-ups in templates: ``_loader`` of an action.
    """

    def __init__(self, groups: Groups, hostvars: HostVars, *, loader: t.Any = None) -> None:
        self.groups = {name: list(members) for name, members in groups.items()}
        # No cycle, so that what was read of thousands of hosts goes with the last who asks.
        self.problems = Problems(weakref.proxy(self))
        self.hostvars = hostvars
        self._loader = loader
        self._raw: dict[str, t.Mapping[str, t.Any]] = {}
        self._templars: dict[str, t.Any] = {}
        self._values: dict[tuple[str, str], t.Any] = {}
        self._origins: dict[tuple[str, str], t.Any] = {}
        self._uses: dict[tuple[str, str], frozenset[str]] = {}
        self._written = Written()

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
            raw = self._of(host).get(name)
            # Most are not set.
            self._values[key] = None if raw is None else self._read(host, name, raw)
        return self._values[key]

    def file(self, host: str) -> str | None:
        """Return the inventory file of *host*."""
        value = self._of(host).get("inventory_file")
        return None if value is None else str(value)

    def place(self, host: str, field: str) -> str | None:
        """Return where a field is set, else the inventory file of *host*."""
        place, file = self.line(host, field), self.file(host)
        return place or (None if file is None else _short(file))

    def line(self, host: str, field: str) -> str | None:
        """Return where a field such as ``pipeline.stacks[hello].name``, or its parent, is set."""
        for part in _parents(field):
            origin = self._origins.get((host, part))
            if origin is not None and origin.path:
                return f"{_short(origin.path)}:{origin.line_num}"
        return None

    def how_to_quote(self, host: str, field: str) -> str:
        """Return how to make text of the value of a field."""
        return how_to_quote(field, self._origins.get((host, field)))

    def uses(self, host: str, field: str) -> frozenset[str]:
        """Return the names in the template of a field, or of its parent."""
        found = (self._uses.get((host, part)) for part in _parents(field))
        return next((names for names in found if names is not None), frozenset())

    def names(self, host: str) -> list[str]:
        """Return the names of all variables of *host*."""
        return list(self._of(host))

    def locate(self, host: str, name: str) -> None:
        """Note where a variable is set, for messages, without reading it."""
        self._origin(host, name, self._of(host).get(name))

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

    def _read(self, host: str, field: str, value: t.Any, *, is_result: bool = False) -> t.Any:
        """Return *value* as plain data, with its templates evaluated one by one.

        :param is_result: whether it is the result of a template.
        """
        origin = self._origin(host, field, value)
        if isinstance(value, str):
            # Subclasses of str carry Ansible's tags, which mark what may be templated.
            is_template = not is_result and _TEMPLATE.search(value)
            return self._template(host, field, value) if is_template else str(value)
        if isinstance(value, SCALARS):
            return self._written.scalar(value, origin)

        def entry(name: str, item: t.Any, key: t.Any) -> t.Any:
            if isinstance(item, SCALARS):
                if self._origin(host, name, item) is None:
                    self._origins[host, name] = self._written.place(origin, key)
                return self._written.entry(item, origin, key)
            return self._read(host, name, item, is_result=is_result)

        if isinstance(value, Mapping):
            return {
                str(key) if isinstance(key, str) else key: entry(f"{field}.{key}", item, key)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [
                entry(f"{field}[{entry_label(item, number)}]", item, number - 1)
                for number, item in enumerate(value, start=1)
            ]
        return value if is_result else self._template(host, field, value)

    def _origin(self, host: str, field: str, value: t.Any) -> t.Any:
        """Return where a value is set, and keep it for messages."""
        origin = None if Origin is None else Origin.get_tag(value)
        if origin is not None:
            self._origins[host, field] = origin
        return origin

    def _template(self, host: str, field: str, value: t.Any) -> t.Any:
        """Return the value of a template, or of text in a vault."""
        if isinstance(value, str):
            self._uses[host, field] = frozenset(_NAME.findall(value))
        if host not in self._templars:
            self._templars[host] = Templar(loader=self._loader, variables=self._of(host))
        try:
            result = self._templars[host].template(value)
        except AnsibleError as exc:
            # What a vault holds has no text without its password.
            text = value if isinstance(value, str) else ""
            self.problems.add(*_explain(field, text, exc), host=host)
            return UNREADABLE
        return self._read(host, field, result, is_result=True)


def _parents(field: str) -> t.Iterator[str]:
    """Yield a field, then what it is in: ``a.b[c]``, ``a.b``, ``a``."""
    while field:
        yield field
        field = field[: max(match.start() for match in _PART.finditer(field))]


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
