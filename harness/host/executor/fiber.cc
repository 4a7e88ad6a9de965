#include "harness/host/executor/fiber.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace cuda_host {
namespace {

// All stacks lie in one reservation, so that a stack's address is told by two comparisons.
constexpr size_t kReserved = size_t{64} << 30;
constexpr size_t kPage = 4096;
// Each guarded stack costs the kernel a mapping, of which a process has 65,530.
constexpr size_t kGuarded = 16384;

std::atomic<char*> g_base{nullptr};
std::atomic<size_t> g_used{0};
std::atomic<size_t> g_stacks{0};

char* ReserveStack(size_t bytes) {
  static char* const base = [] {
    void* reserved =
        mmap(nullptr, kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
      std::fprintf(stderr, "CUDA (host mode): no address space for the stacks of kernel threads (64 GiB)\n");
      std::abort();
    }
    g_base = static_cast<char*>(reserved);
    return static_cast<char*>(reserved);
  }();
  const size_t offset = g_used.fetch_add(bytes);
  if (offset + bytes > kReserved) {
    std::fprintf(stderr, "CUDA (host mode): too many kernel threads are suspended at once\n");
    std::abort();
  }
  if (g_stacks.fetch_add(1) < kGuarded) (void)mprotect(base + offset, kPage, PROT_NONE);
  return base + offset;
}

}  // namespace

bool InFiberStack(const void* address) {
  const char* const base = g_base.load(std::memory_order_relaxed);
  const char* const p = static_cast<const char*>(address);
  return base != nullptr && p >= base && p < base + kReserved;
}

#if defined(__x86_64__)

// Saves what a called function has to keep (System V ABI): rbx, rbp, r12-r15, and the two control words.
asm(R"(
.text
.p2align 4
.type cuda_host_switch_context,@function
cuda_host_switch_context:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  subq $8, %rsp
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  ldmxcsr (%rsp)
  fldcw 4(%rsp)
  addq $8, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_host_switch_context,.-cuda_host_switch_context
)");
extern "C" void cuda_host_switch_context(void** from, void* to);

void SwitchContext(Context* from, const Context& to) {
  cuda_host_switch_context(&from->stack_pointer, to.stack_pointer);
}

namespace {
void Prepare(Fiber* fiber, char* top, void (*entry)()) {
  // As a call of entry would leave it: a return address on an otherwise 16-byte aligned stack.
  uintptr_t sp = reinterpret_cast<uintptr_t>(top) & ~uintptr_t{15};
  void** frame = reinterpret_cast<void**>(sp) - 9;
  std::memset(frame, 0, 9 * sizeof(void*));
  const uint32_t control[2] = {0x1f80, 0x037f};  // the defaults of mxcsr and the x87 control word
  std::memcpy(frame, control, sizeof control);
  frame[7] = reinterpret_cast<void*>(entry);
  fiber->context.stack_pointer = frame;
}
}  // namespace

#else

// Elsewhere the C library's, which is slower (it saves the signal mask too).
void SwitchContext(Context* from, const Context& to) {
  ucontext_t here;
  from->stack_pointer = &here;
  swapcontext(&here, static_cast<ucontext_t*>(to.stack_pointer));
}

namespace {
void Prepare(Fiber* fiber, char* top, void (*entry)()) {
  auto* context =
      reinterpret_cast<ucontext_t*>((reinterpret_cast<uintptr_t>(top) - sizeof(ucontext_t)) & ~uintptr_t{63});
  getcontext(context);
  context->uc_stack.ss_sp = fiber->stack;
  context->uc_stack.ss_size = static_cast<size_t>(reinterpret_cast<char*>(context) - fiber->stack);
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
  fiber->context.stack_pointer = context;
}
}  // namespace

#endif

void FiberPool::Grow() {
  auto fiber = std::make_unique<Fiber>();
  fiber->stack = ReserveStack(stack_bytes_);
  fiber->stack_bytes = stack_bytes_;
  Give(fiber.get());
  all_.push_back(std::move(fiber));
}

Fiber* FiberPool::Take(void (*entry)()) {
  if (free_ == nullptr) Grow();
  Fiber* const fiber = free_;
  free_ = fiber->next_free;
  // The tops of stacks are spread over the sets of the first-level cache, which equal offsets would share.
  const size_t colour = (made_++ * 192) % kPage;
  Prepare(fiber, fiber->stack + fiber->stack_bytes - colour, entry);
  return fiber;
}

}  // namespace cuda_host
