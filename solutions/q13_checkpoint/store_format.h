// Part B's files: their names, and the manifest.
#ifndef SOLUTIONS_Q13_CHECKPOINT_STORE_FORMAT_H_
#define SOLUTIONS_Q13_CHECKPOINT_STORE_FORMAT_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "solutions/q13_checkpoint/commit.h"

namespace q13 {

inline constexpr uint64_t kManifestMagic = Magic("q13bman1");
inline constexpr int64_t kMostManifestBytes = 16 << 20;
inline constexpr int64_t kMostGeneration = int64_t{1} << 62;  // one more never overflows
inline constexpr int64_t kNoGeneration = -1;

struct Id {
  int64_t step = -1;
  int64_t generation = kNoGeneration;
};

struct Manifest {
  Id id;
  std::vector<RankFile> ranks;
};

inline Bytes Encode(const Manifest& manifest) {
  Encoder out;
  out.Put(manifest.id);
  out.Put<uint64_t>(manifest.ranks.size());
  for (const RankFile& rank : manifest.ranks) out.Put(rank);
  return Seal(kManifestMagic, out.bytes());
}

inline bool Decode(const Bytes& frame, Manifest* manifest) {
  Bytes payload;
  if (!Unseal(kManifestMagic, frame, &payload)) return false;
  Decoder in(payload);
  manifest->id = in.Get<Id>();
  manifest->ranks.resize(in.GetCount(sizeof(RankFile)));
  for (RankFile& rank : manifest->ranks) {
    rank = in.Get<RankFile>();
    if (!IsPlain(rank)) return false;
  }
  return in.done();
}

// ------------------------------------------------------------------------------------------------ Names

// What follows the id in a name.
inline constexpr std::string_view kManifestTemporary = "manifest.tmp";
inline constexpr std::string_view kLatestTemporary = "latest.tmp";

enum class NameKind { kForeign, kTemporary, kManifest, kData };

struct Name {
  NameKind kind = NameKind::kForeign;
  Id id;
};

inline constexpr char kLatestName[] = "latest";

inline std::string NameOf(Id id, std::string_view what) {
  return "step_" + std::to_string(id.step) + "." + std::to_string(id.generation) + "." + std::string(what);
}
inline std::string ManifestName(Id id) { return NameOf(id, "manifest"); }
inline std::string DataName(Id id, size_t rank) { return NameOf(id, "rank_" + std::to_string(rank)); }

// Names that a store does not give are not its own, and are left alone.
inline Name Parse(std::string_view text) {
  Name name;
  int64_t rank;
  if (!TakeText(&text, "step_") || !TakeNumber(&text, &name.id.step) || !TakeText(&text, ".") ||
      !TakeNumber(&text, &name.id.generation) || !TakeText(&text, ".") || name.id.generation >= kMostGeneration) {
    return {};
  }
  if (text == "manifest") {
    name.kind = NameKind::kManifest;
  } else if (text == kManifestTemporary || text == kLatestTemporary) {
    name.kind = NameKind::kTemporary;
  } else if (TakeText(&text, "rank_") && TakeNumber(&text, &rank) && text.empty()) {
    name.kind = NameKind::kData;
  }
  return name;
}

// What there is of the store in its directory.
struct Listing {
  std::vector<Id> manifests;  // the newest generation first
  std::vector<std::pair<Id, std::string>> data;
  std::vector<std::string> temporaries;
  int64_t newest = 0;  // generation, of anything
};

inline int ReadListing(Io* io, const std::string& directory, Listing* listing) {
  std::vector<std::string> names;
  if (const int error = io->List(directory, &names); error != 0) return error;
  for (const std::string& text : names) {
    const Name name = Parse(text);
    if (name.kind == NameKind::kForeign) continue;
    listing->newest = std::max(listing->newest, name.id.generation);
    if (name.kind == NameKind::kManifest) listing->manifests.push_back(name.id);
    if (name.kind == NameKind::kData) listing->data.emplace_back(name.id, text);
    if (name.kind == NameKind::kTemporary) listing->temporaries.push_back(text);
  }
  std::sort(listing->manifests.begin(), listing->manifests.end(),
            [](const Id& a, const Id& b) { return a.generation > b.generation; });
  return 0;
}

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_STORE_FORMAT_H_
