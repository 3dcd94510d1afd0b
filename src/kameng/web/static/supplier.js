// Of the suppliers' pages: clocks that count down, files that are dropped, loads that are watched. All of it is there
// without script too, only not by itself.
const MINUTE_MS = 60_000;

function span(minutes) {
  const days = Math.floor(minutes / 1440);
  const rest = `${Math.floor((minutes % 1440) / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  return days ? `${days}d ${rest}` : rest;
}

class DueClock extends HTMLElement {
  connectedCallback() {
    this.tick();
    this.timer = setInterval(() => this.tick(), MINUTE_MS / 4);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  tick() {
    const left = Math.floor((Number(this.dataset.due) - Date.now()) / MINUTE_MS);
    const said = left < 0 ? this.dataset.late : this.dataset.left;
    this.querySelector("span").textContent = said.replace("%s", span(Math.abs(left)));
    this.classList.toggle("bad", left < 0);
    this.classList.toggle("warn", left >= 0 && left < 30);
  }
}

class FileTarget extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    for (const kind of ["dragenter", "dragover"]) {
      this.addEventListener(kind, (event) => {
        event.preventDefault();
        this.classList.add("over");
      });
    }
    this.addEventListener("dragleave", () => this.classList.remove("over"));
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      const one = new DataTransfer();
      one.items.add(event.dataTransfer.files[0]);
      input.files = one.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    input.addEventListener("change", () => {
      const name = input.files[0]?.name;
      this.querySelector(".chosen").textContent = name ? this.dataset.dropped.replace("%s", name) : "";
    });
  }
}

class RunWatch extends HTMLElement {
  connectedCallback() {
    this.wait();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  wait() {
    if (this.firstElementChild?.dataset.going === "yes") this.timer = setTimeout(() => this.look(), 700);
  }

  async look() {
    try {
      const answer = await fetch(this.dataset.part, { headers: { "hx-request": "true" }, credentials: "same-origin" });
      if (answer.ok) {
        const before = this.firstElementChild.dataset.state;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
        const bar = this.querySelector("progress[max]");
        const next = fresh.querySelector("progress[max]");
        if (bar && next) {
          bar.value = next.value;
          bar.parentElement.querySelector("p").textContent = next.parentElement.querySelector("p").textContent;
        } else if (before !== fresh.dataset.state) {
          this.replaceChildren(fresh);
        }
      }
    } catch {
      // The line is gone for a moment: the next look may find it again.
    }
    this.wait();
  }
}

customElements.define("due-clock", DueClock);
customElements.define("file-target", FileTarget);
customElements.define("run-watch", RunWatch);
