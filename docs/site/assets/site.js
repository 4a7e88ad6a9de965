// Language, theme, navigation, contents, formulas, code and figures. Classic script; no network: pages work from file://.
"use strict";
window.workbench = window.workbench || {};
(function (workbench) {
  const html = document.documentElement;
  const languageListeners = [];
  const byId = (id) => document.getElementById(id);
  const isShown = (element) => element.getClientRects().length > 0;

  function store(name, value) {
    try {
      if (value === null) localStorage.removeItem("workbench." + name);
      else localStorage.setItem("workbench." + name, value);
    } catch (error) {
      // No storage: the choice lasts for this page.
    }
  }

  workbench.language = () => html.dataset.language;
  workbench.onLanguage = (listener) => languageListeners.push(listener);

  // --- Language -----------------------------------------------------------------------------------------------------
  function headingsOf(article) {
    return Array.from(article.querySelectorAll("h1[id], h2[id], h3[id], h4[id]"));
  }

  // The same heading in the language that is shown; pages and their twins have the same headings.
  function shownTwin(element) {
    const article = element.closest("article");
    if (!article || isShown(article)) return element;
    const heading = headingsOf(article).indexOf(element);
    const other = Array.from(document.querySelectorAll("article")).find(isShown);
    return (heading >= 0 && other && headingsOf(other)[heading]) || element;
  }

  function applyLanguage() {
    const language = workbench.language();
    html.lang = language === "zh" ? "zh-Hans" : "en";
    const title = document.querySelector("title");
    document.title = title.dataset[language];
    for (const element of document.querySelectorAll("[data-label-zh]")) {
      element.dataset.labelEn = element.dataset.labelEn || element.getAttribute("aria-label");
      element.setAttribute("aria-label", language === "zh" ? element.dataset.labelZh : element.dataset.labelEn);
    }
    nameTheme();
    enrich();
  }

  function switchLanguage() {
    const article = Array.from(document.querySelectorAll("article")).find(isShown);
    const passed = article ? headingsOf(article).filter((heading) => heading.getBoundingClientRect().top < 120) : [];
    const anchor = passed[passed.length - 1];
    const offset = anchor ? anchor.getBoundingClientRect().top : 0;
    html.dataset.language = workbench.language() === "zh" ? "en" : "zh";
    store("language", workbench.language());
    if (/[?&]lang=/.test(location.search)) {
      try {
        history.replaceState(null, "", location.pathname + location.hash);
      } catch (error) {
        // Some browsers forbid it for file://; then a reload shows the language of the address.
      }
    }
    applyLanguage();
    for (const listener of languageListeners) listener(workbench.language());
    if (anchor) {
      const distance = shownTwin(anchor).getBoundingClientRect().top - offset;
      window.scrollBy({ top: distance, behavior: "instant" });
    }
  }

  function goToHash() {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch (error) {
      // Not encoded.
    }
    const target = id && byId(id);
    if (target) shownTwin(target).scrollIntoView({ behavior: "instant" });
  }

  // --- Theme: automatic, light, dark --------------------------------------------------------------------------------
  const THEME_NAMES = {
    en: { auto: "Theme: automatic", light: "Theme: light", dark: "Theme: dark" },
    zh: { auto: "主题:自动", light: "主题:浅色", dark: "主题:深色" },
  };

  function nameTheme() {
    const name = THEME_NAMES[workbench.language()][html.dataset.theme || "auto"];
    byId("theme-button").setAttribute("aria-label", name);
    byId("theme-button").title = name;
  }

  function nextTheme() {
    const next = { auto: "light", light: "dark", dark: "auto" }[html.dataset.theme || "auto"];
    if (next === "auto") delete html.dataset.theme;
    else html.dataset.theme = next;
    store("theme", next === "auto" ? null : next);
    nameTheme();
  }

  // --- Navigation, a drawer on a phone ------------------------------------------------------------------------------
  const menu = byId("menu-button");
  const nav = byId("site-nav");

  function setMenu(open) {
    html.classList.toggle("nav-open", open);
    menu.setAttribute("aria-expanded", String(open));
    for (const element of document.querySelectorAll("main, .contents")) element.inert = open;
    if (open) nav.querySelector("a").focus();
    else if (nav.contains(document.activeElement)) menu.focus();
  }

  // --- Contents: folded where they stand above the page; the part that is read is marked ------------------------------
  const beside = window.matchMedia("(min-width: 78.01rem)");

  function foldContents() {
    for (const details of document.querySelectorAll(".contents details")) details.open = beside.matches;
  }

  function markContents() {
    const links = Array.from(document.querySelectorAll(".contents a")).filter(isShown);
    let current = null;
    for (const link of links) {
      const heading = byId(decodeURIComponent(link.hash.slice(1)));
      if (heading && heading.getBoundingClientRect().top < 140) current = link;
    }
    for (const link of links) {
      if (link === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!current || !beside.matches) return;
    const box = current.closest(".contents");
    const top = current.getBoundingClientRect().top - box.getBoundingClientRect().top;
    if (top < 40 || top > box.clientHeight - 60) box.scrollTop += top - box.clientHeight / 3;
  }

  // --- Formulas, code, figures: what is shown is drawn, the other language when it is switched to -------------------------
  function drawFormula(element) {
    const mathml = element.innerHTML;
    try {
      window.katex.render(element.dataset.tex, element, { displayMode: element.classList.contains("display") });
    } catch (error) {
      element.innerHTML = mathml;
    }
  }

  function enrich() {
    for (const article of Array.from(document.querySelectorAll("article:not([data-drawn])")).filter(isShown)) {
      article.dataset.drawn = "";
      if (window.katex) article.querySelectorAll("[data-tex]").forEach(drawFormula);
      if (window.hljs) {
        for (const code of article.querySelectorAll("pre > code[class*=language-]")) {
          const language = code.className.replace(/^.*language-(\S+).*$/, "$1");
          if (window.hljs.getLanguage(language)) (window.hljs.highlightElement || window.hljs.highlightBlock)(code);
        }
      }
    }
    drawFigures();
    letScroll();
  }

  // What scrolls sideways has to be reached by keyboard.
  function letScroll() {
    for (const box of document.querySelectorAll("article pre, article .table, article .math.display")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  const figures = new Map();

  // figure("X", function (root, context) {...}): brings the figures made of X.svg to life. `root` is the <figure>;
  // context.language is "en" or "zh", context.onLanguage(listener) tells of a switch. When it throws, the image stays.
  workbench.figure = function (name, draw) {
    figures.set(name, draw);
    drawFigures();
  };

  function drawFigures() {
    for (const root of document.querySelectorAll("figure.interactive:not([data-drawn])")) {
      const draw = figures.get(root.dataset.figure);
      if (!draw || !isShown(root)) continue;
      root.dataset.drawn = "";
      const image = Array.from(root.childNodes);
      const fixed = root.closest("article.en, article.zh") !== null; // the other language has a figure of its own
      const context = {
        language: workbench.language(),
        onLanguage: (listener) => fixed || languageListeners.push(listener),
      };
      try {
        draw(root, context);
      } catch (error) {
        root.replaceChildren(...image);
        for (const node of image) node.hidden = false;
        console.warn("figure " + root.dataset.figure + ": " + error);
      }
    }
  }

  // --- Start --------------------------------------------------------------------------------------------------------
  byId("language-button").addEventListener("click", switchLanguage);
  byId("theme-button").addEventListener("click", nextTheme);
  menu.addEventListener("click", () => setMenu(!html.classList.contains("nav-open")));
  document.addEventListener("click", (event) => {
    if (html.classList.contains("nav-open") && !nav.contains(event.target) && !menu.contains(event.target)) setMenu(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && html.classList.contains("nav-open")) setMenu(false);
  });
  beside.addEventListener("change", foldContents);
  window.addEventListener("hashchange", goToHash);
  window.addEventListener("resize", letScroll);
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("article details")) details.open = true;
  });
  let waiting = false;
  window.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      markContents();
    });
  });
  foldContents();
  applyLanguage();
  goToHash();
  // Images move what stands below them; but a reader who has begun to scroll is left alone.
  const arrived = window.scrollY;
  window.addEventListener("load", () => Math.abs(window.scrollY - arrived) < 2 && goToHash());
  markContents();
})(window.workbench);
