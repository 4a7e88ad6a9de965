// Part b: what is saved is what is loaded. checks_durable_faults.cc: also when something goes wrong.
#include "questions/q13_checkpoint/checks_durable.h"

#include <cerrno>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/durable_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;

DurableRequest RunOf(int ranks, int keep, std::vector<Action> actions) {
  DurableRequest request;
  request.ranks = request.recovery_ranks = ranks;
  request.keep = keep;
  request.main = std::move(actions);
  return request;
}

StateId Small(int number) { return {Contents::kSmall, number}; }

void CheckRoundtrip(CheckContext& context) {
  for (const int ranks : {1, 2, 5}) {
    DurableJudge judge(
        context, "two saves, loaded by the same store and by a new one",
        RunOf(ranks, 3,
              {SaveOf(3, Small(1)), LoadOf(3), LoadOf(kLatest), SaveOf(12, Small(2)), ListSteps(), LoadOf(3),
               LoadOf(kLatest), Reopen(), ListSteps(), LoadOf(kLatest), LoadOf(3), LoadOf(12)}));
    if (!judge.Run()) return;
    const Outcome& run = judge.only();
    const std::string property = "what was saved is loaded, bit for bit";
    for (const int save : {0, 3}) {
      if (!judge.Returns(run, false, save, 0, "Save of a state gives 0")) return;
    }
    for (const int load : {1, 2, 5, 10}) {
      if (!judge.Loads(run, false, load, 3, Small(1), property)) return;
    }
    for (const int load : {6, 9, 11}) {
      if (!judge.Loads(run, false, load, 12, Small(2), property)) return;
    }
    for (const int list : {4, 8}) {
      if (!judge.Lists(run, false, list, {3, 12}, "Steps gives the complete checkpoints, ascending")) return;
    }
  }
}

void CheckTypes(CheckContext& context) {
  for (const int ranks : {1, 2}) {
    const StateId first = {Contents::kTypes, 0}, second = {Contents::kTypes, 1};
    DurableJudge judge(
        context, "all types, scalars, empty tensors, odd names",
        RunOf(ranks, 2,
              {SaveOf(0, first), LoadOf(0), Reopen(), LoadOf(kLatest), SaveOf(1, second), LoadOf(1), LoadOf(0)}));
    if (!judge.Run()) return;
    const std::string property = "every type, shape and name comes back";
    const Outcome& run = judge.only();
    if (!judge.Returns(run, false, 0, 0, property) || !judge.Loads(run, false, 1, 0, first, property) ||
        !judge.Loads(run, false, 3, 0, first, property) || !judge.Returns(run, false, 4, 0, property) ||
        !judge.Loads(run, false, 5, 1, second, property) || !judge.Loads(run, false, 6, 0, first, property)) {
      return;
    }
  }
}

bool CheckCreate(CheckContext& context) {
  DurableRequest request;
  request.mode = DurableMode::kCreate;
  DurableJudge judge(context, "configurations", request);
  if (!judge.Run()) return false;
  const std::vector<std::string> names = {"no io", "no group", "keep = 0", "keep = -1", "one that is right"};
  const std::vector<CallRecord>& records = judge.only().main;
  for (size_t i = 0; i < names.size() && i < records.size(); ++i) {
    const int32_t expected = i + 1 == names.size();
    if (records[i].code == expected) continue;
    return judge.Fail(judge.only(), "q13_store_create refuses what makes no sense: " + names[i],
                      expected != 0 ? "a store" : "nullptr", records[i].code == kThrew ? "an exception" : "the other");
  }
  return true;
}

void CheckArguments(CheckContext& context) {
  if (!CheckCreate(context)) return;
  for (const Mistake mistake :
       {Mistake::kNegativeStep, Mistake::kTwice, Mistake::kNegativeExtent, Mistake::kOverflow}) {
    for (const int rank : {-1, 1}) {
      Action wrong = SaveOf(2, Small(2));
      wrong.mistake = mistake;
      wrong.rank = rank;
      const char* names[] = {"", "a name twice", "a negative extent", "a size past 2^63", "a negative step"};
      DurableJudge judge(
          context,
          std::string("a save with ") + names[static_cast<int>(mistake)] +
              (rank < 0 ? " on all ranks" : " on rank 1 alone"),
          RunOf(2, 2,
                {SaveOf(1, Small(1)), wrong, ListSteps(), LoadOf(kLatest), SaveOf(2, Small(3)), LoadOf(kLatest)}));
      if (!judge.Run()) return;
      const Outcome& run = judge.only();
      if (!judge.Returns(run, false, 1, kInvalid, "what makes no sense is refused, on all ranks") ||
          !judge.Lists(run, false, 2, {1}, "a save that was refused changes nothing") ||
          !judge.Loads(run, false, 3, 1, Small(1), "a save that was refused changes nothing") ||
          !judge.Returns(run, false, 4, 0, "a save after one that was refused works") ||
          !judge.Loads(run, false, 5, 2, Small(3), "a save after one that was refused works")) {
        return;
      }
    }
  }
  for (const int ranks : {1, 3}) {
    DurableRequest request = RunOf(2, 2, {SaveOf(1, Small(1)), SaveOf(2, Small(2))});
    request.mode = DurableMode::kRestart;
    request.recovery_ranks = ranks;
    request.recovery = {LoadOf(kLatest), LoadOf(1)};
    DurableJudge judge(context, "2 ranks saved, " + std::to_string(ranks) + " load", request);
    if (!judge.Run()) return;
    for (const Outcome& outcome : judge.reply().outcomes) {
      for (const int load : {0, 1}) {
        if (!judge.Returns(outcome, true, load, kInvalid, "another number of ranks than saved is refused")) return;
      }
    }
  }
}

void CheckLatest(CheckContext& context) {
  DurableJudge empty(context, "a store without checkpoints", RunOf(2, 2, {LoadOf(kLatest), LoadOf(4), ListSteps()}));
  if (!empty.Run() ||
      !empty.Returns(empty.only(), false, 0, kNotFound, "where there is no checkpoint, none is found") ||
      !empty.Returns(empty.only(), false, 1, kNotFound, "where there is no checkpoint, none is found") ||
      !empty.Lists(empty.only(), false, 2, {}, "where there is no checkpoint, none is listed")) {
    return;
  }
  for (const int ranks : {1, 3}) {
    const StateId one = {Contents::kLarge, 1}, two = {Contents::kLarge, 2}, three = {Contents::kLarge, 3};
    for (int damaged = 0; damaged < ranks; damaged += 2) {
      DurableJudge judge(context, "bytes of the newest changed, of rank " + std::to_string(damaged),
                         RunOf(ranks, 3,
                               {SaveOf(1, one), SaveOf(2, two), SaveOf(7, three), LoadOf(5), DamageOf(2, damaged),
                                Reopen(), LoadOf(7), LoadOf(kLatest), LoadOf(1)}));
      if (!judge.Run()) return;
      const Outcome& run = judge.only();
      if (!judge.Returns(run, false, 2, 0, "Save of a state gives 0") ||
          !judge.Returns(run, false, 3, kNotFound, "a step that was not saved is not found") ||
          !judge.Returns(run, false, 6, kDamaged, "a damaged checkpoint is an error, on all ranks") ||
          !judge.Loads(run, false, 7, 2, two, "kLatest is the newest step that is whole on all ranks") ||
          !judge.Loads(run, false, 8, 1, one, "a damaged checkpoint does not concern the others")) {
        return;
      }
    }
  }
}

void CheckIo(CheckContext& context) {
  for (const int ranks : {1, 3}) {
    for (const int kind : {0, 1, 2}) {
      const StateId one = {Contents::kLarge, 1}, two = Small(2), three = {Contents::kLarge, 3};
      DurableRequest request =
          RunOf(ranks, 3,
                {FaultsFrom(0), SaveOf(1, one), SaveOf(2, two), SaveOf(3, three), LoadOf(kLatest), LoadOf(2), LoadOf(1),
                 FaultsFrom(-1), Reopen(), LoadOf(kLatest), LoadOf(2), LoadOf(1)});
      request.faults = {{.short_io = kind != 1, .interrupt_every = kind != 0 ? 3 : 0}};
      const char* names[] = {"writes and reads of fewer bytes", "-EINTR", "fewer bytes and -EINTR"};
      DurableJudge judge(context, names[kind], request);
      if (!judge.Run()) return;
      const Outcome& run = judge.only();
      const std::string property = "short writes and reads and -EINTR are continued";
      for (const int save : {1, 2, 3}) {
        if (!judge.Returns(run, false, save, 0, property)) return;
      }
      for (const int first : {4, 9}) {
        if (!judge.Loads(run, false, first, 3, three, property) ||
            !judge.Loads(run, false, first + 1, 2, two, property) ||
            !judge.Loads(run, false, first + 2, 1, one, property)) {
          return;
        }
      }
    }
  }
}

bool CheckHeld(CheckContext& context, int ranks) {
  const StateId one = {Contents::kLarge, 1}, two = {Contents::kLarge, 2}, three = {Contents::kLarge, 3};
  DurableJudge judge(context, "no file operation goes on until SaveAsync has returned; then the tensors change",
                     RunOf(ranks, 3,
                           {SaveAsyncOf(1, one, true), WaitFor(), LoadOf(kLatest), SaveAsyncOf(2, two, true),
                            SaveAsyncOf(3, three), Reopen(), LoadOf(2), LoadOf(3), ListSteps()}));
  if (!judge.Run()) return false;
  const Outcome& run = judge.only();
  for (const int save : {0, 3}) {
    if (!judge.Returns(run, false, save, 0, "SaveAsync gives 0")) return false;
    for (int rank = 0; rank < ranks; ++rank) {
      if (judge.Record(run, false, save, rank).late == 0) continue;
      return judge.Fail(run, "SaveAsync returns when the tensors have been copied, not when they are written",
                        "a return while no file operation goes on", "it waited for the files", rank);
    }
  }
  const std::string property = "SaveAsync saves the tensors as they were when it was called";
  return judge.Returns(run, false, 1, 0, "Wait gives what became of the save") &&
         judge.Loads(run, false, 2, 1, one, property) &&
         judge.Returns(run, false, 4, 0, "SaveAsync waits for the one before it") &&
         judge.Loads(run, false, 6, 2, two, property) &&
         judge.Loads(run, false, 7, 3, three, "a store that is destroyed waits for what is in the background") &&
         judge.Lists(run, false, 8, {1, 2, 3}, "Steps gives the complete checkpoints, ascending");
}

// The write that fails is rank `rank`'s first one of SaveAsync(2); `next` finds out.
bool CheckAsyncError(CheckContext& context, int ranks, int rank, const Action& next) {
  DurableRequest request =
      RunOf(ranks, 3,
            {SaveOf(1, Small(1)), FaultsFrom(0), SaveAsyncOf(2, Small(2)), next, FaultsFrom(-1), WaitFor(),
             LoadOf(kLatest), LoadOf(3), SaveOf(4, Small(4)), LoadOf(kLatest), LoadOf(1)});
  request.faults = {{.kinds = workbench::Bit(workbench::IoKind::kWrite), .at = 0, .error = -EIO, .rank = rank}};
  DurableJudge judge(context, "a write in the background fails on rank " + std::to_string(rank), request);
  if (!judge.Run()) return false;
  const Outcome& run = judge.only();
  // An answer may have another rank write; then nothing has failed.
  constexpr int kFaultsEnd = 4;
  if (judge.Record(run, false, kFaultsEnd, 0).step == 0) return true;
  const std::string once = "the error of a save in the background is given by the next call, once";
  if (!judge.Returns(run, false, 2, 0, "SaveAsync gives 0")) return false;
  for (int of = 0; of < ranks; ++of) {
    if (judge.Record(run, false, 3, of).code == 0) return judge.Fail(run, once, "-EIO", "0", of);
  }
  return judge.SameEverywhere(run, 3, {-EIO}) && judge.Returns(run, false, 5, 0, once) &&
         judge.Loads(run, false, 6, 1, Small(1), "a save that failed damages nothing") &&
         judge.Returns(run, false, 7, kNotFound,
                       "a Save or SaveAsync that finds that the one before it failed does nothing else") &&
         judge.Returns(run, false, 8, 0, "a save after one that failed works") &&
         judge.Loads(run, false, 9, 4, Small(4), "a save after one that failed works") &&
         judge.Loads(run, false, 10, 1, Small(1), "a save that failed damages nothing");
}

void CheckAsync(CheckContext& context) {
  for (const int ranks : {1, 3}) {
    if (!CheckHeld(context, ranks)) return;
    for (const Action& next : {WaitFor(), SaveOf(3, Small(3)), SaveAsyncOf(3, Small(3))}) {
      if (!CheckAsyncError(context, ranks, 0, next)) return;
      if (ranks > 1 && !CheckAsyncError(context, ranks, ranks - 1, next)) return;
    }
  }
}

}  // namespace

void AddDurableChecks(std::vector<workbench::Check>* checks) {
  checks->push_back({{"b.roundtrip",
                      "what was saved is loaded",
                      1,
                      false,
                      {"a rank loads another rank's tensors", "Steps or kLatest looks at a part of the files"}},
                     CheckRoundtrip});
  checks->push_back({{"b.types",
                      "every type, shape and name",
                      1,
                      false,
                      {"names are used as file names, or as C strings", "a scalar has no extents and one element",
                       "tensors without elements have no data"}},
                     CheckTypes});
  checks->push_back({{"b.arguments",
                      "arguments that make no sense",
                      1,
                      false,
                      {"the ranks do not agree on the error before they begin to write",
                       "a product of extents overflows", "the number of ranks is not in the manifest"}},
                     CheckArguments});
  checks->push_back({{"b.latest",
                      "the newest step that is whole",
                      1,
                      false,
                      {"data has no checksum", "each rank decides on its own which step is whole",
                       "`latest` is believed without a look at what it points to"}},
                     CheckLatest});
  checks->push_back({{"b.io",
                      "short writes, short reads, EINTR",
                      2,
                      false,
                      {"a count that is smaller than asked for is taken for success", "-EINTR is taken for an error"}},
                     CheckIo});
  checks->push_back({{"b.async",
                      "saving in the background",
                      2,
                      false,
                      {"the tensors are read after SaveAsync has returned", "SaveAsync writes before it returns",
                       "the background thread's error is dropped, or given twice", "the destructor does not wait"}},
                     CheckAsync});
  AddDurableFaultChecks(checks);
}

}  // namespace q13
