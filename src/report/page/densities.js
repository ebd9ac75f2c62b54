/* Densities over time. */

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
  const plot = new Plot({ title: "", label: `Density of ${name}`, series, x: { label: run.axes[0].label, domain: [run.axes[0].lower, run.axes[0].upper] }, y });
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
      series, x: { label: run.axes[0].label, domain: [run.axes[0].lower, run.axes[0].upper] }, y: { label: "density", zero: true } }).node);
  }
  const maps = chosen.map((k) => new HeatMap({ title: [el("span", {}, el("var", {}, "t"), " = ", ...html(run.time[k])), el("span", { class: "soft" }, "up to ", ...html(run.peaks[k], 3))], still: true, width: 210, axes: run.axes, block: run.block,
    mask: run.inside, target: run.targetValues, frame: () => run.frames[k], range: () => run.peaks[k], log: () => false }).node);
  return el("div", { class: "print-only" }, el("p", { class: "small" }, `${name ? `${name}: density` : "Density"} at ${chosen.length} times, each from 0 to its own largest value.`), el("div", { class: "print-only frames" }, maps));
}
