// Ranks of NCCL as child processes of this program, and numbers that every type of NCCL holds exactly.
#ifndef HARNESS_HOST_CONFORMANCE_NCCL_RANKS_H_
#define HARNESS_HOST_CONFORMANCE_NCCL_RANKS_H_

#include <nccl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/host/conformance/conformance.h"
#include "harness/host/conformance/small_floats.h"

namespace conformance {

// Starts `ranks` children NAME with the arguments: rank, ranks, a file for the unique id, and `more`. Waits for them.
inline void RunRanks(const std::string& name, int ranks, const std::vector<std::string>& more = {}) {
  char directory[] = "/tmp/conformance_nccl_XXXXXX";
  if (mkdtemp(directory) == nullptr) {
    Fail(__FILE__, __LINE__, "mkdtemp failed in /tmp");
    return;
  }
  const std::string file = std::string(directory) + "/id";
  int devices = 0;
  OK(cudaGetDeviceCount(&devices));
  std::vector<std::unique_ptr<Child>> children;
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<std::string> environment = {"NCCL_SOCKET_IFNAME=lo"};
    // Ranks that share a GPU have to look like ranks of different hosts.
    if (devices < ranks) environment.push_back("NCCL_HOSTID=conformance-rank-" + std::to_string(rank));
    std::vector<std::string> arguments = {std::to_string(rank), std::to_string(ranks), file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    children.push_back(std::make_unique<Child>(name, arguments, environment));
  }
  for (auto& child : children) EXPECT_CHILD_PASSED(child->Wait());
  (void)unlink(file.c_str());
  (void)rmdir(directory);
}

// A child's side: its communicator, and a stream.
class Rank {
 public:
  explicit Rank(const std::vector<std::string>& arguments)
      : rank_(std::stoi(arguments.at(0))), ranks_(std::stoi(arguments.at(1))) {
    int devices = 0;
    OK(cudaGetDeviceCount(&devices));
    OK(cudaSetDevice(rank_ % devices));
    ncclUniqueId id;
    ExchangeId(arguments.at(2), &id);
    OK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    OK(ncclCommInitRank(&comm_, ranks_, id, rank_));
  }
  ~Rank() {
    if (comm_ != nullptr) (void)ncclCommDestroy(comm_);
    (void)cudaStreamDestroy(stream_);
  }
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  ncclComm_t comm() const { return comm_; }
  cudaStream_t stream() const { return stream_; }
  ncclComm_t Release() { return std::exchange(comm_, nullptr); }
  void Synchronize() const { OK(cudaStreamSynchronize(stream_)); }

 private:
  // Rank 0 makes the id and leaves it in `path`, complete from the moment that it is there.
  void ExchangeId(const std::string& path, ncclUniqueId* id) {
    if (rank_ == 0) {
      OK(ncclGetUniqueId(id));
      const std::string draft = path + ".draft";
      std::FILE* file = std::fopen(draft.c_str(), "wb");
      const bool written = file != nullptr && std::fwrite(id, sizeof *id, 1, file) == 1;
      if (file != nullptr) std::fclose(file);
      if (!written || std::rename(draft.c_str(), path.c_str()) != 0) throw Stop{};
      return;
    }
    std::FILE* file = nullptr;
    while ((file = std::fopen(path.c_str(), "rb")) == nullptr) usleep(2000);  // the parent's patience ends this
    const bool read = std::fread(id, sizeof *id, 1, file) == 1;
    std::fclose(file);
    EXPECT(read);
  }

  int rank_, ranks_;
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
};

struct ElementType {
  ncclDataType_t type;
  const char* name;
  size_t bytes;
  bool is_signed;
  const Format* format;  // of half and smaller, else null
  bool floating() const { return format != nullptr || type == ncclFloat32 || type == ncclFloat64; }
  bool tiny() const { return bytes == 1 && format != nullptr; }
};

inline const std::vector<ElementType>& ElementTypes() {
  static const std::vector<ElementType> types = {{ncclInt8, "int8", 1, true, nullptr},
                                                 {ncclUint8, "uint8", 1, false, nullptr},
                                                 {ncclInt32, "int32", 4, true, nullptr},
                                                 {ncclUint32, "uint32", 4, false, nullptr},
                                                 {ncclInt64, "int64", 8, true, nullptr},
                                                 {ncclUint64, "uint64", 8, false, nullptr},
                                                 {ncclFloat16, "half", 2, true, &kHalf},
                                                 {ncclFloat32, "float", 4, true, nullptr},
                                                 {ncclFloat64, "double", 8, true, nullptr},
                                                 {ncclBfloat16, "bfloat16", 2, true, &kBfloat16},
                                                 {ncclFloat8e4m3, "float8e4m3", 1, true, &kE4m3},
                                                 {ncclFloat8e5m2, "float8e5m2", 1, true, &kE5m2}};
  return types;
}

template <typename T>
void Put(void* at, double value) {
  const T typed = static_cast<T>(value);
  std::memcpy(at, &typed, sizeof typed);
}
template <typename T>
double Take(const void* at) {
  T typed;
  std::memcpy(&typed, at, sizeof typed);
  return static_cast<double>(typed);
}

// Integers wrap; floating-point numbers are rounded.
inline void Store(const ElementType& type, double value, void* at) {
  const long long whole = static_cast<long long>(value);
  if (type.format != nullptr) {
    const unsigned code = Encode(*type.format, value);
    if (type.bytes == 1) *static_cast<unsigned char*>(at) = static_cast<unsigned char>(code);
    const unsigned short wide = static_cast<unsigned short>(code);
    if (type.bytes == 2) std::memcpy(at, &wide, sizeof wide);
  } else if (type.type == ncclFloat32) {
    Put<float>(at, value);
  } else if (type.type == ncclFloat64) {
    Put<double>(at, value);
  } else {
    std::memcpy(at, &whole, type.bytes);  // little-endian
  }
}

inline double Load(const ElementType& type, const void* at) {
  if (type.format != nullptr) {
    return Decode(*type.format,
                  type.bytes == 1 ? unsigned(Take<unsigned char>(at)) : unsigned(Take<unsigned short>(at)));
  }
  switch (type.type) {
    case ncclInt8:
      return Take<signed char>(at);
    case ncclUint8:
      return Take<unsigned char>(at);
    case ncclInt32:
      return Take<int>(at);
    case ncclUint32:
      return Take<unsigned>(at);
    case ncclInt64:
      return Take<long long>(at);
    case ncclUint64:
      return Take<unsigned long long>(at);
    case ncclFloat32:
      return Take<float>(at);
    default:
      return Take<double>(at);
  }
}

inline std::vector<unsigned char> Bytes(const ElementType& type, size_t count, const auto& value) {
  std::vector<unsigned char> bytes(count * type.bytes);
  for (size_t i = 0; i < count; ++i) Store(type, value(i), bytes.data() + i * type.bytes);
  return bytes;
}

// What the children print is what the parent shows, so a mismatch is one line.
inline void ExpectElements(const std::string& what, const ElementType& type, const std::vector<unsigned char>& bytes,
                           const auto& expected, double tolerance = 0) {
  for (size_t i = 0; i * type.bytes < bytes.size(); ++i) {
    const double is = Load(type, bytes.data() + i * type.bytes), want = expected(i);
    if (std::abs(is - want) <= tolerance) continue;
    Fail(
        __FILE__, __LINE__,
        what + " of " + type.name + ", element " + std::to_string(i) + ": expected " + Show(want) + ", is " + Show(is));
    return;
  }
}

}  // namespace conformance

#endif  // HARNESS_HOST_CONFORMANCE_NCCL_RANKS_H_
