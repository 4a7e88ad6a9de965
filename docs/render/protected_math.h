// Takes formulas out of Markdown before it is parsed, since a parser of Markdown would eat their backslashes and take
// underscores for emphasis, and puts them back afterwards.
#ifndef DOCS_RENDER_PROTECTED_MATH_H_
#define DOCS_RENDER_PROTECTED_MATH_H_

#include <string>
#include <string_view>
#include <vector>

namespace workbench {

// The private-use characters U+E000 to U+E003 are for such marks; ones that a text brings itself are replaced.
inline constexpr std::string_view kMathBegin = "\xee\x80\x80";
inline constexpr std::string_view kMathEnd = "\xee\x80\x81";
inline constexpr std::string_view kHeadingBegin = "\xee\x80\x82";
inline constexpr std::string_view kHeadingEnd = "\xee\x80\x83";

class ProtectedMath {
 public:
  // `markdown` with every formula replaced by a mark, and its own U+E000 to U+E003 by U+FFFD. Code between backticks
  // and fences is left alone; what turns out to be code or an attribute after parsing is for AsText.
  std::string Protect(std::string_view markdown);

  // The marks in `text` replaced by formulas, written by `format`. For text between tags only: a formula has tags.
  using Format = std::string (*)(std::string_view tex, bool display);
  std::string AsHtml(std::string_view text, Format format) const { return Restore(text, format); }

  // The marks replaced by what stood there: for code, titles, ids and attributes. The result has no marks of any kind.
  std::string AsText(std::string_view text) const;

  // Raw HTML: formulas between its tags, and what stood there within them.
  std::string InRawHtml(std::string_view html, Format format) const;

 private:
  struct Formula {
    std::string tex;
    bool display;
  };
  // Looks for a formula at text[at] == '$'; returns its length, or 0.
  size_t Take(std::string_view text, size_t at, std::string* out);
  std::string Restore(std::string_view text, Format format) const;

  std::vector<Formula> formulas_;
};

}  // namespace workbench

#endif  // DOCS_RENDER_PROTECTED_MATH_H_
