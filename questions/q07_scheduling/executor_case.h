// Part D's cases: what the grader asks of the runner, what the runner replies, and the board on which the workers (the
// jobs' processes) write what they see. Trivially copyable throughout.
#ifndef QUESTIONS_Q07_SCHEDULING_EXECUTOR_CASE_H_
#define QUESTIONS_Q07_SCHEDULING_EXECUTOR_CASE_H_

#include <time.h>

#include <cstdint>

#include "questions/q07_scheduling/executor_api.h"
#include "questions/q07_scheduling/protocol.h"

namespace q07 {

inline constexpr int kMaxProcessJobs = 256;
inline constexpr int kRefusedCode = 77;  // a worker's exit code when an allocation was refused
// Between two signs of life that a worker gives.
inline constexpr int64_t kTickMs = 5;

enum class WorkerMode : int32_t {
  kWork = 0,       // works, exits with exit_code
  kCrash = 1,      // works, then dies of SIGSEGV
  kForever = 2,    // ignores SIGTERM, SIGINT and SIGHUP, and never ends on its own
  kLinger = 3,     // leaves a child that does as kForever
  kNoProgram = 4,  // argv[0] does not exist
  kNoArgv = 5,     // argv is nullptr
  kNoArgv0 = 6,    // argv[0] is nullptr
};

// A job, and what its process will really do.
struct WorkerPlan {
  // ProcessJob's
  int64_t id = 0;
  int64_t arrival_ms = 0;
  int64_t memory_mib = 0;
  int64_t work_ms = 0;
  int64_t deadline_ms = 60'000;
  int32_t threads_percent = 100;

  WorkerMode mode = WorkerMode::kWork;
  int32_t exit_code = 0;
  // Allocates and works on the device (in host mode: this process's memory, and sleep). Otherwise it only waits,
  // without a CUDA context in GPU mode either.
  int32_t on_device = 0;
  int64_t use_mib = 0;  // allocated, if on_device
  int64_t run_ms = 0;   // worked
  // Of two or more workers with a contention that run at once, each goes on at 100 / contention of its speed: sharing
  // that does not pay, the same on every machine. 0: none.
  int64_t contention = 0;
};

// Followed by `jobs` WorkerPlans.
struct ExecutorRequest {
  RequestKind kind = RequestKind::kExecutor;
  int32_t max_processes = 0;
  int64_t device_memory_mib = 0;
  int64_t base_mib = 0;
  int64_t patience_ms = 15'000;
  int32_t measure_interference = 0;
  int32_t jobs = 0;
  int32_t reports = 0;  // the size of the span that q07_execute gets; usually `jobs`
  // Unless 0: once that many workers have started and have run for 200 ms, the process that q07_execute runs in is
  // killed.
  int32_t kill_executor_at = 0;
  int32_t gpu = 0;  // GPU mode: the MPS daemon's directory, if there is one, goes into ExecutorConfig
  int32_t padding = 0;
};

enum class ExecutorEnd : int32_t {
  kReturned = 0,
  kStillRuns = 1,  // after patience_ms
  kDied = 2,       // the process that it ran in; `result` is as waitpid gives it
  kKilled = 3,     // as asked by kill_executor_at
  kThrew = 4,
};

// What a worker writes, in its own slot of the board. Times are CLOCK_MONOTONIC, in nanoseconds; 0: never.
struct WorkerSlot {
  int64_t starts = 0;  // how often this job was started
  int64_t start_ns = 0;
  int64_t allocated_ns = 0;  // all of use_mib
  int64_t alive_ns = 0;      // the last sign of life
  int64_t end_ns = 0;        // just before it exited or crashed
  int64_t allocated_mib = 0;
  int64_t contended = 0;      // it has a contention, and works
  int64_t data_limit = 0;     // RLIMIT_DATA, soft; -1: none
  int64_t grandchild_ns = 0;  // kLinger: its child's last sign of life
  int64_t pid = 0;
  int64_t group = 0;      // getpgrp()
  int64_t inherited = 0;  // descriptors that were open at its start, other than 0, 1 and 2
  int64_t first_inherited = -1;
  int64_t mps_percent = 0;  // CUDA_MPS_ACTIVE_THREAD_PERCENTAGE
  char mps_pipe[128] = {};  // CUDA_MPS_PIPE_DIRECTORY
  char mps_limit[64] = {};  // CUDA_MPS_PINNED_DEVICE_MEM_LIMIT

  // A span in which it certainly lived: it is longer by what comes before main() and after the last sign of life.
  int64_t last_ns() const { return end_ns != 0 ? end_ns : alive_ns; }
};

// Followed by `reports` ProcessReports and `jobs` WorkerSlots.
struct ExecutorReply {
  ExecutorEnd end = ExecutorEnd::kReturned;
  int32_t result = 0;
  int32_t reports = 0;
  int32_t jobs = 0;
  int32_t zombies = 0;       // children that had ended and had not been waited for when q07_execute returned
  int32_t left_running = 0;  // processes that were still there a while later
  int32_t descriptors_before = 0;
  int32_t descriptors_after = 0;
  int64_t call_ns = 0;  // when q07_execute was called
  int64_t return_ns = 0;
  int32_t mps = 0;  // an MPS daemon was there, and its directory in ExecutorConfig
  int32_t padding = 0;
  char mps_pipe[128] = {};
};

// The workers' memory in common: a memfd of the runner, which they open by its path below /proc.
struct Board {
  WorkerSlot slots[kMaxProcessJobs];
};

// What the reports hold before the call.
inline constexpr int64_t kUntouched = -7070;

inline int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_EXECUTOR_CASE_H_
