// Q7 part B: where a job goes. A placer chooses nodes and GPUs for requests that come one by one.
//
// Sources: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
// Descent", USENIX ATC 2023 (the measure of fragmentation, its descent, GPU packing); Panigrahy et al., "Heuristics for
// Vector Bin Packing", 2011 (best fit over several resources).
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_API_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_API_H_

#include <cstdint>
#include <span>
#include <vector>

namespace q07 {

inline constexpr int kMaxGpusPerNode = 16;

// A server. GPU i (0 .. gpus - 1) can be shared: it has 1000 thousandths to give, and gpu_memory_mib.
struct GpuNode {
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int32_t gpus = 0;            // 0 .. kMaxGpusPerNode
  int64_t gpu_memory_mib = 0;  // of each GPU
  int32_t model = 0;           // 0 .. 31; all GPUs of a node are of one model
  int32_t island = 0;          // GPUs i and j share an NVLink island if i / island == j / island; 0: the node is one
  int32_t rack = 0;
};

// Where the GPUs of one share have to be.
enum class Scope : int32_t {
  kNode = 0,    // on one node
  kIsland = 1,  // on one node, in one NVLink island
};

// What is asked for: `shares` equal shares, each on a node of its own; all nodes in one rack if there is more than one.
struct Request {
  int64_t cpu_milli = 0;   // of each share
  int64_t memory_mib = 0;  // of each share
  // GPUs of each share. 0: gpu_milli and gpu_memory_mib are 0 too. 1: gpu_milli is 1 .. 1000 thousandths of one GPU.
  // 2 and more: gpu_milli is 1000, of each GPU. A part of a GPU comes from one GPU: it is not put together from
  // several.
  int32_t gpus = 0;
  int64_t gpu_milli = 0;
  int64_t gpu_memory_mib = 0;  // of each GPU that is used
  uint32_t models = 0;         // bit m: a node of model m will do; 0: any will
  Scope scope = Scope::kNode;
  int32_t shares = 1;
};

struct Share {
  int32_t node = 0;
  uint32_t gpus = 0;  // bit i: GPU i of the node
};

// The workload's own mix, by which fragmentation is measured: request m comes with probability `weight` (they sum to
// 1). shares is 1 and scope is kNode in all of them.
struct TypicalRequest {
  Request request;
  double weight = 0;
};

// A share fits a node that is up, whose model will do, which has cpu_milli and memory_mib free, and `gpus` GPUs that
// each have gpu_milli and gpu_memory_mib free and are in the scope. (Two and more GPUs: wholly free GPUs, then.)
//
// Of all nodes that fit, a policy takes the one with the least score, and of the node's GPUs those that the policy
// says; ties: the lower node, the lower GPU. Scores are of the state before the request is placed, unless said
// otherwise. kFirstFit and kPack are exact. Other scores are real numbers: a choice within 1e-9 of the least is right,
// but of two nodes (GPUs, racks) that are alike in everything that the score is made of it has to be the lower. In the
// scores, a node's free share of a resource is what is free / what its node has, 0 where it has none; GPUs count in
// thousandths over all its GPUs. `scope` says nothing for gpus <= 1.
//
// kFirstFit       the lowest node. GPUs: the lowest.
// kBestFit        the free shares of CPU, memory and GPUs after placing, summed: least. GPUs: the least free of those
//                 that fit (by thousandths).
// kWorstFit       the same sum, negated. GPUs: the most free.
// kSpread         the used share of its GPUs (1 - free share; of its CPUs for gpus = 0): least. GPUs: the most free.
// kPack           0 if the request fits on GPUs that are partly used already; else 1 if the node has a GPU that is
//                 used, or a running request without GPUs; else 2. Within a class: the free GPU thousandths of the
//                 node, least. GPUs: the least free of those that fit. Requests without GPUs, and those of two and
//                 more, are never in class 0.
// kFragmentation  the growth of the node's fragmentation (below) when the request is placed. GPUs: of one, the one
//                 with the least growth; of two and more, the lowest that are possible (all are wholly free: the
//                 growth is the same in every island). Ties in growth, of nodes and of GPUs: as kBestFit.
// kRandom         any node that fits, any GPUs that fit, from `seed`; each possible node with a probability that is
//                 not 0.
//
// Shares: a policy ranks racks by the sum over the `shares` nodes with the least scores in it (each on its own, in the
// state before the request), least first, ties: the lower rack; and takes those nodes. For kPack the classes are
// summed first, then the free thousandths. For kFirstFit, the rack of lowest number.
//
// Fragmentation (Weng et al., section 3): of a node and a typical request m,
//   F(m) = all free GPU thousandths of the node, if the node cannot run m (its CPU, memory, model, or too few GPUs that
//          have room), or if m asks for no GPU;
//          else the free thousandths of those of its GPUs that do not have gpu_milli free.
// The node's fragmentation is the sum of weight * F(m), in GPUs (thousandths / 1000). GPU memory plays no part in it.
enum class PlacementPolicy : int32_t {
  kFirstFit = 0,
  kBestFit = 1,
  kWorstFit = 2,
  kSpread = 3,
  kPack = 4,
  kFragmentation = 5,
  kRandom = 6,
};

struct PlacementConfig {
  PlacementPolicy policy = PlacementPolicy::kBestFit;
  std::span<const TypicalRequest> typical;  // kFragmentation; valid during the call only
  uint64_t seed = 0;                        // kRandom
};

class Placer {
 public:
  virtual ~Placer() = default;
  // Chooses, and takes what it has chosen: `shares` has one Share a share, in any order. False, `shares` empty and
  // nothing changed if and only if the request fits nowhere, all shares of it, or makes no sense (a negative number,
  // gpus and gpu_milli that don't go together, shares < 1).
  virtual bool Place(const Request& request, std::vector<Share>* shares) = 0;
  // Gives back what Place took, in any order of releases; `request` and `shares` as they were then. The nodes may be
  // down: what ran on a node that went down is released too, before or after.
  virtual void Release(const Request& request, const std::vector<Share>& shares) = 0;
  // Nothing is placed on a node that is down; what it has is counted as it was.
  virtual void SetUp(int32_t node, bool up) = 0;
};

// A placer of its own, to be deleted by the caller; all nodes are up. nullptr for a policy that does not exist, or
// nodes that make no sense (a negative number, more than kMaxGpusPerNode GPUs, a model that is not 0 .. 31). `nodes` is
// valid during the call only.
extern "C" q07::Placer* q07_placer_create(std::span<const q07::GpuNode> nodes, const q07::PlacementConfig& config);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_API_H_
