#include "questions/q13_checkpoint/incremental_judge.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/findings.h"
#include "harness/runner/rank_program.h"

namespace q13 {
namespace {

std::string Quoted(const std::string& name) {
  std::string text = "\"";
  for (size_t i = 0; i < std::min<size_t>(name.size(), 40); ++i) text += name[i] < ' ' ? '?' : name[i];
  return text + (name.size() > 40 ? "...\"" : "\"");
}

std::string Hex(std::byte value) {
  constexpr char kDigits[] = "0123456789abcdef";
  const int v = static_cast<int>(value);
  return std::string("0x") + kDigits[v / 16] + kDigits[v % 16];
}

template <typename Call>
int Guard(const Call& call) {
  int code = kThrowsException;
  try {
    code = call();
  } catch (...) {
    return kThrowsException;
  }
  return code;
}

}  // namespace

uint64_t MixBits(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

std::vector<std::byte> RandomBytes(size_t bytes, uint64_t key) {
  std::vector<std::byte> data(bytes);
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = MixBits(key + i);
    std::memcpy(data.data() + i, &word, std::min<size_t>(8, bytes - i));
  }
  return data;
}

HostTensor RandomTensor(Type type, size_t bytes, uint64_t key) {
  HostTensor tensor;
  tensor.info = {type, {static_cast<int64_t>(bytes) / TypeBytes(type)}};
  tensor.data = RandomBytes(bytes, MixBits(key));
  return tensor;
}

int64_t ChunksIn(const State& state) {
  int64_t chunks = 0;
  for (const auto& [name, tensor] : state) chunks += (static_cast<int64_t>(tensor.data.size()) + kChunk - 1) / kChunk;
  return chunks;
}

int64_t BytesIn(const State& state) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : state) bytes += static_cast<int64_t>(tensor.data.size());
  return bytes;
}

int64_t DistinctChunkBytes(const std::vector<const State*>& states) {
  std::set<std::string_view> chunks;
  for (const State* state : states) {
    for (const auto& [name, tensor] : *state) {
      const std::string_view data(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
      for (size_t at = 0; at < data.size(); at += kChunk) chunks.insert(data.substr(at, kChunk));
    }
  }
  int64_t bytes = 0;
  for (const std::string_view chunk : chunks) bytes += static_cast<int64_t>(chunk.size());
  return bytes;
}

int64_t MetadataAllowance(const State& state) {
  int64_t bytes = 64 << 10;
  for (const auto& [name, tensor] : state) bytes += 256 + 4 * static_cast<int64_t>(name.size());
  return bytes + 256 * ChunksIn(state);
}

std::string StateDifference(const State& got, const State& saved) {
  for (const auto& [name, tensor] : saved) {
    const auto found = got.find(name);
    if (found == got.end()) return "tensor " + Quoted(name) + " is missing";
    const HostTensor& other = found->second;
    const std::string which = "tensor " + Quoted(name) + " (" + std::to_string(tensor.data.size()) + " bytes)";
    if (other.info.type != tensor.info.type) {
      return which + " has type " + std::to_string(static_cast<int>(other.info.type)) + ", saved with " +
             std::to_string(static_cast<int>(tensor.info.type));
    }
    if (other.data.size() != tensor.data.size()) {
      return which + " comes back with " + std::to_string(other.data.size()) + " bytes";
    }
    if (other.info.shape != tensor.info.shape) return which + " does not have the shape {bytes / TypeBytes}";
    const auto [at, expected] = std::mismatch(other.data.begin(), other.data.end(), tensor.data.begin());
    if (at == other.data.end()) continue;
    const auto index = at - other.data.begin();
    return which + ": byte " + std::to_string(index) + " (of chunk " + std::to_string(index / kChunk) + ") is " +
           Hex(*at) + ", saved as " + Hex(*expected);
  }
  for (const auto& [name, tensor] : got) {
    if (!saved.contains(name)) return "tensor " + Quoted(name) + " was not in this step";
  }
  return "";
}

std::string ErrorName(int code) {
  constexpr const char* kNames[] = {"0", "kNotFound", "kDamaged", "kInvalid", "kRankLost"};
  if (code == kThrowsException) return "an exception";
  if (code >= 0 && code <= 4) return kNames[code];
  if (code < 0) return std::to_string(code) + " (" + std::strerror(-code) + ")";
  return std::to_string(code);
}

void RequireCuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  const std::string findings = workbench::TakeDeviceFindings();
  workbench::FailRun(workbench::ErrorKind::kDevice,
                     std::string(what) + ": " + cudaGetErrorName(error) + (findings.empty() ? "" : "\n" + findings));
}

DeviceBytes::DeviceBytes(size_t bytes) : size_(bytes) {
  if (bytes > 0) RequireCuda(cudaMalloc(reinterpret_cast<void**>(&data_), bytes), "the judge's cudaMalloc");
}

DeviceBytes::~DeviceBytes() {
  if (data_ != nullptr) (void)cudaFree(data_);
}

DeviceState::DeviceState(const State& state, uint64_t seed) : state_(state) {
  names_.reserve(state.size());
  for (const auto& [name, tensor] : state_) {
    names_.push_back(name);
    const auto unit = static_cast<size_t>(TypeBytes(tensor.info.type));
    const size_t offset = seed == 0 ? 0 : MixBits(seed + names_.size()) % 17 * unit;
    const size_t bytes = tensor.data.size();
    memory_.push_back(std::make_unique<DeviceBytes>(bytes == 0 ? 0 : offset + bytes));
    std::byte* data = bytes == 0 ? nullptr : memory_.back()->data() + offset;
    if (bytes > 0) RequireCuda(cudaMemcpy(data, tensor.data.data(), bytes, cudaMemcpyHostToDevice), "copying a tensor");
    tensors_.push_back({names_.back().c_str(), tensor.info.type, data, static_cast<int64_t>(bytes)});
  }
}

std::string DeviceState::Changed() const {
  for (const DeviceTensor& tensor : tensors_) {
    std::vector<std::byte> now(static_cast<size_t>(tensor.bytes));
    if (now.empty()) continue;
    RequireCuda(cudaMemcpy(now.data(), tensor.data, now.size(), cudaMemcpyDeviceToHost), "reading a tensor");
    if (now != state_.at(tensor.name).data) return tensor.name;
  }
  return "";
}

workbench::FileTree EmptyIncrementalTree() {
  workbench::FileTree tree;
  tree.directories.insert(kIncrementalDirectory);
  return tree;
}

bool IncrementalTrial::Fail(const std::string& property, const std::string& expected, const std::string& actual,
                            const std::string& detail) {
  if (failed()) return false;
  reply_.property = property;
  reply_.expected = expected;
  reply_.actual = actual;
  reply_.detail = detail;
  reply_.inputs = inputs_;
  return false;
}

void IncrementalTrial::Input(const std::string& name, const std::string& value) {
  const auto found =
      std::find_if(inputs_.begin(), inputs_.end(), [&](const auto& input) { return input.first == name; });
  if (value.empty()) {
    if (found != inputs_.end()) inputs_.erase(found);
  } else if (found != inputs_.end()) {
    found->second = value;
  } else {
    inputs_.emplace_back(name, value);
  }
}

bool IncrementalTrial::Open(Io* io, Store* store) {
  store->reset();
  try {
    store->reset(entries_.create(io, kIncrementalDirectory));
  } catch (...) {
    return Fail("q13_incremental_create makes a store", "a store", "an exception");
  }
  if (*store == nullptr) return Fail("q13_incremental_create makes a store", "a store", "nullptr");
  return true;
}

int IncrementalTrial::Save(IncrementalStore* store, int64_t step, const DeviceState& state, IncrementStats* stats) {
  IncrementStats unused;
  const int code =
      Guard([&] { return store->Save(step, state.tensors(), stream_, stats == nullptr ? &unused : stats); });
  Count();
  return code;
}

int IncrementalTrial::Load(IncrementalStore* store, int64_t step, State* state) {
  Count();
  return Guard([&] { return store->Load(step, state); });
}

int IncrementalTrial::Keep(IncrementalStore* store, const std::vector<int64_t>& steps) {
  Count();
  return Guard([&] { return store->Keep(steps); });
}

int IncrementalTrial::Compact(IncrementalStore* store, int64_t step) {
  Count();
  return Guard([&] { return store->Compact(step); });
}

int IncrementalTrial::Steps(IncrementalStore* store, std::vector<int64_t>* steps) {
  return Guard([&] { return store->Steps(steps); });
}

bool IncrementalTrial::MustReturn(int expected, int actual, const std::string& property, const std::string& call) {
  return actual == expected || Fail(property, ErrorName(expected) + " from " + call, ErrorName(actual));
}

bool IncrementalTrial::MustSave(IncrementalStore* store, int64_t step, const DeviceState& state,
                                IncrementStats* stats) {
  return MustReturn(0, Save(store, step, state, stats), "Save of a state gives 0",
                    "Save(" + std::to_string(step) + ")");
}

bool IncrementalTrial::MustLoad(IncrementalStore* store, int64_t step, const State& state,
                                const std::string& property) {
  State got;
  got["left from before"] = HostTensor{};
  const int code = Load(store, step, &got);
  const std::string call = "Load(" + std::to_string(step) + ")";
  if (code != 0) return Fail(property, "0 from " + call, ErrorName(code));
  const std::string difference = StateDifference(got, state);
  return difference.empty() || Fail(property, "the state of step " + std::to_string(step), difference, "from " + call);
}

bool IncrementalTrial::LoadsOrFails(IncrementalStore* store, int64_t step, const State& state, int* code) {
  State got;
  *code = Load(store, step, &got);
  const std::string property = "Load gives a step as it was saved, or an error and an empty state";
  const std::string call = "from Load(" + std::to_string(step) + ")";
  if (*code == kThrowsException) return Fail(property, "a code", "an exception", call);
  if (*code != 0) return got.empty() || Fail(property, "an empty state", "tensors, and " + ErrorName(*code), call);
  const std::string difference = StateDifference(got, state);
  return difference.empty() || Fail(property, "the state of step " + std::to_string(step), difference, call);
}

bool IncrementalTrial::MustMiss(IncrementalStore* store, int64_t step) {
  State got;
  got["left from before"] = HostTensor{};
  const int code = Load(store, step, &got);
  const std::string property = "a step that is not there is not found, and the state is left empty";
  if (code != kNotFound) {
    return Fail(property, "kNotFound from Load(" + std::to_string(step) + ")", ErrorName(code));
  }
  return got.empty() || Fail(property, "an empty state", std::to_string(got.size()) + " tensors");
}

bool IncrementalTrial::MustList(IncrementalStore* store, const std::vector<int64_t>& steps) {
  std::vector<int64_t> got = {-7};
  const int code = Steps(store, &got);
  const auto text = [](const std::vector<int64_t>& list) {
    std::string all;
    for (const int64_t step : list) all += (all.empty() ? "" : ", ") + std::to_string(step);
    return "{" + all + "}";
  };
  const std::string property = "Steps gives the steps that are kept, ascending";
  if (code != 0) return Fail(property, text(steps), ErrorName(code));
  return got == steps || Fail(property, text(steps), text(got));
}

}  // namespace q13
