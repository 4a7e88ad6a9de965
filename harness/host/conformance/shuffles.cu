// Warp shuffles: four modes, six widths, all types.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstring>

#include "harness/host/conformance/conformance.h"

namespace {

enum Mode { kIdx, kUp, kDown, kXor };

// A distinct value for each lane of each warp; all types hold it exactly.
template <typename T>
__host__ __device__ T ValueOf(int i) {
  return T(i);
}
template <>
__host__ __device__ __half ValueOf(int i) {
  return __float2half(float(i) * 0.5f);
}
template <>
__host__ __device__ __nv_bfloat16 ValueOf(int i) {
  return __float2bfloat16(float(i));
}
template <>
__host__ __device__ __half2 ValueOf(int i) {
  return __floats2half2_rn(float(i), float(-i));
}
template <>
__host__ __device__ __nv_bfloat162 ValueOf(int i) {
  return __floats2bfloat162_rn(float(i), float(-i));
}
template <>
__host__ __device__ long long ValueOf(int i) {
  return i * 0x100000001ll - 7;
}
template <>
__host__ __device__ unsigned long long ValueOf(int i) {
  return i * 0x8000000100000001ull;
}
template <>
__host__ __device__ double ValueOf(int i) {
  return i + 1.0 / 1099511627776.0;
}

// Two warps; out[operand][thread].
template <typename T>
__global__ void Shuffle(Mode mode, int width, T* out) {
  const T value = ValueOf<T>(int(threadIdx.x));
  for (int operand = 0; operand < 32; ++operand) {
    T result = value;
    switch (mode) {
      case kIdx:
        result = __shfl_sync(0xffffffffu, value, operand, width);
        break;
      case kUp:
        result = __shfl_up_sync(0xffffffffu, value, operand, width);
        break;
      case kDown:
        result = __shfl_down_sync(0xffffffffu, value, operand, width);
        break;
      case kXor:
        result = __shfl_xor_sync(0xffffffffu, value, operand, width);
        break;
    }
    out[operand * 64 + threadIdx.x] = result;
  }
}

int SourceLane(Mode mode, int width, int operand, int lane) {
  const int first = lane / width * width, last = first + width - 1;
  switch (mode) {
    case kIdx:
      return first + operand % width;
    case kUp:
      return lane - operand >= first ? lane - operand : lane;
    case kDown:
      return lane + operand <= last ? lane + operand : lane;
    case kXor:
      return (lane ^ operand) <= last ? lane ^ operand : lane;  // earlier groups can be read, later cannot
  }
  return lane;
}

template <typename T>
void CheckShuffles() {
  for (Mode mode : {kIdx, kUp, kDown, kXor}) {
    for (int width = 1; width <= 32; width *= 2) {
      Device<T> out(32 * 64);
      Shuffle<T><<<1, 64>>>(mode, width, out.data());
      OK(cudaGetLastError());
      const auto result = out.Get();
      for (int i = 0; i < 32 * 64; ++i) {
        const int thread = i % 64;
        const T expected = ValueOf<T>(thread / 32 * 32 + SourceLane(mode, width, i / 64, thread % 32));
        if (std::memcmp(&result[i], &expected, sizeof(T)) == 0) continue;
        conformance::Fail(__FILE__, __LINE__,
                          "mode " + std::to_string(mode) + ", width " + std::to_string(width) + ", operand " +
                              std::to_string(i / 64) + ", thread " + std::to_string(thread) + ": expected " +
                              conformance::Show(expected) + ", is " + conformance::Show(result[i]));
        break;
      }
    }
  }
}

CONFORMANCE_CASE(shuffles, type_int, "int: idx, up, down, xor at widths 1 to 32, operands 0 to 31") {
  CheckShuffles<int>();
}
CONFORMANCE_CASE(shuffles, type_unsigned, "unsigned: all modes and widths") { CheckShuffles<unsigned>(); }
CONFORMANCE_CASE(shuffles, type_long, "long: all modes and widths") { CheckShuffles<long>(); }
CONFORMANCE_CASE(shuffles, type_long_long, "long long: all modes and widths") { CheckShuffles<long long>(); }
CONFORMANCE_CASE(shuffles, type_unsigned_long_long, "unsigned long long: all modes and widths") {
  CheckShuffles<unsigned long long>();
}
CONFORMANCE_CASE(shuffles, type_float, "float: all modes and widths") { CheckShuffles<float>(); }
CONFORMANCE_CASE(shuffles, type_double, "double: all modes and widths") { CheckShuffles<double>(); }
CONFORMANCE_CASE(shuffles, type_half, "__half: all modes and widths") { CheckShuffles<__half>(); }
CONFORMANCE_CASE(shuffles, type_half2, "__half2: all modes and widths") { CheckShuffles<__half2>(); }
CONFORMANCE_CASE(shuffles, type_bf16, "__nv_bfloat16: all modes and widths") { CheckShuffles<__nv_bfloat16>(); }
CONFORMANCE_CASE(shuffles, type_bf162, "__nv_bfloat162: all modes and widths") { CheckShuffles<__nv_bfloat162>(); }

__global__ void DefaultWidth(int* out) {
  const int i = threadIdx.x;
  out[i] = __shfl_sync(0xffffffffu, i * 3, 37);  // the width is 32, so lane 5
  out[32 + i] = __shfl_sync(0xffffffffu, i * 3, (i * 7 + 3) % 32);
  out[64 + i] = __shfl_down_sync(0xffffffffu, i, i % 4);
}

CONFORMANCE_CASE(shuffles, lane_by_lane,
                 "a source lane past the width is taken modulo it; operands that differ between lanes") {
  Device<int> out(96);
  DefaultWidth<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const int lane = int(i) % 32;
    if (i < 32) return 15;
    if (i < 64) return (lane * 7 + 3) % 32 * 3;
    return lane + lane % 4 < 32 ? lane + lane % 4 : lane;
  }());
}

__global__ void PartialMask(int* out) {
  const unsigned lane = threadIdx.x;
  int sum = -1;
  if (lane < 8) {
    sum = int(lane) * 10;
    for (int d = 4; d > 0; d /= 2) sum += __shfl_xor_sync(0xffu, sum, d);
  } else if (lane >= 20) {
    sum = __shfl_sync(0xfff00000u, int(lane) * 10, 20 + (lane - 17) % 12);
  }
  out[lane] = sum;
}

CONFORMANCE_CASE(shuffles, partial_masks, "shuffles among the lanes of a mask, in two branches of one warp") {
  Device<int> out(32);
  PartialMask<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, i < 8 ? 280 : i < 20 ? -1 : 10 * (20 + (int(i) - 17) % 12));
}

__global__ void ShortWarp(int* out) {
  const unsigned mask = threadIdx.x < 32 ? 0xffffffffu : 0xffu;
  int sum = int(threadIdx.x);
  const int width = threadIdx.x < 32 ? 32 : 8;
  for (int d = width / 2; d > 0; d /= 2) sum += __shfl_down_sync(mask, sum, d, width);
  out[threadIdx.x] = __shfl_sync(mask, sum, 0);
}

CONFORMANCE_CASE(shuffles, short_last_warp, "a last warp of eight threads, with a mask and a width of eight") {
  Device<int> out(40);
  ShortWarp<<<1, 40>>>(out.data());
  EXPECT_EACH(out.Get(), i, i < 32 ? 496 : 284);
}

__global__ void AfterExit(int* out) {
  const int lane = threadIdx.x;
  if (lane % 4 == 3) return;
  // The mask names all lanes: those that have returned do not count.
  out[lane] = __shfl_sync(0xffffffffu, lane * 2, lane / 4 * 4, 32);
}

CONFORMANCE_CASE(shuffles, exited_lanes, "a mask may name lanes that have returned") {
  Device<int> out(32);
  AfterExit<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, i % 4 == 3 ? int(0xcdcdcdcd) : int(i / 4 * 8));
}

__global__ void InLoop(unsigned* out) {
  unsigned value = threadIdx.x * 2654435761u;
  for (int round = 0; round < 50; ++round) {
    const unsigned left = __shfl_up_sync(0xffffffffu, value, 1 + round % 5);
    const unsigned right = __shfl_down_sync(0xffffffffu, value, 1 + round % 3);
    value = value * 5u + left * 3u + right;
  }
  out[threadIdx.x] = value;
}

CONFORMANCE_CASE(shuffles, long_chain, "a hundred shuffles in a row: none takes a value of another round") {
  Device<unsigned> out(64);
  InLoop<<<1, 64>>>(out.data());
  std::vector<unsigned> value = Make<unsigned>(64, [](size_t i) { return unsigned(i) * 2654435761u; });
  for (int round = 0; round < 50; ++round) {
    const std::vector<unsigned> old = value;
    for (int i = 0; i < 64; ++i) {
      const int base = i / 32 * 32, lane = i % 32;
      value[i] = old[i] * 5u + old[base + SourceLane(kUp, 32, 1 + round % 5, lane)] * 3u +
                 old[base + SourceLane(kDown, 32, 1 + round % 3, lane)];
    }
  }
  EXPECT_EACH(out.Get(), i, value[i]);
}

}  // namespace
