#include "questions/q13_checkpoint/compress_judge.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>

#include "harness/device/device_call.h"
#include "harness/workloads/trained_tensors.h"

namespace q13 {

using workbench::CheckContext;
using workbench::Finding;

namespace {

constexpr double kDeadlineSeconds = 60;
// Answers of q13_*, which the judge knows without the CUDA headers.
constexpr int32_t kResultOk = 0, kResultNotFound = 1, kResultDamaged = 2, kResultInvalid = 3;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::string Hex(std::byte b) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%02x", static_cast<unsigned>(b));
  return text;
}

// Tells the first byte that differs.
bool JudgeBytes(CheckContext& context, const std::string& property, const CompressInputs& inputs, const Bytes& expected,
                std::span<const std::byte> actual) {
  Finding finding;
  size_t differing = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (actual[i] == expected[i]) continue;
    if (differing++ > 0) continue;
    finding.index = i;
    finding.expected = Hex(expected[i]);
    finding.actual = Hex(actual[i]);
  }
  if (differing == 0) return true;
  finding.property = property;
  finding.input = inputs;
  finding.differing = differing;
  finding.total = expected.size();
  finding.detail = "index, expected and actual are those of the first byte that differs";
  context.Fail(finding);
  return false;
}

}  // namespace

// ---- Data

CompressData RandomData(size_t elements, int element_bytes, uint64_t seed) {
  return {"random bytes", element_bytes, workbench::RandomBytes(elements * static_cast<size_t>(element_bytes), seed)};
}

CompressData SmoothData(size_t elements, int element_bytes, uint64_t seed) {
  CompressData data = RandomData(elements, element_bytes, seed);
  data.what = "upper bytes that change slowly, random lowest ones";
  const auto width = static_cast<size_t>(element_bytes);
  for (size_t i = 0; i < elements; ++i) {
    for (size_t j = width == 1 ? 0 : 1; j < width; ++j) {
      data.bytes[i * width + j] = static_cast<std::byte>((i / 50 + seed) % 7 + 10 * j);
    }
  }
  return data;
}

CompressData WordsData(size_t bytes, uint64_t seed) {
  constexpr size_t kWords = 4000;
  std::mt19937_64 random(seed);
  std::vector<std::string> words(kWords);
  for (std::string& word : words) {
    const size_t length = 2 + random() % 9;
    while (word.size() < length) word += static_cast<char>('a' + random() % 26);
    word += ' ';
  }
  CompressData data;
  data.what = "words, some frequent and most rare";
  while (data.bytes.size() < bytes) {
    const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
    const std::string& word = words[static_cast<size_t>(kWords * uniform * uniform * uniform)];
    const auto* text = reinterpret_cast<const std::byte*>(word.data());
    data.bytes.insert(data.bytes.end(), text, text + word.size());
  }
  data.bytes.resize(bytes);
  return data;
}

size_t Affordable(const CheckContext& context, size_t gpu, size_t cpu, size_t checked) {
  return context.checked() ? checked : context.kernels_on_cpu() ? cpu : gpu;
}

// ---- Oracles

Bytes PlanesOf(const CompressData& data) {
  const auto width = static_cast<size_t>(data.element_bytes);
  Bytes planes(data.bytes.size());
  for (size_t i = 0; i < data.elements(); ++i) {
    for (size_t j = 0; j < width; ++j) planes[j * data.elements() + i] = data.bytes[i * width + j];
  }
  return planes;
}

size_t ZlibSize(const Bytes& bytes, int level, double* cpu_seconds) {
  uLongf size = compressBound(bytes.size());
  std::vector<Bytef> out(size);
  const double begin = CpuSeconds();
  compress2(out.data(), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), level);
  if (cpu_seconds != nullptr) *cpu_seconds = CpuSeconds() - begin;
  return size;
}

size_t ZstdSize(const Bytes& bytes, int level, double* cpu_seconds) {
  Bytes out(ZSTD_compressBound(bytes.size()));
  const double begin = CpuSeconds();
  const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (cpu_seconds != nullptr) *cpu_seconds = CpuSeconds() - begin;
  return size;
}

size_t LargestStream(size_t bytes) { return bytes + 64 + bytes / 256; }

// ---- Calls

std::string ResultName(int32_t result) {
  switch (result) {
    case kResultOk:
      return "kOk (0)";
    case kResultNotFound:
      return "kNotFound (1)";
    case kResultDamaged:
      return "kDamaged (2)";
    case kResultInvalid:
      return "kInvalid (3)";
    case kThrewException:
      return "nothing: an exception left it";
    default:
      return std::to_string(result) + (result < 0 ? " (" + std::string(std::strerror(-result)) + ")" : "");
  }
}

std::string Percent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * fraction);
  return text;
}

CompressInputs Describe(const CompressData& data) {
  return {{"data", data.what},
          {"elements", std::to_string(data.elements())},
          {"element_bytes", std::to_string(data.element_bytes)}};
}

bool FailCompress(CheckContext& context, const std::string& property, const CompressInputs& inputs,
                  const std::string& expected, const std::string& actual, const std::string& detail) {
  Finding finding;
  finding.property = property;
  finding.input = inputs;
  finding.expected = expected;
  finding.actual = actual;
  finding.detail = detail;
  context.Fail(finding);
  return false;
}

bool JudgePlanes(CheckContext& context, const CompressData& data, bool join, uint32_t in_offset, uint32_t out_offset) {
  const std::string function = join ? "q13_join_planes" : "q13_split_planes";
  CompressInputs inputs = Describe(data);
  inputs.insert(inputs.begin(), {"function", function});
  inputs.emplace_back("input", std::to_string(in_offset) + " bytes from an aligned address");
  inputs.emplace_back("output", std::to_string(out_offset) + " bytes from one");
  const Bytes planes = PlanesOf(data);
  const Bytes &in = join ? planes : data.bytes, &expected = join ? data.bytes : planes;

  workbench::DeviceCall call;
  call.Input(in.data(), in.size(), in_offset);
  const int output = call.Output(in.size(), out_offset);
  PlanesParameters parameters;
  parameters.elements = data.elements();
  parameters.element_bytes = data.element_bytes;
  parameters.join = join ? 1 : 0;
  Bytes request = StartCompressRequest(CompressMode::kPlanes);
  const Bytes packed = call.Pack(0, parameters);
  request.insert(request.end(), packed.begin(), packed.end());
  CheckContext::Replies replies;
  if (!context.Run("e", 0, request, kDeadlineSeconds, inputs, &replies)) return false;
  Reader reader(replies[0]);
  workbench::CallOutcome outcome = reader.Read<workbench::CallOutcome>();
  outcome.error_name[sizeof outcome.error_name - 1] = '\0';
  if (outcome.error != 0) {
    return FailCompress(context, function + " returns cudaSuccess", inputs, "cudaSuccess", outcome.error_name);
  }
  const size_t at = call.ReplyOffset(output);
  if (!reader.ok() || replies[0].size() != at + expected.size()) {
    return FailCompress(context, "the reply has the output", inputs, std::to_string(expected.size()) + " bytes",
                        std::to_string(replies[0].size()));
  }
  const std::string property =
      join ? "byte j of element i is planes[j * elements + i]" : "planes[j * elements + i] is byte j of element i";
  if (!JudgeBytes(context, property, inputs, expected, std::span(replies[0]).subspan(at))) return false;
  if (outcome.zone_buffer >= 0) {
    return FailCompress(context, "nothing outside of the output is written", inputs, "",
                        "byte " + std::to_string(outcome.zone_offset) +
                            (outcome.zone_side != 0 ? " from the end of the " : " from the begin of the ") +
                            (outcome.zone_buffer == 0 ? "input" : "output") + " has changed, " +
                            std::to_string(outcome.zone_bytes) + " in all");
  }
  if (outcome.changed_input >= 0) {
    return FailCompress(context, "the input is left as it is", inputs, "",
                        "its byte " + std::to_string(outcome.changed_offset) + " has changed");
  }
  return true;
}

bool RunCompress(CheckContext& context, const CompressData& data, const CompressOptions& options,
                 CompressOutcome* outcome) {
  CompressInputs inputs = Describe(data);
  inputs.emplace_back("budget_seconds", std::to_string(options.budget_seconds));
  if (options.offset != 0)
    inputs.emplace_back("data", std::to_string(options.offset) + " bytes from an aligned address");
  CompressCall call;
  call.elements = data.elements();
  call.element_bytes = data.element_bytes;
  call.offset = options.offset;
  call.budget_seconds = options.budget_seconds;
  call.null = options.null ? 1 : 0;
  call.measure_split = options.measure_split ? 1 : 0;
  call.data = data.bytes;
  if (!RunRequest(context, Encode(call), inputs, outcome)) return false;
  if (outcome->result != kResultOk) {
    return FailCompress(context, "q13_compress returns 0", inputs, ResultName(kResultOk), ResultName(outcome->result));
  }
  if (outcome->changed >= 0) {
    return FailCompress(context, "q13_compress leaves its input as it is", inputs, "",
                        "byte " + std::to_string(outcome->changed) + " from its begin has changed");
  }
  return true;
}

bool JudgeDecompress(CheckContext& context, const CompressData& data, const Bytes& stream,
                     const DecompressOptions& options) {
  CompressInputs inputs = Describe(data);
  inputs.emplace_back("stream", std::to_string(stream.size()) + " bytes");
  inputs.emplace_back("capacity", std::to_string(data.bytes.size() + options.more_capacity));
  if (options.offset != 0) inputs.emplace_back("to", std::to_string(options.offset) + " bytes from an aligned address");
  DecompressCall call;
  call.capacity = data.bytes.size() + options.more_capacity;
  call.offset = options.offset;
  call.null = options.null ? 1 : 0;
  call.stream = stream;
  DecompressOutcome outcome;
  if (!RunRequest(context, Encode(call), inputs, &outcome)) return false;
  if (outcome.result != kResultOk) {
    return FailCompress(context, "q13_decompress returns 0 for what q13_compress has made", inputs,
                        ResultName(kResultOk), ResultName(outcome.result));
  }
  if (outcome.bytes != data.bytes.size() || outcome.data.size() != call.capacity) {
    return FailCompress(context, "*bytes is how many there are", inputs, std::to_string(data.bytes.size()),
                        std::to_string(outcome.bytes));
  }
  if (!JudgeBytes(context, "what is decompressed is what was compressed", inputs, data.bytes, outcome.data)) {
    return false;
  }
  if (outcome.outside == 0) return true;
  return FailCompress(context, "nothing outside of data[0, capacity) is written", inputs, "",
                      "byte " + std::to_string(outcome.first_outside) + " from its begin has changed, " +
                          std::to_string(outcome.outside) + " in all");
}

bool JudgeRoundTrip(CheckContext& context, const CompressData& data, const CompressOptions& options,
                    const DecompressOptions& back) {
  CompressOutcome outcome;
  return RunCompress(context, data, options, &outcome) && JudgeDecompress(context, data, outcome.out, back);
}

}  // namespace q13
