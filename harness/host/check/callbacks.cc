// What code compiled with -fsanitize=thread,bounds,alignment calls before each access. The compiler's instrumentation
// is used without its run-time library: what to make of an access in a kernel, this library knows better.
#include <cstdint>
#include <cstring>

#include "harness/host/check/checker.h"
#include "harness/host/check/hooks.h"
#include "harness/host/executor/fiber.h"
#include "harness/host/executor/location.h"

namespace cuda_host {
// The runtime's, where it is linked.
__attribute__((weak)) const Operation* CurrentHostFunction();
}  // namespace cuda_host

namespace cuda_host::check {
namespace {

constinit thread_local bool t_inside = false;

// threadIdx and its like, which compilers take for ordinary variables.
bool IsThreadVariable(const void* pointer) {
  const auto inside = [pointer](const void* variable, size_t bytes) {
    return reinterpret_cast<uintptr_t>(pointer) - reinterpret_cast<uintptr_t>(variable) < bytes;
  };
  return inside(&::blockDim, sizeof ::blockDim) || inside(&::gridDim, sizeof ::gridDim) ||
         inside(&::threadIdx, sizeof ::threadIdx) || inside(&::blockIdx, sizeof ::blockIdx);
}

// Everything about one access. True if it may be made.
bool Examine(const void* pointer, size_t bytes, bool write, bool read, Checker::Flag flag, bool whole,
             const void* caller) {
  Block* const block = CurrentBlock();
  const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
  Checker& checker = TheChecker();
  if (block != nullptr) {
    // The launch's copy of the kernel's parameters, which each thread copies from. (CUDA's limit is 32,764 bytes.)
    const uintptr_t arguments = reinterpret_cast<uintptr_t>(block->grid()->launch.arguments.get());
    if (address - arguments < 32764 && checker.Find(address) == checker.allocations.end()) return true;
  }
  const size_t alignment = whole ? 1 : bytes;
  if (block != nullptr && (address & (alignment - 1)) != 0) {
    Report("misaligned access: " + Place() + (write ? " writes " : " reads ") + std::to_string(bytes) + " bytes " +
           checker.DescribePlace(checker.PlaceOf(caller)) + ", at an address that is no multiple of " +
           std::to_string(bytes));
    return false;
  }
  if (!checker.CheckAddress(address, bytes, write, caller, block)) return block == nullptr;
  if (block == nullptr) {
    // A host function that a stream runs is an operation of that stream.
    const Operation* const function = CurrentHostFunction != nullptr ? CurrentHostFunction() : nullptr;
    Checker::Who who{0, checker.PlaceOf(caller), nullptr, nullptr, 0};
    if (function != nullptr) {
      who.operation = checker.clocks.AddOperation({"a host function", *function, false});
      who.segment = checker.clocks.SegmentOfOperation(who.operation);
      who.before = function->before.get();
    } else {
      who.segment = checker.clocks.SegmentOfHost();
    }
    if (read) checker.Record(who, address, bytes, false, flag);
    if (write) checker.Record(who, address, bytes, true, flag);
    return true;
  }
  BlockState* const state = block->check_state();
  if (state == nullptr) return true;
  if (read && !whole) checker.CheckDefined(address, bytes, caller, block);
  const Checker::Who who{checker.clocks.SegmentOfThread(state), checker.PlaceOf(caller), state, nullptr, 1};
  if (read && !write) checker.Record(who, address, bytes, false, flag);
  if (write) {
    checker.Record(who, address, bytes, true, flag);
    checker.shadow.SetDefinedBits(address, bytes);
  }
  return true;
}

// Who fences means its volatile variables for flags.
bool Fenced(const Block* block) { return block->check_state() != nullptr && block->check_state()->has_fenced; }

void OnAccess(const void* pointer, size_t bytes, bool write, bool whole, const void* caller) {
  if (InFiberStack(pointer) || t_inside || IsThreadVariable(pointer)) return;
  Checker& checker = TheChecker();
  t_inside = true;
  checker.Lock();
  const bool allowed = Examine(pointer, bytes, write, !write, Checker::Flag::kNone, whole, caller);
  checker.Unlock();
  t_inside = false;
  if (!allowed) CurrentBlock()->Fail(cudaErrorIllegalAddress);
}

// A volatile or atomic access: besides, a flag.
void OnFlag(const void* pointer, size_t bytes, Access access, bool release, bool acquire, bool is_volatile,
            const void* caller) {
  if (InFiberStack(pointer) || t_inside || IsThreadVariable(pointer)) return;
  Checker& checker = TheChecker();
  t_inside = true;
  checker.Lock();
  Block* const block = CurrentBlock();
  // In shared memory lanes of one warp that pass values through volatile variables are the old, wrong way.
  const char* const p = static_cast<const char*>(pointer);
  const bool shared =
      block != nullptr && block->shared() != nullptr && p >= block->shared() && p < block->shared() + kSharedReserve;
  const bool write = access != Access::kLoad, read = access != Access::kStore;
  const bool allowed =
      Examine(pointer, bytes, write, read,
              is_volatile && shared && !Fenced(block) ? Checker::Flag::kInWarp : Checker::Flag::kYes, false, caller);
  if (allowed && block != nullptr && block->check_state() != nullptr) {
    BlockState* const state = block->check_state();
    if (read) {
      const auto it = checker.Find(reinterpret_cast<uintptr_t>(pointer));
      const bool remote =
          it != checker.allocations.end() && (it->second.kind == MemoryKind::kPeer || it->second.shared_with_peers);
      checker.clocks.ReadFlag(state, pointer, remote, acquire);
    }
    if (write) checker.clocks.WriteFlag(state, pointer, access == Access::kReadModifyWrite, release);
  }
  checker.Unlock();
  t_inside = false;
  if (!allowed && block != nullptr) block->Fail(cudaErrorIllegalAddress);
}

}  // namespace

GridState* NewGrid(const Grid& grid) {
  Checker& checker = TheChecker();
  checker.Lock();
  auto* const state = new GridState;
  state->operation = checker.clocks.AddOperation(
      {"kernel " + grid.launch.kernel, grid.launch.operation, true, grid.launch.grid, grid.launch.block});
  checker.Unlock();
  return state;
}
void DeleteGrid(GridState* state) { delete state; }

BlockState* NewBlock(Block* block) {
  auto* const state = new BlockState;
  state->block = block;
  state->threads.resize(block->thread_count());
  state->warp_knows.resize(size_t{block->thread_count()} * kWarpSize);
  if (block->shared() != nullptr) {
    Checker& checker = TheChecker();
    checker.Lock();
    checker.shadow.Reset(reinterpret_cast<uintptr_t>(block->shared()), kSharedReserve, true);
    checker.shadow.SetDefined(reinterpret_cast<uintptr_t>(block->shared()), block->dynamic_shared_bytes(), false);
    checker.clocks.ForgetFlags(block->shared(), kSharedReserve);
    checker.Unlock();
  }
  return state;
}
void DeleteBlock(BlockState* state) { delete state; }

void OnSharedVariable(Block*, const Block::SharedVariable& variable) {
  Checker& checker = TheChecker();
  checker.Lock();
  checker.shadow.SetDefined(reinterpret_cast<uintptr_t>(variable.data), variable.bytes, false);
  checker.Unlock();
}

namespace {
template <typename Action>
void WithClocks(Block* block, Action action) {
  if (block->check_state() == nullptr) return;
  Checker& checker = TheChecker();
  checker.Lock();
  action(&checker.clocks, block->check_state());
  checker.Unlock();
}
}  // namespace

void OnBarrier(Block* block) {
  WithClocks(block, [](Clocks* clocks, BlockState* state) { clocks->Barrier(state); });
}
void OnSyncWarp(Block* block, uint32_t warp, uint32_t mask) {
  WithClocks(block, [=](Clocks* clocks, BlockState* state) { clocks->SyncWarp(state, warp, mask); });
}
void OnGridSync(Block* block) {
  WithClocks(block, [](Clocks* clocks, BlockState* state) { clocks->GridSync(state); });
}
void OnFence(Block* block, bool block_only) {
  WithClocks(block, [=](Clocks* clocks, BlockState* state) { clocks->Fence(state, block_only); });
}

void OnDivergentBarrier(Block* block, Site first, Site here) {
  static std::set<std::pair<int, int>> told;
  {
    Checker& checker = TheChecker();
    checker.Lock();
    const bool is_new = told.insert({first.line, here.line}).second;
    checker.Unlock();
    if (!is_new) return;
  }
  (void)block;
  Report("barrier divergence: " + Place() + " is in __syncthreads at " + here.file + ":" + std::to_string(here.line) +
         " while others of the block wait in the one at " + first.file + ":" + std::to_string(first.line));
}

void OnAtomic(const void* address, size_t bytes, Access access, const void* caller) {
  OnFlag(address, bytes, access, false, false, false, caller);
}

}  // namespace cuda_host::check

// NOLINTBEGIN: the compilers' names.
using cuda_host::check::Access;

#define CALLER __builtin_return_address(0)

extern "C" {

void __tsan_init() { cuda_host::check::Enable(); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

#define ACCESSES(size)                                                                                    \
  void __tsan_read##size(void* p) { cuda_host::check::OnAccess(p, size, false, false, CALLER); }          \
  void __tsan_write##size(void* p) { cuda_host::check::OnAccess(p, size, true, false, CALLER); }          \
  void __tsan_unaligned_read##size(void* p) { cuda_host::check::OnAccess(p, size, false, true, CALLER); } \
  void __tsan_unaligned_write##size(void* p) { cuda_host::check::OnAccess(p, size, true, true, CALLER); } \
  void __tsan_volatile_read##size(void* p) {                                                              \
    cuda_host::check::LetOthersRun(CALLER);                                                               \
    cuda_host::check::OnFlag(p, size, Access::kLoad, false, false, true, CALLER);                         \
  }                                                                                                       \
  void __tsan_volatile_write##size(void* p) {                                                             \
    cuda_host::check::OnFlag(p, size, Access::kStore, false, false, true, CALLER);                        \
  }                                                                                                       \
  void __tsan_unaligned_volatile_read##size(void* p) { __tsan_volatile_read##size(p); }                   \
  void __tsan_unaligned_volatile_write##size(void* p) { __tsan_volatile_write##size(p); }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void* p, unsigned long bytes) { cuda_host::check::OnAccess(p, bytes, false, true, CALLER); }
void __tsan_write_range(void* p, unsigned long bytes) { cuda_host::check::OnAccess(p, bytes, true, true, CALLER); }

void __tsan_atomic_thread_fence(int) { cuda_host::check::FenceHere(); }
void __tsan_atomic_signal_fence(int) {}

#define ORDERED(order) (order) == __ATOMIC_RELEASE || (order) == __ATOMIC_ACQ_REL || (order) == __ATOMIC_SEQ_CST
#define ACQUIRES(order) (order) != __ATOMIC_RELAXED && (order) != __ATOMIC_RELEASE
#define ATOMICS(bits, type)                                                                                           \
  type __tsan_atomic##bits##_load(const volatile type* p, int order) {                                                \
    cuda_host::check::OnFlag(const_cast<const type*>(p), sizeof(type), Access::kLoad, false,                          \
                             order != __ATOMIC_RELAXED, false, CALLER);                                               \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                                      \
  }                                                                                                                   \
  void __tsan_atomic##bits##_store(volatile type* p, type v, int order) {                                             \
    cuda_host::check::OnFlag(const_cast<const type*>(p), sizeof(type), Access::kStore, ORDERED(order), false, false,  \
                             CALLER);                                                                                 \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                                         \
  }                                                                                                                   \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* p, type* expected, type desired, int order, int) { \
    cuda_host::check::OnFlag(const_cast<const type*>(p), sizeof(type), Access::kReadModifyWrite, ORDERED(order),      \
                             ACQUIRES(order), false, CALLER);                                                         \
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);              \
  }                                                                                                                   \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* p, type* expected, type desired, int order, int o) { \
    return __tsan_atomic##bits##_compare_exchange_strong(p, expected, desired, order, o);                             \
  }                                                                                                                   \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type* p, type expected, type desired, int order, int o) {  \
    __tsan_atomic##bits##_compare_exchange_strong(p, &expected, desired, order, o);                                   \
    return expected;                                                                                                  \
  }                                                                                                                   \
  FETCH(bits, type, exchange, __atomic_exchange_n)                                                                    \
  FETCH(bits, type, fetch_add, __atomic_fetch_add)                                                                    \
  FETCH(bits, type, fetch_sub, __atomic_fetch_sub)                                                                    \
  FETCH(bits, type, fetch_and, __atomic_fetch_and)                                                                    \
  FETCH(bits, type, fetch_or, __atomic_fetch_or)                                                                      \
  FETCH(bits, type, fetch_xor, __atomic_fetch_xor)                                                                    \
  FETCH(bits, type, fetch_nand, __atomic_fetch_nand)
#define FETCH(bits, type, name, builtin)                                                                         \
  type __tsan_atomic##bits##_##name(volatile type* p, type v, int order) {                                       \
    cuda_host::check::OnFlag(const_cast<const type*>(p), sizeof(type), Access::kReadModifyWrite, ORDERED(order), \
                             ACQUIRES(order), false, CALLER);                                                    \
    return builtin(p, v, __ATOMIC_SEQ_CST);                                                                      \
  }
ATOMICS(8, unsigned char)
ATOMICS(16, unsigned short)
ATOMICS(32, unsigned)
ATOMICS(64, unsigned long)

// An index that the type of an array rules out.
void __ubsan_handle_out_of_bounds(void* data, unsigned long index) { cuda_host::check::OnIndex(data, index); }
void __ubsan_handle_out_of_bounds_abort(void* data, unsigned long index) { cuda_host::check::OnIndex(data, index); }

void __ubsan_handle_type_mismatch_v1(void* data, unsigned long pointer) { cuda_host::check::OnPointer(data, pointer); }
void __ubsan_handle_type_mismatch_v1_abort(void* data, unsigned long pointer) {
  cuda_host::check::OnPointer(data, pointer);
}

}  // extern "C"
// NOLINTEND
