// Fuzz target: part B's store, of which a file says anything (fuzz_target.h says how to build it). FILES has
// solutions/q13_checkpoint/durable.cc.
//
// What changes blindly fails at a checksum. So an input may also be what is behind one: the checksums in front of it
// are made for it. A state that is loaded is one that was saved, or, of the step whose files were forged so, exactly
// what these say.
#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "questions/q13_checkpoint/fuzz_target.h"
#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/store_format.h"

namespace q13 {
namespace {

using workbench::FileTree;
using workbench::MemoryIo;

constexpr int64_t kOlder = 3, kNewer = 5, kNext = 7;

// What is done with the content of an input.
enum Kind : int {
  kFile = 0,  // is a file, as it is
  kManifest,  // a manifest's payload
  kIndex,     // the payload of a rank's index, which the manifest follows
  kDigests,   // the same, and the tensors' checksums are made to be right
  kPointer,   // the payload of `latest`
  kNames,     // lines: names of further files
  kKinds,
};

FuzzCounter g_opened("inputs behind the checksum of a manifest, an index or `latest`", 300);
FuzzCounter g_forged("that were loaded, but never saved", 1);
FuzzCounter g_older("passed over for an older checkpoint", 100);

State MakeState(int64_t step) {
  State state;
  const auto add = [&](const std::string& name, TensorInfo info) {
    int64_t bytes = 0;
    if (!TensorBytes(info, &bytes)) std::abort();
    HostTensor& tensor = state[name];
    tensor.info = std::move(info);
    tensor.data.resize(static_cast<size_t>(bytes));
    for (size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<std::byte>(step * 31 + i * 7 + 1);
  };
  add("w", {Type::kF32, {2, 3}});
  add("", {Type::kF64, {}});
  add("none", {Type::kI8, {0, 7}});
  add("b", {Type::kU8, {5}});
  return state;
}

std::vector<TensorView> ViewsOf(State* state) {
  std::vector<TensorView> views;
  for (auto& [name, tensor] : *state) views.push_back({name, tensor.info, tensor.data.data()});
  return views;
}

// Two checkpoints, as the store itself has saved them.
struct Small {
  FileTree tree;
  std::map<int64_t, State> saved;
  std::map<int64_t, Id> ids;
  std::vector<std::string> names;

  Small() {
    MemoryIo io;
    OneRank group;
    const std::unique_ptr<Store> store(q13_store_create({&io, &group, "", 2}));
    for (const int64_t step : {kOlder, kNewer}) {
      State state = MakeState(step);
      if (store->Save(step, ViewsOf(&state)) != 0) FuzzFail("Save of the small store");
      saved[step] = std::move(state);
    }
    Listing listing;
    if (ReadListing(&io, "", &listing) != 0) FuzzFail("ReadListing");
    for (const Id& id : listing.manifests) ids[id.step] = id;
    tree = io.Tree();
    for (const auto& [name, bytes] : tree.files) names.push_back(name);
  }
};

const Small& TheStore() {
  static const Small store;
  return store;
}

Bytes Payload(uint64_t magic, const Bytes& frame) {
  Bytes payload;
  if (!Unseal(magic, frame, &payload)) FuzzFail("a frame of the small store does not open");
  return payload;
}

// The parts of a rank's file.
struct Parts {
  Manifest manifest;
  Bytes data, index;  // `index`: the payload
};

Parts PartsOf(int64_t step) {
  const Small& store = TheStore();
  const Id id = store.ids.at(step);
  Parts parts;
  if (!Decode(*store.tree.files.at(ManifestName(id)), &parts.manifest)) FuzzFail("a manifest of the small store");
  const Bytes& file = *store.tree.files.at(DataName(id, 0));
  const auto behind = file.begin() + parts.manifest.ranks[0].data_bytes;
  parts.data.assign(file.begin(), behind);
  parts.index = Payload(Magic("q13bidx1"), {behind, file.end()});
  return parts;
}

// Makes the tensors' checksums right as far as there are tensors with data. All of it makes sense: what it says.
std::optional<State> FixDigests(const Bytes& data, Bytes* index) {
  Decoder in(*index);
  State state;
  size_t offset = 0;
  for (uint64_t left = in.Get<uint64_t>(); left > 0; --left) {
    const std::string name = in.GetText();
    HostTensor tensor{GetInfo(&in), {}};
    const size_t at = index->size() - in.left();
    in.Get<Digest>();
    int64_t bytes;
    if (!in.ok() || !TensorBytes(tensor.info, &bytes)) return std::nullopt;
    if (bytes > static_cast<int64_t>(data.size() - offset)) return std::nullopt;
    const Digest digest = DigestOf(data.data() + offset, static_cast<size_t>(bytes));
    std::memcpy(index->data() + at, &digest, sizeof digest);
    const auto from = data.begin() + static_cast<std::ptrdiff_t>(offset);
    tensor.data.assign(from, from + bytes);
    offset += static_cast<size_t>(bytes);
    if (!state.emplace(name, std::move(tensor)).second) return std::nullopt;
  }
  if (!in.done() || offset != data.size()) return std::nullopt;
  return state;
}

// The store with the input in it.
struct Case {
  FileTree tree;
  int64_t touched = -1;  // the step one of whose files is another now
  bool forged = false;   // with right checksums
  bool latest = false;   // `latest` is another
  bool names = false;
  std::optional<State> says;  // what the forged step holds, if that is known
  bool says_nothing = false;  // it is known that it is damaged
};

Case MakeCase(const FuzzInput& input) {
  const Small& store = TheStore();
  Case made;
  made.tree = store.tree;
  const int64_t step = input.which % 2 == 0 ? kOlder : kNewer;
  const Id id = store.ids.at(step);
  switch (input.kind) {
    case kFile: {
      const std::string& name = store.names[input.which % store.names.size()];
      PutFile(&made.tree, name, input.content);
      const Name parsed = Parse(name);
      made.latest = name == kLatestName;
      if (!made.latest) made.touched = parsed.id.step;
      // A mutator that sees comparisons finds checksums.
      Bytes payload;
      made.forged = parsed.kind == NameKind::kManifest && input.content != *store.tree.files.at(name) &&
                    Unseal(kManifestMagic, input.content, &payload);
      break;
    }
    case kManifest:
      PutFile(&made.tree, ManifestName(id), Seal(kManifestMagic, input.content));
      made.touched = step;
      made.forged = true;
      break;
    case kIndex:
    case kDigests: {
      Parts parts = PartsOf(step);
      parts.index = input.content;
      if (input.kind == kDigests) {
        made.says = FixDigests(parts.data, &parts.index);
        made.says_nothing = !made.says.has_value();
      }
      const Bytes frame = Seal(Magic("q13bidx1"), parts.index);
      RankFile& rank = parts.manifest.ranks[0];
      rank.index_bytes = static_cast<int64_t>(frame.size());
      rank.index = DigestOf(frame.data(), frame.size());
      parts.data.insert(parts.data.end(), frame.begin(), frame.end());
      PutFile(&made.tree, DataName(id, 0), std::move(parts.data));
      PutFile(&made.tree, ManifestName(id), Encode(parts.manifest));
      made.touched = step;
      made.forged = true;
      break;
    }
    case kPointer:
      PutFile(&made.tree, kLatestName, Seal(Magic("q13blat1"), input.content));
      made.latest = true;
      break;
    default:
      AddNames(input.content, *store.tree.files.at(ManifestName(id)), &made.tree);
      made.names = true;
      break;
  }
  if (made.forged || input.kind == kPointer) g_opened.Add();
  return made;
}

// What is no tensor, or holds more than there is in files.
void CheckForged(const State& state, const FileTree& tree) {
  uint64_t total = 0;
  for (const auto& [name, tensor] : state) {
    int64_t bytes;
    if (!TensorBytes(tensor.info, &bytes) || bytes != static_cast<int64_t>(tensor.data.size())) {
      FuzzFail("a tensor was loaded whose bytes are not its shape's");
    }
    total += tensor.data.size();
  }
  if (total > tree.TotalBytes()) FuzzFail("more was loaded than there is");
}

void CheckLoad(const Case& made, Store* store, int64_t step) {
  State state;
  int64_t loaded = -1;
  const int error = store->Load(step, &state, &loaded);
  const std::string what = "Load(" + std::to_string(step) + ")";
  if (error != 0) {
    if (!state.empty()) FuzzFail(what + " left something after an error");
    if (error != kDamaged && (error != kInvalid || !made.forged)) FuzzFail(what + " gave " + std::to_string(error));
    // There is one whole checkpoint at least. (A forged manifest may be of another number of ranks.)
    if (step != made.touched && !(step == kLatest && made.forged)) FuzzFail(what + " found nothing");
    if (step == made.touched && made.says) FuzzFail(what + " refused what is right");
    return;
  }
  if (step != kLatest && loaded != step) FuzzFail(what + " loaded step " + std::to_string(loaded));
  if (step == kLatest && loaded != kNewer) {
    if (made.touched != kNewer && !made.latest) FuzzFail(what + " passed over what is whole");
    g_older.Add();
  }
  const auto saved = TheStore().saved.find(loaded);
  if (saved == TheStore().saved.end()) FuzzFail(what + " loaded what was never saved");
  if (SameState(state, saved->second)) return;
  if (!made.forged || loaded != made.touched) FuzzFail(what + " loaded other bytes than were saved");
  if (made.says_nothing) FuzzFail(what + " loaded what makes no sense");
  if (made.says && !SameState(state, *made.says)) FuzzFail(what + " loaded what the files do not say");
  CheckForged(state, made.tree);
  g_forged.Add();
}

// Whatever there is, the next checkpoint can be saved, and is what is found then.
void CheckSave(const Case& made, Store* store) {
  State state = MakeState(kNext);
  const int error = store->Save(kNext, ViewsOf(&state));
  if (error == -EOVERFLOW && (made.latest || made.names)) return;  // the last generation there is, it says
  if (error != 0) FuzzFail("Save gave " + std::to_string(error));
  State found;
  int64_t step = -1;
  if (store->Load(kLatest, &found, &step) != 0 || step != kNext || !SameState(found, state)) {
    FuzzFail("what was saved last is not what is found");
  }
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  const Small& store = TheStore();
  std::vector<std::string> seeds;
  for (size_t i = 0; i < store.names.size(); ++i) {
    seeds.push_back(FuzzInputOf(kFile, i, *store.tree.files.at(store.names[i])));
  }
  for (size_t which = 0; which < 2; ++which) {
    const int64_t step = which == 0 ? kOlder : kNewer;
    const Parts parts = PartsOf(step);
    const Bytes& manifest = *store.tree.files.at(ManifestName(store.ids.at(step)));
    seeds.push_back(FuzzInputOf(kManifest, which, Payload(kManifestMagic, manifest)));
    seeds.push_back(FuzzInputOf(kIndex, which, parts.index));
    seeds.push_back(FuzzInputOf(kDigests, which, parts.index));
    seeds.push_back(FuzzInputOf(kPointer, which, Encoded(store.ids.at(step))));
    for (const char* names :
         {"step_5.9.manifest\nstep_3.4611686018427387903.rank_0", "step_5.9223372036854775807.manifest",
          "step_9223372036854775807.1.latest.tmp\nstep_-1.2.rank_1"}) {
      seeds.push_back(FuzzInputOf(kNames, which, BytesOf(names, std::strlen(names))));
    }
  }
  // A name twice.
  Encoder twice;
  twice.Put(uint64_t{2});
  for (int i = 0; i < 2; ++i) {
    twice.PutText("a");
    PutInfo(&twice, {Type::kU8, {i == 0 ? static_cast<int64_t>(PartsOf(kOlder).data.size()) : 0}});
    twice.Put(Digest{});
  }
  seeds.push_back(FuzzInputOf(kDigests, 0, twice.bytes()));
  return seeds;
}

}  // namespace q13

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace q13;
  const Case made = MakeCase(ReadFuzzInput(data, size, kKinds));
  MemoryIo io(made.tree);
  OneRank group;
  const std::unique_ptr<Store> store(q13_store_create({&io, &group, "", 2}));
  for (const int64_t step : {kLatest, kOlder, kNewer}) CheckLoad(made, store.get(), step);
  std::vector<int64_t> steps;
  if (const int error = store->Steps(&steps); error != 0) FuzzFail("Steps gave " + std::to_string(error));
  const bool ascending = std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end();
  const auto known = [](int64_t step) { return step == kOlder || step == kNewer; };
  if (!ascending || !std::all_of(steps.begin(), steps.end(), known)) FuzzFail("Steps made some up");
  if (made.names || size % 8 == 0) CheckSave(made, store.get());  // it costs more than all the rest
  return 0;
}
