#include "harness/host/executor/faults.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "harness/host/executor/block.h"
#include "harness/host/executor/location.h"
#include "harness/host/executor/progress.h"

namespace cuda_host {

constinit thread_local uint64_t t_progress = 1;

namespace {

using std::chrono::steady_clock;

struct CodeRange {
  uintptr_t begin = 0, end = 0;
  bool Holds(uintptr_t pc) const { return pc >= begin && pc < end; }
};

constexpr size_t kMostModules = 128;
constexpr long kTickNanoseconds = 500'000;

// What the signal handlers know about the worker that they interrupt.
struct WorkerFaults {
  // Where a thread of a kernel may be preempted: the program's own modules. (A template's entry may lie in another
  // module than the kernel that it calls.)
  CodeRange code[kMostModules];
  size_t modules = 0;
  const void* kernel = nullptr;    // at whose start the modules were looked up
  const Block* running = nullptr;  // at the last tick
  uint64_t turns = 0, turns_at_tick = 0;
  char* emergency_stack = nullptr;
  siginfo_t fault{};
  uintptr_t fault_pc = 0;
  timer_t timer{};
  bool has_timer = false;
};
constexpr size_t kEmergencyStack = size_t{128} << 10;
constinit thread_local WorkerFaults t_faults{};
constinit thread_local steady_clock::time_point t_last_progress{};
constinit thread_local uint64_t t_last_seen = 0;
std::atomic<bool> g_peers{false};

constexpr int kFaultSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
struct sigaction g_previous[64];

// The executable segment that holds `address`.
CodeRange CodeOf(const void* address) {
  struct Search {
    uintptr_t address;
    CodeRange found;
  } search{reinterpret_cast<uintptr_t>(address), {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto* const wanted = static_cast<Search*>(data);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          if (wanted->address >= begin && wanted->address < begin + header.p_memsz) {
            wanted->found = {begin, begin + header.p_memsz};
            return 1;
          }
        }
        return 0;
      },
      &search);
  return search.found;
}

// Runs on the emergency stack, as if the kernel's thread had called it.
void KernelFault() {
  const siginfo_t& info = t_faults.fault;
  char address[32];
  std::snprintf(address, sizeof address, "%p", info.si_addr);
  const std::string where = Place() + " at " + DescribeLocation(t_faults.fault_pc);
  cudaError_t error = cudaErrorLaunchFailure;
  switch (info.si_signo) {
    case SIGSEGV:
    case SIGBUS: {
      error = cudaErrorIllegalAddress;
      const char* hint = InFiberStack(info.si_addr) ? ": the thread's stack overflows" : "";
      Report("illegal address: " + where + " touches " + address + hint);
      break;
    }
    case SIGFPE:
      Report("integer division by zero: " + where + " (a GPU gives an unspecified result)");
      break;
    case SIGABRT:
      Report("abort: " + where);
      break;
    default:
      error = cudaErrorIllegalInstruction;
      Report("illegal instruction: " + where);
      break;
  }
  CurrentBlock()->Fail(error);
}

void OnFault(int signal, siginfo_t* info, void* opaque) {
  auto* const context = static_cast<ucontext_t*>(opaque);
  if (CurrentBlock() != nullptr && t_faults.emergency_stack != nullptr) {
    t_faults.fault = *info;
#if defined(__x86_64__)
    t_faults.fault_pc = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
    context->uc_mcontext.gregs[REG_RSP] =
        static_cast<greg_t>(reinterpret_cast<uintptr_t>(t_faults.emergency_stack + kEmergencyStack) - 64 - 8);
    context->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&KernelFault);
    return;
#elif defined(__aarch64__)
    t_faults.fault_pc = context->uc_mcontext.pc;
    context->uc_mcontext.sp = reinterpret_cast<uintptr_t>(t_faults.emergency_stack + kEmergencyStack) - 64;
    context->uc_mcontext.pc = reinterpret_cast<uintptr_t>(&KernelFault);
    return;
#endif
  }
  // Not a kernel's: as if this handler were not here.
  const struct sigaction& previous = g_previous[signal];
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, opaque);
    return;
  }
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
    return;
  }
  sigaction(signal, &previous, nullptr);
  if (info->si_code <= 0) raise(signal);  // sent, not raised by an instruction that runs again
}

// Every tick while a worker has something to run: a thread that has had all of it, without a point at which others
// could run, may be waiting for one of them.
void OnTick(int, siginfo_t*, void* opaque) {
  Block* const block = CurrentBlock();
  const uint64_t turns = t_faults.turns;
  const bool same = t_faults.running == block && t_faults.turns_at_tick == turns;
  t_faults.running = block;
  t_faults.turns_at_tick = turns;
  if (block == nullptr || !same || block->IsBetweenThreads()) return;
  const auto* const context = static_cast<const ucontext_t*>(opaque);
#if defined(__x86_64__)
  const uintptr_t pc = static_cast<uintptr_t>(context->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  const uintptr_t pc = context->uc_mcontext.pc;
#else
  const uintptr_t pc = 0;
#endif
  // Elsewhere it may hold a lock (malloc's, say) that the next thread wants.
  bool own = false;
  for (size_t i = 0; i < t_faults.modules && !own; ++i) own = t_faults.code[i].Holds(pc);
  if (!own) return;
  const int saved = errno;
  block->YieldThread(Site::Of(reinterpret_cast<const void*>(pc + 1)));
  errno = saved;
}

}  // namespace

int PreemptSignal() { return SIGRTMIN + 3; }

void InstallFaultHandlers() {
  struct sigaction action {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  for (const int signal : kFaultSignals) sigaction(signal, &action, &g_previous[signal]);
  // Left by switching to another stack, and come back to later: nothing may be masked meanwhile.
  action.sa_sigaction = OnTick;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
  sigaction(PreemptSignal(), &action, nullptr);
}

void PrepareWorkerForFaults() {
  const auto map = [](size_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  };
  t_faults.emergency_stack = map(kEmergencyStack);
  constexpr size_t kSignalStack = size_t{64} << 10;
  stack_t alternate{};
  alternate.ss_sp = map(kSignalStack);
  alternate.ss_size = kSignalStack;
  if (alternate.ss_sp != nullptr) sigaltstack(&alternate, nullptr);

  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = PreemptSignal();
#if defined(sigev_notify_thread_id)
  event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
#else
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
#endif
  // A thread's own time would be the right clock, but its timers are as coarse as the scheduler's tick.
  t_faults.has_timer = timer_create(CLOCK_MONOTONIC, &event, &t_faults.timer) == 0;
  NoteProgress();
}

void SetPreemption(bool on) {
  if (!t_faults.has_timer) return;
  const itimerspec every{{0, on ? kTickNanoseconds : 0}, {0, on ? kTickNanoseconds : 0}};
  timer_settime(t_faults.timer, 0, &every, nullptr);
}

void WatchKernel(const void* entry) {
  ++t_faults.turns;
  if (t_faults.kernel == entry) return;
  t_faults.kernel = entry;
  t_faults.modules = 0;
  // In a program that the executor is linked into, its own functions must not be interrupted.
  static const CodeRange own = CodeOf(reinterpret_cast<const void*>(&WatchKernel));
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void*) {
        const char* const name = info->dlpi_name;
        for (const char* system : {"/lib", "/usr/lib", "linux-vdso"}) {
          if (std::strncmp(name, system, std::strlen(system)) == 0) return 0;
        }
        for (int i = 0; i < info->dlpi_phnum && t_faults.modules < kMostModules; ++i) {
          const auto& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
          const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
          if (begin != own.begin) t_faults.code[t_faults.modules++] = {begin, begin + header.p_memsz};
        }
        return 0;
      },
      nullptr);
}

void ExpectPeers() { g_peers = true; }
bool PeersExpected() { return g_peers; }

std::string Overdue() {
  static const char* const text = std::getenv("WORKBENCH_HOST_DEADLOCK_SECONDS");
  const double limit = text != nullptr ? std::atof(text) : g_peers ? 60 : 10;
  const steady_clock::time_point now = steady_clock::now();
  if (t_last_seen != t_progress) {
    t_last_seen = t_progress;
    t_last_progress = now;
  }
  const double waited = std::chrono::duration<double>(now - t_last_progress).count();
  return waited < limit ? std::string() : std::to_string(static_cast<int>(waited)) + " s";
}

}  // namespace cuda_host
