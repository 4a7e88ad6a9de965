// Q13: the operations of a save, in an order that the reader chooses, a crash after any of them, and what a load may
// find. The model is that of harness/answer/io.h, for one checkpoint under the name `ckpt`, of two blocks.
//
// A page loads only this script; it loads docs/figures/figure_kit.js. Under node it exports the model.
(function () {
  "use strict";

  const KIT = "../../../docs/figures/figure_kit.js";

  // ---------------------------------------------------------------------------------------------------------- model
  // A file's block is what it may be after a crash: the last entry is what a program sees now, and a sync leaves that
  // alone. Names: what they are durably, and the changes since, of which a crash keeps any.
  const OPERATIONS = ["empty", "create", "write", "sync", "rename", "remove", "syncdir", "return"];
  const PRESETS = {
    inplace: ["empty", "write", "sync", "return"],
    nosync: ["create", "write", "rename", "return"],
    dironly: ["create", "write", "rename", "syncdir", "return"],
    nodir: ["create", "write", "sync", "rename", "return"],
    removed: ["create", "write", "sync", "remove", "rename", "syncdir", "return"],
    right: ["create", "write", "sync", "rename", "syncdir", "return"],
  };

  function initial() {
    return {
      files: [[["old"], ["old"]]], durable: { ckpt: 0 }, changes: [], names: { ckpt: 0 }, open: -1, returned: false,
      failed: -1,
    };
  }

  // Applies a change of a directory to names.
  function change(names, { kind, file }) {
    const changed = { ...names };
    if (kind === "create") changed.temporary = file;
    if (kind === "remove") delete changed.ckpt;
    if (kind === "rename") {
      changed.ckpt = file;
      delete changed.temporary;
    }
    return changed;
  }

  function apply(state, operation) {
    const next = structuredClone(state);
    const changeNames = (kind, file) => {
      next.changes.push({ kind, file });
      next.names = change(next.names, { kind, file });
      return true;
    };
    const done = {
      empty() {
        if (next.names.ckpt === undefined) return false;
        next.open = next.names.ckpt;
        for (const block of next.files[next.open]) block.push("none");
        return true;
      },
      create() {
        if (next.names.temporary !== undefined) return false;
        next.files.push([["none"], ["none"]]);
        next.open = next.files.length - 1;
        return changeNames("create", next.open);
      },
      write() {
        if (next.open < 0) return false;
        for (const block of next.files[next.open]) block.push("new");
        return true;
      },
      sync() {
        if (next.open < 0) return false;
        next.files[next.open] = next.files[next.open].map((block) => [block[block.length - 1]]);
        return true;
      },
      rename: () => next.names.temporary !== undefined && changeNames("rename", next.names.temporary),
      remove: () => next.names.ckpt !== undefined && changeNames("remove", next.names.ckpt),
      syncdir() {
        next.durable = next.names;
        next.changes = [];
        return true;
      },
      return() {
        next.returned = true;
        return true;
      },
    };
    if (!done[operation]()) return null;
    return next;
  }

  // The state after each of the first k operations, k = 0 .. n; shorter when one cannot be done.
  function run(operations) {
    const states = [initial()];
    for (const operation of operations) {
      const next = apply(states[states.length - 1], operation);
      if (next === null) break;
      states.push(next);
    }
    return states;
  }

  function found(blocks) {
    if (blocks.every((block) => block === "old")) return "old";
    if (blocks.every((block) => block === "new")) return "new";
    return "damaged";
  }

  // All that a crash may leave: {names: [kept or not, for each change], blocks, outcome}. Blocks are those of the file
  // that `ckpt` then is.
  function images(state) {
    const list = [];
    for (let mask = 0; mask < 1 << state.changes.length; ++mask) {
      const kept = state.changes.map((_, i) => (mask >> i & 1) === 1);
      let names = { ...state.durable };
      state.changes.forEach((one, i) => {
        if (kept[i]) names = change(names, one);
      });
      if (names.ckpt === undefined) {
        list.push({ kept, blocks: [], outcome: "nothing" });
        continue;
      }
      const [head, tail] = state.files[names.ckpt].map((block) => [...new Set(block)]);
      for (const a of head) {
        for (const b of tail) list.push({ kept, blocks: [a, b], outcome: found([a, b]) });
      }
    }
    return list;
  }

  const ORDER = ["old", "new", "damaged", "nothing"];

  // Which outcomes are possible, and whether that keeps the promise.
  function verdict(state) {
    const possible = new Set(images(state).map((image) => image.outcome));
    const outcomes = ORDER.filter((outcome) => possible.has(outcome));
    const allowed = state.returned ? ["new"] : ["old", "new"];
    return { outcomes, kept: outcomes.every((outcome) => allowed.includes(outcome)) };
  }

  // ---------------------------------------------------------------------------------------------------------- words
  const ENGLISH = {
    operations: { empty: "open ckpt, emptied", create: "create ckpt.tmp", write: "write the new data",
      sync: "sync the file", rename: "rename ckpt.tmp → ckpt", remove: "remove ckpt", syncdir: "sync the directory",
      return: "return 0" },
    presets: { inplace: "in place", nosync: "no sync", dironly: "only the directory", nodir: "only the file",
      removed: "remove first", right: "right" },
    outcomes: { old: "old", new: "new", damaged: "damaged", nothing: "nothing" },
    start: "before the first operation", add: "add:", impossible: "cannot be done here",
    up: "earlier", down: "later", drop: "leave out",
    title: (name) => `A crash right after “${name}”. What a load may find:`,
    before: "A crash before the first operation. What a load may find:",
    image: (kept, blocks) => `${kept}; ckpt holds ${blocks}`,
    noNames: "no changes of names are pending", survived: "names that survived: ", none: "none",
    blocks: { old: "old", new: "new", none: "zeros" }, gone: "there is no ckpt",
    good: "The promise holds.", bad: "The promise is broken: ",
    why: { damaged: "a load may find neither the old nor the new state. ", nothing: "a load may find nothing at all. ",
      lost: "0 was returned, and the old state may be back. " },
    count: (n) => (n === 1 ? "One file system may be left. " : `${n} file systems may be left. `),
  };
  const CHINESE = {
    operations: { empty: "打开 ckpt 并清空", create: "创建 ckpt.tmp", write: "写新数据", sync: "同步文件",
      rename: "改名 ckpt.tmp → ckpt", remove: "删除 ckpt", syncdir: "同步目录", return: "返回 0" },
    presets: { inplace: "就地写", nosync: "不同步", dironly: "只同步目录", nodir: "只同步文件", removed: "先删除",
      right: "正确" },
    outcomes: { old: "旧", new: "新", damaged: "损坏", nothing: "什么都没有" },
    start: "第一个操作之前", add: "添加：", impossible: "在这里做不了",
    up: "提前", down: "推后", drop: "去掉",
    title: (name) => `刚做完“${name}”就崩溃。加载可能看到：`,
    before: "第一个操作之前崩溃。加载可能看到：",
    image: (kept, blocks) => `${kept}；ckpt 的内容是 ${blocks}`,
    noNames: "没有未落盘的名字改动", survived: "留下的名字改动：", none: "无",
    blocks: { old: "旧", new: "新", none: "零" }, gone: "没有 ckpt",
    good: "承诺成立。", bad: "承诺被打破：",
    why: { damaged: "加载可能看到既非旧也非新的状态。", nothing: "加载可能什么都找不到。",
      lost: "已经返回 0，旧状态却可能回来。" },
    count: (n) => `可能留下 ${n} 种文件系统。`,
  };

  // ----------------------------------------------------------------------------------------------------------- page
  const STYLE = `
    .q13-crash .steps { list-style: none; margin: 0 0 10px; padding: 0; }
    .q13-crash .steps li { display: flex; gap: 6px; align-items: center; margin: 0 0 4px; padding: 2px 8px;
      border: 1px solid var(--line); border-left: 5px solid var(--line); border-radius: 6px; }
    .q13-crash .steps li.here { outline: 2px solid var(--accent); }
    .q13-crash .steps li.not { opacity: 0.5; }
    .q13-crash .steps li.good { border-left-color: #1f8a48; } .q13-crash .steps li.bad { border-left-color: #c9362b; }
    .q13-crash .steps .name { flex: 1 1 auto; cursor: pointer; text-align: left; width: auto; border: 0;
      background: none; padding: 0 4px; }
    .q13-crash .steps .small, .q13-crash .add button { width: auto; height: 26px; padding: 0 8px; font: inherit;
      font-size: 13px; }
    .q13-crash .mark { font-size: 12px; padding: 0 6px; border-radius: 4px; border: 1px solid; white-space: nowrap; }
    .q13-crash .mark.old { color: var(--series-1); } .q13-crash .mark.new { color: #1f8a48; }
    .q13-crash .mark.damaged, .q13-crash .mark.nothing { color: #c9362b; font-weight: 600; }
    .q13-crash .images { margin: 0 0 8px; padding: 0; list-style: none; columns: 2 300px; font-size: 13px; }
    .q13-crash .images li { break-inside: avoid; margin: 0 0 3px; }`;

  function figure(root, context) {
    const kit = window.workbench.figureKit, { html } = kit;
    let operations = [...PRESETS.right], crash = 3, words = ENGLISH;

    const presets = kit.choice(Object.keys(PRESETS), "right");
    const steps = html("ol", { className: "steps" });
    const adders = html("div", { className: "row add" });
    const title = html("p", {}), list = html("ul", { className: "images" });
    const conclusion = html("p", { "aria-live": "polite" });
    const box = html("div", { className: "q02-figure q13-crash" }, html("style", {}, kit.STYLE + STYLE),
      html("div", { className: "row" }, presets.group), steps, adders, title, list, conclusion);

    const marks = (outcomes) => outcomes.map((outcome) =>
      html("span", { className: "mark " + outcome }, words.outcomes[outcome]));

    function small(text, name, disabled, action) {
      const button = html("button", { className: "small", title: name, disabled, "aria-label": name, type: "button" },
        text);
      button.addEventListener("click", action);
      return button;
    }

    function edit(changed, at) {
      operations = changed;
      crash = Math.max(0, Math.min(at, operations.length));
      for (const radio of presets.radios) radio.checked = PRESETS[radio.value].join() === operations.join();
      draw();
    }

    function swap(i, j) {
      const changed = [...operations];
      [changed[i], changed[j]] = [changed[j], changed[i]];
      edit(changed, crash);
    }

    function row(k, states) {
      const possible = k < states.length;
      const judged = possible ? verdict(states[k]) : null;
      const name = html("button", { className: "name", type: "button", "aria-pressed": String(k === crash) },
        k === 0 ? words.start : `${k}. ${words.operations[operations[k - 1]]}`);
      name.addEventListener("click", () => {
        crash = k;
        draw();
      });
      const item = html("li", {}, name, ...(possible ? marks(judged.outcomes) : [words.impossible]));
      item.className = (possible ? (judged.kept ? "good" : "bad") : "not") + (k === crash ? " here" : "");
      if (k > 0) {
        const i = k - 1;
        item.append(small("↑", words.up, i === 0, () => swap(i, i - 1)),
          small("↓", words.down, k === operations.length, () => swap(i, i + 1)),
          small("×", words.drop, operations.length === 1, () => edit(operations.filter((_, j) => j !== i), crash)));
      }
      return item;
    }

    function imageText({ kept, blocks }, state) {
      const names = state.changes.filter((_, i) => kept[i]).map(({ kind }) => words.operations[kind]);
      const survived = state.changes.length === 0 ? words.noNames : words.survived + (names.join(", ") || words.none);
      if (blocks.length === 0) return `${survived}; ${words.gone}`;
      return words.image(survived, blocks.map((block) => words.blocks[block]).join(" | "));
    }

    function draw() {
      presets.texts.forEach((text, i) => { text.textContent = words.presets[presets.radios[i].value]; });
      const states = run(operations);
      steps.replaceChildren(...Array.from({ length: operations.length + 1 }, (_, k) => row(k, states)));
      adders.replaceChildren(words.add, ...OPERATIONS.map((operation) =>
        small(words.operations[operation], words.operations[operation], operations.length >= 9, () =>
          edit([...operations.slice(0, crash), operation, ...operations.slice(crash)], crash + 1))));
      const state = states[Math.min(crash, states.length - 1)], all = images(state);
      const last = Math.min(crash, states.length - 1);
      title.textContent = last === 0 ? words.before : words.title(words.operations[operations[last - 1]]);
      list.replaceChildren(...all.slice(0, 12).map((image) =>
        html("li", {}, ...marks([image.outcome]), " " + imageText(image, state))));
      const { outcomes, kept } = verdict(state);
      const why = outcomes.filter((outcome) => words.why[outcome]).map((outcome) => words.why[outcome]);
      if (state.returned && outcomes.includes("old")) why.push(words.why.lost);
      conclusion.textContent = `${words.count(all.length)}${kept ? words.good : words.bad + why.join("")}`;
    }

    presets.group.addEventListener("change", (event) => edit([...PRESETS[event.target.value]], crash));
    const speak = (language) => {
      words = language === "zh" ? CHINESE : ENGLISH;
      draw();
    };
    context.onLanguage(speak);
    speak(context.language);
    root.querySelector("img").after(box);  // the matrix stays: it shows at once what this shows one by one
  }

  if (typeof module !== "undefined") {
    module.exports = { OPERATIONS, PRESETS, ENGLISH, CHINESE, apply, images, initial, run, verdict };
    return;
  }
  const script = document.createElement("script");
  script.src = new URL(KIT, document.currentScript.src).href;
  script.onload = () => window.workbench.figure("crash_explorer", figure);
  document.head.append(script);
}());
