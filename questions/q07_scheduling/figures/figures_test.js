// The replay's code without a browser: schedules that were worked out by hand, what holds for every schedule, the
// words, the static image. Called by figures_test.sh: node figures_test.js SPEC.md...
"use strict";

const assert = require("assert").strict;
const fs = require("fs");
const path = require("path");
const model = require("./schedule_model.js");
const replay = require("./schedule_replay.js");
const { images } = require("./render_static.js");

const specFiles = process.argv.slice(2);
assert(specFiles.length > 0, "usage: node figures_test.js SPEC.md...");

// "A 0-5, B 5-8*": runs in order of job and start; * was stopped.
function schedule(run) {
  return run.runs.slice().sort((a, b) => a.job - b.job || a.start - b.start).map(({ job, start, end, stopped }) =>
    `${run.workload.jobs[job].name} ${start}-${end}${stopped === "preempted" ? "*" : ""}`).join(", ");
}

// Rows: name, submit, GPUs, duration, estimate, tenant.
function workload(gpus, rows, { quotas = [gpus], threshold = Infinity } = {}) {
  return model.makeWorkload(gpus, quotas, threshold, rows.map(([name, submit, size, duration, estimate, tenant]) =>
    ({ name, submit, gpus: size, duration, estimate: estimate || duration, tenant: tenant || 0 })));
}

function check(policy, jobs, expected, gpus = 8, options = {}) {
  assert.equal(schedule(model.run(workload(gpus, jobs, options), policy)), expected);
}

function forEachRun(test) {
  for (const padded of [false, true]) {
    for (const policy of model.POLICIES) test(model.run(model.example(padded), policy));
  }
}

const tests = {
  "the estimate doubles when it has passed": () => {
    assert.deepEqual([[5, 0], [5, 4], [5, 5], [5, 9], [5, 10], [1, 7]].map(([e, ran]) => model.expected(e, ran)),
      [5, 5, 10, 10, 20, 8]);
  },

  // The spec's example: C is the head, its shadow time is 6, and one GPU is to spare then.
  "EASY, by hand": () => {
    const jobs = [["A", 0, 4, 6], ["B", 0, 2, 10], ["C", 0, 5, 4], ["D", 0, 2, 8], ["E", 0, 1, 20], ["F", 0, 1, 5]];
    check("easy", jobs, "A 0-6, B 0-10, C 6-10, D 10-18, E 0-20, F 0-5");
    check("fifo", jobs, "A 0-6, B 0-10, C 6-10, D 10-18, E 10-30, F 10-15");
  },

  // The spec's example: C is the second in the queue; EASY delays it, conservative backfill does not.
  "EASY and conservative backfill, by hand": () => {
    const jobs = [["A", 0, 3, 4], ["B", 0, 2, 6], ["C", 0, 4, 3], ["D", 0, 1, 12]];
    check("easy", jobs, "A 0-4, B 4-10, C 12-15, D 0-12", 4);
    check("conservative", jobs, "A 0-4, B 4-10, C 10-13, D 13-25", 4);
    check("fifo", jobs, "A 0-4, B 4-10, C 10-13, D 13-25", 4);
  },

  // R2 ends at 3 instead of 10. Found from scratch, J1 would take 5 and J2, which was promised 5... 105.
  "an early end makes no place later": () => {
    const jobs = [["R1", 0, 2, 5], ["R2", 0, 2, 3, 10], ["J1", 0, 3, 100], ["J2", 0, 2, 5]];
    const run = model.run(workload(4, jobs), "conservative");
    const place = ({ job, at }) => `${run.workload.jobs[job].name} ${at}`;
    assert.equal(run.steps[0].plan.map(place).join(", "), "J1 10, J2 5");
    assert.equal(schedule(run), "R1 0-5, R2 0-3, J1 8-108, J2 3-8");
  },

  "SJF and SRTF, by hand": () => {
    const jobs = [["A", 0, 8, 10], ["B", 1, 8, 6], ["C", 2, 8, 2], ["D", 3, 8, 1]];
    check("fifo", jobs, "A 0-10, B 10-16, C 16-18, D 18-19");
    check("sjf", jobs, "A 0-10, B 13-19, C 11-13, D 10-11");
    check("srtf", jobs, "A 0-1*, A 10-19, B 1-2*, B 5-10, C 2-4, D 4-5");
  },

  "a job that is resumed has only its rest to go": () => {
    // A has 2 to go when it is stopped; B, of 3, must not stop it once more.
    check("srtf", [["A", 0, 8, 5], ["B", 3, 8, 1], ["C", 4, 8, 3]], "A 0-3*, A 4-6, B 3-4, C 6-9");
  },

  // The spec's figure: two GPUs, one threshold of 4 GPU minutes.
  "least attained service, by hand": () => {
    const jobs = [["L", 0, 2, 6], ["S", 1, 2, 1], ["T", 4, 2, 1]];
    check("las", jobs, "L 0-2*, L 3-4*, L 5-8, S 2-3, T 4-5", 2, { threshold: 4 });
  },

  // The spec's figure: two tenants with 4 of 8 GPUs each; the first borrows and gives back.
  "lending and reclaim, by hand": () => {
    const jobs = [["a1", 0, 4, 12, 0, 0], ["a2", 0, 2, 8, 0, 0], ["a3", 0, 2, 8, 0, 0], ["b1", 3, 2, 6, 0, 1],
      ["b2", 5, 2, 6, 0, 1], ["b3", 6, 1, 2, 0, 1]];
    const quotas = [4, 4];
    check("reclaim", jobs, "a1 0-12, a2 0-5*, a2 11-14, a3 0-3*, a3 11-16, b1 3-9, b2 5-11, b3 9-11", 8, { quotas });
    check("fair", jobs, "a1 0-12, a2 0-8, a3 0-8, b1 8-14, b2 8-14, b3 12-14", 8, { quotas });
  },

  "the page's instance": () => {
    const expected = {
      fifo: "A 0-5, B 5-8, C 8-12, D 8-13, E 12-13, F 12-16, G 12-15, H 13-19",
      sjf: "A 7-12, B 0-3, C 3-7, D 10-15, E 5-6, F 6-10, G 6-9, H 12-18",
      srtf: "A 11-16, B 0-3, C 3-7, D 4-5*, D 7-11, E 5-6, F 6-10, G 6-9, H 7-13",
      easy: "A 0-5, B 5-8, C 8-12, D 10-15, E 5-6, F 6-10, G 6-9, H 12-18",
      conservative: "A 0-5, B 5-8, C 8-12, D 8-13, E 5-6, F 12-16, G 12-15, H 12-18",
      reclaim: "A 0-5, B 5-6*, B 10-12, C 12-16, D 12-17, E 16-17, F 6-10, G 16-19, H 6-12",
    };
    for (const [policy, text] of Object.entries(expected)) {
      assert.equal(schedule(model.run(model.example(false), policy)), text, policy);
    }
  },

  "no schedule uses a GPU twice, loses a job or work": () => forEachRun((run) => {
    const { jobs, gpus } = run.workload;
    const ran = jobs.map(() => 0), taken = new Set();
    for (const { job, start, end, rows } of run.runs) {
      assert(start >= jobs[job].submit && end > start && rows.length === jobs[job].gpus);
      ran[job] += end - start;
      for (const row of rows) {
        for (let at = start; at < end; ++at) {
          assert(row >= 0 && row < gpus && !taken.has(`${row} ${at}`));
          taken.add(`${row} ${at}`);
        }
      }
    }
    assert.deepEqual(ran, jobs.map((job) => job.duration));
  }),

  "promises are kept": () => {
    for (const policy of ["easy", "conservative"]) {
      for (const padded of [false, true]) {
        const run = model.run(model.example(padded), policy);
        const promised = new Map();
        for (const step of run.steps) {
          for (const { job, at } of step.plan) {
            assert(!promised.has(job) || at <= promised.get(job), `${policy}: a promise moved back`);
            promised.set(job, at);
          }
        }
        for (const { job, start } of run.runs) assert(!promised.has(job) || start <= promised.get(job));
        assert(promised.size > 2);
      }
    }
  },

  "every policy has a schedule of its own": () => {
    for (const padded of [false, true]) {
      assert.equal(new Set(model.POLICIES.map((policy) => schedule(model.run(model.example(padded), policy)))).size, 8);
    }
  },

  "both languages say everything": () => {
    const keys = (words) => Object.entries(words).flatMap(([key, value]) =>
      (typeof value === "object" ? [key, ...Object.keys(value).map((inner) => `${key}.${inner}`)] : [key]));
    assert.deepEqual(keys(replay.CHINESE), keys(replay.ENGLISH));
    for (const words of [replay.ENGLISH, replay.CHINESE]) {
      forEachRun((run) => run.steps.forEach((_, step) => {
        const { title, lines } = replay.describe(run, step, words);
        assert(lines.length > 0);
        assert(!/undefined|NaN|null/.test(title + lines.join("")), title + lines.join(" "));
        assert(!/undefined|NaN/.test(JSON.stringify(replay.draw(run, step, 328, words).parts)));
      }));
    }
    const { lines } = replay.describe(model.run(model.example(false), "easy"), 3, replay.ENGLISH);
    assert.deepEqual(lines, ["Ended: A. Submitted: E.", "B starts, the first in order.",
      "C is the head: it starts at 8 at the latest, and leaves 3 GPUs free then.", "D needs 3 GPUs, free: 2.",
      "E is backfilled: it ends by 6, the reservation is at 8."]);
  },

  "reservations find their rows": () => forEachRun((run) => run.steps.forEach((step) => {
    for (const { job, rows } of model.planRows(run, step)) assert.equal(rows.length, run.workload.jobs[job].gpus);
  })),

  "the spec's numbers are the model's": () => {
    const metrics = (policy, padded) => model.run(model.example(padded), policy).metrics;
    const exact = metrics("easy", false), padded = metrics("easy", true);
    const srtf = model.run(model.example(false), "srtf");
    assert.deepEqual([exact.wait, exact.longest, padded.wait, padded.longest], [2.875, 6, 2.75, 8]);
    assert.equal(srtf.metrics.longest, 11);
    assert.equal(Math.max(...srtf.runs.filter(({ job }) => job === 0).map(({ end }) => end)), 16);  // A, of 5 minutes
    for (const file of specFiles) assert.match(fs.readFileSync(file, "utf8"), /2\.88[^.]+2\.75[^.]+6[^.]+8/, file);
  },

  "the static image is what render_static.js makes": () => {
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
