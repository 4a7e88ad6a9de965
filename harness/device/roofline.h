// The ceilings of the GPU at hand, measured, and the state that a measurement starts from.
#ifndef HARNESS_DEVICE_ROOFLINE_H_
#define HARNESS_DEVICE_ROOFLINE_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <vector>

#include "harness/device/device_buffer.h"
#include "harness/status.h"

namespace workbench {

// Bytes read plus bytes written a second by a device-to-device copy on the current device: the better of
// cudaMemcpyAsync and a plain kernel with 16-byte accesses, each the median of `samples` copies of `bytes` (much more
// than the L2 cache holds).
Result<double> MeasureCopyBandwidth(cudaStream_t stream, size_t bytes = size_t{1} << 30, int samples = 15);

// Turns off the part of L2 that persisting accesses may set aside, so that no run inherits another's. Does nothing
// where the driver does not allow it (under MPS, say).
void DisablePersistingL2();

// Puts the L2 cache into the state "holds nothing of yours".
class L2Flusher {
 public:
  static Result<L2Flusher> Create();  // for the current device
  // Enqueues a write of twice the L2's size.
  Status Flush(cudaStream_t stream) const;
  size_t bytes() const { return buffer_.bytes(); }

 private:
  DeviceBuffer<char> buffer_;
};

// The middle one; 0 for none.
double Median(std::vector<double> values);

}  // namespace workbench

#endif  // HARNESS_DEVICE_ROOFLINE_H_
