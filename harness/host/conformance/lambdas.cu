// Device lambdas passed to kernels (nvcc: --extended-lambda).
#include "harness/host/conformance/conformance.h"

template <typename Function>
__global__ void ForEach(int n, Function function) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) function(i);
}

template <typename T, typename Function>
__global__ void ReduceWith(const T* in, int n, T start, T* out, Function combine) {
  __shared__ T values[64];
  T mine = start;
  for (int i = threadIdx.x; i < n; i += 64) mine = combine(mine, in[i]);
  values[threadIdx.x] = mine;
  for (int half = 32; half > 0; half /= 2) {
    __syncthreads();
    if (int(threadIdx.x) < half) values[threadIdx.x] = combine(values[threadIdx.x], values[threadIdx.x + half]);
  }
  if (threadIdx.x == 0) *out = values[0];
}

// nvcc takes no extended lambda inside a function of internal linkage.
void LambdaCaptures() {
  Device<int> out(200);
  int* data = out.data();
  const int offset = 7;
  ForEach<<<2, 32>>>(200, [=] __device__(int i) { data[i] = i * i + offset; });
  EXPECT_EACH(out.Get(), i, int(i * i + 7));
  ForEach<<<2, 32>>>(100, [data, offset] __device__(int i) { data[2 * i] = -offset; });
  EXPECT_EACH(out.Get(), i, i % 2 == 0 ? -7 : int(i * i + 7));
}

void LambdaReduction() {
  const auto in = Make<long long>(1000, [](size_t i) { return (long long)(Mix(i) % 100000); });
  Device<long long> values(in), out(1);
  ReduceWith<<<1, 64>>>(values.data(), 1000, 0ll, out.data(),
                        [] __device__(long long a, long long b) { return a + b; });
  long long sum = 0, most = 0;
  for (long long value : in) sum += value, most = value > most ? value : most;
  EXPECT_EQ(out.Get()[0], sum);
  ReduceWith<<<1, 64>>>(values.data(), 1000, 0ll, out.data(),
                        [] __device__(long long a, long long b) { return a > b ? a : b; });
  EXPECT_EQ(out.Get()[0], most);
}

void LambdaSharedMemory() {
  Device<int> out(96);
  int* data = out.data();
  ForEach<<<3, 32>>>(96, [=] __device__(int i) {
    __shared__ int last;
    if (threadIdx.x == 31) last = i;
    __syncthreads();
    data[i] = last + __shfl_xor_sync(0xffffffffu, i, 1);
  });
  EXPECT_EACH(out.Get(), i, int(i / 32 * 32 + 31) + (int(i) ^ 1));
}

void LambdaHostDevice() {
  const auto collatz = [] __host__ __device__(int n) {
    int steps = 0;
    for (; n > 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
  };
  Device<int> out(128);
  int* data = out.data();
  ForEach<<<1, 128>>>(128, [=] __device__(int i) { data[i] = collatz(i); });
  EXPECT_EACH(out.Get(), i, collatz(int(i)));
}

CONFORMANCE_CASE(lambdas, captures, "a __device__ lambda with captures by value as a kernel's argument") {
  LambdaCaptures();
}
CONFORMANCE_CASE(lambdas, reduction, "a reduction whose operation is a lambda") { LambdaReduction(); }
CONFORMANCE_CASE(lambdas, shared_memory, "shared memory, a barrier and a shuffle inside a lambda") {
  LambdaSharedMemory();
}
CONFORMANCE_CASE(lambdas, host_device, "a __host__ __device__ lambda called on both sides") { LambdaHostDevice(); }
