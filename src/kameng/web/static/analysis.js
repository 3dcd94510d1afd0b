// ECharts, for analysis pages alone: <figure data-echarts='{option}'>, whose table says the same. 170 KB: a page that needs
// it loads this file in its head. Colours come from our tokens, so that it fits light and dark.
import { toneOf } from "./tones.js";

function load() {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("./echarts.simple.min.js", import.meta.url);
    script.onload = () => done(window.echarts);
    script.onerror = failed;
    document.head.append(script);
  });
}

const figures = document.querySelectorAll("[data-echarts]");
if (figures.length) {
  const echarts = await load();
  for (const figure of figures) {
    const chart = echarts.init(figure.querySelector("[data-stage]"));
    chart.setOption({
      color: ["accent", "news", "warn", "good", "bad"].map(toneOf), textStyle: { color: toneOf("soft") },
      aria: { enabled: true }, animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      ...JSON.parse(figure.dataset.echarts),
    });
    new ResizeObserver(() => chart.resize()).observe(figure);
    figure.dataset.drawn = "";
  }
}
