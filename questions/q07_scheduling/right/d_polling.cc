// Odd but right: no descriptors of processes, no pipes. Looks every few milliseconds, with waitpid(WNOHANG), whether
// one has ended; the word that a program could not be executed comes through a page that is shared with the child.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "questions/q07_scheduling/executor_api.h"

using q07::ExecutorConfig;
using q07::Outcome;
using q07::ProcessJob;
using q07::ProcessReport;

namespace {

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum class State { kQueued, kRunning, kEnded };

// As many as the limit allows, one by one; there is no list of those that are open that could be had without malloc.
void CloseAll() {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int fd = 3; fd < static_cast<int>(limit.rlim_cur) && fd < (1 << 20); ++fd) close(fd);
}

class Polling {
 public:
  Polling(const ExecutorConfig& config, std::span<const ProcessJob> jobs, std::span<ProcessReport> reports)
      : config_(config), jobs_(jobs), reports_(reports), state_(jobs.size(), State::kQueued), pid_(jobs.size()) {
    failed_ = static_cast<volatile int*>(
        mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    closed_for_.resize(static_cast<size_t>(config.max_processes) + 1);
    slowdowns_.resize(closed_for_.size());
  }
  ~Polling() { munmap(const_cast<int*>(failed_), sizeof(int)); }

  void Run() {
    size_t left = jobs_.size();
    for (size_t i = 0; i < jobs_.size(); ++i) {
      reports_[i] = ProcessReport{};
      reports_[i].id = jobs_[i].id;
      if (jobs_[i].memory_mib > config_.device_memory_mib) {
        state_[i] = State::kEnded;
        --left;
      }
    }
    while (left > 0) {
      for (size_t i = 0; i < jobs_.size(); ++i) {
        if (state_[i] == State::kRunning && Ended(i)) --left;
      }
      for (int next; (next = Next()) >= 0;) {
        if (!Start(static_cast<size_t>(next))) --left;
      }
      usleep(3000);
    }
  }

 private:
  bool Allowed(int together) const {
    if (!config_.measure_interference) return true;
    for (int n = 2; n <= together; ++n) {
      if (closed_for_[static_cast<size_t>(n)] > 0) return false;
    }
    return true;
  }

  // The first in order of arrival that may start, or -1.
  int Next() const {
    int64_t used = 0;
    int running = 0;
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (state_[i] != State::kRunning) continue;
      used += jobs_[i].memory_mib;
      ++running;
    }
    if (running == config_.max_processes || !Allowed(running + 1)) return -1;
    const int64_t now = NowMs() - begin_;
    int64_t last_arrival = -1;
    int best = -1;
    // By selection: the least arrival that is not before those that have been looked at.
    std::vector<bool> seen(jobs_.size());
    while (true) {
      int first = -1;
      for (size_t i = 0; i < jobs_.size(); ++i) {
        const bool waits = state_[i] == State::kQueued && !seen[i] && jobs_[i].arrival_ms <= now;
        if (waits && (first < 0 || jobs_[i].arrival_ms < jobs_[static_cast<size_t>(first)].arrival_ms)) {
          first = static_cast<int>(i);
        }
      }
      if (first < 0) return best;
      const ProcessJob& job = jobs_[static_cast<size_t>(first)];
      if (used + job.memory_mib <= config_.device_memory_mib) return first;
      last_arrival = job.arrival_ms;
      if (now - last_arrival >= 2000) return -1;
      seen[static_cast<size_t>(first)] = true;
    }
  }

  bool Start(size_t i) {
    const ProcessJob& job = jobs_[i];
    std::vector<std::string> added;
    if (config_.mps_pipe_directory != nullptr) {
      added = {std::string("CUDA_MPS_PIPE_DIRECTORY=") + config_.mps_pipe_directory,
               "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT=0=" + std::to_string(job.memory_mib) + "M",
               "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE=" + std::to_string(job.threads_percent)};
    }
    std::vector<char*> environment;
    for (std::string& text : added) environment.push_back(text.data());
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (added.empty() || std::strncmp(*entry, "CUDA_MPS_", 9) != 0) environment.push_back(*entry);
    }
    environment.push_back(nullptr);
    *failed_ = 0;
    reports_[i].start_ms = NowMs() - begin_;
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      setpgid(0, 0);
      CloseAll();
      if (config_.mps_pipe_directory == nullptr) {
        const rlim_t bytes = static_cast<rlim_t>(job.memory_mib + config_.base_mib) << 20;
        const rlimit limit{bytes, bytes};
        setrlimit(RLIMIT_DATA, &limit);
      }
      execve(job.argv[0], const_cast<char* const*>(job.argv), environment.data());
      *failed_ = 1;
      _exit(0);
    }
    // What runs is told from what has failed by its name below /proc: exec has replaced this program by then, or it
    // ended.
    while (pid > 0 && !Executed(pid)) usleep(200);
    if (pid < 0 || *failed_ != 0) {
      if (pid > 0) waitpid(pid, nullptr, 0);
      reports_[i].end_ms = NowMs() - begin_;
      state_[i] = State::kEnded;
      return false;
    }
    pid_[i] = pid;
    state_[i] = State::kRunning;
    int running = 0;
    for (const State state : state_) running += state == State::kRunning;
    for (size_t k = 0; k < jobs_.size(); ++k) {
      if (state_[k] == State::kRunning && reports_[k].together < running) reports_[k].together = running;
    }
    return true;
  }

  // True once the child is another program than this one, or is no more.
  bool Executed(pid_t pid) const {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid == pid) return true;
    return ExecutableOf(std::to_string(pid)) != ExecutableOf("self");
  }

  static std::string ExecutableOf(const std::string& process) {
    char path[4096];
    const ssize_t length = readlink(("/proc/" + process + "/exe").c_str(), path, sizeof path);
    return std::string(path, length > 0 ? static_cast<size_t>(length) : 0);
  }

  bool Ended(size_t i) {
    ProcessReport& report = reports_[i];
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid_[i]), &info, WEXITED | WNOHANG | WNOWAIT);
    bool killed = false;
    if (info.si_pid == 0) {
      if (NowMs() - begin_ - report.start_ms < jobs_[i].deadline_ms) return false;
      killed = true;
    }
    kill(-pid_[i], SIGKILL);
    int status = 0;
    waitpid(pid_[i], &status, 0);
    report.end_ms = NowMs() - begin_;
    report.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    report.outcome = killed                   ? Outcome::kDeadline
                     : report.exit_code == 0  ? Outcome::kFinished
                     : report.exit_code == 77 ? Outcome::kOutOfMemory
                                              : Outcome::kFailed;
    state_[i] = State::kEnded;
    if (report.outcome == Outcome::kFinished) {
      report.slowdown = double(report.end_ms - report.start_ms) / double(jobs_[i].work_ms);
      Learn(static_cast<size_t>(report.together), report.slowdown);
    }
    return true;
  }

  void Learn(size_t together, double slowdown) {
    for (int& closed : closed_for_) closed -= closed > 0;
    if (together < 2 || closed_for_[together] > 0) return;
    std::vector<double>& last = slowdowns_[together];
    last.push_back(slowdown);
    if (last.size() < 4) return;
    double sum = 0;
    for (size_t k = last.size() - 4; k < last.size(); ++k) sum += last[k];
    if (sum / 4 > 1.1 * static_cast<double>(together)) closed_for_[together] = 8;  // and the slowdowns are kept
  }

  const ExecutorConfig& config_;
  std::span<const ProcessJob> jobs_;
  std::span<ProcessReport> reports_;
  const int64_t begin_ = NowMs();
  std::vector<State> state_;
  std::vector<pid_t> pid_;
  std::vector<int> closed_for_;
  std::vector<std::vector<double>> slowdowns_;
  volatile int* failed_;
};

}  // namespace

extern "C" int q07_execute(const ExecutorConfig& config, std::span<const ProcessJob> jobs,
                           std::span<ProcessReport> reports) {
  if (jobs.size() != reports.size() || config.max_processes < 1 || config.device_memory_mib < 1 ||
      config.base_mib < 0) {
    return EINVAL;
  }
  for (const ProcessJob& job : jobs) {
    if (job.arrival_ms < 0 || job.memory_mib < 0 || job.work_ms < 1 || job.deadline_ms < 1 || job.threads_percent < 1 ||
        job.threads_percent > 100 || job.argv == nullptr || job.argv[0] == nullptr) {
      return EINVAL;
    }
  }
  Polling(config, jobs, reports).Run();
  return 0;
}
