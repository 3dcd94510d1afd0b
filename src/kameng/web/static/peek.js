// <row-peek>: the page of one row in a drawer beside the list. Its link is the page itself, for those without script.
import { toast } from "./toast.js";

class RowPeek extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    document.addEventListener("click", this.onClick = (event) => {
      const link = event.target.closest?.("a[data-peek]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.show(link);
    });
    this.dialog.addEventListener("close", () => this.from?.focus());
  }

  disconnectedCallback() { document.removeEventListener("click", this.onClick); }

  async show(link) {
    this.from = link;
    const body = this.querySelector("[data-body]");
    this.querySelector("[data-whole]").href = link.href;
    body.replaceChildren(this.querySelector("template").content.cloneNode(true));
    if (!this.dialog.open) this.dialog.showModal();
    try {
      const answer = await fetch(link.href, { headers: { "hx-request": "true" } });
      const elsewhere = answer.headers.get("hx-redirect");
      if (elsewhere) { location.assign(elsewhere); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const part = page.querySelector("[data-peek-part]") ?? page.querySelector("#content") ?? page.body;
      body.replaceChildren(...part.childNodes);
      window.htmx?.process(body);
      document.dispatchEvent(new CustomEvent("htmx:after:swap"));
    } catch {
      this.dialog.close();
      toast(this.dataset.failed, { bad: true });
    }
  }
}

customElements.define("row-peek", RowPeek);
