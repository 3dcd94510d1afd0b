// Live numbers: asks every two seconds while the page is looked at; uPlot draws the lines (<live-chart>, charts.js).
const EVERY_MS = 2000, KEPT = 90;

const quantile = (buckets, part) => {
  const total = buckets.at(-1)?.[1] ?? 0;
  return total ? buckets.find(([, count]) => count >= part * total)[0] * 1000 : null;
};

class LiveNumbers extends HTMLElement {
  #times = [];
  #kept = { per_second: [], p50: [], p99: [], queued: [], active: [], waiting: [] };
  #before = null;
  #timer = 0;

  connectedCallback() { this.#tick(); }
  disconnectedCallback() { clearTimeout(this.#timer); }

  async #tick() {
    if (!document.hidden) {
      try {
        const answer = await fetch(this.dataset.from, { headers: { accept: "application/json" } });
        if (answer.ok) this.#show(await answer.json());
      } catch { /* the gateway is being reloaded: the next one asks again */ }
    }
    this.#timer = setTimeout(() => this.#tick(), EVERY_MS);
  }

  #show(now) {
    const known = new Map(this.#before?.buckets ?? []);
    const fresh = now.buckets.map(([bound, count]) => [bound, count - (known.get(bound) ?? count)]);
    const queued = Object.values(now.queues).reduce((sum, one) => sum + one, 0);
    this.#times.push(Math.round(now.at_ms / 1000));
    if (this.#times.length > KEPT) this.#times.shift();
    this.#put("per_second", now.per_second, now.per_second.toFixed(1));
    for (const [name, part] of [["p50", 0.5], ["p99", 0.99]]) {
      const ms = quantile(fresh, part);
      this.#put(name, ms, ms === null ? null : `${Math.round(ms)} ms`);
    }
    this.#put("queued", queued, String(queued));
    for (const row of this.querySelectorAll("[data-lane]")) {
      row.querySelector("[data-rate]").textContent = (now.lanes[row.dataset.lane] ?? 0).toFixed(1);
      row.querySelector("[data-queue]").textContent = now.queues[row.dataset.lane] ?? 0;
    }
    this.#put("active", now.health.active, null);
    this.#put("waiting", now.health.locks_awaited, null);
    this.#draw();
    this.#before = now;
  }

  // the charts say which numbers they show; the words of their lines are the page's
  #draw() {
    for (const chart of this.querySelectorAll("live-chart")) {
      const { series } = JSON.parse(chart.dataset.figures);
      const names = chart.closest("[data-lines]").dataset.lines.split(" ");
      chart.figures = { times: [...this.#times], series: series.map((one, n) => ({ ...one, values: [...this.#kept[names[n]]] })) };
      if (chart.UPlot) chart.draw();
      this.#write(chart.querySelector("tbody"), names);
    }
  }

  // the newest figures, for those who can't see the lines
  #write(body, names) {
    const rows = this.#times.slice(-10).map((at_s, n, some) => {
      const row = document.createElement("tr"), head = row.appendChild(document.createElement("th"));
      head.scope = "row";
      head.textContent = new Date(at_s * 1000).toLocaleTimeString(document.documentElement.lang, { hour12: false, timeZone: "Asia/Shanghai" });
      for (const name of names) {
        const cell = row.appendChild(document.createElement("td"));
        cell.className = "num";
        cell.textContent = this.#kept[name][this.#times.length - some.length + n] ?? "–";
      }
      return row;
    });
    body?.replaceChildren(...rows);
  }

  #put(name, value, text) {
    const kept = this.#kept[name];
    kept.push(value);
    if (kept.length > KEPT) kept.shift();
    const shown = text !== null && this.querySelector(`[data-value="${name}"] .value`);
    if (shown) shown.textContent = text;
  }
}

customElements.define("live-numbers", LiveNumbers);
