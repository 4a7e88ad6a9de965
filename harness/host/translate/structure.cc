#include "harness/host/translate/structure.h"

#include <algorithm>
#include <unordered_set>

namespace cuda_host::translate {
namespace {

using Words = std::unordered_set<std::string_view>;

// Words whose parentheses are not a function's parameters.
const Words kWithParentheses = {"alignas",           "__attribute__",    "__attribute", "__align__",      "decltype",
                                "noexcept",          "requires",         "explicit",    "__declspec",     "throw",
                                "__launch_bounds__", "__cluster_dims__", "__maxnreg__", "__block_size__", "typeof"};

class Analyser {
 public:
  explicit Analyser(const Code& code) : code_(code) { structure_.contexts.resize(static_cast<size_t>(code.size())); }

  Structure Run() {
    Declarations(0, code_.size(), "", Scope::kNamespace);
    return std::move(structure_);
  }

 private:
  // What is known of a declaration up to its `;` or its function's `{`.
  struct Head {
    int begin;
    int end;
    int start;  // behind template<...> and requires clauses
    int template_open = -1;
    int template_close = -1;
    int parameters = -1;  // the parameter list's (
    bool initialised = false;
    bool global = false;
    bool device = false;
    bool host = false;
  };

  Head ReadHead(int begin, int end) const {
    Head head{begin, end, begin};
    int i = begin;
    while (code_.Is(i, "template") && code_.Is(i + 1, "<") && i < end) {
      const int close = code_.CloseAngle(i + 1, end);
      if (close < 0) break;
      head.template_open = i + 1;
      head.template_close = close;
      i = close + 1;
    }
    head.start = i;
    for (; i < end; ++i) {
      if (code_.Is(i, "__global__")) head.global = true;
      if (code_.Is(i, "__device__")) head.device = true;
      if (code_.Is(i, "__host__")) head.host = true;
      if (code_.Is(i, "=") && !code_.Is(i - 1, "operator")) head.initialised = true;
      if (code_.IsIdentifier(i) && code_.Is(i + 1, "<")) {
        const int close = code_.CloseAngle(i + 1, end);
        if (close >= 0) i = close;
      } else if (code_.Is(i, "(") || code_.Is(i, "[") || code_.Is(i, "{")) {
        const bool named =
            code_.Is(i, "(") && (code_.IsIdentifier(i - 1) || code_.Is(i - 1, ">") || IsOperatorName(i, head.start));
        if (named && !code_.IsIn(i - 1, kWithParentheses) && head.parameters < 0 && !head.initialised) {
          head.parameters = i;
        }
        const int close = code_.Match(i);
        if (close < 0 || close >= end) break;
        i = close;
      }
    }
    return head;
  }

  // operator+( and operator()(
  bool IsOperatorName(int open, int begin) const {
    for (int i = open - 1; i >= begin && i >= open - 3; --i) {
      if (code_.Is(i, "operator")) return true;
    }
    return false;
  }

  bool Has(const Head& head, std::string_view word) const {
    for (int i = head.start; i < head.end; ++i) {
      if (code_.Is(i, word)) return true;
      if (code_.Is(i, "(") && code_.Match(i) > i) i = code_.Match(i);
    }
    return false;
  }

  // Declarations of a namespace or a class.
  void Declarations(int begin, int end, const std::string& path, Scope scope) {
    int from = begin;
    for (int i = begin; i < end; ++i) {
      if (code_.Is(i, ";")) {
        Declared(ReadHead(from, i), path);
        from = i + 1;
      } else if (code_.Is(i, ":") && i == from + 1 && scope == Scope::kClass) {  // public:
        from = i + 1;
      } else if (code_.Is(i, "(") || code_.Is(i, "[")) {
        if (code_.Match(i) > i) i = code_.Match(i);
      } else if (code_.Is(i, "{")) {
        const int close = code_.Match(i);
        if (close < 0) return;
        if (Braces(from, i, close, path, scope)) from = close + 1;
        i = close;
      } else if (code_.Is(i, "}")) {
        from = i + 1;
      }
    }
  }

  // The {...} behind the tokens from `from` on. Whether the declaration is over behind it.
  bool Braces(int from, int open, int close, const std::string& path, Scope scope) {
    const Head head = ReadHead(from, open);
    const int first = code_.Is(head.start, "inline") ? head.start + 1 : head.start;
    if (from == open || code_.Is(first, "namespace") || (code_.Is(first, "extern") && code_.IsString(open - 1))) {
      Declarations(open + 1, close, path + (from == open ? "" : code_.Join(first + 1, open) + "::"), Scope::kNamespace);
      return true;
    }
    if (head.initialised) {  // of a variable; there may be lambdas in it
      Body(open, close, {Scope::kFunction, head.device, !head.device || head.host});
      return false;
    }
    if (head.parameters < 0) {
      for (std::string_view word : {"class", "struct", "union"}) {
        if (!Has(head, word) || Has(head, "enum")) continue;
        Fill(open, close, {Scope::kClass, false, true});
        Declarations(open + 1, close, path + code_.Join(head.start, open) + "::", Scope::kClass);
        return false;
      }
      return false;
    }
    if ((code_.IsIdentifier(open - 1) || code_.Is(open - 1, ">")) &&
        HasInitialisers(code_.Match(head.parameters), open)) {
      return false;  // b_{2} of an initialiser list
    }
    structure_.functions.push_back({head.begin, open, close, scope == Scope::kClass});
    const bool device = head.global || head.device;
    Body(open, close, {Scope::kFunction, device, !device || (head.host && !head.global)});
    Declared(head, path);
    return true;
  }

  // Whether there is a constructor's `: a_(1), b_{2}` in it.
  bool HasInitialisers(int begin, int end) const {
    for (int i = begin; i < end; ++i) {
      if (code_.Is(i, ":") && (code_.Is(i - 1, ")") || code_.Is(i - 1, "noexcept"))) return true;
    }
    return false;
  }

  void Fill(int begin, int end, Context context) {
    std::fill(structure_.contexts.begin() + begin, structure_.contexts.begin() + end + 1, context);
  }

  void Body(int open, int close, Context context) {
    Fill(open, close, context);
    for (int i = open; i < close; ++i) {
      if (code_.Is(i, "[")) Lambda(i, close);
    }
  }

  // If a lambda begins here, its body gets its own context. Outer ones come first, so theirs is known.
  void Lambda(int open, int end) {
    const int before = open - 1;
    if (code_.Is(before, "[") || code_.Is(open + 1, "[") || code_.Is(before, ")") || code_.Is(before, "]") ||
        code_.IsString(before)) {
      return;
    }
    if (code_.IsIdentifier(before) && !IsExpressionKeyword(code_[before].text)) return;
    if (code_.Match(open) < 0) return;
    static const Words stop = {";", ",", ")", "}", "]", "=", ":", "?"};
    bool host = false, device = false;
    for (int i = code_.SkipAngles(code_.Match(open) + 1, end); i < end && !code_.IsIn(i, stop); ++i) {
      if (code_.Is(i, "__host__")) host = true;
      if (code_.Is(i, "__device__")) device = true;
      if (code_.Is(i, "(") || code_.Is(i, "[")) {
        if (code_.Match(i) < 0) return;
        i = code_.Match(i);
      } else if (code_.Is(i, "<")) {
        i = std::max(i, code_.SkipAngles(i, end) - 1);
      } else if (code_.Is(i, "{")) {
        Context context = structure_.contexts[static_cast<size_t>(i)];
        if (device) context = {Scope::kFunction, true, host && context.host};
        if (code_.Match(i) > i) Fill(i, code_.Match(i), context);
        return;
      }
    }
  }

  // Keeps what a declaration or definition says of a kernel.
  void Declared(const Head& head, const std::string& path) {
    if (!head.global || head.parameters < 0) return;
    const int name = head.parameters - 1;
    // Specialisations (k<int> too) and instantiations: what can be called is told by the template.
    if (!code_.IsIdentifier(name) || code_.Is(head.start, "template")) return;
    if (head.template_open >= 0 && head.template_close == head.template_open + 1) return;
    Kernel& kernel = structure_.kernels[code_[name].text];
    int needed = 0;
    std::string signature = head.template_open < 0 ? "" : TemplateParameters(head, &kernel, &needed);
    for (const auto& [begin, end] : Split(head.parameters + 1, code_.Match(head.parameters))) {
      int default_argument = begin;
      while (default_argument < end && !code_.Is(default_argument, "=")) ++default_argument;
      if (default_argument < end) kernel.has_default_arguments = true;
      signature += Type(begin, default_argument) + ", ";
    }
    // Default template arguments may stand in one declaration of several.
    const auto [found, is_new] = kernel.signatures[path].try_emplace(signature, needed);
    if (!is_new) found->second = std::min(found->second, needed);
  }

  std::string TemplateParameters(const Head& head, Kernel* kernel, int* needed) const {
    kernel->is_template = true;
    std::string kinds = "<";
    for (const auto& [begin, end] : Split(head.template_open + 1, head.template_close)) {
      const bool is_type = code_.Is(begin, "typename") || code_.Is(begin, "class");
      kinds += is_type ? "typename," : Type(begin, end) + ",";
      bool has_default = false;
      for (int i = begin; i < end; ++i) {
        has_default = has_default || code_.Is(i, "=");
        kernel->has_pack = kernel->has_pack || code_.Is(i, "...");
      }
      if (!has_default) ++*needed;
    }
    return kinds + ">";
  }

  // A parameter without its name and without what does not tell overloads apart.
  std::string Type(int begin, int end) const {
    std::vector<std::string_view> words;
    bool indirect = false;
    for (int i = begin; i < end && !code_.Is(i, "="); ++i) {
      if (code_.Is(i, "__restrict__") || code_.Is(i, "__restrict") || code_.Is(i, "__grid_constant__")) continue;
      indirect = indirect || code_.Is(i, "*") || code_.Is(i, "&") || code_.Is(i, "[");
      words.push_back(code_[i].text);
    }
    static const Words types = {"int",   "long",   "short",    "char",   "bool",
                                "float", "double", "unsigned", "signed", "void"};
    const auto is_name = [](std::string_view word) { return word[0] == '_' || (word[0] | 0x20) >= 'a'; };
    if (words.size() > 1 && is_name(words.back()) && types.count(words.back()) == 0 && words.back() != "const" &&
        words[words.size() - 2] != "::" && words[words.size() - 2] != "const" &&
        words[words.size() - 2] != "typename") {
      words.pop_back();
    }
    if (!indirect) words.erase(std::remove(words.begin(), words.end(), "const"), words.end());
    while (!words.empty() && words.back() == "const") words.pop_back();
    std::string type;
    for (std::string_view word : words) type += std::string(word) + " ";
    return type;
  }

  // The parts between top-level commas.
  std::vector<std::pair<int, int>> Split(int begin, int end) const {
    std::vector<std::pair<int, int>> parts;
    int from = begin;
    for (int i = begin; i < end; ++i) {
      if (code_.Is(i, "(") || code_.Is(i, "[") || code_.Is(i, "{")) {
        if (code_.Match(i) < 0) break;
        i = code_.Match(i);
      } else if (code_.Is(i, "<")) {
        i = std::max(i, code_.SkipAngles(i, end) - 1);
      } else if (code_.Is(i, ",")) {
        parts.emplace_back(from, i);
        from = i + 1;
      }
    }
    if (from < end) parts.emplace_back(from, end);
    return parts;
  }

  const Code& code_;
  Structure structure_;
};

}  // namespace

bool Kernel::Overloaded() const {
  return std::any_of(signatures.begin(), signatures.end(), [](const auto& scope) { return scope.second.size() > 1; });
}

int Kernel::NeededTemplateArguments() const {
  int most = 0;
  for (const auto& [scope, overloads] : signatures) {
    for (const auto& [signature, needed] : overloads) most = std::max(most, needed);
  }
  return most;
}

Structure Analyse(const Code& code) { return Analyser(code).Run(); }

bool IsExpressionKeyword(std::string_view word) {
  static const Words words = {"return", "co_return", "co_yield", "co_await", "else",   "do",     "case",
                              "throw",  "sizeof",    "goto",     "delete",   "and",    "or",     "not",
                              "new",    "if",        "while",    "for",      "switch", "alignof"};
  return words.count(word) != 0;
}

bool LooksDeclared(const Code& code, int i) {
  static const Words ends = {";", "=", ",", ")", "{", "(", ":"};
  if (code.IsIdentifier(i - 1)) return !IsExpressionKeyword(code[i - 1].text);
  if (code.Is(i - 1, ">")) return code.IsIn(i + 1, ends) || code.Is(i + 1, "[");
  if (code.Is(i - 1, "*") || code.Is(i - 1, "&") || code.Is(i - 1, "&&")) {
    const bool behind_type =
        (code.IsIdentifier(i - 2) && !IsExpressionKeyword(code[i - 2].text)) || code.Is(i - 2, ">");
    return behind_type && code.IsIn(i + 1, ends);
  }
  return false;
}

}  // namespace cuda_host::translate
