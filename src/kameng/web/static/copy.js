// <copy-code>: a code, a link or a sample to take away with one press; without script one can still mark it.
class CopyCode extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button plain";
    button.dataset.copy = (this.querySelector("[data-code]") ?? this).textContent.trim();
    button.setAttribute("aria-label", this.dataset.label);
    button.title = this.dataset.label;
    button.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${document.body.dataset.sprite}#copy"></use></svg>`;
    this.append(button);
  }
}

customElements.define("copy-code", CopyCode);
