// What the grader and the runner of Q7 say to each other. Requests begin with an int32_t, the RequestKind; what follows
// is the part's own. Numbers are little-endian and as wide as the machine has them: both sides are on one.
#ifndef QUESTIONS_Q07_SCHEDULING_PROTOCOL_H_
#define QUESTIONS_Q07_SCHEDULING_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace q07 {

enum class RequestKind : int32_t {
  // Part a
  kPolicyRuns = 1,    // policy_case.h
  kPolicyCreate = 2,  // policy_case.h
  // Part b
  kPlacement = 16,  // placement_case.h
  kPlacementTiming = 17,
  kPlacementCreate = 18,
  // Part c
  kSharing = 32,  // sharing_case.h
  kSharingCreate = 33,
  kSharingTiming = 34,
  // Part d
  kExecutor = 48,  // executor_case.h
};

template <typename T>
void Append(std::vector<std::byte>* buffer, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::byte* at = reinterpret_cast<const std::byte*>(&value);
  buffer->insert(buffer->end(), at, at + sizeof value);
}

template <typename T>
void AppendAll(std::vector<std::byte>* buffer, std::span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::byte* at = reinterpret_cast<const std::byte*>(values.data());
  buffer->insert(buffer->end(), at, at + values.size_bytes());
}

// sizeof(T) bytes as a T; T{} when there are fewer.
template <typename T>
T Read(std::span<const std::byte> buffer, size_t offset = 0) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value{};
  if (offset <= buffer.size() && sizeof value <= buffer.size() - offset) {
    std::memcpy(&value, buffer.data() + offset, sizeof value);
  }
  return value;
}

// `count` of them; none when there are fewer.
template <typename T>
std::vector<T> ReadAll(std::span<const std::byte> buffer, size_t offset, size_t count) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (count == 0 || offset > buffer.size() || count > (buffer.size() - offset) / sizeof(T)) return {};
  std::vector<T> values(count);
  std::memcpy(values.data(), buffer.data() + offset, count * sizeof(T));
  return values;
}

// The kind of a request; one that does not exist when it is shorter.
inline RequestKind KindOf(std::span<const std::byte> request) { return Read<RequestKind>(request); }

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PROTOCOL_H_
