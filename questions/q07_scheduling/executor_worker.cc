// The program that part D's jobs run: takes memory, works for a while, ends as it was told to. It tells the judge what
// it sees and when, on a board that they share: the judge need not believe the executor.
//
//   executor_worker --board=/proc/PID/fd/N --slot=I --mode=M --exit_code=C --on_device=0|1 --use_mib=MIB --run_ms=MS
//                   --percent=P --contention=C
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "questions/q07_scheduling/executor_case.h"
#include "questions/q07_scheduling/worker_device.h"

namespace q07 {
namespace {

constexpr int kUsageCode = 64;
// Whatever the executor forgets, no worker outlives this.
constexpr unsigned kLifetimeSeconds = 180;
constexpr int kAllocations = 4;  // of a quarter of the memory each

struct Inherited {
  int64_t count = 0;
  int64_t first = -1;
};

// Descriptors other than 0, 1 and 2. Called before this program opens any.
Inherited InheritedDescriptors() {
  Inherited inherited;
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return inherited;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd <= 2 || fd == dirfd(folder)) continue;
    ++inherited.count;
    if (inherited.first < 0 || fd < inherited.first) inherited.first = fd;
  }
  closedir(folder);
  return inherited;
}

int64_t Flag(int argc, char** argv, const std::string& name, int64_t otherwise = 0) {
  const std::string prefix = "--" + name + "=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], prefix.c_str(), prefix.size()) == 0) return std::atoll(argv[i] + prefix.size());
  }
  return otherwise;
}

Board* OpenBoard(int argc, char** argv) {
  const std::string prefix = "--board=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], prefix.c_str(), prefix.size()) != 0) continue;
    const int fd = open(argv[i] + prefix.size(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return nullptr;
    // Shared, which RLIMIT_DATA does not count.
    void* at = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? nullptr : static_cast<Board*>(at);
  }
  return nullptr;
}

void Set(int64_t& field, int64_t value) { std::atomic_ref(field).store(value); }
int64_t Get(int64_t& field) { return std::atomic_ref(field).load(); }

void CopyVariable(char* to, size_t bytes, const char* name) {
  const char* value = std::getenv(name);
  if (value != nullptr) std::snprintf(to, bytes, "%s", value);
}

// Returns never; gives signs of life in `field`.
[[noreturn]] void StayForever(int64_t& field) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
  while (true) {
    Set(field, MonotonicNs());
    usleep(kTickMs * 1000);
  }
}

class Worker {
 public:
  Worker(int argc, char** argv, Board* board, int64_t slot)
      : argc_(argc), argv_(argv), board_(board), slot_(board->slots[slot]) {}

  void Introduce(const Inherited& inherited) {
    rlimit limit{};
    getrlimit(RLIMIT_DATA, &limit);
    slot_.data_limit = limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<int64_t>(limit.rlim_cur);
    slot_.pid = getpid();
    slot_.group = getpgrp();
    slot_.inherited = inherited.count;
    slot_.first_inherited = inherited.first;
    CopyVariable(slot_.mps_pipe, sizeof slot_.mps_pipe, "CUDA_MPS_PIPE_DIRECTORY");
    CopyVariable(slot_.mps_limit, sizeof slot_.mps_limit, "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT");
    if (const char* percent = std::getenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE")) slot_.mps_percent = std::atoll(percent);
    const int64_t now = MonotonicNs();
    Set(slot_.start_ns, now);
    Set(slot_.alive_ns, now);
    std::atomic_ref(slot_.starts).fetch_add(1);
  }

  [[noreturn]] void Run() {
    const auto mode = static_cast<WorkerMode>(Argument("mode"));
    const bool on_device = Argument("on_device") != 0;
    if (on_device) Allocate(Argument("use_mib"));
    if (mode == WorkerMode::kLinger) LeaveChild();
    if (mode == WorkerMode::kForever) StayForever(slot_.alive_ns);
    if (on_device) {
      WorkOnDevice(Argument("run_ms"), static_cast<int32_t>(Argument("percent", 100)), [this] { SignOfLife(); });
    } else {
      Wait(Argument("run_ms"), Argument("contention"));
    }
    if (mode == WorkerMode::kCrash) {
      Set(slot_.end_ns, MonotonicNs());
      *static_cast<volatile int*>(nullptr) = 0;
    }
    Exit(static_cast<int>(Argument("exit_code")));
  }

 private:
  int64_t Argument(const std::string& name, int64_t otherwise = 0) const { return Flag(argc_, argv_, name, otherwise); }
  void SignOfLife() { Set(slot_.alive_ns, MonotonicNs()); }

  [[noreturn]] void Exit(int code) {
    Set(slot_.contended, 0);
    Set(slot_.end_ns, MonotonicNs());
    _exit(code);
  }

  void Allocate(int64_t mib) {
    for (int i = 0; i < kAllocations; ++i) {
      const int64_t piece = mib * (i + 1) / kAllocations - mib * i / kAllocations;
      if (piece == 0) continue;
      if (!AllocateOnDevice(piece)) {
        std::fprintf(stderr, "worker: %lld MiB more were refused after %lld MiB\n", static_cast<long long>(piece),
                     static_cast<long long>(Get(slot_.allocated_mib)));
        Exit(kRefusedCode);
      }
      Set(slot_.allocated_mib, Get(slot_.allocated_mib) + piece);
      SignOfLife();
    }
    Set(slot_.allocated_ns, MonotonicNs());
  }

  void LeaveChild() {
    const pid_t child = fork();
    if (child < 0) Exit(kUsageCode);
    if (child > 0) return;
    alarm(kLifetimeSeconds);  // fork clears it
    StayForever(slot_.grandchild_ns);
  }

  bool OthersContend() {
    return std::any_of(std::begin(board_->slots), std::end(board_->slots),
                       [&](WorkerSlot& other) { return &other != &slot_ && Get(other.contended) != 0; });
  }

  void Wait(int64_t milliseconds, int64_t contention) {
    if (contention > 0) Set(slot_.contended, 1);
    int64_t left = milliseconds * 1'000'000;
    for (int64_t last = MonotonicNs(); left > 0;) {
      usleep(static_cast<useconds_t>(std::min(kTickMs * 1000, left / 1000 + 1)));
      const int64_t now = MonotonicNs();
      left -= contention > 0 && OthersContend() ? (now - last) * 100 / contention : now - last;
      last = now;
      SignOfLife();
    }
  }

  int argc_;
  char** argv_;
  Board* board_;
  WorkerSlot& slot_;
};

int Main(int argc, char** argv) {
  const Inherited inherited = InheritedDescriptors();
  alarm(kLifetimeSeconds);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  Board* board = OpenBoard(argc, argv);
  const int64_t slot = Flag(argc, argv, "slot", -1);
  if (board == nullptr || slot < 0 || slot >= kMaxProcessJobs) {
    std::fprintf(stderr, "worker: no board, or no slot on it: this program is started by part D's judge\n");
    return kUsageCode;
  }
  Worker worker(argc, argv, board, slot);
  worker.Introduce(inherited);
  worker.Run();
}

}  // namespace
}  // namespace q07

int main(int argc, char** argv) { return q07::Main(argc, argv); }
