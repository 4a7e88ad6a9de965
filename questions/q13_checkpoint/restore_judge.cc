#include "questions/q13_checkpoint/restore_judge.h"

#include <algorithm>
#include <utility>

#include "questions/q13_checkpoint/snapshot_judge.h"

namespace q13 {
namespace {

constexpr double kDeadlineSeconds = 30;
constexpr int64_t kSlack = 64 << 10;  // for tables, beside either budget

}  // namespace

bool RestoreTrial::Fail(const std::string& property, const std::string& expected, const std::string& actual,
                        const std::string& detail) {
  workbench::Finding finding;
  finding.property = property;
  finding.input = inputs_;
  finding.expected = expected;
  finding.actual = actual;
  finding.detail = detail;
  context_.Fail(std::move(finding));
  return false;
}

bool RestoreTrial::Run() {
  asked.plan.seed = context_.seed();
  inputs_.emplace_back("state",
                       std::to_string(asked.tensors.size()) + " tensors, " + std::to_string(asked.bytes()) + " bytes");
  inputs_.emplace_back("pinned_bytes", std::to_string(asked.plan.pinned_bytes));
  inputs_.emplace_back("chunk_bytes", std::to_string(asked.plan.chunk_bytes));
  inputs_.emplace_back("readers", std::to_string(asked.plan.readers));
  workbench::CheckContext::Replies replies;
  if (!context_.Run("a", 0, PackRestoreCase(asked), kDeadlineSeconds, inputs_, &replies)) return false;
  const size_t block = static_cast<size_t>(asked.Layout().back());
  if (ParseRestoreReply(replies[0], &reply_) && reply_.block.size() == block && reply_.before.size() == block &&
      reply_.after.size() == block) {
    return true;
  }
  return Fail("the runner's reply is a reply", "", "it is not");
}

bool RestoreTrial::Returned(int expected, const std::string& property) {
  if (reply_.value == expected) return true;
  return Fail(property, SnapshotErrorName(expected), SnapshotErrorName(reply_.value));
}

bool RestoreTrial::InOrder() {
  const RestoreReads& reads = reply_.reads;
  if (reads.not_host > 0) {
    return Fail("Read is given host memory", "0 calls with other memory", std::to_string(reads.not_host));
  }
  if (reads.outside > 0) {
    return Fail("Read is asked for bytes that a tensor has, and for one at least", "0 calls outside",
                std::to_string(reads.outside));
  }
  if (reads.largest > asked.plan.chunk_bytes) {
    return Fail("a Read asks for at most chunk_bytes", std::to_string(asked.plan.chunk_bytes),
                std::to_string(reads.largest));
  }
  if (reads.left_under_way > 0 || reads.after_return > 0) {
    return Fail("no Read is under way when q13_restore returns, and none begins later", "0 and 0",
                std::to_string(reads.left_under_way) + " under way, " + std::to_string(reads.after_return) + " later");
  }
  return true;
}

bool RestoreTrial::WithinReaders() {
  if (reply_.reads.most_at_once <= asked.plan.readers) return true;
  return Fail("at most `readers` Reads are under way", std::to_string(asked.plan.readers),
              std::to_string(reply_.reads.most_at_once));
}

bool RestoreTrial::WithinMemory() {
  const SnapshotMemory& memory = reply_.memory;
  if (memory.pinned_bytes > asked.plan.pinned_bytes + kSlack) {
    return Fail("pinned memory stays within pinned_bytes (and 64 KiB for tables)",
                std::to_string(asked.plan.pinned_bytes) + " bytes", std::to_string(memory.pinned_bytes));
  }
  if (memory.device_bytes > kSlack) {
    return Fail("no device memory is used (but 64 KiB for tables)", "0 bytes", std::to_string(memory.device_bytes));
  }
  if (memory.left == 0) return true;
  return Fail("all CUDA memory is freed by the end of the call", "0 bytes left", std::to_string(memory.left_bytes));
}

bool RestoreTrial::Holds(const std::vector<std::byte>& copy, bool restored, const std::string& property) {
  const std::vector<int64_t> layout = asked.Layout();
  const uint64_t old = PatternKey(asked.plan.seed, 0, kRestoreBlock);
  uint64_t differing = 0;
  workbench::Finding finding;
  const auto look = [&](int64_t at, uint8_t want, const std::string& what, int64_t index) {
    const uint8_t got = std::to_integer<uint8_t>(copy[static_cast<size_t>(at)]);
    if (got == want || differing++ > 0) return;
    finding.index = static_cast<uint64_t>(index);
    finding.expected = std::to_string(want);
    finding.actual = std::to_string(got);
    if (got == PatternByte(old, static_cast<uint64_t>(at))) finding.actual += ", as before the call";
    finding.detail = what;
  };
  int64_t at = 0;
  const auto untouched_until = [&](int64_t end) {
    for (; at < end; ++at) {
      look(at, PatternByte(old, static_cast<uint64_t>(at)), "memory of no tensor's, between them", at);
    }
  };
  for (size_t t = 0; t < asked.tensors.size(); ++t) {
    untouched_until(layout[t]);
    const int64_t bytes = asked.tensors[t].bytes;
    const uint64_t key = PatternKey(asked.plan.seed, 1, static_cast<int64_t>(t));
    const std::string what = "tensor " + std::to_string(t) + " of " + std::to_string(bytes) + " bytes";
    for (int64_t i = 0; i < bytes; ++i, ++at) {
      look(at, restored ? PatternByte(key, static_cast<uint64_t>(i)) : PatternByte(old, static_cast<uint64_t>(at)),
           what, i);
    }
  }
  untouched_until(layout.back());
  if (differing == 0) return true;
  finding.property = property;
  finding.input = inputs_;
  finding.differing = differing;
  finding.total = static_cast<uint64_t>(layout.back());
  context_.Fail(std::move(finding));
  return false;
}

}  // namespace q13
