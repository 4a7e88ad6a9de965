#include "harness/runner/crash_handler.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "harness/launch/channel.h"
#include "harness/runner/confine.h"

namespace workbench {
namespace {

int g_control_fd = -1;
char g_module[4096];
alignas(16) char g_stack[256 * 1024];

// SendMessage without anything that allocates: fork() holds malloc's locks when its system call is trapped.
void SendRaw(MessageKind kind, const void* payload, uint64_t bytes) {
  struct {
    uint32_t magic = 0x57424348;
    uint32_t kind;
    uint64_t bytes;
  } header;
  header.kind = static_cast<uint32_t>(kind);
  header.bytes = bytes;
  (void)!send(g_control_fd, &header, sizeof header, MSG_NOSIGNAL);
  (void)!send(g_control_fd, payload, bytes, MSG_NOSIGNAL);
}

void AddFrame(CrashPayload* crash, void* address) {
  Dl_info info;
  if (crash->frames >= static_cast<int>(std::size(crash->offsets)) || dladdr(address, &info) == 0) return;
  if (g_module[0] == '\0' || std::strcmp(info.dli_fname, g_module) != 0) return;
  crash->offsets[crash->frames++] =
      static_cast<uint64_t>(reinterpret_cast<char*>(address) - static_cast<char*>(info.dli_fbase));
}

void OnSignal(int signal_number, siginfo_t* info, void* context) {
  signal(signal_number, SIG_DFL);
  if (signal_number == SIGSYS) {
    struct {
      uint32_t kind = static_cast<uint32_t>(ErrorKind::kForbidden);
      char text[252];
    } payload;
    const int n = std::snprintf(
        payload.text, sizeof payload.text,
        "the implementation called %s: it may compute and start threads, but not start processes, signal others or "
        "leave its session",
        ForbiddenCallName(info->si_syscall));
    SendRaw(MessageKind::kError, &payload, sizeof payload.kind + static_cast<uint64_t>(n));
    _exit(1);
  }
  CrashPayload crash{};
  crash.signal = signal_number;
  crash.fault_address = reinterpret_cast<uint64_t>(info->si_addr);
#if defined(__x86_64__)
  void* at = reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  void* at = reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#else
  void* at = nullptr;
#endif
  alarm(3);  // if the unwinder itself gets stuck on a smashed stack
  AddFrame(&crash, at);
  void* frames[48];
  const int depth = backtrace(frames, static_cast<int>(std::size(frames)));
  for (int i = 0; i < depth; ++i) {
    if (frames[i] != at) AddFrame(&crash, frames[i]);
  }
  SendRaw(MessageKind::kCrash, &crash, sizeof crash);
  _exit(128 + signal_number);
}

}  // namespace

void InstallCrashHandler(int control_fd) {
  g_control_fd = control_fd;
  void* warm_up[4];
  (void)backtrace(warm_up, 4);  // loads the unwinder now, not in the handler
  stack_t stack{};
  stack.ss_sp = g_stack;
  stack.ss_size = sizeof g_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = OnSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS}) sigaction(number, &action, nullptr);
}

void SetCrashModule(const char* path) { std::snprintf(g_module, sizeof g_module, "%s", path); }

}  // namespace workbench
