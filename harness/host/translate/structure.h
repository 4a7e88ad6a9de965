// What a translation unit consists of, as far as it matters for CUDA: scopes, functions, lambdas, kernels.
#ifndef HARNESS_HOST_TRANSLATE_STRUCTURE_H_
#define HARNESS_HOST_TRANSLATE_STRUCTURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/host/translate/code.h"

namespace cuda_host::translate {

enum class Scope : uint8_t { kNamespace, kClass, kFunction };

struct Context {
  Scope scope = Scope::kNamespace;
  bool device = false;  // only runs on the device
  bool host = true;     // may run on the host. Of __device__ functions alone, and of what lies in them, it is false
};

// A function (of a namespace or a class) with a body. Lambdas and local classes are parts of it.
struct Function {
  int head;   // its first token
  int open;   // of its body: {
  int close;  // }
  bool member;
};

// All __global__ functions of one name.
struct Kernel {
  // By scope: what tells overloads apart, and how many template arguments the launch has to give.
  std::map<std::string, std::map<std::string, int>> signatures;
  bool is_template = false;
  bool has_pack = false;
  bool has_default_arguments = false;

  bool Overloaded() const;
  int NeededTemplateArguments() const;
};

struct Structure {
  std::vector<Context> contexts;  // of every token
  std::vector<Function> functions;
  std::map<std::string_view, Kernel> kernels;
};

Structure Analyse(const Code& code);

// Whether the tokens in front of and behind the name at `i` make it the declaration of a variable or parameter.
bool LooksDeclared(const Code& code, int i);

// Whether this word in front of a name begins or goes on with an expression or a statement, and is thus no type.
bool IsExpressionKeyword(std::string_view word);

}  // namespace cuda_host::translate

#endif  // HARNESS_HOST_TRANSLATE_STRUCTURE_H_
