#include "harness/host/translate/code.h"

#include <algorithm>
#include <utility>

namespace cuda_host::translate {

Code::Code(Lexed lexed) : lexed_(std::move(lexed)), match_(lexed_.tokens.size(), -1) {
  std::vector<int> open;
  for (int i = 0; i < size(); ++i) {
    const std::string_view text = (*this)[i].text;
    if (text == "(" || text == "[" || text == "{") {
      open.push_back(i);
    } else if (text == ")" || text == "]" || text == "}") {
      const std::string_view opener = text == ")" ? "(" : text == "]" ? "[" : "{";
      // In unbalanced code, which the compiler will refuse, braces are believed.
      while (text == "}" && !open.empty() && !Is(open.back(), "{")) open.pop_back();
      if (open.empty() || !Is(open.back(), opener)) continue;
      match_[static_cast<size_t>(i)] = open.back();
      match_[static_cast<size_t>(open.back())] = i;
      open.pop_back();
    }
  }
  for (std::string_view attribute : lexed_.own_attributes) Replace(attribute, "");
}

int Code::CloseAngle(int open, int end) const {
  int depth = 0;
  for (int i = open; i < end; ++i) {
    const std::string_view text = (*this)[i].text;
    if (text == "<") {
      ++depth;
    } else if (text == ">") {
      if (--depth == 0) return i;
    } else if (text == "(" || text == "[" || text == "{") {
      if (Match(i) < 0) return -1;
      i = Match(i);
    } else if (text == ")" || text == "]" || text == "}" || text == ";") {
      return -1;
    }
  }
  return -1;
}

int Code::OpenAngle(int close, int begin) const {
  int depth = 0;
  for (int i = close; i > begin; --i) {
    const std::string_view text = (*this)[i].text;
    if (text == ">") {
      ++depth;
    } else if (text == "<") {
      if (--depth == 0) return i;
    } else if (text == ")" || text == "]" || text == "}") {
      if (Match(i) < 0) return -1;
      i = Match(i);
    } else if (text == "(" || text == "[" || text == "{" || text == ";") {
      return -1;
    }
  }
  return -1;
}

int Code::SkipAngles(int i, int end) const {
  if (!Is(i, "<")) return i;
  const int close = CloseAngle(i, end);
  return close < 0 ? i : close + 1;
}

int Code::Commas(int begin, int end) const {
  int commas = 0;
  for (int i = begin; i < end; ++i) {
    if (Is(i, "(") || Is(i, "[") || Is(i, "{")) {
      if (Match(i) < 0) return commas;
      i = Match(i);
    } else if (Is(i, "<")) {
      // An operator, or a template's arguments? Those end in front of `end`.
      const int close = CloseAngle(i, end);
      if (close >= 0) i = close;
    } else if (Is(i, ",")) {
      ++commas;
    }
  }
  return commas;
}

std::string Code::Join(int begin, int end) const {
  std::string joined;
  for (int i = begin; i < end; ++i) {
    const std::string_view text = (*this)[i].text;
    if (i > begin) {
      const std::string_view last = (*this)[i - 1].text;
      if (last.data() + last.size() != text.data()) joined += ' ';
    }
    joined += text;
  }
  return joined;
}

std::string Code::Where(int i) const {
  std::string file;
  const std::string& escaped = EscapedFile(i);
  for (size_t k = 0; k < escaped.size(); ++k) {
    if (escaped[k] == '\\' && k + 1 < escaped.size()) ++k;
    file += escaped[k];
  }
  return file + ":" + std::to_string((*this)[i].line);
}

void Code::Remove(int begin, int end) {
  for (int i = begin; i < end; ++i) Remove(i);
}

void Code::Error(int i, const std::string& what) { errors_.push_back({i, Where(i) + ": " + what}); }

std::string Code::Edited() const {
  std::vector<const EditOf*> edits;
  for (const EditOf& edit : edits_) edits.push_back(&edit);
  std::stable_sort(edits.begin(), edits.end(), [](const EditOf* a, const EditOf* b) {
    return std::pair(a->offset, a->rank) < std::pair(b->offset, b->rank);
  });
  std::string result;
  result.reserve(lexed_.text.size() + lexed_.text.size() / 8);
  size_t at = 0;
  for (const EditOf* edit : edits) {
    if (edit->offset < at) continue;
    result += lexed_.text.substr(at, edit->offset - at);
    result += edit->text;
    at = edit->offset + edit->length;
  }
  result += lexed_.text.substr(at);
  return result;
}

std::vector<std::string> Code::Errors() const {
  std::vector<ErrorAt> errors = errors_;
  std::stable_sort(errors.begin(), errors.end(), [](const ErrorAt& a, const ErrorAt& b) { return a.token < b.token; });
  std::vector<std::string> lines;
  for (const ErrorAt& error : errors) {
    if (std::find(lines.begin(), lines.end(), error.text) == lines.end()) lines.push_back(error.text);
  }
  return lines;
}

}  // namespace cuda_host::translate
