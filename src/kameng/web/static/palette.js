// <command-palette>: ⌘K or /. Pages, acts and things by number, in one list, from /find; an exact number leads straight
// to its object. A combobox with a list, as ARIA has it: the focus stays in the field, arrows move the choice.
class CommandPalette extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.field = this.querySelector("input");
    this.list = this.querySelector("[role=listbox]");
    this.field.addEventListener("input", () => { clearTimeout(this.waiting); this.waiting = setTimeout(() => this.look(), 120); });
    this.field.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => this.go(event.target.closest("[role=option]")));
    this.list.addEventListener("mousemove", (event) => this.choose(event.target.closest("[role=option]")));
    this.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  }

  show() {
    if (this.dialog.open) return;
    this.field.value = "";
    this.dialog.showModal();
    this.look();
  }

  async look() {
    this.asked?.abort();
    this.asked = new AbortController();
    const asked = this.field.value;
    const query = new URLSearchParams({ q: asked, at: location.pathname });
    try {
      const answer = await fetch(`/find?${query}`, { headers: { accept: "application/json" }, signal: this.asked.signal });
      if (answer.ok) this.render(await answer.json(), asked);
    } catch (error) {
      if (error.name !== "AbortError") this.render({ groups: [] }, asked);
    }
  }

  render({ groups }, asked) {
    let number = 0;
    this.list.replaceChildren(...groups.map((group) => {
      const box = element("div", { role: "group", "aria-label": group.label }, element("p", { class: "palette-group", "aria-hidden": "true" }, group.label));
      for (const hit of group.hits) {
        const option = element("div", { role: "option", id: `found-${number++}`, "aria-selected": "false" },
          icon(hit.icon), element("span", { class: "grow" }, hit.label),
          hit.hint ? element("span", { class: "soft small" }, hit.hint) : "", hit.key ? element("kbd", {}, hit.key) : "");
        option.hit = hit;
        box.append(option);
      }
      return box;
    }));
    this.querySelector("[data-none]").hidden = number > 0;
    this.querySelector("[role=status]").textContent = this.dataset.found.replace("%s", number);
    this.choose(this.list.querySelector("[role=option]"));
    this.shown = asked;
    if (this.hurry) this.go(this.chosen);
    this.hurry = false;
  }

  choose(option) {
    if (!option && this.list.querySelector("[role=option]")) return;
    this.chosen?.setAttribute("aria-selected", "false");
    this.chosen = option;
    option?.setAttribute("aria-selected", "true");
    this.field.setAttribute("aria-activedescendant", option?.id ?? "");
  }

  onKey(event) {
    const options = [...this.list.querySelectorAll("[role=option]")];
    const at = options.indexOf(this.chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: options.length - 1 }[event.key];
    if (to !== undefined && options.length) {
      event.preventDefault();
      this.choose(options[(to + options.length) % options.length]);
      this.chosen.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      // typed and entered at once: what is chosen then is what was asked for
      if (this.shown === this.field.value) { this.go(this.chosen); return; }
      this.hurry = true;
      this.look();
    }
  }

  go(option) {
    const hit = option?.hit;
    if (!hit) return;
    this.dialog.close();
    if (hit.opens) document.getElementById(hit.opens)?.showModal();
    else if (hit.post) this.post(hit);
    else location.assign(hit.href);
  }

  post({ href, fields }) {
    const form = element("form", { method: "post", action: href });
    for (const [name, value] of Object.entries({ ...fields, _token: document.body.dataset.token })) {
      form.append(element("input", { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
  }
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function icon(name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  made.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  made.firstChild.setAttribute("href", `${document.body.dataset.sprite}#${name}`);
  return made;
}

customElements.define("command-palette", CommandPalette);
