// Streams, events and graphs that are destroyed.
#ifndef HARNESS_DEVICE_STREAM_H_
#define HARNESS_DEVICE_STREAM_H_

#include <cuda_runtime_api.h>

#include <chrono>
#include <thread>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/status.h"

namespace workbench {

// Owns one CUDA handle.
template <typename Handle, cudaError_t (*kDestroy)(Handle)>
class CudaHandle {
 public:
  CudaHandle() = default;
  explicit CudaHandle(Handle handle) : handle_(handle) {}
  CudaHandle(CudaHandle&& other) noexcept { std::swap(handle_, other.handle_); }
  CudaHandle& operator=(CudaHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~CudaHandle() {
    if (handle_ != nullptr) (void)kDestroy(handle_);
  }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};

using Stream = CudaHandle<cudaStream_t, cudaStreamDestroy>;
using Event = CudaHandle<cudaEvent_t, cudaEventDestroy>;
using GraphExec = CudaHandle<cudaGraphExec_t, cudaGraphExecDestroy>;

enum class StreamPriority { kHighest, kLowest };

// A stream that the default stream does not wait for.
inline Result<Stream> CreateStream(StreamPriority priority = StreamPriority::kHighest) {
  int lowest = 0, highest = 0;
  WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetStreamPriorityRange(&lowest, &highest));
  cudaStream_t stream = nullptr;
  WB_RETURN_IF_CUDA_ERROR(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking,
                                                       priority == StreamPriority::kHighest ? highest : lowest));
  return Stream(stream);
}

// Keeps `stream` waiting a moment: what should have come behind its work and does not is then too early, and seen.
inline Status HoldUp(cudaStream_t stream) {
  return WB_CUDA(cudaLaunchHostFunc(
      stream, [](void*) { std::this_thread::sleep_for(std::chrono::microseconds(300)); }, nullptr));
}

// An event with a time.
inline Result<Event> CreateEvent() {
  cudaEvent_t event = nullptr;
  WB_RETURN_IF_CUDA_ERROR(cudaEventCreate(&event));
  return Event(event);
}

// Captures what `enqueue()`, which returns a Status, puts on `stream`. The capture is ended on every path.
template <typename Enqueue>
Result<GraphExec> CaptureGraph(cudaStream_t stream, Enqueue enqueue) {
  WB_RETURN_IF_CUDA_ERROR(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  const Status enqueued = enqueue();
  cudaGraph_t captured = nullptr;
  const Status ended = WB_CUDA(cudaStreamEndCapture(stream, &captured));
  const CudaHandle<cudaGraph_t, cudaGraphDestroy> graph(captured);
  WB_RETURN_IF_ERROR(enqueued);
  WB_RETURN_IF_ERROR(ended);
  cudaGraphExec_t executable = nullptr;
  WB_RETURN_IF_CUDA_ERROR(cudaGraphInstantiate(&executable, graph.get(), 0));
  return GraphExec(executable);
}

}  // namespace workbench

#endif  // HARNESS_DEVICE_STREAM_H_
