#include <unistd.h>

#include <mutex>
#include <string>

#include "harness/host/executor/executor.h"

namespace cuda_host {
namespace {

std::mutex g_mutex;
std::string& Findings() {
  static auto* const findings = new std::string;
  return *findings;
}
constexpr size_t kMost = size_t{64} << 10;

}  // namespace

void Report(const std::string& line) {
  const std::string text = "CUDA (host mode): " + line + "\n";
  // One write, so that several processes' lines do not mix.
  (void)!write(STDERR_FILENO, text.data(), text.size());
  std::lock_guard<std::mutex> lock(g_mutex);
  if (Findings().size() < kMost) Findings() += line + "\n";
}

cudaError_t Unsupported(const std::string& what, const std::string& todo) {
  Report(what + " is not supported in host mode (" + Place() + "): " + todo);
  return cudaErrorNotSupported;
}

std::string TakeFindings() {
  std::lock_guard<std::mutex> lock(g_mutex);
  std::string taken;
  taken.swap(Findings());
  return taken;
}

}  // namespace cuda_host
