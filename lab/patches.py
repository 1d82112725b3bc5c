# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the lab restores of AWS's behaviour, one concern a file."""

from __future__ import annotations

from lab import (
    buckets,
    builds,
    call_resources,
    conditions,
    drift_detection,
    drift_readers,
    event_targets,
    exports,
    function_code,
    latency,
    log_streams,
    names,
    operations,
    permissions,
    pipeline_resources,
    pipelines,
    principals,
    references,
    revert_drift,
    service_roles,
    stack_policies,
    stack_records,
    storage,
    stored_policies,
    template_urls,
    templates,
    tokens,
)
from lab.settings import Settings


def install(settings: Settings) -> None:
    """Apply every patch to the MiniStack of this process.

    The order matters where two wrap the same function: events are turned into those of AWS before
    they are remembered, and a repeated request is known before it is judged.
    """
    buckets.install()
    conditions.install(settings)
    drift_readers.install()
    principals.install(settings)
    storage.install()
    stored_policies.install()
    references.install()
    templates.install()
    template_urls.install()
    permissions.install()
    function_code.install()
    log_streams.install()
    call_resources.install()
    builds.install()
    pipeline_resources.install()
    names.install()
    stack_policies.install()
    exports.install()
    stack_records.install(settings)
    latency.install(settings)
    drift_detection.install(settings)
    revert_drift.install()
    operations.install(settings)
    tokens.install()
    service_roles.install()
    pipelines.install(settings)
    event_targets.install()


__all__ = ("install",)
