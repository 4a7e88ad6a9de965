// Ends with status 0 if all launches did what they say, and otherwise with the line of the first that did not.
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#define EXPECT(condition) \
  if (!(condition)) std::exit(__LINE__ % 256)

namespace {

template <typename T>
struct Vec {
  T x;
};

int seen;

__global__ void Plain(int* p) { *p += 1 + static_cast<int>(threadIdx.x + blockIdx.x * blockDim.x); }

namespace inner {
template <typename T, int kN = 3>
__global__ void Typed(T* p) {
  *p += static_cast<T>(sizeof(T)) * kN;
}
__global__ void __launch_bounds__(64, 2) Bounded() {}
template <int kThreads>
__launch_bounds__(kThreads * 2) __global__ void BoundedByArgument() {}
}  // namespace inner

__global__ void Overloaded(int) { seen = 1; }
__global__ void Overloaded(float) { seen = 2; }
__global__ void Overloaded(const char*, int) { seen = 3; }

template <typename T>
__global__ void Deduced(T, Vec<T>) {
  seen = 10 + static_cast<int>(sizeof(T));
}
template <typename... T>
__global__ void Pack(T...) {
  seen = static_cast<int>(sizeof...(T));
}
__global__ void WithDefault(int a, int b = 5) { seen = a + b; }

__global__ void ByReferenceAtHome(Vec<double> v) { seen = static_cast<int>(v.x); }

template <typename F>
__global__ void Call(F f, int n) {
  seen = f(n);
}

__global__ void Later(const int n, float* p);
__global__ void Later(int, float*) { seen = 77; }
void (*const kTable[])(int, float*) = {Later, &Later};
auto Get(int i) { return kTable[i]; }

struct Holder {
  void (*kernel)(int, float*) = Later;
  void Run() { this->kernel<<<1, 1>>>(1, nullptr); }
};

template <typename T>
void FromTemplate(T start) {
  T value = start;
  inner::Typed<T><<<1, 1>>>(&value);
  EXPECT(value == start + T(3 * sizeof(T)));
  inner::template Typed<T, sizeof(Vec<Vec<T>>)><<<dim3{1}, 1>>>(&value);
  EXPECT(value == start + T(3 * sizeof(T)) + T(sizeof(T) * sizeof(T)));
  EXPECT(std::strcmp(fake::site.kernel, "inner::template Typed<T, sizeof(Vec<Vec<T>>)>") == 0);
  Call<<<1, 1>>>([=] __device__(int n) { return n + static_cast<int>(start); }, 4);
  EXPECT(seen == 4 + static_cast<int>(start));
}

}  // namespace

__global__ void AtHome(int* p) { *p = 9; }

#define LAUNCH(kernel, threads) kernel<<<(1), (threads), 0, NULL>>>

int main() {
  int n = 0;
  Plain<<<2, 3>>>(&n);
  EXPECT(n == 1 + 2 + 3 + 4 + 5 + 6);
  EXPECT(std::strcmp(fake::site.kernel, "Plain") == 0 && fake::site.line == __LINE__ - 2);
  EXPECT(std::string(fake::site.file) == __FILE__ && fake::site.address == reinterpret_cast<const void*>(&Plain));
  const auto stream = reinterpret_cast<cudaStream_t>(0x10);
  ::AtHome<<<dim3(1, 1), [&] { return n > 1 ? 2 : 1; }(), n >> 1, stream>>>(&n);
  EXPECT(n == 9 && fake::shared_bytes == 10 && fake::stream == stream && blockDim.x == 2);
  if (n == 9) inner::Bounded<<<1, 1>>>();
  EXPECT(fake::bounds == 64);
  inner::BoundedByArgument<40> <<<1, 1>>>();
  EXPECT(fake::bounds == 80);
  Overloaded<<<1, 1>>>(1);
  EXPECT(seen == 1);
  Overloaded<<<1, 1>>>(1.0f);
  EXPECT(seen == 2);
  Overloaded<<<1, 1>>>("", n);
  EXPECT(seen == 3);
  Deduced<<<1, 1>>>(1.0, Vec<double>{2});
  EXPECT(seen == 18);
  Deduced<short><<<1, 1>>>(1, {2});
  EXPECT(seen == 12);
  Pack<<<1, 1>>>(1, 2, "x");
  EXPECT(seen == 3);
  Pack<int><<<1, 1>>>(1, 'c');
  EXPECT(seen == 2);
  WithDefault<<<1, 1>>>(3);
  EXPECT(seen == 8);
  ByReferenceAtHome<<<1, 1>>>({4.0});
  EXPECT(seen == 4);
  kTable[1]<<<1, 1>>>(1, nullptr);
  EXPECT(seen == 77);
  seen = 0;
  (n > 0 ? Later : *kTable[0])<<<1, 1>>>(1, NULL);
  EXPECT(seen == 77);
  seen = 0;
  Get(0)<<<1, 1>>>(1, nullptr);
  EXPECT(seen == 77);
  seen = 0;
  if (n > 0) (Later)<<<1, 1>>>(1, nullptr);
  EXPECT(seen == 77);
  seen = 0;
  Holder{}.Run();
  EXPECT(seen == 77);
  seen = 0;
  Holder holder;
  holder.kernel << <1, 1 >> > (1, nullptr);
  EXPECT(seen == 77);
  void (*Plain)(int, float*) = Get(1);  // hides a kernel
  seen = 0;
  Plain<<<1, 1>>>(1, nullptr);
  EXPECT(seen == 77);
  LAUNCH(AtHome, 1 < 2 ? 1 : 3)(&n);
  LAUNCH((inner::Typed<int, 2>), 1)(&n);
  EXPECT(n == 9 + 8);
  FromTemplate(1);
  FromTemplate(2.0);
  return 0;
}
