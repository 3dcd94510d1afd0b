// The shop's own elements: choosing a SKU, placing an order while many do, watching it go on. Without them everything
// works by plain forms and links.

// A choice of SKU leads to its own page: price, stock and rules are all the server's.
customElements.define("sku-picker", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (event) => {
      const path = event.target.dataset.path;
      if (path) location.replace(`${path}#skus`);
    });
    if (location.hash === "#skus") this.querySelector("input:checked")?.focus({ preventScroll: true });
  }
});

const BUSY = 503;
const WAIT_MS = 800;
const WAIT_MAX_MS = 5000;

// The form is sent by fetch. While the door says that it is busy, the same form, with the same token, is sent again:
// it is one order however often it comes.
customElements.define("order-form", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => {
      if (event.submitter?.value !== "pay") return;
      event.preventDefault();
      this.place(event.target, event.submitter);
    });
  }

  async place(form, submitter) {
    const body = new URLSearchParams(new FormData(form, submitter));
    submitter.disabled = true;
    let wait = WAIT_MS;
    for (;;) {
      let answer;
      try {
        answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
      } catch {
        answer = null; // the line was cut: nobody knows, and asking again can't double it
      }
      if (answer && answer.status !== BUSY) return this.show(answer);
      this.queue();
      await new Promise((done) => setTimeout(done, wait * (0.75 + Math.random() / 2)));
      wait = Math.min(wait * 1.5, WAIT_MAX_MS);
    }
  }

  queue() {
    if (this.dialog) return;
    this.dialog = document.createElement("dialog");
    this.dialog.className = "dialog stack center";
    const title = document.createElement("h2");
    title.textContent = this.dataset.title;
    const text = document.createElement("p");
    text.setAttribute("role", "status");
    text.textContent = this.dataset.waiting;
    const bar = document.createElement("progress");
    bar.className = "progress";
    bar.setAttribute("aria-label", this.dataset.title);
    this.dialog.append(title, text, bar);
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  async show(answer) {
    if (answer.redirected) {
      location.assign(answer.url);
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    this.dialog?.remove();
    document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
    document.querySelector("main [data-focus]")?.focus();
  }
});

const POLL_MS = 3000;
const POLL_MAX_MS = 20000;

// The piece of a page that tells how an order stands: asked again when its stream says so, and every few seconds.
customElements.define("live-order", class extends HTMLElement {
  connectedCallback() {
    this.setAttribute("aria-live", "polite");
    if (this.isFinal) return;
    this.wait = POLL_MS;
    if (this.dataset.script === "stream" && "EventSource" in window) {
      this.stream = new EventSource("/events");
      this.stream.addEventListener("told", (event) => {
        if (JSON.parse(event.data).subject === this.dataset.order) this.look();
      });
    }
    this.later();
  }

  disconnectedCallback() {
    this.stream?.close();
    clearTimeout(this.timer);
  }

  get isFinal() {
    return this.querySelector("[data-final]") !== null;
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (document.hidden ? this.later() : this.look()), this.wait);
    this.wait = Math.min(this.wait * 1.2, POLL_MAX_MS);
  }

  async look() {
    const before = this.querySelector("[data-state]")?.dataset.state;
    const answer = await fetch(this.getAttribute("src")).catch(() => null);
    if (!answer?.ok) return this.later();
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-state]");
    if (part && part.dataset.state !== before) {
      this.wait = POLL_MS;
      if (part.hasAttribute("data-final")) {
        location.reload(); // with what was delivered
        return;
      }
      this.replaceChildren(document.adoptNode(part));
    }
    if (!this.isFinal) this.later();
  }
});

// Counts down by the server's clock: `data-left` is what was left when the page was made.
customElements.define("count-down", class extends HTMLElement {
  connectedCallback() {
    this.until = performance.now() + Number(this.dataset.left) * 1000;
    this.tick();
    this.timer = setInterval(() => this.tick(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  tick() {
    const left = Math.max(0, Math.round((this.until - performance.now()) / 1000));
    const pair = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(left / 3600) % 24; // whole days stand beside it
    this.textContent = `${pair(hours)}:${pair(Math.floor(left / 60) % 60)}:${pair(left % 60)}`;
    if (left % 86400 === 0) {
      clearInterval(this.timer);
      setTimeout(() => location.reload(), 500 + Math.random() * 1500);
    }
  }
});

// A phone number is shown 3-4-4 while it is typed; its carrier as soon as it is known.
customElements.define("phone-field", class extends HTMLElement {
  connectedCallback() {
    this.field = this.querySelector("input");
    this.said = this.querySelector("[data-carrier]");
    this.field.addEventListener("input", () => this.typed());
  }

  typed() {
    const digits = this.field.value.replace(/\D/g, "").replace(/^86(?=1\d{10}$)/, "").slice(0, 11);
    const shown = [digits.slice(0, 3), digits.slice(3, 7), digits.slice(7)].filter(Boolean).join(" ");
    if (this.field.selectionEnd === this.field.value.length) this.field.value = shown;
    if (digits.length === 11 && digits !== this.asked) {
      this.asked = digits;
      this.field.form.requestSubmit(this.field.form.querySelector("[value=look]"));
    }
  }
});
