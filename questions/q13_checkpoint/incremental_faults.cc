// Part c: crashes, errors and damaged files.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/crash_matrix.h"
#include "questions/q13_checkpoint/damaged_files.h"
#include "questions/q13_checkpoint/incremental_judge.h"
#include "questions/q13_checkpoint/memory_limit.h"

namespace q13 {
namespace {

using workbench::CrashReplay;
using workbench::FileTree;
using workbench::IoFaults;
using workbench::IoOperation;
using workbench::MemoryIo;

constexpr int64_t kDone = 1;  // a mark: the call has returned

// Small states that have chunks in common.
State SmallState(IncrementalTrial& trial, int number) {
  State state;
  const auto key = [&](int n) { return trial.Key(static_cast<uint64_t>(n)); };
  const int64_t scale = trial.Affordable<int64_t>(1, 1, 1, 64);
  state["w"] = RandomTensor(Type::kF32, 1100 * scale, key(number < 3 ? 1 : 2));
  state["moment"] = RandomTensor(Type::kBF16, 622 * scale, key(10 + number));
  state["step"] = RandomTensor(Type::kI64, 8, key(20 + number));
  if (number % 2 == 1) state["only in odd ones"] = RandomTensor(Type::kU8, 3, key(30 + number));
  if (number % 3 == 0) state["again in every third"] = RandomTensor(Type::kU8, 700, key(40));
  return state;
}

using Model = std::map<int64_t, State>;  // what is in a store

// A call that changes a store, and what is in it before and after.
struct Operation {
  std::string name;
  Model before, after;
  std::vector<int64_t> setup;  // steps saved first, in this order; a negative one: Keep of all but it
  std::function<int(IncrementalTrial&, IncrementalStore*)> call;
  // Steps that may be there or not until it has returned: they are asked for and go.
  std::set<int64_t> dropped = {};
};

std::vector<Operation> Operations(IncrementalTrial& trial) {
  std::map<int, State> s;
  for (int i = 1; i <= 5; ++i) s[i] = SmallState(trial, i);
  const auto save = [](int64_t step, const State& state) {
    // Uploaded once: the call is made many times.
    const auto device = std::make_shared<DeviceState>(state);
    return [=](IncrementalTrial& t, IncrementalStore* store) { return t.Save(store, step, *device); };
  };
  const auto keep = [](const std::vector<int64_t>& steps) {
    return [=](IncrementalTrial& t, IncrementalStore* store) { return t.Keep(store, steps); };
  };
  const Model three = {{1, s[1]}, {2, s[2]}, {3, s[3]}};
  return {
      {"the first Save", {}, {{1, s[1]}}, {}, save(1, s[1])},
      {"Save(4) after 1, 2, 3", three, {{1, s[1]}, {2, s[2]}, {3, s[3]}, {4, s[4]}}, {1, 2, 3}, save(4, s[4])},
      {"Save(3) once more, after 1, 2, 3", three, {{1, s[1]}, {2, s[2]}, {3, s[5]}}, {1, 2, 3}, save(3, s[5])},
      {"Keep({3}) of 1, 2, 3", three, {{3, s[3]}}, {1, 2, 3}, keep({3}), {1, 2}},
      {"Compact(2) of 1, 2, 3",
       three,
       three,
       {1, 2, 3},
       [](IncrementalTrial& t, IncrementalStore* store) { return t.Compact(store, 2); }},
      {"Save(5) after Keep({3}) of 1, 2, 3", {{3, s[3]}}, {{3, s[3]}, {5, s[5]}}, {1, 2, 3, -3}, save(5, s[5])},
  };
}

bool SetUp(IncrementalTrial& trial, IncrementalStore* store, const Operation& operation) {
  for (const int64_t step : operation.setup) {
    if (step < 0) {
      if (!trial.MustReturn(0, trial.Keep(store, {-step}), "Keep of a step that is there gives 0", "Keep"))
        return false;
    } else if (!trial.MustSave(store, step, DeviceState(SmallState(trial, static_cast<int>(step))))) {
      return false;
    }
  }
  return true;
}

// What is in a store, of which an operation had been begun (`returned` 0) or had returned 0 or an error.
enum class Progress { kBegun, kDone, kFailed };

bool HoldsWhatItMust(IncrementalTrial& trial, IncrementalStore* store, const Operation& operation, Progress progress) {
  std::vector<int64_t> listed;
  const int code = trial.Steps(store, &listed);
  if (!trial.MustReturn(0, code, "Steps gives what can be loaded", "Steps")) return false;
  std::set<int64_t> steps(listed.begin(), listed.end());
  for (const auto& [step, state] : operation.before) steps.insert(step);
  for (const auto& [step, state] : operation.after) steps.insert(step);
  for (const int64_t step : steps) {
    const auto old = operation.before.find(step), next = operation.after.find(step);
    const bool is_listed = std::find(listed.begin(), listed.end(), step) != listed.end();
    State got;
    const int loaded = trial.Load(store, step, &got);
    const std::string from = "Load(" + std::to_string(step) + ")";
    const bool had_old = old != operation.before.end(), has_next = next != operation.after.end();
    if (!had_old && !has_next) {
      return trial.Fail("Steps gives what was saved, and no other", "no step " + std::to_string(step), "it is listed");
    }
    // What it may be, and whether it has to be there.
    const bool must = progress == Progress::kDone ? has_next : had_old && !operation.dropped.contains(step);
    if (loaded != 0) {
      if (must) {
        return trial.Fail("a step that was kept is there after whatever happened, whole", "0 from " + from,
                          ErrorName(loaded));
      }
      if (is_listed) {
        return trial.Fail("a step that Steps gives can be loaded", "0 from " + from, ErrorName(loaded));
      }
      if (!got.empty()) return trial.Fail("Load leaves the state empty when it fails", "no tensors", "tensors");
      continue;
    }
    const bool old_allowed = had_old && (progress != Progress::kDone || !has_next);
    const std::string of_old = had_old ? StateDifference(got, old->second) : "it was not there before";
    const std::string of_next = has_next ? StateDifference(got, next->second) : "it is not there any more";
    if ((old_allowed && of_old.empty()) || of_next.empty()) continue;
    return trial.Fail("a step is loaded as it was saved: the old or the new one, never parts of both",
                      "the state of step " + std::to_string(step), has_next ? of_next : of_old, "from " + from);
  }
  return true;
}

// A store that goes on: a step more is saved, and all that was there is there still.
bool GoesOnAfter(IncrementalTrial& trial, IncrementalStore* store, const Operation& operation, Progress progress,
                 const DeviceState& more) {
  if (!trial.MustSave(store, 9, more)) return false;
  if (!trial.MustLoad(store, 9, more.state())) return false;
  Operation with = operation;
  with.before.emplace(9, more.state());
  with.after.emplace(9, more.state());
  return HoldsWhatItMust(trial, store, with, progress);
}

// The worst of what a crash now leaves of what is in `io`.
bool SurvivesCrash(IncrementalTrial& trial, const MemoryIo& io,
                   const std::function<bool(IncrementalStore* store)>& holds) {
  CrashReplay replay(io.Start());
  for (const IoOperation& operation : io.Log()) {
    if (operation.kind != workbench::IoKind::kMark) replay.Apply(operation);
  }
  std::set<uint64_t> seen;
  bool good = true;
  const workbench::CrashOptions worst = {.exhaustive_units = 0, .singles = 0, .samples = 0, .seed = trial.seed()};
  ForEachCrashImage(replay, worst, [&](const FileTree& tree, const std::function<std::string()>& describe) {
    if (!seen.insert(tree.Hash()).second) return true;
    MemoryIo image(tree);
    IncrementalTrial::Store store;
    good = trial.Open(&image, &store) && holds(store.get());
    if (!good) trial.reply().inputs.emplace_back("then", "a crash: " + describe());
    return good;
  });
  return good;
}

// Each operation of a call fails in turn.
bool TryFault(IncrementalTrial& trial, const Operation& operation, const std::string& what,
              const std::function<void(IoFaults*, int64_t)>& set, const DeviceState& more) {
  const int64_t most = trial.Affordable(6, 200, 200, 1000);
  for (int64_t at = 0; at < most; ++at) {
    MemoryIo io(EmptyIncrementalTree());
    IncrementalTrial::Store store;
    trial.Input("call", operation.name);
    trial.Input("fault", "");
    if (!trial.Open(&io, &store) || !SetUp(trial, store.get(), operation)) return false;
    IoFaults faults;
    faults.seed = trial.seed();
    set(&faults, at);
    io.SetFaults(faults);
    const int code = operation.call(trial, store.get());
    const int64_t met = io.faults_met();
    io.SetFaults({});
    if (met == 0) break;
    trial.Input("fault", what + " at " + std::to_string(at) + "; the call returned " + ErrorName(code));
    if (code == kThrowsException) return trial.Fail("an error is returned", "a code", "an exception");
    if (code > 0) {
      return trial.Fail("Io's error is returned", ErrorName(faults.space >= 0 ? -ENOSPC : faults.error),
                        ErrorName(code));
    }
    const Progress progress = code == 0 ? Progress::kDone : Progress::kFailed;
    if (!HoldsWhatItMust(trial, store.get(), operation, progress)) return false;
    const auto holds = [&](IncrementalStore* fresh) { return HoldsWhatItMust(trial, fresh, operation, progress); };
    if (!SurvivesCrash(trial, io, holds)) return false;
    // Whatever failed, the same once more is as it should be: no chunk is taken from a save that failed.
    if (code != 0) {
      trial.Input("then", "the same call again, without a fault");
      if (!trial.MustReturn(0, operation.call(trial, store.get()), "after an error the same call succeeds", "it")) {
        return false;
      }
    }
    const auto complete = [&](IncrementalStore* any) {
      return HoldsWhatItMust(trial, any, operation, Progress::kDone);
    };
    if (!complete(store.get()) || !SurvivesCrash(trial, io, complete)) return false;
    if (!GoesOnAfter(trial, store.get(), operation, Progress::kDone, more)) return false;
    Operation with = operation;
    with.before.emplace(9, more.state());
    with.after.emplace(9, more.state());
    if (!SurvivesCrash(trial, io,
                       [&](IncrementalStore* any) { return HoldsWhatItMust(trial, any, with, Progress::kDone); })) {
      return false;
    }
    trial.Input("then", "");
  }
  trial.Input("fault", "");
  return true;
}

// Reading fails while a step is loaded.
bool TryLoadFaults(IncrementalTrial& trial) {
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  const State first = SmallState(trial, 1), second = SmallState(trial, 2);
  if (!trial.Open(&io, &store)) return false;
  if (!trial.MustSave(store.get(), 1, DeviceState(first)) || !trial.MustSave(store.get(), 2, DeviceState(second))) {
    return false;
  }
  trial.Input("call", "Load(2), by a new store");
  for (int64_t at = 0; at < 200; ++at) {
    if (!trial.Open(&io, &store)) return false;
    IoFaults faults;
    faults.fail_at = at;
    io.SetFaults(faults);
    trial.Input("fault", "EIO at operation " + std::to_string(at));
    int code = 0;
    if (!trial.LoadsOrFails(store.get(), 2, second, &code)) return false;
    const bool met = io.faults_met() > 0;
    io.SetFaults({});
    if (!trial.MustLoad(store.get(), 2, second) || !trial.MustLoad(store.get(), 1, first)) return false;
    if (!met) break;
  }
  trial.Input("fault", "");
  return true;
}

// What is no error: fewer bytes than asked for, and calls that were interrupted.
bool TryShortIo(IncrementalTrial& trial, const Operation& operation, const DeviceState& more) {
  for (int variant = 0; variant < 4; ++variant) {
    MemoryIo io(EmptyIncrementalTree());
    IoFaults faults;
    faults.seed = trial.Key(static_cast<uint64_t>(variant));
    faults.short_writes = variant != 1;
    faults.short_reads = variant != 0;
    faults.interrupt_every = variant == 3 ? 2 : variant == 2 ? 3 : 0;
    io.SetFaults(faults);
    trial.Input("call", operation.name);
    trial.Input("files", std::string(faults.short_writes ? "writes take a part; " : "") +
                             (faults.short_reads ? "reads give a part; " : "") +
                             (faults.interrupt_every > 0 ? "-EINTR from Open, WriteAt and ReadAt" : "no -EINTR"));
    IncrementalTrial::Store store;
    if (!trial.Open(&io, &store) || !SetUp(trial, store.get(), operation)) return false;
    if (!trial.MustReturn(0, operation.call(trial, store.get()), "short writes, short reads and -EINTR are no errors",
                          "the call")) {
      return false;
    }
    if (!GoesOnAfter(trial, store.get(), operation, Progress::kDone, more)) return false;
    if (!trial.Open(&io, &store)) return false;
    Operation with = operation;
    with.before.emplace(9, more.state());
    with.after.emplace(9, more.state());
    if (!HoldsWhatItMust(trial, store.get(), with, Progress::kDone)) return false;
  }
  trial.Input("files", "");
  return true;
}

}  // namespace

void TryCrash(IncrementalTrial& trial) {
  const DeviceState more(SmallState(trial, 9));
  for (const Operation& operation : Operations(trial)) {
    MemoryIo io(EmptyIncrementalTree());
    IncrementalTrial::Store store;
    trial.Input("call", operation.name);
    if (!trial.Open(&io, &store) || !SetUp(trial, store.get(), operation)) return;
    const size_t begin = io.Log().size();
    if (!trial.MustReturn(0, operation.call(trial, store.get()), "without a crash the call gives 0", "it")) return;
    io.Mark(0, kDone);
    store.reset();
    CrashMatrixOptions options;
    options.first_cut = begin;
    options.images.exhaustive_units = trial.Affordable(2, 5, 6, 8);
    options.images.singles = trial.Affordable(2, 8, 12, 200);
    options.images.samples = trial.Affordable(1, 6, 20, 32000);
    options.images.seed = trial.seed();
    options.most_images = trial.Affordable<int64_t>(30, 700, 3000, 1 << 22);
    int64_t images = 0;
    ForEachCrash(io.Start(), io.Log(), options, [&](const CrashPoint& point) {
      const auto told = [&](bool good) {
        if (!good) trial.reply().inputs.emplace_back("crash", point.describe());
        return good;
      };
      MemoryIo image(point.tree);
      IncrementalTrial::Store fresh;
      const Progress progress = point.marks.contains(0) ? Progress::kDone : Progress::kBegun;
      if (!told(trial.Open(&image, &fresh) && HoldsWhatItMust(trial, fresh.get(), operation, progress))) return false;
      // Every few images a store is asked to go on, which takes longer.
      if (images++ % 3 != 0) return true;
      if (!told(trial.Open(&image, &fresh) && GoesOnAfter(trial, fresh.get(), operation, progress, more))) return false;
      return told(SurvivesCrash(trial, image, [&](IncrementalStore* any) {
        return trial.MustLoad(any, 9, more.state()) && HoldsWhatItMust(
                                                           trial, any,
                                                           [&] {
                                                             Operation with = operation;
                                                             with.before.emplace(9, more.state());
                                                             with.after.emplace(9, more.state());
                                                             return with;
                                                           }(),
                                                           progress);
      }));
    });
    trial.reply().figures.emplace_back("crash images: " + operation.name, static_cast<double>(images));
    if (trial.failed()) return;
  }
}

void TryErrors(IncrementalTrial& trial) {
  const DeviceState more(SmallState(trial, 9));
  const auto operations = Operations(trial);
  for (const Operation& operation : operations) {
    if (!TryShortIo(trial, operation, more)) return;
  }
  if (!TryLoadFaults(trial)) return;
  for (const Operation& operation : operations) {
    const auto fail = [&](uint32_t kinds, int error) {
      return [=](IoFaults* faults, int64_t at) {
        faults->fail_at = at;
        faults->fail_kinds = kinds;
        faults->error = error;
      };
    };
    using workbench::Bit;
    using workbench::IoKind;
    if (!TryFault(trial, operation, "EIO, once, of any operation,", fail(workbench::kAllKinds, -EIO), more)) return;
    if (!TryFault(trial, operation, "a Sync that fails, once,",
                  fail(Bit(IoKind::kSync) | Bit(IoKind::kSyncDirectory), -EIO), more)) {
      return;
    }
    const auto full = [](IoFaults* faults, int64_t at) { faults->space = at * 160; };
    if (!TryFault(trial, operation, "a disk that is full, after 160 bytes times the number", full, more)) return;
  }
}

void TryBitflips(IncrementalTrial& trial) {
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  Model steps;
  State state;
  for (int64_t step = 1; step <= 2; ++step) {
    state["w"] = RandomTensor(Type::kF32, 36, trial.Key(1));
    state["n"] = RandomTensor(Type::kU8, 21, trial.Key(static_cast<uint64_t>(10 + step)));
    steps[step] = state;
    if (!trial.MustSave(store.get(), step, DeviceState(state))) return;
  }
  for (const auto& [step, saved] : steps) {
    if (!trial.MustLoad(store.get(), step, saved)) return;
  }
  store.reset();
  const auto look = [&](const FileTree& tree, const std::function<std::string()>& describe) {
    if (trial.failed()) return;
    MemoryIo image(tree);
    IncrementalTrial::Store fresh;
    if (!trial.Open(&image, &fresh)) return;
    for (const auto& [step, saved] : steps) {
      int code = 0;
      if (trial.LoadsOrFails(fresh.get(), step, saved, &code)) continue;
      trial.reply().inputs.emplace_back("damage", describe());
      return;
    }
    std::vector<int64_t> listed;
    if (trial.Steps(fresh.get(), &listed) == kThrowsException) {
      trial.Fail("Steps of damaged files gives a code", "a code", "an exception");
      trial.reply().inputs.emplace_back("damage", describe());
    }
  };
  ForEachFlip(io.Tree(), trial.seed(), trial.Affordable<int64_t>(200, 20000, 20000, 200000), look);
  if (trial.failed()) return;
  // Addresses are not memory: with host mode's checks, which reserve a lot of them, there is no such bound.
  std::unique_ptr<MemoryLimit> limit;
  if (trial.size() != IncrementalSize::kChecked) limit = std::make_unique<MemoryLimit>(256u << 20);
  ForEachGarbage(io.Tree(), trial.seed(), trial.Affordable<int64_t>(100, 4000, 4000, 40000), look);
}

}  // namespace q13
