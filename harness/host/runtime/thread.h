// Threads of the runtime's own.
#ifndef HARNESS_HOST_RUNTIME_THREAD_H_
#define HARNESS_HOST_RUNTIME_THREAD_H_

#include <signal.h>

#include <functional>
#include <thread>
#include <utility>

namespace cuda_host {

// Never ends before the process does. Signals stay with the program's own threads.
inline void StartThread(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, signal);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(std::move(body)).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_THREAD_H_
