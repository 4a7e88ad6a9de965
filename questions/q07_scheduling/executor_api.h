// Q7 part D: the real thing. Jobs become processes, several of them on one GPU at a time; each has a limit of memory,
// and one that exceeds it fails alone.
//
// Sources: NVIDIA, "Multi-Process Service" (CUDA_MPS_PINNED_DEVICE_MEM_LIMIT, CUDA_MPS_ACTIVE_THREAD_PERCENTAGE,
// CUDA_MPS_PIPE_DIRECTORY); setrlimit(2), pidfd_open(2), prctl(2) PR_SET_PDEATHSIG.
#ifndef QUESTIONS_Q07_SCHEDULING_EXECUTOR_API_H_
#define QUESTIONS_Q07_SCHEDULING_EXECUTOR_API_H_

#include <cstdint>
#include <span>

namespace q07 {

struct ProcessJob {
  int64_t id = 0;
  int64_t arrival_ms = 0;         // since q07_execute was called; it is not started earlier
  int64_t memory_mib = 0;         // declared: what it may use, and what is taken from the device's memory while it runs
  int32_t threads_percent = 100;  // declared: how much of the device it can keep busy, 1 .. 100
  int64_t work_ms = 0;            // how long it runs with the device for itself
  int64_t deadline_ms = 0;        // after its start; then it is killed and reaped
  // To be executed with these arguments, argv[0] included; ends with a nullptr. Its standard output and error are
  // nobody's business; its exit code is.
  const char* const* argv = nullptr;
};

struct ExecutorConfig {
  int64_t device_memory_mib = 0;  // for all jobs together, at any time
  int32_t max_processes = 0;      // at a time
  // On a GPU: the directory of the MPS daemon's pipe, which has been started; the job's limit of memory is given to
  // MPS. nullptr in host mode: there the limit is RLIMIT_DATA, memory_mib + base_mib, of the job's process.
  const char* mps_pipe_directory = nullptr;
  int64_t base_mib = 0;
  // How much slower jobs may get by sharing: more are not put together if the measured slowdown says that it does not
  // pay (see below).
  bool measure_interference = false;
};

enum class Outcome : int32_t {
  kFinished = 0,     // exit code 0
  kOutOfMemory = 1,  // exit code 77: the job's own word that an allocation was refused
  kFailed = 2,       // another exit code, or a signal
  kDeadline = 3,     // killed at its deadline
  kNotStarted = 4,   // it can never fit (memory_mib > device_memory_mib), or its program could not be executed
};

struct ProcessReport {
  int64_t id = 0;
  Outcome outcome = Outcome::kNotStarted;
  int32_t exit_code = 0;  // or minus the signal
  int64_t start_ms = 0;   // since q07_execute was called
  int64_t end_ms = 0;     // when it had been reaped
  int32_t together = 0;   // the most jobs, itself included, that ran at once while it did
  // (end - start) / work, of a job that finished; 0 of others.
  double slowdown = 0;
};

// Runs all jobs and returns when all have ended, with reports[i] for jobs[i]; reports.size() == jobs.size().
//
// - Jobs start in order of arrival (ties: as given) as soon as their memory is free and fewer than max_processes run.
// One
//   that does not fit holds up no other that does, until it has waited for 2 s since its arrival; from then on nothing
//   else starts before it does.
// - At no time do declared memories of the running jobs exceed device_memory_mib.
// - argv[0] is a path; it is not searched for. On a GPU threads_percent is MPS's active thread percentage.
// - Every process has its own limit of memory, and is the leader of a process group of its own: what it leaves behind
// is killed
//   with it. It inherits no file descriptor but 0, 1 and 2. If the executor dies, its jobs die.
// - A job that fails changes nothing for the others.
// - With measure_interference: the executor learns from slowdowns. While the mean slowdown of the last four jobs that
//   finished having run n together (n >= 2) is greater than 1.1 n, so that one after the other would have been
//   faster, it runs at most n - 1 together; it tries n again after eight more jobs have finished. (max_processes still
//   holds.)
//
// 0, or an errno for arguments that make no sense (EINVAL; nothing is started, `reports` unchanged).
extern "C" int q07_execute(const q07::ExecutorConfig& config, std::span<const q07::ProcessJob> jobs,
                           std::span<q07::ProcessReport> reports);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_EXECUTOR_API_H_
