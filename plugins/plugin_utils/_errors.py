# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise of compatibility.
"""Every error that an action turns into a failed task."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_message
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

_EXPIRED = ("ExpiredToken", "ExpiredTokenException")
NO_CREDENTIALS = (
    "Set AWS_PROFILE or AWS_ACCESS_KEY_ID before ansible-playbook starts, or aws_profile of the"
    " host"
)


class PipelineError(AnsibleAWSError):  # type: ignore[misc]  # amazon.aws carries no types
    """An expected error: what happened, and the cure if there is one.

    :param message: what failed, or the whole message where there is no *exception*.
    :param exception: the botocore exception behind it; its text follows the message.
    :param cure: one sentence: what the user can do.
    :param errors: where *message* stands for many, each of them with its cure.
    """

    def __init__(
        self,
        message: str,
        exception: Exception | None = None,
        *,
        cure: str | None = None,
        errors: t.Sequence[str] = (),
    ) -> None:
        super().__init__(message=message, exception=exception)
        self.cure = cure or _cure_of(exception)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        text = super().__str__()
        if self.errors:
            return "\n  - ".join((f"{text}:", *self.errors))
        return f"{text.removesuffix('.')}. {self.cure}" if self.cure else text

    def as_result(self) -> dict[str, t.Any]:
        """Return the fields of a failed task.

        Ansible shows them twice, once as a line of JSON: *errors* need another way to a person.
        """
        if not self.errors:
            return {"msg": str(self)}
        number = f"{len(self.errors)} error{'s'[: len(self.errors) != 1]}"
        return {
            "msg": f"{super().__str__()}: {number}",
            "errors": list(self.errors),
        }


def _cure_of(exception: Exception | None) -> str | None:
    """Return what to do about credentials that no request can be signed with."""
    # Errors without any reply have the attribute too, as None.
    response = getattr(exception, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    if code in _EXPIRED:
        return "The credentials have expired: renew them, then start ansible-playbook again"
    return NO_CREDENTIALS if type(exception).__name__ == "NoCredentialsError" else None


class StackMoved(PipelineError):
    """The stack's state has changed since it was evaluated: read it again."""


class GaveUp(PipelineError):
    """The time that a task may wait is over."""


class OrphanedWorker(BaseException):
    """ansible-playbook is gone, so its workers must stop writing.

    Like KeyboardInterrupt it is not an Exception, so no error handler swallows it.
    """


class ErrorHandler(AWSErrorHandler):  # type: ignore[misc]  # amazon.aws carries no types
    """Turns botocore's exceptions into PipelineError; only "does not exist" means missing."""

    _CUSTOM_EXCEPTION = PipelineError

    @classmethod
    def _is_missing(cls) -> t.Any:
        return is_boto3_error_message("does not exist")


__all__ = (
    "NO_CREDENTIALS",
    "ErrorHandler",
    "GaveUp",
    "OrphanedWorker",
    "PipelineError",
    "StackMoved",
)
