// Included by the translator in front of every .cu file, behind cuda_runtime.h.
#ifndef CUDA_HOST_TRANSLATED_H_
#define CUDA_HOST_TRANSLATED_H_

#include "cuda_host/dynamic_shared.h"

// Where a function runs decides what may be in it, so the translator has to see these, and takes them away itself.
#undef __device__
#undef __host__
#undef __global__

#endif  // CUDA_HOST_TRANSLATED_H_
