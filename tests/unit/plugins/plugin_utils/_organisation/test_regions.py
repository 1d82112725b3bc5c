# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regions are read once, where nothing that a user set can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils import _botocore
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation import regions


@pytest.fixture
def cold() -> Iterator[None]:
    """Nothing read yet, and nothing retained of what a test reads."""
    caches = (_botocore.loader, regions._resolver, regions._regions_of)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_what_was_loaded_is_not_read_again(cold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    regions.load_regions()
    # Read now, a file would not be found any more.
    monkeypatch.setattr(_botocore.loader(), "_search_paths", [])

    assert regions.region_problem("eu-west-1") is None
    assert regions.region_problem("eu-west-9") is not None


def test_loading_never_raises_and_reads_no_profile(
    cold: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[profile\nthis does not parse", encoding="ascii")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))

    regions.load_regions()
    assert regions.region_problem("eu-west-1") is None

    def fail(_name: str) -> None:
        raise PermissionError("no")

    for cache in (regions._resolver, regions._regions_of):
        cache.cache_clear()
    monkeypatch.setattr(_botocore.loader(), "load_data", fail)
    regions.load_regions()
