// cudaProfilerStart and cudaProfilerStop, which do nothing in host mode.
#ifndef CUDA_PROFILER_API_H_
#define CUDA_PROFILER_API_H_

#include "cuda_runtime_api.h"

#endif  // CUDA_PROFILER_API_H_
