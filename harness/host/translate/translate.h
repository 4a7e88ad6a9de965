// From preprocessed CUDA C++ to C++ for include/cuda_host/launch.h.
#ifndef HARNESS_HOST_TRANSLATE_TRANSLATE_H_
#define HARNESS_HOST_TRANSLATE_TRANSLATE_H_

#include <string>
#include <string_view>
#include <vector>

namespace cuda_host::translate {

struct Translation {
  std::string text;  // line for line what was there; to compile as C++
  std::vector<std::string>
      errors;  // "FILE:LINE: what is wrong, and what to do", in order; if any, `text` is worth nothing
};

// REQUIRES: `preprocessed` is g++ -E's output with linemarkers. Files whose names contain `own_headers` are left as
// they are.
Translation Translate(std::string_view preprocessed, std::string_view own_headers = "harness/host/include/");

// What to add to g++'s complaints about the source, which are in `messages`: a line for each header of CUDA that host
// mode does not have.
std::string HintsFor(const std::string& messages);

}  // namespace cuda_host::translate

#endif  // HARNESS_HOST_TRANSLATE_TRANSLATE_H_
