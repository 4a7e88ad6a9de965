// Launches that are refused, error codes, and what cudaGetLastError and cudaPeekAtLastError say.
#include <cstring>

#include "harness/host/conformance/conformance.h"

namespace {

__global__ void Touch(int* out) {
  if (out != nullptr) out[0] = 1;
}
__global__ void __launch_bounds__(128) Narrow(int* out) { out[threadIdx.x] = 1; }

// The error that a launch leaves behind; it is taken away.
cudaError_t Launched(dim3 grid, dim3 block, size_t shared = 0) {
  Touch<<<grid, block, shared>>>(nullptr);
  return cudaGetLastError();
}

// What a launch of an impossible shape says: CUDA 12 the former, CUDA 13 the latter.
bool IsRefusal(cudaError_t error) { return error == cudaErrorInvalidConfiguration || error == cudaErrorInvalidValue; }

CONFORMANCE_CASE(errors, empty_launch, "a grid or a block with a side of 0 is refused") {
  EXPECT(IsRefusal(Launched(0, 32)));
  EXPECT(IsRefusal(Launched(dim3(1, 0), 32)));
  EXPECT(IsRefusal(Launched(dim3(1, 1, 0), 32)));
  EXPECT(IsRefusal(Launched(1, 0)));
  EXPECT(IsRefusal(Launched(1, dim3(4, 4, 0))));
  EXPECT_EQ(Launched(1, 1), cudaSuccess);
}

CONFORMANCE_CASE(errors, large_block, "more than 1024 threads, or more than 64 along z, are refused") {
  EXPECT_EQ(Launched(1, 1024), cudaSuccess);
  EXPECT(IsRefusal(Launched(1, 1025)));
  EXPECT(IsRefusal(Launched(1, dim3(32, 33))));
  EXPECT_EQ(Launched(1, dim3(1, 1, 64)), cudaSuccess);
  EXPECT(IsRefusal(Launched(1, dim3(1, 1, 65))));
}

CONFORMANCE_CASE(errors, large_grid, "more than 65535 blocks along y or z are refused") {
  EXPECT(IsRefusal(Launched(dim3(1, 65536, 1), 1)));
  EXPECT(IsRefusal(Launched(dim3(1, 1, 65536), 1)));
  EXPECT_EQ(Launched(dim3(65536, 1, 1), 1), cudaSuccess);
}

CONFORMANCE_CASE(errors, shared_memory, "more dynamic shared memory than the kernel may have is refused") {
  EXPECT_EQ(Launched(1, 32, 48 * 1024), cudaSuccess);
  EXPECT_EQ(Launched(1, 32, 48 * 1024 + 1), cudaErrorInvalidValue);
  EXPECT_EQ(Launched(1, 32, 1 << 20), cudaErrorInvalidValue);
}

CONFORMANCE_CASE(errors, launch_bounds, "more threads than __launch_bounds__ allows are refused") {
  Device<int> out(256);
  Narrow<<<1, 128>>>(out.data());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  Narrow<<<1, 129>>>(out.data());
  EXPECT(cudaPeekAtLastError() != cudaSuccess);
  cudaFuncAttributes attributes;
  EXPECT(cudaGetLastError() != cudaSuccess);
  OK(cudaFuncGetAttributes(&attributes, Narrow));
  EXPECT_EQ(attributes.maxThreadsPerBlock, 128);
  EXPECT_EACH(out.Get(), i, i < 128 ? 1 : int(0xcdcdcdcd));
}

CONFORMANCE_CASE(errors, last_error,
                 "cudaPeekAtLastError keeps the error, cudaGetLastError takes it; success does not hide it") {
  Device<int> out(1);
  Touch<<<1, 2000>>>(out.data());
  const cudaError_t refusal = cudaPeekAtLastError();
  EXPECT(IsRefusal(refusal));
  int device = 0;
  OK(cudaGetDevice(&device));
  Touch<<<1, 1>>>(out.data());  // runs all the same
  OK(cudaDeviceSynchronize());
  EXPECT_EQ(cudaPeekAtLastError(), refusal);
  EXPECT_EQ(cudaGetLastError(), refusal);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(out.Get()[0], 1);
}

CONFORMANCE_CASE(errors, latest_wins, "of two errors the later is the last error") {
  EXPECT_EQ(cudaSetDevice(12345), cudaErrorInvalidDevice);
  Touch<<<0, 1>>>(nullptr);
  EXPECT(IsRefusal(cudaGetLastError()));
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

CONFORMANCE_CASE(errors, out_of_memory, "an allocation that cannot be is cudaErrorMemoryAllocation, and not sticky") {
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, size_t{1} << 50), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  OK(cudaMalloc(&memory, 1024));
  OK(cudaFree(memory));
}

CONFORMANCE_CASE(errors, invalid_values, "arguments that cannot be: cudaErrorInvalidValue and its kin") {
  int host[4] = {};
  Device<int> device(4);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(nullptr, 16), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(nullptr, host, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device.data(), nullptr, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device.data(), host, 16, static_cast<cudaMemcpyKind>(17)), cudaErrorInvalidMemcpyDirection);
  EXPECT_EQ(cudaMemset(nullptr, 0, 16), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy2D(host, 4, device.data(), 8, 8, 2, cudaMemcpyDeviceToHost), cudaErrorInvalidPitchValue);
  EXPECT_EQ(cudaFree(host), cudaErrorInvalidValue);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 4711), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaHostUnregister(host), cudaErrorHostMemoryNotRegistered);
  EXPECT_EQ(cudaGetLastError(), cudaErrorHostMemoryNotRegistered);
  OK(cudaFree(nullptr));
  OK(cudaFreeHost(nullptr));
  OK(cudaMalloc(&memory, 64));
  EXPECT_EQ(cudaFree(static_cast<char*>(memory) + 16), cudaErrorInvalidValue);
  OK(cudaFree(memory));
  (void)cudaGetLastError();
}

CONFORMANCE_CASE(errors, events, "times between events that were not recorded, or keep no time, are refused") {
  cudaEvent_t start, stop, untimed;
  OK(cudaEventCreate(&start));
  OK(cudaEventCreate(&stop));
  OK(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  float ms = 0;
  EXPECT_EQ(cudaEventElapsedTime(&ms, start, stop), cudaErrorInvalidResourceHandle);
  OK(cudaEventRecord(start));
  OK(cudaEventRecord(untimed));
  OK(cudaDeviceSynchronize());
  EXPECT_EQ(cudaEventElapsedTime(&ms, start, untimed), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  for (cudaEvent_t event : {start, stop, untimed}) OK(cudaEventDestroy(event));
}

CONFORMANCE_CASE(errors, names, "cudaGetErrorName and cudaGetErrorString") {
  EXPECT_EQ(std::string(cudaGetErrorName(cudaErrorInvalidConfiguration)), std::string("cudaErrorInvalidConfiguration"));
  EXPECT_EQ(std::string(cudaGetErrorString(cudaErrorInvalidValue)), std::string("invalid argument"));
  EXPECT_EQ(std::string(cudaGetErrorString(cudaSuccess)), std::string("no error"));
  EXPECT_EQ(std::string(cudaGetErrorString(cudaErrorMemoryAllocation)), std::string("out of memory"));
}

CONFORMANCE_CASE(errors, device_limits, "device properties and attributes of compute capability 9.0") {
  cudaDeviceProp p;
  OK(cudaGetDeviceProperties(&p, 0));
  EXPECT_EQ(p.major * 10 + p.minor, 90);
  EXPECT_EQ(p.warpSize, 32);
  EXPECT_EQ(p.maxThreadsPerBlock, 1024);
  EXPECT_EQ(p.maxThreadsDim[2], 64);
  EXPECT_EQ(p.maxGridSize[0], 2147483647);
  EXPECT_EQ(p.maxGridSize[1], 65535);
  EXPECT_EQ(p.sharedMemPerBlock, 48u * 1024);
  EXPECT_EQ(p.sharedMemPerBlockOptin, 227u * 1024);
  EXPECT_EQ(p.maxThreadsPerMultiProcessor, 2048);
  EXPECT_EQ(p.regsPerBlock, 65536);
  EXPECT_EQ(p.totalConstMem, 65536u);
  EXPECT(p.multiProcessorCount > 0);
  int value = 0;
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxThreadsPerBlock, 0));
  EXPECT_EQ(value, 1024);
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrUnifiedAddressing, 0));
  EXPECT_EQ(value, 1);
  OK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 0));
  EXPECT_EQ(value, 9);
}

}  // namespace
