// Q2 part C: what the four algorithms cost over the size of the buffer, with sliders for the model's parameters. Each
// curve is thick where its algorithm is the best one, and a strip below the plot names it.
//
// A page loads only this script; it loads what it stands on from its own folder. Under node, render_static.js and
// figures_test.js use the drawing and the words.
(function () {
  "use strict";

  let kit, cost;  // figure_kit.js and cost_model.js, there before anything is drawn

  const node = (tag, attributes, ...children) => kit.node(tag, attributes, ...children);
  const FIRST_OCTAVE = 4, LAST_OCTAVE = 32;
  const FIRST = 2 ** FIRST_OCTAVE, LAST = 2 ** LAST_OCTAVE;

  // -------------------------------------------------------------------------------------------------------- numbers
  // Three digits, without zeros at the end.
  function digits(value) {
    return String(Number(value >= 1000 ? value.toFixed(0) : value.toPrecision(3)));
  }

  function bytesText(bytes) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
    return digits(bytes) + " " + units[unit];
  }

  function secondsText(seconds) {
    const [scale, unit] = seconds < 0.9e-6 ? [1e9, "ns"] : seconds < 0.9e-3 ? [1e6, "µs"]
      : seconds < 0.9 ? [1e3, "ms"] : [1, "s"];
    return digits(seconds * scale) + " " + unit;
  }

  // The sliders' stops. The last rate is infinite: reducing that is free.
  const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
  const nice = (low, high) => [-1, 0, 1, 2]
    .flatMap((decade) => NICE.map((n) => Number((n * 10 ** decade).toPrecision(2))))
    .filter((value) => low <= value && value <= high);
  const LATENCIES = nice(0.2, 50), RATES = nice(0.5, 400), REDUCTION_RATES = [...nice(0.5, 800), Infinity];
  const RANKS = [
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 24, 31, 32, 33, 40, 48, 63, 64, 65, 96, 100, 127, 128,
    129, 192, 255, 256, 257, 384, 511, 512, 513, 768, 1000, 1023, 1024, 1025, 1536, 2048, 2049, 4096, 4097, 8192, 10000,
    16384, 16385, 32768, 65535, 65536,
  ];

  // Latency in microseconds and rates in GB/s as the model wants them.
  function modelOf(ranks, latency, rate, reductionRate) {
    return { ranks, alpha: latency / 1e6, beta: 1 / (rate * 1e9), gamma: 1 / (reductionRate * 1e9) };
  }

  // -------------------------------------------------------------------------------------------------------- drawing
  function layout(model, width) {
    const narrow = width < 520;
    const left = 52, right = narrow ? 12 : 138, top = 42, height = narrow ? 260 : 300;
    const most = Math.max(...cost.costs(model, LAST).map((one) => one.seconds));
    const low = Math.floor(Math.log10(cost.lowerBound(model, FIRST))), high = Math.ceil(Math.log10(most));
    const plot = width - left - right;
    return {
      narrow, left, top, plot, low, high, width, right: left + plot, bottom: top + height, total: top + height + 80,
      x: (bytes) => left + plot * (Math.log2(bytes) - FIRST_OCTAVE) / (LAST_OCTAVE - FIRST_OCTAVE),
      y: (seconds) => top + height * (high - Math.log10(seconds)) / (high - low),
    };
  }

  function drawAxes(place, words) {
    const parts = [];
    for (let octave = FIRST_OCTAVE; octave <= LAST_OCTAVE; octave += 4) {
      const x = place.x(2 ** octave);
      parts.push(node("path", { class: "grid", d: `M${x} ${place.top}V${place.bottom}` }));
      if (place.narrow && octave % 8 !== 0) continue;
      const last = place.narrow && octave === LAST_OCTAVE;
      const text = { class: last ? "axis end" : "axis middle", x: last ? place.width : x, y: place.bottom + 46 };
      parts.push(node("text", text, bytesText(2 ** octave)));
    }
    const every = place.high - place.low > 8 ? 2 : 1;
    for (let decade = place.low; decade <= place.high; decade += every) {
      const y = place.y(10 ** decade);
      parts.push(node("path", { class: "grid", d: `M${place.left} ${y}H${place.right}` }));
      parts.push(node("text", { class: "axis end", x: place.left - 6, y: y + 4 }, secondsText(10 ** decade)));
    }
    const middle = place.left + place.plot / 2;
    parts.push(node("text", { class: "axis middle", x: middle, y: place.bottom + 66 }, words.size));
    parts.push(node("text", { class: "axis", x: 0, y: 12 }, words.time));
    return parts;
  }

  // Four points an octave, and the ends.
  function curve(place, from, to, secondsOf) {
    const points = [from];
    for (let i = Math.floor(4 * Math.log2(from)) + 1; i < 4 * Math.log2(to); ++i) points.push(Math.round(2 ** (i / 4)));
    points.push(to);
    const at = (bytes) => `${place.x(bytes).toFixed(1)} ${place.y(secondsOf(bytes)).toFixed(1)}`;
    return "M" + points.map(at).join("L");
  }

  // Names at the right ends of the curves, from the top one down, none nearer than 14 pixels to the next.
  function drawNames(place, ends, words) {
    const sorted = ends.map(({ seconds }, i) => ({ i, y: place.y(seconds), at: 0 })).sort((a, b) => a.y - b.y);
    let free = place.top;
    for (const one of sorted) free = one.at = Math.max(one.y + 4, free + 14);
    return sorted.map(({ i, at }) => node("text", { class: "name n" + i, x: place.right + 8, y: at }, words.names[i]));
  }

  // Which algorithm is best from where to where, and the sizes at which that changes.
  function drawWinners(place, found, words) {
    const y = place.bottom + 8;
    const rowEnds = [-1, -1];
    return found.flatMap(({ algorithm, from, to }, i) => {
      const kind = cost.ALGORITHMS.indexOf(algorithm);
      const x = place.x(from), width = place.x(to) - x;
      const parts = [node("rect", { class: "winner w" + kind, x, y, width, height: 20 })];
      const name = [words.names[kind], words.shortNames[kind]].find((text) => width > words.advance * text.length + 8);
      if (name) parts.push(node("text", { class: "middle on-winner", x: x + width / 2, y: y + 14 }, name));
      if (i === 0) return parts;
      parts.push(node("path", { class: "change", d: `M${x} ${place.top - 2}V${y + 20}` }));
      const row = rowEnds[0] + 4 < x - 26 ? 0 : 1;
      rowEnds[row] = x + 26;
      parts.push(node("text", { class: "middle at-change", x, y: place.top - 7 - 13 * row }, bytesText(from)));
      return parts;
    });
  }

  // `chosen`: the size whose costs are marked, or null.
  function draw(model, chosen, width, words) {
    const place = layout(model, width);
    const found = cost.winners(model, FIRST, LAST);
    const secondsOf = (i) => (bytes) => cost.costs(model, bytes)[i].seconds;
    const parts = drawAxes(place, words);
    const bound = curve(place, FIRST, LAST, (bytes) => cost.lowerBound(model, bytes));
    parts.push(node("path", { class: "bound", d: bound }));
    cost.ALGORITHMS.forEach((_, i) => {
      parts.push(node("path", { class: "curve k" + i, d: curve(place, FIRST, LAST, secondsOf(i)) }));
    });
    parts.push(...drawWinners(place, found, words));
    for (const { algorithm, from, to } of found) {
      const i = cost.ALGORITHMS.indexOf(algorithm);
      parts.push(node("path", { class: "curve best k" + i, d: curve(place, from, to, secondsOf(i)) }));
    }
    if (!place.narrow) {
      const ends = [...cost.costs(model, LAST), { seconds: cost.lowerBound(model, LAST) }];
      parts.push(...drawNames(place, ends, { names: [...words.names, words.bound] }));
    }
    if (chosen !== null) {
      const x = place.x(chosen);
      parts.push(node("path", { class: "cursor", d: `M${x} ${place.top}V${place.bottom}` }));
      cost.costs(model, chosen).forEach(({ seconds }, i) => {
        parts.push(node("circle", { class: "dot w" + i, cx: x, cy: place.y(seconds), r: 4.5 }));
      });
    }
    return { place, parts };
  }

  // Both the page and render_static.js use it; SCOPE is put before every selector.
  const DRAWING_STYLE = `
    SCOPE text { font: 12px system-ui, sans-serif; fill: var(--fg); }
    SCOPE text.axis { fill: var(--muted); font-size: 11px; }
    SCOPE .middle { text-anchor: middle; } SCOPE .end { text-anchor: end; }
    SCOPE .grid { stroke: var(--line); fill: none; }
    SCOPE .curve { fill: none; stroke-width: 1.4; stroke-linejoin: round; }
    SCOPE .curve.best { stroke-width: 4.5; stroke-linecap: round; }
    SCOPE .bound { stroke: var(--muted); fill: none; stroke-width: 1.3; stroke-dasharray: 5 4; }
    SCOPE .change { stroke: var(--fg); fill: none; stroke-dasharray: 2 3; } SCOPE text.at-change { font-weight: 600; }
    SCOPE .cursor { stroke: var(--fg); fill: none; } SCOPE .dot { stroke: var(--bg); stroke-width: 1.5; }
    SCOPE text.on-winner { fill: var(--bg); font-weight: 600; font-size: 11px; } SCOPE text.n4 { fill: var(--muted); }
    ${[0, 1, 2, 3].map((i) => `SCOPE .k${i} { stroke: var(--series-${i + 1}); }
    SCOPE .w${i}, SCOPE text.n${i} { fill: var(--series-${i + 1}); }`).join("\n    ")}`;

  // ---------------------------------------------------------------------------------------------------------- words
  const ENGLISH = {
    names: ["ring", "recursive doubling", "halving-doubling", "tree, best segments"], bound: "lower bound",
    shortNames: ["ring", "doubling", "halving", "tree"], advance: 6.6,
    latency: "latency α", rate: "link 1/β", reductionRate: "reduction 1/γ", ranks: "ranks N", free: "free",
    size: "buffer S, bytes a rank", time: "time", chosen: "size S",
    algorithm: "algorithm", takes: "time", ratio: "of the best", best: "best",
    segments: ({ segments, segmentBytes }) => (segments === 1 ? "one segment"
      : `${segments} segments of ${bytesText(segmentBytes)}`),
    picture: (list) => "Best algorithm by size: " + list.join("; "),
    range: (name, from, to) => `${name} from ${from} to ${to}`,
  };
  const CHINESE = {
    names: ["环", "递归加倍", "减半再加倍", "树，最佳分段"], bound: "下界",
    shortNames: ["环", "加倍", "减半", "树"], advance: 12,
    latency: "延迟 α", rate: "链路 1/β", reductionRate: "归约 1/γ", ranks: "rank 数 N", free: "不计",
    size: "每个 rank 的缓冲区 S（字节）", time: "时间", chosen: "大小 S",
    algorithm: "算法", takes: "时间", ratio: "与最优之比", best: "最优",
    segments: ({ segments, segmentBytes }) => (segments === 1 ? "一段"
      : `${segments} 段，每段 ${bytesText(segmentBytes)}`),
    picture: (list) => "各大小下的最优算法：" + list.join("；"),
    range: (name, from, to) => `${name}，${from} 到 ${to}`,
  };

  // The winners in words, for who does not see the picture.
  function describe(model, words) {
    return words.picture(cost.winners(model, FIRST, LAST).map(({ algorithm, from, to }) =>
      words.range(words.names[cost.ALGORITHMS.indexOf(algorithm)], bytesText(from), bytesText(to))));
  }

  // ------------------------------------------------------------------------------------------------------- the page
  const STYLE = `${DRAWING_STYLE.replace(/SCOPE/g, ".q02-cost-curves")}
    .q02-cost-curves .stage { touch-action: pan-y; cursor: crosshair; }
    .q02-cost-curves .slider { display: grid; grid-template-columns: 7.5em minmax(60px, 1fr) 5em; align-items: center;
      flex: 1 1 300px; }
    .q02-cost-curves .slider input { width: auto; min-width: 0; }
    .q02-cost-curves table { border-collapse: collapse; width: 100%; font-size: 13px; }
    .q02-cost-curves th, .q02-cost-curves td { text-align: left; padding: 3px 8px 3px 0; border: 0;
      border-top: 1px solid var(--line); background: none; font-weight: 400; }
    .q02-cost-curves thead th { border-top: 0; color: var(--muted); }
    .q02-cost-curves .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
    .q02-cost-curves .is-best > * { font-weight: 700; }
    .q02-cost-curves th svg { width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; }
    .q02-cost-curves small { color: var(--muted); font-weight: 400; }`;
  const START = { latency: 5, rate: 25, reductionRate: 60, ranks: 1000 };
  const PER_OCTAVE = 4;

  function figure(root, context) {
    const { element, svg, html } = kit;
    let words = context.language === "zh" ? CHINESE : ENGLISH;
    const stops = { latency: LATENCIES, rate: RATES, reductionRate: REDUCTION_RATES, ranks: RANKS };
    const sliders = {};
    for (const key of Object.keys(stops)) {
      sliders[key] = kit.slider(0, stops[key].length - 1, stops[key].indexOf(START[key]));
    }
    sliders.chosen = kit.slider(FIRST_OCTAVE * PER_OCTAVE, LAST_OCTAVE * PER_OCTAVE, 20 * PER_OCTAVE);
    const stage = svg({ class: "stage", role: "img" });
    const head = html("tr", {}), body = html("tbody", {});
    const box = html("div", { className: "q02-figure q02-cost-curves" }, html("style", {}, kit.STYLE + STYLE),
      html("div", { className: "row" }, sliders.ranks.label, sliders.latency.label, sliders.rate.label,
        sliders.reductionRate.label), stage,
      html("div", { className: "row" }, sliders.chosen.label),
      html("table", {}, html("thead", {}, head), body));

    const value = (key) => stops[key][Number(sliders[key].input.value)];
    const chosen = () => Math.round(2 ** (Number(sliders.chosen.input.value) / PER_OCTAVE));
    const model = () => modelOf(value("ranks"), value("latency"), value("rate"), value("reductionRate"));
    let place = null;

    function drawStage() {
      const drawn = draw(model(), chosen(), box.clientWidth || 640, words);
      place = drawn.place;
      stage.setAttribute("viewBox", `0 0 ${place.width} ${place.total}`);
      stage.setAttribute("height", place.total);
      stage.setAttribute("aria-label", describe(model(), words));
      stage.replaceChildren(...drawn.parts.map(element));
    }

    function showTable() {
      const all = cost.costs(model(), chosen());
      const least = Math.min(...all.map((one) => one.seconds));
      head.replaceChildren(...[words.algorithm, words.takes, words.ratio].map((text, i) =>
        html("th", { scope: "col", className: i > 0 ? "number" : "" }, text)));
      body.replaceChildren(...all.map((one, i) => {
        const isBest = one.seconds === least;
        const swatch = svg({ viewBox: "0 0 12 12", "aria-hidden": "true" },
          node("rect", { class: "w" + i, width: 12, height: 12, rx: 2 }));
        const name = html("th", { scope: "row" }, swatch, words.names[i]);
        if (one.algorithm === "tree") name.append(html("small", {}, " · " + words.segments(one)));
        const ratio = isBest ? words.best : "× " + (one.seconds / least).toFixed(2);
        return html("tr", { className: isBest ? "is-best" : "" }, name,
          html("td", { className: "number" }, secondsText(one.seconds)), html("td", { className: "number" }, ratio));
      }));
      const best = all.find((one) => one.seconds === least);
      const spoken = `${words.names[all.indexOf(best)]}, ${secondsText(least)}`;
      return `${bytesText(chosen())}. ${words.best}: ${spoken}`;
    }

    function show() {
      box.lang = words === CHINESE ? "zh-Hans" : "en";
      const rate = (key) => (value(key) === Infinity ? words.free : value(key) + " GB/s");
      const texts = { latency: value("latency") + " µs", rate: rate("rate"), reductionRate: rate("reductionRate"),
        ranks: String(value("ranks")), chosen: bytesText(chosen()) };
      for (const [key, slider] of Object.entries(sliders)) {
        slider.text.textContent = words[key];
        slider.value.textContent = texts[key];
        slider.input.setAttribute("aria-valuetext", texts[key]);
      }
      sliders.chosen.input.setAttribute("aria-valuetext", showTable());
      drawStage();
    }

    for (const slider of Object.values(sliders)) slider.input.addEventListener("input", show);
    stage.addEventListener("pointermove", (event) => {
      const box = stage.getBoundingClientRect();
      const octaves = (event.clientX - box.left - place.left) / place.plot * (LAST_OCTAVE - FIRST_OCTAVE);
      if (octaves < 0 || octaves > LAST_OCTAVE - FIRST_OCTAVE) return;
      sliders.chosen.input.value = Math.round((octaves + FIRST_OCTAVE) * PER_OCTAVE);
      show();
    });
    context.onLanguage((language) => {
      words = language === "zh" ? CHINESE : ENGLISH;
      show();
    });
    show();
    root.querySelector("img").replaceWith(box);
    new ResizeObserver(drawStage).observe(box);
  }

  if (typeof module !== "undefined") {
    kit = require("../../../docs/figures/figure_kit.js");
    cost = require("./cost_model.js");
    module.exports = { DRAWING_STYLE, ENGLISH, CHINESE, START, draw, describe, modelOf, bytesText, secondsText };
    return;
  }
  let missing = 2;
  for (const name of ["../../../docs/figures/figure_kit.js", "cost_model.js"]) {
    const script = document.createElement("script");
    script.src = new URL(name, document.currentScript.src).href;
    script.onload = () => {
      if (--missing > 0) return;
      kit = window.workbench.figureKit;
      cost = window.workbench.costModel;
      window.workbench.figure("cost_curves", figure);
    };
    document.head.append(script);
  }
}());
