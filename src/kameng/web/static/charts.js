// <live-chart src every> or <live-chart data-figures>: a time series drawn by uPlot, which is loaded only here. Its figures are JSON:
//   {"times": [unix seconds], "series": [{"label", "values", "tone"}]}
// The table inside stays for those who can't see it, and is what there is without script.
import { toneOf } from "./tones.js";

function addStyle() {
  const href = new URL("./uplot.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return null;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  const loaded = new Promise((done) => { link.onload = link.onerror = done; });
  document.head.append(link);
  return loaded;
}

class LiveChart extends HTMLElement {
  async connectedCallback() {
    this.stage = this.querySelector("[data-stage]");
    const [{ default: UPlot }] = await Promise.all([import("./uplot.js"), addStyle()]);
    this.UPlot = UPlot;
    await this.look();
    const every_s = Number(this.getAttribute("every") || 0);
    if (every_s) this.clock = setInterval(() => { if (!document.hidden) this.look(); }, every_s * 1000);
    this.sized = new ResizeObserver(() => this.chart?.setSize({ width: this.stage.clientWidth, height: this.tall() }));
    this.sized.observe(this.stage);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.onchange = () => { this.chart?.destroy(); this.chart = null; this.draw(); };
  }

  disconnectedCallback() {
    clearInterval(this.clock);
    this.sized?.disconnect();
    this.chart?.destroy();
    this.chart = null;
  }

  tall() { return Number(this.dataset.height || 220); }

  // as long as it takes: seconds within minutes, days within weeks
  moment(at_s, span_s) {
    const parts = span_s > 2 * 86400 ? { month: "2-digit", day: "2-digit" }
      : { hour: "2-digit", minute: "2-digit", ...(span_s < 600 ? { second: "2-digit" } : {}), hour12: false };
    return new Date(at_s * 1000).toLocaleString(document.documentElement.lang, { ...parts, timeZone: "Asia/Shanghai" });
  }

  async look() {
    if (this.getAttribute("src")) {
      const answer = await fetch(this.getAttribute("src"), { headers: { accept: "application/json" } }).catch(() => null);
      if (!answer?.ok) return;
      this.figures = await answer.json();
    } else {
      this.figures ??= JSON.parse(this.dataset.figures);
    }
    this.draw();
  }

  draw() {
    const { times, series } = this.figures;
    const data = [times, ...series.map((one) => one.values)];
    if (this.chart) { this.chart.setData(data); return; }
    const soft = toneOf("soft"), line = toneOf("line");
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: "12px system-ui" };
    const times_axis = { ...axis, values: (_chart, some) => some.map((at_s) => this.moment(at_s, some.at(-1) - some[0])) };
    this.chart = new this.UPlot({
      width: this.stage.clientWidth, height: this.tall(), cursor: { drag: { x: false, y: false } }, legend: { show: false },
      axes: [times_axis, axis], tzDate: (ts) => this.UPlot.tzDate(new Date(ts * 1e3), "Asia/Shanghai"),
      series: [{ label: this.dataset.time }, ...series.map((one) => ({ label: one.label, stroke: toneOf(one.tone || "accent"), width: 2, spanGaps: true }))],
    }, data, this.stage);
    this.dataset.drawn = "";
  }
}

customElements.define("live-chart", LiveChart);
