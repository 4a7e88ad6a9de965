// Fuzz target: part C's store, of which a file says anything. It is linked with the reference as device code, and so
// run by fuzz_driver.cc alone.
//
// What changes blindly fails at a checksum. So an input may also be what is behind one: a manifest with its checksum
// made for it, and those of its chunks too. A state that is loaded is one that was saved, or, of a forged step, exactly
// what the files say.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/fuzz_target.h"
#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/incremental_manifest.h"

namespace q13 {
namespace {

using workbench::FileTree;
using workbench::MemoryIo;

constexpr int64_t kOlder = 2, kNewer = 4, kNext = 6;

// What is done with the content of an input.
enum Kind : int {
  kFile = 0,  // is a file, as it is
  kEdit,      // an edit of a file
  kManifest,  // a manifest's payload
  kDigests,   // the same, and the chunks' checksums are made to be right
  kNames,     // lines: names of further files
  kKinds,
};

FuzzCounter g_opened("inputs behind the checksum of a manifest", 200);
FuzzCounter g_decoded("with a manifest that makes sense", 20);
FuzzCounter g_forged("that were loaded, but never saved", 1);

// Tensors in device memory, and what Load is to make of them.
class Tensors {
 public:
  explicit Tensors(int64_t step) {
    Add("w", Type::kF32, 24, step);
    Add("copy of w", Type::kU8, 24, step);
    Add("b", Type::kU8, 5, 0);  // in no step another
    Add("", Type::kF64, 8, step);
    Add("none", Type::kI16, 0, 0);
    for (const auto& [name, tensor] : state_) {
      void* data = nullptr;
      const size_t bytes = tensor.data.size();
      if (bytes > 0 && (cudaMalloc(&data, bytes) != cudaSuccess ||
                        cudaMemcpy(data, tensor.data.data(), bytes, cudaMemcpyHostToDevice) != cudaSuccess)) {
        FuzzFail("no device memory");
      }
      tensors_.push_back({name.c_str(), tensor.info.type, data, static_cast<int64_t>(bytes)});
    }
  }
  Tensors(const Tensors&) = delete;  // names are where they are
  Tensors& operator=(const Tensors&) = delete;

  const State& state() const { return state_; }
  const std::vector<DeviceTensor>& tensors() const { return tensors_; }

 private:
  void Add(const std::string& name, Type type, int64_t bytes, int64_t seed) {
    HostTensor& tensor = state_[name];
    tensor.info = {type, {bytes / TypeBytes(type)}};
    for (int64_t i = 0; i < bytes; ++i) tensor.data.push_back(static_cast<std::byte>(seed * 31 + i * 7 + 1));
  }

  State state_;
  std::vector<DeviceTensor> tensors_;
};

const Tensors& TensorsOf(int64_t step) {
  static std::map<int64_t, Tensors> tensors;
  return tensors.try_emplace(step, step).first->second;
}

// Two steps; the newer one needs data of the older one.
struct Small {
  FileTree tree;
  std::vector<std::string> names;

  Small() {
    MemoryIo io;
    const std::unique_ptr<IncrementalStore> store(q13_incremental_create(&io, ""));
    for (const int64_t step : {kOlder, kNewer}) {
      const int error = store->Save(step, TensorsOf(step).tensors(), nullptr, nullptr);
      if (error != 0) FuzzFail("Save of the small store gave " + std::to_string(error));
    }
    tree = io.Tree();
    for (const auto& [name, bytes] : tree.files) names.push_back(name);
  }
  Bytes Payload(int64_t step) const {
    Bytes payload;
    if (!Unseal(kManifestMagic, *tree.files.at(ManifestName(step)), &payload)) FuzzFail("a manifest does not open");
    return payload;
  }
};

const Small& TheStore() {
  static const Small store;
  return store;
}

// Makes the chunks' checksums right as far as there is data. All of it makes sense: what it says.
std::optional<State> FixDigests(const FileTree& tree, int64_t step, Bytes* payload) {
  Decoder in(*payload);
  State state;
  bool good = in.Get<int64_t>() == step;
  for (uint64_t left = in.Get<uint64_t>(); left > 0 && in.ok(); --left) {
    const std::string name = in.GetText();
    HostTensor tensor;
    tensor.info.type = in.Get<Type>();
    const int64_t bytes = in.Get<int64_t>();
    const auto chunks = static_cast<int64_t>(in.GetCount(sizeof(Chunk)));
    good = good && tensor.info.type >= Type::kBool && tensor.info.type <= Type::kU64 && bytes >= 0 &&
           chunks == ChunksOf(bytes) && bytes % TypeBytes(tensor.info.type) == 0;
    for (int64_t c = 0; c < chunks; ++c) {
      const size_t at = payload->size() - in.left();
      Chunk chunk = in.Get<Chunk>();
      const auto file = tree.files.find(DataName(chunk.file));
      const bool there = file != tree.files.end() && chunk.offset >= 0 && chunk.length >= 0 &&
                         chunk.length <= static_cast<int64_t>(file->second->size()) &&
                         chunk.offset <= static_cast<int64_t>(file->second->size()) - chunk.length;
      good = good && there && chunk.length == LengthOf(bytes, c);
      if (!there) continue;
      const std::byte* from = file->second->data() + chunk.offset;
      chunk.digest = DigestOf(from, static_cast<size_t>(chunk.length));
      std::memcpy(payload->data() + at, &chunk, sizeof chunk);
      tensor.data.insert(tensor.data.end(), from, from + chunk.length);
    }
    if (good) tensor.info.shape = {bytes / TypeBytes(tensor.info.type)};
    good = state.emplace(name, std::move(tensor)).second && good;
  }
  if (!good || !in.done()) return std::nullopt;
  return state;
}

// The store with the input in it.
struct Case {
  FileTree tree;
  std::set<int64_t> touched;  // steps one of whose files is another now
  bool forged = false;        // with right checksums
  std::optional<State> says;  // what the forged step holds, if that is known
  bool says_nothing = false;  // it is known that it is damaged
};

Case MakeCase(const FuzzInput& input) {
  const Small& store = TheStore();
  Case made;
  made.tree = store.tree;
  const int64_t step = input.which % 2 == 0 ? kOlder : kNewer;
  switch (input.kind) {
    case kFile:
    case kEdit: {
      const std::string& name = store.names[input.which % store.names.size()];
      const Bytes& before = *store.tree.files.at(name);
      const Bytes content = input.kind == kFile ? input.content : Edited(before, input.content);
      PutFile(&made.tree, name, content);
      if (content == before) break;
      int64_t number = 0;
      if (ParseName(name, "step", {&number})) {
        made.touched = {number};
      } else {
        made.touched = {kOlder, kNewer};
      }
      break;
    }
    case kManifest:
    case kDigests: {
      Bytes payload = input.content;
      if (input.kind == kDigests) {
        made.says = FixDigests(made.tree, step, &payload);
        made.says_nothing = !made.says.has_value();
      }
      PutFile(&made.tree, ManifestName(step), Seal(kManifestMagic, payload));
      made.touched = {step};
      made.forged = true;
      g_opened.Add();
      Manifest manifest;
      if (Decode(*made.tree.files.at(ManifestName(step)), step, &manifest)) g_decoded.Add();
      break;
    }
    default:
      AddNames(input.content, *store.tree.files.at(ManifestName(kNewer)), &made.tree);
      break;
  }
  return made;
}

void CheckForged(const State& state) {
  for (const auto& [name, tensor] : state) {
    int64_t bytes;
    if (!TensorBytes(tensor.info, &bytes) || bytes != static_cast<int64_t>(tensor.data.size())) {
      FuzzFail("a tensor was loaded whose bytes are not its shape's");
    }
  }
}

void CheckLoad(const Case& made, IncrementalStore* store, int64_t step) {
  State state;
  const int error = store->Load(step, &state);
  const std::string what = "Load(" + std::to_string(step) + ")";
  if (error != 0) {
    if (!state.empty()) FuzzFail(what + " left something after an error");
    if (error != kDamaged) FuzzFail(what + " gave " + std::to_string(error));
    if (!made.touched.contains(step)) FuzzFail(what + " found nothing");
    if (made.says) FuzzFail(what + " refused what is right");
    return;
  }
  if (SameState(state, TensorsOf(step).state())) return;
  if (!made.forged || !made.touched.contains(step)) FuzzFail(what + " loaded other bytes than were saved");
  if (made.says_nothing) FuzzFail(what + " loaded what makes no sense");
  if (made.says && !SameState(state, *made.says)) FuzzFail(what + " loaded what the files do not say");
  CheckForged(state);
  g_forged.Add();
}

// A file has one of the last numbers that there are.
bool NumbersRunOut(const FileTree& tree) {
  return std::any_of(tree.files.begin(), tree.files.end(), [](const auto& file) {
    int64_t step = 0, id = 0;
    return (ParseName(file.first, "data", {&step, &id}) || ParseName(file.first, "temporary", {&id})) &&
           id >= kMostId - 8 && id < kMostId;
  });
}

// Whatever there is, steps stay what they are through what is done to others, for the next store, too.
void CheckChanges(const Case& made, MemoryIo* io, IncrementalStore* store) {
  const Tensors& next = TensorsOf(kNext);
  State before, after;
  const int loaded = store->Load(kNewer, &before);
  const int overflow = NumbersRunOut(made.tree) ? -EOVERFLOW : 0;
  const int saved = store->Save(kNext, next.tensors(), nullptr, nullptr);
  if (saved != 0 && saved != overflow) FuzzFail("Save gave " + std::to_string(saved));
  // What was there already is not written again, and may be damaged.
  const auto check_next = [&](IncrementalStore* by, const char* whose) {
    if (saved != 0) return;
    const int error = by->Load(kNext, &after);
    if (error != 0 ? made.touched.empty() || error != kDamaged : !SameState(after, next.state())) {
      FuzzFail(std::string("what was saved last is not what is found, by ") + whose);
    }
    std::vector<int64_t> steps;
    if (by->Steps(&steps) != 0 ||
        (made.touched.empty() && std::find(steps.begin(), steps.end(), kNext) == steps.end())) {
      FuzzFail(std::string("what was saved last is no step, for ") + whose);
    }
  };
  check_next(store, "the same store");
  check_next(std::unique_ptr<IncrementalStore>(q13_incremental_create(io, "")).get(), "the next store");
  if (const int error = store->Compact(kNewer); error != 0 && error != kDamaged && error != overflow) {
    FuzzFail("Compact gave " + std::to_string(error));
  }
  const std::vector<int64_t> kept = {kNewer};
  if (const int error = store->Keep(kept); error != 0 && error != kDamaged && error != overflow) {
    FuzzFail("Keep gave " + std::to_string(error));
  }
  if (store->Load(kNewer, &after) != loaded || !SameState(before, after)) {
    FuzzFail("Save, Compact and Keep changed a step");
  }
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  const Small& store = TheStore();
  std::vector<std::string> seeds;
  for (size_t i = 0; i < store.names.size(); ++i) {
    const Bytes& file = *store.tree.files.at(store.names[i]);
    seeds.push_back(FuzzInputOf(kFile, i, file));
    seeds.push_back(FuzzInputOf(kEdit, i, EditOf(file, file.size() / 2)));
  }
  for (size_t which = 0; which < 2; ++which) {
    const int64_t step = which == 0 ? kOlder : kNewer;
    for (const int kind : {kManifest, kDigests, kDigests}) {
      seeds.push_back(FuzzInputOf(kind, which, store.Payload(step)));
    }
  }
  Manifest manifest;
  if (!Decode(*store.tree.files.at(ManifestName(kOlder)), kOlder, &manifest)) FuzzFail("a manifest does not decode");
  const auto is_w = [](const Tensor& tensor) { return tensor.name == "w"; };
  const Tensor w = *std::find_if(manifest.tensors.begin(), manifest.tensors.end(), is_w);
  const auto add = [&](const std::vector<Tensor>& tensors) {
    Bytes payload;
    Unseal(kManifestMagic, Encode(kOlder, {tensors}), &payload);
    seeds.push_back(FuzzInputOf(kDigests, 0, payload));
  };
  add({w});
  add({w, w});  // a name twice
  Tensor odd = w;
  odd.bytes = odd.chunks[0].length = 23;  // no multiple of the type's
  add({odd});
  Tensor large = w;  // as it says
  large.bytes = 12 * kChunk;
  large.chunks[0].length = kChunk;
  large.chunks.resize(12, large.chunks[0]);
  add({large});
  const std::string last = "temporary.9223372036854775807";
  seeds.push_back(FuzzInputOf(kNames, 0, BytesOf(last.data(), last.size())));
  const std::string names = "data.2.7\ntemporary.9223372036854775806\nstep.9\ndata.4611686018427387904.1\nstep.-1";
  seeds.push_back(FuzzInputOf(kNames, 0, BytesOf(names.data(), names.size())));
  // The last numbers that count, and those after them.
  std::string ends = "temporary.4611686018427387903\ndata.4.4611686018427387904\ndata.4.4611686018427387906\n";
  ends.resize(126, 'x');  // as long as what CheckChanges looks at
  seeds.push_back(FuzzInputOf(kNames, 0, BytesOf(ends.data(), ends.size())));
  return seeds;
}

}  // namespace q13

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace q13;
  const Case made = MakeCase(ReadFuzzInput(data, size, kKinds));
  MemoryIo io(made.tree);
  const std::unique_ptr<IncrementalStore> store(q13_incremental_create(&io, ""));
  for (const int64_t step : {kOlder, kNewer}) CheckLoad(made, store.get(), step);
  std::vector<int64_t> steps;
  if (const int error = store->Steps(&steps); error != 0) FuzzFail("Steps gave " + std::to_string(error));
  for (const int64_t step : {kOlder, kNewer}) {
    const bool there = std::find(steps.begin(), steps.end(), step) != steps.end();
    if (!there && !made.touched.contains(step)) FuzzFail("Steps misses one");
  }
  const auto known = [](int64_t step) { return step == kOlder || step == kNewer; };
  const bool ascending = std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end();
  if (!ascending || !std::all_of(steps.begin(), steps.end(), known)) FuzzFail("Steps made some up");
  if (size % 128 == 0) CheckChanges(made, &io, store.get());  // it costs more than all the rest
  return 0;
}
