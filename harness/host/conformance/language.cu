// C++ in kernels: templates, overloads, objects, pointers to functions.
#include <array>
#include <utility>

#include "harness/host/conformance/conformance.h"

namespace {

template <typename T, int kFactor>
__global__ void Scale(const T* in, T* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = in[i] * T(kFactor);
}

CONFORMANCE_CASE(language, kernel_templates, "kernel templates over types and numbers, arguments given or deduced") {
  Device<int> in(Make<int>(100, [](size_t i) { return int(i); })), out(100);
  Scale<int, 3><<<1, 128>>>(in.data(), out.data(), 100);
  EXPECT_EACH(out.Get(), i, int(3 * i));
  Device<double> reals(Make<double>(100, [](size_t i) { return double(i) / 2; })), scaled(100);
  constexpr int kSeven = 7;
  Scale<double, kSeven - 2><<<dim3(2), dim3(64)>>>(reals.data(), scaled.data(), 100);
  EXPECT_EACH(scaled.Get(), i, 2.5 * double(i));
}

template <typename... T>
__global__ void SumAll(double* out, T... values) {
  out[threadIdx.x] = (0.0 + ... + double(values)) + double(sizeof...(T));
}

CONFORMANCE_CASE(language, variadic_kernel, "a kernel with any number of parameters of any types") {
  Device<double> out(4);
  SumAll<<<1, 4>>>(out.data(), 1, 2.5f, 'c', 1ull << 40, true);
  EXPECT_EACH(out.Get(), i, 1 + 2.5 + 99 + 1099511627776.0 + 1 + 5);
  SumAll<<<1, 4>>>(out.data());
  EXPECT_EACH(out.Get(), i, 0.0);
}

__global__ void Overloaded(int* out) { out[threadIdx.x] = 1; }
__global__ void Overloaded(float* out) { out[threadIdx.x] = 2.0f; }
__global__ void Overloaded(int* out, int value) { out[threadIdx.x] = value; }

CONFORMANCE_CASE(language, overloaded_kernels, "kernels of one name that differ in their parameters") {
  Device<int> integers(8), more(8);
  Device<float> reals(8);
  Overloaded<<<1, 8>>>(integers.data());
  Overloaded<<<1, 8>>>(reals.data());
  Overloaded<<<1, 8>>>(more.data(), 3);
  EXPECT_EACH(integers.Get(), i, 1);
  EXPECT_EACH(reals.Get(), i, 2.0f);
  EXPECT_EACH(more.Get(), i, 3);
}

namespace outer {
namespace inner {
__device__ int Twice(int x) { return 2 * x; }
__global__ void Fill(int* out) { out[threadIdx.x] = Twice(int(threadIdx.x)); }
}  // namespace inner
template <typename T>
__global__ void Fill(T* out) {
  out[threadIdx.x] = T(inner::Twice(int(threadIdx.x)) + 1);
}
}  // namespace outer

CONFORMANCE_CASE(language, namespaces, "kernels in nested namespaces, launched by their qualified names") {
  Device<int> out(16);
  outer::inner::Fill<<<1, 16>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(2 * i));
  outer::Fill<int><<<1, 16>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(2 * i + 1));
}

__global__ void PlusOne(int* values) { values[threadIdx.x] += 1; }
__global__ void TimesThree(int* values) { values[threadIdx.x] *= 3; }

CONFORMANCE_CASE(language, kernel_pointers, "launches through pointers to kernels, and cudaLaunchKernel") {
  Device<int> values(Make<int>(32, [](size_t i) { return int(i); }));
  void (*steps[])(int*) = {PlusOne, TimesThree, PlusOne};
  for (auto step : steps) step<<<1, 32>>>(values.data());
  int* data = values.data();
  void* arguments[] = {&data};
  OK(cudaLaunchKernel(TimesThree, dim3(1), dim3(32), arguments, 0, nullptr));
  void (*instance)(const int*, int*, int) = Scale<int, 10>;
  instance<<<1, 32>>>(values.data(), values.data(), 32);
  EXPECT_EACH(values.Get(), i, int((3 * (i + 1) + 1) * 30));
}

struct Affine {
  float slope, offset;
  __host__ __device__ float operator()(float x) const { return slope * x + offset; }
};
struct Square {
  __device__ float operator()(float x) const { return x * x; }
};
template <typename F, typename G>
struct Composed {
  F f;
  G g;
  __device__ float operator()(float x) const { return f(g(x)); }
};

template <typename Function>
__global__ void Map(const float* in, float* out, int n, Function function) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) out[i] = function(in[i]);
}

CONFORMANCE_CASE(language, function_objects, "function objects by value, with state, and composed") {
  const auto in = Make<float>(300, [](size_t i) { return float(i) / 4; });
  Device<float> values(in), out(300);
  Map<<<2, 64>>>(values.data(), out.data(), 300, Affine{2, 1});
  EXPECT_EACH(out.Get(), i, 2 * in[i] + 1);
  Map<<<2, 64>>>(values.data(), out.data(), 300, Composed<Affine, Square>{{4, -3}, {}});
  EXPECT_EACH(out.Get(), i, 4 * in[i] * in[i] - 3);
}

struct Large {
  int numbers[1000];
  double last;
};

__global__ void UseLarge(Large large, long long* out) {
  long long sum = 0;
  for (int i = threadIdx.x; i < 1000; i += blockDim.x) sum += large.numbers[i];
  large.numbers[threadIdx.x] = -1;  // each thread's parameter is its own
  out[threadIdx.x] = sum + (long long)large.last;
}
__global__ void UseConstant(const __grid_constant__ Large large, long long* out) {
  const int* numbers = large.numbers;
  out[threadIdx.x] = numbers[threadIdx.x * 10] + (long long)large.last;
}

CONFORMANCE_CASE(language, large_parameters, "structs of 4 KB as parameters, by value and as __grid_constant__") {
  Large large;
  for (int i = 0; i < 1000; ++i) large.numbers[i] = i * i;
  large.last = 5;
  Device<long long> out(50);
  UseLarge<<<1, 50>>>(large, out.data());
  large.numbers[0] = 12345;  // the launch has copied it
  EXPECT_EACH(out.Get(), i, [&] {
    long long sum = 5;
    for (size_t j = i; j < 1000; j += 50) sum += (long long)(j * j);
    return sum;
  }());
  UseConstant<<<1, 50>>>(large, out.data());
  EXPECT_EACH(out.Get(), i, i == 0 ? 12350ll : (long long)(100 * i * i + 5));
}

__global__ void __launch_bounds__(256, 2) Bounded(int* out) {
  out[blockIdx.x * blockDim.x + threadIdx.x] = int(blockDim.x);
}

template <int kThreads>
__global__ __launch_bounds__(kThreads) void BoundedTemplate(int* out) {
  out[threadIdx.x] = kThreads;
}

CONFORMANCE_CASE(language, launch_bounds, "__launch_bounds__ on kernels and kernel templates") {
  Device<int> out(512);
  Bounded<<<2, 256>>>(out.data());
  EXPECT_EACH(out.Get(), i, 256);
  BoundedTemplate<512><<<1, 512>>>(out.data());
  EXPECT_EACH(out.Get(), i, 512);
}

__device__ int Ackermann(int m, int n) {
  return m == 0 ? n + 1 : n == 0 ? Ackermann(m - 1, 1) : Ackermann(m - 1, Ackermann(m, n - 1));
}
__global__ void Recursive(int* out) { out[threadIdx.x] = Ackermann(2, int(threadIdx.x)); }

CONFORMANCE_CASE(language, recursion, "recursive device functions") {
  Device<int> out(10);
  Recursive<<<1, 10>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(2 * i + 3));
}

using Operation = int (*)(int, int);
__device__ int Add(int a, int b) { return a + b; }
__device__ int Multiply(int a, int b) { return a * b; }
__device__ Operation operations[] = {Add, Multiply};

__global__ void ByPointer(int* out) {
  const Operation chosen = operations[threadIdx.x % 2];
  const Operation other = threadIdx.x % 3 == 0 ? Multiply : Add;
  out[threadIdx.x] = other(chosen(int(threadIdx.x), 5), 2);
}

CONFORMANCE_CASE(language, function_pointers, "pointers to device functions, in variables and in memory") {
  Device<int> out(60);
  ByPointer<<<1, 60>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const int i = int(k), value = i % 2 == 0 ? i + 5 : i * 5;
    return i % 3 == 0 ? value * 2 : value + 2;
  }());
}

struct Shape {
  __device__ virtual ~Shape() {}
  __device__ virtual int Area() const = 0;
};
struct Rectangle : Shape {
  __device__ Rectangle(int a, int b) : a(a), b(b) {}
  __device__ int Area() const override { return a * b; }
  int a, b;
};
struct Sides : Rectangle {
  __device__ explicit Sides(int a) : Rectangle(a, a) {}
  __device__ int Area() const override { return Rectangle::Area() + 1; }
};

__global__ void Virtual(int* out) {
  const int i = threadIdx.x;
  const Shape* shape = i % 2 == 0 ? static_cast<Shape*>(new Rectangle(i, 3)) : static_cast<Shape*>(new Sides(i));
  out[i] = shape->Area();
  delete shape;
}

CONFORMANCE_CASE(language, virtual_functions, "objects made on the device by new, their virtual functions, delete") {
  Device<int> out(64);
  Virtual<<<1, 64>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const int i = int(k);
    return i % 2 == 0 ? 3 * i : i * i + 1;
  }());
}

__global__ void LocalArrays(int* out) {
  int values[40], order[40];
  for (int i = 0; i < 40; ++i) values[i] = int(Mix(i + 100 * threadIdx.x) % 1000), order[i] = i;
  for (int i = 1; i < 40; ++i) {
    for (int j = i; j > 0 && values[order[j - 1]] > values[order[j]]; --j) {
      const int swap = order[j];
      order[j] = order[j - 1], order[j - 1] = swap;
    }
  }
  int sum = 0;
  for (int i = 0; i < 40; ++i) sum += i * values[order[i]];
  out[threadIdx.x] = sum;
}

CONFORMANCE_CASE(language, local_arrays, "arrays of each thread's own, indexed at run time: an insertion sort") {
  Device<int> out(50);
  LocalArrays<<<1, 50>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    std::array<int, 40> values;
    for (int i = 0; i < 40; ++i) values[i] = int(Mix(i + 100 * k) % 1000);
    for (int i = 1; i < 40; ++i) {
      for (int j = i; j > 0 && values[j - 1] > values[j]; --j) std::swap(values[j - 1], values[j]);
    }
    int sum = 0;
    for (int i = 0; i < 40; ++i) sum += i * values[i];
    return sum;
  }());
}

template <typename T>
__host__ __device__ constexpr T Power(T base, int exponent) {
  T result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}
enum class Kind { kSum, kProduct };

template <Kind kKind, typename T, size_t... kIndices>
__device__ T Fold(const T* values, std::index_sequence<kIndices...>) {
  if constexpr (kKind == Kind::kSum) {
    return (values[kIndices] + ...);
  } else {
    return (values[kIndices] * ...);
  }
}

__global__ void Modern(int* out) {
  constexpr int kPower = Power(3, 4);
  static_assert(kPower == 81);
  const int values[] = {1, 2, 3, int(threadIdx.x)};
  const auto square = [](auto x) { return x * x; };
  int total = kPower;
  for (const int value : values) total += square(value);
  auto& [a, b] = reinterpret_cast<int2&>(out[2 * threadIdx.x]);
  a = total + Fold<Kind::kSum>(values, std::make_index_sequence<4>());
  b = Fold<Kind::kProduct>(values, std::make_index_sequence<3>());
}

CONFORMANCE_CASE(language, modern_cpp,
                 "constexpr, if constexpr, fold expressions, generic lambdas, structured bindings") {
  Device<int> out(20);
  Modern<<<1, 10>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const int i = int(k / 2);
    return k % 2 == 0 ? 81 + 14 + i * i + 6 + i : 6;
  }());
}

}  // namespace
