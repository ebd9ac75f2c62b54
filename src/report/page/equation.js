/* The equation of a flow, from the case and the formulas of the tables. */

/* Weighted formulas as one sum, and what their letters mean. */
function weightedSum(list, table) {
  const where = new Set();
  const shown = list.map(({ name, weight }, i) => {
    const [text, meaning] = splitFormula(table[name]);
    if (meaning) where.add(meaning);
    const negative = text.startsWith("-");
    const body = formula(negative ? text.slice(1) : text);
    const sign = negative !== weight < 0 ? (i ? " − " : "−") : i ? " + " : "";
    const factor = Math.abs(weight) === 1 ? [] : [...html(Math.abs(weight)), " "];
    const bracket = factor.length && /[+-]/.test(text.slice(1).replace(/\([^()]*\)/g, "")) && !/^1\/2|^int/.test(text);
    return [sign, factor, factor.length && /^\d/.test(text) ? "· " : "", bracket ? "(" : "", body, bracket ? ")" : ""];
  });
  return { shown, where: [...where] };
}

/* "bandwidth = 0.3, exponent = 2", of nested blocks too. */
function settingsText(settings) {
  return Object.entries(settings).map(([k, v]) => (typeof v === "object" ? `${words(k)} (${settingsText(v)})` : `${words(k)} = ${v}`)).join(", ");
}

/* The kernels, the parameters of the summands and those that stand in their block for all of them. */
function remarks(blocks, formulas, kinds) {
  const out = Object.keys(blocks).filter((k) => /kernel$/.test(k) && blocks[k].type).map((k) => {
    const { type, ...rest } = blocks[k], shape = (formulas.kernel || {})[type];
    return [`${words(k)} ${type}`, shape ? [" (", formula(shape), ")"] : null, Object.keys(rest).length ? `: ${settingsText(rest)}` : ""];
  });
  for (const [block, list] of Object.entries(kinds)) {
    for (const { name, settings } of list) if (Object.keys(settings).length) out.push(`${words(name)}: ${settingsText(settings)}`);
    for (const [key, value] of Object.entries(blocks[block])) {
      if (value === "true") out.push(words(key));
      else if (formulas[block][key] === undefined && value !== "false") out.push(`${words(key)} = ${value}`);
    }
  }
  return out.flatMap((remark, i) => [i ? "; " : "", remark]);
}

/* dmu/dt = -K(mu) DF(mu) with K and F of the case written out; null if it has none. */
function equation(blocks, formulas) {
  if (!formulas.geometry || !formulas.energy) return null;
  const parts = summands(blocks.geometry, formulas.geometry), terms = summands(blocks.energy, formulas.energy);
  if (!parts.length || !terms.length) return null;
  const v = (t) => el("var", {}, t), names = (list) => el("span", { class: "where" }, `  ${list.map((p) => words(p.name)).join(" + ")}`);
  const geometry = weightedSum(parts, formulas.geometry), energy = weightedSum(terms, formulas.energy);
  const where = [...geometry.where, ...energy.where].map((t) => el("span", {}, formula(t), "; "));
  const rest = remarks(blocks, formulas, { geometry: parts, energy: terms });
  return el("div", { class: "formula" },
    el("p", {}, "d", v("μ"), "/d", v("t"), " = −", v("K"), "(", v("μ"), ") D", v("F"), "(", v("μ"), ")"),
    el("p", {}, v("K"), "(", v("μ"), ") ", v("ξ"), " = ", geometry.shown, names(parts)),
    el("p", {}, v("F"), "(", v("μ"), ") = ", energy.shown, names(terms)),
    where.length || rest.length ? el("p", { class: "where" }, where.length ? "where " : "", where, rest) : null);
}
