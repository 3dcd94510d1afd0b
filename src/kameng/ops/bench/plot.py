"""The picture of a bench: latency by percentile, answers per second. SVG by hand, light and dark, no
dependency.

Colours are written out in both styles, because not every viewer knows CSS variables; a viewer that does not
know ``prefers-color-scheme`` shows the light one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from xml.sax.saxutils import escape

import msgspec

from kameng.ops.bench.tally import PERCENTILES

_WIDTH, _HEIGHT = 960, 536
_MARGIN = 32
_TOP, _BOTTOM = 236, 464  # of both panels
_SWATCH = 14
_LEFT_PANEL, _RIGHT_PANEL = (78, 468), (560, 916)

_INKS = {  # name: (light, dark)
    "accepted": ("#2467d8", "#7fb0ff"),
    "refused": ("#c05a12", "#f2a765"),
    "busy": ("#7d8590", "#9aa3ad"),
    "beside": ("#0f8a6d", "#58c9ac"),
}
_STYLE = """
text{font-family:system-ui,-apple-system,"Segoe UI","Noto Sans",sans-serif;font-size:12px;fill:#59636e}
.card{fill:#fff;stroke:#e3e7eb}.tile{fill:#f5f7f9}
.title{font-size:20px;font-weight:600;fill:#1b2026}.head{font-size:13px;font-weight:600;fill:#1b2026}
.number{font-size:22px;font-weight:600;fill:#1b2026}.small{font-size:11px}
.grid{stroke:#e9edf0}.axis{stroke:#c5ccd3}.goal{stroke:#1b2026;stroke-dasharray:2 4;opacity:.55}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
"""
_STYLE_DARK = """
text{fill:#9aa5b1}.card{fill:#14181d;stroke:#2a313a}.tile{fill:#1c222a}
.title,.head,.number{fill:#eef1f4}.grid{stroke:#242b33}.axis{stroke:#46505b}.goal{stroke:#eef1f4}
"""


class Tile(msgspec.Struct, frozen=True):
    label: str
    number: str
    beneath: str


class Curve(msgspec.Struct, frozen=True):
    """Latencies at `PERCENTILES`."""

    name: str
    count: int
    values_ms: list[float]


class Rates(msgspec.Struct, frozen=True):
    """Points of (second, per second)."""

    name: str
    points: list[tuple[float, float]]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    subtitle: str
    tiles: list[Tile]
    curves: list[Curve]
    rates: list[Rates]
    unit: str
    goal_p99_ms: float | None
    goal_per_s: float | None
    footer: str


def draw(picture: Picture) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img">',
        f"<title>{escape(picture.title)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="card" x=".5" y=".5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"/>',
        _text(_MARGIN, 42, picture.title, css="title"),
        _text(_MARGIN, 62, picture.subtitle),
        *_tiles(picture.tiles),
        *_latency_panel(picture),
        *_rate_panel(picture),
        _text(_MARGIN, _HEIGHT - 16, picture.footer, css="small"),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _style() -> str:
    light = "".join(f".{name}{{stroke:{inks[0]}}}" for name, inks in _INKS.items())
    dark = "".join(f".{name}{{stroke:{inks[1]}}}" for name, inks in _INKS.items())
    return f"{_STYLE}{light}\n@media (prefers-color-scheme:dark){{{_STYLE_DARK}{dark}\n}}"


def _tiles(tiles: list[Tile]) -> Iterable[str]:
    width = (_WIDTH - 2 * _MARGIN - 12 * (len(tiles) - 1)) / max(len(tiles), 1)
    width = min(width, 216)
    for number, tile in enumerate(tiles):
        x = _MARGIN + number * (width + 12)
        yield f'<rect class="tile" x="{x:.1f}" y="78" width="{width:.1f}" height="72" rx="8"/>'
        yield _text(x + 14, 98, tile.label, css="small")
        yield _text(x + 14, 123, tile.number, css="number")
        yield _text(x + 14, 141, tile.beneath, css="small")


def _latency_panel(picture: Picture) -> Iterable[str]:
    """Both axes logarithmic: across in nines, so that the tail has room, up in milliseconds."""
    left, right = _LEFT_PANEL
    curves = [(curve, _supported(curve)) for curve in picture.curves]
    values = [value for _, points in curves for _, value in points]
    if picture.goal_p99_ms is not None:
        values.append(picture.goal_p99_ms)
    low, high = _decades(values)

    def at(percentile: float, value_ms: float) -> tuple[float, float]:
        nines = -math.log10(1 - percentile / 100) / 4
        height = (math.log10(max(value_ms, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return left + nines * (right - left), _BOTTOM - height * (_BOTTOM - _TOP)

    yield _text(_MARGIN, _TOP - 48, "Latency by percentile (ms)", css="head")
    yield from _legend([curve.name for curve, points in curves if points], _MARGIN)
    for value in _log_ticks(low, high):
        yield from _level(left, right, at(0, value)[1], f"{value:,g}")
    for percentile in (0, 50, 90, 99, 99.9, 99.99):
        yield from _notch(at(percentile, low)[0], f"{percentile:g}%")
    if picture.goal_p99_ms is not None:
        x, y = at(99, picture.goal_p99_ms)
        yield from _goal_line(left, x, y)
        yield _text(left + 6, y - 5, "goal for 99%", css="small")
    for curve, points in reversed(curves):
        yield _path(curve.name, [at(percentile, value) for percentile, value in points])


def _supported(curve: Curve) -> list[tuple[float, float]]:
    """From 1 % to 99.99 %, as far as at least one answer lies beyond."""
    pairs = zip(PERCENTILES, curve.values_ms, strict=True)
    return [
        (percentile, value)
        for percentile, value in pairs
        if 1 <= percentile <= 99.99 and curve.count * (1 - percentile / 100) >= 0.999
    ]


def _rate_panel(picture: Picture) -> Iterable[str]:
    left, right = _RIGHT_PANEL
    times = [at_s for line in picture.rates for at_s, _ in line.points]
    rates = [rate for line in picture.rates for _, rate in line.points]
    top = max([*rates, picture.goal_per_s or 0, 1])
    step = _nice_step(top / 4)
    ceiling = step * math.ceil(top / step)
    end_s = max(times, default=1.0)

    def at(at_s: float, rate: float) -> tuple[float, float]:
        return left + at_s / end_s * (right - left), _BOTTOM - rate / ceiling * (_BOTTOM - _TOP)

    yield _text(left - 58, _TOP - 48, f"{picture.unit.capitalize()} per second", css="head")
    yield from _legend([line.name for line in picture.rates], left - 58)
    for number in range(round(ceiling / step) + 1):
        yield from _level(left, right, at(0, number * step)[1], f"{number * step:,g}")
    step_s = _nice_step(end_s / 5)
    for number in range(int(end_s / step_s + 1e-6) + 1):
        yield from _notch(at(number * step_s, 0)[0], f"{number * step_s:g} s")
    if picture.goal_per_s is not None:
        y = at(0, picture.goal_per_s)[1]
        yield from _goal_line(left, right, y)
        yield _text(right + 5, y + 4, "goal", css="small")
    for line in reversed(picture.rates):
        yield _path(line.name, [at(at_s, rate) for at_s, rate in line.points])


def _legend(names: list[str], x: float) -> Iterable[str]:
    y = _TOP - 28
    for name in names:
        yield f'<line class="line {_ink(name)}" x1="{x:.1f}" x2="{x + _SWATCH:.1f}" y1="{y}" y2="{y}"/>'
        yield _text(x + _SWATCH + 6, y + 4, name, css="small")
        x += _SWATCH + 22 + 5.9 * len(name)  # about: fonts differ


def _level(left: float, right: float, y: float, label: str) -> Iterable[str]:
    css = "axis" if y >= _BOTTOM - 0.5 else "grid"
    yield f'<line class="{css}" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
    yield _text(left - 8, y + 4, label, anchor="end", css="small")


def _notch(x: float, label: str) -> Iterable[str]:
    yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_BOTTOM}" y2="{_BOTTOM + 4}"/>'
    yield _text(x, _BOTTOM + 18, label, anchor="middle", css="small")


def _goal_line(left: float, right: float, y: float) -> Iterable[str]:
    yield f'<line class="goal" x1="{left}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _path(name: str, points: list[tuple[float, float]]) -> str:
    if not points:
        return ""
    route = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="line {_ink(name)}" points="{route}"/>'


def _ink(name: str) -> str:
    return name if name in _INKS else "beside"


def _text(x: float, y: float, text: str, *, css: str = "", anchor: str = "start") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    style = f' class="{css}"' if css else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{place}{style}>{escape(text)}</text>'


def _decades(values: list[float]) -> tuple[float, float]:
    """A range of 1-2-5 steps around the values, at least one decade high."""
    low = _step_below(max(min(values, default=1.0), 0.01))
    high = max(max(values, default=10.0), low * 10)
    return low, _nice_step(high)


def _log_ticks(low: float, high: float) -> list[float]:
    ticks = []
    value = low
    while value <= high * 1.0001:
        ticks.append(value)
        value = _step_above(value)
    return ticks if len(ticks) <= 11 else [tick for tick in ticks if f"{tick:e}"[0] == "1"]


def _step_below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return power * max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))


def _step_above(value: float) -> float:
    """The next of 1, 2, 5, 10, … above such a step."""
    return value * (2.5 if f"{value:e}"[0] == "2" else 2)


def _nice_step(at_least: float) -> float:
    below = _step_below(max(at_least, 1e-9))
    return below if below >= at_least * (1 - 1e-9) else _step_above(below)
