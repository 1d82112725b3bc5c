# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise is made to others.
"""What can go wrong and is expected to: every error that an action turns into a failed task."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_message
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError


class PipelineError(AnsibleAWSError):  # type: ignore[misc]  # amazon.aws carries no types
    """Says what happened and, where there is one, the cure.

    :param message: what was tried, or the whole message when there is no *exception*.
    :param exception: the botocore exception behind it; its text follows the message.
    :param cure: one sentence that says what the user can do.
    """

    def __init__(
        self, message: str, exception: Exception | None = None, *, cure: str | None = None
    ) -> None:
        super().__init__(message=message, exception=exception)
        self.cure = cure

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}. {self.cure}" if self.cure else text


class StackMoved(PipelineError):
    """The stack is not in the state that it was judged in: look again and judge anew."""


class OrphanedWorker(PipelineError):
    """ansible-playbook is gone; what is left of it must not write any more."""


class ErrorHandler(AWSErrorHandler):  # type: ignore[misc]  # amazon.aws carries no types
    """Turns botocore's exceptions into PipelineError; only "does not exist" means missing."""

    _CUSTOM_EXCEPTION = PipelineError

    @classmethod
    def _is_missing(cls) -> t.Any:
        return is_boto3_error_message("does not exist")


__all__ = ("ErrorHandler", "OrphanedWorker", "PipelineError", "StackMoved")
