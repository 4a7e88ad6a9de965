// One call of an implementation on device buffers, as the grader describes it: its parameters, and buffers with their
// contents. No CUDA here; harness/device/device_call_run.h is the other side, inside the rank.
//
// Every buffer has red zones around it. Outputs and scratch are poisoned before the call (0xff: NaN in every
// floating-point format that has one there, -1 as an integer); inputs are compared afterwards with what they were.
#ifndef HARNESS_DEVICE_DEVICE_CALL_H_
#define HARNESS_DEVICE_DEVICE_CALL_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace workbench {

inline constexpr size_t kCallRedZoneBytes = 4096;
inline constexpr uint8_t kCallRedZoneByte = 0xa5;
inline constexpr uint8_t kCallPoisonByte = 0xff;

enum class BufferRole : uint32_t { kInput = 0, kOutput = 1, kInOut = 2, kScratch = 3 };

struct BufferSpec {
  BufferRole role;
  uint32_t offset;  // bytes from a 256-byte boundary
  uint64_t bytes;
};

struct CallOptions {
  uint32_t calls = 1;  // in a row; outputs, in-outs and scratch are as before the first one before each
  uint32_t graph = 0;  // capture one call, and what restores its buffers, and replay it `calls` times
  uint32_t keep = 0;   // restore nothing between calls: each goes on from the last
};

// What is known after the call besides the outputs.
struct CallOutcome {
  int32_t error = 0;  // the cudaError_t that the call returned; unless 0, no outputs follow
  char error_name[60] = {};
  int32_t zone_buffer = -1;  // whose red zone has changed; -1: none has
  int32_t zone_side = 0;     // 0 in front of the data, 1 behind it
  int64_t zone_offset = 0;   // bytes from the first element (negative) or from the end of the last one (from 0 up)
  uint64_t zone_bytes = 0;   // changed bytes in all red zones
  int32_t changed_input = -1;
  int32_t padding = 0;
  uint64_t changed_offset = 0;  // of its first changed byte
};

struct CallHeader {
  uint32_t kind;  // the question's own: which entry point
  uint32_t parameter_bytes;
  uint32_t buffers;
  CallOptions options;
};

// The grader's side. Buffers are numbered in the order in which they are added.
class DeviceCall {
 public:
  int Input(const void* data, size_t bytes, uint32_t offset = 0) {
    return Add(BufferRole::kInput, data, bytes, offset);
  }
  int InOut(const void* data, size_t bytes, uint32_t offset = 0) {
    return Add(BufferRole::kInOut, data, bytes, offset);
  }
  int Output(size_t bytes, uint32_t offset = 0) { return Add(BufferRole::kOutput, nullptr, bytes, offset); }
  int Scratch(size_t bytes) { return Add(BufferRole::kScratch, nullptr, bytes, 0); }

  CallOptions options;

  template <typename Parameters>
  std::vector<std::byte> Pack(uint32_t kind, const Parameters& parameters) const {
    static_assert(std::is_trivially_copyable_v<Parameters>);
    return Pack(kind, std::as_bytes(std::span(&parameters, 1)));
  }
  std::vector<std::byte> Pack(uint32_t kind, std::span<const std::byte> parameters) const {
    const CallHeader header = {kind, static_cast<uint32_t>(parameters.size()), static_cast<uint32_t>(specs_.size()),
                               options};
    std::vector<std::byte> bytes;
    Put(&bytes, &header, sizeof header);
    Put(&bytes, parameters.data(), parameters.size());
    Put(&bytes, specs_.data(), specs_.size() * sizeof(BufferSpec));
    Put(&bytes, contents_.data(), contents_.size());
    return bytes;
  }

  size_t size() const { return specs_.size(); }
  const BufferSpec& spec(int buffer) const { return specs_[static_cast<size_t>(buffer)]; }

  // Where buffer `buffer` (an output or in-out) begins in a reply, which holds a CallOutcome and then these in order.
  size_t ReplyOffset(int buffer) const {
    size_t offset = sizeof(CallOutcome);
    for (int i = 0; i < buffer; ++i) {
      if (spec(i).role == BufferRole::kOutput || spec(i).role == BufferRole::kInOut) offset += spec(i).bytes;
    }
    return offset;
  }

 private:
  static void Put(std::vector<std::byte>* bytes, const void* data, size_t size) {
    const auto* at = static_cast<const std::byte*>(data);
    bytes->insert(bytes->end(), at, at + size);
  }
  int Add(BufferRole role, const void* data, size_t bytes, uint32_t offset) {
    specs_.push_back({role, offset, bytes});
    if (data != nullptr) Put(&contents_, data, bytes);
    return static_cast<int>(specs_.size()) - 1;
  }

  std::vector<BufferSpec> specs_;
  std::vector<std::byte> contents_;
};

}  // namespace workbench

#endif  // HARNESS_DEVICE_DEVICE_CALL_H_
