// Stacks to run on, and the switch between them.
#ifndef HARNESS_HOST_EXECUTOR_FIBER_H_
#define HARNESS_HOST_EXECUTOR_FIBER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cuda_host {

// A suspended flow of control: its registers.
#if defined(__x86_64__)
struct alignas(64) Context {
  void* stack_pointer = nullptr;
  void* instruction = nullptr;
  void* kept[6] = {};  // rbp, rbx, r12 to r15
};
extern "C" {
__attribute__((visibility("hidden"))) void cuda_host_switch_context(Context* from, const Context* to);
__attribute__((visibility("hidden"))) void cuda_host_leave_to(Context* from, const Context* to);
}
#else
struct Context {
  void* stack_pointer = nullptr;  // they lie above it
};
#endif

// Suspends the caller into *from and resumes `to`. Contexts stay on the thread that they were made on.
// LeaveTo does the same, faster as the last thing in a function that is called from many places.
#if defined(__x86_64__)
inline void SwitchContext(Context* from, const Context& to) { cuda_host_switch_context(from, &to); }
inline void LeaveTo(Context* from, const Context& to) { cuda_host_leave_to(from, &to); }
#else
void SwitchContext(Context* from, const Context& to);
inline void LeaveTo(Context* from, const Context& to) { SwitchContext(from, to); }
#endif

struct Fiber {
  Context context;
  char* stack = nullptr;  // lowest address
  size_t stack_bytes = 0;
  Fiber* next_free = nullptr;
};

// Stacks of one size, kept for reuse. Not thread safe: each worker has its own.
class FiberPool {
 public:
  explicit FiberPool(size_t stack_bytes) : stack_bytes_(stack_bytes) {}

  // A fiber that calls entry(), which never returns, when it is first switched to.
  Fiber* Take(void (*entry)());
  // REQUIRES: the fiber is not running, and will not be resumed.
  void Give(Fiber* fiber) {
    fiber->next_free = free_;
    free_ = fiber;
  }

 private:
  void Grow();

  size_t stack_bytes_;
  Fiber* free_ = nullptr;
  size_t made_ = 0;
  std::vector<std::unique_ptr<Fiber>> all_;
};

// Whether an address lies in some fiber's stack: private to a kernel's thread.
bool InFiberStack(const void* address);

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_FIBER_H_
