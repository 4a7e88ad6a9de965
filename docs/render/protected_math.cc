#include "docs/render/protected_math.h"

#include <cctype>
#include <cstdlib>

#include "docs/render/math.h"

namespace workbench {
namespace {

constexpr std::string_view kBegin = "\xee\x80\x80";  // U+E000
constexpr std::string_view kEnd = "\xee\x80\x81";    // U+E001

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// "```" or "~~~" at the beginning of a line, after at most three spaces: the fence, else empty.
std::string_view FenceAt(std::string_view line) {
  const size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos || (line[begin] != '`' && line[begin] != '~')) return "";
  const size_t end = std::min(line.find_first_not_of(line[begin], begin), line.size());
  if (end - begin < 3 || (line[begin] == '`' && line.find('`', end) != std::string_view::npos)) return "";
  return line.substr(begin, end - begin);
}

}  // namespace

size_t ProtectedMath::Take(std::string_view text, size_t at, std::string* out) {
  const bool display = text.substr(at, 2) == "$$";
  const std::string_view dollars = display ? "$$" : "$";
  const size_t begin = at + dollars.size();
  if (begin >= text.size() || (!display && IsSpace(text[begin]))) return 0;
  size_t end = begin;
  while (true) {
    end = text.find(dollars, end);
    if (end == std::string_view::npos) return 0;
    if (text[end - 1] != '\\') break;
    ++end;
  }
  const std::string_view tex = text.substr(begin, end - begin);
  const size_t after = end + dollars.size();
  if (tex.empty() || tex.find("\n\n") != std::string_view::npos) return 0;
  // "$5 and $6" is money.
  if (!display && (IsSpace(tex.back()) || (after < text.size() && IsDigit(text[after])))) return 0;
  *out += std::string(kBegin) + std::to_string(formulas_.size()) + std::string(kEnd);
  formulas_.push_back({std::string(tex), display});
  return after - at;
}

std::string ProtectedMath::Protect(std::string_view text) {
  std::string out;
  std::string fence;  // of the block of code that is open
  bool line_begins = true;
  for (size_t at = 0; at < text.size();) {
    if (line_begins) {
      const std::string_view line = text.substr(at, text.find('\n', at) - at);
      const std::string_view found = FenceAt(line);
      const bool closes = !fence.empty() && found.substr(0, fence.size()) == fence;
      if (!fence.empty() || !found.empty()) {
        if (closes) {
          fence.clear();
        } else if (fence.empty()) {
          fence = found;
        }
        out += line;
        at += line.size();
        line_begins = false;
        continue;
      }
    }
    const char c = text[at];
    line_begins = c == '\n';
    if (c == '\\' && at + 1 < text.size()) {
      out += text.substr(at, 2);
      at += 2;
    } else if (c == '`') {
      const size_t run = std::min(text.find_first_not_of('`', at), text.size()) - at;
      const std::string ticks(run, '`');
      size_t end = text.find(ticks, at + run);
      while (end != std::string_view::npos && end + run < text.size() && text[end + run] == '`') {
        end = text.find(ticks, text.find_first_not_of('`', end));
      }
      const size_t length = end == std::string_view::npos ? run : end + run - at;
      out += text.substr(at, length);
      at += length;
    } else if (c == '$') {
      if (const size_t length = Take(text, at, &out); length > 0) {
        at += length;
      } else {
        out += c;
        ++at;
      }
    } else {
      out += c;
      ++at;
    }
  }
  return out;
}

std::string ProtectedMath::Restore(std::string_view text, bool html) const {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t begin = text.find(kBegin, at);
    const size_t end = begin == std::string_view::npos ? begin : text.find(kEnd, begin);
    if (end == std::string_view::npos) return out + std::string(text.substr(at));
    out += text.substr(at, begin - at);
    const size_t digits = begin + kBegin.size();
    const size_t index = std::strtoul(std::string(text.substr(digits, end - digits)).c_str(), nullptr, 10);
    if (index < formulas_.size()) {
      const Formula& formula = formulas_[index];
      const std::string dollars = formula.display ? "$$" : "$";
      out += html ? MathHtml(formula.tex, formula.display) : dollars + formula.tex + dollars;
    }
    at = end + kEnd.size();
  }
}

}  // namespace workbench
