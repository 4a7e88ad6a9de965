// Allocation, fills and copies.
#include <cstring>

#include "harness/host/conformance/conformance.h"

namespace {

__global__ void Increment(int* data, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) data[i] += 1;
}

CONFORMANCE_CASE(memory, memset, "cudaMemset fills bytes, at any address and length; cudaMemsetAsync in its stream") {
  Device<unsigned char> data(Make<unsigned char>(1000, [](size_t) { return 1; }));
  OK(cudaMemset(data.data() + 3, 0x1ab, 333));  // the low byte counts
  EXPECT_EACH(data.Get(), i, i >= 3 && i < 336 ? 0xab : 1);
  cudaStream_t stream;
  OK(cudaStreamCreate(&stream));
  OK(cudaMemsetAsync(data.data(), 9, 1000, stream));
  OK(cudaMemsetAsync(data.data() + 500, 8, 100, stream));
  OK(cudaStreamSynchronize(stream));
  OK(cudaStreamDestroy(stream));
  EXPECT_EACH(data.Get(), i, i >= 500 && i < 600 ? 8 : 9);
}

CONFORMANCE_CASE(memory, memset_2d, "cudaMemset2D leaves what lies between the rows") {
  Device<unsigned char> data(Make<unsigned char>(64 * 10, [](size_t) { return 5; }));
  OK(cudaMemset2D(data.data() + 64, 64, 7, 30, 8));
  EXPECT_EACH(data.Get(), i, i >= 64 && i < 576 && i % 64 < 30 ? 7 : 5);
}

CONFORMANCE_CASE(memory, copy_kinds, "cudaMemcpy in all four directions, and cudaMemcpyDefault in each") {
  const auto source = Make<int>(500, [](size_t i) { return int(Mix(i)); });
  std::vector<int> host(500), back(500);
  Device<int> a(500), b(500);
  OK(cudaMemcpy(host.data(), source.data(), 2000, cudaMemcpyHostToHost));
  OK(cudaMemcpy(a.data(), host.data(), 2000, cudaMemcpyHostToDevice));
  OK(cudaMemcpy(b.data(), a.data(), 2000, cudaMemcpyDeviceToDevice));
  OK(cudaMemcpy(back.data(), b.data(), 2000, cudaMemcpyDeviceToHost));
  EXPECT_EACH(back, i, source[i]);
  Increment<<<4, 128>>>(b.data(), 500);
  OK(cudaMemcpy(a.data(), b.data(), 2000, cudaMemcpyDefault));
  OK(cudaMemcpy(host.data(), a.data(), 2000, cudaMemcpyDefault));
  OK(cudaMemcpy(b.data(), source.data(), 2000, cudaMemcpyDefault));
  OK(cudaMemcpy(back.data(), host.data(), 2000, cudaMemcpyDefault));
  EXPECT_EACH(back, i, int(unsigned(source[i]) + 1u));
  EXPECT_EACH(b.Get(), i, source[i]);
}

CONFORMANCE_CASE(memory, odd_copies, "copies of odd lengths at odd addresses") {
  Device<char> data(Make<char>(4096, [](size_t i) { return char(i * 31); })), target(4096);
  for (size_t length : {1u, 3u, 17u, 255u, 1025u}) {
    OK(cudaMemset(target.data(), 0, 4096));
    OK(cudaMemcpy(target.data() + 7, data.data() + 13, length, cudaMemcpyDeviceToDevice));
    EXPECT_EACH(target.Get(), i, i >= 7 && i < 7 + length ? char((i + 6) * 31) : char(0));
  }
}

CONFORMANCE_CASE(memory, copy_2d, "cudaMemcpy2D between pitches, cudaMallocPitch") {
  const int width = 50, height = 20;
  char* pitched = nullptr;
  size_t pitch = 0;
  OK(cudaMallocPitch(reinterpret_cast<void**>(&pitched), &pitch, width, height));
  EXPECT(pitch >= width && pitch % 16 == 0);
  const auto host = Make<char>(60 * height, [](size_t i) { return char(Mix(i)); });
  OK(cudaMemset(pitched, 0, pitch * height));
  OK(cudaMemcpy2D(pitched, pitch, host.data(), 60, width, height, cudaMemcpyHostToDevice));
  Device<char> tight(width * height);
  OK(cudaMemcpy2DAsync(tight.data(), width, pitched, pitch, width, height, cudaMemcpyDeviceToDevice, nullptr));
  EXPECT_EACH(tight.Get(), i, host[i / width * 60 + i % width]);
  std::vector<char> back(70 * height, 'x');
  OK(cudaMemcpy2D(back.data(), 70, pitched, pitch, width - 1, height, cudaMemcpyDefault));
  EXPECT_EACH(back, i, i % 70 < width - 1 ? host[i / 70 * 60 + i % 70] : 'x');
  OK(cudaFree(pitched));
}

CONFORMANCE_CASE(memory, pinned, "cudaMallocHost: asynchronous copies both ways around a kernel") {
  int* host = nullptr;
  OK(cudaMallocHost(reinterpret_cast<void**>(&host), 4000));
  for (int i = 0; i < 1000; ++i) host[i] = i * 3;
  Device<int> data(1000);
  cudaStream_t stream;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  OK(cudaMemcpyAsync(data.data(), host, 4000, cudaMemcpyHostToDevice, stream));
  Increment<<<8, 128, 0, stream>>>(data.data(), 1000);
  OK(cudaMemcpyAsync(host, data.data(), 4000, cudaMemcpyDeviceToHost, stream));
  OK(cudaStreamSynchronize(stream));
  EXPECT_EACH(std::vector<int>(host, host + 1000), i, int(3 * i + 1));
  OK(cudaStreamDestroy(stream));
  OK(cudaFreeHost(host));
}

CONFORMANCE_CASE(memory, pageable_async,
                 "cudaMemcpyAsync of pageable memory: the source may change when it returns, the target has arrived") {
  std::vector<int> host(3000), back(3000, -1);
  for (int i = 0; i < 3000; ++i) host[i] = i;
  Device<int> data(3000);
  cudaStream_t stream;
  OK(cudaStreamCreate(&stream));
  OK(cudaMemcpyAsync(data.data(), host.data(), 12000, cudaMemcpyHostToDevice, stream));
  std::fill(host.begin(), host.end(), -5);
  Increment<<<24, 128, 0, stream>>>(data.data(), 3000);
  OK(cudaMemcpyAsync(back.data(), data.data(), 12000, cudaMemcpyDeviceToHost, stream));
  EXPECT_EACH(back, i, int(i + 1));
  OK(cudaStreamSynchronize(stream));
  OK(cudaStreamDestroy(stream));
}

CONFORMANCE_CASE(memory, registered, "cudaHostRegister: a kernel writes to memory that the host allocated") {
  std::vector<int> memory(4096, 4);
  OK(cudaHostRegister(memory.data(), 4096 * sizeof(int), cudaHostRegisterMapped));
  EXPECT_EQ(cudaHostRegister(memory.data(), 4096 * sizeof(int), cudaHostRegisterMapped),
            cudaErrorHostMemoryAlreadyRegistered);
  (void)cudaGetLastError();
  int* device = nullptr;
  OK(cudaHostGetDevicePointer(reinterpret_cast<void**>(&device), memory.data(), 0));
  Increment<<<32, 128>>>(device, 4096);
  OK(cudaDeviceSynchronize());
  EXPECT_EACH(memory, i, 5);
  OK(cudaHostUnregister(memory.data()));
}

CONFORMANCE_CASE(memory, mapped, "cudaHostAllocMapped: kernel and host work on one array in turn") {
  int* host = nullptr;
  OK(cudaHostAlloc(reinterpret_cast<void**>(&host), 400, cudaHostAllocMapped | cudaHostAllocPortable));
  for (int i = 0; i < 100; ++i) host[i] = i;
  int* device = nullptr;
  OK(cudaHostGetDevicePointer(reinterpret_cast<void**>(&device), host, 0));
  for (int round = 0; round < 3; ++round) {
    Increment<<<1, 100>>>(device, 100);
    OK(cudaDeviceSynchronize());
    for (int i = 0; i < 100; ++i) host[i] *= 2;
  }
  EXPECT_EACH(std::vector<int>(host, host + 100), i, int(8 * i + 14));
  unsigned flags = 0;
  OK(cudaHostGetFlags(&flags, host));
  EXPECT((flags & cudaHostAllocMapped) != 0);
  OK(cudaFreeHost(host));
}

CONFORMANCE_CASE(memory, managed, "cudaMallocManaged: one pointer on both sides") {
  int* data = nullptr;
  OK(cudaMallocManaged(reinterpret_cast<void**>(&data), 2000));
  for (int i = 0; i < 500; ++i) data[i] = -i;
  Increment<<<4, 128>>>(data, 500);
  OK(cudaDeviceSynchronize());
  EXPECT_EACH(std::vector<int>(data, data + 500), i, 1 - int(i));
  data[7] = 100;
  Device<int> copy(500);
  OK(cudaMemcpy(copy.data(), data, 2000, cudaMemcpyDefault));
  EXPECT_EACH(copy.Get(), i, i == 7 ? 100 : 1 - int(i));
  OK(cudaFree(data));
}

CONFORMANCE_CASE(memory, stream_ordered, "cudaMallocAsync and cudaFreeAsync in the order of a stream") {
  cudaStream_t stream;
  OK(cudaStreamCreate(&stream));
  Device<int> sum(std::vector<int>(100, 0));
  for (int round = 0; round < 5; ++round) {
    int* scratch = nullptr;
    OK(cudaMallocAsync(reinterpret_cast<void**>(&scratch), 400, stream));
    OK(cudaMemsetAsync(scratch, 0, 400, stream));
    Increment<<<1, 100, 0, stream>>>(scratch, 100);
    OK(cudaMemcpyAsync(sum.data() + round * 20, scratch, 80, cudaMemcpyDeviceToDevice, stream));
    OK(cudaFreeAsync(scratch, stream));
  }
  OK(cudaStreamSynchronize(stream));
  EXPECT_EACH(sum.Get(), i, 1);
  int* shared = nullptr;
  OK(cudaMallocAsync(reinterpret_cast<void**>(&shared), 400, stream));
  OK(cudaStreamSynchronize(stream));
  OK(cudaMemset(shared, 0, 400));
  Increment<<<1, 100>>>(shared, 100);
  std::vector<int> host(100);
  OK(cudaMemcpy(host.data(), shared, 400, cudaMemcpyDeviceToHost));
  EXPECT_EACH(host, i, 1);
  OK(cudaFree(shared));  // is allowed as well
  OK(cudaStreamDestroy(stream));
}

CONFORMANCE_CASE(memory, pointer_attributes, "cudaPointerGetAttributes of device, pinned, managed and plain memory") {
  Device<char> device(100);
  char *pinned = nullptr, *managed = nullptr, plain[16];
  OK(cudaMallocHost(reinterpret_cast<void**>(&pinned), 100));
  OK(cudaMallocManaged(reinterpret_cast<void**>(&managed), 100));
  cudaPointerAttributes attributes;
  OK(cudaPointerGetAttributes(&attributes, device.data() + 50));
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(attributes.device, 0);
  EXPECT_EQ(attributes.devicePointer, static_cast<void*>(device.data() + 50));
  OK(cudaPointerGetAttributes(&attributes, pinned));
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  EXPECT_EQ(attributes.hostPointer, static_cast<void*>(pinned));
  OK(cudaPointerGetAttributes(&attributes, managed));
  EXPECT_EQ(attributes.type, cudaMemoryTypeManaged);
  OK(cudaPointerGetAttributes(&attributes, plain));
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  OK(cudaFreeHost(pinned));
  OK(cudaFree(managed));
}

CONFORMANCE_CASE(memory, info, "cudaMemGetInfo: what is allocated is missing from what is free, and comes back") {
  size_t free_before = 0, free_during = 0, free_after = 0, total = 0;
  OK(cudaMemGetInfo(&free_before, &total));
  EXPECT(free_before <= total && total > 0);
  const size_t bytes = size_t{64} << 20;
  void* memory = nullptr;
  OK(cudaMalloc(&memory, bytes));
  OK(cudaMemGetInfo(&free_during, &total));
  OK(cudaFree(memory));
  OK(cudaMemGetInfo(&free_after, &total));
  EXPECT(free_before - free_during >= bytes);
  EXPECT(free_after - free_during >= bytes);
}

CONFORMANCE_CASE(memory, nothing, "allocations and copies of no bytes") {
  void* memory = &memory;
  OK(cudaMalloc(&memory, 0));
  EXPECT(memory == nullptr);
  OK(cudaMemcpy(nullptr, nullptr, 0, cudaMemcpyDeviceToDevice));
  OK(cudaMemset(nullptr, 0, 0));
  Device<int> data(std::vector<int>(4, 3));
  int host = 9;
  OK(cudaMemcpy(data.data(), &host, 0, cudaMemcpyHostToDevice));
  OK(cudaMemcpyAsync(&host, data.data(), 0, cudaMemcpyDeviceToHost, nullptr));
  EXPECT_EACH(data.Get(), i, 3);
  EXPECT_EQ(host, 9);
}

CONFORMANCE_CASE(memory, allocations, "allocations are 256-byte aligned and do not overlap") {
  const int n = 40;
  std::vector<unsigned char*> blocks(n);
  for (int i = 0; i < n; ++i) {
    OK(cudaMalloc(reinterpret_cast<void**>(&blocks[i]), 1 + i * 37));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(blocks[i]) % 256, 0u);
    OK(cudaMemset(blocks[i], i, 1 + i * 37));
  }
  for (int i = 0; i < n; ++i) {
    std::vector<unsigned char> bytes(1 + i * 37);
    OK(cudaMemcpy(bytes.data(), blocks[i], bytes.size(), cudaMemcpyDeviceToHost));
    EXPECT_EACH(bytes, j, i);
    OK(cudaFree(blocks[i]));
  }
}

CONFORMANCE_CASE(memory, large_copy, "a copy of 16 MiB through pageable, pinned and device memory") {
  const size_t n = size_t{4} << 20;
  const auto host = Make<unsigned>(n, [](size_t i) { return unsigned(i * 2654435761u); });
  Device<unsigned> a(host), b(n);
  OK(cudaMemcpyAsync(b.data(), a.data(), n * 4, cudaMemcpyDeviceToDevice));
  unsigned* pinned = nullptr;
  OK(cudaMallocHost(reinterpret_cast<void**>(&pinned), n * 4));
  OK(cudaMemcpy(pinned, b.data(), n * 4, cudaMemcpyDeviceToHost));
  EXPECT(std::memcmp(pinned, host.data(), n * 4) == 0);
  OK(cudaFreeHost(pinned));
}

}  // namespace
