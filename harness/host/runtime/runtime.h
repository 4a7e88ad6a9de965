// What every function of the API begins and ends with.
#ifndef HARNESS_HOST_RUNTIME_RUNTIME_H_
#define HARNESS_HOST_RUNTIME_RUNTIME_H_

#include <cstddef>
#include <cstdint>

#include "driver_types.h"
#include "harness/host/runtime/scheduler.h"

namespace cuda_host {

// The stand-in's limits. Some have to agree with the executor's.
struct DeviceLimits {
  int devices;          // WORKBENCH_HOST_DEVICES, or 1
  int multiprocessors;  // WORKBENCH_HOST_SMS, or 16
  size_t memory_bytes;  // a device; WORKBENCH_HOST_MEMORY_MIB, or 8 GiB
};
const DeviceLimits& Limits();
inline constexpr int kMaxThreadsPerBlock = 1024;
inline constexpr int kThreadsPerMultiprocessor = 2048;
inline constexpr int kBlocksPerMultiprocessor = 32;
inline constexpr size_t kSharedBytesPerBlock = size_t{48} << 10;
inline constexpr size_t kSharedBytesOptIn = size_t{227} << 10;
inline constexpr size_t kSharedBytesPerMultiprocessor = size_t{228} << 10;
inline constexpr size_t kSharedBytesReserved = size_t{1} << 10;

// What a call has to return at once: the device's sticky error, or that it is made where CUDA allows none (a host
// function, a kernel).
cudaError_t Enter();
// The same for calls that only ask, and so work on a failed device, too.
cudaError_t EnterQuery();
// The same for calls that CUDA calls unsafe while some thread captures: they spoil that capture.
cudaError_t EnterUnsafe();
// Keeps an error for cudaGetLastError (cudaErrorNotReady is none), and returns it.
cudaError_t Return(cudaError_t error);

int CurrentDevice();
bool ValidDevice(int device);

// Marks this thread as one that runs host functions.
void ForbidCalls(bool forbidden);

// The stream behind a handle, the default ones included; null if there is none. REQUIRES: the scheduler's lock.
Scheduler::Stream StreamOf(cudaStream_t handle);

// Puts `work` on the stream, or into the graph that the stream captures. `op`: gets the operation, or null where it was
// captured. Does not keep the error for cudaGetLastError. REQUIRES: the lock.
cudaError_t EnqueueOrCapture(Scheduler::Lock& lock, const Scheduler::Stream& stream, std::shared_ptr<const Work> work,
                             std::shared_ptr<Op>* op = nullptr);

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_RUNTIME_H_
