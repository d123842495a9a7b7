// Line charts with names at the ends of their lines, where there is room.

const MARGIN = { top: 10, bottom: 24, left: 46 };

/** Round steps that cut [low, high] into about `count` parts. */
function niceTicks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const first = Math.ceil(low / step - 1e-9);
  const ticks = [];
  for (let k = first; k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}

/** 1, 2 and 5 times the powers of ten within [low, high]; fewer where they are many. */
function logTicks(low, high) {
  const ticks = [];
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const parts = to - from > 4 ? [1] : to - from > 2 ? [1, 3] : [1, 2, 5];
  for (let power = from; power <= to; power++) {
    for (const part of parts) {
      const tick = part * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

const brief = (v) =>
  v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? v.toExponential(0).replace("e+", "e") : `${+v.toPrecision(3)}`;
const exact = (v) => (Math.abs(v) < 1e-2 && v !== 0 ? v.toExponential(2) : `${+v.toPrecision(4)}`);

/** A function from values to pixels. */
function axis([low, high], [start, end], log) {
  const f = log ? Math.log10 : (v) => v;
  const [a, b] = [f(low), f(high)];
  return (v) => start + ((f(v) - a) / (b - a || 1)) * (end - start);
}

/** Lowest and highest of the values, with some air; on a log scale of the positive ones. */
function extentOf(series, log) {
  const values = series
    .flatMap((s) => [...s.y, ...(s.low ?? []), ...(s.high ?? [])])
    .filter((v) => v !== null && (!log || v > 0));
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (!values.length) [low, high] = [1, 2];
  if (log) return low < high ? [low * 0.94, high * 1.06] : [low / 1.5, high * 1.5];
  const air = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  return [low - air, high + air];
}

/** Push labels apart so that none covers another; `places` are wanted heights. */
function spread(places, gap, low, high) {
  const order = places.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  for (let k = 1; k < order.length; k++) order[k].y = Math.max(order[k].y, order[k - 1].y + gap);
  const over = order.length ? order[order.length - 1].y - high : 0;
  if (over > 0) {
    order[order.length - 1].y -= over;
    for (let k = order.length - 2; k >= 0; k--) order[k].y = Math.min(order[k].y, order[k + 1].y - gap);
  }
  const out = [];
  for (const { y, i } of order) out[i] = Math.max(y, low);
  return out;
}

/** A path through the points that are there; null leaves a gap. */
function pathOf(xs, ys) {
  let d = "";
  let pen = "M";
  ys.forEach((y, i) => {
    if (y === null || !Number.isFinite(y)) {
      pen = "M";
      return;
    }
    d += `${pen}${xs[i].toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return d;
}

class Chart {
  /** `spec`: {series: [{title, colour, dashed, x, y, low, high}], log, frames, height}. */
  constructor(element, spec) {
    this.element = element;
    this.spec = spec;
    this.readout = make("p", { class: "readout", "aria-hidden": "true" });
    this.lit = null;
    element.append(draw("svg", { "aria-hidden": "true" }));
    element.after(this.readout);
    this.svg = find("svg", element);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.light(null));
    new ResizeObserver(() => this.draw()).observe(element);
  }

  get log() {
    return this.spec.log === "chosen" && state.log && !this.belowZero;
  }

  /** Whether a line goes to zero or below, where a log scale has no place for it. */
  get belowZero() {
    return this.series.some((s) => s.y.some((v) => v !== null && v <= 0));
  }

  /** The lines that are shown: of training those of the rows under the heading chosen. */
  get series() {
    const { series } = this.spec;
    return state.group === null ? series : series.filter((s) => s.groups?.includes(state.group) ?? true);
  }

  draw() {
    const { series } = this;
    this.element.closest(".panel").hidden = !series.length;
    const width = this.element.clientWidth;
    if (!width || !series.length) return;
    const labelled = width > 460 && series.length <= 14;
    const crowded = series.length > 14;
    const longest = Math.max(...series.map((s) => s.title.length), 0);
    const right = labelled ? clamp(longest * 7 + 22, 60, Math.min(250, width * 0.4)) : 14;
    const height = labelled ? Math.max(this.spec.height, series.length * 17 + 40) : this.spec.height;
    const inner = { left: MARGIN.left, right: width - right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const xs = series.flatMap((s) => s.x);
    const xEnds = [Math.min(...xs), Math.max(...xs)];
    const yEnds = extentOf(this.spec.extent ? [{ y: this.spec.extent }] : series, this.log);
    const x = axis(xEnds, [inner.left, inner.right], false);
    const y = axis(yEnds, [inner.bottom, inner.top], this.log);
    Object.assign(this, { x, y, inner });

    this.element.classList.toggle("crowded", crowded);
    // The row that others are compared with lies on top of them.
    const inOrder = series.map((s, i) => ({ s, i })).sort((a, b) => (a.s.colour === "ink") - (b.s.colour === "ink"));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("height", height);
    this.svg.replaceChildren(
      ...this.axes(xEnds, yEnds),
      draw("line", { class: "cursor", y1: inner.top, y2: inner.bottom, visibility: "hidden" }),
      ...inOrder.map(({ s, i }) => this.line(s, i)),
      ...(labelled ? this.names() : []),
    );
    this.legend(labelled);
    const note = find("h3 small", this.element.closest(".panel"));
    if (note && this.spec.log === "chosen") {
      note.dataset.linear = state.log && this.belowZero ? " (linear: not all values are above zero)" : "";
    }
    this.light(this.lit);
    this.mark(this.frame ?? null);
  }

  axes(xEnds, yEnds) {
    const { inner, x, y } = this;
    const parts = [];
    const powers = this.log ? logTicks(...yEnds) : [];
    for (const tick of powers.length > 2 ? powers : niceTicks(...yEnds, 5)) {
      const at = Math.round(y(tick)) + 0.5;
      parts.push(
        draw("line", { class: "grid", x1: inner.left, x2: inner.right, y1: at, y2: at }),
        draw("text", { x: inner.left - 9, y: at + 4, "text-anchor": "end" }, brief(tick)),
      );
    }
    const wanted = this.spec.frames ? Math.min(xEnds[1] - xEnds[0], 12) : clamp((inner.right - inner.left) / 80, 2, 6);
    const whole = niceTicks(...xEnds, wanted).filter(Number.isInteger);
    for (const tick of whole) {
      parts.push(draw("text", { x: x(tick), y: inner.bottom + 18, "text-anchor": "middle" }, String(tick)));
    }
    parts.push(
      draw("line", { class: "axis", x1: inner.left, x2: inner.right, y1: inner.bottom + 0.5, y2: inner.bottom + 0.5 }),
    );
    return parts;
  }

  /** A value's height; null where a log scale has no place for it. */
  height(value) {
    return value === null || (this.log && value <= 0) ? null : this.y(value);
  }

  line(series, index) {
    const xs = series.x.map(this.x);
    const ys = series.y.map((v) => this.height(v));
    const group = draw("g", {
      class: `series ${colourOf(series.colour)}${series.dashed ? " dashed" : ""}`,
      "data-index": index,
      "data-row": series.row ?? "",
    });
    if (series.low && series.high) {
      const low = series.low.map((v) => this.height(v));
      const high = series.high.map((v) => this.height(v));
      if (![...low, ...high].includes(null)) {
        const there = xs.map((px, i) => `${px.toFixed(1)} ${high[i].toFixed(1)}`);
        const back = xs.map((px, i) => `${px.toFixed(1)} ${low[i].toFixed(1)}`).reverse();
        group.append(draw("path", { class: "band", d: `M${[...there, ...back].join("L")}Z` }));
      }
    }
    group.append(draw("path", { d: pathOf(xs, ys) }));
    if (this.spec.frames && !series.dashed) {
      ys.forEach((py, i) => {
        if (py !== null) group.append(draw("circle", { cx: xs[i], cy: py, r: 3.4 }));
      });
    }
    return group;
  }

  names() {
    const { series } = this;
    const last = series.map((s) => s.y.findLastIndex((v) => this.height(v) !== null));
    const ends = series.map((s, i) => (last[i] < 0 ? this.inner.bottom : this.height(s.y[last[i]])));
    const places = spread(ends, 16, this.inner.top, this.inner.bottom);
    return series.flatMap((s, i) => {
      if (last[i] < 0) return [];
      const px = this.x(s.x[last[i]]);
      const text = draw(
        "text",
        { class: `name ${colourOf(s.colour)}`, x: this.inner.right + 18, y: places[i] + 4, "data-index": i },
        s.title.length > 33 ? `${s.title.slice(0, 32)}…` : s.title,
      );
      const leader = draw("path", {
        class: `leader ${colourOf(s.colour)}`,
        "data-index": i,
        d: `M${px + 5} ${ends[i]}L${this.inner.right + 14} ${places[i]}`,
      });
      return [leader, text];
    });
  }

  /** Names beneath, where there is no room beside. */
  legend(labelled) {
    this.list ??= make("ul", { class: "legend" });
    this.list.replaceChildren(
      ...this.series.map((s) =>
        make("li", { class: colourOf(s.colour) }, make("span", { class: "swatch" }), s.title),
      ),
    );
    if (labelled || this.series.length > 14) this.list.remove();
    else this.readout.after(this.list);
  }

  /** Light up the line next to the pointer and say its value. */
  point(event) {
    const box = this.svg.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const name = event.target.closest?.(".name");
    let near = null;
    this.series.forEach((s, index) => {
      s.x.forEach((value, i) => {
        const at = this.height(s.y[i]);
        if (at === null) return;
        const far = name ? Number(name.dataset.index) !== index : false;
        const distance = Math.hypot((this.x(value) - px) * 1.5, at - py) + (far ? 1e6 : 0);
        if (!near || distance < near.distance) near = { distance, index, i };
      });
    });
    this.light(near && (name || near.distance < 70) ? near : null);
  }

  light(near) {
    this.lit = near;
    this.element.classList.toggle("lit", near !== null);
    for (const part of findAll("[data-index]", this.svg)) {
      part.classList.toggle("on", near !== null && Number(part.dataset.index) === near.index);
    }
    this.readout.replaceChildren();
    if (!near) return;
    const s = this.series[near.index];
    const unit = this.spec.unit ? ` ${this.spec.unit}` : "";
    const interval =
      s.low && s.low[near.i] !== null ? `, 95 % interval ${exact(s.low[near.i])} to ${exact(s.high[near.i])}` : "";
    this.readout.append(
      make("b", {}, s.title),
      ` ${this.spec.x} ${s.x[near.i]}: ${exact(s.y[near.i])}${unit}${interval}`,
      s.said ? ` (${s.said})` : "",
    );
  }

  /** A line at the frame that the pictures show. */
  mark(frame) {
    this.frame = frame;
    const cursor = find(".cursor", this.svg);
    if (!cursor) return;
    const at = frame === null ? NaN : Math.round(this.x(frame)) + 0.5;
    const seen = at >= this.inner.left - 1 && at <= this.inner.right + 1;
    cursor.setAttribute("visibility", seen ? "visible" : "hidden");
    if (!seen) return;
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
  }
}

function startCharts() {
  const charts = findAll("[data-chart]").map(
    (element) => new Chart(element, DATA.charts[element.dataset.chart]),
  );
  const training = charts.filter((c) => c.spec.log === "chosen");
  watch(["log", "group"], () => {
    for (const chart of training) {
      chart.lit = null;
      chart.draw();
    }
  });
  const groups = find("[data-group]");
  groups?.addEventListener("change", () => {
    change({ group: groups.selectedIndex === 0 ? null : groups.value });
  });
  if (DATA.clips.length) {
    watch(["clip", "frame"], () => {
      const { frames } = currentClip();
      for (const c of charts.filter((c) => c.spec.frames)) c.mark(c.spec.frames === frames ? state.frame : null);
    });
  }
  for (const radio of findAll("[name=log]")) {
    radio.addEventListener("change", () => change({ log: radio.value === "log" }));
  }
}
