# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outputs of deployed stacks, which later actions of a release take as variables. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t
from collections.abc import Iterator

GET_OUTPUT = "Fn::GetOutput"

_NAMESPACE = r"s-[0-9a-f]{8}"
_REFERENCE = re.compile(rf"#\{{({_NAMESPACE})\.")

Data = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output:
    """An output of a stack that one environment has in one region."""

    stack: str
    name: str
    host: str
    region: str

    @property
    def reference(self) -> str:
        """The variable of CodePipeline that holds its value."""
        return f"#{{{namespace(self.host, self.region, self.stack)}.{self.name}}}"


def namespace(host: str, region: str, stack: str) -> str:
    """Return the namespace of the action that deploys *stack*.

    Short, as each reference counts in an action's configuration. The hyphen keeps it apart from
    artifacts, whose names have none.
    """
    digest = hashlib.sha256(f"{host} {region} {stack}".encode("ascii")).hexdigest()
    return f"s-{digest[:8]}"


def output_of(arguments: t.Sequence[str], host: str = "", region: str = "") -> Output:
    """Return the output that the *arguments* of the function name.

    :param host: where the function is used; for arguments that name no host and region.
    """
    stack, name, *place = arguments
    if place:
        host, region = place
    return Output(stack=stack, name=name, host=host, region=region)


def outputs_in(parameters: Data, host: str, region: str) -> Iterator[tuple[str, Output]]:
    """Yield each parameter that is an output, for the stack in *region* of *host*."""
    for name, value in parameters.items():
        if isinstance(value, dict) and GET_OUTPUT in value:
            yield name, output_of(value[GET_OUTPUT], host, region)


def with_references(parameters: Data, host: str, region: str) -> Data:
    """Return *parameters* with variables of CodePipeline in place of outputs."""
    found = {name: output.reference for name, output in outputs_in(parameters, host, region)}
    return {**parameters, **found}


def is_namespace(text: str) -> bool:
    """Return whether *text* is a namespace of a deployed stack."""
    return re.fullmatch(_NAMESPACE, text) is not None


def referenced_namespaces(texts: t.Iterable[str]) -> set[str]:
    """Return the namespaces of all outputs that *texts* refer to."""
    return {found for text in texts for found in _REFERENCE.findall(text)}


__all__ = (
    "GET_OUTPUT",
    "Output",
    "is_namespace",
    "namespace",
    "output_of",
    "outputs_in",
    "referenced_namespaces",
    "with_references",
)
