// TeX formulas, as far as the documents use them, as MathML, which browsers draw themselves.
#ifndef DOCS_RENDER_MATH_H_
#define DOCS_RENDER_MATH_H_

#include <string>
#include <string_view>

namespace workbench {

// The text with &, <, > and " as entities.
std::string EscapeHtml(std::string_view text);

// HTML for a formula, given without its dollars. One that has a command which is not known here, or whose braces don't
// match, comes as it is written: <code class="math">.
std::string MathHtml(std::string_view tex, bool display);

// The same within <span class="math" data-tex="...">, for a script that draws formulas from their TeX.
std::string MathHtmlWithTex(std::string_view tex, bool display);

}  // namespace workbench

#endif  // DOCS_RENDER_MATH_H_
