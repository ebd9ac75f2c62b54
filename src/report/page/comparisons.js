/* Particles against a density, and tables of files. */

function csvTable(data, label) {
  return dataTable({ head: data.header.map((h) => words(String(h ?? ""))), rows: data.rows.map((r) => data.header.map((_, k) => (r[k] === undefined ? "" : r[k] === null ? NaN : r[k]))) }, label);
}

const LIMIT = 2; /* a distance within this factor of what samples give is theirs */

/* Distances with what N independent samples of the density would give: columns NAME, NAME_expected, NAME_sd. */
function readComparison(data) {
  const at = (name) => data.header.indexOf(name), column = (name) => data.rows.map((r) => (typeof r[at(name)] === "number" ? r[at(name)] : NaN));
  const names = data.header.filter((h) => at(`${h}_expected`) >= 0);
  return { t: column("t"), particles: column("particles"), metrics: names.map((name) => ({ name: words(name),
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
