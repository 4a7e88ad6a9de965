#include "questions/q13_checkpoint/safetensors_mutations.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "grader/inputs.h"

namespace q13 {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  uint64_t Next() { return workbench::Mix(seed_ + ++count_); }
  // [0, limit); 0 where that is empty.
  size_t Below(size_t limit) { return limit == 0 ? 0 : static_cast<size_t>(Next() >> 11) % limit; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <size_t n>
  std::string Any(const std::array<const char*, n>& values) {
    return values[Below(n)];
  }

 private:
  uint64_t seed_;
  uint64_t count_ = 0;
};

constexpr std::array<const char*, 15> kTypes = {"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "I16", "U16", "F16",
                                                "BF16", "I32", "U32", "F32",     "F64",     "I64", "U64"};
constexpr std::array<const char*, 14> kNumbers = {"0",
                                                  "1",
                                                  "2",
                                                  "3",
                                                  "7",
                                                  "8",
                                                  "255",
                                                  "65536",
                                                  "4294967296",
                                                  "4611686018427387904",
                                                  "9223372036854775807",
                                                  "9223372036854775808",
                                                  "18446744073709551615",
                                                  "18446744073709551617"};
constexpr std::array<const char*, 34> kTokens = {"{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 ":",
                                                 "\"",
                                                 "\\",
                                                 "\\u0000",
                                                 "\\ud800",
                                                 "\\udc00",
                                                 "null",
                                                 "true",
                                                 "1e2",
                                                 "-",
                                                 "-0",
                                                 ".0",
                                                 "0",
                                                 "\"dtype\"",
                                                 "\"shape\"",
                                                 "\"data_offsets\"",
                                                 "\"__metadata__\"",
                                                 "\"U8\"",
                                                 "\"F32\"",
                                                 "\"a\"",
                                                 "{}",
                                                 "[]",
                                                 "\xef\xbb\xbf",
                                                 "\xed\xa0\x80",
                                                 "\xc0\x80",
                                                 " ",
                                                 "\n",
                                                 "\x0b",
                                                 "//"};
// Pieces of names; how they are spelled is another matter.
constexpr std::array<const char*, 16> kPieces = {"a",
                                                 "b",
                                                 "layer",
                                                 ".",
                                                 "/",
                                                 "0",
                                                 "1",
                                                 "\"",
                                                 "\\",
                                                 "\n",
                                                 "\x7f",
                                                 "\xc3\xa9",
                                                 "\xe2\x82\xac",
                                                 "\xf0\x9f\x98\x80",
                                                 "__metadata__",
                                                 "weight"};

struct Tensor {
  std::string name;
  std::string type;
  std::vector<int64_t> shape;
  int64_t begin = 0;
  int64_t end = 0;
};

std::string MakeName(Random* random) {
  std::string name;
  for (size_t i = random->Below(4); i > 0; --i) name += random->Any(kPieces);
  if (random->OneIn(16)) name += '\0';
  return name;
}

std::vector<Tensor> MakeTensors(Random* random) {
  std::vector<Tensor> tensors(random->Below(5));
  int64_t at = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    Tensor& tensor = tensors[i];
    tensor.name = MakeName(random);
    const auto same = [&](const Tensor& other) { return other.name == tensor.name; };
    while (tensor.name == "__metadata__" ||
           std::any_of(tensors.begin(), tensors.begin() + static_cast<int64_t>(i), same)) {
      tensor.name += std::to_string(i);
    }
    const size_t type = random->Below(kTypes.size());
    tensor.type = kTypes[type];
    int64_t bytes = TypeBytes(static_cast<Type>(type));
    for (size_t d = random->Below(4); d > 0; --d) {
      tensor.shape.push_back(random->OneIn(8) ? 0 : 1 + static_cast<int64_t>(random->Below(5)));
      bytes *= tensor.shape.back();
    }
    tensor.begin = at;
    tensor.end = at += bytes;
  }
  // Members may stand in any order, whatever the order of the data is.
  for (size_t i = tensors.size(); i > 1; --i) std::swap(tensors[i - 1], tensors[random->Below(i)]);
  return tensors;
}

// What no rule of JSON forbids, but the format does.
void DamageTensors(Random* random, std::vector<Tensor>* tensors) {
  if (tensors->empty()) return;
  Tensor& tensor = (*tensors)[random->Below(tensors->size())];
  const Tensor& other = (*tensors)[random->Below(tensors->size())];
  const int64_t step = random->OneIn(2) ? 1 : -1;
  switch (random->Below(9)) {
    case 0:
      tensor.begin = std::max<int64_t>(0, tensor.begin + step);
      break;
    case 1:
      tensor.end = std::max<int64_t>(0, tensor.end + step);
      break;
    case 2:
      std::swap(tensor.begin, tensor.end);
      break;
    case 3:
      tensor.begin = other.begin;
      tensor.end = other.end;
      break;
    case 4:
      tensor.name = other.name;
      break;
    case 5:
      if (!tensor.shape.empty()) tensor.shape[random->Below(tensor.shape.size())] += random->OneIn(2) ? 1 : 1ll << 62;
      break;
    case 6:
      tensor.type = random->Any(kTypes);
      break;
    case 7:
      tensor.shape.push_back(static_cast<int64_t>(random->Below(3)));
      break;
    default:
      tensors->push_back(other);
      tensors->back().name = MakeName(random);
      break;
  }
}

// JSON, spelled at random: white space between any two tokens, escapes where there need be none.
class Speller {
 public:
  // `plain`: as a usual writer has it, but for the escapes that must be.
  Speller(Random* random, bool plain) : random_(random), plain_(plain) {}

  std::string Header(const std::vector<Tensor>& tensors) {
    std::vector<size_t> order;
    for (size_t i = 0; i < tensors.size(); ++i) order.push_back(i);
    const bool metadata = random_->OneIn(2);
    const size_t place = plain_ ? 0 : random_->Below(tensors.size() + 1);
    Token("{");
    for (size_t i = 0; i <= order.size(); ++i) {
      if (i == place && metadata) {
        Comma();
        Metadata();
      }
      if (i == order.size()) break;
      Comma();
      One(tensors[order[i]]);
    }
    Token("}");
    Space();
    return std::move(text_);
  }

 private:
  void Space() {
    while (!plain_ && random_->OneIn(4)) text_ += " \t\r\n"[random_->Below(4)];
  }
  void Token(std::string_view token) {
    Space();
    text_ += token;
  }
  void Comma() {
    const size_t last = text_.find_last_not_of(" \t\r\n");
    if (last != std::string::npos && text_[last] != '{' && text_[last] != '[') Token(",");
  }
  void String(const std::string& value) {
    Space();
    text_ += '"';
    for (size_t i = 0; i < value.size(); ++i) {
      const auto byte = static_cast<unsigned char>(value[i]);
      const bool must = byte < 0x20 || value[i] == '"' || value[i] == '\\';
      if (must || (byte < 0x80 && !plain_ && random_->OneIn(6))) {
        char escape[8];
        std::snprintf(escape, sizeof escape, random_->OneIn(2) ? "\\u%04x" : "\\u%04X", byte);
        text_ += escape;
      } else if (!plain_ && value.compare(i, 2, "\xc3\xa9") == 0 && random_->OneIn(2)) {
        text_ += random_->OneIn(2) ? "\\u00e9" : "\\u00E9";
        i += 1;
      } else if (!plain_ && value.compare(i, 4, "\xf0\x9f\x98\x80") == 0 && random_->OneIn(2)) {
        text_ += random_->OneIn(2) ? "\\ud83d\\ude00" : "\\uD83D\\uDE00";
        i += 3;
      } else {
        text_ += value[i];
      }
    }
    text_ += '"';
  }
  void Numbers(const std::vector<int64_t>& values) {
    Token("[");
    for (const int64_t value : values) {
      Comma();
      Token(std::to_string(value));
    }
    Token("]");
  }
  void Metadata() {
    String("__metadata__");
    Token(":");
    Token("{");
    for (size_t i = random_->Below(3); i > 0; --i) {
      Comma();
      String(MakeName(random_) + std::to_string(i));
      Token(":");
      String(MakeName(random_));
    }
    Token("}");
  }
  void One(const Tensor& tensor) {
    std::array<int, 3> members = {0, 1, 2};
    for (size_t i = 2; i > 0 && !plain_; --i) std::swap(members[i], members[random_->Below(i + 1)]);
    String(tensor.name);
    Token(":");
    Token("{");
    for (const int member : members) {
      Comma();
      if (member == 0) {
        String("dtype");
        Token(":");
        String(tensor.type);
      } else if (member == 1) {
        String("shape");
        Token(":");
        Numbers(tensor.shape);
      } else {
        String("data_offsets");
        Token(":");
        Numbers({tensor.begin, tensor.end});
      }
    }
    Token("}");
  }

  Random* random_;
  bool plain_;
  std::string text_;
};

// The begin and the end of a run of digits at or behind a random place.
std::pair<size_t, size_t> FindNumber(Random* random, const std::string& header) {
  const size_t begin = header.find_first_of("0123456789", random->Below(header.size()));
  if (begin == std::string::npos) return {0, 0};
  const size_t end = header.find_first_not_of("0123456789", begin);
  return {begin, end == std::string::npos ? header.size() : end};
}

void DamageHeader(Random* random, std::string* header) {
  const size_t at = random->Below(header->size());
  const size_t length = std::min(header->size() - at, 1 + random->Below(random->OneIn(3) ? 40 : 4));
  switch (random->Below(9)) {
    case 0:
      if (!header->empty()) (*header)[at] = static_cast<char>((*header)[at] ^ (1 << random->Below(8)));
      break;
    case 1:
      if (!header->empty()) (*header)[at] = static_cast<char>(random->Next());
      break;
    case 2:
      header->erase(at, length);
      break;
    case 3:
      header->insert(random->Below(header->size()), header->substr(at, length));
      break;
    case 4:
    case 5:
      header->insert(at, random->Any(kTokens));
      break;
    case 6: {
      const auto [begin, end] = FindNumber(random, *header);
      if (end > begin) header->replace(begin, end - begin, random->Any(kNumbers));
      break;
    }
    case 7: {
      const auto [begin, end] = FindNumber(random, *header);
      if (end > begin) header->insert(random->OneIn(2) ? begin : end, random->Any(kTokens));
      break;
    }
    default:
      header->resize(random->OneIn(2) ? at : header->size() + random->Below(3), ' ');
      break;
  }
}

}  // namespace

JudgedFile FuzzFile(uint64_t seed, uint64_t index) {
  Random random(workbench::Mix(seed) ^ workbench::Mix(index * 0x9e3779b97f4a7c15u));
  std::vector<Tensor> tensors = MakeTensors(&random);
  uint64_t data = 0;
  for (const Tensor& tensor : tensors) data = std::max(data, static_cast<uint64_t>(tensor.end));
  const size_t damage = random.Below(4);  // 0: none
  if (damage == 1) DamageTensors(&random, &tensors);
  std::string header = Speller(&random, random.OneIn(4)).Header(tensors);
  if (damage >= 2) {
    for (size_t i = 1 + random.Below(damage); i > 0; --i) DamageHeader(&random, &header);
  }
  uint64_t length = header.size();
  if (random.OneIn(40)) length += random.Below(5) - 2;
  if (random.OneIn(400)) length = random.Next() >> random.Below(64);
  if (random.OneIn(30)) data += random.Below(3) - 1;
  std::string head(reinterpret_cast<const char*>(&length), sizeof length);
  head += header;
  const uint64_t there = head.size();
  uint64_t bytes = there + (data > 1u << 20 ? 0 : data);
  if (random.OneIn(100)) bytes = random.Below(there + 1);
  // All of what is said to be the header has to be there; some readers are given more, as when a file is mapped.
  if (bytes > there && (random.OneIn(2) || length > header.size())) head.append(bytes - there, '"');
  if (bytes < there) head.resize(bytes);
  return {"fuzz " + std::to_string(index) + " of seed " + std::to_string(seed), {{head, 1}}, bytes, {}, true};
}

}  // namespace q13
