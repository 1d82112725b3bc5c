# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that show executions, their actions and the state of stages."""

from __future__ import annotations

from .executions import ActionRun, Execution, Pipeline, RuleRun
from .requests import Data, get_execution, get_pipeline, last_in
from .rules import BEFORE_ENTRY, ON_SUCCESS


def read_execution(request: Data) -> Data:
    _pipeline, execution = get_execution(request)
    return {"pipelineExecution": _as_data(execution)}


def list_executions(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    wanted = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
    return {
        "pipelineExecutionSummaries": [
            {
                **_as_data(execution),
                "startTime": execution.started,
                "lastUpdateTime": execution.updated,
                "sourceRevisions": [
                    {
                        "actionName": revision["actionName"],
                        "revisionId": revision["revisionId"],
                        "revisionSummary": revision["revisionSummary"],
                    }
                    for revision in execution.revisions
                ],
            }
            for execution in reversed(pipeline.executions)
            if wanted is None or execution.stages.get(wanted) == "Succeeded"
        ]
    }


def _as_data(execution: Execution) -> Data:
    return {
        "pipelineName": execution.name,
        "pipelineVersion": execution.pipeline["version"],
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.reason,
        "artifactRevisions": [
            {key: value for key, value in revision.items() if key != "actionName"}
            for revision in execution.revisions
        ],
        "trigger": execution.trigger,
        "executionMode": execution.pipeline.get("executionMode", "SUPERSEDED"),
        "executionType": "ROLLBACK" if execution.is_rollback else "STANDARD",
        **(
            {"rollbackMetadata": {"rollbackTargetPipelineExecutionId": execution.rollback_of}}
            if execution.is_rollback
            else {}
        ),
    }


def list_rules(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    given = request.get("filter", {})
    latest = given.get("latestInPipelineExecution", {})
    wanted = given.get("pipelineExecutionId", latest.get("pipelineExecutionId"))
    found = [
        _rule_detail(execution, run)
        for execution in pipeline.executions
        if wanted in (None, execution.id)
        for run in execution.rules
    ]
    return {"ruleExecutionDetails": found[::-1]}


def _rule_detail(execution: Execution, run: RuleRun) -> Data:
    rule = run.declaration
    return {
        "pipelineExecutionId": execution.id,
        "ruleExecutionId": run.id,
        "pipelineVersion": execution.pipeline["version"],
        "stageName": run.stage,
        "ruleName": run.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": {
            "ruleTypeId": rule["ruleTypeId"],
            "configuration": rule.get("configuration", {}),
            "region": rule.get("region", execution.place[1]),
            **({"roleArn": rule["roleArn"]} if "roleArn" in rule else {}),
        },
        "output": {
            "executionResult": {
                "externalExecutionSummary": run.summary,
                **({"errorDetails": run.error} if run.error else {}),
            }
        },
    }


def list_actions(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    wanted = request.get("filter", {}).get("pipelineExecutionId")
    found = [
        (execution, run)
        for execution in pipeline.executions
        if wanted in (None, execution.id)
        for run in execution.attempts
    ]
    return {"actionExecutionDetails": [_detail(*pair) for pair in reversed(found)]}


def _detail(execution: Execution, run: ActionRun) -> Data:
    action = run.declaration
    region = action.get("region", execution.place[1])

    def located(names: list[Data]) -> list[Data]:
        found = [
            (artifact["name"], execution.artifacts.get((artifact["name"], region)))
            for artifact in names
        ]
        return [
            {"name": name, "s3location": {"bucket": at[0], "key": at[1]}}
            for name, at in found
            if at
        ]

    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.pipeline["version"],
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": {
            "actionTypeId": action["actionTypeId"],
            "configuration": action.get("configuration", {}),
            "resolvedConfiguration": run.configuration,
            **({"namespace": action["namespace"]} if "namespace" in action else {}),
            "region": region,
            "inputArtifacts": located(action.get("inputArtifacts", [])),
            **({"roleArn": action["roleArn"]} if "roleArn" in action else {}),
        },
        "output": {
            "outputArtifacts": located(action.get("outputArtifacts", [])),
            "outputVariables": run.variables,
            "executionResult": {
                "externalExecutionId": run.external_id,
                "externalExecutionSummary": run.summary,
                **({"errorDetails": run.error} if run.error else {}),
            },
        },
    }


def read_state(request: Data) -> Data:
    pipeline = get_pipeline(request["name"])
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.declaration["version"],
        "stageStates": [_stage_state(pipeline, stage) for stage in pipeline.declaration["stages"]],
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def _stage_state(pipeline: Pipeline, stage: Data) -> Data:
    name = stage["name"]
    reason = pipeline.closed.get(name)
    state: Data = {
        "stageName": name,
        "inboundTransitionState": {
            "enabled": reason is None,
            **({} if reason is None else {"disabledReason": reason}),
        },
        "actionStates": [],
    }
    last = pipeline.inside.get(name) or last_in(pipeline, name)
    runs = last.runs_of(name) if last else {}
    for action in stage["actions"]:
        found: Data = {"actionName": action["name"]}
        if run := runs.get(action["name"]):
            found["latestExecution"] = {
                "actionExecutionId": run.id,
                "status": run.status,
                "summary": run.summary,
                "lastStatusChange": run.updated,
                **({"token": run.token} if run.token else {}),
                **({"errorDetails": run.error} if run.error else {}),
            }
        state["actionStates"].append(found)
    if last:
        state["latestExecution"] = {
            "pipelineExecutionId": last.id,
            "status": _stage_status(last, name, len(stage["actions"])),
            "type": "ROLLBACK" if last.is_rollback else "STANDARD",
        }
        if retries := last.retries.get(name):
            state["retryStageMetadata"] = {
                "autoStageRetryAttempt": retries,
                "latestRetryTrigger": "AutomatedStageRetry",
            }
        for member, kind in _CONDITIONS.items():
            if rules := last.conditions_of(name, kind):
                state[member] = _condition_state(last, name, kind, rules)
    return state


_CONDITIONS = {
    "beforeEntryConditionState": BEFORE_ENTRY,
    "onSuccessConditionState": ON_SUCCESS,
}


def _condition_state(
    execution: Execution, stage: str, kind: str, rules: dict[str, RuleRun]
) -> Data:
    statuses = {run.status for run in rules.values()}
    order = ("InProgress", "Failed", "Abandoned", "Succeeded")
    status = next(name for name in order if name in statuses)
    if (stage, kind) in execution.overridden and status == "Succeeded":
        status = "Overridden"
    states = [
        {
            "ruleName": name,
            "latestExecution": {
                "ruleExecutionId": run.id,
                "status": run.status,
                "summary": run.summary,
                "lastStatusChange": run.updated,
                **({"errorDetails": run.error} if run.error else {}),
            },
        }
        for name, run in rules.items()
    ]
    return {
        "latestExecution": {"status": status},
        "conditionStates": [{"latestExecution": {"status": status}, "ruleStates": states}],
    }


def _stage_status(execution: Execution, stage: str, actions: int) -> str:
    if found := execution.stages.get(stage):
        return found
    statuses = [run.status for run in execution.runs_of(stage).values()]
    for status in ("InProgress", "Failed"):
        if status in statuses:
            return status
    if "Abandoned" in statuses:
        return "Stopped"
    if len(statuses) < actions:
        return "Stopped" if execution.status == "Stopped" else "InProgress"
    return "Succeeded"


__all__ = ("list_actions", "list_executions", "list_rules", "read_execution", "read_state")
