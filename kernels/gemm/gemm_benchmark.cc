// Gemm beside cuBLAS, in one run.
//   bazel run -c opt --config=gpu //kernels/gemm:gemm_benchmark
//
// Ours and cuBLAS's calls alternate in the order A B B A, so that clocks that drift meet both alike. L2 is flushed
// before each call. Times are medians, of device events; an unaligned problem's copies are in ours.
#include <benchmark/benchmark.h>
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "harness/device/device_buffer.h"
#include "harness/device/roofline.h"
#include "harness/device/stream.h"
#include "kernels/gemm/gemm.h"

namespace kernels {
namespace {

using workbench::DeviceBuffer;
using workbench::Status;

constexpr int kPairs = 25;  // of an ABBA half each

struct Case {
  int64_t m, n, k;
  Layout b_layout;  // A and D are row-major
  GemmPath path;
  bool fused;  // bias and GELU, which cuBLAS's call leaves to another kernel
};

std::string NameOf(const Case& c) {
  const char* path = c.path == GemmPath::kSm80 ? "/sm_80" : "";
  return "gemm/" + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" + std::to_string(c.k) +
         (c.b_layout == Layout::kRowMajor ? "/B_row" : "/B_column") + path + (c.fused ? "/bias+gelu" : "");
}

// Uniform in [-1, 1): the power that a product draws, and so its clocks, depend on the data.
Status Randomise(__nv_bfloat16* data, size_t count) {
  constexpr size_t kBlock = (size_t{1} << 22) - 3;  // repeated; not in step with any power of two
  std::vector<__nv_bfloat16> block(std::min(kBlock, count));
  uint32_t state = 1;
  for (__nv_bfloat16& x : block) {
    state = state * 1664525u + 1013904223u;
    x = __float2bfloat16(static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f);
  }
  for (size_t done = 0; done < count; done += kBlock) {
    WB_RETURN_IF_CUDA_ERROR(
        cudaMemcpy(data + done, block.data(), std::min(kBlock, count - done) * sizeof(*data), cudaMemcpyHostToDevice));
  }
  return Status::Ok();
}

// Row-major D is cuBLAS's column-major D^T = B^T A^T.
Status EnqueueCublas(cublasHandle_t handle, const GemmProblem& p) {
  const float alpha = 1, beta = 0;
  const cublasOperation_t b_operation = p.b_layout == Layout::kRowMajor ? CUBLAS_OP_N : CUBLAS_OP_T;
  const cublasStatus_t status = cublasGemmEx(
      handle, b_operation, CUBLAS_OP_N, static_cast<int>(p.n), static_cast<int>(p.m), static_cast<int>(p.k), &alpha,
      p.b, CUDA_R_16BF, static_cast<int>(p.ldb), p.a, CUDA_R_16BF, static_cast<int>(p.lda), &beta, p.d, CUDA_R_16BF,
      static_cast<int>(p.ldd), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  return status == CUBLAS_STATUS_SUCCESS
             ? Status::Ok()
             : workbench::Error(std::string("cublasGemmEx: ") + cublasGetStatusString(status));
}

template <typename Enqueue>
Status Time(cudaStream_t stream, const workbench::L2Flusher& flusher, Enqueue enqueue, std::vector<double>* seconds) {
  static auto start = workbench::CreateEvent(), stop = workbench::CreateEvent();
  if (!start.ok()) return start.status();
  if (!stop.ok()) return stop.status();
  WB_RETURN_IF_ERROR(flusher.Flush(stream));
  WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(start->get(), stream));
  WB_RETURN_IF_ERROR(enqueue());
  WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(stop->get(), stream));
  WB_RETURN_IF_CUDA_ERROR(cudaEventSynchronize(stop->get()));
  float milliseconds = 0;
  WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, start->get(), stop->get()));
  seconds->push_back(milliseconds * 1e-3);
  return Status::Ok();
}

Status Run(const Case& c, benchmark::State& state) {
  GemmProblem p;
  p.m = c.m, p.n = c.n, p.k = c.k;
  p.b_layout = c.b_layout;
  p.lda = c.k;
  p.ldb = c.b_layout == Layout::kRowMajor ? c.n : c.k;
  p.ldd = c.n;
  auto a = DeviceBuffer<__nv_bfloat16>::Create(c.m * c.k), b = DeviceBuffer<__nv_bfloat16>::Create(c.k * c.n);
  auto d = DeviceBuffer<__nv_bfloat16>::Create(c.m * c.n), bias = DeviceBuffer<__nv_bfloat16>::Create(c.n);
  constexpr size_t kCublasBytes = 32 << 20;  // what NVIDIA recommends for Hopper
  auto cublas_workspace = DeviceBuffer<char>::Create(kCublasBytes);
  for (const auto* buffer : {&a, &b, &d, &bias}) {
    if (!buffer->ok()) return buffer->status();
  }
  if (!cublas_workspace.ok()) return cublas_workspace.status();
  WB_RETURN_IF_ERROR(Randomise(a->data(), a->size()));
  WB_RETURN_IF_ERROR(Randomise(b->data(), b->size()));
  WB_RETURN_IF_ERROR(Randomise(bias->data(), bias->size()));
  p.a = a->data(), p.b = b->data(), p.d = d->data();
  GemmProblem ours = p;
  if (c.fused) ours.bias = bias->data(), ours.activation = Activation::kGelu;
  auto workspace = DeviceBuffer<char>::Create(std::max<size_t>(GemmWorkspaceBytes(ours, c.path), 1));
  if (!workspace.ok()) return workspace.status();

  auto stream = workbench::CreateStream();
  if (!stream.ok()) return stream.status();
  auto flusher = workbench::L2Flusher::Create();
  if (!flusher.ok()) return flusher.status();
  cublasHandle_t handle = nullptr;
  if (cublasCreate(&handle) != CUBLAS_STATUS_SUCCESS) return workbench::Error("cublasCreate failed");
  if (cublasSetStream(handle, stream->get()) != CUBLAS_STATUS_SUCCESS ||
      cublasSetWorkspace(handle, cublas_workspace->data(), kCublasBytes) != CUBLAS_STATUS_SUCCESS) {
    return workbench::Error("cuBLAS refused the stream or the workspace");
  }

  const auto enqueue_ours = [&] {
    return WB_CUDA(Gemm(ours, workspace->data(), workspace->bytes(), stream->get(), c.path));
  };
  const auto enqueue_cublas = [&] { return EnqueueCublas(handle, p); };
  std::vector<double> ours_seconds, cublas_seconds;
  const auto pair = [&](bool ours_first) {
    Status status = ours_first ? Time(stream->get(), *flusher, enqueue_ours, &ours_seconds)
                               : Time(stream->get(), *flusher, enqueue_cublas, &cublas_seconds);
    if (!status.ok()) return status;
    return ours_first ? Time(stream->get(), *flusher, enqueue_cublas, &cublas_seconds)
                      : Time(stream->get(), *flusher, enqueue_ours, &ours_seconds);
  };
  for (int i = 0; i < 2; ++i) WB_RETURN_IF_ERROR(pair(true));  // loads modules, sets up handles
  ours_seconds.clear();
  cublas_seconds.clear();
  int i = 0;
  for (auto _ : state) {
    WB_RETURN_IF_ERROR(pair(i++ % 2 == 0));
    state.SetIterationTime(ours_seconds.back());
  }
  (void)cublasDestroy(handle);

  const double flops = 2.0 * static_cast<double>(c.m) * c.n * c.k;
  const double bytes = 2.0 * (static_cast<double>(c.m) * c.k + static_cast<double>(c.k) * c.n +
                              static_cast<double>(c.m) * c.n);  // the least there is to move
  const double ours_median = workbench::Median(ours_seconds), cublas_median = workbench::Median(cublas_seconds);
  state.counters["us"] = ours_median * 1e6;
  state.counters["TFLOP/s"] = flops / ours_median * 1e-12;
  state.counters["cuBLAS_us"] = cublas_median * 1e6;
  state.counters["cuBLAS_TFLOP/s"] = flops / cublas_median * 1e-12;
  state.counters["of_cuBLAS"] = cublas_median / ours_median;
  state.counters["GB"] = bytes * 1e-9;
  return Status::Ok();
}

void Register(const Case& c) {
  benchmark::RegisterBenchmark(NameOf(c).c_str(),
                               [c](benchmark::State& state) {
                                 if (const Status status = Run(c, state); !status.ok())
                                   state.SkipWithError(status.message().c_str());
                               })
      ->UseManualTime()
      ->Iterations(kPairs)
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace kernels

int main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(stderr, "this is a debug build; measure with: bazel run -c opt //kernels/gemm:gemm_benchmark\n");
  return 1;
#endif
  using kernels::GemmPath;
  using kernels::Layout;
  constexpr int64_t kShapes[][3] = {{4096, 4096, 4096}, {8192, 8192, 8192}, {8192, 28672, 4096}, {4095, 4097, 4099}};
  for (const auto& shape : kShapes) {
    for (Layout b : {Layout::kColumnMajor, Layout::kRowMajor}) {
      kernels::Register({shape[0], shape[1], shape[2], b, GemmPath::kAuto, false});
    }
  }
  kernels::Register({8192, 28672, 4096, Layout::kColumnMajor, GemmPath::kAuto, true});
  kernels::Register({4096, 4096, 4096, Layout::kColumnMajor, GemmPath::kSm80, false});
  workbench::DisablePersistingL2();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
