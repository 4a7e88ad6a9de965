#include "harness/quiz/expression.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace workbench::quiz {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxLength = 1000;

Status TooLong() { return Error("it is longer than 1000 characters"); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// A recursive-descent parser. After an error `problem_` is set and every method returns quickly.
class Parser {
 public:
  Parser(std::string_view text, const Variables& variables, bool names)
      : text_(text), variables_(variables), names_(names) {}

  double Sum() {
    if (++depth_ > kMaxDepth) return Fail("too many parentheses");
    double value = Product();
    while (ok()) {
      const size_t before = at_;
      const char sign = TakeOneOf("+-");
      if (sign == 0) break;
      const double right = Product();
      if (Retreat(before)) break;
      value = sign == '+' ? value + right : value - right;
    }
    --depth_;
    return value;
  }

  bool ok() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  size_t at() const { return at_; }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  double Fail(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
    return 0;
  }

 private:
  double Product() {
    double value = Unary();
    bool divided = false;
    while (ok()) {
      const size_t before = at_;
      if (TakeTimes()) {
        const double right = Unary();
        if (Retreat(before)) break;
        value *= right;
        divided = false;
      } else if (TakeOneOf("/") != 0) {
        const double right = Unary();
        if (Retreat(before)) break;
        value /= right;
        divided = true;
      } else if (StartsFactor()) {
        if (divided) return Fail("a product after '/' has two readings: write /(2*N) or /2*N");
        value *= Power();
      } else {
        break;
      }
    }
    return value;
  }

  double Unary() {
    if (++depth_ > kMaxDepth) return Fail("too many signs or parentheses");
    const char sign = TakeOneOf("+-");
    const double value = sign == 0 ? Power() : Unary();
    --depth_;
    return sign == '-' ? -value : value;
  }

  double Power() {
    const double base = Atom();
    const size_t before = at_;
    if (!ok() || !TakePower()) return base;
    const double exponent = Unary();
    return Retreat(before) ? base : std::pow(base, exponent);
  }

  double Atom() {
    SkipSpace();
    if (at_ >= text_.size()) return Fail("it ends where a number should follow");
    const char c = text_[at_];
    if (c == '(') {
      ++at_;
      const double value = Sum();
      if (ok() && TakeOneOf(")") == 0) return Fail("a ')' is missing");
      return value;
    }
    if (IsDigit(c) || c == '.') return Number();
    if (names_ && IsLetter(c)) return Name();
    return Fail("'" + std::string(text_.substr(at_, 8)) + "' is no number" + (names_ ? " or variable" : ""));
  }

  double Number() {
    std::string digits;
    size_t at = at_;
    const auto digits_follow = [&](size_t from, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        if (from + i >= text_.size() || !IsDigit(text_[from + i])) return false;
      }
      return from + count >= text_.size() || !IsDigit(text_[from + count]);
    };
    while (at < text_.size()) {
      if (IsDigit(text_[at])) {
        digits += text_[at++];
      } else if (!digits.empty() && (text_[at] == ',' || text_[at] == '_' || text_[at] == '\'') &&
                 digits_follow(at + 1, 3)) {
        ++at;
      } else {
        break;
      }
    }
    if (at < text_.size() && text_[at] == ',' && at + 1 < text_.size() && IsDigit(text_[at + 1])) {
      return Fail("the comma has two readings: write 1.5 or 1,000");
    }
    if (at < text_.size() && text_[at] == '.') {
      digits += text_[at++];
      while (at < text_.size() && IsDigit(text_[at])) digits += text_[at++];
    }
    if (digits == ".") return Fail("'.' is no number");
    if (at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
      size_t exponent = at + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (exponent < text_.size() && IsDigit(text_[exponent])) {
        digits += 'e';
        for (++at; at < exponent; ++at) digits += text_[at];
        if (digits.back() == '+') digits.pop_back();
        while (at < text_.size() && IsDigit(text_[at])) digits += text_[at++];
      }
    }
    double value = 0;
    // from_chars knows no locale.
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
      return Fail(digits + " is out of range");
    at_ = at;
    return value;
  }

  double Name() {
    size_t end = at_;
    while (end < text_.size() && (IsLetter(text_[end]) || (end > at_ && (IsDigit(text_[end]) || text_[end] == '_'))))
      ++end;
    std::string word(text_.substr(at_, end - at_));
    if (const auto function = Function(word)) return *function;
    // The longest variable that the letters begin with, so that NS is N times S.
    for (std::string part = word; !part.empty(); part.pop_back()) {
      if (const auto value = Lookup(part)) {
        at_ += part.size();
        return *value;
      }
    }
    return Fail("'" + word.substr(0, 20) + "' is no variable here");
  }

  std::optional<double> Lookup(const std::string& name) const {
    if (const auto exact = variables_.find(name); exact != variables_.end()) return exact->second;
    const auto lower = [](std::string s) {
      std::transform(s.begin(), s.end(), s.begin(), [](unsigned char c) { return std::tolower(c); });
      return s;
    };
    for (const auto& [variable, value] : variables_) {
      if (lower(variable) == lower(name)) return value;
    }
    return std::nullopt;
  }

  std::optional<double> Function(const std::string& word) {
    static const std::vector<std::string> known = {"sqrt", "log2", "ln", "exp", "ceil", "floor", "min", "max"};
    if (std::find(known.begin(), known.end(), word) == known.end()) return std::nullopt;
    at_ += word.size();
    SkipSpace();
    std::vector<double> arguments;
    if (at_ < text_.size() && text_[at_] == '(') {
      ++at_;
      do {
        arguments.push_back(Sum());
      } while (ok() && TakeOneOf(",") != 0);
      if (ok() && TakeOneOf(")") == 0) Fail("a ')' is missing after " + word);
    } else {
      arguments.push_back(Atom());  // log2 N
    }
    if (!ok()) return 0;
    const bool two = word == "min" || word == "max";
    if (arguments.size() != (two ? 2U : 1U)) return Fail(word + " takes " + (two ? "two values" : "one value"));
    const double x = arguments[0];
    if (word == "sqrt") return std::sqrt(x);
    if (word == "log2") return std::log2(x);
    if (word == "ln") return std::log(x);
    if (word == "exp") return std::exp(x);
    // A hair of slack: 0.1 * 30 is a little more than 3.
    if (word == "ceil") return std::ceil(x - 1e-9 * std::max(1.0, std::fabs(x)));
    if (word == "floor") return std::floor(x + 1e-9 * std::max(1.0, std::fabs(x)));
    return word == "min" ? std::min(x, arguments[1]) : std::max(x, arguments[1]);
  }

  // In a prefix, an operator without a right side belongs to what follows: "5 /s".
  bool Retreat(size_t before) {
    if (ok() || names_ || depth_ > 1) return false;
    problem_.clear();
    at_ = before;
    return true;
  }

  bool StartsFactor() {
    SkipSpace();
    return at_ < text_.size() && (text_[at_] == '(' || (names_ && IsLetter(text_[at_])));
  }

  bool Take(std::string_view word) {
    SkipSpace();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  char TakeOneOf(std::string_view characters) {
    SkipSpace();
    if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return 0;
    return text_[at_++];
  }

  bool TakePower() { return Take("**") || Take("^"); }

  bool TakeTimes() {
    SkipSpace();
    if (text_.substr(at_, 2) == "**") return false;
    // 1.5x10^9
    if (!names_ && text_.substr(at_, 4) == "x10^") return Take("x");
    return Take("*") || Take("\u00b7") || Take("\u00d7");
  }

  std::string_view text_;
  const Variables& variables_;
  bool names_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string problem_;
};

}  // namespace

Result<double> Evaluate(std::string_view text, const Variables& variables) {
  if (text.size() > kMaxLength) return TooLong();
  Parser parser(text, variables, /*names=*/true);
  const double value = parser.Sum();
  parser.SkipSpace();
  if (parser.ok() && parser.at() < text.size()) {
    parser.Fail("what is '" + std::string(text.substr(parser.at(), 20)) + "'?");
  }
  if (!parser.ok()) return Error(parser.problem());
  if (!std::isfinite(value)) return Error("its value is not a finite number");
  return value;
}

Result<Prefix> EvaluatePrefix(std::string_view text) {
  if (text.size() > kMaxLength) return TooLong();
  const Variables none;
  Parser parser(text, none, /*names=*/false);
  const double value = parser.Sum();
  if (!parser.ok()) return Error(parser.problem());
  if (!std::isfinite(value)) return Error("its value is not a finite number");
  return Prefix{value, parser.at()};
}

}  // namespace workbench::quiz
