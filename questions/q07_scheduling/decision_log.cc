#include "questions/q07_scheduling/decision_log.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <utility>

namespace q07 {

void ByteWriter::Unsigned(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_->push_back(static_cast<std::byte>(value | 0x80));
  bytes_->push_back(static_cast<std::byte>(value));
}

void ByteWriter::Double(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  for (int shift = 0; shift < 64; shift += 8) bytes_->push_back(static_cast<std::byte>(bits >> shift));
}

void ByteWriter::Text(const std::string& text) {
  Unsigned(text.size());
  for (const char one : text) bytes_->push_back(static_cast<std::byte>(one));
}

uint64_t ByteReader::Unsigned() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes_.empty()) ok_ = false;
    if (!ok_) return 0;
    const uint64_t group = static_cast<uint64_t>(bytes_[0]);
    bytes_ = bytes_.subspan(1);
    if (shift == 63 && group > 1) ok_ = false;
    value |= (group & 0x7f) << shift;
    if (group < 0x80) return ok_ ? value : 0;
  }
  ok_ = false;
  return 0;
}

int64_t ByteReader::Signed() {
  const uint64_t value = Unsigned();
  return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

int32_t ByteReader::Signed32() {
  const int64_t value = Signed();
  if (value == static_cast<int32_t>(value)) return static_cast<int32_t>(value);
  ok_ = false;
  return 0;
}

double ByteReader::Double() {
  if (bytes_.size() < 8) ok_ = false;
  if (!ok_) return 0;
  uint64_t bits = 0;
  for (size_t i = 0; i < 8; ++i) bits |= static_cast<uint64_t>(bytes_[i]) << (8 * i);
  bytes_ = bytes_.subspan(8);
  return std::bit_cast<double>(bits);
}

std::string ByteReader::Text(size_t longest) {
  const size_t size = Count();
  if (size > longest) ok_ = false;
  if (!ok_) return "";
  const std::string text(reinterpret_cast<const char*>(bytes_.data()), size);
  bytes_ = bytes_.subspan(size);
  return text;
}

size_t ByteReader::Count() {
  const uint64_t count = Unsigned();
  if (count > bytes_.size()) ok_ = false;
  return ok_ ? static_cast<size_t>(count) : 0;
}

namespace {

void Write(const Resources& resources, ByteWriter* writer) {
  writer->Signed(resources.gpu_milli);
  writer->Signed(resources.cpu_milli);
  writer->Signed(resources.memory_mib);
}

Resources ReadResources(ByteReader* reader) {
  Resources resources;
  resources.gpu_milli = reader->Signed();
  resources.cpu_milli = reader->Signed();
  resources.memory_mib = reader->Signed();
  return resources;
}

void Write(const TrueJob& truth, ByteWriter* writer) {
  const Job& job = truth.job;
  writer->Signed(job.id);
  writer->Signed(job.submit);
  writer->Signed(job.tenant);
  writer->Signed(job.priority);
  writer->Signed(job.members);
  Write(job.demand, writer);
  writer->Signed(job.estimate);
  writer->Signed(job.checkpoint_interval);
  writer->Signed(job.restart_cost);
  writer->Unsigned(job.preemptible ? 1 : 0);
  writer->Signed(truth.duration);
  writer->Unsigned(truth.failures.size());
  for (const Time failure : truth.failures) writer->Signed(failure);
}

TrueJob ReadTrueJob(ByteReader* reader) {
  TrueJob truth;
  Job& job = truth.job;
  job.id = reader->Signed();
  job.submit = reader->Signed();
  job.tenant = reader->Signed32();
  job.priority = reader->Signed32();
  job.members = reader->Signed32();
  job.demand = ReadResources(reader);
  job.estimate = reader->Signed();
  job.checkpoint_interval = reader->Signed();
  job.restart_cost = reader->Signed();
  job.preemptible = reader->Unsigned() != 0;
  truth.duration = reader->Signed();
  truth.failures.resize(reader->Count());
  for (Time& failure : truth.failures) failure = reader->Signed();
  return truth;
}

}  // namespace

void Write(const Quota& quota, ByteWriter* writer) {
  writer->Signed(quota.tenant);
  writer->Signed(quota.cohort);
  writer->Double(quota.weight);
  Write(quota.quota, writer);
  Write(quota.borrowing_limit, writer);
}

Quota ReadQuota(ByteReader* reader) {
  Quota quota;
  quota.tenant = reader->Signed32();
  quota.cohort = reader->Signed32();
  quota.weight = reader->Double();
  quota.quota = ReadResources(reader);
  quota.borrowing_limit = ReadResources(reader);
  return quota;
}

void Write(const Workload& workload, ByteWriter* writer) {
  writer->Unsigned(workload.nodes.size());
  for (const Node& node : workload.nodes) {
    writer->Signed(node.id);
    Write(node.capacity, writer);
  }
  writer->Unsigned(workload.jobs.size());
  for (const TrueJob& truth : workload.jobs) Write(truth, writer);
  writer->Unsigned(workload.node_changes.size());
  for (const NodeChange& change : workload.node_changes) {
    writer->Signed(change.at);
    writer->Signed(change.node);
    writer->Unsigned(change.up ? 1 : 0);
  }
  writer->Unsigned(workload.quotas.size());
  for (const Quota& quota : workload.quotas) Write(quota, writer);
  writer->Unsigned(workload.quota_changes.size());
  for (const QuotaChange& change : workload.quota_changes) {
    writer->Signed(change.at);
    Write(change.quota, writer);
  }
  writer->Signed(workload.tick);
  writer->Unsigned(workload.kill_at_estimate ? 1 : 0);
  writer->Signed(workload.end);
}

Workload ReadWorkload(ByteReader* reader) {
  Workload workload;
  workload.nodes.resize(reader->Count());
  for (Node& node : workload.nodes) {
    node.id = reader->Signed32();
    node.capacity = ReadResources(reader);
  }
  workload.jobs.resize(reader->Count());
  for (TrueJob& truth : workload.jobs) truth = ReadTrueJob(reader);
  workload.node_changes.resize(reader->Count());
  for (NodeChange& change : workload.node_changes) {
    change.at = reader->Signed();
    change.node = reader->Signed32();
    change.up = reader->Unsigned() != 0;
  }
  workload.quotas.resize(reader->Count());
  for (Quota& quota : workload.quotas) quota = ReadQuota(reader);
  workload.quota_changes.resize(reader->Count());
  for (QuotaChange& change : workload.quota_changes) {
    change.at = reader->Signed();
    change.quota = ReadQuota(reader);
  }
  workload.tick = reader->Signed();
  workload.kill_at_estimate = reader->Unsigned() != 0;
  workload.end = reader->Signed();
  return workload;
}

void Write(const DecisionLog& log, ByteWriter* writer) {
  writer->Unsigned(log.decisions.size());
  for (const std::vector<Action>& decision : log.decisions) {
    writer->Unsigned(decision.size());
    for (const Action& action : decision) {
      writer->Unsigned(static_cast<uint64_t>(action.kind));
      writer->Signed(action.job);
      if (action.kind == ActionKind::kReserve) writer->Signed(action.at);
      if (action.kind != ActionKind::kStart) continue;
      writer->Unsigned(action.nodes.size());
      for (const int32_t node : action.nodes) writer->Signed(node);
    }
  }
}

DecisionLog ReadDecisionLog(ByteReader* reader) {
  DecisionLog log;
  const size_t decisions = reader->Count();
  // Grown step by step: what is claimed may be cut off.
  for (size_t i = 0; i < decisions && reader->ok(); ++i) {
    std::vector<Action>& decision = log.decisions.emplace_back();
    const size_t actions = reader->Count();
    for (size_t j = 0; j < actions && reader->ok(); ++j) {
      Action& action = decision.emplace_back();
      const uint64_t kind = reader->Unsigned();
      if (kind > static_cast<uint64_t>(ActionKind::kReserve)) reader->Fail();
      action.kind = static_cast<ActionKind>(kind);
      action.job = reader->Signed();
      if (action.kind == ActionKind::kReserve) action.at = reader->Signed();
      if (action.kind != ActionKind::kStart) continue;
      action.nodes.resize(reader->Count());
      for (int32_t& node : action.nodes) node = reader->Signed32();
    }
  }
  if (!reader->ok()) log.decisions.clear();
  return log;
}

RunnerReply MakeReply(SimulationResult result) {
  RunnerReply reply;
  reply.broken = result.broken;
  reply.violation = std::move(result.violation);
  reply.log = std::move(result.log);
  reply.decisions = result.decisions;
  std::vector<int64_t>& times = result.decision_ns;
  if (times.empty()) return reply;
  reply.scheduler_ns = std::accumulate(times.begin(), times.end(), int64_t{0});
  const auto p99 = times.begin() + static_cast<ptrdiff_t>((times.size() * 99 + 99) / 100 - 1);  // nearest rank
  std::nth_element(times.begin(), p99, times.end());
  reply.p99_decision_ns = *p99;
  reply.max_decision_ns = *std::max_element(p99, times.end());
  return reply;
}

void Write(const RunnerReply& reply, ByteWriter* writer) {
  writer->Unsigned(reply.broken ? 1 : 0);
  writer->Signed(reply.violation.now);
  writer->Signed(reply.violation.job);
  writer->Text(reply.violation.rule);
  writer->Text(reply.violation.message);
  writer->Signed(reply.decisions);
  writer->Signed(reply.scheduler_ns);
  writer->Signed(reply.p99_decision_ns);
  writer->Signed(reply.max_decision_ns);
  Write(reply.log, writer);
}

RunnerReply ReadRunnerReply(ByteReader* reader) {
  RunnerReply reply;
  reply.broken = reader->Unsigned() != 0;
  reply.violation.now = reader->Signed();
  reply.violation.job = reader->Signed();
  reply.violation.rule = reader->Text();
  reply.violation.message = reader->Text();
  reply.decisions = reader->Signed();
  reply.scheduler_ns = reader->Signed();
  reply.p99_decision_ns = reader->Signed();
  reply.max_decision_ns = reader->Signed();
  reply.log = ReadDecisionLog(reader);
  return reply;
}

}  // namespace q07
