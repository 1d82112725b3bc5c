# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the accounts that were read are all in the inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.marker import (
    Marker,
    check_markers,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.sources import (
    configured,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

SOURCE = "/inventory/organizations.yml"


def mark(accounts: int = 2, read: str = "2026-11-27T04:00:00+00:00") -> Marker:
    return {
        "source": SOURCE,
        "organization": "o-example000",
        "accounts": accounts,
        "read": read,
        "cached": False,
    }


def test_a_whole_reading_is_returned_once() -> None:
    assert check_markers({"a": mark(), "b": mark()}, sources=[SOURCE]) == [mark()]
    assert check_markers({}) == []


def test_a_source_without_hosts_is_an_error() -> None:
    """As where Ansible does not find the plugin, warns, and goes on with the static files."""
    with pytest.raises(PipelineError, match=f"{SOURCE}: its accounts were not read"):
        check_markers({}, sources=[SOURCE])
    with pytest.raises(PipelineError, match="and accounts_from says that they do"):
        check_markers({}, required=True)


def test_a_host_that_is_missing_is_an_error() -> None:
    with pytest.raises(PipelineError, match="3 accounts were read, and 2 hosts of them"):
        check_markers({"a": mark(3), "b": mark(3)})


def test_a_host_of_an_earlier_reading_left_the_ous() -> None:
    """As AWX has it, where an update of the inventory does not overwrite."""
    marks = {"a": mark(1), "b": mark(2, "2026-11-26T04:00:00+00:00")}
    with pytest.raises(PipelineError) as caught:
        check_markers(marks)
    assert str(caught.value) == (
        "accounts of the organization are missing:\n"
        f"  - {SOURCE}: host b is of an earlier reading than the others"
        " (2026-11-27T04:00:00+00:00), so its account left the OUs. Write it into a static file of"
        " the inventory, with account_id, regions and state: absent (or quarantined), or move it"
        " back"
    )


def test_files_of_the_plugin_are_found_among_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory = tmp_path / "inventory"
    for name, text in {
        "organizations.yml": "plugin: crossaccount.pipeline.organizations\n",
        "more/other.yaml": "---\n# ours\nplugin: 'crossaccount.pipeline.organizations'  # yes\n",
        "hosts.yml": "all:\n  vars:\n    plugin: crossaccount.pipeline.organizations\n",
        "group_vars/all.yml": "plugin: crossaccount.pipeline.organizations\n",
        "notes.txt": "plugin: crossaccount.pipeline.organizations\n",
    }.items():
        (inventory / name).parent.mkdir(parents=True, exist_ok=True)
        (inventory / name).write_text(text)
    found = [str(inventory / name) for name in ("more/other.yaml", "organizations.yml")]
    assert configured([str(inventory)]) == found
    monkeypatch.chdir(inventory / "more")
    assert configured([".."]) == found
    assert configured([found[0], "host,", str(tmp_path / "missing")]) == found[:1]
