#include "questions/q13_checkpoint/snapshot_judge.h"

#include <algorithm>
#include <cerrno>

#include "questions/q13_checkpoint/api.h"

namespace q13 {
namespace {

constexpr double kDeadlineSeconds = 30;

std::string Bytes(int64_t bytes) { return std::to_string(bytes) + " bytes"; }

}  // namespace

std::string SnapshotErrorName(int error) {
  switch (error) {
    case kNotFound:
      return "kNotFound";
    case kDamaged:
      return "kDamaged";
    case kInvalid:
      return "kInvalid";
    case kRankLost:
      return "kRankLost";
    case -EIO:
      return "-EIO";
    case -ENOSPC:
      return "-ENOSPC";
    default:
      return std::to_string(error);
  }
}

std::vector<SnapshotTensor> MixedTensors(SnapshotDraws* draws, int count, int64_t bytes) {
  std::vector<SnapshotTensor> tensors;
  for (int t = 0; t < count; ++t) {
    const Type type = static_cast<Type>(draws->Below(static_cast<int64_t>(Type::kU64) + 1));
    const int64_t element = TypeBytes(type);
    SnapshotTensor tensor;
    tensor.type = static_cast<int32_t>(type);
    tensor.offset = static_cast<int32_t>(draws->Below(16) * element);
    const int64_t share = 2 * bytes / count;
    // A few hold most of the state, as weights and biases do.
    tensor.bytes = t % 7 == 3 ? 0 : (t % 3 == 0 ? share + draws->Below(share + 1) : draws->Below(share / 8 + 40));
    tensor.bytes -= tensor.bytes % element;
    tensors.push_back(tensor);
  }
  return tensors;
}

int SnapshotTrial::Do(SnapshotStep step, int64_t a, int64_t b, int64_t c, int32_t stream) {
  script.actions.push_back({step, stream, a, b, c});
  return static_cast<int>(script.actions.size()) - 1;
}

bool SnapshotTrial::Fail(const std::string& property, const std::string& expected, const std::string& actual,
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

bool SnapshotTrial::Run() {
  script.seed = context_.seed();
  inputs_.emplace_back("state", std::to_string(script.tensors.size()) + " tensors, " + Bytes(script.bytes()));
  inputs_.emplace_back("device_bytes", std::to_string(script.device_bytes));
  inputs_.emplace_back("pinned_bytes", std::to_string(script.pinned_bytes));
  inputs_.emplace_back("chunk_bytes", std::to_string(script.chunk_bytes));
  workbench::CheckContext::Replies replies;
  if (!context_.Run("a", 0, PackSnapshotCase(script), kDeadlineSeconds, inputs_, &replies)) return false;
  const bool parsed = ParseSnapshotReply(replies[0], &reply_);
  const size_t contents = static_cast<size_t>(script.bytes()) * static_cast<size_t>(script.saves);
  if (parsed && reply_.saves.size() == static_cast<size_t>(script.saves) && reply_.contents.size() == contents &&
      (!reply_.created || reply_.actions.size() == script.actions.size())) {
    return true;
  }
  return Fail("the runner's reply is a reply", "", "it is not");
}

bool SnapshotTrial::Created() {
  if (reply_.created) return true;
  return Fail("q13_snapshot_create makes a snapshotter", "not nullptr", "nullptr");
}

bool SnapshotTrial::Returned(int action, int expected, const std::string& property) {
  if (result(action).value == expected) return true;
  return Fail(property, SnapshotErrorName(expected), SnapshotErrorName(result(action).value));
}

bool SnapshotTrial::Waited(int action) {
  if (!Returned(action, 0, "Wait returns 0 when all saves have succeeded")) return false;
  int32_t saves = 0;
  for (int i = 0; i < action; ++i) {
    saves += script.actions[static_cast<size_t>(i)].step == SnapshotStep::kSave && result(i).value == 0;
  }
  if (result(action).finished >= saves) return true;
  return Fail("when Wait returns, all saves are finished", std::to_string(saves) + " calls of Finish",
              std::to_string(result(action).finished));
}

bool SnapshotTrial::InOrder(int64_t number) {
  const SnapshotSaveResult& r = save(number);
  const std::string of = "save " + std::to_string(number) + ": ";
  if (r.outside > 0) {
    return Fail(of + "Write is given bytes that a tensor has", "0 writes outside", std::to_string(r.outside));
  }
  if (r.not_host > 0) {
    return Fail(of + "Write is given host memory", "0 writes of other memory", std::to_string(r.not_host));
  }
  if (r.largest > script.chunk_bytes) {
    return Fail(of + "a write has at most chunk_bytes bytes", std::to_string(script.chunk_bytes),
                std::to_string(r.largest));
  }
  if (r.at_once > 0) {
    return Fail(of + "the sink is called once at a time for a save", "0 calls during another",
                std::to_string(r.at_once));
  }
  if (r.changed > 0) {
    return Fail(of + "data stays as it is while the sink has it", "0 writes whose data changed during the call",
                std::to_string(r.changed), "the buffer was used for the next chunk before Write had returned");
  }
  if (r.after_end > 0) {
    return Fail(of + "nothing is written after Finish, nor after a write that failed", "0 such writes",
                std::to_string(r.after_end));
  }
  if (r.after_destroy > 0) {
    return Fail(of + "the sink is not called once the snapshotter is gone", "0 such calls",
                std::to_string(r.after_destroy));
  }
  return true;
}

bool SnapshotTrial::Untouched(int64_t number) {
  const SnapshotSaveResult& r = save(number);
  if (r.writes == 0 && r.finishes == 0) return true;
  return Fail("a Save that returned an error has captured nothing: the sink does not hear of it", "no call",
              std::to_string(r.writes) + " calls of Write, " + std::to_string(r.finishes) + " of Finish for save " +
                  std::to_string(number));
}

bool SnapshotTrial::Whole(int64_t number, ExpectedSave expected) {
  if (!InOrder(number)) return false;
  const SnapshotSaveResult& r = save(number);
  const std::string of = "save " + std::to_string(number) + ": ";
  if (r.missing > 0 || r.repeated > 0) {
    return Fail(of + "every byte of every tensor is written once", "0 missing, 0 written twice",
                std::to_string(r.missing) + " missing, " + std::to_string(r.repeated) + " written twice",
                "first byte " + std::to_string(r.first_offset) + " of tensor " + std::to_string(r.first_tensor) +
                    " of " + Bytes(script.tensors[static_cast<size_t>(r.first_tensor)].bytes));
  }
  if (r.finishes != 1) {
    return Fail(of + "Finish is called once", "1", std::to_string(r.finishes));
  }
  if (r.error != 0) {
    return Fail(of + "Finish is told 0 for a save that succeeded", "0", SnapshotErrorName(r.error));
  }
  return SameBytes(number, expected);
}

bool SnapshotTrial::SameBytes(int64_t number, ExpectedSave expected) {
  const std::byte* at = reply_.contents.data() + number * script.bytes();
  const size_t tensors = expected.tensors < 0 ? script.tensors.size() : static_cast<size_t>(expected.tensors);
  uint64_t differing = 0, total = 0;
  workbench::Finding finding;
  for (size_t t = 0; t < tensors; ++t) {
    const int64_t bytes = script.tensors[t].bytes;
    const uint64_t key = PatternKey(script.seed, expected.version, static_cast<int64_t>(t));
    for (int64_t i = 0; i < bytes; ++i) {
      const uint8_t want = PatternByte(key, static_cast<uint64_t>(i)), got = std::to_integer<uint8_t>(at[i]);
      if (want == got || differing++ > 0) continue;
      finding.index = static_cast<uint64_t>(i);
      finding.expected = std::to_string(want) + ", as in version " + std::to_string(expected.version);
      finding.actual = std::to_string(got);
      for (int64_t version = 0; version < 16; ++version) {
        const uint64_t other = PatternKey(script.seed, version, static_cast<int64_t>(t));
        const int64_t looked_at = std::min<int64_t>(bytes - i, 4);
        bool same = looked_at >= 2;
        for (int64_t b = 0; b < looked_at; ++b) {
          same = same && PatternByte(other, static_cast<uint64_t>(i + b)) == std::to_integer<uint8_t>(at[i + b]);
        }
        if (same) finding.actual += ", as in version " + std::to_string(version);
      }
      finding.detail = "save " + std::to_string(number) + ", tensor " + std::to_string(t) + " of " + Bytes(bytes);
    }
    total += static_cast<uint64_t>(bytes);
    at += bytes;
  }
  if (differing == 0) return true;
  finding.property = "a snapshot holds the tensors as they were at that point of the stream";
  finding.input = inputs_;
  finding.differing = differing;
  finding.total = total;
  context_.Fail(std::move(finding));
  return false;
}

}  // namespace q13
