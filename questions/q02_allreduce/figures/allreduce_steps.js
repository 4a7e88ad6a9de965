// Q2: a step-through of the four all-reduce algorithms, for 2 to 8 ranks. Rows are ranks; columns are chunks of the
// buffer, or segments for the tree, drawn as wide as they are long; the bars in one are the ranks whose contributions
// it holds.
//
// A page loads only this script; it loads what it stands on from its own folder. Under node, render_static.js and
// figures_test.js use the drawing and the words.
(function () {
  "use strict";

  let kit, plans;  // figure_kit.js and allreduce_schedules.js, there before anything is drawn

  const node = (tag, attributes, ...children) => kit.node(tag, attributes, ...children);
  const allRanks = (n, of) => Array.from({ length: n }, (_, rank) => of(rank));

  // -------------------------------------------------------------------------------------------------------- drawing
  // Where what is; `width` in pixels of the page, so that text keeps its size on a phone.
  function layout(run, width) {
    const narrow = width < 520;
    const left = narrow ? 57 : 62, right = narrow ? 56 : 122, top = 22;
    const height = run.n > 6 ? 28 : 32, gap = narrow ? 16 : 18;
    const piece = (width - left - right) / run.columns;
    const slot = Math.min(15, (piece - 7) / run.n);
    return {
      narrow, left, right, width, height, piece, slot,
      bars: slot * run.n + 9,  // of a piece's width
      row: (rank) => top + rank * (height + gap),
      column: (c) => left + c * piece,
      total: top + run.n * (height + gap) - gap + 6,
    };
  }

  function drawPiece(run, place, rank, c) {
    const { set, fresh, stale } = run.state.pieces[rank][c];
    const complete = set === (1 << run.n) - 1;
    const x = place.column(c) + 1.5, y = place.row(rank), width = place.piece - 3;
    const kind = ["piece", complete && "complete", fresh && "fresh", stale && "stale"].filter(Boolean).join(" ");
    const bar = Math.min(place.slot * 0.78, 11);
    const bars = allRanks(run.n, (i) => {
      const at = { x: x + 2 + i * place.slot + (place.slot - bar) / 2, width: bar };
      if ((set >> i & 1) === 0) return node("rect", { class: "none", ...at, y: y + place.height - 7, height: 2 });
      return node("rect", { class: "c" + i, ...at, y: y + 5, height: place.height - 10, rx: 1 });
    });
    const box = node("rect", { class: "box", x, y, width, height: place.height, rx: 3 });
    return node("g", { class: kind }, box, ...bars);
  }

  // Messages over the same pieces whose ways overlap get lanes beside each other.
  function lanes(messages) {
    const placed = [];
    for (const message of messages) {
      const low = Math.min(message.from, message.to), high = Math.max(message.from, message.to);
      const beside = placed.filter((o) => o.message.first < message.end && message.first < o.message.end &&
                                          o.low < high && low < o.high).map((o) => o.lane);
      let lane = 0;
      while (beside.includes(lane)) ++lane;
      placed.push({ message, low, high, lane });
    }
    const count = Math.max(...placed.map((o) => o.lane)) + 1;
    return placed.map(({ message, lane }) => ({ message, lane, count }));
  }

  // Right of the bars, if there is room, so that an arrow that passes a rank hides nothing.
  function laneX(place, { message, lane, count }) {
    const columns = message.end - message.first;
    const each = Math.ceil(count / columns);  // lanes in a column
    const column = Math.floor(lane / each);
    const room = place.piece - place.bars;
    const from = room > 9 * each ? place.bars : 0;
    return place.column(message.first + column) + from + (place.piece - from) * (lane % each + 1) / (each + 1);
  }

  function drawMessage(place, placed) {
    const { from, to, first, end, adds } = placed.message;
    const down = to > from;
    const start = place.row(from) + (down ? place.height + 1 : -1);
    const stop = place.row(to) + (down ? -1 : place.height + 1);
    const left = place.column(first) + 2, right = place.column(end) - 2;
    const x = laneX(place, placed);
    const head = down ? stop - 6 : stop + 6;
    return node("g", { class: adds ? "message adds" : "message" },
      node("path", { class: "halo", d: `M${x} ${start}V${stop}` }),
      node("path", { class: "way", d: `M${x} ${start}V${head}` }),
      node("path", { class: "mark", d: `M${left} ${start}H${right}` }),
      node("path", { class: "head", d: `M${x - 4.5} ${head}L${x} ${stop}L${x + 4.5} ${head}Z` }));
  }

  // Whom a rank depends on, where its number alone does not say it: "" or a few words.
  function peerOf(run, rank, words) {
    if (run.algorithm === "tree") return rank === 0 ? words.root : words.parent((rank - 1) >> 1);
    const fold = run.steps[0].phase === "fold" && run.steps[0].messages.find((m) => m.from === rank);
    return fold ? words.partner(fold.to) : "";
  }

  // The state after `step` steps, and the messages that led to it. `words` gives the column titles.
  function draw(run, step, width, words) {
    const shown = { ...run, state: run.states[step] };
    const place = layout(run, width);
    const most = Math.max(...run.states[run.states.length - 1].sent);
    const meter = place.width - place.right + 10;
    const parts = [];
    for (let c = 0; c < run.columns; ++c) {
      const text = run.columns === 1 ? words.whole : String(c);
      parts.push(node("text", { class: "title middle", x: place.column(c) + place.piece / 2, y: 13 }, text));
    }
    if (run.columns > 1) parts.push(node("text", { class: "title", x: 0, y: 13 }, words.unit(run)));
    parts.push(node("text", { class: "title", x: meter, y: 13 }, place.narrow ? words.sentShort : words.sent));
    for (let rank = 0; rank < run.n; ++rank) {
      const y = place.row(rank), middle = y + place.height / 2;
      const peer = peerOf(run, rank, words);
      parts.push(node("text", { x: 0, y: middle + (peer ? -1 : 4) }, "rank " + rank));
      if (peer) parts.push(node("text", { class: "title", x: 0, y: middle + 11 }, peer));
      for (let c = 0; c < run.columns; ++c) parts.push(drawPiece(shown, place, rank, c));
      const sent = shown.state.sent[rank];
      const full = place.right - (place.narrow ? 12 : 66);
      const textAt = place.narrow ? { x: meter, y: middle } : { x: meter + full + 7, y: middle + 4 };
      const barAt = { x: meter, y: place.narrow ? middle + 5 : middle - 4, height: place.narrow ? 5 : 8, rx: 2 };
      parts.push(node("rect", { class: "track", ...barAt, width: full }));
      parts.push(node("rect", { class: "sent", ...barAt, width: full * sent / most }));
      parts.push(node("text", { ...textAt }, plans.share(sent, run.columns)));
    }
    if (step > 0) parts.push(...lanes(run.steps[step - 1].messages).map((m) => drawMessage(place, m)));
    return { height: place.total, parts };
  }

  // [{width, picture, caption}]; pictures are 14 high.
  function legendItems(n, words) {
    const box = { class: "box", x: 1, y: 0, width: 20, height: 14, rx: 3 };
    const boxed = (kind, caption) => ({ width: 22, caption, picture: [node("g", { class: kind }, node("rect", box))] });
    const arrow = (kind, caption) => ({ width: 22, caption, picture: [node("g", { class: kind },
      node("path", { class: "way", d: "M0 7H15" }), node("path", { class: "head", d: "M13 2.5L21 7L13 11.5Z" }))] });
    const bars = allRanks(n, (i) => [node("rect", { class: "c" + i, x: i * 24, y: 0, width: 9, height: 14, rx: 1 }),
      node("text", { x: i * 24 + 12, y: 11 }, String(i))]);
    return [
      { width: n * 24, caption: words.contribution, picture: bars.flat() },
      arrow("message adds", words.adds), arrow("message", words.copies),
      boxed("fresh", words.fresh), boxed("complete", words.complete), boxed("stale", words.stale),
    ];
  }

  // Both the page and render_static.js use it; SCOPE is put before every selector.
  const DRAWING_STYLE = `
    SCOPE text { font: 12px system-ui, sans-serif; fill: var(--fg); }
    SCOPE text.title { fill: var(--muted); font-size: 11px; }
    SCOPE .middle { text-anchor: middle; }
    SCOPE .box { fill: var(--bg); stroke: var(--line); }
    SCOPE .complete .box { fill: var(--ok); fill-opacity: 0.14; stroke: var(--ok); }
    SCOPE .fresh .box { stroke: var(--accent); stroke-width: 2.2; }
    SCOPE .fresh.complete .box { stroke: var(--ok); }
    SCOPE .stale .box { stroke: var(--muted); stroke-opacity: 0.55; stroke-dasharray: 3 3; }
    SCOPE .stale rect:not(.box) { opacity: 0.3; }
    SCOPE .none, SCOPE .track { fill: var(--line); }
    SCOPE .sent { fill: var(--muted); }
    SCOPE .c0 { fill: var(--series-1); } SCOPE .c1 { fill: var(--series-2); } SCOPE .c2 { fill: var(--series-3); }
    SCOPE .c3 { fill: var(--series-4); } SCOPE .c4 { fill: var(--series-5); } SCOPE .c5 { fill: var(--series-6); }
    SCOPE .c6 { fill: color-mix(in srgb, var(--series-1) 45%, var(--fg)); }
    SCOPE .c7 { fill: color-mix(in srgb, var(--series-2) 45%, var(--fg)); }
    SCOPE .message { --ink: var(--ok); } SCOPE .message.adds { --ink: var(--accent); }
    SCOPE .halo { stroke: var(--bg); stroke-width: 6; opacity: 0.8; fill: none; }
    SCOPE .way { stroke: var(--ink); stroke-width: 2; fill: none; } SCOPE .head { fill: var(--ink); }
    SCOPE .mark { stroke: var(--ink); stroke-width: 3; }`;

  // ---------------------------------------------------------------------------------------------------------- words
  const ENGLISH = {
    algorithm: "algorithm", names: ["ring", "recursive doubling", "halving-doubling", "tree"],
    ranks: "ranks", segments: "segments", step: "step", whole: "whole buffer", sent: "sent so far", sentShort: "sent",
    root: "root", parent: (p) => `parent ${p}`, partner: (p) => `partner ${p}`,
    unit: (run) => (run.algorithm === "tree" ? "segment" : "chunk"),
    first: "first step", previous: "previous step", play: "play", pause: "pause", next: "next step", last: "last step",
    contribution: "contribution of rank", adds: "partial sum, added at its receiver", copies: "finished result, copied",
    fresh: "just arrived", complete: "finished", stale: "passed on, nobody reads it again",
    at: (step, of, phase) => `Step ${step} of ${of}` + (phase ? `, ${phase}` : ""),
    phases: {
      scatter: "reduce-scatter", gather: "all-gather", fold: "fold", unfold: "unfold", exchange: "exchange",
      halving: "halving", doubling: "doubling", up: "up the tree", down: "down the tree", both: "up and down the tree",
    },
    distance: (d) => ` at distance ${d}`,
    start: "Every rank holds its own contribution and nothing else.",
    what: {
      scatter: (b) => `Every rank sends one chunk (${b}) to the right, where it is added.`,
      gather: (b) => `Every rank passes one finished chunk (${b}) to the right.`,
      fold: (b) => `Ranks beyond the power of two hand their whole buffer (${b}) to a partner, which adds it.`,
      unfold: (b) => `The partners return the result (${b}).`,
      exchange: (b) => `Partners exchange all they have (${b} each way); both add.`,
      halving: (b) => `Partners exchange halves (${b} each way); each adds, and keeps on with its own half.`,
      doubling: (b) => `Partners exchange finished chunks (${b} each way).`,
      up: (b) => `Partial sums (${b} each) go to the parent, one at a time.`,
      down: (b) => `Results (${b} each) go to the children, one at a time.`,
      both: (b) => `Partial sums go up while results of earlier segments go down (${b} each).`,
    },
    semicolon: "; ", stop: ".", space: " ",
    message: (m, what) => `${m.from} to ${m.to}: ${what}`,
    pieces: (unit, first, last) => (first === last ? `${unit} ${first}` : `${unit}s ${first} to ${last}`),
    done: "Every rank holds all contributions: checked.",
    total: (now, end, most) => `All ranks together: ${now} sent of ${end}. ` +
      `The busiest rank sends ${most} in the whole run.`,
    formula: (steps, formula) => ` ${steps} steps; part C's formula allows ${formula}.`,
    picture: (counts) => "Finished chunks: " + counts.map((c, rank) => `rank ${rank}: ${c}`).join(", "),
  };
  const CHINESE = {
    algorithm: "算法", names: ["环", "递归加倍", "减半再加倍", "树"],
    ranks: "rank 数", segments: "段数", step: "步", whole: "整个缓冲区", sent: "已发送", sentShort: "已发送",
    root: "根", parent: (p) => `父 ${p}`, partner: (p) => `伙伴 ${p}`,
    unit: (run) => (run.algorithm === "tree" ? "段" : "块"),
    first: "第一步", previous: "上一步", play: "播放", pause: "暂停", next: "下一步", last: "最后一步",
    contribution: "来自 rank 的贡献", adds: "部分和，由接收方相加", copies: "完成的结果，直接复制",
    fresh: "刚到达", complete: "已完成", stale: "已转交，不再读取",
    at: (step, of, phase) => `第 ${step} 步，共 ${of} 步` + (phase ? `，${phase}` : ""),
    phases: {
      scatter: "reduce-scatter", gather: "all-gather", fold: "折叠", unfold: "还原", exchange: "交换",
      halving: "减半", doubling: "加倍", up: "沿树上行", down: "沿树下行", both: "上行与下行同时进行",
    },
    distance: (d) => `，距离 ${d}`,
    start: "每个 rank 只有自己的贡献。",
    what: {
      scatter: (b) => `每个 rank 把一块（${b}）发给右邻，由右邻相加。`,
      gather: (b) => `每个 rank 把一个完成的块（${b}）传给右邻。`,
      fold: (b) => `超出 2 的幂的 rank 把整个缓冲区（${b}）交给伙伴，由伙伴相加。`,
      unfold: (b) => `伙伴把结果（${b}）还回去。`,
      exchange: (b) => `伙伴交换各自的全部（每个方向 ${b}），双方都相加。`,
      halving: (b) => `伙伴交换各一半（每个方向 ${b}），相加后只继续负责自己的一半。`,
      doubling: (b) => `伙伴交换已完成的部分（每个方向 ${b}）。`,
      up: (b) => `部分和（每条 ${b}）发给父节点，一次一条。`,
      down: (b) => `结果（每条 ${b}）发给孩子，一次一条。`,
      both: (b) => `部分和上行，同时前面各段的结果下行（每条 ${b}）。`,
    },
    semicolon: "；", stop: "。", space: "",
    message: (m, what) => `${m.from} 到 ${m.to}：${what}`,
    pieces: (unit, first, last) => (first === last ? `第 ${first} ${unit}` : `第 ${first} 到 ${last} ${unit}`),
    done: "每个 rank 都有了全部贡献：已核对。",
    total: (now, end, most) => `所有 rank 合计已发送 ${now}，共 ${end}。全程最忙的 rank 发送 ${most}。`,
    formula: (steps, formula) => `共 ${steps} 步；C 部分的公式给出 ${formula} 步。`,
    picture: (counts) => "已完成的块：" + counts.map((c, rank) => `rank ${rank}：${c}`).join("，"),
  };

  // What happens in a step, in words: a title and sentences.
  function describe(run, step, words) {
    const of = run.steps.length;
    if (step === 0) return { title: words.at(0, of, ""), text: words.start };
    const { phase, distance, messages } = run.steps[step - 1];
    const title = words.at(step, of, words.phases[phase] + (distance ? words.distance(distance) : ""));
    const bytes = plans.share(messages[0].end - messages[0].first, run.columns);
    const whole = (m) => m.end - m.first === run.columns;
    const named = (m) => (whole(m) ? words.whole : words.pieces(words.unit(run), m.first, m.end - 1));
    const list = messages.map((m) => words.message(m, named(m))).join(words.semicolon) + words.stop;
    const text = [words.what[phase](bytes), list, step === of ? words.done : ""].join(words.space);
    return { title, text: text.trim() };
  }

  // ------------------------------------------------------------------------------------------------------- the page
  const STYLE = `${DRAWING_STYLE.replace(/SCOPE/g, ".q02-steps")}
    .q02-steps .title-line { font-weight: 600; }
    .q02-steps .words { min-height: 3em; }
    .q02-steps .legend { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 16px;
      font-size: 12px; color: var(--muted); }
    .q02-steps .legend li { margin: 0; }
    .q02-steps .legend svg { width: 22px; height: 14px; vertical-align: -2px; margin-right: 5px; overflow: visible; }
    .q02-steps .legend .bar { width: 9px; margin: 0 3px 0 7px; }
    @media (prefers-reduced-motion: no-preference) {
      .q02-steps .message { animation: q02-steps-in 0.3s ease-out; }
      @keyframes q02-steps-in { from { opacity: 0; } }
    }`;
  const PACE = 1600;  // milliseconds a step while playing

  function figure(root, context) {
    const { element, svg, html, slider, choice, setIcon } = kit;
    let words = context.language === "zh" ? CHINESE : ENGLISH;
    let run = plans.makeRun("ring", 4, 4);
    let step = 0, timer = null;

    const algorithms = choice(plans.ALGORITHMS, run.algorithm);
    const ranks = slider(2, 8, 4), segments = slider(1, 6, 4);
    const buttons = {};
    for (const key of ["first", "previous", "play", "next", "last"]) buttons[key] = html("button", { type: "button" });
    const position = html("input", { type: "range", min: 0, className: "wide" });
    const stage = svg({ class: "stage", role: "img" });
    const titleLine = html("p", { className: "title-line" });
    const text = html("p", { className: "words", "aria-live": "polite" });
    const total = html("p", { className: "muted" }), legend = html("ul", { className: "legend" });
    const box = html("div", { className: "q02-figure q02-steps" }, html("style", {}, kit.STYLE + STYLE),
      html("div", { className: "row" }, algorithms.group, ranks.label, segments.label),
      html("div", { className: "row buttons" }, ...Object.values(buttons), position),
      titleLine, stage, text, total, legend);

  function drawStage() {
      const width = box.clientWidth || 640;
      const { height, parts } = draw(run, step, width, words);
      stage.setAttribute("viewBox", `0 0 ${width} ${height}`);
      stage.setAttribute("height", height);
      stage.replaceChildren(...parts.map(element));
    }

    function show() {
      const last = run.steps.length, state = run.states[step], end = run.states[last].sent;
      const sum = (sent) => plans.share(sent.reduce((a, b) => a + b), run.columns);
      const { title, text: sentences } = describe(run, step, words);
      titleLine.textContent = title;
      if (text.textContent !== sentences) text.textContent = sentences;
      total.textContent = words.total(sum(state.sent), sum(end), plans.share(Math.max(...end), run.columns));
      if (run.algorithm === "tree") total.textContent += words.formula(last, plans.treeFormula(run.n, run.columns));
      const finished = state.pieces.map((row) => row.filter((piece) => piece.set === (1 << run.n) - 1).length);
      stage.setAttribute("aria-label", words.picture(finished));
      position.max = last;
      position.value = step;
      position.setAttribute("aria-valuetext", words.at(step, last, ""));
      buttons.first.disabled = buttons.previous.disabled = step === 0;
      buttons.next.disabled = buttons.last.disabled = step === last;
      drawStage();
    }

    function showControls() {
      box.lang = words === CHINESE ? "zh-Hans" : "en";
      algorithms.group.setAttribute("aria-label", words.algorithm);
      algorithms.texts.forEach((span, i) => { span.textContent = words.names[i]; });
      ranks.text.textContent = words.ranks;
      segments.text.textContent = words.segments;
      ranks.value.textContent = run.n;
      segments.value.textContent = segments.input.value;
      segments.label.hidden = run.algorithm !== "tree";
      position.setAttribute("aria-label", words.step);
      for (const [key, button] of Object.entries(buttons)) {
        const icon = key === "play" && timer !== null ? "pause" : key;
        setIcon(button, icon, words[icon]);
      }
      legend.replaceChildren(...legendItems(run.n, words).map(({ width, picture, caption }) => html("li", {},
        svg({ viewBox: `0 0 ${width} 14`, style: `width: ${width}px`, "aria-hidden": "true" }, ...picture), caption)));
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      text.setAttribute("aria-live", "polite");
    }

    function goTo(next) {
      step = Math.max(0, Math.min(run.steps.length, next));
      if (timer !== null && step === run.steps.length) stop();
      showControls();
      show();
    }

    function byHand(next) {
      stop();
      goTo(next);
    }

    function togglePlay() {
      if (timer !== null) return byHand(step);
      timer = setInterval(() => goTo(step + 1), PACE);
      text.setAttribute("aria-live", "off");  // nobody can listen that fast
      goTo(step === run.steps.length ? 0 : step + 1);
    }

    function restart() {
      const algorithm = algorithms.radios.find((radio) => radio.checked).value;
      run = plans.makeRun(algorithm, Number(ranks.input.value), Number(segments.input.value));
      byHand(0);
    }

    for (const input of [...algorithms.radios, ranks.input, segments.input]) input.addEventListener("input", restart);
    position.addEventListener("input", () => byHand(Number(position.value)));
    buttons.first.addEventListener("click", () => byHand(0));
    buttons.previous.addEventListener("click", () => byHand(step - 1));
    buttons.play.addEventListener("click", togglePlay);
    buttons.next.addEventListener("click", () => byHand(step + 1));
    buttons.last.addEventListener("click", () => byHand(run.steps.length));
    context.onLanguage((language) => {
      words = language === "zh" ? CHINESE : ENGLISH;
      goTo(step);
    });
    goTo(0);
    root.querySelector("img").replaceWith(box);
    new ResizeObserver(drawStage).observe(box);
  }

  if (typeof module !== "undefined") {
    kit = require("../../../docs/figures/figure_kit.js");
    plans = require("./allreduce_schedules.js");
    module.exports = { DRAWING_STYLE, ENGLISH, CHINESE, draw, describe, legendItems };
    return;
  }
  let missing = 2;
  for (const name of ["../../../docs/figures/figure_kit.js", "allreduce_schedules.js"]) {
    const script = document.createElement("script");
    script.src = new URL(name, document.currentScript.src).href;
    script.onload = () => {
      if (--missing > 0) return;
      kit = window.workbench.figureKit;
      plans = window.workbench.allreduceSchedules;
      window.workbench.figure("allreduce_steps", figure);
    };
    document.head.append(script);
  }
}());
