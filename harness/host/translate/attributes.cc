#include <algorithm>
#include <string>
#include <unordered_set>

#include "harness/host/translate/passes.h"

namespace cuda_host::translate {
namespace {

// The first argument of the parentheses at `open`.
std::string FirstArgument(const Code& code, int open) {
  const int close = code.Match(open);
  int i = open + 1;
  while (i < close && !code.Is(i, ",")) {
    if ((code.Is(i, "(") || code.Is(i, "[") || code.Is(i, "{")) && code.Match(i) > i) {
      i = code.Match(i);
    } else if (const int behind = code.SkipAngles(i, close); behind > i) {
      i = behind - 1;
    }
    ++i;
  }
  return code.Join(open + 1, i);
}

// __launch_bounds__ in a function's head becomes a check in its body; `body` is its {, or -1.
void LaunchBounds(int i, int body, Code* code) {
  const int close = code->Match(i + 1);
  if (!code->Is(i + 1, "(") || close < 0) {
    code->Error(i, "__launch_bounds__ needs (most threads a block[, least blocks a multiprocessor]).");
    return;
  }
  if (body >= 0 && code->Is(i, "__launch_bounds__")) {
    code->After(body, " ::cuda_host::CheckLaunchBounds(" + FirstArgument(*code, i + 1) + ");");
  }
  code->Remove(i, close + 1);
}

// The name of the kernel whose head and body are given; -1 if it is none.
int KernelName(const Code& code, const Function& function) {
  bool is_kernel = false;
  int name = -1;
  for (int i = function.head; i < function.open; ++i) {
    if (code.Is(i, "__global__")) is_kernel = true;
    if (code.Is(i, "__launch_bounds__") || code.Is(i, "alignas") || code.Is(i, "__attribute__")) {
      i = std::max(i, code.Match(i + 1));
    } else if (code.IsIdentifier(i) && code.Is(i + 1, "(") && name < 0) {
      name = i;
    }
  }
  return is_kernel ? name : -1;
}

// cudaLaunchKernel and its like may be given a kernel that was cast to const void*: by its address the runtime finds
// the types of its parameters again. Templates have no one address; they have to be passed as they are.
void RegisterKernels(const Structure& structure, Code* code) {
  bool needed = false, bounds_needed = false;
  for (int i = 0; i < code->size() && !needed; ++i) {
    needed = code->IsIdentifier(i) && (*code)[i].text.substr(0, 10) == "cudaLaunch";
    bounds_needed = bounds_needed || code->Is(i, "cudaGetLastError") || code->Is(i, "cudaFuncGetAttributes");
  }
  int registered = 0;
  for (const Function& function : structure.functions) {
    if ((!needed && !bounds_needed) || function.member) continue;
    const int name = KernelName(*code, function);
    if (name < 0) continue;
    const auto kernel = structure.kernels.find((*code)[name].text);
    if (kernel == structure.kernels.end() || kernel->second.is_template || kernel->second.Overloaded()) continue;
    for (int i = function.head; i < function.open; ++i) {
      if (!code->Is(i, "__launch_bounds__") || !code->Is(i + 1, "(")) continue;
      code->After(function.close, " [[maybe_unused]] static const int wb_bounds_" + std::to_string(++registered) +
                                      " = ::cuda_host::RegisterLaunchBounds(reinterpret_cast<const void*>(&" +
                                      std::string((*code)[name].text) + "), " + FirstArgument(*code, i + 1) + ");");
    }
    if (!needed) continue;
    code->After(function.close, " [[maybe_unused]] static const void* const wb_registered_" +
                                    std::to_string(++registered) + " = ::cuda_host::RegisterKernel(&" +
                                    std::string((*code)[name].text) + ", \"" + std::string((*code)[name].text) +
                                    "\");");
  }
}

// nvcc's directions say nothing to g++, or too much: its unroll wants a literal, and a loop right behind it.
void TranslatePragma(const Pragma& pragma, Code* code) {
  static const std::unordered_set<std::string_view> ignored = {
      "nounroll",      "nv_diag_suppress",   "nv_diag_default",       "nv_diag_warning",
      "nv_diag_error", "nv_diagnostic",      "nv_exec_check_disable", "hd_warning_disable",
      "diag_suppress", "diag_default",       "diag_warning",          "diag_error",
      "nv_diag_once",  "nv_diagnostic_push", "nv_diagnostic_pop"};
  constexpr std::string_view kSeparators = " \t()\r";
  std::string_view rest = pragma.text.substr(pragma.text.find("pragma") + 6);
  const auto word = [&rest, kSeparators] {
    const size_t begin = std::min(rest.find_first_not_of(kSeparators), rest.size());
    const size_t end = std::min(rest.find_first_of(kSeparators, begin), rest.size());
    const std::string_view result = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
    return result;
  };
  const std::string_view name = word();
  std::string replacement;
  if (name == "unroll") {
    // Without a number nvcc unrolls loops that it knows the length of; eight rounds are what small ones have.
    std::string_view count = word();
    if (count.empty()) count = "8";
    const int next = static_cast<int>(pragma.next);
    const bool loop = code->Is(next, "for") || code->Is(next, "while") || code->Is(next, "do");
    const bool literal = count.find_first_not_of("0123456789") == std::string_view::npos && count.size() <= 4;
    if (loop && literal && word().empty()) replacement = "#pragma GCC unroll " + std::string(count);
  } else if (ignored.count(name) == 0) {
    return;
  }
  code->Replace(pragma.text, replacement);
}

}  // namespace

void TranslateAttributes(const Structure& structure, Code* code) {
  static const std::unordered_set<std::string_view> plain = {"__global__", "__device__", "__host__"};
  static const std::unordered_set<std::string_view> bounds = {"__launch_bounds__", "__maxnreg__"};
  size_t function = 0;  // the first that does not end in front of the token
  for (int i = 0; i < code->size(); ++i) {
    while (function < structure.functions.size() && structure.functions[function].close < i) ++function;
    if (code->IsIn(i, plain)) {
      code->Remove(i);
    } else if (code->IsIn(i, bounds)) {
      const bool defined = function < structure.functions.size() && structure.functions[function].head <= i;
      LaunchBounds(i, defined ? structure.functions[function].open : -1, code);
    } else if (code->Is(i, "__noinline__") && !code->Is(i - 1, "(") && !code->Is(i - 1, ",")) {
      code->Replace(i, "__attribute__((noinline))");
    }
  }
  for (const Pragma& pragma : code->pragmas()) TranslatePragma(pragma, code);
  RegisterKernels(structure, code);
}

}  // namespace cuda_host::translate
