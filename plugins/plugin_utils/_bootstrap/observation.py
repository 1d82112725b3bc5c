# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads of the check before the first write: threads, errors as data."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.batch import Failure, account_of, for_each
from .._aws.gateway import Client, Gateway
from .._errors import ErrorHandler
from .._organisation.model import Host
from .._pipeline.live import LivePipeline, read_live_pipeline, read_live_pipelines
from .._stack.api import StackApi, TemplateBody
from .._stack.compare import compare_found
from .._stack.diff import describe
from .._stack.granted import grantees
from .._stack.listing import Listings
from .._stack.model import Desired, Found
from .._stack.result import DifferenceEntry
from .._stack.status import was_created
from .plan import TaggedStack

TAG = "crossaccount:group"

Read = t.TypeVar("Read")
ReadTemplate = t.Callable[[str], TemplateBody | None]  # by host


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers(t.Generic[Read]):
    """What many hosts answered: values, and errors for the others."""

    values: dict[str, Read]
    errors: dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Region:
    """The stacks of the build account in one region."""

    stacks: dict[str, Found]
    tagged: tuple[TaggedStack, ...]


def read_regions(listings: Listings, hosts: t.Sequence[Host]) -> Answers[Region]:
    """Return the stacks in the regions of *hosts* of the build account."""

    def read(host: Host) -> Region:
        found = listings.of(host.target())
        tagged = [
            TaggedStack(
                account_id=host.account_id,
                region=host.region,
                stack_name=stack.name,
                group=stack.tags[TAG],
                granted=grantees(stack.parameters),
                created=was_created(stack.status),
            )
            for stack in found.values()
            if TAG in stack.tags
        ]
        return Region(stacks=found, tagged=tuple(tagged))

    return _ask(hosts, read)


def read_stacks(
    gateway: Gateway,
    hosts: t.Sequence[Host],
    *,
    listings: Listings | None = None,
    names: t.Mapping[str, str] | None = None,
) -> Answers[Found | None]:
    """Return the stacks of *hosts*; their credentials are proven on the way.

    :param listings: they are taken from there, and not read one by one.
    :param names: other stacks of their accounts, by host.
    """

    def read(host: Host) -> Found | None:
        name = names[host.name] if names else host.stack_name
        if listings is not None:
            return listings.find(host.target(), name)
        found: Found | None = _stacks(gateway, host).find(name)
        return found

    return _ask(hosts, read)


def read_live(gateway: Gateway, primary: Host) -> list[LivePipeline]:
    """Return the live pipelines of the primary region. Raises PipelineError."""
    session = gateway.open(account_of(primary.target()))
    client = session.client("codepipeline", primary.region)
    return t.cast("list[LivePipeline]", read_live_pipelines(client, primary.region))


def read_live_of(gateway: Gateway, hosts: t.Sequence[Host]) -> Answers[LivePipeline | None]:
    """Return the live pipelines of *hosts* of group ``pipelines``."""

    def read(host: Host) -> LivePipeline | None:
        session = gateway.open(account_of(host.target()))
        client = session.client("codepipeline", host.region)
        found: LivePipeline | None = read_live_pipeline(client, host.region, name=host.name)
        return found

    return _ask(hosts, read)


def read_roles(gateway: Gateway, hosts: t.Sequence[Host], name: str) -> Answers[bool]:
    """Return whether the accounts of *hosts* have a role; False where nobody may look."""

    def read(host: Host) -> bool:
        session = gateway.open(account_of(host.target()))
        return bool(_has_role(session.client("iam", host.region), name))

    return _ask(hosts, read)


@ErrorHandler.common_error_handler("read the role {name}")  # type: ignore[untyped-decorator]
def _has_role(iam: Client, name: str) -> bool:
    try:
        iam.get_role(RoleName=name)
    except is_boto3_error_code(["NoSuchEntity", "AccessDenied"]):
        return False
    return True


def read_organization(gateway: Gateway, primary: Host) -> str | None:
    """Return the id of the organization of the build account; None where it is in none."""
    session = gateway.open(account_of(primary.target()))
    found: str | None = _organization_id(session.client("organizations", primary.region))
    return found


@ErrorHandler.common_error_handler("describe the organization")  # type: ignore[untyped-decorator]
def _organization_id(client: Client) -> str | None:
    try:
        return str(client.describe_organization()["Organization"]["Id"])
    except is_boto3_error_code("AWSOrganizationsNotInUseException"):
        return None


def compare_stacks(
    gateway: Gateway,
    desired: t.Mapping[str, Desired],
    *,
    found: t.Mapping[str, Found | None],
    hosts: t.Mapping[str, Host],
    read_template: ReadTemplate = lambda _name: None,
) -> Answers[tuple[str, list[DifferenceEntry]]]:
    """Return operation and differences of each stack in *desired*, by host.

    :param found: the stacks as they were read a moment ago.
    :param read_template: returns the deployed template of a host's stack; None to read it here.
    """

    def read(host: Host) -> tuple[str, list[DifferenceEntry]]:
        comparison = compare_found(
            _stacks(gateway, host),
            desired[host.name],
            found[host.name],
            template=read_template(host.name),
        )
        differences = describe(comparison.differences, desired[host.name].template)
        return comparison.operation, differences

    return _ask([hosts[name] for name in sorted(desired)], read)


def _stacks(gateway: Gateway, host: Host) -> StackApi:
    session = gateway.open(account_of(host.target()))
    return StackApi.of(session, host.region)


def _ask(hosts: t.Sequence[Host], read: t.Callable[[Host], Read]) -> Answers[Read]:
    answers = list(zip(hosts, for_each(hosts, read), strict=True))
    return Answers(
        values={host.name: answer for host, answer in answers if not isinstance(answer, Failure)},
        errors={host.name: answer.error for host, answer in answers if isinstance(answer, Failure)},
    )


__all__ = (
    "TAG",
    "Answers",
    "ReadTemplate",
    "Region",
    "compare_stacks",
    "read_live",
    "read_live_of",
    "read_organization",
    "read_regions",
    "read_roles",
    "read_stacks",
)
