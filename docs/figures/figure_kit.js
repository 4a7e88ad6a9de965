// What the figures of this folder share: a tree of plain objects for drawings (a page makes elements of it,
// render_static.js text), and a page's controls.
(function () {
  "use strict";

  function node(tag, attributes, ...children) {
    return { tag, attributes, children };
  }

  function element({ tag, attributes, children }) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.map((child) => (typeof child === "string" ? child : element(child))));
    return made;
  }

  function svg(attributes, ...children) {
    return element(node("svg", attributes, ...children));
  }

  // An HTML element; `properties` are the element's own, and names with a hyphen are attributes.
  function html(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.includes("-")) made.setAttribute(name, value);
      else made[name] = value;
    }
    made.append(...children);
    return made;
  }

  // A slider with its name before and its value behind: {label, input, text, value}.
  function slider(min, max, value) {
    const input = html("input", { type: "range", min, max, value });
    const text = html("span", {}), output = html("output", {});
    return { input, text, value: output, label: html("label", { className: "slider" }, text, input, output) };
  }

  let groups = 0;  // radio buttons of different figures need different names

  // Radio buttons that look like one: {group, radios, texts}, `texts` being what is written on them.
  function choice(values, chosen) {
    const name = "figure-choice-" + groups++;
    const radios = values.map((value) => html("input", { type: "radio", name, value, checked: value === chosen }));
    const texts = radios.map(() => html("span", {}));
    const group = html("fieldset", {}, ...radios.map((radio, i) => html("label", {}, radio, texts[i])));
    return { group, radios, texts };
  }

  const ICONS = {
    first: "M2 2h2v12H2zM14 2v12L5 8z", previous: "M11 2L5 8l6 6 1.5-1.5L8 8l4.5-4.5z", play: "M3 1l12 7-12 7z",
    pause: "M4 2h3v12H4zM9 2h3v12H9z", next: "M5 2l6 6-6 6-1.5-1.5L8 8 3.5 3.5z", last: "M12 2h2v12h-2zM2 2v12l9-6z",
  };

  // A button with a picture on it instead of words.
  function setIcon(button, icon, name) {
    button.title = name;
    button.setAttribute("aria-label", name);
    button.replaceChildren(svg({ viewBox: "0 0 16 16", "aria-hidden": "true" }, node("path", { d: ICONS[icon] })));
  }

  const STYLE = `
    .q02-figure { text-align: left; font: 14px/1.5 system-ui, sans-serif; color: var(--fg); }
    .q02-figure .row { display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center; margin: 0 0 12px; }
    .q02-figure .buttons { gap: 6px; }
    .q02-figure fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px; min-width: 0; }
    .q02-figure fieldset label { position: relative; border: 1px solid var(--line); border-radius: 6px;
      padding: 3px 10px; }
    .q02-figure fieldset label:has(:checked) { background: var(--accent); color: var(--accent-fg);
      border-color: var(--accent); }
    .q02-figure fieldset input { position: absolute; inset: 0; width: 100%; margin: 0; opacity: 0; cursor: pointer; }
    .q02-figure fieldset label:has(:focus-visible), .q02-figure :focus-visible { outline: 2px solid var(--accent);
      outline-offset: 2px; }
    .q02-figure input[type=range] { accent-color: var(--accent); vertical-align: middle; width: 110px; margin: 0 8px; }
    .q02-figure output { font-variant-numeric: tabular-nums; }
    .q02-figure input.wide { flex: 1 1 140px; min-width: 0; margin: 0 4px; }
    .q02-figure button { border: 1px solid var(--line); border-radius: 6px; background: var(--code-bg);
      color: var(--fg); width: 38px; height: 34px; padding: 0; cursor: pointer; }
    .q02-figure button:disabled { opacity: 0.4; cursor: default; }
    .q02-figure button svg { width: 16px; height: 16px; fill: currentColor; vertical-align: middle; }
    .q02-figure .stage { display: block; width: 100%; margin: 0 0 8px; }
    .q02-figure p { margin: 0 0 8px; }
    .q02-figure .muted { color: var(--muted); }`;

  const kit = { node, element, svg, html, slider, choice, setIcon, STYLE };
  if (typeof module !== "undefined") module.exports = kit;
  else window.workbench.figureKit ??= kit;  // once: two figures of a page both load it, and share its count of groups
}());
