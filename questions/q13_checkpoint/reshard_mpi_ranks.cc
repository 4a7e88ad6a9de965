// One rank of a real run of part d: MPI processes and files on a disk.
//
//   mpirun -np N reshard_mpi_ranks save|load VERSION LIBRARY ROOT
//
// Each number of ranks has a layout of its own: 4 save what 3 load. Rank 0 says what it has cost.
#include <dlfcn.h>
#include <mpi.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "harness/files/posix_io.h"
#include "questions/q13_checkpoint/reshard_layout.h"
#include "questions/q13_checkpoint/reshard_run.h"

namespace q13 {
namespace {

class MpiGroup : public Group {
 public:
  int rank() const override { return Ask(MPI_Comm_rank); }
  int size() const override { return Ask(MPI_Comm_size); }
  bool AllGather(const std::vector<std::byte>& mine, std::vector<std::vector<std::byte>>* all) override {
    const size_t ranks = static_cast<size_t>(size());
    std::vector<int> counts(ranks), begins(ranks + 1);
    const int count = static_cast<int>(mine.size());
    if (MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, MPI_COMM_WORLD) != MPI_SUCCESS) return false;
    for (size_t i = 0; i < ranks; ++i) begins[i + 1] = begins[i] + counts[i];
    std::vector<std::byte> bytes(static_cast<size_t>(begins[ranks]) + 1);
    if (MPI_Allgatherv(mine.data(), count, MPI_BYTE, bytes.data(), counts.data(), begins.data(), MPI_BYTE,
                       MPI_COMM_WORLD) != MPI_SUCCESS) {
      return false;
    }
    all->clear();
    for (size_t i = 0; i < ranks; ++i) all->emplace_back(bytes.begin() + begins[i], bytes.begin() + begins[i + 1]);
    return true;
  }

 private:
  static int Ask(int (*question)(MPI_Comm, int*)) {
    int answer = 0;
    question(MPI_COMM_WORLD, &answer);
    return answer;
  }
};

// Rows for an even number of ranks, columns for an odd one; replicated tensors; fewer rows than ranks.
ReshardRequest MakeCase(int ranks) {
  ReshardRequest request;
  request.seed = 13;
  request.tensors = {{"embedding", {Type::kF32, {1021, 509}}, 1},
                     {"expert", {Type::kBF16, {7, 129, 67}}, 2},
                     {"norm", {Type::kF32, {4099}}, 3},
                     {"step", {Type::kI64, {}}, 4},
                     {"few", {Type::kF64, {3, 2}}, 5}};
  Layout layout(static_cast<size_t>(ranks));
  LayoutRandom random(request.seed);
  for (int32_t i = 0; i < 5; ++i) {
    const ReshardTensor& tensor = request.tensors[static_cast<size_t>(i)];
    if (i == 2 || i == 3) {
      AddWhole(tensor, i, 0, ranks, &layout);
    } else {
      AddAxis(tensor, i, ranks % 2, Cut::kCeiling, &random, &layout);
    }
  }
  request.layouts = {layout};
  return request;
}

int Fail(const std::string& what) {
  std::fprintf(stderr, "reshard_mpi_ranks: %s\n", what.c_str());
  MPI_Abort(MPI_COMM_WORLD, 1);
  return 1;
}

int Main(int count, char** arguments) {
  MPI_Init(&count, &arguments);
  if (count != 5) return Fail("save|load VERSION LIBRARY ROOT");
  const bool save = std::string(arguments[1]) == "save";
  const int32_t version = std::atoi(arguments[2]);
  void* library = dlopen(arguments[3], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Fail(dlerror());
  const auto entry =
      reinterpret_cast<decltype(&q13_shard_save)>(dlsym(library, save ? "q13_shard_save" : "q13_shard_load"));
  if (entry == nullptr) return Fail("the library has no such function");
  auto io = workbench::PosixIo::Make(arguments[4]);
  if (!io.ok()) return Fail(io.status().message());

  MpiGroup group;
  const ReshardRequest request = MakeCase(group.size());
  const RankBoxes& boxes = request.layouts[0][static_cast<size_t>(group.rank())];
  BoxMemory memory(request, boxes, 0);
  if (save) {
    memory.Fill(version);
  } else {
    memory.Poison();
  }
  MPI_Barrier(MPI_COMM_WORLD);
  const auto start = std::chrono::steady_clock::now();
  const int code = entry(io->get(), &group, "", memory.slices());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (code != 0) return Fail("rank " + std::to_string(group.rank()) + ": " + ReshardCodeName(code));
  ReshardRankRecord record;
  memory.Compare(std::vector<int32_t>{version}, &record);
  if (record.matched != version || !memory.SurroundingsIntact()) {
    return Fail("rank " + std::to_string(group.rank()) + ": " + std::to_string(record.differing) + " of " +
                std::to_string(record.elements) + " elements are wrong");
  }
  if (group.rank() == 0) {
    std::printf("%s on %d ranks: %.4f s, %s\n", arguments[1], group.size(), seconds, (*io)->Describe().c_str());
  }
  MPI_Finalize();
  return 0;
}

}  // namespace
}  // namespace q13

int main(int count, char** arguments) { return q13::Main(count, arguments); }
