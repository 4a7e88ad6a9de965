// How the kernels' benchmarks measure: CUDA events, L2 flushed before each call, the median; beside the bandwidth of a
// device-to-device copy in the same process.
#ifndef KERNELS_TESTING_BENCHMARK_H_
#define KERNELS_TESTING_BENCHMARK_H_

#include <benchmark/benchmark.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace kernels {

// For what has to succeed: a benchmark has nobody to report to.
inline void Require(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "CUDA: %s\n", cudaGetErrorString(status));
  std::abort();
}

// Device memory of a benchmark. Not zeros: they can be faster than data.
class BenchmarkBuffer {
 public:
  explicit BenchmarkBuffer(size_t bytes, int fill = 0x3c) {
    Require(cudaMalloc(&data_, bytes));
    Require(cudaMemset(data_, fill, bytes));
  }
  ~BenchmarkBuffer() { Require(cudaFree(data_)); }
  BenchmarkBuffer(const BenchmarkBuffer&) = delete;
  BenchmarkBuffer& operator=(const BenchmarkBuffer&) = delete;
  template <typename T>
  T* As() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
};

class Stopwatch {
 public:
  Stopwatch() : flush_(kFlushBytes) {
    Require(cudaEventCreate(&start_));
    Require(cudaEventCreate(&stop_));
  }
  ~Stopwatch() {
    Require(cudaEventDestroy(start_));
    Require(cudaEventDestroy(stop_));
  }
  // Seconds on the device of what `enqueue` puts on the default stream.
  template <typename Enqueue>
  double Time(const Enqueue& enqueue) {
    Require(cudaMemsetAsync(flush_.As<void>(), 0x3c, kFlushBytes, nullptr));
    Require(cudaEventRecord(start_, nullptr));
    enqueue();
    Require(cudaEventRecord(stop_, nullptr));
    Require(cudaEventSynchronize(stop_));
    float milliseconds = 0;
    Require(cudaEventElapsedTime(&milliseconds, start_, stop_));
    return milliseconds * 1e-3;
  }

 private:
  static constexpr size_t kFlushBytes = size_t{256} << 20;  // four times L2 and more
  BenchmarkBuffer flush_;
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
};

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Bytes read and written a second by cudaMemcpyAsync between two gibibytes.
inline double CopyBandwidth() {
  static const double bandwidth = [] {
    constexpr size_t kBytes = size_t{1} << 30;
    const BenchmarkBuffer from(kBytes), to(kBytes);
    Stopwatch watch;
    std::vector<double> seconds;
    for (int i = 0; i < 30; ++i) {
      seconds.push_back(watch.Time([&] {
        Require(cudaMemcpyAsync(to.As<void>(), from.As<void>(), kBytes, cudaMemcpyDeviceToDevice, nullptr));
      }));
    }
    return 2.0 * kBytes / Median(seconds);
  }();
  return bandwidth;
}

// Runs a benchmark whose call has to move `bytes`, read and written together.
template <typename Enqueue>
void MeasureBytes(benchmark::State& state, double bytes, const Enqueue& enqueue) {
  const double copy = CopyBandwidth();
  Stopwatch watch;
  for (int i = 0; i < 3; ++i) watch.Time(enqueue);
  std::vector<double> seconds;
  for (auto _ : state) {
    seconds.push_back(watch.Time(enqueue));
    state.SetIterationTime(seconds.back());
  }
  Require(cudaGetLastError());
  const double median = Median(seconds);
  state.counters["median_us"] = median * 1e6;
  state.counters["TB/s"] = bytes / median * 1e-12;
  state.counters["of_copy"] = bytes / median / copy;
}

}  // namespace kernels

#endif  // KERNELS_TESTING_BENCHMARK_H_
