/* Densities and clouds in the plane: heat maps with contours, particles as discs. */

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
    drawAxes(this.root, box, { x: { label: still ? "" : ax.label }, y: { label: still ? "" : ay.label }, xScale, yScale });
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

/* A cloud in the plane; the radius of a particle is the root of its weight. spec: title, extent,
   axes (names), frame() -> Float32Array [n][3], run and density() -> a frame of it, or neither, still. */
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
    this.lines = svg("g");
    root.append(this.lines);
    const ratio = 2;
    this.canvas = el("canvas", { width: Math.round(box.width * ratio), height: Math.round(box.height * ratio), class: "smooth" });
    const percent = (a, b) => `${((100 * a) / b).toFixed(3)}%`;
    this.canvas.style.cssText = `left:${percent(box.left, width)};top:${percent(box.top, box.total)};width:${percent(box.width, width)};height:${percent(box.height, box.total)}`;
    this.host.replaceChildren(root, this.canvas);
    this.legend.hidden = !run || this.spec.still;
    this.legend.replaceChildren(el("li", {}, svg("svg", { viewBox: "0 0 28 12", "aria-hidden": "true" }, svg("path", { class: "curve", d: "M1 6H27", style: "stroke:var(--s2)" })), "10, 50 and 90 % of the density’s mass"));
    this.paint();
  }
  drawDensity(run, field) {
    const { left, top, width, height } = this.box, [cx, cy] = run.centres;
    const between = (c, i) => c[Math.floor(i)] + (i % 1) * ((c[Math.floor(i) + 1] ?? 0) - c[Math.floor(i)]);
    const place = (i, j) => [left + this.xScale(between(cx, i)) * width, top + (1 - this.yScale(between(cy, j))) * height];
    this.lines.replaceChildren(...massLevels(field, [0.9, 0.5, 0.1]).map((level) =>
      svg("path", { class: "curve", style: "stroke:var(--s2);stroke-width:1.5", d: contour(field, cx.length, cy.length, level, place) })));
  }
  describe() {
    return `${this.spec.label || this.caption.textContent}: particles in the plane. Their moments are in the table below.`;
  }
  paint() {
    if (!this.canvas) return;
    if (this.spec.run) this.drawDensity(this.spec.run, this.spec.density());
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
