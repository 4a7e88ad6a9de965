// D = activation(alpha * A * B + beta * C + bias) on tensor cores: bf16 operands, fp32 accumulation.
//
// What each path needs, and how it is built: README.md beside this file.
#ifndef KERNELS_GEMM_GEMM_H_
#define KERNELS_GEMM_GEMM_H_

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace kernels {

// Element (i, j) of a row-major matrix is at i * ld + j, of a column-major one at j * ld + i.
enum class Layout { kRowMajor, kColumnMajor };

enum class GemmOutput { kBf16, kFp32 };

// kGelu is the exact form, x/2 (1 + erf(x / sqrt 2)), computed in fp32: PyTorch's default.
enum class Activation { kNone, kGelu };

// Which kernel. kAuto takes the fastest that the current device runs; the others are for tests and comparisons.
enum class GemmPath { kAuto, kPortable, kSm80, kSm90 };

struct GemmProblem {
  int64_t m = 0, n = 0, k = 0;  // A is m x k, B is k x n, C and D are m x n

  const __nv_bfloat16* a = nullptr;
  int64_t lda = 0;
  Layout a_layout = Layout::kRowMajor;

  const __nv_bfloat16* b = nullptr;
  int64_t ldb = 0;
  Layout b_layout = Layout::kRowMajor;

  // C and D share layout and element type. C may be D itself (same pointer and ld), but must not overlap it otherwise.
  const void* c = nullptr;
  int64_t ldc = 0;
  void* d = nullptr;
  int64_t ldd = 0;
  Layout d_layout = Layout::kRowMajor;
  GemmOutput output = GemmOutput::kBf16;

  float alpha = 1;  // with 0, A and B are not read
  float beta = 0;   // with 0, C is not read and may be null: a NaN in it does not reach D

  const __nv_bfloat16* bias = nullptr;  // null, or n elements: bias[j] is added to column j
  Activation activation = Activation::kNone;
};

// Bytes of workspace that Gemm needs for this problem on the current device: 0 unless a row of A or B (a column, in a
// column-major matrix) starts off a 16-byte boundary.
size_t GemmWorkspaceBytes(const GemmProblem& problem, GemmPath path = GemmPath::kAuto);

// Enqueues the product on `stream` and returns without waiting. Allocates nothing; may be captured into a graph. The
// result does not depend on timing: equal inputs give equal bits on the same device and path.
//
// REQUIRES: 0 <= m, n, k < 2^31 - 512; leading dimensions at least the length of a row (of a column, if column-major);
// pointers aligned to their elements. `workspace` is 256-byte aligned, used by no other call that can run at the same
// time, and may be null if it needs no bytes.
//
// Returns cudaErrorInvalidValue for arguments that break this, cudaErrorNotSupported for a path that this device or
// this build does not run, and what the launch returned otherwise.
cudaError_t Gemm(const GemmProblem& problem, void* workspace, size_t workspace_bytes, cudaStream_t stream,
                 GemmPath path = GemmPath::kAuto);

}  // namespace kernels

#endif  // KERNELS_GEMM_GEMM_H_
