#include "questions/q13_checkpoint/safetensors_cases.h"

#include <cstring>
#include <utility>

namespace q13 {
namespace {

struct HexCase {
  const char* name;
  FormatError expected;
  const char* hex;
};

constexpr HexCase kReferenceCases[] = {
    {"test_serialization.written[0]", FormatError::kOk,
     "40000000000000007b226174746e2e30223a7b226474797065223a22463332222c227368617065223a5b312c322c335d2c22"
     "646174615f6f666673657473223a5b302c32345d7d7d000000000000803f0000004000004040000080400000a040"},
    {"test_empty.written[0]", FormatError::kOk, "08000000000000007b7d202020202020"},
    {"test_serialization_forced_alignement.written[0]", FormatError::kOk,
     "48000000000000007b226174746e30223a7b226474797065223a22463332222c227368617065223a5b312c312c322c335d2c"
     "22646174615f6f666673657473223a5b302c32345d7d7d20202020202020000000000000803f000000400000404000008040"
     "0000a040"},
    {"test_deserialization[0]", FormatError::kOk,
     "3c000000000000007b2274657374223a7b226474797065223a22493332222c227368617065223a5b322c325d2c2264617461"
     "5f6f666673657473223a5b302c31365d7d7d00000000000000000000000000000000"},
    {"test_metadata_incomplete_buffer[0]", FormatError::kMetadataIncomplete,
     "3c000000000000007b2274657374223a7b226474797065223a22493332222c227368617065223a5b322c325d2c2264617461"
     "5f6f666673657473223a5b302c31365d7d7d0000000000000000000000000000000065787472615f626f6775735f64617461"
     "5f666f725f706f6c79676c6f745f66696c65"},
    {"test_header_too_large[0]", FormatError::kHeaderTooLarge,
     "3c00000000ffffff7b2274657374223a7b226474797065223a22493332222c227368617065223a5b322c325d2c2264617461"
     "5f6f666673657473223a5b302c31365d7d7d00000000000000000000000000000000"},
    {"test_invalid_header_length[0]", FormatError::kInvalidHeaderLength, "3c00000000000000"},
    {"test_invalid_header_not_json[0]", FormatError::kInvalidHeader, "01000000000000007b"},
    {"test_whitespace_leading_padded_header[0]", FormatError::kOk, "0600000000000000090a7b7d0d20"},
    {"test_invalid_info[0]", FormatError::kTensorInvalidInfo,
     "3c000000000000007b2274657374223a7b226474797065223a22493332222c227368617065223a5b322c325d2c2264617461"
     "5f6f666673657473223a5b302c20345d7d7d"},
    {"test_validation_overflow[1]", FormatError::kValidationOverflow,
     "4e000000000000007b2274657374223a7b226474797065223a22493332222c227368617065223a5b322c3932323333373230"
     "33363835343737353830375d2c22646174615f6f666673657473223a5b302c31365d7d7d0000000000000000000000000000"
     "0000"},
};

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

WriteTensor FloatsOfReference(const std::string& name, std::vector<int64_t> shape) {
  const float values[6] = {0, 1, 2, 3, 4, 5};
  WriteTensor tensor{name, {Type::kF32, std::move(shape)}, 0, {}};
  tensor.data.resize(sizeof values);
  std::memcpy(tensor.data.data(), values, sizeof values);
  return tensor;
}

}  // namespace

std::vector<JudgedFile> ReferenceCases() {
  std::vector<JudgedFile> files;
  for (const HexCase& one : kReferenceCases) {
    const std::string bytes = FromHex(one.hex);
    files.push_back({std::string("huggingface/safetensors @24b0b285, ") + one.name,
                     {{bytes, 1}},
                     bytes.size(),
                     one.expected,
                     true});
  }
  return files;
}

std::vector<WrittenCase> ReferenceWrites() {
  std::vector<WrittenCase> writes(3);
  for (size_t i = 0; i < writes.size(); ++i) {
    writes[i].name = std::string("huggingface/safetensors @24b0b285, ") + kReferenceCases[i].name;
    writes[i].file = FromHex(kReferenceCases[i].hex);
  }
  writes[0].request.tensors = {FloatsOfReference("attn.0", {1, 2, 3})};
  writes[2].request.tensors = {FloatsOfReference("attn0", {1, 1, 2, 3})};
  return writes;
}

}  // namespace q13
