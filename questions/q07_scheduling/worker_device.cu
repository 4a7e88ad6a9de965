// The GPU as part D's worker uses it: cudaMalloc, and chains of multiply-adds of a length that is known beforehand.
#include <cuda_runtime.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "questions/q07_scheduling/worker_device.h"

namespace q07 {
namespace {

// Four warps for each of an SM's four schedulers. Each issues an FMA every four cycles, the latency of one, so that a
// block keeps one SM busy; a second block on the same SM makes both take twice as long.
constexpr int kThreads = 512;
constexpr int64_t kCyclesPerFma = 4;
constexpr int kUnroll = 64;
constexpr int64_t kKernelMs = 10;

__global__ void ChainOfFmas(int64_t rounds, float factor, float* sink) {
  float x = static_cast<float>(threadIdx.x);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma unroll
    for (int i = 0; i < kUnroll; ++i) x = fmaf(x, factor, 1.0f);
  }
  if (x == -1.0f) *sink = x;  // never; keeps the chain
}

void Check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "worker: %s: %s\n", call, cudaGetErrorString(error));
  _exit(kDeviceTrouble);
}

int Attribute(cudaDeviceAttr attribute) {
  int value = 0;
  Check(cudaDeviceGetAttribute(&value, attribute, 0), "cudaDeviceGetAttribute");
  return value;
}

// MPS shows a client with an active thread percentage that part of the SMs only.
int BlocksFor(int32_t percent) {
  const char* text = std::getenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE");
  const double visible = text != nullptr && std::atof(text) > 0 ? std::atof(text) : 100;
  const int sms = Attribute(cudaDevAttrMultiProcessorCount);
  return std::clamp(static_cast<int>(sms * percent / visible + 0.5), 1, sms);
}

}  // namespace

bool AllocateOnDevice(int64_t mib) {
  void* at = nullptr;
  const size_t bytes = static_cast<size_t>(mib) << 20;
  // The first call makes the context, whose own memory counts too.
  const cudaError_t error = cudaMalloc(&at, bytes);
  if (error == cudaErrorMemoryAllocation) return false;
  Check(error, "cudaMalloc");
  Check(cudaMemset(at, 1, bytes), "cudaMemset");
  Check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  return true;
}

void WorkOnDevice(int64_t milliseconds, int32_t percent, const std::function<void()>& tick) {
  const int64_t cycles_per_ms = Attribute(cudaDevAttrClockRate);  // kHz
  const int blocks = BlocksFor(percent);
  for (int64_t done = 0; done < milliseconds; done += kKernelMs) {
    const int64_t ms = std::min(kKernelMs, milliseconds - done);
    ChainOfFmas<<<blocks, kThreads>>>(ms * cycles_per_ms / (kCyclesPerFma * kUnroll), 0.5f, nullptr);
    Check(cudaGetLastError(), "a kernel's launch");
    Check(cudaDeviceSynchronize(), "a kernel");
    tick();
  }
}

}  // namespace q07
