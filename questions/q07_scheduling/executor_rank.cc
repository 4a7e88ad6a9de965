#include "questions/q07_scheduling/executor_rank.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "harness/launch/process_tree.h"

namespace q07 {
namespace {

using workbench::ErrnoError;
using workbench::Error;
using workbench::Status;

constexpr int kPollMs = 5;
constexpr int64_t kGraceMs = 1500;          // for what has been killed to be gone
constexpr int64_t kRunsBeforeKillMs = 200;  // kill_executor_at
constexpr int kHighDescriptor = 150;        // one that a loop to 64 or a guess does not close

// What the executor's process tells the runner, in memory that they share.
struct Shared {
  ExecutorReply reply;
  ProcessReport reports[kMaxProcessJobs + 1];
};

// ---- The jobs

class Jobs {
 public:
  Jobs(const std::vector<WorkerPlan>& plans, const std::string& worker, const std::string& board) {
    for (size_t i = 0; i < plans.size(); ++i) {
      const WorkerPlan& plan = plans[i];
      const auto flag = [](const char* name, int64_t value) {
        return std::string("--") + name + "=" + std::to_string(value);
      };
      text_.push_back({plan.mode == WorkerMode::kNoProgram ? worker + ".does_not_exist" : worker, "--board=" + board,
                       flag("slot", static_cast<int64_t>(i)), flag("mode", static_cast<int64_t>(plan.mode)),
                       flag("exit_code", plan.exit_code), flag("on_device", plan.on_device),
                       flag("use_mib", plan.use_mib), flag("run_ms", plan.run_ms),
                       flag("percent", plan.threads_percent), flag("contention", plan.contention)});
    }
    for (size_t i = 0; i < plans.size(); ++i) {
      const WorkerPlan& plan = plans[i];
      std::vector<const char*>& argv = pointers_.emplace_back();
      if (plan.mode != WorkerMode::kNoArgv0) {
        for (const std::string& argument : text_[i]) argv.push_back(argument.c_str());
      }
      argv.push_back(nullptr);
      ProcessJob& job = jobs_.emplace_back();
      job.id = plan.id;
      job.arrival_ms = plan.arrival_ms;
      job.memory_mib = plan.memory_mib;
      job.threads_percent = plan.threads_percent;
      job.work_ms = plan.work_ms;
      job.deadline_ms = plan.deadline_ms;
      job.argv = plan.mode == WorkerMode::kNoArgv ? nullptr : argv.data();
    }
  }
  std::span<const ProcessJob> get() const { return jobs_; }

 private:
  std::vector<std::vector<std::string>> text_;
  std::vector<std::vector<const char*>> pointers_;
  std::vector<ProcessJob> jobs_;
};

// ---- In the executor's process

int OpenDescriptors() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count - 1;  // the folder's own
}

// Children that have ended and that nobody has waited for.
int CountZombies() {
  int zombies = 0;
  while (waitpid(-1, nullptr, WNOHANG) > 0) ++zombies;
  return zombies;
}

[[noreturn]] void RunExecutor(decltype(&q07_execute) execute, const ExecutorConfig& config, const Jobs& jobs,
                              int32_t reports, Shared* shared, int told_fd, int go_fd, pid_t runner) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != runner) _exit(1);
  setpgid(0, 0);
  // Descriptors that a job would inherit if nobody saw to it.
  const int null_fd = open("/dev/null", O_RDWR);
  (void)fcntl(null_fd, F_DUPFD, kHighDescriptor);
  // On a GPU, the daemon's directory is told in the configuration alone.
  if (config.mps_pipe_directory != nullptr) unsetenv("CUDA_MPS_PIPE_DIRECTORY");
  // Exactly as many as there are: what is written past the end is noticed.
  std::vector<ProcessReport> own(static_cast<size_t>(reports));
  for (ProcessReport& report : own) report.id = report.end_ms = kUntouched;

  ExecutorReply& reply = shared->reply;
  reply.descriptors_before = OpenDescriptors();
  reply.call_ns = MonotonicNs();
  try {
    reply.result = execute(config, jobs.get(), own);
    reply.end = ExecutorEnd::kReturned;
  } catch (...) {
    reply.end = ExecutorEnd::kThrew;
  }
  reply.return_ns = MonotonicNs();
  reply.descriptors_after = OpenDescriptors();
  reply.zombies = CountZombies();
  std::copy(own.begin(), own.end(), shared->reports);
  // Stays until the runner has looked at what there is below it.
  (void)!write(told_fd, "r", 1);
  char byte;
  while (read(go_fd, &byte, 1) < 0 && errno == EINTR) {
  }
  _exit(0);
}

// ---- In the runner

// Waits until nothing is left below this process but `executor`, or a while has passed. How many there are then; they
// are killed.
int ClearDescendants(pid_t executor) {
  const auto left = [&] {
    // Orphans fall to this process (a subreaper).
    std::vector<pid_t> found = workbench::Descendants();
    std::erase(found, executor);
    return static_cast<int>(found.size());
  };
  int alive = left();
  for (int64_t waited = 0; alive > 0 && waited < kGraceMs; waited += kPollMs) {
    usleep(kPollMs * 1000);
    alive = left();
  }
  if (alive > 0 && executor <= 0) workbench::KillDescendants();
  return alive;
}

void ReapAll() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

bool TimeToKill(const Board& board, int32_t started, int64_t* since_ns) {
  const auto count = std::count_if(std::begin(board.slots), std::end(board.slots), [](const WorkerSlot& slot) {
    return std::atomic_ref(const_cast<int64_t&>(slot.starts)).load() > 0;
  });
  if (count < started) return false;
  if (*since_ns == 0) *since_ns = MonotonicNs();
  return MonotonicNs() - *since_ns > kRunsBeforeKillMs * 1'000'000;
}

// Until the executor has told that q07_execute returned, has died, has been killed as asked, or patience is at an end.
ExecutorEnd Watch(pid_t executor, int told_fd, const ExecutorRequest& request, const Board& board) {
  const int64_t until = MonotonicNs() + request.patience_ms * 1'000'000;
  int64_t since_ns = 0;
  while (MonotonicNs() < until) {
    pollfd waiting{told_fd, POLLIN, 0};
    if (poll(&waiting, 1, kPollMs) > 0) {
      char byte;
      return read(told_fd, &byte, 1) == 1 ? ExecutorEnd::kReturned : ExecutorEnd::kDied;
    }
    if (request.kill_executor_at > 0 && TimeToKill(board, request.kill_executor_at, &since_ns)) {
      kill(executor, SIGKILL);
      return ExecutorEnd::kKilled;
    }
  }
  return ExecutorEnd::kStillRuns;
}

// The worker is built beside the runner.
std::string WorkerPath() {
  char path[4096] = {};
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  const std::string self(path, length > 0 ? static_cast<size_t>(length) : 0);
  const std::string beside = self.substr(0, self.rfind('/') + 1) + "executor_worker";
  if (access(beside.c_str(), X_OK) == 0) return beside;
  char* absolute = realpath("questions/q07_scheduling/executor_worker", nullptr);
  const std::string below = absolute != nullptr ? absolute : "";
  std::free(absolute);
  return below;
}

}  // namespace

ExecutorRank::~ExecutorRank() {
  if (board_ != nullptr) munmap(board_, sizeof(Board));
  if (board_fd_ >= 0) close(board_fd_);
}

Status ExecutorRank::OpenBoard() {
  board_fd_ = memfd_create("q07_board", MFD_CLOEXEC);
  if (board_fd_ < 0 || ftruncate(board_fd_, sizeof(Board)) != 0) return ErrnoError("memfd_create");
  void* at = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, board_fd_, 0);
  if (at == MAP_FAILED) return ErrnoError("mmap of the board");
  board_ = static_cast<Board*>(at);
  return Status::Ok();
}

Status ExecutorRank::Load(void* library) {
  execute_ = reinterpret_cast<decltype(execute_)>(dlsym(library, "q07_execute"));
  if (execute_ == nullptr) {
    return Error(
        "the implementation does not define q07_execute; is it still extern \"C\", with the signature of "
        "executor_api.h?");
  }
  worker_ = WorkerPath();
  if (worker_.empty()) return Error("the judge's executor_worker is not beside the runner");
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  return OpenBoard();
}

workbench::Result<std::vector<std::byte>> ExecutorRank::Run(std::span<const std::byte> bytes) {
  const auto request = Read<ExecutorRequest>(bytes);
  if (request.jobs < 0 || request.jobs > kMaxProcessJobs || request.reports < 0 ||
      request.reports > kMaxProcessJobs + 1) {
    return Error("a request with a number of jobs that does not fit the board");
  }
  const auto plans = ReadAll<WorkerPlan>(bytes, sizeof request, static_cast<size_t>(request.jobs));
  new (board_) Board();
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return ErrnoError("mmap");
  auto* shared = new (memory) Shared();
  ExecutorReply& reply = shared->reply;

  ExecutorConfig config;
  config.device_memory_mib = request.device_memory_mib;
  config.max_processes = request.max_processes;
  config.base_mib = request.base_mib;
  config.measure_interference = request.measure_interference != 0;
  // A copy: the variable is unset before the call.
  const char* directory = request.gpu ? std::getenv("CUDA_MPS_PIPE_DIRECTORY") : nullptr;
  const std::string pipe_directory = directory != nullptr ? directory : "";
  reply.mps = directory != nullptr;
  if (reply.mps) config.mps_pipe_directory = pipe_directory.c_str();
  std::snprintf(reply.mps_pipe, sizeof reply.mps_pipe, "%s", pipe_directory.c_str());
  const Jobs jobs(plans, worker_, "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(board_fd_));

  int told[2], go[2];
  if (pipe2(told, O_CLOEXEC) != 0) return ErrnoError("pipe");
  if (pipe2(go, O_CLOEXEC) != 0) return ErrnoError("pipe");
  const pid_t runner = getpid();
  const pid_t executor = fork();
  if (executor < 0) return ErrnoError("fork");
  if (executor == 0) {
    close(told[0]);
    close(go[1]);
    RunExecutor(execute_, config, jobs, request.reports, shared, told[1], go[0], runner);
  }
  close(told[1]);
  close(go[0]);
  const ExecutorEnd end = Watch(executor, told[0], request, *board_);
  if (end != ExecutorEnd::kReturned) reply.end = end;  // otherwise it is what the executor says: kReturned or kThrew
  // What is left is counted while the executor is still there (its zombies are not this process's), or after it has
  // died.
  if (end == ExecutorEnd::kDied || end == ExecutorEnd::kKilled)
    waitpid(executor, end == ExecutorEnd::kDied ? &reply.result : nullptr, 0);
  reply.left_running =
      end == ExecutorEnd::kStillRuns ? 0 : ClearDescendants(end == ExecutorEnd::kReturned ? executor : -1);
  close(go[1]);
  close(told[0]);
  if (end == ExecutorEnd::kReturned) {
    kill(executor, SIGKILL);
    waitpid(executor, nullptr, 0);
  }
  workbench::KillDescendants();
  ReapAll();

  reply.reports = request.reports;
  reply.jobs = request.jobs;
  std::vector<std::byte> result;
  Append(&result, reply);
  AppendAll<ProcessReport>(&result, std::span(shared->reports, static_cast<size_t>(request.reports)));
  AppendAll<WorkerSlot>(&result, std::span(board_->slots, static_cast<size_t>(request.jobs)));
  munmap(memory, sizeof(Shared));
  return result;
}

}  // namespace q07
