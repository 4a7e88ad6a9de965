// What the grader and the runner of Q13 say to each other. Requests begin with an int32_t, the RequestKind; what
// follows is the part's own. Numbers are little-endian and as wide as the machine has them: both sides are on one.
// Neither trusts what the other sends: a Reader says when there is less than was asked for.
#ifndef QUESTIONS_Q13_CHECKPOINT_PROTOCOL_H_
#define QUESTIONS_Q13_CHECKPOINT_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace q13 {

enum class RequestKind : int32_t {
  kSnapshot = 1,     // part a
  kDurable = 2,      // part b, durable_case.h
  kIncremental = 3,  // part c
  kReshard = 4,      // part d
  kCompress = 5,     // part e
  kSafetensors = 6,  // part f
};

template <typename T>
void Append(std::vector<std::byte>* buffer, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::byte* at = reinterpret_cast<const std::byte*>(&value);
  buffer->insert(buffer->end(), at, at + sizeof value);
}

// A uint64_t, how many there are, then they.
template <typename T>
void AppendAll(std::vector<std::byte>* buffer, std::span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T>);
  Append<uint64_t>(buffer, values.size());
  const std::byte* at = reinterpret_cast<const std::byte*>(values.data());
  buffer->insert(buffer->end(), at, at + values.size_bytes());
}

inline void AppendText(std::vector<std::byte>* buffer, const std::string& text) {
  AppendAll(buffer, std::span<const char>(text));
}

// Reads what the functions above wrote. Past the end everything is zero or empty, and ok() false.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  std::span<const std::byte> rest() const { return rest_; }

  template <typename T>
  T Read() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (!Has(sizeof value)) return value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return value;
  }

  template <typename T>
  std::vector<T> ReadAll() {
    static_assert(std::is_trivially_copyable_v<T>);
    const uint64_t count = Read<uint64_t>();
    if (count == 0) return {};
    if (count > rest_.size() / sizeof(T)) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    std::vector<T> values(count);
    std::memcpy(values.data(), rest_.data(), count * sizeof(T));
    rest_ = rest_.subspan(count * sizeof(T));
    return values;
  }

  std::string ReadText() {
    const std::vector<char> text = ReadAll<char>();
    return std::string(text.begin(), text.end());
  }

 private:
  bool Has(size_t bytes) {
    if (rest_.size() >= bytes) return true;
    ok_ = false;
    rest_ = {};
    return false;
  }

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// The kind of a request; one that does not exist when it is shorter.
inline RequestKind KindOf(std::span<const std::byte> request) { return Reader(request).Read<RequestKind>(); }

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_PROTOCOL_H_
