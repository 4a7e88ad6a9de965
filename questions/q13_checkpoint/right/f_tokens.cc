// Odd but right: cuts the header into tokens first and checks their order afterwards, keeps tensors in a map by offsets
// and names in a set, and writes the whole file as one piece, with every character that is not plain as \u escapes.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <tuple>

#include "questions/q13_checkpoint/api.h"

namespace {

using q13::FormatError;
using q13::SafetensorsEntry;

struct Token {
  char kind;         // one of {}[]:, or s (string) or n (number)
  std::string text;  // of a string: its characters; of a number: its digits
};

const char* const kTypes[] = {"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "I16", "U16", "F16",
                              "BF16", "I32", "U32", "F32",     "F64",     "I64", "U64"};

// The code point at text[*at], which is moved on; -1: not UTF-8. Takes it apart and puts it together again.
long NextCodePoint(const std::string& text, size_t* at);

std::string Utf8(long code) {
  std::string text;
  if (code < 0x80) return text += static_cast<char>(code);
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  text += static_cast<char>((0xff00 >> (more + 1) & 0xff) | code >> 6 * more);
  while (more-- > 0) text += static_cast<char>(0x80 | (code >> 6 * more & 0x3f));
  return text;
}

long NextCodePoint(const std::string& text, size_t* at) {
  const auto lead = static_cast<unsigned char>(text[*at]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (*at + length > text.size()) return -1;
  long code = length == 1 ? lead : lead & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(text[*at + i]) & 0x3f);
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return -1;
  if (Utf8(code) != text.substr(*at, length)) return -1;
  *at += length;
  return code;
}

bool IsUtf8(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    if (NextCodePoint(text, &at) < 0) return false;
  }
  return true;
}

bool ReadHex(const std::string& text, size_t at, long* code) {
  if (at + 4 > text.size()) return false;
  for (size_t i = at; i < at + 4; ++i) {
    if (std::string("0123456789abcdefABCDEF").find(text[i]) == std::string::npos) return false;
  }
  *code = std::strtol(text.substr(at, 4).c_str(), nullptr, 16);
  return true;
}

// `raw` is what stands between the quotes.
bool Unescape(const std::string& raw, std::string* text) {
  for (size_t at = 0; at < raw.size();) {
    if (static_cast<unsigned char>(raw[at]) < 0x20) return false;
    if (raw[at] != '\\') {
      *text += raw[at++];
      continue;
    }
    const std::string from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    if (const size_t which = from.find(raw[at + 1]); which != std::string::npos) {
      *text += to[which];
      at += 2;
      continue;
    }
    long code = 0, low = 0;
    if (raw[at + 1] != 'u' || !ReadHex(raw, at + 2, &code)) return false;
    at += 6;
    if (code >= 0xdc00 && code < 0xe000) return false;
    if (code >= 0xd800 && code < 0xdc00) {
      if (raw.compare(at, 2, "\\u") != 0 || !ReadHex(raw, at + 2, &low) || low < 0xdc00 || low > 0xdfff) return false;
      at += 6;
      code = 0x10000 + (code - 0xd800) * 1024 + low - 0xdc00;
    }
    *text += Utf8(code);
  }
  return IsUtf8(*text);
}

bool Tokenize(const std::string& json, std::vector<Token>* tokens) {
  for (size_t at = 0; at < json.size();) {
    const char c = json[at];
    size_t end = at + 1;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
    } else if (c == '"') {
      while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
      if (end >= json.size()) return false;
      tokens->push_back({'s', ""});
      if (!Unescape(json.substr(at + 1, end - at - 1), &tokens->back().text)) return false;
      ++end;
    } else if (c >= '0' && c <= '9') {
      end = json.find_first_not_of("0123456789", at);
      if (end == std::string::npos) end = json.size();
      tokens->push_back({'n', json.substr(at, end - at)});
    } else if (c != '\0' && std::string("{}[]:,").find(c) != std::string::npos) {
      tokens->push_back({c, ""});
    } else {
      return false;
    }
    at = end;
  }
  return true;
}

class Grammar {
 public:
  explicit Grammar(const std::vector<Token>& tokens) : tokens_(tokens) {}

  bool File(q13::SafetensorsFile* file) {
    std::set<std::string> names;
    const bool is_object = Members([&](const std::string& name) {
      if (!names.insert(name).second) return false;
      if (name == "__metadata__") {
        return Members([&](const std::string& key) {
          return Is('s') && file->metadata.emplace(key, tokens_[at_ - 1].text).second;
        });
      }
      SafetensorsEntry entry;
      entry.name = name;
      std::vector<int64_t> offsets;
      std::set<std::string> seen;
      const bool is_tensor = Members([&](const std::string& key) {
        if (!seen.insert(key).second) return false;
        if (key == "shape") return Numbers(&entry.info.shape);
        if (key == "data_offsets") return Numbers(&offsets) && offsets.size() == 2;
        if (key != "dtype" || !Is('s')) return false;
        for (int32_t type = 0; type < 15; ++type) {
          if (tokens_[at_ - 1].text != kTypes[type]) continue;
          entry.info.type = static_cast<q13::Type>(type);
          return true;
        }
        return false;
      });
      if (!is_tensor || seen.size() != 3) return false;
      entry.begin = offsets[0];
      entry.end = offsets[1];
      file->tensors.push_back(entry);
      return true;
    });
    return is_object && at_ == tokens_.size();
  }

 private:
  bool Is(char kind) {
    if (at_ == tokens_.size() || tokens_[at_].kind != kind) return false;
    ++at_;
    return true;
  }
  template <typename F>
  bool Members(const F& value) {
    if (!Is('{')) return false;
    for (bool first = true; !Is('}'); first = false) {
      if (!first && !Is(',')) return false;
      if (!Is('s')) return false;
      const std::string key = tokens_[at_ - 1].text;
      if (!Is(':') || !value(key)) return false;
    }
    return true;
  }
  bool Numbers(std::vector<int64_t>* numbers) {
    if (!Is('[')) return false;
    for (bool first = true; !Is(']'); first = false) {
      if ((!first && !Is(',')) || !Is('n')) return false;
      const std::string& digits = tokens_[at_ - 1].text;
      errno = 0;
      numbers->push_back(std::strtoll(digits.c_str(), nullptr, 10));
      if (errno != 0 || (digits.size() > 1 && digits[0] == '0')) return false;
    }
    return true;
  }

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
};

// -1: 2^63 or more.
int64_t Size(const q13::TensorInfo& info) {
  int64_t size = q13::TypeBytes(info.type);
  for (const int64_t extent : info.shape) {
    if (extent == 0) return 0;
  }
  for (const int64_t extent : info.shape) {
    if (size > std::numeric_limits<int64_t>::max() / extent) return -1;
    size *= extent;
  }
  return size;
}

std::string Quoted(const std::string& text) {
  std::string json = "\"";
  char escape[16];
  for (size_t at = 0; at < text.size();) {
    const long code = NextCodePoint(text, &at);
    if (code >= 0x20 && code < 0x7f && code != '"' && code != '\\') {
      json += static_cast<char>(code);
    } else if (code < 0x10000) {
      std::snprintf(escape, sizeof escape, "\\u%04lX", code);
      json += escape;
    } else {
      std::snprintf(escape, sizeof escape, "\\u%04lx\\u%04lx", 0xd800 + (code - 0x10000) / 1024,
                    0xdc00 + (code - 0x10000) % 1024);
      json += escape;
    }
  }
  return json + "\"";
}

}  // namespace

extern "C" FormatError q13_safetensors_parse(const std::byte* head, size_t head_bytes, uint64_t bytes,
                                             q13::SafetensorsFile* file) {
  file->tensors.clear();
  file->metadata.clear();
  (void)head_bytes;
  if (bytes < 8) return FormatError::kHeaderTooSmall;
  uint64_t n = 0;
  for (int i = 0; i < 8; ++i) n += std::to_integer<uint64_t>(head[i]) << 8 * i;
  if (n > 100'000'000) return FormatError::kHeaderTooLarge;
  if (bytes - 8 < n) return FormatError::kInvalidHeaderLength;
  std::vector<Token> tokens;
  if (!Tokenize(std::string(reinterpret_cast<const char*>(head) + 8, n), &tokens) || !Grammar(tokens).File(file)) {
    return FormatError::kInvalidHeader;
  }
  std::map<std::tuple<int64_t, int64_t, std::string>, SafetensorsEntry> sorted;
  for (const SafetensorsEntry& entry : file->tensors) sorted[{entry.begin, entry.end, entry.name}] = entry;
  file->tensors.clear();
  int64_t at = 0;
  for (auto& [key, entry] : sorted) {
    const int64_t size = Size(entry.info);
    if (entry.begin != at || entry.end < at) return FormatError::kInvalidOffset;
    if (size < 0) return FormatError::kValidationOverflow;
    if (size != entry.end - at) return FormatError::kTensorInvalidInfo;
    at = entry.end;
    entry.begin += static_cast<int64_t>(8 + n);
    entry.end += static_cast<int64_t>(8 + n);
    file->tensors.push_back(entry);
  }
  return static_cast<uint64_t>(at) == bytes - 8 - n ? FormatError::kOk : FormatError::kMetadataIncomplete;
}

extern "C" int q13_safetensors_write(std::span<const q13::TensorView> tensors,
                                     const std::map<std::string, std::string>& metadata,
                                     bool (*sink)(void* context, const void* data, size_t bytes), void* context) {
  std::map<std::pair<int32_t, std::string>, const q13::TensorView*> sorted;
  std::set<std::string> names = {"__metadata__"};
  int64_t total = 0;
  for (const q13::TensorView& tensor : tensors) {
    const auto type = static_cast<int32_t>(tensor.info.type);
    if (type < 0 || type > 14 || !IsUtf8(tensor.name) || !names.insert(tensor.name).second) return q13::kInvalid;
    for (const int64_t extent : tensor.info.shape) {
      if (extent < 0) return q13::kInvalid;
    }
    const int64_t size = Size(tensor.info);
    if (size < 0 || size > std::numeric_limits<int64_t>::max() - total) return q13::kInvalid;
    total += size;
    sorted[{-type, tensor.name}] = &tensor;
  }
  std::string header, data;
  for (const auto& [key, value] : metadata) {
    if (!IsUtf8(key) || !IsUtf8(value)) return q13::kInvalid;
    header += (header.empty() ? "" : ",") + Quoted(key) + ":" + Quoted(value);
  }
  if (!metadata.empty()) header = "\"__metadata__\":{" + header + "}";
  for (const auto& [key, tensor] : sorted) {
    const int64_t size = Size(tensor->info);
    std::string shape;
    for (const int64_t extent : tensor->info.shape) shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    header += (header.empty() ? "" : ",") + Quoted(tensor->name) + ":{\"dtype\":\"" + kTypes[-key.first] +
              "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + static_cast<size_t>(size)) + "]}";
    if (size > 0) data.append(static_cast<const char*>(tensor->data), static_cast<size_t>(size));
  }
  header = "{" + header + "}";
  while (header.size() % 8 != 0) header += ' ';
  if (header.size() > 100'000'000) return q13::kInvalid;
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> 8 * i);
  file += header + data;
  return sink(context, file.data(), file.size()) ? 0 : -EIO;
}
