// What is timed: a call on data that is made on the GPU, and what to look at in its result.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_TIMED_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_TIMED_CASE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "questions/q05_mixed_precision/judge.h"

namespace q05 {

// Element `index` of a buffer that was filled so.
double TimedValue(uint64_t seed, int buffer, uint64_t index, Fill fill);

FillType FillTypeOf(Format format);  // a byte for the 8-bit formats

struct TimedResult {
  uint64_t seed = 0;
  std::vector<double> seconds;
  std::vector<std::vector<std::byte>> windows;  // bytes, in the case's order
};

struct TimedCase {
  std::string name;
  RequestKind kind = RequestKind::kConvert;
  std::vector<std::byte> parameters;
  std::vector<TimedBuffer> buffers;
  std::vector<Window> windows;
  double bytes = 0;  // that the problem has to read and write at least
  double flops = 0;  // of a product; 0: bandwidth is what counts
  // Adds what is wrong in the windows.
  std::function<void(const TimedCase&, const TimedResult&, Mismatches*)> judge;

  template <typename Parameters>
  void SetParameters(const Parameters& values) {
    parameters.clear();
    Append(&parameters, values);
  }
  // 16 windows of `length` elements: the first, the last, and some in between.
  void AddWindows(int buffer, uint64_t elements, size_t element_bytes, uint64_t length = 2048);

  std::vector<std::byte> Request(uint64_t seed, int samples) const;
};

// "seconds a call" out of a reply; none after an error.
std::vector<double> SecondsOf(std::span<const std::byte> reply);

// 2^28 elements.
TimedCase TimedConversion(Format from, Format to);

// fp16 tensors, one behind the other.
TimedCase TimedList(const std::string& name, const std::vector<uint64_t>& counts);
std::vector<uint64_t> SixteenTensors();      // of 2^24 elements
std::vector<uint64_t> TwoThousandTensors();  // of 2^10 to 2^20 elements, the same each time

// 2^28 weights in 16 tensors, bf16 gradients and copies.
TimedCase TimedAdam();

// Row-major, alpha 1, no C.
TimedCase TimedProduct(int64_t m, int64_t n, int64_t k);
inline constexpr int64_t kTimedProducts[][3] = {
    {4096, 4096, 4096}, {8192, 8192, 8192}, {8192, 28672, 4096}, {4095, 4097, 4099}};

// 2^27 elements in rows of `hidden`, bf16.
TimedCase TimedRows(NormFunction function, int64_t hidden);
inline constexpr std::pair<NormFunction, int64_t> kTimedRows[] = {
    {NormFunction::kLayerNorm, 1024},       {NormFunction::kLayerNorm, 4096}, {NormFunction::kLayerNorm, 16384},
    {NormFunction::kRmsNorm, 4096},         {NormFunction::kSoftmax, 4096},   {NormFunction::kLayerNormBackward, 4096},
    {NormFunction::kRmsNormBackward, 4096},
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_TIMED_CASE_H_
