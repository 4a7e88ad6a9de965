#include "questions/q13_checkpoint/compress_case.h"

namespace q13 {
namespace {

// The same list of members writes a struct and reads it, so that the two cannot differ.
class Writer {
 public:
  explicit Writer(std::vector<std::byte>* bytes) : bytes_(bytes) {}
  template <typename T>
  void operator()(const T& value) {
    Append(bytes_, value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    AppendAll(bytes_, std::span<const T>(values));
  }
  void operator()(const std::string& text) { AppendText(bytes_, text); }

 private:
  std::vector<std::byte>* bytes_;
};

class Parser {
 public:
  explicit Parser(Reader* reader) : reader_(reader) {}
  template <typename T>
  void operator()(T& value) {
    value = reader_->Read<T>();
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    values = reader_->ReadAll<T>();
  }
  void operator()(std::string& text) { text = reader_->ReadText(); }

 private:
  Reader* reader_;
};

template <typename Do, typename... Members>
void Each(Do&& action, Members&... members) {
  (action(members), ...);
}

template <typename Do, typename Call>
void MembersOf(Do&& action, Call& c) {
  using T = std::remove_const_t<Call>;
  if constexpr (std::is_same_v<T, CompressCall>) {
    Each(action, c.elements, c.element_bytes, c.offset, c.budget_seconds, c.null, c.measure_split, c.data);
  } else if constexpr (std::is_same_v<T, CompressOutcome>) {
    Each(action, c.result, c.wall_seconds, c.cpu_seconds, c.split_cpu_seconds, c.changed, c.out);
  } else if constexpr (std::is_same_v<T, DecompressCall>) {
    Each(action, c.capacity, c.offset, c.null, c.stream);
  } else if constexpr (std::is_same_v<T, DecompressOutcome>) {
    Each(action, c.result, c.bytes, c.outside, c.first_outside, c.data);
  } else if constexpr (std::is_same_v<T, DamageCall>) {
    Each(action, c.damage, c.samples, c.seed, c.capacity, c.more_memory, c.stream);
  } else if constexpr (std::is_same_v<T, DamageOutcome>) {
    Each(action, c.cases, c.wrong, c.result, c.outside, c.first);
  } else if constexpr (std::is_same_v<T, PlanesTiming>) {
    Each(action, c.elements, c.element_bytes, c.join, c.seed, c.samples);
  } else {
    static_assert(std::is_same_v<T, PlanesTimes>);
    Each(action, c.error, c.seconds, c.first, c.last);
  }
}

template <typename T>
std::vector<std::byte> EncodeOf(std::vector<std::byte> bytes, const T& value) {
  MembersOf(Writer(&bytes), value);
  return bytes;
}

template <typename T>
bool DecodeOf(Reader reader, T* value) {
  MembersOf(Parser(&reader), *value);
  return reader.done();
}

}  // namespace

std::vector<std::byte> StartCompressRequest(CompressMode mode) {
  std::vector<std::byte> bytes;
  Append(&bytes, RequestKind::kCompress);
  Append(&bytes, mode);
  return bytes;
}

std::vector<std::byte> Encode(const CompressCall& call) {
  return EncodeOf(StartCompressRequest(CompressMode::kCompress), call);
}
std::vector<std::byte> Encode(const DecompressCall& call) {
  return EncodeOf(StartCompressRequest(CompressMode::kDecompress), call);
}
std::vector<std::byte> Encode(const DamageCall& call) {
  return EncodeOf(StartCompressRequest(CompressMode::kDamage), call);
}
std::vector<std::byte> Encode(const PlanesTiming& call) {
  return EncodeOf(StartCompressRequest(CompressMode::kTiming), call);
}
std::vector<std::byte> Encode(const CompressOutcome& outcome) { return EncodeOf({}, outcome); }
std::vector<std::byte> Encode(const DecompressOutcome& outcome) { return EncodeOf({}, outcome); }
std::vector<std::byte> Encode(const DamageOutcome& outcome) { return EncodeOf({}, outcome); }
std::vector<std::byte> Encode(const PlanesTimes& times) { return EncodeOf({}, times); }

bool Decode(Reader reader, CompressCall* call) { return DecodeOf(reader, call); }
bool Decode(Reader reader, CompressOutcome* outcome) { return DecodeOf(reader, outcome); }
bool Decode(Reader reader, DecompressCall* call) { return DecodeOf(reader, call); }
bool Decode(Reader reader, DecompressOutcome* outcome) { return DecodeOf(reader, outcome); }
bool Decode(Reader reader, DamageCall* call) { return DecodeOf(reader, call); }
bool Decode(Reader reader, DamageOutcome* outcome) { return DecodeOf(reader, outcome); }
bool Decode(Reader reader, PlanesTiming* call) { return DecodeOf(reader, call); }
bool Decode(Reader reader, PlanesTimes* times) { return DecodeOf(reader, times); }

}  // namespace q13
