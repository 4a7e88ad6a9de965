// Q2 part C's cost model, the same as cost.cc: seconds of the four algorithms, the tree's best number of segments, and
// the sizes at which the best algorithm changes. figures_test.js holds it against what the C++ prints.
//
// A model is {ranks, alpha, beta, gamma}, in seconds and seconds a byte; sizes are whole numbers of bytes up to 2^36.
(function () {
  "use strict";

  const ALGORITHMS = ["ring", "doubling", "halving", "tree"];

  function floorLog2(n) {
    return 31 - Math.clz32(n);
  }

  function isPowerOfTwo(n) {
    return (n & (n - 1)) === 0;
  }

  function foldCost({ ranks, alpha, beta, gamma }, bytes) {
    return isPowerOfTwo(ranks) ? 0 : 2 * (alpha + beta * bytes) + gamma * bytes;
  }

  // Messages and reductions of a segment at the busiest port and rank.
  function treeLoad(ranks) {
    return { messages: ranks === 2 ? 1 : ranks <= 4 ? 2 : 3, reductions: ranks === 2 ? 1 : 2 };
  }

  // Slots of the first segment's way up and down: of the longer of message and reduction, and of the shorter one.
  function treeSlots(ranks) {
    const m = ranks + 1;
    return { e: floorLog2(m) + floorLog2(Math.floor(2 * m / 3)) - 1, c: floorLog2(Math.floor(4 * m / 5)) };
  }

  function treeCost({ ranks, alpha, beta, gamma }, bytes, segments) {
    const t = alpha + beta * bytes / segments;
    const g = gamma * bytes / segments;
    const { e, c } = treeSlots(ranks);
    const first = e * (t + Math.max(t, g)) + c * Math.min(t, g);
    const { messages, reductions } = treeLoad(ranks);
    return first + (segments - 1) * Math.max(messages * t, reductions * g);
  }

  function segmentsOf(bytes, segmentBytes) {
    return segmentBytes === 0 || segmentBytes >= bytes ? 1 : Math.ceil(bytes / segmentBytes);
  }

  // Seconds; `segmentBytes` is for the tree alone, and 0 means one segment.
  function cost(model, algorithm, bytes, segmentBytes) {
    const { ranks: n, alpha, beta, gamma } = model;
    if (n === 1 || bytes === 0) return 0;
    const logP = floorLog2(n);
    const p = 2 ** logP;
    switch (algorithm) {
      case "ring":
        return 2 * (n - 1) * alpha + 2 * (n - 1) / n * beta * bytes + (n - 1) / n * gamma * bytes;
      case "doubling":
        return logP * (alpha + beta * bytes + gamma * bytes) + foldCost(model, bytes);
      case "halving":
        return 2 * logP * alpha + 2 * (p - 1) / p * beta * bytes + (p - 1) / p * gamma * bytes + foldCost(model, bytes);
      case "tree":
        return treeCost(model, bytes, segmentsOf(bytes, segmentBytes));
    }
    throw new Error("no such algorithm: " + algorithm);
  }

  function lowerBound({ ranks: n, alpha, beta, gamma }, bytes) {
    if (n === 1 || bytes === 0) return 0;
    const others = (n - 1) / n * bytes;
    return Math.max((floorLog2(n - 1) + 1) * alpha, 2 * beta * others, gamma * others);
  }

  // {algorithm, seconds, segmentBytes, segments} of the tree at its best. Over the number of segments k its cost is
  // a + b / k + c k in each of at most three ranges, which end where t = g and where messages t = reductions g: the
  // least cost lies at such an end, or where a range's derivative is 0. Only some k come from a whole segment size, so
  // both neighbours of each of these points are tried.
  function bestTree(model, bytes) {
    const { ranks, alpha, beta, gamma } = model;
    const { messages, reductions } = treeLoad(ranks);
    const points = [1, bytes];
    if (alpha > 0) {
      points.push((gamma - beta) * bytes / alpha, (reductions * gamma / messages - beta) * bytes / alpha);
    }
    const { e, c } = treeSlots(ranks);
    for (const portIsBusier of [true, false]) {
      for (const messageIsLonger of [true, false]) {
        const ofMessages = messageIsLonger ? 2 * e : e + c;
        const ofReductions = messageIsLonger ? c : e;
        const start = ofMessages * beta + ofReductions * gamma - (portIsBusier ? messages * beta : reductions * gamma);
        const period = portIsBusier ? messages * alpha : 0;
        if (start > 0 && period > 0) points.push(Math.sqrt(start * bytes / period));
      }
    }
    let best = null;
    const consider = (segmentBytes) => {
      if (segmentBytes < 1 || segmentBytes > bytes) return;
      const seconds = cost(model, "tree", bytes, segmentBytes);
      if (best !== null && best.seconds <= seconds) return;
      best = { algorithm: "tree", seconds, segmentBytes, segments: segmentsOf(bytes, segmentBytes) };
    };
    for (const point of points) {
      const near = Math.floor(Math.min(bytes, Math.max(1, point)));
      for (const k of [near, near + 1]) {
        const segmentBytes = Math.ceil(bytes / k);  // the smallest that makes at most k segments
        consider(segmentBytes);
        consider(segmentBytes - 1);
      }
    }
    return best;
  }

  // All four at their best, in the order of ALGORITHMS.
  function costs(model, bytes) {
    return ALGORITHMS.map((algorithm) => {
      if (algorithm === "tree") return bestTree(model, bytes);
      return { algorithm, seconds: cost(model, algorithm, bytes, 0), segmentBytes: 0, segments: 1 };
    });
  }

  // Of equals the first, as in cost.cc.
  function bestChoice(model, bytes) {
    return costs(model, bytes).reduce((best, next) => (next.seconds < best.seconds ? next : best));
  }

  // [{algorithm, from, to}]: which algorithm is best from size to size, between `first` and `last` bytes. Looks every
  // sixteenth of an octave and bisects where the answer changes.
  function winners(model, first, last) {
    const best = (bytes) => bestChoice(model, bytes).algorithm;
    const found = [{ algorithm: best(first), from: first, to: last }];
    const current = () => found[found.length - 1];
    let low = first;
    for (let i = 1; low < last; ++i) {
      const end = Math.min(last, Math.round(first * 2 ** (i / 16)));
      while (best(end) !== current().algorithm) {
        let high = end;
        while (high - low > Math.max(1, low / 4096)) {
          const middle = Math.floor((low + high) / 2);
          if (best(middle) === current().algorithm) low = middle;
          else high = middle;
        }
        current().to = high;
        found.push({ algorithm: best(high), from: high, to: last });
        low = high;
      }
      low = end;
    }
    return found;
  }

  const model = { ALGORITHMS, cost, lowerBound, bestTree, costs, bestChoice, winners };
  if (typeof module !== "undefined") module.exports = model;
  else window.workbench.costModel = model;
}());
