# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a canary run: each cause once, in every form, for few and for many accounts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.catalogue import KINDS
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.facts import make_cause
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.model import (
    PathResult,
    Proof,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.files import (
    PROVE_NAME,
    as_html,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_document import (
    prove_document,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_markdown import (
    as_markdown,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_screen import (
    preview_lines,
    proof_lines,
)

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "prove-report.schema.json").read_text("utf-8"))
REGIONS = [f"eu-west-{number}" for number in range(1, 10)]


def proof(accounts: int, regions: int) -> Proof:
    """Every third account is refused in the first region, and the second everywhere."""
    paths = [_path(number, region) for number in range(accounts) for region in REGIONS[:regions]]
    return Proof(
        run="abc123",
        started="2026-11-27T10:00:00+00:00",
        ended="2026-11-27T10:01:12+00:00",
        organisation="111111111111",
        pipelines=2,
        paths=paths,
        notes=[make_cause("unread", "quota: refused"), make_cause("unread", "quota: refused")],
    )


def _path(number: int, region: str) -> PathResult:
    account, host = f"{222222222222 + number}", f"account-{number}"
    role = f"arn:aws:iam::{account}:role/CrossAccountCodePipeline"
    cause = None
    if number == 1:
        cause = make_cause("trust", f"the trust of {role} admits nobody", host=host)
    elif number % 3 == 0 and region == REGIONS[0]:
        cause = make_cause(
            "bucket_policy",
            f"User: {role} is not authorized to perform: s3:GetObject",
            host=region,
            permission="s3:GetObject",
            stage="Prove",
        )
    status = "refused" if cause else "reached"
    return PathResult(host=host, account_id=account, region=region, status=status, cause=cause)


@pytest.mark.parametrize(("accounts", "regions"), [(6, 2), (60, 6), (600, 9)])
def test_every_cause_is_shown_once_in_100_columns(accounts: int, regions: int) -> None:
    report = prove_document(proof(accounts, regions), name="org")
    jsonschema.validate(report, SCHEMA)
    assert [cause["kind"] for cause in report["causes"]] == (
        ["bucket_policy", "trust"] if accounts // 3 >= regions else ["trust", "bucket_policy"]
    )
    texts = [line.text for line in proof_lines(report, width=100)]
    assert len(texts) < 35
    assert [text for text in texts if len(text) > 100] == []
    assert sum("REFUSED:" in text for text in texts) == 2
    assert any("--limit eu-west-1" in text for text in texts)


def test_check_mode_shows_what_would_be_proven_and_what_would_refuse() -> None:
    found = proof(4, 2)
    for path in found["paths"]:
        path["status"] = "refused" if path["cause"] else "unknown"
    found["paths"][-1]["status"] = "left_out"
    found["paths"][-1]["cause"] = make_cause("quarantined", "the account is quarantined")
    texts = [line.text for line in preview_lines(prove_document(found, name="org"), width=100)]
    assert (
        "  org: 7 paths to prove, 4 would be refused, 1 left out (4 accounts, 2 regions)." in texts
    )
    assert sum("WOULD BE REFUSED: " in text for text in texts) == 2
    assert not any("reached" in text.lower() for text in texts)


def test_a_note_that_comes_twice_is_shown_once() -> None:
    report = prove_document(proof(2, 1))
    assert [note["times"] for note in report["notes"]] == [2]


def test_one_command_fixes_many_hosts() -> None:
    found = proof(1, 2)
    for path, host in zip(found["paths"], ("eu-west-1", "eu-west-2"), strict=True):
        path["status"], path["cause"] = "refused", make_cause("key_policy", "no", host=host)
    (cause,) = prove_document(found)["causes"]
    assert cause["cure"].endswith("--limit eu-west-1,eu-west-2")


def test_markdown_and_page_have_every_path() -> None:
    report: dict[str, Any] = prove_document(proof(6, 2))
    text, page = as_markdown(report), as_html(report, name=PROVE_NAME)
    for path in report["paths"]:
        assert path["host"] in text
        assert path["account_id"] in page
    assert "@@" not in page


def test_the_docs_have_every_kind_of_cause() -> None:
    text = (DOCS / "prove.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", text, re.MULTILINE))
    assert {kind: rows.get(kind) for kind in KINDS} == {
        kind: known.meaning for kind, known in KINDS.items()
    }
