// A list on its way: the same form, sent once with progress, then shown as its result. Nothing depends on this.
class ManyOrder extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (event) => this.begin(event));
  }

  async begin(event) {
    if (this.isDone) return;
    event.preventDefault();
    const box = this.querySelector("[data-progress]");
    box.hidden = false;
    for (const button of this.form.querySelectorAll("button")) button.disabled = true;
    try {
      await this.follow(box);
      this.isDone = true;
      for (const button of this.form.querySelectorAll("button")) button.disabled = false;
      // What was ordered is found again by its references: this shows the result, and orders nothing twice.
      this.form.submit();
    } catch {
      box.querySelector("[role=status]").textContent = this.dataset.failed;
      for (const button of this.form.querySelectorAll("button")) button.disabled = false;
    }
  }

  async follow(box) {
    const answer = await fetch(this.form.action, {
      method: "POST", body: new URLSearchParams(new FormData(this.form)), headers: { "x-kameng-progress": "1" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) this.tell(box, JSON.parse(line));
    }
  }

  tell(box, { done, of }) {
    box.querySelector("progress").value = of ? (100 * done) / of : 100;
    box.querySelector("[role=status]").textContent = this.dataset.working.replace("{done}", done).replace("{of}", of);
  }
}

customElements.define("many-order", ManyOrder);
