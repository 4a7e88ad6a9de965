#include "docs/render/math.h"

#include <cctype>
#include <map>
#include <optional>

namespace workbench {
namespace {

const std::map<std::string_view, std::string_view>& Elements() {
  static const auto* elements = new std::map<std::string_view, std::string_view>{
      {"alpha", "<mi>α</mi>"},
      {"beta", "<mi>β</mi>"},
      {"gamma", "<mi>γ</mi>"},
      {"delta", "<mi>δ</mi>"},
      {"epsilon", "<mi>ε</mi>"},
      {"eta", "<mi>η</mi>"},
      {"lambda", "<mi>λ</mi>"},
      {"mu", "<mi>μ</mi>"},
      {"pi", "<mi>π</mi>"},
      {"sigma", "<mi>σ</mi>"},
      {"tau", "<mi>τ</mi>"},
      {"Delta", "<mi mathvariant=\"normal\">Δ</mi>"},
      {"Phi", "<mi mathvariant=\"normal\">Φ</mi>"},
      {"Psi", "<mi mathvariant=\"normal\">Ψ</mi>"},
      {"infty", "<mi mathvariant=\"normal\">∞</mi>"},
      {"sum", "<mo>∑</mo>"},
      {"prod", "<mo>∏</mo>"},
      {"oplus", "<mo>⊕</mo>"},
      {"cdot", "<mo>⋅</mo>"},
      {"times", "<mo>×</mo>"},
      {"pm", "<mo>±</mo>"},
      {"le", "<mo>≤</mo>"},
      {"leq", "<mo>≤</mo>"},
      {"ge", "<mo>≥</mo>"},
      {"geq", "<mo>≥</mo>"},
      {"ne", "<mo>≠</mo>"},
      {"neq", "<mo>≠</mo>"},
      {"ll", "<mo>≪</mo>"},
      {"gg", "<mo>≫</mo>"},
      {"approx", "<mo>≈</mo>"},
      {"in", "<mo>∈</mo>"},
      {"to", "<mo>→</mo>"},
      {"mid", "<mo>∣</mo>"},
      {"ldots", "<mo>…</mo>"},
      {"cdots", "<mo>⋯</mo>"},
      {"lvert", "<mo stretchy=\"false\" form=\"prefix\">|</mo>"},
      {"rvert", "<mo stretchy=\"false\" form=\"postfix\">|</mo>"},
      {"lfloor", "<mo form=\"prefix\">⌊</mo>"},
      {"rfloor", "<mo form=\"postfix\">⌋</mo>"},
      {"lceil", "<mo form=\"prefix\">⌈</mo>"},
      {"rceil", "<mo form=\"postfix\">⌉</mo>"},
      {"bmod", "<mo lspace=\"0.22em\" rspace=\"0.22em\">mod</mo>"},
      {"qquad", "<mspace width=\"2em\"/>"},
      {"quad", "<mspace width=\"1em\"/>"},
      {",", "<mspace width=\"0.17em\"/>"},
      {";", "<mspace width=\"0.28em\"/>"},
      {"!", ""},
      {"left", ""},
      {"right", ""},
      {"|", "<mo stretchy=\"false\">‖</mo>"},
      {"{", "<mo stretchy=\"false\">{</mo>"},
      {"}", "<mo stretchy=\"false\">}</mo>"},
      {"%", "<mo>%</mo>"},
      {"_", "<mo>_</mo>"},
  };
  return *elements;
}

bool IsFunction(std::string_view name) {
  return name == "log" || name == "ln" || name == "exp" || name == "max" || name == "min";
}

// Recursive descent; `failed_` once anything is not understood.
class Parser {
 public:
  explicit Parser(std::string_view tex) : tex_(tex) {}

  std::optional<std::string> All() {
    std::string html = Row();
    if (failed_ || at_ < tex_.size()) return std::nullopt;
    return html;
  }

 private:
  void SkipSpace() {
    while (at_ < tex_.size() && std::isspace(static_cast<unsigned char>(tex_[at_]))) ++at_;
  }
  bool Peek(char c) {
    SkipSpace();
    return at_ < tex_.size() && tex_[at_] == c;
  }

  // Up to a closing brace or the end.
  std::string Row() {
    std::string html;
    while (!failed_) {
      SkipSpace();
      if (at_ >= tex_.size() || tex_[at_] == '}') break;
      // A thin space before a function's name, but not behind an operator, which has its own.
      const bool function = tex_[at_] == '\\' && IsFunction(CommandAhead());
      if (function && !html.empty() && !html.ends_with("</mo>")) html += "<mspace width=\"0.17em\"/>";
      html += WithScripts();
    }
    return html;
  }

  std::string WithScripts() {
    const bool function = tex_[at_] == '\\' && IsFunction(CommandAhead());
    const std::string base = Atom();
    std::string below, above;
    while (Peek('_') || Peek('^')) {
      std::string& script = tex_[at_] == '_' ? below : above;
      ++at_;
      SkipSpace();
      if (!script.empty() || at_ >= tex_.size()) {
        failed_ = true;
        return "";
      }
      script = Atom();
    }
    std::string html = base;
    if (!below.empty() && !above.empty()) {
      html = "<msubsup>" + base + below + above + "</msubsup>";
    } else if (!below.empty()) {
      html = "<msub>" + base + below + "</msub>";
    } else if (!above.empty()) {
      html = "<msup>" + base + above + "</msup>";
    }
    if (function && !Peek('(')) html += "<mspace width=\"0.17em\"/>";
    return html;
  }

  std::string_view CommandAhead() const {
    size_t end = at_ + 1;
    while (end < tex_.size() && std::isalpha(static_cast<unsigned char>(tex_[end]))) ++end;
    if (end == at_ + 1 && end < tex_.size()) ++end;  // a command of one sign, such as "\,"
    return tex_.substr(at_ + 1, end - at_ - 1);
  }

  // One element: a group, a command with its arguments, a number, a letter, a sign.
  std::string Atom() {
    if (at_ >= tex_.size() || tex_[at_] == '}' || tex_[at_] == '_' || tex_[at_] == '^') {
      failed_ = true;
      return "";
    }
    const char c = tex_[at_];
    if (c == '{') return Group();
    if (c == '\\') return Command();
    if (std::isdigit(static_cast<unsigned char>(c))) {
      const size_t begin = at_;
      const auto is_number = [&](size_t i) {
        if (i >= tex_.size()) return false;
        if (std::isdigit(static_cast<unsigned char>(tex_[i]))) return true;
        return tex_[i] == '.' && i + 1 < tex_.size() && std::isdigit(static_cast<unsigned char>(tex_[i + 1]));
      };
      while (is_number(at_)) ++at_;
      return "<mn>" + std::string(tex_.substr(begin, at_ - begin)) + "</mn>";
    }
    size_t bytes = 1;  // a UTF-8 sign stays whole
    while (at_ + bytes < tex_.size() && (static_cast<unsigned char>(tex_[at_ + bytes]) & 0xc0) == 0x80) ++bytes;
    const std::string sign = EscapeHtml(tex_.substr(at_, bytes));
    at_ += bytes;
    if (std::isalpha(static_cast<unsigned char>(c))) return "<mi>" + sign + "</mi>";
    if (c == '-') return "<mo>−</mo>";
    if (c == '(' || c == ')' || c == '[' || c == ']' || c == '|') return "<mo stretchy=\"false\">" + sign + "</mo>";
    return "<mo>" + sign + "</mo>";
  }

  std::string Group() {
    ++at_;
    const std::string row = Row();
    if (!Peek('}')) failed_ = true;
    ++at_;
    return "<mrow>" + row + "</mrow>";
  }

  std::string Argument() {
    SkipSpace();
    return Atom();
  }

  std::string Command() {
    const std::string_view name = CommandAhead();
    at_ += 1 + name.size();
    if (name == "frac") {
      const std::string above = Argument();
      return "<mfrac>" + above + Argument() + "</mfrac>";
    }
    if (name == "sqrt") return "<msqrt>" + Argument() + "</msqrt>";
    if (name == "hat") return "<mover accent=\"true\">" + Argument() + "<mo stretchy=\"false\">^</mo></mover>";
    if (name == "text" || name == "mathrm") {
      const size_t end = tex_.find('}', at_);
      if (!Peek('{') || end == std::string_view::npos) {
        failed_ = true;
        return "";
      }
      const std::string text = EscapeHtml(tex_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      return "<mtext>" + text + "</mtext>";
    }
    if (IsFunction(name)) return "<mi>" + std::string(name) + "</mi>";
    const auto element = Elements().find(name);
    if (element == Elements().end()) {
      failed_ = true;
      return "";
    }
    return std::string(element->second);
  }

  std::string_view tex_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string MathHtml(std::string_view tex, bool display) {
  if (const std::optional<std::string> html = Parser(tex).All()) {
    return std::string("<math class=\"math\"") + (display ? " display=\"block\"" : "") + "><mrow>" + *html +
           "</mrow></math>";
  }
  return std::string("<code class=\"math") + (display ? " display" : "") + "\">" + EscapeHtml(tex) + "</code>";
}

std::string MathHtmlWithTex(std::string_view tex, bool display) {
  return std::string("<span class=\"math") + (display ? " display" : "") + "\" data-tex=\"" + EscapeHtml(tex) + "\">" +
         MathHtml(tex, display) + "</span>";
}

}  // namespace workbench
