# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every internal of MiniStack that the lab touches.

The lab replaces or calls these without MiniStack promising anything about them. Before the pin is
moved: read each one in the new version, then its patch, then run lab/tests.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from lab.version import MINISTACK_VERSION

LAB = Path(__file__).parents[1]
CLOUDFORMATION = "ministack.services.cloudformation"
VALUE = "a value"
CONTEXT = "ministack.core.iam_evaluator.EvalContext"
RESULT = "ministack.core.iam_evaluator.EvalResult"
POLICIES = "list[list[ministack.core.iam_evaluator.ParsedStatement]]"
DELETE_STACK = "(stack_name: str, stack_id: str, retain_resources=(), force=False)"
ROLL_BACK = (
    "(stack_name: str, stack_id: str, stack: dict, operation: dict, reason_override: str = '')"
)
SIGNATURES = {
    "ministack.app.app": "(scope, receive, send)",
    "ministack.app.pin_request_origin": "(source_ip: str, secure_transport: bool) -> None",
    "ministack.app._reset_all_state": "()",
    "ministack.app.SERVICE_HANDLERS": VALUE,
    "ministack.app.SERVICE_REGISTRY": VALUE,
    "ministack.app._loaded_modules": VALUE,
    "ministack.core.router.SERVICE_PATTERNS": VALUE,
    "ministack.core.iam_actions._lambda_action": "(method: str, path: str) -> str | None",
    "ministack.core.iam_actions._s3_action": (
        "(method: str, path: str, query_params: dict) -> str | None"
    ),
    "ministack.core.iam_actions._s3_object_context": (
        "(iam_action: str, query_params: dict, path: str, headers: dict) -> dict"
    ),
    "ministack.core.iam_actions._safe_json_field": "(body: bytes, field: str) -> str",
    "ministack.core.iam_actions.s3_service_context": (
        "(iam_action: str, query_params: dict | None, path: str = '', "
        "headers: dict | None = None) -> dict"
    ),
    "ministack.core.iam_actions.extract_iam_action": (
        "(service: str, method: str, path: str, headers: dict, body: bytes, "
        "query_params: dict) -> str | None"
    ),
    "ministack.core.iam_actions.extract_resource_arn": (
        "(service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict, "
        "region: str, account_id: str) -> str"
    ),
    "ministack.core.iam_actions.request_tag_context": (
        "(service: str, iam_action: str, body: bytes, params: dict) -> dict"
    ),
    "ministack.core.iam_evaluator.AmbiguousAccessKeyError": VALUE,
    "ministack.core.iam_actions._resource_policy_denial": (
        "(service: str, action: str, principal_arn: str, resource_arn: str) -> str"
    ),
    "ministack.core.iam_evaluator.EvalContext": VALUE,
    "ministack.core.iam_evaluator.EvalResult": VALUE,
    "ministack.core.iam_evaluator._fnmatch_compile": (
        "(pattern: str, ignore_case: bool) -> re.Pattern"
    ),
    "ministack.core.iam_evaluator._first_match": (
        "(ctx: ministack.core.iam_evaluator.EvalContext, "
        "stmts: list[ministack.core.iam_evaluator.ParsedStatement], effect: str) -> "
        "ministack.core.iam_evaluator.ParsedStatement | None"
    ),
    "ministack.core.iam_evaluator.parse_policy_document": (
        "(doc: str | dict) -> list[ministack.core.iam_evaluator.ParsedStatement]"
    ),
    "ministack.core.lambda_runtime.subprocess": VALUE,
    "ministack.core.responses._BOTOCORE_NAME": VALUE,
    "ministack.core.responses._service_model": "(service: str)",
    "ministack.services.account._DISPATCH": VALUE,
    "ministack.services.account._OPT_IN_REQUIRED": VALUE,
    "ministack.core.iam_evaluator._gather_role_policies": (
        f"(role_name: str, account_id: str) -> {POLICIES}"
    ),
    "ministack.core.iam_evaluator._permissions_boundary": (
        f"(store, name: str, account_id: str) -> list[{POLICIES}]"
    ),
    "ministack.core.iam_evaluator._resource_policy": (
        "(service: str, resource_arn: str) -> tuple | None"
    ),
    "ministack.core.iam_evaluator._resolve_condition_key": (
        "(key: str, ctx: ministack.core.iam_evaluator.EvalContext) -> Any"
    ),
    "ministack.core.iam_evaluator._role_name_from_assumed_arn": "(assumed_arn: str) -> str",
    "ministack.core.iam_evaluator.caller_arn": "() -> str",
    "ministack.core.iam_evaluator.evaluate_trust_policy": (
        f"(trust_doc: str | dict, caller_arn: str, ctx: {CONTEXT} | None = None) -> bool"
    ),
    "ministack.core.iam_evaluator.combine_resource_policy": (
        f"(identity: {RESULT}, ctx: {CONTEXT}, policy: str | dict | None, "
        f"owner_account: str | None, required: bool = False, limits: tuple = ()) -> {RESULT}"
    ),
    "ministack.core.iam_evaluator.evaluate": (
        f"(ctx: {CONTEXT}, policies: {POLICIES}, *limits: {POLICIES}) -> {RESULT}"
    ),
    "ministack.core.iam_evaluator.evaluate_resource_policy": (
        f"(doc: str | dict | None, ctx: {CONTEXT}, service: str | None = None, "
        f"named_only: bool = False, direct_only: bool = False) -> {RESULT}"
    ),
    "ministack.core.iam_evaluator.find_iam_access_key_account": (
        "(access_key_id: str) -> str | None"
    ),
    "ministack.core.concurrency.active_counts": "() -> dict",
    "ministack.core.responses.new_uuid": "() -> str",
    "ministack.core.responses.AccountRegionScopedDict": VALUE,
    "ministack.core.responses.AccountScopedDict": VALUE,
    "ministack.core.responses.error_response_json": (
        "(code: str, message: str, status: int = 400, extra: dict | None = None, *, "
        "message_key: str = 'message', content_type: str = 'application/x-amz-json-1.0') -> tuple"
    ),
    "ministack.core.responses.get_account_id": "() -> str",
    "ministack.core.responses.get_region": "() -> str",
    "ministack.core.responses.json_response": (
        "(data: dict, status: int = 200, *, content_type: str = 'application/x-amz-json-1.0')"
        " -> tuple"
    ),
    "ministack.core.responses.now_iso": "() -> str",
    "ministack.core.responses.request_scope": "(account_id: str, region: str)",
    "ministack.services.cloudwatch_logs._log_groups": VALUE,
    "ministack.services.codebuild._build_id": "(project_name)",
    "ministack.services.codebuild._builds": VALUE,
    "ministack.services.codebuild._create_project": "(data)",
    "ministack.services.codebuild._list_builds_for_project": "(data)",
    "ministack.services.codebuild._make_build_record": ("(project, build_id, source_version=None)"),
    "ministack.services.codebuild._project_arn": "(name)",
    "ministack.services.codebuild._project_shape": "(project)",
    "ministack.services.codebuild._projects": VALUE,
    "ministack.services.codebuild._start_build": "(data)",
    "ministack.services.codebuild._update_project": "(data)",
    "ministack.services.ecr._describe_images": "(data)",
    "ministack.services.ecr._put_image": "(data)",
    "ministack.services.ecr._v2_put_manifest": "(name, ref, headers, body)",
    "ministack.services.eventbridge._apply_input_transformer": "(transformer, rule, view)",
    "ministack.services.eventbridge._dispatch_event": "(event, view=None)",
    "ministack.services.eventbridge._dispatch_to_lambda": "(arn, payload)",
    "ministack.services.eventbridge._event_pattern_error": "(pattern_str)",
    "ministack.services.eventbridge._invoke_target": "(target, event, rule, view=None)",
    "ministack.services.eventbridge._pattern_event_view": "(event)",
    "ministack.services.eventbridge._put_events": "(data, allow_aws_source=False)",
    "ministack.services.eventbridge._rule_key": "(rule_name: str, bus_name: str) -> str",
    "ministack.services.eventbridge._rules": VALUE,
    "ministack.services.eventbridge._targets": VALUE,
    "ministack.services.eventbridge._validate_target_arn": "(target)",
    "ministack.services.iam._access_keys": VALUE,
    "ministack.services.iam._gen_secret": "()",
    "ministack.services.iam._gen_session_access_key": "()",
    "ministack.services.iam._gen_session_token": "()",
    "ministack.services.iam._policies": VALUE,
    "ministack.services.iam._roles": VALUE,
    "ministack.services.kms._alias_arn": "(alias_name)",
    "ministack.services.kms._aliases": VALUE,
    "ministack.services.kms._keys": VALUE,
    "ministack.services.kms._resolve_key": "(key_id_or_arn)",
    "ministack.services.lambda_svc._execute_function_with_config_scope": (
        "(func: dict, event: dict) -> dict"
    ),
    "ministack.services.lambda_svc._execution_record_for_config": (
        "(func: dict, config: dict) -> dict"
    ),
    "ministack.services.lambda_svc._fetch_code_from_s3": (
        "(bucket: str, key: str, version_id: str | None = None) -> bytes | None"
    ),
    "ministack.services.lambda_svc._emit_lambda_logs": (
        "(func: dict, request_id: str, log_text: str, error: bool, duration_ms: int, *, "
        "log_source: str | None = None) -> None"
    ),
    "ministack.services.lambda_svc._functions": VALUE,
    "ministack.services.lambda_svc._get_func_record_for_ref": (
        "(function_ref: str) -> tuple[dict | None, dict | None, str]"
    ),
    "ministack.services.lambda_svc.invoke_async_with_retry": "(func: dict, event: dict) -> None",
    "ministack.services.organizations.FULL_ACCESS_POLICY_ID": VALUE,
    "ministack.services.organizations._accounts": VALUE,
    "ministack.services.organizations._attachments": VALUE,
    "ministack.services.organizations._create_account": "(payload)",
    "ministack.services.organizations._ensure_org": "()",
    "ministack.services.organizations._orgs": VALUE,
    "ministack.services.organizations._ous": VALUE,
    "ministack.services.organizations._policies": VALUE,
    "ministack.services.organizations._roots": VALUE,
    "ministack.services.organizations._tags": VALUE,
    "ministack.services.organizations.handle_request": (
        "(method, path, headers, body, query_params)"
    ),
    "ministack.services.organizations.reset": "()",
    "ministack.services.s3._get_object_data": (
        "(bucket_name: str, key: str, version_id: str | None = None) -> bytes | None"
    ),
    "ministack.services.s3._bucket_default_sse_headers": "(bucket_name: str) -> dict",
    "ministack.services.s3._bucket_encryption": VALUE,
    "ministack.services.s3._bucket_owner_account": "(name: str) -> str | None",
    "ministack.services.s3._bucket_policies": VALUE,
    "ministack.services.s3._fire_s3_event": (
        "(bucket_name: str, key: str, event_name: str, size: int = 0, etag: str = '', "
        "deletion_type: str | None = None, restore_event_data: dict | None = None, "
        "version_id: str | None = None, sequencer: str | None = None, "
        "object_extra: dict | None = None, record_extra: dict | None = None) -> None"
    ),
    "ministack.services.s3._foreign_bucket_allows": (
        "(owner_account: str, bucket_name: str, key: str, method: str, query_params: dict, "
        "caller: str, headers: dict | None = None) -> bool"
    ),
    "ministack.services.s3._policy_is_public": "(policy_text: str) -> bool",
    "ministack.services.s3._public_access_blocked": (
        "(owner_account: str, bucket_name: str, setting: str) -> bool"
    ),
    "ministack.services.s3._stored_sse_headers": "(obj: dict) -> dict",
    "ministack.services.s3._bucket_has_versions": "(name: str) -> bool",
    "ministack.services.s3._buckets": VALUE,
    "ministack.services.s3._copy_object": "(bucket_name: str, dest_key: str, headers: dict)",
    "ministack.services.s3._object_versions": VALUE,
    "ministack.services.s3._multipart_uploads": VALUE,
    "ministack.services.s3._delete_bucket_encryption": "(name: str)",
    "ministack.services.s3._delete_bucket_lifecycle": "(name: str)",
    "ministack.services.s3._delete_bucket_ownership_controls": "(name: str)",
    "ministack.services.s3._delete_bucket_tagging": "(name: str)",
    "ministack.services.s3._bucket_tags": VALUE,
    "ministack.services.s3._get_bucket_encryption": "(name: str)",
    "ministack.services.s3._get_bucket_lifecycle": "(name: str)",
    "ministack.services.s3._get_bucket_notification": "(name: str)",
    "ministack.services.s3._get_bucket_ownership_controls": "(name: str)",
    "ministack.services.s3._get_bucket_versioning": "(name: str)",
    "ministack.services.s3._get_public_access_block": "(name: str)",
    "ministack.services.s3._put_bucket_encryption": "(name: str, body: bytes)",
    "ministack.services.s3._put_bucket_lifecycle": "(name: str, body: bytes)",
    "ministack.services.s3._put_bucket_ownership_controls": "(name: str, body: bytes)",
    "ministack.services.s3._put_bucket_tagging": "(name: str, body: bytes)",
    "ministack.services.sns._error": "(code, message, status)",
    "ministack.services.sns._normalize_arn": "(arn: str) -> str",
    "ministack.services.sns._p": "(params, key, default='')",
    "ministack.services.sns._publish": "(params)",
    "ministack.services.sns._topic_by_arn_any_scope": "(topic_arn: str) -> dict | None",
    "ministack.services.sns._topics": VALUE,
    "ministack.services.sqs._queue_by_arn": "(arn: str) -> dict | None",
    "ministack.services.sqs._queue_name_to_url": VALUE,
    "ministack.services.sqs._queue_url_for_account": "(account_id: str, name: str) -> str",
    "ministack.services.ssm._parameters": VALUE,
    "ministack.services.iam._oidc_providers": VALUE,
    "ministack.services.sts._error": "(status, code, message, ns='iam')",
    "ministack.services.sts._p": "(params, key, default='')",
    "ministack.services.sts._web_identity_principal": (
        "(token: str, provider_id: str, role_arn: str)"
    ),
    "ministack.services.sts._web_identity_trust_denied": (
        "(role_arn: str, params: dict, use_json: bool)"
    ),
    "ministack.services.sts._caller_identity": (
        "(headers: dict, query_params=None) -> "
        "dict | ministack.core.iam_evaluator.CredentialResolutionError"
    ),
    "ministack.services.sts._evict_expired_sessions": "()",
    "ministack.services.sts._sessions": VALUE,
    "ministack.services.sts.register_session": "(access_key: str, session: dict) -> None",
    f"{CLOUDFORMATION}._change_sets": VALUE,
    f"{CLOUDFORMATION}._exports": VALUE,
    f"{CLOUDFORMATION}._p": "(params, key, default='')",
    f"{CLOUDFORMATION}._stack_events": VALUE,
    f"{CLOUDFORMATION}._stacks": VALUE,
    f"{CLOUDFORMATION}.changesets._evaluate_conditions": "(template: dict, params: dict) -> dict",
    f"{CLOUDFORMATION}.changesets._find_change_set": "(cs_name, stack_name='')",
    f"{CLOUDFORMATION}.changesets._resolve_parameters": (
        "(template: dict, provided_params: list[dict], previous_params: dict | None = None) -> dict"
    ),
    f"{CLOUDFORMATION}.changesets._track_change_set_execution": (
        "(change_set, stack, deploy_coro)"
    ),
    f"{CLOUDFORMATION}.changesets.validate_template_support": (
        "(template: dict, conditions: dict, params: dict | None = None) -> None"
    ),
    f"{CLOUDFORMATION}.drift._DRIFT_READERS": VALUE,
    f"{CLOUDFORMATION}.drift.detect_resource_drift": (
        "(stack: dict, logical_id: str, record: dict, timestamp: str) -> dict"
    ),
    f"{CLOUDFORMATION}.drift.supports_drift": "(resource_type: str) -> bool",
    f"{CLOUDFORMATION}.engine.CfnLoader": VALUE,
    f"{CLOUDFORMATION}.engine._NO_VALUE": VALUE,
    f"{CLOUDFORMATION}.engine._evaluate_conditions": "(template: dict, params: dict) -> dict",
    f"{CLOUDFORMATION}.changesets._resolve_props_for_diff": (
        "(template, params, stack_name, stack_id)"
    ),
    f"{CLOUDFORMATION}.engine._parse_template": "(template_body: str) -> dict",
    f"{CLOUDFORMATION}.engine._intrinsic_references": "(value)",
    f"{CLOUDFORMATION}.engine.validate_template_support": (
        "(template: dict, conditions: dict, params: dict | None = None) -> None"
    ),
    f"{CLOUDFORMATION}.engine._resolve_parameters": (
        "(template: dict, provided_params: list[dict], previous_params: dict | None = None) -> dict"
    ),
    f"{CLOUDFORMATION}.engine._resolve_refs": (
        "(value, resources, params, conditions, mappings, stack_name, stack_id)"
    ),
    f"{CLOUDFORMATION}.handlers._ACTION_HANDLERS": VALUE,
    f"{CLOUDFORMATION}.handlers._delete_stack_async": DELETE_STACK,
    f"{CLOUDFORMATION}.handlers._drift_target": "(stack_name)",
    f"{CLOUDFORMATION}.handlers._imported_export_names": "(stack, stack_name)",
    f"{CLOUDFORMATION}.handlers._roll_back_operation": ROLL_BACK,
    f"{CLOUDFORMATION}.handlers.validate_template_support": (
        "(template: dict, conditions: dict, params: dict | None = None) -> None"
    ),
    f"{CLOUDFORMATION}.handlers._error": "(code, message, status=400)",
    f"{CLOUDFORMATION}.handlers._evaluate_conditions": "(template: dict, params: dict) -> dict",
    f"{CLOUDFORMATION}.handlers._resolve_parameters": (
        "(template: dict, provided_params: list[dict], previous_params: dict | None = None) -> dict"
    ),
    f"{CLOUDFORMATION}.handlers._resolve_stack": "(stack_name)",
    f"{CLOUDFORMATION}.handlers._xml": "(status, root_tag, inner)",
    f"{CLOUDFORMATION}.helpers._resolve_document": "(params, body_key, url_key, label)",
    f"{CLOUDFORMATION}.provisioners._NAME_SEED": VALUE,
    f"{CLOUDFORMATION}.provisioners._delete_resource": (
        "(resource_type: str, physical_id: str, props: dict, stack_name: str | None = None, "
        "logical_id: str | None = None)"
    ),
    f"{CLOUDFORMATION}.provisioners._nested_stack_lookup_name": "(physical_id_or_arn)",
    f"{CLOUDFORMATION}.provisioners._provision_resource": (
        "(resource_type: str, logical_id: str, props: dict, stack_name: str) -> tuple"
    ),
    f"{CLOUDFORMATION}.provisioners._update_resource": (
        "(resource_type: str, physical_id: str, old_props: dict, new_props: dict, "
        "stack_name: str, logical_id: str | None = None, old_attrs: dict | None = None) -> tuple"
    ),
    f"{CLOUDFORMATION}.provisioners._physical_name": (
        "(stack_name: str, logical_id: str, *, lowercase: bool = False, max_len: int = 128, "
        "seeded: bool = True) -> str"
    ),
    f"{CLOUDFORMATION}.provisioners._property_recreation": (
        "(resource_type: str, name: str) -> str"
    ),
    f"{CLOUDFORMATION}.provisioners._replacing_change": (
        "(resource_type, old_props, new_props) -> bool"
    ),
    f"{CLOUDFORMATION}.provisioners.new_uuid": "() -> str",
    f"{CLOUDFORMATION}.provisioners._REPLACING_PROPERTIES": VALUE,
    f"{CLOUDFORMATION}.provisioners._RESOURCE_HANDLERS": VALUE,
    f"{CLOUDFORMATION}.provisioners._S3_BUCKET_CONFIGURATIONS": VALUE,
    f"{CLOUDFORMATION}.provisioners._STACK_TAG_PROPERTY": VALUE,
    f"{CLOUDFORMATION}.stacks._add_event": (
        "(stack_id, stack_name, logical_id, resource_type, status, reason='', physical_id='', "
        "detailed_status='')"
    ),
    f"{CLOUDFORMATION}.stacks._delete_stack_async": DELETE_STACK,
    f"{CLOUDFORMATION}.stacks._resolve_stack_outputs": (
        "(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)"
    ),
    f"{CLOUDFORMATION}.stacks._roll_back_operation": ROLL_BACK,
    f"{CLOUDFORMATION}.stacks._delete_resource": (
        "(resource_type: str, physical_id: str, props: dict, stack_name: str | None = None, "
        "logical_id: str | None = None)"
    ),
    f"{CLOUDFORMATION}.stacks._evaluate_conditions": "(template: dict, params: dict) -> dict",
    f"{CLOUDFORMATION}.stacks._provision_keeping_seed": "(*args)",
    f"{CLOUDFORMATION}.stacks._runs_on_worker_thread": "(resource_type: str) -> bool",
    f"{CLOUDFORMATION}.stacks._update_keeping_seed": "(*args)",
    f"{CLOUDFORMATION}.stacks._update_resource": (
        "(resource_type: str, physical_id: str, old_props: dict, new_props: dict, "
        "stack_name: str, logical_id: str | None = None, old_attrs: dict | None = None) -> tuple"
    ),
    f"{CLOUDFORMATION}.stacks._with_stack_tags": (
        "(resource_type: str, props: dict, stack_tags: list, stack_name: str, stack_id: str, "
        "logical_id: str) -> dict"
    ),
    f"{CLOUDFORMATION}.stacks.run_reentrant": (
        "(fn, *args, thread_name: str = 'ministack-reentrant')"
    ),
}
# Calls that the lab takes apart by position, as they stand in the coroutines of stacks.py.
CALLS = [
    "_provision_keeping_seed, resource_type, logical_id, new_tagged, stack_name",
    (
        "_update_keeping_seed, resource_type, old_pid, old_tagged, new_tagged, stack_name, "
        "logical_id, old_attrs"
    ),
    (
        "_update_resource, rtype, physical_id, applied_props, previous_props, stack_name, "
        "logical_id, attrs"
    ),
    "_delete_resource, rtype, pid, res_props, stack_name, logical_id",
    "_delete_resource, rtype, pid, old_props, stack_name, logical_id",
    "_delete_resource, rtype, old_pid, old_props, stack_name, logical_id",
]


def test_the_pinned_version_is_installed() -> None:
    assert metadata.version("ministack") == MINISTACK_VERSION, (
        "Another MiniStack than the lab was made for: see the top of this file."
    )


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_an_internal_is_there_as_the_lab_uses_it(name: str) -> None:
    module, _unused, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    expected = SIGNATURES[name]
    if expected != VALUE:
        assert str(inspect.signature(found)) == expected


def test_resources_are_given_to_run_reentrant_as_the_lab_takes_them_apart() -> None:
    stacks = importlib.import_module(f"{CLOUDFORMATION}.stacks")
    source = re.sub(r"\s+", " ", inspect.getsource(stacks)).replace("( ", "(").replace(" )", ")")
    calls = re.findall(r"await run_reentrant\(([^()]*(?:\([^()]*\)[^()]*)*)\)", source)
    normal = {re.sub(r"res\.get\([^)]*\)", "res_props", call) for call in calls}
    assert normal == set(CALLS)


def test_nothing_else_of_ministack_is_touched() -> None:
    used = {name for path in sources() for name in touched(path)}
    assert used == set(SIGNATURES)


def sources() -> Iterator[Path]:
    tests = LAB / "tests"
    return (path for path in LAB.rglob("*.py") if tests not in path.parents)


def touched(path: Path) -> Iterator[str]:
    """What a file imports of MiniStack, and what it takes from the modules that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ministack"):
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                if is_module(name):
                    modules[name.rpartition(".")[2]] = name
                else:
                    yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in modules and not is_module(f"{modules[node.value.id]}.{node.attr}"):
                yield f"{modules[node.value.id]}.{node.attr}"
            elif node.value.id == "module":
                # A function that several modules have imported is set in all of them.
                found = (f"{module}.{node.attr}" for module in modules.values())
                yield from (name for name in found if name in SIGNATURES)


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
