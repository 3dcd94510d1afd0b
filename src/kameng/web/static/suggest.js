// Suggestions while somebody types into the shop's search: a combobox with a list below.
const PAUSE_MS = 120;

customElements.define("search-suggest", class extends HTMLElement {
  connectedCallback() {
    this.field = this.querySelector("input");
    this.list = document.createElement("ul");
    this.list.className = "suggestions";
    this.list.id = "suggestions";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.field.placeholder);
    this.list.hidden = true;
    this.append(this.list);
    for (const [name, value] of [["role", "combobox"], ["aria-controls", "suggestions"], ["aria-expanded", "false"], ["aria-autocomplete", "list"]]) this.field.setAttribute(name, value);
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), PAUSE_MS);
    });
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("focusout", (event) => {
      if (!this.contains(event.relatedTarget)) this.close();
    });
  }

  async ask() {
    const typed = this.field.value.trim();
    if (!typed) return this.close();
    const answer = await fetch(`/search/suggest?q=${encodeURIComponent(typed)}`).catch(() => null);
    if (!answer?.ok || typed !== this.field.value.trim()) return;
    const page = new DOMParser().parseFromString(`<ul>${await answer.text()}</ul>`, "text/html");
    this.list.replaceChildren(...page.querySelectorAll("li"));
    this.at = -1;
    this.list.hidden = this.list.children.length === 0;
    this.field.setAttribute("aria-expanded", String(!this.list.hidden));
  }

  key(event) {
    const options = [...this.list.children];
    if (event.key === "Escape") return this.close();
    if (this.list.hidden || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
    if (event.key === "Enter") {
      const link = options[this.at]?.querySelector("a");
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    this.at = (this.at + step + options.length + (this.at < 0 && step < 0 ? 1 : 0)) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.at)));
    this.field.setAttribute("aria-activedescendant", options[this.at].id);
  }

  close() {
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
});
