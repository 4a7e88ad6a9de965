// Whether kernels get anywhere. All functions are for workers' threads.
#ifndef HARNESS_HOST_EXECUTOR_PROGRESS_H_
#define HARNESS_HOST_EXECUTOR_PROGRESS_H_

#include <cstdint>
#include <string>

namespace cuda_host {

// A block has begun or ended, a barrier was passed, a lane got what it waited for.
extern constinit thread_local uint64_t t_progress;
inline void NoteProgress() { ++t_progress; }

// "12 s" if nothing has been noted for longer than anything takes, else empty. The limit is
// WORKBENCH_HOST_DEADLOCK_SECONDS, or 10; or 60 where other processes map this one's memory, since a flag may be theirs
// to set.
std::string Overdue();
void ExpectPeers();
bool PeersExpected();

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_PROGRESS_H_
