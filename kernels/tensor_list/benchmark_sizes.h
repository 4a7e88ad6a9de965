// Lists of tensors for benchmarks; docs/results/q05_peers.py has the same.
#ifndef KERNELS_TENSOR_LIST_BENCHMARK_SIZES_H_
#define KERNELS_TENSOR_LIST_BENCHMARK_SIZES_H_

#include <cmath>
#include <cstddef>
#include <vector>

namespace kernels {

// 2,000 sizes from 2^10 to 2^20, evenly spread by their logarithm, in an order that mixes them.
inline std::vector<size_t> ManySizes() {
  constexpr int kTensors = 2000;
  std::vector<size_t> sizes;
  for (int t = 0; t < kTensors; ++t) {
    const int mixed = static_cast<int>(t * 1237LL % kTensors);
    sizes.push_back(static_cast<size_t>(std::exp2(10 + 10.0 * mixed / (kTensors - 1))));
  }
  return sizes;
}

}  // namespace kernels

#endif  // KERNELS_TENSOR_LIST_BENCHMARK_SIZES_H_
