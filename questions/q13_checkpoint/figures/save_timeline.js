// Q13 part A: a save on a GPU as it was measured, in each of the three rooms: all of it, and its beginning magnified.
//
// A page loads only this script; it loads what it stands on. Under node, render_static.js and figures_test.js use the
// drawing and the words.
(function () {
  "use strict";

  let kit, measured;  // figure_kit.js and save_timeline_data.js, there before anything is drawn

  const node = (tag, attributes, ...children) => kit.node(tag, attributes, ...children);
  const LANES = ["training", "save", "copy", "write", "commit"];
  const WINDOWS = [10, 100, 1000];  // ms that may be magnified

  // -------------------------------------------------------------------------------------------------------- numbers
  function digits(value) {
    return String(Number(value >= 1000 ? value.toFixed(0) : value.toPrecision(value < 10 ? 2 : 3)));
  }

  function timeText(ms) {
    if (ms >= 1000) return Number((ms / 1000).toFixed(2)) + " s";
    return ms >= 1 ? digits(ms) + " ms" : digits(1000 * ms) + " µs";
  }

  function bytesText(bytes) {
    return bytes >= 2 ** 30 ? digits(bytes / 2 ** 30) + " GiB" : digits(bytes / 2 ** 20) + " MiB";
  }

  // -------------------------------------------------------------------------------------------------------- drawing
  // A panel: a time axis of `width` pixels from x, showing [from, to] in ms.
  function panelOf(x, width, from, to) {
    return { x, width, from, to, at: (ms) => x + width * (Math.min(Math.max(ms, from), to) - from) / (to - from) };
  }

  // Intervals as a path of boxes; those that are less than half a pixel apart become one, and none is invisible.
  function boxes(panel, intervals, top, height) {
    const shown = [];
    for (const [begin, end] of intervals) {
      if (end < panel.from || begin > panel.to) continue;
      const left = panel.at(begin), right = Math.max(panel.at(end), left + 0.7), last = shown[shown.length - 1];
      if (last && left - last[1] < 0.5) last[1] = Math.max(last[1], right);
      else shown.push([left, right]);
    }
    const number = (value) => value.toFixed(1);
    return shown.map(([left, right]) => `M${number(left)} ${top}H${number(right)}v${height}H${number(left)}z`).join("");
  }

  // Where one event ends and the next begins, as far as there is room to tell them apart.
  function edges(panel, intervals, top, height) {
    const inside = intervals.filter(([begin]) => panel.from < begin && begin < panel.to);
    const xs = inside.map(([begin]) => panel.at(begin));
    const apart = (xs[xs.length - 1] - xs[0]) / (xs.length - 1);
    return apart > 2 ? xs.map((x) => `M${x.toFixed(1)} ${top}v${height}`).join("") : "";
  }

  // GB/s over time, as the area under steps.
  function rateArea(panel, save, most, top, height) {
    const { every_ms, gb_per_s } = save.rate, begin = save.write[0][0], end = save.write[save.write.length - 1][1];
    const x = (ms) => panel.at(Math.min(Math.max(ms, begin), end)).toFixed(1), bottom = top + height;
    const steps = gb_per_s.map((rate, i) => `V${(bottom - height * rate / most).toFixed(1)}H${x(every_ms * (i + 1))}`);
    return `M${x(0)} ${bottom}${steps.join("")}V${bottom}z`;
  }

  function ticks(panel) {
    const span = panel.to - panel.from;
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((one) => span / one <= 6);
    const list = [];
    for (let ms = 0; ms <= panel.to; ms += step) list.push(ms);
    return list;
  }

  function drawAxis(panel, top) {
    const unit = panel.to > 2000 ? [1000, " s"] : [1, " ms"];
    const list = ticks(panel), last = list.length - 1, end = panel.x + panel.width;
    return list.flatMap((ms, i) => {
      const x = panel.at(ms), right = end - x < 14;
      const tick = node("path", { class: "tick", d: `M${x.toFixed(1)} ${top}v4` });
      if (i === last - 1 && end - x < 70) return [tick];  // no room beside the last, which has the unit
      const text = digits(ms / unit[0]) + (i === last ? unit[1] : "");
      const place = right ? { class: "small end", x: end } : { class: "small middle", x };
      return [tick, node("text", { ...place, y: top + 15 }, text)];
    });
  }

  const HEIGHTS = { training: 16, save: 12, copy: 12, write: 26, commit: 16 };
  const lanesOf = (save) => LANES.filter((lane) => save[lane].length > 0);

  function drawLane(save, lane, panel, top, magnified, most, words) {
    const height = HEIGHTS[lane], right = panel.x + panel.width;
    const parts = [node("rect", { class: "lane", x: panel.x, y: top, width: panel.width, height })];
    const fits = (text, width) => width > words.advance * text.length + 8;
    const area = lane === "write" && !magnified;
    parts.push(node("path", { class: lane,
      d: area ? rateArea(panel, save, most, top, height) : boxes(panel, save[lane], top, height) }));
    if (lane === "training" || lane === "write") {
      const between = magnified ? edges(panel, save[lane], top, height) : "";
      if (between !== "") parts.push(node("path", { class: "edge", d: between }));
    }
    if (lane === "training") {
      const [begin, end] = save.stall, left = panel.at(begin), width = Math.max(panel.at(end) - left, 1.5);
      const text = timeText(end - begin) + (end > panel.to ? " →" : "");
      parts.push(node("rect", { class: "stall", x: left, y: top, width, height }));
      if (fits(text, width)) parts.push(node("text", { class: "on middle", x: left + width / 2, y: top + 12 }, text));
    }
    if (lane === "commit") {
      const first = save.commit[0][0], x = panel.at(first) - 6;
      const [text, short] = first > panel.to ? [words.later(timeText(first)), ""] : [words.steps, words.shortSteps];
      const shown = [text, short].find((one) => fits(one, x - panel.x)) || "";
      parts.push(node("text", { class: "small end", x: Math.min(x, right - 4), y: top + 12 }, shown));
    }
    return parts;
  }

  // One room, under its heading: `panels` beside each other.
  function drawPanels(save, panels, labelsEnd, top, most, words) {
    const parts = [];
    let y = top;
    for (const lane of lanesOf(save)) {
      const height = HEIGHTS[lane];
      const label = node("text", { class: "small end", x: labelsEnd, y: y + (lane === "write" ? 10 : height / 2 + 4) },
        words.lanes[lane]);
      parts.push(label);
      if (lane === "write") {
        parts.push(node("text", { class: "small rates end", x: labelsEnd, y: y + 23 }, words.most(digits(most))));
      }
      for (const { panel, magnified } of panels) parts.push(...drawLane(save, lane, panel, y, magnified, most, words));
      y += height + 3;
    }
    for (const { panel } of panels) parts.push(...drawAxis(panel, y));
    return { bottom: y + 20, parts };
  }

  function roomName(save, words) {
    return words.rooms[save.room](bytesText(save.pinned_bytes));
  }

  function facts(save, words) {
    const [, call] = save.save[0], [, durable] = save.commit[save.commit.length - 1];
    return words.facts(timeText(save.stall[1] - save.stall[0]), timeText(call - save.save[0][0]), timeText(durable));
  }

  // `shown`: how many ms are magnified.
  function draw(data, shown, width, words) {
    const narrow = width < 640, left = narrow ? 72 : 76, gap = 26;
    const longest = Math.max(...data.saves.map((save) => save.commit[save.commit.length - 1][1]));
    const all = 500 * Math.ceil(longest * 1.02 / 500);
    const most = Math.max(...data.saves.flatMap((save) => save.rate.gb_per_s));
    const each = narrow ? width - left - 6 : (width - left - gap - 6) / 2;
    const wholePanel = panelOf(left, each, -0.01 * all, all);
    const nearPanel = panelOf(narrow ? left : left + each + gap, each, -0.06 * shown, shown);
    const whole = { panel: wholePanel, magnified: false }, near = { panel: nearPanel, magnified: true };
    const parts = [];
    let y = 14;
    if (!narrow) {
      parts.push(node("text", { class: "caption", x: left, y }, words.whole),
        node("text", { class: "caption", x: nearPanel.x, y }, words.near(timeText(shown))));
      y += 22;
    }
    for (const save of data.saves) {
      parts.push(node("text", { class: "heading", x: 0, y }, roomName(save, words)));
      const said = facts(save, words);
      if (narrow) {
        said.forEach((fact) => parts.push(node("text", { class: "caption", x: 0, y: y += 17 }, fact)));
        y += 20;
        parts.push(node("text", { class: "caption", x: left, y }, words.whole));
      } else {
        parts.push(node("text", { class: "caption end", x: width - 6, y }, said.join(" · ")));
      }
      y += 8;
      const bandTop = y - 3;
      const first = drawPanels(save, narrow ? [whole] : [whole, near], left - 6, y, most, words);
      const band = wholePanel.at(shown) - wholePanel.at(0);
      parts.push(node("rect", { class: "band", x: wholePanel.at(0), y: bandTop, width: band,
        height: first.bottom - 20 - bandTop }), ...first.parts);
      y = first.bottom + (narrow ? 14 : 26);
      if (!narrow) continue;
      parts.push(node("text", { class: "caption", x: left, y }, words.near(timeText(shown))));
      const second = drawPanels(save, [near], left - 6, y + 8, most, words);
      parts.push(...second.parts);
      y = second.bottom + 30;
    }
    return { height: y - 22, parts };
  }

  // Both the page and render_static.js use it; SCOPE is put before every selector.
  const DRAWING_STYLE = `
    SCOPE text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--fg); }
    SCOPE text.heading { font-size: 14px; font-weight: 600; } SCOPE text.caption { fill: var(--muted); }
    SCOPE text.small { font-size: 11px; fill: var(--muted); } SCOPE text.rates { fill: var(--fg); }
    SCOPE .middle { text-anchor: middle; } SCOPE .end { text-anchor: end; }
    SCOPE text.on { fill: var(--bg); font-size: 11px; font-weight: 600; }
    SCOPE .lane { fill: var(--line); opacity: 0.45; } SCOPE .band { fill: var(--muted); opacity: 0.3; }
    SCOPE .tick { stroke: var(--muted); fill: none; } SCOPE .edge { stroke: var(--bg); stroke-width: 0.7; fill: none; }
    SCOPE .training { fill: var(--series-1); } SCOPE .stall { fill: var(--bad); } SCOPE .save { fill: var(--series-2); }
    SCOPE .copy { fill: var(--series-6); } SCOPE .write { fill: var(--series-3); }
    SCOPE .commit { fill: var(--series-4); }`;

  // ---------------------------------------------------------------------------------------------------------- words
  const ENGLISH = {
    rooms: { device: () => "A copy on the device", pinned: () => "Pinned memory for all of it",
      ring: (bytes) => `A ring of ${bytes}` },
    lanes: { training: "training", save: "Save", copy: "copy", write: "write", commit: "commit" }, advance: 5.9,
    facts: (stall, call, durable) =>
      [`training stands still ${stall}`, `Save returns after ${call}`, `durable after ${durable}`],
    whole: "all of the save", near: (time) => `the first ${time} (shaded in the other)`,
    steps: "sync the file, rename, sync the directory", shortSteps: "sync, rename, sync",
    later: (time) => `begins after ${time} →`, most: (rate) => `≤ ${rate} GB/s`, magnify: "magnify the first",
    title: (device, bytes) => `A save of ${bytes} on one ${device}`,
    picture: (list) => "Measured: " + list.join("; "), one: (room, list) => `${room}: ${list.join(", ")}`,
  };
  const CHINESE = {
    rooms: { device: () => "设备上的拷贝", pinned: () => "锁页内存放得下全部", ring: (bytes) => `${bytes} 的环` },
    lanes: { training: "训练", save: "Save", copy: "拷贝", write: "写入", commit: "提交" }, advance: 11.5,
    facts: (stall, call, durable) => [`训练停顿 ${stall}`, `Save 用时 ${call}`, `${durable} 后落盘`],
    whole: "整个保存过程", near: (time) => `最初的 ${time}（另一图中的阴影）`,
    steps: "同步文件、改名、同步目录", shortSteps: "同步、改名、同步",
    later: (time) => `${time} 后开始 →`, most: (rate) => `≤ ${rate} GB/s`, magnify: "放大最初的",
    title: (device, bytes) => `在一块 ${device} 上保存 ${bytes}`,
    picture: (list) => "实测：" + list.join("；"), one: (room, list) => `${room}：${list.join("，")}`,
  };

  // The figure in words, for who does not see it.
  function describe(data, words) {
    return words.picture(data.saves.map((save) => words.one(roomName(save, words), facts(save, words))));
  }

  // ------------------------------------------------------------------------------------------------------- the page
  const STYLE = DRAWING_STYLE.replace(/SCOPE/g, ".q13-timeline");

  function figure(root, context) {
    const { element, svg, html } = kit;
    let words = context.language === "zh" ? CHINESE : ENGLISH;
    const windows = kit.choice(WINDOWS, 100);
    const stage = svg({ class: "stage", role: "img" });
    const title = html("p", {}), magnify = html("span", {});
    const box = html("div", { className: "q02-figure q13-timeline" }, html("style", {}, kit.STYLE + STYLE), title,
      html("div", { className: "row" }, magnify, windows.group), stage);

    function show() {
      const shown = Number(windows.radios.find((radio) => radio.checked).value), width = box.clientWidth || 640;
      const drawn = draw(measured, shown, width, words);
      box.lang = words === CHINESE ? "zh-Hans" : "en";
      title.textContent = words.title(measured.device, bytesText(measured.bytes));
      magnify.textContent = words.magnify;
      windows.texts.forEach((text, i) => { text.textContent = timeText(WINDOWS[i]); });
      stage.setAttribute("viewBox", `0 0 ${width} ${drawn.height}`);
      stage.setAttribute("height", drawn.height);
      stage.setAttribute("aria-label", describe(measured, words));
      stage.replaceChildren(...drawn.parts.map(element));
    }

    windows.group.addEventListener("change", show);
    context.onLanguage((language) => {
      words = language === "zh" ? CHINESE : ENGLISH;
      show();
    });
    show();
    root.querySelector("img").replaceWith(box);
    new ResizeObserver(show).observe(box);
  }

  if (typeof module !== "undefined") {
    kit = require("../../../docs/figures/figure_kit.js");
    module.exports = { DRAWING_STYLE, ENGLISH, CHINESE, LANES, WINDOWS, bytesText, describe, digits, draw, timeText };
    return;
  }
  let missing = 2;
  for (const name of ["../../../docs/figures/figure_kit.js", "save_timeline_data.js"]) {
    const script = document.createElement("script");
    script.src = new URL(name, document.currentScript.src).href;
    script.onload = () => {
      if (--missing > 0) return;
      kit = window.workbench.figureKit;
      measured = window.workbench.saveTimeline;
      window.workbench.figure("save_timeline", figure);
    };
    document.head.append(script);
  }
}());
