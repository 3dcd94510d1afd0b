// Keys in lists: j and k move, e or Enter opens, p peeks, x picks, . goes to the acts, Esc goes back. They never reach a field.
const rows = () => [...document.querySelectorAll("[data-row]")];
let here = -1;

function move(step) {
  const all = rows();
  if (!all.length) return;
  all[here]?.classList.remove("here");
  here = Math.min(Math.max(here + step, 0), all.length - 1);
  all[here].classList.add("here");
  all[here].scrollIntoView({ block: "nearest" });
  all[here].querySelector("a")?.focus({ preventScroll: true });
}

const acts = {
  j: () => move(1),
  k: () => move(-1),
  e: () => { const row = rows()[here]; if (row) location.assign(row.dataset.row); },
  p: () => rows()[here]?.querySelector("a[data-peek]")?.click(),
  x: () => {
    const box = rows()[here]?.querySelector("input[type=checkbox]");
    if (box) { box.checked = !box.checked; box.dispatchEvent(new Event("change", { bubbles: true })); }
  },
  ".": () => { const all = document.querySelector("#acts summary"); all?.scrollIntoView({ block: "center" }); all?.focus(); },
  Escape: () => { const back = [...document.querySelectorAll(".crumbs a")].at(-1); if (back) back.click(); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.("input, textarea, select, dialog, [contenteditable]")) return;
  if (document.querySelector("dialog[open]") || Date.now() - lastG < 1200) return;
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// After g another key leads to a page: that is the side bar's, not ours.
let lastG = 0;
document.addEventListener("keydown", (event) => {
  if (event.key === "g" && !event.target.closest?.("input, textarea, select")) lastG = Date.now();
}, true);

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-row] input[type=checkbox]")) {
    event.target.closest("tr").classList.toggle("picked", event.target.checked);
  }
  if (event.target.matches?.("[data-all]")) {
    for (const box of document.querySelectorAll("[data-row] input[type=checkbox]")) {
      if (box.checked !== event.target.checked) box.click();
    }
  }
});
