#include "harness/host/translate/lexer.h"

#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

namespace cuda_host::translate {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' || c == '$' || (c & 0x80) != 0;
}
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

enum class Owner : uint8_t { kSystem, kOwn, kUser };

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view own_headers) : text_(text), own_headers_(own_headers) {
    lexed_.text = text;
  }

  Lexed Run() {
    while (at_ < text_.size()) {
      if (StartsDirective()) {
        Directive();
      } else if (owner_ == Owner::kSystem) {
        SkipToLinemarker();
      } else {
        Line();
      }
    }
    return std::move(lexed_);
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool StartsDirective() const {
    size_t i = at_;
    while (i < text_.size() && IsBlank(text_[i])) ++i;
    return i < text_.size() && text_[i] == '#';
  }

  // Most of the text is of system headers.
  void SkipToLinemarker() {
    const size_t next = text_.find("\n# ", at_);
    at_ = next == std::string_view::npos ? text_.size() : next + 1;
  }

  // At the beginning of a line that begins with #.
  void Directive() {
    size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) end = text_.size();
    const std::string_view whole = text_.substr(at_, end - at_);
    const std::string_view line = whole.substr(whole.find('#'));
    at_ = end + (end < text_.size() ? 1 : 0);
    if (line.size() > 2 && line[1] == ' ' && IsDigit(line[2])) {
      Linemarker(line.substr(2));
      return;
    }
    if (owner_ == Owner::kUser && line.substr(0, 7) == "#pragma") {
      lexed_.pragmas.push_back({line, whole.substr(0, whole.size() - line.size()), lexed_.tokens.size()});
    }
    ++line_;
  }

  // 12 "file" 1 3 4
  void Linemarker(std::string_view marker) {
    int line = 0;
    size_t i = 0;
    for (; i < marker.size() && IsDigit(marker[i]); ++i) line = 10 * line + (marker[i] - '0');
    const size_t open = marker.find('"', i);
    const size_t close = marker.rfind('"');
    if (open == std::string_view::npos || close <= open) return;
    line_ = line;
    const std::string_view name = marker.substr(open + 1, close - open - 1);
    const bool system = marker.find('3', close) != std::string_view::npos;
    const auto [found, is_new] = ids_.try_emplace(name, static_cast<int>(lexed_.files.size()));
    if (is_new) {
      lexed_.files.emplace_back(name);
      Owner owner = Owner::kUser;
      if (name.find(own_headers_) != std::string_view::npos) {
        owner = Owner::kOwn;
      } else if (system && name[0] == '/') {
        owner = Owner::kSystem;
      }
      owners_.push_back(owner);
    }
    // Text in a file of the user's that is called a system header's comes from a macro of one: NULL, say.
    file_ = found->second;
    owner_ = owners_[static_cast<size_t>(file_)];
    system_ = system;
  }

  // Up to the beginning of the next line, or of a later one if a raw string crosses lines.
  void Line() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++at_;
        ++line_;
        return;
      }
      if (IsBlank(c)) {
        ++at_;
      } else if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) {
        Number();
      } else if (IsName(c)) {
        Name();
      } else if (c == '"' || c == '\'') {
        Quoted(at_);
      } else {
        Punctuation();
      }
    }
  }

  void Emit(size_t begin, Token::Kind kind, int line) {
    const std::string_view token = text_.substr(begin, at_ - begin);
    if (owner_ == Owner::kUser) {
      lexed_.tokens.push_back({token, line, file_, kind, system_});
    } else if (kind == Token::Kind::kIdentifier && (token == "__device__" || token == "__host__")) {
      lexed_.own_attributes.push_back(token);
    }
  }

  void Number() {
    const size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const char next = Peek(1);
      if ((c == 'e' || c == 'E' || c == 'p' || c == 'P') && (next == '+' || next == '-')) {
        // 0xe+1 is one (wrong) number in C++, too.
        at_ += 2;
      } else if (IsName(c) || c == '.' || (c == '\'' && IsName(next))) {
        ++at_;
      } else {
        break;
      }
    }
    Emit(begin, Token::Kind::kNumber, line_);
  }

  void Name() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsName(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    static const std::unordered_set<std::string_view> raw = {"R", "LR", "uR", "UR", "u8R"};
    static const std::unordered_set<std::string_view> prefixes = {"L", "u", "U", "u8"};
    if (Peek() == '"' && raw.count(name) != 0) {
      Raw(begin);
    } else if ((Peek() == '"' || Peek() == '\'') && prefixes.count(name) != 0) {
      Quoted(begin);
    } else {
      Emit(begin, Token::Kind::kIdentifier, line_);
    }
  }

  // At the opening quote of what began at `begin`.
  void Quoted(size_t begin) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
    if (Peek() == quote) ++at_;
    if (at_ > text_.size()) at_ = text_.size();
    while (at_ < text_.size() && IsName(text_[at_])) ++at_;  // a literal's suffix
    Emit(begin, quote == '"' ? Token::Kind::kString : Token::Kind::kCharacter, line_);
  }

  void Raw(size_t begin) {
    const int line = line_;
    const size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
    } else {
      const std::string close = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
      const size_t end = text_.find(close, open);
      at_ = end == std::string_view::npos ? text_.size() : end + close.size();
    }
    for (char c : text_.substr(begin, at_ - begin)) line_ += c == '\n' ? 1 : 0;
    while (at_ < text_.size() && IsName(text_[at_])) ++at_;
    Emit(begin, Token::Kind::kString, line);
  }

  void Punctuation() {
    // Longest first. `>` and `>>` are left out: a template's end and a launch's are told apart by what is open.
    static constexpr std::array<std::string_view, 25> kOperators = {
        "<<<", "<<=", "<=>", "->*", "...", "::", "->", "<<", "<=", ">=", "==", "!=", "&&",
        "||",  "++",  "--",  "+=",  "-=",  "*=", "/=", "%=", "&=", "|=", "^=", ".*"};
    const size_t begin = at_;
    const std::string_view rest = text_.substr(at_);
    size_t length = 1;
    for (std::string_view candidate : kOperators) {
      if (rest.substr(0, candidate.size()) != candidate) continue;
      length = candidate.size();
      break;
    }
    const std::string_view token = rest.substr(0, length);
    const bool after_operator = !lexed_.tokens.empty() && lexed_.tokens.back().text == "operator";
    if (token == "<<<" && after_operator) length = 2;  // operator<< <T>
    at_ += length;
    Emit(begin, Token::Kind::kPunctuation, line_);
  }

  const std::string_view text_;
  const std::string_view own_headers_;
  size_t at_ = 0;
  int line_ = 1;
  int file_ = 0;
  Owner owner_ = Owner::kSystem;
  bool system_ = true;
  std::unordered_map<std::string_view, int> ids_;
  std::vector<Owner> owners_;
  Lexed lexed_;
};

}  // namespace

Lexed Lex(std::string_view preprocessed, std::string_view own_headers) {
  return Lexer(preprocessed, own_headers).Run();
}

}  // namespace cuda_host::translate
