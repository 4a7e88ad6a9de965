// Last words: tells the grader about a signal, with a stack, before the process dies of it.
#ifndef HARNESS_RUNNER_CRASH_HANDLER_H_
#define HARNESS_RUNNER_CRASH_HANDLER_H_

namespace workbench {

// Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGSYS, on a stack of their own (a stack overflow
// is told too). They write one frame to `control_fd` and end the process.
void InstallCrashHandler(int control_fd);

// Where the implementation's shared object was loaded; return addresses inside it are reported as offsets.
void SetCrashModule(const char* path);

}  // namespace workbench

#endif  // HARNESS_RUNNER_CRASH_HANDLER_H_
