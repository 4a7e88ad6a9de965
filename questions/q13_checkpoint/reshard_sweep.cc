#include "questions/q13_checkpoint/reshard_sweep.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include "questions/q13_checkpoint/crash_matrix.h"
#include "questions/q13_checkpoint/damaged_files.h"
#include "questions/q13_checkpoint/memory_limit.h"

namespace q13 {
namespace {

using workbench::FileTree;
using workbench::IoFaults;
using workbench::MemoryIo;

// That much more memory may be taken while files are read that say anything.
constexpr uint64_t kMemoryForGarbage = 256 << 20;
// After a crash a save has to work: tried on each so-many-th image.
constexpr int64_t kSaveOnEvery = 16;
constexpr int32_t kLaterVersion = 3;

constexpr const char* kWhole = "a load finds the old or the new checkpoint, whole, and all ranks the same one";

std::string CodesText(const ReshardStepRecord& record) {
  std::string text;
  for (size_t rank = 0; rank < record.ranks.size(); ++rank) {
    text += (rank == 0 ? "rank " : ", rank ") + std::to_string(rank) + ": " + ReshardCodeName(record.ranks[rank].code);
  }
  return text;
}

bool AllReturned(const ReshardStepRecord& record, int32_t code) {
  return std::all_of(record.ranks.begin(), record.ranks.end(), [&](const auto& one) { return one.code == code; });
}

std::string ElementText(const ReshardRequest& request, const ReshardBox& box, const ReshardRankRecord& record) {
  const ReshardTensor& tensor = request.tensors[static_cast<size_t>(box.tensor)];
  return "element " + PlaceText(tensor.info, record.wrong_index) + " of " + NameText(tensor.name);
}

}  // namespace

bool ReshardSweep::Fail(const std::string& property, const std::string& expected, const std::string& actual,
                        const Describe& describe) {
  if (failed()) return false;
  reply_.fault.property = property;
  reply_.fault.expected = expected;
  reply_.fault.actual = actual;
  reply_.fault.input.emplace_back("fault", describe());
  return false;
}

ReshardCall ReshardSweep::CallOf(const ReshardStep& step) const {
  ReshardCall call;
  call.save = step.save;
  call.layout = step.layout;
  call.versions = {step.version};
  call.misaligned = step.misaligned;
  return call;
}

bool ReshardSweep::RunSteps(size_t count, MemoryIo* io) {
  for (size_t i = 0; i < count; ++i) {
    const ReshardStepRecord record = RunReshardCall(entries_, request_, CallOf(request_.steps[i]), io);
    if (AllReturned(record, 0)) continue;
    return Fail("nothing goes wrong before anything is made to", "0 on all ranks", CodesText(record),
                [&] { return std::string(request_.steps[i].save ? "save " : "load ") + std::to_string(i); });
  }
  return true;
}

bool ReshardSweep::JudgeRecovery(const FileTree& tree, bool old_may_be, bool new_may_be, const std::string& property,
                                 const Describe& describe) {
  MemoryIo io(tree);
  ReshardCall call;
  call.layout = request_.recovery;
  call.versions.clear();
  if (new_may_be) call.versions.push_back(new_version_);
  if (old_may_be && old_version_ >= 0) call.versions.push_back(old_version_);
  const bool nothing_may_be = old_may_be && old_version_ < 0;
  if (call.versions.empty()) call.versions.push_back(new_version_);  // to say what was found
  const ReshardStepRecord record = RunReshardCall(entries_, request_, call, &io);
  const std::string expected = std::string(new_may_be ? "the new checkpoint" : "") +
                               (new_may_be && old_may_be ? " or " : "") +
                               (old_may_be ? (nothing_may_be ? "kNotFound" : "the old one") : "");
  if (AllReturned(record, kNotFound) && nothing_may_be) return true;
  std::set<int32_t> matched;
  for (size_t rank = 0; rank < record.ranks.size(); ++rank) {
    const ReshardRankRecord& one = record.ranks[rank];
    if (one.code == 0 && one.matched != -1) {
      if (one.matched != kAnyVersion) matched.insert(one.matched);
      continue;
    }
    if (one.code != 0)
      return Fail(property, expected + " on all ranks", "load returned " + CodesText(record), describe);
    const ReshardBox& box =
        request_.layouts[static_cast<size_t>(request_.recovery)][rank][static_cast<size_t>(one.wrong_slice)];
    reply_.fault.rank = static_cast<int32_t>(rank);
    reply_.fault.index = one.wrong_index;
    reply_.fault.differing = one.differing;
    reply_.fault.total = one.elements;
    return Fail(property, expected,
                "load returned 0 on rank " + std::to_string(rank) + ", and " + ElementText(request_, box, one) +
                    (one.wrong_version == old_version_ && old_version_ >= 0 ? " is the old one's, others the new one's"
                     : one.wrong_version >= 0 ? " is that of the checkpoint " + std::to_string(one.wrong_version)
                                              : " is none of what was saved there"),
                describe);
  }
  if (matched.size() > 1) {
    return Fail(property, "the same checkpoint on all ranks", "the old one on some, the new one on others", describe);
  }
  if (!new_may_be && matched.count(new_version_) > 0) {
    return Fail(property, expected, "the new checkpoint, which nobody had begun to save", describe);
  }
  return true;
}

bool ReshardSweep::JudgeLaterSave(const FileTree& tree, const Describe& describe) {
  MemoryIo io(tree);
  ReshardCall save = CallOf(request_.steps.back());
  for (size_t i = request_.steps.size(); i-- > 0;) {
    if (request_.steps[i].save) {
      save = CallOf(request_.steps[i]);
      break;
    }
  }
  save.versions = {kLaterVersion};
  const ReshardStepRecord saved = RunReshardCall(entries_, request_, save, &io);
  const std::string property = "a later save works, whatever an earlier one left behind";
  if (!AllReturned(saved, 0)) return Fail(property, "0 on all ranks", CodesText(saved), describe);
  ReshardCall load;
  load.layout = request_.recovery;
  load.versions = {kLaterVersion};
  for (const bool crash : {false, true}) {
    MemoryIo again(crash ? LeastThatIsLeft(io) : io.Tree());
    const ReshardStepRecord loaded = RunReshardCall(entries_, request_, load, &again);
    const bool right = AllReturned(loaded, 0) && std::all_of(loaded.ranks.begin(), loaded.ranks.end(),
                                                             [](const auto& one) { return one.matched != -1; });
    if (!right) {
      return Fail(property + ", and is found", "what was saved last",
                  "load returned " + CodesText(loaded) + (AllReturned(loaded, 0) ? ", with other elements" : "") +
                      (crash ? ", after a crash once the later save had returned 0" : ""),
                  describe);
    }
  }
  return true;
}

void ReshardSweep::RunCrashes() {
  MemoryIo before(EmptyReshardTree());
  if (!RunSteps(request_.steps.size() - 1, &before)) return;
  MemoryIo io(LeastThatIsLeft(before));
  ReshardCall call = CallOf(request_.steps.back());
  call.order = static_cast<int64_t>(request_.seed % 1000003);
  call.mark = true;
  const ReshardStepRecord record = RunReshardCall(entries_, request_, call, &io);
  if (!AllReturned(record, 0)) {
    Fail("nothing goes wrong before anything is made to", "0 on all ranks", CodesText(record),
         [] { return std::string("the save whose log was to be cut"); });
    return;
  }
  CrashMatrixOptions options;
  options.images.seed = request_.seed;
  options.images.exhaustive_units = 8;
  options.images.singles = 24;
  options.images.samples = 24;
  options.most_images = request_.most;
  const CrashMatrixCounts counts = ForEachCrash(io.Start(), io.Log(), options, [&](const CrashPoint& point) {
    bool returned = false;
    for (const auto& [rank, mark] : point.marks) returned = returned || mark == kSaveReturned;
    const std::string property =
        returned ? "what a save has returned 0 for, on any rank, is durable" : std::string(kWhole);
    JudgeRecovery(point.tree, !returned, true, property, point.describe);
    if (!failed() && reply_.cases % kSaveOnEvery == 0) JudgeLaterSave(point.tree, point.describe);
    ++reply_.cases;
    return !failed();
  });
  (void)counts;
}

bool ReshardSweep::JudgeErrorsAgree(const ReshardStepRecord& record, const std::string& property,
                                    const Describe& describe) {
  const bool some =
      std::any_of(record.ranks.begin(), record.ranks.end(), [](const auto& one) { return one.code == 0; });
  const bool threw =
      std::any_of(record.ranks.begin(), record.ranks.end(), [](const auto& one) { return one.code == kReshardThrew; });
  if ((some && !AllReturned(record, 0)) || threw) {
    return Fail(property, "0 on all ranks, or an error on all", CodesText(record), describe);
  }
  return true;
}

void ReshardSweep::JudgeFault(const MemoryIo& io, const ReshardStepRecord& save, int32_t error, int rank,
                              const Describe& describe) {
  ++reply_.cases;
  if (!save.misuse.empty()) {
    Fail("all ranks make the same calls, whatever fails", "", save.misuse, describe);
    return;
  }
  if (!JudgeErrorsAgree(save, "when a save fails on one rank it fails on all", describe)) return;
  const bool saved = AllReturned(save, 0);
  for (const ReshardRankRecord& one : save.ranks) {
    if (saved || one.code == error || one.code == kRankLost) continue;
    Fail("a save that fails returns the failing rank's error, on all ranks",
         ReshardCodeName(error) + " (rank " + std::to_string(rank) + "'s)", CodesText(save), describe);
    return;
  }
  const std::string property = saved ? "what a save has returned 0 for is there" : std::string(kWhole);
  if (!JudgeRecovery(io.Tree(), !saved, true, property, describe)) return;
  const FileTree least = LeastThatIsLeft(io);
  const auto then = [&] { return describe() + "; then a crash that loses all that was not synced"; };
  if (!JudgeRecovery(least, !saved, true, saved ? "what a save has returned 0 for is durable" : property, then)) return;
  if (!JudgeLaterSave(io.Tree(), describe)) return;
  JudgeLaterSave(least, then);
}

void ReshardSweep::RunFaults() {
  MemoryIo before(EmptyReshardTree());
  if (!RunSteps(request_.steps.size() - 1, &before)) return;
  const FileTree start = LeastThatIsLeft(before);
  if (!request_.steps.back().save) return RunFaultsOfLoad(start);
  const ReshardCall call = CallOf(request_.steps.back());
  const int ranks = static_cast<int>(request_.layouts[static_cast<size_t>(call.layout)].size());
  using workbench::Bit;
  using workbench::IoKind;
  struct Plan {
    const char* what;
    uint32_t kinds;
    int32_t error;
  };
  const Plan plans[] = {
      {"an operation", workbench::kAllKinds, -EIO},
      {"a sync", Bit(IoKind::kSync) | Bit(IoKind::kSyncDirectory), -EIO},
      {"a write or a new file", Bit(IoKind::kWrite) | Bit(IoKind::kCreate) | Bit(IoKind::kTruncate), -ENOSPC},
  };
  for (const Plan& plan : plans) {
    for (int rank = 0; rank < ranks; ++rank) {
      constexpr int64_t kMostOfARank = 400;
      for (int64_t at = 0; at < kMostOfARank && !failed(); ++at) {
        MemoryIo io(start);
        IoFaults faults;
        faults.rank = rank;
        faults.fail_at = at;
        faults.fail_kinds = plan.kinds;
        faults.error = plan.error;
        io.SetFaults(faults);
        const ReshardStepRecord save = RunReshardCall(entries_, request_, call, &io);
        const bool met = io.faults_met() > 0;
        io.SetFaults({});
        if (!met) break;
        JudgeFault(io, save, plan.error, rank, [&] {
          return std::string(plan.what) + " (number " + std::to_string(at) + ") of rank " + std::to_string(rank) +
                 "'s save fails with " + ReshardCodeName(plan.error);
        });
      }
    }
  }
  // A disk that fills up, and stays so until the save is over.
  for (int64_t space = 0; !failed(); space = space < 512 ? space + 171 : space + space / 3) {
    MemoryIo io(start);
    IoFaults faults;
    faults.space = space;
    io.SetFaults(faults);
    const ReshardStepRecord save = RunReshardCall(entries_, request_, call, &io);
    const bool met = io.faults_met() > 0;
    io.SetFaults({});
    if (!met) break;
    JudgeFault(io, save, -ENOSPC, -1, [&] { return "the disk has room for " + std::to_string(space) + " bytes more"; });
  }
}

void ReshardSweep::RunFaultsOfLoad(const FileTree& tree) {
  const ReshardCall call = CallOf(request_.steps.back());
  const int ranks = static_cast<int>(request_.layouts[static_cast<size_t>(call.layout)].size());
  for (int rank = 0; rank < ranks; ++rank) {
    for (int64_t at = 0; at < 400 && !failed(); ++at) {
      MemoryIo io(tree);
      IoFaults faults;
      faults.rank = rank;
      faults.fail_at = at;
      io.SetFaults(faults);
      const ReshardStepRecord load = RunReshardCall(entries_, request_, call, &io);
      if (io.faults_met() == 0) break;
      ++reply_.cases;
      const auto describe = [&] {
        return "operation " + std::to_string(at) + " of rank " + std::to_string(rank) + "'s load fails with -EIO";
      };
      const std::string property = "when a load fails on one rank it fails on all";
      if (!JudgeErrorsAgree(load, property, describe)) return;
      if (!load.misuse.empty()) Fail("all ranks make the same calls, whatever fails", "", load.misuse, describe);
      for (size_t one = 0; one < load.ranks.size(); ++one) {
        if (load.ranks[one].code != 0 || load.ranks[one].matched != -1) continue;
        Fail("a load that returns 0 has loaded", "an error, or the elements that were saved",
             "0, with other elements on rank " + std::to_string(one), describe);
      }
    }
  }
}

void ReshardSweep::RunLost() {
  MemoryIo before(EmptyReshardTree());
  if (!RunSteps(request_.steps.size() - 1, &before)) return;
  const FileTree start = LeastThatIsLeft(before);
  ReshardCall call = CallOf(request_.steps.back());
  std::vector<int64_t> gathers;
  {
    MemoryIo io(start);
    ReshardCall whole = call;
    whole.gathers = &gathers;
    RunReshardCall(entries_, request_, whole, &io);
  }
  const int ranks = static_cast<int>(gathers.size());
  if (ranks > 1 && gathers[0] == 0) {
    Fail("the ranks agree before a save or a load returns", "at least one AllGather", "none",
         [&] { return std::string(call.save ? "a save" : "a load"); });
    return;
  }
  for (int rank = 0; rank < ranks; ++rank) {
    for (int64_t at = 0; at < gathers[static_cast<size_t>(rank)] && !failed(); ++at) {
      MemoryIo io(start);
      ReshardCall lost = call;
      lost.lost_rank = rank;
      lost.lost_at = at;
      ReshardStepRecord record = RunReshardCall(entries_, request_, lost, &io);
      ++reply_.cases;
      const auto describe = [&] {
        return "rank " + std::to_string(rank) + " is gone from AllGather " + std::to_string(at) + " of the " +
               (call.save ? "save" : "load") + " on";
      };
      record.ranks.erase(record.ranks.begin() + rank);  // of what is gone nothing is asked
      if (!AllReturned(record, kRankLost)) {
        Fail("when a rank is lost all others return kRankLost", "kRankLost",
             "the others, in order: " + CodesText(record), describe);
        return;
      }
      if (!call.save) continue;
      if (!JudgeRecovery(io.Tree(), true, true, kWhole, describe)) return;
      if (!JudgeRecovery(LeastThatIsLeft(io), true, true, kWhole, describe)) return;
      if (!JudgeLaterSave(io.Tree(), describe)) return;
    }
  }
}

void ReshardSweep::RunDamage() {
  MemoryIo io(EmptyReshardTree());
  if (!RunSteps(request_.steps.size(), &io)) return;
  const FileTree tree = io.Tree();
  const bool garbage = request_.mode == ReshardMode::kGarbage;
  if (!JudgeRecovery(tree, false, true, "what is not damaged loads", [] { return std::string("none yet"); })) return;
  std::unique_ptr<MemoryLimit> limit;
  if (garbage) limit = std::make_unique<MemoryLimit>(kMemoryForGarbage);
  const auto visit = [&](const FileTree& damaged, const Describe& describe) {
    if (failed()) return;
    ++reply_.cases;
    MemoryIo now(damaged);
    ReshardCall call;
    call.layout = request_.recovery;
    call.versions = {new_version_};
    const ReshardStepRecord record = RunReshardCall(entries_, request_, call, &now);
    const std::string property = "what is damaged is noticed, on all ranks";
    if (!JudgeErrorsAgree(record, property, describe)) return;
    if (!record.misuse.empty()) {
      Fail("all ranks make the same calls, whatever they read", "", record.misuse, describe);
      return;
    }
    for (size_t rank = 0; rank < record.ranks.size(); ++rank) {
      const ReshardRankRecord& one = record.ranks[rank];
      if (one.overrun != 0) {
        Fail("nothing is written outside of the boxes", "",
             "memory around a box of rank " + std::to_string(rank) + " was written", describe);
        return;
      }
      if (one.code != 0 || one.matched != -1) continue;
      const ReshardBox& box =
          request_.layouts[static_cast<size_t>(call.layout)][rank][static_cast<size_t>(one.wrong_slice)];
      reply_.fault.rank = static_cast<int32_t>(rank);
      reply_.fault.index = one.wrong_index;
      reply_.fault.differing = one.differing;
      reply_.fault.total = one.elements;
      Fail(property, "kDamaged, or what was saved, bit for bit",
           "load returned 0 on rank " + std::to_string(rank) + ", and " + ElementText(request_, box, one) +
               " is not what was saved",
           describe);
      return;
    }
  };
  if (garbage) {
    ForEachGarbage(tree, request_.seed, request_.most, visit);
    return;
  }
  ForEachFlip(tree, request_.seed, request_.most, visit);
  // One rank's file in place of another's: each is whole, and in the wrong place.
  for (const auto& [path, bytes] : tree.files) {
    for (const auto& [other, others] : tree.files) {
      if (path == other || bytes->size() != others->size() || *bytes == *others) continue;
      FileTree swapped = tree;
      swapped.files[path] = others;
      visit(swapped, [&] { return path + " has the bytes of " + other; });
      swapped.files[other] = bytes;
      visit(swapped, [&] { return path + " and " + other + " are exchanged"; });
    }
  }
}

ReshardReply ReshardSweep::Run() {
  for (const ReshardStep& step : request_.steps) {
    if (!step.save) continue;
    old_version_ = new_version_;
    new_version_ = step.version;
  }
  switch (request_.mode) {
    case ReshardMode::kRun:
      break;
    case ReshardMode::kCrash:
      RunCrashes();
      break;
    case ReshardMode::kFaults:
      RunFaults();
      break;
    case ReshardMode::kLost:
      RunLost();
      break;
    case ReshardMode::kFlips:
    case ReshardMode::kGarbage:
      RunDamage();
      break;
  }
  return std::move(reply_);
}

}  // namespace q13
