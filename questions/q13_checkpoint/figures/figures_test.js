// The crash explorer's model and words without a browser. Called by figures_test.sh: node figures_test.js
"use strict";

const assert = require("assert").strict;
const explorer = require("./crash_explorer.js");

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

console.log("the crash explorer is as it should be");
