#include "questions/q13_checkpoint/safetensors_judge.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "grader/inputs.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr double kDeadline = 30;
constexpr char kReadsRight[] = "the reader finds what the file says, and what is wrong with it";
constexpr char kWritesRight[] = "the writer writes the file that api.h describes";

std::string ShowShape(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size() && i < 12; ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  if (shape.size() > 12) text += ", ... " + std::to_string(shape.size()) + " in all";
  return text + "]";
}

std::string ShowTensor(const SafetensorsEntry& tensor) {
  return "\"" + Show(tensor.name, 60) + "\" " + TypeName(tensor.info.type) + " " + ShowShape(tensor.info.shape) +
         " at [" + std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + ") of the file";
}

CheckContext::Inputs InputsOf(const JudgedFile& file) {
  // The header itself and the beginning of the data are enough to make the case again, if it is short.
  std::string shown;
  for (const Repeated& part : file.head) {
    shown += Show(part.text, 400);
    if (part.count != 1) shown += " (" + std::to_string(part.count) + " times)";
  }
  return {{"file", file.what},
          {"head", shown},
          {"head_bytes", std::to_string(SizeOf(file.head))},
          {"bytes of the file", std::to_string(file.bytes)}};
}

void FailRead(CheckContext& context, const JudgedFile& file, const std::string& expected, const std::string& actual,
              const std::string& detail) {
  Finding finding;
  finding.property = kReadsRight;
  finding.input = InputsOf(file);
  finding.expected = expected;
  finding.actual = actual;
  finding.detail = detail;
  context.Fail(std::move(finding));
}

// What differs between the files' contents; false: nothing.
bool Differs(const SafetensorsFile& expected, const SafetensorsFile& actual, std::string* should, std::string* is) {
  const auto same = [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return a.name == b.name && a.info.type == b.info.type && a.info.shape == b.info.shape && a.begin == b.begin &&
           a.end == b.end;
  };
  const size_t both = std::min(expected.tensors.size(), actual.tensors.size());
  for (size_t i = 0; i < both; ++i) {
    if (same(expected.tensors[i], actual.tensors[i])) continue;
    *should = "tensor " + std::to_string(i) + ": " + ShowTensor(expected.tensors[i]);
    *is = "tensor " + std::to_string(i) + ": " + ShowTensor(actual.tensors[i]);
    return true;
  }
  if (expected.tensors.size() != actual.tensors.size()) {
    *should = std::to_string(expected.tensors.size()) + " tensors";
    *is = std::to_string(actual.tensors.size()) + " tensors";
    return true;
  }
  if (expected.metadata == actual.metadata) return false;
  const auto show = [](const std::map<std::string, std::string>& metadata) {
    std::string text = std::to_string(metadata.size()) + " members of metadata";
    for (const auto& [key, value] : metadata) {
      if (text.size() > 400) break;
      text += ", \"" + Show(key, 60) + "\": \"" + Show(value, 60) + "\"";
    }
    return text;
  };
  *should = show(expected.metadata);
  *is = show(actual.metadata);
  return true;
}

// False when a failure was recorded.
bool JudgeOne(CheckContext& context, const JudgedFile& file, const ParseReply& reply) {
  OracleFile oracle;
  if (!file.expected || (*file.expected == FormatError::kOk && file.content)) {
    oracle = OracleParse(Flat(file.head), file.bytes);
  }
  const FormatError expected = file.expected.value_or(oracle.error);
  const std::string why = oracle.why.empty() ? file.what : oracle.why;
  const std::string should = FormatErrorName(expected);
  if (reply.end == CallEnd::kOutOfMemory) {
    FailRead(context, file, should,
             "memory: it asked for more than " + std::to_string(MemoryAllowance(SizeOf(file.head))) +
                 " bytes, which is 64 MiB and 64 times what there is to be read",
             "memory has to be bounded by the file, whatever it says");
    return false;
  }
  if (reply.error != expected) {
    FailRead(context, file, should,
             std::string(FormatErrorName(reply.error)) + " (" + std::to_string(static_cast<int>(reply.error)) + ")",
             why);
    return false;
  }
  if (expected != FormatError::kOk || !file.content) return true;
  std::string content, actual;
  if (!Differs(oracle.file, reply.file, &content, &actual)) return true;
  FailRead(context, file, content, actual, "the error is right (kOk), what was found is not");
  return false;
}

bool RunParse(CheckContext& context, const CheckContext::Inputs& inputs, const ParseRequest& request,
              std::vector<ParseReply>* replies) {
  CheckContext::Replies raw;
  if (!context.Run("f", 0, Encode(request), kDeadline, inputs, &raw)) return false;
  Reader reader(raw[0]);
  replies->assign(request.cases.size(), {});
  bool ok = true;
  for (ParseReply& reply : *replies) ok = ok && ReadReply(&reader, &reply);
  if (ok && reader.done()) return true;
  Finding finding;
  finding.kind = workbench::VerdictKind::kGraderFault;
  finding.property = "the runner's reply can be read";
  finding.input = inputs;
  context.Fail(std::move(finding));
  return false;
}

CheckContext::Inputs InputsOf(const std::string& what, const WriteRequest& request) {
  CheckContext::Inputs inputs = {{"written", what}, {"tensors", std::to_string(request.tensors.size())}};
  std::string shown;
  for (const WriteTensor& tensor : request.tensors) {
    if (shown.size() > 400) {
      shown += ", ...";
      break;
    }
    shown += (shown.empty() ? "\"" : ", \"") + Show(tensor.name, 60) + "\" " + TypeName(tensor.info.type) + " " +
             ShowShape(tensor.info.shape);
  }
  inputs.emplace_back("they are", shown);
  if (!request.metadata.empty()) {
    inputs.emplace_back("metadata", std::to_string(request.metadata.size()) + " members, the first is \"" +
                                        Show(request.metadata.begin()->first, 60) + "\"");
  }
  if (request.fail_at >= 0) inputs.emplace_back("the sink fails at byte", std::to_string(request.fail_at));
  return inputs;
}

void FailWrite(CheckContext& context, const std::string& what, const WriteRequest& request, const std::string& expected,
               const std::string& actual, const std::string& detail = "") {
  Finding finding;
  finding.property = kWritesRight;
  finding.input = InputsOf(what, request);
  finding.expected = expected;
  finding.actual = actual;
  finding.detail = detail;
  context.Fail(std::move(finding));
}

std::string ResultName(int32_t result) {
  return result == kOk ? "0" : result == kInvalid ? "kInvalid" : result == -EIO ? "-EIO" : std::to_string(result);
}

std::string TextOf(const std::vector<std::byte>& bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

std::string Show(const std::string& text, size_t most) {
  std::string shown;
  for (size_t i = 0; i < text.size() && i < most; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      shown += text[i];
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, byte == '\\' ? "\\\\" : "\\x%02x", byte);
    shown += escaped;
  }
  if (text.size() > most) shown += "... (" + std::to_string(text.size()) + " bytes)";
  return shown;
}

std::string Flat(const Text& text) {
  std::string flat;
  flat.reserve(SizeOf(text));
  for (const Repeated& part : text) {
    for (uint64_t i = 0; i < part.count; ++i) flat += part.text;
  }
  return flat;
}

JudgedFile MakeFile(const std::string& what, const std::string& header, uint64_t data_bytes,
                    std::optional<FormatError> expected, bool with_data) {
  const uint64_t length = header.size();
  std::string head(reinterpret_cast<const char*>(&length), sizeof length);
  head += header;
  if (with_data) head.append(data_bytes, '{');  // of a reader that goes on, an unbalanced one
  return {what, {{head, 1}}, 8 + length + data_bytes, expected, true};
}

bool JudgeFiles(CheckContext& context, const std::string& name, const std::vector<JudgedFile>& files, bool stale) {
  ParseRequest request;
  request.stale = stale ? 1 : 0;
  for (const JudgedFile& file : files) request.cases.push_back({file.head, file.bytes});
  CheckContext::Inputs inputs = {{"files", name}};
  if (files.size() == 1) inputs = InputsOf(files[0]);
  std::vector<ParseReply> replies;
  if (!RunParse(context, inputs, request, &replies)) return false;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!JudgeOne(context, files[i], replies[i])) return false;
  }
  return true;
}

bool RunWrite(CheckContext& context, const std::string& what, const WriteRequest& request, WriteReply* reply) {
  CheckContext::Replies raw;
  if (!context.Run("f", 0, Encode(request), kDeadline, InputsOf(what, request), &raw)) return false;
  Reader reader(raw[0]);
  if (!ReadReply(&reader, reply)) {
    Finding finding;
    finding.kind = workbench::VerdictKind::kGraderFault;
    finding.property = "the runner's reply can be read";
    context.Fail(std::move(finding));
    return false;
  }
  if (reply->end == CallEnd::kReturned) return true;
  FailWrite(context, what, request, "a result", "it ran out of memory");
  return false;
}

bool JudgeWrite(CheckContext& context, const std::string& what, const WriteRequest& request, int32_t result,
                const std::string& file) {
  WriteReply reply;
  if (!RunWrite(context, what, request, &reply)) return false;
  if (reply.result != result) {
    FailWrite(context, what, request, ResultName(result), ResultName(reply.result), "the result of the call");
    return false;
  }
  if (result == kInvalid && reply.bytes > 0) {
    FailWrite(context, what, request, "nothing is written", std::to_string(reply.bytes) + " bytes",
              "the result is right (kInvalid), but it has to be found before");
    return false;
  }
  if (reply.calls_after > 0) {
    FailWrite(context, what, request, "no call of the sink after it has failed",
              std::to_string(reply.calls_after) + " calls");
    return false;
  }
  if (result != kOk || file.empty()) return true;
  const std::string written = TextOf(reply.file);
  if (written == file) return true;
  const size_t both = std::min(written.size(), file.size());
  const auto at = static_cast<size_t>(
      std::mismatch(file.begin(), file.begin() + static_cast<int64_t>(both), written.begin()).first - file.begin());
  const size_t from = at < 24 ? 0 : at - 24;
  const auto around = [&](const std::string& text) {
    return std::to_string(text.size()) + " bytes; from " + std::to_string(std::min(from, text.size())) +
           " on: " + Show(text.substr(std::min(from, text.size()), 96));
  };
  FailWrite(context, what, request, around(file), around(written),
            "the first byte that differs is " + std::to_string(at));
  return false;
}

bool JudgeRoundTrip(CheckContext& context, const std::string& what, const WriteRequest& request) {
  WriteReply reply;
  if (!RunWrite(context, what, request, &reply)) return false;
  if (reply.result != kOk) {
    FailWrite(context, what, request, "0", ResultName(reply.result), "the result of the call");
    return false;
  }
  const std::string written = TextOf(reply.file);
  JudgedFile file{"what was written: " + what, {{written, 1}}, written.size(), FormatError::kOk, true};
  const OracleFile oracle = OracleParse(written, written.size());
  if (oracle.error != FormatError::kOk) {
    FailWrite(context, what, request, "a file that can be read",
              std::string(FormatErrorName(oracle.error)) + ": " + oracle.why, "it begins: " + Show(written));
    return false;
  }
  std::vector<WriteTensor> sorted = request.tensors;
  OracleSort(&sorted);
  uint64_t length = 0;
  std::memcpy(&length, written.data(), sizeof length);
  SafetensorsFile expected;
  expected.metadata = request.metadata;
  int64_t at = static_cast<int64_t>(8 + length);
  for (const WriteTensor& tensor : sorted) {
    const int64_t end = at + static_cast<int64_t>(tensor.data.size());
    expected.tensors.push_back({tensor.name, tensor.info, at, end});
    at = end;
  }
  std::stable_sort(expected.tensors.begin(), expected.tensors.end(),
                   [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                     return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
                   });
  std::string should, is;
  if (Differs(expected, oracle.file, &should, &is)) {
    FailWrite(context, what, request, should, is, "as the file is read; it begins: " + Show(written));
    return false;
  }
  at = static_cast<int64_t>(8 + length);
  for (const WriteTensor& tensor : sorted) {
    const auto* data = reply.file.data() + at;
    for (size_t i = 0; i < tensor.data.size(); ++i) {
      if (data[i] == tensor.data[i]) continue;
      FailWrite(context, what, request, std::to_string(std::to_integer<int>(tensor.data[i])),
                std::to_string(std::to_integer<int>(data[i])),
                "byte " + std::to_string(i) + " of tensor \"" + Show(tensor.name, 60) + "\", byte " +
                    std::to_string(at + static_cast<int64_t>(i)) + " of the file");
      return false;
    }
    at += static_cast<int64_t>(tensor.data.size());
  }
  return JudgeFiles(context, file.what, {file});
}

WriteTensor MakeTensor(const std::string& name, Type type, std::vector<int64_t> shape, uint64_t seed) {
  WriteTensor tensor;
  tensor.name = name;
  tensor.info = {type, std::move(shape)};
  int64_t bytes = TypeBytes(type);
  for (const int64_t extent : tensor.info.shape) bytes *= extent;
  tensor.data.resize(static_cast<size_t>(bytes));
  for (size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<std::byte>(workbench::Mix(seed + i));
  return tensor;
}

}  // namespace q13
