// Q7: the same eight jobs under eight policies, step by step: what happened, what was decided, and why. Rows are GPUs,
// colours are tenants; reservations are dashed.
//
// A page loads only this script; it loads what it stands on: schedule_model.js, and docs/figures/figure_kit.js. Under
// node, render_static.js and figures_test.js use the drawing and the words.
(function () {
  "use strict";

  const KIT = "../../../docs/figures/figure_kit.js";
  let kit, model;

  const node = (tag, attributes, ...children) => kit.node(tag, attributes, ...children);

  // -------------------------------------------------------------------------------------------------------- drawing
  // Rows that touch, as [first, count].
  function bands(rows) {
    const found = [];
    for (const row of rows) {
      const last = found[found.length - 1];
      if (last && last[0] + last[1] === row) ++last[1];
      else found.push([row, 1]);
    }
    return found;
  }

  function layout(run, width, height) {
    const left = width < 520 ? 44 : 54, top = 6, right = 8;
    const rowHeight = height || 20;
    const end = horizon(run);
    const unit = (width - left - right) / end;
    const bottom = top + run.workload.gpus * rowHeight;
    return {
      left, top, rowHeight, end, unit, bottom, width, total: bottom + 24,
      x: (at) => left + Math.min(at, end) * unit, y: (row) => top + row * rowHeight,
    };
  }

  // The same for all policies, so that lengths can be compared; longer reservations are cut.
  function horizon(run) {
    return Math.max(20, ...run.runs.map((one) => one.end)) + 0.5;
  }

  function block(run, place, { job, rows, start, end }, kind) {
    const { name, tenant } = run.workload.jobs[job];
    const x = place.x(start) + 1, width = Math.max(place.x(end) - place.x(start) - 2, 1);
    return bands(rows).map(([first, count]) => {
      const y = place.y(first) + 1, height = count * place.rowHeight - 2;
      const box = node("rect", { class: "box", x, y, width, height, rx: 3 });
      const label = node("text", { class: "middle", x: x + width / 2, y: y + height / 2 + 4 }, name);
      return node("g", { class: `${kind} t${tenant}` }, box, ...(width >= 9 ? [label] : []));
    });
  }

  function draw(run, step, width, words, height) {
    const place = layout(run, width, height), shown = run.steps[step], { now } = shown;
    const parts = [];
    for (let row = 0; row < run.workload.gpus; ++row) {
      const y = place.y(row);
      parts.push(node("rect", { class: "lane", x: place.left, y: y + 0.5, width: place.width - place.left - 8,
        height: place.rowHeight - 1 }));
      const label = { class: "axis end", x: place.left - 6, y: y + place.rowHeight / 2 + 4 };
      parts.push(node("text", label, words.gpu(row)));
    }
    for (let at = 0; at <= place.end; at += 2) {
      parts.push(node("text", { class: "axis middle", x: place.x(at), y: place.bottom + 16 }, String(at)));
      parts.push(node("path", { class: "tick", d: `M${place.x(at)} ${place.bottom}v4` }));
    }
    for (const one of run.runs) {
      if (one.end > now) continue;
      parts.push(...block(run, place, one, one.stopped === "preempted" ? "past cut" : "past"));
    }
    for (const { job, start, rows, expectedEnd } of shown.running) {
      parts.push(...block(run, place, { job, rows, start, end: expectedEnd }, "expected"));
      if (now > start) parts.push(...block(run, place, { job, rows, start, end: now }, "past plain"));
    }
    for (const one of model.planRows(run, shown)) parts.push(...block(run, place, one, "planned"));
    parts.push(node("path", { class: "now", d: `M${place.x(now)} ${place.top - 4}V${place.bottom + 5}` }));
    return { height: place.total, parts };
  }

  // Both the page and render_static.js use it; SCOPE is put before every selector.
  const DRAWING_STYLE = `
    SCOPE text { font: 12px system-ui, sans-serif; fill: var(--fg); }
    SCOPE text.axis { fill: var(--muted); font-size: 11px; }
    SCOPE .middle { text-anchor: middle; } SCOPE .end { text-anchor: end; }
    SCOPE .lane { fill: var(--line); fill-opacity: 0.35; } SCOPE .tick { stroke: var(--muted); }
    SCOPE .t0 { --ink: var(--series-1); } SCOPE .t1 { --ink: var(--series-2); }
    SCOPE .box { fill: var(--ink); stroke: var(--ink); }
    SCOPE .past .box { fill-opacity: 0.55; } SCOPE .past text, SCOPE .expected text { font-weight: 600; }
    SCOPE .plain text { display: none; } SCOPE .plain .box { stroke: none; fill-opacity: 0.3; }
    SCOPE .cut .box { stroke-dasharray: 2 2; fill-opacity: 0.3; }
    SCOPE .expected .box { fill-opacity: 0.28; }
    SCOPE .planned .box { fill: none; stroke-dasharray: 5 3; }
    SCOPE .now { stroke: var(--fg); stroke-width: 1.5; }`;

  // ---------------------------------------------------------------------------------------------------------- words
  const two = (value) => String(Math.round(value * 100) / 100);

  const ENGLISH = {
    policy: "policy", estimates: "estimates", exactly: "exact", padded: "as users say", step: "step",
    names: {
      fifo: "FIFO", sjf: "SJF", srtf: "SRTF", las: "LAS", easy: "EASY", conservative: "conservative",
      fair: "fair share", reclaim: "fair share, reclaim",
    },
    first: "first step", previous: "previous step", play: "play", pause: "pause", next: "next step", last: "last step",
    gpu: (row) => `GPU ${row}`,
    at: (now, step, of) => `Minute ${now}, step ${step} of ${of}`,
    submit: (names) => `Submitted: ${names}. `, finish: (names) => `Ended: ${names}. `,
    comma: ", ", space: " ", colon: ": ",
    tenant: (t) => `tenant ${t}`,
    waiting: "waiting", nobody: "nobody",
    chip: ({ name, gpus, estimate }) => `${name}: ${gpus} GPU${gpus > 1 ? "s" : ""}, ${estimate} min`,
    start: {
      first: (job, why, policy) => (policy === "sjf" ? `${job.name} starts, the shortest that waits.`
        : `${job.name} starts, the first in order.`),
      key: (job, { key }, policy) => (policy === "srtf" ? `${job.name} runs: ${key} min to go.`
        : `${job.name} runs: it is in queue ${key}.`),
      ends: (job, { end, shadow }) => `${job.name} is backfilled: it ends by ${end}, the reservation is at ${shadow}.`,
      extra: (job, { extra }) => `${job.name} is backfilled: it is still there at the reservation, but needs no ` +
        `more than the ${extra} GPU${extra > 1 ? "s" : ""} that the head leaves free.`,
      place: (job) => `${job.name} starts: its place is now.`,
      share: (job, { tenant, share }) => `${job.name} starts: of the tenants whose first job fits, tenant ${tenant} ` +
        `has the least share, ${two(share)}.`,
      own: (job, { tenant, quota }) => `${job.name} starts: it keeps tenant ${tenant} within its quota of ${quota}.`,
    },
    preempt: {
      key: (job, { key }, policy) => (policy === "srtf" ? `${job.name} is stopped: ${key} min to go, others have less.`
        : `${job.name} is stopped: it is in queue ${key} by now.`),
      borrows: (job, { by, used, quota }, _, jobs) => `${job.name} is stopped for ${jobs[by].name}: its tenant uses ` +
        `${used} GPUs, and its quota is ${quota}.`,
    },
    blocks: (job, { free }) => `${job.name} is next and needs ${job.gpus} GPUs, free: ${free}. ` +
      "All others wait behind it.",
    head: (job, { shadow, extra }) => `${job.name} is the head: it starts at ${shadow} at the latest, and leaves ` +
      `${extra} GPU${extra === 1 ? "" : "s"} free then.`,
    tooWide: (job, { free }) => `${job.name} needs ${job.gpus} GPU${job.gpus > 1 ? "s" : ""}, free: ${free}.`,
    delays: (job, { end }) => `${job.name} fits now, but would hold GPUs until ${end} that the head needs: it waits.`,
    place: (job, { at, before }) => (before === null ? `${job.name} gets the place at ${at}.`
      : `${job.name}'s place moves up from ${before} to ${at}.`),
    waits: (job, { share, free }) => `${job.name} waits: it needs ${job.gpus} GPU${job.gpus > 1 ? "s" : ""}, ` +
      `free: ${free} (tenant ${job.tenant}'s share is ${two(share)}).`,
    nothing: "Nothing else can start.",
    legend: { past: "ran", expected: "runs, until its expected end", planned: "reserved", cut: "stopped" },
    columns: ["policy", "mean wait", "longest wait", "mean JCT", "makespan", "GPUs busy", "stops"],
    caption: "All policies, with these estimates; minutes",
  };
  const CHINESE = {
    policy: "策略", estimates: "估计", exactly: "精确", padded: "用户所报", step: "步",
    names: {
      fifo: "FIFO", sjf: "SJF", srtf: "SRTF", las: "LAS", easy: "EASY", conservative: "保守回填", fair: "公平份额",
      reclaim: "公平份额加回收",
    },
    first: "第一步", previous: "上一步", play: "播放", pause: "暂停", next: "下一步", last: "最后一步",
    gpu: (row) => `GPU ${row}`,
    at: (now, step, of) => `第 ${now} 分钟，第 ${step} 步，共 ${of} 步`,
    submit: (names) => `提交：${names}。`, finish: (names) => `结束：${names}。`,
    comma: "、", space: "", colon: "：",
    tenant: (t) => `租户 ${t}`,
    waiting: "等待", nobody: "无",
    chip: ({ name, gpus, estimate }) => `${name}：${gpus} GPU，${estimate} 分钟`,
    start: {
      first: (job, why, policy) => (policy === "sjf" ? `${job.name} 启动：等待者中它最短。` : `${job.name} 启动：按序轮到它。`),
      key: (job, { key }, policy) => (policy === "srtf" ? `${job.name} 运行：还剩 ${key} 分钟。`
        : `${job.name} 运行：它在队列 ${key}。`),
      ends: (job, { end, shadow }) => `${job.name} 回填：到 ${end} 就结束，预留在 ${shadow}。`,
      extra: (job, { extra }) => `${job.name} 回填：预留时刻它还在，但用不超过队首剩下的 ${extra} 块 GPU。`,
      place: (job) => `${job.name} 启动：它的位置就是现在。`,
      share: (job, { tenant, share }) => `${job.name} 启动：首作业放得下的租户中，租户 ${tenant} 的份额最小，为 ${two(share)}。`,
      own: (job, { tenant, quota }) => `${job.name} 启动：租户 ${tenant} 仍在配额 ${quota} 之内。`,
    },
    preempt: {
      key: (job, { key }, policy) => (policy === "srtf" ? `${job.name} 被停下：还剩 ${key} 分钟，别的更短。`
        : `${job.name} 被停下：它已在队列 ${key}。`),
      borrows: (job, { by, used, quota }, _, jobs) => `${job.name} 为 ${jobs[by].name} 让出：它的租户用了 ${used} 块 GPU，` +
        `配额是 ${quota}。`,
    },
    blocks: (job, { free }) => `轮到 ${job.name}，需要 ${job.gpus} 块 GPU，空闲 ${free} 块。其他作业都排在它后面等。`,
    head: (job, { shadow, extra }) => `${job.name} 是队首：最迟 ${shadow} 启动，届时还剩 ${extra} 块 GPU。`,
    tooWide: (job, { free }) => `${job.name} 需要 ${job.gpus} 块 GPU，空闲 ${free} 块。`,
    delays: (job, { end }) => `${job.name} 现在放得下，但到 ${end} 为止会占住队首要用的 GPU：等待。`,
    place: (job, { at, before }) => (before === null ? `${job.name} 得到位置 ${at}。`
      : `${job.name} 的位置从 ${before} 提前到 ${at}。`),
    waits: (job, { share, free }) => `${job.name} 等待：需要 ${job.gpus} 块，空闲 ${free} 块` +
      `（租户 ${job.tenant} 的份额为 ${two(share)}）。`,
    nothing: "没有别的能启动。",
    legend: { past: "已运行", expected: "运行中，到预计结束", planned: "预留", cut: "被停下" },
    columns: ["策略", "平均等待", "最长等待", "平均 JCT", "总时长", "GPU 占用", "停下次数"],
    caption: "这组估计下的全部策略；单位为分钟",
  };

  function describe(run, step, words) {
    const { now, events, log } = run.steps[step], { jobs } = run.workload;
    const names = (kind) =>
      events.filter((one) => one.kind === kind).map(({ job }) => jobs[job].name).join(words.comma);
    const lines = [];
    const told = ["finish", "submit"].filter(names).map((kind) => words[kind](names(kind))).join("");
    if (told) lines.push(told.trim());
    for (const entry of log) {
      const job = jobs[entry.job];
      if (entry.kind === "start" || entry.kind === "preempt") {
        lines.push(words[entry.kind][entry.why.kind](job, entry.why, run.policy, jobs));
      } else if (entry.kind !== "place" || entry.at > now) {
        lines.push(words[entry.kind](job, entry));
      }
    }
    if (log.length === 0) lines.push(words.nothing);
    return { title: words.at(now, step + 1, run.steps.length), lines };
  }

  // ------------------------------------------------------------------------------------------------------- the page
  const STYLE = `${DRAWING_STYLE.replace(/SCOPE/g, ".q07-replay")}
    .q07-replay .title-line { font-weight: 600; }
    .q07-replay .lines { margin: 0 0 10px; padding: 0 0 0 1.2em; min-height: 9em; }
    .q07-replay .lines li { margin: 0; }
    .q07-replay .queue { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; margin: 0 0 8px;
      min-height: 28px; }
    .q07-replay .chip { border: 1px solid var(--ink); border-radius: 6px; padding: 0 8px; font-size: 13px; }
    .q07-replay .legend { list-style: none; margin: 0 0 12px; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 16px;
      font-size: 12px; color: var(--muted); }
    .q07-replay .legend li { margin: 0; } .q07-replay .legend svg { width: 22px; height: 14px; vertical-align: -2px;
      margin-right: 5px; overflow: visible; }
    .q07-replay .scroll { overflow-x: auto; }
    .q07-replay table { font-size: 13px; }
    .q07-replay caption { text-align: left; color: var(--muted); padding: 4px 0; }
    .q07-replay td:not(:first-child), .q07-replay th:not(:first-child) { text-align: right; }
    .q07-replay tr.chosen td { font-weight: 600; background: var(--code-bg); }`;
  const PACE = 1800;  // milliseconds a step while playing

  function figure(root, context) {
    const { element, svg, html, choice, setIcon } = kit;
    let words = context.language === "zh" ? CHINESE : ENGLISH;
    let run, step = 0, timer = null;

    const policies = choice(model.POLICIES, "easy"), estimates = choice(["exact", "padded"], "exact");
    const buttons = {};
    for (const key of ["first", "previous", "play", "next", "last"]) buttons[key] = html("button", { type: "button" });
    const position = html("input", { type: "range", min: 0, className: "wide" });
    const stage = svg({ class: "stage", role: "img" });
    const titleLine = html("p", { className: "title-line" });
    const lines = html("ul", { className: "lines", "aria-live": "polite" });
    const queue = html("div", { className: "queue" }), legend = html("ul", { className: "legend" });
    const table = html("table", {});
    const box = html("div", { className: "q02-figure q07-replay" }, html("style", {}, kit.STYLE + STYLE),
      html("div", { className: "row" }, policies.group), html("div", { className: "row" }, estimates.group),
      html("div", { className: "row buttons" }, ...Object.values(buttons), position),
      titleLine, stage, legend, queue, lines, html("div", { className: "scroll" }, table));

    function drawStage() {
      const width = box.clientWidth || 640;
      const { height, parts } = draw(run, step, width, words);
      stage.setAttribute("viewBox", `0 0 ${width} ${height}`);
      stage.setAttribute("height", height);
      stage.replaceChildren(...parts.map(element));
    }

    function show() {
      const last = run.steps.length - 1, { jobs } = run.workload, shown = run.steps[step];
      const { title, lines: said } = describe(run, step, words);
      titleLine.textContent = title;
      lines.replaceChildren(...said.map((line) => html("li", {}, line)));
      const muted = (content) => html("span", { className: "muted" }, content);
      const chip = (job) => html("span", { className: `chip t${job.tenant}` }, words.chip(job));
      const waiting = shown.queue.length > 0 ? shown.queue.map((j) => chip(jobs[j])) : [muted(words.nobody)];
      queue.replaceChildren(muted(words.waiting + words.colon), ...waiting);
      const running = shown.running.map(({ job }) => jobs[job].name).join(words.comma);
      stage.setAttribute("aria-label", title + words.space + running);
      position.max = last;
      position.value = step;
      position.setAttribute("aria-valuetext", title);
      buttons.first.disabled = buttons.previous.disabled = step === 0;
      buttons.next.disabled = buttons.last.disabled = step === last;
      drawStage();
    }

    function showTable() {
      const chosen = run.policy, { padded } = run;
      const head = html("tr", {}, ...words.columns.map((title) => html("th", { scope: "col" }, title)));
      const rows = model.POLICIES.map((policy) => {
        const m = model.run(model.example(padded), policy).metrics;
        const used = Math.round(100 * m.used) + " %";
        const cells = [words.names[policy], m.wait.toFixed(2), m.longest, m.jct.toFixed(2), m.makespan, used, m.stops];
        const className = policy === chosen ? "chosen" : "";
        return html("tr", { className }, ...cells.map((cell) => html("td", {}, String(cell))));
      });
      table.replaceChildren(html("caption", {}, words.caption), html("thead", {}, head), html("tbody", {}, ...rows));
    }

    function showControls() {
      box.lang = words === CHINESE ? "zh-Hans" : "en";
      policies.group.setAttribute("aria-label", words.policy);
      model.POLICIES.forEach((policy, i) => { policies.texts[i].textContent = words.names[policy]; });
      estimates.group.setAttribute("aria-label", words.estimates);
      estimates.texts[0].textContent = words.estimates + words.colon + words.exactly;
      estimates.texts[1].textContent = words.padded;
      position.setAttribute("aria-label", words.step);
      for (const [key, button] of Object.entries(buttons)) {
        const icon = key === "play" && timer !== null ? "pause" : key;
        setIcon(button, icon, words[icon]);
      }
      legend.replaceChildren(...legendItems(words).map(({ picture, caption }) => html("li", {},
        svg({ viewBox: "0 0 22 14", "aria-hidden": "true" }, ...picture), caption)));
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      lines.setAttribute("aria-live", "polite");
    }

    function goTo(next) {
      step = Math.max(0, Math.min(run.steps.length - 1, next));
      if (timer !== null && step === run.steps.length - 1) stop();
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
      lines.setAttribute("aria-live", "off");  // nobody can listen that fast
      goTo(step === run.steps.length - 1 ? 0 : step + 1);
    }

    function restart() {
      const value = ({ radios }) => radios.find((radio) => radio.checked).value;
      const padded = value(estimates) === "padded";
      run = { ...model.run(model.example(padded), value(policies)), padded };
      showTable();
      byHand(0);
    }

    for (const input of [...policies.radios, ...estimates.radios]) input.addEventListener("input", restart);
    position.addEventListener("input", () => byHand(Number(position.value)));
    buttons.first.addEventListener("click", () => byHand(0));
    buttons.previous.addEventListener("click", () => byHand(step - 1));
    buttons.play.addEventListener("click", togglePlay);
    buttons.next.addEventListener("click", () => byHand(step + 1));
    buttons.last.addEventListener("click", () => byHand(run.steps.length - 1));
    context.onLanguage((language) => {
      words = language === "zh" ? CHINESE : ENGLISH;
      showTable();
      goTo(step);
    });
    restart();
    root.querySelector("img").replaceWith(box);
    new ResizeObserver(drawStage).observe(box);
  }

  // Pictures are 22 wide and 14 high.
  function legendItems(words) {
    const rect = { class: "box", x: 1, y: 1, width: 20, height: 12, rx: 3 };
    const box = (kind) => [node("g", { class: kind }, node("rect", rect))];
    const tenants = [0, 1].map((t) => ({ picture: box(`past t${t}`), caption: words.tenant(t) }));
    const kinds = ["past", "expected", "planned", "cut"].map((kind) =>
      ({ picture: box(`${kind === "cut" ? "past cut" : kind} t0`), caption: words.legend[kind] }));
    return [...tenants, ...kinds];
  }

  if (typeof module !== "undefined") {
    kit = require(KIT);
    model = require("./schedule_model.js");
    module.exports = { DRAWING_STYLE, ENGLISH, CHINESE, draw, describe, legendItems };
    return;
  }
  function load(name, then) {
    const script = document.createElement("script");
    script.src = new URL(name, base).href;
    script.onload = then;
    document.head.append(script);
  }
  const base = document.currentScript.src;
  let missing = 2;
  const ready = () => {
    if (--missing > 0) return;
    kit = window.workbench.figureKit;
    model = window.workbench.scheduleModel;
    window.workbench.figure("schedule_replay", figure);
  };
  load(KIT, ready);
  load("schedule_model.js", ready);
}());
