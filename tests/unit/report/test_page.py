# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's page, opened from disk in a real Chromium: what it shows, and how it is used.

Needs playwright and a Chromium of this machine, and asks no network. Leaves pictures of the page in
build/report.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import (
    document as _report,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.files import write
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.markdown import (
    as_markdown,
)

from tests.unit.report import sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PICTURES = Path(__file__).parents[3] / "build" / "report"
NAMES = ("chromium", "chromium-browser", "google-chrome")
Data = dict[str, Any]
Show = Callable[..., "Page"]
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    # No process that stands in for a graphics card: each page would be drawn through it.
    arguments = ["--disable-gpu", "--disable-software-rasterizer"]
    # Root, as in a container, cannot use the sandbox.
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Open a report; in the end nothing may have gone wrong in the page, or left it."""
    wrong: list[str] = []
    contexts = []

    def open_page(report: Data, *, scheme: Scheme = "light", width: int = 1280) -> Page:
        # From what the JSON holds, and nothing else.
        report = json.loads(json.dumps(report))
        write(tmp_path, report, as_markdown(report))
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        contexts.append(context)
        page: Page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("request", lambda request: wrong.append(request.url) if _leaves(request) else None)
        page.goto((tmp_path / "drift-report.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _leaves(request: Any) -> bool:
    return not request.url.startswith(("file:", "data:"))


def shown_findings(page: Page) -> list[str]:
    """The accessible names of the findings that can be seen."""
    found = page.locator("#findings article.finding:not([hidden])")
    return [str(one.get_attribute("aria-label")) for one in found.all() if not _is_gone(one)]


def _is_gone(locator: Any) -> bool:
    return bool(locator.evaluate("one => one.closest('.stack').hidden"))


def counting(report: Data) -> list[Data]:
    return [one for one in report["findings"] if one["ignored"] is None]


# What it shows


@pytest.mark.parametrize("name", ["everything", "clean", "large"])
def test_the_grid_shows_every_stack_in_its_account_and_region(show: Show, name: str) -> None:
    report = getattr(sample, name)()

    page = show(report)

    titles = [text.split("\n")[0] for text in page.locator("thead th").all_inner_texts()]
    regions = titles[1 : 1 + len({host["region"] for host in report["hosts"]})]
    seen = []
    for row in page.locator(".grid tbody tr").all():
        account = row.locator("th small").inner_text()
        for region, cell in zip(regions, row.locator("td").all(), strict=True):
            for one in cell.locator("button").all():
                label = str(one.get_attribute("aria-label"))
                stack, state = label.split(": ")[1].split(", ")
                seen.append((account, region, stack, state))
    expected = [
        (host["account_id"], host["region"], host["stack"], host["state"])
        for host in report["hosts"]
    ]
    expected += [
        (one["account_id"], one["region"], one["stack"], "orphaned")
        for one in report["findings"]
        if one["kind"] == "orphaned"
    ]
    assert sorted(seen) == sorted(expected)


def test_what_is_not_well_comes_first_in_the_grid(show: Show) -> None:
    page = show(sample.large())

    rows = page.locator(".grid tbody th").all_inner_texts()

    assert [re.split(r"\s", row)[0] for row in rows[:3]] == [
        "build",
        "workload-042",
        "workload-000",
    ]


def test_a_cell_with_many_stacks_counts_them(show: Show) -> None:
    report = sample.clean()
    primary = next(host for host in report["hosts"] if host["group"] == "primary")
    report["hosts"] += [
        {
            **primary,
            "group": "pipelines",
            "stack": f"service-{n}-pipeline",
            "name": f"service-{n}",
            "state": state,
        }
        for n, state in enumerate(["clean", "drifted", "clean", "outdated"])
    ]

    page = show(report)

    marks = page.locator(".grid tbody tr").first.locator("td").first.locator("button")
    assert [one.get_attribute("aria-label") for one in marks.all()] == [
        "build, us-east-1: 1 stack drifted",
        "build, us-east-1: 1 stack outdated",
        "build, us-east-1: 5 stacks clean",
    ]


@pytest.mark.parametrize(
    ("name", "headline"),
    [("everything", "example has drifted"), ("clean", "example is clean")],
)
def test_the_verdict_is_the_headline(show: Show, name: str, headline: str) -> None:
    page = show(getattr(sample, name)())

    assert page.locator("h1").inner_text() == headline
    assert page.title().startswith("Drift of example: ")


def test_a_clean_report_says_that_nothing_differs(show: Show) -> None:
    page = show(sample.clean())

    assert "Nothing differs." in page.locator("#findings").inner_text()
    assert page.locator("#errors, #unchecked, #ignored-findings, #roles").count() == 0


def test_two_values_stand_side_by_side_and_what_differs_is_marked(show: Show) -> None:
    page = show(sample.everything())

    policy = page.locator("article[data-kind=policy]").first
    assert policy.locator("thead th").all_inner_texts() == ["Expected", "Actual"]
    assert policy.locator("td.expected mark").all_inner_texts() == [
        "Decrypt",
        "222222222222",
        "333333333333",
    ]
    assert policy.locator("td.actual mark").all_inner_texts()[0] == "*"
    fold = policy.locator(".fold button").first
    lines = policy.locator("tbody tr").count()
    number = int(fold.inner_text().split()[0])
    fold.click()
    assert policy.locator("tbody tr").count() == lines - 1 + number


def test_every_finding_shows_its_severity(show: Show) -> None:
    report = sample.everything()
    page = show(report)

    shown = page.locator("article.finding .severity").all_text_contents()
    severities = [finding["severity"] for finding in report["findings"]]
    assert sorted(shown) == sorted(text.replace("danger", "DANGER") for text in severities)


def test_what_the_report_quotes_is_text_and_never_runs(show: Show) -> None:
    page = show(sample.everything())

    assert page.locator("img").count() == 0
    assert page.title() == "Drift of example: drifted"
    ignored = page.locator("#ignored-findings article")
    assert sample.PROBE in str(ignored.get_attribute("aria-label"))


def test_an_orphaned_stack_comes_with_the_command_that_removes_it(show: Show) -> None:
    page = show(sample.everything())

    assert page.locator("#findings .command").all_inner_texts() == [
        "aws cloudformation delete-stack --region eu-central-1 --stack-name Forgotten"
    ]


# How it is used


def test_a_kind_filters_and_unfilters(show: Show) -> None:
    report = sample.everything()
    page = show(report)
    chip = page.get_by_role("button", name=re.compile("^policy"))

    chip.click()

    policies = [f"policy: {one['message']}" for one in counting(report) if one["kind"] == "policy"]
    assert (chip.get_attribute("aria-pressed"), shown_findings(page)) == ("true", policies)
    assert page.locator("output").inner_text() == f"2 of {len(counting(report))} findings"
    chip.click()
    assert len(shown_findings(page)) == len(counting(report))


def test_filters_together_leave_what_matches_all(show: Show) -> None:
    report = sample.everything()
    page = show(report)

    page.get_by_label("Account", exact=True).select_option("111111111111")
    page.get_by_label("Region", exact=True).select_option("eu-west-1")
    page.get_by_role("searchbox").fill("rotation")

    assert shown_findings(page) == [
        "drifted: Key (AWS::KMS::Key): EnableKeyRotation is false, not true"
    ]
    page.get_by_role("button", name="Show all").click()
    assert len(shown_findings(page)) == len(counting(report))
    assert page.get_by_role("searchbox").input_value() == ""


def test_the_search_finds_what_a_value_holds(show: Show) -> None:
    page = show(sample.everything())

    page.get_by_role("searchbox").fill("AROAEXAMPLE")

    assert len(shown_findings(page)) == 1


def test_a_mark_of_the_grid_leads_to_the_findings_of_its_place(show: Show) -> None:
    report = sample.everything()
    page = show(report)

    page.get_by_role("button", name="production, us-east-1: CrossAccountDeploy, drifted").click()

    here = [one for one in counting(report) if one["host"] == "production"]
    assert len(shown_findings(page)) == len(here) == 2


def test_the_keyboard_reaches_and_works_everything(show: Show) -> None:
    page = show(sample.everything())

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the findings"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.kind") == "missing"
    page.keyboard.press("Space")
    assert shown_findings(page) == ["missing: stack CrossAccountDeploy does not exist"]


def test_many_stacks_are_folded_until_a_filter_leaves_few(show: Show) -> None:
    report = sample.large()
    (one,) = report["findings"]
    report["findings"] = [{**one, "host": f"host-{n}", "stack": f"stack-{n}"} for n in range(40)]
    page = show(report)

    assert page.locator(".stack[open]").count() == 0
    page.get_by_role("searchbox").fill("stack-7")
    assert page.locator(".stack[open]").count() == 1


def test_the_theme_can_be_turned(show: Show) -> None:
    page = show(sample.clean(), scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)

    page.get_by_role("button", name="Theme").click()

    assert page.evaluate(background) != dark


def test_paper_shows_what_the_screen_folds(show: Show) -> None:
    page = show(sample.everything())

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".fold").count() == 0
    assert not page.locator(".filters").is_visible()


def test_a_small_screen_scrolls_nothing_sideways_but_the_grid(show: Show) -> None:
    page = show(sample.everything(), width=390)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# For everybody

NAMELESS = """() => [...document.querySelectorAll("button, select, input, a, summary, table")]
  .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim()))
  .map((one) => one.outerHTML)"""

# The contrast of every text with what lies behind it, as WCAG computes it.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color, behind) => {
    canvas.fillStyle = behind ? `rgb(${behind})` : "white"; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (color) => color.map((one) => one / 255)
    .map((one) => (one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4))
    .reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0);
  const behind = (one) => {
    const chain = [];
    for (let at = one; at; at = at.parentElement)
      chain.unshift(getComputedStyle(at).backgroundColor);
    return chain.reduce((under, color) => rgb(color, under), undefined);
  };
  const poor = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const unread = one.closest(".unseen, script, noscript, :disabled") || !one.checkVisibility();
    if (!own || unread) continue;
    const back = behind(one), front = rgb(getComputedStyle(one).color, back);
    const [high, low] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (high + .05) / (low + .05);
    if (ratio < 4.5)
      poor.push(`${one.className || one.tagName}: ${ratio.toFixed(2)} ${one.textContent}`);
  }
  return [...new Set(poor)];
}"""


@pytest.mark.parametrize("name", ["everything", "clean"])
def test_all_that_can_be_used_has_a_name(show: Show, name: str) -> None:
    page = show(getattr(sample, name)())

    assert page.evaluate(NAMELESS) == []
    assert page.locator("html").get_attribute("lang") == "en"
    levels = [
        int(one[1])
        for one in page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3')].map((one) => one.tagName)"
        )
    ]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(show: Show, scheme: str) -> None:
    page = show(sample.everything(), scheme=scheme)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert page.evaluate(CONTRAST) == []


# The forms agree


ITEM = re.compile(
    r"^- (?:\*\*DANGER\*\* )?\*\*((?!DANGER).*(?:\n  (?! *```|[-+ ]).*)*)", re.MULTILINE
)


def from_page(page: Page) -> Counter[str]:
    return Counter(shown_findings(page))


def from_markdown(text: str) -> Counter[str]:
    """The findings of the Markdown, each as often as it stands for a stack."""
    found: Counter[str] = Counter()
    for section in text.split("\n## ")[1:]:
        heading, _newline, rest = section.partition("\n")
        if heading.startswith(("Not checked", "No longer ignored", "Ignored")):
            continue
        shared = re.search(r"^The same in (\d+) stacks", rest, re.MULTILINE)
        for item in re.findall(
            r"^- (?:\*\*DANGER\*\* )?\*\*(.*(?:\n  (?! *```|[-+ ]).*)*)", rest, re.MULTILINE
        ):
            kind, _stars, message = re.sub(r"\n +", " ", item).partition("** ")
            found[f"{kind}: {message}"] += int(shared[1]) if shared else 1
    return found


def shared_report() -> Data:
    """A report in which many stacks differ in the same way."""
    report = sample.everything()
    tag = next(
        one for one in report["findings"] if one["property"] == "Tags.team" and not one["actual"]
    )
    more = [{**tag, "host": f"more-{n}", "account_id": f"{n:012d}"} for n in range(30)]
    return {**report, "findings": report["findings"] + more}


@pytest.mark.parametrize("report", [sample.everything(), sample.clean(), shared_report()])
def test_the_three_forms_have_the_same_findings(show: Show, report: Data, tmp_path: Path) -> None:
    expected = Counter(f"{one['kind']}: {one['message']}" for one in counting(report))

    page = show(report)

    assert from_page(page) == expected
    assert from_markdown((tmp_path / "drift-report.md").read_text("utf-8")) == expected


@pytest.mark.parametrize("name", ["everything", "clean", "large"])
def test_the_three_forms_count_the_same(show: Show, name: str, tmp_path: Path) -> None:
    report = getattr(sample, name)()

    page = show(report)

    tiles = {}
    for tile in page.locator(".tiles li").all():
        number, state = tile.inner_text().split()
        tiles[state] = int(number)
    chips = {}
    for chip in page.locator(".chip").all():
        kind, number = chip.inner_text().split()
        chips[kind] = int(number)
    text = (tmp_path / "drift-report.md").read_text("utf-8")
    overview = text[: text.index("\n- findings") if "\n- findings" in text else len(text)]
    states: Counter[str] = Counter()
    for line in re.findall(r"^- (?:regions|primary|deploy|pipelines).*: (.*)$", overview, re.M):
        for entry in line.split(", "):
            number, state = entry.split()
            states[state] += int(number)
    assert tiles == dict(states) == _report.states(report)
    kinds = re.search(r"^- findings: (.*)$", text, re.MULTILINE)
    listed = {}
    for entry in kinds[1].split(", ") if kinds else ():
        number, kind = entry.split()
        listed[kind] = int(number)
    assert chips == listed == _report.kinds(report)
    assert page.locator("#errors .failed").count() == text.count("**error**") == _errors(report)
    assert page.locator("#unchecked .not-checked").count() == len(report["unchecked"])
    assert page.locator("#ignored-findings article").count() == len(report["findings"]) - len(
        counting(report)
    )
    assert page.locator(".expired").count() == len(report["ignored_expired"])
    assert page.locator("#roles .role").count() == len(report["outdated_roles"])


def _errors(report: Data) -> int:
    return sum(host["error"] is not None for host in report["hosts"])


@pytest.mark.parametrize("name", ["everything", "clean", "large"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_kept(show: Show, name: str, scheme: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = show(getattr(sample, name)(), scheme=scheme)
    path = PICTURES / f"{name}-{scheme}.png"

    page.screenshot(path=path, full_page=True)

    assert path.stat().st_size > 20_000
