// Checks the problem, brings it to the form that the kernels take, and picks one.
#include <climits>
#include <utility>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/internal.h"

namespace kernels {
namespace {

using gemm_internal::Operand;
using gemm_internal::Task;

constexpr int64_t kAlignElements = 8;  // 16 bytes of bf16
constexpr size_t kWorkspaceAlignment = 256;

// Tiles reach past the end of a matrix, and must not leave the range of int there.
constexpr int64_t kMaxDimension = INT_MAX - 512;
bool IsDimension(int64_t x) { return x >= 0 && x <= kMaxDimension; }

bool IsMatrix(int64_t rows, int64_t columns, const void* data, int64_t ld, Layout layout, size_t element) {
  const int64_t line = layout == Layout::kRowMajor ? columns : rows;
  if (rows == 0 || columns == 0) return true;
  return data != nullptr && reinterpret_cast<uintptr_t>(data) % element == 0 && ld >= line;
}

bool IsValid(const GemmProblem& p) {
  if (!IsDimension(p.m) || !IsDimension(p.n) || !IsDimension(p.k)) return false;
  const size_t element = p.output == GemmOutput::kFp32 ? 4 : 2;
  if (!IsMatrix(p.m, p.n, p.d, p.ldd, p.d_layout, element)) return false;
  if (p.beta != 0 && !IsMatrix(p.m, p.n, p.c, p.ldc, p.d_layout, element)) return false;
  if (p.alpha == 0) return true;
  return IsMatrix(p.m, p.k, p.a, p.lda, p.a_layout, 2) && IsMatrix(p.k, p.n, p.b, p.ldb, p.b_layout, 2);
}

Task MakeTask(const GemmProblem& p) {
  Task task;
  task.m = static_cast<int>(p.m);
  task.n = static_cast<int>(p.n);
  task.k = p.alpha == 0 ? 0 : static_cast<int>(p.k);
  task.a = {p.a, p.lda, p.a_layout == Layout::kRowMajor};
  task.b = {p.b, p.ldb, p.b_layout == Layout::kColumnMajor};
  task.epilogue = {p.alpha, p.beta, p.c, p.ldc, p.d, p.ldd, p.bias, false, p.activation == Activation::kGelu};
  task.fp32_output = p.output == GemmOutput::kFp32;
  if (p.d_layout == Layout::kColumnMajor) {  // D^T = B^T A^T is row-major, and transposing keeps what is K-major
    std::swap(task.m, task.n);
    std::swap(task.a, task.b);
    task.epilogue.bias_by_row = true;
  }
  return task;
}

// kAuto to the best that the current device runs; the others as they are.
cudaError_t Resolve(const Task& task, GemmPath* path) {
  if (task.k == 0) {  // no product: any kernel's epilogue will do
    *path = GemmPath::kPortable;
    return cudaSuccess;
  }
#if defined(WORKBENCH_HOST_MODE)
  if (*path == GemmPath::kAuto) *path = GemmPath::kPortable;
  return *path == GemmPath::kPortable ? cudaSuccess : cudaErrorNotSupported;
#else
  int device = 0, major = 0;
  if (cudaError_t error = cudaGetDevice(&device); error != cudaSuccess) return error;
  if (cudaError_t error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
      error != cudaSuccess) {
    return error;
  }
  if (*path == GemmPath::kAuto) {
    *path = major == 9 ? GemmPath::kSm90 : major >= 8 ? GemmPath::kSm80 : GemmPath::kPortable;
  }
  const bool runs = *path == GemmPath::kPortable || (*path == GemmPath::kSm80 && major >= 8) ||
                    (*path == GemmPath::kSm90 && major == 9);
  return runs ? cudaSuccess : cudaErrorNotSupported;
#endif
}

bool IsAligned(const Operand& operand) {
  return reinterpret_cast<uintptr_t>(operand.data) % 16 == 0 && operand.ld % kAlignElements == 0;
}

// The aligned copy of an operand, `extent` long along M or N.
struct AlignedCopy {
  int64_t lines, length, ld;
  size_t bytes;
};
AlignedCopy PlanCopy(const Operand& operand, int extent, int k) {
  AlignedCopy copy;
  copy.lines = operand.k_major ? extent : k;
  copy.length = operand.k_major ? k : extent;
  copy.ld = (copy.length + kAlignElements - 1) / kAlignElements * kAlignElements;
  copy.bytes = (static_cast<size_t>(copy.lines) * copy.ld * sizeof(__nv_bfloat16) + kWorkspaceAlignment - 1) /
               kWorkspaceAlignment * kWorkspaceAlignment;
  return copy;
}

size_t WorkspaceBytes(const Task& task, GemmPath path) {
  if (path == GemmPath::kPortable) return 0;
  return (IsAligned(task.a) ? 0 : PlanCopy(task.a, task.m, task.k).bytes) +
         (IsAligned(task.b) ? 0 : PlanCopy(task.b, task.n, task.k).bytes);
}

// Points the operand to a copy at *workspace if it needs one, and moves *workspace behind it.
cudaError_t Align(Operand* operand, int extent, int k, char** workspace, cudaStream_t stream) {
  if (IsAligned(*operand)) return cudaSuccess;
  const AlignedCopy copy = PlanCopy(*operand, extent, k);
  auto* to = reinterpret_cast<__nv_bfloat16*>(*workspace);
  if (cudaError_t error =
          gemm_internal::LaunchAlignLines(operand->data, operand->ld, copy.lines, copy.length, to, copy.ld, stream);
      error != cudaSuccess) {
    return error;
  }
  *workspace += copy.bytes;
  operand->data = to;
  operand->ld = copy.ld;
  return cudaSuccess;
}

}  // namespace

size_t GemmWorkspaceBytes(const GemmProblem& problem, GemmPath path) {
  if (!IsValid(problem) || problem.m == 0 || problem.n == 0) return 0;
  const Task task = MakeTask(problem);
  return Resolve(task, &path) == cudaSuccess ? WorkspaceBytes(task, path) : 0;
}

cudaError_t Gemm(const GemmProblem& problem, void* workspace, size_t workspace_bytes, cudaStream_t stream,
                 GemmPath path) {
  if (!IsValid(problem)) return cudaErrorInvalidValue;
  if (problem.m == 0 || problem.n == 0) return cudaSuccess;
  Task task = MakeTask(problem);
  if (cudaError_t error = Resolve(task, &path); error != cudaSuccess) return error;
  if (path == GemmPath::kPortable) return gemm_internal::LaunchPortable(task, stream);

  const size_t needed = WorkspaceBytes(task, path);
  if (workspace_bytes < needed || (needed > 0 && workspace == nullptr) ||
      reinterpret_cast<uintptr_t>(workspace) % kWorkspaceAlignment != 0) {
    return cudaErrorInvalidValue;
  }
  char* next = static_cast<char*>(workspace);
  if (cudaError_t error = Align(&task.a, task.m, task.k, &next, stream); error != cudaSuccess) return error;
  if (cudaError_t error = Align(&task.b, task.n, task.k, &next, stream); error != cudaSuccess) return error;
  return path == GemmPath::kSm90 ? gemm_internal::LaunchSm90(task, stream) : gemm_internal::LaunchSm80(task, stream);
}

}  // namespace kernels
