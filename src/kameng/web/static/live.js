// <live-part src on every>: a part of the page that is fetched again when its event comes. One stream a page; where there
// is none (too many tabs, an old browser) it looks by itself. The part is the element of its own id in the page at `src`.
//   on: kinds of events, with * at the end ("order.*"); data-subject: only those of one subject
const GATHER_MS = 300;  // many at once are one look
const parts = new Set();
let source = null;

function listen() {
  if (source || !window.EventSource) return;
  source = new EventSource("/events");
  source.addEventListener("told", (event) => tell(JSON.parse(event.data)));
  // 204: nobody tells this page anything; it polls
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) source = null; };
  source.onopen = () => document.documentElement.setAttribute("data-live", "");
}

function tell(told) {
  document.dispatchEvent(new CustomEvent("kameng:told", { detail: told }));
  for (const part of parts) if (part.hears(told)) part.soon();
}

addEventListener("pagehide", () => { source?.close(); source = null; });
addEventListener("pageshow", (event) => { if (event.persisted && parts.size) listen(); });

class LivePart extends HTMLElement {
  connectedCallback() {
    parts.add(this);
    if (this.getAttribute("on")) listen();
    const every_s = Number(this.getAttribute("every") || 0);
    // with a stream open, looking by oneself is only for what it may have missed
    this.clock = every_s && setInterval(() => this.look(source && this.getAttribute("on") ? 10 : 1), every_s * 1000);
    this.turns = 0;
  }

  disconnectedCallback() {
    parts.delete(this);
    clearInterval(this.clock);
    clearTimeout(this.waiting);
    if (!parts.size) { source?.close(); source = null; }
  }

  hears({ kind, subject, data }) {
    if (this.dataset.subject && subject !== this.dataset.subject) return false;
    const kinds = (this.getAttribute("on") || "").split(" ");
    return kinds.some((one) => one.endsWith("*") ? kind.startsWith(one.slice(0, -1)) : one === kind);
  }

  isTouched() {
    if (document.querySelector("#ask[open]")) return true;  // its form would be gone when he answers
    if (this.querySelector("details.menu[open], input:focus, textarea:focus, select:focus")) return true;
    return [...this.querySelectorAll("input:not([type=hidden]), textarea")].some((one) =>
      ["checkbox", "radio"].includes(one.type) ? one.checked !== one.defaultChecked : one.value !== one.defaultValue);
  }

  look(nth) { if (++this.turns % nth === 0 && !document.hidden) this.soon(); }

  soon() { this.waiting ??= setTimeout(() => this.fetch(), GATHER_MS); }

  async fetch() {
    try {
      const answer = await fetch(this.getAttribute("src") || location.href, { headers: { "hx-request": "true" } });
      const elsewhere = answer.headers.get("hx-redirect");
      if (elsewhere) { location.assign(elsewhere); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(this.id);
      // nobody's choice or word is taken away while he makes it
      if (!fresh || this.isTouched()) return;
      const focused = document.activeElement?.id;
      this.replaceChildren(...fresh.childNodes);
      if (fresh.hasAttribute("every")) this.setAttribute("every", fresh.getAttribute("every"));
      else if (this.hasAttribute("every")) { this.removeAttribute("every"); clearInterval(this.clock); }
      if (focused) document.getElementById(focused)?.focus();
      window.htmx?.process(this);
      document.dispatchEvent(new CustomEvent("htmx:after:swap"));
    } catch { /* away for a moment: the next event or look brings it */ } finally {
      this.waiting = undefined;
    }
  }
}

customElements.define("live-part", LivePart);
