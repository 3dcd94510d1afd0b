// Keys, as the table in the page's help lists them (keys.py makes it, a test presses every one).
// A row's data-row is its page's address, where that is not simply its first link.
const current = () => document.querySelector("tr[data-current]");
const rows = () => [...document.querySelectorAll("tr[data-row]")];
const pageOf = (row) => row.dataset.row || row.querySelector("a")?.getAttribute("href");
let stoodOn;  // the current row's page: a list that is fetched anew brings other elements for the same rows

function standOn(row) {
  current()?.removeAttribute("data-current");
  row.setAttribute("data-current", "");
  stoodOn = pageOf(row);
}

function step(by) {
  const all = rows();
  const row = all[Math.max(0, Math.min(all.length - 1, all.indexOf(current()) + by))] ?? all[0];
  if (!row) return;
  standOn(row);
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a")?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", () => {
  const row = stoodOn && !current() && rows().find((one) => pageOf(one) === stoodOn);
  if (!row) return;
  standOn(row);
  if (document.activeElement === document.body) row.querySelector("a")?.focus({ preventScroll: true });
});

const press = (selector, root = document) => root?.querySelector(selector)?.click();

const DOES = {
  help: () => document.getElementById("hotkeys").showModal(),
  palette: () => document.querySelector("command-palette")?.show(),
  next: () => step(1),
  back: () => step(-1),
  pick: () => press("input[type=checkbox]", current()),
  open: () => {
    const address = current()?.dataset.row;
    if (address) location.assign(address);
    else press("th a, td a:not([data-peek])", current());
  },
  // before the drawer's file is here the link would lead away from the list
  peek: () => customElements.whenDefined("row-peek").then(() => press("a[data-peek]", current())),
  acts: () => {
    const act = document.querySelector(".bulk button") ?? document.querySelector("#acts summary");
    act?.scrollIntoView({ block: "nearest" });
    act?.focus();
  },
  up: () => [...document.querySelectorAll(".crumbs a")].at(-1)?.click(),
  later: () => press(".pager [rel=next]"),
  earlier: () => press(".pager [rel=prev]"),
};

for (const hint of document.querySelectorAll("[data-palette] kbd")) {
  if (/Mac|iPhone|iPad/.test(navigator.platform)) hint.textContent = "⌘K";
}

const table = new Map([...document.querySelectorAll("#hotkeys tr[data-key]")].map((row) => [row.dataset.key, row.dataset]));
let first = "";  // of two keys, one after the other
let forget;

document.addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    DOES.palette();
    return;
  }
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (typing || event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && event.target.closest?.("details.menu")) return;  // it closed the menu
  const does = table.get(first + event.key);
  clearTimeout(forget);
  first = "";
  if (does) {
    event.preventDefault();
    if (does.href) location.assign(does.href);
    else DOES[does.does]();
  } else if (event.key === "g") {
    first = "g ";
    forget = setTimeout(() => { first = ""; }, 1500);
  }
});

document.documentElement.dataset.keys = "";
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-palette]")) return;
  event.preventDefault();
  DOES.palette();
});
