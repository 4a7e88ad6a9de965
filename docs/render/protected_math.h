// Takes formulas out of Markdown before it is parsed, since a parser of Markdown would eat their backslashes and take
// underscores for emphasis, and puts them back afterwards.
#ifndef DOCS_RENDER_PROTECTED_MATH_H_
#define DOCS_RENDER_PROTECTED_MATH_H_

#include <string>
#include <string_view>
#include <vector>

namespace workbench {

class ProtectedMath {
 public:
  // `markdown` with every formula replaced by a mark of private-use characters. Code, spans and blocks, is left alone.
  std::string Protect(std::string_view markdown);

  // The marks in `text` replaced by MathML, or by what stood there (for titles, ids and attributes).
  std::string AsHtml(std::string_view text) const { return Restore(text, true); }
  std::string AsText(std::string_view text) const { return Restore(text, false); }

 private:
  struct Formula {
    std::string tex;
    bool display;
  };
  // Looks for a formula at text[at] == '$'; returns its length, or 0.
  size_t Take(std::string_view text, size_t at, std::string* out);
  std::string Restore(std::string_view text, bool html) const;

  std::vector<Formula> formulas_;
};

}  // namespace workbench

#endif  // DOCS_RENDER_PROTECTED_MATH_H_
