// News in a corner, read out by screen readers; a bad one stays until it is pressed.
export function toast(text, { bad = false, stays = 4000 } = {}) {
  const one = document.createElement("div");
  one.className = bad ? "toast bad" : "toast";
  if (bad) one.setAttribute("role", "alert");
  one.textContent = text;
  one.addEventListener("click", () => one.remove());
  document.getElementById("toasts")?.append(one);
  if (!bad) setTimeout(() => one.remove(), stays);
}
