// Q7 part B: where a job goes. The contract is in questions/q07_scheduling/placement_api.h: read what a request fits
// on, and what each policy scores, twice.
//
// A way to go about it:
//   1. First fit for requests of one GPU: what each GPU has free, thousandths and memory, and giving it back.
//   2. What makes no sense, and what fits nowhere: false, and nothing has changed. Nodes that are down. Models.
//   3. Several GPUs, islands. Several shares: nodes of their own, in one rack, all or none.
//   4. Best fit, worst fit, spread, pack: one function that scores a node, one that scores a GPU.
//   5. The fragmentation of a node by the mix, as the contract defines it; then its growth, for each GPU that could be
//   taken.
//   6. Speed: what has to be computed again after one node has changed?
#include <cstdint>
#include <span>
#include <vector>

#include "questions/q07_scheduling/placement_api.h"

using q07::GpuNode;
using q07::PlacementConfig;
using q07::Placer;
using q07::Request;
using q07::Share;

namespace {

// This start gives everything to node 0, and keeps no count.
class EverythingOnNodeZero final : public Placer {
 public:
  bool Place(const Request& request, std::vector<Share>* shares) override {
    *shares = {{0, (1u << request.gpus) - 1}};
    return true;
  }

  void Release(const Request& request, const std::vector<Share>& shares) override {
    (void)request;
    (void)shares;
  }

  void SetUp(int32_t node, bool up) override {
    (void)node;
    (void)up;
  }
};

}  // namespace

extern "C" Placer* q07_placer_create(std::span<const GpuNode> nodes, const PlacementConfig& config) {
  (void)nodes;
  (void)config;
  return new EverythingOnNodeZero();
}
