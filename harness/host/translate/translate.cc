#include "harness/host/translate/translate.h"

#include <algorithm>

#include "harness/host/translate/code.h"
#include "harness/host/translate/lexer.h"
#include "harness/host/translate/passes.h"
#include "harness/host/translate/structure.h"

namespace cuda_host::translate {

Translation Translate(std::string_view preprocessed, std::string_view own_headers) {
  Code code(Lex(preprocessed, own_headers));
  const Structure structure = Analyse(code);
  RefuseUnsupported(structure, &code);
  TranslateShared(structure, &code);
  TranslateAttributes(structure, &code);
  TranslateLaunches(structure, &code);
  return {code.Edited(), code.Errors()};
}

std::string HintsFor(const std::string& messages) {
  constexpr std::string_view kMissing = ": No such file or directory";
  constexpr std::string_view kFatal = ": fatal error: ";
  std::string hints;
  for (size_t begin = 0; begin < messages.size();) {
    const size_t end = std::min(messages.find('\n', begin), messages.size());
    const std::string_view line = std::string_view(messages).substr(begin, end - begin);
    begin = end + 1;
    const size_t fatal = line.find(kFatal);
    const size_t missing = line.rfind(kMissing);
    if (fatal == std::string_view::npos || missing == std::string_view::npos || missing < fatal) continue;
    const size_t name = fatal + kFatal.size();
    const std::string header(line.substr(name, missing - name));
    bool known = header == "mma.h";
    for (const char* folder :
         {"cub/", "thrust/", "cute/", "cutlass/", "cuda/", "nv/", "cooperative_groups/", "cufft", "curand", "cusparse",
          "cusolver", "cublas", "cudnn", "nvshmem", "nvToolsExt", "nvtx3/", "texture_", "surface_", "cuda_"}) {
      known = known || header.rfind(folder, 0) == 0;
    }
    if (!known) continue;
    // FILE:LINE of FILE:LINE:COLUMN.
    std::string_view where = line.substr(0, fatal);
    where = where.substr(0, where.rfind(':'));
    hints +=
        std::string(where) + ": host mode has no <" + header +
        ">. Put it, and what uses it, under #if !defined(WORKBENCH_HOST_MODE) and give an #else branch in plain CUDA "
        "C++.\n";
  }
  return hints;
}

}  // namespace cuda_host::translate
