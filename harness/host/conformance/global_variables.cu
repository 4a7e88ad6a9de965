// __device__, __constant__ and __managed__ variables, and copies by symbol.
#include "harness/host/conformance/conformance.h"

namespace {

__constant__ int scale = 3;
__constant__ float table[40];
struct Parameters {
  int n;
  float weights[5];
  double bias;
};
__constant__ Parameters parameters;

__device__ int initialised[4] = {2, 3, 5, 7};
__device__ unsigned long long counter;
__device__ int matrix[6][7];
__device__ float* pointer_variable;
__managed__ int managed_values[64];
__managed__ int managed_start = 41;

template <int kStep>
__device__ int steps[8];

__global__ void ReadConstants(float* out) {
  const int i = threadIdx.x;
  out[i] = table[39 - i] * float(scale);
}

CONFORMANCE_CASE(global_variables, constant_memory,
                 "__constant__ with an initial value, and filled by cudaMemcpyToSymbol") {
  const auto values = Make<float>(40, [](size_t i) { return float(i) * 0.5f; });
  OK(cudaMemcpyToSymbol(table, values.data(), sizeof table));
  Device<float> out(40);
  ReadConstants<<<1, 40>>>(out.data());
  EXPECT_EACH(out.Get(), i, float(39 - i) * 1.5f);
  const int five = 5, three = 3;
  OK(cudaMemcpyToSymbol(scale, &five, sizeof five));
  const float changed[2] = {-1.0f, -2.0f};
  OK(cudaMemcpyToSymbol(table, changed, sizeof changed, 10 * sizeof(float)));
  ReadConstants<<<1, 40>>>(out.data());
  EXPECT_EACH(out.Get(), i, i == 29 ? -5.0f : i == 28 ? -10.0f : float(39 - i) * 2.5f);
  OK(cudaMemcpyToSymbol(scale, &three, sizeof three));
}

__global__ void UseParameters(double* out) {
  double sum = parameters.bias;
  for (int i = 0; i < parameters.n; ++i) sum += parameters.weights[i] * threadIdx.x;
  out[threadIdx.x] = sum;
}

CONFORMANCE_CASE(global_variables, constant_struct, "a struct in constant memory, copied whole and by offset") {
  Parameters host = {4, {1, 2, 3, 4, 5}, 0.125};
  OK(cudaMemcpyToSymbol(parameters, &host, sizeof host));
  Device<double> out(10);
  UseParameters<<<1, 10>>>(out.data());
  EXPECT_EACH(out.Get(), i, 0.125 + 10.0 * double(i));
  const int five = 5;
  OK(cudaMemcpyToSymbol(parameters, &five, sizeof five, offsetof(Parameters, n)));
  UseParameters<<<1, 10>>>(out.data());
  EXPECT_EACH(out.Get(), i, 0.125 + 15.0 * double(i));
  Parameters back{};
  OK(cudaMemcpyFromSymbol(&back, parameters, sizeof back));
  EXPECT_EQ(back.n, 5);
  EXPECT_EQ(back.weights[4], 5.0f);
}

__global__ void TimesTwo() { initialised[threadIdx.x] *= 2; }
__global__ void Count() { atomicAdd(&counter, 1ull); }

CONFORMANCE_CASE(global_variables, device_variables,
                 "__device__ variables start as written and keep their value between launches") {
  int values[4];
  OK(cudaMemcpyFromSymbol(values, initialised, sizeof values));
  const int primes[] = {2, 3, 5, 7};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(values[i], primes[i]);
  TimesTwo<<<1, 4>>>();
  TimesTwo<<<1, 4>>>();
  OK(cudaMemcpyFromSymbol(values, initialised, sizeof values));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(values[i], 4 * primes[i]);
  OK(cudaMemcpyToSymbol(initialised, primes, sizeof primes));

  for (int round = 1; round <= 3; ++round) {
    Count<<<10, 50>>>();
    unsigned long long count = 0;
    OK(cudaMemcpyFromSymbol(&count, counter, sizeof count));
    EXPECT_EQ(count, 500u * round);
  }
}

__global__ void FillMatrix() { matrix[threadIdx.y][threadIdx.x] = 10 * threadIdx.y + threadIdx.x; }
__global__ void ThroughAddress(int* data) { data[threadIdx.x] = -int(threadIdx.x); }

CONFORMANCE_CASE(global_variables, symbol_address,
                 "cudaGetSymbolAddress and cudaGetSymbolSize: a variable as plain memory") {
  FillMatrix<<<1, dim3(7, 6)>>>();
  void* address = nullptr;
  size_t bytes = 0;
  OK(cudaGetSymbolAddress(&address, matrix));
  OK(cudaGetSymbolSize(&bytes, matrix));
  EXPECT_EQ(bytes, sizeof(int) * 42);
  std::vector<int> values(42);
  OK(cudaMemcpy(values.data(), address, bytes, cudaMemcpyDeviceToHost));
  EXPECT_EACH(values, i, int(i / 7 * 10 + i % 7));
  ThroughAddress<<<1, 42>>>(static_cast<int*>(address));
  OK(cudaMemcpyFromSymbol(values.data(), matrix, bytes));
  EXPECT_EACH(values, i, -int(i));
  cudaPointerAttributes attributes;
  OK(cudaPointerGetAttributes(&attributes, address));
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
}

CONFORMANCE_CASE(global_variables, symbol_offsets,
                 "copies into the middle of a symbol, between device memory and a symbol, and async") {
  cudaStream_t stream;
  OK(cudaStreamCreate(&stream));
  const auto ones = Make<int>(42, [](size_t) { return 1; });
  OK(cudaMemcpyToSymbol(matrix, ones.data(), 42 * sizeof(int)));
  Device<int> source(Make<int>(5, [](size_t i) { return 100 + int(i); })), target(42);
  OK(cudaMemcpyToSymbolAsync(matrix, source.data(), 5 * sizeof(int), 7 * sizeof(int), cudaMemcpyDeviceToDevice,
                             stream));
  OK(cudaMemcpyFromSymbolAsync(target.data(), matrix, 42 * sizeof(int), 0, cudaMemcpyDeviceToDevice, stream));
  OK(cudaStreamSynchronize(stream));
  EXPECT_EACH(target.Get(), i, i >= 7 && i < 12 ? int(93 + i) : 1);
  int outside = 0;
  EXPECT_EQ(cudaMemcpyFromSymbol(&outside, matrix, sizeof(int), sizeof(int) * 42), cudaErrorInvalidValue);
  (void)cudaGetLastError();
  OK(cudaStreamDestroy(stream));
}

__global__ void WriteThroughVariable() { pointer_variable[threadIdx.x] = threadIdx.x * 0.5f; }

CONFORMANCE_CASE(global_variables, pointer_in_variable, "a device pointer kept in a __device__ variable") {
  Device<float> out(33);
  float* data = out.data();
  OK(cudaMemcpyToSymbol(pointer_variable, &data, sizeof data));
  WriteThroughVariable<<<1, 33>>>();
  EXPECT_EACH(out.Get(), i, float(i) * 0.5f);
}

__global__ void UseManaged(int add) { managed_values[threadIdx.x] += add + managed_start; }

CONFORMANCE_CASE(global_variables, managed_variable, "__managed__: host and kernels use the variable in turn") {
  for (int i = 0; i < 64; ++i) managed_values[i] = i;
  UseManaged<<<1, 64>>>(1);
  OK(cudaDeviceSynchronize());
  int wrong = 0;
  for (int i = 0; i < 64; ++i) wrong += managed_values[i] != i + 42;
  EXPECT_EQ(wrong, 0);
  managed_values[3] = 1000;
  managed_start = 0;
  UseManaged<<<1, 64>>>(5);
  OK(cudaDeviceSynchronize());
  EXPECT_EQ(managed_values[3], 1005);
  EXPECT_EQ(managed_values[4], 51);
  managed_start = 41;
}

template <int kStep>
__global__ void FillSteps() {
  steps<kStep>[threadIdx.x] = int(threadIdx.x) * kStep;
}
__global__ void ReadSteps(int* out) { out[threadIdx.x] = steps<2>[threadIdx.x] + 100 * steps<3>[threadIdx.x]; }

CONFORMANCE_CASE(global_variables, variable_template, "a __device__ variable template: each instance is a variable") {
  Device<int> out(8);
  FillSteps<2><<<1, 8>>>();
  FillSteps<3><<<1, 8>>>();
  ReadSteps<<<1, 8>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(302 * i));
}

__device__ int CallsSoFar() {
  static __device__ int calls = 100;
  return atomicAdd(&calls, 1);
}
__global__ void CallFunction(int* out) { out[threadIdx.x] = CallsSoFar(); }

CONFORMANCE_CASE(global_variables, static_in_function, "a static __device__ variable inside a device function") {
  Device<int> out(50);
  CallFunction<<<1, 50>>>(out.data());
  std::vector<int> seen(50, 0);
  for (int value : out.Get()) {
    if (value >= 100 && value < 150) ++seen[value - 100];
  }
  EXPECT_EACH(seen, i, 1);
}

}  // namespace
