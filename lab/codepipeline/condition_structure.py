# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CodePipeline refuses of a stage's conditions and of what it does on failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .cron import Window

Data = dict[str, Any]

# By kind of condition, the results that AWS documents for it.
_RESULTS = {"beforeEntry": ("FAIL", "SKIP"), "onSuccess": ("FAIL", "ROLLBACK")}
_MOST_RULES = 5
_STATES = frozenset({"ALARM", "INSUFFICIENT_DATA", "OK"})
# Provider of a rule, and the configuration that it must and may have.
_RULES = {
    "CloudWatchAlarm": (frozenset({"AlarmName"}), frozenset({"AlarmStates", "WaitTime"})),
    "DeploymentWindow": (frozenset({"Cron"}), frozenset({"TimeZone"})),
}
# What the result SKIP may depend on; the lab knows neither.
_OF_SKIP = ("LambdaInvoke", "VariableCheck")


def condition_problems(pipeline: Data) -> Iterator[str]:
    """Yield what is wrong, in the order of the stages."""
    for number, stage in enumerate(pipeline["stages"]):
        name = stage["name"]
        found = [kind for kind in (*_RESULTS, "onFailure") if kind in stage]
        if found and pipeline.get("pipelineType", "V1") != "V2":
            yield f"{found[0]} of stage {name} needs a pipeline of type V2"
        yield from _of_failure(stage, is_source=number == 0)
        for kind, results in _RESULTS.items():
            conditions = stage.get(kind, {}).get("conditions", [])
            if len(conditions) > 1:
                yield f"{kind} of stage {name} has more than one condition"
            for condition in conditions:
                yield from _of_condition(condition, f"{kind} of stage {name}", results, number == 0)


def _of_failure(stage: Data, *, is_source: bool) -> Iterator[str]:
    given, where = stage.get("onFailure"), f"onFailure of stage {stage['name']}"
    if given is None:
        return
    result = given.get("result")
    if given.get("conditions"):
        yield f"The lab knows no conditions in {where}"
    if result == "ROLLBACK" and is_source:
        yield f"{where}: a source stage cannot be rolled back"
    if result not in ("FAIL", "RETRY", "ROLLBACK"):
        yield f"{where} has the wrong result {result}"
    if "retryConfiguration" in given and result != "RETRY":
        yield f"{where} has retryConfiguration, which belongs to the result RETRY"


def _of_condition(
    condition: Data, where: str, results: tuple[str, ...], is_source: bool
) -> Iterator[str]:
    result, rules = condition.get("result"), condition.get("rules", [])
    if result not in results:
        yield f"{where} has the wrong result {result}"
    if result == "ROLLBACK" and is_source:
        yield f"{where}: a source stage cannot be rolled back"
    if not 1 <= len(rules) <= _MOST_RULES:
        yield f"{where} has {len(rules)} rules. There must be 1 to {_MOST_RULES}"
    names = [rule["name"] for rule in rules]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where} has more than one rule {twice}"
    for rule in rules:
        yield from _of_rule(rule, where, result)


def _of_rule(rule: Data, where: str, result: str | None) -> Iterator[str]:
    kind, name = rule["ruleTypeId"], f"Rule {rule['name']} in {where}"
    provider, given = kind["provider"], rule.get("configuration", {})
    if provider not in _RULES or kind.get("owner", "AWS") != "AWS" or kind.get("version") != "1":
        yield f"{name} has a type that is not there: {kind}"
        return
    if result == "SKIP" and provider not in _OF_SKIP:
        yield f"{name}: {provider} cannot have the result SKIP"
    required, optional = _RULES[provider]
    for key in sorted(required - given.keys()):
        yield f"{name} is missing required configuration '{key}'"
    for key in sorted(given.keys() - required - optional):
        yield f"{name} has unknown configuration '{key}'"
    states = set(given.get("AlarmStates", "OK").split(","))
    if not states <= _STATES:
        yield f"{name} has wrong AlarmStates {given['AlarmStates']}"
    if not given.get("WaitTime", "1").isdigit():
        yield f"{name} has a WaitTime that is not minutes"
    if "Cron" in given:
        try:
            Window(given["Cron"], given.get("TimeZone", "UTC"))
        except ValueError as error:
            yield f"{name}: {error}"


__all__ = ("condition_problems",)
