# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what, on the policies that a full bootstrap leaves in the lab.

The lab gives the policies, as it would give them to anybody who reads them; a policy simulator that
knows nothing of the lab judges the requests.
"""

from __future__ import annotations

import pytest

from lab import Lab
from tests.policy import grants
from tests.policy.approver import Approver
from tests.policy.builds import allowed_builds, allowed_tests, denied_builds, denied_tests
from tests.policy.canary import allowed_canaries, denied_canaries
from tests.policy.cases import allowed_around, allowed_uploads, denied
from tests.policy.foundation import Foundation
from tests.policy.operator import Operator
from tests.policy.release import Release
from tests.policy.request import Denied, Request
from tests.policy.simulator import Answer, simulate
from tests.policy.statements import REASONS, missed


@pytest.fixture(scope="session")
def needed(
    lab: Lab,
    foundation: Foundation,
    releases: list[Release],
    operator: Operator,
    approver: Approver,
) -> list[Request]:
    """Everything that has to be allowed."""
    found = [
        *operator.needs(lab.decisions(), lab.calls()),
        *approver.needs(),
        *allowed_canaries(foundation, operator.role),
        *allowed_around(foundation),
        *(one for release in releases for one in allowed_uploads(foundation, release)),
        *(one for release in releases for one in allowed_builds(release)),
        *(one for release in releases for one in allowed_tests(release)),
        *(one for release in releases for one in release.needs()),
    ]
    return list({str(one): one for one in found}.values())


@pytest.fixture(scope="session")
def cases(
    foundation: Foundation, releases: list[Release], operator: Operator, approver: Approver
) -> list[Denied]:
    """Everything that has to be refused."""
    found = [
        *operator.denied(),
        *approver.denied(),
        *denied_canaries(foundation, operator.role),
        *(case for release in releases for case in denied(foundation, release)),
        *(case for release in releases for case in denied_builds(foundation, release)),
        *(case for release in releases for case in denied_tests(release)),
    ]
    return list({(str(case.request), str(case.twin)): case for case in found}.values())


def test_what_has_to_be_done_is_allowed(foundation: Foundation, needed: list[Request]) -> None:
    answers = _ask(foundation, needed)
    refused = [str(one) for one in needed if not answers[str(one)].allowed]
    assert refused == []


def test_what_nobody_may_do_is_denied(foundation: Foundation, cases: list[Denied]) -> None:
    answers = _ask(foundation, [one for case in cases for one in (case.request, case.twin)])
    admitted = [case.name for case in cases if answers[str(case.request)].allowed]
    assert admitted == []
    # A denial whose twin is denied too proves nothing of the fact in which they differ.
    empty = [f"{case.name}: {case.twin}" for case in cases if not answers[str(case.twin)].allowed]
    assert empty == []


def test_each_statement_and_each_action_is_missed(
    foundation: Foundation, needed: list[Request], cases: list[Denied], operator: Operator
) -> None:
    found = missed(
        foundation.export,
        allowed=needed,
        refused=[case.request for case in cases],
        # Their single actions are removed where CloudFormation runs with them, in the lab's tests.
        whole=[operator.role, *operator.access_roles.values()],
    )
    needless = {part.title for part in found if not part.changes}
    superfluous = sorted(needless - set(REASONS))
    assert superfluous == [], "\n".join(superfluous)
    assert set(REASONS) <= needless


@pytest.fixture(scope="session")
def organization(lab: Lab, foundation: Foundation) -> Foundation:
    """The foundation with policies that admit an organization."""
    return grants.admit_organization(foundation, lab.client)


def test_an_organization_is_admitted_to_what_the_accounts_were(
    organization: Foundation, foundation: Foundation, needed: list[Request]
) -> None:
    """Only what concerns a policy that differs is asked again."""

    def asks(request: Request) -> bool:
        new, old = (one.export.of_resource(request.resource) for one in (organization, foundation))
        return new != old

    requests = [one for one in needed if asks(one)]
    requests += [one.but(administrator=True) for one in grants.admitted(organization)]
    answers = _ask(organization, requests)
    assert [str(one) for one in requests if not answers[str(one)].allowed] == []


def test_whom_an_organization_does_not_include_is_denied(
    organization: Foundation, releases: list[Release]
) -> None:
    cases = [*grants.denied(organization, releases[0]), *denied(organization, releases[0])]
    answers = _ask(organization, [one for case in cases for one in (case.request, case.twin)])
    assert [case.name for case in cases if answers[str(case.request)].allowed] == []
    empty = [f"{case.name}: {case.twin}" for case in cases if not answers[str(case.twin)].allowed]
    assert empty == []


def _ask(foundation: Foundation, requests: list[Request]) -> dict[str, Answer]:
    """Ask the simulator; the answers by the requests."""
    answers = simulate([one.simulation(foundation.export) for one in requests])
    found = {str(one): answer for one, answer in zip(requests, answers, strict=True)}
    assert {text: answer.error for text, answer in found.items() if answer.error} == {}
    return found
