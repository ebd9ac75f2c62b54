/* From numbers to places: scales, ticks, colours. */

function niceStep(span, count) {
  const raw = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) || 10);
}

function linearTicks([low, high], count) {
  if (!(high > low)) return [low];
  const step = niceStep(high - low, count), ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

function logTicks([low, high], count) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first < 1) {
    const ticks = [];
    for (let e = first - 1; e <= last; ++e)
      for (const m of high / low > 4 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]) {
        const v = Number((m * 10 ** e).toPrecision(6));
        if (v >= low * 0.999 && v <= high * 1.001) ticks.push(v);
      }
    return ticks.length > 1 ? ticks : linearTicks([low, high], count).filter((v) => v > 0);
  }
  const step = Math.max(1, Math.ceil((last - first) / count)), ticks = [];
  for (let e = Math.ceil(first / step) * step; e <= last; e += step) ticks.push(Number(`1e${e}`));
  return ticks;
}

/* From data to a unit interval. */
function makeScale(domain, log) {
  const f = log ? Math.log10 : (v) => v;
  const low = f(domain[0]), span = f(domain[1]) - low || 1;
  const scale = (v) => (log && !(v > 0) ? NaN : (f(v) - low) / span);
  scale.inverse = (u) => (log ? 10 ** (low + u * span) : low + u * span);
  scale.ticks = (count) => (log ? logTicks(domain, count) : linearTicks(domain, count));
  return scale;
}

/* What an axis must hold: the finite values, on a logarithmic axis the positive ones. */
function domainOf(lists, { log = false, decades = 18, zero = false, pad = 0.04 } = {}) {
  let low = Infinity, high = -Infinity;
  for (const list of lists)
    for (const v of list)
      if (Number.isFinite(v) && (!log || v > 0)) {
        if (v < low) low = v;
        if (v > high) high = v;
      }
  if (!(low <= high)) return null;
  if (log) {
    low = Math.max(low, high * 10 ** -decades);
    if (high / low < 1.0001) return [low / 1.5, high * 1.5];
    const margin = (high / low) ** pad;
    return [low / margin, high * margin];
  }
  if (zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  if (high === low) return low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const margin = pad * (high - low);
  return [zero && low === 0 ? 0 : low - margin, high + margin];
}

const colour = (n) => `var(--s${((n - 1) % 8) + 1})`;
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 4", "4 2", "1 4", "6 2 1 2"];
