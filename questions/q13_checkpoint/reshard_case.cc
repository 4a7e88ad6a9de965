#include "questions/q13_checkpoint/reshard_case.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace q13 {
namespace {

// More than any check asks for; what a request may make the runner allocate.
constexpr uint64_t kMostItems = 1 << 20;
constexpr int64_t kMostBoxBytes = int64_t{1} << 30;

uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

void AppendInts(std::vector<std::byte>* out, const std::vector<int64_t>& values) {
  AppendAll(out, std::span<const int64_t>(values));
}

// Calls read() for as many items as the reader says there are.
template <typename T, typename ReadOne>
std::vector<T> ReadMany(Reader* reader, ReadOne read) {
  const uint64_t count = reader->Read<uint64_t>();
  std::vector<T> items;
  for (uint64_t i = 0; i < count && i < kMostItems && reader->ok(); ++i) items.push_back(read());
  return items;
}

template <typename T>
T Plain(Reader* reader) {
  return reader->Read<T>();
}

bool MakesSense(const ReshardRequest& request) {
  if (request.kind != RequestKind::kReshard || request.steps.empty()) return false;
  const auto layout_exists = [&](int32_t at) {
    return at >= 0 && at < static_cast<int32_t>(request.layouts.size()) &&
           !request.layouts[static_cast<size_t>(at)].empty();
  };
  if (!layout_exists(request.recovery)) return false;
  for (const ReshardStep& step : request.steps) {
    if (!layout_exists(step.layout) || step.misaligned < 0 || step.misaligned > 64) return false;
  }
  for (const Layout& layout : request.layouts) {
    for (const RankBoxes& boxes : layout) {
      for (const ReshardBox& box : boxes) {
        if (box.tensor < 0 || box.tensor >= static_cast<int32_t>(request.tensors.size())) return false;
        if (!IsPlain(request.tensors[static_cast<size_t>(box.tensor)], box)) continue;
        if (ElementsOf(box.extent) > kMostBoxBytes / 8) return false;
      }
    }
  }
  return true;
}

}  // namespace

int64_t ElementsOf(std::span<const int64_t> extent) {
  int64_t elements = 1;
  for (const int64_t one : extent) {
    if (one <= 0) return 0;
    if (elements > (int64_t{1} << 50) / one) return int64_t{1} << 50;
    elements *= one;
  }
  return elements;
}

bool IsPlain(const ReshardTensor& tensor, const ReshardBox& box) {
  const std::vector<int64_t>& shape = tensor.info.shape;
  if (box.begin.size() != shape.size() || box.extent.size() != shape.size()) return false;
  if (tensor.info.type < Type::kBool || tensor.info.type > Type::kU64) return false;
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t bytes = TypeBytes(tensor.info.type);
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0 || shape[d] > kMost || box.begin[d] < 0 || box.extent[d] < 0) return false;
    if (box.begin[d] > shape[d] || box.extent[d] > shape[d] - box.begin[d]) return false;
    if (shape[d] > 1 && bytes > kMost / shape[d]) return false;
    bytes *= std::max<int64_t>(1, shape[d]);
  }
  return true;
}

uint64_t ElementOf(uint64_t seed, int32_t version, const ReshardTensor& tensor, int64_t index) {
  const uint64_t stream =
      Mix(seed * 1000003 + static_cast<uint64_t>(version) * 0x9e3779b97f4a7c15u + tensor.content + 1);
  const uint64_t value = Mix(stream + static_cast<uint64_t>(index) * 0x9e3779b97f4a7c15u);
  if (tensor.info.type == Type::kBool) return value & 1;
  const int64_t bytes = TypeBytes(tensor.info.type);
  return bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1);
}

std::vector<std::byte> Encode(const ReshardRequest& request) {
  std::vector<std::byte> out;
  Append(&out, request.kind);
  Append(&out, request.mode);
  Append(&out, request.seed);
  Append(&out, request.most);
  Append<uint64_t>(&out, request.tensors.size());
  for (const ReshardTensor& tensor : request.tensors) {
    AppendText(&out, tensor.name);
    Append(&out, tensor.info.type);
    AppendInts(&out, tensor.info.shape);
    Append(&out, tensor.content);
  }
  Append<uint64_t>(&out, request.layouts.size());
  for (const Layout& layout : request.layouts) {
    Append<uint64_t>(&out, layout.size());
    for (const RankBoxes& boxes : layout) {
      Append<uint64_t>(&out, boxes.size());
      for (const ReshardBox& box : boxes) {
        Append(&out, box.tensor);
        AppendInts(&out, box.begin);
        AppendInts(&out, box.extent);
      }
    }
  }
  Append<uint64_t>(&out, request.steps.size());
  for (const ReshardStep& step : request.steps) {
    Append<int32_t>(&out, step.save);
    Append(&out, step.layout);
    Append(&out, step.version);
    Append(&out, step.faults);
    Append(&out, step.misaligned);
  }
  Append(&out, request.recovery);
  return out;
}

std::optional<ReshardRequest> DecodeReshardRequest(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  ReshardRequest request;
  request.kind = reader.Read<RequestKind>();
  request.mode = reader.Read<ReshardMode>();
  request.seed = reader.Read<uint64_t>();
  request.most = reader.Read<int64_t>();
  request.tensors = ReadMany<ReshardTensor>(&reader, [&] {
    ReshardTensor tensor;
    tensor.name = reader.ReadText();
    tensor.info.type = reader.Read<Type>();
    tensor.info.shape = reader.ReadAll<int64_t>();
    tensor.content = reader.Read<uint64_t>();
    return tensor;
  });
  request.layouts = ReadMany<Layout>(&reader, [&] {
    return ReadMany<RankBoxes>(&reader, [&] {
      return ReadMany<ReshardBox>(&reader, [&] {
        ReshardBox box;
        box.tensor = reader.Read<int32_t>();
        box.begin = reader.ReadAll<int64_t>();
        box.extent = reader.ReadAll<int64_t>();
        return box;
      });
    });
  });
  request.steps = ReadMany<ReshardStep>(&reader, [&] {
    ReshardStep step;
    step.save = reader.Read<int32_t>() != 0;
    step.layout = reader.Read<int32_t>();
    step.version = reader.Read<int32_t>();
    step.faults = reader.Read<ReshardFaults>();
    step.misaligned = reader.Read<int32_t>();
    return step;
  });
  request.recovery = reader.Read<int32_t>();
  if (!reader.done() || !MakesSense(request)) return std::nullopt;
  return request;
}

std::vector<std::byte> Encode(const ReshardReply& reply) {
  std::vector<std::byte> out;
  Append(&out, reply.cases);
  Append<uint64_t>(&out, reply.steps.size());
  for (const ReshardStepRecord& step : reply.steps) {
    AppendAll(&out, std::span<const ReshardRankRecord>(step.ranks));
    Append(&out, step.files);
    Append(&out, step.bytes);
    Append(&out, step.seconds);
    AppendText(&out, step.misuse);
  }
  const ReshardFault& fault = reply.fault;
  for (const std::string* text : {&fault.property, &fault.expected, &fault.actual, &fault.detail})
    AppendText(&out, *text);
  Append(&out, fault.rank);
  Append(&out, fault.index);
  Append(&out, fault.differing);
  Append(&out, fault.total);
  Append<uint64_t>(&out, fault.input.size());
  for (const auto& [name, value] : fault.input) {
    AppendText(&out, name);
    AppendText(&out, value);
  }
  return out;
}

std::optional<ReshardReply> DecodeReshardReply(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  ReshardReply reply;
  reply.cases = reader.Read<uint64_t>();
  reply.steps = ReadMany<ReshardStepRecord>(&reader, [&] {
    ReshardStepRecord step;
    step.ranks = reader.ReadAll<ReshardRankRecord>();
    step.files = reader.Read<int64_t>();
    step.bytes = reader.Read<int64_t>();
    step.seconds = reader.Read<double>();
    step.misuse = reader.ReadText();
    return step;
  });
  ReshardFault& fault = reply.fault;
  for (std::string* text : {&fault.property, &fault.expected, &fault.actual, &fault.detail}) *text = reader.ReadText();
  fault.rank = reader.Read<int32_t>();
  fault.index = reader.Read<int64_t>();
  fault.differing = reader.Read<int64_t>();
  fault.total = reader.Read<int64_t>();
  fault.input = ReadMany<std::pair<std::string, std::string>>(&reader, [&] {
    std::string name = reader.ReadText();
    return std::pair(std::move(name), reader.ReadText());
  });
  if (!reader.done()) return std::nullopt;
  return reply;
}

std::string ReshardCodeName(int32_t code) {
  constexpr const char* kNames[] = {"0", "kNotFound", "kDamaged", "kInvalid", "kRankLost"};
  if (code >= 0 && code < 5) return kNames[code];
  if (code == kReshardThrew) return "an exception";
  const char* error = code < 0 && code > -200 ? strerrorname_np(-code) : nullptr;
  return error == nullptr ? std::to_string(code) : "-" + std::string(error);
}

namespace {

std::string ListText(std::span<const int64_t> values) {
  std::string text = "[";
  for (const int64_t value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}

}  // namespace

std::string NameText(const std::string& name) {
  std::string text = "'";
  for (const char one : name.substr(0, 40)) {
    const unsigned char byte = static_cast<unsigned char>(one);
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", byte);
    text += byte < 0x20 || byte >= 0x7f ? std::string(hex) : std::string(1, one);
  }
  return text + (name.size() > 40 ? "...'" : "'");
}

std::string TensorText(const TensorInfo& info) {
  constexpr const char* kNames[] = {"bool", "u8",  "i8",  "f8_e5m2", "f8_e4m3", "i16", "u16", "f16",
                                    "bf16", "i32", "u32", "f32",     "f64",     "i64", "u64"};
  const size_t type = static_cast<size_t>(info.type);
  return ListText(info.shape) + " " + (type < std::size(kNames) ? kNames[type] : "?");
}

std::string BoxText(const ReshardBox& box) {
  return "begin " + ListText(box.begin) + " extent " + ListText(box.extent);
}

std::string PlaceText(const TensorInfo& info, int64_t index) {
  std::vector<int64_t> place(info.shape.size());
  for (size_t d = place.size(); d-- > 0;) {
    const int64_t extent = std::max<int64_t>(1, info.shape[d]);
    place[d] = index % extent;
    index /= extent;
  }
  return ListText(place);
}

}  // namespace q13
