// <key-reveal>: cards under a cover. Its form asks the server, which writes down who looked; the answer takes its place,
// and is covered again after a while, or when one looks away. Without script the form leads to a page that shows them.
import { toast } from "./toast.js";

class KeyReveal extends HTMLElement {
  connectedCallback() {
    this.covered = this.innerHTML;
    this.addEventListener("submit", (event) => { event.preventDefault(); this.open(event.target); });
    document.addEventListener("visibilitychange", this.onHide = () => { if (document.hidden) this.cover(); });
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onHide);
  }

  async open(form) {
    form.querySelector("button").disabled = true;
    try {
      const answer = await fetch(form.action, {
        method: "post", body: new URLSearchParams(new FormData(form)), headers: { "hx-request": "true" },
      });
      const elsewhere = answer.headers.get("hx-redirect");
      if (elsewhere) { location.assign(elsewhere); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.replaceChildren(...(page.querySelector("[data-revealed]") ?? page.body).childNodes);
      if (answer.ok) this.timer = setTimeout(() => this.cover(), Number(this.dataset.coverS || 300) * 1000);
    } catch {
      this.cover();
      toast(this.dataset.failed, { bad: true });
    }
  }

  cover() {
    clearTimeout(this.timer);
    if (this.innerHTML !== this.covered) this.innerHTML = this.covered;
  }
}

customElements.define("key-reveal", KeyReveal);
