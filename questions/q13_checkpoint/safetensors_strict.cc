// Headers with one thing, or more than one, that is odd.
#include <cstring>

#include "questions/q13_checkpoint/safetensors_cases.h"

namespace q13 {
namespace {

using enum FormatError;

// A tensor's value with this type, shape and offsets, as it is written.
std::string Tensor(const std::string& type, const std::string& shape, const std::string& offsets) {
  return "{\"dtype\":" + type + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}
std::string U8(int64_t begin, int64_t end) {
  return Tensor("\"U8\"", "[" + std::to_string(end - begin) + "]",
                "[" + std::to_string(begin) + "," + std::to_string(end) + "]");
}
// Four bytes, at the beginning of the data.
const std::string& Four() {
  static const std::string* const four = new std::string(U8(0, 4));
  return *four;
}
// A header of one tensor of that name (between quotes), or with that value, and four bytes of data.
JudgedFile Name(const std::string& what, const std::string& name, FormatError expected) {
  return MakeFile(what, "{\"" + name + "\":" + Four() + "}", 4, expected);
}
JudgedFile OneTensor(const std::string& what, const std::string& value, FormatError expected) {
  return MakeFile(what, "{\"a\":" + value + "}", 4, expected);
}
JudgedFile Offsets(const std::string& what, const std::string& offsets, FormatError expected) {
  return OneTensor(what, Tensor("\"U8\"", "[4]", offsets), expected);
}
JudgedFile Shape(const std::string& what, const std::string& shape, FormatError expected) {
  return OneTensor(what, Tensor("\"U8\"", shape, "[0,4]"), expected);
}
JudgedFile Metadata(const std::string& what, const std::string& value, FormatError expected) {
  return MakeFile(what, "{\"__metadata__\":" + value + "}", 0, expected);
}
std::string Nul(const char* before, const char* after) { return std::string(before) + '\0' + after; }

void AddJson(std::vector<JudgedFile>* files) {
  const std::string one = "{\"a\":" + Four() + "}";
  const auto add = [&](const std::string& what, const std::string& header, FormatError expected, uint64_t data = 4) {
    files->push_back(MakeFile(what, header, data, expected));
  };
  add("a header of no bytes", "", kInvalidHeader, 0);
  add("a header of a space alone", " ", kInvalidHeader, 0);
  add("no tensors", "{}", kOk, 0);
  add("no tensors, and white space in the object", "{ \t}", kOk, 0);
  add("a header whose length is no multiple of 8", one, kOk);
  add("leading spaces", "   " + one, kOk);
  add("leading white space of every kind", "\t\r\n " + one, kOk);
  add("trailing white space of every kind", one + "\n\r\t ", kOk);
  add("padding of 4096 spaces", one + std::string(4096, ' '), kOk);
  add("a NUL byte as padding", one + std::string(1, '\0'), kInvalidHeader);
  add("NUL bytes in front", std::string(1, '\0') + one, kInvalidHeader);
  add("a form feed in front", "\f" + one, kInvalidHeader);
  add("a no-break space in front", "\xc2\xa0" + one, kInvalidHeader);
  add("a byte order mark", "\xef\xbb\xbf" + one, kInvalidHeader);
  add("an array", "[]", kInvalidHeader, 0);
  add("a string", "\"a\"", kInvalidHeader, 0);
  add("null", "null", kInvalidHeader, 0);
  add("two objects", one + "{}", kInvalidHeader);
  add("something after the object", one + "x", kInvalidHeader);
  add("a comma after the object", one + ",", kInvalidHeader);
  add("a comma after the last member", "{\"a\":" + Four() + ",}", kInvalidHeader);
  add("a comma in front of the first member", "{,\"a\":" + Four() + "}", kInvalidHeader);
  add("no comma between members", "{\"a\":" + Four() + "\"b\":" + U8(4, 8) + "}", kInvalidHeader, 8);
  add("two commas", "{\"a\":" + Four() + ",,\"b\":" + U8(4, 8) + "}", kInvalidHeader, 8);
  add("no colon", "{\"a\"" + Four() + "}", kInvalidHeader);
  add("a comment", "{/**/\"a\":" + Four() + "}", kInvalidHeader);
  add("a key without quotes", "{a:" + Four() + "}", kInvalidHeader);
  add("a key in single quotes", "{'a':" + Four() + "}", kInvalidHeader);
  add("a number as key", "{1:" + Four() + "}", kInvalidHeader);
  for (size_t cut = 1; cut < one.size(); cut += 3) {
    add("a header cut after " + std::to_string(cut) + " bytes", one.substr(0, cut), kInvalidHeader);
  }
  // The data goes on where the header ends too early: it is not the header's.
  files->push_back(MakeFile("an object that ends in the data", one.substr(0, one.size() - 1), 4, kInvalidHeader, true));
  files->push_back(MakeFile("data that looks like a header", one, 4, kOk, true));
  add("a tensor that is null", "{\"a\":null}", kInvalidHeader, 0);
  add("a tensor that is a number", "{\"a\":0}", kInvalidHeader, 0);
  add("a tensor that is an array", "{\"a\":[\"U8\",[4],[0,4]]}", kInvalidHeader);
}

void AddMembers(std::vector<JudgedFile>* files) {
  const auto add = [&](const std::string& what, const std::string& value, FormatError expected) {
    files->push_back(OneTensor(what, value, expected));
  };
  add("an empty object as tensor", "{}", kInvalidHeader);
  add("no dtype", R"({"shape":[4],"data_offsets":[0,4]})", kInvalidHeader);
  add("no shape", R"({"dtype":"U8","data_offsets":[0,4]})", kInvalidHeader);
  add("no data_offsets", R"({"dtype":"U8","shape":[4]})", kInvalidHeader);
  add("a member that is not known", R"({"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1})", kInvalidHeader);
  add("a member whose name differs in case", R"({"Dtype":"U8","shape":[4],"data_offsets":[0,4]})", kInvalidHeader);
  add("dtype twice", R"({"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]})", kInvalidHeader);
  add("shape twice", R"({"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]})", kInvalidHeader);
  add("data_offsets twice", R"({"dtype":"U8","shape":[4],"data_offsets":[0,4],"data_offsets":[0,4]})", kInvalidHeader);
  for (const char* type :
       {"\"u8\"", "\"FLOAT\"", "\"F8\"", "\"F8_E4M3FN\"", "\"F32 \"", "\"\"", "\"U128\"", "0", "null", "[\"U8\"]"}) {
    files->push_back(OneTensor(std::string("dtype ") + type, Tensor(type, "[4]", "[0,4]"), kInvalidHeader));
  }
  for (const char* offsets : {"[]", "[0]", "[0,4,4]", "null", "{}", "4", "\"0,4\"", "[[0,4]]", "[\"0\",\"4\"]",
                              "[null,4]", "[0,true]", "[0,4,]", "[,0,4]", "[0 4]"}) {
    files->push_back(Offsets(std::string("data_offsets ") + offsets, offsets, kInvalidHeader));
  }
  for (const char* shape : {"null", "{}", "4", "\"4\"", "[[4]]", "[\"4\"]", "[null]", "[true]", "[4,]", "[,4]", "[4"}) {
    files->push_back(Shape(std::string("shape ") + shape, shape, kInvalidHeader));
  }
  for (const char* number : {"-1",
                             "-4",
                             "-0",
                             "+4",
                             "4.0",
                             "4.",
                             ".4",
                             "4e0",
                             "4E0",
                             "0e1",
                             "1e2",
                             "04",
                             "00",
                             "0x4",
                             "4 0",
                             "NaN",
                             "Infinity",
                             "9223372036854775808",
                             "18446744073709551615",
                             "18446744073709551616",
                             "18446744073709551620",
                             "36893488147419103236",
                             "99999999999999999999999999999999999999999"}) {
    files->push_back(Shape(std::string("an extent ") + number, std::string("[") + number + "]", kInvalidHeader));
    files->push_back(Offsets(std::string("an offset ") + number, std::string("[0,") + number + "]", kInvalidHeader));
  }
  files->push_back(Shape("the largest number as extent", "[9223372036854775807]", kTensorInvalidInfo));
  files->push_back(Offsets("the largest number as offset", "[0,9223372036854775807]", kTensorInvalidInfo));
  files->push_back(Offsets("the largest number as both", "[9223372036854775807,9223372036854775807]", kInvalidOffset));
}

void AddNames(std::vector<JudgedFile>* files) {
  const auto add = [&](const std::string& what, const std::string& name, FormatError expected) {
    files->push_back(Name(what, name, expected));
  };
  add("a name of no bytes", "", kOk);
  add("a name with every escape", R"(\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\u20ac)", kOk);
  add("a name with \\u0000", R"(a\u0000b)", kOk);
  add("a surrogate pair", R"(\ud83d\ude00)", kOk);
  add("the last code point, as a pair", R"(\uDBFF\uDFFF)", kOk);
  add("half a pair at the end", R"(\ud83d)", kInvalidHeader);
  add("half a pair, then a letter", R"(\ud83dx)", kInvalidHeader);
  add("half a pair, then another escape", R"(\ud83d\n)", kInvalidHeader);
  add("half a pair, then no second half", R"(\ud83d\u0041)", kInvalidHeader);
  add("two first halves", R"(\ud83d\ud83d)", kInvalidHeader);
  add("a second half alone", R"(\ude00)", kInvalidHeader);
  add("an escape that does not exist", R"(\x41)", kInvalidHeader);
  add("an escaped single quote", R"(\')", kInvalidHeader);
  add("\\u with three digits", R"(\u041)", kInvalidHeader);
  add("\\u with a sign", R"(\u+041)", kInvalidHeader);
  add("\\U", R"(\U0041)", kInvalidHeader);
  add("a raw line feed", "a\nb", kInvalidHeader);
  add("a raw tab", "a\tb", kInvalidHeader);
  add("a raw NUL", Nul("a", "b"), kInvalidHeader);
  add("a raw 0x1f", "\x1f", kInvalidHeader);
  add("a raw DEL", "\x7f", kOk);
  add("UTF-8 of two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", kOk);
  add("the least of each length", "\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80", kOk);
  add("the greatest of each length", "\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf", kOk);
  add("U+D7FF and U+E000", "\xed\x9f\xbf\xee\x80\x80", kOk);
  add("a byte that only follows", "\x80", kInvalidHeader);
  add("a character cut by the quote", "\xc3", kInvalidHeader);
  add("a character of three bytes cut after two", "\xe2\x82", kInvalidHeader);
  add("a character cut by an escape", "\xc3\\u0029", kInvalidHeader);
  add("two bytes for an ASCII character", "\xc1\x81", kInvalidHeader);
  add("NUL in two bytes", "\xc0\x80", kInvalidHeader);
  add("three bytes for what needs two", "\xe0\x9f\xbf", kInvalidHeader);
  add("four bytes for what needs three", "\xf0\x8f\xbf\xbf", kInvalidHeader);
  add("a surrogate in UTF-8", "\xed\xa0\x80", kInvalidHeader);
  add("a pair of surrogates in UTF-8", "\xed\xa0\xbd\xed\xb8\x80", kInvalidHeader);
  add("U+110000", "\xf4\x90\x80\x80", kInvalidHeader);
  add("five bytes", "\xf8\x88\x80\x80\x80", kInvalidHeader);
  add("0xff", "\xff", kInvalidHeader);
  add("Latin-1", "caf\xe9", kInvalidHeader);
  const auto two = [&](const std::string& what, const std::string& first, const std::string& second,
                       FormatError expected) {
    files->push_back(
        MakeFile(what, "{\"" + first + "\":" + Four() + ",\"" + second + "\":" + U8(4, 8) + "}", 8, expected));
  };
  two("two tensors", "a", "b", kOk);
  two("the same name twice", "a", "a", kInvalidHeader);
  two("the same name twice, once with an escape", "a", R"(\u0061)", kInvalidHeader);
  two("the same name twice, escapes in another case", R"(\u00E9)", "\xc3\xa9", kInvalidHeader);
  two("no name, twice", "", "", kInvalidHeader);
  two("names that differ behind a NUL", R"(a\u0000b)", R"(a\u0000c)", kOk);
  two("names that differ in case", "a", "A", kOk);
  two("names that look alike", "\xc3\xa9", "e\xcc\x81", kOk);
  files->push_back(MakeFile("the same name twice, not side by side",
                            "{\"a\":" + Four() + ",\"b\":" + U8(4, 8) + ",\"a\":" + U8(8, 12) + "}", 12,
                            kInvalidHeader));
  files->push_back(
      MakeFile("the same tensor twice, offsets too", "{\"a\":" + Four() + ",\"a\":" + Four() + "}", 4, kInvalidHeader));
}

void AddMetadata(std::vector<JudgedFile>* files) {
  const auto add = [&](const std::string& what, const std::string& value, FormatError expected) {
    files->push_back(Metadata(what, value, expected));
  };
  add("metadata of nothing", "{}", kOk);
  add("metadata", R"({"format":"pt","":""})", kOk);
  add("metadata with escapes", R"({"a\u0000\n":"\ud83d\ude00\"","b":"{\"c\":[1,2]}"})", kOk);
  add("metadata that is null", "null", kInvalidHeader);
  add("metadata that is an array", "[]", kInvalidHeader);
  add("metadata that is a string", "\"pt\"", kInvalidHeader);
  for (const char* value : {"1", "null", "true", "{}", "[\"pt\"]"}) {
    add(std::string("a value of metadata that is ") + value, std::string("{\"format\":") + value + "}", kInvalidHeader);
  }
  add("a member of metadata twice", R"({"a":"1","a":"2"})", kInvalidHeader);
  add("a member of metadata twice, the same value", R"({"a":"1","a":"1"})", kInvalidHeader);
  add("a member of metadata twice, once with an escape", R"({"a":"1","\u0061":"2"})", kInvalidHeader);
  add("metadata that is not UTF-8", "{\"a\":\"\xff\"}", kInvalidHeader);
  add("metadata with a key that is not UTF-8", "{\"\xff\":\"a\"}", kInvalidHeader);
  add("a tensor's members as metadata", Tensor("\"U8\"", "[0]", "[0,0]"), kInvalidHeader);
  const auto whole = [&](const std::string& what, const std::string& header, FormatError expected) {
    files->push_back(MakeFile(what, header, 4, expected));
  };
  whole("metadata behind the tensors", "{\"a\":" + Four() + R"(,"__metadata__":{"k":"v"}})", kOk);
  whole("__metadata__ written with an escape", R"({"\u005f_metadata__":{"k":"v"},"a":)" + Four() + "}", kOk);
  whole("__metadata__ twice", R"({"__metadata__":{},"a":)" + Four() + R"(,"__metadata__":{}})", kInvalidHeader);
  whole("__metadata__ as a member of metadata", R"({"__metadata__":{"__metadata__":"x"},"a":)" + Four() + "}", kOk);
  whole("__metadata__ as a tensor", R"({"__metadata__":)" + Four() + "}", kInvalidHeader);
  whole("_metadata_ as a tensor", R"({"_metadata_":)" + Four() + "}", kOk);
  whole("dtype as a tensor's name", R"({"dtype":)" + Four() + "}", kOk);
}

void AddOffsets(std::vector<JudgedFile>* files) {
  const auto two = [&](const std::string& what, const std::string& a, const std::string& b, uint64_t data,
                       FormatError expected) {
    files->push_back(MakeFile(what, "{\"a\":" + a + ",\"b\":" + b + "}", data, expected));
  };
  const std::string none = Tensor("\"U8\"", "[0]", "[0,0]");
  two("the second tensor's data first", U8(4, 8), U8(0, 4), 8, kOk);
  two("a hole between the tensors", U8(0, 4), U8(5, 9), 9, kInvalidOffset);
  two("a hole of 8 bytes, to align the second", U8(0, 4), U8(8, 12), 12, kInvalidOffset);
  two("an overlap of one byte", U8(0, 4), U8(3, 7), 7, kInvalidOffset);
  two("a tensor inside another", U8(0, 8), U8(2, 4), 8, kInvalidOffset);
  two("an alias: the same bytes twice", U8(0, 4), U8(0, 4), 4, kInvalidOffset);
  two("the second begins where the first does", U8(0, 4), U8(0, 8), 8, kInvalidOffset);
  files->push_back(MakeFile("a hole at the beginning", "{\"a\":" + U8(1, 5) + "}", 5, kInvalidOffset));
  files->push_back(MakeFile("offsets of the file, not of the data",
                            "{\"a\":" + Tensor("\"U8\"", "[4]", "[65,69]") + "}", 4, kInvalidOffset));
  files->push_back(Offsets("an end in front of the beginning", "[4,0]", kInvalidOffset));
  files->push_back(Offsets("an empty range, not at the beginning", "[4,4]", kInvalidOffset));
  files->push_back(MakeFile("one byte behind the last tensor", "{\"a\":" + Four() + "}", 5, kMetadataIncomplete));
  files->push_back(MakeFile("a file that is one byte short", "{\"a\":" + Four() + "}", 3, kMetadataIncomplete));
  files->push_back(MakeFile("a file without its data", "{\"a\":" + Four() + "}", 0, kMetadataIncomplete));
  files->push_back(MakeFile("data without tensors", "{}", 1, kMetadataIncomplete));
  files->push_back(MakeFile("data, and metadata alone", R"({"__metadata__":{}})", 8, kMetadataIncomplete));
  files->push_back(Shape("a scalar of four bytes for one", "[]", kTensorInvalidInfo));
  files->push_back(Shape("a shape that is too small", "[3]", kTensorInvalidInfo));
  files->push_back(Shape("a shape with a zero, and data", "[4,0]", kTensorInvalidInfo));
  files->push_back(OneTensor("a type that is too wide", Tensor("\"U16\"", "[4]", "[0,4]"), kTensorInvalidInfo));
  files->push_back(OneTensor("a scalar", Tensor("\"F32\"", "[]", "[0,4]"), kOk));
  files->push_back(OneTensor("a scalar with extents of 1", Tensor("\"F32\"", "[1,1,1]", "[0,4]"), kOk));
  files->push_back(OneTensor("a product that is 4 modulo 2^64", Tensor("\"U8\"", "[4611686018427387905,4]", "[0,4]"),
                             kValidationOverflow));
  files->push_back(OneTensor("a product that is 4 modulo 2^64 by the type",
                             Tensor("\"F32\"", "[4611686018427387905]", "[0,4]"), kValidationOverflow));
  files->push_back(
      OneTensor("a product of 2^63", Tensor("\"U8\"", "[4294967296,2147483648]", "[0,4]"), kValidationOverflow));
  files->push_back(
      OneTensor("a product of 2^64", Tensor("\"F64\"", "[2305843009213693952]", "[0,0]"), kValidationOverflow));
  files->push_back(
      OneTensor("a product of 2^63 - 1", Tensor("\"U8\"", "[9223372036854775807]", "[0,4]"), kTensorInvalidInfo));
  const auto empty = [&](const std::string& what, const std::string& shape) {
    files->push_back(MakeFile(what, "{\"a\":" + Tensor("\"F64\"", shape, "[0,0]") + "}", 0, kOk));
  };
  empty("an empty tensor", "[0]");
  empty("an empty tensor with extents that would overflow", "[0,9223372036854775807,9223372036854775807]");
  empty("the same, with the zero last", "[9223372036854775807,9223372036854775807,0]");
  two("an empty tensor that begins where another does", none, U8(0, 4), 4, kOk);
  two("the same, and its name comes later", U8(0, 4), none, 4, kOk);
  two("an empty tensor at the end", U8(0, 4), Tensor("\"U8\"", "[0]", "[4,4]"), 4, kOk);
  two("two empty tensors at one place", none, none, 0, kOk);
  two("an empty tensor inside another", U8(0, 4), Tensor("\"U8\"", "[0]", "[2,2]"), 4, kInvalidOffset);
  two("an empty tensor behind the end", U8(0, 4), Tensor("\"U8\"", "[0]", "[5,5]"), 4, kInvalidOffset);
  two("eight bytes at an odd offset", U8(0, 1), Tensor("\"F64\"", "[1]", "[1,9]"), 9, kOk);
}

}  // namespace

std::vector<JudgedFile> StrictCases() {
  std::vector<JudgedFile> files;
  AddJson(&files);
  AddMembers(&files);
  AddNames(&files);
  AddMetadata(&files);
  AddOffsets(&files);
  return files;
}

std::vector<JudgedFile> OrderCases() {
  const std::string overflow = Tensor("\"U8\"", "[4294967296,4294967296]", "[4,8]");
  const std::string wrong_size = Tensor("\"U8\"", "[5]", "[4,8]");
  const std::string not_known = Tensor("\"X\"", "[4]", "[0,4]");
  std::vector<JudgedFile> files;
  const auto raw = [&](const std::string& what, uint64_t length, const std::string& header, uint64_t bytes,
                       FormatError expected) {
    std::string head(reinterpret_cast<const char*>(&length), sizeof length);
    head = (head + header).substr(0, bytes);
    files.push_back({what, {{head, 1}}, bytes, expected, true});
  };
  raw("a file of no bytes", 0, "", 0, kHeaderTooSmall);
  raw("seven bytes, of a length that is too large", ~uint64_t{0}, "", 7, kHeaderTooSmall);
  raw("a length that is too large, and no header", 100'000'001, "", 8, kHeaderTooLarge);
  raw("a length of 2^64 - 8, which wraps to 0", ~uint64_t{7}, "{}", 10, kHeaderTooLarge);
  raw("a length of 2^63", uint64_t{1} << 63, "{}", 10, kHeaderTooLarge);
  raw("a length that is right, and no header", 1'000'000, "{}", 10, kInvalidHeaderLength);
  raw("a header that is short by a byte, and no JSON", 3, "x}", 10, kInvalidHeaderLength);
  const auto add = [&](const std::string& what, const std::string& header, uint64_t data, FormatError expected) {
    files.push_back(MakeFile(what, header, data, expected));
  };
  const auto two = [&](const std::string& what, const std::string& a, const std::string& b, uint64_t data,
                       FormatError expected) { add(what, "{\"a\":" + a + ",\"b\":" + b + "}", data, expected); };
  two("a hole, then a type that is not known", U8(4, 8), not_known, 8, kInvalidHeader);
  two("an overflow, then a type that is not known", overflow, not_known, 8, kInvalidHeader);
  two("a wrong size, then a name twice", wrong_size, U8(0, 4) + ",\"a\":" + U8(8, 9), 9, kInvalidHeader);
  add("a hole, then something after the object", "{\"a\":" + U8(1, 2) + "}x", 2, kInvalidHeader);
  add("a hole, then metadata that is no object", "{\"a\":" + U8(1, 2) + ",\"__metadata__\":0}", 2, kInvalidHeader);
  add("trailing bytes, and no JSON", "{", 3, kInvalidHeader);
  two("an overflow at 4, a hole at 9", overflow, U8(9, 10) + ",\"c\":" + U8(0, 4), 10, kValidationOverflow);
  two("a wrong size at 4, a hole at 9", wrong_size, U8(9, 10) + ",\"c\":" + U8(0, 4), 10, kTensorInvalidInfo);
  two("a wrong size at 4, an overflow at 8", wrong_size,
      Tensor("\"U8\"", "[4294967296,4294967296]", "[8,12]") + ",\"c\":" + U8(0, 4), 12, kTensorInvalidInfo);
  two("an overflow at 4, a wrong size at 0", overflow, Tensor("\"U8\"", "[5]", "[0,4]"), 8, kTensorInvalidInfo);
  two("a hole in front of a tensor of a wrong size", U8(0, 3), wrong_size, 8, kInvalidOffset);
  two("a hole in front of a tensor that overflows", U8(0, 3), overflow, 8, kInvalidOffset);
  two("an end in front of its beginning, and a wrong size", U8(0, 4), Tensor("\"U8\"", "[5]", "[4,3]"), 4,
      kInvalidOffset);
  two("a wrong size, and trailing bytes", U8(0, 4), wrong_size, 100, kTensorInvalidInfo);
  two("a hole, and a file that is cut", U8(0, 4), U8(5, 9), 4, kInvalidOffset);
  two("an overflow, and a file that is cut", U8(0, 4), overflow, 0, kValidationOverflow);
  two("aliases, the first by name of a wrong size", Tensor("\"U8\"", "[5]", "[0,4]"), U8(0, 4), 4, kTensorInvalidInfo);
  two("aliases, the second by name of a wrong size", U8(0, 4), Tensor("\"U8\"", "[5]", "[0,4]"), 4, kInvalidOffset);
  two("the later name at the same beginning ends first, and is of a wrong size", U8(0, 4),
      Tensor("\"U8\"", "[5]", "[0,2]"), 4, kTensorInvalidInfo);
  return files;
}

}  // namespace q13
