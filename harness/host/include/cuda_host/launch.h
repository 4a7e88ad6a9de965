// What the translator writes in place of CUDA's syntax. Not for use by hand.
//
//   k<T><<<grid, block, bytes, stream>>>(x)   ::cuda_host::Launch("k<T>", FILE, LINE, CALLABLE,
//                                                ::cuda_host::Configuration(grid, block, bytes, stream))(x)
//       where CALLABLE is k<T> if the kernel is not overloaded and all its template arguments are given, and otherwise
//       [=](auto&&... a) { k<T>(static_cast<decltype(a)>(a)...); }. Where k is a kernel's name and no variable's, it is
//       ::cuda_host::Launch<&k<T>>("k<T>", FILE, LINE, ...)(x), and compilers see which kernel is launched.
//   __shared__ T a[2][3], b;    one line: typedef T wb_t1[2][3]; static const char wb_k1 = 0;
//                               wb_t1& a = ::cuda_host::StaticShared<wb_t1>(&wb_k1, "a"); and the same for b
//   extern __shared__ T s[];    typedef T wb_t2[]; wb_t2& s =
//   *reinterpret_cast<wb_t2*>(::cuda_host::DynamicShared(alignof(T)));
//   __launch_bounds__(256, 2)   removed; ::cuda_host::CheckLaunchBounds(256); as the first statement of the kernel's
//   body
#ifndef CUDA_HOST_LAUNCH_H_
#define CUDA_HOST_LAUNCH_H_

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_host/run_threads.h"
#include "driver_types.h"
#include "vector_types.h"

namespace cuda_host {

struct Configuration {
  Configuration(dim3 grid, dim3 block, size_t shared_bytes = 0, cudaStream_t stream = nullptr)
      : grid(grid), block(block), shared_bytes(shared_bytes), stream(stream) {}
  dim3 grid, block;
  size_t shared_bytes;
  cudaStream_t stream;
  bool cooperative = false;
};

struct LaunchSite {
  const char* kernel;
  const char* file;
  int line;
  const void* address;  // of the kernel, or null where the translator could not tell
};

// The runtime's: checks the configuration (cudaErrorInvalidConfiguration and so on go to cudaGetLastError), and puts
// the kernel on its stream. `run` is called as GridLaunch::run.
using RunFunction = void (*)(const void* arguments, ThreadRun* run);
cudaError_t EnqueueKernel(const LaunchSite& site, const Configuration& configuration, RunFunction run,
                          std::shared_ptr<const void> arguments);

// As cudaLaunchKernel gets them: one pointer a parameter.
template <typename... P>
struct BoundKernel {
  void (*kernel)(P...);
  std::tuple<std::decay_t<P>...> arguments;

  static void Run(const void* self, ThreadRun* run) {
    const auto* bound = static_cast<const BoundKernel*>(self);
    // Every thread gets parameters of its own, as on a GPU.
    RunThreads(run, [bound] { std::apply([bound](const auto&... a) { bound->kernel(a...); }, bound->arguments); });
  }
};

// The same for one kernel.
template <auto kKernel, typename Type = decltype(kKernel)>
struct NamedKernel;
template <auto kKernel, typename... P>
struct NamedKernel<kKernel, void (*)(P...)> {
  using Bound = BoundKernel<P...>;
  static void Run(const void* self, ThreadRun* run) {
    const auto* bound = static_cast<const Bound*>(self);
    RunThreads(run, [bound] { std::apply([](const auto&... a) { kKernel(a...); }, bound->arguments); });
  }
};
template <auto kKernel, typename... P>
struct NamedKernel<kKernel, void (*)(P...) noexcept> : NamedKernel<static_cast<void (*)(P...)>(kKernel)> {};

template <typename Callable, typename... A>
struct BoundCallable {
  Callable callable;
  std::tuple<A...> arguments;

  static void Run(const void* self, ThreadRun* run) {
    const auto* bound = static_cast<const BoundCallable*>(self);
    RunThreads(run, [bound] { std::apply([bound](auto... a) { bound->callable(a...); }, bound->arguments); });
  }
};

template <typename... P>
class TypedLaunch {
 public:
  TypedLaunch(LaunchSite site, void (*kernel)(P...), const Configuration& configuration, RunFunction run)
      : site_(site), kernel_(kernel), configuration_(configuration), run_(run) {}
  void operator()(P... a) const {
    auto bound = std::make_shared<BoundKernel<P...>>(BoundKernel<P...>{kernel_, {std::forward<P>(a)...}});
    (void)EnqueueKernel(site_, configuration_, run_, std::move(bound));
  }

 private:
  LaunchSite site_;
  void (*kernel_)(P...);
  Configuration configuration_;
  RunFunction run_;
};

template <typename Callable>
class CallableLaunch {
 public:
  CallableLaunch(LaunchSite site, Callable callable, const Configuration& configuration)
      : site_(site), callable_(std::move(callable)), configuration_(configuration) {}
  template <typename... A>
  void operator()(A&&... a) const {
    using Bound = BoundCallable<Callable, std::decay_t<A>...>;
    auto bound = std::make_shared<Bound>(Bound{callable_, {std::forward<A>(a)...}});
    (void)EnqueueKernel(site_, configuration_, &Bound::Run, std::move(bound));
  }

 private:
  LaunchSite site_;
  Callable callable_;
  Configuration configuration_;
};

template <typename... P>
TypedLaunch<P...> Launch(const char* name, const char* file, int line, void (*kernel)(P...),
                         const Configuration& configuration) {
  return TypedLaunch<P...>({name, file, line, reinterpret_cast<const void*>(kernel)}, kernel, configuration,
                           &BoundKernel<P...>::Run);
}

template <auto kKernel, typename... P>
TypedLaunch<P...> LaunchNamed(const char* name, const char* file, int line, void (*kernel)(P...),
                              const Configuration& configuration) {
  return TypedLaunch<P...>({name, file, line, reinterpret_cast<const void*>(kernel)}, kernel, configuration,
                           &NamedKernel<kKernel>::Run);
}
template <auto kKernel>
auto Launch(const char* name, const char* file, int line, const Configuration& configuration) {
  return LaunchNamed<kKernel>(name, file, line, kKernel, configuration);
}

template <typename Callable, std::enable_if_t<std::is_class_v<Callable>, int> = 0>
CallableLaunch<Callable> Launch(const char* name, const char* file, int line, Callable callable,
                                const Configuration& configuration) {
  return CallableLaunch<Callable>({name, file, line, nullptr}, std::move(callable), configuration);
}

// The block's variable of this key: the same memory for all its threads, garbage at first.
void* StaticSharedBytes(const void* key, const char* name, size_t bytes, size_t alignment);
template <typename T>
T& StaticShared(const void* key, const char* name) {
  return *static_cast<T*>(StaticSharedBytes(key, name, sizeof(T), alignof(T)));
}

// The block's dynamic shared memory, 1024-byte aligned (as much as TMA wants).
void* DynamicShared(size_t alignment);

// Ends the kernel with cudaErrorInvalidConfiguration if the block has more threads.
void CheckLaunchBounds(unsigned max_threads);

}  // namespace cuda_host

#endif  // CUDA_HOST_LAUNCH_H_
