// One block of threads, each a flow of control that can wait.
//
// Threads run one after the other on the same stack for as long as none of them waits: a kernel without barriers is a
// loop. One that waits keeps the stack it is on, and the next thread gets another.
//
// What is expected to happen next is kept ready: at the start, and behind a barrier, an order of the block's threads is
// drawn. As long as each of them does as expected (exits; comes to the next __syncthreads) the next one of the order
// follows at once: in a loop (RunThreads), or by a switch at the __syncthreads. Settle, called before anything else
// happens, brings the masks of the warps up to date.
#ifndef HARNESS_HOST_EXECUTOR_BLOCK_H_
#define HARNESS_HOST_EXECUTOR_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cuda_host/thread_run.h"
#include "harness/host/executor/executor.h"
#include "harness/host/executor/fiber.h"
#include "harness/host/executor/random.h"

// Declared const in cuda_host/device.h: to a kernel's thread they are.
#define CUDA_HOST_TLS __attribute__((tls_model("initial-exec")))
extern constinit thread_local uint3 threadIdx CUDA_HOST_TLS;
extern constinit thread_local uint3 blockIdx CUDA_HOST_TLS;
extern constinit thread_local dim3 blockDim CUDA_HOST_TLS;
extern constinit thread_local dim3 gridDim CUDA_HOST_TLS;

namespace cuda_host {

class Block;

// Global symbols, all of these: of local ones in a shared library the linker gold mixes up the offsets.
extern constinit thread_local Block* t_block CUDA_HOST_TLS;
#undef CUDA_HOST_TLS

// The block whose thread is running here, or null.
inline Block* CurrentBlock() { return t_block; }

namespace check {
struct BlockState;
struct GridState;
}  // namespace check

inline constexpr int kWarpSize = 32;
inline constexpr size_t kSharedReserve = size_t{256} << 10;  // address space for a block's shared memory

// A source position, as __builtin_FILE and __builtin_LINE give it; or a return address, where no more is known.
struct Site {
  const char* file = "";
  int line = 0;
  static constexpr int kCaller = -1;  // as `line`: `file` is the address
  static Site Of(const void* caller) { return {static_cast<const char*>(caller), kCaller}; }
  bool operator==(const Site&) const = default;
};

// A grid that has been started.
struct Grid {
  GridLaunch launch;
  std::function<void(cudaError_t)> done;
  uint64_t blocks = 0;
  std::vector<uint3> thread_indices;  // of a block's threads, unless it is one-dimensional
  uint64_t first = 0, stride = 1;     // the order of blocks: (first + i * stride) mod blocks
  uint64_t resident_limit = 1;        // how many fit on the stand-in's multiprocessors
  std::atomic<uint64_t> next{0};      // blocks admitted
  std::atomic<uint64_t> resident{0};
  std::atomic<uint64_t> finished{0};
  std::atomic<int> error{cudaSuccess};    // the first fault; no further block is started
  std::atomic<uint64_t> sync_arrived{0};  // blocks at the present grid.sync()
  std::atomic<uint64_t> sync_generation{0};
  std::unique_ptr<check::GridState, void (*)(check::GridState*)> check{nullptr, nullptr};
};

// What the lanes of a warp that were named by one mask exchange.
struct WarpOperation {
  uint32_t mask = 0;
  uint32_t arrived = 0;
  uint32_t to_read = 0;  // lanes that have yet to take their result, once complete
  int kind = -1;
  bool complete = false;
  bool free = true;
  Site site;  // of the first lane
  uint64_t values[kWarpSize];

  bool IsOpenTo(uint32_t lanes, int of_kind) const { return !free && !complete && mask == lanes && kind == of_kind; }
};

struct Warp {
  // None has begun.
  void Reset(uint32_t those_there_are) {
    lanes = unstarted = those_there_are;
    runnable = yielded = at_barrier = in_operation = at_active = exited = 0;
    for (const auto& operation : operations) operation->free = true;
  }

  uint32_t lanes = 0;  // that exist
  uint32_t unstarted = 0;
  uint32_t runnable = 0;  // suspended, may go on
  uint32_t yielded = 0;   // suspended, may go on when nobody else in the block can
  uint32_t at_barrier = 0;
  uint32_t in_operation = 0;
  uint32_t at_active = 0;  // asked who is active
  uint32_t exited = 0;
  std::vector<std::unique_ptr<WarpOperation>> operations;
  WarpOperation* latest = nullptr;  // of these, that a lane came to
};

// A thread that has ever waited. Its registers are kept apart, close to those of its neighbours.
struct Suspended {
  Fiber* fiber = nullptr;  // that it runs on, until it exits
  Site site;               // where it waits
  uint32_t active = 0;     // answer to "who is active"
};

enum class Turn { kFinished, kYielded, kFailed };

// What a worker runs, turn by turn.
class Runnable {
 public:
  virtual ~Runnable() = default;
  // Runs until it is finished or nothing in it can go on at the moment.
  virtual Turn Run() = 0;
};

class Block : public Runnable {
 public:
  explicit Block(FiberPool* fibers) : fibers_(fibers) {}
  ~Block() override;

  // A Block is used for one after the other of a grid's blocks. Begin, then Run until it is over, then End.
  void Begin(Grid* grid, uint64_t index);
  void End();

  Turn Run() override;

  Grid* grid() const { return grid_; }
  uint3 index() const { return index_; }
  uint64_t linear_index() const { return linear_index_; }
  uint32_t thread_count() const { return threads_; }
  uint32_t current() const { return run_.thread; }  // the running thread
  // One thread has exited and the next has not begun: a signal must not suspend anything.
  bool IsBetweenThreads() const { return run_.thread == ThreadRun::kBetween; }
  uint3 ThreadIndex(uint32_t thread) const;
  check::BlockState* check_state() const { return check_.get(); }

  // ---- called by the running thread ----
  enum class Reduce { kNone, kCount, kAnd, kOr };
  // __syncthreads and its reducing forms.
  int Barrier(Reduce reduce, bool predicate, Site site);
  // __syncthreads: Barrier without a Reduce. It is for the caller to switch, unless both are the same.
  struct Switch {
    Context* from;
    const Context* to;
  };
  // Whether all so far are in this __syncthreads, and others of the same order are to come. If so, it is Sync; else
  // SyncSlowly.
  bool InOrder(const char* file, int line) const {
    return *next_ != kNobody && line == sync_site_.line && file == sync_site_.file;
  }
  Switch Sync() {
    const uint32_t thread = run_.thread, next = *next_++;
    Become(next);
    return {&contexts_[thread], &contexts_[next]};
  }
  Switch SyncSlowly(Site site);
  // Lets the others run; comes back when nobody else in the block can go on, or at once.
  void YieldThread(Site site);
  // A point at which the scheduler may take another thread: an atomic, a fence.
  void SchedulingPoint() {
    if ((scheduling_points_ = scheduling_points_ * 6364136223846793005u + 1442695040888963407u) >> 62 == 0)
      YieldThread({});
  }
  // Waits for the lanes of `mask`, then calls result(operation) and gives its value.
  template <typename Result>
  auto Exchange(uint32_t mask, int kind, uint64_t value, Site site, Result result) {
    WarpOperation* const operation = Arrive(mask, kind, value, site);
    const auto answer = result(*operation);
    const uint32_t bit = 1u << (run_.thread % kWarpSize);
    if ((operation->to_read &= ~bit) == 0) operation->free = true;
    return answer;
  }
  // The lanes of the warp that ask at the same place at the same time.
  uint32_t Active(Site site);
  // The kernel's fault: the grid ends with `error`. Does not return.
  [[noreturn]] void Fail(cudaError_t error);

  void* StaticShared(const void* key, const char* name, size_t bytes, size_t alignment);
  void* DynamicShared() const { return has_shared_ ? shared_ : nullptr; }
  size_t dynamic_shared_bytes() const { return grid_->launch.dynamic_shared_bytes; }

  struct SharedVariable {
    const void* key;
    const char* name;
    char* data;
    size_t bytes;
  };
  const std::vector<SharedVariable>& shared_variables() const { return variables_; }
  // Null if the block has none.
  const char* shared() const { return has_shared_ ? shared_ : nullptr; }

  // "thread (3,0,0) at file.cu:12, thread ..." of up to a few of the threads that wait.
  std::string DescribeWaiting() const;

  // Entry of a kernel's fibers.
  static void ThreadLoop();

 private:
  enum class Expected { kNothing, kExits, kBarrier };

  void ArriveAtBarrier(bool predicate, Site site);
  [[noreturn]] void RefuseMask(uint32_t mask, Site site);
  WarpOperation* Find(Warp* warp, uint32_t mask, int kind, Site site);
  WarpOperation* Arrive(uint32_t mask, int kind, uint64_t value, Site site);
  static bool AllArrived(const Warp& warp, const WarpOperation& operation) {
    return (operation.mask & warp.lanes & ~warp.exited & ~operation.arrived) == 0;
  }
  void CompleteOperation(Warp* warp, WarpOperation* operation);
  void ReleaseBarrier();
  void NextGeneration();
  void ThreadExited();
  // The next thread to run, and the run that it begins. False if none can. REQUIRES: the last run is settled.
  bool PickNext();
  void Settle() {
    if (expected_ != Expected::kNothing) SettleMasks();
  }
  void SettleMasks();
  void BeginOrder(Expected expected);
  // Notes where the running thread waits.
  void Wait(Site site) {
    lanes_[run_.thread].site = site;
    lanes_used_ = true;
  }
  // Suspends the running thread (whose state the caller has set) and runs others. Leave does all but the switch.
  void SwitchAway();
  Switch Leave();
  void Become(uint32_t thread) {
    run_.thread = thread;
    if (run_.indices == nullptr) {
      ::threadIdx.x = thread;
    } else {
      ::threadIdx = run_.indices[thread];
    }
  }
  void DrawOrder();
  void NeedShared();
  const Context& ContextOf(uint32_t thread);
  [[noreturn]] void LeaveForWorker();
  bool ResolveActive(Warp* warp, uint32_t warp_index);

  FiberPool* const fibers_;
  Grid* grid_ = nullptr;
  uint64_t linear_index_ = 0;
  uint3 index_{};
  uint32_t threads_ = 0;
  Context worker_;          // suspended in Run
  Fiber* fresh_ = nullptr;  // that a thread runs on which has never waited
  ThreadRun run_;
  Expected expected_ = Expected::kNothing;  // of the threads of order_; kNothing: the masks are right
  bool begins_ = false;                     // no thread has run
  bool released_ = false;                   // all that are alive are, from a barrier
  static constexpr uint16_t kNobody = 0xffff;
  std::vector<uint16_t> order_;      // with kNobody behind the last
  const uint16_t* next_ = &kNobody;  // in it, to the next barrier
  Site sync_site_;                   // where those before the running thread are
  uint32_t alive_ = 0;
  uint32_t arrived_ = 0;
  uint32_t generation_ = 0;
  int count_[2] = {0, 0};  // of true predicates, by the parity of the barrier
  int total_[2] = {0, 0};
  uint32_t ready_warps_ = 0;
  bool any_yielded_ = false;
  bool failed_ = false;
  uint32_t warp_cursor_ = 0;
  uint32_t lane_rotation_ = 0, warp_rotation_ = 0;
  bool lanes_down_ = false, warps_down_ = false;
  Random random_{0};
  uint64_t scheduling_points_ = 0;
  std::vector<Warp> warps_;  // at least as many as there are
  uint32_t warp_count_ = 0;
  std::vector<Suspended> lanes_;  // as the warps
  std::vector<Context> contexts_;
  bool lanes_used_ = false;
  char* shared_ = nullptr;  // kept from block to block
  bool has_shared_ = false;
  size_t shared_used_ = 0;
  std::vector<SharedVariable> variables_;
  std::unique_ptr<check::BlockState, void (*)(check::BlockState*)> check_{nullptr, nullptr};
};

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_BLOCK_H_
