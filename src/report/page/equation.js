/* The equation of a flow, and what is known of its decay. */

function equation(blocks, formulas) {
  const parts = weights(blocks.geometry, formulas.geometry || {}), terms = weights(blocks.energy, formulas.energy || {});
  if (!parts.length || !terms.length) return null;
  const v = (t) => el("var", {}, t);
  const sum = (list, table) => {
    const where = [];
    const shown = list.map(({ name, weight }, i) => {
      const [text, meaning] = splitFormula(table[name]);
      if (meaning && !where.includes(meaning)) where.push(meaning);
      const negative = text.startsWith("-");
      const body = formula(negative ? text.slice(1) : text);
      const sign = negative !== weight < 0 ? (i ? " − " : "−") : i ? " + " : "";
      const factor = Math.abs(weight) === 1 ? [] : [...html(Math.abs(weight)), " "];
      const bracket = factor.length && /[+-]/.test(text.slice(1).replace(/\([^()]*\)/g, "")) && !/^1\/2|^int/.test(text);
      return [sign, factor, factor.length && /^\d/.test(text) ? "· " : "", bracket ? "(" : "", body, bracket ? ")" : ""];
    });
    return [shown, where];
  };
  const [geometry, geometryWhere] = sum(parts, formulas.geometry), [energy, energyWhere] = sum(terms, formulas.energy);
  const where = [...geometryWhere, ...energyWhere].map((t) => el("span", {}, formula(t), "; "));
  const kernels = ["kernel", "geometry_kernel", "energy_kernel"].filter((k) => blocks[k] && blocks[k].type)
    .map((k) => `${words(k)}: ${blocks[k].type}${blocks[k].bandwidth ? `, bandwidth h = ${blocks[k].bandwidth}` : ""}`);
  const settings = Object.entries({ ...blocks.geometry, ...blocks.energy })
    .filter(([k]) => /exponent|ridge$|formula/.test(k)).map(([k, value]) => `${words(k)} = ${value}`);
  const spherical = blocks.geometry && blocks.geometry.spherical === "true" ? ["mass is conserved by the projection of the reaction part (spherical)"] : [];
  const remarks = [...kernels, ...settings, ...spherical].join("; ");
  return el("div", { class: "formula" },
    el("p", {}, "d", v("μ"), "/d", v("t"), " = −", v("K"), "(", v("μ"), ") D", v("F"), "(", v("μ"), ")"),
    el("p", {}, v("K"), "(", v("μ"), ") ", v("ξ"), " = ", geometry, el("span", { class: "where" }, `  ${parts.map((p) => words(p.name)).join(" + ")}`)),
    el("p", {}, v("F"), "(", v("μ"), ") = ", energy, el("span", { class: "where" }, `  ${terms.map((p) => words(p.name)).join(" + ")}`)),
    where.length || remarks ? el("p", { class: "where" }, where.length ? "where " : "", where, remarks) : null);
}

/* What theory says of the decay: {text, rate}, rate = the constant c of F(t) <= e^(-ct) F(0) or null. */
function theory(blocks, formulas) {
  const parts = weights(blocks.geometry, formulas.geometry || {}), terms = weights(blocks.energy, formulas.energy || {});
  if (terms.length !== 1 || !parts.length) return null;
  const energy = terms[0].name, scale = terms[0].weight;
  const has = (...names) => parts.length === names.length && names.every((n) => parts.some((p) => p.name === n));
  const weight = (n) => parts.find((p) => p.name === n).weight;
  if (energy === "mmd" && has("mmd"))
    return { rate: 2 * weight("mmd") * scale, text: "the flow is dμ/dt = −b(μ − π), so F(t) = e^(−2bt) F(0) exactly" };
  if (energy === "mmd" && has("wasserstein", "mmd"))
    return { rate: 2 * weight("mmd") * scale, text: "interaction-force transport: F(t) ≤ e^(−2bt) F(0) globally, with no condition on the target" };
  if (energy === "kl" && has("wasserstein"))
    return { rate: null, text: "KL(t) ≤ e^(−2act) KL(0) if π satisfies a logarithmic Sobolev inequality with constant c (for a Gaussian 1 over its largest variance)" };
  if (energy === "kl" && (has("wasserstein", "mmd") || has("wasserstein", "fisher_rao")))
    return { rate: null, text: "KL(t) ≤ e^(−2act) KL(0) if π satisfies a logarithmic Sobolev inequality with constant c; the reaction can only help" };
  if (has("fisher_rao") && (energy === "hellinger" || energy === "inclusive_kl")) {
    const c = (energy === "hellinger" ? 2 : 1) * weight("fisher_rao") * scale;
    return { rate: c, text: "Łojasiewicz inequality with the sharp constant 1/(1 − p): F(t) ≤ e^(−ct) F(0) whatever the initial measure" };
  }
  if (has("fisher_rao") && energy === "power") {
    const p = Number(blocks.energy.power_exponent);
    return p <= 0.5 ? { rate: (weight("fisher_rao") * scale) / (1 - p), text: "Łojasiewicz inequality with the sharp constant 1/(1 − p), valid for p ≤ 1/2: F(t) ≤ e^(−ct) F(0)" }
      : { rate: null, text: "for p > 1/2 no global rate exists: initial measures that hardly charge the support of π decay arbitrarily slowly at first" };
  }
  if (has("fisher_rao") && energy === "kl")
    return { rate: null, text: "no global rate exists (p = 1 > 1/2): where the initial measure is almost absent the start is slow; near π the rate tends to 2b" };
  if (has("wasserstein") && energy === "internal") return { rate: null, text: "on the whole space the decay is algebraic, not exponential" };
  if (energy === "kl" && has("stein")) return { rate: null, text: "no exponential rate is known in general for the Stein geometry" };
  return null;
}
