// The library's side of cuda_host/device.h.
#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "harness/host/check/hooks.h"
#include "harness/host/executor/block.h"
#include "harness/host/executor/device_entry.h"
#include "harness/host/executor/progress.h"

namespace cuda_host {
namespace {

[[noreturn]] __attribute__((noinline)) void NotInKernel(const char* what) {
  Report(std::string(what) + " is called outside of a kernel");
  std::abort();
}

// Where a kernel's function is called from host code there is no block to speak of.
inline Block* MustBeInKernel(const char* what) {
  Block* const block = CurrentBlock();
  if (block == nullptr) NotInKernel(what);
  return block;
}

}  // namespace

enum class WarpReduceOp { kAdd, kMin, kMax, kMinSigned, kMaxSigned, kAnd, kOr, kXor };

namespace {
// Apart, so that BlockSync keeps nothing on the stack. Both end with the switch: who comes back is in the kernel.
__attribute__((noinline)) void SyncSlowly(const char* file, int line) {
  const auto [from, to] = MustBeInKernel("__syncthreads")->SyncSlowly({file, line});
  if (from != to) LeaveTo(from, *to);
}
}  // namespace

void BlockSync(const char* file, int line) {
  Block* const block = CurrentBlock();
  if (block == nullptr || !block->InOrder(file, line)) return SyncSlowly(file, line);
  const auto [from, to] = block->Sync();
  LeaveTo(from, *to);
}

int BlockBarrier(int reduce, bool predicate, const char* file, int line) {
  return MustBeInKernel("__syncthreads")->Barrier(static_cast<Block::Reduce>(reduce), predicate, {file, line});
}

void WarpBarrier(unsigned mask, const char* file, int line) {
  MustBeInKernel("__syncwarp")->Exchange(mask, kSyncWarpKind, 0, {file, line}, [](const WarpOperation&) { return 0; });
}

uint64_t WarpShuffle(unsigned mask, uint64_t value, int source_lane, const char* file, int line) {
  return MustBeInKernel("a shuffle")
      ->Exchange(mask, kExchangeKind, value, {file, line}, [&](const WarpOperation& operation) {
        // What a lane that takes no part would give is undefined.
        if ((operation.arrived >> source_lane & 1) == 0) return ~value ^ uint64_t { 0x5a5a5a5a5a5a5a5a };
        return operation.values[source_lane];
      });
}

unsigned WarpBallot(unsigned mask, bool predicate, const char* file, int line) {
  return MustBeInKernel("a vote")->Exchange(mask, kVoteKind, predicate ? 1 : 0, {file, line},
                                            [](const WarpOperation& operation) {
                                              unsigned ballot = 0;
                                              for (uint32_t rest = operation.arrived; rest != 0; rest &= rest - 1) {
                                                const int lane = __builtin_ctz(rest);
                                                ballot |= static_cast<unsigned>(operation.values[lane]) << lane;
                                              }
                                              return ballot;
                                            });
}

unsigned WarpMatchAny(unsigned mask, uint64_t value, const char* file, int line) {
  return MustBeInKernel("__match_any_sync")
      ->Exchange(mask, kMatchKind, value, {file, line}, [value](const WarpOperation& operation) {
        unsigned same = 0;
        for (uint32_t rest = operation.arrived; rest != 0; rest &= rest - 1) {
          const int lane = __builtin_ctz(rest);
          if (operation.values[lane] == value) same |= 1u << lane;
        }
        return same;
      });
}

unsigned WarpMatchAll(unsigned mask, uint64_t value, const char* file, int line) {
  return MustBeInKernel("__match_all_sync")
      ->Exchange(mask, kMatchKind + 100, value, {file, line}, [value](const WarpOperation& operation) {
        for (uint32_t rest = operation.arrived; rest != 0; rest &= rest - 1) {
          if (operation.values[__builtin_ctz(rest)] != value) return 0u;
        }
        return operation.arrived;
      });
}

unsigned WarpReduce(unsigned mask, WarpReduceOp op, unsigned value, const char* file, int line) {
  return MustBeInKernel("a warp reduction")
      ->Exchange(mask, kReduceKind + static_cast<int>(op) * 16, value, {file, line},
                 [op](const WarpOperation& operation) {
                   bool first = true;
                   unsigned result = 0;
                   for (uint32_t rest = operation.arrived; rest != 0; rest &= rest - 1) {
                     const unsigned x = static_cast<unsigned>(operation.values[__builtin_ctz(rest)]);
                     if (first) {
                       result = x;
                       first = false;
                       continue;
                     }
                     switch (op) {
                       case WarpReduceOp::kAdd:
                         result += x;
                         break;
                       case WarpReduceOp::kMin:
                         result = x < result ? x : result;
                         break;
                       case WarpReduceOp::kMax:
                         result = x > result ? x : result;
                         break;
                       case WarpReduceOp::kMinSigned:
                         result = static_cast<int>(x) < static_cast<int>(result) ? x : result;
                         break;
                       case WarpReduceOp::kMaxSigned:
                         result = static_cast<int>(x) > static_cast<int>(result) ? x : result;
                         break;
                       case WarpReduceOp::kAnd:
                         result &= x;
                         break;
                       case WarpReduceOp::kOr:
                         result |= x;
                         break;
                       case WarpReduceOp::kXor:
                         result ^= x;
                         break;
                     }
                   }
                   return result;
                 });
}

unsigned WarpActive(const char* file, int line) { return MustBeInKernel("__activemask")->Active({file, line}); }

void GridBarrier(const char* file, int line) {
  Block* const block = MustBeInKernel("grid.sync()");
  Grid* const grid = block->grid();
  const Site site{file, line};
  if (!grid->launch.cooperative) {
    Report("grid.sync() at " + std::string(file) + ":" + std::to_string(line) + ": kernel " + grid->launch.kernel +
           " was not launched with cudaLaunchCooperativeKernel");
    block->Fail(cudaErrorLaunchFailure);
  }
  block->Barrier(Block::Reduce::kNone, false, site);
  // One thread for the block: whichever comes first from the barrier, as the rest waits at the next.
  const uint3 index = block->ThreadIndex(block->current());
  if (index.x == 0 && index.y == 0 && index.z == 0) {
    const uint64_t generation = grid->sync_generation.load();
    if (grid->sync_arrived.fetch_add(1) + 1 == grid->blocks) {
      grid->sync_arrived = 0;
      grid->sync_generation.fetch_add(1);
      NoteProgress();
    }
    while (grid->sync_generation.load() == generation) block->YieldThread(site);
    if (check::g_enabled) check::OnGridSync(block);
  }
  block->Barrier(Block::Reduce::kNone, false, site);
}

bool IsCooperative() { return MustBeInKernel("is_valid()")->grid()->launch.cooperative; }

void Fence(bool block_only) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Block* const block = CurrentBlock();
  if (block == nullptr) return;
  if (check::g_enabled) check::OnFence(block, block_only);
  block->SchedulingPoint();
}

void Pause(const char* file, int line) {
  if (Block* const block = CurrentBlock(); block != nullptr) {
    block->YieldThread({file, line});
  } else {
    Yield();
  }
}

void SchedulingPoint() {
  if (Block* const block = CurrentBlock(); block != nullptr) block->SchedulingPoint();
}

void Trap() {
  Block* const block = MustBeInKernel("__trap");
  block->Fail(cudaErrorLaunchFailure);
}

int Lane() { return static_cast<int>(MustBeInKernel("a shuffle")->current() % kWarpSize); }

bool IsShared(const void* address) {
  const Block* const block = CurrentBlock();
  const char* const p = static_cast<const char*>(address);
  return block != nullptr && block->shared() != nullptr && p >= block->shared() && p < block->shared() + kSharedReserve;
}

long long Cycles() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void* StaticSharedBytes(const void* key, const char* name, size_t bytes, size_t alignment) {
  return MustBeInKernel("a __shared__ variable's function")->StaticShared(key, name, bytes, alignment);
}

void* DynamicShared(size_t) {
  Block* const block = MustBeInKernel("a function with dynamic shared memory");
  // Without any at the launch there is an address all the same, one that must not be used.
  return block->DynamicShared();
}

void CheckLaunchBounds(unsigned max_threads) {
  Block* const block = CurrentBlock();
  if (block == nullptr || block->thread_count() <= max_threads) return;
  Report("too many threads: kernel " + block->grid()->launch.kernel + " has __launch_bounds__(" +
         std::to_string(max_threads) + ") and is launched with blocks of " + std::to_string(block->thread_count()));
  block->Fail(cudaErrorInvalidValue);
}

}  // namespace cuda_host

// assert(): in a kernel it ends the kernel, in CUDA's words.
extern "C" void __assert_fail(const char* assertion, const char* file, unsigned line, const char* function) {
  cuda_host::Block* const block = cuda_host::CurrentBlock();
  if (block != nullptr) {
    const uint3 b = block->index(), t = block->ThreadIndex(block->current());
    std::fprintf(stderr, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.\n", file, line,
                 function, b.x, b.y, b.z, t.x, t.y, t.z, assertion);
    block->Fail(cudaErrorAssert);
  }
  using Function = void (*)(const char*, const char*, unsigned, const char*);
  if (const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "__assert_fail")); next != nullptr) {
    next(assertion, file, line, function);
  }
  std::fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, assertion);
  std::abort();
}
