# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables: the namespaces of actions, and the references to them in a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Data = dict[str, Any]
Variables = dict[str, dict[str, str]]  # by namespace

_RESERVED = "codepipeline"
_REFERENCE = re.compile(r"#\{([^}]*)\}")
_FORMAT = re.compile(r"[A-Za-z0-9@_-]+\.[A-Za-z0-9@_-]+")
# Bytes: of what an action produces, and of a configuration with its variables resolved.
_MOST_PRODUCED = 122_880
_MOST_RESOLVED = 100 * 1024


class UnresolvedError(Exception):
    """A configuration whose variables cannot be resolved."""


def reserved(execution_id: str) -> Variables:
    """The variables that every execution has."""
    return {_RESERVED: {"PipelineExecutionId": execution_id}}


def problems(pipeline: Data) -> Iterator[str]:
    """What CodePipeline refuses: it knows namespaces and order, but not what an action produces."""
    made: dict[str, tuple[int, int]] = {}
    artifacts = {
        artifact["name"]
        for _place, action in _places(pipeline)
        for artifact in action.get("outputArtifacts", [])
    }
    for place, action in _places(pipeline):
        if (namespace := action.get("namespace")) is None:
            continue
        if namespace == _RESERVED or namespace in artifacts:
            yield f"Namespace {namespace} of action {action['name']} is reserved or an artifact's"
        elif namespace in made:
            yield f"Namespace {namespace} is not unique in the pipeline"
        made[namespace] = place
    for place, action in _places(pipeline):
        for key, value in action.get("configuration", {}).items():
            for reference in _REFERENCE.findall(value):
                namespace = reference.partition(".")[0]
                where = f"#{{{reference}}} in {key} of action {action['name']}"
                if not _FORMAT.fullmatch(reference):
                    yield f"{where} is not a namespace and a key separated by a period"
                elif namespace != _RESERVED and namespace not in made:
                    yield f"{where} is referencing a namespace that does not exist"
                elif namespace != _RESERVED and made[namespace] >= place:
                    yield f"{where} is produced by no earlier action"


def _places(pipeline: Data) -> Iterator[tuple[tuple[int, int], Data]]:
    """Every action with its stage and its run order."""
    for number, stage in enumerate(pipeline["stages"]):
        for action in stage["actions"]:
            yield (number, action.get("runOrder", 1)), action


def resolve(configuration: dict[str, str], known: Variables) -> dict[str, str]:
    """A configuration with values in place of references, unquoted. Raises UnresolvedError."""

    def value_of(match: re.Match[str]) -> str:
        namespace, _period, key = match[1].partition(".")
        if key not in known.get(namespace, {}):
            raise UnresolvedError(f"Variable {match[0]} is not known")
        return known[namespace][key]

    found = {key: _REFERENCE.sub(value_of, value) for key, value in configuration.items()}
    if sum(len(value.encode()) for value in found.values()) > _MOST_RESOLVED:
        raise UnresolvedError(f"The resolved configuration has over {_MOST_RESOLVED} bytes")
    return found


def is_too_large(produced: dict[str, str]) -> bool:
    """Whether an action produces more than CodePipeline takes."""
    return sum(len(f"{key}{value}".encode()) for key, value in produced.items()) > _MOST_PRODUCED


__all__ = ("UnresolvedError", "Variables", "is_too_large", "problems", "reserved", "resolve")
