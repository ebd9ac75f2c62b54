/* Particles over time. */

/* What makes two cases the same flow. */
const flowOf = (data) => JSON.stringify(["target", "initial", "energy", "geometry", "kernel"].map((block) => (data.case || {})[block]));

/* The run whose density the particles follow: that of their directory, that of their flow, or the only one of their
   dimension. Beside several others they are drawn by themselves. */
function sourceBeside(p, runs) {
  const alike = runs.filter((r) => r.data.dim === p.axes && p.dimension === p.axes), same = alike.filter((r) => flowOf(r.data) === flowOf(p));
  return alike.find((r) => r.data.from && r.data.from === p.from) || (same.length === 1 ? same[0] : alike.length === 1 ? alike[0] : null);
}

const runBeside = (p, runs) => (sourceBeside(p, runs) || {}).data;

function besideNote(p, runs) {
  const source = sourceBeside(p, runs);
  if (runs.length < 2 || p.dimension !== p.axes) return "";
  return source ? `The density is that of ${source.name}.` : "None of the runs is the flow of these particles, which are drawn by themselves.";
}

const densityAt = (p, runs, t) => { const run = runBeside(p, runs); return run.frames[indexAt(run.time, t)]; };

function particleFigure(view, { data: p, name }, runs) {
  const at = () => indexAt(p.time, view.player.time);
  const note = [p.dimension > 2 ? `The first two of ${p.dimension} coordinates.` : "",
    p.shown < p.particles ? `Shown: ${p.shown} of ${p.particles} particles${p.axes === 1 ? " as marks; the histogram has all of them" : ""}.` : "",
    p.every > 1 ? `Every ${ordinal(p.every)} time.` : "", besideNote(p, runs)].filter(Boolean).join(" ");
  const figure = p.axes === 1 ? rug(view, p, name, runs) : new Scatter({
    title: "", label: `Particles of ${name}`, extent: p.extent, axes: ["x", "y"], run: runBeside(p, runs), density: () => densityAt(p, runs, view.player.time), frame: () => p.frames[at()],
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
    : new Scatter({ title: title(k), still: true, width: 230, extent: p.extent, run: runBeside(p, runs), density: () => densityAt(p, runs, p.time[k]), frame: () => p.frames[k] })).node)));
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
    plot.note(columnNote(ledger, c));
    return plot.node;
  });
  return [el("div", { class: "columns" }, figures), constant.length ? el("p", { class: "small soft" }, `Constant: ${constant.join("; ")}.`) : null];
}
