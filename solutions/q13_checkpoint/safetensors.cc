// Q13 part F: safetensors. The reader goes through the header once, without recursion: the format has three levels, and
// what does not fit it is refused where it begins. The writer makes the header, then passes the data on as it lies.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "questions/q13_checkpoint/api.h"

using q13::FormatError;
using q13::SafetensorsEntry;
using q13::SafetensorsFile;
using q13::TensorInfo;
using q13::TensorView;
using q13::Type;

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMostHeader = 100'000'000;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr std::string_view kMetadata = "__metadata__";
constexpr std::string_view kTypeNames[] = {"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "I16", "U16", "F16",
                                           "BF16", "I32", "U32", "F32",     "F64",     "I64", "U64"};
constexpr auto kTypes = static_cast<int32_t>(std::size(kTypeNames));

// RFC 3629: no longer than need be, no halves of surrogate pairs, nothing above U+10FFFF. All of that shows in the
// second byte.
bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (int k = 0; k < more; ++k) {
      if (i == text.size()) return false;
      const auto byte = static_cast<uint8_t>(text[i++]);
      if (byte < least || byte > most) return false;
      least = 0x80;
      most = 0xbf;
    }
  }
  return true;
}

void AppendUtf8(uint32_t code, std::string* text) {
  if (code < 0x80) {
    *text += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr uint32_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
  *text += static_cast<char>(kLead[more] | code >> (6 * more));
  for (int k = more - 1; k >= 0; --k) *text += static_cast<char>(0x80 | (code >> (6 * k) & 0x3f));
}

// False if it exceeds 2^63 - 1. An extent of 0 makes it 0, whatever the others are.
bool ByteCount(const TensorInfo& info, int64_t* bytes) {
  *bytes = q13::TypeBytes(info.type);
  if (std::find(info.shape.begin(), info.shape.end(), 0) != info.shape.end()) *bytes = 0;
  if (*bytes == 0) return true;
  for (const int64_t extent : info.shape) {
    if (__builtin_mul_overflow(*bytes, extent, bytes)) return false;
  }
  return true;
}

// What each function reads may have white space before it. False: the header is refused.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view header) : rest_(header) {}

  bool Read(SafetensorsFile* file) {
    bool has_metadata = false;
    const bool read = ReadObject([&](std::string name) {
      if (name == kMetadata) return !std::exchange(has_metadata, true) && ReadMetadata(&file->metadata);
      file->tensors.push_back({std::move(name), {}, 0, 0});
      return ReadTensor(&file->tensors.back());
    });
    if (!read) return false;
    SkipSpace();
    return rest_.empty() && NamesDiffer(file->tensors);
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\r' || rest_[0] == '\t')) Drop();
  }
  void Drop() { rest_.remove_prefix(1); }

  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_[0] != c) return false;
    Drop();
    return true;
  }

  // member(key) reads the value.
  template <typename Member>
  bool ReadObject(const Member& member) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string key;
      if (!ReadString(&key) || !Take(':') || !member(std::move(key))) return false;
    } while (Take(','));
    return Take('}');
  }

  bool ReadMetadata(std::map<std::string, std::string>* metadata) {
    return ReadObject([&](std::string key) {
      const auto [at, is_new] = metadata->try_emplace(std::move(key));
      return is_new && ReadString(&at->second);
    });
  }

  bool ReadTensor(SafetensorsEntry* tensor) {
    bool has_type = false, has_shape = false, has_offsets = false;
    const bool read = ReadObject([&](const std::string& key) {
      if (key == "dtype") return !std::exchange(has_type, true) && ReadType(&tensor->info.type);
      if (key == "shape") return !std::exchange(has_shape, true) && ReadIntegers(&tensor->info.shape);
      if (key != "data_offsets" || std::exchange(has_offsets, true)) return false;
      std::vector<int64_t> offsets;
      if (!ReadIntegers(&offsets) || offsets.size() != 2) return false;
      tensor->begin = offsets[0];
      tensor->end = offsets[1];
      return true;
    });
    return read && has_type && has_shape && has_offsets;
  }

  bool ReadType(Type* type) {
    std::string name;
    if (!ReadString(&name)) return false;
    const auto* at = std::find(std::begin(kTypeNames), std::end(kTypeNames), name);
    *type = static_cast<Type>(at - std::begin(kTypeNames));
    return at != std::end(kTypeNames);
  }

  bool ReadIntegers(std::vector<int64_t>* values) {
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!ReadInteger(&values->emplace_back())) return false;
    } while (Take(','));
    return Take(']');
  }

  // Digits alone: after "1.5" or "1e2" the comma is missing.
  bool ReadInteger(int64_t* value) {
    SkipSpace();
    const std::string_view text = rest_;
    *value = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, rest_[0] - '0', value)) {
        return false;
      }
      Drop();
    }
    const size_t digits = text.size() - rest_.size();
    return digits == 1 || (digits > 1 && text[0] != '0');
  }

  bool ReadString(std::string* text) {
    if (!Take('"')) return false;
    text->clear();
    while (!rest_.empty()) {
      size_t plain = 0;
      while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\') {
        if (static_cast<uint8_t>(rest_[plain++]) < 0x20) return false;
      }
      text->append(rest_.substr(0, plain));
      rest_.remove_prefix(plain);
      if (rest_.empty()) return false;
      const bool ends = rest_[0] == '"';
      Drop();
      // Escapes make whole characters, so that bytes around them never become one.
      if (ends) return IsUtf8(*text);
      if (!ReadEscape(text)) return false;
    }
    return false;
  }

  bool ReadEscape(std::string* text) {
    if (rest_.empty()) return false;
    const char kind = rest_[0];
    Drop();
    if (kind != 'u') {
      constexpr std::string_view kKinds = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
      const size_t which = kKinds.find(kind);
      if (which == std::string_view::npos) return false;
      *text += kMeant[which];
      return true;
    }
    uint32_t code = 0;
    if (!ReadHex(&code)) return false;
    if (code >= 0xd800 && code < 0xe000) {
      uint32_t low = 0;
      if (code >= 0xdc00 || rest_.substr(0, 2) != "\\u") return false;
      rest_.remove_prefix(2);
      if (!ReadHex(&low) || low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
    }
    AppendUtf8(code, text);
    return true;
  }

  bool ReadHex(uint32_t* code) {
    if (rest_.size() < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = rest_[0];
      const char lower = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9') {
        *code = *code * 16 + static_cast<uint32_t>(c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        *code = *code * 16 + static_cast<uint32_t>(lower - 'a' + 10);
      } else {
        return false;
      }
      Drop();
    }
    return true;
  }

  static bool NamesDiffer(const std::vector<SafetensorsEntry>& tensors) {
    std::vector<std::string_view> names;
    names.reserve(tensors.size());
    for (const SafetensorsEntry& tensor : tensors) names.push_back(tensor.name);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) == names.end();
  }

  std::string_view rest_;
};

// That the tensors lie one behind the other, each as long as it has to be; *end is where the last one ends.
FormatError CheckOffsets(const std::vector<SafetensorsEntry>& tensors, int64_t* end) {
  *end = 0;
  for (const SafetensorsEntry& tensor : tensors) {
    if (tensor.begin != *end || tensor.end < tensor.begin) return FormatError::kInvalidOffset;
    int64_t bytes = 0;
    if (!ByteCount(tensor.info, &bytes)) return FormatError::kValidationOverflow;
    if (tensor.end - tensor.begin != bytes) return FormatError::kTensorInvalidInfo;
    *end = tensor.end;
  }
  return FormatError::kOk;
}

FormatError Parse(std::string_view head, uint64_t bytes, SafetensorsFile* file) {
  if (bytes < kLengthBytes || head.size() < kLengthBytes) return FormatError::kHeaderTooSmall;
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<uint8_t>(head[static_cast<size_t>(i)]);
  if (length > kMostHeader) return FormatError::kHeaderTooLarge;
  const uint64_t data = kLengthBytes + length;
  if (data > bytes || data > head.size()) return FormatError::kInvalidHeaderLength;
  if (!HeaderReader(head.substr(kLengthBytes, length)).Read(file)) return FormatError::kInvalidHeader;
  std::sort(file->tensors.begin(), file->tensors.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  int64_t end = 0;
  if (const FormatError error = CheckOffsets(file->tensors, &end); error != FormatError::kOk) return error;
  if (static_cast<uint64_t>(end) != bytes - data || bytes > static_cast<uint64_t>(kMost)) {
    return FormatError::kMetadataIncomplete;
  }
  for (SafetensorsEntry& tensor : file->tensors) {
    tensor.begin += static_cast<int64_t>(data);
    tensor.end += static_cast<int64_t>(data);
  }
  return FormatError::kOk;
}

void AppendString(std::string_view text, std::string* json) {
  constexpr std::string_view kMeant = "\"\\\b\f\n\r\t", kKinds = "\"\\bfnrt";
  constexpr char kHex[] = "0123456789abcdef";
  *json += '"';
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (const size_t which = kMeant.find(c); which != std::string_view::npos) {
      *json += {'\\', kKinds[which]};
    } else if (byte < 0x20) {
      *json += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      *json += c;
    }
  }
  *json += '"';
}

void AppendIntegers(std::string_view key, std::span<const int64_t> values, std::string* json) {
  AppendString(key, json);
  *json += ":[";
  for (const int64_t value : values) *json += std::to_string(value) + ',';
  if (!values.empty()) json->pop_back();
  *json += ']';
}

struct Placed {
  const TensorView* tensor;
  int64_t bytes;
};

// By type, the widest first, then by name: the order of the data. False: kInvalid.
bool Place(std::span<const TensorView> tensors, std::vector<Placed>* placed) {
  std::vector<std::string_view> names;
  int64_t total = 0;
  for (const TensorView& tensor : tensors) {
    const auto type = static_cast<int32_t>(tensor.info.type);
    const auto negative = [](int64_t extent) { return extent < 0; };
    int64_t bytes = 0;
    if (type < 0 || type >= kTypes || tensor.name == kMetadata || !IsUtf8(tensor.name) ||
        std::any_of(tensor.info.shape.begin(), tensor.info.shape.end(), negative) || !ByteCount(tensor.info, &bytes) ||
        __builtin_add_overflow(total, bytes, &total)) {
      return false;
    }
    names.push_back(tensor.name);
    placed->push_back({&tensor, bytes});
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return false;
  std::sort(placed->begin(), placed->end(), [](const Placed& a, const Placed& b) {
    return std::tie(b.tensor->info.type, a.tensor->name) < std::tie(a.tensor->info.type, b.tensor->name);
  });
  return true;
}

std::string HeaderOf(const std::vector<Placed>& placed, const std::map<std::string, std::string>& metadata) {
  std::string json = "{";
  if (!metadata.empty()) {
    AppendString(kMetadata, &json);
    json += ":{";
    for (const auto& [key, value] : metadata) {
      AppendString(key, &json);
      json += ':';
      AppendString(value, &json);
      json += ',';
    }
    json.back() = '}';
    json += ',';
  }
  int64_t offset = 0;
  for (const auto& [tensor, bytes] : placed) {
    AppendString(tensor->name, &json);
    json += ":{\"dtype\":";
    AppendString(kTypeNames[static_cast<size_t>(tensor->info.type)], &json);
    json += ',';
    AppendIntegers("shape", tensor->info.shape, &json);
    json += ',';
    AppendIntegers("data_offsets", std::vector<int64_t>{offset, offset + bytes}, &json);
    json += "},";
    offset += bytes;
  }
  if (json.size() > 1) json.pop_back();
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  return json;
}

}  // namespace

extern "C" FormatError q13_safetensors_parse(const std::byte* head, size_t head_bytes, uint64_t bytes,
                                             SafetensorsFile* file) {
  *file = {};
  const FormatError error = Parse({reinterpret_cast<const char*>(head), head_bytes}, bytes, file);
  if (error != FormatError::kOk) *file = {};
  return error;
}

extern "C" int q13_safetensors_write(std::span<const TensorView> tensors,
                                     const std::map<std::string, std::string>& metadata,
                                     bool (*sink)(void* context, const void* data, size_t bytes), void* context) {
  std::vector<Placed> placed;
  if (!Place(tensors, &placed)) return q13::kInvalid;
  for (const auto& [key, value] : metadata) {
    if (!IsUtf8(key) || !IsUtf8(value)) return q13::kInvalid;
  }
  const std::string json = HeaderOf(placed, metadata);
  if (json.size() > kMostHeader) return q13::kInvalid;
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>(json.size() >> (8 * i));
  if (!sink(context, length.data(), length.size()) || !sink(context, json.data(), json.size())) return -EIO;
  for (const auto& [tensor, bytes] : placed) {
    if (bytes > 0 && !sink(context, tensor->data, static_cast<size_t>(bytes))) return -EIO;
  }
  return q13::kOk;
}
