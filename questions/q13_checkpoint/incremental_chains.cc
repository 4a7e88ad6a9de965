// Part c: chains of steps that are cut, compacted and gone on with.
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/incremental_judge.h"

namespace q13 {
namespace {

using workbench::MemoryIo;

constexpr size_t kMiB = 1 << 20;

// A tensor of some chunks; each step is the one before with one of them changed.
struct Chain {
  Chain(IncrementalTrial& trial, size_t chunks, size_t count) {
    State state;
    state["w"] = RandomTensor(Type::kU8, (chunks - 1) * kMiB + 5000, trial.Key(1));
    state["small"] = RandomTensor(Type::kF32, 800, trial.Key(2));
    for (size_t i = 0; i < count; ++i) {
      states.push_back(state);
      state["w"].data[i % (chunks - 1) * kMiB + 17 * i] ^= std::byte{1};
    }
  }
  // Step i + 1 is states[i].
  const State& at(int64_t step) const { return states[static_cast<size_t>(step - 1)]; }
  std::vector<State> states;
};

bool SaveAll(IncrementalTrial& trial, IncrementalStore* store, const Chain& chain, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    if (!trial.MustSave(store, step, DeviceState(chain.at(step)))) return false;
  }
  return true;
}

bool LoadAll(IncrementalTrial& trial, IncrementalStore* store, const Chain& chain, const std::vector<int64_t>& steps) {
  for (const int64_t step : steps) {
    if (!trial.MustLoad(store, step, chain.at(step))) return false;
  }
  return trial.MustList(store, steps);
}

// What the files may have: the chunks of these steps, each once, and metadata.
bool FilesWithin(IncrementalTrial& trial, const MemoryIo& io, const std::vector<const State*>& states,
                 const std::string& property) {
  int64_t most = DistinctChunkBytes(states);
  for (const State* state : states) most += MetadataAllowance(*state);
  const auto bytes = static_cast<int64_t>(io.Tree().TotalBytes());
  return bytes <= most ||
         trial.Fail(property, "files of at most " + std::to_string(most) + " bytes",
                    std::to_string(bytes) + " bytes in " + std::to_string(io.Tree().files.size()) + " files");
}

bool MustKeep(IncrementalTrial& trial, IncrementalStore* store, const std::vector<int64_t>& steps) {
  std::string text;
  for (const int64_t step : steps) text += (text.empty() ? "" : ", ") + std::to_string(step);
  trial.Input("kept", "{" + text + "}");
  return trial.MustReturn(0, trial.Keep(store, steps), "Keep of steps that are there gives 0", "Keep({" + text + "})");
}

bool MustCompact(IncrementalTrial& trial, IncrementalStore* store, int64_t step) {
  trial.Input("compacted", std::to_string(step));
  return trial.MustReturn(0, trial.Compact(store, step), "Compact of a step that is there gives 0",
                          "Compact(" + std::to_string(step) + ")");
}

// A step more writes no more than `data`, and loads.
bool GoesOn(IncrementalTrial& trial, MemoryIo& io, IncrementalStore* store, int64_t step, const State& state,
            int64_t data) {
  const int64_t before = io.Counters(-1).written_bytes;
  trial.Input("then saved", std::to_string(step));
  if (!trial.MustSave(store, step, DeviceState(state))) return false;
  const int64_t written = io.Counters(-1).written_bytes - before, most = data + MetadataAllowance(state);
  if (written > most) {
    return trial.Fail("only chunks that were not in the step before are written", std::to_string(most) + " bytes",
                      std::to_string(written) + " bytes");
  }
  return trial.MustLoad(store, step, state);
}

}  // namespace

void TryKeep(IncrementalTrial& trial) {
  const Chain chain(trial, 3, 8);
  {
    MemoryIo io(EmptyIncrementalTree());
    IncrementalTrial::Store store;
    if (!trial.Open(&io, &store)) return;
    trial.Input("steps", "1 to 6, each with one chunk of \"w\" (2 MiB and 5000 bytes) changed");
    if (!SaveAll(trial, store.get(), chain, 1, 6)) return;
    if (!MustKeep(trial, store.get(), {2, 5, 6})) return;
    if (!LoadAll(trial, store.get(), chain, {2, 5, 6})) return;
    for (const int64_t step : {1, 3, 4}) {
      if (!trial.MustMiss(store.get(), step)) return;
    }
    if (!MustKeep(trial, store.get(), {6}) || !LoadAll(trial, store.get(), chain, {6})) return;
    if (!GoesOn(trial, io, store.get(), 7, chain.at(7), kChunk)) return;
    if (!LoadAll(trial, store.get(), chain, {6, 7})) return;
    if (!trial.Open(&io, &store)) return;
    if (!LoadAll(trial, store.get(), chain, {6, 7})) return;
    if (!trial.MustReturn(kNotFound, trial.Keep(store.get(), {7, 9}), "Keep says when there is no such step",
                          "Keep({7, 9})")) {
      return;
    }
    if (!LoadAll(trial, store.get(), chain, {6, 7})) return;
    trial.Input("then saved", "");
  }
  // Nothing of the first step is in the others.
  State other;
  other["x"] = RandomTensor(Type::kU8, 2 * kMiB, trial.Key(9));
  State changed = other;
  changed["x"].data[5] ^= std::byte{4};
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  trial.Input("steps", "1; 2, which has no chunk of it; 3, with one of the two chunks of step 2 changed");
  if (!trial.MustSave(store.get(), 1, DeviceState(chain.at(1)))) return;
  if (!trial.MustSave(store.get(), 2, DeviceState(other))) return;
  if (!trial.MustSave(store.get(), 3, DeviceState(changed))) return;
  const std::string property = "files that no kept step needs are removed";
  if (!MustKeep(trial, store.get(), {2, 3}) || !FilesWithin(trial, io, {&other, &changed}, property)) return;
  if (!MustKeep(trial, store.get(), {3}) || !trial.MustLoad(store.get(), 3, changed)) return;
  if (!FilesWithin(trial, io, {&other, &changed}, property)) return;
  // The newest step goes: what was in it alone is not there any more.
  if (!trial.MustSave(store.get(), 4, DeviceState(chain.at(1)))) return;
  if (!MustKeep(trial, store.get(), {3})) return;
  trial.Input("then saved", "5, which is as step 4 was");
  if (!trial.MustSave(store.get(), 5, DeviceState(chain.at(1)))) return;
  if (!trial.MustLoad(store.get(), 5, chain.at(1)) || !trial.MustLoad(store.get(), 3, changed)) return;
  if (!trial.Open(&io, &store) || !trial.MustLoad(store.get(), 5, chain.at(1))) return;
}

void TryCompact(IncrementalTrial& trial) {
  const Chain chain(trial, 4, 9);
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  const std::string property = "after Compact a step needs no data of earlier steps' files, nor do later steps";
  trial.Input("steps", "1 to 5, each with one chunk of \"w\" (3 MiB and 5000 bytes) changed");
  if (!SaveAll(trial, store.get(), chain, 1, 5)) return;
  if (!MustCompact(trial, store.get(), 3)) return;
  if (!LoadAll(trial, store.get(), chain, {1, 2, 3, 4, 5})) return;
  if (!MustKeep(trial, store.get(), {3, 4, 5}) || !LoadAll(trial, store.get(), chain, {3, 4, 5})) return;
  if (!FilesWithin(trial, io, {&chain.at(3), &chain.at(4), &chain.at(5)}, property)) return;
  if (!GoesOn(trial, io, store.get(), 6, chain.at(6), kChunk)) return;
  trial.Input("then saved", "");
  if (!MustCompact(trial, store.get(), 6) || !LoadAll(trial, store.get(), chain, {3, 4, 5, 6})) return;
  if (!MustKeep(trial, store.get(), {6}) || !LoadAll(trial, store.get(), chain, {6})) return;
  if (!FilesWithin(trial, io, {&chain.at(6)}, property)) return;
  if (!GoesOn(trial, io, store.get(), 7, chain.at(7), kChunk)) return;
  if (!trial.Open(&io, &store)) return;
  trial.Input("loaded by", "a new store");
  if (!LoadAll(trial, store.get(), chain, {6, 7})) return;
  if (!MustCompact(trial, store.get(), 7) || !LoadAll(trial, store.get(), chain, {6, 7})) return;
  if (!trial.MustSave(store.get(), 8, DeviceState(chain.at(8)))) return;
  if (!LoadAll(trial, store.get(), chain, {6, 7, 8})) return;
  if (!trial.MustReturn(kNotFound, trial.Compact(store.get(), 5), "Compact says when there is no such step",
                        "Compact(5)")) {
    return;
  }
  (void)LoadAll(trial, store.get(), chain, {6, 7, 8});
}

void TryRestart(IncrementalTrial& trial) {
  const Chain chain(trial, 3, 9);
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  trial.Input("steps", "each with one chunk of \"w\" (2 MiB and 5000 bytes) changed; a new store before each");
  if (!SaveAll(trial, store.get(), chain, 1, 2)) return;
  std::vector<int64_t> steps = {1, 2};
  for (int64_t step = 3; step <= 5; ++step) {
    if (!trial.Open(&io, &store)) return;
    if (step != 4 && !trial.MustList(store.get(), steps)) return;  // also when nothing has been asked for
    if (!GoesOn(trial, io, store.get(), step, chain.at(step), kChunk)) return;
    steps.push_back(step);
    if (!LoadAll(trial, store.get(), chain, steps)) return;
  }
  if (!trial.Open(&io, &store) || !MustKeep(trial, store.get(), {2, 4, 5})) return;
  if (!trial.Open(&io, &store) || !GoesOn(trial, io, store.get(), 6, chain.at(6), kChunk)) return;
  if (!trial.Open(&io, &store) || !MustCompact(trial, store.get(), 5)) return;
  if (!trial.Open(&io, &store) || !GoesOn(trial, io, store.get(), 7, chain.at(7), kChunk)) return;
  if (!LoadAll(trial, store.get(), chain, {2, 4, 5, 6, 7})) return;
  // The newest step once more, by a store that has not saved it.
  if (!trial.Open(&io, &store)) return;
  if (!GoesOn(trial, io, store.get(), 7, chain.at(7), 0)) return;
  (void)LoadAll(trial, store.get(), chain, {2, 4, 5, 6, 7});
}

}  // namespace q13
