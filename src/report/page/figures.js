/* Figures: a caption, a drawing and the same numbers as a table; curves over a common axis. */

let serial = 0;
const redraws = new Set();
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const figure = target.figure;
    if (!figure || Math.abs(figure.width - target.clientWidth) < 2 || !target.clientWidth) continue;
    figure.draw();
  }
});

/* A figure: caption, drawing, legend, note and the same numbers as a table. */
class Figure {
  constructor(spec) {
    this.spec = spec;
    this.host = el("div", { class: "drawing" });
    this.host.figure = this;
    this.legend = el("ul", { class: "legend" });
    this.noteNode = el("p", { class: "note" });
    this.caption = el("figcaption", {}, Array.isArray(spec.title) ? spec.title : el("span", {}, spec.title));
    this.node = el("figure", {}, this.caption, this.host, this.legend, this.noteNode,
      spec.still ? null : this.makeTable());
    if (!spec.still) observer.observe(this.host);
    redraws.add(this);
    queueMicrotask(() => this.draw());
  }
  makeTable() {
    const body = el("div");
    this.details = el("details", { ontoggle: () => this.fillTable() }, el("summary", {}, "Table of values"), body);
    this.tableBody = body;
    return this.details;
  }
  fillTable() {
    if (!this.details || !this.details.open) return;
    this.tableBody.replaceChildren(...this.tables().flatMap((t) => wideTables(t, this.spec.title, 1, Math.max(2, Math.floor(this.host.clientWidth / 110)))));
  }
  note(text) {
    this.noteNode.replaceChildren();
    add(this.noteNode, [Array.isArray(text) ? text : rich(text)]);
    this.noteNode.hidden = !this.noteNode.textContent;
  }
  measure() {
    this.width = this.spec.width || this.host.clientWidth || 320;
    return this.width;
  }
}

/* {caption, head, rows}: numbers to the right, texts to the left. */
function dataTable({ caption, head, rows, classes }, label) {
  const numeric = head.map((_, k) => rows.some((r) => typeof r[k] === "number"));
  const cell = (v, k) => el("td", { class: numeric[k] ? "n" : "free" }, typeof v === "number" ? html(v, 5) : v);
  return el("div", { class: rows.length > 16 ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${label || caption || ""}` },
    el("table", {}, caption ? el("caption", {}, caption) : null,
      el("thead", {}, el("tr", {}, head.map((h, k) => el("th", { scope: "col", class: numeric[k] ? "n" : null }, typeof h === "string" ? rich(h) : h)))),
      el("tbody", {}, rows.map((row, i) => el("tr", { class: classes ? classes[i] : null }, row.map(cell))))));
}

const COLUMNS_MOST = 9;

/* A table of many columns as several, each of which begins with the first `fixed`. */
function wideTables({ caption, head, rows, classes }, label, fixed = 1, room = COLUMNS_MOST) {
  const rest = head.length - fixed, count = Math.max(1, Math.ceil(rest / room)), most = Math.ceil(rest / count);
  return Array.from({ length: count }, (_, k) => {
    const cut = (list) => [...list.slice(0, fixed), ...list.slice(fixed + k * most, fixed + (k + 1) * most)];
    return dataTable({ caption: k ? `${caption || label}, continued` : caption, head: cut(head), rows: rows.map(cut), classes }, k ? `${label}, continued` : label);
  });
}

const thinned = (n, most = 25) => {
  const count = Math.min(n, most);
  return Array.from({ length: count }, (_, i) => Math.round((i * (n - 1)) / Math.max(count - 1, 1)));
};

/* Single letters of a label are variables. */
const letters = (label) => label.split(/(?<![\p{L}.])([\p{L}])(?![\p{L}.])/u).map((piece, i) => (i % 2 ? svg("tspan", { class: "i" }, piece) : piece));

/* Frame, grid lines, ticks and labels; box = {left, top, width, height}. */
function drawAxes(root, box, { x, y, xScale, yScale, grid }) {
  const across = Math.max(2, Math.floor(box.width / (x.log ? 62 : 74)));
  const up = Math.max(2, Math.floor(box.height / 38));
  const xTicks = x.ticks ? [...x.ticks].sort((a, b) => a - b) : xScale.ticks(across), yTicks = yScale.ticks(up);
  const right = box.left + box.width, bottom = box.top + box.height;
  for (const v of yTicks) {
    const at = bottom - yScale(v) * box.height;
    if (grid) root.append(svg("line", { class: "gridline", x1: box.left, x2: right, y1: at, y2: at }));
    root.append(svg("line", { class: "frame", x1: box.left - 4, x2: box.left, y1: at, y2: at }));
    root.append(svgNumber({ x: box.left - 7, y: at + 4, "text-anchor": "end" }, v));
  }
  let last = -Infinity;
  for (const v of xTicks) {
    const at = box.left + xScale(v) * box.width;
    if (grid) root.append(svg("line", { class: "gridline", x1: at, x2: at, y1: box.top, y2: bottom }));
    root.append(svg("line", { class: "frame", x1: at, x2: at, y1: bottom, y2: bottom + 4 }));
    const size = plain(v).length * 7;
    if (at - size / 2 < last + 4) continue;
    last = at + size / 2;
    root.append(svgNumber({ x: Math.min(at, right + 8 - size / 2), y: bottom + 17, "text-anchor": "middle" }, v));
  }
  root.append(svg("path", { class: "frame", d: `M${box.left} ${box.top}V${bottom}H${right}` }));
  if (x.label) root.append(svg("text", { class: "axis", x: box.left + box.width / 2, y: bottom + 35, "text-anchor": "middle" }, letters(x.label)));
  if (y.label) root.append(svg("text", { class: "axis", x: 0, y: 12 }, letters(y.label)));
}

const labelRoom = (ticks) => 14 + 6.6 * Math.max(2, ...ticks.map((v) => {
  const [mantissa, exponent] = parts(v);
  return exponent === null ? mantissa.length : (mantissa === "1" ? 2 : mantissa.length + 3) + 0.75 * exponent.length;
}));

const MARKS = [
  (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (r) => `M0 ${-1.25 * r}L${1.25 * r} 0L0 ${1.25 * r}L${-1.25 * r} 0z`,
  (r) => `M0 ${-1.15 * r}L${1.15 * r} ${r}H${-1.15 * r}z`,
  (r) => `M0 ${1.15 * r}L${1.15 * r} ${-r}H${-1.15 * r}z`,
  (r) => `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`,
];

/* Curves over a common axis. spec: title, x and y {label, log, domain, zero, decades, ticks}, series
   [{name, x, y, bars, colour, dash, width, faint, line, mark, sparse, open, area, hidden}], where bars are half the
   lengths of the error bars, shade {low, high}, time (the player whose time is marked). */
class Plot extends Figure {
  tables() {
    const groups = new Map();
    for (const s of this.spec.series.filter((q) => !q.hidden)) {
      if (!groups.has(s.x)) groups.set(s.x, []);
      groups.get(s.x).push(s);
    }
    return [...groups].map(([x, list]) => ({
      head: [this.spec.x.label || "x", ...list.flatMap((s) => (s.bars ? [s.name, "±"] : [s.name]))],
      rows: thinned(x.length).map((i) => [x[i], ...list.flatMap((s) => (s.bars ? [s.y[i], s.bars[i]] : [s.y[i]]))]),
    }));
  }
  domains() {
    const { x, y, series, shade } = this.spec;
    const shown = series.filter((s) => !s.reference);
    const xs = x.domain || domainOf(shown.map((s) => s.x), { log: x.log, pad: x.pad ?? 0 });
    const ys = y.domain || domainOf([...shown.map((s) => s.y), shade ? [shade.low, shade.high] : []],
      { log: y.log, decades: y.decades, zero: y.zero });
    return [xs, ys];
  }
  draw() {
    const width = this.measure();
    const { x, y, series, time } = this.spec;
    const height = this.spec.height || Math.round(Math.min(330, Math.max(205, width * 0.56)));
    const [xs, ys] = this.domains();
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.describe() });
    if (!xs || !ys) {
      root.setAttribute("viewBox", `0 0 ${width} 40`);
      root.append(svg("text", { class: "axis", x: 0, y: 18 }, this.spec.empty || (y.log ? "Zero throughout." : "Nothing to draw.")));
      this.host.replaceChildren(root);
      this.drawLegend();
      return;
    }
    const xScale = makeScale(xs, x.log), yScale = makeScale(ys, y.log);
    const top = y.label ? 24 : 8;
    const bottom = x.label ? 42 : 24;
    const left = Math.min(0.3 * width, labelRoom(yScale.ticks(Math.max(2, Math.floor((height - top - bottom) / 38)))));
    const box = { left, top, width: width - left - 10, height: height - top - bottom };
    Object.assign(this, { box, xScale, yScale, root, height });
    drawAxes(root, box, { x, y, xScale, yScale, grid: true });
    const clip = `clip${++serial}`;
    root.append(svg("clipPath", { id: clip }, svg("rect", { x: left, y: top - 3, width: box.width, height: box.height + 6 })));
    this.layer = svg("g", { "clip-path": `url(#${clip})` });
    if (this.spec.shade) this.drawShade();
    root.append(this.layer);
    this.drawn = series.map((s, k) => this.drawSeries(s, k));
    if (time) this.drawTime(time);
    this.drawHit();
    this.host.replaceChildren(root);
    this.drawLegend();
  }
  describe() {
    const ends = (s) => {
      const good = [...s.y.keys()].filter((i) => Number.isFinite(s.y[i]));
      if (!good.length) return `${s.name}: no values`;
      const [a, b] = [good[0], good[good.length - 1]];
      return `${s.name}: ${plain(s.y[a])} at ${plain(s.x[a])}, ${plain(s.y[b])} at ${plain(s.x[b])}`;
    };
    const title = this.spec.label || this.caption.textContent;
    return `${title}. ${this.spec.series.filter((s) => !s.hidden).map(ends).join("; ")}. The numbers are in the table below.`;
  }
  px(v) { return this.box.left + this.xScale(v) * this.box.width; }
  py(v) {
    const u = this.yScale(v);
    return this.box.top + (1 - Math.max(-3, Math.min(4, u))) * this.box.height;
  }
  path(s) {
    let d = "", pen = false;
    for (let i = 0; i < s.x.length; ++i) {
      const a = this.px(s.x[i]), b = this.py(s.y[i]);
      if (Number.isFinite(a) && Number.isFinite(b)) {
        d += `${pen ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`;
        pen = true;
      } else pen = false;
    }
    return d;
  }
  areaPath(s) {
    const line = this.path(s);
    const base = (this.box.top + this.box.height).toFixed(1);
    return line && !line.slice(1).includes("M")
      ? `${line}L${this.px(s.x[s.x.length - 1]).toFixed(1)} ${base}L${this.px(s.x[0]).toFixed(1)} ${base}Z` : "";
  }
  drawSeries(s, k) {
    const stroke = s.colour ? (typeof s.colour === "number" ? colour(s.colour) : s.colour) : colour(k + 1);
    const drawn = {};
    if (s.area) this.layer.append((drawn.area = svg("path", { class: "area", d: this.areaPath(s), style: `fill:${stroke}` })));
    if (s.line !== false) {
      drawn.line = svg("path", { class: "curve", d: this.path(s), "stroke-dasharray": s.dash || null,
        style: `stroke:${stroke};${s.width ? `stroke-width:${s.width};` : ""}${s.faint ? "opacity:.4" : ""}` });
      this.layer.append(drawn.line);
    }
    if (s.bars) this.drawBars(s, stroke);
    const few = s.mark === undefined && s.y.filter(Number.isFinite).length <= 3;
    if (s.mark !== undefined || few) this.drawMarks(s, few ? 0 : s.mark, stroke);
    return drawn;
  }
  drawMarks(s, mark, stroke) {
    let last = -Infinity;
    for (let i = 0; i < s.x.length; ++i) {
      const a = this.px(s.x[i]), b = this.py(s.y[i]);
      if (!Number.isFinite(a) || !Number.isFinite(b) || (s.sparse && a - last < this.box.width / s.sparse)) continue;
      last = a;
      const open = s.open && s.open(i);
      this.root.append(svg("path", { d: MARKS[mark % MARKS.length](4), transform: `translate(${a.toFixed(1)} ${b.toFixed(1)})`,
        style: `stroke:${stroke};stroke-width:1.6;fill:${open ? "var(--paper)" : stroke}` }));
    }
  }
  drawBars(s, stroke) {
    for (let i = 0; i < s.x.length; ++i) {
      const [a, high, low] = [this.px(s.x[i]), this.py(s.y[i] + s.bars[i]), this.py(s.y[i] - s.bars[i])];
      if (![a, high].every(Number.isFinite)) continue;
      const end = Number.isFinite(low) ? low : this.box.top + this.box.height; // below zero on a logarithmic axis
      this.layer.append(svg("path", { d: `M${a - 4} ${high}H${a + 4}M${a} ${high}V${end}M${a - 4} ${end}H${a + 4}`, style: `stroke:${stroke};stroke-width:1.4;fill:none` }));
    }
  }
  drawShade() {
    const { low, high } = this.spec.shade;
    const top = this.py(high), bottom = Number.isFinite(low) ? this.py(low) : this.box.top + this.box.height;
    this.layer.append(svg("rect", { class: "shade", x: this.box.left, width: this.box.width, y: top, height: Math.max(0, bottom - top) }));
  }
  drawTime(time) {
    this.now = svg("line", { class: "now", y1: this.box.top, y2: this.box.top + this.box.height });
    this.root.append(this.now);
    this.setTime(time.time);
  }
  setTime(t) {
    if (!this.now) return;
    const at = this.px(t), inside = at >= this.box.left - 0.5 && at <= this.box.left + this.box.width + 0.5;
    this.now.setAttribute("x1", at);
    this.now.setAttribute("x2", at);
    this.now.setAttribute("visibility", inside ? "visible" : "hidden");
  }
  /* New ordinates for one series, without drawing the axes again. */
  update(k, y) {
    const s = this.spec.series[k];
    s.y = y;
    if (!this.drawn || !this.drawn[k]) return;
    if (this.drawn[k].line) this.drawn[k].line.setAttribute("d", this.path(s));
    if (this.drawn[k].area) this.drawn[k].area.setAttribute("d", this.areaPath(s));
    this.fillTable();
  }
  drawHit() {
    const { left, top, width, height } = this.box;
    const hit = svg("rect", { class: "hit", x: left, y: top, width, height, "aria-hidden": "true" });
    hit.addEventListener("pointermove", (event) => this.point(event, hit));
    hit.addEventListener("pointerleave", () => this.hideTip());
    if (this.spec.time) hit.addEventListener("click", (event) => this.spec.time.seek(this.xAt(event, hit)));
    this.root.append(hit);
  }
  xAt(event, hit) {
    const frame = hit.getBoundingClientRect();
    return this.xScale.inverse((event.clientX - frame.left) / frame.width);
  }
  point(event, hit) {
    const frame = hit.getBoundingClientRect();
    const mx = this.box.left + ((event.clientX - frame.left) / frame.width) * this.box.width;
    const my = this.box.top + ((event.clientY - frame.top) / frame.height) * this.box.height;
    let best = null, distance = Infinity;
    for (const s of this.spec.series)
      for (let i = 0; i < s.x.length; ++i) {
        const d = Math.abs(this.px(s.x[i]) - mx) + 0.25 * Math.abs(this.py(s.y[i]) - my);
        if (d < distance) [distance, best] = [d, [s, i]];
      }
    if (best) this.showTip(best[0], best[1]);
  }
  showTip(s, i) {
    this.hideTip();
    const a = this.px(s.x[i]), b = this.py(s.y[i]), zoom = this.host.clientWidth / this.width;
    const right = a > this.width / 2;
    this.dot = svg("circle", { cx: a, cy: b, r: 4, style: "fill:none;stroke:var(--ink);stroke-width:1.5" });
    this.root.append(this.dot);
    this.tip = el("div", { class: "tip", style: `top:${Math.max(0, b * zoom - 34)}px;${right
      ? `right:${this.host.clientWidth - a * zoom + 8}px` : `left:${a * zoom + 8}px`}` },
      s.name ? [rich(s.name), ": "] : "", html(s.y[i]), " at ", html(s.x[i]));
    this.host.append(this.tip);
  }
  hideTip() {
    if (this.dot) this.dot.remove();
    if (this.tip) this.tip.remove();
  }
  drawLegend() {
    const named = this.spec.series.filter((s) => s.name && !s.hidden);
    this.legend.hidden = named.length < 2 && !this.spec.legend;
    this.legend.replaceChildren(...named.map((s) => {
      const k = this.spec.series.indexOf(s);
      const stroke = s.colour ? (typeof s.colour === "number" ? colour(s.colour) : s.colour) : colour(k + 1);
      const key = svg("svg", { viewBox: "0 0 28 12", "aria-hidden": "true" });
      if (s.line !== false) key.append(svg("path", { class: "curve", d: "M1 6H27", "stroke-dasharray": s.dash || null, style: `stroke:${stroke};${s.width ? `stroke-width:${Math.min(s.width, 6)};` : ""}${s.faint ? "opacity:.4" : ""}` }));
      if (s.mark !== undefined) key.append(svg("path", { d: MARKS[s.mark % MARKS.length](3.6), transform: "translate(14 6)",
        style: `stroke:${stroke};stroke-width:1.6;fill:${s.open && (s.sparse || s.open(-1)) ? "var(--paper)" : stroke}` }));
      return el("li", {}, key, el("span", {}, rich(s.name)));
    }));
  }
}
