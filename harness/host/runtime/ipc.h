// Memory that other processes share, and the end of all memory.
#ifndef HARNESS_HOST_RUNTIME_IPC_H_
#define HARNESS_HOST_RUNTIME_IPC_H_

namespace cuda_host {

// Of cudaDeviceReset: everything that was allocated or mapped is gone. REQUIRES: no work is running.
void FreeAllMemory();

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_IPC_H_
