// Static and dynamic shared memory.
#include <cstring>

#include "harness/host/conformance/conformance.h"

namespace {

__global__ void Reverse(const int* in, int* out) {
  __shared__ int values[96];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  values[threadIdx.x] = in[i];
  __syncthreads();
  out[i] = values[blockDim.x - 1 - threadIdx.x];
}

CONFORMANCE_CASE(shared_memory, static_array,
                 "a __shared__ array that the threads of a block exchange values through") {
  Device<int> in(Make<int>(96 * 7, [](size_t i) { return int(i * i); })), out(96 * 7);
  Reverse<<<7, 96>>>(in.data(), out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const size_t j = i / 96 * 96 + 95 - i % 96;
    return int(j * j);
  }());
}

__global__ void Transpose(const float* in, float* out, int rows, int columns) {
  __shared__ float tile[16][17];
  const int c = blockIdx.x * 16 + threadIdx.x, r = blockIdx.y * 16 + threadIdx.y;
  if (r < rows && c < columns) tile[threadIdx.y][threadIdx.x] = in[r * columns + c];
  __syncthreads();
  const int to_r = blockIdx.x * 16 + threadIdx.y, to_c = blockIdx.y * 16 + threadIdx.x;
  if (to_r < columns && to_c < rows) out[to_r * rows + to_c] = tile[threadIdx.x][threadIdx.y];
}

CONFORMANCE_CASE(shared_memory, two_dimensional, "a padded 2-D tile: transposition of a matrix that no tile divides") {
  const int rows = 45, columns = 70;
  Device<float> in(Make<float>(rows * columns, [](size_t i) { return float(i); })), out(rows * columns);
  Transpose<<<dim3(5, 3), dim3(16, 16)>>>(in.data(), out.data(), rows, columns);
  EXPECT_EACH(out.Get(), i, float(i % rows * columns + i / rows));
}

struct alignas(16) Wide {
  int a;
  double b;
};

__global__ void SeveralArrays(unsigned long long* addresses, int* sums) {
  __shared__ char bytes[3];
  __shared__ double reals[4], more[2][3];
  __shared__ Wide wide[2];
  __shared__ short single;
  if (threadIdx.x == 0) {
    addresses[0] = (unsigned long long)&reals[0];
    addresses[1] = (unsigned long long)&more[0][0];
    addresses[2] = (unsigned long long)&wide[0];
    addresses[3] = (unsigned long long)&single;
    bytes[2] = 5, single = 7, wide[1] = {11, 13.0}, more[1][2] = 17.0, reals[3] = 19.0;
  }
  __syncthreads();
  sums[threadIdx.x] = bytes[2] + single + wide[1].a + int(wide[1].b) + int(more[1][2]) + int(reals[3]);
}

CONFORMANCE_CASE(shared_memory, several_arrays, "several variables in a block, each aligned as its type asks") {
  Device<unsigned long long> addresses(4);
  Device<int> sums(64);
  SeveralArrays<<<1, 64>>>(addresses.data(), sums.data());
  EXPECT_EACH(sums.Get(), i, 5 + 7 + 11 + 13 + 17 + 19);
  const auto at = addresses.Get();
  EXPECT_EQ(at[0] % 8, 0u);
  EXPECT_EQ(at[1] % 8, 0u);
  EXPECT_EQ(at[2] % 16, 0u);
  EXPECT_EQ(at[3] % 2, 0u);
}

__global__ void BlocksOwn(int* out) {
  __shared__ int counter;
  if (threadIdx.x == 0) counter = 0;
  __syncthreads();
  for (int i = 0; i < 10; ++i) atomicAdd(&counter, int(blockIdx.x));
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = counter;
}

CONFORMANCE_CASE(shared_memory, one_copy_a_block, "blocks that run at once have shared memory of their own") {
  Device<int> out(200 * 33);
  BlocksOwn<<<200, 33>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(i / 33 * 330));
}

__global__ void DynamicReverse(int* values) {
  extern __shared__ int buffer[];
  buffer[threadIdx.x] = values[threadIdx.x];
  __syncthreads();
  values[threadIdx.x] = buffer[blockDim.x - 1 - threadIdx.x];
}

CONFORMANCE_CASE(shared_memory, dynamic_array, "extern __shared__, its size from the launch") {
  for (int n : {1, 31, 257, 1024}) {
    Device<int> values(Make<int>(n, [](size_t i) { return int(i); }));
    DynamicReverse<<<1, n, n * sizeof(int)>>>(values.data());
    EXPECT_EACH(values.Get(), i, n - 1 - int(i));
  }
}

__global__ void Partitioned(double* out, int n) {
  extern __shared__ __align__(16) unsigned char raw[];
  double* reals = reinterpret_cast<double*>(raw);
  int* integers = reinterpret_cast<int*>(reals + n);
  unsigned char* bytes = reinterpret_cast<unsigned char*>(integers + n);
  const int i = threadIdx.x, j = (i + 1) % n;
  reals[i] = i * 0.5, integers[i] = -i, bytes[i] = (unsigned char)(i * 3);
  __syncthreads();
  out[i] = reals[j] + integers[j] + bytes[j];
}

CONFORMANCE_CASE(shared_memory, dynamic_partitioned, "one dynamic buffer cut into arrays of several types") {
  const int n = 130;
  Device<double> out(n);
  Partitioned<<<1, n, n*(sizeof(double) + sizeof(int) + 1)>>>(out.data(), n);
  EXPECT_EACH(out.Get(), i, [&] {
    const int j = (int(i) + 1) % n;
    return j * 0.5 - j + (j * 3 & 255);
  }());
}

__global__ void TwoNames(int* out) {
  extern __shared__ int as_int[];
  extern __shared__ unsigned as_unsigned[];
  __shared__ int fixed[32];
  fixed[threadIdx.x] = 1000 + threadIdx.x;
  as_int[threadIdx.x] = -int(threadIdx.x);
  __syncthreads();
  // All extern arrays start at the same address, behind the static ones.
  out[threadIdx.x] = int(as_unsigned[31 - threadIdx.x]) + fixed[threadIdx.x];
}

CONFORMANCE_CASE(shared_memory, extern_arrays_alias, "two extern arrays name the same memory, static arrays another") {
  Device<int> out(32);
  TwoNames<<<1, 32, 32 * sizeof(int)>>>(out.data());
  EXPECT_EACH(out.Get(), i, 1000 + int(i) - (31 - int(i)));
}

__global__ void FillLarge(unsigned* sums, int words) {
  extern __shared__ unsigned large[];
  for (int i = threadIdx.x; i < words; i += blockDim.x) large[i] = unsigned(Mix(i + blockIdx.x));
  __syncthreads();
  unsigned sum = 0;
  // Words that other threads wrote.
  for (int i = (threadIdx.x + 1) % blockDim.x; i < words; i += blockDim.x) sum += large[i];
  atomicAdd(&sums[blockIdx.x], sum);
}

CONFORMANCE_CASE(shared_memory, more_than_48_kib, "dynamic shared memory past 48 KiB, up to 227 KiB, after opting in") {
  int most = 0;
  OK(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  EXPECT_EQ(most, 227 * 1024);
  Device<unsigned> sums(std::vector<unsigned>(3, 0));
  FillLarge<<<3, 256, 49 * 1024>>>(sums.data(), 49 * 256);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  OK(cudaFuncSetAttribute(FillLarge, cudaFuncAttributeMaxDynamicSharedMemorySize, most));
  FillLarge<<<3, 256, most>>>(sums.data(), most / 4);
  OK(cudaGetLastError());
  EXPECT_EACH(sums.Get(), b, [&] {
    unsigned sum = 0;
    for (int i = 0; i < most / 4; ++i) sum += unsigned(Mix(i + b));
    return sum;
  }());
  EXPECT_EQ(cudaFuncSetAttribute(FillLarge, cudaFuncAttributeMaxDynamicSharedMemorySize, most + 1),
            cudaErrorInvalidValue);
  (void)cudaGetLastError();
}

__global__ void Largest(float* out) {
  __shared__ float values[12288];
  for (int i = threadIdx.x; i < 12288; i += blockDim.x) values[i] = float(i);
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < 12; ++i) sum += values[(threadIdx.x + 1) % blockDim.x * 12 + i];
  out[threadIdx.x] = sum;
}

CONFORMANCE_CASE(shared_memory, static_48_kib, "48 KiB of static shared memory") {
  Device<float> out(1024);
  Largest<<<1, 1024>>>(out.data());
  EXPECT_EACH(out.Get(), i, float((i + 1) % 1024 * 144 + 66));
}

template <typename T, int kTag>
__device__ T* Slot() {
  __shared__ T slot[32];
  return slot;
}

template <typename T>
__global__ void Instances(T* out) {
  T* first = Slot<T, 1>();
  T* second = Slot<T, 2>();
  first[threadIdx.x] = T(threadIdx.x);
  second[threadIdx.x] = T(100 + threadIdx.x);
  __syncthreads();
  const int other = 31 - threadIdx.x;
  // The same function again: the same variable.
  out[threadIdx.x] = Slot<T, 1>()[other] + T(2) * Slot<T, 2>()[other];
}

CONFORMANCE_CASE(shared_memory, template_instances,
                 "a __shared__ variable in a function template: one for each instance") {
  Device<int> integers(32);
  Device<double> reals(32);
  Instances<<<1, 32>>>(integers.data());
  Instances<<<1, 32>>>(reals.data());
  EXPECT_EACH(integers.Get(), i, int(3 * (31 - i) + 200));
  EXPECT_EACH(reals.Get(), i, double(3 * (31 - i) + 200));
}

template <typename T>
__global__ void TemplateDynamic(const T* in, T* out) {
  extern __shared__ __align__(16) char storage[];
  T* values = reinterpret_cast<T*>(storage);
  values[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x ^ 1] + values[threadIdx.x];
}

CONFORMANCE_CASE(shared_memory, template_dynamic, "a kernel template that takes dynamic shared memory as its type") {
  Device<float> reals(Make<float>(64, [](size_t i) { return i + 0.25f; })), real_sums(64);
  Device<short> shorts(Make<short>(64, [](size_t i) { return short(i); })), short_sums(64);
  TemplateDynamic<float><<<1, 64, 64 * sizeof(float)>>>(reals.data(), real_sums.data());
  TemplateDynamic<<<1, 64, 64 * sizeof(short)>>>(shorts.data(), short_sums.data());
  EXPECT_EACH(real_sums.Get(), i, float(i + (i ^ 1)) + 0.5f);
  EXPECT_EACH(short_sums.Get(), i, short(i + (i ^ 1)));
}

struct Pair {
  int key;
  float value;
  __device__ void Set(int i) { key = i, value = i * 0.25f; }
};

__device__ float Sum(const Pair* pairs, int n) {
  float sum = 0;
  for (int i = 0; i < n; ++i) sum += pairs[i].value * pairs[i].key;
  return sum;
}

__global__ void Structures(float* out) {
  __shared__ Pair pairs[20];
  __shared__ union {
    unsigned word;
    unsigned char bytes[4];
  } both;
  if (threadIdx.x < 20) pairs[threadIdx.x].Set(int(threadIdx.x));
  if (threadIdx.x == 20) both.word = 0x01020304;
  __syncthreads();
  out[threadIdx.x] = Sum(pairs, 20) + both.bytes[threadIdx.x % 4];
}

CONFORMANCE_CASE(shared_memory, structures, "structs and unions in shared memory, passed to a function by pointer") {
  Device<float> out(40);
  Structures<<<1, 40>>>(out.data());
  EXPECT_EACH(out.Get(), i, 617.5f + float(4 - i % 4));
}

__global__ void Scopes(int* out) {
  for (int round = 0; round < 3; ++round) {
    __shared__ int values[64];
    values[threadIdx.x] = int(threadIdx.x) * (round + 1);
    __syncthreads();
    if (round == 2) {
      __shared__ int total;
      if (threadIdx.x == 5) total = values[63];
      __syncthreads();
      out[threadIdx.x] = total + values[63 - threadIdx.x];
    }
    __syncthreads();
  }
}

CONFORMANCE_CASE(shared_memory, block_scopes, "__shared__ inside a loop and a conditional that the whole block takes") {
  Device<int> out(64);
  Scopes<<<1, 64>>>(out.data());
  EXPECT_EACH(out.Get(), i, 189 + 3 * (63 - int(i)));
}

}  // namespace
