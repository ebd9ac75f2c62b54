"use strict";
/* Draws the page from the JSON in it. Parts: elements and numbers; axes; curves; maps; particles; the
   shared time; runs; studies; comparisons; the page. Texts of the data only ever become text nodes. */

/* ------------------------------------------------------------------ elements and numbers */

function add(node, children) {
  for (const child of children.flat(9))
    if (child !== null && child !== undefined && child !== false)
      node.append(child instanceof Node ? child : String(child));
  return node;
}

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  return add(node, children);
}

const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function bytes(base64) {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; ++i) out[i] = text.charCodeAt(i);
  return out;
}
const floats = (base64) => new Float32Array(bytes(base64).buffer);
/* Numbers that are not stood as null in the JSON. */
const numbers = (list) => Array.from(list || [], (v) => (v === null ? NaN : Number(v)));

const ordinal = (n) => `${n}${n % 100 > 10 && n % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] || "th"}`;
const minus = (text) => text.replace("-", "−");

/* A number as mantissa and, where it is very large or small, a power of ten. */
function parts(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return ["–", null];
  if (!Number.isFinite(value)) return [value > 0 ? "∞" : "−∞", null];
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [mantissa, exponent] = value.toExponential(Math.min(digits, 3) - 1).split("e");
    return [minus(mantissa.replace(/\.?0+$/, "")), minus(String(Number(exponent)))];
  }
  const text = value.toPrecision(digits);
  return [minus(text.includes(".") ? text.replace(/\.?0+$/, "") : text), null];
}

function plain(value, digits) {
  const [mantissa, exponent] = parts(value, digits);
  return exponent === null ? mantissa : `${mantissa}·10^${exponent}`;
}

function html(value, digits) {
  const [mantissa, exponent] = parts(value, digits);
  return exponent === null ? [mantissa] : [mantissa === "1" ? "10" : `${mantissa}·10`, el("sup", {}, exponent)];
}

function svgNumber(attributes, value, digits) {
  const [mantissa, exponent] = parts(value, digits);
  if (exponent === null) return svg("text", attributes, mantissa);
  return svg("text", attributes, mantissa === "1" ? "10" : `${mantissa}·10`,
    svg("tspan", { dy: "-5", "font-size": "9.5" }, exponent));
}

const words = (name) => name.replace(/_/g, " ");

/* The ASCII formulas of mudot list in the notation of print. */
const SYMBOLS = { mu: "μ", xi: "ξ", rho: "ρ", pi: "π", lambda: "λ", nu: "ν", phi: "φ", grad: "∇", int: "∫", sqrt: "√", Lap: "Δ" };
const UPRIGHT = /^(div|log|exp|for|else|symbol|of|or|on|only|less|than|[a-z]{4,}|[A-Z][a-z]{3,})$/;

function formula(text) {
  const out = [];
  let rest = text, match;
  while (rest) {
    if ((match = /^\^\(([^()]*)\)/.exec(rest) || /^\^(-?\w+)/.exec(rest))) out.push(el("sup", {}, formula(match[1])));
    else if ((match = /^_(\w+)/.exec(rest))) out.push(el("sub", {}, formula(match[1])));
    else if ((match = /^(grad|sqrt) (?=\w)/.exec(rest))) out.push(SYMBOLS[match[1]]);
    else if ((match = /^d (?=rho)/.exec(rest))) out.push("d");
    else if ((match = /^[A-Za-z]+(?:_[a-z]{3,})*/.exec(rest))) {
      const word = match[0];
      if (SYMBOLS[word]) out.push(/[∇∫√]/.test(SYMBOLS[word]) ? SYMBOLS[word] : el("var", {}, SYMBOLS[word]));
      else if (word === "Kc") out.push(el("var", {}, "K"), el("sub", {}, "c"));
      else if (UPRIGHT.test(word) || word.includes("_")) out.push(words(word));
      else out.push(el("var", {}, word));
    } else if ((match = /^<(?=\S)/.exec(rest))) out.push("⟨");
    else if ((match = /^>(?!\s\d)/.exec(rest))) out.push("⟩");
    else {
      match = [rest[0]];
      out.push({ "-": "−", "*": " ∗ " }[rest[0]] || rest[0]);
    }
    rest = rest.slice(match[0].length);
  }
  return out;
}

/* Text in which ^(...) stands for an exponent. */
function rich(text) {
  return text.split(/(\^\([^()]*\))/).map((piece) => (piece.startsWith("^(") ? el("sup", {}, piece.slice(2, -1)) : piece));
}

/* A formula of the tables: what it is, and after a comma what its letters mean. */
function splitFormula(text) {
  let depth = 0;
  for (let i = 0; i < text.length; ++i) {
    if ("(<[".includes(text[i])) ++depth;
    if (")>]".includes(text[i])) --depth;
    if (text[i] === "," && depth === 0) return [text.slice(0, i), text.slice(i + 1).trim()];
  }
  return [text, ""];
}

/* ------------------------------------------------------------------ axes */

function niceStep(span, count) {
  const raw = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) || 10);
}

function linearTicks([low, high], count) {
  if (!(high > low)) return [low];
  const step = niceStep(high - low, count), ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

function logTicks([low, high], count) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first < 1) {
    const ticks = [];
    for (let e = first - 1; e <= last; ++e)
      for (const m of high / low > 4 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]) {
        const v = Number((m * 10 ** e).toPrecision(6));
        if (v >= low * 0.999 && v <= high * 1.001) ticks.push(v);
      }
    return ticks.length > 1 ? ticks : linearTicks([low, high], count).filter((v) => v > 0);
  }
  const step = Math.max(1, Math.ceil((last - first) / count)), ticks = [];
  for (let e = Math.ceil(first / step) * step; e <= last; e += step) ticks.push(Number(`1e${e}`));
  return ticks;
}

/* From data to a unit interval. */
function makeScale(domain, log) {
  const f = log ? Math.log10 : (v) => v;
  const low = f(domain[0]), span = f(domain[1]) - low || 1;
  const scale = (v) => (log && !(v > 0) ? NaN : (f(v) - low) / span);
  scale.inverse = (u) => (log ? 10 ** (low + u * span) : low + u * span);
  scale.ticks = (count) => (log ? logTicks(domain, count) : linearTicks(domain, count));
  return scale;
}

/* What an axis must hold: the finite values, on a logarithmic axis the positive ones. */
function domainOf(lists, { log = false, decades = 18, zero = false, pad = 0.04 } = {}) {
  let low = Infinity, high = -Infinity;
  for (const list of lists)
    for (const v of list)
      if (Number.isFinite(v) && (!log || v > 0)) {
        if (v < low) low = v;
        if (v > high) high = v;
      }
  if (!(low <= high)) return null;
  if (log) {
    low = Math.max(low, high * 10 ** -decades);
    if (high / low < 1.0001) return [low / 1.5, high * 1.5];
    const margin = (high / low) ** pad;
    return [low / margin, high * margin];
  }
  if (zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  if (high === low) return low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const margin = pad * (high - low);
  return [zero && low === 0 ? 0 : low - margin, high + margin];
}

const colour = (n) => `var(--s${((n - 1) % 8) + 1})`;
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 4", "4 2", "1 4", "6 2 1 2"];

/* ------------------------------------------------------------------ figures */

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
    this.tableBody.replaceChildren(...this.tables().map((t) => dataTable(t, this.spec.title)));
  }
  note(text) {
    this.noteNode.replaceChildren(...rich(text || ""));
    this.noteNode.hidden = !text;
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
      el("thead", {}, el("tr", {}, head.map((h, k) => el("th", { scope: "col", class: numeric[k] ? "n" : null }, h)))),
      el("tbody", {}, rows.map((row, i) => el("tr", { class: classes ? classes[i] : null }, row.map(cell))))));
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
   [{name, x, y, colour, dash, width, line, mark, open, area, hidden}], shade {low, high}, time (the
   player whose time is marked). */
class Plot extends Figure {
  tables() {
    const groups = new Map();
    for (const s of this.spec.series.filter((q) => !q.hidden)) {
      if (!groups.has(s.x)) groups.set(s.x, []);
      groups.get(s.x).push(s);
    }
    return [...groups].map(([x, list]) => ({
      head: [this.spec.x.label || "x", ...list.map((s) => s.name)],
      rows: thinned(x.length).map((i) => [x[i], ...list.map((s) => s.y[i])]),
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
        style: `stroke:${stroke};${s.width ? `stroke-width:${s.width}` : ""}` });
      this.layer.append(drawn.line);
    }
    const few = s.mark === undefined && s.y.filter(Number.isFinite).length <= 3;
    if (s.mark !== undefined || few) this.drawMarks(s, few ? 0 : s.mark, stroke);
    return drawn;
  }
  drawMarks(s, mark, stroke) {
    for (let i = 0; i < s.x.length; ++i) {
      const a = this.px(s.x[i]), b = this.py(s.y[i]);
      if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
      const open = s.open && s.open(i);
      this.root.append(svg("path", { d: MARKS[mark % MARKS.length](4), transform: `translate(${a.toFixed(1)} ${b.toFixed(1)})`,
        style: `stroke:${stroke};stroke-width:1.6;fill:${open ? "var(--paper)" : stroke}` }));
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
      s.name ? `${s.name}: ` : "", html(s.y[i]), " at ", html(s.x[i]));
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
      if (s.line !== false) key.append(svg("path", { class: "curve", d: "M1 6H27", "stroke-dasharray": s.dash || null, style: `stroke:${stroke}` }));
      if (s.mark !== undefined) key.append(svg("path", { d: MARKS[s.mark % MARKS.length](3.6), transform: "translate(14 6)",
        style: `stroke:${stroke};stroke-width:1.6;fill:${s.open && s.open(-1) ? "var(--paper)" : stroke}` }));
      return el("li", {}, key, el("span", {}, rich(s.name)));
    }));
  }
}

/* ------------------------------------------------------------------ maps */

const VIRIDIS = "440154460b5e481769482173472c7a453581423f853f48893b518b375a8c33628d306a8e2c718e29798e26818e23888e21908d1f978b1f9f8821a68527ad8131b57b3dbc744cc26c5cc8636ece5881d34d95d840aadc32c0df25d5e21aeae51afde725";
const CIVIDIS = "00224e002859002d6801327118376f263d6e31436d3a486c424e6c4a536c52596d595e6e60646f676a716e6f737575757c7b788381798b8778928d789a9376a29975aaa073b3a670bbad6dc3b369ccba64d4c15fddc858e6d051efd748f8df3cfee838";
const PERCEPTUAL = colourTable(VIRIDIS), TIMES = colourTable(CIVIDIS);

/* 256 colours between the 33 given. */
function colourTable(text) {
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; ++i)
    for (let c = 0; c < 3; ++c) {
      const u = (i / 255) * 32, k = Math.min(31, Math.floor(u));
      const at = (j) => parseInt(text.substr(6 * j + 2 * c, 2), 16);
      table[3 * i + c] = Math.round(at(k) + (u - k) * (at(k + 1) - at(k)));
    }
  return table;
}
const tableColour = (table, u) => {
  const i = 3 * Math.round(255 * Math.max(0, Math.min(1, u)));
  return `rgb(${table[i]} ${table[i + 1]} ${table[i + 2]})`;
};

const MAP_DECADES = 6;

/* Values above which a field holds the given parts of its mass. */
function massLevels(field, shares) {
  const values = Float64Array.from(field.filter((v) => Number.isFinite(v))).sort().reverse();
  if (!values.length || values[0] - values[values.length - 1] < 1e-9 * Math.abs(values[0])) return [];
  const total = values.reduce((a, b) => a + b, 0);
  if (!(total > 0)) return [];
  const levels = shares.map((share) => {
    let mass = 0;
    for (const v of values) if ((mass += v) >= share * total) return v;
    return values[values.length - 1];
  });
  return [...new Set(levels)].filter((v) => v > values[values.length - 1] && v < values[0]);
}

/* Marching squares between the cell centres: the path where the field takes the level. */
function contour(field, nx, ny, level, place) {
  let d = "";
  const cross = (a, b) => (level - a) / (b - a);
  for (let j = 0; j + 1 < ny; ++j)
    for (let i = 0; i + 1 < nx; ++i) {
      const f = [field[j * nx + i], field[j * nx + i + 1], field[(j + 1) * nx + i + 1], field[(j + 1) * nx + i]];
      if (!f.every(Number.isFinite)) continue;
      const ends = [];
      if (f[0] >= level !== f[1] >= level) ends.push([i + cross(f[0], f[1]), j]);
      if (f[1] >= level !== f[2] >= level) ends.push([i + 1, j + cross(f[1], f[2])]);
      if (f[3] >= level !== f[2] >= level) ends.push([i + cross(f[3], f[2]), j + 1]);
      if (f[0] >= level !== f[3] >= level) ends.push([i, j + cross(f[0], f[3])]);
      if (ends.length === 4 && (f[0] + f[1] + f[2] + f[3]) / 4 >= level === f[0] >= level) ends.splice(0, 4, ends[0], ends[1], ends[2], ends[3]);
      else if (ends.length === 4) ends.splice(0, 4, ends[0], ends[3], ends[1], ends[2]);
      for (let k = 0; k + 1 < ends.length; k += 2) {
        const [a, b] = [place(...ends[k]), place(...ends[k + 1])];
        d += `M${a[0].toFixed(1)} ${a[1].toFixed(1)}L${b[0].toFixed(1)} ${b[1].toFixed(1)}`;
      }
    }
  return d;
}

const MAP_HEIGHT = 540;

/* Where a plane domain stands in its figure, true to scale unless it is very long. */
function planeBox(width, [ax, ay], { top = 24, bottom = 42, right = 12, most = MAP_HEIGHT } = {}) {
  const yTicks = makeScale([ay.lower, ay.upper], false).ticks(6);
  const left = Math.min(0.25 * width, labelRoom(yTicks));
  let ratio = (ay.upper - ay.lower) / (ax.upper - ax.lower);
  if (!(ratio > 0.2 && ratio < 5)) ratio = 0.5;
  let w = width - left - right, h = w * ratio;
  if (h > most) [w, h] = [most / ratio, most];
  return { left, top, width: w, height: h, total: top + h + bottom };
}

/* A heat map with the target's contours. spec: title, axes, frame() -> [ny*nx], range() -> largest
   value, log() -> logarithmic?, target, table(), still, bar (colour bar). */
class HeatMap extends Figure {
  tables() { return this.spec.table ? this.spec.table() : []; }
  draw() {
    const width = this.measure();
    const [ax, ay] = this.spec.axes;
    const still = this.spec.still;
    const box = planeBox(width, this.spec.axes, still ? { top: 4, bottom: 20, most: 300 } : {});
    const barHeight = still ? 0 : 44;
    this.box = box;
    this.root = svg("svg", { viewBox: `0 0 ${width} ${box.total + barHeight}`, role: "img", "aria-label": this.describe() });
    const xScale = makeScale([ax.lower, ax.upper]), yScale = makeScale([ay.lower, ay.upper]);
    drawAxes(this.root, box, { x: { label: still ? "" : "x" }, y: { label: still ? "" : "y" }, xScale, yScale });
    this.drawContours();
    if (!still) this.drawBar(box, box.total + 2);
    this.canvas = el("canvas", { width: ax.shown, height: ay.shown });
    const percent = (a, b) => `${((100 * a) / b).toFixed(3)}%`;
    const clip = el("div", { class: "outside", style: `overflow:hidden;left:${percent(box.left, width)};top:${percent(box.top, box.total + barHeight)};` +
      `width:${percent(box.width, width)};height:${percent(box.height, box.total + barHeight)}` }, this.canvas);
    const wide = (ax.shown * this.spec.block) / ax.cells, high = (ay.shown * this.spec.block) / ay.cells;
    this.canvas.style.cssText = `left:0;bottom:0;width:${100 * wide}%;height:${100 * high}%`;
    if (ax.shown > box.width * (window.devicePixelRatio || 1)) this.canvas.className = "smooth";
    this.canvas.style.bottom = "0";
    this.root.style.position = "relative";
    this.host.replaceChildren(clip, this.root);
    this.paint();
    this.drawLegend();
  }
  describe() {
    return `${this.spec.label || this.caption.textContent}: heat map of the density over x and y. Its moments are in the table below.`;
  }
  drawContours() {
    if (!this.spec.target) return;
    const [ax, ay] = this.spec.axes, { left, top, width, height } = this.box, block = this.spec.block;
    const place = (i, j) => [left + (((i + 0.5) * block) / ax.cells) * width, top + height - (((j + 0.5) * block) / ay.cells) * height];
    for (const level of massLevels(this.spec.target, [0.9, 0.5, 0.1])) {
      const d = contour(this.spec.target, ax.shown, ay.shown, level, place);
      this.root.append(svg("path", { class: "contour-under", d }), svg("path", { class: "contour", d }));
      this.hasContours = true;
    }
  }
  drawBar(box, y) {
    const id = `bar${++serial}`;
    const stops = Array.from({ length: 17 }, (_, i) => svg("stop", { offset: i / 16, style: `stop-color:${tableColour(PERCEPTUAL, i / 16)}` }));
    this.root.append(svg("linearGradient", { id }, stops),
      svg("rect", { x: box.left, y, width: box.width, height: 11, fill: `url(#${id})` }));
    this.barTicks = svg("g");
    this.root.append(this.barTicks);
    this.barAt = y + 11;
  }
  drawBarTicks(high) {
    if (!this.barTicks) return;
    const log = this.spec.log(), { left, width } = this.box;
    const scale = makeScale(log ? [high * 10 ** -MAP_DECADES, high] : [0, high], log);
    this.barTicks.replaceChildren();
    for (const v of scale.ticks(Math.max(2, Math.floor(width / 80)))) {
      const at = left + scale(v) * width;
      this.barTicks.append(svg("line", { class: "frame", x1: at, x2: at, y1: this.barAt, y2: this.barAt + 4 }),
        svgNumber({ x: at, y: this.barAt + 17, "text-anchor": at > left + width - 16 ? "end" : "middle" }, v));
    }
    this.barTicks.append(svg("text", { class: "axis", x: left + width / 2, y: this.barAt + 31, "text-anchor": "middle" }, "density ρ"));
  }
  paint() {
    if (!this.canvas) return;
    const [ax, ay] = this.spec.axes, nx = ax.shown, ny = ay.shown;
    const field = this.spec.frame(), high = this.spec.range(), log = this.spec.log();
    const context = this.canvas.getContext("2d"), image = context.createImageData(nx, ny);
    for (let j = 0; j < ny; ++j)
      for (let i = 0; i < nx; ++i) {
        const v = field[j * nx + i], at = 4 * ((ny - 1 - j) * nx + i);
        if (Number.isNaN(v)) continue;
        const u = log ? 1 + Math.log10(v / high) / MAP_DECADES : v / high;
        const k = 3 * Math.round(255 * (u > 0 ? Math.min(u, 1) : 0));
        image.data[at] = PERCEPTUAL[k];
        image.data[at + 1] = PERCEPTUAL[k + 1];
        image.data[at + 2] = PERCEPTUAL[k + 2];
        image.data[at + 3] = 255;
      }
    context.putImageData(image, 0, 0);
    this.drawBarTicks(high);
    this.fillTable();
  }
  drawLegend() {
    this.legend.hidden = !this.hasContours || this.spec.still;
    const key = svg("svg", { viewBox: "0 0 28 12", "aria-hidden": "true" },
      svg("path", { class: "contour-under", d: "M1 6H27" }), svg("path", { class: "contour", d: "M1 6H27" }));
    this.legend.replaceChildren(el("li", {}, key, "10, 50 and 90 % of the target’s mass"),
      this.spec.mask ? el("li", {}, "hatched: outside the domain") : "");
  }
}

/* ------------------------------------------------------------------ particles */

/* A cloud in the plane; the radius of a particle is the root of its weight. spec: title, extent,
   axes (names), frame() -> Float32Array [n][3], still. */
class Scatter extends Figure {
  tables() { return this.spec.table ? this.spec.table() : []; }
  draw() {
    const width = this.measure();
    const run = this.spec.run;
    const axes = this.spec.extent.map(([lower, upper], a) => {
      const margin = 0.04 * (upper - lower) || 1;
      return run ? { lower: Math.min(lower, run.axes[a].lower), upper: Math.max(upper, run.axes[a].upper) } : { lower: lower - margin, upper: upper + margin };
    });
    const box = planeBox(width, axes, this.spec.still ? { top: 4, bottom: 20, most: 300 } : {});
    const [xScale, yScale] = axes.map((a) => makeScale([a.lower, a.upper]));
    Object.assign(this, { box, xScale, yScale });
    const root = svg("svg", { viewBox: `0 0 ${width} ${box.total}`, role: "img", "aria-label": this.describe() });
    const [x, y] = this.spec.still ? ["", ""] : this.spec.axes;
    drawAxes(root, box, { x: { label: x }, y: { label: y }, xScale, yScale, grid: true });
    if (run && run.targetValues) this.drawTarget(root, run);
    const ratio = 2;
    this.canvas = el("canvas", { width: Math.round(box.width * ratio), height: Math.round(box.height * ratio), class: "smooth" });
    const percent = (a, b) => `${((100 * a) / b).toFixed(3)}%`;
    this.canvas.style.cssText = `left:${percent(box.left, width)};top:${percent(box.top, box.total)};width:${percent(box.width, width)};height:${percent(box.height, box.total)}`;
    this.host.replaceChildren(root, this.canvas);
    this.legend.hidden = !(run && run.targetValues) || this.spec.still;
    this.legend.replaceChildren(el("li", {}, svg("svg", { viewBox: "0 0 28 12", "aria-hidden": "true" }, svg("path", { class: "curve", d: "M1 6H27", style: "stroke:var(--s2)" })), "10, 50 and 90 % of the target’s mass"));
    this.paint();
  }
  drawTarget(root, run) {
    const { left, top, width, height } = this.box, [cx, cy] = run.centres;
    const between = (c, i) => c[Math.floor(i)] + (i % 1) * ((c[Math.floor(i) + 1] ?? 0) - c[Math.floor(i)]);
    const place = (i, j) => [left + this.xScale(between(cx, i)) * width, top + (1 - this.yScale(between(cy, j))) * height];
    for (const level of massLevels(run.targetValues, [0.9, 0.5, 0.1]))
      root.append(svg("path", { class: "curve", style: "stroke:var(--s2);stroke-width:1.3", d: contour(run.targetValues, cx.length, cy.length, level, place) }));
  }
  describe() {
    return `${this.spec.label || this.caption.textContent}: particles in the plane. Their moments are in the table below.`;
  }
  paint() {
    if (!this.canvas) return;
    const cloud = this.spec.frame(), n = cloud.length / 3, { width, height } = this.canvas;
    const context = this.canvas.getContext("2d");
    const size = Math.max(1.3, Math.min(3.6, 60 / Math.sqrt(n))) * 2;
    context.clearRect(0, 0, width, height);
    context.fillStyle = this.spec.still ? "#0a5a9c" : getComputedStyle(document.documentElement).getPropertyValue("--s1"); /* paper is white */
    context.globalAlpha = 0.62;
    for (let i = 0; i < n; ++i) {
      const r = Math.min(4, Math.sqrt(Math.max(cloud[3 * i + 2], 0))) * size;
      if (!(r > 0.15)) continue;
      context.beginPath();
      context.arc(this.xScale(cloud[3 * i]) * width, (1 - this.yScale(cloud[3 * i + 1])) * height, r, 0, 7);
      context.fill();
    }
    this.fillTable();
  }
}

/* ------------------------------------------------------------------ the shared time */

/* The times of everything that moves; listeners are called with the time. */
class Player {
  constructor(times) {
    const sorted = [...times].sort((a, b) => a - b);
    const close = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1e-300);
    this.times = sorted.filter((t, i) => i === 0 || !close(t, sorted[i - 1]));
    this.index = 0;
    this.listeners = [];
  }
  get time() { return this.times[this.index] ?? 0; }
  listen(f) { this.listeners.push(f); }
  set(index) {
    const next = Math.max(0, Math.min(this.times.length - 1, index));
    if (next === this.index) return;
    this.index = next;
    this.tell();
  }
  seek(t) {
    let best = 0;
    this.times.forEach((v, i) => { if (Math.abs(v - t) < Math.abs(this.times[best] - t)) best = i; });
    this.stop();
    this.set(best);
  }
  tell() {
    for (const f of this.listeners) f(this.time);
  }
  get playing() { return Boolean(this.timer); }
  toggle() {
    if (this.playing) return this.stop();
    if (this.index >= this.times.length - 1) this.set(0);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pause = calm ? 700 : Math.max(45, Math.min(400, 8000 / this.times.length));
    this.timer = setInterval(() => {
      this.set(this.index + 1);
      if (this.index >= this.times.length - 1) this.stop();
    }, pause);
    this.tell();
  }
  stop() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = null;
    this.tell();
  }
  keys(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === " ") this.toggle();
    else if (step) {
      this.stop();
      this.set(this.index + step);
    } else return;
    event.preventDefault();
  }
}

/* Last index of a list of times that is not after t. */
function indexAt(times, t) {
  let i = 0;
  while (i + 1 < times.length && times[i + 1] <= t * (1 + 1e-9) + 1e-300) ++i;
  return i;
}

function choice(name, options, onchange) {
  return el("label", {}, name, el("select", { onchange: (e) => onchange(e.target.value) },
    options.map(([value, text]) => el("option", { value }, text))));
}

function timeBar(player) {
  const slider = el("input", { type: "range", id: "time", min: "0", max: String(player.times.length - 1), step: "1", value: "0", "aria-label": "Time" });
  const button = el("button", { type: "button", class: "play", id: "play", onclick: () => player.toggle() }, "▶ Play");
  const output = el("output", { for: "time", id: "now" });
  slider.addEventListener("input", () => { player.stop(); player.set(Number(slider.value)); });
  slider.addEventListener("keydown", (event) => player.keys(event));
  const show = () => {
    slider.value = String(player.index);
    slider.setAttribute("aria-valuetext", `t = ${plain(player.time)}, ${player.index + 1} of ${player.times.length}`);
    button.textContent = player.playing ? "❚❚ Pause" : "▶ Play";
    output.replaceChildren(el("var", {}, "t"), " = ", ...html(player.time));
  };
  player.listen(show);
  show();
  return el("div", { class: "bar", role: "group", "aria-label": "Time of the figures" }, button, slider, output);
}

/* ------------------------------------------------------------------ what is in a directory */

/* The blocks of a case as the program writes them: block -> key -> text. */
function parseCase(text) {
  const blocks = {};
  let block = null;
  for (const line of (text || "").split("\n")) {
    const head = /^(\w+):\s*$/.exec(line), entry = /^ {2}(\w+):\s*(.*)$/.exec(line);
    if (head) block = blocks[head[1]] = blocks[head[1]] || {};
    else if (entry && block) block[entry[1]] = entry[2].replace(/^"|"$/g, "");
  }
  return blocks;
}

/* Named weights of a block, in the order of the case; other keys of the block are its parameters. */
function weights(block, known) {
  return Object.entries(block || {}).filter(([k, v]) => known[k] !== undefined && Number(v) !== 0 && v !== "" && Number.isFinite(Number(v)))
    .map(([name, v]) => ({ name, weight: Number(v) }));
}

const STATUS = [
  [/^done/, "good", "done"],
  [/^(failed|error)/, "bad", null],
  [/^interrupted|^stopped/, "open", null],
];

function statusBadge(source) {
  const text = source.attributes.status || "";
  const known = STATUS.find(([pattern]) => pattern.test(text));
  if (known) return el("span", { class: `badge ${known[1]}` }, known[1] === "good" ? "✓ " : known[1] === "bad" ? "✗ " : "‖ ", known[2] || text.split(/[:;]/)[0]);
  if (text === "running")
    return el("span", { class: "badge open" }, source.written > 600 ? "… not finished" : "… running");
  return text ? el("span", { class: "badge" }, text) : null;
}

function statusSentence(source) {
  const text = source.attributes.status || "";
  if (text === "running") {
    const ago = source.written < 90 ? `${Math.round(source.written)} s` : source.written < 5400 ? `${Math.round(source.written / 60)} min` : `${Math.round(source.written / 3600)} h`;
    return `The run was not finished when this page was made; it last wrote ${ago} before.` + (source.written > 600 ? " It was probably killed." : "");
  }
  return /^done/.test(text) ? "" : text;
}

const VERDICTS = { holds: ["good", "✓"], fails: ["bad", "✗"], undecided: ["open", "?"] };

function verdictBadge(attributes) {
  const verdict = attributes.verdict;
  if (!verdict) return el("span", { class: "badge open" }, "… not finished");
  const [kind, sign] = VERDICTS[verdict] || ["", ""];
  const expected = attributes.expected_verdict;
  const remark = expected && expected !== "holds" ? (expected === verdict ? ", as it should" : `; ${expected} was expected`) : "";
  const asExpected = expected === verdict;
  return el("span", { class: `badge ${asExpected ? "good" : kind}` }, `${asExpected ? "✓" : sign} ${verdict}${remark}`);
}

function duration(attributes) {
  const seconds = (Date.parse(attributes.finished) - Date.parse(attributes.started)) / 1000;
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 1) return "less than 1 s";
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const when = (text) => (text || "").replace("T", " ").replace("Z", " UTC");

/* Shortest endings of the paths that tell them apart. */
function shortNames(paths) {
  const cut = (p, n) => p.replace(/\/+$/, "").split("/").slice(-n).join("/") || p;
  for (let n = 1; n < 12; ++n) {
    const names = paths.map((p) => cut(p, n));
    if (new Set(names).size === names.length) return names;
  }
  return paths;
}

/* The ledger with its columns as arrays, or null. */
function readLedger(source) {
  if (!source.ledger) return null;
  const columns = {};
  for (const [name, c] of Object.entries(source.ledger.columns))
    columns[name] = { ...c, values: numbers(c.values), first: c.first ?? NaN, last: c.last ?? NaN, least: c.least ?? NaN, most: c.most ?? NaN };
  return { ...source.ledger, columns, t: columns.t ? columns.t.values : [] };
}

function readRun(run) {
  const size = run.axes.reduce((n, a) => n * a.shown, 1);
  const all = floats(run.density);
  run.frames = numbers(run.time).map((_, k) => all.subarray(k * size, (k + 1) * size));
  run.time = numbers(run.time);
  run.targetValues = run.target ? floats(run.target) : null;
  run.inside = run.mask ? bytes(run.mask) : null;
  run.ledger = readLedger(run);
  run.case = parseCase(run.attributes.case);
  run.peaks = run.frames.map(largest);
  run.centres = run.axes.map((a) => {
    const width = (a.upper - a.lower) / a.cells;
    return Array.from({ length: a.shown }, (_, i) => {
      const last = Math.min((i + 1) * run.block, a.cells);
      return a.lower + 0.5 * (i * run.block + last) * width;
    });
  });
  delete run.density;
}

function largest(field) {
  let high = 0;
  for (const v of field) if (v > high) high = v;
  return high || 1;
}

function readParticles(p) {
  const width = p.axes + 1, all = floats(p.cloud), histogram = p.histogram ? floats(p.histogram) : null;
  p.time = numbers(p.time);
  p.frames = p.time.map((_, k) => all.subarray(k * p.shown * width, (k + 1) * p.shown * width));
  p.histograms = histogram ? p.time.map((_, k) => histogram.subarray(k * p.bins, (k + 1) * p.bins)) : null;
  p.ledger = readLedger(p);
  p.case = parseCase(p.attributes.case);
  p.extent = p.extent.map(numbers).map(([a, b]) => (Number.isFinite(a) ? [a, b] : [0, 1]));
}

/* Mass, mean and standard deviations of a density or a cloud. */
function moments(points) {
  let mass = 0;
  const sum = [0, 0], square = [0, 0];
  points((w, x) => {
    if (!Number.isFinite(w)) return;
    mass += w;
    x.forEach((v, a) => { sum[a] += w * v; square[a] += w * v * v; });
  });
  const mean = sum.map((s) => s / mass);
  return { mass, mean, deviation: square.map((q, a) => Math.sqrt(Math.max(0, q / mass - mean[a] ** 2))) };
}

function runMoments(run, k) {
  const [nx, ny] = [run.axes[0].shown, run.axes[1] ? run.axes[1].shown : 1];
  const volume = run.axes.reduce((v, a) => v * ((a.upper - a.lower) / a.cells) * run.block, 1);
  return moments((visit) => {
    for (let j = 0; j < ny; ++j)
      for (let i = 0; i < nx; ++i)
        visit(run.frames[k][j * nx + i] * volume, run.dim === 2 ? [run.centres[0][i], run.centres[1][j]] : [run.centres[0][i]]);
  });
}

function momentTable(times, axes, of) {
  const names = axes === 1 ? ["x"] : ["x", "y"];
  return [{
    head: ["t", ...names.map((n) => `mean of ${n}`), ...names.map((n) => `standard deviation of ${n}`)],
    rows: thinned(times.length).map((k) => {
      const m = of(k);
      return [times[k], ...names.map((_, a) => m.mean[a]), ...names.map((_, a) => m.deviation[a])];
    }),
  }];
}

/* ------------------------------------------------------------------ the equation and what is known of it */

function equation(blocks, formulas) {
  const parts = weights(blocks.geometry, formulas.geometry || {}), terms = weights(blocks.energy, formulas.energy || {});
  if (!parts.length || !terms.length) return null;
  const v = (t) => el("var", {}, t);
  const sum = (list, table) => {
    const where = [];
    const shown = list.map(({ name, weight }, i) => {
      const [text, meaning] = splitFormula(table[name]);
      if (meaning && !where.includes(meaning)) where.push(meaning);
      const negative = text.startsWith("-");
      const body = formula(negative ? text.slice(1) : text);
      const sign = negative !== weight < 0 ? (i ? " − " : "−") : i ? " + " : "";
      const factor = Math.abs(weight) === 1 ? [] : [...html(Math.abs(weight)), " "];
      const bracket = factor.length && /[+-]/.test(text.slice(1).replace(/\([^()]*\)/g, "")) && !/^1\/2|^int/.test(text);
      return [sign, factor, factor.length && /^\d/.test(text) ? "· " : "", bracket ? "(" : "", body, bracket ? ")" : ""];
    });
    return [shown, where];
  };
  const [geometry, geometryWhere] = sum(parts, formulas.geometry), [energy, energyWhere] = sum(terms, formulas.energy);
  const where = [...geometryWhere, ...energyWhere].map((t) => el("span", {}, formula(t), "; "));
  const kernels = ["kernel", "geometry_kernel", "energy_kernel"].filter((k) => blocks[k] && blocks[k].type)
    .map((k) => `${words(k)}: ${blocks[k].type}${blocks[k].bandwidth ? `, bandwidth h = ${blocks[k].bandwidth}` : ""}`);
  const settings = Object.entries({ ...blocks.geometry, ...blocks.energy })
    .filter(([k]) => /exponent|ridge$|formula/.test(k)).map(([k, value]) => `${words(k)} = ${value}`);
  const spherical = blocks.geometry && blocks.geometry.spherical === "true" ? ["mass is conserved by the projection of the reaction part (spherical)"] : [];
  const remarks = [...kernels, ...settings, ...spherical].join("; ");
  return el("div", { class: "formula" },
    el("p", {}, "d", v("μ"), "/d", v("t"), " = −", v("K"), "(", v("μ"), ") D", v("F"), "(", v("μ"), ")"),
    el("p", {}, v("K"), "(", v("μ"), ") ", v("ξ"), " = ", geometry, el("span", { class: "where" }, `  ${parts.map((p) => words(p.name)).join(" + ")}`)),
    el("p", {}, v("F"), "(", v("μ"), ") = ", energy, el("span", { class: "where" }, `  ${terms.map((p) => words(p.name)).join(" + ")}`)),
    where.length || remarks ? el("p", { class: "where" }, where.length ? "where " : "", where, remarks) : null);
}

/* What theory says of the decay: {text, rate}, rate = the constant c of F(t) <= e^(-ct) F(0) or null. */
function theory(blocks, formulas) {
  const parts = weights(blocks.geometry, formulas.geometry || {}), terms = weights(blocks.energy, formulas.energy || {});
  if (terms.length !== 1 || !parts.length) return null;
  const energy = terms[0].name, scale = terms[0].weight;
  const has = (...names) => parts.length === names.length && names.every((n) => parts.some((p) => p.name === n));
  const weight = (n) => parts.find((p) => p.name === n).weight;
  if (energy === "mmd" && has("mmd"))
    return { rate: 2 * weight("mmd") * scale, text: "the flow is dμ/dt = −b(μ − π), so F(t) = e^(−2bt) F(0) exactly" };
  if (energy === "mmd" && has("wasserstein", "mmd"))
    return { rate: 2 * weight("mmd") * scale, text: "interaction-force transport: F(t) ≤ e^(−2bt) F(0) globally, with no condition on the target" };
  if (energy === "kl" && has("wasserstein"))
    return { rate: null, text: "KL(t) ≤ e^(−2act) KL(0) if π satisfies a logarithmic Sobolev inequality with constant c (for a Gaussian 1 over its largest variance)" };
  if (energy === "kl" && (has("wasserstein", "mmd") || has("wasserstein", "fisher_rao")))
    return { rate: null, text: "KL(t) ≤ e^(−2act) KL(0) if π satisfies a logarithmic Sobolev inequality with constant c; the reaction can only help" };
  if (has("fisher_rao") && (energy === "hellinger" || energy === "inclusive_kl")) {
    const c = (energy === "hellinger" ? 2 : 1) * weight("fisher_rao") * scale;
    return { rate: c, text: "Łojasiewicz inequality with the sharp constant 1/(1 − p): F(t) ≤ e^(−ct) F(0) whatever the initial measure" };
  }
  if (has("fisher_rao") && energy === "power") {
    const p = Number(blocks.energy.power_exponent);
    return p <= 0.5 ? { rate: (weight("fisher_rao") * scale) / (1 - p), text: "Łojasiewicz inequality with the sharp constant 1/(1 − p), valid for p ≤ 1/2: F(t) ≤ e^(−ct) F(0)" }
      : { rate: null, text: "for p > 1/2 no global rate exists: initial measures that hardly charge the support of π decay arbitrarily slowly at first" };
  }
  if (has("fisher_rao") && energy === "kl")
    return { rate: null, text: "no global rate exists (p = 1 > 1/2): where the initial measure is almost absent the start is slow; near π the rate tends to 2b" };
  if (has("wasserstein") && energy === "internal") return { rate: null, text: "on the whole space the decay is algebraic, not exponential" };
  if (energy === "kl" && has("stein")) return { rate: null, text: "no exponential rate is known in general for the Stein geometry" };
  return null;
}

/* ------------------------------------------------------------------ densities */

/* Everything that several runs share: the time and the choices of the bar. */
class View {
  constructor(runs, particles) {
    this.runs = runs;
    this.log = false;
    this.particles = particles;
    this.player = new Player([...runs, ...particles].flatMap((r) => r.data.time));
    const peaks = runs.flatMap((r) => r.data.peaks);
    this.shared = Math.max(...peaks) <= 8 * Math.min(...peaks);
    this.figures = [];
    this.player.listen(() => this.refresh());
  }
  refresh() {
    for (const f of this.figures) f();
  }
  /* Runs on the same domain share their scale. */
  range(run, k) {
    if (!this.shared) return run.peaks[k];
    const domain = JSON.stringify(run.axes.map((a) => [a.lower, a.upper]));
    const alike = this.runs.map((r) => r.data).filter((r) => JSON.stringify(r.axes.map((a) => [a.lower, a.upper])) === domain);
    return Math.max(...alike.flatMap((r) => r.peaks));
  }
  at(source) { return indexAt(source.time, this.player.time); }
  choices() {
    const redraw = (f) => (value) => { f(value); this.rescale(); };
    const scale = choice("Range", [["shared", "same at all times"], ["own", "of each time"]], redraw((v) => { this.shared = v === "shared"; }));
    scale.querySelector("select").value = this.shared ? "shared" : "own";
    return el("div", { class: "choices" }, choice("Density", [["linear", "linear"], ["log", "logarithmic"]], redraw((v) => { this.log = v === "log"; })), scale);
  }
  rescale() {
    for (const f of this.figures) f(true);
  }
}

function thinningNote(run) {
  const notes = [];
  if (run.every > 1) notes.push(`every ${ordinal(run.every)} of ${run.snapshots} snapshots`);
  if (run.block > 1) notes.push(`means over blocks of ${run.dim === 1 ? run.block : `${run.block} × ${run.block}`} cells`);
  return notes.length ? `Shown: ${notes.join(", ")}.` : "";
}

const timeTitle = (name, t) => [name ? `${name}, ` : "", el("span", { class: "soft" }, el("var", {}, "t"), " = ", ...html(t))];

function keyboard(figure, player) {
  figure.host.setAttribute("tabindex", "0");
  figure.host.setAttribute("role", "group");
  figure.host.setAttribute("aria-label", "Density; arrow keys change the time, space plays");
  figure.host.addEventListener("keydown", (event) => player.keys(event));
}

function lineDensity(view, { data: run, name }) {
  const x = run.centres[0];
  const logDomain = (k) => { const top = view.range(run, k); return [top * 1e-8, top * 2]; };
  const targetTop = run.targetValues ? largest(run.targetValues) : 0;
  const domain = (k) => view.log ? logDomain(k) : [0, 1.06 * Math.max(view.range(run, k), view.shared ? targetTop : Math.min(targetTop, 3 * view.range(run, k)))];
  const y = { label: "density", log: false, domain: domain(0) };
  const series = [{ name: "ρ at this time", x, y: run.frames[0], colour: 1, width: 2.3, area: true },
    { name: "initial ρ", x, y: run.frames[0], colour: "var(--soft)", dash: "1 4", width: 1.5 }];
  if (run.targetValues) series.splice(1, 0, { name: "target π", x, y: run.targetValues, colour: 2, dash: "7 4" });
  const plot = new Plot({ title: "", label: `Density of ${name}`, series, x: { label: "x", domain: [run.axes[0].lower, run.axes[0].upper] }, y });
  let shown = -1, scale = "";
  const show = (rescaled) => {
    const k = view.at(run);
    plot.caption.replaceChildren(el("span", {}, timeTitle(name, run.time[k])));
    const nextScale = `${view.log} ${domain(k)}`;
    if (rescaled || nextScale !== scale) {
      y.log = view.log;
      y.domain = domain(k);
      scale = nextScale;
      series[0].y = run.frames[k];
      plot.draw();
      plot.fillTable();
    } else if (k !== shown) plot.update(0, run.frames[k]);
    shown = k;
  };
  plot.note(thinningNote(run));
  keyboard(plot, view.player);
  view.figures.push(show);
  show();
  return plot.node;
}

function planeDensity(view, { data: run, name }) {
  const map = new HeatMap({
    title: "", label: `Density of ${name}`, axes: run.axes, block: run.block, mask: run.inside, target: run.targetValues,
    frame: () => run.frames[view.at(run)], range: () => view.range(run, view.at(run)), log: () => view.log,
    table: () => momentTable(run.time, 2, (k) => runMoments(run, k)),
  });
  let shown = -1;
  const show = (rescaled) => {
    const k = view.at(run);
    map.caption.replaceChildren(el("span", {}, timeTitle(name, run.time[k])));
    if (rescaled || k !== shown) map.paint();
    shown = k;
  };
  map.note(thinningNote(run));
  keyboard(map, view.player);
  view.figures.push(show);
  show();
  return map.node;
}

/* For print, where nothing slides: five times. */
function printedFrames({ data: run, name }) {
  const chosen = thinned(run.time.length, 6);
  if (run.dim === 1) {
    const series = chosen.map((k, i) => ({ name: `t = ${plain(run.time[k])}`, x: run.centres[0], y: run.frames[k],
      colour: tableColour(TIMES, i / Math.max(1, chosen.length - 1) * 0.9), dash: DASHES[i] }));
    if (run.targetValues) series.push({ name: "target π", x: run.centres[0], y: run.targetValues, colour: 2, dash: "7 4" });
    return el("div", { class: "print-only" }, new Plot({ title: `${name ? `${name}: density` : "Density"} at ${chosen.length} times`, still: true, width: 640, height: 300,
      series, x: { label: "x", domain: [run.axes[0].lower, run.axes[0].upper] }, y: { label: "density", zero: true } }).node);
  }
  const maps = chosen.map((k) => new HeatMap({ title: [el("span", {}, el("var", {}, "t"), " = ", ...html(run.time[k])), el("span", { class: "soft" }, "up to ", ...html(run.peaks[k], 3))], still: true, width: 210, axes: run.axes, block: run.block,
    mask: run.inside, target: run.targetValues, frame: () => run.frames[k], range: () => run.peaks[k], log: () => false }).node);
  return el("div", { class: "print-only" }, el("p", { class: "small" }, `${name ? `${name}: density` : "Density"} at ${chosen.length} times, each from 0 to its own largest value.`), el("div", { class: "print-only frames" }, maps));
}

/* ------------------------------------------------------------------ ledgers */

const NAMES = {
  t: "time t", energy: "energy F", dissipation_primal: "primal R(μ, dμ/dt)", dissipation_dual: "dual R*(μ, −DF)",
  dissipated: "∫ (R + R*) dt", balance_defect: "balance defect F + ∫(R + R*) − F(0)", mass: "mass", min_density: "smallest density",
  integral_primal: "∫ R dt", integral_dual: "∫ R* dt", kl: "KL(ρ|π)", inclusive_kl: "KL(π|ρ)", chi2: "χ²", hellinger: "Hellinger", l1: "L¹ distance",
  l2: "L² distance", mmd: "MMD", w2: "W₂ distance", mmd2: "MMD² to the target", ess: "effective sample size 1/Σw²",
  weight_min: "smallest weight", weight_max: "largest weight", simplex_residual: "residual of the weight step",
};
const nameOf = (column) => NAMES[column] || (column.startsWith("energy_") ? `${words(column.slice(7))} term` : words(column));
const CORE = ["t", "dt", "energy", "dissipation_primal", "dissipation_dual", "dissipated", "balance_defect", "mass", "min_density", "integral_primal", "integral_dual"];
const isDiagnostic = (column) => !CORE.includes(column) && !column.startsWith("energy_");

/* Value of a ledger column at a time. */
function ledgerAt(ledger, column, t) {
  const c = ledger.columns[column];
  return c ? c.values[indexAt(ledger.t, t)] : NaN;
}

function nowValues(view) {
  const rows = ["energy", "dissipation_primal", "dissipation_dual", "balance_defect", "mass", "min_density"];
  const sources = view.runs.filter((r) => r.data.ledger);
  if (!sources.length) return null;
  const body = el("tbody"), caption = el("caption"), several = sources.length > 1;
  const show = () => {
    caption.replaceChildren("From the ledger at ", el("var", {}, "t"), " = ", ...html(view.player.time));
    body.replaceChildren(...rows.map((c) => el("tr", {}, el("th", { scope: "row" }, nameOf(c)),
    sources.map(({ data }) => el("td", { class: "n" }, html(ledgerAt(data.ledger, c, view.player.time), 6))))));
  };
  view.figures.push(show);
  show();
  return el("div", { class: "scroll now-values", tabindex: "0", role: "region", "aria-label": "Values at this time" }, el("table", {},
    caption,
    several ? el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), sources.map((s) => el("th", { scope: "col", class: "n" }, s.name)))) : null, body));
}

function timePlot(view, spec) {
  const plot = new Plot({ x: { label: "time t" }, time: view.player, ...spec });
  view.figures.push(() => plot.setTime(view.player.time));
  return plot;
}

function switchable(plot, name) {
  const select = choice("", [["log", "logarithmic"], ["linear", "linear"]], (v) => {
    plot.spec.y.log = v === "log";
    plot.draw();
  });
  select.querySelector("select").setAttribute("aria-label", `Axis of ${name}`);
  select.querySelector("select").value = plot.spec.y.log ? "log" : "linear";
  select.className = "screen-only";
  plot.caption.append(select);
  return plot.node;
}

const column = (ledger, name) => ledger.columns[name].values;
const hasNegative = (list) => list.some((v) => v < 0);
const absolute = (list, sign) => list.map((v) => (sign * v > 0 ? sign * v : NaN));

/* Size on a logarithmic axis, the sign as colour. */
function signedSeries(x, values, names = ["positive", "negative"]) {
  const out = [];
  if (values.some((v) => v > 0)) out.push({ name: names[0], x, y: absolute(values, 1), colour: 1 });
  if (values.some((v) => v < 0)) out.push({ name: names[1], x, y: absolute(values, -1), colour: 2, dash: "6 3" });
  return out.length ? out : [{ name: "", x, y: values, colour: 1 }];
}

function energyFigures(view, source, formulas, several) {
  const { ledger, case: blocks } = source.data, t = ledger.t, energy = column(ledger, "energy");
  const terms = Object.keys(ledger.columns).filter((c) => c.startsWith("energy_"));
  const series = [{ name: "energy F", x: t, y: energy, colour: 1, width: 2.3 }];
  if (terms.length > 1) terms.forEach((c, i) => series.push({ name: nameOf(c), x: t, y: column(ledger, c), colour: i + 3, dash: DASHES[i + 1] }));
  const negative = hasNegative(energy), decay = negative ? null : ledger.decay, known = negative ? null : theory(blocks, formulas);
  if (decay) series.push({ name: `fit e^(−${plain(decay.rate, 4)} t)`, x: [decay.from, decay.to],
    y: [decay.from, decay.to].map((s) => Math.exp(decay.log_factor - decay.rate * s)), colour: 2, dash: "2 4", width: 3, mark: 2 });
  if (known && known.rate) series.push({ name: `theory e^(−${plain(known.rate, 4)} t) F(0)`, x: t, y: t.map((s) => energy[0] * Math.exp(-known.rate * s)), colour: 7, dash: "9 4 2 4", width: 1.4, reference: true });
  const plot = timePlot(view, { title: several ? source.name : "Energy", label: `Energy of ${source.name}`, series, y: { label: "F", log: !negative, decades: 16 } });
  plot.note(thinLedger(ledger));
  return { node: switchable(plot, "the energy"), decay, known, rates: negative ? null : rateFigure(view, source) };
}

const thinLedger = (ledger) => (ledger.every > 1 ? `Shown: every ${ordinal(ledger.every)} of ${ledger.rows} rows.` : "");

/* −d(log F)/dt between rows, and (R + R*)/F with the logarithmic mean of F: equal if the balance holds. */
function rateFigure(view, source) {
  const { ledger } = source.data, t = ledger.t, energy = column(ledger, "energy");
  const floor = 1e-12 * Math.max(...energy.filter(Number.isFinite));
  const middle = [], rate = [], balance = [];
  for (let i = 1; i < t.length; ++i) {
    const [a, b] = [energy[i - 1], energy[i]], dt = t[i] - t[i - 1];
    const good = dt > 0 && a > floor && b > floor;
    middle.push(0.5 * (t[i - 1] + t[i]));
    rate.push(good ? Math.log(a / b) / dt : NaN);
    const mean = Math.abs(a / b - 1) > 1e-6 ? (a - b) / Math.log(a / b) : b;
    const spent = ledger.every === 1 ? column(ledger, "dissipation_primal")[i] + column(ledger, "dissipation_dual")[i]
      : (column(ledger, "dissipated")[i] - column(ledger, "dissipated")[i - 1]) / dt;
    balance.push(good ? spent / mean : NaN);
  }
  const series = [{ name: "−d log F/dt", x: middle, y: rate, colour: 1, width: 3.4 }, { name: "(R + R*)/F", x: middle, y: balance, colour: 2, dash: "3 4" }];
  const sorted = [...rate, ...balance].filter(Number.isFinite).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const wide = sorted[0] > 0 && sorted[sorted.length - 1] > 30 * sorted[0];
  const high = sorted[Math.floor(0.99 * (sorted.length - 1))], low = sorted[Math.floor(0.01 * (sorted.length - 1))];
  const domain = wide ? undefined : [Math.min(0, 1.1 * low), 1.15 * high || 1];
  return timePlot(view, { title: "Decay rate", label: `Decay rate of ${source.name}`, series, y: { label: "1/time", log: wide, domain } }).node;
}

function decaySentence(name, energy) {
  const { decay, known } = energy;
  const out = [];
  if (decay) out.push("Late decay rate of ", el("var", {}, "F"), ": ", el("b", {}, html(decay.rate, 5)), " ± ", html(decay.rate_stderr, 2),
    ` (least squares of log F on ${decay.rows} rows, t from ${plain(decay.from)} to ${plain(decay.to)}, the later half of the time above rounding). `);
  else out.push("No decay rate is fitted: the energy changes its sign, or has too few values above rounding. ");
  if (known) out.push(rich(`Theory: ${known.text}${known.rate ? `; here the constant is ${plain(known.rate)}` : ""}.`));
  return el("p", { class: "small" }, name ? el("b", {}, `${name}. `) : null, out);
}

/* All energies over time in one figure. */
function energyOverlay(view, sources) {
  const series = sources.map((s, i) => ({ name: s.name, x: s.data.ledger.t, y: column(s.data.ledger, "energy"), colour: i + 1, dash: DASHES[i % DASHES.length] }));
  const negative = series.some((s) => hasNegative(s.y));
  const plot = timePlot(view, { title: "Energies", series, legend: true, height: 330, y: { label: "F", log: !negative, decades: 16 } });
  return switchable(plot, "the energies");
}

function balanceFigures(view, source) {
  const { ledger } = source.data, t = ledger.t, c = (name) => column(ledger, name);
  const figures = [];
  const push = (spec) => figures.push(timePlot(view, spec));
  push({ title: "Dissipation potentials", series: [{ name: NAMES.dissipation_primal, x: t, y: c("dissipation_primal"), colour: 1, width: 3.4 },
    { name: NAMES.dissipation_dual, x: t, y: c("dissipation_dual"), colour: 2, dash: "3 4" }], y: { label: "R, R*", log: true, decades: 18 } });
  const note = ledger.columns.dissipation_primal.notes;
  figures[0].note(Object.values(note || {}).join(" ").replace(/\bzeta\b/g, "ζ").replace(/<([^<>]*)>/g, "⟨$1⟩").replace(/\bint\b/g, "∫"));
  if (ledger.columns.integral_primal)
    push({ title: "Their integrals", series: [{ name: NAMES.integral_primal, x: t, y: c("integral_primal"), colour: 1, width: 3.4 },
      { name: NAMES.integral_dual, x: t, y: c("integral_dual"), colour: 2, dash: "3 4" },
      { name: "F(0) − F(t)", x: t, y: c("energy").map((v) => c("energy")[0] - v), colour: 3, dash: "9 4" }], y: { label: "energy", zero: true } });
  push({ title: "Balance defect |F + ∫(R + R*) dt − F(0)|", series: signedSeries(t, c("balance_defect")), y: { label: "", log: true, decades: 14 } });
  push({ title: "Mass drift |mass − initial mass|", series: signedSeries(t, c("mass").map((m) => m - ledger.columns.mass.first)), y: { label: "", log: true, decades: 14 }, empty: "Zero throughout." });
  push({ title: "Smallest density", series: signedSeries(t, c("min_density")), y: { label: "min ρ", log: true, decades: 40 }, empty: "Zero throughout." });
  return figures.map((f) => f.node);
}

const largestSize = (c) => Math.max(Math.abs(c.least), Math.abs(c.most));
const massDrift = (c) => Math.max(Math.abs(c.most - c.first), Math.abs(c.least - c.first));
const dissipatedPart = (ledger) => largestSize(ledger.columns.balance_defect) / Math.abs(ledger.columns.dissipated.last);

function worstTable(sources) {
  const rows = [
    ["largest |balance defect|", (l) => largestSize(l.columns.balance_defect)],
    ["the same, over what was dissipated", dissipatedPart],
    ["largest drift of the mass", (l) => massDrift(l.columns.mass)],
    ["smallest density", (l) => l.columns.min_density.least],
    ["∫ R dt", (l) => (l.columns.integral_primal || { last: NaN }).last],
    ["∫ R* dt", (l) => (l.columns.integral_dual || { last: NaN }).last],
    ["F(0) − F(T)", (l) => l.columns.energy.first - l.columns.energy.last],
    ["steps", (l) => l.rows - 1],
  ];
  return dataTable({ caption: "Worst values over all steps, and the integrals", head: ["", ...sources.map((s) => (sources.length > 1 ? s.name : "value"))],
    rows: rows.map(([name, f]) => [name, ...sources.map((s) => f(s.data.ledger))]) }, "Worst values");
}

function diagnosticFigure(view, source, several) {
  const { ledger } = source.data;
  const names = Object.keys(ledger.columns).filter(isDiagnostic);
  if (!names.length) return null;
  const series = names.map((c, i) => ({ name: nameOf(c), x: ledger.t, y: column(ledger, c), colour: i + 1, dash: DASHES[i] }));
  const plot = timePlot(view, { title: several ? source.name : names.length === 1 ? nameOf(names[0]) : "Distances to the target", series, legend: true, y: { label: "", log: true, decades: 16 } });
  return switchable(plot, "the diagnostics");
}

/* ------------------------------------------------------------------ particles */

/* The first run of the same dimension, whose density the particles follow. */
const runBeside = (p, runs) => (runs.find((r) => r.data.dim === p.axes && p.dimension === p.axes) || {}).data;

function particleFigure(view, { data: p, name }, runs) {
  const at = () => indexAt(p.time, view.player.time);
  const note = [p.dimension > 2 ? `The first two of ${p.dimension} coordinates.` : "",
    p.shown < p.particles ? `Shown: ${p.shown} of ${p.particles} particles${p.axes === 1 ? " as marks; the histogram has all of them" : ""}.` : "",
    p.every > 1 ? `Every ${ordinal(p.every)} time.` : ""].filter(Boolean).join(" ");
  const figure = p.axes === 1 ? rug(view, p, name, runs) : new Scatter({
    title: "", label: `Particles of ${name}`, extent: p.extent, axes: ["x", "y"], run: runBeside(p, runs), frame: () => p.frames[at()],
    table: () => momentTable(p.time, 2, (k) => cloudMoments(p, k)) });
  let shown = -1;
  const show = () => {
    const k = at();
    figure.caption.replaceChildren(el("span", {}, timeTitle(name, p.time[k])));
    if (k !== shown) (figure.refresh ? figure.refresh(k) : figure.paint());
    shown = k;
  };
  figure.note(note);
  keyboard(figure, view.player);
  view.figures.push(show);
  show();
  return figure.node;
}

function printedParticles({ data: p, name }, runs) {
  const chosen = thinned(p.time.length, 6), title = (k) => [el("span", {}, el("var", {}, "t"), " = ", ...html(p.time[k]))];
  const [low, high] = p.extent[0], width = (high - low) / p.bins || 1;
  const bins = p.axes === 1 ? Array.from({ length: p.bins }, (_, b) => low + (b + 0.5) * width) : null;
  return el("div", { class: "print-only" }, el("p", { class: "small" }, `${name}: particles at ${chosen.length} times.`), el("div", { class: "print-only frames" }, chosen.map((k) => (p.axes === 1
    ? new Plot({ title: title(k), still: true, width: 230, height: 150, series: [{ name: "histogram", x: bins, y: Array.from(p.histograms[k], (v) => v / width), colour: 1, area: true }], x: { label: "" }, y: { label: "", zero: true } })
    : new Scatter({ title: title(k), still: true, width: 230, extent: p.extent, run: runBeside(p, runs), frame: () => p.frames[k] })).node)));
}

function cloudMoments(p, k) {
  return moments((visit) => {
    for (let i = 0; i < p.shown; ++i) visit(p.frames[k][i * (p.axes + 1) + p.axes], Array.from(p.frames[k].subarray(i * (p.axes + 1), i * (p.axes + 1) + p.axes)));
  });
}

/* In 1-D: a histogram of all particles, the shown ones as marks, and the density of a run beside it. */
function rug(view, p, name, runs) {
  const [low, high] = p.extent[0], width = (high - low) / p.bins || 1;
  const edges = Array.from({ length: 2 * p.bins + 2 }, (_, i) => low + Math.floor(i / 2) * width);
  const steps = (k) => edges.map((_, i) => (i === 0 || i === edges.length - 1 ? 0 : p.histograms[k][Math.floor((i - 1) / 2)] / width));
  const marks = (k) => [Array.from({ length: p.shown }, (_, i) => p.frames[k][2 * i]), new Array(p.shown).fill(0)];
  const run = runBeside(p, runs);
  const peak = Math.max(...p.time.map((_, k) => largest(p.histograms[k]))) / width;
  const series = [{ name: "histogram of the particles", x: edges, y: steps(0), colour: 1, area: true, width: 1.6 }];
  if (run) series.push({ name: "density of the grid run", x: run.centres[0], y: run.frames[0], colour: 2, dash: "7 4" });
  const top = Math.max(1.1 * peak, run ? 1.05 * Math.max(...run.peaks) : 0);
  const plot = new Plot({ title: "", label: `Particles of ${name}`, series, x: { label: "x", domain: run ? [Math.min(low, run.axes[0].lower), Math.max(high, run.axes[0].upper)] : [low - width, high + width] },
    y: { label: "density", domain: [0, top] } });
  const draw = plot.draw.bind(plot);
  let current = 0;
  plot.draw = () => {
    draw();
    if (!plot.box) return;
    const bottom = plot.box.top + plot.box.height;
    const d = marks(current)[0].filter(Number.isFinite).map((x) => `M${plot.px(x).toFixed(1)} ${bottom}v-7`).join("");
    plot.layer.append(svg("path", { d, style: "stroke:var(--s3);stroke-width:1;opacity:.55" }));
  };
  plot.refresh = (k) => {
    current = k;
    series[0].y = steps(k);
    if (run) series[1].y = run.frames[view.at(run)];
    plot.draw();
    plot.fillTable();
  };
  return plot;
}

function particleLedger(view, source) {
  const { ledger } = source.data;
  if (!ledger) return [];
  const names = Object.keys(ledger.columns).filter((c) => !["t", "dt", "integral_primal", "integral_dual"].includes(c) && ledger.columns[c].values.some(Number.isFinite));
  const first = ["mmd2", "energy"], order = [...first.filter((c) => names.includes(c)), ...names.filter((c) => !first.includes(c))];
  const same = (c) => ledger.columns[c].least === ledger.columns[c].most;
  const constant = order.filter(same).map((c) => `${nameOf(c)} ${plain(ledger.columns[c].first, 6)}`);
  const figures = order.filter((c) => !same(c) && !(c.startsWith("energy_") && names.filter((n) => n.startsWith("energy_")).length === 1)).map((c) => {
    const values = column(ledger, c);
    const log = values.every((v) => !(v <= 0)) && ledger.columns[c].most > 5 * ledger.columns[c].least;
    const plot = timePlot(view, { title: nameOf(c), series: [{ name: nameOf(c), x: ledger.t, y: values, colour: 1 }], height: 220, y: { label: "", log } });
    plot.note(Object.values(ledger.columns[c].notes || {}).join(" "));
    return plot.node;
  });
  return [el("div", { class: "columns" }, figures), constant.length ? el("p", { class: "small soft" }, `Constant: ${constant.join("; ")}.`) : null];
}

/* ------------------------------------------------------------------ studies */

const ERRORS = { density_error_l1: "density, L¹", density_error_hellinger: "density, Hellinger", density_error_w2: "density, W₂", energy_error: "energy",
  dissipation_primal_error: "∫ R", dissipation_dual_error: "∫ R*", dual_potential_error: "R* at the limit’s states", error_l1: "L¹", error_l2: "L²", error_max: "maximum" };
const FLOOR_FACTOR = 3;

function readStudy(study) {
  for (const group of ["rows", "reference"])
    for (const [name, list] of Object.entries(study[group])) study[group][name] = numbers(list);
  for (const [name, list] of Object.entries(study.curves)) study.curves[name] = name === "t" ? numbers(list) : list.map(numbers);
  study.count = (study.rows.value || []).length;
}

const floorOf = (study, name) => {
  const own = study.attributes.type === "gamma" && study.reference[name] ? study.reference[name].at(-1) : NaN;
  if (Number.isFinite(own)) return own;
  const floors = (study.rows.floor || []).filter(Number.isFinite);
  return /l1$/.test(name) && floors.length ? Math.max(...floors) : NaN;
};

function errorFigure(study, names, title) {
  const { rows, attributes } = study, x = rows.value;
  const sign = attributes.type === "order" && attributes.vary === "grid_cells" ? -1 : 1;
  const floor = floorOf(study, names[0]), series = [];
  names.forEach((name, i) => {
    const y = rows[name].map((v) => (v > 0 ? v : NaN)), own = floorOf(study, name);
    const unused = (k) => k >= 0 && (y[k] <= FLOOR_FACTOR * own || (name === names[0] && rows.used_in_fit && rows.used_in_fit[k] === 0));
    const order = attributes[`order_${name}`] ?? NaN, error = attributes[`order_stderr_${name}`] ?? NaN;
    const label = Number.isFinite(order) ? `${ERRORS[name] || words(name)}: slope ${plain(order, 3)}${Number.isFinite(error) ? ` ± ${plain(error, 1)}` : ""}` : ERRORS[name] || words(name);
    series.push({ name: label, x, y, colour: i + 1, line: false, mark: i, open: unused });
    const used = y.map((v, k) => [v, k]).filter(([v, k]) => Number.isFinite(v) && !unused(k));
    if (!Number.isFinite(order) || !used.length) return;
    const mean = (f) => used.reduce((sum, [v, k]) => sum + Math.log(f(v, k)), 0) / used.length;
    const factor = Math.exp(mean((v) => v) - sign * order * mean((_, k) => x[k]));
    const ends = [Math.min(...x), Math.max(...x)];
    series.push({ x: ends, y: ends.map((v) => factor * v ** (sign * order)), colour: i + 1, dash: DASHES[i], width: 1.3, reference: true });
  });
  const plot = new Plot({ title, legend: true, series, height: 360, shade: Number.isFinite(floor) && floor > 0 ? { low: floor, high: FLOOR_FACTOR * floor } : null,
    x: { label: words(attributes.vary || "value"), log: true, pad: 0.06, ticks: x.length <= 9 ? x : undefined }, y: { label: "error", log: true, decades: 18 } });
  plot.note(Number.isFinite(floor) && floor > 0 ? "Lines: fitted slopes. Shaded: from the floor, the discretisation’s own error, to 3 times it; hollow points are left out of the fit." : "Lines: fitted slopes. Hollow points are left out of the fit.");
  return plot.node;
}

const done = (study, row) => (study.attributes[`status_${String(row).padStart(4, "0")}`] || "done") === "done";

function valueName(study, row) {
  const value = study.rows.value[row];
  return Number.isFinite(value) ? `${words(study.attributes.vary || "value")} ${plain(value)}` : "as given";
}

function curvesOf(study, name, title, yLabel, extra) {
  if (!study.curves[name] || !study.curves.t) return null;
  const t = study.curves.t, count = study.count;
  const series = [...Array(count).keys()].filter((r) => done(study, r)).map((r) => ({ name: valueName(study, r), x: t, y: study.curves[name][r],
    colour: `color-mix(in srgb, var(--s1) ${Math.round(30 + (70 * r) / Math.max(count - 1, 1))}%, var(--s4))`, dash: DASHES[r % DASHES.length] }));
  if (study.curves[name][count]) series.push({ name: "limit", x: t, y: study.curves[name][count], colour: 2, width: 2.4, dash: "1 3" });
  return new Plot({ title, series, legend: true, x: { label: "time t" }, y: { label: yLabel, log: true, decades: 14, ...extra } }).node;
}

function envelopeFigure(study) {
  if (!study.curves.energy || !study.curves.bound) return null;
  const t = study.curves.t, series = [];
  for (let r = 0; r < study.count; ++r) {
    if (!done(study, r)) continue;
    const energy = study.curves.energy[r], at = `${valueName(study, r)}: rate ${plain(study.rows.rate[r], 3)}, constant ${plain(study.rows.constant[r], 3)}`;
    series.push({ name: at, x: t, y: energy.map((v) => v / energy[0]), colour: r + 1, width: 2.2 },
      { x: t, y: study.curves.bound[r].map((v) => v / energy[0]), colour: r + 1, dash: "5 4", width: 1.3 });
  }
  const plot = new Plot({ title: "Energy and its bound", series, legend: true, height: 360, x: { label: "time t" }, y: { label: "F(t)/F(0)", log: true, decades: 14 } });
  plot.note("Dashed: the bound e^(−ct) of the theorem.");
  return plot.node;
}

function systemName(study, row) {
  return study.attributes[`system_${String(row).padStart(4, "0")}`] || `system ${study.rows.system_index[row]}`;
}

function balanceStudy(study) {
  const { rows } = study, systems = [...new Set(rows.system_index)];
  const figure = (title, label, value) => {
    const series = systems.map((system, i) => {
      const mine = [...rows.value.keys()].filter((r) => rows.system_index[r] === system);
      return { name: systemName(study, mine[0]), x: mine.map((r) => rows.value[r]), y: mine.map(value), colour: i + 1, dash: DASHES[Math.floor(i / 8) % DASHES.length], mark: i };
    });
    return new Plot({ title, series, height: 400, legend: true, x: { label: "time step", log: true, pad: 0.05, ticks: [...new Set(rows.value)] }, y: { label, log: true, decades: 18 } }).node;
  };
  return [figure("Balance defect over what is dissipated", "relative defect", (r) => Math.abs(rows.balance_defect[r] / rows.dissipated_energy[r]) || NaN),
    figure("Gap of the Helmholtz–Rayleigh minimum", "(R + ⟨G, v⟩ + R*)/R*", (r) => (rows.rayleigh_gap[r] > 0 ? rows.rayleigh_gap[r] : NaN))];
}

function studyFigures(study) {
  const { attributes, rows } = study;
  const errors = Object.keys(rows).filter((n) => /error/.test(n) && n !== "initial_energy_error" && rows[n].some((v) => v > 0));
  const order = Object.keys(ERRORS);
  errors.sort((a, b) => (order.indexOf(a) + 99) % 99 - (order.indexOf(b) + 99) % 99);
  if (attributes.type === "balance") return balanceStudy(study);
  if (attributes.type === "rate") return [envelopeFigure(study)];
  const density = errors.filter((n) => /density/.test(n) || attributes.type === "order"), rest = errors.filter((n) => !density.includes(n));
  return [density.length ? errorFigure(study, density, "Errors of the density") : null,
    rest.length ? errorFigure(study, rest, attributes.type === "gamma" ? "Errors of energy and dissipation" : "Errors") : null,
    attributes.type === "gamma" ? curvesOf(study, "dissipation_primal", "Primal potential R over time", "R") : null,
    attributes.type === "gamma" ? curvesOf(study, "dissipation_dual", "Dual potential R* over time", "R*") : null,
    attributes.type === "gamma" ? curvesOf(study, "density_error_l1", "Distance to the limit over time", "L¹") : null];
}

function studyTable(study) {
  const { rows, attributes } = study;
  const names = Object.keys(rows).filter((n) => !["system_index", "used_in_fit"].includes(n) && rows[n].some(Number.isFinite));
  const fixed = ["value", "second_value", ...Object.keys(ERRORS), "rate", "rate_stderr", "constant", "floor"];
  names.sort((a, b) => (fixed.indexOf(a) + 99) % 99 - (fixed.indexOf(b) + 99) % 99);
  const systems = rows.system_index && attributes.type === "balance";
  const list = [...Array(study.count).keys()];
  const used = (r) => !rows.used_in_fit || rows.used_in_fit[r] !== 0;
  const remark = (r) => (done(study, r) ? (used(r) ? "in the fit" : rows.floor && rows.value && attributes.type !== "rate" ? "near the floor: not in the fit" : "not in the fit") : attributes[`status_${String(r).padStart(4, "0")}`]);
  return dataTable({ caption: "All rows",
    head: [...(systems ? ["system"] : []), "remark", ...names.map((n) => (n === "value" ? words(attributes.vary || "value") : ERRORS[n] || words(n)))],
    rows: list.map((r) => [...(systems ? [systemName(study, r)] : []), remark(r), ...names.map((n) => rows[n][r])]),
    classes: list.map((r) => (used(r) ? null : "unused")) }, "Rows of the study");
}

function observed(attributes) {
  const { order, order_stderr: error, expected, type } = attributes;
  if (!Number.isFinite(order ?? NaN)) return null;
  const what = type === "rate" ? "rate" : "order";
  return el("p", {}, `Observed ${what} `, el("b", {}, html(order, 4)), Number.isFinite(error ?? NaN) ? [" ± ", html(error, 2)] : null,
    Number.isFinite(expected ?? NaN) ? [type === "rate" ? "; the theorem’s constant is " : "; expected ", html(expected, 4)] : null, ".");
}

const TYPES = { gamma: "evolutionary Γ-convergence", order: "order of convergence", rate: "decay of the energy against a theorem", balance: "energy-dissipation balance", particles: "particles against the grid" };

function studyArticle({ data: study, name }, alone) {
  const { attributes } = study;
  const notes = (attributes.notes || "").split("\n").filter(Boolean);
  return el("article", { class: "study" }, alone ? null : el("h3", {}, name),
    el("div", { class: "badges" }, alone ? null : verdictBadge(attributes), el("span", { class: "soft small" }, `${TYPES[attributes.type] || attributes.type || "study"}; ${words(attributes.vary || "")}`)),
    observed(attributes), notes.length ? el("ul", { class: "small" }, notes.map((n) => el("li", {}, n.replace(/\+-/g, "±").replace(/->/g, "→")))) : null,
    el("div", { class: "columns wide" }, studyFigures(study).filter(Boolean)), studyTable(study),
    codeBlock(attributes.study || attributes.case || "", "Copy the study", `Study file of ${name}`), facts(attributes));
}

function unfinishedStudy({ data, name }) {
  return el("article", {}, el("h3", {}, name), el("div", { class: "badges" }, verdictBadge({})),
    el("p", { class: "small" }, "The study is not finished: these are the rows that it has."), csvTable(data), data.text ? codeBlock(data.text, "Copy the study", `Study file of ${name}`) : null);
}

function studySummary(studies) {
  return dataTable({ caption: "Verdicts", head: ["study", "type", "expected", "observed", "standard error", "verdict"],
    rows: studies.map(({ data: { attributes: a }, name }) => [el("a", { href: `#${anchor(name)}` }, name), TYPES[a.type] || a.type || "", a.expected ?? NaN, a.order ?? NaN, a.order_stderr ?? NaN, verdictBadge(a)]) }, "Verdicts");
}

/* ------------------------------------------------------------------ comparisons and tables of files */

function csvTable(data, label) {
  return dataTable({ head: data.header.map((h) => words(String(h ?? ""))), rows: data.rows.map((r) => data.header.map((_, k) => (r[k] === undefined ? "" : r[k] === null ? NaN : r[k]))) }, label);
}

const METRICS = { mmd2: "MMD²", energy_distance: "energy distance", w1: "W₁", w2: "W₂", kolmogorov: "Kolmogorov distance", sliced_w1: "sliced W₁", sliced_w2: "sliced W₂",
  histogram_l1: "L¹ of the histogram", mean: "mean", covariance: "covariance" };
const LIMIT = 2; /* a distance within this factor of what samples give is theirs */

/* Distances with what N independent samples of the density would give: columns NAME, NAME_expected, NAME_sd. */
function readComparison(data) {
  const at = (name) => data.header.indexOf(name), column = (name) => data.rows.map((r) => (typeof r[at(name)] === "number" ? r[at(name)] : NaN));
  const names = data.header.filter((h) => at(`${h}_expected`) >= 0);
  return { t: column("t"), particles: column("particles"), metrics: names.map((name) => ({ name: METRICS[name] || words(name),
    value: column(name), expected: column(`${name}_expected`), deviation: column(`${name}_sd`) })) };
}

function comparedRow(m, k) {
  const ratio = m.value[k] / m.expected[k];
  const verdict = !Number.isFinite(ratio) ? "" : ratio <= LIMIT ? el("span", { class: "badge good" }, "✓ sampling") : el("span", { class: "badge open" }, "the method");
  return [m.name, m.value[k], m.expected[k], m.deviation[k], ratio, verdict];
}

function compareArticle(view, { data, name }, several) {
  const c = readComparison(data), last = c.t.length - 1, attributes = data.attributes || {};
  const head = [several ? el("h3", {}, name) : null, attributes.sentence ? el("p", {}, el("b", {}, attributes.sentence)) : null];
  if (!c.metrics.length || last < 0) return el("article", {}, head, csvTable(data, "Comparison"));
  const make = (spec) => (view ? timePlot(view, spec) : new Plot({ x: { label: "time t" }, ...spec })).node;
  const series = c.metrics.map((m, i) => ({ name: m.name, x: c.t, y: m.value.map((v, k) => v / m.expected[k]), colour: i + 1, dash: DASHES[i % DASHES.length], mark: c.t.length < 30 ? i : undefined }));
  const ratios = make({ title: "Distance over what N samples give", series, legend: true, height: 340, shade: { low: 1 / LIMIT, high: LIMIT }, y: { label: "value / expected", log: true } });
  const each = c.metrics.map((m) => make({ title: m.name, height: 210, series: [{ name: "particles", x: c.t, y: m.value, colour: 1, width: 2.3 }, { name: "expected of N samples", x: c.t, y: m.expected, colour: 2, dash: "7 4" }], y: { label: "", log: true } }));
  return el("article", {}, head,
    el("div", { class: "columns wide" }, dataTable({ caption: `At t = ${plain(c.t[last])}, N = ${plain(c.particles[last], 7)}`, head: ["distance", "value", "expected of N samples", "standard deviation", "ratio", "what limits"], rows: c.metrics.map((m) => comparedRow(m, last)) }, "Comparison"),
      c.t.length > 1 ? ratios : null), c.t.length > 1 ? el("div", { class: "columns" }, each) : null, facts(attributes),
    el("details", {}, el("summary", {}, "All times"), csvTable(data, "Comparison at all times")));
}

/* ------------------------------------------------------------------ texts and facts */

/* Lines that are not in every one of several cases are marked. */
function codeBlock(text, action, label, others = []) {
  const status = el("span", { class: "soft small", role: "status" });
  const sets = others.map((o) => new Set(o.split("\n")));
  const lines = text.replace(/\n$/, "").split("\n");
  const code = el("code", {}, lines.map((line, i) => [sets.some((s) => !s.has(line)) ? el("mark", {}, line) : line, i + 1 < lines.length ? "\n" : ""]));
  const button = el("button", { type: "button", class: "quiet copy", onclick: async () => {
    const copied = await copy(text);
    status.textContent = copied ? "Copied." : "Could not copy: select the text instead.";
    button.textContent = copied ? "Copied" : action;
    setTimeout(() => { button.textContent = action; status.textContent = ""; }, 2500);
  } }, action);
  return el("div", { class: "code" }, button, el("pre", { tabindex: "0", "aria-label": label }, code), status);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { readonly: true, style: "position:fixed;top:0;left:0;opacity:0" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    let copied = false;
    try { copied = document.execCommand("copy"); } catch { copied = false; }
    area.remove();
    if (focused) focused.focus();
    return copied;
  }
}

const FACTS = [["status", "status"], ["command_line", "command"], ["started", "started"], ["finished", "finished"], ["duration", "duration"], ["mpi_ranks", "MPI ranks"],
  ["method", "method"], ["seed", "seed"], ["scheme", "scheme"], ["mudot_version", "mudot"], ["petsc_version", "PETSc"], ["fftw_version", "FFTW"]];

function facts(attributes) {
  const values = { ...attributes, started: when(attributes.started), finished: when(attributes.finished), duration: duration(attributes) };
  const shown = new Set([...FACTS.map(([k]) => k), "case", "study", "notes", "verdict", "expected_verdict", "type", "vary"]);
  const rest = Object.keys(attributes).filter((k) => !shown.has(k) && !/^(status_|system_|order|expected)/.test(k));
  const rows = [...FACTS, ...rest.map((k) => [k, words(k)])].filter(([k]) => values[k] !== undefined && values[k] !== "");
  return el("div", { class: "scroll" }, el("table", { class: "facts" }, el("tbody", {}, rows.map(([k, label]) =>
    el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, typeof values[k] === "number" ? html(values[k], 12) : values[k]))))));
}

/* ------------------------------------------------------------------ the page */

const anchor = (name) => `part-${name.replace(/[^A-Za-z0-9]+/g, "-")}`;

function part(id, title, lead, ...children) {
  return el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), lead ? el("p", { class: "lead" }, lead) : null, children);
}

const columns = (nodes) => {
  const list = nodes.filter(Boolean);
  return el("div", { class: list.length === 1 ? "columns one" : "columns" }, list);
};

function tiles(list) {
  return el("dl", { class: "tiles" }, list.filter(([, v]) => v !== null && v !== undefined && v !== "").map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, typeof value === "number" ? html(value, 5) : value))));
}

function runTiles(run) {
  const l = run.ledger, a = run.attributes;
  const c = l ? l.columns : {};
  return tiles([["grid", run.axes.map((x) => x.cells).join(" × ")], ["time reached", run.time.at(-1)],
    ["energy at the start", l && c.energy ? c.energy.first : null], ["energy at the end", l && c.energy ? c.energy.last : null],
    ["late decay rate", l && l.decay && !(c.energy.least < 0) ? l.decay.rate : null],
    ["largest balance defect", l && c.balance_defect ? largestSize(c.balance_defect) : null],
    ["drift of the mass", l && c.mass ? massDrift(c.mass) : null], ["smallest density", l && c.min_density ? c.min_density.least : null],
    ["steps", l ? l.rows - 1 : null], ["duration", duration(a)]]);
}

function particleTiles(p) {
  const c = p.ledger ? p.ledger.columns : {}, a = p.attributes;
  const change = (q) => (q ? el("span", {}, html(q.first), " → ", html(q.last)) : null);
  return tiles([["method", a.method], ["particles", p.particles], ["dimension", p.dimension], ["time reached", p.time.at(-1)], ["MMD² to the target", change(c.mmd2)],
    ["energy", change(c.energy)], ["effective sample size", change(c.ess)], ["seed", a.seed], ["duration", duration(a)]]);
}

function runSummary(runs) {
  return dataTable({ caption: "Runs", head: ["run", "status", "cells", "time reached", "F(0)", "F(T)", "late decay rate", "largest balance defect", "mass drift", "smallest density"],
    rows: runs.map(({ name, data: run }) => {
      const l = run.ledger, c = l ? l.columns : {};
      return [name, statusBadge(run) || "", run.axes.map((x) => x.cells).join(" × "), run.time.at(-1), c.energy ? c.energy.first : NaN, c.energy ? c.energy.last : NaN,
        l && l.decay && !(c.energy.least < 0) ? l.decay.rate : NaN, c.balance_defect ? largestSize(c.balance_defect) : NaN, c.mass ? massDrift(c.mass) : NaN, c.min_density ? c.min_density.least : NaN];
    }) }, "Runs");
}

/* No wider than a map of the largest height needs. */
function mapWidth(run) {
  if (run.dim === 1) return "none";
  const [width, height] = run.axes.map((a) => a.upper - a.lower);
  return `${Math.max(340, Math.round((MAP_HEIGHT * width) / height) + 70)}px`;
}

function runSections(view, runs, formulas) {
  const several = runs.length > 1, named = runs.map((r) => (several ? r : { ...r, label: "" }));
  const withLedger = runs.filter((r) => r.data.ledger && r.data.ledger.columns.energy && r.data.ledger.columns.balance_defect);
  const densities = named.map((r) => {
    const source = { data: r.data, name: several ? r.name : "" };
    return el("div", { style: several ? null : `max-width:${mapWidth(r.data)}` }, el("div", { class: "screen-only" }, r.data.dim === 1 ? lineDensity(view, source) : planeDensity(view, source)), printedFrames(source));
  });
  const out = [part("density", "Density over time", several ? "Every figure shows its last snapshot at or before the time of the slider." : null, view.choices(), several ? [columns(densities), nowValues(view)] : el("div", { class: "beside" }, densities, nowValues(view)))];
  if (withLedger.length) {
    const energies = withLedger.map((r) => energyFigures(view, r, formulas, several));
    out.push(part("energy", "Energy and decay", null, several ? energyOverlay(view, withLedger) : null,
      several ? columns(energies.map((e) => el("div", { class: "stack" }, e.node, e.rates))) : columns([energies[0].node, energies[0].rates]),
      withLedger.map((r, i) => decaySentence(several ? r.name : "", energies[i]))));
    out.push(part("balance", "Energy-dissipation balance",
      ["F(μ(T)) + ∫ [R(μ, dμ/dt) + R*(μ, −DF(μ))] dt = F(μ(0)) holds if and only if μ solves the flow; the defect says how well."],
      several ? columns(withLedger.map((r) => el("div", { class: "stack" }, el("h3", {}, r.name), balanceFigures(view, r)))) : columns([...balanceFigures(view, withLedger[0]), worstTable(withLedger)]), several ? worstTable(withLedger) : null));
    const diagnostics = withLedger.map((r) => diagnosticFigure(view, r, several)).filter(Boolean);
    if (diagnostics.length) out.push(part("diagnostics", "Diagnostics", null, columns(diagnostics)));
  }
  return out;
}

function particleSections(view, particles, runs) {
  const several = particles.length > 1;
  return [part("particles", "Particles", "The area of a particle is its weight.", columns(particles.map((p) => el("div", { class: "stack" },
    el("div", { class: "screen-only" }, particleFigure(view, several ? p : { ...p, name: "" }, runs)), printedParticles(p, runs)))),
    particles.map((p) => el("div", {}, several ? el("h3", {}, p.name) : null, particleLedger(view, p))))];
}

function comparisons(compare, view) {
  return part("comparisons", "Particles against the density",
    `Beside every distance stands what N independent samples of the density would give. Shaded: within a factor ${LIMIT} of it, where more particles help and a better method does not.`,
    compare.map((c) => compareArticle(view, c, compare.length > 1)));
}

function caseSection(sources) {
  const texts = sources.map((s) => s.data.attributes.case || "");
  return part("case", sources.length > 1 ? "Cases" : "The case", sources.length > 1 ? "After overrides of the command line; lines that are not in every case are marked." : "After overrides of the command line.",
    columns(sources.map((s, i) => el("div", {}, sources.length > 1 ? el("h3", {}, s.name) : null, texts[i] ? codeBlock(texts[i], "Copy the case", `Case file of ${s.name}`, texts.filter((_, k) => k !== i)) : null, facts(s.data.attributes)))));
}

function badgesOf(d) {
  return [d.run && statusBadge(d.run), d.particles && !d.run && statusBadge(d.particles), d.study && verdictBadge(d.study.attributes), d.rows && verdictBadge({})].filter(Boolean);
}

function header(all) {
  const single = all.length === 1 ? all[0] : null;
  return [el("h1", {}, single ? single.path : `${all.length} results side by side`),
    el("div", { class: "badges" }, single ? badgesOf(single) : all.map((d) => el("span", { class: "small named" }, d.name, " ", badgesOf(d))))];
}

function problems(sources) {
  return sources.map(({ data, name }) => {
    const sentence = statusSentence(data);
    return sentence ? el("p", { class: `notice ${/^failed/.test(data.attributes.status) ? "bad" : ""}` }, sources.length > 1 ? `${name}: ` : "", sentence) : null;
  });
}

function build(page) {
  const all = page.directories;
  shortNames(all.map((d) => d.path)).forEach((name, i) => { all[i].name = name; });
  const of = (kind) => all.filter((d) => d[kind]).map((d) => ({ name: d.name, data: d[kind] }));
  const [runs, particles, compare, studies, rows] = ["run", "particles", "compare", "study", "rows"].map(of);
  runs.forEach((r) => readRun(r.data));
  particles.forEach((p) => readParticles(p.data));
  studies.forEach((s) => readStudy(s.data));
  const moving = runs.filter((r) => r.data.time.length), main = document.getElementById("page");
  const equations = moving.map((r) => [r, equation(r.data.case, page.formulas)]).filter(([, e]) => e);
  add(main, [header(all), problems([...runs, ...particles])]);
  if (moving.length === 1) add(main, [equations.length ? equations[0][1] : null, runTiles(moving[0].data)]);
  if (!moving.length && particles.length === 1) add(main, [equation(particles[0].data.case, page.formulas), particleTiles(particles[0].data)]);
  if (moving.length > 1) main.append(part("runs", "Runs", null, columns(equations.map(([r, e]) => el("div", {}, el("h3", {}, r.name), e))), runSummary(moving)));
  if (moving.length || particles.length) {
    const view = new View(moving, particles), wrapper = el("div", { id: "moving" });
    if (view.player.times.length > 1) wrapper.append(timeBar(view.player));
    add(wrapper, [moving.length ? runSections(view, moving, page.formulas) : null, particles.length ? particleSections(view, particles, moving) : null]);
    main.append(wrapper);
    if (compare.length) wrapper.append(comparisons(compare, view));
  } else if (compare.length) main.append(comparisons(compare, null));
  if (studies.length || rows.length)
    main.append(part("studies", studies.length + rows.length > 1 ? "Studies" : "Study", null, studies.length > 1 ? studySummary(studies) : null,
      studies.map((s) => { const a = studyArticle(s, all.length === 1); a.id = anchor(s.name); return a; }), rows.map(unfinishedStudy)));
  if (runs.length || particles.length) main.append(caseSection([...runs, ...particles]));
  finish(page, all);
}

function finish(page, all) {
  document.title = all.length === 1 ? `${all[0].name} – mudot report` : `${all.map((d) => d.name).join(", ")} – mudot report`;
  document.getElementById("contents").append(el("ul", {}, [...document.querySelectorAll("main section")].map((s) =>
    el("li", {}, el("a", { href: `#${s.id}` }, s.querySelector("h2").textContent)))));
  document.getElementById("foot").append(el("p", {}, `Made by mudot ${page.mudot_version} on ${when(page.created)}. The page holds everything it shows and loads nothing.`));
}

function themes() {
  const button = document.getElementById("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const apply = () => {
    const theme = chosen || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to the ${theme === "dark" ? "light" : "dark"} colours`);
    for (const figure of redraws) if (figure.paint && figure.canvas) figure.paint();
  };
  button.addEventListener("click", () => { chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; apply(); });
  dark.addEventListener("change", apply);
  apply();
}

themes();
build(JSON.parse(document.getElementById("data").textContent));
