// The figures' code without a browser: models, words, and the static images against the code that draws them. Called by
// figures_test.sh: node figures_test.js
"use strict";

const assert = require("assert").strict;
const fs = require("fs");
const path = require("path");
const explorer = require("./crash_explorer.js");
const { MADE, compact } = require("./render_static.js");
const timeline = require("./save_timeline.js");

// "old|old,new*": what may be found after each operation; * where that breaks the promise.
function story(operations) {
  const states = explorer.run(operations);
  assert.equal(states.length, operations.length + 1);
  return states.slice(1).map((state) => {
    const { outcomes, kept } = explorer.verdict(state);
    return outcomes.join() + (kept ? "" : "*");
  }).join("|");
}

const { PRESETS } = explorer;
assert.equal(story(PRESETS.right), "old|old|old|old,new|new|new");
assert.equal(story(PRESETS.inplace), "old,damaged*|old,new,damaged*|new|new");
assert.equal(story(PRESETS.nosync), "old|old|old,new,damaged*|old,new,damaged*");
assert.equal(story(PRESETS.dironly), "old|old|old,new,damaged*|new,damaged*|new,damaged*");
assert.equal(story(PRESETS.nodir), "old|old|old|old,new|old,new*");
assert.equal(story(PRESETS.removed), "old|old|old|old,nothing*|old,new,nothing*|new|new");
// A sync of the directory before the rename does not help, and a sync of the file after it comes too late.
assert.equal(story(["create", "write", "sync", "syncdir", "rename", "return"]), "old|old|old|old|old,new|old,new*");
assert.equal(story(["create", "write", "rename", "sync", "syncdir"]), "old|old|old,new,damaged*|old,new|new");

// What cannot be done ends the run.
assert.equal(explorer.run(["write"]).length, 1);
assert.equal(explorer.run(["rename"]).length, 1);
assert.equal(explorer.run(["create", "create"]).length, 2);
assert.equal(explorer.run(["remove", "empty"]).length, 2);

// Torn: each block of an unsynced file for itself, each change of a name for itself.
const torn = explorer.run(["create", "write", "rename"])[3];
assert.equal(explorer.images(torn).length, 2 + 2 * 4);

// Both languages say the same things.
function shape(words) {
  return Object.fromEntries(Object.entries(words).map(([name, value]) =>
    [name, typeof value === "object" ? shape(value) : typeof value]));
}
assert.deepEqual(shape(explorer.ENGLISH), shape(explorer.CHINESE));
assert.deepEqual(Object.keys(explorer.ENGLISH.operations).sort(), [...explorer.OPERATIONS].sort());
assert.deepEqual(Object.keys(explorer.ENGLISH.presets), Object.keys(PRESETS));

// The timeline. Kernels with gaps of 40 and 78 ms; four writes of 1 MB, the first at half the rate of the others.
const events = [
  ["training", -2, 0.5], ["training", 0.25, 1], ["training", 41, 42], ["training", 120, 121], ["training", 121.5, 122],
  ["save", 0, 0.125], ["write", 2, 42], ["write", 42, 62], ["write", 62, 82], ["write", 82, 102],
  ["commit", 103, 104], ["commit", 104, 104.25], ["commit", 104.25, 105],
].map(([lane, begin_ms, end_ms]) => ({ lane, begin_ms, end_ms }));
const save = { room: "ring", device_bytes: 0, pinned_bytes: 2 ** 20, chunk_bytes: 2 ** 20, events };
const small = compact({ device: "GPU", bytes: 4e6, saves: [save] }).saves[0];
assert.deepEqual(small.stall, [42, 120]);
assert.deepEqual(small.training, [[-2, 0.5], [0.25, 1], [41, 42], [120, 122]]);
assert.deepEqual(small.write.length, 4);
assert.deepEqual(small.commit.length, 3);
assert.deepEqual(small.copy, []);
assert.deepEqual(small.rate, { every_ms: 100, gb_per_s: [0.04, 0.05] });  // 3.9 MB in 98 ms, 0.1 MB in 2 ms
assert.deepEqual([0.35, 3.2, 82.04, 999, 2020, 3500].map(timeline.timeText),
  ["350 µs", "3.2 ms", "82 ms", "999 ms", "2.02 s", "3.5 s"]);
assert.deepEqual(shape(timeline.ENGLISH), shape(timeline.CHINESE));
for (const words of [timeline.ENGLISH, timeline.CHINESE]) {
  for (const width of [328, 760, 900]) {
    for (const shown of timeline.WINDOWS) {
      const drawn = timeline.draw({ device: "GPU", bytes: 4e6, saves: [small] }, shown, width, words);
      assert(!/undefined|NaN|null/.test(JSON.stringify(drawn)));
    }
  }
}

for (const [name, make] of Object.entries(MADE)) {
  const old = fs.readFileSync(path.join(__dirname, name), "utf8") !== make();
  assert(!old, `${name} is old: run node render_static.js in its folder`);
}

console.log("the figures are as they should be");
