// Q7 part D, reference. One thread, one loop: start what may start, sleep until something can have changed (a process
// has ended, a deadline has come, a job has arrived), see to what has changed. Sleeping is one poll() on the processes'
// descriptors (pidfd), so that neither SIGCHLD nor the caller's other children are this code's business.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/executor_api.h"

using q07::ExecutorConfig;
using q07::Outcome;
using q07::ProcessJob;
using q07::ProcessReport;

namespace {

constexpr int64_t kPassingMs = 2000;  // for so long may others pass a job that does not fit
constexpr int kRefusedCode = 77;

// ---- Arguments

bool IsValid(const ExecutorConfig& config, const ProcessJob& job) {
  return job.arrival_ms >= 0 && job.memory_mib >= 0 && job.threads_percent >= 1 && job.threads_percent <= 100 &&
         job.work_ms > 0 && job.deadline_ms > 0 && job.argv != nullptr && job.argv[0] != nullptr &&
         config.base_mib >= 0;
}

bool IsValid(const ExecutorConfig& config, std::span<const ProcessJob> jobs, std::span<ProcessReport> reports) {
  return config.device_memory_mib > 0 && config.max_processes > 0 && config.base_mib >= 0 &&
         jobs.size() == reports.size() &&
         std::all_of(jobs.begin(), jobs.end(), [&](const ProcessJob& job) { return IsValid(config, job); });
}

// ---- One process

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// What execve needs, made before fork: between fork and exec only async-signal-safe calls are allowed, and malloc is
// not one (another thread of this process may have held its lock when we forked).
class Environment {
 public:
  // Of this process, plus the limits of the job where MPS imposes them.
  Environment(const ExecutorConfig& config, const ProcessJob& job) {
    if (config.mps_pipe_directory != nullptr) {
      const std::string mib = std::to_string(job.memory_mib + config.base_mib);
      text_ = {std::string("CUDA_MPS_PIPE_DIRECTORY=") + config.mps_pipe_directory,
               "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=" + mib + "M",
               "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=" + std::to_string(job.threads_percent)};
    }
    for (std::string& entry : text_) pointers_.push_back(entry.data());
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (!IsReplaced(*entry)) pointers_.push_back(*entry);
    }
    pointers_.push_back(nullptr);
  }
  char* const* get() const { return pointers_.data(); }

 private:
  bool IsReplaced(const char* entry) const {
    return std::any_of(text_.begin(), text_.end(), [&](const std::string& own) {
      return std::strncmp(entry, own.c_str(), own.find('=') + 1) == 0;
    });
  }

  std::vector<std::string> text_;
  std::vector<char*> pointers_;
};

// RLIMIT_DATA counts what is private and writable: the heap and anonymous mappings.
rlim_t DataLimit(const ExecutorConfig& config, const ProcessJob& job) {
  constexpr int64_t kMostMib = std::numeric_limits<int64_t>::max() >> 20;
  if (job.memory_mib > kMostMib - config.base_mib) return RLIM_INFINITY;
  return static_cast<rlim_t>(job.memory_mib + config.base_mib) << 20;
}

// The child's way from fork to exec. Returns only on an error, in errno. Async-signal-safe.
void BecomeJob(const ExecutorConfig& config, const ProcessJob& job, char* const* environment, pid_t executor) {
  // Dies with the executor; if that has died already, nobody will send the signal.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
  if (getppid() != executor) _exit(1);
  // A group of its own, so that what it starts can be killed with it.
  if (setpgid(0, 0) != 0) return;
  if (config.mps_pipe_directory == nullptr) {
    const rlim_t bytes = DataLimit(config, job);
    const rlimit limit{bytes, bytes};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) return;
  }
  // exec resets handlers, but not what is blocked.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // On exec and not now: the pipe that tells of exec's failure has to live until then.
  constexpr unsigned kCloseOnExec = 1u << 2;  // CLOSE_RANGE_CLOEXEC
  if (syscall(SYS_close_range, 3u, ~0u, kCloseOnExec) != 0) return;
  execve(job.argv[0], const_cast<char* const*>(job.argv), environment);
}

struct Process {
  pid_t pid = -1;
  Descriptor pidfd;
};

// False if its program could not be executed. Not posix_spawn, which has no way to set limits, and not vfork, whose
// child may not even call functions of its own.
bool StartProcess(const ExecutorConfig& config, const ProcessJob& job, Process* process) {
  const Environment environment(config, job);
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return false;
  Descriptor read_end(pipe_fds[0]), write_end(pipe_fds[1]);
  const pid_t executor = getpid();
  const pid_t pid = fork();
  if (pid < 0) return false;
  if (pid == 0) {
    BecomeJob(config, job, environment.get(), executor);
    const int error = errno;
    (void)!write(write_end.get(), &error, sizeof error);
    _exit(127);
  }
  // The end of the pipe is that of BecomeJob: exec closes the child's copy, failure writes to it first.
  write_end = Descriptor();
  int error = 0;
  ssize_t got;
  do {
    got = read(read_end.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  // A child that has not been waited for keeps its pid: this is that child's descriptor.
  process->pidfd = Descriptor(got == 0 ? static_cast<int>(syscall(SYS_pidfd_open, pid, 0)) : -1);
  if (process->pidfd.get() < 0) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return false;
  }
  process->pid = pid;
  return true;
}

// Kills the process, unless it has ended, and all of its group.
void KillGroup(const Process& process) { kill(-process.pid, SIGKILL); }

// REQUIRES: it has ended
siginfo_t Reap(const Process& process) {
  // What it leaves behind goes first: as long as its leader is a zombie, the group's number is nobody else's.
  KillGroup(process);
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return info;
}

// ---- What sharing costs

// How many jobs may run together, by what those that did have paid for it.
class SharingLimit {
 public:
  // True if `together` jobs may run.
  bool Allows(int32_t together) const {
    return std::none_of(levels_.begin(), levels_.end(),
                        [&](const auto& level) { return level.second.closed_for > 0 && together >= level.first; });
  }

  void JobFinished(int32_t together, double slowdown) {
    for (auto& [n, level] : levels_) level.closed_for = std::max(0, level.closed_for - 1);
    if (together < 2) return;
    Level& level = levels_[together];
    // Jobs that began before it was closed say nothing that is not known.
    if (level.closed_for > 0) return;
    level.slowdowns.push_back(slowdown);
    if (level.slowdowns.size() > kJobs) level.slowdowns.pop_front();
    const double sum = std::accumulate(level.slowdowns.begin(), level.slowdowns.end(), 0.0);
    if (level.slowdowns.size() == kJobs && sum / kJobs > kWorthwhile * together) {
      level.closed_for = kJobsUntilNextTry;
      level.slowdowns.clear();
    }
  }

 private:
  static constexpr size_t kJobs = 4;
  static constexpr double kWorthwhile = 1.1;
  static constexpr int kJobsUntilNextTry = 8;

  struct Level {
    std::deque<double> slowdowns;  // of the last jobs that ran so many together
    int closed_for = 0;            // jobs that have to finish before it is tried again
  };
  std::map<int32_t, Level> levels_;  // by the number of jobs that run together
};

// ---- The executor

class Executor {
 public:
  Executor(const ExecutorConfig& config, std::span<const ProcessJob> jobs, std::span<ProcessReport> reports)
      : config_(config), jobs_(jobs), reports_(reports) {
    for (size_t i = 0; i < jobs.size(); ++i) {
      reports_[i] = {};
      reports_[i].id = jobs[i].id;
      if (jobs[i].memory_mib <= config.device_memory_mib) queue_.push_back(i);
    }
    std::stable_sort(queue_.begin(), queue_.end(),
                     [&](size_t a, size_t b) { return jobs[a].arrival_ms < jobs[b].arrival_ms; });
  }

  void Run() {
    StartJobs();
    while (!queue_.empty() || !running_.empty()) {
      Sleep();
      // All that have ended before anything starts: what they free is seen as one.
      std::erase_if(running_, [&](Running& job) { return ReapIfEnded(&job); });
      for (Running& job : running_) KillIfLate(&job);
      StartJobs();
    }
  }

 private:
  struct Running {
    size_t index;
    Process process;
    int64_t start_ms;
    bool late = false;  // has been killed at its deadline
  };

  int64_t NowMs() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin_).count();
  }

  bool Fits(const ProcessJob& job) const {
    const auto count = static_cast<int32_t>(running_.size());
    return job.memory_mib <= config_.device_memory_mib - used_mib_ && count < config_.max_processes &&
           (!config_.measure_interference || sharing_.Allows(count + 1));
  }

  // In order of arrival, whatever fits; but nothing passes a job that has waited for too long.
  void StartJobs() {
    const int64_t now = NowMs();
    for (auto at = queue_.begin(); at != queue_.end();) {
      const ProcessJob& job = jobs_[*at];
      if (job.arrival_ms > now) return;
      if (Fits(job)) {
        Start(*at);
        at = queue_.erase(at);
      } else if (now - job.arrival_ms >= kPassingMs) {
        return;
      } else {
        ++at;
      }
    }
  }

  void Start(size_t index) {
    ProcessReport& report = reports_[index];
    Running job{index, {}, NowMs()};
    report.start_ms = job.start_ms;
    if (!StartProcess(config_, jobs_[index], &job.process)) {
      report.end_ms = NowMs();
      return;
    }
    used_mib_ += jobs_[index].memory_mib;
    running_.push_back(std::move(job));
    const auto count = static_cast<int32_t>(running_.size());
    for (const Running& each : running_) {
      reports_[each.index].together = std::max(reports_[each.index].together, count);
    }
  }

  // Until a process ends, a deadline comes or a job arrives. A job that waits for memory waits for one of these, too.
  void Sleep() {
    constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
    int64_t until = kNever;
    const int64_t now = NowMs();
    for (const size_t index : queue_) {
      if (jobs_[index].arrival_ms <= now) continue;
      until = jobs_[index].arrival_ms;
      break;
    }
    std::vector<pollfd> waiting;
    for (const Running& job : running_) {
      waiting.push_back({job.process.pidfd.get(), POLLIN, 0});
      if (!job.late) until = std::min(until, DeadlineOf(job));
    }
    constexpr int64_t kLongest = 60'000;  // what poll takes is an int
    const int timeout = until == kNever ? -1 : static_cast<int>(std::clamp<int64_t>(until - now, 0, kLongest));
    poll(waiting.data(), waiting.size(), timeout);
  }

  int64_t DeadlineOf(const Running& job) const {
    const int64_t allowed = jobs_[job.index].deadline_ms;
    return allowed > std::numeric_limits<int64_t>::max() - job.start_ms ? std::numeric_limits<int64_t>::max()
                                                                        : job.start_ms + allowed;
  }

  void KillIfLate(Running* job) {
    if (job->late || NowMs() < DeadlineOf(*job)) return;
    // SIGKILL at once: a job may ignore anything else. It is reaped like any other, when its descriptor says so.
    KillGroup(job->process);
    job->late = true;
  }

  bool ReapIfEnded(Running* job) {
    pollfd ended{job->process.pidfd.get(), POLLIN, 0};
    if (poll(&ended, 1, 0) <= 0) return false;
    const siginfo_t info = Reap(job->process);
    const ProcessJob& what = jobs_[job->index];
    ProcessReport& report = reports_[job->index];
    const bool exited = info.si_code == CLD_EXITED;
    report.end_ms = NowMs();
    report.exit_code = exited ? info.si_status : -info.si_status;
    // A job that ended by itself just before it would have been killed has ended by itself.
    report.outcome = job->late && report.exit_code == -SIGKILL  ? Outcome::kDeadline
                     : exited && info.si_status == 0            ? Outcome::kFinished
                     : exited && info.si_status == kRefusedCode ? Outcome::kOutOfMemory
                                                                : Outcome::kFailed;
    used_mib_ -= what.memory_mib;
    if (report.outcome == Outcome::kFinished) {
      report.slowdown = static_cast<double>(report.end_ms - report.start_ms) / static_cast<double>(what.work_ms);
      sharing_.JobFinished(report.together, report.slowdown);
    }
    return true;
  }

  const ExecutorConfig& config_;
  std::span<const ProcessJob> jobs_;
  std::span<ProcessReport> reports_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::vector<size_t> queue_;  // not started yet, in order of arrival
  std::vector<Running> running_;
  int64_t used_mib_ = 0;
  SharingLimit sharing_;
};

}  // namespace

extern "C" int q07_execute(const ExecutorConfig& config, std::span<const ProcessJob> jobs,
                           std::span<ProcessReport> reports) {
  if (!IsValid(config, jobs, reports)) return EINVAL;
  Executor(config, jobs, reports).Run();
  return 0;
}
