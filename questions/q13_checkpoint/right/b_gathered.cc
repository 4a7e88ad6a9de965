// Odd but right: rank 0 gathers everything and writes one file for all ranks, whose name is the whole commit: there is
// no manifest and no `latest`. The file is made under a name that says nothing, synced, renamed. Every rank reads all
// of it and keeps its own tensors. Checksums are FNV-1a, two of them, bit by bit verified before anything is believed.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

#include "questions/q13_checkpoint/api.h"

using q13::File;
using q13::HostTensor;
using q13::Io;
using q13::kDamaged;
using q13::kInvalid;
using q13::kLatest;
using q13::kNotFound;
using q13::kRankLost;
using q13::OpenMode;
using q13::State;
using q13::StoreConfig;
using q13::TensorInfo;
using q13::TensorView;

namespace {

using Bytes = std::vector<std::byte>;

constexpr size_t kTail = 2 * sizeof(uint64_t);
constexpr uint64_t kPrime = 0x100000001b3;

void Put(Bytes* to, const void* data, size_t bytes) {
  const auto* at = static_cast<const std::byte*>(data);
  to->insert(to->end(), at, at + bytes);
}
void PutNumber(Bytes* to, int64_t number) { Put(to, &number, sizeof number); }

// Takes from the front of what is left; nothing, and all is lost, where there is less.
struct Taker {
  const std::byte* at;
  size_t left;
  bool ok = true;

  const std::byte* Take(uint64_t bytes) {
    if (!ok || bytes > left) {
      ok = false;
      return nullptr;
    }
    at += bytes;
    left -= bytes;
    return at - bytes;
  }
  int64_t Number() {
    int64_t number = 0;
    if (const std::byte* from = Take(sizeof number)) std::memcpy(&number, from, sizeof number);
    return number;
  }
};

// Two multipliers; each step can be undone, so that no change of one byte goes unnoticed by either.
void Sums(const std::byte* data, size_t bytes, uint64_t sums[2]) {
  sums[0] = 0xcbf29ce484222325;
  sums[1] = ~sums[0];
  for (size_t i = 0; i < bytes; ++i) {
    sums[0] = (sums[0] ^ static_cast<uint64_t>(data[i])) * kPrime;
    sums[1] = (sums[1] ^ static_cast<uint64_t>(data[i])) * (kPrime + 0x2a);
  }
}

bool SizeOf(const TensorInfo& info, int64_t* bytes) {
  if (info.type < q13::Type::kBool || info.type > q13::Type::kU64) return false;
  *bytes = q13::TypeBytes(info.type);
  for (const int64_t extent : info.shape) {
    if (extent < 0) return false;
    if (extent == 0) *bytes = 0;
  }
  for (const int64_t extent : info.shape) {
    if (*bytes > 0 && __builtin_mul_overflow(*bytes, extent, bytes)) return false;
  }
  return true;
}

class OneFile : public q13::Store {
 public:
  explicit OneFile(const StoreConfig& config) : config_(config) {}
  ~OneFile() override { Join(); }

  int Save(int64_t step, std::span<const TensorView> tensors) override {
    if (const int error = Wait(); error != 0) return error;
    Bytes packed;
    const int status = Pack(step, tensors, &packed);
    return Commit(step, status, packed);
  }

  int SaveAsync(int64_t step, std::span<const TensorView> tensors) override {
    if (const int error = Wait(); error != 0) return error;
    Bytes packed;
    const int status = Pack(step, tensors, &packed);  // which is the copy
    thread_ = std::thread([this, step, status, packed = std::move(packed)] { error_ = Commit(step, status, packed); });
    return 0;
  }

  int Wait() override {
    Join();
    const int error = error_;
    error_ = 0;
    return error;
  }

  int Load(int64_t step, State* state, int64_t* loaded_step) override {
    Join();
    state->clear();
    std::vector<int64_t> all;
    int status = step < 0 && step != kLatest ? kInvalid : Find(&all);
    if (const int error = Agree(&status); error != 0) return error;
    if (status != 0) return status;
    if (step != kLatest) all.assign(std::count(all.begin(), all.end(), step) > 0 ? 1 : 0, step);
    int outcome = kNotFound;
    while (!all.empty()) {
      // The files are the same for all ranks, but one may fail to read what another has read.
      Bytes file;
      status = Read(all.back(), &file);
      if (status == 0) status = Unpack(file, all.back(), state);
      if (const int error = Agree(&status); error != 0 || status == 0) {
        if (error != 0) state->clear();
        if (error == 0) *loaded_step = all.back();
        return error;
      }
      state->clear();
      if (status != kDamaged) return status;
      outcome = kDamaged;
      all.pop_back();
    }
    return outcome;
  }

  int Steps(std::vector<int64_t>* steps) override { return Find(steps); }

 private:
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  bool First() const { return config_.group->rank() == 0; }
  std::string Path(const std::string& name) const {
    return config_.directory.empty() ? name : config_.directory + "/" + name;
  }
  std::string StepPath(int64_t step) const { return Path(std::to_string(step)); }

  // *status becomes the first rank's that is not 0. kRankLost: there is no agreement.
  int Agree(int* status) {
    Bytes mine;
    PutNumber(&mine, *status);
    std::vector<Bytes> all;
    if (!config_.group->AllGather(mine, &all)) return kRankLost;
    for (const Bytes& one : all) {
      *status = static_cast<int>(Taker{one.data(), one.size()}.Number());
      if (*status != 0) break;
    }
    return 0;
  }

  static int Pack(int64_t step, std::span<const TensorView> tensors, Bytes* packed) {
    std::set<std::string> names;
    if (step < 0) return kInvalid;
    PutNumber(packed, static_cast<int64_t>(tensors.size()));
    for (const TensorView& tensor : tensors) {
      int64_t bytes;
      if (!SizeOf(tensor.info, &bytes) || !names.insert(tensor.name).second) return kInvalid;
      PutNumber(packed, static_cast<int64_t>(tensor.name.size()));
      Put(packed, tensor.name.data(), tensor.name.size());
      PutNumber(packed, static_cast<int64_t>(tensor.info.type));
      PutNumber(packed, static_cast<int64_t>(tensor.info.shape.size()));
      for (const int64_t extent : tensor.info.shape) PutNumber(packed, extent);
      Put(packed, tensor.data, static_cast<size_t>(bytes));
    }
    return 0;
  }

  static bool UnpackRank(Taker in, State* state) {
    for (int64_t left = in.Number(); left > 0 && in.ok; --left) {
      const int64_t length = in.Number();
      const std::byte* name = in.Take(static_cast<uint64_t>(length));
      HostTensor tensor;
      tensor.info.type = static_cast<q13::Type>(in.Number());
      const int64_t dimensions = in.Number();
      for (int64_t d = 0; d < dimensions && in.ok; ++d) tensor.info.shape.push_back(in.Number());
      int64_t bytes;
      if (!in.ok || !SizeOf(tensor.info, &bytes)) return false;
      const std::byte* data = in.Take(static_cast<uint64_t>(bytes));
      if (!in.ok) return false;
      tensor.data.assign(data, data + bytes);
      (*state)[std::string(reinterpret_cast<const char*>(name), static_cast<size_t>(length))] = std::move(tensor);
    }
    return in.ok && in.left == 0;
  }

  // Of a file that Read has found good.
  int Unpack(const Bytes& file, int64_t step, State* state) {
    Taker in{file.data(), file.size() - kTail};
    if (in.Number() != step) return kDamaged;
    const int64_t ranks = in.Number();
    if (in.ok && ranks != config_.group->size()) return kInvalid;
    for (int64_t rank = 0; in.ok && rank < ranks; ++rank) {
      const auto bytes = static_cast<uint64_t>(in.Number());
      const std::byte* at = in.Take(bytes);
      if (at != nullptr && rank == config_.group->rank()) return UnpackRank({at, bytes}, state) ? 0 : kDamaged;
    }
    return kDamaged;
  }

  // Steps whose file is there, ascending.
  int Find(std::vector<int64_t>* steps) {
    steps->clear();
    std::vector<std::string> names;
    if (const int error = config_.io->List(config_.directory, &names); error != 0) return error;
    for (const std::string& name : names) {
      const bool digits = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
      if (!digits || name.size() > 19) continue;
      const unsigned long long step = std::stoull(name);
      if (step <= std::numeric_limits<int64_t>::max() && std::to_string(step) == name) {
        steps->push_back(static_cast<int64_t>(step));
      }
    }
    std::sort(steps->begin(), steps->end());
    return 0;
  }

  int Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
    int error = -EINTR;
    while (error == -EINTR) error = config_.io->Open(path, mode, file);
    return error;
  }

  int Read(int64_t step, Bytes* bytes) {
    std::unique_ptr<File> file;
    const int error = Open(StepPath(step), OpenMode::kRead, &file);
    if (error != 0) return error;
    std::byte piece[4096];
    while (true) {
      const int64_t got = file->ReadAt(static_cast<int64_t>(bytes->size()), piece, sizeof piece);
      if (got == 0) break;
      if (got == -EINTR) continue;
      if (got < 0) return static_cast<int>(got);
      Put(bytes, piece, static_cast<size_t>(got));
    }
    if (bytes->size() < kTail) return kDamaged;
    uint64_t sums[2];
    Sums(bytes->data(), bytes->size() - kTail, sums);
    return std::memcmp(bytes->data() + bytes->size() - kTail, sums, kTail) == 0 ? 0 : kDamaged;
  }

  int Commit(int64_t step, int status, const Bytes& packed) {
    Bytes mine;
    PutNumber(&mine, status);
    PutNumber(&mine, step);
    if (status == 0) Put(&mine, packed.data(), packed.size());
    std::vector<Bytes> all;
    if (!config_.group->AllGather(mine, &all)) return kRankLost;
    Bytes file;
    PutNumber(&file, step);
    PutNumber(&file, static_cast<int64_t>(all.size()));
    for (const Bytes& one : all) {
      Taker in{one.data(), one.size()};
      if (const int64_t theirs = in.Number(); theirs != 0) return static_cast<int>(theirs);
      if (in.Number() != step) return kInvalid;
      PutNumber(&file, static_cast<int64_t>(in.left));
      Put(&file, in.at, in.left);
    }
    status = 0;
    if (First()) {
      uint64_t sums[2];
      Sums(file.data(), file.size(), sums);
      Put(&file, sums, sizeof sums);
      status = Publish(step, file);
      Tidy(status == 0 ? step : -1);
    }
    if (const int error = Agree(&status); error != 0) return error;
    return status;
  }

  int Publish(int64_t step, const Bytes& bytes) {
    std::unique_ptr<File> file;
    const std::string nameless = Path("new");
    // A file of that name may be one that could not be synced.
    int error = config_.io->Remove(nameless);
    if (error == 0 || error == -ENOENT) error = Open(nameless, OpenMode::kCreate, &file);
    for (size_t done = 0; error == 0 && done < bytes.size();) {
      const int64_t put = file->WriteAt(static_cast<int64_t>(done), bytes.data() + done,
                                        static_cast<int64_t>(std::min<size_t>(bytes.size() - done, 1 << 16)));
      if (put == -EINTR) continue;
      if (put <= 0) error = put == 0 ? -EIO : static_cast<int>(put);
      if (put > 0) done += static_cast<size_t>(put);
    }
    if (error == 0) error = file->Sync();
    file.reset();
    if (error == 0) error = config_.io->Rename(nameless, StepPath(step));
    if (error == 0) error = config_.io->SyncDirectory(config_.directory);
    return error;
  }

  // Every older checkpoint that is counted is read again, each time; the one just saved need not be.
  void Tidy(int64_t saved) {
    config_.io->Remove(Path("new"));
    std::vector<int64_t> steps;
    if (saved < 0 || Find(&steps) != 0) return;
    int32_t whole = 0;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      Bytes file;
      if (whole >= config_.keep) {
        config_.io->Remove(StepPath(*step));
      } else if (*step == saved || Read(*step, &file) == 0) {
        ++whole;
      }
    }
  }

  StoreConfig config_;
  std::thread thread_;
  int error_ = 0;
};

}  // namespace

extern "C" q13::Store* q13_store_create(const StoreConfig& config) {
  return config.io != nullptr && config.group != nullptr && config.keep > 0 ? new OneFile(config) : nullptr;
}
