#include "questions/q13_checkpoint/durable_case.h"

#include <algorithm>
#include <utility>

namespace q13 {
namespace {

// splitmix64's finalizer (Steele, Lea, Flood 2014).
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

uint64_t HashBytes(uint64_t hash, const void* data, size_t bytes) {
  const unsigned char* at = static_cast<const unsigned char*>(data);
  hash = Mix(hash ^ bytes);
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at + i, std::min<size_t>(8, bytes - i));
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    hash ^= hash >> 31;
  }
  return Mix(hash);
}

void Add(State* state, const std::string& name, Type type, std::vector<int64_t> shape, uint64_t key) {
  HostTensor tensor;
  tensor.info = {type, std::move(shape)};
  size_t bytes = static_cast<size_t>(TypeBytes(type));
  for (const int64_t extent : tensor.info.shape) bytes *= static_cast<size_t>(extent);
  tensor.data.resize(bytes);
  key = HashBytes(key, name.data(), name.size());
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = Mix(key + i);
    std::memcpy(tensor.data.data() + i, &word, std::min<size_t>(8, bytes - i));
  }
  if (type == Type::kBool) {
    for (std::byte& byte : tensor.data) byte &= std::byte{1};
  }
  (*state)[name] = std::move(tensor);
}

}  // namespace

State MakeState(const StateId& id, uint64_t seed, int rank) {
  State state;
  const uint64_t key = Mix(seed ^ Mix(static_cast<uint64_t>(id.number) * 1024 + static_cast<uint64_t>(rank)));
  const std::string prefix = "rank" + std::to_string(rank) + ".";
  const int64_t more = id.number % 3;
  switch (id.contents) {
    case Contents::kSmall:
      if (rank == 3) break;
      Add(&state, "weight", Type::kF32, {5, 60 + 10 * rank + more}, key);
      Add(&state, prefix + "moment", Type::kBF16, {310 + 7 * rank}, key);
      Add(&state, "step", Type::kI64, {}, key);
      if (id.number % 2 == 1) Add(&state, "only.in.odd.ones", Type::kU8, {3}, key);
      break;
    case Contents::kTypes: {
      int index = 0;
      for (int type = 0; type <= static_cast<int>(Type::kU64); ++type) {
        Add(&state, "t" + std::to_string(type), static_cast<Type>(type), {3, 1 + type}, key);
        Add(&state, "s" + std::to_string(type), static_cast<Type>(type), {}, key);
      }
      for (const std::string& name :
           {std::string(), std::string("a/b"), std::string("../x"), std::string("."), std::string(" "),
            std::string("two\nlines"), std::string("a\0b", 3), std::string("\xc3\xa9\xe2\x82\xac"), std::string("\xff"),
            std::string(300, 'n'), std::string("latest"), std::string("manifest"), std::string("\"quoted\\")}) {
        Add(&state, name, Type::kI16, {++index}, key);
      }
      Add(&state, "empty", Type::kF32, {0}, key);
      Add(&state, "empty.too", Type::kF64, {3, 0, 1 << 30}, key);
      Add(&state, "seven", Type::kU16, {1, 2, 1, 3, 1, 2, 1}, key);
      break;
    }
    case Contents::kTiny:
      Add(&state, "w", Type::kF32, {2, 9}, key);
      Add(&state, "n", Type::kI64, {}, key);
      Add(&state, "e", Type::kBF16, {0, 4}, key);
      break;
    case Contents::kLarge:
      Add(&state, "weight", Type::kF32, {12, 1024}, key);
      Add(&state, prefix + "moment", Type::kF16, {100 + rank}, key);
      break;
  }
  return state;
}

uint64_t Digest(const State& state) {
  uint64_t hash = Mix(state.size());
  for (const auto& [name, tensor] : state) {
    hash = HashBytes(hash, name.data(), name.size());
    hash = Mix(hash ^ static_cast<uint64_t>(tensor.info.type));
    hash = HashBytes(hash, tensor.info.shape.data(), tensor.info.shape.size() * sizeof(int64_t));
    hash = HashBytes(hash, tensor.data.data(), tensor.data.size());
  }
  return hash;
}

std::string DifferenceBetween(const State& got, const State& saved) {
  const auto quoted = [](const std::string& name) {
    std::string text;
    for (const char c : name.substr(0, 40)) text += c >= ' ' && c < 127 ? c : '?';
    return "tensor \"" + text + "\"";
  };
  for (const auto& [name, tensor] : saved) {
    const auto found = got.find(name);
    if (found == got.end()) return quoted(name) + " is missing";
    if (found->second.info.type != tensor.info.type) return quoted(name) + " has another type";
    if (found->second.info.shape != tensor.info.shape) return quoted(name) + " has another shape";
    const std::vector<std::byte>& data = found->second.data;
    if (data.size() != tensor.data.size()) {
      return quoted(name) + " has " + std::to_string(data.size()) + " bytes, not " + std::to_string(tensor.data.size());
    }
    const auto at = std::mismatch(data.begin(), data.end(), tensor.data.begin()).first;
    if (at != data.end()) {
      const size_t byte = static_cast<size_t>(at - data.begin());
      return quoted(name) + ", byte " + std::to_string(byte) + " of " + std::to_string(data.size()) + " is " +
             std::to_string(static_cast<int>(data[byte])) + ", not " +
             std::to_string(static_cast<int>(tensor.data[byte]));
    }
  }
  for (const auto& [name, tensor] : got) {
    if (!saved.contains(name)) return quoted(name) + " was not saved";
  }
  return "";
}

std::vector<std::byte> Encode(const DurableRequest& request) {
  std::vector<std::byte> bytes;
  Append(&bytes, request.kind);
  Append(&bytes, request.mode);
  for (const int32_t value : {request.ranks, request.recovery_ranks, request.keep, request.first, request.order,
                              request.exhaustive, request.singles, request.samples}) {
    Append(&bytes, value);
  }
  Append(&bytes, request.seed);
  Append(&bytes, request.most_images);
  AppendAll(&bytes, std::span<const FaultPlan>(request.faults));
  AppendAll(&bytes, std::span<const Action>(request.main));
  AppendAll(&bytes, std::span<const Action>(request.recovery));
  return bytes;
}

std::optional<DurableRequest> DecodeDurableRequest(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  DurableRequest request;
  request.kind = reader.Read<RequestKind>();
  request.mode = reader.Read<DurableMode>();
  for (int32_t* value : {&request.ranks, &request.recovery_ranks, &request.keep, &request.first, &request.order,
                         &request.exhaustive, &request.singles, &request.samples}) {
    *value = reader.Read<int32_t>();
  }
  request.seed = reader.Read<uint64_t>();
  request.most_images = reader.Read<int64_t>();
  request.faults = reader.ReadAll<FaultPlan>();
  request.main = reader.ReadAll<Action>();
  request.recovery = reader.ReadAll<Action>();
  if (!reader.done() || request.kind != RequestKind::kDurable || request.ranks < 1 || request.ranks > 64 ||
      request.recovery_ranks < 1 || request.recovery_ranks > 64 || request.first < 0 || request.exhaustive > 20 ||
      (request.mode != DurableMode::kCreate && static_cast<size_t>(request.first) >= request.main.size())) {
    return std::nullopt;
  }
  for (const std::vector<Action>* actions : {&request.main, &request.recovery}) {
    for (const Action& action : *actions) {
      if (action.fault >= static_cast<int32_t>(request.faults.size()) || action.target >= 1 << 16) return std::nullopt;
    }
  }
  return request;
}

std::vector<std::byte> Encode(const DurableReply& reply) {
  std::vector<std::byte> bytes;
  Append(&bytes, reply.cases);
  Append(&bytes, reply.dropped);
  Append<uint64_t>(&bytes, reply.outcomes.size());
  for (const Outcome& outcome : reply.outcomes) {
    AppendText(&bytes, outcome.example);
    Append(&bytes, outcome.count);
    for (const int32_t value : {outcome.begun, outcome.returned, outcome.fault_rank, outcome.error}) {
      Append(&bytes, value);
    }
    AppendAll(&bytes, std::span<const CallRecord>(outcome.main));
    AppendAll(&bytes, std::span<const CallRecord>(outcome.recovery));
    Append(&bytes, outcome.files);
    Append(&bytes, outcome.bytes);
    AppendText(&bytes, outcome.misuse);
    AppendText(&bytes, outcome.difference);
  }
  return bytes;
}

std::optional<DurableReply> DecodeDurableReply(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  DurableReply reply;
  reply.cases = reader.Read<uint64_t>();
  reply.dropped = reader.Read<uint64_t>();
  const uint64_t outcomes = reader.Read<uint64_t>();
  for (uint64_t i = 0; i < outcomes && reader.ok(); ++i) {
    Outcome outcome;
    outcome.example = reader.ReadText();
    outcome.count = reader.Read<uint64_t>();
    for (int32_t* value : {&outcome.begun, &outcome.returned, &outcome.fault_rank, &outcome.error}) {
      *value = reader.Read<int32_t>();
    }
    outcome.main = reader.ReadAll<CallRecord>();
    outcome.recovery = reader.ReadAll<CallRecord>();
    outcome.files = reader.Read<int64_t>();
    outcome.bytes = reader.Read<int64_t>();
    outcome.misuse = reader.ReadText();
    outcome.difference = reader.ReadText();
    reply.outcomes.push_back(std::move(outcome));
  }
  if (!reader.done()) return std::nullopt;
  return reply;
}

}  // namespace q13
