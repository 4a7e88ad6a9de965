// Virtual memory management: cuMemCreate and its kin, of the driver API.
#include <cuda.h>

#include "harness/host/conformance/conformance.h"

namespace {

__global__ void Fill(int* data, size_t n, int start) {
  for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += size_t{gridDim.x} * blockDim.x)
    data[i] = start + int(i);
}

CUmemAllocationProp OnDevice0() {
  CUmemAllocationProp prop = {};
  prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  prop.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  prop.location.id = 0;
  return prop;
}

size_t Granularity() {
  OK(cudaFree(nullptr));  // makes the context
  OK(cuInit(0));
  size_t granularity = 0;
  const CUmemAllocationProp prop = OnDevice0();
  OK(cuMemGetAllocationGranularity(&granularity, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM));
  return granularity;
}

void Allow(CUdeviceptr at, size_t bytes, CUmemAccess_flags flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE) {
  CUmemAccessDesc access = {};
  access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  access.location.id = 0;
  access.flags = flags;
  OK(cuMemSetAccess(at, bytes, &access, 1));
}

CONFORMANCE_CASE(virtual_memory, map_and_use, "reserve, create, map, allow; kernels and copies use the range; unmap") {
  const size_t bytes = Granularity(), n = bytes / sizeof(int);
  EXPECT_EQ(bytes % 65536, 0u);
  CUdeviceptr at = 0;
  CUmemGenericAllocationHandle handle;
  const CUmemAllocationProp prop = OnDevice0();
  OK(cuMemAddressReserve(&at, bytes, 0, 0, 0));
  EXPECT_EQ(at % bytes, 0u);
  OK(cuMemCreate(&handle, bytes, &prop, 0));
  OK(cuMemMap(at, bytes, 0, handle, 0));
  Allow(at, bytes);
  Fill<<<8, 128>>>(reinterpret_cast<int*>(at), n, 5);
  std::vector<int> host(n);
  OK(cudaMemcpy(host.data(), reinterpret_cast<void*>(at), bytes, cudaMemcpyDeviceToHost));
  EXPECT_EACH(host, i, int(i) + 5);
  OK(cuMemUnmap(at, bytes));
  OK(cuMemRelease(handle));
  OK(cuMemAddressFree(at, bytes));
}

CONFORMANCE_CASE(virtual_memory, two_mappings,
                 "one piece of memory at two addresses: what is written at one is read at the other") {
  const size_t bytes = Granularity(), n = bytes / sizeof(int);
  CUdeviceptr at = 0;
  CUmemGenericAllocationHandle handle;
  const CUmemAllocationProp prop = OnDevice0();
  OK(cuMemAddressReserve(&at, 2 * bytes, 0, 0, 0));
  OK(cuMemCreate(&handle, bytes, &prop, 0));
  OK(cuMemMap(at, bytes, 0, handle, 0));
  OK(cuMemMap(at + bytes, bytes, 0, handle, 0));
  Allow(at, 2 * bytes);
  OK(cuMemRelease(handle));  // the mappings keep the memory
  Fill<<<8, 128>>>(reinterpret_cast<int*>(at), n, 1);
  OK(cudaDeviceSynchronize());
  std::vector<int> host(n);
  OK(cudaMemcpy(host.data(), reinterpret_cast<void*>(at + bytes), bytes, cudaMemcpyDeviceToHost));
  EXPECT_EACH(host, i, int(i) + 1);
  OK(cudaMemset(reinterpret_cast<void*>(at + bytes), 0, 4));
  int first = -1;
  OK(cudaMemcpy(&first, reinterpret_cast<void*>(at), 4, cudaMemcpyDeviceToHost));
  EXPECT_EQ(first, 0);
  OK(cuMemUnmap(at, 2 * bytes));
  OK(cuMemAddressFree(at, 2 * bytes));
}

CONFORMANCE_CASE(virtual_memory, joined_pieces,
                 "two pieces of memory one behind the other, and swapped: the contents go with the piece") {
  const size_t bytes = Granularity(), n = bytes / sizeof(int);
  CUdeviceptr at = 0;
  CUmemGenericAllocationHandle handles[2];
  const CUmemAllocationProp prop = OnDevice0();
  OK(cuMemAddressReserve(&at, 2 * bytes, 0, 0, 0));
  for (CUmemGenericAllocationHandle& handle : handles) OK(cuMemCreate(&handle, bytes, &prop, 0));
  for (int piece = 0; piece < 2; ++piece) OK(cuMemMap(at + piece * bytes, bytes, 0, handles[piece], 0));
  Allow(at, 2 * bytes);
  Fill<<<8, 128>>>(reinterpret_cast<int*>(at), 2 * n, 0);
  OK(cudaDeviceSynchronize());
  OK(cuMemUnmap(at, 2 * bytes));
  for (int piece = 0; piece < 2; ++piece) OK(cuMemMap(at + piece * bytes, bytes, 0, handles[1 - piece], 0));
  Allow(at, 2 * bytes);
  std::vector<int> host(2 * n);
  OK(cudaMemcpy(host.data(), reinterpret_cast<void*>(at), 2 * bytes, cudaMemcpyDeviceToHost));
  EXPECT_EACH(host, i, int(i < n ? i + n : i - n));
  OK(cuMemUnmap(at, 2 * bytes));
  for (CUmemGenericAllocationHandle handle : handles) OK(cuMemRelease(handle));
  OK(cuMemAddressFree(at, 2 * bytes));
}

CONFORMANCE_CASE(virtual_memory, refused, "sizes that are no multiple of the granularity are refused") {
  const size_t bytes = Granularity();
  CUmemGenericAllocationHandle handle;
  const CUmemAllocationProp prop = OnDevice0();
  EXPECT_EQ(cuMemCreate(&handle, bytes + 1, &prop, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemCreate(&handle, 0, &prop, 0), CUDA_ERROR_INVALID_VALUE);
}

}  // namespace
