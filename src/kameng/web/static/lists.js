// Lists: how many rows are chosen, all of them at once. What is chosen is a form's, so it works without this, too.
const rows = (list) => list.querySelectorAll("tbody .pick input");

function tell(list) {
  const picks = [...rows(list)];
  const chosen = picks.filter((pick) => pick.checked).length;
  const all = list.querySelector("[data-pick-all]");
  if (all) {
    all.checked = chosen > 0 && chosen === picks.length;
    all.indeterminate = chosen > 0 && chosen < picks.length;
  }
  const said = list.querySelector("[data-picked]");
  if (said) said.textContent = chosen;
}

document.addEventListener("change", (event) => {
  const list = event.target.closest(".list");
  if (!list) return;
  if (event.target.matches("[data-pick-all]")) for (const pick of rows(list)) pick.checked = event.target.checked;
  if (event.target.closest(".pick")) tell(list);
});

// a swapped list shows what is pressed now, not what was before
document.addEventListener("htmx:after:swap", () => document.querySelectorAll(".list").forEach(tell));
