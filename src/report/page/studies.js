/* Studies: errors, bounds, rows, verdicts. */

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
  const floors = study.rows.floor || [];
  return /l1$/.test(name) && floors.length ? floors[floors.length - 1] : NaN;
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
  plot.note(Number.isFinite(floor) && floor > 0 ? "Lines: fitted slopes. Shaded: from the floor, what grid and step make of the last error, to 3 times it; hollow points are left out of the fit." : "Lines: fitted slopes. Hollow points are left out of the fit.");
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
  if (study.attributes.type === "gamma" && study.curves[name][count]) series.push({ name: "limit", x: t, y: study.curves[name][count], colour: 2, width: 2.4, dash: "1 3" });
  return new Plot({ title, series, legend: true, x: { label: "time t" }, y: { label: yLabel, log: true, decades: 14, ...extra } }).node;
}

/* What falls, beside its bound: the energy or what stands in its place, the distance of two solutions. */
function envelopeFigure(study) {
  const curve = study.curves.observed || study.curves.distance || study.curves.energy;
  if (!curve || !study.curves.bound) return null;
  const distance = !study.curves.observed && study.curves.distance;
  const t = study.curves.t, series = [];
  for (let r = 0; r < study.count; ++r) {
    if (!done(study, r)) continue;
    const energy = curve[r], at = `${valueName(study, r)}: rate ${plain((distance ? study.rows.observed : study.rows.rate)[r])}, constant ${plain(study.rows.constant[r])}`;
    series.push({ name: at, x: t, y: energy.map((v) => v / energy[0]), colour: r + 1, width: 2.2 },
      { name: r ? "" : "the bound e^(−ct)", x: t, y: study.curves.bound[r].map((v) => v / energy[0]), colour: "var(--ink)", dash: "5 4", width: 1.3 });
  }
  const plot = new Plot({ title: distance ? "Distance of the two solutions and its bound" : "Energy and its bound", series, legend: true, height: 360, x: { label: "time t" }, y: { label: distance ? "d(t)/d(0)" : "F(t)/F(0)", log: true, decades: 14 } });
  plot.note("Dashed: the bound e^(−ct), c the constant.");
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
  const errors = Object.keys(rows).filter((n) => (/error/.test(n) || (n === "distance" && attributes.type === "equivalence")) && n !== "initial_energy_error" && rows[n].some((v) => v > 0));
  const order = Object.keys(ERRORS);
  errors.sort((a, b) => (order.indexOf(a) + 99) % 99 - (order.indexOf(b) + 99) % 99);
  if (attributes.type === "balance") return balanceStudy(study);
  if (["rate", "contraction"].includes(attributes.type)) return [envelopeFigure(study)];
  const density = errors.filter((n) => /density/.test(n) || attributes.type === "order"), rest = errors.filter((n) => !density.includes(n));
  return [density.length ? errorFigure(study, density, "Errors of the density") : null,
    rest.length ? errorFigure(study, rest, attributes.type === "gamma" ? "Errors of energy and dissipation" : "Errors") : null,
    attributes.type === "gamma" ? curvesOf(study, "dissipation_primal", "Primal potential R over time", "R") : null,
    attributes.type === "gamma" ? curvesOf(study, "dissipation_dual", "Dual potential R* over time", "R*") : null,
    attributes.type === "gamma" ? curvesOf(study, "density_error_l1", "Distance to the limit over time", "L¹") : null,
    attributes.type === "order" ? curvesOf(study, "error_l1", "Error over time", "L¹") : null];
}

function studyTable(study) {
  const { rows, attributes } = study;
  const names = Object.keys(rows).filter((n) => !["system_index", "used_in_fit"].includes(n) && rows[n].some(Number.isFinite));
  const fixed = ["value", "second_value", ...Object.keys(ERRORS), "rate", "rate_stderr", "constant", "floor"];
  names.sort((a, b) => (fixed.indexOf(a) + 99) % 99 - (fixed.indexOf(b) + 99) % 99);
  const systems = rows.system_index && attributes.type === "balance";
  const list = [...Array(study.count).keys()];
  const used = (r) => !rows.used_in_fit || rows.used_in_fit[r] !== 0;
  const remark = (r) => (done(study, r) ? (!rows.used_in_fit ? "done" : used(r) ? "in the fit" : rows.floor && rows.value && attributes.type !== "rate" ? "near the floor: not in the fit" : "not in the fit") : attributes[`status_${String(r).padStart(4, "0")}`]);
  return wideTables({ caption: "All rows",
    head: [...(systems ? ["system"] : []), "remark", ...names.map((n) => (n === "value" ? words(attributes.vary || "value") : ERRORS[n] || words(n)))],
    rows: list.map((r) => [...(systems ? [systemName(study, r)] : []), remark(r), ...names.map((n) => (/^rate/.test(n) ? plainRate(rows[n][r], n) : rows[n][r]))]),
    classes: list.map((r) => (used(r) ? null : "unused")) }, "Rows of the study", systems ? 3 : 2);
}

/* The rate with as many digits everywhere. */
const plainRate = (value, name = "rate") => el("span", { class: "n" }, html(value, name === "rate" ? 4 : 2));

/* The number that the terminal prints: of a rate that of the fit, else that of the claim. */
function headline(a) {
  return Number.isFinite(a.order_rate ?? NaN) ? [a.order_rate, a.order_stderr_rate] : [a.order ?? NaN, a.order_stderr ?? NaN];
}

function observed(study) {
  const { expected, type } = study.attributes, [order, error] = headline(study.attributes);
  const row = type === "rate" && study.count > 1 ? (study.rows.rate || []).indexOf(order) : -1;
  if (!Number.isFinite(order ?? NaN)) return null;
  const what = { rate: "rate", contraction: "rate", inequality: "constant" }[type] || "order";
  return el("p", {}, `Observed ${what}${row >= 0 ? ` at ${valueName(study, row)}` : ""} `, el("b", {}, html(order, 4)), Number.isFinite(error ?? NaN) ? [" ± ", html(error, 2)] : null,
    Number.isFinite(expected ?? NaN) ? [["rate", "contraction"].includes(type) ? "; the theorem’s constant is " : "; expected ", html(expected, 4)] : null, ".");
}

const TYPES = { gamma: "evolutionary Γ-convergence", order: "order of convergence", rate: "decay of the energy against a theorem", balance: "energy-dissipation balance", particles: "particles against the grid",
  contraction: "contraction of two solutions", equivalence: "two systems, one trajectory", curve: "liminf and recovery along a prescribed curve", inequality: "search for a sharp constant" };

function studyArticle({ data: study, name }, alone) {
  const { attributes } = study;
  const notes = (attributes.notes || "").split("\n").filter(Boolean);
  return el("article", { class: "study" }, alone ? null : el("h3", {}, name),
    el("div", { class: "badges" }, alone ? null : verdictBadge(attributes), el("span", { class: "soft small" }, `${TYPES[attributes.type] || attributes.type || "study"}; ${words(attributes.vary || "")}`)),
    observed(study), notes.length ? el("ul", { class: "small" }, notes.map((n) => el("li", {}, prose(n)))) : null,
    el("div", { class: "columns wide" }, studyFigures(study).filter(Boolean)), studyTable(study),
    codeBlock(attributes.study || attributes.case || "", "Copy the study", `Study file of ${name}`), facts(attributes));
}

function unfinishedStudy({ data, name }) {
  return el("article", {}, el("h3", {}, name), el("div", { class: "badges" }, verdictBadge({})),
    el("p", { class: "small" }, "The study is not finished: these are the rows that it has."), csvTable(data, "Rows"), data.text ? codeBlock(data.text, "Copy the study", `Study file of ${name}`) : null);
}

function studySummary(studies) {
  return dataTable({ caption: "Verdicts", head: ["study", "type", "expected", "observed", "standard error", "verdict"],
    rows: studies.map(({ data: { attributes: a }, name }) => [el("a", { href: `#${anchor(name)}` }, name), TYPES[a.type] || a.type || "", a.expected ?? NaN, ...headline(a), verdictBadge(a)]) }, "Verdicts");
}
