#include "questions/q07_scheduling/policy_case.h"

namespace q07 {
namespace {

void Write(const PolicyParameters& parameters, ByteWriter* writer) {
  writer->Signed(static_cast<int32_t>(parameters.policy));
  writer->Unsigned(parameters.thresholds.size());
  for (const int64_t threshold : parameters.thresholds) writer->Signed(threshold);
  writer->Signed(parameters.ageing_interval);
  writer->Signed(parameters.backfill_depth);
}

PolicyParameters ReadParameters(ByteReader* reader) {
  PolicyParameters parameters;
  parameters.policy = static_cast<Policy>(reader->Signed32());
  parameters.thresholds.resize(reader->Count());
  for (int64_t& threshold : parameters.thresholds) threshold = reader->Signed();
  parameters.ageing_interval = reader->Signed();
  parameters.backfill_depth = reader->Signed32();
  return parameters;
}

std::vector<std::byte> Begin(RequestKind kind) {
  std::vector<std::byte> bytes;
  Append(&bytes, kind);
  return bytes;
}

std::span<const std::byte> Body(std::span<const std::byte> request) {
  return request.size() < sizeof(RequestKind) ? request : request.subspan(sizeof(RequestKind));
}

}  // namespace

std::vector<std::byte> EncodePolicyCase(const PolicyCase& policy_case) {
  std::vector<std::byte> bytes = Begin(RequestKind::kPolicyRuns);
  ByteWriter writer(&bytes);
  writer.Unsigned(policy_case.nested ? 1 : 0);
  writer.Unsigned(policy_case.runs.size());
  for (const PolicyRun& run : policy_case.runs) {
    Write(run.parameters, &writer);
    Write(run.workload, &writer);
  }
  return bytes;
}

std::vector<std::byte> EncodePolicyCreate(const std::vector<PolicyParameters>& configurations) {
  std::vector<std::byte> bytes = Begin(RequestKind::kPolicyCreate);
  ByteWriter writer(&bytes);
  writer.Unsigned(configurations.size());
  for (const PolicyParameters& parameters : configurations) Write(parameters, &writer);
  return bytes;
}

bool DecodePolicyCase(std::span<const std::byte> request, PolicyCase* policy_case) {
  if (KindOf(request) != RequestKind::kPolicyRuns) return false;
  ByteReader reader(Body(request));
  policy_case->nested = reader.Unsigned() != 0;
  const size_t runs = reader.Count();
  for (size_t i = 0; i < runs && reader.ok(); ++i) {
    PolicyRun& run = policy_case->runs.emplace_back();
    run.parameters = ReadParameters(&reader);
    run.workload = ReadWorkload(&reader);
  }
  return reader.ok() && reader.at_end();
}

bool DecodePolicyCreate(std::span<const std::byte> request, std::vector<PolicyParameters>* configurations) {
  if (KindOf(request) != RequestKind::kPolicyCreate) return false;
  ByteReader reader(Body(request));
  const size_t count = reader.Count();
  for (size_t i = 0; i < count && reader.ok(); ++i) configurations->push_back(ReadParameters(&reader));
  return reader.ok() && reader.at_end();
}

std::vector<std::byte> EncodePolicyReplies(const std::vector<PolicyReply>& replies) {
  std::vector<std::byte> bytes;
  ByteWriter writer(&bytes);
  for (const PolicyReply& reply : replies) {
    writer.Unsigned(reply.created ? 1 : 0);
    if (reply.created) q07::Write(reply.run, &writer);
  }
  return bytes;
}

bool DecodePolicyReplies(std::span<const std::byte> bytes, size_t runs, std::vector<PolicyReply>* replies) {
  ByteReader reader(bytes);
  replies->clear();
  for (size_t i = 0; i < runs && reader.ok(); ++i) {
    PolicyReply& reply = replies->emplace_back();
    reply.created = reader.Unsigned() != 0;
    if (reply.created) reply.run = ReadRunnerReply(&reader);
  }
  return reader.ok() && reader.at_end();
}

std::string Name(Policy policy) {
  switch (policy) {
    case Policy::kFifo:
      return "kFifo";
    case Policy::kSjf:
      return "kSjf";
    case Policy::kSrtf:
      return "kSrtf";
    case Policy::kLeastAttained:
      return "kLeastAttained";
    case Policy::kPriority:
      return "kPriority";
    case Policy::kEasy:
      return "kEasy";
    case Policy::kConservative:
      return "kConservative";
  }
  return "policy " + std::to_string(static_cast<int32_t>(policy));
}

}  // namespace q07
