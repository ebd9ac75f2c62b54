/* What is in a directory: cases, ledgers, densities, particles and their moments. */

/* A value of a case: text, or what {a: 1, b: {c: 2}} and [{a: 1}, {a: 2}] stand for. */
function parseValue(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^{}[\],:"\s][^{}[\],:"]*/g) || [];
  const entries = (end, read) => {
    for (let t = tokens.shift(); t !== undefined && t !== end; t = tokens.shift()) if (t !== ",") read(t);
  };
  const value = (t = "") => {
    if (t !== "[" && t !== "{") return t.replace(/^"|"$/g, "").trim();
    const list = [], map = {};
    if (t === "[") entries("]", (item) => list.push(value(item)));
    else entries("}", (name) => { tokens.shift(); map[name.trim()] = value(tokens.shift()); });
    return t === "[" ? list : map;
  };
  return /^[{[]/.test(text) ? value(tokens.shift()) : text.replace(/^"|"$/g, "");
}

/* The blocks of a case as the program writes them: block -> key -> value. */
function parseCase(text) {
  const blocks = {};
  let block = null;
  for (const line of (text || "").split("\n")) {
    const head = /^(\w+):\s*$/.exec(line), entry = /^ {2}(\w+):\s*(.*)$/.exec(line);
    if (head) block = blocks[head[1]] = blocks[head[1]] || {};
    else if (entry && block) block[entry[1]] = parseValue(entry[2]);
  }
  return blocks;
}

/* {name, weight, settings} of every summand of a block, in the order of the case; other keys of the block are
   not in `known`. */
function summands(block, known) {
  return Object.entries(block || {}).filter(([name]) => known[name] !== undefined).flatMap(([name, value]) => [value].flat()
    .map((v) => (typeof v === "object" ? v : { weight: v })).map(({ weight, ...settings }) => ({ name, weight: weight === "" ? 0 : Number(weight ?? 1), settings })))
    .filter(({ weight }) => weight !== 0 && Number.isFinite(weight));
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

/* Codes of 16 bits: 10^((k/65534 − 1) 12) of the largest value, 0 for less, 65535 outside. */
function decoded(run, size) {
  const raw = bytes(run.codes), out = new Float32Array(raw.length / 2), table = new Float32Array(65536);
  for (let k = 1; k < 65535; ++k) table[k] = 10 ** (12 * (k / 65534 - 1));
  table[65535] = NaN;
  for (let i = 0; i < out.length; ++i) out[i] = run.peaks[Math.floor(i / size)] * table[raw[2 * i] + 256 * raw[2 * i + 1]];
  return out;
}

/* What a reference knows of itself: a number per snapshot each, and attributes; or null. */
function readSeries(group) {
  if (!group) return null;
  const { attributes, ...series } = group;
  return { attributes, ...Object.fromEntries(Object.entries(series).map(([name, values]) => [name, numbers(values)])) };
}

function readRun(run) {
  const size = run.axes.reduce((n, a) => n * a.shown, 1);
  const all = run.codes ? decoded(run, size) : floats(run.density);
  run.frames = numbers(run.time).map((_, k) => all.subarray(k * size, (k + 1) * size));
  run.time = numbers(run.time);
  run.targetValues = run.target ? floats(run.target) : null;
  run.inside = run.mask ? bytes(run.mask) : null;
  run.ledger = readLedger(run);
  run.error = readSeries(run.error);
  run.moments = readSeries(run.moments);
  run.case = parseCase(run.attributes.case);
  const labels = [(run.case.grid || {}).labels || []].flat();
  run.axes.forEach((a, k) => { a.label = labels[k] || "xy"[k]; });
  run.peaks = run.frames.map(largest);
  run.centres = run.axes.map((a) => {
    const width = (a.upper - a.lower) / a.cells;
    return Array.from({ length: a.shown }, (_, i) => {
      const last = Math.min((i + 1) * run.block, a.cells);
      return a.lower + 0.5 * (i * run.block + last) * width;
    });
  });
  delete run.density;
  delete run.codes;
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
  p.case = parseCase((p.attributes || {}).case);
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
