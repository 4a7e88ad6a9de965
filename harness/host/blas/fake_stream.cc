// A stream for the tests: work is kept until someone waits for the stream.
#include "harness/host/blas/fake_stream.h"

#include <functional>
#include <utility>
#include <vector>

#include "cuda_runtime_api.h"
#include "harness/host/runtime/stream_work.h"

namespace {

std::vector<std::function<void()>> waiting;

}  // namespace

namespace workbench::host {

size_t WaitingTasks() { return waiting.size(); }

}  // namespace workbench::host

namespace cuda_host {

cudaError_t EnqueueTask(cudaStream_t, const char*, std::function<void(const Operation&)> body) {
  waiting.push_back([body = std::move(body)] { body(Operation()); });
  return cudaSuccess;
}

}  // namespace cuda_host

extern "C" cudaError_t cudaStreamSynchronize(cudaStream_t) {
  for (const auto& task : std::exchange(waiting, {})) task();
  return cudaSuccess;
}
