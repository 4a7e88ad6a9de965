// Search over the text of all pages, which is loaded when it is first asked for. Words match where they begin a word or
// stand inside of one; a run of Chinese characters is cut into pairs, since it has no spaces.
"use strict";
(function (workbench) {
  const dialog = document.getElementById("search");
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("ul");
  const state = dialog.querySelector(".state");
  const root = document.documentElement.dataset.root;
  const CHINESE = /[\u2e80-\u9fff\uf900-\ufaff]/;
  const MOST = 30;
  const WORDS = {
    en: { hint: "Type to search all pages.", none: "Nothing found.", one: "1 result", many: " results", missing: "The search index is missing." },
    zh: { hint: "输入文字,搜索所有页面。", none: "没有找到。", one: "1 个结果", many: " 个结果", missing: "缺少搜索索引。" },
  };
  const words = () => WORDS[workbench.language()];

  // "ring 归约操作" -> ["ring", "归约", "约操", "操作"]
  function termsOf(query) {
    const terms = [];
    for (const run of query.toLowerCase().match(/[\u2e80-\u9fff\uf900-\ufaff]+|[^\s\u2e80-\u9fff\uf900-\ufaff]+/g) || []) {
      if (!CHINESE.test(run) || run.length < 3) terms.push(run);
      else for (let i = 0; i + 1 < run.length; ++i) terms.push(run.slice(i, i + 2));
    }
    return Array.from(new Set(terms));
  }

  // How well a term fits a text; a word's beginning counts more than its inside.
  function fit(text, term) {
    let score = 0;
    for (let at = text.indexOf(term), n = 0; at >= 0 && n < 5; at = text.indexOf(term, at + term.length), ++n) {
      const inside = at > 0 && /[a-z0-9]/.test(text[at - 1]) && /[a-z0-9]/.test(term[0]);
      score += (inside ? 0.4 : 1) / (n + 1);
    }
    return score;
  }

  workbench.search = function (query) {
    const index = window.workbenchSearchIndex;
    const terms = termsOf(query);
    if (!index || terms.length === 0) return [];
    const chinese = CHINESE.test(query) || workbench.language() === "zh";
    const results = [];
    for (const [number, language, id, title, text] of index.sections) {
      const page = index.pages[number];
      if (page.zh && (language === "zh") !== chinese) continue;
      const texts = [page[language].toLowerCase(), title.toLowerCase(), text.toLowerCase()];
      let score = 0;
      let found = 0;
      for (const term of terms) {
        const fits = texts.map((part) => fit(part, term));
        if (fits[0] + fits[1] + fits[2] === 0) continue;
        ++found;
        score += 2 * fits[0] + 6 * fits[1] + fits[2];
      }
      // All words, but not all pairs of characters: what is written differently in between is still found.
      const needed = CHINESE.test(query) ? Math.ceil(terms.length * 0.6) : terms.length;
      if (found >= needed && (fit(texts[1], terms[0]) || fit(texts[2], terms[0]) || found > 1)) {
        results.push({ page, language, id, title, text, terms, score: score * found });
      }
    }
    return results.sort((a, b) => b.score - a.score).slice(0, MOST);
  };

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  // The text around the first term, with the terms marked. Text nodes only: what pages say never becomes HTML here.
  function snippet(result) {
    const lower = result.text.toLowerCase();
    const places = result.terms.map((term) => lower.indexOf(term)).filter((at) => at >= 0);
    const begin = Math.max(0, Math.min(...places, result.text.length) - 40);
    const shown = result.text.slice(begin, begin + 170);
    const box = element("span", begin > 0 && places.length > 0 ? "… " : "", "snippet");
    const escaped = result.terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    for (const part of shown.split(new RegExp("(" + escaped.join("|") + ")", "i"))) {
      if (result.terms.includes(part.toLowerCase())) box.append(element("mark", part));
      else box.append(part);
    }
    return box;
  }

  function show() {
    list.replaceChildren();
    if (!input.value.trim()) {
      state.textContent = words().hint;
      return;
    }
    const results = workbench.search(input.value);
    state.textContent = results.length === 0 ? words().none : results.length === 1 ? words().one : results.length + words().many;
    for (const result of results) {
      const link = element("a");
      const language = result.language === workbench.language() || !result.page.zh ? "" : "?lang=" + result.language;
      link.href = root + result.page.url + language + (result.id ? "#" + encodeURIComponent(result.id) : "");
      link.lang = result.language === "zh" ? "zh-Hans" : "en";
      const page = result.page[result.language];
      link.append(element("b", result.title || page));
      if (result.title && result.title !== page) link.append(" ", element("small", page));
      link.append(snippet(result));
      const item = element("li");
      item.append(link);
      list.append(item);
    }
  }

  let loading = false;
  function open() {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    show();
    if (loading) return;
    loading = true;
    const script = document.createElement("script");
    script.src = root + "assets/search_index.js";
    script.onload = show;
    script.onerror = () => (state.textContent = words().missing);
    document.head.append(script);
  }

  // The arrows go through the results; from the first one back to the field.
  function move(step) {
    const links = Array.from(list.querySelectorAll("a"));
    const next = links.indexOf(document.activeElement) + step;
    if (next < 0) input.focus();
    else if (next < links.length) links[next].focus();
  }

  document.getElementById("search-button").addEventListener("click", open);
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });
  input.addEventListener("input", show);
  dialog.addEventListener("keydown", (event) => {
    const first = list.querySelector("a");
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && event.target === input && first) first.click();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    const shortcut = (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) ||
      (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey));
    if (!shortcut) return;
    event.preventDefault();
    open();
  });
})(window.workbench);
