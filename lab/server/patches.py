# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The patches of MiniStack, each with AWS's behaviour, in the order in which they apply."""

from __future__ import annotations

from ..account import regions
from ..cloudformation import (
    drift_detection,
    drift_readers,
    early_validation,
    exports,
    function_code,
    latency,
    names,
    nested_stacks,
    operations,
    permissions,
    references,
    release_resources,
    revert_drift,
    stack_policies,
    stack_records,
    template_urls,
    templates,
    tokens,
)
from ..codebuild import builds, projects
from ..codepipeline import connections
from ..codepipeline import service as codepipeline
from ..ecr import images
from ..events import targets
from ..functions import invocations, workers
from ..functions import logs as function_logs
from ..functions import properties as function_properties
from ..iam import (
    call_resources,
    conditions,
    log_streams,
    parsed_policies,
    principals,
    service_control,
    service_roles,
    sessions,
    stored_policies,
    web_identity,
)
from ..kms import foreign_keys
from ..organizations import service as organizations
from ..s3 import buckets, policies, storage
from ..settings import Settings
from ..sns import encrypted
from ..sqs import queues
from . import models


def install(settings: Settings) -> None:
    """Apply every patch to the MiniStack of this process.

    The order matters where two wrap the same function: events are turned into those of AWS before
    they are stored, and a repeated request is recognised before it is checked.
    """
    models.install()
    buckets.install()
    parsed_policies.install()
    conditions.install(settings)
    drift_readers.install()
    principals.install(settings)
    policies.install()
    service_control.install()
    regions.install()
    foreign_keys.install()
    storage.install()
    encrypted.install()
    stored_policies.install()
    references.install()
    templates.install()
    template_urls.install()
    permissions.install()
    nested_stacks.install()
    function_code.install()
    function_properties.install()
    log_streams.install()
    call_resources.install()
    organizations.install(settings)
    projects.install()
    builds.install(settings)
    images.install()
    release_resources.install()
    names.install()
    stack_policies.install()
    exports.install()
    stack_records.install(settings)
    latency.install(settings)
    drift_detection.install(settings)
    revert_drift.install()
    early_validation.install(settings)
    operations.install(settings)
    tokens.install()
    service_roles.install()
    web_identity.install()
    sessions.install()
    codepipeline.install(settings)
    connections.install()
    queues.install()
    invocations.install()
    function_logs.install()
    workers.install()
    targets.install()


__all__ = ("install",)
