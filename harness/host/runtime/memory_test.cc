#include <cstdint>
#include <cstring>
#include <vector>

#include "harness/host/runtime/test_kernels.h"

namespace cuda_host {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

bool AllBytesAre(const std::vector<unsigned char>& bytes, unsigned char value) {
  return std::all_of(bytes.begin(), bytes.end(), [value](unsigned char byte) { return byte == value; });
}

class MemoryTest : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_CUDA(cudaDeviceSynchronize());
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }
  // The call fails so, and the error is kept once.
  void ExpectError(cudaError_t got, cudaError_t wanted) {
    EXPECT_EQ(got, wanted) << cudaGetErrorName(got);
    EXPECT_EQ(cudaGetLastError(), wanted);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }
};

TEST_F(MemoryTest, AllocationsAreAlignedApartAndFullOfGarbage) {
  std::vector<char*> all;
  for (const size_t bytes : {size_t{1}, size_t{255}, size_t{256}, size_t{4000}, size_t{4096}, kMiB}) {
    char* data = nullptr;
    ASSERT_CUDA(cudaMalloc(&data, bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 256, 0u);
    for (char* const other : all) EXPECT_GT(std::abs(data - other), 256);
    all.push_back(data);
    if (bytes < 4000) continue;
    std::vector<unsigned char> copy(bytes);
    ASSERT_CUDA(cudaMemcpy(copy.data(), data, bytes, cudaMemcpyDeviceToHost));
    EXPECT_FALSE(AllBytesAre(copy, copy[0]));
  }
  for (char* const data : all) EXPECT_CUDA(cudaFree(data));
}

TEST_F(MemoryTest, TheDevicesMemoryEnds) {
  size_t free = 0, total = 0, left = 0;
  ASSERT_CUDA(cudaMemGetInfo(&free, &total));
  void* data = nullptr;
  ExpectError(cudaMalloc(&data, free + 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(data, nullptr);
  ASSERT_CUDA(cudaMalloc(&data, free));  // sparse
  ASSERT_CUDA(cudaMemGetInfo(&left, &total));
  EXPECT_EQ(left, 0u);
  EXPECT_CUDA(cudaFree(data));
  ASSERT_CUDA(cudaMemGetInfo(&left, &total));
  EXPECT_EQ(left, free);
}

TEST_F(MemoryTest, WhatIsFreedIsGone) {
  char* data = nullptr;
  ASSERT_CUDA(cudaMalloc(&data, 100));
  ASSERT_CUDA(cudaFree(data));
  ExpectError(cudaFree(data), cudaErrorInvalidValue);
  char byte = 0;
  ExpectError(cudaMemcpy(&byte, data, 1, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  ExpectError(cudaMemset(data, 0, 1), cudaErrorInvalidValue);
  char* other = nullptr;
  ASSERT_CUDA(cudaMalloc(&other, 100));
  EXPECT_NE(other, data);  // an address comes back late
  EXPECT_CUDA(cudaFree(other));
  EXPECT_CUDA(cudaFree(nullptr));
}

TEST_F(MemoryTest, FreeWaitsForTheDevice) {
  cudaStream_t stream;
  int* pinned = nullptr;
  char* data = nullptr;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  ASSERT_CUDA(cudaMallocHost(&pinned, sizeof(int)));
  ASSERT_CUDA(cudaMalloc(&data, 100));
  for (int i = 0; i < 16; ++i) {
    ASSERT_CUDA(LaunchOne(stream, &Set, pinned, i));
    char* more = nullptr;
    ASSERT_CUDA(cudaMalloc(&more, 100));
    ASSERT_CUDA(cudaFree(more));
    EXPECT_EQ(*pinned, i);
  }
  EXPECT_CUDA(cudaFree(data));
  EXPECT_CUDA(cudaFreeHost(pinned));
  EXPECT_CUDA(cudaStreamDestroy(stream));
}

TEST_F(MemoryTest, CopiesCheckWhatCudaChecks) {
  char* data = nullptr;
  std::vector<char> host(1 << 16);
  ASSERT_CUDA(cudaMalloc(&data, 1000));
  ExpectError(cudaMemcpy(data, host.data(), 1001, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  ExpectError(cudaMemcpy(data + 999, host.data(), 2, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  ExpectError(cudaMemcpy(host.data(), host.data() + 8, 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  ExpectError(cudaMemcpy(data, host.data(), 8, static_cast<cudaMemcpyKind>(9)), cudaErrorInvalidMemcpyDirection);
  ExpectError(cudaMemcpy(nullptr, host.data(), 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  ExpectError(cudaMemset(host.data(), 0, 8), cudaErrorInvalidValue);
  EXPECT_CUDA(cudaMemcpy(data, host.data(), 0, cudaMemcpyHostToDevice));
  EXPECT_EQ(TakeFindings(), "");
  EXPECT_CUDA(cudaMemcpy(data, data + 8, 8, cudaMemcpyHostToDevice));
  EXPECT_NE(TakeFindings().find("source is device memory"), std::string::npos);
  EXPECT_CUDA(cudaFree(data));
}

TEST_F(MemoryTest, CopiesOfRowsLeaveTheRestAlone) {
  constexpr size_t kWidth = 100, kHeight = 7, kPitch = 128;
  size_t pitch = 0;
  char* data = nullptr;
  ASSERT_CUDA(cudaMallocPitch(&data, &pitch, kWidth, kHeight));
  EXPECT_GE(pitch, kWidth);
  EXPECT_EQ(pitch % 256, 0u);
  ASSERT_CUDA(cudaMemset(data, 0xee, pitch * kHeight));
  std::vector<unsigned char> source(kPitch * kHeight), back(pitch * kHeight);
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<unsigned char>(i);
  ASSERT_CUDA(cudaMemcpy2D(data, pitch, source.data(), kPitch, kWidth, kHeight, cudaMemcpyHostToDevice));
  ASSERT_CUDA(cudaMemset2DAsync(data, pitch, 0x11, 10, 2));
  ASSERT_CUDA(cudaMemcpy(back.data(), data, back.size(), cudaMemcpyDeviceToHost));
  for (size_t y = 0; y < kHeight; ++y) {
    for (size_t x = 0; x < pitch; ++x) {
      const unsigned char wanted = x >= kWidth ? 0xee : x < 10 && y < 2 ? 0x11 : source[y * kPitch + x];
      ASSERT_EQ(back[y * pitch + x], wanted) << x << ", " << y;
    }
  }
  ExpectError(cudaMemcpy2D(data, 8, source.data(), kPitch, 9, 1, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);

  cudaMemcpy3DParms parameters{};
  std::vector<unsigned char> box(2 * 3 * 4, 0);
  parameters.srcPtr = make_cudaPitchedPtr(data, pitch, kWidth, kHeight);
  parameters.srcPos = make_cudaPos(20, 1, 0);
  parameters.dstPtr = make_cudaPitchedPtr(box.data(), 4, 4, 3);
  parameters.extent = make_cudaExtent(4, 3, 1);
  parameters.kind = cudaMemcpyDeviceToHost;
  ASSERT_CUDA(cudaMemcpy3D(&parameters));
  for (size_t y = 0; y < 3; ++y) EXPECT_EQ(box[y * 4 + 1], source[(y + 1) * kPitch + 21]);
  EXPECT_CUDA(cudaFree(data));
}

TEST_F(MemoryTest, PinnedAndManagedAndRegisteredMemory) {
  int* pinned = nullptr;
  int* managed = nullptr;
  void* alias = nullptr;
  ASSERT_CUDA(cudaHostAlloc(&pinned, 64, cudaHostAllocMapped));
  ASSERT_CUDA(cudaMallocManaged(&managed, 64));
  EXPECT_CUDA(cudaHostGetDevicePointer(&alias, pinned, 0));
  EXPECT_EQ(alias, pinned);
  *managed = 3;
  ASSERT_CUDA(LaunchOne(
      nullptr, +[](int* m, int* p) { *p = *m + 1; }, managed, pinned));
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(*pinned, 4);
  ExpectError(cudaFree(pinned), cudaErrorInvalidValue);
  ExpectError(cudaFreeHost(managed), cudaErrorInvalidValue);

  std::vector<char> own(100);
  ExpectError(cudaHostGetDevicePointer(&alias, own.data(), 0), cudaErrorInvalidValue);
  ASSERT_CUDA(cudaHostRegister(own.data(), own.size(), cudaHostRegisterDefault));
  ExpectError(cudaHostRegister(own.data() + 50, 10, 0), cudaErrorHostMemoryAlreadyRegistered);
  cudaPointerAttributes attributes;
  ASSERT_CUDA(cudaPointerGetAttributes(&attributes, own.data() + 10));
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  ASSERT_CUDA(cudaHostUnregister(own.data()));
  ExpectError(cudaHostUnregister(own.data()), cudaErrorHostMemoryNotRegistered);
  ASSERT_CUDA(cudaPointerGetAttributes(&attributes, own.data() + 10));
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  ASSERT_CUDA(cudaPointerGetAttributes(&attributes, managed));
  EXPECT_EQ(attributes.type, cudaMemoryTypeManaged);
  EXPECT_CUDA(cudaFree(managed));
  EXPECT_CUDA(cudaFreeHost(pinned));
}

int g_symbol[4];
double g_other;

TEST_F(MemoryTest, SymbolsAreDeviceMemory) {
  const int values[4] = {1, 2, 3, 4};
  int back[4] = {};
  size_t bytes = 0;
  void* address = nullptr;
  ASSERT_CUDA(cudaMemcpyToSymbol(g_symbol, values, sizeof values));
  ASSERT_CUDA(cudaMemcpyToSymbol(g_symbol, &values[3], sizeof(int), sizeof(int)));
  ASSERT_CUDA(cudaMemcpyFromSymbol(back, g_symbol, sizeof back));
  EXPECT_EQ(back[0], 1);
  EXPECT_EQ(back[1], 4);
  ExpectError(cudaMemcpyToSymbol(g_symbol, values, sizeof values, 4), cudaErrorInvalidValue);
  ExpectError(cudaMemcpyToSymbol(g_symbol, values, 4, 0, cudaMemcpyDeviceToHost), cudaErrorInvalidMemcpyDirection);
  ASSERT_CUDA(cudaGetSymbolSize(&bytes, g_symbol));
  EXPECT_EQ(bytes, sizeof g_symbol);
  ASSERT_CUDA(cudaGetSymbolAddress(&address, g_other));
  const double two = 2;
  ASSERT_CUDA(cudaMemcpy(address, &two, sizeof two, cudaMemcpyHostToDevice));
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(g_other, 2);
}

TEST_F(MemoryTest, StreamOrderedAllocation) {
  cudaStream_t a, b;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
  ASSERT_CUDA(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
  cudaMemPool_t pool;
  uint64_t used = 1;
  ASSERT_CUDA(cudaDeviceGetDefaultMemPool(&pool, 0));
  int lost = 0;
  for (int i = 0; i < 32; ++i) {
    int* data = nullptr;
    int back = -1;
    ASSERT_CUDA(cudaMallocAsync(&data, 64, a));
    ASSERT_CUDA(LaunchOne(b, &Set, data, i));  // not ordered behind the allocation
    ASSERT_CUDA(cudaStreamSynchronize(b));
    ASSERT_CUDA(cudaMemcpyAsync(&back, data, sizeof back, cudaMemcpyDeviceToHost, a));
    lost += back != i;
    ASSERT_CUDA(LaunchOne(a, &Set, data, i));
    ASSERT_CUDA(cudaMemcpyAsync(&back, data, sizeof back, cudaMemcpyDeviceToHost, a));
    EXPECT_EQ(back, i);
    ASSERT_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
    EXPECT_EQ(used, 64u);
    ASSERT_CUDA(cudaFreeAsync(data, a));
    ExpectError(cudaFreeAsync(data, a), cudaErrorInvalidValue);
  }
  EXPECT_GT(lost, 3);
  ASSERT_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  EXPECT_EQ(used, 0u);

  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, 0};
  cudaMemPool_t own;
  int* data = nullptr;
  ASSERT_CUDA(cudaMemPoolCreate(&own, &properties));
  ASSERT_CUDA(cudaMallocFromPoolAsync(&data, 64, own, a));
  ASSERT_CUDA(cudaStreamSynchronize(a));
  EXPECT_CUDA(cudaFree(data));
  EXPECT_CUDA(cudaMemPoolDestroy(own));
  ExpectError(cudaMemPoolDestroy(pool), cudaErrorInvalidValue);
  EXPECT_CUDA(cudaStreamDestroy(a));
  EXPECT_CUDA(cudaStreamDestroy(b));
}

}  // namespace
}  // namespace cuda_host
