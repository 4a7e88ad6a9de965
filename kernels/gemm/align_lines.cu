// Lines of bf16 that start anywhere, copied to lines that start on 16-byte boundaries, so that cp.async and the TMA can
// read them. Every thread makes 16-byte stores; what it stores straddles two aligned 16-byte words of the source, which
// are loaded whole and shifted together. The second of the two is the neighbouring thread's first, and comes from L1.
#include <algorithm>

#include "kernels/gemm/internal.h"
#include "kernels/primitives/vec.cuh"

namespace kernels::gemm_internal {
namespace {

constexpr int kThreads = 256;
constexpr int kVecElements = 8;
using Vector = Vec<__nv_bfloat16>;

__global__ void __launch_bounds__(kThreads) AlignLinesKernel(const __nv_bfloat16* from, int64_t from_ld, int64_t lines,
                                                             int64_t length, __nv_bfloat16* to, int64_t to_ld) {
  const __nv_bfloat16* end = from + (lines - 1) * from_ld + length;
  const int64_t vectors = (length + kVecElements - 1) / kVecElements;
  for (int64_t line = blockIdx.x; line < lines; line += gridDim.x) {
    for (int64_t vector = threadIdx.x; vector < vectors; vector += kThreads) {
      const __nv_bfloat16* source = from + line * from_ld + vector * kVecElements;
      const int elements = static_cast<int>(min(int64_t{kVecElements}, length - vector * kVecElements));
      // Elements between the aligned word that source lies in, and source.
      const int shift = static_cast<int>((reinterpret_cast<uintptr_t>(source) / sizeof(*source)) % kVecElements);
      Vector result;
      if (source - shift >= from && source - shift + 2 * kVecElements <= end) {
        struct alignas(16) {
          uint64_t words[4];
        } window;
        const auto* aligned = reinterpret_cast<const Vector*>(source - shift);
        memcpy(&window.words[0], &aligned[0], 16);
        if (shift != 0) memcpy(&window.words[2], &aligned[1], 16);
        // Shift by whole 64-bit words, then by bits, without indexing registers.
        if (shift >= 4) {
          window.words[0] = window.words[1];
          window.words[1] = window.words[2];
          window.words[2] = window.words[3];
        }
        const int bits = shift % 4 * 16;
        if (bits != 0) {
          window.words[0] = window.words[0] >> bits | window.words[1] << (64 - bits);
          window.words[1] = window.words[1] >> bits | window.words[2] << (64 - bits);
        }
        memcpy(&result, &window, 16);
      } else {  // next to the first or behind the last element: nothing outside the matrix is read
        for (int i = 0; i < kVecElements; ++i) result[i] = i < elements ? source[i] : __nv_bfloat16();
      }
      StoreVec(to + line * to_ld, vector, result);
    }
  }
}

}  // namespace

cudaError_t LaunchAlignLines(const __nv_bfloat16* from, int64_t from_ld, int64_t lines, int64_t length,
                             __nv_bfloat16* to, int64_t to_ld, cudaStream_t stream) {
  constexpr int64_t kMostBlocks = 1 << 16;
  AlignLinesKernel<<<static_cast<unsigned>(std::min(lines, kMostBlocks)), kThreads, 0, stream>>>(from, from_ld, lines,
                                                                                                 length, to, to_ld);
  return cudaGetLastError();
}

}  // namespace kernels::gemm_internal
