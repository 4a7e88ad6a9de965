// Atomics on floating-point numbers, and what is built from atomicCAS. All sums are exact, hence the same in any order.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "harness/host/conformance/conformance.h"

namespace {

template <typename T>
__global__ void AddReals(T* global, T* blocks, int n) {
  __shared__ T shared;
  if (threadIdx.x == 0) shared = T(0.5f);
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    atomicAdd(global, T(float(i % 9) - 3.0f));
    atomicAdd(&shared, T(float(i % 9) - 3.0f));
  }
  __syncthreads();
  if (threadIdx.x == 0) blocks[blockIdx.x] = shared;
}

// `n` small enough that every partial sum is exact in T.
template <typename T>
void CheckAdd(int n) {
  const int blocks = (n + 63) / 64;
  Device<T> global(std::vector<T>(1, T(0.5f))), shared(blocks);
  AddReals<<<blocks, 64>>>(global.data(), shared.data(), n);
  double all = 0.5;
  std::vector<double> each(blocks, 0.5);
  for (int i = 0; i < n; ++i) all += i % 9 - 3, each[i / 64] += i % 9 - 3;
  EXPECT_EQ(double(float(global.Get()[0])), all);
  EXPECT_EACH(Make<double>(blocks, [v = shared.Get()](size_t b) { return double(float(v[b])); }), b, each[b]);
}

CONFORMANCE_CASE(atomics, add_float, "atomicAdd of float, global and shared") { CheckAdd<float>(3000); }
CONFORMANCE_CASE(atomics, add_double, "atomicAdd of double, global and shared") { CheckAdd<double>(3000); }
CONFORMANCE_CASE(atomics, add_half, "atomicAdd of __half, global and shared") { CheckAdd<__half>(300); }
CONFORMANCE_CASE(atomics, add_bf16, "atomicAdd of __nv_bfloat16, global and shared") { CheckAdd<__nv_bfloat16>(70); }

template <typename T2>
__device__ T2 MakePair(float a, float b);
template <>
__device__ __half2 MakePair(float a, float b) {
  return __floats2half2_rn(a, b);
}
template <>
__device__ __nv_bfloat162 MakePair(float a, float b) {
  return __floats2bfloat162_rn(a, b);
}
template <>
__device__ float2 MakePair(float a, float b) {
  return make_float2(a, b);
}

template <typename T2>
__global__ void AddPairs(T2* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&out[i % 3], MakePair<T2>(float(i % 4), float(-(i % 5))));
}

template <typename T2>
void CheckPairs(float (*low)(T2), float (*high)(T2)) {
  Device<T2> out(3);
  OK(cudaMemset(out.data(), 0, 3 * sizeof(T2)));
  AddPairs<<<3, 40>>>(out.data());
  const auto result = out.Get();
  for (int slot = 0; slot < 3; ++slot) {
    float a = 0, b = 0;
    for (int i = slot; i < 120; i += 3) a += float(i % 4), b -= float(i % 5);
    EXPECT_EQ(low(result[slot]), a);
    EXPECT_EQ(high(result[slot]), b);
  }
}

CONFORMANCE_CASE(atomics, add_half2, "atomicAdd of __half2 adds both halves") {
  CheckPairs<__half2>([](__half2 v) { return __low2float(v); }, [](__half2 v) { return __high2float(v); });
}
CONFORMANCE_CASE(atomics, add_bf162, "atomicAdd of __nv_bfloat162 adds both halves") {
  CheckPairs<__nv_bfloat162>([](__nv_bfloat162 v) { return __low2float(v); },
                             [](__nv_bfloat162 v) { return __high2float(v); });
}
CONFORMANCE_CASE(atomics, add_float2, "atomicAdd of float2 in global memory") {
  CheckPairs<float2>([](float2 v) { return v.x; }, [](float2 v) { return v.y; });
}

__global__ void OldFloats(float* counter, float* out, double* wide, double* wide_out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = atomicAdd(counter, 0.25f);
  wide_out[i] = atomicAdd_system(wide, 0.125);
}

CONFORMANCE_CASE(atomics, old_floats, "atomicAdd of float and double returns the value before") {
  Device<float> counter(std::vector<float>(1, 1.0f)), out(500);
  Device<double> wide(std::vector<double>(1, -1.0)), wide_out(500);
  OldFloats<<<5, 100>>>(counter.data(), out.data(), wide.data(), wide_out.data());
  auto seen = out.Get();
  auto wide_seen = wide_out.Get();
  std::sort(seen.begin(), seen.end());
  std::sort(wide_seen.begin(), wide_seen.end());
  EXPECT_EACH(seen, i, 1.0f + 0.25f * float(i));
  EXPECT_EACH(wide_seen, i, -1.0 + 0.125 * double(i));
}

__device__ float AtomicMaxFloat(float* address, float value) {
  int old = __float_as_int(*static_cast<volatile float*>(address));
  while (__int_as_float(old) < value) {
    const int seen = atomicCAS(reinterpret_cast<int*>(address), old, __float_as_int(value));
    if (seen == old) break;
    old = seen;
  }
  return __int_as_float(old);
}

__global__ void MaxOfAll(const float* in, float* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) AtomicMaxFloat(out, in[i]);
}

CONFORMANCE_CASE(atomics, max_by_cas, "a maximum of floats by atomicCAS on their bits") {
  const auto in = Make<float>(1111, [](size_t i) { return float(int(Mix(i) % 100000)) - 99000.0f; });
  Device<float> values(in), out(std::vector<float>(1, -1e30f));
  MaxOfAll<<<12, 96>>>(values.data(), out.data(), 1111);
  EXPECT_EQ(out.Get()[0], *std::max_element(in.begin(), in.end()));
}

__device__ double AtomicMultiply(double* address, double factor) {
  auto* bits = reinterpret_cast<unsigned long long*>(address);
  unsigned long long old = *static_cast<volatile unsigned long long*>(bits), assumed;
  do {
    assumed = old;
    old = atomicCAS(bits, assumed, __double_as_longlong(__longlong_as_double(assumed) * factor));
  } while (assumed != old);
  return __longlong_as_double(old);
}

__global__ void Multiply(double* out) { AtomicMultiply(&out[threadIdx.x % 2], threadIdx.x % 2 == 0 ? 2.0 : 0.5); }

CONFORMANCE_CASE(atomics, double_by_cas, "a product of doubles by a 64-bit atomicCAS loop") {
  Device<double> out(std::vector<double>(2, 3.0));
  Multiply<<<2, 128>>>(out.data());
  EXPECT_EACH(out.Get(), i, std::ldexp(3.0, i == 0 ? 128 : -128));
}

__global__ void MinMaxByBits(const float* in, unsigned* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  // Order-preserving map of floats to unsigned.
  const unsigned bits = __float_as_uint(in[i]);
  const unsigned key = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  atomicMin(&out[0], key);
  atomicMax(&out[1], key);
}

CONFORMANCE_CASE(atomics, ordered_bits, "minimum and maximum of floats through ordered integer keys") {
  const auto in = Make<float>(777, [](size_t i) { return float(int(Mix(i) % 2001) - 1000) * 1.5f; });
  Device<float> values(in);
  Device<unsigned> out(std::vector<unsigned>{0xffffffffu, 0u});
  MinMaxByBits<<<8, 128>>>(values.data(), out.data(), 777);
  const auto keys = out.Get();
  float result[2];
  for (int i = 0; i < 2; ++i) {
    const unsigned bits = (keys[i] & 0x80000000u) != 0 ? keys[i] & 0x7fffffffu : ~keys[i];
    static_assert(sizeof bits == sizeof result[i]);
    std::copy_n(reinterpret_cast<const char*>(&bits), 4, reinterpret_cast<char*>(&result[i]));
  }
  EXPECT_EQ(result[0], *std::min_element(in.begin(), in.end()));
  EXPECT_EQ(result[1], *std::max_element(in.begin(), in.end()));
}

}  // namespace
