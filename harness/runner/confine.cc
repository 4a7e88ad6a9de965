#include "harness/runner/confine.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace workbench {
namespace {

struct NamedCall {
  int number;
  const char* name;
};

constexpr NamedCall kForbidden[] = {
    {SYS_tkill, "tkill()"},
    {SYS_rt_sigqueueinfo, "sigqueue()"},
    {SYS_ptrace, "ptrace()"},
    {SYS_setsid, "setsid()"},
};

// Unless processes may be started.
constexpr NamedCall kOfProcesses[] = {
#ifdef SYS_fork
    {SYS_fork, "fork()"},       {SYS_vfork, "vfork()"},
#endif
    {SYS_execve, "execve()"},   {SYS_execveat, "execveat()"}, {SYS_pidfd_send_signal, "pidfd_send_signal()"},
    {SYS_setpgid, "setpgid()"},
};

// Forbidden by their arguments.
constexpr NamedCall kForbiddenByArgument[] = {
    {SYS_clone, "fork()"},  // glibc's fork is clone without CLONE_THREAD
    {SYS_kill, "kill()"},
    {SYS_tgkill, "tgkill()"},
    {SYS_pidfd_open, "pidfd_open() of the grader"},
};

constexpr uint32_t kOffsetNumber = offsetof(seccomp_data, nr);
constexpr uint32_t OffsetArgument(int i) { return static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * i); }

class Program {
 public:
  void Load(uint32_t offset) { code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void Return(uint32_t value) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, value)); }
  // Runs the next `count` instructions only if the loaded word equals `value` (or not).
  void SkipUnlessEqual(uint32_t value, uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }
  void SkipIfEqual(uint32_t value, uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
  }
  void SkipIfAnyBit(uint32_t bits, uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, count, 0));
  }
  void SkipUnlessAnyBit(uint32_t bits, uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count));
  }
  std::vector<sock_filter>& code() { return code_; }

 private:
  std::vector<sock_filter> code_;
};

// Traps the call if its first argument is `value`.
void ForbidArgument(Program* program, int number, pid_t value) {
  program->Load(kOffsetNumber);
  program->SkipUnlessEqual(static_cast<uint32_t>(number), 3);
  program->Load(OffsetArgument(0));
  program->SkipUnlessEqual(static_cast<uint32_t>(value), 1);
  program->Return(SECCOMP_RET_TRAP);
}

// What remains of the calls below: the grader and all that is not this process's own are out of reach.
void ForbidReachingGrader(Program* program) {
  const pid_t grader = getppid();
  for (const int number : {SYS_kill, SYS_tgkill, SYS_pidfd_open}) ForbidArgument(program, number, grader);
  ForbidArgument(program, SYS_kill, -getpgid(grader));
  ForbidArgument(program, SYS_kill, -1);
}

void ForbidProcesses(Program* program) {
  program->Load(kOffsetNumber);
  for (const NamedCall& call : kOfProcesses) {
    program->SkipUnlessEqual(static_cast<uint32_t>(call.number), 1);
    program->Return(SECCOMP_RET_TRAP);
  }
  // clone3 keeps its flags in memory, where a filter can't look; "no such call" makes glibc fall back to clone.
  program->SkipUnlessEqual(SYS_clone3, 1);
  program->Return(SECCOMP_RET_ERRNO | ENOSYS);
  program->SkipUnlessEqual(SYS_clone, 3);
  program->Load(OffsetArgument(0));
  program->SkipIfAnyBit(CLONE_THREAD, 1);
  program->Return(SECCOMP_RET_TRAP);
  // Signals to this process itself (abort, raise) are its own business.
  for (const int number : {SYS_kill, SYS_tgkill}) {
    program->Load(kOffsetNumber);
    program->SkipUnlessEqual(static_cast<uint32_t>(number), 3);
    program->Load(OffsetArgument(0));
    program->SkipIfEqual(static_cast<uint32_t>(getpid()), 1);
    program->Return(SECCOMP_RET_TRAP);
  }
}

// openat(2) with O_CREAT (or O_TMPFILE, which shares no bit with O_CREAT) fails.
void ForbidCreating(Program* program, int number, int flags_argument) {
  program->Load(kOffsetNumber);
  program->SkipUnlessEqual(static_cast<uint32_t>(number), 3);
  program->Load(OffsetArgument(flags_argument));
  program->SkipUnlessAnyBit(O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 1);
  program->Return(SECCOMP_RET_ERRNO | EACCES);
}

}  // namespace

bool ConfineProcess(bool may_create_files, bool may_start_processes) {
  Program program;
#if defined(__x86_64__)
  constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
  return false;
#endif
  program.Load(offsetof(seccomp_data, arch));
  program.SkipIfEqual(kArchitecture, 1);
  program.Return(SECCOMP_RET_TRAP);

  program.Load(kOffsetNumber);
  for (const NamedCall& call : kForbidden) {
    program.SkipUnlessEqual(static_cast<uint32_t>(call.number), 1);
    program.Return(SECCOMP_RET_TRAP);
  }
  if (may_start_processes) {
    ForbidReachingGrader(&program);
  } else {
    ForbidProcesses(&program);
  }
  if (!may_create_files) {
    ForbidCreating(&program, SYS_openat, 2);
#ifdef SYS_open
    ForbidCreating(&program, SYS_open, 1);
    program.Load(kOffsetNumber);
    program.SkipUnlessEqual(SYS_creat, 1);
    program.Return(SECCOMP_RET_ERRNO | EACCES);
#endif
  }
  program.Return(SECCOMP_RET_ALLOW);

  sock_fprog filter{static_cast<unsigned short>(program.code().size()), program.code().data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  // TSYNC: the threads that MPI has started already, too.
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

const char* ForbiddenCallName(int number) {
  for (const NamedCall& call : kForbidden) {
    if (call.number == number) return call.name;
  }
  for (const NamedCall& call : kOfProcesses) {
    if (call.number == number) return call.name;
  }
  for (const NamedCall& call : kForbiddenByArgument) {
    if (call.number == number) return call.name;
  }
  return "a forbidden system call";
}

}  // namespace workbench
