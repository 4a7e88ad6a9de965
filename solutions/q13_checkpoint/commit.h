// What every part that writes files needs: numbers to bytes and back, checksums, frames, and reading and writing all of
// something through an Io. In what order things are written, synced and renamed is each part's own affair.
#ifndef SOLUTIONS_Q13_CHECKPOINT_COMMIT_H_
#define SOLUTIONS_Q13_CHECKPOINT_COMMIT_H_

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/api.h"

namespace q13 {

using Bytes = std::vector<std::byte>;

// ------------------------------------------------------------------------------------------------ Numbers and bytes

// Little-endian, as the machines are that this is for; no padding.
class Encoder {
 public:
  template <typename T>
  void Put(const T& value) {
    static_assert(std::has_unique_object_representations_v<T>);
    Append(&value, sizeof value);
  }
  void PutText(std::string_view text) {
    Put<uint64_t>(text.size());
    Append(text.data(), text.size());
  }
  void Append(const void* data, size_t bytes) {
    const auto* at = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), at, at + bytes);
  }
  const Bytes& bytes() const { return bytes_; }
  Bytes Take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

template <typename T>
Bytes Encoded(const T& value) {
  Encoder out;
  out.Put(value);
  return out.Take();
}

// Reads what an Encoder wrote, or anything else: past the end all is zero, and ok() false from then on.
class Decoder {
 public:
  Decoder(const std::byte* data, size_t bytes) : at_(data), left_(bytes) {}
  explicit Decoder(const Bytes& bytes) : Decoder(bytes.data(), bytes.size()) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && left_ == 0; }
  size_t left() const { return left_; }

  template <typename T>
  T Get() {
    T value{};
    const std::byte* from = Skip(sizeof value);
    if (from != nullptr) std::memcpy(&value, from, sizeof value);
    return value;
  }
  std::string GetText() {
    const uint64_t bytes = Get<uint64_t>();
    const std::byte* from = bytes > left_ ? Fail() : Skip(bytes);
    return from == nullptr ? "" : std::string(reinterpret_cast<const char*>(from), bytes);
  }
  // How many of something follow, of which each takes at least `least` bytes: a vector of so many is no larger than a
  // constant times the input, whatever that says.
  size_t GetCount(size_t least) {
    const uint64_t count = Get<uint64_t>();
    if (count > left_ / least) Fail();
    return ok_ ? count : 0;
  }

 private:
  const std::byte* Fail() {
    ok_ = false;
    left_ = 0;
    return nullptr;
  }
  const std::byte* Skip(size_t bytes) {
    if (!ok_ || bytes > left_) return Fail();
    const std::byte* from = at_;
    at_ += bytes;
    left_ -= bytes;
    return from;
  }

  const std::byte* at_;
  size_t left_;
  bool ok_ = true;
};

// The bytes of a tensor. False: the type is none, an extent is negative, or the product overflows.
inline bool TensorBytes(const TensorInfo& info, int64_t* bytes) {
  if (info.type < Type::kBool || info.type > Type::kU64) return false;
  bool empty = false;
  for (const int64_t extent : info.shape) {
    if (extent < 0) return false;
    empty = empty || extent == 0;
  }
  *bytes = empty ? 0 : TypeBytes(info.type);
  for (const int64_t extent : info.shape) {
    if (!empty && __builtin_mul_overflow(*bytes, extent, bytes)) return false;
  }
  return true;
}

inline void PutInfo(Encoder* out, const TensorInfo& info) {
  out->Put(info.type);
  out->Put<uint64_t>(info.shape.size());
  for (const int64_t extent : info.shape) out->Put(extent);
}

inline TensorInfo GetInfo(Decoder* in) {
  TensorInfo info;
  info.type = in->Get<Type>();
  info.shape.resize(in->GetCount(sizeof(int64_t)));
  for (int64_t& extent : info.shape) extent = in->Get<int64_t>();
  return info;
}

// ------------------------------------------------------------------------------------------------ Checksums

struct Digest {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// XXH3-128: far faster than a disk, and a change goes unnoticed with a chance of 2^-128. Not against an adversary.
class Hasher {
 public:
  Hasher() { XXH3_128bits_reset(&state_); }
  void Add(const void* data, size_t bytes) { XXH3_128bits_update(&state_, data, bytes); }
  Digest Result() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(&state_);
    return {hash.low64, hash.high64};
  }

 private:
  XXH3_state_t state_;
};

inline Digest DigestOf(const void* data, size_t bytes) {
  const XXH128_hash_t hash = XXH3_128bits(data, bytes);
  return {hash.low64, hash.high64};
}

// Eight letters that say what a file is, and in which version of its format.
constexpr uint64_t Magic(const char (&letters)[9]) {
  uint64_t magic = 0;
  for (int i = 7; i >= 0; --i) magic = magic << 8 | static_cast<unsigned char>(letters[i]);
  return magic;
}

// A frame: `magic` the payload, and a checksum of both. Anything else does not open.
inline Bytes Seal(uint64_t magic, const Bytes& payload) {
  Encoder out;
  out.Put(magic);
  out.Append(payload.data(), payload.size());
  out.Put(DigestOf(out.bytes().data(), out.bytes().size()));
  return out.Take();
}

inline bool Unseal(uint64_t magic, const Bytes& frame, Bytes* payload) {
  if (frame.size() < sizeof magic + sizeof(Digest)) return false;
  const size_t covered = frame.size() - sizeof(Digest);
  Decoder tail(frame.data() + covered, sizeof(Digest));
  if (tail.Get<Digest>() != DigestOf(frame.data(), covered)) return false;
  if (Decoder(frame).Get<uint64_t>() != magic) return false;
  payload->assign(frame.begin() + sizeof magic, frame.begin() + static_cast<std::ptrdiff_t>(covered));
  return true;
}

// ------------------------------------------------------------------------------------------------ Files

// What a manifest says of one rank's file: data, then an index with the checksums of all of it.
struct RankFile {
  int64_t data_bytes = 0;
  int64_t index_bytes = 0;
  Digest index;
};

inline bool IsPlain(const RankFile& file) {
  return file.data_bytes >= 0 && file.index_bytes >= 0 &&
         file.data_bytes <= std::numeric_limits<int64_t>::max() - file.index_bytes;
}

// For names that say something: what is next is this, or a number as std::to_string writes it.
inline bool TakeText(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

inline bool TakeNumber(std::string_view* text, int64_t* number) {
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, *number);
  if (error != std::errc() || *number < 0) return false;
  const auto length = static_cast<size_t>(rest - text->data());
  if (length != std::to_string(*number).size()) return false;
  text->remove_prefix(length);
  return true;
}

inline int OpenFile(Io* io, const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
  int error;
  do error = io->Open(path, mode, file);
  while (error == -EINTR);
  return error;
}

// A file that is not any older one under this name: what could not be synced once is never trusted again.
inline int CreateFile(Io* io, const std::string& path, std::unique_ptr<File>* file) {
  const int error = OpenFile(io, path, OpenMode::kCreate, file);
  if (error != -EEXIST) return error;
  if (const int removed = io->Remove(path); removed != 0) return removed;
  return OpenFile(io, path, OpenMode::kCreate, file);
}

inline int WriteAll(File* file, int64_t offset, const void* data, int64_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  while (bytes > 0) {
    const int64_t written = file->WriteAt(offset, at, bytes);
    if (written == -EINTR) continue;
    if (written < 0) return static_cast<int>(written);
    if (written == 0 || written > bytes) return -EIO;  // no progress is no way to end
    offset += written;
    at += written;
    bytes -= written;
  }
  return 0;
}

// kDamaged: the file ends before.
inline int ReadAll(File* file, int64_t offset, void* data, int64_t bytes) {
  auto* at = static_cast<std::byte*>(data);
  while (bytes > 0) {
    const int64_t read = file->ReadAt(offset, at, bytes);
    if (read == -EINTR) continue;
    if (read < 0) return static_cast<int>(read);
    if (read == 0 || read > bytes) return kDamaged;
    offset += read;
    at += read;
    bytes -= read;
  }
  return 0;
}

// A whole small file. kDamaged: it is larger than `most`.
inline int ReadFile(Io* io, const std::string& path, int64_t most, Bytes* bytes) {
  std::unique_ptr<File> file;
  if (const int error = OpenFile(io, path, OpenMode::kRead, &file); error != 0) return error;
  const int64_t size = file->Size();
  if (size < 0) return static_cast<int>(size);
  if (size > most) return kDamaged;
  bytes->resize(static_cast<size_t>(size));
  return ReadAll(file.get(), 0, bytes->data(), size);
}

// Writes a file from its start to its end, in pieces that are worth a system call.
class FileWriter {
 public:
  explicit FileWriter(File* file) : file_(file) { buffer_.reserve(kBuffer); }

  int Append(const void* data, int64_t bytes) {
    const auto* at = static_cast<const std::byte*>(data);
    if (buffer_.size() + static_cast<size_t>(bytes) > kBuffer) {
      if (const int error = Flush(); error != 0) return error;
    }
    if (static_cast<size_t>(bytes) <= kBuffer) {
      buffer_.insert(buffer_.end(), at, at + bytes);
      return 0;
    }
    const int error = WriteAll(file_, offset_, at, bytes);
    offset_ += bytes;
    return error;
  }
  int Flush() {
    const int error = WriteAll(file_, offset_, buffer_.data(), static_cast<int64_t>(buffer_.size()));
    offset_ += static_cast<int64_t>(buffer_.size());
    buffer_.clear();
    return error;
  }
  int64_t offset() const { return offset_ + static_cast<int64_t>(buffer_.size()); }

 private:
  static constexpr size_t kBuffer = 1 << 20;

  File* file_;
  int64_t offset_ = 0;
  Bytes buffer_;
};

inline std::string JoinPath(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

// ------------------------------------------------------------------------------------------------ Ranks

// What a rank does by itself between two collectives must not throw past the next one, where the others wait.
template <typename Work>
int Guarded(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

// A message from each rank: how it went there, and something about it.
struct Message {
  int32_t status = 0;
  Bytes body = {};
};

inline bool Exchange(Group* group, const Message& mine, std::vector<Message>* all) {
  Encoder out;
  out.Put(mine.status);
  out.Append(mine.body.data(), mine.body.size());
  std::vector<Bytes> frames;
  if (!group->AllGather(out.bytes(), &frames)) return false;
  all->clear();
  for (const Bytes& frame : frames) {
    if (frame.size() < sizeof mine.status) return false;
    Message message{Decoder(frame).Get<int32_t>()};
    message.body.assign(frame.begin() + sizeof message.status, frame.end());
    all->push_back(std::move(message));
  }
  return true;
}

// The lowest rank's error, the same everywhere.
inline int FirstError(const std::vector<Message>& all) {
  for (const Message& message : all) {
    if (message.status != 0) return message.status;
  }
  return 0;
}

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_COMMIT_H_
