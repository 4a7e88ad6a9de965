#include <algorithm>
#include <cstdint>

#include "harness/device/cuda_status.h"
#include "harness/device/roofline.h"
#include "harness/device/stream.h"

namespace workbench {
namespace {

constexpr int kCopyThreads = 512;
constexpr int kUnroll = 4;

__global__ void __launch_bounds__(kCopyThreads)
    CopyKernel(const uint4* __restrict__ from, uint4* __restrict__ to, size_t n) {
  const size_t stride = static_cast<size_t>(gridDim.x) * blockDim.x;
  size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i + (kUnroll - 1) * stride < n; i += kUnroll * stride) {
    uint4 words[kUnroll];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) words[u] = from[i + u * stride];
#pragma unroll
    for (int u = 0; u < kUnroll; ++u) to[i + u * stride] = words[u];
  }
  for (; i < n; i += stride) to[i] = from[i];
}

// Median seconds of what `enqueue` puts on the stream.
template <typename Enqueue>
Result<double> TimeMedian(cudaStream_t stream, int samples, Enqueue enqueue) {
  Result<Event> start = CreateEvent(), stop = CreateEvent();
  if (!start.ok()) return start.status();
  if (!stop.ok()) return stop.status();
  std::vector<double> seconds;
  for (int i = -2; i < samples; ++i) {  // two to warm up
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(start->get(), stream));
    WB_RETURN_IF_ERROR(enqueue());
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(stop->get(), stream));
    WB_RETURN_IF_CUDA_ERROR(cudaEventSynchronize(stop->get()));
    float milliseconds = 0;
    WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, start->get(), stop->get()));
    if (i >= 0) seconds.push_back(milliseconds * 1e-3);
  }
  return Median(std::move(seconds));
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Result<double> MeasureCopyBandwidth(cudaStream_t stream, size_t bytes, int samples) {
  bytes -= bytes % sizeof(uint4);
  Result<DeviceBuffer<char>> from = DeviceBuffer<char>::Create(bytes), to = DeviceBuffer<char>::Create(bytes);
  if (!from.ok()) return from.status();
  if (!to.ok()) return to.status();
  // Not zeros: memory that holds them can be faster than memory that holds data.
  WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(from->data(), 0x5a, bytes, stream));
  int device = 0, multiprocessors = 0;
  WB_RETURN_IF_CUDA_ERROR(cudaGetDevice(&device));
  WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  Result<double> copy = TimeMedian(stream, samples, [&] {
    return WB_CUDA(cudaMemcpyAsync(to->data(), from->data(), bytes, cudaMemcpyDeviceToDevice, stream));
  });
  if (!copy.ok()) return copy;
  Result<double> kernel = TimeMedian(stream, samples, [&] {
    CopyKernel<<<multiprocessors * 4, kCopyThreads, 0, stream>>>(
        reinterpret_cast<const uint4*>(from->data()), reinterpret_cast<uint4*>(to->data()), bytes / sizeof(uint4));
    return WB_CUDA(cudaGetLastError());
  });
  if (!kernel.ok()) return kernel;
  return 2.0 * static_cast<double>(bytes) / std::min(*copy, *kernel);
}

void DisablePersistingL2() {
  (void)cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, 0);
  (void)cudaCtxResetPersistingL2Cache();
  (void)cudaGetLastError();
}

Result<L2Flusher> L2Flusher::Create() {
  int device = 0, l2_bytes = 0;
  WB_RETURN_IF_CUDA_ERROR(cudaGetDevice(&device));
  WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, device));
  Result<DeviceBuffer<char>> buffer = DeviceBuffer<char>::Create(2 * static_cast<size_t>(std::max(l2_bytes, 1 << 20)));
  if (!buffer.ok()) return buffer.status();
  L2Flusher flusher;
  flusher.buffer_ = std::move(*buffer);
  return Result<L2Flusher>(std::move(flusher));
}

Status L2Flusher::Flush(cudaStream_t stream) const {
  return WB_CUDA(cudaMemsetAsync(buffer_.data(), 0x3c, buffer_.bytes(), stream));
}

}  // namespace workbench
