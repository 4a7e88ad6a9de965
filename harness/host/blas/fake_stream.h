// EnqueueTask and cudaStreamSynchronize without a runtime, for the tests.
#ifndef HARNESS_HOST_BLAS_FAKE_STREAM_H_
#define HARNESS_HOST_BLAS_FAKE_STREAM_H_

#include <cstddef>

namespace workbench::host {

// How many tasks are enqueued and not run. cudaStreamSynchronize runs them, on any stream.
size_t WaitingTasks();

}  // namespace workbench::host

#endif  // HARNESS_HOST_BLAS_FAKE_STREAM_H_
