# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise of compatibility.
"""The base of every action: arguments, refusals, errors that become a failed task."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import warm_up
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._botocore import HAS_BOTOCORE
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.regions import (
    load_regions,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.written import (
    Written,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import (
    show_errors,
    show_progress,
)

# Actions are imported in the parent: every forked worker inherits botocore's data.
warm_up()
load_regions()

_OPTION_OF_VARIABLE = {
    "AWS_DEFAULT_REGION": "region",
    "AWS_REGION": "region",
    "AWS_PROFILE": "profile",
    "AWS_DEFAULT_PROFILE": "profile",
    "AWS_ROLE_ARN": "role_arn",
    "AWS_ENDPOINT_URL": "endpoint_url",
}


class PipelineAction(ActionBase):  # type: ignore[misc]  # ansible-core carries no types
    """An action that calls AWS, not a host.

    Subclasses set *argument_spec* and implement :meth:`act`. It finds its validated arguments in
    *options* and Ansible's variables in *task_vars*.
    """

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {}
    calls_aws: t.ClassVar[bool] = True

    options: dict[str, t.Any]
    task_vars: dict[str, t.Any]

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None
    ) -> dict[str, t.Any]:
        """Validate, act, and turn an expected error into a failed result."""
        super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        try:
            self._refuse_unsupported()
            _validation, self.options = self.validate_argument_spec(self.argument_spec)
            return self.act()
        except PipelineError as exc:
            result = exc.as_result()
            if show_errors(result.get("errors", ())):
                del result["errors"]
            return {"failed": True, "changed": False, **result, **self.identify()}

    def act(self) -> dict[str, t.Any]:
        """Return the task's result, without the arguments. Raises PipelineError."""
        raise NotImplementedError

    def identify(self) -> dict[str, t.Any]:
        """Return what a result carries, also that of a failure, to name its run."""
        return {}

    @property
    def host(self) -> str:
        """The host that the task runs for."""
        return str(self.task_vars.get("inventory_hostname", ""))

    def variable(self, name: str) -> t.Any:
        """Return the value of a variable of the host, templates resolved; None without one."""
        value = self.task_vars.get(name)
        return None if value is None else self._templar.template(value)

    def plain_variable(self, name: str) -> t.Any:
        """Return the same as plain data, without Ansible's tags and markers."""
        value = self.variable(name)
        return None if value is None else Written().plain(value)

    def inventory_variables(self) -> Variables:
        """Return the groups, and the variables of every host."""
        return Variables(self.task_vars["groups"], self.task_vars["hostvars"], loader=self._loader)

    def patience(self, seconds: float, *, host: str = "") -> Patience:
        """Return the patience of a task, which reports on the screen.

        :param host: starts each line; empty for a task of many hosts.
        """
        return Patience(
            seconds,
            report=show_progress,
            host=host,
        )

    def require(self, *names: str) -> None:
        """Raise PipelineError unless the task or the play gives these options a value."""
        for name in names:
            if not self.options.get(name):
                raise PipelineError(f"missing required argument: {name}")

    def _refuse_unsupported(self) -> None:
        if self.calls_aws and not HAS_BOTOCORE:
            raise PipelineError(
                "the Python libraries botocore and boto3 are missing where ansible-playbook runs",
                cure="Install boto3 there",
            )
        if self._play_context.become:
            raise PipelineError("become does not apply to AWS calls", cure="Remove it")
        for environment in self._task.environment or []:
            for variable in environment if isinstance(environment, dict) else ():
                if str(variable).startswith("AWS_"):
                    option = _OPTION_OF_VARIABLE.get(str(variable), "profile or role_arn")
                    raise PipelineError(
                        f"environment: {variable} has no effect here, because actions run inside"
                        " ansible-playbook",
                        cure=f"Use the option {option}, or set it before ansible-playbook starts",
                    )


__all__ = ("PipelineAction",)
