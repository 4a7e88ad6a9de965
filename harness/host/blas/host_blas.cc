#include "harness/host/blas/host_blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string_view>

namespace cuda_host {
namespace {

// A null `marker` stands for any library.
HostBlas Load(const char* name, const char* marker) {
  // It stays loaded for good.
  void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  HostBlas blas;
  blas.sgemm = reinterpret_cast<FortranGemm<float>>(dlsym(library, "sgemm_"));
  blas.dgemm = reinterpret_cast<FortranGemm<double>>(dlsym(library, "dgemm_"));
  const bool wanted = marker == nullptr || dlsym(library, marker) != nullptr;
  if (wanted && blas.sgemm != nullptr && blas.dgemm != nullptr) return blas;
  dlclose(library);
  return {};
}

HostBlas Find() {
  const char* wanted = std::getenv("WORKBENCH_HOST_BLAS");
  if (wanted != nullptr && std::string_view(wanted) == "0") return {};
  if (wanted != nullptr && *wanted != '\0') return Load(wanted, nullptr);
  HostBlas blas = Load("libopenblas.so.0", "openblas_get_config");
  // Under the general name can be either of the two, or the reference BLAS.
  if (blas.sgemm == nullptr) blas = Load("libblas.so.3", "openblas_get_config");
  if (blas.sgemm == nullptr) blas = Load("libblas.so.3", "bli_info_get_version_str");
  return blas;
}

}  // namespace

const HostBlas& TheHostBlas() {
  static const HostBlas blas = Find();
  return blas;
}

}  // namespace cuda_host
