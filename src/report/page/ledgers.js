/* Ledgers: energy, decay, balance, diagnostics. */

const NAMES = {
  t: "time t", energy: "energy F", dissipation_primal: "primal R(μ, dμ/dt)", dissipation_dual: "dual R*(μ, −DF)",
  dissipated: "∫ (R + R*) dt", balance_defect: "balance defect F + ∫(R + R*) − F(0)", mass: "mass", mass_drift: "mass drift, relative", min_density: "smallest density",
  integral_primal: "∫ R dt", integral_dual: "∫ R* dt", mmd2: "MMD² to the target", ess: "effective sample size 1/Σw²",
  weight_min: "smallest weight", weight_max: "largest weight", simplex_residual: "residual of the weight step",
};
const nameOf = (column) => NAMES[column] || (column.startsWith("energy_") ? `${words(column.slice(7))} term` : words(column));
const CORE = ["t", "dt", "energy", "dissipation_primal", "dissipation_dual", "dissipated", "balance_defect", "mass", "mass_drift", "min_density", "integral_primal", "integral_dual"];
const isDiagnostic = (column) => !CORE.includes(column) && !column.startsWith("energy_");

/* Value of a ledger column at a time. */
function ledgerAt(ledger, column, t) {
  const c = ledger.columns[column];
  return c ? c.values[indexAt(ledger.t, t)] : NaN;
}

function nowValues(view) {
  const rows = ["energy", "dissipation_primal", "dissipation_dual", "balance_defect", "mass_drift", "min_density"];
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

/* Two curves that lie on each other: a broad one, and points on it. */
const together = (one, other) => [{ ...one, colour: 1, width: 7, faint: true }, { ...other, colour: 2, width: 1.2, mark: 0, sparse: 14, open: () => true }];

const column = (ledger, name) => ledger.columns[name].values;

/* How the numbers of a column are made, or what they are. */
function columnNote(ledger, name) {
  const { method, long_name: meaning } = ledger.columns[name].notes || {};
  return prose(method || meaning || "");
}
const hasNegative = (list) => list.some((v) => v < 0);
const absolute = (list, sign) => list.map((v) => (sign * v > 0 ? sign * v : NaN));

/* Size on a logarithmic axis, the sign as colour. */
function signedSeries(x, values, names = ["positive", "negative"]) {
  const out = [];
  if (values.some((v) => v > 0)) out.push({ name: names[0], x, y: absolute(values, 1), colour: 1 });
  if (values.some((v) => v < 0)) out.push({ name: names[1], x, y: absolute(values, -1), colour: 2, dash: "6 3" });
  return out.length ? out : [{ name: "", x, y: values, colour: 1 }];
}

/* Whether a study on the page says the rates: then nothing else does. */
let ratesByStudy = false;

/* What the run says is known of the decay: a sentence, and c of F(t) <= e^(-ct) F(0) or NaN. Runs say nothing
   where nothing is known. */
function knownDecay({ theorem, theorem_rate: rate }) {
  return theorem ? { sentence: theorem, rate: rate ? Number(rate) : NaN } : null;
}

function energyFigures(view, source, several) {
  const { ledger, attributes } = source.data, t = ledger.t, energy = column(ledger, "energy");
  const terms = Object.keys(ledger.columns).filter((c) => c.startsWith("energy_"));
  const series = [{ name: "energy F", x: t, y: energy, colour: 1, width: 2.3 }];
  if (terms.length > 1) terms.forEach((c, i) => series.push({ name: nameOf(c), x: t, y: column(ledger, c), colour: i + 3, dash: DASHES[i + 1] }));
  const negative = hasNegative(energy), decay = negative || ratesByStudy ? null : ledger.decay, known = knownDecay(attributes);
  if (decay) series.push({ name: `fit e^(−${plain(decay.rate, 4)} t)`, x: [decay.from, decay.to],
    y: [decay.from, decay.to].map((s) => Math.exp(decay.log_factor - decay.rate * s)), colour: 2, dash: "2 4", width: 3, mark: 2 });
  if (known && known.rate > 0 && !negative) series.push({ name: `known e^(−${plain(known.rate, 4)} t) F(0)`, x: t, y: t.map((s) => energy[0] * Math.exp(-known.rate * s)), colour: 7, dash: "9 4 2 4", width: 1.4, reference: true });
  const { moments } = source.data;
  if (moments && moments.energy) series.push({ name: "reference, with its error", x: source.data.time, y: moments.energy, bars: moments.energy_error, line: false, mark: 0, open: () => true, colour: 3 });
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
  const series = together({ name: "−d log F/dt", x: middle, y: rate }, { name: "(R + R*)/F", x: middle, y: balance });
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
  else if (ratesByStudy) out.push("The rate is that of the study. ");
  else out.push("No decay rate is fitted: the energy changes its sign, or has too few values above rounding. ");
  if (known) out.push("Known: ", prose(known.sentence), known.rate > 0 ? ["; here the rate is ", html(known.rate, 5)] : null, ".");
  return el("p", { class: "small" }, name ? el("b", {}, `${name}. `) : null, out);
}

/* The errors of a reference's snapshots: a figure per norm, and its numbers with theirs. */
const normName = (n) => (/^[a-z]\d$/.test(n) ? n[0].toUpperCase() + (n[0] === "l" ? "⁰¹²³" : "₀₁₂₃")[Number(n[1])] : n[0].toUpperCase() + n.slice(1));

/* Norms of densities: the other errors are those of numbers that a reference has as well. */
const normsOf = ({ error, moments }) => Object.keys(error).filter((n) => error[`${n}_space`] && !(moments && moments[n]));

function errorFigures(view, source) {
  const { error, time } = source.data;
  return normsOf(source.data).map((n) => timePlot(view, { title: `Error of the densities, ${normName(n)}`, label: `Error of ${source.name}`,
    series: [{ name: "in all", x: time, y: error[n], colour: 1, mark: time.length < 60 ? 0 : undefined },
      { name: "of the grid", x: time, y: error[`${n}_space`], colour: 2, dash: "6 3" }, { name: "of the time steps", x: time, y: error[`${n}_time`], colour: 3, dash: "2 4" }],
    y: { label: "", log: true, decades: 12 }, empty: "Zero throughout." }).node);
}

function errorLead({ attributes: a, ...error }) {
  return ["The error of every snapshot is at most about ", el("b", {}, html(Math.max(...error[a.norm]), 2)), ` in ${normName(a.norm)}; the accuracy that was asked for, ${plain(Number(a.accuracy), 2)}, is ${a.reached === "true" ? "" : "not "}reached. `,
    a.method ? `From ${a.method}.` : ""];
}

/* value ± error, digits to the second of the error. */
function momentsTable({ moments, time }, name) {
  const names = Object.keys(moments).filter((n) => moments[`${n}_error`]);
  const cell = (n, i) => {
    const size = Math.abs(moments[n][i]), bar = moments[`${n}_error`][i];
    const digits = bar > 0 && size > 0 ? Math.min(15, Math.max(1, Math.ceil(Math.log10(size / bar)) + 1)) : 6;
    return el("span", {}, html(moments[n][i], digits), " ± ", html(bar, 2));
  };
  return wideTables({ caption: "Numbers of the reference", head: ["t", ...names.map(words)], rows: thinned(time.length).map((i) => [time[i], ...names.map((n) => cell(n, i))]) }, `Numbers of ${name}`, 1, 4);
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
  push({ title: "Dissipation potentials", series: together({ name: NAMES.dissipation_primal, x: t, y: c("dissipation_primal") },
    { name: NAMES.dissipation_dual, x: t, y: c("dissipation_dual") }), y: { label: "R, R*", log: true, decades: 18 } });
  figures[0].note(["R = R* along a solution: points on the curve. ", columnNote(ledger, "dissipation_primal")]);
  if (ledger.columns.integral_primal)
    push({ title: "Their integrals", series: [...together({ name: NAMES.integral_primal, x: t, y: c("integral_primal") }, { name: NAMES.integral_dual, x: t, y: c("integral_dual") }),
      { name: "F(0) − F(t)", x: t, y: c("energy").map((v) => c("energy")[0] - v), colour: 3, dash: "9 4" }], y: { label: "energy", zero: true } });
  push({ title: "Balance defect |F + ∫(R + R*) dt − F(0)|", series: signedSeries(t, c("balance_defect")), y: { label: "", log: true, decades: 14 } });
  if (ledger.columns.mass_drift) push({ title: "Mass drift |mass − initial mass| / initial mass", series: signedSeries(t, c("mass_drift")), y: { label: "", log: true, decades: 14 }, empty: "Zero throughout." });
  push({ title: "Smallest density", series: signedSeries(t, c("min_density")), y: { label: "min ρ", log: true, decades: 40 }, empty: "Zero throughout." });
  return figures.map((f) => f.node);
}

const largestSize = (c) => Math.max(Math.abs(c.least), Math.abs(c.most));
/* The largest, relative to the initial mass, as the terminal says it. */
const massDrift = (ledger) => (ledger.columns.mass_drift ? largestSize(ledger.columns.mass_drift) : NaN);
const dissipatedPart = (ledger) => largestSize(ledger.columns.balance_defect) / Math.abs(ledger.columns.dissipated.last);

function worstTable(sources) {
  const rows = [
    ["largest |balance defect|", (l) => largestSize(l.columns.balance_defect)],
    ["the same, over what was dissipated", dissipatedPart],
    ["largest drift of the mass, relative", massDrift],
    ["smallest density", (l) => l.columns.min_density.least],
    ["∫ R dt", (l) => (l.columns.integral_primal || { last: NaN }).last],
    ["∫ R* dt", (l) => (l.columns.integral_dual || { last: NaN }).last],
    ["F(0) − F(T)", (l) => l.columns.energy.first - l.columns.energy.last],
    ["steps", (l) => l.rows - 1],
  ];
  return dataTable({ caption: "Worst values over all steps, and the integrals", head: ["", ...sources.map((s) => (sources.length > 1 ? s.name : "value"))],
    rows: rows.map(([name, f]) => [name, ...sources.map((s) => f(s.data.ledger))]) }, "Worst values");
}

/* Each diagnostic with its formula. */
function diagnosticNote(ledger, names) {
  const formulaOf = (c) => (ledger.columns[c].notes || {}).long_name;
  return names.filter(formulaOf).map((c, i) => {
    const [text, meaning] = splitFormula(formulaOf(c));
    return [i ? "; " : "", nameOf(c), " = ", formula(text), meaning ? `, ${meaning}` : ""];
  });
}

function diagnosticFigure(view, source, several) {
  const { ledger } = source.data;
  const names = Object.keys(ledger.columns).filter(isDiagnostic);
  if (!names.length) return null;
  const series = names.map((c, i) => ({ name: nameOf(c), x: ledger.t, y: column(ledger, c), colour: i + 1, dash: DASHES[i] }));
  const plot = timePlot(view, { title: several ? source.name : names.length === 1 ? nameOf(names[0]) : "Distances to the target", series, legend: true, y: { label: "", log: true, decades: 16 } });
  plot.note(diagnosticNote(ledger, names));
  return switchable(plot, "the diagnostics");
}
