// <form data-live="/part" data-live-into="id">: while it is filled in, the part of the page that shows what it would
// do is fetched anew. Nothing is saved; without script the form's own Preview button does the same.
const WAIT_MS = 250;
const LEFT_OUT = new Set(["_token", "do"]);
let asking = null;
let waiting = 0;

async function show(form, more = "") {
  const into = document.getElementById(form.dataset.liveInto);
  const sent = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && !LEFT_OUT.has(name)) sent.set(name, value);
  if (more) sent.set("after", more);
  asking?.abort();
  asking = new AbortController();
  into.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${form.dataset.live}?${sent}`, { signal: asking.signal, headers: { "hx-request": "true" } });
    if (answer.ok) into.innerHTML = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") return;
  }
  into.removeAttribute("aria-busy");
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-live]");
  const twin = event.target.dataset.colourOf;
  if (twin) document.getElementById(twin).value = event.target.value;
  if (!form) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(form), WAIT_MS);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-live-button], [data-live-more]");
  const form = button?.closest("form[data-live]") ?? document.querySelector("form[data-live]");
  if (!button || !form) return;
  event.preventDefault();
  show(form, button.dataset.liveMore ?? "");
});
