// Makes schedule_replay.svg, which stands where the interactive figure cannot, by the figure's own code.
// figures_test.js fails when it is not what this makes. In this folder: node render_static.js
"use strict";

const fs = require("fs");
const path = require("path");
const { node } = require("../../../docs/figures/figure_kit.js");
const model = require("./schedule_model.js");
const replay = require("./schedule_replay.js");

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
    svg { --bg: #ffffff; --fg: #1d232a; --muted: #586270; --line: #dde2e8; --series-1: #0a58b5; --series-2: #b4480a; }
    @media (prefers-color-scheme: dark) { svg { --bg: #10151b; --fg: #e3e8ee; --muted: #9ba7b4; --line: #2d3640;
      --series-1: #74b4ff; --series-2: #ff9e57; } }
    .ground { fill: var(--bg); }
    text.heading { font-size: 14px; font-weight: 600; } text.caption { fill: var(--muted); }`;

const at = (x, y, ...parts) => node("g", { transform: `translate(${x} ${y})` }, ...parts);

function replayImage() {
  const words = replay.ENGLISH, panel = 450, margin = 20;
  const panels = model.POLICIES.map((policy, i) => {
    const run = model.run(model.example(false), policy);
    const { height, parts } = replay.draw(run, run.steps.length - 1, panel, words, 15);
    const { wait, longest } = run.metrics;
    const name = node("text", { class: "heading" }, words.names[policy]);
    const caption = `mean wait ${wait.toFixed(2)} min, longest ${longest}`;
    const waits = node("text", { class: "caption end", x: panel - 8 }, caption);
    const x = margin + (i % 2) * (panel + margin), y = 30 + Math.floor(i / 2) * (height + 36);
    return { bottom: y + 10 + height, parts: at(x, y, name, waits, at(0, 10, ...parts)) };
  });
  const width = 2 * panel + 3 * margin, legendTop = panels[panels.length - 1].bottom + 14;
  const legend = replay.legendItems(words).filter((_, i) => [0, 1, 5].includes(i)).map((item, i) => {
    const caption = node("text", { class: "caption", x: 28, y: 11 }, item.caption);
    return at(margin + 54 + i * 130, legendTop, ...item.picture, caption);
  });
  const title = "Eight jobs on eight GPUs under eight policies";
  const description = "For each policy, which job ran on which GPU, from when to when; colours are two tenants.";
  const style = replay.DRAWING_STYLE.replace(/SCOPE /g, "") + COLOURS;
  const height = legendTop + 30;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `role="img" aria-labelledby="t d">`,
    "<!-- Made by render_static.js -->", `<title id="t">${title}</title>`, `<desc id="d">${description}</desc>`,
    `<style>${style}\n</style>`, textOf(node("rect", { class: "ground", width, height, rx: 8 })),
    ...panels.map((one) => textOf(one.parts)), ...legend.map(textOf), "</svg>", "",
  ].join("\n");
}

function images() {
  return { "schedule_replay.svg": replayImage() };
}

module.exports = { images };
if (require.main === module) {
  for (const [name, text] of Object.entries(images())) fs.writeFileSync(path.join(__dirname, name), text);
}
