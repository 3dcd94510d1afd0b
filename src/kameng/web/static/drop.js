// <file-drop>: files by drag and drop, with what is on its way shown. Around a form with a file field: without script that
// is what there is. XMLHttpRequest, for fetch can't tell how much has been sent.
import { toast } from "./toast.js";

class FileDrop extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.field = this.querySelector("input[type=file]");
    this.bar = this.querySelector("progress");
    this.named = this.querySelector("[data-named]");
    this.addEventListener("dragover", (event) => { event.preventDefault(); this.dataset.over = ""; });
    this.addEventListener("dragleave", (event) => { if (!this.contains(event.relatedTarget)) delete this.dataset.over; });
    this.addEventListener("drop", (event) => this.take(event));
    this.field.addEventListener("change", () => this.name());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(event.submitter); });
  }

  take(event) {
    event.preventDefault();
    delete this.dataset.over;
    if (!event.dataTransfer.files.length) return;
    this.field.files = event.dataTransfer.files;
    this.name();
  }

  name() {
    const files = [...this.field.files];
    const tooLarge = files.some((file) => file.size > Number(this.dataset.most));
    this.field.setAttribute("aria-invalid", String(tooLarge));
    this.named.textContent = tooLarge ? this.dataset.tooLarge : files.map((file) => file.name).join(", ");
    for (const button of this.form.querySelectorAll("button")) button.disabled = tooLarge || !files.length;
  }

  send(button) {
    const request = new XMLHttpRequest();
    request.open("POST", this.form.action);
    request.setRequestHeader("hx-request", "true");
    this.bar.hidden = false;
    if (button) button.disabled = true;
    request.upload.onprogress = (event) => { this.bar.max = event.total; this.bar.value = event.loaded; };
    request.onerror = () => this.fail(button);
    request.onload = () => this.answer(request, button);
    request.send(new FormData(this.form));
  }

  fail(button) {
    this.bar.hidden = true;
    if (button) button.disabled = false;
    toast(this.dataset.failed, { bad: true });
  }

  answer(request, button) {
    const elsewhere = request.getResponseHeader("hx-redirect");
    if (elsewhere) { location.assign(elsewhere); return; }
    this.bar.hidden = true;
    if (button) button.disabled = false;
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const part = page.querySelector("[data-dropped]") ?? page.querySelector("[role=alert]");
    if (part) this.querySelector("[data-answer]").replaceChildren(part);
    else this.fail(button);
  }
}

customElements.define("file-drop", FileDrop);
