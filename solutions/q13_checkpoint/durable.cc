// Q13 part B: checkpoints that exist entirely or not at all.
//
// Files of generation g, a number that no other save of the store has had:
//   step_S.g.rank_R    what rank R saved: the tensors' bytes, then an index of them
//   step_S.g.manifest  a checksum of each rank's index (and through it of every byte): the checkpoint
//   latest             the generation that was committed last
// A save:
//   1. The ranks compare arguments; rank 0 chooses g.
//   2. Each rank writes its file, syncs it, syncs the directory, and votes. That is phase one: a vote for it says that
//      the file survives whatever happens next.
//   3. With all votes, rank 0 writes the manifest under a temporary name, syncs it, renames it, syncs the directory;
//   then
//      the same with `latest`, which is the commit.
//   4. What `keep` newer whole checkpoints make superfluous goes: manifests first, durably, then data.
// No name is written twice, so a save damages nothing, and the same step can be there in two generations for a while.
// `latest` is what was promised; it is never trusted to be right: loading verifies every byte, and goes on to the next
// older generation until one is whole.
#include <map>
#include <set>
#include <system_error>
#include <thread>

#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/store_format.h"

namespace q13 {
namespace {

constexpr uint64_t kIndexMagic = Magic("q13bidx1");
constexpr uint64_t kLatestMagic = Magic("q13blat1");
constexpr int64_t kReadBytes = 1 << 20;  // at a time, of what is read to be verified alone

// ------------------------------------------------------------------------------------------------ One rank's tensors

int CheckArguments(int64_t step, std::span<const TensorView> tensors) {
  if (step < 0) return kInvalid;
  std::set<std::string_view> names;
  int64_t total = 0;
  for (const TensorView& tensor : tensors) {
    int64_t bytes;
    if (!names.insert(tensor.name).second || !TensorBytes(tensor.info, &bytes)) return kInvalid;
    if (bytes > 0 && tensor.data == nullptr) return kInvalid;
    if (__builtin_add_overflow(total, bytes, &total)) return kInvalid;
  }
  return 0;
}

int WriteTensors(File* file, std::span<const TensorView> tensors, RankFile* written) {
  FileWriter out(file);
  Encoder index;
  index.Put<uint64_t>(tensors.size());
  for (const TensorView& tensor : tensors) {
    int64_t bytes;
    if (!TensorBytes(tensor.info, &bytes)) return kInvalid;
    if (const int error = out.Append(tensor.data, bytes); error != 0) return error;
    index.PutText(tensor.name);
    PutInfo(&index, tensor.info);
    index.Put(DigestOf(tensor.data, static_cast<size_t>(bytes)));
  }
  written->data_bytes = out.offset();
  const Bytes frame = Seal(kIndexMagic, index.bytes());
  written->index_bytes = static_cast<int64_t>(frame.size());
  written->index = DigestOf(frame.data(), frame.size());
  if (const int error = out.Append(frame.data(), written->index_bytes); error != 0) return error;
  return out.Flush();
}

// Reads `bytes` into `to`, or nowhere if that is null, and compares the checksum.
int ReadVerified(File* file, int64_t offset, int64_t bytes, const Digest& digest, std::byte* to) {
  if (to != nullptr) {
    const int error = ReadAll(file, offset, to, bytes);
    if (error != 0) return error;
    return DigestOf(to, static_cast<size_t>(bytes)) == digest ? 0 : kDamaged;
  }
  Bytes buffer(static_cast<size_t>(std::min(bytes, kReadBytes)));
  Hasher hasher;
  for (int64_t done = 0; done < bytes;) {
    const int64_t part = std::min(bytes - done, kReadBytes);
    if (const int error = ReadAll(file, offset + done, buffer.data(), part); error != 0) return error;
    hasher.Add(buffer.data(), static_cast<size_t>(part));
    done += part;
  }
  return hasher.Result() == digest ? 0 : kDamaged;
}

// Verifies all of a rank's file, and restores it unless `state` is null. Nothing is allocated that the file's real size
// does not account for, whatever the file says.
int ReadTensors(File* file, const RankFile& expected, State* state) {
  const int64_t size = file->Size();
  if (size < 0) return static_cast<int>(size);
  if (size != expected.data_bytes + expected.index_bytes) return kDamaged;
  Bytes frame(static_cast<size_t>(expected.index_bytes));
  const int error = ReadVerified(file, expected.data_bytes, expected.index_bytes, expected.index, frame.data());
  if (error != 0) return error;
  Bytes payload;
  if (!Unseal(kIndexMagic, frame, &payload)) return kDamaged;
  Decoder index(payload);
  int64_t offset = 0;
  for (uint64_t left = index.Get<uint64_t>(); left > 0; --left) {
    const std::string name = index.GetText();
    HostTensor tensor{GetInfo(&index), {}};
    const Digest digest = index.Get<Digest>();
    int64_t bytes;
    if (!index.ok() || !TensorBytes(tensor.info, &bytes) || bytes > expected.data_bytes - offset) return kDamaged;
    if (state != nullptr) tensor.data.resize(static_cast<size_t>(bytes));
    std::byte* to = state == nullptr ? nullptr : tensor.data.data();
    if (const int failed = ReadVerified(file, offset, bytes, digest, to); failed != 0) return failed;
    offset += bytes;
    if (state != nullptr && !state->emplace(name, std::move(tensor)).second) return kDamaged;
  }
  return index.done() && offset == expected.data_bytes ? 0 : kDamaged;
}

// ------------------------------------------------------------------------------------------------ The store

class DurableStore : public Store {
 public:
  explicit DurableStore(const StoreConfig& config)
      : io_(config.io),
        group_(config.group),
        directory_(config.directory),
        keep_(static_cast<size_t>(config.keep)),
        rank_(static_cast<size_t>(config.group->rank())) {}
  ~DurableStore() override { Join(); }

  int Save(int64_t step, std::span<const TensorView> tensors) override {
    if (const int error = Wait(); error != 0) return error;
    return SaveNow(step, tensors, CheckArguments(step, tensors));
  }

  int SaveAsync(int64_t step, std::span<const TensorView> tensors) override {
    if (const int error = Wait(); error != 0) return error;
    int status = CheckArguments(step, tensors);
    auto copies = std::make_shared<std::vector<TensorView>>();
    auto memory = std::make_shared<std::vector<std::unique_ptr<std::byte[]>>>();
    if (status == 0) status = Guarded([&] { return Copy(tensors, copies.get(), memory.get()); });
    const auto save = [this, step, status, copies, memory] { outcome_ = SaveNow(step, *copies, status); };
    try {
      background_ = std::thread(save);
    } catch (const std::system_error&) {
      save();  // the other ranks wait for this one
    }
    return 0;
  }

  int Wait() override {
    Join();
    return std::exchange(outcome_, 0);
  }

  int Load(int64_t step, State* state, int64_t* loaded_step) override {
    Join();  // its error stays for the call that is to return it
    int64_t found = -1;
    const int error = LoadNow(step, state, &found);
    if (error != 0) state->clear();
    if (error == 0 && loaded_step != nullptr) *loaded_step = found;
    return error;
  }

  int Steps(std::vector<int64_t>* steps) override {
    steps->clear();
    std::set<int64_t> complete;
    const int error = Guarded([&] { return FindComplete(&complete); });
    if (error == 0) steps->assign(complete.begin(), complete.end());
    return error;
  }

 private:
  std::string Path(const std::string& name) const { return JoinPath(directory_, name); }

  void Join() {
    if (background_.joinable()) background_.join();
  }

  static int Copy(std::span<const TensorView> tensors, std::vector<TensorView>* copies,
                  std::vector<std::unique_ptr<std::byte[]>>* memory) {
    copies->assign(tensors.begin(), tensors.end());
    for (TensorView& copy : *copies) {
      int64_t bytes;
      if (!TensorBytes(copy.info, &bytes)) return kInvalid;
      if (bytes == 0) continue;
      memory->push_back(std::make_unique_for_overwrite<std::byte[]>(static_cast<size_t>(bytes)));
      std::memcpy(memory->back().get(), copy.data, static_cast<size_t>(bytes));
      copy.data = memory->back().get();
    }
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- Saving

  int SaveNow(int64_t step, std::span<const TensorView> tensors, int status) {
    Id id{step};
    std::vector<Message> all;
    if (rank_ == 0 && status == 0) status = Guarded([&] { return ChooseGeneration(&id.generation); });
    if (!Exchange(group_, {status, Encoded(id)}, &all)) return kRankLost;
    if (const int error = FirstError(all); error != 0) return error;
    for (const Message& message : all) {
      if (Decoder(message.body).Get<Id>().step != step) return kInvalid;
    }
    id = Decoder(all[0].body).Get<Id>();

    // A rank that voted for it may not take that back, nor can it know whether rank 0 has counted its vote when
    // Exchange fails: its file stays, and is cleared away by a later save if it belongs to nothing.
    RankFile mine;
    status = Guarded([&] { return WriteData(id, tensors, &mine); });
    if (!Exchange(group_, {status, Encoded(mine)}, &all)) return kRankLost;
    status = FirstError(all);
    if (rank_ == 0) {
      if (status == 0) status = Guarded([&] { return Commit(id, all); });
      if (status != 0) RemoveLeftovers();
    }
    return Retain(status);
  }

  int ChooseGeneration(int64_t* generation) {
    RemoveLeftovers();  // first: the space that they take may be needed
    Listing listing;
    if (const int error = ReadListing(io_, directory_, &listing); error != 0) return error;
    *generation = std::max(listing.newest, ReadLatest()) + 1;
    return *generation < kMostGeneration ? 0 : -EOVERFLOW;
  }

  // Phase one.
  int WriteData(Id id, std::span<const TensorView> tensors, RankFile* written) {
    std::unique_ptr<File> file;
    int error = CreateFile(io_, Path(DataName(id, rank_)), &file);
    if (error == 0) error = WriteTensors(file.get(), tensors, written);
    if (error == 0) error = file->Sync();
    if (error == 0) error = io_->SyncDirectory(directory_);
    return error;
  }

  // Phase two.
  int Commit(Id id, const std::vector<Message>& votes) {
    Manifest manifest{id, {}};
    for (const Message& vote : votes) manifest.ranks.push_back(Decoder(vote.body).Get<RankFile>());
    int error = Publish(id, ManifestName(id), Encode(manifest));
    if (error == 0) error = Publish(id, kLatestName, Seal(kLatestMagic, Encoded(id)));
    if (error == 0) {
      known_[id.generation] = true;
      return 0;
    }
    // Not committed, or nobody knows. Unless `latest` says that it is, it never was.
    if (ReadLatest() != id.generation) io_->Remove(Path(ManifestName(id)));
    return error;
  }

  // Under its name there is the old file or the new one, whole; when this returns 0, the new one.
  int Publish(Id id, const std::string& name, const Bytes& bytes) {
    const std::string temporary = Path(NameOf(id, name == kLatestName ? kLatestTemporary : kManifestTemporary));
    std::unique_ptr<File> file;
    int error = CreateFile(io_, temporary, &file);
    if (error == 0) error = WriteAll(file.get(), 0, bytes.data(), static_cast<int64_t>(bytes.size()));
    if (error == 0) error = file->Sync();
    if (error == 0) error = io_->Rename(temporary, Path(name));
    if (error == 0) error = io_->SyncDirectory(directory_);
    return error;
  }

  // ---------------------------------------------------------------------------------------------- Retention

  // The end of a save: rank 0 says how it went, and has the ranks verify older checkpoints between them as long as what
  // may be removed depends on it.
  int Retain(int status) {
    std::set<int64_t> unreadable;  // for now
    while (true) {
      Bytes doubtful;
      if (rank_ == 0 && status == 0) Guarded([&] { return Prune(unreadable, &doubtful); });
      std::vector<Message> all;
      if (!Exchange(group_, {status, doubtful}, &all)) return kRankLost;
      status = FirstError(all);
      if (status != 0 || all[0].body.empty()) return status;
      Manifest manifest;
      const int verdict = Guarded([&] { return Decode(all[0].body, &manifest) ? VerifyShare(manifest) : kDamaged; });
      if (!Exchange(group_, {verdict}, &all)) return kRankLost;
      if (rank_ == 0 && !Learn(manifest.id, all)) unreadable.insert(manifest.id.generation);
    }
  }

  // Removes what is superfluous as far as that is known; otherwise `doubtful` is the manifest of one to be verified.
  // Retention is not what the caller waits for: what goes wrong is tried again by the next save.
  int Prune(const std::set<int64_t>& unreadable, Bytes* doubtful) {
    Listing listing;
    if (const int error = ReadListing(io_, directory_, &listing); error != 0) return error;
    std::set<int64_t> steps;
    for (const Id& id : listing.manifests) steps.insert(id.step);
    if (steps.size() <= keep_ && steps.size() == listing.manifests.size()) return 0;
    std::set<int64_t> whole;  // steps
    std::vector<Id> superfluous;
    for (const Id& id : listing.manifests) {
      if (whole.size() >= keep_ || whole.contains(id.step)) {
        superfluous.push_back(id);
        continue;
      }
      if (unreadable.contains(id.generation)) continue;
      if (!known_.contains(id.generation)) {
        Manifest manifest;
        const int error = ReadManifest(id, &manifest, doubtful);
        if (error == 0) return 0;
        doubtful->clear();
        if (error == kDamaged) known_[id.generation] = false;
        continue;
      }
      if (known_[id.generation]) whole.insert(id.step);
    }
    // Manifests first: data without a manifest is nothing, a manifest without data would be a damaged checkpoint.
    for (const Id& id : superfluous) io_->Remove(Path(ManifestName(id)));
    if (!superfluous.empty()) RemoveLeftovers();
    return 0;
  }

  int VerifyShare(const Manifest& manifest) {
    const auto ranks = static_cast<size_t>(group_->size());
    for (size_t rank = rank_; rank < manifest.ranks.size(); rank += ranks) {
      if (const int error = ReadData(manifest, rank, nullptr); error != 0) return error;
    }
    return 0;
  }

  // What the verdicts say of a checkpoint. False: nothing, a file could not be read.
  bool Learn(Id id, const std::vector<Message>& verdicts) {
    bool damaged = false;
    for (const Message& verdict : verdicts) {
      if (verdict.status != 0 && verdict.status != kDamaged) return false;
      damaged = damaged || verdict.status == kDamaged;
    }
    known_[id.generation] = !damaged;
    return true;
  }

  // Removes what a crash or an error left: temporary files, and data that has no manifest.
  void RemoveLeftovers() {
    Listing listing;
    if (ReadListing(io_, directory_, &listing) != 0) return;
    std::set<int64_t> kept;
    for (const Id& id : listing.manifests) kept.insert(id.generation);
    std::vector<std::string> leftovers = listing.temporaries;
    for (const auto& [id, name] : listing.data) {
      if (!kept.contains(id.generation)) leftovers.push_back(name);
    }
    if (leftovers.empty()) return;
    // No crash may bring back the manifest of what goes now.
    if (io_->SyncDirectory(directory_) != 0) return;
    for (const std::string& name : leftovers) io_->Remove(Path(name));
    io_->SyncDirectory(directory_);
  }

  // ---------------------------------------------------------------------------------------------- Loading

  int LoadNow(int64_t step, State* state, int64_t* found) {
    std::vector<Message> all;
    std::vector<Id> candidates;
    int status = step < 0 && step != kLatest ? kInvalid : 0;
    if (rank_ == 0 && status == 0) status = Guarded([&] { return FindCandidates(step, &candidates); });
    if (!Exchange(group_, {status, Encoded(step)}, &all)) return kRankLost;
    if (const int error = FirstError(all); error != 0) return error;
    for (const Message& message : all) {
      if (Decoder(message.body).Get<int64_t>() != step) return kInvalid;
    }
    int outcome = kNotFound;  // when there are no candidates any more
    size_t next = 0;
    while (true) {
      // Rank 0 alone reads manifests, so that all ranks have the same one.
      Bytes proposal;
      if (rank_ == 0) status = Guarded([&] { return Propose(candidates, &next, &outcome, &proposal); });
      if (!Exchange(group_, {status, proposal}, &all)) return kRankLost;
      if (all[0].status != 0) return all[0].status;
      Manifest manifest;
      status = Guarded([&] { return Decode(all[0].body, &manifest) ? 0 : kDamaged; });
      if (status == 0 && manifest.ranks.size() != all.size()) status = kInvalid;
      state->clear();
      if (status == 0) status = Guarded([&] { return ReadData(manifest, rank_, state); });
      if (!Exchange(group_, {status}, &all)) return kRankLost;
      *found = manifest.id.step;
      if (FirstError(all) == 0) {
        known_[manifest.id.generation] = true;
        return 0;
      }
      // That a file cannot be read now says nothing about the checkpoint: an older one is no answer to it.
      for (const Message& message : all) {
        if (message.status != 0 && message.status != kDamaged) return message.status;
      }
      known_[manifest.id.generation] = false;
      outcome = kDamaged;
      status = 0;
    }
  }

  // The newest first; after those that were committed such as are whole, perhaps, but were never promised.
  int FindCandidates(int64_t step, std::vector<Id>* candidates) {
    Listing listing;
    if (const int error = ReadListing(io_, directory_, &listing); error != 0) return error;
    const int64_t committed = ReadLatest();
    for (const Id& id : listing.manifests) {
      if (step == kLatest || id.step == step) candidates->push_back(id);
    }
    std::stable_partition(candidates->begin(), candidates->end(),
                          [&](const Id& id) { return committed < 0 || id.generation <= committed; });
    return 0;
  }

  int Propose(const std::vector<Id>& candidates, size_t* next, int* outcome, Bytes* proposal) {
    while (*next < candidates.size()) {
      const Id id = candidates[(*next)++];
      Manifest manifest;
      const int error = ReadManifest(id, &manifest, proposal);
      if (error != kDamaged) return error;
      known_[id.generation] = false;
      *outcome = kDamaged;
    }
    return *outcome;
  }

  int FindComplete(std::set<int64_t>* steps) const {
    Listing listing;
    if (const int error = ReadListing(io_, directory_, &listing); error != 0) return error;
    const int64_t committed = ReadLatest();
    for (const Id& id : listing.manifests) {
      if (committed >= 0 && id.generation > committed) continue;
      Manifest manifest;
      Bytes frame;
      int error = ReadManifest(id, &manifest, &frame);
      for (size_t rank = 0; error == 0 && rank < manifest.ranks.size(); ++rank) {
        std::unique_ptr<File> file;
        error = OpenData(manifest, rank, &file);
      }
      if (error == 0) steps->insert(id.step);
      if (error != 0 && error != kDamaged) return error;
    }
    return 0;
  }

  // ---------------------------------------------------------------------------------------------- Files

  // The generation that was committed last; kNoGeneration: `latest` does not say.
  int64_t ReadLatest() const {
    Bytes frame;
    Bytes payload;
    if (ReadFile(io_, Path(kLatestName), kMostManifestBytes, &frame) != 0) return kNoGeneration;
    if (!Unseal(kLatestMagic, frame, &payload) || payload.size() != sizeof(Id)) return kNoGeneration;
    const int64_t generation = Decoder(payload).Get<Id>().generation;
    return generation < kMostGeneration ? generation : kNoGeneration;
  }

  int ReadManifest(Id id, Manifest* manifest, Bytes* frame) const {
    const int error = ReadFile(io_, Path(ManifestName(id)), kMostManifestBytes, frame);
    if (error != 0) return error == -ENOENT ? kDamaged : error;
    const bool same = Decode(*frame, manifest) && manifest->id.step == id.step &&
                      manifest->id.generation == id.generation && !manifest->ranks.empty();
    return same ? 0 : kDamaged;
  }

  int OpenData(const Manifest& manifest, size_t rank, std::unique_ptr<File>* file) const {
    const RankFile& expected = manifest.ranks[rank];
    const int error = OpenFile(io_, Path(DataName(manifest.id, rank)), OpenMode::kRead, file);
    if (error != 0) return error == -ENOENT ? kDamaged : error;
    return (*file)->Size() == expected.data_bytes + expected.index_bytes ? 0 : kDamaged;
  }

  int ReadData(const Manifest& manifest, size_t rank, State* state) const {
    std::unique_ptr<File> file;
    if (const int error = OpenData(manifest, rank, &file); error != 0) return error;
    return ReadTensors(file.get(), manifest.ranks[rank], state);
  }

  Io* io_;
  Group* group_;
  std::string directory_;
  size_t keep_;
  size_t rank_;
  std::thread background_;
  int outcome_ = 0;                // of the last SaveAsync; Join first
  std::map<int64_t, bool> known_;  // generations that were found whole, or damaged; rank 0's are what counts
};

}  // namespace
}  // namespace q13

extern "C" q13::Store* q13_store_create(const q13::StoreConfig& config) {
  if (config.io == nullptr || config.group == nullptr || config.keep < 1) return nullptr;
  return new q13::DurableStore(config);
}
