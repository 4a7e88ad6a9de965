#include <algorithm>
#include <string>

#include "harness/host/runtime/test_kernels.h"

namespace cuda_host {
namespace {

void Add(int* out, short a, double b) { *out = static_cast<int>(a + b); }
void Nothing() {}
template <typename T>
void Store(T* out, T value) {
  *out = value;
}

class LaunchTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_CUDA(cudaMallocManaged(&out_, sizeof(int)));
    *out_ = 0;
  }
  void TearDown() override {
    EXPECT_CUDA(cudaDeviceSynchronize());
    EXPECT_CUDA(cudaFree(out_));
    (void)TakeFindings();
  }
  cudaError_t Try(dim3 grid, dim3 block, size_t shared_bytes = 0, bool cooperative = false) {
    Configuration configuration(grid, block, shared_bytes, nullptr);
    configuration.cooperative = cooperative;
    Launch("Nothing", __FILE__, __LINE__, &Nothing, configuration)();
    return cudaGetLastError();
  }

  int* out_ = nullptr;
};

TEST_F(LaunchTest, ConfigurationsAreChecked) {
  EXPECT_EQ(Try(1, 1024), cudaSuccess);
  EXPECT_EQ(Try(0, 1), cudaErrorInvalidValue);
  EXPECT_EQ(Try(1, 0), cudaErrorInvalidValue);
  EXPECT_EQ(Try(1, 1025), cudaErrorInvalidValue);
  EXPECT_EQ(Try(1, dim3(32, 33)), cudaErrorInvalidValue);
  EXPECT_EQ(Try(1, dim3(1, 1, 65)), cudaErrorInvalidValue);
  EXPECT_EQ(Try(dim3(1, 65536), 1), cudaErrorInvalidValue);
  EXPECT_EQ(Try(dim3(1, 1, 65535), 1), cudaSuccess);
  EXPECT_EQ(Try(1, 1, 48 << 10), cudaSuccess);
  EXPECT_EQ(Try(1, 1, (48 << 10) + 1), cudaErrorInvalidValue);
  Launch("Nothing", __FILE__, __LINE__, &Nothing, Configuration(1, 1, 0, reinterpret_cast<cudaStream_t>(this)))();
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
}

TEST_F(LaunchTest, MoreSharedMemoryHasToBeAskedFor) {
  constexpr int kMost = 227 << 10;
  EXPECT_EQ(cudaFuncSetAttribute(&Nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, kMost + 1),
            cudaErrorInvalidValue);
  (void)cudaGetLastError();
  EXPECT_CUDA(cudaFuncSetAttribute(&Nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, kMost));
  EXPECT_EQ(Try(1, 1, kMost), cudaSuccess);
  EXPECT_EQ(Try(1, 1, kMost + 1), cudaErrorInvalidValue);
  cudaFuncAttributes attributes;
  EXPECT_CUDA(cudaFuncGetAttributes(&attributes, &Nothing));
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, kMost);
  EXPECT_CUDA(cudaFuncSetAttribute(&Nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 48 << 10));
  EXPECT_EQ(Try(1, 1, kMost), cudaErrorInvalidValue);
}

TEST_F(LaunchTest, OccupancyLimitsCooperativeLaunches) {
  int blocks = 0, multiprocessors = 0;
  ASSERT_CUDA(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &Nothing, 256, 0));
  EXPECT_EQ(blocks, 8);
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &Nothing, 32, 0));
  EXPECT_EQ(blocks, 32);
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &Nothing, 33, 0));
  EXPECT_EQ(blocks, 32);
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &Nothing, 1024, 0));
  EXPECT_EQ(blocks, 2);
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &Nothing, 256, 100 << 10));
  EXPECT_EQ(blocks, 2);
  const unsigned most = static_cast<unsigned>(2 * multiprocessors);
  EXPECT_EQ(Try(most, 1024, 0, true), cudaSuccess);
  EXPECT_EQ(Try(most + 1, 1024, 0, true), cudaErrorCooperativeLaunchTooLarge);
  int grid = 0, block = 0;
  ASSERT_CUDA(cudaOccupancyMaxPotentialBlockSize(&grid, &block, &Nothing));
  EXPECT_EQ(block, 1024);
  EXPECT_EQ(grid, 2 * multiprocessors);
  ASSERT_CUDA(cudaOccupancyMaxPotentialBlockSize(&grid, &block, &Nothing, 0, 100));
  EXPECT_EQ(block, 64);  // 32 blocks of it are 2048 threads, 21 of 96 fewer
}

TEST_F(LaunchTest, ArgumentsAreReadByTheKernelsTypes) {
  short a = 40;
  double b = 2.5;
  void* args[] = {&out_, &a, &b};
  ASSERT_CUDA(cudaLaunchKernel(&Add, 1, 1, args));
  a = 0;  // the launch has its own
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*out_, 42);
  int value = 7;
  void* store_args[] = {&out_, &value};
  ASSERT_CUDA(cudaLaunchCooperativeKernel(&Store<int>, 1, 1, store_args, 0, nullptr));
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*out_, 7);
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  ASSERT_CUDA(cudaLaunchKernelEx(&config, &Add, out_, 1, 2));
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*out_, 3);
  attribute.id = cudaLaunchAttributeClusterDimension;
  EXPECT_EQ(cudaLaunchKernelEx(&config, &Add, out_, 1, 2), cudaErrorNotSupported);
  EXPECT_NE(TakeFindings().find("cudaLaunchKernelEx with attribute 4 is not supported"), std::string::npos);
  (void)cudaGetLastError();
}

TEST_F(LaunchTest, AKernelCastToVoidIsKnownOnceItsTypeWas) {
  float value = 1;
  float* target = reinterpret_cast<float*>(out_);
  void* args[] = {&target, &value};
  const void* kernel = reinterpret_cast<const void*>(&Store<float>);
  EXPECT_EQ(cudaLaunchKernel(kernel, 1, 1, args, 0, nullptr), cudaErrorInvalidDeviceFunction);
  EXPECT_NE(TakeFindings().find("pass the kernel itself"), std::string::npos);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDeviceFunction);
  int blocks = 0;
  ASSERT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &Store<float>, 32, 0));
  EXPECT_CUDA(cudaLaunchKernel(kernel, 1, 1, args, 0, nullptr));
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*target, 1.0f);
  EXPECT_EQ(cudaLaunchKernel(static_cast<const void*>(nullptr), 1, 1, args, 0, nullptr),
            cudaErrorInvalidDeviceFunction);
  (void)cudaGetLastError();
}

TEST_F(LaunchTest, TheDeviceSaysWhatItIs) {
  cudaDeviceProp properties;
  ASSERT_CUDA(cudaGetDeviceProperties(&properties, 0));
  EXPECT_STREQ(properties.name, "CPU stand-in for sm_90 (host mode)");
  EXPECT_EQ(properties.major, 9);
  int value = 0;
  ASSERT_CUDA(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  EXPECT_EQ(static_cast<size_t>(value), properties.sharedMemPerBlockOptin);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(9999), 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaSetDevice(99), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, -1), cudaErrorInvalidDevice);
  char bus[16] = {};
  ASSERT_CUDA(cudaDeviceGetPCIBusId(bus, sizeof bus, 0));
  int device = -1;
  EXPECT_CUDA(cudaDeviceGetByPCIBusId(&device, bus));
  EXPECT_EQ(device, 0);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorString(static_cast<cudaError_t>(12345)), "unrecognized error code");
  EXPECT_CUDA(cudaPeekAtLastError() == cudaErrorInvalidDevice ? cudaSuccess : cudaErrorUnknown);
  (void)cudaGetLastError();
}

// Last: it ends the device's work, and begins anew.
TEST_F(LaunchTest, ZFaultsStayUntilTheDeviceIsReset) {
  cudaStream_t stream;
  void* data = nullptr;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  ASSERT_CUDA(LaunchOne(
      stream, +[](int* address) { *static_cast<volatile int*>(address) = 1; }, reinterpret_cast<int*>(8)));
  ASSERT_CUDA(LaunchOne(stream, &Set, out_, 5));
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_EQ(*out_, 0);  // what came behind did not run
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&data, 4), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaFree(out_), cudaErrorIllegalAddress);
  EXPECT_EQ(LaunchOne(nullptr, &Nothing), cudaErrorIllegalAddress);
  int count = 0;
  EXPECT_CUDA(cudaGetDeviceCount(&count));
  EXPECT_NE(TakeFindings().find("illegal address"), std::string::npos);
  ASSERT_CUDA(cudaDeviceReset());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  (void)cudaGetLastError();
  SetUp();
  ASSERT_CUDA(LaunchOne(nullptr, &Set, out_, 6));
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*out_, 6);
}

}  // namespace
}  // namespace cuda_host
