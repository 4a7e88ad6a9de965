// Q5 part E: D = epilogue(alpha A B + beta C) in bf16. The contract is in device_api.h.
//
// The kernels, one for each generation of tensor cores and a portable one, are in kernels/gemm. This is the way there.
#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

bool IsKnown(Layout layout) { return layout == Layout::kRowMajor || layout == Layout::kColumnMajor; }
bool IsKnown(Epilogue epilogue) {
  return epilogue == Epilogue::kNone || epilogue == Epilogue::kBias || epilogue == Epilogue::kBiasGelu;
}

kernels::Layout LayoutOf(Layout layout) {
  return layout == Layout::kRowMajor ? kernels::Layout::kRowMajor : kernels::Layout::kColumnMajor;
}

kernels::GemmProblem ProblemOf(const Gemm& gemm) {
  kernels::GemmProblem problem;
  problem.m = gemm.m;
  problem.n = gemm.n;
  problem.k = gemm.k;
  problem.a = static_cast<const __nv_bfloat16*>(gemm.a);
  problem.lda = gemm.lda;
  problem.a_layout = LayoutOf(gemm.a_layout);
  problem.b = static_cast<const __nv_bfloat16*>(gemm.b);
  problem.ldb = gemm.ldb;
  problem.b_layout = LayoutOf(gemm.b_layout);
  problem.c = gemm.c;
  problem.ldc = gemm.ldc;
  problem.d = gemm.d;
  problem.ldd = gemm.ldd;
  problem.alpha = gemm.alpha;
  problem.beta = gemm.beta;
  if (gemm.epilogue != Epilogue::kNone) problem.bias = static_cast<const __nv_bfloat16*>(gemm.bias);
  if (gemm.epilogue == Epilogue::kBiasGelu) problem.activation = kernels::Activation::kGelu;
  return problem;
}

}  // namespace

extern "C" size_t q05_gemm_workspace_bytes(const Gemm& gemm) { return kernels::GemmWorkspaceBytes(ProblemOf(gemm)); }

extern "C" cudaError_t q05_gemm(const Gemm& gemm, void* workspace, cudaStream_t stream) {
  if (!IsKnown(gemm.a_layout) || !IsKnown(gemm.b_layout) || !IsKnown(gemm.epilogue)) return cudaErrorInvalidValue;
  const kernels::GemmProblem problem = ProblemOf(gemm);
  return kernels::Gemm(problem, workspace, kernels::GemmWorkspaceBytes(problem), stream);
}

}  // namespace q05
