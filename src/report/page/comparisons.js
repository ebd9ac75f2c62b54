/* Particles against a density, and tables of files. */

function csvTable(data, label) {
  return wideTables({ head: data.header.map((h) => words(String(h ?? ""))), rows: data.rows.map((r) => data.header.map((_, k) => (r[k] === undefined ? "" : r[k] === null ? NaN : r[k]))) }, label);
}

const SHADED = 2; /* the factor of what samples give that is shaded */
const LIMITED = 5; /* more standard deviations than that are not chance: as the program says it */

/* Distances with what N independent samples of the density would give: columns NAME, NAME_expected, NAME_sd. */
function readComparison(data) {
  const at = (name) => data.header.indexOf(name), column = (name) => data.rows.map((r) => (typeof r[at(name)] === "number" ? r[at(name)] : NaN));
  const names = data.header.filter((h) => at(`${h}_expected`) >= 0);
  return { t: column("t"), particles: column("particles"), metrics: names.map((name) => ({ name: words(name),
    value: column(name), expected: column(`${name}_expected`), deviation: column(`${name}_sd`) })) };
}

function comparedRow(m, k) {
  const ratio = m.value[k] / m.expected[k], score = (m.value[k] - m.expected[k]) / m.deviation[k];
  const verdict = !Number.isFinite(ratio) ? "" : score <= LIMITED ? el("span", { class: "badge good" }, "✓ sampling") : el("span", { class: "badge open" }, "the method");
  return [m.name, m.value[k], m.expected[k], m.deviation[k], ratio, verdict];
}

/* What the program said limits the distances. */
function limitBadge({ limit }) {
  return limit === "sampling" ? el("span", { class: "badge good" }, "✓ as samples") : limit ? el("span", { class: "badge open" }, "the method limits") : null;
}

/* The particles over the density that they were compared with. */
function comparedParticles(view, { data, name }) {
  const reference = data.reference ? [{ data: data.reference, name: "" }] : [];
  return data.cloud ? el("div", { class: "screen-only", style: data.cloud.axes === 2 ? "max-width:46rem" : null }, particleFigure(view, { data: data.cloud, name }, reference)) : null;
}

function compareArticle(view, compared, several) {
  const { data, name } = compared;
  const c = readComparison(data), last = c.t.length - 1, attributes = data.attributes || {};
  const head = [several ? el("h3", {}, name) : null, several ? limitBadge(attributes) : null, attributes.sentence ? el("p", {}, el("b", {}, attributes.sentence)) : null];
  if (!c.metrics.length || last < 0) return el("article", {}, head, csvTable(data, "Comparison"));
  const make = (spec) => (view ? timePlot(view, spec) : new Plot({ x: { label: "time t" }, ...spec })).node;
  const series = c.metrics.map((m, i) => ({ name: m.name, x: c.t, y: m.value.map((v, k) => v / m.expected[k]), colour: i + 1, dash: DASHES[i % DASHES.length], mark: c.t.length < 30 ? i : undefined }));
  const ratios = make({ title: "Distance over what N samples give", series, legend: true, height: 340, shade: { low: 1 / SHADED, high: SHADED }, y: { label: "value / expected", log: true } });
  const each = c.metrics.map((m) => make({ title: m.name, height: 210, series: [{ name: "particles", x: c.t, y: m.value, colour: 1, width: 2.3 }, { name: "expected of N samples", x: c.t, y: m.expected, colour: 2, dash: "7 4" }], y: { label: "", log: true } }));
  return el("article", {}, head, view ? comparedParticles(view, { data, name: several ? name : "" }) : null,
    el("div", { class: "stack" }, dataTable({ caption: `At t = ${plain(c.t[last])}, N = ${plain(c.particles[last], 7)}`, head: ["distance", "value", "expected of N samples", "standard deviation", "ratio", "what limits"], rows: c.metrics.map((m) => comparedRow(m, last)) }, "Comparison"),
      c.t.length > 1 ? ratios : null), c.t.length > 1 ? el("div", { class: "columns" }, each) : null, facts(attributes),
    el("details", {}, el("summary", {}, "All times"), csvTable(data, "Comparison at all times")));
}
