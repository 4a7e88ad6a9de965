#include <algorithm>
#include <string>

#include "harness/host/translate/passes.h"

namespace cuda_host::translate {
namespace {

// EXPR of EXPR<<<...>>>(...).
struct Callee {
  int begin;
  int end;
  int name = -1;           // its last identifier; -1: it ends with a call or the like
  int template_args = -1;  // how many that one is given; -1: no <...>
};

bool IsName(const Code& code, int i) { return code.IsIdentifier(i) && !IsExpressionKeyword(code[i].text); }

// Goes backwards from the <<< at `launch` over one postfix expression.
Callee FindCallee(const Code& code, int launch) {
  Callee callee{launch, launch};
  int i = launch - 1;  // the last token that has not been taken
  while (i >= 0) {
    while (code.Is(i, ")") || code.Is(i, "]")) {  // a call, a subscript, or an expression in parentheses
      const int open = code.Match(i);
      if (open < 0) return callee;
      callee.begin = open;
      i = open - 1;
      // In `if (x) (k)<<<1, 1>>>()` the callee is `(k)`.
      const int condition = code.Is(i, ")") ? code.Match(i) : -1;
      if (condition >= 0 && code.IsIdentifier(condition - 1) && !IsName(code, condition - 1)) return callee;
      if (!code.Is(i, ")") && !code.Is(i, "]") && !code.Is(i, ">") && !IsName(code, i)) return callee;
    }
    int args = -1;
    if (code.Is(i, ">")) {
      const int open = code.OpenAngle(i, -1);
      if (open < 1) return callee;
      args = open + 1 == i ? 0 : code.Commas(open + 1, i) + 1;
      i = open - 1;
    }
    if (!IsName(code, i)) return callee;
    if (callee.begin == launch) {
      callee.name = i;
      callee.template_args = args;
    }
    callee.begin = i;
    --i;
    if (code.Is(i, "template")) --i;
    if (!code.Is(i, "::") && !code.Is(i, ".") && !code.Is(i, "->")) return callee;
    callee.begin = i;
    --i;
    if (code.Is(i + 1, "::") && !code.Is(i, ">") && !code.Is(i, ")") && !IsName(code, i)) return callee;  // ::k
  }
  return callee;
}

bool IsLaunch(const Code& code, int i) {
  return code.Is(i, "<<<") || (code.Is(i, "<<") && code.Is(i + 1, "<") && !code.Is(i - 1, "operator"));
}

// The first > of the >>> that ends the configuration from `begin` on; -1 if there is none.
int FindEnd(const Code& code, int begin) {
  for (int i = begin; i < code.size(); ++i) {
    if (code.Is(i, "(") || code.Is(i, "[") || code.Is(i, "{")) {
      if (code.Match(i) < 0) return -1;
      i = code.Match(i);
    } else if (code.Is(i, ")") || code.Is(i, "]") || code.Is(i, "}") || code.Is(i, ";")) {
      return -1;
    } else if (code.Is(i, ">") && code.Is(i + 1, ">") && code.Is(i + 2, ">") && code.Is(i + 3, "(")) {
      return i;
    }
  }
  return -1;
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// Whether the callee's name alone does not say which function it is: the arguments have to.
bool NeedsArguments(const Structure& structure, const Code& code, const Callee& callee) {
  if (callee.name < 0) return false;
  const auto found = structure.kernels.find(code[callee.name].text);
  if (found == structure.kernels.end()) return false;  // a pointer to a kernel
  const Kernel& kernel = found->second;
  if (kernel.Overloaded() || kernel.has_pack || kernel.has_default_arguments) return true;
  return kernel.is_template && callee.template_args < std::max(1, kernel.NeededTemplateArguments());
}

// Whether the callee is the kernel of that name for sure, a constant, and no variable or member of the same name.
bool IsKernelItself(const Structure& structure, const Code& code, const Callee& callee) {
  if (callee.name < 0 || structure.kernels.count(code[callee.name].text) == 0) return false;
  for (int i = callee.begin; i < callee.name; ++i) {
    if (code.Is(i, ".") || code.Is(i, "->")) return false;
  }
  // In the function around the launch, or in a class.
  for (const Function& function : structure.functions) {
    if (function.close < callee.begin || function.head > callee.begin) continue;
    for (int i = 0; i < code.size(); ++i) {
      if (i == callee.name || !code.Is(i, code[callee.name].text)) continue;
      const bool pointer = code.Is(i - 1, "*") && code.Is(i + 1, ")");  // void (*k)(int)
      if (!pointer && !LooksDeclared(code, i)) continue;
      const bool member = structure.contexts[static_cast<size_t>(i)].scope == Scope::kClass;
      if (member ? function.member : i > function.head && i < function.close) return false;
    }
  }
  return true;
}

void TranslateLaunch(const Structure& structure, int launch, Code* code) {
  const bool one_token = code->Is(launch, "<<<");
  const int begin = launch + (one_token ? 1 : 2);
  const Callee callee = FindCallee(*code, launch);
  if (callee.begin == callee.end) {
    code->Error(launch, "<<< begins a kernel launch, and there is no kernel in front of it.");
    return;
  }
  const int end = FindEnd(*code, begin);
  if (end < 0) {
    code->Error(launch, "this launch's <<< has no >>> with ( and the arguments behind it.");
    return;
  }
  const Context& context = structure.contexts[static_cast<size_t>(launch)];
  const std::string name = code->Join(callee.begin, callee.end);
  if (!context.host) {
    code->Error(launch,
                "kernel " + name +
                    " is launched by device code: host mode has no dynamic parallelism. Launch it from host code.");
  }
  const int values = code->Commas(begin, end) + 1;
  bool compares = false;
  for (int i = begin; i < end; ++i) compares = compares || code->Is(i, "<");
  if (begin == end || (!compares && (values < 2 || values > 4))) {
    code->Error(launch,
                "a launch is configured by <<<grid, block>>>, <<<grid, block, shared bytes>>> or <<<grid, block, "
                "shared bytes, stream>>>.");
  }
  const bool by_arguments = NeedsArguments(structure, *code, callee);
  const std::string site =
      Quoted(name) + ", \"" + code->EscapedFile(launch) + "\", " + std::to_string((*code)[launch].line) + ", ";
  std::string configuration = "::cuda_host::Configuration(";
  if (!by_arguments && IsKernelItself(structure, *code, callee)) {
    code->Before(callee.begin, "::cuda_host::Launch<&");
    code->After(callee.end - 1, ">(" + site);
  } else {
    code->Before(callee.begin, "::cuda_host::Launch(" + site + (by_arguments ? "[=](auto&&... wb_a) { " : ""));
    code->After(callee.end - 1, by_arguments ? "(static_cast<decltype(wb_a)>(wb_a)...); }" : "");
    configuration = ", " + configuration;
  }
  code->Replace(launch, configuration);
  if (!one_token) code->Remove(launch + 1);
  code->Replace(end, "))");
  code->Remove(end + 1, end + 3);
}

}  // namespace

void TranslateLaunches(const Structure& structure, Code* code) {
  for (int i = 0; i < code->size(); ++i) {
    if (IsLaunch(*code, i)) TranslateLaunch(structure, i, code);
  }
}

}  // namespace cuda_host::translate
