// Makes the images that stand where an interactive figure cannot: allreduce_steps.svg and cost_curves.svg, drawn by the
// figures' own code. figures_test.js fails when they are not what this makes. In this folder: node render_static.js
"use strict";

const fs = require("fs");
const path = require("path");
const { node } = require("../../../docs/figures/figure_kit.js");
const plans = require("./allreduce_schedules.js");
const steps = require("./allreduce_steps.js");
const curves = require("./cost_curves.js");

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
    svg { --bg: #ffffff; --fg: #1d232a; --muted: #586270; --line: #dde2e8; --accent: #0a58b5; --ok: #17733a;
      --series-1: #0a58b5; --series-2: #b4480a; --series-3: #17733a; --series-4: #7a3aa8; --series-5: #ad1457;
      --series-6: #0b6e75; }
    @media (prefers-color-scheme: dark) { svg { --bg: #10151b; --fg: #e3e8ee; --muted: #9ba7b4; --line: #2d3640;
      --accent: #74b4ff; --ok: #5fd08a; --series-1: #74b4ff; --series-2: #ff9e57; --series-3: #5fd08a;
      --series-4: #c99cf5; --series-5: #ff85b0; --series-6: #56cdd6; } }
    .ground { fill: var(--bg); }
    text.heading { font-size: 14px; font-weight: 600; } text.caption { fill: var(--muted); }`;

function image(width, height, title, description, style, parts) {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" role="img" aria-labelledby="t d">`;
  return [
    head, "<!-- Made by render_static.js -->", `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(description)}</desc>`, `<style>${style.replace(/SCOPE /g, "")}${COLOURS}\n</style>`,
    textOf(node("rect", { class: "ground", width, height, rx: 8 })), ...parts.map(textOf), "</svg>", "",
  ].join("\n");
}

function at(x, y, ...parts) {
  return node("g", { transform: `translate(${x} ${y})` }, ...parts);
}

// All four with six ranks, each in the middle of its work.
function stepsImage() {
  const words = steps.ENGLISH;
  const ranks = 6, panel = 450, margin = 22;
  const shown = [["ring", 4], ["doubling", 3], ["halving", 3], ["tree", 7]];
  const panels = shown.map(([algorithm, step], i) => {
    const run = plans.makeRun(algorithm, ranks, 4);
    const { height, parts } = steps.draw(run, step, panel, words);
    const name = words.names[plans.ALGORITHMS.indexOf(algorithm)];
    const { title } = steps.describe(run, step, words);
    const heading = node("text", { class: "heading" }, `${name[0].toUpperCase()}${name.slice(1)}: ${title.toLowerCase()}`);
    const x = margin + (i % 2) * (panel + 2 * margin), y = 34 + Math.floor(i / 2) * (height + 62);
    return { bottom: y + 14 + height, parts: at(x, y, heading, at(0, 14, ...parts)) };
  });
  const width = 2 * panel + 4 * margin, legendTop = panels[3].bottom + 24;
  const columns = [margin, margin + 310, margin + 630];
  const legend = steps.legendItems(ranks, words).map((item, i) =>
    at(columns[i % 3], legendTop + 24 * Math.floor(i / 3), ...item.picture,
      node("text", { class: "caption", x: item.width + 6, y: 11 }, item.caption)));
  return image(width, legendTop + 54, "Four all-reduce algorithms with six ranks",
    "For each algorithm, which ranks' contributions each chunk of each rank holds after a step in the middle, the " +
    "messages of that step, and the bytes that each rank has sent so far.",
    steps.DRAWING_STYLE, [...panels.map((one) => one.parts), ...legend]);
}

function curvesImage() {
  const { ranks, latency, rate, reductionRate } = curves.START;
  const model = curves.modelOf(ranks, latency, rate, reductionRate);
  const { place, parts } = curves.draw(model, null, 800, curves.ENGLISH);
  const heading = `All-reduce over ${ranks} ranks: a message ${latency} µs, links ${rate} GB/s, ` +
    `reductions ${reductionRate} GB/s`;
  return image(844, place.total + 40, heading, curves.describe(model, curves.ENGLISH), curves.DRAWING_STYLE,
    [at(22, 26, node("text", { class: "heading" }, heading)), at(22, 40, ...parts)]);
}

function images() {
  return { "allreduce_steps.svg": stepsImage(), "cost_curves.svg": curvesImage() };
}

module.exports = { images };
if (require.main === module) {
  for (const [name, text] of Object.entries(images())) fs.writeFileSync(path.join(__dirname, name), text);
}
