#include "questions/q13_checkpoint/incremental_case.h"

namespace q13 {

std::vector<std::byte> Encode(const IncrementalRequest& request) {
  std::vector<std::byte> bytes;
  Append(&bytes, request);
  return bytes;
}

std::optional<IncrementalRequest> DecodeIncrementalRequest(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  const auto request = reader.Read<IncrementalRequest>();
  if (!reader.done() || request.kind != RequestKind::kIncremental) return std::nullopt;
  if (request.scenario < IncrementalScenario::kHash || request.scenario >= IncrementalScenario::kScenarios) {
    return std::nullopt;
  }
  if (request.size < IncrementalSize::kChecked || request.size > IncrementalSize::kLong) return std::nullopt;
  return request;
}

std::vector<std::byte> Encode(const IncrementalReply& reply) {
  std::vector<std::byte> bytes;
  for (const std::string* text : {&reply.property, &reply.expected, &reply.actual, &reply.detail, &reply.device}) {
    AppendText(&bytes, *text);
  }
  Append<uint64_t>(&bytes, reply.inputs.size());
  for (const auto& [name, value] : reply.inputs) {
    AppendText(&bytes, name);
    AppendText(&bytes, value);
  }
  Append(&bytes, reply.cases);
  Append<uint64_t>(&bytes, reply.figures.size());
  for (const auto& [name, value] : reply.figures) {
    AppendText(&bytes, name);
    Append(&bytes, value);
  }
  AppendAll(&bytes, std::span<const double>(reply.seconds));
  AppendAll(&bytes, std::span<const double>(reply.others));
  return bytes;
}

std::optional<IncrementalReply> DecodeIncrementalReply(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  IncrementalReply reply;
  for (std::string* text : {&reply.property, &reply.expected, &reply.actual, &reply.detail, &reply.device}) {
    *text = reader.ReadText();
  }
  for (uint64_t left = reader.Read<uint64_t>(); left > 0 && reader.ok(); --left) {
    std::string name = reader.ReadText();
    reply.inputs.emplace_back(std::move(name), reader.ReadText());
  }
  reply.cases = reader.Read<uint64_t>();
  for (uint64_t left = reader.Read<uint64_t>(); left > 0 && reader.ok(); --left) {
    std::string name = reader.ReadText();
    reply.figures.emplace_back(std::move(name), reader.Read<double>());
  }
  reply.seconds = reader.ReadAll<double>();
  reply.others = reader.ReadAll<double>();
  if (!reader.done()) return std::nullopt;
  return reply;
}

}  // namespace q13
