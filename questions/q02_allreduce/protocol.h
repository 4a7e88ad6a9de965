// What the grader and the ranks of Q2 say to each other: trivially copyable, over harness/launch/channel.
#ifndef QUESTIONS_Q02_ALLREDUCE_PROTOCOL_H_
#define QUESTIONS_Q02_ALLREDUCE_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "grader/inputs.h"
#include "harness/transport/judge_options.h"
#include "questions/q02_allreduce/api.h"
#include "questions/q02_allreduce/device_case.h"

namespace q02 {

enum class RequestKind : uint32_t {
  kHost = 1,
  kHostTiming = 2,
  kChoose = 3,
  kDevice = 4,          // DeviceRequest, case_ filled in; the input follows
  kDeviceMany = 5,      // DeviceRequest, many; the reply is a ManyReport
  kDeviceTiming = 6,    // DeviceRequest, timing; the reply is a ManyReport, then doubles
  kDeviceCeilings = 7,  // the reply is DeviceCeilings
};

inline constexpr size_t kRedZoneBytes = 256;

struct HostCase {
  RequestKind kind = RequestKind::kHost;
  DataType type = DataType::kFloat32;
  ReduceOp op = ReduceOp::kSum;
  Algorithm algorithm = Algorithm::kRing;
  uint64_t count = 0;
  uint64_t segment_bytes = 0;
  uint64_t seed = 0;
  workbench::InputKind input = workbench::InputKind::kSmallIntegers;
  int32_t input_scale = 1;
  uint32_t in_place = 0;
  uint32_t offset_elements = 0;  // of in and out from a 64-byte boundary
  uint32_t reuse_buffers = 0;    // the buffers of the case before, at the same addresses
  // The buffers are one small block of memory mapped again and again: only the traffic is judged, at any count.
  uint32_t folded = 0;
  workbench::JudgeOptions transport;
};

// Followed by, unless folded: the output with a red zone on either side, then (when not in place) the input after the
// call.
struct HostReply {
  Result result = Result::kOk;
  workbench::JudgeCounts counts;
};

// Times `batches` x `calls` all-reduces of fp32 sums on the plain transport.
struct HostTimingCase {
  RequestKind kind = RequestKind::kHostTiming;
  Algorithm algorithm = Algorithm::kRing;
  uint64_t count = 0;
  uint64_t seed = 0;
  uint32_t batches = 1;
  uint32_t calls = 1;
  uint32_t peer = 0;  // 1: MPI_Allreduce in the implementation's place
  uint32_t return_output = 0;
};

// Followed by `batches` doubles: seconds a call on this rank; then, if asked for, the last output.
struct HostTimingReply {
  Result result = Result::kOk;
};

struct ChooseQuery {
  CostModel model;
  uint64_t bytes;
};

// A kind word, padding, then any number of ChooseQuery; the reply is as many Choice.
struct ChooseCase {
  RequestKind kind = RequestKind::kChoose;
  uint32_t padding = 0;
};

struct DeviceRequest {
  RequestKind kind = RequestKind::kDevice;
  workbench::InputKind input = workbench::InputKind::kSmallIntegers;
  int32_t input_scale = 1;
  int32_t padding = 0;
  uint64_t seed = 0;
  DeviceCase one;
  ManyCase many;
  TimingCase timing;
};

// The reply to kDevice: followed by the output and, unless in place, the input after the call.
struct DeviceReply {
  CaseExtras extras;
};

struct DeviceCeilings {
  double copy_bytes_per_second = 0;
  double barrier_seconds = 0;
  char device[192] = {};  // "NVIDIA H200, driver 580.1, 4 ranks share one GPU"
};

template <typename T>
void Append(std::vector<std::byte>* buffer, const T& value) {
  const std::byte* at = reinterpret_cast<const std::byte*>(&value);
  buffer->insert(buffer->end(), at, at + sizeof value);
}

// The first sizeof(T) bytes as a T; T{} when there are fewer.
template <typename T>
T Read(std::span<const std::byte> buffer, size_t offset = 0) {
  T value{};
  if (buffer.size() >= offset + sizeof value) std::memcpy(&value, buffer.data() + offset, sizeof value);
  return value;
}

inline workbench::ElementType ElementTypeOf(DataType type) { return static_cast<workbench::ElementType>(type); }

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_PROTOCOL_H_
