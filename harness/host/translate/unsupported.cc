#include <string>
#include <unordered_map>
#include <unordered_set>

#include "harness/host/translate/passes.h"

namespace cuda_host::translate {
namespace {

bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsWord(char c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '_'; }

// PTX has dots in its instructions: mov.u64, bar.sync.
bool LooksLikePtx(std::string_view text) {
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '.' && IsWord(text[i - 1]) && IsLetter(text[i + 1])) return true;
  }
  return false;
}

// Host code may have the CPU's assembler, and an empty asm is a barrier for either compiler.
void RefusePtx(const Structure& structure, int at, Code* code) {
  int open = at + 1;
  while (code->IsIdentifier(open)) ++open;  // volatile, goto
  const int close = code->Match(open);
  if (!code->Is(open, "(") || close < 0) return;
  std::string text;
  int i = open + 1;
  for (; code->IsString(i); ++i) text += (*code)[i].text.substr(1, (*code)[i].text.size() - 2);
  const bool operands = std::string(code->Join(i, close)).find_first_of("(") != std::string::npos;
  if (text.empty() && i > open + 1 && !operands) return;
  const Context& context = structure.contexts[static_cast<size_t>(at)];
  if (context.host && !LooksLikePtx(text)) return;
  code->Error(
      at,
      "inline PTX has no meaning on the CPU. Put it under #if defined(__CUDA_ARCH__) and give an #else branch in "
      "CUDA C++ (host mode does not define __CUDA_ARCH__).");
}

const std::string kInstead =
    "Put it under #if !defined(WORKBENCH_HOST_MODE) and give an #else branch in plain CUDA C++.";

// tex2D, surf2Dwrite, texCubemap ...
bool IsTextureFunction(std::string_view name) {
  const std::string_view kind = name.substr(0, 4);
  if (kind != "surf" && name.substr(0, 3) != "tex") return false;
  const std::string_view rest = name.substr(kind == "surf" ? 4 : 3);
  for (std::string_view shape : {"1D", "2D", "3D", "Cubemap"}) {
    if (rest.substr(0, shape.size()) == shape) return true;
  }
  return false;
}

class Refusals {
 public:
  Refusals(const Structure& structure, Code* code) : structure_(structure), code_(*code) {}

  void Run() {
    for (int i = 0; i < code_.size(); ++i) {
      if (code_.IsIdentifier(i) && !code_[i].system && !code_.Is(i - 1, ".") && !code_.Is(i - 1, "->")) Refuse(i);
    }
  }

 private:
  void Refuse(int i) {
    static const std::unordered_map<std::string_view, std::string> refused = {
        {"__cluster_dims__",
         "thread block clusters are not supported in host mode. Put __cluster_dims__ under #if "
         "!defined(WORKBENCH_HOST_MODE), and let blocks work together through global memory otherwise."},
        {"__block_size__",
         "thread block clusters are not supported in host mode. Put __block_size__ under #if "
         "!defined(WORKBENCH_HOST_MODE), and let blocks work together through global memory otherwise."},
        {"nvcuda", "tensor core fragments (nvcuda::wmma) are not supported in host mode. " + kInstead},
        {"cudaTextureObject_t", "texture objects are not supported in host mode. " + kInstead},
        {"cudaSurfaceObject_t", "surface objects are not supported in host mode. " + kInstead},
    };
    static const std::unordered_set<std::string_view> assembler = {"asm", "__asm__", "__asm"};
    if (code_.IsIn(i, assembler)) {
      RefusePtx(structure_, i, &code_);
    } else if (const auto found = refused.find(code_[i].text); found != refused.end()) {
      code_.Error(i, found->second);
    } else if (code_.Is(i, "texture") && code_.Is(i + 1, "<") && !code_.Is(i - 1, "::")) {
      code_.Error(i, "texture references are not supported in host mode. " + kInstead);
    } else if (IsTextureFunction(code_[i].text) && (code_.Is(i + 1, "(") || code_.Is(i + 1, "<")) &&
               !code_.Is(i - 1, "::") && !Declared(code_[i].text)) {
      code_.Error(i, std::string(code_[i].text) + " is not supported in host mode. " + kInstead);
    }
  }

  // Whether the user has a function of this name.
  bool Declared(std::string_view name) {
    const auto [found, is_new] = declared_.try_emplace(name, false);
    for (int i = 0; is_new && i < code_.size(); ++i) {
      if (code_.Is(i, name) && LooksDeclared(code_, i)) found->second = true;
    }
    return found->second;
  }

  const Structure& structure_;
  Code& code_;
  std::unordered_map<std::string_view, bool> declared_;
};

}  // namespace

void RefuseUnsupported(const Structure& structure, Code* code) { Refusals(structure, code).Run(); }

}  // namespace cuda_host::translate
