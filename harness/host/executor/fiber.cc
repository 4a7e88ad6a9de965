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

// Keeps what a called function has to (System V ABI). The control words of floating point are the same everywhere: a
// thread that is preempted while it rounds otherwise is so by a signal, and those keep them.
//
// A processor foretells that a return goes behind the last call. That is so where both contexts were left by calls of
// SwitchContext at one place; LeaveTo is for tail calls from many, and jumps.
asm(R"(
.macro cuda_host_switch
  popq %rcx
  movq %rsp, (%rdi)
  movq %rcx, 8(%rdi)
  movq %rbp, 16(%rdi)
  movq %rbx, 24(%rdi)
  movq %r12, 32(%rdi)
  movq %r13, 40(%rdi)
  movq %r14, 48(%rdi)
  movq %r15, 56(%rdi)
  movq (%rsi), %rsp
  movq 8(%rsi), %rcx
  movq 16(%rsi), %rbp
  movq 24(%rsi), %rbx
  movq 32(%rsi), %r12
  movq 40(%rsi), %r13
  movq 48(%rsi), %r14
  movq 56(%rsi), %r15
.endm
.text
.globl cuda_host_switch_context, cuda_host_leave_to
.hidden cuda_host_switch_context, cuda_host_leave_to
.type cuda_host_switch_context,@function
.type cuda_host_leave_to,@function
.p2align 4
cuda_host_switch_context:
  cuda_host_switch
  pushq %rcx
  ret
.size cuda_host_switch_context,.-cuda_host_switch_context
.p2align 4
cuda_host_leave_to:
  cuda_host_switch
  jmp *%rcx
.size cuda_host_leave_to,.-cuda_host_leave_to
)");

namespace {
void Prepare(Fiber* fiber, char* top, void (*entry)()) {
  // As a call of entry would leave it: a return address on an otherwise 16-byte aligned stack.
  auto* const frame = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t{15}) - 1;
  *frame = nullptr;
  fiber->context = {};
  fiber->context.stack_pointer = frame;
  fiber->context.instruction = reinterpret_cast<void*>(entry);
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
