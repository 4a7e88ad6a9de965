// What goes wrong inside a kernel stays the kernel's: faults become CUDA errors, and a thread that spins for ever
// without giving way is made to.
#ifndef HARNESS_HOST_EXECUTOR_FAULTS_H_
#define HARNESS_HOST_EXECUTOR_FAULTS_H_

namespace cuda_host {

// Once a process.
void InstallFaultHandlers();
// Once a worker, on its thread.
void PrepareWorkerForFaults();
// The worker is about to run a kernel with this entry: its threads may be preempted while they run code of the same
// module.
void WatchKernel(const void* entry);
// While it is off, the worker sleeps undisturbed.
void SetPreemption(bool on);
int PreemptSignal();

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_FAULTS_H_
