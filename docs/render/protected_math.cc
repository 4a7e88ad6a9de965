#include "docs/render/protected_math.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "docs/render/math.h"

namespace workbench {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

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

// U+E000 to U+E003, which marks are made of.
bool IsMarkAt(std::string_view text, size_t at) {
  return text.substr(at, 2) == "\xee\x80" && at + 2 < text.size() && static_cast<unsigned char>(text[at + 2]) <= 0x83;
}

std::string WithoutMarks(std::string_view text, std::string_view replacement) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool mark = IsMarkAt(text, at);
    out += mark ? replacement : text.substr(at, 1);
    at += mark ? 3 : 1;
  }
  return out;
}

// A line of a paragraph that would begin a list, a quotation, a heading or a table's row.
bool BeginsBlock(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (line.empty()) return true;
  if (line[0] == '>' || line[0] == '#' || line[0] == '|' || !FenceAt(line).empty()) return true;
  const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  const bool bullet = digits == 0 && (line[0] == '-' || line[0] == '*' || line[0] == '+');
  const bool number = digits > 0 && digits < 10 && digits < line.size() && (line[digits] == '.' || line[digits] == ')');
  const size_t after = bullet ? 1 : digits + 1;
  return (bullet || number) && (after >= line.size() || line[after] == ' ');
}

// A formula within a line may go on in the next one, but not into another block.
bool LeavesParagraph(std::string_view tex) {
  for (size_t at = tex.find('\n'); at != std::string_view::npos; at = tex.find('\n', at + 1)) {
    if (BeginsBlock(tex.substr(at + 1, tex.find('\n', at + 1) - at - 1))) return true;
  }
  return false;
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
  if (!display && LeavesParagraph(tex)) return 0;
  // "$5 and $6" is money.
  if (!display && (IsSpace(tex.back()) || (after < text.size() && IsDigit(text[after])))) return 0;
  *out += std::string(kMathBegin) + std::to_string(formulas_.size()) + std::string(kMathEnd);
  formulas_.push_back({std::string(tex), display});
  return after - at;
}

std::string ProtectedMath::Protect(std::string_view markdown) {
  const std::string text_without_marks = WithoutMarks(markdown, kReplacement);
  const std::string_view text = text_without_marks;
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

std::string ProtectedMath::Restore(std::string_view text, Format format) const {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t begin = text.find(kMathBegin, at);
    const size_t end = begin == std::string_view::npos ? begin : text.find(kMathEnd, begin);
    if (end == std::string_view::npos) return out + std::string(text.substr(at));
    out += text.substr(at, begin - at);
    const std::string digits(text.substr(begin + kMathBegin.size(), end - begin - kMathBegin.size()));
    // Entities can make such characters as well; then there may be no number between them, or none of ours.
    const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
    const size_t index = number ? std::strtoul(digits.c_str(), nullptr, 10) : formulas_.size();
    if (index < formulas_.size()) {
      const Formula& formula = formulas_[index];
      const std::string dollars = formula.display ? "$$" : "$";
      out += format != nullptr ? format(formula.tex, formula.display) : dollars + formula.tex + dollars;
      at = end + kMathEnd.size();
    } else {
      at = begin + kMathBegin.size();
    }
  }
}

std::string ProtectedMath::AsText(std::string_view text) const { return WithoutMarks(Restore(text, nullptr), ""); }

std::string ProtectedMath::InRawHtml(std::string_view html, Format format) const {
  std::string out;
  for (size_t at = 0; at < html.size();) {
    const bool tag = html[at] == '<';
    const bool comment = html.substr(at, 4) == "<!--";
    size_t end = comment ? html.find("-->", at) : tag ? html.find('>', at) : html.find('<', at);
    end = end == std::string_view::npos ? html.size() : end + (comment ? 3 : tag ? 1 : 0);
    const std::string_view piece = html.substr(at, end - at);
    out += tag ? AsText(piece) : Restore(piece, format);
    at = end;
  }
  return out;
}

}  // namespace workbench
