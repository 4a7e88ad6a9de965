// Q7: small schedulers for the replay in the spec: one machine of a few GPUs, whole minutes, jobs of one member. They
// follow api.h and sharing_api.h, and record why each decision is taken. Plain and slow on purpose; figures_test.js
// holds them against schedules that were worked out by hand.
(function () {
  "use strict";

  const POLICIES = ["fifo", "sjf", "srtf", "las", "easy", "conservative", "fair", "reclaim"];

  // A job: {name, tenant, submit, gpus, duration, estimate}; it ends by its estimate. In order of submission.
  function makeWorkload(gpus, quotas, threshold, jobs) {
    return { gpus, quotas, threshold, jobs };
  }

  // The instance on the page. `padded`: as users say; otherwise estimates are exact.
  function example(padded) {
    const rows = [
      // name, tenant, submit, GPUs, duration, estimate
      ["A", 0, 0, 5, 5, 6], ["B", 1, 0, 6, 3, 5], ["C", 1, 2, 5, 4, 5], ["D", 1, 4, 3, 5, 9], ["E", 1, 5, 2, 1, 2],
      ["F", 0, 6, 1, 4, 7], ["G", 1, 6, 1, 3, 3], ["H", 0, 6, 2, 6, 8],
    ];
    return makeWorkload(8, [4, 4], 10, rows.map(([name, tenant, submit, size, duration, estimate]) =>
      ({ name, tenant, submit, gpus: size, duration, estimate: padded ? estimate : duration })));
  }

  // The expected run time of a job that has run for `ran`: its estimate, doubled for as long as it is wrong.
  function expected(estimate, ran) {
    while (ran >= estimate) estimate *= 2;
    return estimate;
  }

  class Machine {
    constructor(workload) {
      this.workload = workload;
      this.now = 0;
      this.queue = [];    // jobs' indices, in order of submission
      this.running = [];  // {job, start, rows}, in order of start
      this.done = workload.jobs.map(() => 0);    // minutes of work that earlier runs have kept
      this.served = workload.jobs.map(() => 0);  // GPU minutes of earlier runs
      this.runs = [];  // {job, start, end, rows, stopped}
      this.places = new Map();  // conservative: job -> the start that it has been promised
      this.step = null;
    }

    job(j) { return this.workload.jobs[j]; }
    free() { return this.workload.gpus - this.running.reduce((sum, { job }) => sum + this.job(job).gpus, 0); }
    // How long the job has to go, by its estimate; `ran` goes over all its runs.
    remaining(j) {
      const run = this.running.find(({ job }) => job === j);
      const ran = this.done[j] + (run ? this.now - run.start : 0);
      return expected(this.job(j).estimate, ran) - ran;
    }
    expectedEnd({ job }) { return this.now + this.remaining(job); }
    used(tenant) {
      return this.running.reduce((sum, { job }) => sum + (this.job(job).tenant === tenant ? this.job(job).gpus : 0), 0);
    }

    start(j, why) {
      const taken = new Set(this.running.flatMap(({ rows }) => rows));
      const rows = [];
      for (let row = 0; rows.length < this.job(j).gpus; ++row) if (!taken.has(row)) rows.push(row);
      if (rows[rows.length - 1] >= this.workload.gpus) throw new Error("over-allocation");
      this.queue.splice(this.queue.indexOf(j), 1);
      this.running.push({ job: j, start: this.now, rows });
      this.step.log.push({ kind: "start", job: j, why });
    }

    stop(j, stopped) {
      const at = this.running.findIndex(({ job }) => job === j);
      const [{ start, rows }] = this.running.splice(at, 1);
      this.done[j] += this.now - start;
      this.served[j] += (this.now - start) * this.job(j).gpus;
      if (this.now > start) this.runs.push({ job: j, start, end: this.now, rows, stopped });
    }

    preempt(j, why) {
      this.stop(j, "preempted");
      this.queue.push(j);
      this.queue.sort((a, b) => a - b);
      this.step.log.push({ kind: "preempt", job: j, why });
    }

    note(kind, job, more) { this.step.log.push({ kind, job, ...more }); }
  }

  // ------------------------------------------------------------------------------------------------------- policies
  function inOrder(machine, key) {
    for (;;) {
      const [first] = machine.queue.slice().sort((a, b) => key(a) - key(b) || a - b);
      if (first === undefined) return undefined;
      if (machine.job(first).gpus > machine.free()) return first;
      machine.start(first, { kind: "first", key: key(first) });
    }
  }

  function fifoLike(machine, key) {
    const blocked = inOrder(machine, key);
    if (blocked !== undefined) machine.note("blocks", blocked, { free: machine.free() });
  }

  // What runs is what fits in the order of the key; the rest is stopped.
  function preemptive(machine, key) {
    const all = [...machine.queue, ...machine.running.map(({ job }) => job)];
    const keys = new Map(all.map((j) => [j, key(j)]));
    let free = machine.workload.gpus;
    const chosen = [];
    for (const j of all.sort((a, b) => keys.get(a) - keys.get(b) || a - b)) {
      if (machine.job(j).gpus > free) continue;
      free -= machine.job(j).gpus;
      chosen.push(j);
    }
    for (const { job } of machine.running.slice()) {
      if (!chosen.includes(job)) machine.preempt(job, { kind: "key", key: keys.get(job) });
    }
    for (const j of chosen) if (machine.queue.includes(j)) machine.start(j, { kind: "key", key: keys.get(j) });
  }

  function queueOf(machine, j) {
    const run = machine.running.find(({ job }) => job === j);
    const served = machine.served[j] + (run ? (machine.now - run.start) * machine.job(j).gpus : 0);
    return served >= machine.workload.threshold ? 1 : 0;
  }

  // GPUs free at the times from now on at which that changes: [{at, free}], by the running jobs' expected ends.
  function profile(machine) {
    const ends = machine.running.map((run) => ({ at: machine.expectedEnd(run), gpus: machine.job(run.job).gpus }));
    const steps = [{ at: machine.now, free: machine.free() }];
    for (const at of [...new Set(ends.map((end) => end.at))].sort((a, b) => a - b)) {
      const back = ends.filter((end) => end.at === at).reduce((sum, end) => sum + end.gpus, 0);
      steps.push({ at, free: steps[steps.length - 1].free + back });
    }
    return steps;
  }

  function easy(machine) {
    const head = inOrder(machine, () => 0);
    if (head === undefined) return;
    const { at: shadow, free } = profile(machine).find((one) => one.free >= machine.job(head).gpus);
    let extra = free - machine.job(head).gpus;
    machine.step.plan.push({ job: head, at: shadow });
    machine.note("head", head, { shadow, extra });
    for (const j of machine.queue.filter((one) => one !== head)) {
      const { gpus, estimate } = machine.job(j);
      if (gpus > machine.free()) {
        machine.note("tooWide", j, { free: machine.free() });
      } else if (machine.now + estimate <= shadow) {
        machine.start(j, { kind: "ends", end: machine.now + estimate, shadow });
      } else if (gpus <= extra) {
        machine.start(j, { kind: "extra", extra });
        extra -= gpus;
      } else {
        machine.note("delays", j, { end: machine.now + estimate, shadow, extra });
      }
    }
  }

  // The earliest start >= now at which job j fits for its estimate beside the running jobs and the other jobs' places.
  function earliest(machine, j, places) {
    const { gpus, estimate } = machine.job(j);
    const taken = machine.running.map((run) => ({ from: machine.now, end: machine.expectedEnd(run), job: run.job }));
    for (const [job, at] of places) {
      if (job !== j) taken.push({ from: at, end: at + machine.job(job).estimate, job });
    }
    const freeAt = (at) => machine.workload.gpus - taken.filter((one) => one.from <= at && at < one.end)
      .reduce((sum, one) => sum + machine.job(one.job).gpus, 0);
    const fits = (at) => [at, ...taken.map((one) => one.from).filter((from) => from > at && from < at + estimate)]
      .every((from) => freeAt(from) >= gpus);
    const candidates = [machine.now, ...taken.map((one) => one.end)].sort((a, b) => a - b);
    return candidates.find((at) => at >= machine.now && fits(at));
  }

  // Places stay: a job gives its own up only for an earlier one, so that no end that comes early makes another's later.
  function conservative(machine) {
    const { places } = machine;
    for (let changed = true; changed;) {
      changed = false;
      for (const j of machine.queue) {
        const at = earliest(machine, j, places);
        if (at === places.get(j)) continue;
        changed = true;
        machine.note("place", j, { at, before: places.has(j) ? places.get(j) : null });
        places.set(j, at);
      }
    }
    for (const j of machine.queue.slice()) {
      if (places.get(j) === machine.now) {
        places.delete(j);
        machine.start(j, { kind: "place" });
      } else {
        machine.step.plan.push({ job: j, at: places.get(j) });
      }
    }
  }

  // All tenants are one cohort, whose quotas are the machine: borrowing has no other limit than what is free.
  function fair(machine, reclaim) {
    const { quotas } = machine.workload;
    const first = (tenant) => machine.queue.find((j) => machine.job(j).tenant === tenant);
    const byShare = () => quotas.map((quota, tenant) => ({ tenant, share: machine.used(tenant) / quota }))
      .filter(({ tenant }) => first(tenant) !== undefined).sort((a, b) => a.share - b.share || a.tenant - b.tenant);
    const touched = new Set();
    for (;;) {
      const next = byShare().find(({ tenant }) =>
        machine.job(first(tenant)).gpus <= machine.free() && !touched.has(first(tenant)));
      if (next) {
        touched.add(first(next.tenant));
        machine.start(first(next.tenant), { kind: "share", tenant: next.tenant, share: next.share });
        continue;
      }
      if (!reclaim || !reclaimOne(machine, byShare().map(({ tenant }) => first(tenant)), touched)) break;
    }
    for (const { tenant, share } of byShare()) machine.note("waits", first(tenant), { share, free: machine.free() });
  }

  function reclaimOne(machine, firsts, touched) {
    const { quotas } = machine.workload;
    for (const j of firsts) {
      const { tenant, gpus } = machine.job(j);
      if (touched.has(j) || machine.used(tenant) + gpus > quotas[tenant] || gpus <= machine.free()) continue;
      const victims = [], left = quotas.map((_, t) => machine.used(t));
      let free = machine.free();
      const candidates = machine.running.filter(({ job }) => machine.job(job).tenant !== tenant && !touched.has(job))
        .sort((a, b) => b.start - a.start || b.job - a.job);
      for (const { job } of candidates) {
        const owner = machine.job(job).tenant;
        if (free >= gpus || left[owner] <= quotas[owner]) continue;
        victims.push(job);
        left[owner] -= machine.job(job).gpus;
        free += machine.job(job).gpus;
      }
      if (free < gpus) continue;
      for (const job of victims.slice().reverse()) {  // no more than needed; the most deserving is spared first
        if (free - machine.job(job).gpus < gpus) continue;
        free -= machine.job(job).gpus;
        victims.splice(victims.indexOf(job), 1);
      }
      for (const job of victims) {
        const owner = machine.job(job).tenant;
        machine.preempt(job, { kind: "borrows", by: j, used: machine.used(owner), quota: quotas[owner] });
        touched.add(job);
      }
      touched.add(j);
      machine.start(j, { kind: "own", tenant, used: machine.used(tenant), quota: quotas[tenant] });
      return true;
    }
    return false;
  }

  const DECIDE = {
    fifo: (machine) => fifoLike(machine, () => 0),
    sjf: (machine) => fifoLike(machine, (j) => machine.job(j).estimate),
    srtf: (machine) => preemptive(machine, (j) => machine.remaining(j)),
    las: (machine) => preemptive(machine, (j) => queueOf(machine, j)),
    easy, conservative,
    fair: (machine) => fair(machine, false),
    reclaim: (machine) => fair(machine, true),
  };

  // ------------------------------------------------------------------------------------------------------------ run
  // {policy, workload, steps, runs, metrics}. A step is an instant at which something happened or was decided:
  // {now, events, log: what was decided and why, plan: reservations, queue, running}.
  function run(workload, policy) {
    const machine = new Machine(workload);
    const steps = [];
    let gone = 0;
    const ends = workload.jobs.map(() => null);
    for (; gone < workload.jobs.length; ++machine.now) {
      if (machine.now > 1000) throw new Error("it never ends");
      const step = { now: machine.now, events: [], log: [], plan: [] };
      machine.step = step;
      for (const { job, start } of machine.running.slice()) {
        if (machine.done[job] + machine.now - start < machine.job(job).duration) continue;
        machine.stop(job, "finished");
        ends[job] = machine.now;
        ++gone;
        step.events.push({ kind: "finish", job });
      }
      workload.jobs.forEach((job, j) => {
        if (job.submit !== machine.now) return;
        machine.queue.push(j);
        step.events.push({ kind: "submit", job: j });
      });
      if (step.events.length === 0 && policy !== "las") continue;  // las: a clock that ticks every minute
      DECIDE[policy](machine);
      if (step.events.length + step.log.length === 0) continue;
      step.queue = machine.queue.slice();
      step.running = machine.running.map((one) => ({ ...one, expectedEnd: machine.expectedEnd(one) }));
      steps.push(step);
    }
    return { policy, workload, steps, runs: machine.runs, metrics: metrics(workload, machine.runs, ends) };
  }

  // A job waits while it is in the system and does not run.
  function metrics(workload, runs, ends) {
    const jct = workload.jobs.map((job, j) => ends[j] - job.submit);
    const waits = workload.jobs.map((job, j) => jct[j] - job.duration);
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const makespan = Math.max(...ends) - Math.min(...workload.jobs.map((job) => job.submit));
    const busy = runs.reduce((sum, one) => sum + (one.end - one.start) * workload.jobs[one.job].gpus, 0);
    return {
      jct: mean(jct), wait: mean(waits), longest: Math.max(...waits), makespan, used: busy / (workload.gpus * makespan),
      stops: runs.filter((one) => one.stopped === "preempted").length,
    };
  }

  // Rows for jobs that are planned: in order of their starts, the lowest that nothing else has.
  function planRows(run, step) {
    const taken = step.running.map(({ job, rows, start, expectedEnd }) => ({ job, rows, start, end: expectedEnd }));
    return step.plan.slice().sort((a, b) => a.at - b.at || a.job - b.job).map(({ job, at }) => {
      const { gpus, estimate } = run.workload.jobs[job];
      const end = at + estimate;
      const rows = [];
      for (let row = 0; row < run.workload.gpus && rows.length < gpus; ++row) {
        if (!taken.some((one) => one.rows.includes(row) && one.start < end && at < one.end)) rows.push(row);
      }
      const planned = { job, rows, start: at, end };
      taken.push(planned);
      return planned;
    });
  }

  const model = { POLICIES, makeWorkload, example, expected, run, planRows };
  if (typeof module !== "undefined") module.exports = model;
  else window.workbench.scheduleModel = model;
}());
