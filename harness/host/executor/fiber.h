// Stacks to run on, and the switch between them.
#ifndef HARNESS_HOST_EXECUTOR_FIBER_H_
#define HARNESS_HOST_EXECUTOR_FIBER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cuda_host {

// A suspended flow of control: the stack pointer below which its registers lie.
struct Context {
  void* stack_pointer = nullptr;
};

// Suspends the caller into *from and resumes `to`. Contexts stay on the thread that they were made on.
void SwitchContext(Context* from, const Context& to);

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
