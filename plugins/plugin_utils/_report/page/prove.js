// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The worst first; the same order as in the other forms.
const STATES = ["refused", "unknown", "left_out", "reached"];
const MEANING = {
  reached: "a release arrived",
  refused: "something refused it",
  unknown: "not seen to its end",
  left_out: "left out, as the inventory says",
};
const HEADLINE = {
  proven: "every path is proven",
  refused: "not every path is proven",
  incomplete: "not every path was seen to its end",
};
const OPEN = 6;  // so many causes are shown open at once

const pathsOf = grouped(report.paths, (path) => path.account_id);
const shown = { text: "", onlyOthers: false };
const rowsOf = [];  // { row, path names, others }

// The head

function drawHead() {
  const name = report.organisation || "The organisation";
  const counts = report.counts;
  const regions = unique(report.paths.map((path) => path.region)).length;
  const size = `${plural(report.paths.length, "path")}: ${plural(pathsOf.size, "account")} in`
    + ` ${plural(regions, "region")}, by ${plural(report.pipelines, "temporary pipeline")}.`;
  document.title = `Paths of ${name}: ${report.verdict}`;
  drawTop({
    state: { proven: "reached", refused: "refused", incomplete: "unknown" }[report.verdict],
    sign: { proven: "reached", refused: "refused", incomplete: "unknown" }[report.verdict],
    name: `${name}:`,
    headline: HEADLINE[report.verdict],
    lines: [size, `${when(report.started)}, took ${duration(report.seconds)}`],
    tiles: STATES.filter((state) => counts[state])
      .map((state) => tile(state, counts[state], MEANING[state])),
    label: "Paths by status",
  });
}

// The grid: accounts by regions

function drawGrid() {
  const regions = unique(report.paths.map((path) => path.region)).sort();
  const accounts = [...pathsOf.keys()].sort((entry, other) => rank(entry) - rank(other)
    || nameOf(entry).localeCompare(nameOf(other)));
  const rows = accounts.map((account) => [`${nameOf(account)} `, account,
    regions.map((region) => cell(account, region))]);
  const used = STATES.filter((state) => report.counts[state]);
  const grid = gridOf({ regions, home: "", rows, caption: "Every path, by account and region" },
    legendOf(used, MEANING));
  const lines = grid.querySelectorAll("tbody tr");
  accounts.forEach((account, at) => rowsOf.push({
    row: lines[at],
    text: `${nameOf(account)} ${account}`.toLowerCase(),
    others: pathsOf.get(account).some((path) => path.status !== "reached"),
  }));
  grid.querySelector("h2").after(drawFilters());
  return grid;
}
function nameOf(account) {
  return unique(pathsOf.get(account).map((path) => path.host)).join(", ");
}
function rank(account) {
  return Math.min(...pathsOf.get(account).map((path) => STATES.indexOf(path.status)));
}
function cell(account, region) {
  const paths = pathsOf.get(account).filter((path) => path.region === region);
  return element("span", { class: "marks" }, paths.map((path) => {
    const kind = path.cause === null ? "" : `, ${report.causes[path.cause].kind}`;
    const label = `${path.host}, ${region}: ${wordOf(path.status)}${kind}`;
    return markOf(path.status, label, "", () => show(path.cause));
  }));
}
function show(cause) {
  const card = cause === null ? null : document.getElementById(`cause-${cause}`);
  if (card) card.open = true;
  (card || document.getElementById("findings")).scrollIntoView();
}

// What is shown of the grid

function drawFilters() {
  const text = element("input", {
    type: "search", "aria-label": "Search for an account", placeholder: "Account",
    oninput: (event) => { shown.text = event.target.value.toLowerCase(); filter(); },
  });
  const others = element("button", {
    class: "chip", type: "button", "data-state": "refused", "aria-pressed": "false",
    onclick: (event) => {
      shown.onlyOthers = !shown.onlyOthers;
      event.currentTarget.setAttribute("aria-pressed", String(shown.onlyOthers));
      filter();
    },
  }, icon("refused"), "not reached only");
  const number = element("output", { id: "number", "aria-live": "polite" });
  return element("div",
    { class: "filters card", role: "search", "aria-label": "Filter the accounts" },
    others, text, number);
}
function filter() {
  let number = 0;
  for (const { row, text, others } of rowsOf) {
    row.hidden = (shown.onlyOthers && !others) || (shown.text && !text.includes(shown.text));
    number += row.hidden ? 0 : 1;
  }
  const all = plural(rowsOf.length, "account");
  document.getElementById("number").textContent =
    number === rowsOf.length ? all : `${number} of ${all}`;
}

// The causes

function drawCauses() {
  if (!report.causes.length) {
    return section("findings", "Causes",
      element("div", { class: "card calm" }, icon("reached"),
        element("p", {}, "Nothing refused.")));
  }
  return section("findings", "Causes", report.causes.map(causeCard));
}
function causeCard(cause, number) {
  const paths = report.paths.filter((path) => path.cause === number);
  const stage = cause.stage ? `stage ${cause.stage}` : "before a pipeline ran";
  const card = element("details", { class: "card stack", id: `cause-${number}` },
    element("summary", {}, icon("chevron"),
      element("h3", {}, cause.meaning || cause.kind),
      element("span", { class: "quiet code" }, cause.kind),
      element("span", { class: "counts" },
        badge(cause.status, plural(cause.paths, "path")))),
    element("article", { class: "finding", "aria-label": cause.kind },
      cause.status === "left_out" ? "" : facts([
        ["Where", stage],
        ["Who", cause.principal],
        ["May not", cause.permission],
        ["On", cause.resource],
      ]),
      element("p", { class: "message" }, cause.message),
      cureOf(cause),
      placesOf(paths)));
  card.open = number < OPEN && cause.status !== "left_out";
  return card;
}
function facts(rows) {
  const known = rows.filter(([, value]) => value);
  return element("dl", { class: "facts" }, known.flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", { class: name === "Where" ? null : "code" }, value),
  ]));
}
function cureOf(cause) {
  const [sentence, command] = parted(cause.cure);
  return [
    element("p", { class: "message" }, element("b", {}, "What to do: "), sentence),
    command ? element("div", { class: "command" }, command) : "",
  ];
}
// A cure ends with a command after a colon, if it has one.
function parted(cure) {
  const at = cure.search(/: (?:ansible-playbook|aws) /);
  return at < 0 ? [cure, ""] : [cure.slice(0, at + 1), cure.slice(at + 2)];
}
function placesOf(paths) {
  const rows = [...grouped(paths, (path) => path.host)].map(([host, found]) => element("tr", {},
    element("td", {}, host),
    element("td", { class: "code" }, found[0].account_id),
    element("td", {}, found.map((path) => path.region).join(", "))));
  const list = listOf(["Host", "Account", "Regions"], rows);
  return rows.length <= 3 ? list : foldedList(plural(rows.length, "account"), list);
}

// Notes

function drawNotes() {
  if (!report.notes.length) return "";
  const cards = report.notes.map((note) => element("article",
    { class: "card finding note", "aria-label": note.kind },
    element("div", { class: "what" }, badge("left_out", note.kind),
      note.times > 1 ? element("span", { class: "quiet" }, `${note.times} times`) : ""),
    element("p", { class: "message" }, note.message),
    cureOf(note)));
  return section("notes", "Notes", cards);
}

function drawFoot() {
  const time = `${when(report.started)} to ${when(report.finished)}`;
  document.getElementById("foot").append(
    `Run ${report.run} of build account ${report.build_account_id}; ${time}. Schema`
    + ` ${report.schema_version}.`);
}

drawHead();
for (const draw of [drawGrid, drawCauses, drawNotes]) {
  document.getElementById("main").append(draw());
}
drawFoot();
filter();
printAll();
