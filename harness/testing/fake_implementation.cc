// An implementation that misbehaves as told.
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace {

__attribute__((noinline)) void StoreThroughNull(volatile int* pointer) { *pointer = 1; }

// Endless recursion that the compiler cannot turn into a loop.
__attribute__((noinline)) int Recurse(int depth) {  // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[depth % 4096] = 1;
  return depth < 0 ? 0 : Recurse(depth + 1) + frame[0];
}

// Writes to every socket of this process: one of them is the judge's.
void WriteToEverySocket(const void* data, size_t bytes) {
  for (int fd = 3; fd < 256; ++fd) (void)!send(fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// A child in a group of its own, killed with its group; 0 if all of that was possible.
int RunChild() {
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  int status = 0;
  if (child < 0 || setpgid(child, child) != 0 || kill(-child, SIGKILL) != 0) return 1;
  return waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? 0 : 1;
}

}  // namespace

extern "C" int q00_run(const char* command) {
  const std::string what = command;
  if (what == "ok") return 0;
  if (what == "error") return 2;
  if (what == "print") {
    std::puts("printed by the implementation");
    std::fflush(stdout);
    std::abort();
  }
  if (what == "exit") std::exit(0);
  if (what == "_exit") _exit(0);
  if (what == "segv") StoreThroughNull(reinterpret_cast<int*>(0x10));
  if (what == "overflow") return Recurse(0);
  if (what == "abort") std::abort();
  if (what == "kill_self") kill(getpid(), SIGKILL);
  if (what == "kill_parent") kill(getppid(), SIGKILL);
  if (what == "fork") return fork() < 0;
  if (what == "child") return RunChild();
  if (what == "kill_parents_group") kill(-getpgid(getppid()), 0);
  if (what == "kill_everybody") kill(-1, 0);
  if (what == "throw") throw std::runtime_error("thrown on purpose");
  if (what == "throw_int") throw 7;
  if (what == "garbage") WriteToEverySocket("not a frame of the workbench, but longer than a header", 54);
  if (what == "huge_frame") {
    const struct {
      uint32_t magic = 0x57424348;
      uint32_t kind = 3;
      uint64_t bytes = ~uint64_t{0} - 64;
    } header;
    WriteToEverySocket(&header, sizeof header);
  }
  if (what == "loop" || what == "garbage" || what == "huge_frame") {
    while (true) usleep(1000);
  }
  return 3;
}
