// Draws what was measured: save_timeline.svg, by the interactive figure's own code, with save_timeline_data.js, which
// that figure reads; and reshard_curves.svg. figures_test.js fails when they are not what this makes. In this folder:
// node render_static.js, and if not all of them, their names
"use strict";

const fs = require("fs");
const path = require("path");
const { node } = require("../../../docs/figures/figure_kit.js");
const timeline = require("./save_timeline.js");

const RESULTS = path.join(__dirname, "../../../docs/results");
const TIMELINE = "q13_h100_2026-11-27/save_timeline.json";
const CURVES = "q13_cpu_2026-11-27/reshard_curves.json";
const read = (name) => JSON.parse(fs.readFileSync(path.join(RESULTS, name), "utf8"));

function escaped(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function textOf(item) {
  if (typeof item === "string") return escaped(item);
  const attributes = Object.entries(item.attributes).map(([name, value]) => {
    const number = typeof value === "number" ? Number(value.toFixed(1)) : value;
    return ` ${name}="${escaped(number)}"`;
  }).join("");
  const inside = item.children.map(textOf).join("");
  return inside === "" ? `<${item.tag}${attributes}/>` : `<${item.tag}${attributes}>${inside}</${item.tag}>`;
}

// An image has no page to take colours from: it follows the system, and stands on a ground of its own.
const COLOURS = `
    svg { --bg: #ffffff; --fg: #1d232a; --muted: #586270; --line: #dde2e8; --bad: #b3261e; --series-1: #0a58b5;
      --series-2: #b4480a; --series-3: #17733a; --series-4: #7a3aa8; --series-6: #0b6e75; }
    @media (prefers-color-scheme: dark) { svg { --bg: #10151b; --fg: #e3e8ee; --muted: #9ba7b4; --line: #2d3640;
      --bad: #ff8f85; --series-1: #74b4ff; --series-2: #ff9e57; --series-3: #5fd08a; --series-4: #c99cf5;
      --series-6: #56cdd6; } }
    .ground { fill: var(--bg); } text.title { font-size: 14px; font-weight: 600; }`;

function image(width, height, title, description, style, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-labelledby="t d">`,
    "<!-- Made by render_static.js -->", `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(description)}</desc>`, `<style>${style.replace(/SCOPE /g, "")}${COLOURS}\n</style>`,
    textOf(node("rect", { class: "ground", width, height, rx: 8 })), ...parts.map(textOf), "</svg>", "",
  ].join("\n");
}

const at = (x, y, ...parts) => node("g", { transform: `translate(${x} ${y})` }, ...parts);

// ------------------------------------------------------------------------------------------------------- The timeline

const micro = (ms) => Number(ms.toFixed(3));

// Up to there each event is kept, for the magnified window; later ones that are less than MERGED apart become one.
const KEPT = 110, MERGED = 1;

function intervals(events, lane) {
  const list = [];
  for (const { begin_ms: begin, end_ms: end } of events.filter((one) => one.lane === lane)
    .sort((a, b) => a.begin_ms - b.begin_ms)) {
    const last = list[list.length - 1];
    const joined = lane !== "commit" && last && last[1] > KEPT && begin - last[1] < MERGED;
    if (joined) last[1] = Math.max(last[1], micro(end));
    else list.push([micro(begin), micro(end)]);
  }
  return list;
}

// The longest time from the end of all kernels so far to the begin of the next.
function stallOf(events) {
  let stall = [0, 0], busy = Infinity;
  for (const { begin_ms: begin, end_ms: end } of events.filter((one) => one.lane === "training")
    .sort((a, b) => a.begin_ms - b.begin_ms)) {
    if (begin - busy > stall[1] - stall[0]) stall = [micro(busy), micro(begin)];
    busy = busy === Infinity ? end : Math.max(busy, end);
  }
  return stall;
}

// By time from 0. Each write has as many bytes as the others, and takes them evenly. The bins at both ends count as far
// as there is writing.
function rateOf(events, bytes, every) {
  const writes = events.filter((one) => one.lane === "write"), each = bytes / writes.length;
  const first = Math.min(...writes.map((one) => one.begin_ms)), last = Math.max(...writes.map((one) => one.end_ms));
  const rates = [];
  for (let from = 0; from < last; from += every) {
    const inside = (begin, end) => Math.max(Math.min(end, from + every) - Math.max(begin, from), 0);
    const sum = writes.reduce((all, { begin_ms: begin, end_ms: end }) =>
      all + each * inside(begin, end) / Math.max(end - begin, 1e-6), 0);
    rates.push(Number((sum / Math.max(inside(first, last), 1e-3) / 1e6).toFixed(2)));
  }
  return { every_ms: every, gb_per_s: rates };
}

function compact({ device, bytes, saves }) {
  return {
    device, bytes,
    saves: saves.map(({ room, pinned_bytes, events }) => ({
      room, pinned_bytes, stall: stallOf(events), rate: rateOf(events, bytes, 100),
      ...Object.fromEntries(timeline.LANES.map((lane) => [lane, intervals(events, lane)])),
    })),
  };
}

function timelineImage(data) {
  const margin = 20, panel = 940 - 2 * margin, words = timeline.ENGLISH;
  const { height, parts } = timeline.draw(data, 100, panel, words);
  const title = words.title(data.device, timeline.bytesText(data.bytes));
  return image(940, height + 62, title, timeline.describe(data, words), timeline.DRAWING_STYLE,
    [at(margin, 28, node("text", { class: "title" }, title)), at(margin, 44, ...parts)]);
}

function timelineData(data) {
  return [
    `// What save_timeline.js draws: docs/results/${TIMELINE}, with later events that follow each other`,
    "// closely made one. Made by render_static.js.",
    "(function () {", '  "use strict";', "", `  const measured = ${JSON.stringify(data)};`, "",
    '  if (typeof module !== "undefined") module.exports = measured;',
    "  else window.workbench.saveTimeline = measured;", "}());", "",
  ].join("\n");
}

// --------------------------------------------------------------------------------------------------------- The curves

const SERIES = [["save", "save"], ["load", "load what as many saved"], ["load_what_3_saved", "load what 3 saved"]];

// `lines`: {series, dashed, values}, one value for each of `ranks`; y from `low` to `high` by `step`.
function plot(width, height, title, ranks, [low, high, step], format, lines) {
  const left = 48, top = 24, bottom = top + height;
  const x = (i) => left + 14 + (width - left - 28) * i / (ranks.length - 1);
  const y = (value) => bottom - height * (value - low) / (high - low);
  const parts = [node("text", { class: "heading", x: 0, y: 10 }, title)];
  for (let value = low; value < high + step / 2; value += step) {
    parts.push(node("path", { class: "grid", d: `M${left} ${y(value).toFixed(1)}H${width}` }),
      node("text", { class: "small end", x: left - 6, y: y(value) + 4 }, format(value)));
  }
  ranks.forEach((count, i) => {
    parts.push(node("text", { class: "small middle", x: x(i), y: bottom + 16 }, String(count)));
  });
  parts.push(node("text", { class: "small end", x: left - 6, y: bottom + 16 }, "ranks"));
  for (const { series, dashed, values } of lines) {
    const points = values.map((value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
    parts.push(node("path", { class: `curve k${series}${dashed ? " dashed" : ""}`, d: "M" + points }));
    if (dashed) continue;
    values.forEach((value, i) => parts.push(node("circle", { class: "w" + series, cx: x(i), cy: y(value), r: 3 })));
  }
  return parts;
}

// Four or so round steps from 0.
function scaleTo(most) {
  const step = [1, 2, 2.5, 5, 10].map((one) => one * 10 ** Math.floor(Math.log10(most / 4)))
    .find((one) => most / one <= 5);
  return [0, step * Math.ceil(most / step), step];
}

const CURVES_STYLE = `
    text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--fg); } text.heading { font-weight: 600; }
    text.small { font-size: 11px; fill: var(--muted); } text.caption { fill: var(--muted); }
    .middle { text-anchor: middle; } .end { text-anchor: end; } .grid { stroke: var(--line); fill: none; }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .dashed { stroke-width: 1.4; stroke-dasharray: 5 4; } .any { stroke: var(--fg); }
    ${[1, 2, 3].map((i) => `.k${i} { stroke: var(--series-${i}); } .w${i} { fill: var(--series-${i}); }`).join(" ")}`;

function curvesImage(measured) {
  const { runs } = measured, ranks = runs.map((run) => run.ranks), MiB = 2 ** 20;
  const of = (value) => SERIES.map(([name], i) => ({ series: i + 1, values: runs.map((run) => value(run[name])) }));
  const most = (lines) => Math.max(...lines.flatMap((line) => line.values));
  const cpu = of((cost) => 1000 * cost.cpu_seconds), cpuOfAll = of((cost) => 1000 * cost.cpu_seconds_of_all);
  const peak = of((cost) => cost.peak_bytes / MiB);
  const reads = of((cost) => cost.read_bytes / cost.slice_bytes).slice(1);
  const limits = of((cost) => cost.limit_bytes / cost.slice_bytes).slice(1).map((line) => ({ ...line, dashed: true }));
  const panel = 425, margin = 20, high = 150, rows = [96, 96 + high + 74];
  const columns = [margin, 940 - margin - panel];
  const number = (value) => String(Number(value.toFixed(3)));
  const draw = (column, row, title, scale, format, lines) =>
    at(columns[column], rows[row], ...plot(panel, high, title, ranks, scale, format, lines));
  const size = (bytes) => timeline.digits(bytes / MiB) + " MiB", last = runs[runs.length - 1];
  const title = `Part D's reference: ${size(measured.bytes)} saved and loaded by ${ranks.join(", ")} ranks`;
  const caption = `Processes on ${measured.cores} CPU cores, files in the page cache; least time, most memory of ` +
    `${measured.repetitions} runs. A slice: ${size(runs[0].load.slice_bytes)} on 1 rank, ` +
    `${size(last.load.slice_bytes)} on ${last.ranks}.`;
  const legend = [...SERIES.map(([, name], i) => [name, `k${i + 1}`]), ["what d.reads allows", "any dashed"]];
  let x = margin;
  const keys = legend.map(([name, style]) => {
    const key = at(x, 70, node("path", { class: "curve " + style, d: "M0 0H26" }), node("text", { x: 32, y: 4 }, name));
    x += 62 + 6.4 * name.length;
    return key;
  });
  const told = ({ ranks, save, load, load_what_3_saved: other }) =>
    `${ranks}: save ${number(1000 * save.cpu_seconds)} ms, load ${number(1000 * load.cpu_seconds)} ms, ` +
    `${number(other.read_bytes / other.slice_bytes)} of the slice`;
  const description = "By number of ranks, CPU time of the busiest, and what a rank reads of what 3 saved: " +
    runs.map(told).join("; ");
  const percent = (value) => (100 * value).toFixed(0) + " %";
  return image(940, rows[1] + 24 + high + 30, title, description, CURVES_STYLE, [
    at(margin, 28, node("text", { class: "title" }, title)),
    at(margin, 48, node("text", { class: "caption" }, caption)),
    ...keys,
    draw(0, 0, "CPU time of the busiest rank, ms", scaleTo(most(cpu)), number, cpu),
    draw(1, 0, "CPU time of all ranks, ms", scaleTo(most(cpuOfAll)), number, cpuOfAll),
    draw(0, 1, "Peak memory of a rank beside its slices, MiB", scaleTo(most(peak)), number, peak),
    draw(1, 1, "Read by the rank that reads most, of its slice",
      [1, 1 + 0.01 * Math.ceil(100 * (most(limits) - 1)), 0.01], percent, [...limits, ...reads]),
  ]);
}

const measured = () => compact(read(TIMELINE));
const MADE = {
  "save_timeline.svg": () => timelineImage(measured()), "save_timeline_data.js": () => timelineData(measured()),
  "reshard_curves.svg": () => curvesImage(read(CURVES)),
};

module.exports = { MADE, compact, curvesImage, timelineData, timelineImage };
if (require.main === module) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(MADE);
  for (const name of names) fs.writeFileSync(path.join(__dirname, name), MADE[name]());
}
