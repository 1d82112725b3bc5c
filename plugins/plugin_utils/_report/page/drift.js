// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The worst first; the same order as in the other forms.
const STATES = [
  "error", "missing", "stuck", "drifted", "outdated", "orphaned", "quarantined", "ignored", "clean",
];
const KINDS = ["missing", "orphaned", "stuck", "outdated", "drifted", "policy"];
const WHOLE = ["missing", "orphaned", "stuck"];  // kinds whose message is complete
const MEANING = {
  missing: "in the inventory, not in AWS",
  orphaned: "in AWS with our tag, not in the inventory",
  stuck: "in a state that needs repair",
  outdated: "not as the inventory wants it",
  drifted: "changed outside CloudFormation",
  policy: "a live policy is not the template's",
  error: "could not be checked",
  quarantined: "left alone, as the inventory says",
  ignored: "differs in known ways only",
  clean: "as the inventory wants it",
};
const CONTEXT = 3;  // equal lines shown around what differs
const OPEN = 12;    // so many stacks are shown open at once
const MARKS = 3;    // so many stacks of a place have a mark each
const UPDATE = "ansible-playbook crossaccount.pipeline.access";

// What the page is about

const counting = report.findings.filter((entry) => !entry.ignored);
const ignored = report.findings.filter((entry) => entry.ignored);
const orphans = counting.filter((entry) => entry.kind === "orphaned");
const failed = report.hosts.filter((host) => host.error);
const hostsOf = grouped(report.hosts, (host) => host.account_id);

function placeOf(finding) {
  return [finding.host, finding.account_id, finding.region, finding.stack].join("\n");
}
function nameOf(account) {
  const hosts = hostsOf.get(account) || [];
  // Regions and pipelines do not name their account.
  const named = hosts.filter((host) => !["regional", "pipelines"].includes(host.group));
  return unique((named.length ? named : hosts).map((host) => host.name)).join(", ") || "no host";
}

// The head

function drawHead() {
  const name = report.organisation || "The organisation";
  const stacks = unique(counting.map(placeOf)).length;
  const [headline, sentence] = {
    clean: ["is clean", "Every stack is as the inventory and its template say."],
    drifted: ["has drifted", `${plural(counting.length, "finding")} in ${plural(stacks, "stack")}.`],
    incomplete: ["could not be checked completely", "Nothing was found in what was checked."],
  }[report.verdict];
  const missed = failed.length ? ` ${plural(failed.length, "stack")} could not be checked.` : "";
  const states = counted(report.hosts.map((host) => host.state));
  const sign = report.verdict === "incomplete" ? "error" : report.verdict;
  const tiles = STATES.filter((state) => states.has(state))
    .map((state) => tile(state, states.get(state), MEANING[state]));

  document.title = `Drift of ${name}: ${report.verdict}`;
  drawTop({
    state: report.verdict, sign, name, headline, tiles,
    lines: [sentence + missed, `${when(report.started)}, took ${duration(report.seconds)}`],
    label: "Stacks by state",
  });
}

// The grid: accounts by regions

function drawGrid() {
  const home = report.hosts.find((host) => host.group !== "regional")?.region;
  const regions = unique([
    ...report.hosts.flatMap((host) => [host.region, ...host.regions]),
    ...orphans.map((entry) => entry.region),
  ]).sort(byHome(home));
  const accounts = unique([...hostsOf.keys(), ...orphans.map((entry) => entry.account_id)])
    .sort((entry, other) => rank(entry) - rank(other));

  const rows = accounts.map((account) => [`${nameOf(account)} `, account,
    regions.map((region) => cell(account, region))]);
  return gridOf({ regions, home, rows, caption: "State of every stack, by account and region" },
    drawLegend());
}
function drawLegend() {
  const used = new Set([...report.hosts, ...orphans].map((entry) => entry.state || entry.kind));
  const reaches = report.hosts.some((host) => host.regions.some((entry) => entry !== host.region));
  const dot = element("li", {}, element("span", { class: "reach", "aria-hidden": "true" }),
    "pipelines deploy to it, through the roles of the account");
  return legendOf(STATES.filter((state) => used.has(state)), MEANING, reaches ? dot : "");
}
// The build account first, then accounts with findings, then the rest; otherwise as in the report.
function rank(account) {
  const hosts = hostsOf.get(account) || [];
  if (hosts.some((host) => host.group === "primary")) return -1;
  return Math.min(STATES.length, ...hosts.map((host) => STATES.indexOf(host.state)));
}
function cell(account, region) {
  const hosts = (hostsOf.get(account) || []);
  const stacks = [
    ...hosts.filter((host) => host.region === region),
    ...orphans.filter((entry) => entry.account_id === account && entry.region === region),
  ].map((entry) => ({ stack: entry.stack, state: entry.state || entry.kind }));
  if (!stacks.length && hosts.some((host) => host.regions.includes(region))) {
    return [element("span", { class: "reach", "aria-hidden": "true" }),
      element("span", { class: "unseen" }, "deployed to")];
  }
  const place = { account, region, name: `${nameOf(account)}, ${region}` };
  const marks = stacks.length <= MARKS
    ? stacks.map(({ stack, state }) => mark(place, state, `${stack}, ${state}`))
    : manyMarks(place, counted(stacks.map((entry) => entry.state)));
  return element("span", { class: "marks" }, marks);
}
function manyMarks(place, numbers) {
  return STATES.filter((state) => numbers.has(state)).map((state) => {
    const number = numbers.get(state);
    return mark(place, state, `${plural(number, "stack")} ${state}`, String(number));
  });
}
function mark(place, state, words, text = "") {
  const label = `${place.name}: ${words}`;
  const go = () => {
    choose(place.account, place.region);
    document.getElementById("findings").scrollIntoView();
  };
  return markOf(state, label, text, go);
}

// The findings and their filters

const shown = { kinds: new Set(), account_id: "", region: "", text: "" };
const controls = {};
const cards = [];  // { card, items: [{ item, finding, text }] }

function drawFindings() {
  if (!counting.length) {
    const result = failed.length ? "Nothing was found in what was checked." : "Nothing differs.";
    return section("findings", "Findings",
      element("div", { class: "card calm" }, icon("clean"), element("p", {}, result)));
  }
  const groups = [...grouped(counting, placeOf).values()];
  for (const findings of groups) {
    const items = findings.map((finding) => ({
      finding, item: findingCard(finding), text: JSON.stringify(finding).toLowerCase(),
    }));
    const card = stackCard(findings, countsOf(findings), items.map((entry) => entry.item));
    card.open = groups.length <= OPEN;
    cards.push({ card, items });
  }
  return section("findings", "Findings", drawFilters(), cards.map((entry) => entry.card));
}
function drawFilters() {
  const values = (key) => unique(counting.map((entry) => entry[key])).sort();
  const kinds = counted(counting.map((entry) => entry.kind));
  controls.chips = KINDS.filter((kind) => kinds.has(kind)).map((kind) => chip(kind, kinds.get(kind)));
  controls.account_id = select("Account", "account_id",
    values("account_id").map((account) => [account, `${nameOf(account)} (${account})`]));
  controls.region = select("Region", "region", values("region").map((region) => [region, region]));
  controls.text = element("input", {
    type: "search", "aria-label": "Search in the findings", placeholder: "Search",
    oninput: (event) => { shown.text = event.target.value.toLowerCase(); filter(); },
  });
  controls.reset = element("button", { class: "plain", type: "button", onclick: reset }, "Show all");
  controls.number = element("output", { "aria-live": "polite" });
  return element("div",
    { class: "filters card", role: "search", "aria-label": "Filter the findings" },
    element("fieldset", {}, element("legend", { class: "unseen" }, "Kinds"), controls.chips),
    controls.account_id, controls.region, controls.text, controls.reset, controls.number);
}
function chip(kind, number) {
  const toggle = (event) => {
    const on = !shown.kinds.delete(kind);
    if (on) shown.kinds.add(kind);
    event.currentTarget.setAttribute("aria-pressed", String(on));
    filter();
  };
  return element("button",
    { class: "chip", type: "button", "data-state": kind, "data-kind": kind,
      "aria-pressed": "false", title: MEANING[kind], onclick: toggle },
    icon(kind), kind, element("b", {}, String(number)));
}
function select(label, key, options) {
  const set = (event) => { shown[key] = event.target.value; filter(); };
  return element("select", { "aria-label": label, onchange: set },
    element("option", { value: "" }, `${label}: all`),
    options.map(([value, text]) => element("option", { value }, text)));
}
// Show what was found at one place; everything, where nothing was.
function choose(account, region) {
  if (!counting.length) return;
  const here = counting.some((entry) => entry.account_id === account && entry.region === region);
  controls.account_id.value = shown.account_id = here ? account : "";
  controls.region.value = shown.region = here ? region : "";
  filter();
}
function reset() {
  shown.kinds.clear();
  for (const entry of controls.chips) entry.setAttribute("aria-pressed", "false");
  for (const key of ["account_id", "region", "text"]) controls[key].value = shown[key] = "";
  filter();
}
function matches({ finding, text }) {
  return (!shown.kinds.size || shown.kinds.has(finding.kind))
    && (!shown.account_id || finding.account_id === shown.account_id)
    && (!shown.region || finding.region === shown.region)
    && (!shown.text || text.includes(shown.text));
}
function filter() {
  if (!counting.length) return;
  const filtered = Boolean(shown.kinds.size || shown.account_id || shown.region || shown.text);
  let number = 0;
  for (const { card, items } of cards) {
    for (const entry of items) entry.item.hidden = !matches(entry);
    const here = items.filter((entry) => !entry.item.hidden).length;
    card.hidden = !here;
    number += here;
  }
  const visible = cards.filter(({ card }) => !card.hidden);
  if (filtered && visible.length <= OPEN) for (const { card } of visible) card.open = true;
  const all = plural(counting.length, "finding");
  controls.number.textContent = filtered ? `${number} of ${all}` : all;
  controls.reset.disabled = !filtered;
}
function countsOf(findings) {
  const kinds = counted(findings.map((entry) => entry.kind));
  return KINDS.filter((kind) => kinds.has(kind)).map((kind) =>
    badge(kind, `${kinds.get(kind)} ${kind}`));
}
function stackCard(findings, counts, items) {
  const { host, stack, account_id: account, region } = findings[0];
  return element("details", { class: "card stack" },
    element("summary", {}, icon("chevron"),
      element("h3", {}, `${host || "no host"}: ${stack}`),
      element("span", { class: "quiet code" }, `${account} ${region}`),
      element("span", { class: "counts" }, counts)),
    items);
}
function findingCard(entry) {
  const [message, command] = entry.kind === "orphaned" ? parted(entry.message) : [entry.message, ""];
  const compares = !WHOLE.includes(entry.kind) && (entry.expected || entry.actual) !== "";
  // Do not repeat what the two values show.
  const repeats = compares && entry.expected && entry.actual
    && message.includes(entry.expected) && message.includes(entry.actual);
  const known = entry.ignored ? `Ignored until ${entry.ignored.until}: ${entry.ignored.reason}` : "";
  return element("article",
    { class: "finding", "aria-label": `${entry.kind}: ${entry.message}`, "data-kind": entry.kind },
    element("div", { class: "what" }, badge(entry.kind, entry.kind),
      element("span", { class: "severity", "data-severity": entry.severity },
        entry.severity === "danger" ? "DANGER" : entry.severity),
      entry.resource && element("b", {}, entry.resource),
      entry.property && element("span", { class: "property" }, entry.property),
      entry.resource_type && element("span", { class: "quiet" }, entry.resource_type)),
    repeats ? "" : element("p", { class: "message" }, message),
    entry.physical_id && element("p", { class: "ids" }, entry.physical_id),
    command && element("div", { class: "command" }, command),
    known && element("p", { class: "known" }, known),
    compares ? comparison(entry) : "");
}
// The message of an orphaned stack ends with the command that removes it.
function parted(message) {
  const mark = "To remove it: ";
  const at = message.indexOf(mark);
  if (at < 0) return [message, ""];
  return [message.slice(0, at + mark.length).trim(), message.slice(at + mark.length)];
}

// Two values side by side

function comparison(entry) {
  const titles = entry.kind === "outdated" ? ["Wanted", "Deployed"] : ["Expected", "Actual"];
  const what = entry.property || entry.resource || entry.stack;
  const body = element("tbody", {});
  for (const run of folded(aligned(lines(entry.expected), lines(entry.actual)))) {
    if (run.equal) body.append(foldOf(run.rows));
    else body.append(...run.rows.map(lineOf));
  }
  return element("table", { class: "diff" },
    element("caption", { class: "unseen" }, `${titles.join(" and ").toLowerCase()} value of ${what}`),
    headRow(titles), body);
}
function lines(text) {
  return readable(text).split("\n");
}
function readable(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(sorted(JSON.parse(text)), null, 2);
  } catch {
    return text;
  }
}
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}
function lineOf([left, right]) {
  if (left === right) {
    return element("tr", {}, element("td", {}, left || " "), element("td", {}, right || " "));
  }
  return element("tr", {}, side("expected", left, right), side("actual", right, left));
}
function side(name, text, other) {
  if (text === null) return element("td", {});
  if (text === "" && other !== null) return element("td", { class: `${name} nothing` }, "nothing");
  if (!other) return element("td", { class: name }, text || " ");
  const [start, end] = differing(text, other);
  const middle = text.slice(start, end);
  return element("td", { class: name },
    text.slice(0, start), middle ? element("mark", {}, middle) : "", text.slice(end));
}
// Where text differs from other, from the first to the last whole word that does.
function differing(text, other) {
  const word = (character) => /\w/.test(character ?? "");
  const most = Math.min(text.length, other.length);
  let before = 0;
  while (before < most && text[before] === other[before]) before += 1;
  let after = 0;
  while (after < most - before && text.at(-1 - after) === other.at(-1 - after)) after += 1;
  const cut = (at) => word(text[at]) || word(other[at]);
  while (before > 0 && word(text[before - 1]) && cut(before)) before -= 1;
  const cutEnd = (at) => word(text.at(-1 - at)) || word(other.at(-1 - at));
  while (after > 0 && word(text.at(-after)) && cutEnd(after)) after -= 1;
  return [before, text.length - after];
}
// Rows [left, right] by a longest common subsequence of lines; null where a side has none.
function aligned(left, right) {
  const length = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      length[i][j] = left[i] === right[j]
        ? length[i + 1][j + 1] + 1
        : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const rows = [];
  let removed = [];
  let added = [];
  const flush = () => {
    for (let at = 0; at < Math.max(removed.length, added.length); at += 1) {
      rows.push([removed[at] ?? null, added[at] ?? null]);
    }
    removed = [];
    added = [];
  };
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && left[i] === right[j]) {
      flush();
      rows.push([left[i], right[j]]);
      i += 1;
      j += 1;
    } else if (j >= right.length || (i < left.length && length[i + 1][j] >= length[i][j + 1])) {
      removed.push(left[i]);
      i += 1;
    } else {
      added.push(right[j]);
      j += 1;
    }
  }
  flush();
  return rows;
}
// Runs of rows: those near to what differs, and equal ones that can be folded.
function folded(rows) {
  const differs = rows.map(([left, right]) => left !== right);
  const runs = [];
  for (const [at, row] of rows.entries()) {
    const equal = !differs.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).includes(true);
    if (runs.at(-1)?.equal === equal) runs.at(-1).rows.push(row);
    else runs.push({ equal, rows: [row] });
  }
  return runs.map((run) => ({ ...run, equal: run.equal && run.rows.length > 2 }));
}
function foldOf(rows) {
  const open = () => row.replaceWith(...rows.map(lineOf));
  const row = element("tr", { class: "fold" },
    element("td", { colspan: "2" },
      element("button", { type: "button", onclick: open }, `${rows.length} equal lines`)));
  return row;
}

// What was not checked, and what is ignored

function drawErrors() {
  if (!failed.length) return "";
  const rows = failed.map((host) => element("tr", { class: "failed" },
    element("td", {}, host.name),
    element("td", { class: "code" }, `${host.account_id} ${host.region}`),
    element("td", {}, host.stack),
    element("td", {}, host.error)));
  return section("errors", "Could not be checked",
    element("div", { class: "card" },
      listOf(["Host", "Account and region", "Stack", "Why"], rows)));
}
function drawUnchecked() {
  if (!report.unchecked.length) return "";
  const groups = [...grouped(report.unchecked, (entry) => entry.why)]
    .sort(([entry], [other]) => entry.localeCompare(other));
  const titles = ["Resource", "Type", "Stack", "Account and region"];
  return section("unchecked", "Not checked", groups.map(([why, entries]) =>
    listCard(`${plural(entries.length, "resource")}: ${why}`, titles, entries.map(uncheckedRow))));
}
function listCard(what, titles, rows) {
  const card = foldedList(what, listOf(titles, rows));
  card.classList.add("card");
  return card;
}
function uncheckedRow(entry) {
  const known = entry.ignored ? ` (ignored until ${entry.ignored.until}: ${entry.ignored.reason})` : "";
  return element("tr", { class: "not-checked" },
    element("td", {}, (entry.resource || "the whole stack") + known),
    element("td", {}, entry.resource_type),
    element("td", {}, `${entry.host}: ${entry.stack}`),
    element("td", { class: "code" }, `${entry.account_id} ${entry.region}`));
}
function drawIgnored() {
  if (!ignored.length && !report.ignored_expired.length) return "";
  const groups = [...grouped(ignored, placeOf).values()].map((findings) => stackCard(findings,
    badge("ignored", `${findings.length} ignored`), findings.map(findingCard)));
  return section("ignored-findings", "Ignored", report.ignored_expired.map(expiredCard), groups);
}
function expiredCard(entry) {
  const given = ["host", "stack", "resource", "property"]
    .filter((key) => entry[key] !== "*").map((key) => `${key} ${entry[key]}`).join(", ");
  const counts = `${plural(entry.findings, "finding")} of it ${entry.findings === 1 ? "counts" : "count"}`;
  return element("p", { class: "card expired" }, badge("error", "expired"),
    ` ${entry.until}: ${given} (${entry.reason}). ${counts} again.`,
    " Renew the entry of drift_ignore or delete it.");
}

function drawRoles() {
  if (!report.outdated_roles.length) return "";
  const groups = grouped(report.outdated_roles, (role) =>
    `${role.stack_name}: ${role.version ? `version ${role.version}` : "no version"}, now ${role.current}`);
  return section("roles", "Roles of an earlier version of this collection",
    [...groups].map(([what, roles]) =>
      listCard(`${what} (${plural(roles.length, "account")})`, ["Host", "Account"], roles.map(roleRow))),
    element("p", {}, "To update them, as the management account:"),
    element("div", { class: "command" }, UPDATE));
}
function roleRow(role) {
  return element("tr", { class: "role" },
    element("td", {}, role.host), element("td", { class: "code" }, role.account_id));
}

function drawFoot() {
  const size = `${plural(report.hosts.length, "stack")} in ${plural(hostsOf.size, "account")}`;
  const time = `${when(report.started)} to ${when(report.finished)}`;
  document.getElementById("foot").append(`${size}; ${time}. Schema ${report.schema_version}.`);
}

drawHead();
for (const draw of [drawGrid, drawErrors, drawFindings, drawIgnored, drawUnchecked, drawRoles]) {
  document.getElementById("main").append(draw());
}
drawFoot();
filter();
printAll();
