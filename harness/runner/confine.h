// Confines the process that an implementation is about to be loaded into (seccomp-BPF, Linux, x86-64 and arm64).
#ifndef HARNESS_RUNNER_CONFINE_H_
#define HARNESS_RUNNER_CONFINE_H_

namespace workbench {

// From here on in this process and its threads:
//   starting a process or program, signalling another process, tracing, leaving the session:  SIGSYS
//   creating a file (shared memory objects and temporary files too):                         fails with EACCES, unless
//                                                                                             `may_create_files`
// With `may_start_processes` processes and programs may be started, grouped and signalled, except the grader (this
// process's parent), its group, and -1, everybody; all that is started is confined likewise. Threads, memory, files
// opened for reading and everything else are as before. Returns false where the kernel has no seccomp; the run goes on,
// since what is confined here is also noticed afterwards.
bool ConfineProcess(bool may_create_files, bool may_start_processes);

// The name of a system call that ConfineProcess forbids, or "a forbidden system call".
const char* ForbiddenCallName(int number);

}  // namespace workbench

#endif  // HARNESS_RUNNER_CONFINE_H_
