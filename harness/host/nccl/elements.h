// NCCL's data types and reductions, element by element.
#ifndef HARNESS_HOST_NCCL_ELEMENTS_H_
#define HARNESS_HOST_NCCL_ELEMENTS_H_

#include <cstddef>
#include <cstdint>

#include "nccl.h"

namespace cuda_host::nccl {

// What a reduction does; operations made by ncclRedOpCreatePreMulSum are one kind.
enum class ReduceKind : uint32_t { kSum, kProd, kMax, kMin, kAvg, kPreMulSum };

// A factor of ncclRedOpCreatePreMulSum, in the bytes of its data type.
struct Scalar {
  alignas(8) unsigned char bytes[8];
};

// 0 for a value that is no data type.
size_t TypeBytes(ncclDataType_t type);
// "ncclFloat16"
const char* TypeName(ncclDataType_t type);
// "ncclSum"; "premultiplied sum"
const char* ReduceName(ReduceKind kind);

// out[i] = in[0][i] op in[1][i] op ... in the order of the ranks, for `count` elements of `type`. `out` may be one of
// `in`. `scalars` has one factor a rank, used by kPreMulSum only.
void Reduce(ncclDataType_t type, ReduceKind kind, int ranks, const void* const* in, const Scalar* scalars, size_t count,
            void* out);

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_ELEMENTS_H_
