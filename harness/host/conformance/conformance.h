// A case of the conformance suite: legal, race-free CUDA whose result CUDA defines. The same sources run on a GPU, with
// nvcc and NVIDIA's libraries, and in host mode.
//
//   CONFORMANCE_CASE(shuffles, xor_int, "__shfl_xor_sync of int at every width") {
//     Device<int> out(32);
//     Kernel<<<1, 32>>>(out.data());
//     EXPECT_EACH(out.Get(), i, int(i) ^ 1);
//   }
//
// After each case the device is synchronised, and cudaGetLastError must say success. What needs a process of its own (a
// sticky error, output of a kernel, a second rank) is a CONFORMANCE_CHILD, which a case starts with RunChild.
#ifndef HARNESS_HOST_CONFORMANCE_CONFORMANCE_H_
#define HARNESS_HOST_CONFORMANCE_CONFORMANCE_H_

#include <cuda_runtime.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace conformance {

using CaseBody = void (*)();
using ChildBody = int (*)(const std::vector<std::string>& arguments);

struct Registration {
  Registration(const char* group, const char* name, const char* description, CaseBody body);
  Registration(const char* group, const char* name, ChildBody body);
};

// Thrown to end a case: after a failure that makes the rest pointless, or where it cannot run.
struct Stop {};
struct Skip {
  std::string reason;
};

// Records a failure of the running case.
void Fail(const char* file, int line, const std::string& what);

template <typename T>
std::string Show(const T& value) {
  char text[64];
  if constexpr (std::is_same_v<T, std::string>) {
    return '"' + value + '"';
  } else if constexpr (std::is_same_v<T, cudaError_t>) {
    return cudaGetErrorName(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    std::snprintf(text, sizeof text, "%.17g", static_cast<double>(value));
    return text;
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_pointer_v<T>) {
    std::snprintf(text, sizeof text, "%p", static_cast<const void*>(value));
    return text;
  } else {
    std::string bytes = "bytes";
    for (size_t i = 0; i < sizeof(T); ++i) {
      std::snprintf(text, sizeof text, " %02x", reinterpret_cast<const unsigned char*>(&value)[i]);
      bytes += text;
    }
    return bytes;
  }
}

template <typename T>
bool Negative(T value) {
  if constexpr (std::is_signed_v<T>) {
    return value < 0;
  } else {
    return false;
  }
}

// Equal as numbers, whatever the signedness.
template <typename A, typename B>
bool Same(const A& a, const B& b) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) {
    return Negative(a) == Negative(b) && static_cast<unsigned long long>(a) == static_cast<unsigned long long>(b);
  } else {
    return a == b;
  }
}

template <typename A, typename B>
void ExpectEq(const char* file, int line, const char* text, const A& actual, const B& expected) {
  if (!Same(actual, expected))
    Fail(file, line, std::string(text) + ": expected " + Show(expected) + ", is " + Show(actual));
}

inline void ExpectNear(const char* file, int line, const char* text, double actual, double expected, double tolerance) {
  if (std::isnan(actual) || std::isnan(expected) || std::abs(actual - expected) > tolerance) {
    Fail(file, line,
         std::string(text) + ": expected " + Show(expected) + " +- " + Show(tolerance) + ", is " + Show(actual));
  }
}

// expected(i) for each element.
template <typename T, typename Expected>
void ExpectEach(const char* file, int line, const char* text, const std::vector<T>& actual, Expected expected) {
  size_t wrong = 0;
  std::string first;
  for (size_t i = 0; i < actual.size(); ++i) {
    const auto want = expected(i);
    if (Same(actual[i], want)) continue;
    if (wrong++ == 0) first = "[" + std::to_string(i) + "] expected " + Show(want) + ", is " + Show(actual[i]);
  }
  if (actual.empty()) Fail(file, line, std::string(text) + ": nothing to compare");
  if (wrong != 0) {
    Fail(file, line,
         std::string(text) + ": " + std::to_string(wrong) + " of " + std::to_string(actual.size()) +
             " wrong, the first: " + first);
  }
}

// Of CUDA, its driver API, cuBLAS, NCCL: zero is success everywhere.
template <typename Status>
void RequireOk(const char* file, int line, const char* text, Status status) {
  if (static_cast<int>(status) == 0) return;
  Fail(file, line, std::string(text) + ": " + Show(status));
  throw Stop{};
}

#define CONFORMANCE_CASE(group, name, description)                                                   \
  static void Case_##group##_##name();                                                               \
  static const ::conformance::Registration registration_##group##_##name(#group, #name, description, \
                                                                         &Case_##group##_##name);    \
  static void Case_##group##_##name()

// Runs in a process that has called nothing of CUDA, and returns its exit code; a failed EXPECT makes it 1.
#define CONFORMANCE_CHILD(group, name)                                                                     \
  static int Child_##group##_##name(const std::vector<std::string>& arguments);                            \
  static const ::conformance::Registration child_##group##_##name(#group, #name, &Child_##group##_##name); \
  static int Child_##group##_##name([[maybe_unused]] const std::vector<std::string>& arguments)

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) ::conformance::Fail(__FILE__, __LINE__, "expected to be true: " #condition); \
  } while (0)
#define EXPECT_EQ(actual, expected) ::conformance::ExpectEq(__FILE__, __LINE__, #actual, actual, expected)
#define EXPECT_NEAR(actual, expected, tolerance) \
  ::conformance::ExpectNear(__FILE__, __LINE__, #actual, actual, expected, tolerance)
// The expected element comes last, as an expression of `index`.
#define EXPECT_EACH(values, index, ...)                          \
  ::conformance::ExpectEach(__FILE__, __LINE__, #values, values, \
                            [&]([[maybe_unused]] size_t index) { return __VA_ARGS__; })
// Ends the case unless the call succeeds.
#define OK(call) ::conformance::RequireOk(__FILE__, __LINE__, #call, call)

// Device memory, full of 0xcd bytes or with the given contents. Making one and reading it synchronise the default
// stream.
template <typename T>
class Device {
 public:
  explicit Device(size_t count) : count_(count) {
    Allocate();
    OK(cudaMemset(data_, 0xcd, count * sizeof(T)));
    OK(cudaStreamSynchronize(nullptr));
  }
  explicit Device(const std::vector<T>& values) : count_(values.size()) {
    Allocate();
    OK(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
    OK(cudaStreamSynchronize(nullptr));
  }
  ~Device() { (void)cudaFree(data_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  T* data() const { return data_; }
  size_t size() const { return count_; }
  std::vector<T> Get() const {
    std::vector<T> values(count_);
    OK(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  void Allocate() { OK(cudaMalloc(reinterpret_cast<void**>(&data_), count_ * sizeof(T))); }

  T* data_ = nullptr;
  size_t count_;
};

// `count` elements, the i-th is make(i).
template <typename T, typename Function>
std::vector<T> Make(size_t count, Function make) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = make(i);
  return values;
}

// A number to compute with, the same on host and device: a mix of `i` (splitmix64's).
#ifdef __CUDACC__
__host__ __device__
#endif
    inline uint64_t
    Mix(uint64_t i) {
  uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

struct ChildResult {
  int exit_code = -1;  // -1: by a signal
  int signal = 0;
  std::string output, errors;
};

// This program with --child=GROUP/NAME, started by spawning it anew.
class Child {
 public:
  // `environment`: NAME=VALUE, on top of this process's.
  explicit Child(const std::string& name, const std::vector<std::string>& arguments = {},
                 const std::vector<std::string>& environment = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  // Kills it 60 s after its start.
  ChildResult Wait();

 private:
  int pid_ = -1;
  int output_ = -1, errors_ = -1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

inline ChildResult RunChild(const std::string& name, const std::vector<std::string>& arguments = {}) {
  return Child(name, arguments).Wait();
}

// An object's bytes for a command line, and back.
std::string ToHex(const void* data, size_t bytes);
void FromHex(const std::string& text, void* data, size_t bytes);

inline void ExpectChildPassed(const char* file, int line, const ChildResult& result) {
  if (result.exit_code == 0) return;
  Fail(file, line,
       "the child ended with code " + std::to_string(result.exit_code) + ", signal " + std::to_string(result.signal) +
           "; it wrote: " + result.output + result.errors);
}
#define EXPECT_CHILD_PASSED(result) ::conformance::ExpectChildPassed(__FILE__, __LINE__, result)

}  // namespace conformance

using conformance::Child;
using conformance::ChildResult;
using conformance::Device;
using conformance::Make;
using conformance::Mix;
using conformance::RunChild;
using conformance::Skip;

#endif  // HARNESS_HOST_CONFORMANCE_CONFORMANCE_H_
