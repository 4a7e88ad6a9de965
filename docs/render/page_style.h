// The pages' style: light and dark as the system is, readable on a phone, tables that scroll by themselves.
#ifndef DOCS_RENDER_PAGE_STYLE_H_
#define DOCS_RENDER_PAGE_STYLE_H_

namespace workbench {

inline constexpr char kPageStyle[] = R"(
:root { color-scheme: light dark; --text: #1f2328; --dim: #59636e; --ground: #ffffff; --tint: #f4f6f8; --line: #d1d9e0;
        --link: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9198a1; --ground: #0d1117; --tint: #171c23; --line: #3d444d; --link: #58a6ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.6 system-ui, -apple-system, "Segoe UI",
       "Noto Sans", "Noto Sans CJK SC", sans-serif; overflow-wrap: break-word; }
main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 2em 0 0.6em; }
h1 { font-size: 2rem; margin-top: 0.5em; }
h2 { font-size: 1.45rem; padding-bottom: 0.25em; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.15rem; }
p, ul, ol, pre, blockquote, details, .table { margin: 0 0 1em; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px; }
code, pre { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { background: var(--tint); border-radius: 4px; padding: 0.1em 0.2em; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: 0.8em 1em; overflow-x: auto; }
pre code { background: none; padding: 0; font-size: 1em; }
blockquote { margin-left: 0; padding: 0.1em 1em; border-left: 4px solid var(--line); color: var(--dim); }
blockquote > :last-child { margin-bottom: 0.3em; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.93em; }
th, td { border: 1px solid var(--line); padding: 0.35em 0.7em; text-align: left; vertical-align: top; }
th[align=right], td[align=right] { text-align: right; }
th[align=center], td[align=center] { text-align: center; }
th { background: var(--tint); }
th:empty { padding: 0; }
td code { white-space: nowrap; }
td, th { overflow-wrap: normal; }
img { max-width: 100%; height: auto; }
p > img:only-child { display: block; margin: 0 auto; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "DejaVu Math TeX Gyre", math, serif;
       font-size: 1.05em; math-shift: compact; }
math[display=block] { display: block; overflow-x: auto; overflow-y: hidden; padding: 0.2em 0; }
code.math { font-style: italic; }
code.math.display { display: block; overflow-x: auto; padding: 0.6em 1em; }
details { border: 1px solid var(--line); border-radius: 6px; padding: 0.5em 1em; }
details[open] > summary { margin-bottom: 0.6em; }
summary { cursor: pointer; font-weight: 600; }
hr { border: 0; border-top: 1px solid var(--line); }
@media (max-width: 40rem) { main { padding: 0.75rem 1rem 3rem; } h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; } }
@media print { details > * { display: block; } }
)";

}  // namespace workbench

#endif  // DOCS_RENDER_PAGE_STYLE_H_
