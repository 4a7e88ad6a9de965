#include "questions/q13_checkpoint/safetensors_oracle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string_view>

namespace q13 {
namespace {

constexpr std::array<const char*, 15> kNames = {"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "I16", "U16", "F16",
                                                "BF16", "I32", "U32", "F32",     "F64",     "I64", "U64"};
constexpr std::array<int64_t, 15> kBytes = {1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8};

// What the header is not; caught in OracleParse.
struct NotValid {
  std::string why;
};

std::u32string Decode(const std::string& text) {
  std::u32string points;
  size_t i = 0;
  while (i < text.size()) {
    const uint32_t first = static_cast<unsigned char>(text[i]);
    size_t length = 0;
    uint32_t point = 0;
    if (first < 0x80) {
      length = 1;
      point = first;
    } else if ((first & 0xe0) == 0xc0) {
      length = 2;
      point = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
      length = 3;
      point = first & 0x0f;
    } else if ((first & 0xf8) == 0xf0) {
      length = 4;
      point = first & 0x07;
    } else {
      throw NotValid{"not UTF-8 at byte " + std::to_string(i) + " of the header"};
    }
    if (i + length > text.size()) throw NotValid{"the header ends inside a character"};
    for (size_t k = 1; k < length; ++k) {
      const uint32_t next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) throw NotValid{"not UTF-8 at byte " + std::to_string(i) + " of the header"};
      point = point * 64 + (next & 0x3f);
    }
    const uint32_t least = length == 1 ? 0 : length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      throw NotValid{"not UTF-8 (too long, a surrogate, or too large) at byte " + std::to_string(i) + " of the header"};
    }
    points.push_back(point);
    i += length;
  }
  return points;
}

std::string Encode8(const std::u32string& points) {
  std::string text;
  for (const uint32_t point : points) {
    if (point < 0x80) {
      text.push_back(static_cast<char>(point));
    } else if (point < 0x800) {
      text.push_back(static_cast<char>(0xc0 + point / 64));
      text.push_back(static_cast<char>(0x80 + point % 64));
    } else if (point < 0x10000) {
      text.push_back(static_cast<char>(0xe0 + point / 4096));
      text.push_back(static_cast<char>(0x80 + point / 64 % 64));
      text.push_back(static_cast<char>(0x80 + point % 64));
    } else {
      text.push_back(static_cast<char>(0xf0 + point / 262144));
      text.push_back(static_cast<char>(0x80 + point / 4096 % 64));
      text.push_back(static_cast<char>(0x80 + point / 64 % 64));
      text.push_back(static_cast<char>(0x80 + point % 64));
    }
  }
  return text;
}

struct Value {
  enum Kind { kObject, kArray, kString, kNumber, kWord } kind = kWord;
  std::vector<std::string> keys = {};  // of an object, as many as items
  std::vector<Value> items = {};
  std::string text = {};  // of a string, what it means; of a number, as it is written
};

// JSON as RFC 8259 has it, into a tree. Whatever is deeper than the format is not of the format.
class Json {
 public:
  explicit Json(const std::u32string& text) : text_(text) {}

  Value Document() {
    const Value value = Any(0);
    White();
    if (at_ != text_.size()) Fail("something after the object");
    return value;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw NotValid{what + " at character " + std::to_string(at_) + " of the header"};
  }
  uint32_t Peek() const { return at_ < text_.size() ? static_cast<uint32_t>(text_[at_]) : 0xffffffff; }
  void White() {
    while (Peek() == 0x20 || Peek() == 0x09 || Peek() == 0x0a || Peek() == 0x0d) ++at_;
  }
  void Expect(char c) {
    if (Peek() != static_cast<uint32_t>(c)) Fail(std::string("no '") + c + "'");
    ++at_;
  }

  Value Any(int depth) {
    White();
    const uint32_t c = Peek();
    if ((c == '{' || c == '[') && depth > 3) Fail("nested deeper than the format is");
    if (c == '{') return Object(depth);
    if (c == '[') return Array(depth);
    Value value;
    if (c == '"') {
      value.kind = Value::kString;
      value.text = Encode8(String());
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      value.kind = Value::kNumber;
      value.text = Number();
    } else {
      for (const char* word : {"true", "false", "null"}) {
        if (text_.compare(at_, std::strlen(word), std::u32string(word, word + std::strlen(word))) == 0) {
          at_ += std::strlen(word);
          return value;
        }
      }
      Fail("no value of JSON");
    }
    return value;
  }

  Value Object(int depth) {
    Value value;
    value.kind = Value::kObject;
    Expect('{');
    White();
    if (Peek() == '}') {
      ++at_;
      return value;
    }
    std::set<std::string> keys;
    while (true) {
      White();
      std::string key = Encode8(String());
      if (!keys.insert(key).second) Fail("a member twice, \"" + key + "\",");
      White();
      Expect(':');
      value.keys.push_back(key);
      value.items.push_back(Any(depth + 1));
      White();
      if (Peek() == '}') break;
      Expect(',');
    }
    ++at_;
    return value;
  }

  Value Array(int depth) {
    Value value;
    value.kind = Value::kArray;
    Expect('[');
    White();
    if (Peek() == ']') {
      ++at_;
      return value;
    }
    while (true) {
      value.items.push_back(Any(depth + 1));
      White();
      if (Peek() == ']') break;
      Expect(',');
    }
    ++at_;
    return value;
  }

  std::string Number() {
    const size_t begin = at_;
    const auto digits = [&] {
      if (Peek() < '0' || Peek() > '9') Fail("no digit");
      while (Peek() >= '0' && Peek() <= '9') ++at_;
    };
    if (Peek() == '-') ++at_;
    if (Peek() == '0') {
      ++at_;
    } else {
      digits();
    }
    if (Peek() == '.') {
      ++at_;
      digits();
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      digits();
    }
    return Encode8(text_.substr(begin, at_ - begin));
  }

  uint32_t Hex4() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const uint32_t c = Peek();
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = c - '0';
      } else if (c >= 'a' && c <= 'f') {
        digit = c - 'a' + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = c - 'A' + 10;
      } else {
        Fail("no hexadecimal digit");
      }
      value = value * 16 + digit;
    }
    return value;
  }

  std::u32string String() {
    std::u32string result;
    Expect('"');
    while (true) {
      if (at_ == text_.size()) Fail("a string without an end");
      const uint32_t c = Peek();
      if (c < 0x20) Fail("a control character in a string");
      ++at_;
      if (c == '"') return result;
      if (c != '\\') {
        result.push_back(c);
        continue;
      }
      const uint32_t escape = Peek();
      ++at_;
      switch (escape) {
        case '"':
        case '\\':
        case '/':
          result.push_back(escape);
          break;
        case 'b':
          result.push_back(8);
          break;
        case 'f':
          result.push_back(12);
          break;
        case 'n':
          result.push_back(10);
          break;
        case 'r':
          result.push_back(13);
          break;
        case 't':
          result.push_back(9);
          break;
        case 'u': {
          const uint32_t high = Hex4();
          if (high < 0xd800 || high > 0xdfff) {
            result.push_back(high);
            break;
          }
          if (high > 0xdbff) Fail("half a surrogate pair");
          if (Peek() != '\\') Fail("half a surrogate pair");
          ++at_;
          if (Peek() != 'u') Fail("half a surrogate pair");
          ++at_;
          const uint32_t low = Hex4();
          if (low < 0xdc00 || low > 0xdfff) Fail("half a surrogate pair");
          result.push_back(0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00));
          break;
        }
        default:
          Fail("an escape that JSON does not have");
      }
    }
  }

  const std::u32string& text_;
  size_t at_ = 0;
};

int64_t IntegerOf(const Value& value) {
  const std::string kMost = "9223372036854775807";
  if (value.kind != Value::kNumber) throw NotValid{"not a number where one has to be"};
  for (const char c : value.text) {
    if (c < '0' || c > '9') throw NotValid{"the number " + value.text + " is not of digits alone"};
  }
  if (value.text.size() > kMost.size() || (value.text.size() == kMost.size() && value.text > kMost)) {
    throw NotValid{"the number " + value.text + " exceeds 2^63 - 1"};
  }
  return static_cast<int64_t>(std::stoull(value.text));
}

std::vector<int64_t> IntegersOf(const Value& value) {
  if (value.kind != Value::kArray) throw NotValid{"not an array where one has to be"};
  std::vector<int64_t> integers;
  for (const Value& item : value.items) integers.push_back(IntegerOf(item));
  return integers;
}

const Value& Member(const Value& object, std::string_view key) {
  for (size_t i = 0; i < object.keys.size(); ++i) {
    if (object.keys[i] == key) return object.items[i];
  }
  throw NotValid{"no member \"" + std::string(key) + "\""};
}

SafetensorsEntry TensorOf(const std::string& name, const Value& value) {
  if (value.kind != Value::kObject) throw NotValid{"a tensor that is not an object"};
  for (const std::string& key : value.keys) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      throw NotValid{"a member \"" + key + "\", which tensors do not have"};
    }
  }
  SafetensorsEntry entry;
  entry.name = name;
  const Value& type = Member(value, "dtype");
  bool known = false;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (type.kind != Value::kString || type.text != kNames[i]) continue;
    entry.info.type = static_cast<Type>(i);
    known = true;
  }
  if (!known) throw NotValid{"a type that is not known"};
  entry.info.shape = IntegersOf(Member(value, "shape"));
  const std::vector<int64_t> offsets = IntegersOf(Member(value, "data_offsets"));
  if (offsets.size() != 2) throw NotValid{"data_offsets that are not two"};
  entry.begin = offsets[0];
  entry.end = offsets[1];
  return entry;
}

SafetensorsFile FileOf(const std::string& header) {
  const std::u32string points = Decode(header);
  const Value root = Json(points).Document();
  if (root.kind != Value::kObject) throw NotValid{"the header is not an object"};
  SafetensorsFile file;
  for (size_t i = 0; i < root.keys.size(); ++i) {
    const std::string& key = root.keys[i];
    const Value& value = root.items[i];
    if (key != "__metadata__") {
      file.tensors.push_back(TensorOf(key, value));
      continue;
    }
    if (value.kind != Value::kObject) throw NotValid{"__metadata__ is not an object"};
    for (size_t k = 0; k < value.keys.size(); ++k) {
      if (value.items[k].kind != Value::kString) throw NotValid{"metadata that is not a string"};
      file.metadata[value.keys[k]] = value.items[k].text;
    }
  }
  std::sort(file.tensors.begin(), file.tensors.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    if (a.end != b.end) return a.end < b.end;
    return a.name < b.name;
  });
  return file;
}

// 2^63 and more are all 2^63.
unsigned __int128 Bytes(const TensorInfo& info) {
  const unsigned __int128 too_many = static_cast<unsigned __int128>(1) << 63;
  unsigned __int128 product = static_cast<unsigned __int128>(kBytes[static_cast<size_t>(info.type)]);
  for (const int64_t extent : info.shape) {
    if (extent == 0) return 0;
  }
  for (const int64_t extent : info.shape) {
    product = std::min(product * static_cast<unsigned __int128>(extent), too_many);
  }
  return product;
}

}  // namespace

OracleFile OracleParse(const std::string& head, uint64_t bytes) {
  OracleFile result;
  const auto fail = [&](FormatError error, const std::string& why) {
    result.error = error;
    result.why = why;
    result.file = {};
    return result;
  };
  if (bytes < 8) return fail(FormatError::kHeaderTooSmall, "fewer than 8 bytes");
  uint64_t length = 0;
  std::memcpy(&length, head.data(), sizeof length);  // the machine's order is the file's
  if (length > 100000000) return fail(FormatError::kHeaderTooLarge, "the header is of more than 100,000,000 bytes");
  if (bytes < 8 + length) return fail(FormatError::kInvalidHeaderLength, "the file ends before the header does");
  try {
    result.file = FileOf(head.substr(8, length));
  } catch (const NotValid& not_valid) {
    return fail(FormatError::kInvalidHeader, not_valid.why);
  }
  int64_t at = 0;
  for (const SafetensorsEntry& tensor : result.file.tensors) {
    const std::string name = "tensor \"" + tensor.name + "\" ";
    if (tensor.begin > tensor.end) return fail(FormatError::kInvalidOffset, name + "ends before it begins");
    if (tensor.begin != at) {
      return fail(FormatError::kInvalidOffset,
                  name + "begins at " + std::to_string(tensor.begin) + ", and not at " + std::to_string(at));
    }
    const unsigned __int128 needs = Bytes(tensor.info);
    if (needs >> 63 != 0) return fail(FormatError::kValidationOverflow, name + "is of 2^63 bytes or more");
    if (needs != static_cast<unsigned __int128>(tensor.end - tensor.begin)) {
      return fail(FormatError::kTensorInvalidInfo, name + "has a shape and type of another size than its offsets");
    }
    at = tensor.end;
  }
  if (static_cast<uint64_t>(at) != bytes - 8 - length) {
    return fail(FormatError::kMetadataIncomplete, "the tensors end at byte " + std::to_string(at) + " of " +
                                                      std::to_string(bytes - 8 - length) + " bytes of data");
  }
  for (SafetensorsEntry& tensor : result.file.tensors) {
    tensor.begin += static_cast<int64_t>(8 + length);
    tensor.end += static_cast<int64_t>(8 + length);
  }
  return result;
}

const char* FormatErrorName(FormatError error) {
  constexpr std::array<const char*, 9> kErrors = {"kOk",
                                                  "kHeaderTooSmall",
                                                  "kHeaderTooLarge",
                                                  "kInvalidHeaderLength",
                                                  "kInvalidHeader",
                                                  "kInvalidOffset",
                                                  "kTensorInvalidInfo",
                                                  "kValidationOverflow",
                                                  "kMetadataIncomplete"};
  const auto at = static_cast<size_t>(error);
  return at < kErrors.size() ? kErrors[at] : "no FormatError";
}

const char* TypeName(Type type) {
  const auto at = static_cast<size_t>(type);
  return at < kNames.size() ? kNames[at] : "no type";
}

void OracleSort(std::vector<WriteTensor>* tensors) {
  std::sort(tensors->begin(), tensors->end(), [](const WriteTensor& a, const WriteTensor& b) {
    if (a.info.type != b.info.type) return static_cast<int>(a.info.type) > static_cast<int>(b.info.type);
    return a.name < b.name;
  });
}

std::string OracleHeader(const std::vector<WriteTensor>& sorted, const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  const char* comma = "";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      header += comma + ("\"" + key) + "\":\"" + value + "\"";
      comma = ",";
    }
    header += "}";
    comma = ",";
  }
  int64_t offset = 0;
  for (const WriteTensor& tensor : sorted) {
    header += comma + ("\"" + tensor.name) + "\":{\"dtype\":\"" + TypeName(tensor.info.type) + "\",\"shape\":[";
    for (size_t d = 0; d < tensor.info.shape.size(); ++d) {
      header += (d > 0 ? "," : "") + std::to_string(tensor.info.shape[d]);
    }
    const auto bytes = static_cast<int64_t>(Bytes(tensor.info));
    header += "],\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(offset + bytes) + "]}";
    offset += bytes;
    comma = ",";
  }
  return header + "}";
}

std::string OracleWrite(std::vector<WriteTensor> tensors, const std::map<std::string, std::string>& metadata) {
  OracleSort(&tensors);
  std::string header = OracleHeader(tensors, metadata);
  while (header.size() % 8 != 0) header += " ";
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  file += header;
  for (const WriteTensor& tensor : tensors) {
    file.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  }
  return file;
}

}  // namespace q13
