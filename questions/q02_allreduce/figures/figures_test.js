// The figures' code that needs no browser: schedules against the spec's formulas, costs against cost.cc, the static
// images against the code that draws them. Called by figures_test.sh:
//   node figures_test.js COSTS.json SPEC.md...     COSTS.json is what cost_table.cc prints
"use strict";

const assert = require("assert").strict;
const fs = require("fs");
const path = require("path");
const cost = require("./cost_model.js");
const curves = require("./cost_curves.js");
const plans = require("./allreduce_schedules.js");
const steps = require("./allreduce_steps.js");
const { images } = require("./render_static.js");

const [costsFile, ...specFiles] = process.argv.slice(2);
assert(costsFile && specFiles.length > 0, "usage: node figures_test.js COSTS.json SPEC.md...");

const SEGMENTS = [1, 2, 3, 4, 5, 6];

function forEachRun(check) {
  for (const algorithm of plans.ALGORITHMS) {
    for (let n = 2; n <= 8; ++n) {
      for (const segments of algorithm === "tree" ? SEGMENTS : [1]) check(plans.makeRun(algorithm, n, segments), n);
    }
  }
}

function near(actual, expected, tolerance, what) {
  assert(Math.abs(actual - expected) <= tolerance * expected, `${what}: ${actual}, not ${expected}`);
}

const tests = {
  "every rank ends with all contributions": () => {
    let runs = 0;
    forEachRun((run, n) => {
      const last = run.states[run.states.length - 1];
      const everything = (1 << n) - 1;
      for (const row of last.pieces) for (const { set, stale } of row) assert(set === everything && !stale);
      ++runs;
    });
    assert.equal(runs, 7 * (3 + SEGMENTS.length));
  },

  // The table "Side by side" of the spec, in multiples of S.
  "steps and bytes are the spec's": () => forEachRun((run, n) => {
    const logP = Math.floor(Math.log2(n)), p = 2 ** logP, r = n - p, fold = r > 0 ? 1 : 0;
    const k = run.columns;
    const [count, busiest, all] = {
      ring: () => [2 * (n - 1), 2 * (n - 1) / n, 2 * (n - 1)],
      doubling: () => [logP + 2 * fold, logP + fold, p * logP + 2 * r],
      halving: () => [2 * logP + 2 * fold, 2 * (p - 1) / p + fold, 2 * (p - 1) + 2 * r],
      tree: () => [plans.treeFormula(n, k), n === 2 ? 1 : n <= 4 ? 2 : 3, 2 * (n - 1)],
    }[run.algorithm]();
    const what = `${run.algorithm}, ${n} ranks, ${k} columns`;
    const sent = run.states[run.states.length - 1].sent.map((pieces) => pieces / k);
    near(Math.max(...sent), busiest, 1e-12, what);
    near(sent.reduce((a, b) => a + b), all, 1e-12, what);
    // Part C's formula is exact for one segment and for small trees, and up to two steps above otherwise.
    const slack = run.algorithm === "tree" && k > 1 && n > 4 ? 2 : 0;
    const taken = run.steps.length;
    assert(taken <= count && taken >= count - slack, `${what}: ${taken} steps, not ${count}`);
  }),

  "the tree's formula is the cost model's": () => {
    for (let n = 2; n <= 8; ++n) {
      for (const k of SEGMENTS) {
        const seconds = cost.cost({ ranks: n, alpha: 0, beta: 1, gamma: 0 }, "tree", k, 1);
        assert.equal(plans.treeFormula(n, k), seconds, `${n} ranks, ${k} segments`);
      }
    }
  },

  "broken schedules are refused": () => {
    const plan = plans.schedule("ring", 4, 1);
    assert.throws(() => plans.play(4, { ...plan, steps: plan.steps.slice(0, -1) }), /incomplete/);
    assert.throws(() => plans.play(4, { ...plan, steps: [plan.steps[0], ...plan.steps] }), /added twice/);
    const twice = { phase: "scatter", messages: [...plan.steps[0].messages, plan.steps[0].messages[0]] };
    assert.throws(() => plans.play(4, { ...plan, steps: [twice] }), /two messages/);
  },

  "shares of the buffer are written as reduced fractions": () => {
    assert.deepEqual([[0, 4], [4, 4], [6, 4], [1, 4], [8, 4]].map(([a, b]) => plans.share(a, b)),
      ["0", "S", "3/2 S", "S/4", "2 S"]);
  },

  "costs are cost.cc's": () => {
    const table = JSON.parse(fs.readFileSync(costsFile, "utf8"));
    assert(table.length > 1000);
    for (const one of table) {
      const what = JSON.stringify(one);
      cost.ALGORITHMS.forEach((algorithm, i) => {
        near(cost.cost(one, algorithm, one.bytes, one.segmentBytes), one.seconds[i], 1e-12, algorithm + " " + what);
      });
      near(cost.lowerBound(one, one.bytes), one.bound, 1e-12, "bound " + what);
      if (one.ranks === 1) continue;
      const tree = cost.bestTree(one, one.bytes), best = cost.bestChoice(one, one.bytes);
      near(tree.seconds, one.bestTree, 1e-4, "best tree " + what);  // cost.cc searches, and promises 0.01 %
      near(best.seconds, one.best, 1e-4, "best " + what);
      assert.equal(tree.seconds, cost.cost(one, "tree", one.bytes, tree.segmentBytes));
    }
  },

  "no segment size beats the tree's best": () => {
    for (const ranks of [2, 4, 7, 100]) {
      for (const [alpha, gamma] of [[0, 1], [0.1, 0], [0.1, 3], [0.1, 0.5], [2, 1.2], [30, 2]]) {
        for (let bytes = 1; bytes < 200; bytes += 7) {
          const model = { ranks, alpha, beta: 1, gamma };
          const all = Array.from({ length: bytes }, (_, i) => cost.cost(model, "tree", bytes, i + 1));
          assert.equal(cost.bestTree(model, bytes).seconds, Math.min(...all), JSON.stringify({ ...model, bytes }));
        }
      }
    }
  },

  "the best algorithm changes where it is said to": () => {
    for (const ranks of [2, 3, 8, 12, 100, 1000, 65536]) {
      const model = curves.modelOf(ranks, 5, 25, 60);
      const found = cost.winners(model, 16, 2 ** 32);
      found.forEach(({ algorithm, from, to }, i) => {
        assert.equal(from, i === 0 ? 16 : found[i - 1].to);
        assert.notEqual(algorithm, i === 0 ? "" : found[i - 1].algorithm);
        for (const bytes of [from, Math.floor(Math.sqrt(from * to)), Math.floor(to * (1 - 1 / 2048))]) {
          assert.equal(cost.bestChoice(model, bytes).algorithm, algorithm, `${ranks} ranks, ${bytes} bytes`);
        }
      });
      assert.equal(found[found.length - 1].to, 2 ** 32);
    }
    assert.deepEqual(cost.winners(curves.modelOf(1000, 5, 25, 60), 16, 2 ** 32).map((one) => one.algorithm),
      ["doubling", "halving", "tree", "ring"]);
  },

  // | 12 | 1 MiB | **203** | 305 | 230 | 305 | 77 |, for the model that the spec names above the table.
  "the spec's table of times is the model's": () => {
    const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
    for (const file of specFiles) {
      const rows = fs.readFileSync(file, "utf8").match(/^\| \d+ \| \d+ [KMG]iB \|.*$/gm) || [];
      assert(rows.length >= 9, file + ": the table of times is not there");
      for (const row of rows) {
        const [ranks, size, ...times] = row.split("|").slice(1, -1).map((cell) => cell.trim().replace(/\*\*/g, ""));
        const [count, unit] = size.split(" ");
        const model = curves.modelOf(Number(ranks), 5, 25, 60), bytes = count * units[unit];
        const expected = [...cost.costs(model, bytes).map((one) => one.seconds), cost.lowerBound(model, bytes)];
        assert.deepEqual(times, expected.map((seconds) => String(Math.round(seconds * 1e6))), `${file}: ${row}`);
      }
    }
  },

  "both languages say everything": () => {
    for (const { ENGLISH, CHINESE } of [steps, curves]) {
      assert.deepEqual(Object.keys(CHINESE), Object.keys(ENGLISH));
    }
    for (const words of [steps.ENGLISH, steps.CHINESE]) {
      forEachRun((run) => run.states.forEach((_, step) => {
        const { title, text } = steps.describe(run, step, words);
        assert(!/undefined|NaN/.test(title + text), title + text);
        assert(!/undefined|NaN/.test(JSON.stringify(steps.draw(run, step, 328, words).parts)));
        assert.equal(text.includes(words.done), step === run.steps.length);
      }));
    }
    assert.equal(steps.describe(plans.makeRun("ring", 4, 1), 2, steps.ENGLISH).text,
      "Every rank sends one chunk (S/4) to the right, where it is added. " +
      "0 to 1: chunk 3; 1 to 2: chunk 0; 2 to 3: chunk 1; 3 to 0: chunk 2.");
  },

  "numbers are short": () => {
    assert.deepEqual([16, 1536, 2 ** 20, 2 ** 36].map(curves.bytesText), ["16 B", "1.5 KiB", "1 MiB", "64 GiB"]);
    assert.deepEqual([5e-6, 1e-3, 0.30253, 1.5].map(curves.secondsText), ["5 µs", "1 ms", "303 ms", "1.5 s"]);
  },

  "static images are what render_static.js makes": () => {
    for (const [name, text] of Object.entries(images())) {
      const file = path.join(__dirname, name);
      assert(fs.readFileSync(file, "utf8") === text, `${name} is old: run node render_static.js in its folder`);
    }
  },
};

let failures = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    test();
    console.log("ok    ", name);
  } catch (error) {
    ++failures;
    console.log("FAILED", name + "\n       " + error.message.slice(0, 600));
  }
}
process.exit(failures === 0 ? 0 : 1);
