// For the tests: ranks as threads of one process, each with a device of its own, and device buffers.
#ifndef HARNESS_HOST_NCCL_TEST_RANKS_H_
#define HARNESS_HOST_NCCL_TEST_RANKS_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "nccl.h"

#define EXPECT_NCCL(call) EXPECT_EQ(call, ncclSuccess) << #call << ": " << ncclGetLastError(nullptr)
#define ASSERT_NCCL(call) ASSERT_EQ(call, ncclSuccess) << #call << ": " << ncclGetLastError(nullptr)
#define EXPECT_CUDA(call) EXPECT_EQ(call, cudaSuccess) << #call

namespace cuda_host::nccl {

// Ranks that share a device would wait for each other's streams in every cudaMemcpy. Before the runtime looks.
inline const int kDevicesAreSet = setenv("WORKBENCH_HOST_DEVICES", "8", 1);

struct TestRank {
  int rank = 0;
  int ranks = 0;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;

  ncclResult_t Wait() const {
    EXPECT_CUDA(cudaStreamSynchronize(stream));
    ncclResult_t error = ncclInternalError;
    EXPECT_NCCL(ncclCommGetAsyncError(comm, &error));
    return error;
  }
};

inline void RunThreads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

// `body` may destroy or abort the communicator, and set it to null then.
inline void RunRanks(int ranks, const std::function<void(TestRank&)>& body) {
  ncclUniqueId id;
  ASSERT_NCCL(ncclGetUniqueId(&id));
  RunThreads(ranks, [&](int rank) {
    TestRank self{rank, ranks, nullptr, nullptr};
    ASSERT_EQ(cudaSetDevice(rank), cudaSuccess);
    ASSERT_EQ(cudaStreamCreate(&self.stream), cudaSuccess);
    ASSERT_NCCL(ncclCommInitRank(&self.comm, ranks, id, rank));
    body(self);
    if (self.comm != nullptr) {
      EXPECT_NCCL(ncclCommDestroy(self.comm));
    }
    EXPECT_CUDA(cudaStreamDestroy(self.stream));
  });
}

// Device memory with a guard behind it.
class DeviceBytes {
 public:
  explicit DeviceBytes(const std::vector<std::byte>& bytes) : bytes_(bytes.size()) {
    EXPECT_CUDA(cudaMalloc(&data_, bytes_ + kGuard));
    if (bytes_ > 0) {
      EXPECT_CUDA(cudaMemcpy(data_, bytes.data(), bytes_, cudaMemcpyHostToDevice));
    }
    EXPECT_CUDA(cudaMemset(static_cast<std::byte*>(data_) + bytes_, kMark, kGuard));
    EXPECT_CUDA(cudaDeviceSynchronize());  // a fill does not wait
  }
  explicit DeviceBytes(size_t bytes) : DeviceBytes(std::vector<std::byte>(bytes, std::byte{0xee})) {}
  ~DeviceBytes() { EXPECT_CUDA(cudaFree(data_)); }
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;

  std::byte* data() const { return static_cast<std::byte*>(data_); }
  std::vector<std::byte> Read() const {
    std::vector<std::byte> all(bytes_ + kGuard);
    EXPECT_CUDA(cudaMemcpy(all.data(), data_, all.size(), cudaMemcpyDeviceToHost));
    for (size_t i = bytes_; i < all.size(); ++i) EXPECT_EQ(all[i], std::byte{kMark}) << "written behind the buffer";
    all.resize(bytes_);
    return all;
  }

 private:
  static constexpr size_t kGuard = 16;
  static constexpr int kMark = 0x5a;
  void* data_ = nullptr;
  size_t bytes_;
};

template <typename T>
class Device : public DeviceBytes {
 public:
  explicit Device(const std::vector<T>& values) : DeviceBytes(Bytes(values)) {}
  T* data() const { return reinterpret_cast<T*>(DeviceBytes::data()); }
  std::vector<T> Read() const {
    const std::vector<std::byte> bytes = DeviceBytes::Read();
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

 private:
  static std::vector<std::byte> Bytes(const std::vector<T>& values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
};

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_TEST_RANKS_H_
