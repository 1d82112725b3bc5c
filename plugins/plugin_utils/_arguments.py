# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise of compatibility.
"""The arguments of the actions; a test compares them with the documentation."""

from __future__ import annotations

import typing as t

Spec = dict[str, dict[str, t.Any]]

_ACCOUNT: Spec = {
    "account_id": {"type": "str"},
    "profile": {"type": "str"},
    "role_arn": {"type": "str"},
    "access_role_name": {"type": "str"},
    "external_id": {"type": "str"},
    "session_name": {"type": "str"},
    "session_duration": {"type": "int"},
    "source_identity": {"type": "str"},
    "session_tags": {"type": "dict"},
}

CONNECTION: Spec = {
    **_ACCOUNT,
    "region": {"type": "str"},
    "sts_region": {"type": "str"},
    "caller_account_id": {"type": "str"},
    "endpoint_url": {"type": "str"},
}

STACK: Spec = {
    **CONNECTION,
    "state": {"type": "str", "choices": ["present", "compared", "absent"], "default": "present"},
    "stack_name": {"type": "str", "required": True},
    "template": {"type": "path"},
    "template_body": {"type": "str"},
    "template_bucket": {"type": "str"},
    "parameters": {"type": "dict", "default": {}},
    "tags": {"type": "dict", "default": {}},
    "capabilities": {"type": "list", "elements": "str", "default": []},
    "termination_protection": {"type": "bool", "default": False},
    "stack_policy": {"type": "dict"},
    "allow_replacement": {"type": "bool", "default": False},
    "resources_to_skip": {"type": "list", "elements": "str", "default": []},
    "find_retained": {"type": "bool", "default": False},
    "purge_data": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600},
}

_STACKS: Spec = {
    "tag": {"type": "str"},
    "targets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str"},
            **_ACCOUNT,
            "region": {"type": "str"},
            "stack_name": {"type": "str", "required": True},
        },
    },
}

STACK_OUTPUTS_INFO: Spec = {**CONNECTION, **_STACKS}

STACK_DRIFT_INFO: Spec = {
    **CONNECTION,
    **_STACKS,
    "policies": {"type": "bool", "default": False},
    "others": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "int", "default": 1800},
}

STACK_DRIFT: Spec = {
    **CONNECTION,
    "stack_name": {"type": "str", "required": True},
    "ignore": {"type": "list", "elements": "raw", "default": []},
    "wait_timeout": {"type": "int", "default": 3600},
}

_ENTRY: Spec = {
    "region": {"type": "str", "required": True},
    "key_arn": {"type": "str", "required": True},
    "bucket_arn": {"type": "str", "required": True},
    "asset_bucket_arn": {"type": "str", "default": ""},
}

HOST_STACK: Spec = {
    **CONNECTION,
    "group": {
        "type": "str",
        "choices": ["regional", "primary", "deploy_accounts", "pipelines"],
        "required": True,
    },
    "state": {"type": "str", "choices": ["present", "compared", "absent"], "default": "present"},
    "deploy_account_ids": {"type": "list", "elements": "str", "default": []},
    "excluded_account_ids": {"type": "list", "elements": "str", "default": []},
    "register": {"type": "list", "elements": "dict", "default": [], "options": _ENTRY},
    "primary_outputs": {"type": "dict", "default": {}},
}

RECOVER: Spec = {**CONNECTION, "wait_timeout": {"type": "int", "default": 3600}}

PREFLIGHT: Spec = {
    "endpoint_url": {"type": "str"},
    "inspect": {"type": "bool", "default": False},
    "pattern": {"type": "str"},
    "teardown": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 1800},
}

ACCESS_PREFLIGHT: Spec = {
    "endpoint_url": {"type": "str"},
    "remove": {"type": "bool", "default": False},
}

ACCESS_STACKS: Spec = {"endpoint_url": {"type": "str"}}

ACCESS_SUMMARY: Spec = {"name": {"type": "str", "default": ""}}

BOOTSTRAP_SUMMARY: Spec = {"name": {"type": "str", "default": ""}}

DRIFT_REPORT: Spec = {
    "begin": {"type": "bool", "default": False},
    "stacks": {"type": "list", "elements": "dict", "default": []},
    "orphans": {"type": "list", "elements": "dict", "default": []},
    "others": {"type": "list", "elements": "dict", "default": []},
    "ignore": {"type": "list", "elements": "raw", "default": []},
    "name": {"type": "str", "default": ""},
    "path": {"type": "path"},
    "upload": {
        "type": "dict",
        "options": {
            "bucket": {"type": "str", "required": True},
            "prefix": {"type": "str", "default": ""},
            "region": {"type": "str"},
            "account_id": {"type": "str"},
            "profile": {"type": "str"},
            "role_arn": {"type": "str"},
            "url": {"type": "str", "default": ""},
        },
    },
    "sts_region": {"type": "str"},
    "caller_account_id": {"type": "str"},
    "fail_on_drift": {"type": "bool", "default": True},
}

DRIFT_SUMMARY: Spec = {}

DRIFT_VERDICT: Spec = {
    "reports": {"type": "dict", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "fail_on_drift": {"type": "bool", "default": True},
}

PROVE: Spec = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "at_once": {"type": "int", "default": 5},
    "endpoint_url": {"type": "str"},
}

PROVE_REPORT: Spec = {
    "begin": {"type": "bool", "default": False},
    "name": {"type": "str", "default": ""},
    "proof": {"type": "dict"},
    "path": {"type": "path"},
    "show": {"type": "bool", "default": False},
}

__all__ = (
    "ACCESS_PREFLIGHT",
    "ACCESS_STACKS",
    "ACCESS_SUMMARY",
    "BOOTSTRAP_SUMMARY",
    "CONNECTION",
    "DRIFT_REPORT",
    "DRIFT_SUMMARY",
    "DRIFT_VERDICT",
    "HOST_STACK",
    "PREFLIGHT",
    "PROVE",
    "PROVE_REPORT",
    "RECOVER",
    "STACK",
    "STACK_DRIFT",
    "STACK_DRIFT_INFO",
    "STACK_OUTPUTS_INFO",
    "Spec",
)
