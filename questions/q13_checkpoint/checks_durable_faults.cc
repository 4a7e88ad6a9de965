// Part b when something goes wrong: crashes, errors, ranks that go away, files that are not what was written.
#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/checks_durable.h"
#include "questions/q13_checkpoint/durable_judge.h"

namespace q13 {
namespace {

using workbench::Bit;
using workbench::CheckContext;
using workbench::IoKind;

StateId Small(int number) { return {Contents::kSmall, number}; }

DurableRequest CaseOf(DurableMode mode, int ranks, int keep, std::vector<Action> main, int first,
                      std::vector<Action> recovery) {
  DurableRequest request;
  request.mode = mode;
  request.ranks = request.recovery_ranks = ranks;
  request.keep = keep;
  request.main = std::move(main);
  request.first = first;
  request.recovery = std::move(recovery);
  request.order = ranks > 1;
  return request;
}

// All crash points of the actions from `first` on.
bool Crash(CheckContext& context, const std::string& what, int ranks, int keep, const std::vector<Action>& main,
           int first, const std::vector<int64_t>& candidates, uint64_t order = 0) {
  DurableRequest request = CaseOf(DurableMode::kCrash, ranks, keep, main, first, RecoveryOf(candidates, 20));
  request.seed = order;
  request.exhaustive = ranks > 1 ? 6 : 10;
  request.singles = ranks > 1 ? 16 : 40;
  request.samples = ranks > 1 ? 16 : 60;
  if (context.long_tier()) {
    request.exhaustive = 12;
    request.singles = 200;
    request.samples = ranks > 1 ? 200 : 1500;
    request.most_images = 100000;
  }
  if (std::any_of(main.begin(), main.end(), [](const Action& one) { return one.kind == ActionKind::kFaults; })) {
    request.faults = {{.short_io = 1}};
  }
  DurableJudge judge(context, what, request);
  if (!judge.Run()) return false;
  for (const Outcome& outcome : judge.reply().outcomes) {
    for (int i = 0; i < static_cast<int>(main.size()); ++i) {
      if (main[static_cast<size_t>(i)].kind == ActionKind::kFaults) continue;
      if (!judge.Returns(outcome, false, i, 0, "without a crash, all calls give 0")) return false;
    }
    if (!judge.Recovers(outcome)) return false;
  }
  context.Figure(what + ": images", static_cast<double>(judge.reply().cases));
  return true;
}

void CheckAtomic(CheckContext& context) {
  (void)(Crash(context, "the first save", 1, 2, {SaveOf(1, Small(1))}, 0, {1}) &&
         Crash(context, "a save that prunes", 1, 1, {SaveOf(1, Small(1)), SaveOf(2, Small(2))}, 1, {1, 2}) &&
         Crash(context, "a save of three", 1, 2, {SaveOf(1, Small(1)), SaveOf(2, Small(2)), SaveOf(3, Small(3))}, 2,
               {1, 2, 3}) &&
         Crash(context, "a save by short writes", 1, 1, {SaveOf(1, Small(1)), FaultsFrom(0), SaveOf(2, Small(2))}, 2,
               {1, 2}) &&
         Crash(context, "in the background", 1, 2,
               {SaveOf(1, Small(1)), SaveOf(2, Small(2)), SaveAsyncOf(3, Small(3)), WaitFor()}, 2, {1, 2, 3}));
}

// `most` images, spread over the cuts; few of them have so many sectors that they take their whole share.
bool CrashLong(CheckContext& context, const std::string& what, DurableRequest request, int64_t most) {
  request.samples = 60000;
  request.singles = 1000;
  request.most_images = most;
  DurableJudge judge(context, what, request);
  if (!judge.Run() || !judge.AllRecover()) return false;
  context.Figure(what + ": images", static_cast<double>(judge.reply().cases));
  return true;
}

// Long logs of many sectors, where combinations can only be sampled.
void CheckAtomicLong(CheckContext& context) {
  CheckAtomic(context);
  if (context.failed() || !context.long_tier()) return;
  const auto large = [](int number) { return StateId{Contents::kLarge, number}; };
  DurableRequest request =
      CaseOf(DurableMode::kCrash, 1, 1, {SaveOf(1, large(1)), SaveOf(2, large(2))}, 1, RecoveryOf({1, 2}, -1));
  (void)CrashLong(context, "a save of many sectors, 10^5 samples", request, 1 << 22);
}

void CheckReplace(CheckContext& context) {
  (void)(Crash(context, "the only step saved again", 1, 1, {SaveOf(1, Small(1)), SaveOf(1, Small(2))}, 1, {1}) &&
         Crash(context, "the newest step saved again, twice", 1, 2,
               {SaveOf(1, Small(1)), SaveOf(2, Small(2)), SaveOf(2, Small(3)), SaveOf(2, Small(4))}, 2, {1, 2}));
}

void CheckRanks(CheckContext& context) {
  for (uint64_t order = 0; order < 3; ++order) {
    if (!Crash(context, "the first save of 4 ranks", 4, 2, {SaveOf(1, Small(1))}, 0, {1}, order) ||
        !Crash(context, "a save of 4 ranks that prunes", 4, 1, {SaveOf(1, Small(1)), SaveOf(2, Small(2))}, 1, {1, 2},
               order) ||
        !Crash(context, "the only step saved again, on 2 ranks", 2, 1, {SaveOf(1, Small(1)), SaveOf(1, Small(2))}, 1,
               {1}, order) ||
        !Crash(context, "a save of 3 ranks in the background", 3, 2,
               {SaveOf(1, Small(1)), SaveAsyncOf(2, Small(2)), WaitFor()}, 1, {1, 2}, order)) {
      return;
    }
  }
}

void CheckRanksLong(CheckContext& context) {
  CheckRanks(context);
  if (context.failed() || !context.long_tier()) return;
  DurableRequest request =
      CaseOf(DurableMode::kCrash, 4, 1, {SaveOf(1, {Contents::kLarge, 1}), SaveOf(2, {Contents::kLarge, 2})}, 1,
             RecoveryOf({1, 2}, -1));
  (void)CrashLong(context, "a save of many sectors on 4 ranks, 10^5 samples", request, 500000);
}

void CheckRankLost(CheckContext& context) {
  for (const bool replace : {false, true}) {
    const int64_t step = replace ? 1 : 2;
    DurableJudge judge(
        context, replace ? "while a step is saved again" : "while a new step is saved",
        CaseOf(DurableMode::kRankLost, 3, 1, {SaveOf(1, Small(1)), SaveOf(step, Small(2)), SaveOf(3, Small(3))}, 1,
               RecoveryOf({1, 2, 3}, 20)));
    judge.request().order = 0;
    if (!judge.Run()) return;
    for (const Outcome& outcome : judge.reply().outcomes) {
      if (!judge.SameEverywhere(outcome, 1, {}, outcome.fault_rank)) return;
      for (int rank = 0; rank < 3; ++rank) {
        if (rank == outcome.fault_rank || judge.Record(outcome, false, 2, rank).code != 0) continue;
        judge.Fail(outcome, "without one of its ranks a group saves nothing", "Save(3) gives kRankLost", "0", rank);
        return;
      }
      if (!judge.Recovers(outcome)) return;
    }
  }
}

// Every operation of the second save fails, on each rank in turn.
bool Errors(CheckContext& context, const std::string& what, int ranks, int keep, const FaultPlan& plan, bool async) {
  std::vector<Action> main = {SaveOf(1, Small(1)), SaveOf(2, Small(2)), SaveOf(2, Small(3)), LoadOf(kLatest),
                              LoadOf(1)};
  if (async) main = {SaveOf(1, Small(1)), SaveAsyncOf(2, Small(2)), WaitFor(), SaveOf(2, Small(3)), LoadOf(kLatest)};
  DurableRequest request = CaseOf(DurableMode::kFaults, ranks, keep, main, async ? 2 : 1, RecoveryOf({1, 2}, 20));
  request.order = 0;
  request.faults = {plan};
  DurableJudge judge(context, what, request);
  if (!judge.Run()) return false;
  for (const Outcome& outcome : judge.reply().outcomes) {
    if (!judge.SameEverywhere(outcome, 1, {outcome.error})) return false;
    if (!judge.Returns(outcome, false, 2, 0, "a Save after one that failed works") ||
        !judge.Loads(outcome, false, 3, 2, Small(3), "a Save after one that failed is found") ||
        !judge.Recovers(outcome)) {
      return false;
    }
  }
  return true;
}

// The failed save is the last: what was there must be there.
bool ErrorsAtTheEnd(CheckContext& context, const std::string& what, int ranks, int keep, const FaultPlan& plan) {
  DurableRequest request =
      CaseOf(DurableMode::kFaults, ranks, keep, {SaveOf(1, Small(1)), SaveOf(2, Small(2)), SaveOf(3, Small(3))}, 2,
             RecoveryOf({1, 2, 3}, 20));
  request.order = 0;
  request.faults = {plan};
  DurableJudge judge(context, what, request);
  if (!judge.Run()) return false;
  for (const Outcome& outcome : judge.reply().outcomes) {
    if (!judge.SameEverywhere(outcome, 2, {outcome.error}) || !judge.Recovers(outcome)) return false;
  }
  return true;
}

bool LoadErrors(CheckContext& context, int ranks) {
  DurableRequest request =
      CaseOf(DurableMode::kFaults, ranks, 2,
             {SaveOf(1, Small(1)), SaveOf(2, Small(2)), LoadOf(kLatest), LoadOf(kLatest)}, 2, RecoveryOf({1, 2}, -1));
  request.order = 0;
  request.faults = {{.kinds = workbench::kAllKinds, .at = 0, .error = -EIO}};
  DurableJudge judge(context, "an operation of Load fails", request);
  if (!judge.Run()) return false;
  for (const Outcome& outcome : judge.reply().outcomes) {
    const CallRecord& first = judge.Record(outcome, false, 2, 0);
    for (int rank = 0; rank < ranks; ++rank) {
      const CallRecord& record = judge.Record(outcome, false, 2, rank);
      const bool whole = record.code == 0 && (record.step == 1 || record.step == 2) &&
                         record.digest == judge.Expected(Small(static_cast<int>(record.step)), rank);
      const bool refused = record.code != 0 && record.code != kThrew && record.state_left == 0;
      if ((whole || refused) && (record.code == 0) == (first.code == 0) && record.step == first.step) continue;
      return judge.Fail(outcome, "a Load that meets an error gives the same on all ranks",
                        "an error and no tensors, or the same checkpoint, whole",
                        "rank 0: " + judge.Describe(first, 0) + "; rank " + std::to_string(rank) + ": " +
                            judge.Describe(record, rank),
                        rank);
    }
    if (!judge.Loads(outcome, false, 3, 2, Small(2), "a Load after one that failed works")) return false;
  }
  return true;
}

void CheckErrors(CheckContext& context) {
  const FaultPlan once = {.kinds = workbench::kAllKinds, .at = 0, .error = -EIO};
  const FaultPlan sync = {.kinds = Bit(IoKind::kSync) | Bit(IoKind::kSyncDirectory), .at = 0, .error = -EIO};
  const FaultPlan full = {.kinds = Bit(IoKind::kWrite) | Bit(IoKind::kCreate) | Bit(IoKind::kMakeDirectory),
                          .at = 0,
                          .count = 1 << 20,
                          .error = -ENOSPC};
  const FaultPlan space = {.kinds = 0, .space = context.long_tier() ? 64 : 512, .error = -ENOSPC};
  for (const int ranks : {1, 3}) {
    if (!Errors(context, "one operation fails", ranks, 2, once, false) ||
        !ErrorsAtTheEnd(context, "one operation fails, at the end", ranks, 1, once) ||
        !ErrorsAtTheEnd(context, "a sync fails, at the end", ranks, 2, sync) ||
        !Errors(context, "the disk is full from some operation on", ranks, 2, full, false) ||
        !ErrorsAtTheEnd(context, "the disk is full after some bytes", ranks, 2, space) || !LoadErrors(context, ranks)) {
      return;
    }
  }
}

// The store has no more files than one to which nothing happened.
bool Leftovers(CheckContext& context, int ranks) {
  std::vector<Action> main = {SaveOf(1, Small(1)), SaveOf(2, Small(2)), SaveOf(3, Small(3))};
  std::vector<Action> whole = main;
  whole.push_back(SaveOf(20, Small(90)));
  DurableJudge clean(context, "four saves", CaseOf(DurableMode::kRun, ranks, 2, whole, 0, {}));
  if (!clean.Run()) return false;
  DurableRequest request = CaseOf(DurableMode::kCrash, ranks, 2, main, 2, RecoveryOf({}, 20));
  request.exhaustive = 3;
  request.singles = request.samples = 2;
  DurableJudge judge(context, "a crash in the third save, then one more", request);
  if (!judge.Run()) return false;
  constexpr int64_t kSlackBytes = 4096;  // the states are not all of one size
  for (const Outcome& outcome : judge.reply().outcomes) {
    if (outcome.files <= clean.only().files && outcome.bytes <= clean.only().bytes + kSlackBytes) continue;
    return judge.Fail(outcome, "what a crash left behind is gone after the next Save",
                      "at most " + std::to_string(clean.only().files) + " files, as without a crash",
                      std::to_string(outcome.files) + " files of " + std::to_string(outcome.bytes) + " bytes");
  }
  return true;
}

bool Kept(CheckContext& context, int ranks, int keep) {
  std::vector<Action> few, many;
  std::vector<int64_t> kept;
  for (int step = 1; step <= 12; ++step) {
    if (step <= 6) few.push_back(SaveOf(step, Small(6 * step)));
    many.push_back(SaveOf(step, Small(6 * step)));
    if (step > 12 - keep) kept.push_back(step);
  }
  DurableJudge first(context, "six saves", CaseOf(DurableMode::kRun, ranks, keep, few, 0, {}));
  if (!first.Run()) return false;
  many.push_back(ListSteps());
  many.push_back(LoadOf(kept[0]));
  DurableJudge judge(context, "twelve saves", CaseOf(DurableMode::kRun, ranks, keep, many, 0, {}));
  if (!judge.Run() || !judge.Lists(judge.only(), false, 12, kept, "the newest `keep` checkpoints are kept") ||
      !judge.Loads(judge.only(), false, 13, kept[0], Small(6 * static_cast<int>(kept[0])),
                   "the newest `keep` checkpoints are kept")) {
    return false;
  }
  constexpr int64_t kSlackBytes = 1024;  // numbers with more digits
  if (judge.only().files <= first.only().files && judge.only().bytes <= first.only().bytes + kSlackBytes) return true;
  return judge.Fail(judge.only(), "checkpoints that are not kept leave no files",
                    std::to_string(first.only().files) + " files of " + std::to_string(first.only().bytes) +
                        " bytes, as after six saves",
                    std::to_string(judge.only().files) + " files of " + std::to_string(judge.only().bytes) + " bytes");
}

bool DamagedDoNotCount(CheckContext& context, int ranks, int damaged) {
  const auto large = [](int number) { return StateId{Contents::kLarge, number}; };
  DurableJudge judge(context, "the newest damaged on rank " + std::to_string(damaged) + ", then one more save",
                     CaseOf(DurableMode::kRun, ranks, 2,
                            {SaveOf(1, large(1)), SaveOf(2, large(2)), SaveOf(3, large(3)), DamageOf(2, damaged),
                             Reopen(), SaveOf(4, large(4)), LoadOf(kLatest), LoadOf(2)},
                            0, {}));
  return judge.Run() && judge.Returns(judge.only(), false, 5, 0, "Save of a state gives 0") &&
         judge.Loads(judge.only(), false, 6, 4, large(4), "what Save gave 0 for is the latest") &&
         judge.Loads(judge.only(), false, 7, 2, large(2),
                     "a checkpoint is removed only when `keep` newer ones are whole: a damaged one does not count");
}

void CheckRetention(CheckContext& context) {
  for (const int ranks : {1, 3}) {
    for (const int keep : {1, 3}) {
      if (!Kept(context, ranks, keep)) return;
    }
    if (!DamagedDoNotCount(context, ranks, 0) || (ranks > 1 && !DamagedDoNotCount(context, ranks, ranks - 1)) ||
        !Leftovers(context, ranks)) {
      return;
    }
  }
}

// One of two checkpoints may be damaged: the other one is there.
bool Damaged(CheckContext& context, const std::string& what, DurableMode mode, int ranks, Contents contents,
             int64_t most) {
  const StateId one = {contents, 1}, two = {contents, 2};
  DurableRequest request =
      CaseOf(mode, ranks, 2, {SaveOf(1, one), SaveOf(2, two)}, 1, {LoadOf(kLatest), LoadOf(2), LoadOf(1), ListSteps()});
  request.most_images = most;
  DurableJudge judge(context, what, request);
  if (!judge.Run()) return false;
  const auto is = [&](const CallRecord& record, int64_t step, int rank) {
    return record.code == 0 && record.step == step && record.digest == judge.Expected(step == 1 ? one : two, rank);
  };
  for (const Outcome& outcome : judge.reply().outcomes) {
    for (int rank = 0; rank < ranks; ++rank) {
      for (const int load : {1, 2}) {
        const CallRecord& record = judge.Record(outcome, true, load, rank);
        if (is(record, 3 - load, rank) || (record.code != 0 && record.code != kThrew && record.state_left == 0)) {
          continue;
        }
        return judge.Fail(outcome, "what has changed is noticed, or does not matter",
                          "Load(" + std::to_string(3 - load) + ") gives an error and no tensors, or those saved",
                          judge.Describe(record, rank), rank);
      }
      const CallRecord& latest = judge.Record(outcome, true, 0, rank);
      const bool same = latest.step == judge.Record(outcome, true, 0, 0).step;
      if (same && (is(latest, 1, rank) || is(latest, 2, rank))) continue;
      return judge.Fail(outcome, "a damaged checkpoint is passed over for one that is whole",
                        "Load(kLatest) gives step 1 or step 2, whole, the same on all ranks",
                        judge.Describe(latest, rank), rank);
    }
  }
  context.Figure(what + ": cases", static_cast<double>(judge.reply().cases));
  return true;
}

void CheckBitflips(CheckContext& context) {
  const bool all = context.long_tier();
  (void)(Damaged(context, "each bit of a small store", DurableMode::kFlips, 1, Contents::kTiny, 1 << 20) &&
         Damaged(context, "bits of a small store of 3 ranks", DurableMode::kFlips, 3, Contents::kTiny,
                 all ? 1 << 20 : 1500) &&
         Damaged(context, "bits of a large store", DurableMode::kFlips, 1, Contents::kLarge, all ? 100000 : 2000));
}

void CheckGarbage(CheckContext& context) {
  (void)(Damaged(context, "files that say anything", DurableMode::kGarbage, 1, Contents::kTiny, 1 << 20) &&
         Damaged(context, "files of 2 ranks that say anything", DurableMode::kGarbage, 2, Contents::kTiny,
                 context.long_tier() ? 1 << 20 : 1000));
}

}  // namespace

void AddDurableFaultChecks(std::vector<workbench::Check>* checks) {
  checks->push_back({{"b.atomic",
                      "every crash point of one rank",
                      3,
                      false,
                      {"data is renamed or pointed to before it is synced", "a directory is not synced after a rename",
                       "files are overwritten where they are", "old checkpoints go before the new one is durable"}},
                     CheckAtomicLong});
  checks->push_back({{"b.replace",
                      "every crash point of a step that is saved again",
                      1,
                      false,
                      {"the new files have the old ones' names", "the old step is removed first"}},
                     CheckReplace});
  checks->push_back(
      {{"b.ranks",
        "every crash point of several ranks",
        3,
        false,
        {"a barrier is taken for durability: a rank has not synced before it says that it is ready",
         "rank 0 commits without asking the others", "other ranks' new files are not in a synced directory"}},
       CheckRanksLong});
  checks->push_back({{"b.rank_lost",
                      "a rank goes away",
                      1,
                      false,
                      {"AllGather's result is ignored", "the survivors commit without it"}},
                     CheckRankLost});
  checks->push_back({{"b.errors",
                      "errors at every operation",
                      2,
                      false,
                      {"an error is not told to the other ranks", "a failed sync is repeated on the same file",
                       "what a failed save left is in the way of the next one"}},
                     CheckErrors});
  checks->push_back(
      {{"b.retention",
        "what is kept and what is removed",
        2,
        false,
        {"temporary files of a crash are never removed", "checkpoints are counted without a look inside"}},
       CheckRetention});
  checks->push_back({{"b.bitflips",
                      "every bit of every file",
                      1,
                      false,
                      {"the checksum leaves out names, shapes, lengths or itself", "the manifest has none",
                       "a damaged `latest` makes everything unreachable"}},
                     CheckBitflips});
  checks->push_back({{"b.garbage",
                      "files that say anything",
                      1,
                      false,
                      {"lengths are believed before the checksum was looked at", "a sum of lengths overflows"}},
                     CheckGarbage});
}

}  // namespace q13
