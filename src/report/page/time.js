/* The time that all figures share. */

/* The times of everything that moves; listeners are called with the time. */
class Player {
  constructor(times) {
    const sorted = [...times].sort((a, b) => a - b);
    const close = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1e-300);
    this.times = sorted.filter((t, i) => i === 0 || !close(t, sorted[i - 1]));
    this.index = 0;
    this.listeners = [];
  }
  get time() { return this.times[this.index] ?? 0; }
  listen(f) { this.listeners.push(f); }
  set(index) {
    const next = Math.max(0, Math.min(this.times.length - 1, index));
    if (next === this.index) return;
    this.index = next;
    this.tell();
  }
  seek(t) {
    let best = 0;
    this.times.forEach((v, i) => { if (Math.abs(v - t) < Math.abs(this.times[best] - t)) best = i; });
    this.stop();
    this.set(best);
  }
  tell() {
    for (const f of this.listeners) f(this.time);
  }
  get playing() { return Boolean(this.timer); }
  toggle() {
    if (this.playing) return this.stop();
    if (this.index >= this.times.length - 1) this.set(0);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pause = calm ? 700 : Math.max(45, Math.min(400, 8000 / this.times.length));
    this.timer = setInterval(() => {
      this.set(this.index + 1);
      if (this.index >= this.times.length - 1) this.stop();
    }, pause);
    this.tell();
  }
  stop() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = null;
    this.tell();
  }
  keys(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === " ") this.toggle();
    else if (step) {
      this.stop();
      this.set(this.index + step);
    } else return;
    event.preventDefault();
  }
}

/* Last index of a list of times that is not after t. */
function indexAt(times, t) {
  let i = 0;
  while (i + 1 < times.length && times[i + 1] <= t * (1 + 1e-9) + 1e-300) ++i;
  return i;
}

function choice(name, options, onchange) {
  return el("label", {}, name, el("select", { onchange: (e) => onchange(e.target.value) },
    options.map(([value, text]) => el("option", { value }, text))));
}

function timeBar(player) {
  const slider = el("input", { type: "range", id: "time", min: "0", max: String(player.times.length - 1), step: "1", value: "0", "aria-label": "Time" });
  const button = el("button", { type: "button", class: "play", id: "play", onclick: () => player.toggle() }, "▶ Play");
  const output = el("output", { for: "time", id: "now" });
  slider.addEventListener("input", () => { player.stop(); player.set(Number(slider.value)); });
  slider.addEventListener("keydown", (event) => player.keys(event));
  const show = () => {
    slider.value = String(player.index);
    slider.setAttribute("aria-valuetext", `t = ${plain(player.time)}, ${player.index + 1} of ${player.times.length}`);
    button.textContent = player.playing ? "❚❚ Pause" : "▶ Play";
    output.replaceChildren(el("var", {}, "t"), " = ", ...html(player.time));
  };
  player.listen(show);
  show();
  return el("div", { class: "bar", role: "group", "aria-label": "Time of the figures" }, button, slider, output);
}
