// Part c: steps that are saved, loaded, kept and compacted while nothing goes wrong.
#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/incremental_judge.h"

namespace q13 {
namespace {

using workbench::MemoryIo;

constexpr size_t kMiB = 1 << 20;

// One bit of byte `at` of a tensor is another.
State Touched(const State& state, const std::string& name, size_t at) {
  State other = state;
  other.at(name).data[at] ^= std::byte{0x10};
  return other;
}

// Saves, and holds what was written against what may be: `data` bytes of tensors, and metadata.
bool SaveWithin(IncrementalTrial& trial, MemoryIo& io, IncrementalStore* store, int64_t step, const State& state,
                int64_t data, const std::string& what) {
  const DeviceState device(state, trial.Key(static_cast<uint64_t>(step)));
  const int64_t before = io.Counters(-1).written_bytes;
  const auto disk_before = static_cast<int64_t>(io.Tree().TotalBytes());
  trial.Input("step", std::to_string(step) + ": " + what);
  if (!trial.MustSave(store, step, device)) return false;
  const int64_t written = io.Counters(-1).written_bytes - before;
  const int64_t grown = static_cast<int64_t>(io.Tree().TotalBytes()) - disk_before;
  const int64_t most = data + MetadataAllowance(state);
  const std::string property = "only chunks that were not in the step before are written";
  const std::string expected = "at most " + std::to_string(most) + " bytes (" + std::to_string(data) +
                               " of new chunks, the rest for what describes them)";
  if (written > most) return trial.Fail(property, expected, std::to_string(written) + " bytes were written");
  if (grown > most) return trial.Fail(property, expected, "the files have grown by " + std::to_string(grown));
  if (!trial.MustLoad(store, step, state)) return false;
  trial.Input("step", "");
  return true;
}

}  // namespace

void TryRoundtrip(IncrementalTrial& trial) {
  State state;
  uint64_t key = trial.Key(1);
  for (int type = 0; type <= static_cast<int>(Type::kU64); ++type) {
    const auto unit = static_cast<size_t>(TypeBytes(static_cast<Type>(type)));
    state["one of type " + std::to_string(type)] = RandomTensor(static_cast<Type>(type), unit, ++key);
    state["type " + std::to_string(type)] = RandomTensor(static_cast<Type>(type), 37 * unit, ++key);
    if (type % 3 == 0) state["none of type " + std::to_string(type)] = RandomTensor(static_cast<Type>(type), 0, ++key);
  }
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string("../x"), std::string("."), std::string("two\nlines"),
        std::string("\xc3\xa9\xe2\x82\xac"), std::string("\xff"), std::string(300, 'n'), std::string("manifest"),
        std::string("step.1"), std::string("\"quoted\\")}) {
    state[name] = RandomTensor(Type::kI16, 34, ++key);
  }
  State large = state;
  for (const size_t bytes : {kMiB - 1, kMiB, kMiB + 1}) {
    large["u8 of " + std::to_string(bytes)] = RandomTensor(Type::kU8, bytes, ++key);
  }
  large["several chunks"] = RandomTensor(Type::kBF16, 2 * kMiB + kMiB / 2 + 2, ++key);
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  if (!trial.MustList(store.get(), {})) return;
  trial.Input("tensors", std::to_string(state.size()) + " small ones, every type, odd names, empty ones");
  const DeviceState first(state, trial.Key(2));
  if (!trial.MustSave(store.get(), 3, first) || !trial.MustLoad(store.get(), 3, state)) return;
  trial.Input("tensors", std::to_string(large.size()) + ", some of 1 MiB - 1, 1 MiB, 1 MiB + 1 and 2.5 MiB");
  const DeviceState second(large, trial.Key(3));
  if (!trial.MustSave(store.get(), 12, second) || !trial.MustLoad(store.get(), 12, large)) return;
  if (!trial.MustLoad(store.get(), 3, state) || !trial.MustList(store.get(), {3, 12})) return;
  if (const std::string changed = second.Changed(); !changed.empty()) {
    trial.Fail("Save does not change the tensors", "\"" + changed + "\" as it was", "something else");
    return;
  }
  if (!trial.Open(&io, &store)) return;
  trial.Input("loaded by", "a new store");
  if (!trial.MustList(store.get(), {3, 12})) return;
  if (!trial.MustLoad(store.get(), 12, large) || !trial.MustLoad(store.get(), 3, state)) return;
  trial.Input("loaded by", "");

  // Work that is in the stream when Save is called comes first.
  trial.Input("tensors", "one of 300000 bytes, which the stream is still filling when Save is called");
  State pending;
  pending["w"] = RandomTensor(Type::kU8, 300000, ++key);
  MemoryIo other_io(EmptyIncrementalTree());
  IncrementalTrial::Store other_store;
  if (!trial.Open(&other_io, &other_store)) return;
  const DeviceState filled(pending);
  // A step before, so that Save has nothing to allocate now, which might wait for the device.
  if (!trial.MustSave(other_store.get(), 12, filled)) return;
  RequireCuda(cudaLaunchHostFunc(
                  trial.stream(), [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }, nullptr),
              "waiting in the stream");
  RequireCuda(cudaMemsetAsync(const_cast<void*>(filled.tensors()[0].data), 0x5a, 300000, trial.stream()), "filling");
  if (!trial.MustSave(other_store.get(), 13, filled)) return;
  std::fill(pending["w"].data.begin(), pending["w"].data.end(), std::byte{0x5a});
  (void)trial.MustLoad(other_store.get(), 13, pending,
                       "a step is what the stream's work up to Save has made of the tensors");
}

void TryChanges(IncrementalTrial& trial) {
  State state;
  state["w"] = RandomTensor(Type::kF32, 4 * kMiB + 12344, trial.Key(1));
  state["m"] = RandomTensor(Type::kBF16, 2 * kMiB, trial.Key(2));
  state["b"] = RandomTensor(Type::kU8, 999, trial.Key(3));
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  const int64_t all = BytesIn(state);
  int64_t step = 0;
  const auto save = [&](int64_t data, const std::string& what) {
    return SaveWithin(trial, io, store.get(), step++, state, data, what);
  };
  if (!save(all, "everything is new")) return;
  if (!save(0, "nothing has changed")) return;
  const int64_t chunk = kChunk;
  for (const auto& [at, data] : {std::pair<size_t, int64_t>{0, chunk},
                                 {3 * kMiB - 1, chunk},
                                 {2 * kMiB, chunk},
                                 {4 * kMiB - 1, chunk},
                                 {4 * kMiB + 12343, 12344}}) {
    state = Touched(state, "w", at);
    if (!save(data, "byte " + std::to_string(at) + " of \"w\" (4 MiB and 12344 bytes) has changed")) return;
  }
  state = Touched(state, "b", 998);
  if (!save(999, "the last byte of \"b\" (999 bytes) has changed")) return;
  state = Touched(Touched(state, "w", kMiB), "m", 2 * kMiB - 1);
  if (!save(2 * chunk, "a chunk of \"w\" and one of \"m\" have changed")) return;
  (void)save(0, "nothing has changed again");
}

void TryTensors(IncrementalTrial& trial) {
  std::map<int64_t, State> steps;
  State state;
  state["a"] = RandomTensor(Type::kF32, 2 * kMiB + 1000, trial.Key(1));
  state["b"] = RandomTensor(Type::kU8, kMiB + 77, trial.Key(2));
  state["c"] = RandomTensor(Type::kI32, 100000, trial.Key(3));
  state["e"] = RandomTensor(Type::kF64, 0, trial.Key(4));
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  int64_t step = 10;
  const auto save = [&](int64_t data, const std::string& what) {
    steps[step] = state;
    return SaveWithin(trial, io, store.get(), step++, state, data, what);
  };
  if (!save(BytesIn(state), "four tensors, one of them empty")) return;
  state.erase("b");
  if (!save(0, "\"b\" is deleted")) return;
  state["n"] = RandomTensor(Type::kF16, 5000, trial.Key(5));
  if (!save(5000, "\"n\" is new")) return;
  auto moved = state.extract("a");
  moved.key() = "z";
  state.insert(std::move(moved));
  if (!save(0, "\"a\" (2 MiB and 1000 bytes) is called \"z\" now")) return;
  state["z2"] = state["z"];
  if (!save(0, "\"z2\" is new, a copy of \"z\"")) return;
  state["z2"].info = {Type::kI16, {state["z2"].info.shape[0] * 2}};
  if (!save(0, "\"z2\" has another type, and the same bytes")) return;
  std::swap(state["c"], state["n"]);
  if (!save(0, "\"c\" and \"n\" have changed places")) return;
  state["z2"].data.resize(kMiB + 500);
  state["z2"].info.shape = {static_cast<int64_t>(kMiB + 500) / 2};
  if (!save(500, "\"z2\" is cut short to 1 MiB and 500 bytes")) return;
  state["z2"].data.resize(kMiB);
  state["z2"].info.shape = {static_cast<int64_t>(kMiB) / 2};
  if (!save(0, "\"z2\" is cut short to its first chunk")) return;
  const HostTensor more = RandomTensor(Type::kI16, 600, trial.Key(6));
  state["z2"].data.insert(state["z2"].data.end(), more.data.begin(), more.data.end());
  state["z2"].info.shape = {static_cast<int64_t>(kMiB + 600) / 2};
  if (!save(600, "\"z2\" has grown by 600 bytes, past its first chunk")) return;
  state["n"].data.insert(state["n"].data.end(), more.data.begin(), more.data.end());
  state["n"].info.shape = {static_cast<int64_t>(state["n"].data.size()) / TypeBytes(state["n"].info.type)};
  if (!save(static_cast<int64_t>(state["n"].data.size()), "\"n\", of one chunk, has grown by 600 bytes")) return;
  auto& z = state["z"].data;
  std::swap_ranges(z.begin(), z.begin() + kMiB, z.begin() + kMiB);
  if (!save(0, "the first two chunks of \"z\" have changed places")) return;
  std::swap(state["e"], state["c"]);
  if (!save(0, "\"c\" is empty now, and \"e\" has what it had")) return;
  const State before = state;
  state.clear();
  if (!save(0, "no tensors at all")) return;
  state = before;
  if (!save(BytesIn(state), "all of them are back")) return;
  for (const auto& [saved, what] : steps) {
    trial.Input("step", std::to_string(saved) + ", after all steps");
    if (!trial.MustLoad(store.get(), saved, what)) return;
  }
}

void TrySteps(IncrementalTrial& trial) {
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  std::map<int64_t, State> steps;
  std::map<std::string, HostTensor> gone;
  State state;
  int64_t step = 0;
  const int count = trial.Affordable(6, 24, 60, 400);
  for (int i = 0; i < count; ++i) {
    for (int t = 0; t < 6; ++t) {
      const std::string name = "t" + std::to_string(t);
      const uint64_t draw = trial.Key(static_cast<uint64_t>(i * 100 + t));
      const size_t bytes = t == 0 ? kMiB + draw / 8 % 3000 : draw / 8 % 3000;
      switch (draw % 6) {
        case 0:  // new values and size
          state[name] = RandomTensor(Type::kU8, bytes, draw);
          break;
        case 1:  // one byte
          if (state.contains(name) && !state[name].data.empty()) {
            state[name].data[draw / 8 % state[name].data.size()] ^= std::byte{1};
          }
          break;
        case 2:
          if (state.contains(name)) gone[name] = state[name];
          state.erase(name);
          break;
        case 3:
          if (gone.contains(name)) state[name] = gone[name];
          break;
        default:
          break;
      }
    }
    step += 1 + static_cast<int64_t>(trial.Key(static_cast<uint64_t>(i)) % 3);
    steps[step] = state;
    if (!trial.MustSave(store.get(), step, DeviceState(state, trial.Key(step)))) return;
    if (i % 8 == 5) {  // the same step again, with other values
      state["again"] = RandomTensor(Type::kF32, 4000, trial.Key(static_cast<uint64_t>(i) + 5000));
      state["t5"] = RandomTensor(Type::kF32, 400, trial.Key(static_cast<uint64_t>(i) + 6000));
      steps[step] = state;
      trial.Input("saved again", std::to_string(step));
      if (!trial.MustSave(store.get(), step, DeviceState(state))) return;
      if (!trial.MustLoad(store.get(), step, state)) return;
    }
  }
  std::vector<int64_t> list;
  for (const auto& [saved, what] : steps) list.push_back(saved);
  trial.Input("steps", std::to_string(count) + " with random changes");
  if (!trial.MustList(store.get(), list)) return;
  for (const auto& [saved, what] : steps) {
    if (!trial.MustLoad(store.get(), saved, what)) return;
  }
}

void TryStats(IncrementalTrial& trial) {
  State state;
  state["w"] = RandomTensor(Type::kF32, 2 * kMiB + 4000, trial.Key(1));
  state["b"] = RandomTensor(Type::kU8, 999, trial.Key(2));
  state["e"] = RandomTensor(Type::kU8, 0, trial.Key(3));
  MemoryIo io(EmptyIncrementalTree());
  IncrementalTrial::Store store;
  if (!trial.Open(&io, &store)) return;
  const auto check = [&](int64_t step, int64_t data, int64_t changed, const std::string& what) {
    trial.Input("step", what);
    IncrementStats stats = {-1, -1, -1, -1};
    if (!trial.MustSave(store.get(), step, DeviceState(state), &stats)) return false;
    const int64_t chunks = ChunksIn(state);
    const auto is = [&](const char* name, int64_t value, int64_t least, int64_t most) {
      if (value >= least && value <= most) return true;
      return trial.Fail(std::string("IncrementStats: ") + name + " says what Save did",
                        least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most),
                        std::to_string(value));
    };
    return is("data_bytes", stats.data_bytes, data, data) && is("chunks", stats.chunks, chunks, chunks) &&
           is("changed", stats.changed, changed, changed) &&
           is("copied_bytes", stats.copied_bytes, data, data + 64 * chunks + (64 << 10));
  };
  if (!check(1, BytesIn(state), 4, "four chunks, all new, and an empty tensor")) return;
  if (!check(2, 0, 0, "nothing has changed")) return;
  state = Touched(state, "w", kMiB + 1);
  if (!check(3, kChunk, 1, "one chunk has changed")) return;
  state = Touched(Touched(state, "w", 2 * kMiB + 3999), "b", 0);
  if (!check(4, 4000 + 999, 2, "the short chunks have changed")) return;
  state.clear();
  (void)check(5, 0, 0, "no tensors");
}

void TryArguments(IncrementalTrial& trial) {
  IncrementalTrial::Store store(trial.entries().create(nullptr, kIncrementalDirectory));
  if (store != nullptr) {
    trial.Fail("q13_incremental_create gives nullptr without an Io", "nullptr", "a store");
    return;
  }
  MemoryIo io(EmptyIncrementalTree());
  if (!trial.Open(&io, &store)) return;
  State state;
  state["a"] = RandomTensor(Type::kF32, 400, trial.Key(1));
  state["b"] = RandomTensor(Type::kF32, 444, trial.Key(2));
  if (!trial.MustSave(store.get(), 1, DeviceState(state))) return;
  struct Mistake {
    const char* what;
    int64_t step;
    void (*make)(std::vector<DeviceTensor>& tensors);
  };
  const Mistake mistakes[] = {
      {"a step of -1", -1, [](std::vector<DeviceTensor>&) {}},
      {"a name twice", 2, [](std::vector<DeviceTensor>& t) { t[1].name = t[0].name; }},
      {"a name that is null", 2, [](std::vector<DeviceTensor>& t) { t[1].name = nullptr; }},
      {"bytes of -4", 2, [](std::vector<DeviceTensor>& t) { t[1].bytes = -4; }},
      {"399 bytes of F32", 2, [](std::vector<DeviceTensor>& t) { t[1].bytes = 399; }},
      {"type 15", 2, [](std::vector<DeviceTensor>& t) { t[1].type = static_cast<Type>(15); }},
      {"type -1", 2, [](std::vector<DeviceTensor>& t) { t[1].type = static_cast<Type>(-1); }},
      {"444 bytes at a null pointer", 2, [](std::vector<DeviceTensor>& t) { t[1].data = nullptr; }},
  };
  for (const Mistake& mistake : mistakes) {
    DeviceState device(state);
    mistake.make(device.edit());
    trial.Input("Save with", mistake.what);
    const int code = trial.Save(store.get(), mistake.step, device);
    if (!trial.MustReturn(kInvalid, code, "Save refuses arguments that make no sense", "Save")) return;
    if (!trial.MustList(store.get(), {1}) || !trial.MustLoad(store.get(), 1, state)) return;
  }
  trial.Input("Save with", "");
  if (!trial.MustMiss(store.get(), 2)) return;
  if (!trial.MustReturn(kNotFound, trial.Compact(store.get(), 2), "Compact says when there is no such step",
                        "Compact(2)")) {
    return;
  }
  if (!trial.MustReturn(kNotFound, trial.Keep(store.get(), {1, 2}), "Keep says when there is no such step",
                        "Keep({1, 2})")) {
    return;
  }
  if (!trial.MustList(store.get(), {1}) || !trial.MustLoad(store.get(), 1, state)) return;
  const DeviceBytes data(64), hashes(64);
  for (const size_t chunk_bytes : {size_t{0}, size_t{8}, size_t{24}}) {
    const cudaError_t error =
        trial.entries().hash(data.data(), 64, chunk_bytes, reinterpret_cast<Hash128*>(hashes.data()), trial.stream());
    (void)cudaGetLastError();
    RequireCuda(cudaStreamSynchronize(trial.stream()), "q13_hash_chunks");
    if (error == cudaErrorInvalidValue) continue;
    trial.Input("chunk_bytes", std::to_string(chunk_bytes));
    trial.Fail("q13_hash_chunks refuses chunk_bytes that are no multiple of 16", "cudaErrorInvalidValue",
               cudaGetErrorName(error));
    return;
  }
  const cudaError_t none = trial.entries().hash(nullptr, 0, 16, nullptr, trial.stream());
  if (none != cudaSuccess) trial.Fail("no bytes have no chunks", "cudaSuccess", cudaGetErrorName(none));
}

}  // namespace q13
