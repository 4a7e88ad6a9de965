// An answer's reader and writer of safetensors for the command line, to exchange files with other programs
// (docs/results/q13_exchange.py).
//
//   safetensors_tool LIBRARY write FILE   Writes a known set: every type, odd names, metadata.
//   safetensors_tool LIBRARY read FILE    Prints a line for each tensor: "tensor NAME TYPE SHAPE CRC32", names in
//                                         hexadecimal, extents with commas, "-" for none; and "metadata KEY VALUE".
//
// Byte i of tensor k of the known set is 131 i + 17 k + 7 modulo 256; of a BOOL, that modulo 2.
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"

namespace q13 {
namespace {

constexpr const char* kTypes[] = {"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "I16", "U16", "F16",
                                  "BF16", "I32", "U32", "F32",     "F64",     "I64", "U64"};

[[noreturn]] void Give(const std::string& what) {
  std::fprintf(stderr, "safetensors_tool: %s\n", what.c_str());
  std::exit(1);
}

std::string Hex(const std::string& text) {
  std::string hex;
  char digits[3];
  for (const char c : text) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
    hex += digits;
  }
  return hex.empty() ? "-" : hex;
}

// ISO 3309, as zlib's.
uint32_t Crc32(const uint8_t* data, size_t bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320u ^ c >> 1 : c >> 1;
      made[i] = c;
    }
    return made;
  }();
  uint32_t crc = ~0u;
  for (size_t i = 0; i < bytes; ++i) crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
  return ~crc;
}

struct KnownTensor {
  std::string name;
  TensorInfo info;
};

std::vector<KnownTensor> KnownSet() {
  std::vector<KnownTensor> set;
  for (int type = 0; type < static_cast<int>(std::size(kTypes)); ++type) {
    set.push_back({std::string("type.") + kTypes[type], {static_cast<Type>(type), {3, 5, 2}}});
  }
  set.push_back({"scalar", {Type::kBF16, {}}});
  set.push_back({"empty", {Type::kF8E4M3, {4, 0}}});
  set.push_back({"large", {Type::kBF16, {300, 1000}}});
  set.push_back({"quotes \" and \\", {Type::kF16, {7}}});
  set.push_back({"\xe2\x82\xac/\xf0\x9f\x98\x80", {Type::kF8E5M2, {13}}});
  set.push_back({"line\nfeed\ttab\x01", {Type::kU8, {1}}});
  return set;
}

bool Append(void* context, const void* data, size_t bytes) {
  return std::fwrite(data, 1, bytes, static_cast<std::FILE*>(context)) == bytes;
}

void Write(decltype(&q13_safetensors_write) write, const std::string& path) {
  std::vector<std::vector<uint8_t>> memory;
  std::vector<TensorView> views;
  for (const KnownTensor& tensor : KnownSet()) {
    int64_t bytes = TypeBytes(tensor.info.type);
    for (const int64_t extent : tensor.info.shape) bytes *= extent;
    std::vector<uint8_t>& data = memory.emplace_back(static_cast<size_t>(bytes));
    for (size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<uint8_t>(131 * i + 17 * views.size() + 7);
      if (tensor.info.type == Type::kBool) data[i] &= 1;
    }
    views.push_back({tensor.name, tensor.info, data.data()});
  }
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) Give("cannot create " + path);
  const int error = write(views, {{"format", "pt"}}, &Append, file);
  if (error != 0) Give("q13_safetensors_write gave " + std::to_string(error));
  if (std::fclose(file) != 0) Give("cannot write " + path);
}

void Read(decltype(&q13_safetensors_parse) parse, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  struct stat status;
  if (file == nullptr || fstat(fileno(file), &status) != 0) Give("cannot open " + path);
  const auto bytes = static_cast<size_t>(status.st_size);
  void* at = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
  if (at == MAP_FAILED) Give("cannot map " + path);
  SafetensorsFile found;
  const FormatError error = parse(static_cast<const std::byte*>(at), bytes, bytes, &found);
  if (error != FormatError::kOk) Give("q13_safetensors_parse gave " + std::to_string(static_cast<int>(error)));
  for (const auto& [key, value] : found.metadata) std::printf("metadata %s %s\n", Hex(key).c_str(), Hex(value).c_str());
  for (const SafetensorsEntry& tensor : found.tensors) {
    std::string shape;
    for (const int64_t extent : tensor.info.shape) shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    const uint8_t* data = static_cast<const uint8_t*>(at) + tensor.begin;
    std::printf("tensor %s %s %s %08x\n", Hex(tensor.name).c_str(), kTypes[static_cast<size_t>(tensor.info.type)],
                shape.empty() ? "-" : shape.c_str(), Crc32(data, static_cast<size_t>(tensor.end - tensor.begin)));
  }
  munmap(at, bytes);
  std::fclose(file);
}

int Main(int argc, char** argv) {
  if (argc != 4) Give("usage: safetensors_tool LIBRARY write|read FILE");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) Give(dlerror());
  const auto parse = reinterpret_cast<decltype(&q13_safetensors_parse)>(dlsym(library, "q13_safetensors_parse"));
  const auto write = reinterpret_cast<decltype(&q13_safetensors_write)>(dlsym(library, "q13_safetensors_write"));
  if (parse == nullptr || write == nullptr) Give("the library has no q13_safetensors_*");
  const std::string mode = argv[2];
  if (mode == "write") {
    Write(write, argv[3]);
  } else if (mode == "read") {
    Read(parse, argv[3]);
  } else {
    Give("neither write nor read: " + mode);
  }
  return 0;
}

}  // namespace
}  // namespace q13

int main(int argc, char** argv) { return q13::Main(argc, argv); }
