// What every page has: toasts, menus, asking back, focus on what is wrong; the rest is loaded where a page has it.
// Everything that matters works without script, only slower.
import { toast } from "./toast.js";

export { toast };

// custom elements, each from a file of its own, when the first of its kind appears
const ELEMENTS = {
  "command-palette": "./palette.js", "copy-code": "./copy.js", "file-drop": "./drop.js", "key-reveal": "./reveal.js",
  "live-chart": "./charts.js", "live-part": "./live.js", "row-peek": "./peek.js",
};

function upgrade(root) {
  for (const [tag, file] of Object.entries(ELEMENTS)) {
    if (!customElements.get(tag) && root.querySelector(tag)) import(file);
  }
  if (root.querySelector(".list")) import("./lists.js");
}

upgrade(document);
if (document.getElementById("hotkeys")) import("./keys.js");
document.addEventListener("htmx:after:swap", () => upgrade(document));

// what is wrong comes into focus
const focusOnFault = () => document.querySelector("[data-focus]")?.focus();
focusOnFault();
document.addEventListener("htmx:after:settle", focusOnFault);

const flash = document.getElementById("toasts")?.dataset.flash;
if (flash) {
  toast(flash);
  document.cookie = "kameng_flash=; Path=/; Max-Age=0; SameSite=Lax";
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {  // no https, or an old WeChat
    const field = document.createElement("textarea");
    field.value = button.dataset.copy;
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  const use = button.querySelector("use");
  const before = use?.getAttribute("href");
  use?.setAttribute("href", `${document.body.dataset.sprite}#check`);
  setTimeout(() => use?.setAttribute("href", before), 1500);
  if (button.dataset.copied) toast(button.dataset.copied, { stays: 1500 });
}

function closeMenus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(but)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-prints]")) print();
  const said = event.target.closest("[data-toasts]")?.dataset;
  if (said) toast(said.toasts, { bad: "bad" in said });
  // a press beside a dialog closes it
  if (event.target instanceof HTMLDialogElement && !event.target.dataset.stays) event.target.close();
  closeMenus(event.target);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  closeMenus(null);
  menu?.querySelector("summary").focus();
});

// asked back before it is sent
const asking = document.getElementById("ask");

/** Whether somebody said yes to it. */
export function asked(said) {
  asking.querySelector("[data-said]").textContent = said;
  asking.returnValue = "";
  return new Promise((answer) => {
    asking.onclose = () => answer(asking.returnValue === "yes");
    asking.showModal();
  });
}

async function askBack(form, submitter) {
  if (!(await asked(form.dataset.confirm))) return;
  form.dataset.confirmed = "";
  form.requestSubmit(submitter);
  delete form.dataset.confirmed;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !("confirmed" in form.dataset)) {
    event.preventDefault();
    askBack(form, event.submitter);
    return;
  }
  // a second press of the same button is no second act
  const button = event.submitter;
  if (button && form.method === "post" && !event.defaultPrevented) setTimeout(() => { button.disabled = true; });
});

addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[method=post] button:disabled:not([data-stays])")) button.disabled = false;
});

// what is asked for and empty does not stand in the address
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});
