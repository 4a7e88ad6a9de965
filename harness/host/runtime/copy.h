// Copies and fills of up to three dimensions.
#ifndef HARNESS_HOST_RUNTIME_COPY_H_
#define HARNESS_HOST_RUNTIME_COPY_H_

#include <cstddef>

#include "driver_types.h"

namespace cuda_host {

struct Copy {
  const char* api;
  char* target;
  const char* source;
  size_t width;  // bytes
  size_t height = 1;
  size_t depth = 1;
  size_t target_pitch = 0;
  size_t source_pitch = 0;
  size_t target_slice = 0;  // bytes between planes
  size_t source_slice = 0;
};

// The copy on `stream`, with as much waiting as CUDA documents under "API synchronization behavior". `synchronous`: one
// of the functions without Async.
cudaError_t EnqueueCopy(const Copy& copy, cudaMemcpyKind kind, cudaStream_t stream, bool synchronous);

struct Fill {
  const char* api;
  char* target;
  int value;
  size_t width;  // bytes
  size_t height = 1;
  size_t pitch = 0;
};
cudaError_t EnqueueFill(const Fill& fill, cudaStream_t stream, bool synchronous);

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_COPY_H_
