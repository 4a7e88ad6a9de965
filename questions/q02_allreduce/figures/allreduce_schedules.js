// Q2: who sends what in which step of the four all-reduce algorithms, and what that does to the pieces of the buffer.
// Pure: allreduce_steps.js draws it, figures_test.js holds it against the spec's formulas.
//
// makeRun(algorithm, n, segments) throws if a schedule adds a contribution twice, uses a port twice in one step, or
// ends with a piece that lacks one: what is drawn has been checked. `segments` is the tree's; 2 <= n <= 30.
(function () {
  "use strict";

  const ALGORITHMS = ["ring", "doubling", "halving", "tree"];

  // A schedule is {columns, steps}; a step is {phase, messages}; a message carries the pieces [first, end) from one
  // rank to another, which adds them to its own or, if not `adds`, replaces its own by them.

  function floorLog2(n) {
    return 31 - Math.clz32(n);
  }

  function allRanks(n, message) {
    return Array.from({ length: n }, (_, rank) => message(rank));
  }

  // Data moves to the right; piece c starts at rank c and is complete on rank c - 1.
  function ring(n) {
    const steps = [];
    for (let half = 0; half < 2; ++half) {
      for (let s = 0; s < n - 1; ++s) {
        const messages = allRanks(n, (rank) => {
          const piece = (rank + half - s + 2 * n) % n;
          return { from: rank, to: (rank + 1) % n, first: piece, end: piece + 1, adds: half === 0 };
        });
        steps.push({ phase: half === 0 ? "scatter" : "gather", messages });
      }
    }
    return { columns: n, steps };
  }

  // Ranks from the largest power of two p on hand their buffer to rank - p, and get the result from there.
  function withFold(n, columns, exchanges) {
    const p = 1 << floorLog2(n);
    const fold = allRanks(n - p, (i) => ({ from: p + i, to: i, first: 0, end: columns, adds: true }));
    const unfold = fold.map((m) => ({ ...m, from: m.to, to: m.from, adds: false }));
    const steps = fold.length === 0 ? exchanges : [
      { phase: "fold", messages: fold }, ...exchanges, { phase: "unfold", messages: unfold },
    ];
    return { columns, steps };
  }

  function recursiveDoubling(n) {
    const p = 1 << floorLog2(n);
    const steps = [];
    for (let distance = 1; distance < p; distance *= 2) {
      const messages = allRanks(p, (rank) => ({ from: rank, to: rank ^ distance, first: 0, end: 1, adds: true }));
      steps.push({ phase: "exchange", distance, messages });
    }
    return withFold(n, 1, steps);
  }

  // What rank is still responsible for among p pieces when the exchanges from p / 2 down to `distance` are done is
  // `distance` pieces long, and starts at the rank's bits above.
  function halvingDoubling(n) {
    const p = 1 << floorLog2(n);
    const kept = (rank, distance) => ({ first: rank & ~(distance - 1), end: (rank & ~(distance - 1)) + distance });
    const steps = [];
    for (let distance = p / 2; distance >= 1; distance /= 2) {
      const messages = allRanks(p, (rank) => {
        return { from: rank, to: rank ^ distance, ...kept(rank ^ distance, distance), adds: true };
      });
      steps.push({ phase: "halving", distance, messages });
    }
    for (let distance = 1; distance < p; distance *= 2) {
      const messages = allRanks(p, (rank) => {
        return { from: rank, to: rank ^ distance, ...kept(rank, distance), adds: false };
      });
      steps.push({ phase: "doubling", distance, messages });
    }
    return withFold(n, p, steps);
  }

  // When the first segment's messages have to start at the latest in an idle tree: `up` from a rank to its parent,
  // `down` from the parent. As in cost_simulation.cc, with messages of one step and reductions that take no time.
  function treeDueDates(n) {
    const parent = (rank) => (rank - 1) >> 1;
    const up = new Array(n).fill(0);
    for (let child = 1; child < n; ++child) up[child] = up[parent(child)] - (child % 2 === 1 ? 1 : 2);
    const rootReady = -Math.min(...up);
    const latest = new Array(n).fill(0);
    const down = new Array(n).fill(0);
    for (let child = n - 1; child > 0; --child) {
      down[child] = Math.min(latest[child], latest[parent(child)]) - 1;
      latest[parent(child)] = down[child];
    }
    return { up: up.map((due) => due + rootReady), down: down.map((due) => due + rootReady - latest[0]) };
  }

  // A binary heap of ranks with the root 0. In each step every port takes the message that is due first; a later
  // segment is due `pace` steps after the one before. `holds`: leaves keep a segment back until it is due.
  function pacedTree(n, segments, pace, holds) {
    const { up, down } = treeDueDates(n);
    const waiting = [];
    const add = (from, to, segment) => {
      const due = (to < from ? up[from] : down[to]) + segment * pace;
      waiting.push({ from, to, first: segment, end: segment + 1, adds: to < from, due });
    };
    const missing = allRanks(n, (rank) => new Array(segments).fill(Math.max(0, Math.min(2, n - 1 - 2 * rank))));
    const children = (rank) => [2 * rank + 1, 2 * rank + 2].filter((child) => child < n);
    for (let rank = 1; rank < n; ++rank) {
      for (let s = 0; s < segments; ++s) if (missing[rank][s] === 0) add(rank, (rank - 1) >> 1, s);
    }
    const steps = [];
    while (waiting.length > 0) {
      waiting.sort((a, b) => a.due - b.due || b.from - a.from || a.to - b.to);
      const sends = new Set(), receives = new Set(), messages = [];
      for (const message of waiting) {
        const held = holds && message.adds && 2 * message.from + 1 >= n && message.due > steps.length;
        if (held || sends.has(message.from) || receives.has(message.to)) continue;
        sends.add(message.from);
        receives.add(message.to);
        messages.push(message);
      }
      for (const message of messages) {
        waiting.splice(waiting.indexOf(message), 1);
        const { to, first, adds } = message;
        if (adds && --missing[to][first] > 0) continue;
        if (adds && to > 0) add(to, (to - 1) >> 1, first);
        else for (const child of children(to)) add(to, child, first);
      }
      const phase = messages.every((m) => m.adds) ? "up" : messages.some((m) => m.adds) ? "both" : "down";
      steps.push({ phase, messages: messages.sort((a, b) => a.from - b.from) });
    }
    return { columns: segments, steps };
  }

  // No pace is best for all numbers of ranks and segments, so several are tried.
  function tree(n, segments) {
    let best = null;
    for (const pace of [3, 2.7, 2, 1.8]) {
      for (const holds of [true, false]) {
        const found = pacedTree(n, segments, pace, holds);
        if (best === null || found.steps.length < best.steps.length) best = found;
      }
    }
    return best;
  }

  // Part C's formula in messages, with alpha = gamma = 0; the tree above takes as many steps, or one less.
  function treeFormula(n, segments) {
    const slots = floorLog2(n + 1) + floorLog2(Math.floor(2 * (n + 1) / 3)) - 1;
    return 2 * slots + (segments - 1) * (n === 2 ? 1 : n <= 4 ? 2 : 3);
  }

  function schedule(algorithm, n, segments) {
    switch (algorithm) {
      case "ring": return ring(n);
      case "doubling": return recursiveDoubling(n);
      case "halving": return halvingDoubling(n);
      case "tree": return tree(n, segments);
    }
    throw new Error("no such algorithm: " + algorithm);
  }

  // What every rank holds and has sent after each step, states[0] being the start. A piece is {set, fresh, stale}: the
  // contributions as a bit set, whether it arrived in this very step, and whether somebody else goes on with it.
  function play(n, { columns, steps }) {
    const all = (1 << n) - 1;
    const states = [{
      pieces: allRanks(n, (rank) => new Array(columns).fill({ set: 1 << rank, fresh: false, stale: false })),
      sent: new Array(n).fill(0),
    }];
    for (const { messages } of steps) {
      const before = states[states.length - 1];
      const pieces = before.pieces.map((row) => row.map((piece) => ({ ...piece, fresh: false })));
      const sent = before.sent.slice();
      const busy = new Set();
      for (const { from, to, first, end, adds } of messages) {
        for (const port of ["send " + from, "receive " + to]) {
          if (busy.has(port)) throw new Error("two messages in one step: " + port);
          busy.add(port);
        }
        sent[from] += end - first;
        for (let c = first; c < end; ++c) if (adds && !pieces[from][c].fresh) pieces[from][c].stale = true;
        for (let c = first; c < end; ++c) {
          const arriving = before.pieces[from][c].set, own = before.pieces[to][c].set;
          if (adds && (arriving & own) !== 0) throw new Error(`a contribution is added twice: rank ${to}, piece ${c}`);
          pieces[to][c] = { set: adds ? arriving | own : arriving, fresh: true, stale: false };
        }
      }
      states.push({ pieces, sent });
    }
    const complete = states[states.length - 1].pieces.every((row) => row.every((piece) => piece.set === all));
    if (!complete) throw new Error("the last step leaves a piece incomplete");
    return states;
  }

  function makeRun(algorithm, n, segments) {
    const plan = schedule(algorithm, n, segments);
    return { algorithm, n, ...plan, states: play(n, plan) };
  }

  // A number of pieces as a multiple of S: "0", "S", "3/4 S".
  function share(pieces, columns) {
    const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));
    const divisor = gcd(pieces, columns);
    const above = pieces / divisor, below = columns / divisor;
    if (pieces === 0) return "0";
    if (below === 1) return above === 1 ? "S" : above + " S";
    return above === 1 ? "S/" + below : above + "/" + below + " S";
  }

  const schedules = { ALGORITHMS, makeRun, play, schedule, share, treeFormula };
  if (typeof module !== "undefined") module.exports = schedules;
  else window.workbench.allreduceSchedules = schedules;
}());
