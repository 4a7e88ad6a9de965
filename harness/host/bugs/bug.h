// What the programs of the bug suite have in common. Each has a bug, and with -DTWIN none.
#ifndef HARNESS_HOST_BUGS_BUG_H_
#define HARNESS_HOST_BUGS_BUG_H_

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#ifdef TWIN
inline constexpr bool kTwin = true;
#else
inline constexpr bool kTwin = false;
#endif

// An error ends the program with status 1.
inline void Require(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", cudaGetErrorName(error), cudaGetErrorString(error));
  std::exit(1);
}

// Waits for everything, and requires that it went well.
inline void Finish() {
  Require(cudaGetLastError());
  Require(cudaDeviceSynchronize());
}

// `count` zeros on the device, there for every stream. The caller frees them.
template <typename T>
T* DeviceZeros(size_t count) {
  T* data = nullptr;
  Require(cudaMalloc(&data, count * sizeof(T)));
  Require(cudaMemset(data, 0, count * sizeof(T)));
  Require(cudaDeviceSynchronize());
  return data;
}

#endif  // HARNESS_HOST_BUGS_BUG_H_
