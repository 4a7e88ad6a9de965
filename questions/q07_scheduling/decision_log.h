// Workloads, decision logs and results as bytes: integers in groups of seven bits (LEB128, signed ones zigzag), since
// most are small. Reading trusts nothing: what is cut off, too long, or no such kind is an error, and memory is only
// taken for what the bytes can hold.
#ifndef QUESTIONS_Q07_SCHEDULING_DECISION_LOG_H_
#define QUESTIONS_Q07_SCHEDULING_DECISION_LOG_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>* bytes) : bytes_(bytes) {}
  void Unsigned(uint64_t value);
  void Signed(int64_t value) { Unsigned(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63)); }
  void Double(double value);
  void Text(const std::string& text);

 private:
  std::vector<std::byte>* bytes_;
};

// After a failed read ok() is false and all reads give 0.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  uint64_t Unsigned();
  int64_t Signed();
  int32_t Signed32();  // fails if it is none
  double Double();
  std::string Text(size_t longest = 4096);  // fails if it is longer
  // A number of things that take at least a byte each; fails if there are not as many bytes left.
  size_t Count();
  void Fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

void Write(const Workload& workload, ByteWriter* writer);
Workload ReadWorkload(ByteReader* reader);

void Write(const Quota& quota, ByteWriter* writer);
Quota ReadQuota(ByteReader* reader);

void Write(const DecisionLog& log, ByteWriter* writer);
DecisionLog ReadDecisionLog(ByteReader* reader);

// What the runner says of a run. Only the log is judged; the rest tells the user more, or is of no use to a liar.
struct RunnerReply {
  bool broken = false;
  Violation violation;
  DecisionLog log;
  int64_t decisions = 0;
  int64_t scheduler_ns = 0;     // spent in the scheduler's functions
  int64_t p99_decision_ns = 0;  // of all that is called at one instant
  int64_t max_decision_ns = 0;
};

RunnerReply MakeReply(SimulationResult result);
void Write(const RunnerReply& reply, ByteWriter* writer);
RunnerReply ReadRunnerReply(ByteReader* reader);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_DECISION_LOG_H_
