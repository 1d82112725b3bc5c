# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run says of an organisation that somebody tampered with.

It runs as a role that has nothing but playbooks/files/drift-policy.json. The tests talk to the lab,
and share one organisation: each leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab
from tests.integration.drifting import Organisation
from tests.integration.playbook import StackName
from tests.integration.tampering import KINDS, PRIMARY_HOST, UNKNOWN, Trace, by_a_run


@pytest.fixture(scope="module")
def organisation(running_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    running_lab.reset()
    return Organisation(running_lab, tmp_path_factory.mktemp("organisation"))


@pytest.fixture
def tampered(organisation: Organisation, request: pytest.FixtureRequest) -> Iterator[Trace]:
    """The organisation after one kind of tampering, which is undone afterwards."""
    tamper, trace = KINDS[request.param]
    undo = tamper(organisation.tamperer)
    yield trace
    if undo is by_a_run:
        organisation.bootstrap()
    else:
        undo()


def test_an_organisation_as_it_should_be_is_clean(organisation: Organisation) -> None:
    before = organisation.everything()
    run, report = organisation.look()
    assert run.code == 0, run.output
    assert (report["verdict"], report["complete"], report["findings"]) == ("clean", True, [])
    assert {host["name"]: host["state"] for host in report["hosts"]} == dict.fromkeys(
        organisation.inventory.hosts, "clean"
    )
    assert run.writes == []
    assert organisation.everything() == before


@pytest.mark.parametrize("tampered", KINDS, indirect=True)
def test_tampering_is_found_and_named(organisation: Organisation, tampered: Trace) -> None:
    before = organisation.everything()
    run, report = organisation.look()
    assert run.code == 2, run.output
    assert report["verdict"] == "drifted"
    assert report["findings"]
    for finding in report["findings"]:
        assert tampered.fits(finding), finding
        place = StackName(finding["account_id"], finding["region"], finding["stack"])
        assert place == (organisation.held.stack_of(tampered.host) if tampered.host else UNKNOWN)
        assert finding["ignored"] is None
    assert run.failed == {tampered.host or PRIMARY_HOST}
    assert run.writes == []
    assert organisation.everything() == before


@pytest.mark.parametrize("tampered", ["rotation off"], indirect=True)
def test_an_account_that_refuses_hides_no_other(
    organisation: Organisation, tampered: Trace
) -> None:
    account_id = organisation.inventory.accounts["production"].account_id
    organisation.lab.refuse_access(account_id)
    try:
        run, report = organisation.look()
    finally:
        organisation.lab.allow_access(account_id)
    assert run.code == 2, run.output
    assert not report["complete"]
    hosts = {host["name"]: host for host in report["hosts"]}
    assert hosts["production"]["state"] == "error"
    assert "AccessDenied" in hosts["production"]["error"]
    (finding,) = report["findings"]
    assert tampered.fits(finding)
    quiet = organisation.inventory.hosts - {"production", tampered.host}
    assert {hosts[name]["state"] for name in quiet} == {"clean"}
    assert run.failed == {"production", tampered.host}
    assert run.writes == []


@pytest.mark.parametrize("tampered", ["timeout"], indirect=True)
def test_what_is_found_need_not_fail_the_run(organisation: Organisation, tampered: Trace) -> None:
    run, report = organisation.look("-e", "fail_on_drift=false")
    assert run.code == 0, run.output
    assert report["verdict"] == "drifted"
    (finding,) = report["findings"]
    assert tampered.fits(finding)
