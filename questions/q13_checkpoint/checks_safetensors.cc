// Part F: reading and writing safetensors.
#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "grader/inputs.h"
#include "questions/q13_checkpoint/checks.h"
#include "questions/q13_checkpoint/safetensors_cases.h"
#include "questions/q13_checkpoint/safetensors_judge.h"
#include "questions/q13_checkpoint/safetensors_mutations.h"

namespace q13 {
namespace {

using workbench::Check;
using workbench::CheckContext;

constexpr int kTypeCount = static_cast<int>(Type::kU64) + 1;

// One request a file: a crash names it.
bool JudgeEach(CheckContext& context, const std::vector<JudgedFile>& files) {
  for (const JudgedFile& file : files) {
    if (!JudgeFiles(context, file.what, {file})) return false;
  }
  return true;
}

void CheckCases(CheckContext& context) {
  if (!JudgeEach(context, ReferenceCases())) return;
  for (const WrittenCase& one : ReferenceWrites()) {
    if (!JudgeWrite(context, one.name, one.request, kOk, one.file)) return;
  }
}

bool JudgeExact(CheckContext& context, const std::string& what, const WriteRequest& request) {
  return JudgeWrite(context, what, request, kOk, OracleWrite(request.tensors, request.metadata));
}

void CheckWrite(CheckContext& context) {
  const uint64_t seed = context.seed();
  WriteRequest request;
  request.metadata = {{"format", "pt"}};
  if (!JudgeExact(context, "metadata alone", request)) return;
  request.metadata = {{"b", ""}, {"a", "2"}, {"", "x"}};
  request.tensors = {MakeTensor("a", Type::kF32, {2, 3}, seed)};
  if (!JudgeExact(context, "metadata and a tensor", request)) return;
  request.metadata.clear();
  // Names of every length bring every amount of padding.
  for (size_t length = 1; length <= 9; ++length) {
    request.tensors = {MakeTensor(std::string(length, 'n'), Type::kI16, {3}, seed + length)};
    if (!JudgeExact(context, "a name of " + std::to_string(length) + " characters", request)) return;
  }
  request.tensors = {MakeTensor("empty", Type::kF32, {0}, seed), MakeTensor("scalar", Type::kF32, {}, seed),
                     MakeTensor("also_empty", Type::kF32, {3, 0, 5}, seed), MakeTensor("one", Type::kF32, {1}, seed)};
  if (!JudgeExact(context, "scalars and empty tensors", request)) return;
  request.tensors = {MakeTensor("b", Type::kU8, {3}, seed), MakeTensor("a10", Type::kU8, {1}, seed + 1),
                     MakeTensor("a2", Type::kU8, {2}, seed + 2), MakeTensor("B", Type::kU8, {5}, seed + 3),
                     MakeTensor("a", Type::kU8, {7}, seed + 4)};
  if (!JudgeExact(context, "names of one type, in no order", request)) return;
  request.tensors.clear();
  for (int i = 0; i < 3 * kTypeCount; ++i) {
    const auto type = static_cast<Type>(i * 7 % kTypeCount);
    request.tensors.push_back(
        MakeTensor("t" + std::to_string(i * 29 % 50), type, {1 + i % 4, 3}, seed + 100 * static_cast<uint64_t>(i)));
  }
  request.metadata = {{"step", "1000"}};
  if (!JudgeExact(context, "three tensors of each type, in no order", request)) return;
  // A sink that fails: at the length, in the header, in the data of the first and of the last tensor.
  const std::string file = OracleWrite(request.tensors, request.metadata);
  for (const size_t at : {size_t{0}, size_t{7}, size_t{8}, size_t{100}, file.size() - 400, file.size() - 1}) {
    request.fail_at = static_cast<int64_t>(at);
    if (!JudgeWrite(context, "a sink that fails", request, -EIO)) return;
  }
  request.fail_at = static_cast<int64_t>(file.size());
  JudgeExact(context, "a sink that would fail after the last byte", request);
}

void CheckRoundTrip(CheckContext& context) {
  const uint64_t seed = context.seed();
  const std::string nul(1, '\0');
  WriteRequest request;
  request.tensors = {MakeTensor("", Type::kF32, {3}, seed), MakeTensor("a \"quoted\" name", Type::kF32, {2}, seed + 1),
                     MakeTensor("back\\slash\\\\u0041", Type::kF32, {2}, seed + 2)};
  if (!JudgeRoundTrip(context, "names with quotes and backslashes", request)) return;
  std::string control;
  for (char c = 0; c < 0x20; ++c) control += c;
  request.tensors = {MakeTensor(control + "\x7f", Type::kU8, {5}, seed), MakeTensor(nul, Type::kU8, {6}, seed),
                     MakeTensor("a" + nul + "b", Type::kU8, {7}, seed), MakeTensor("a" + nul, Type::kU8, {8}, seed),
                     MakeTensor("a", Type::kU8, {9}, seed)};
  if (!JudgeRoundTrip(context, "names with control characters", request)) return;
  request.tensors = {MakeTensor("caf\xc3\xa9", Type::kBF16, {5}, seed),
                     MakeTensor("\xe2\x82\xac/\xf0\x9f\x98\x80", Type::kBF16, {6}, seed),
                     MakeTensor("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", Type::kBF16, {7}, seed),
                     MakeTensor(std::string(1000, 'x'), Type::kBF16, {8}, seed),
                     MakeTensor("../a/b", Type::kBF16, {}, seed)};
  request.metadata = {{"quotes \"\\", "line\nfeed"},
                      {nul, nul + nul},
                      {"\xe2\x82\xac", "\xf0\x9f\x98\x80"},
                      {"json", R"({"a":[1,2]})"},
                      {"__metadata__", "x"}};
  if (!JudgeRoundTrip(context, "names and metadata of UTF-8", request)) return;
  request = {};
  for (int i = 0; i < 32; ++i) {
    WriteTensor tensor = MakeTensor("t" + std::to_string(i), static_cast<Type>(i % kTypeCount), {1 + i * 37 % 101},
                                    seed + 1000 * static_cast<uint64_t>(i));
    tensor.misaligned = i % 16;
    request.tensors.push_back(tensor);
  }
  if (!JudgeRoundTrip(context, "data at addresses of every alignment", request)) return;
  request = {};
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto type = static_cast<Type>(workbench::Mix(seed + i) % static_cast<uint64_t>(kTypeCount));
    request.tensors.push_back(
        MakeTensor("model.layers." + std::to_string(i) + ".weight", type, {static_cast<int64_t>(i % 17), 3}, i));
  }
  if (!JudgeRoundTrip(context, "2,000 tensors", request)) return;
  request = {};
  request.tensors = {MakeTensor("large", Type::kF32, {3, 1 << 19}, seed), MakeTensor("small", Type::kU8, {1}, seed)};
  JudgeRoundTrip(context, "6 MiB", request);
}

void CheckTypes(CheckContext& context) {
  using enum FormatError;
  const uint64_t seed = context.seed();
  for (int i = 0; i < kTypeCount; ++i) {
    const auto type = static_cast<Type>(i);
    const std::string name = TypeName(type);
    const int64_t bytes = TypeBytes(type);
    const auto read = [&](const std::string& shape, int64_t end, FormatError expected) {
      const std::string header = "{\"t\":{\"dtype\":\"" + name + "\",\"shape\":" + shape + ",\"data_offsets\":[0," +
                                 std::to_string(end) + "]}}";
      return JudgeFiles(context, name,
                        {MakeFile(name + " of shape " + shape, header, static_cast<uint64_t>(end), expected)});
    };
    if (!read("[3,2]", 6 * bytes, kOk) || !read("[]", bytes, kOk) || !read("[7,0]", 0, kOk)) return;
    if (!read("[3]", 3 * bytes + 1, kTensorInvalidInfo) || !read("[3]", 3 * bytes - 1, kTensorInvalidInfo)) return;
    const int64_t most = std::numeric_limits<int64_t>::max() / bytes;
    if (!read("[" + std::to_string(most) + "]", 1, kTensorInvalidInfo)) return;
    if (bytes > 1 && !read("[" + std::to_string(most + 1) + "]", 1, kValidationOverflow)) return;
    WriteRequest request;
    request.tensors = {MakeTensor("t", type, {5, 3}, seed), MakeTensor("s", type, {}, seed),
                       MakeTensor("e", type, {0}, seed)};
    if (!JudgeRoundTrip(context, name, request)) return;
  }
  for (const int dimensions : {1, 8, 9, 40, 300}) {
    std::vector<int64_t> shape(static_cast<size_t>(dimensions), 1);
    shape.back() = 6;
    WriteRequest request;
    request.tensors = {MakeTensor("t", Type::kBF16, shape, seed)};
    if (!JudgeRoundTrip(context, std::to_string(dimensions) + " dimensions", request)) return;
  }
  // Files that are larger than any memory: their headers say so, and that is right.
  for (const int bits : {31, 32, 40, 62}) {
    const std::string bytes = std::to_string(int64_t{1} << bits);
    const std::string header =
        "{\"t\":{\"dtype\":\"U8\",\"shape\":[" + bytes + "],\"data_offsets\":[0," + bytes + "]}}";
    if (!JudgeFiles(context, bytes, {MakeFile("a tensor of " + bytes + " bytes", header, uint64_t{1} << bits, kOk)})) {
      return;
    }
  }
}

void CheckStrict(CheckContext& context) { JudgeEach(context, StrictCases()); }
void CheckOrder(CheckContext& context) { JudgeEach(context, OrderCases()); }

// A file of repeated pieces, with so many bytes of data.
JudgedFile Large(const std::string& what, const Text& header, uint64_t data, FormatError expected) {
  const uint64_t length = SizeOf(header);
  JudgedFile file{what, {{std::string(reinterpret_cast<const char*>(&length), sizeof length), 1}}, 0, expected, false};
  file.head.insert(file.head.end(), header.begin(), header.end());
  file.bytes = SizeOf(file.head) + data;
  return file;
}

std::string Empty(uint64_t index) {
  return ",\"t" + std::to_string(index) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
}

std::vector<JudgedFile> BoundedFiles() {
  using enum FormatError;
  std::vector<JudgedFile> files;
  // In a file of a few bytes, or in one that is said to be as long as can be.
  for (const uint64_t length : {uint64_t{100'000'000}, uint64_t{100'000'001}, uint64_t{1} << 32, uint64_t{1} << 40,
                                (uint64_t{1} << 63) - 8, uint64_t{1} << 63, ~uint64_t{0} - 7, ~uint64_t{0}}) {
    std::string head(reinterpret_cast<const char*>(&length), sizeof length);
    head += "{}      ";
    const FormatError expected = length > 100'000'000 ? kHeaderTooLarge : kInvalidHeaderLength;
    files.push_back({"a header that says to be of " + std::to_string(length) + " bytes", {{head, 1}}, 16, expected});
    if (length <= 100'000'000) continue;
    files.push_back({"the same, in a file of 2^62 bytes", {{head, 1}}, uint64_t{1} << 62, expected});
  }
  constexpr uint64_t kMany = 1'000'000;
  files.push_back(Large("10^6 times [", {{"[", kMany}}, 0, kInvalidHeader));
  files.push_back(Large("10^6 times { and \"a\":", {{"{\"a\":", kMany}}, 0, kInvalidHeader));
  files.push_back(
      Large("arrays nested 10^6 deep in a shape",
            {{R"({"a":{"dtype":"U8","shape":)", 1}, {"[", kMany}, {"]", kMany}, {R"(,"data_offsets":[0,0]}})", 1}}, 0,
            kInvalidHeader));
  files.push_back(Large("objects nested 10^6 deep in metadata",
                        {{R"({"__metadata__":{"a":)", 1}, {"{\"a\":", kMany}, {"0", 1}, {"}", kMany}, {"}}", 1}}, 0,
                        kInvalidHeader));
  files.push_back(
      Large("arrays nested 10^6 deep in a member that is not known",
            {{R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":)", 1}, {"[", kMany}, {"]", kMany}, {"}}", 1}},
            0, kInvalidHeader));
  files.push_back(
      Large("a shape of 10^6 extents",
            {{R"({"a":{"dtype":"U8","shape":[1)", 1}, {",1", kMany - 1}, {R"(],"data_offsets":[0,1]}})", 1}}, 1, kOk));
  files.push_back(Large("data_offsets of 10^6 numbers",
                        {{R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0)", 1}, {",0", kMany}, {"]}}", 1}}, 0,
                        kInvalidHeader));
  files.push_back(Large("a number of 10^6 digits",
                        {{R"({"a":{"dtype":"U8","shape":[)", 1}, {"1", kMany}, {R"(],"data_offsets":[0,0]}})", 1}}, 0,
                        kInvalidHeader));
  files.push_back(
      Large("a name of 4 MiB",
            {{"{\"", 1}, {"abcdefgh", 1 << 19}, {R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 1}}, 0, kOk));
  files.push_back(Large("a name of 10^6 escapes",
                        {{"{\"", 1}, {"\\u20ac", kMany}, {R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 1}},
                        0, kOk));
  files.push_back(Large("10^6 members of metadata that are the same",
                        {{R"({"__metadata__":{"a":"")", 1}, {R"(,"a":"")", kMany}, {"}}", 1}}, 0, kInvalidHeader));
  files.push_back(Large("padding of 10^6 spaces", {{"{}", 1}, {" ", kMany}}, 0, kOk));
  Text tensors = {{"{\"__metadata__\":{}", 1}};
  for (uint64_t i = 0; i < 100'000; ++i) tensors.push_back({Empty(i), 1});
  tensors.push_back({"}", 1});
  files.push_back(Large("10^5 tensors", {{Flat(tensors), 1}}, 0, kOk));
  tensors.back().text = Empty(4) + "}";
  files.push_back(Large("10^5 tensors, and then one of their names", {{Flat(tensors), 1}}, 0, kInvalidHeader));
  return files;
}

void CheckBounded(CheckContext& context) {
  if (!JudgeEach(context, BoundedFiles())) return;
  if (!context.long_tier()) return;
  // Exactly as long as a header may be, and longer.
  constexpr uint64_t kMost = 100'000'000;
  const std::string rest = R"({"__metadata__":{"a":""}})";
  if (!JudgeEach(context, {Large("a header of 10^8 bytes", {{"{}", 1}, {" ", kMost - 2}}, 0, FormatError::kOk),
                           Large("metadata of 10^8 bytes",
                                 {{rest.substr(0, rest.size() - 3), 1}, {"x", kMost - rest.size()}, {"\"}}", 1}}, 0,
                                 FormatError::kOk)})) {
    return;
  }
  WriteRequest request;
  request.metadata = {{"a", "x"}};
  request.metadata_repeat = kMost - rest.size();
  request.keep = 64;
  if (!JudgeWrite(context, "a header of 10^8 bytes", request, kOk)) return;
  ++request.metadata_repeat;
  JudgeWrite(context, "a header of 10^8 + 1 bytes, before it is padded", request, kInvalid);
}

void CheckFuzz(CheckContext& context) {
  const uint64_t runs = context.long_tier() ? 1'000'000 : 100'000;
  constexpr uint64_t kBatch = 100;
  for (uint64_t first = 0; first < runs; first += kBatch) {
    std::vector<JudgedFile> files;
    for (uint64_t i = 0; i < kBatch; ++i) files.push_back(FuzzFile(context.seed(), first + i));
    const std::string name = "fuzz " + std::to_string(first) + " to " + std::to_string(first + kBatch - 1) +
                             " of seed " + std::to_string(context.seed());
    if (!JudgeFiles(context, name, files)) return;
  }
}

bool JudgeRefused(CheckContext& context, const std::string& what, std::vector<WriteTensor> tensors,
                  std::map<std::string, std::string> metadata = {}) {
  WriteRequest request;
  request.tensors = std::move(tensors);
  request.metadata = std::move(metadata);
  return JudgeWrite(context, what, request, kInvalid);
}

void CheckArguments(CheckContext& context) {
  const uint64_t seed = context.seed();
  const auto tensor = [&](const std::string& name) { return MakeTensor(name, Type::kU8, {4}, seed); };
  const auto shaped = [&](Type type, std::vector<int64_t> shape) {
    return WriteTensor{"t", {type, std::move(shape)}, 0, {}};
  };
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (!JudgeRefused(context, "a name twice", {tensor("a"), tensor("b"), tensor("a")})) return;
  if (!JudgeRefused(context, "a name twice, of different types", {tensor("a"), MakeTensor("a", Type::kF64, {1}, 0)})) {
    return;
  }
  if (!JudgeRefused(context, "__metadata__ as a name", {tensor("__metadata__")})) return;
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "a\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    const std::string shown = Show(bad);
    if (!JudgeRefused(context, "a name that is not UTF-8: " + shown, {tensor(bad)})) return;
    if (!JudgeRefused(context, "a key of metadata that is not UTF-8: " + shown, {tensor("a")}, {{bad, "x"}})) return;
    if (!JudgeRefused(context, "metadata that is not UTF-8: " + shown, {tensor("a")}, {{"x", bad}})) return;
  }
  if (!JudgeRefused(context, "a negative extent", {shaped(Type::kU8, {-1})})) return;
  if (!JudgeRefused(context, "two negative extents", {shaped(Type::kU8, {-2, -2})})) return;
  if (!JudgeRefused(context, "a negative extent, and a zero", {shaped(Type::kU8, {0, -1})})) return;
  if (!JudgeRefused(context, "a shape that is 0 modulo 2^64", {shaped(Type::kU8, {1ll << 32, 1ll << 32})})) return;
  if (!JudgeRefused(context, "a shape that overflows with its type", {shaped(Type::kF64, {1ll << 61})})) return;
  if (!JudgeRefused(context, "a type that does not exist", {shaped(static_cast<Type>(kTypeCount), {0})})) return;
  if (!JudgeRefused(context, "a type that is negative", {shaped(static_cast<Type>(-1), {0})})) return;
  WriteTensor first = shaped(Type::kU8, {kMost}), second = shaped(Type::kU8, {kMost});
  first.name = "first";
  if (!JudgeRefused(context, "tensors of 2^64 - 2 bytes in all", {first, second})) return;
  // What is odd, and right.
  WriteRequest request;
  request.tensors = {shaped(Type::kF64, {kMost, kMost, 0}), tensor("_metadata_"), tensor("dtype")};
  if (!JudgeRoundTrip(context, "an empty tensor with extents that would overflow", request)) return;
  // *file is replaced, and what is behind the header is not the header's.
  std::vector<JudgedFile> files = ReferenceCases();
  std::erase_if(files, [](const JudgedFile& file) { return file.expected != FormatError::kOk; });
  files.push_back(MakeFile("no tensors, in a file that was read into before", "{}", 0, FormatError::kOk));
  files.push_back(MakeFile("one tensor, likewise", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2,
                           FormatError::kOk, true));
  for (JudgedFile& file : files) {
    if (!JudgeFiles(context, file.what, {file}, true)) return;
  }
}

}  // namespace

void AddSafetensorsChecks(std::vector<Check>* checks) {
  const std::vector<Check> own = {
      {{"f.cases",
        "the reference reader's own cases",
        2,
        false,
        {"the order of the errors", "leading white space refused", "shape times type not checked", "padding"}},
       CheckCases},
      {{"f.write",
        "the writer, byte for byte",
        2,
        false,
        {"tensors in another order", "padding to 8 bytes", "members in another order", "a sink's failure not heeded"}},
       CheckWrite},
      {{"f.roundtrip",
        "what is written is read",
        1,
        false,
        {"names not escaped", "names cut at NUL", "data read as wider words from odd addresses"}},
       CheckRoundTrip},
      {{"f.types",
        "every type and shape",
        1,
        false,
        {"a type's name or width", "sizes in 32 bits", "a limit on the number of dimensions"}},
       CheckTypes},
      {{"f.strict",
        "what must be refused, and what must not",
        3,
        false,
        {"duplicates: the last wins", "holes and overlaps accepted", "numbers read as doubles",
         "UTF-8 or escapes not checked"}},
       CheckStrict},
      {{"f.order",
        "which error leads",
        1,
        false,
        {"offsets checked while the header is read", "all offsets checked before all sizes"}},
       CheckOrder},
      {{"f.bounded",
        "memory is bounded by the file",
        1,
        false,
        {"memory taken for what the file says", "recursion as deep as the file says", "time quadratic in the header"}},
       CheckBounded},
      {{"f.fuzz",
        "headers that nobody wrote",
        2,
        false,
        {"white space or order of members assumed", "a rule of JSON forgotten", "reading behind the header"}},
       CheckFuzz},
      {{"f.arguments",
        "arguments that make no sense",
        1,
        false,
        {"a name twice", "names not checked for UTF-8", "negative extents", "*file added to, not replaced"}},
       CheckArguments},
  };
  checks->insert(checks->end(), own.begin(), own.end());
}

}  // namespace q13
