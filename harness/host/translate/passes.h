// The rewrites, one kind each. They add edits and errors to `code`.
#ifndef HARNESS_HOST_TRANSLATE_PASSES_H_
#define HARNESS_HOST_TRANSLATE_PASSES_H_

#include "harness/host/translate/code.h"
#include "harness/host/translate/structure.h"

namespace cuda_host::translate {

// kernel<<<grid, block>>>(arguments)
void TranslateLaunches(const Structure& structure, Code* code);

// Variables that are __shared__: static and dynamic ones.
void TranslateShared(const Structure& structure, Code* code);

// __global__, __device__, __host__, __noinline__, __launch_bounds__ and #pragma unroll.
void TranslateAttributes(const Structure& structure, Code* code);

// Errors for what cannot be done on the CPU: PTX, textures, clusters ...
void RefuseUnsupported(const Structure& structure, Code* code);

}  // namespace cuda_host::translate

#endif  // HARNESS_HOST_TRANSLATE_PASSES_H_
