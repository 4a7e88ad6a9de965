// What the grader and the ranks of Q5 say to each other: trivially copyable, over harness/launch/channel. Calls on
// device buffers travel as workbench::DeviceCall; their parameters are here, and the order of their buffers.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_PROTOCOL_H_
#define QUESTIONS_Q05_MIXED_PRECISION_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "questions/q05_mixed_precision/api.h"

namespace q05 {

// The first word of every request.
enum class RequestKind : uint32_t {
  // DeviceCalls: the reply is a CallOutcome and the outputs.
  kConvert = 1,          // ConvertParameters; in, out
  kUnscale = 2,          // UnscaleParameters, TensorPlace[]; arena, inverse_scale, found_inf, norm
  kAdam = 3,             // AdamParameters, AdamPlace[]; the buffers of AdamBuffer
  kBiasCorrections = 4,  // BiasParameters; steps, out
  kGemm = 5,             // GemmParameters; a, b, c, d, bias
  kNorm = 6,             // NormParameters; see NormFunction
  // Not DeviceCalls.
  kConvertRange = 16,  // ConvertRange; the reply is a CallOutcome and the outputs
  kTiming = 17,        // TimingRequest and what it says; the reply is a TimingReply and what it says
  kCeilings = 18,      // the reply is a Ceilings
  kByRank = 19,        // ByRank, a uint64_t length for each rank, then a request for each
  // Other parts.
  kScaler = 32,
  kTrain = 48,
};

// ---- Part A

struct ConvertParameters {
  uint64_t count = 0;
  uint64_t seed = 0;
  int32_t from = 0;
  int32_t to = 0;
  int32_t rounding = 0;
  int32_t overflow = 0;
};

// Converts the fp32 numbers whose bits are first, first + 1, ..., to nearest even; they are made on the device.
struct ConvertRange {
  RequestKind kind = RequestKind::kConvertRange;
  int32_t to = 0;
  int32_t overflow = 0;
  uint32_t count = 0;
  uint64_t first = 0;
};

// ---- Part B

inline constexpr uint64_t kNowhere = ~uint64_t{0};  // a null pointer

struct TensorPlace {
  uint64_t offset;  // bytes into the arena, or kNowhere
  uint64_t count;
};

struct UnscaleParameters {
  int32_t format = 0;
  int32_t tensors = 0;  // TensorPlaces that follow
};

// ---- Part D

// Buffers: all tensors' gradients in one, and so on; what is between them is nobody's.
enum AdamBuffer : int {
  kGradients = 0,
  kMasters,
  kFirstMoments,
  kSecondMoments,
  kCopies,
  kInverseScale,  // not passed (nullptr) when it has no bytes
  kFoundInf,
  kStep,
  kAdamBuffers,
};

struct AdamPlace {
  uint64_t count;
  uint64_t offset[5];  // bytes into kGradients .. kCopies; kNowhere: nullptr
};

// device_api.h's AdamConfig, and the AdamPlaces that follow.
struct AdamParameters {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  int32_t decoupled = 1;
  int32_t gradient_format = 2;
  int32_t copy_format = 2;
  int32_t tensors = 0;
};

// `count` calls: q05_adam_bias_corrections(steps + i, ..., out + 2 * i).
struct BiasParameters {
  double beta1 = 0;
  double beta2 = 0;
  uint64_t count = 0;
};

// ---- Part E

enum class Addend : int32_t { kOwn = 0, kNull = 1, kSameAsD = 2 };  // what c is

struct GemmParameters {
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0, ldb = 0, ldc = 0, ldd = 0;
  int32_t a_layout = 0, b_layout = 0;
  float alpha = 1, beta = 0;
  int32_t epilogue = 0;
  Addend addend = Addend::kNull;
};

// ---- Part F

// With the order of their buffers, which is that of the arguments; the workspace comes last.
enum class NormFunction : int32_t {
  kLayerNorm = 0,          // x, gamma, beta, y, mean, rstd
  kLayerNormBackward = 1,  // dy, x, gamma, mean, rstd, dx, dgamma, dbeta
  kRmsNorm = 2,            // x, gamma, y, rrms
  kRmsNormBackward = 3,    // dy, x, gamma, rrms, dx, dgamma
  kSoftmax = 4,            // x, y
  kSoftmaxBackward = 5,    // dy, y, dx
};

struct NormParameters {
  NormFunction function = NormFunction::kLayerNorm;
  int32_t format = 0;
  int64_t rows = 0;
  int64_t hidden = 0;
  float epsilon = 0;
  int32_t padding = 0;
};

// ---- Timing

// Contents that both sides can make, exact in every format: element i of buffer b is
// a function of TimedKey(seed, b), i and the fill: judge_kernels.cu and timing.cc have it.
enum class Fill : int32_t {
  kPoison = 0,
  kFraction = 1,  // multiples of 1/64 in [-1, 1]
  kPositive = 2,  // multiples of 1/64 in (0, 1]
  kOne = 3,
  kZero = 4,
};

enum class FillType : int32_t { kFloat32 = 0, kFloat16 = 1, kBFloat16 = 2, kByte = 3, kInt64 = 4 };

constexpr size_t BytesOf(FillType type) {
  return type == FillType::kInt64 ? 8 : type == FillType::kFloat32 ? 4 : type == FillType::kByte ? 1 : 2;
}

constexpr uint64_t TimedKey(uint64_t seed, int buffer) {
  return seed * 0x9e3779b97f4a7c15u ^ static_cast<uint64_t>(buffer + 1) << 48;
}

struct TimedBuffer {
  uint64_t elements = 0;
  FillType type = FillType::kFloat32;
  Fill fill = Fill::kPoison;
};

// Bytes that the reply has of a buffer after the last call.
struct Window {
  int32_t buffer = 0;
  int32_t padding = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// Followed by the call's parameters, TimedBuffer[buffers], Window[windows]. Before each sample all buffers are filled
// anew and the L2 cache is flushed. Every sample is one call.
struct TimingRequest {
  RequestKind kind = RequestKind::kTiming;
  RequestKind call = RequestKind::kConvert;  // a kind of DeviceCall
  uint64_t seed = 0;
  uint32_t parameter_bytes = 0;
  uint32_t buffers = 0;
  uint32_t windows = 0;
  int32_t samples = 9;
  int32_t warmup = 2;
  int32_t padding = 0;
};

// Followed by `samples` doubles (seconds a call) and the windows' bytes.
struct TimingReply {
  int32_t call_error = 0;  // unless 0, nothing follows
  char call_error_name[60] = {};
  uint32_t samples = 0;
  uint32_t padding = 0;
};

struct Ceilings {
  double copy_bytes_per_second = 0;
  char device[192] = {};  // "NVIDIA H200, driver 580.1"
};

struct ByRank {
  RequestKind kind = RequestKind::kByRank;
  uint32_t ranks = 0;
};

// ---- Bytes

template <typename T>
void Append(std::vector<std::byte>* buffer, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::byte* at = reinterpret_cast<const std::byte*>(&value);
  buffer->insert(buffer->end(), at, at + sizeof value);
}

template <typename T>
void AppendAll(std::vector<std::byte>* buffer, const std::vector<T>& values) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::byte* at = reinterpret_cast<const std::byte*>(values.data());
  buffer->insert(buffer->end(), at, at + values.size() * sizeof(T));
}

// sizeof(T) bytes as a T; T{} when there are fewer.
template <typename T>
T Read(std::span<const std::byte> buffer, size_t offset = 0) {
  T value{};
  if (buffer.size() >= offset + sizeof value) std::memcpy(&value, buffer.data() + offset, sizeof value);
  return value;
}

// `count` of them, as far as there are bytes.
template <typename T>
std::vector<T> ReadAll(std::span<const std::byte> buffer, size_t offset, size_t count) {
  std::vector<T> values(count);
  if (count > 0 && buffer.size() >= offset + count * sizeof(T)) {
    std::memcpy(values.data(), buffer.data() + offset, count * sizeof(T));
  }
  return values;
}

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_PROTOCOL_H_
