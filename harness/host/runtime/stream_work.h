// How libraries on top of the runtime (NCCL, cuBLAS) put work of their own on a stream.
#ifndef HARNESS_HOST_RUNTIME_STREAM_WORK_H_
#define HARNESS_HOST_RUNTIME_STREAM_WORK_H_

#include <functional>

#include "driver_types.h"
#include "harness/host/check/clock.h"

namespace cuda_host {

// Puts `body` on the stream, as a kernel would be: it runs on a fiber of the executor once all before it is done, and
// may call Yield. `operation` is for the checks' OnCopy and OnFill. While the stream captures, it becomes a node of the
// graph, and runs each time that the graph is launched, so it must not use up what it holds. `what` is a word for
// reports. Returns the error of a failed device, of a handle that is no stream, or of a capture that is spoiled.
cudaError_t EnqueueTask(cudaStream_t stream, const char* what, std::function<void(const Operation& operation)> body);

// A body that waits for something asks now and then whether the device has failed, and returns if so.
bool DeviceFailed();
// Ends all of the device's work with this error, as a fault in a kernel does. May be called from a body.
void FailDevice(cudaError_t error);

// The operation that the host function is which this thread runs, or null. What such a function accesses is ordered as
// the operation is, not as what the host does.
const Operation* CurrentHostFunction();

// -1 if `stream` is none.
int DeviceOfStream(cudaStream_t stream);

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_STREAM_WORK_H_
