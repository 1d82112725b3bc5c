# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the whole lab in one file: saved at rest, restored in place.

A store is a dict or set at the top of a module that holds what requests make. Every scoped dict of
a service is one; the others are listed here, and so is what only looks like a store.
lab/tests/server/test_saved_state.py fails when a module has one that is in neither list.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from ..settings import Settings
from ..version import MINISTACK_VERSION
from .work import at_work, contents

_SERVICES = "ministack.services."
_LAB = "lab."
_SCOPED = (AccountRegionScopedDict, AccountScopedDict)
# Plain dicts and sets that are stores.
PLAIN = frozenset(
    {
        "lab.account.regions._disabled",
        "lab.cloudformation.drift_readers._applied",
        "lab.cloudformation.tokens._accepted",
        "lab.codepipeline.executions.PIPELINES",
        "lab.iam.stored_policies._dead",
        "lab.repositories.store.REPOSITORIES",
        "ministack.services.sts._sessions",
    }
)
# Registries that no request changes.
CONSTANT = frozenset({"ministack.services.iam._aws_managed_policies"})
# What belongs to the process that runs: workers, tasks, caches. A restored lab begins without.
RUNTIME = frozenset(
    {
        "lab.cloudformation.drift_detection._background",
        "lab.cloudformation.operations._background",
        "lab.codebuild.handover._waiting",
        "ministack.services.cloudformation.custom_resource._pending",
        "ministack.services.cloudformation.wait_conditions._handles",
        "ministack.services.cloudformation.wait_conditions._waiting",
        "ministack.services.cloudwatch_logs._live_tail_sessions",
        "ministack.services.codebuild._stopped_builds",
        "ministack.services.eventbridge._oauth_tokens",
        "ministack.services.eventbridge._rule_last_fired",
        "ministack.services.lambda_svc._docker_extract_dirs",
        "ministack.services.lambda_svc._esm_inflight",
        "ministack.services.lambda_svc._inflight",
        "ministack.services.lambda_svc._provided_code_dirs",
        "ministack.services.lambda_svc._warm_pool",
        "ministack.services.s3._olap_requests",
    }
)


class StateError(ValueError):
    """The state cannot be saved or restored; the message has the reason."""


def save(path: Path, settings: Settings, *, in_flight: int) -> None:
    """Write the state to a file. Something at work, or the lab's address in it, is an error."""
    _check_rest(in_flight)
    data = pickle.dumps(
        {
            "version": MINISTACK_VERSION,
            "accounts": sorted(settings.accounts),
            "stores": {name: contents(store) for name, store in stores() if contents(store)},
        }
    )
    port = os.environ["GATEWAY_PORT"]
    if re.search(rf":{port}(?!\d)".encode(), data):
        raise StateError(f"the state holds the address of this lab, port {port}")
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_bytes(data)
    scratch.replace(path)


def restore(path: Path, settings: Settings, *, in_flight: int) -> None:
    """Replace the state by that of a file, and put every switch back."""
    _check_rest(in_flight)
    # The file is the lab's own, and it holds no more than the lab may do anyhow.
    saved = pickle.loads(path.read_bytes())  # noqa: S301
    if saved["version"] != MINISTACK_VERSION:
        raise StateError(
            f"{path} is of MiniStack {saved['version']}, and this is {MINISTACK_VERSION}"
        )
    clear()
    for name, data in saved["stores"].items():
        module, _unused, attribute = name.rpartition(".")
        contents(getattr(import_module(module), attribute)).update(data)
    settings.reset()
    settings.accounts = set(saved["accounts"])


def clear() -> None:
    """Empty every store, and end the workers."""
    app._reset_all_state()
    for _name, store in stores():
        contents(store).clear()


def stores() -> Iterator[tuple[str, Any]]:
    """Every store of the modules that are loaded, by its full name."""
    for module in modules():
        for attribute, value in list(vars(sys.modules[module]).items()):
            name = f"{module}.{attribute}"
            if isinstance(value, _SCOPED) or name in PLAIN:
                yield name, value


def modules() -> list[str]:
    """The modules that may hold stores."""
    return [name for name in sorted(sys.modules) if name.startswith((_SERVICES, _LAB))]


def _check_rest(in_flight: int) -> None:
    if work := "; ".join(item.what for item in at_work(in_flight)):
        raise StateError(f"the lab is at work: {work}")


__all__ = (
    "CONSTANT",
    "PLAIN",
    "RUNTIME",
    "StateError",
    "clear",
    "modules",
    "restore",
    "save",
    "stores",
)
