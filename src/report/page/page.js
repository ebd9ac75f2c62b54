/* The page: texts, sections, header, and the start. */

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
  const shown = new Set([...FACTS.map(([k]) => k), "case", "study", "notes", "verdict", "expected_verdict", "type", "vary", "theorem", "theorem_rate", "sentence", "limit"]);
  const rest = Object.keys(attributes).filter((k) => !shown.has(k) && !/^(status_|system_|order|expected)/.test(k));
  const rows = [...FACTS, ...rest.map((k) => [k, words(k)])].filter(([k]) => values[k] !== undefined && values[k] !== "");
  return el("div", { class: "scroll" }, el("table", { class: "facts" }, el("tbody", {}, rows.map(([k, label]) =>
    el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, typeof values[k] === "number" ? html(values[k], 12) : values[k]))))));
}

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
    ["late decay rate", ratesByStudy ? "see the study" : l && l.decay && !(c.energy.least < 0) ? l.decay.rate : null],
    ["largest balance defect", l && c.balance_defect ? largestSize(c.balance_defect) : null],
    ["grid indicator (no error)", a.grid_indicator === undefined ? null : Number(a.grid_indicator)],
    ["mass drift at worst, relative", l ? massDrift(l) : null], ["smallest density", l && c.min_density ? c.min_density.least : null],
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
        !ratesByStudy && l && l.decay && !(c.energy.least < 0) ? l.decay.rate : NaN, c.balance_defect ? largestSize(c.balance_defect) : NaN, l ? massDrift(l) : NaN, c.min_density ? c.min_density.least : NaN];
    }) }, "Runs");
}

/* No wider than a map of the largest height needs. */
function mapWidth(run) {
  if (run.dim === 1) return "none";
  const [width, height] = run.axes.map((a) => a.upper - a.lower);
  return `${Math.max(340, Math.round((MAP_HEIGHT * width) / height) + 70)}px`;
}

function runSections(view, runs) {
  const several = runs.length > 1, named = runs.map((r) => (several ? r : { ...r, label: "" }));
  const withLedger = runs.filter((r) => r.data.ledger && r.data.ledger.columns.energy && r.data.ledger.columns.balance_defect);
  const densities = named.map((r) => {
    const source = { data: r.data, name: several ? r.name : "" };
    return el("div", { style: several ? null : `max-width:${mapWidth(r.data)}` }, el("div", { class: "screen-only" }, r.data.dim === 1 ? lineDensity(view, source) : planeDensity(view, source)), printedFrames(source));
  });
  const out = [part("density", "Density over time", several ? "Every figure shows its last snapshot at or before the time of the slider." : null, view.choices(), several ? [columns(densities), nowValues(view)] : el("div", { class: "beside" }, densities, nowValues(view)))];
  if (withLedger.length) {
    const energies = withLedger.map((r) => energyFigures(view, r, several));
    out.push(part("energy", "Energy and decay", null, several ? energyOverlay(view, withLedger) : null,
      several ? columns(energies.map((e) => el("div", { class: "stack" }, e.node, e.rates))) : columns([energies[0].node, energies[0].rates]),
      withLedger.map((r, i) => decaySentence(several ? r.name : "", energies[i]))));
    out.push(...referencePart(view, runs, several));
    out.push(part("balance", "Energy-dissipation balance",
      ["F(μ(T)) + ∫ [R(μ, dμ/dt) + R*(μ, −DF(μ))] dt = F(μ(0)) holds if and only if μ solves the flow; the defect says how well."],
      several ? columns(withLedger.map((r) => el("div", { class: "stack" }, el("h3", {}, r.name), balanceFigures(view, r)))) : columns([...balanceFigures(view, withLedger[0]), worstTable(withLedger)]), several ? worstTable(withLedger) : null));
    const diagnostics = withLedger.map((r) => diagnosticFigure(view, r, several)).filter(Boolean);
    if (diagnostics.length) out.push(part("diagnostics", "Diagnostics", null, columns(diagnostics)));
  }
  return out;
}

/* What runs of mudot reference say of their own errors. */
function referencePart(view, runs, several) {
  const known = runs.filter((r) => r.data.error && r.data.error.attributes && r.data.error[r.data.error.attributes.norm]);
  if (!known.length) return [];
  return [part("error", "Error of the reference", null, known.map((r) => el("div", {}, several ? el("h3", {}, r.name) : null, el("p", { class: "lead" }, errorLead(r.data.error)),
    columns(errorFigures(view, r)), r.data.moments ? momentsTable(r.data, r.name) : null)))];
}

function particleSections(view, particles, runs) {
  const several = particles.length > 1;
  return [part("particles", "Particles", "The area of a particle is its weight.", columns(particles.map((p) => el("div", { class: "stack" },
    el("div", { class: "screen-only" }, particleFigure(view, several ? p : { ...p, name: "" }, runs)), printedParticles(p, runs)))),
    particles.map((p) => el("div", {}, several ? el("h3", {}, p.name) : null, particleLedger(view, p))))];
}

function comparisons(compare, view) {
  return part("comparisons", "Particles against the density",
    `Beside every distance stands what N independent samples of the density would give. Shaded: within a factor ${SHADED} of it, where more particles help and a better method does not.`,
    compare.map((c) => compareArticle(view, c, compare.length > 1)));
}

function caseSection(sources) {
  const texts = sources.map((s) => s.data.attributes.case || "");
  return part("case", sources.length > 1 ? "Cases" : "The case", sources.length > 1 ? "After overrides of the command line; lines that are not in every case are marked." : "After overrides of the command line.",
    columns(sources.map((s, i) => el("div", {}, sources.length > 1 ? el("h3", {}, s.name) : null, texts[i] ? codeBlock(texts[i], "Copy the case", `Case file of ${s.name}`, texts.filter((_, k) => k !== i)) : null, facts(s.data.attributes)))));
}

function badgesOf(d) {
  return [d.run && statusBadge(d.run), d.particles && !d.run && statusBadge(d.particles), d.compare && limitBadge(d.compare.attributes || {}), d.study && verdictBadge(d.study.attributes), d.rows && verdictBadge({})].filter(Boolean);
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
  const of = (kind) => all.filter((d) => d[kind]).map((d) => ({ name: d.name, data: Object.assign(d[kind], { from: d.name }) }));
  const [runs, particles, compare, studies, rows] = ["run", "particles", "compare", "study", "rows"].map(of);
  ratesByStudy = studies.some((s) => s.data.attributes.type === "rate");
  runs.forEach((r) => readRun(r.data));
  particles.forEach((p) => readParticles(p.data));
  compare.forEach(({ data }) => {
    if (data.reference) readRun(data.reference);
    if (data.cloud) readParticles(data.cloud);
  });
  const clouds = compare.filter((c) => c.data.cloud).map((c) => ({ ...c, data: c.data.cloud }));
  studies.forEach((s) => readStudy(s.data));
  const moving = runs.filter((r) => r.data.time.length), main = document.getElementById("page");
  const equations = moving.map((r) => [r, equation(r.data.case, page.formulas)]).filter(([, e]) => e);
  add(main, [header(all), problems([...runs, ...particles])]);
  if (moving.length === 1) add(main, [equations.length ? equations[0][1] : null, runTiles(moving[0].data)]);
  if (!moving.length && particles.length === 1) add(main, [equation(particles[0].data.case, page.formulas), particleTiles(particles[0].data)]);
  if (moving.length > 1) main.append(part("runs", "Runs", null, columns(equations.map(([r, e]) => el("div", {}, el("h3", {}, r.name), e))), runSummary(moving)));
  if (moving.length || particles.length || clouds.length) {
    const view = new View(moving, [...particles, ...clouds]), wrapper = el("div", { id: "moving" });
    if (view.player.times.length > 1) wrapper.append(timeBar(view.player));
    add(wrapper, [moving.length ? runSections(view, moving) : null, particles.length ? particleSections(view, particles, moving) : null]);
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
