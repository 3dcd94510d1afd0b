// One box picks every row of its table.
document.addEventListener("change", (event) => {
  if (!event.target.matches?.("[data-all]")) return;
  for (const box of event.target.closest("table").querySelectorAll("[data-row] input[type=checkbox]")) {
    if (box.checked !== event.target.checked) box.click();
  }
});
