// Runs a DeviceCall inside a rank, and times calls.
#ifndef HARNESS_DEVICE_DEVICE_CALL_RUN_H_
#define HARNESS_DEVICE_DEVICE_CALL_RUN_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "harness/device/device_call.h"
#include "harness/device/roofline.h"
#include "harness/device/stream.h"
#include "harness/status.h"

namespace workbench {

struct TimingOptions {
  int32_t samples = 15;
  int32_t warmup = 3;
  int32_t calls_per_sample = 1;
  int32_t flush_l2 = 1;  // before each sample
};

class DeviceCallRunner {
 public:
  // For the current device.
  static Result<DeviceCallRunner> Create();

  cudaStream_t stream() const { return stream_.get(); }

  // The implementation's entry point on `buffers` (their data, in the order of the call; nullptr for one of no bytes);
  // enqueues on `stream`.
  using Entry =
      std::function<cudaError_t(std::span<const std::byte> parameters, void* const* buffers, cudaStream_t stream)>;

  // What the implementation asks for in addition: a scratch buffer of that size, 256-byte aligned, is added behind the
  // others. nullptr: none is wanted, and none of no bytes is added.
  using WorkspaceBytes = std::function<size_t(std::span<const std::byte> parameters, void* const* buffers)>;

  // Appends a CallOutcome and the outputs to `reply`. An error is the device's own, found after the call returned.
  Status Run(std::span<const std::byte> request, const WorkspaceBytes& workspace_bytes, const Entry& entry,
             std::vector<std::byte>* reply);

  // Seconds a call, by the device's events, one value a sample; `prepare` enqueues what is to be done before a sample,
  // untimed. A call that returns an error ends it: *call_error.
  Status Time(const TimingOptions& options, const std::function<Status(cudaStream_t)>& prepare,
              const std::function<cudaError_t(cudaStream_t)>& call, std::vector<double>* seconds,
              cudaError_t* call_error);

 private:
  Stream stream_;
  L2Flusher flusher_;
};

}  // namespace workbench

#endif  // HARNESS_DEVICE_DEVICE_CALL_RUN_H_
