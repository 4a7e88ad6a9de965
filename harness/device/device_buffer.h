// Device memory that is freed.
#ifndef HARNESS_DEVICE_DEVICE_BUFFER_H_
#define HARNESS_DEVICE_DEVICE_BUFFER_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/status.h"

namespace workbench {

// `size()` elements of T on the device that was current when it was made. Not initialised.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  static Result<DeviceBuffer> Create(size_t size) {
    DeviceBuffer buffer;
    WB_RETURN_IF_CUDA_ERROR(cudaMalloc(reinterpret_cast<void**>(&buffer.data_), size * sizeof(T)));
    buffer.size_ = size;
    return Result<DeviceBuffer>(std::move(buffer));  // spelt out: nvcc's front end does not move a returned local
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { *this = std::move(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) (void)cudaFree(data_);
  }

  T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace workbench

#endif  // HARNESS_DEVICE_DEVICE_BUFFER_H_
