"use strict";
/* The page's script draws the JSON in it. Its files are concatenated in the order of the Makefile; texts of
   the data only ever become text nodes. This one: elements, and numbers as they are printed. */

function add(node, children) {
  for (const child of children.flat(9))
    if (child !== null && child !== undefined && child !== false)
      node.append(child instanceof Node ? child : String(child));
  return node;
}

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  return add(node, children);
}

const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function bytes(base64) {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; ++i) out[i] = text.charCodeAt(i);
  return out;
}
const floats = (base64) => new Float32Array(bytes(base64).buffer);
/* Numbers that are not stood as null in the JSON. */
const numbers = (list) => Array.from(list || [], (v) => (v === null ? NaN : Number(v)));

const ordinal = (n) => `${n}${n % 100 > 10 && n % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][n % 10] || "th"}`;
const minus = (text) => text.replace("-", "−");

/* A number as mantissa and, where it is very large or small, a power of ten. */
function parts(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return ["–", null];
  if (!Number.isFinite(value)) return [value > 0 ? "∞" : "−∞", null];
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [mantissa, exponent] = value.toExponential(Math.min(digits, 3) - 1).split("e");
    return [minus(mantissa.replace(/\.?0+$/, "")), minus(String(Number(exponent)))];
  }
  const text = value.toPrecision(digits);
  return [minus(text.includes(".") ? text.replace(/\.?0+$/, "") : text), null];
}

function plain(value, digits) {
  const [mantissa, exponent] = parts(value, digits);
  return exponent === null ? mantissa : `${mantissa}·10^${exponent}`;
}

function html(value, digits) {
  const [mantissa, exponent] = parts(value, digits);
  return exponent === null ? [mantissa] : [mantissa === "1" ? "10" : `${mantissa}·10`, el("sup", {}, exponent)];
}

function svgNumber(attributes, value, digits) {
  const [mantissa, exponent] = parts(value, digits);
  if (exponent === null) return svg("text", attributes, mantissa);
  return svg("text", attributes, mantissa === "1" ? "10" : `${mantissa}·10`,
    svg("tspan", { dy: "-5", "font-size": "9.5" }, exponent));
}

const words = (name) => name.replace(/_/g, " ");

/* The ASCII formulas of mudot list in the notation of print. */
const SYMBOLS = { mu: "μ", xi: "ξ", rho: "ρ", pi: "π", lambda: "λ", nu: "ν", phi: "φ", zeta: "ζ", grad: "∇", int: "∫", sqrt: "√", Lap: "Δ" };
const UPRIGHT = /^(div|log|exp|for|else|symbol|of|or|on|only|less|than|[a-z]{4,}|[A-Z][a-z]{3,})$/;

function formula(text) {
  const out = [];
  let rest = text, match;
  while (rest) {
    if ((match = /^\^\(((?:[^()]|\([^()]*\))*)\)/.exec(rest) || /^\^(-?\w+)/.exec(rest))) out.push(el("sup", {}, formula(match[1])));
    else if ((match = /^_(\w+)/.exec(rest))) out.push(el("sub", {}, formula(match[1])));
    else if ((match = /^(grad|sqrt) (?=\w)/.exec(rest))) out.push(SYMBOLS[match[1]]);
    else if ((match = /^d (?=rho)/.exec(rest))) out.push("d");
    else if ((match = /^(?:[A-Za-z]{2,}(?:_[a-z]{3,})*|[A-Za-z])/.exec(rest))) {
      const word = match[0];
      if (SYMBOLS[word]) out.push(/[∇∫√]/.test(SYMBOLS[word]) ? SYMBOLS[word] : el("var", {}, SYMBOLS[word]));
      else if (word === "Kc") out.push(el("var", {}, "K"), el("sub", {}, "c"));
      else if (UPRIGHT.test(word) || word.includes("_")) out.push(words(word));
      else out.push(el("var", {}, word));
    } else if ((match = /^<(?=\S)/.exec(rest))) out.push("⟨");
    else if ((match = /^>(?!\s\d)/.exec(rest))) out.push("⟩");
    else {
      match = [rest[0]];
      out.push({ "-": "−", "*": " ∗ " }[rest[0]] || rest[0]);
    }
    rest = rest.slice(match[0].length);
  }
  return out;
}

/* Sentences that the program wrote, in the notation of print. */
function prose(text) {
  const plainer = text.replace(/<=/g, "≤").replace(/->/g, "→").replace(/\+-/g, "±").replace(/(^|[\s(])-(?=[\w(\s])/g, "$1−").replace(/<(\S[^<>]*)>/g, "⟨$1⟩");
  return rich(plainer.replace(/\b[a-zA-Z]+\b/g, (word) => (Object.hasOwn(SYMBOLS, word) ? SYMBOLS[word] : word)));
}

/* Text in which ^(...), or ^ before a number, stands for an exponent. */
function rich(text) {
  return text.split(/(\^\([^()]*\)|\^[−-]?\d+)/).map((piece) => (piece.startsWith("^(") ? el("sup", {}, rich(piece.slice(2, -1)))
    : piece.startsWith("^") ? el("sup", {}, minus(piece.slice(1))) : piece));
}

/* A formula of the tables: what it is, and after a comma what its letters mean. */
function splitFormula(text) {
  let depth = 0;
  for (let i = 0; i < text.length; ++i) {
    if ("(<[".includes(text[i])) ++depth;
    if (")>]".includes(text[i])) --depth;
    if (text[i] === "," && depth === 0) return [text.slice(0, i), text.slice(i + 1).trim()];
  }
  return [text, ""];
}
