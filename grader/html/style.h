// How the reports look: light and dark, on a screen, a phone and paper. The custom properties have the names that the
// docs site uses.
#ifndef GRADER_HTML_STYLE_H_
#define GRADER_HTML_STYLE_H_

namespace workbench::html {

inline constexpr char kLightColours[] =
    "color-scheme: light; --bg: #ffffff; --fg: #1b2230; --muted: #566172; --line: #d7dde5; --accent: #0b5cad; "
    "--accent-fg: #ffffff; --code-bg: #f3f6f9; --ok: #14703f; --bad: #b3201a; --warn: #8a5200; --series-1: #0072b2; "
    "--series-2: #c24e00; --series-3: #00805e; --series-4: #b0528a; --series-5: #6a51c9; --series-6: #756500;";

inline constexpr char kDarkColours[] =
    "color-scheme: dark; --bg: #12161c; --fg: #e6eaf0; --muted: #9aa6b5; --line: #343d49; --accent: #6cb6ff; "
    "--accent-fg: #10151b; --code-bg: #1b212a; --ok: #4ec98a; --bad: #ff8177; --warn: #e9b04f; --series-1: #62b8ee; "
    "--series-2: #f0a13c; --series-3: #3fcf9f; --series-4: #ec9fcb; --series-5: #b3a4ff; --series-6: #d8ca55;";

inline constexpr char kStyle[] = R"(
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); overflow-wrap: break-word;
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1.5rem 4rem; }
h1, h2, h3 { line-height: 1.25; margin: 2.2em 0 0.7em; text-wrap: balance; }
h1 { font-size: 2rem; margin: 0.2em 0 0.3em; }
h2 { font-size: 1.35rem; padding-bottom: 0.3em; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.08rem; }
p, ul, ol, pre, dl, figure, details { margin: 0 0 1em; }
a { color: var(--accent); text-underline-offset: 2px; }
code, pre, .code, td.no, td.sign { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { background: var(--code-bg); border-radius: 4px; padding: 0.1em 0.3em; }
pre { background: var(--code-bg); border: 1px solid var(--line); border-radius: 6px; padding: 0.7em 0.9em; white-space: pre-wrap; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
button { font: inherit; font-size: 0.85rem; padding: 0.25em 0.8em; border: 1px solid var(--line); border-radius: 6px;
         background: var(--code-bg); color: var(--fg); cursor: pointer; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.eyebrow { display: flex; justify-content: space-between; gap: 1rem; color: var(--muted); margin: 0; }
.muted { color: var(--muted); }
.pass { --state: var(--ok); } .wrong { --state: var(--bad); } .slow { --state: var(--warn); } .none { --state: var(--muted); }
.verdict { border: 1px solid var(--line); border-left: 6px solid var(--state); border-radius: 8px;
           padding: 1.1rem 1.4rem 1.2rem; margin: 0.5rem 0 1.5rem; display: grid; grid-template-columns: 1fr auto; gap: 0 2rem; }
.verdict h1 { color: var(--state); }
.verdict p { margin: 0; }
.score { text-align: right; font-size: 2.4rem; font-weight: 650; line-height: 1.1; font-variant-numeric: tabular-nums; white-space: nowrap; }
.score small { display: block; font-size: 0.85rem; font-weight: 400; color: var(--muted); margin-top: 0.4em; }
.score .of { color: var(--muted); font-weight: 400; font-size: 1.5rem; }
.parts { list-style: none; padding: 0; display: grid; gap: 0.8rem 2rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.parts .row { display: flex; justify-content: space-between; gap: 1rem; font-size: 0.95rem; }
.parts .row b { font-variant-numeric: tabular-nums; white-space: nowrap; }
.meter { height: 0.6rem; border: 1px solid var(--line); border-radius: 99px; overflow: hidden; margin-top: 0.25rem; background: var(--code-bg); }
.meter i { display: block; height: 100%; background: var(--state); }
.finding { border: 1px solid var(--line); border-left: 6px solid var(--state); border-radius: 8px; padding: 1rem 1.3rem 0.3rem; margin-bottom: 1em; }
.finding h3 { margin-top: 0; }
dl.facts { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: 0.35rem 1.2rem; }
dl.facts dt { color: var(--muted); }
dl.facts dd { margin: 0; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
dl.facts dd.code { background: var(--code-bg); border-radius: 4px; padding: 0.05em 0.4em; width: fit-content; max-width: 100%; }
.chips { display: flex; flex-wrap: wrap; gap: 0.35rem; }
.chips span { background: var(--code-bg); border: 1px solid var(--line); border-radius: 99px; padding: 0.05em 0.75em; font-size: 0.9rem; white-space: normal; }
.chips span b { font-weight: 600; }
.wide { overflow-x: auto; }
.wide > table, .wide + .charts { margin-bottom: 1rem; }
table { border-collapse: collapse; font-size: 0.94rem; }
th, td { padding: 0.4em 0.8em; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 600; border-bottom-width: 2px; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
table.checks { width: 100%; table-layout: auto; }
table.checks td.state { white-space: nowrap; font-weight: 600; color: var(--state); width: 9.5rem; }
table.checks th code { background: none; padding: 0; color: inherit; }
table.checks tr.more td { padding: 0 0.8em 0.6em; border-bottom: 1px solid var(--line); }
table.checks tr.has-more > * { border-bottom: 0; }
table.checks details { margin: 0; font-size: 0.92rem; }
table.checks details[open] > summary { margin-bottom: 0.6em; }
.icon { display: inline-block; width: 1.3em; text-align: center; font-weight: 700; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1.2rem; align-items: start; }
figure.chart, figure.attached { border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1rem; margin: 0; min-width: 0; }
figure.chart figcaption strong { display: block; font-weight: 600; }
figure.chart figcaption span { color: var(--muted); font-size: 0.88rem; }
figure.chart svg { display: block; width: 100%; min-width: 27rem; height: auto; margin-top: 0.6rem; }
figure.chart details { margin: 0.4rem 0 0; font-size: 0.9rem; }
figure.attached { margin-bottom: 1.2rem; } figure.attached img { display: block; width: 100%; max-width: 60rem; height: auto; margin: 0 auto; }
figure.attached figcaption { color: var(--muted); font-size: 0.9rem; }
svg text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; fill: var(--fg); }
svg text.tick { font-size: 12px; fill: var(--muted); font-variant-numeric: tabular-nums; }
svg text.axis { fill: var(--muted); }
svg text.limit-name { font-size: 12px; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 4px; }
svg .grid { stroke: var(--line); fill: none; } svg .frame { stroke: var(--muted); fill: none; }
svg .curve { fill: none; stroke: var(--s); stroke-width: 2; stroke-linejoin: round; }
svg .m { fill: var(--s); stroke: var(--bg); stroke-width: 1; } svg .m.cross { stroke: var(--s); stroke-width: 2.4; }
svg .bar { fill: var(--s); stroke: var(--s); stroke-width: 1.5; }
svg .box { fill: var(--s); fill-opacity: 0.16; stroke: var(--s); } svg .whisker { fill: none; stroke: var(--s); }
svg .dot { fill: var(--s); fill-opacity: 0.75; } svg .median { stroke: var(--fg); stroke-width: 2.4; }
svg .limit { stroke: var(--fg); stroke-width: 1.5; stroke-dasharray: 7 4; } svg .roof { fill: none; stroke: var(--fg); stroke-width: 2; }
svg.strip { display: block; min-width: 160px; }
svg .s1 { --s: var(--series-1); } svg .s2 { --s: var(--series-2); } svg .s3 { --s: var(--series-3); }
svg .s4 { --s: var(--series-4); } svg .s5 { --s: var(--series-5); } svg .s6 { --s: var(--series-6); }
svg .curve.s2 { stroke-dasharray: 8 4; } svg .curve.s3 { stroke-dasharray: 2 4; } svg .curve.s4 { stroke-dasharray: 9 3 2 3; }
svg .curve.s5 { stroke-dasharray: 14 4; } svg .curve.s6 { stroke-dasharray: 4 2; }
svg .bar.s2 { fill-opacity: 0.4; } svg .bar.s3 { fill-opacity: 0; } svg .bar.s4 { fill-opacity: 0.7; stroke-dasharray: 3 2; }
.diffs { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; margin-bottom: 1.5rem; }
table.diff { width: 100%; table-layout: fixed; font-size: 0.9rem; }
table.diff col.no { width: 3.2rem; } table.diff col.sign { width: 1.5rem; }
table.diff td { border: 0; padding: 0.02em 0.4em; } table.diff thead th { padding: 0.5em 0.8em; border-bottom: 1px solid var(--line); }
td.no { text-align: right; color: var(--muted); user-select: none; }
td.sign { text-align: center; font-weight: 700; }
td.code { white-space: pre-wrap; overflow-wrap: anywhere; }
table.diff td:nth-child(4), table.diff thead th + th { border-left: 1px solid var(--line); }
table.diff .removed { background: color-mix(in srgb, var(--bad) 11%, var(--bg)); } table.diff .added { background: color-mix(in srgb, var(--ok) 12%, var(--bg)); }
table.diff del, table.diff ins { border-radius: 3px; color: inherit; }
table.diff del { background: color-mix(in srgb, var(--bad) 30%, var(--bg)); text-decoration-thickness: 1px; }
table.diff ins { background: color-mix(in srgb, var(--ok) 32%, var(--bg)); text-decoration: none; border-bottom: 2px solid var(--ok); }
table.diff td.none { background: var(--code-bg); }
details.fold { margin: 0; border-block: 1px solid var(--line); background: var(--code-bg); }
details.fold > summary { padding: 0.2rem 1rem; width: auto; font-size: 0.88rem; } details.fold > table { background: var(--bg); }
@media (max-width: 46rem) {
  main { padding: 0.75rem 1rem 3rem; } h1 { font-size: 1.55rem; }
  .verdict { grid-template-columns: 1fr; padding: 1rem; } .score { text-align: left; margin-top: 0.8rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; } dl.facts dd { margin-bottom: 0.6rem; }
  table.checks thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table.checks, table.checks tbody { display: block; }
  table.checks tr { display: grid; grid-template-columns: 1fr auto; border-bottom: 1px solid var(--line); padding: 0.5em 0; }
  table.checks tr > * { border: 0; padding: 0 0.3em; } table.checks td.state { grid-column: 1; width: auto; }
  table.checks td.marks { grid-column: 2; grid-row: 1; } table.checks th, table.checks td.title, table.checks tr.more td { grid-column: 1 / 3; }
  table.checks tr.more td:empty { display: none; }
  table.checks td.cases, table.checks td.took { display: none; } table.checks tr.has-more { border-bottom: 0; padding-bottom: 0; }
  table.diff, table.diff tbody, table.diff thead { display: block; } table.diff colgroup { display: none; }
  table.diff tr { display: grid; grid-template-columns: 2.6rem 1.2rem 1fr; } table.diff thead th { grid-column: 1 / 4; }
  table.diff thead th + th, table.diff td:nth-child(4) { border-left: 0; }
  table.diff tr.same td:nth-child(n + 4), table.diff td.none { display: none; }
}
@media print {
  body { font-size: 11pt; } main { max-width: none; padding: 0; } button, .no-print { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; } details.fold::details-content { content-visibility: hidden; block-size: 0; }
  figure, .finding, .verdict, tr { break-inside: avoid; } .wide { overflow: visible; }
}
)";

// Only adds comfort: a switch between light and dark, a button that copies the command, everything unfolded on paper.
inline constexpr char kScript[] = R"js(
"use strict";
(function () {
  var root = document.documentElement, bar = document.querySelector(".eyebrow");
  function button(text, action) {
    var made = document.createElement("button");
    made.type = "button"; made.textContent = text; made.addEventListener("click", function () { action(made); });
    return made;
  }
  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  if (bar) bar.appendChild(button("Light / dark", function () { root.dataset.theme = dark() ? "light" : "dark"; }));
  var command = document.querySelector("pre.command");
  if (command && navigator.clipboard) command.after(button("Copy", function (made) {
    navigator.clipboard.writeText(command.textContent).then(function () { made.textContent = "Copied"; },
                                                            function () { made.textContent = "Not allowed here"; });
  }));
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not(.fold)").forEach(function (one) { one.open = true; });
  });
})();
)js";

// For the page's Content-Security-Policy: no other script runs. Base64 of the SHA-256 of kScript; a test holds it.
inline constexpr char kScriptHash[] = "Vndy9fEw1zYfo/BQR0TsM7VQPVsAiu0llSjFjBC89J0=";

}  // namespace workbench::html

#endif  // GRADER_HTML_STYLE_H_
