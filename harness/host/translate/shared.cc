// Each declaration becomes references to what the executor has for the block:
//
//   __shared__ T a[2][3], *b;   typedef T wb_b1; typedef wb_b1 wb_t2[2][3]; static const char wb_k2 = 0;
//                               wb_t2& a = ::cuda_host::StaticShared<wb_t2>(&wb_k2, "a"); typedef wb_b1 *wb_t3; ...
//
// A declarator's name is replaced by a type's, so every declarator that C++ has is understood.
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "harness/host/translate/passes.h"

namespace cuda_host::translate {
namespace {

using Words = std::unordered_set<std::string_view>;

const Words kBuiltinTypes = {"void",     "bool", "char",       "char8_t",  "char16_t", "char32_t", "wchar_t",
                             "short",    "int",  "long",       "signed",   "unsigned", "float",    "double",
                             "__int128", "auto", "__signed__", "_Float16", "__bf16",   "_Float32", "_Float64"};
const Words kQualifiers = {"const", "volatile", "__volatile__", "typename", "struct",    "class",
                           "union", "enum",     "inline",       "mutable",  "constexpr", "__constant__"};
const Words kRemoved = {"__shared__", "static", "extern", "__device__"};
const Words kAttributes = {"alignas", "__attribute__", "__attribute", "__align__"};
const Words kStatementWords = {"else", "do", "return", "case", "default", "goto"};

class SharedPass {
 public:
  SharedPass(const Structure& structure, Code* code) : structure_(structure), code_(*code) {}

  void Run() {
    for (int i = 0; i < code_.size(); ++i) {
      if (code_.Is(i, "__shared__")) i = Declaration(i);
    }
    UseDynamicArrays();
  }

 private:
  // g++ wants alignas(..) behind `struct` and its own attributes behind a member, and not both in one place.
  struct Alignment {
    std::string standard;
    std::string gnu;
    bool empty() const { return standard.empty() && gnu.empty(); }
    std::string Struct(const std::string& name, const std::string& member) const {
      return " struct " + standard + name + " { " + member + " v" + gnu + "; };";
    }
  };
  struct Specifiers {
    int begin;
    int declarator;  // behind them
    bool is_extern = false;
    Alignment alignment;
  };

  // Returns the declaration's last token.
  int Declaration(int shared) {
    Specifiers specifiers = ReadSpecifiers(shared);
    const int end = End(specifiers.declarator);
    if (end < 0 || specifiers.declarator == end) {
      code_.Error(shared, "__shared__ is understood in front of a variable's declaration alone.");
      return shared;
    }
    const Scope scope = structure_.contexts[static_cast<size_t>(shared)].scope;
    if (scope == Scope::kClass) {
      code_.Error(shared, "a class cannot have a __shared__ member. Declare the variable in the kernel.");
      return end;
    }
    if (scope == Scope::kNamespace && !specifiers.is_extern) {
      code_.Error(shared,
                  "__shared__ variables outside a function are not supported in host mode. Move the declaration "
                  "into the kernel.");
      return end;
    }
    // Who declares the same array in a header and in a source needs one variable.
    if (scope == Scope::kNamespace && Name(specifiers.declarator, end) >= 0 &&
        !declared_.insert(Path(shared) + code_.Join(specifiers.declarator, end)).second) {
      code_.Remove(specifiers.begin, end + 1);
      return end;
    }
    const std::string base = Number("wb_b");
    code_.Before(specifiers.begin, "typedef ");
    int from = specifiers.declarator;
    while (from < end) {
      int to = from;
      while (to < end && !code_.Is(to, ",")) to = Next(to);
      if (Name(from, to) < 0) {
        code_.Error(shared, "this __shared__ variable has no name.");
        return end;
      }
      Declarator(specifiers, base, scope, from, to);
      from = to + 1;
    }
    return end;
  }

  Specifiers ReadSpecifiers(int shared) {
    Specifiers specifiers{shared, shared, false, {}};
    int& begin = specifiers.begin;
    while (begin > 0) {
      const int i = begin - 1;
      if (code_.Is(i, ")") && code_.IsIdentifier(code_.Match(i) - 1) &&
          (code_.IsIn(code_.Match(i) - 1, kAttributes) || code_.Is(code_.Match(i) - 1, "decltype"))) {
        begin = code_.Match(i) - 1;
      } else if (code_.Is(i, ">") && code_.OpenAngle(i, -1) > 0) {
        begin = code_.OpenAngle(i, -1) - 1;
      } else if (code_.Is(i, "]") && code_.Is(i - 1, "]") && code_.Is(code_.Match(i) + 1, "[")) {
        begin = code_.Match(i);
      } else if (code_.Is(i, "::") || (code_.IsIdentifier(i) && !code_.IsIn(i, kStatementWords))) {
        begin = i;
      } else {
        break;
      }
    }
    bool has_type = false;
    int i = begin;
    while (i < code_.size()) {
      if (code_.IsIn(i, kRemoved)) {
        specifiers.is_extern = specifiers.is_extern || code_.Is(i, "extern");
        code_.Remove(i++);
      } else if (const int behind = IsTypeKey(i - 1) ? i : Attribute(i, &specifiers.alignment); behind > i) {
        i = behind;
      } else if (code_.IsIn(i, kAttributes)) {  // a type's own
        i = Next(i + 1);
      } else if (code_.IsIn(i, kQualifiers)) {
        ++i;
      } else if (code_.IsIn(i, kBuiltinTypes)) {
        has_type = true;
        ++i;
      } else if (code_.Is(i, "{") && code_.Match(i) > i) {  // struct { ... } x;
        has_type = true;
        i = code_.Match(i) + 1;
      } else if ((code_.IsIdentifier(i) || code_.Is(i, "::")) && !has_type) {
        has_type = true;
        i = TypeName(i);
      } else {
        break;
      }
    }
    specifiers.declarator = i;
    return specifiers;
  }

  bool IsTypeKey(int i) const { return code_.Is(i, "struct") || code_.Is(i, "class") || code_.Is(i, "union"); }

  // The namespaces around the token at `i`.
  std::string Path(int i) const {
    std::string path;
    while (--i >= 0) {
      if ((code_.Is(i, "}") || code_.Is(i, ")")) && code_.Match(i) >= 0) {
        i = code_.Match(i);
      } else if (code_.Is(i, "{")) {
        int name = i;
        while (code_.IsIdentifier(name - 1) || code_.Is(name - 1, "::")) --name;
        path = code_.Join(name, i) + "{" + path;
      }
    }
    return path;
  }

  // Behind a::b<c>::d or decltype(x) at `i`.
  int TypeName(int i) const {
    if (code_.Is(i, "::")) ++i;
    while (code_.IsIdentifier(i)) {
      ++i;
      if (code_.Is(i - 1, "decltype") && code_.Match(i) > i) i = code_.Match(i) + 1;
      i = code_.SkipAngles(i, code_.size());
      if (!code_.Is(i, "::")) break;
      ++i;
      if (code_.Is(i, "template")) ++i;
    }
    return i;
  }

  // Moves an attribute at `i` to `alignment`; returns what is behind it, or `i`.
  int Attribute(int i, Alignment* alignment) {
    int end = i;
    if (code_.IsIn(i, kAttributes) && code_.Match(i + 1) > i) {
      end = code_.Match(i + 1) + 1;
      if (code_.Is(i, "__align__")) {
        alignment->standard += "alignas" + code_.Join(i + 1, end) + " ";
      } else if (code_.Is(i, "alignas")) {
        alignment->standard += code_.Join(i, end) + " ";
      } else {
        alignment->gnu += " " + code_.Join(i, end);
      }
    } else if (code_.Is(i, "[") && code_.Is(i + 1, "[") && code_.Match(i) > i) {
      end = code_.Match(i) + 1;
      // [[maybe_unused]] and others say nothing of the memory.
      if (code_.Join(i, end).find("aligned") != std::string::npos) alignment->standard += code_.Join(i, end) + " ";
    }
    code_.Remove(i, end);
    return end;
  }

  int Next(int i) const {
    if (code_.Is(i, "(") || code_.Is(i, "[") || code_.Is(i, "{"))
      return code_.Match(i) > i ? code_.Match(i) + 1 : code_.size();
    return i + 1;
  }

  // The ; at the end of the declaration; -1 if it has none.
  int End(int i) const {
    while (i < code_.size() && !code_.Is(i, ";")) {
      if (code_.Is(i, "}") || code_.Is(i, ")")) return -1;
      i = Next(i);
    }
    return i < code_.size() ? i : -1;
  }

  // The declared name of the declarator in [begin, end): x, *x, (*x)[4].
  int Name(int begin, int end) const {
    for (int i = begin; i < end; ++i) {
      if (code_.IsIn(i, kAttributes)) {
        i = Next(i + 1) - 1;
      } else if (code_.IsIdentifier(i) && !code_.Is(i, "const") && !code_.Is(i, "volatile") &&
                 !code_.Is(i, "__restrict__")) {
        return i;
      }
    }
    return -1;
  }

  // The tokens from `begin` up to a comma or the end, both at `end`.
  void Declarator(const Specifiers& specifiers, const std::string& base, Scope scope, int begin, int end) {
    const int name = Name(begin, end);
    const std::string variable(code_[name].text);
    for (int i = name + 1; i < end; i = Next(i)) {
      if (!code_.Is(i, "=") && !code_.Is(i, "{") && !(code_.Is(i, "(") && i == name + 1)) continue;
      code_.Error(name, "the __shared__ variable '" + variable +
                            "' has an initialiser, which CUDA does not allow: its " +
                            "memory is garbage at first. Let the block's threads assign to it, then __syncthreads().");
      return;
    }
    Alignment alignment = specifiers.alignment;
    for (int i = name + 1; i < end;) {
      const int behind = code_.IsIn(i, kAttributes) ? Attribute(i, &alignment) : i;
      i = behind > i ? behind : Next(i);
    }
    const std::string number = Number("");
    const std::string type = "wb_t" + number;
    // The first one ends the base's typedef, too; the others stand behind the text of the one before them.
    if (begin == specifiers.declarator) code_.Before(begin, " " + base + "; typedef " + base + " ");
    code_.Replace(name, type);
    std::string after = ";";
    if (scope == Scope::kNamespace) {
      after += DynamicAtNamespaceScope(name, type, alignment, number);
    } else if (specifiers.is_extern) {
      const std::string wanted = DynamicAlignment(type, alignment, number, &after);
      after += " " + type + "& " + variable + " = *reinterpret_cast<" + type + "*>(::cuda_host::DynamicShared(" +
               wanted + "));";
    } else {
      const std::string key = "wb_k" + number;
      std::string stored = type;
      if (!alignment.empty()) {
        stored = "wb_s" + number;
        after += alignment.Struct(stored, type);
      }
      after += " static const char " + key + " = 0; " + type + "& " + variable + " = ::cuda_host::StaticShared<" +
               stored + ">(&" + key + ", \"" + variable + "\")" + (alignment.empty() ? "" : ".v") + ";";
    }
    if (code_.Is(end, ",")) after += " typedef " + base + " ";
    code_.Replace(end, after);
  }

  // What DynamicShared is asked for; adds what that needs to `after`.
  static std::string DynamicAlignment(const std::string& type, Alignment alignment, const std::string& number,
                                      std::string* after) {
    if (alignment.empty()) return "alignof(" + type + ")";
    alignment.standard = "alignas(alignof(" + type + ")) " + alignment.standard;
    *after += alignment.Struct("wb_s" + number, "char");
    return "alignof(wb_s" + number + ")";
  }

  // An object that knows the way to the block's memory. Where it is used, `name` becomes `name.array()`.
  std::string DynamicAtNamespaceScope(int name, const std::string& type, const Alignment& alignment,
                                      const std::string& number) {
    const std::string variable(code_[name].text);
    dynamic_.try_emplace(code_[name].text, name);
    std::string after;
    const std::string wanted = DynamicAlignment(type, alignment, number, &after);
    return after + " [[maybe_unused]] constexpr ::cuda_host::DynamicSharedVariable<" + type + ", " + wanted + "> " +
           variable + "{};";
  }

  void UseDynamicArrays() {
    if (dynamic_.empty()) return;
    std::unordered_set<std::string_view> members;
    for (int i = 0; i < code_.size(); ++i) {
      const Scope scope = structure_.contexts[static_cast<size_t>(i)].scope;
      if (scope == Scope::kClass && dynamic_.count(code_[i].text) != 0 && LooksDeclared(code_, i)) {
        members.insert(code_[i].text);
      }
    }
    for (const Function& function : structure_.functions) {
      // Its own parameters and variables go before.
      std::unordered_set<std::string_view> own;
      if (function.member) own = members;
      for (int i = function.head; i < function.close; ++i) {
        if (dynamic_.count(code_[i].text) != 0 && LooksDeclared(code_, i)) own.insert(code_[i].text);
      }
      for (int i = function.open; i < function.close; ++i) {
        const auto found = dynamic_.find(code_[i].text);
        if (found == dynamic_.end() || i < found->second || own.count(code_[i].text) != 0) continue;
        if (code_.Is(i - 1, ".") || code_.Is(i - 1, "->")) continue;
        code_.After(i, ".array()");
      }
    }
  }

  std::string Number(const std::string& prefix) { return prefix + std::to_string(++numbers_); }

  const Structure& structure_;
  Code& code_;
  int numbers_ = 0;
  // extern __shared__ variables of namespaces, and where they are declared first.
  std::unordered_map<std::string_view, int> dynamic_;
  std::unordered_set<std::string> declared_;
};

}  // namespace

void TranslateShared(const Structure& structure, Code* code) { SharedPass(structure, code).Run(); }

}  // namespace cuda_host::translate
