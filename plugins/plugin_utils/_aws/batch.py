# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same work for many targets at once: threads inside, errors as data."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from .._errors import PipelineError
from .account import Account
from .cache import run_directory
from .gateway import THREADS, Gateway

_SESSION = ("external_id", "session_name", "session_duration", "source_identity", "session_tags")
_CREDENTIALS = ("profile", "role_arn", "access_role_name", *_SESSION)

Options = t.Mapping[str, t.Any]  # an action's arguments, or one of its targets
Target = t.TypeVar("Target")
Result = t.TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Failure:
    """The result of a target that failed."""

    error: str


def for_each(
    targets: t.Sequence[Target], work: t.Callable[[Target], Result]
) -> list[Result | Failure]:
    """Return what *work* returns for each target, in their order.

    An error becomes the Failure of its target. An unexpected error names its type.
    """

    def attempt(target: Target) -> Result | Failure:
        try:
            return work(target)
        except PipelineError as exc:
            return Failure(str(exc))
        except Exception as exc:  # a bug met at one target stops no other
            return Failure(f"unexpected {type(exc).__name__}: {exc}")

    with concurrent.futures.ThreadPoolExecutor(max_workers=THREADS) as pool:
        return list(pool.map(attempt, targets))


def with_defaults(target: Options, options: Options) -> dict[str, t.Any]:
    """Return *target*, completed from the task's connection *options*.

    The credentials come whole, from the target or from the options.
    """
    given = {key: value for key, value in target.items() if value is not None}
    result = {key: options[key] for key in ("account_id", "region") if options.get(key)} | given
    if not any(key in given for key in _CREDENTIALS):
        result |= {key: options[key] for key in _CREDENTIALS if options.get(key)}
    return result


def stack_targets(options: Options) -> list[dict[str, t.Any]]:
    """Return the task's targets, completed. Raises PipelineError without account or region."""
    targets = [with_defaults(target, options) for target in options["targets"]]
    for target in targets:
        for required in ("account_id", "region"):
            if required not in target:
                raise PipelineError(
                    f"the target {target['stack_name']} has no {required}",
                    cure=f"Set {required} of the target or of the task",
                )
    return targets


def account_of(options: Options) -> Account:
    """Return the account named by *options* or by a target."""
    tags: t.Mapping[str, str] = options.get("session_tags") or {}
    return Account(
        account_id=options["account_id"],
        profile=options.get("profile"),
        role_arn=options.get("role_arn"),
        access_role_name=options.get("access_role_name"),
        external_id=options.get("external_id"),
        session_name=options.get("session_name"),
        session_duration=options.get("session_duration"),
        source_identity=options.get("source_identity"),
        session_tags=tuple(sorted(tags.items())),
    )


def gateway_of(options: Options) -> Gateway:
    """Return the gateway that the connection *options* describe.

    Raises PipelineError without ``sts_region`` and ``region``.
    """
    region = options.get("sts_region") or options.get("region")
    if not region:
        raise PipelineError("no region is set", cure="Set region or sts_region")
    return Gateway(
        sts_region=region,
        endpoint_url=options.get("endpoint_url"),
        caller_account_id=options.get("caller_account_id"),
        run_directory=run_directory(),
    )


__all__ = (
    "Failure",
    "Options",
    "account_of",
    "for_each",
    "gateway_of",
    "stack_targets",
    "with_defaults",
)
