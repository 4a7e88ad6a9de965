// Device memory for tests: at any alignment, with guards around it.
#ifndef KERNELS_TESTING_DEVICE_ARRAY_H_
#define KERNELS_TESTING_DEVICE_ARRAY_H_

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace kernels {

// `size` elements that begin `offset` elements behind a multiple of 256 bytes; all of it poisoned at first.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size, size_t offset = 0) : size_(size), offset_(offset) {
    EXPECT_EQ(cudaMalloc(&memory_, Bytes()), cudaSuccess);
    EXPECT_EQ(cudaMemset(memory_, kPoison, Bytes()), cudaSuccess);
  }
  explicit DeviceArray(const std::vector<T>& values, size_t offset = 0) : DeviceArray(values.size(), offset) {
    EXPECT_EQ(cudaMemcpy(data(), values.data(), size_ * sizeof(T), cudaMemcpyDefault), cudaSuccess);
  }
  ~DeviceArray() { (void)cudaFree(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() { return reinterpret_cast<T*>(static_cast<char*>(memory_) + kGuard) + offset_; }
  size_t size() const { return size_; }

  // Waits for the device. Fails the test if a guard is not what it was.
  std::vector<T> Read() {
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    std::vector<unsigned char> bytes(Bytes());
    EXPECT_EQ(cudaMemcpy(bytes.data(), memory_, Bytes(), cudaMemcpyDefault), cudaSuccess);
    const size_t begin = kGuard + offset_ * sizeof(T), end = begin + size_ * sizeof(T);
    for (size_t i = 0; i < bytes.size(); ++i) {
      if ((i < begin || i >= end) && bytes[i] != kPoison) {
        ADD_FAILURE() << "written outside of the array, at byte " << static_cast<long long>(i - begin);
        break;
      }
    }
    std::vector<T> values(size_);
    if (size_ > 0) std::memcpy(static_cast<void*>(values.data()), bytes.data() + begin, size_ * sizeof(T));
    return values;
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr int kPoison = 0xa5;
  size_t Bytes() const { return kGuard + (offset_ + size_) * sizeof(T) + kGuard; }

  size_t size_, offset_;
  void* memory_ = nullptr;
};

}  // namespace kernels

#endif  // KERNELS_TESTING_DEVICE_ARRAY_H_
