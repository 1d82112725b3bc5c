// Copyright: crossaccount.pipeline contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What every report's page shares: elements, the head, the grid, the legend, printing.
const report = JSON.parse(document.getElementById("report").textContent);

const DENSE = 25;   // more rows than these are drawn closer

// Small helpers: every text of the report goes into the page as text, never as markup.

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== "" && child !== null));
  return made;
}
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}
function section(id, title, ...children) {
  return element("section", { id, "aria-labelledby": `${id}-title`, tabindex: "-1" },
    element("h2", { id: `${id}-title` }, title), ...children);
}
function headRow(titles) {
  return element("thead", {},
    element("tr", {}, titles.map((title) => element("th", { scope: "col" }, title))));
}
function listOf(titles, rows) {
  return element("table", { class: "list" }, headRow(titles), element("tbody", {}, rows));
}
function foldedList(what, list) {
  return element("details", { class: "folded" },
    element("summary", {}, icon("chevron"), element("span", {}, what)), list);
}
function badge(state, text) {
  return element("span", { class: "badge", "data-state": state }, icon(state), text);
}
function wordOf(state) {
  return state.replace("_", " ");
}
function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}
function counted(items) {
  return new Map([...grouped(items, (item) => item)].map(([item, all]) => [item, all.length]));
}
function unique(items) {
  return [...new Set(items)];
}
function when(moment) {
  return moment.replace("T", " ").replace("Z", " UTC");
}
function duration(seconds) {
  if (seconds < 90) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

// The head: a verdict, a headline, and tiles with numbers.

function drawTop({ state, sign, name, headline, lines, tiles, label }) {
  document.getElementById("head").append(
    element("div", { class: "top", "data-state": state },
      element("span", { class: "verdict" }, icon(sign)),
      element("div", {},
        element("h1", {}, `${name} `, element("span", {}, headline)),
        lines.map((line) => element("p", {}, line))),
      element("button", { class: "plain theme", type: "button", onclick: turnTheme },
        icon("theme-sign"), "Theme")),
    element("ul", { class: "tiles", "aria-label": label }, tiles));
}
function tile(state, number, meaning) {
  return element("li", { "data-state": state, title: meaning }, icon(state),
    element("b", {}, String(number)), element("span", {}, wordOf(state)));
}
function turnTheme() {
  const root = document.documentElement;
  const asSystem = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = (root.dataset.theme || asSystem) === "dark" ? "light" : "dark";
}

// The grid: accounts by regions.

function gridOf({ regions, home, rows, caption }, legend) {
  const head = regions.map((region) => element("th", { scope: "col" }, region,
    region === home ? element("small", {}, "primary region") : ""));
  const body = rows.map(([name, small, cells]) => element("tr", {},
    element("th", { scope: "row" }, name, element("small", {}, small)),
    cells.map((cell) => element("td", {}, cell))));
  const table = element("table", { class: rows.length > DENSE ? "dense" : null },
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Account"), head)),
    element("tbody", {}, body));
  return section("grid", "Accounts and regions",
    element("div", { class: "card" },
      element("div", { class: "grid", tabindex: "0", role: "region", "aria-label": "Grid" }, table),
      legend));
}
function byHome(home) {
  return (entry, other) => (other === home) - (entry === home) || entry.localeCompare(other);
}
function legendOf(states, meaning, ...others) {
  const entries = states.map((state) => element("li", { "data-state": state }, icon(state),
    element("span", {}, element("b", {}, wordOf(state)), `: ${meaning[state]}`)));
  return element("ul", { class: "legend", "aria-label": "Legend" }, entries, others);
}
function markOf(state, label, text, go) {
  return element("button",
    { class: "mark", type: "button", "data-state": state, "aria-label": label, title: label,
      onclick: go },
    icon(state), text);
}

function printAll() {
  // What is folded would be missing on paper.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const button of document.querySelectorAll(".fold button")) button.click();
  });
}
