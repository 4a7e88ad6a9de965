// The oracle of part B on instances that were worked by hand.
#include "questions/q07_scheduling/placement_oracle.h"

#include <gtest/gtest.h>

#include "questions/q07_scheduling/placement_choice.h"
#include "questions/q07_scheduling/placement_judge.h"
#include "questions/q07_scheduling/placement_workload.h"

namespace q07 {
namespace {

NodeState Node(const GpuNode& has, const std::vector<int64_t>& free_milli) {
  NodeState node(has);
  node.gpu_milli = free_milli;
  return node;
}

// F(m) of Weng et al., section 3: what is free on GPUs without room for m; all of it if m does not run here.
TEST(Fragmentation, OfOneRequest) {
  const NodeState node = Node(MakeNode(4, {.cpu_milli = 8000, .memory_mib = 1024}), {1000, 600, 300, 0});
  EXPECT_EQ(Fragmentation(node, GpuPart(500)), 300);  // GPUs 0 and 1 have room
  EXPECT_EQ(Fragmentation(node, GpuPart(600)), 300);  // just so
  EXPECT_EQ(Fragmentation(node, GpuPart(601)), 900);  // GPU 0 alone
  EXPECT_EQ(Fragmentation(node, GpuPart(300)), 0);    // all but GPU 3, where nothing is free
  EXPECT_EQ(Fragmentation(node, WholeGpus(1)), 900);
  EXPECT_EQ(Fragmentation(node, WholeGpus(2)), 1900);   // it does not run
  EXPECT_EQ(Fragmentation(node, CpuOnly(1000)), 1900);  // it uses none of them
  EXPECT_EQ(Fragmentation(node, With(GpuPart(500), 8000, 1024)), 300);
  EXPECT_EQ(Fragmentation(node, With(GpuPart(500), 8001, 0)), 1900);
  EXPECT_EQ(Fragmentation(node, With(GpuPart(500), 0, 1025)), 1900);
  Request other_model = GpuPart(500);
  other_model.models = 1u << 3;
  EXPECT_EQ(Fragmentation(node, other_model), 1900);
  // GPU memory plays no part.
  EXPECT_EQ(Fragmentation(node, GpuPart(500, 1 << 30)), 300);
}

TEST(Fragmentation, OfAMixIsWeightedAndInGpus) {
  const NodeState node = Node(MakeNode(4), {1000, 600, 300, 0});
  const std::vector<TypicalRequest> mix = {{GpuPart(500), 0.5}, {WholeGpus(2), 0.25}, {CpuOnly(1), 0.25}};
  EXPECT_DOUBLE_EQ(Fragmentation(node, mix), (0.5 * 300 + 0.25 * 1900 + 0.25 * 1900) / 1000);
  EXPECT_DOUBLE_EQ(Fragmentation(node, std::vector<TypicalRequest>()), 0);
}

TEST(Fragmentation, GrowthByHand) {
  const NodeState node = Node(MakeNode(2), {1000, 600});
  const std::vector<TypicalRequest> mix = {{GpuPart(500), 0.75}, {WholeGpus(1), 0.25}};
  // Before: F(500) = 0, F(1000) = 600; 0.25 * 0.6 = 0.15.
  EXPECT_DOUBLE_EQ(Fragmentation(node, mix), 0.15);
  // 300 on GPU 1: 1000, 300. F(500) = 300, F(1000) = 300: 0.225 + 0.075.
  EXPECT_NEAR(Growth(mix, node, GpuPart(300), 2), 0.30 - 0.15, 1e-12);
  // 300 on GPU 0: 700, 600. F(500) = 0; no whole GPU, F(1000) = 1300: 0.325.
  EXPECT_NEAR(Growth(mix, node, GpuPart(300), 1), 0.325 - 0.15, 1e-12);
  // 600 on GPU 1: 1000, 0. Nothing is without room.
  EXPECT_NEAR(Growth(mix, node, GpuPart(600), 2), -0.15, 1e-12);
}

TEST(Fits, PartsAreNotPutTogether) {
  const NodeState node = Node(MakeNode(3), {400, 400, 999});
  EXPECT_FALSE(Fits(node, GpuPart(1000)));
  EXPECT_TRUE(Fits(node, GpuPart(999)));
  EXPECT_EQ(GpuChoices(node, GpuPart(400)), (std::vector<uint32_t>{1, 2, 4}));
  EXPECT_EQ(GpuChoices(node, GpuPart(401)), (std::vector<uint32_t>{4}));
}

TEST(Fits, Islands) {
  // Islands {0, 1, 2}, {3, 4, 5}, {6, 7}.
  const NodeState node = Node(MakeNode(8, {.island = 3}), {1000, 0, 1000, 1000, 0, 0, 1000, 1000});
  EXPECT_EQ(GpuChoices(node, WholeGpus(2, Scope::kIsland)), (std::vector<uint32_t>{0b101, 0b11000000}));
  EXPECT_TRUE(GpuChoices(node, WholeGpus(3, Scope::kIsland)).empty());
  EXPECT_EQ(GpuChoices(node, WholeGpus(3)), (std::vector<uint32_t>{0b1101}));
  EXPECT_TRUE(WhyNot(node, WholeGpus(2, Scope::kIsland), 0b1001).has_value());
  EXPECT_FALSE(WhyNot(node, WholeGpus(2), 0b1001).has_value());
}

TEST(Fits, WhatMakesNoSense) {
  EXPECT_TRUE(MakesSense(Request()));
  EXPECT_TRUE(MakesSense(GpuPart(1)));
  EXPECT_FALSE(MakesSense(GpuPart(0)));
  EXPECT_FALSE(MakesSense(GpuPart(1001)));
  EXPECT_FALSE(MakesSense(CpuOnly(-1)));
  EXPECT_FALSE(MakesSense(WholeGpus(1, Scope::kNode, 0)));
  Request two = WholeGpus(2);
  two.gpu_milli = 500;
  EXPECT_FALSE(MakesSense(two));
  Request none = CpuOnly(1);
  none.gpu_memory_mib = 1;
  EXPECT_FALSE(MakesSense(none));
}

TEST(Cluster, SharesInOneRackOnNodesOfTheirOwn) {
  std::vector<GpuNode> nodes;
  for (const int32_t rack : {5, 1, 5, 1, 1}) nodes.push_back(MakeNode(2, {.rack = rack}));
  ClusterOracle cluster(nodes);
  const Request three = WholeGpus(1, Scope::kNode, 3);
  EXPECT_EQ(cluster.Witness(three), (std::vector<int32_t>{1, 3, 4}));
  EXPECT_FALSE(cluster.WhyNot(three, {{4, 1}, {1, 1}, {3, 2}}).has_value());
  EXPECT_TRUE(cluster.WhyNot(three, {{4, 1}, {4, 2}, {3, 2}}).has_value());  // one node twice
  EXPECT_TRUE(cluster.WhyNot(three, {{4, 1}, {0, 1}, {3, 2}}).has_value());  // two racks
  EXPECT_TRUE(cluster.WhyNot(three, {{4, 1}, {3, 2}}).has_value());          // two shares
  EXPECT_TRUE(cluster.WhyNot(three, {{5, 1}, {1, 1}, {3, 2}}).has_value());  // no such node
  EXPECT_TRUE(cluster.WhyNot(three, {{4, 4}, {1, 1}, {3, 2}}).has_value());  // no such GPU
  cluster.SetUp(3, false);
  EXPECT_TRUE(cluster.Witness(three).empty());
  EXPECT_TRUE(cluster.WhyNot(three, {{4, 1}, {1, 1}, {3, 2}}).has_value());
}

TEST(Cluster, WhatIsTakenComesBack) {
  ClusterOracle cluster(std::vector<GpuNode>{MakeNode(2, {.cpu_milli = 1000, .memory_mib = 100})});
  const Request request = With(GpuPart(400, 1000), 600, 60);
  cluster.Take(request, {{0, 2}});
  EXPECT_EQ(cluster.node(0).cpu_milli, 400);
  EXPECT_EQ(cluster.node(0).gpu_milli, (std::vector<int64_t>{1000, 600}));
  EXPECT_DOUBLE_EQ(cluster.free_gpus(), 1.6);
  cluster.SetUp(0, false);
  cluster.Give(request, {{0, 2}});
  EXPECT_EQ(cluster.node(0).gpu_memory_mib, (std::vector<int64_t>{81920, 81920}));
  EXPECT_EQ(cluster.node(0).memory_mib, 100);
}

// ---- Choices

std::vector<int32_t> Accepted(const ClusterOracle& cluster, PlacementPolicy policy, const Request& request,
                              const std::vector<TypicalRequest>& mix = {}) {
  std::vector<int32_t> nodes;
  for (const int32_t node : cluster.Fitting(request)) {
    for (const uint32_t gpus : GpuChoices(cluster.node(node), request)) {
      if (JudgeChoice(cluster, policy, mix, request, {{node, gpus}})) continue;
      nodes.push_back(node);
      break;
    }
  }
  return nodes;
}

TEST(Choice, EachPolicyByHand) {
  // Node 0: 8 GPUs, 3 used. Node 1: 2 GPUs, 1 used. Node 2 and 3: 4 GPUs, empty.
  ClusterOracle cluster(std::vector<GpuNode>{MakeNode(8), MakeNode(2), MakeNode(4), MakeNode(4)});
  cluster.Take(WholeGpus(3), {{0, 0b111}});
  cluster.Take(WholeGpus(1), {{1, 0b1}});
  const Request one = WholeGpus(1);
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kFirstFit, one), (std::vector<int32_t>{0}));
  // GPUs left after it: 4/8, 0/2, 3/4, 3/4.
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kBestFit, one), (std::vector<int32_t>{1}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kWorstFit, one), (std::vector<int32_t>{2}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kSpread, one), (std::vector<int32_t>{2}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kPack, one), (std::vector<int32_t>{1}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kPack, WholeGpus(2)), (std::vector<int32_t>{0}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kRandom, one), (std::vector<int32_t>{0, 1, 2, 3}));
}

TEST(Choice, NearScoresOfNodesThatDifferAreBothRight) {
  // A third and two thirds, in another order: the same sum, of other numbers.
  ClusterOracle cluster(std::vector<GpuNode>{MakeNode(0, {.cpu_milli = 300, .memory_mib = 300}),
                                             MakeNode(0, {.cpu_milli = 300, .memory_mib = 300}),
                                             MakeNode(0, {.cpu_milli = 300, .memory_mib = 300})});
  cluster.Take(CpuOnly(200, 100), {{0, 0}});
  cluster.Take(CpuOnly(100, 200), {{1, 0}});
  cluster.Take(CpuOnly(100, 200), {{2, 0}});
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kBestFit, CpuOnly(10, 10)), (std::vector<int32_t>{0, 1}));
}

TEST(Choice, PackClasses) {
  ClusterOracle cluster(std::vector<GpuNode>(4, MakeNode(2)));
  cluster.Take(CpuOnly(1000), {{3, 0}});    // class 1, 2,000 free
  cluster.Take(GpuPart(900), {{2, 0b10}});  // 1,100 free: class 1 for 300, 0 for 100
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kPack, GpuPart(100)), (std::vector<int32_t>{2}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kPack, GpuPart(300)), (std::vector<int32_t>{2}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kPack, WholeGpus(2)), (std::vector<int32_t>{3}));
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kPack, CpuOnly(1)), (std::vector<int32_t>{2}));
  EXPECT_EQ(ScoreOf(PlacementPolicy::kPack, {}, cluster.node(0), 0, WholeGpus(1)).made_of,
            (std::vector<int64_t>{2, 2000}));
}

TEST(Choice, TiesInGrowthAsBestFit) {
  // The GPUs are alike; node 1 has fewer CPUs left.
  ClusterOracle cluster(std::vector<GpuNode>(3, MakeNode(2)));
  cluster.Take(CpuOnly(32000), {{1, 0}});
  cluster.Take(CpuOnly(32000), {{2, 0}});
  const std::vector<TypicalRequest> mix = {{GpuPart(500), 1.0}};
  EXPECT_EQ(Accepted(cluster, PlacementPolicy::kFragmentation, GpuPart(300), mix), (std::vector<int32_t>{1}));
}

// Growth is the same on all nodes but for rounding, so that the judge's own pick in rack 1 may be nodes 1 and 2, which
// are as good as those of rack 0; nodes 0 and 1, which were taken, are better by best fit.
TEST(Choice, ARackIsComparedByWhatWasTakenInIt) {
  std::vector<GpuNode> nodes;
  for (const int32_t rack : {1, 1, 1, 0, 0}) nodes.push_back(MakeNode(8, {.memory_mib = 32768, .rack = rack}));
  ClusterOracle cluster(nodes);
  cluster.Take(With(GpuPart(903), 9000, 1024), {{0, 1}});
  const std::vector<TypicalRequest> mix = {{With(WholeGpus(2), 1000, 0), 2 / 18.0},
                                           {GpuPart(300), 2 / 18.0},
                                           {CpuOnly(2000), 3 / 18.0},
                                           {With(GpuPart(250), 1000, 4096), 5 / 18.0},
                                           {With(GpuPart(500), 1000, 0), 3 / 18.0},
                                           {With(WholeGpus(1), 4000, 0), 3 / 18.0}};
  Request two = With(GpuPart(576), 2000, 512);
  two.shares = 2;
  EXPECT_FALSE(JudgeChoice(cluster, PlacementPolicy::kFragmentation, mix, two, {{0, 2}, {1, 1}}).has_value());
  EXPECT_FALSE(JudgeChoice(cluster, PlacementPolicy::kFragmentation, mix, two, {{3, 1}, {4, 1}}).has_value());
  EXPECT_TRUE(JudgeChoice(cluster, PlacementPolicy::kFragmentation, mix, two, {{1, 1}, {2, 1}}).has_value());
}

// ---- Replies and scripts

PlacementOutcome Answer(const std::vector<std::vector<Share>>& placements, uint64_t done) {
  PlacementOutcome outcome;
  outcome.reply.created = 1;
  outcome.reply.done = done;
  for (const auto& shares : placements) {
    outcome.records.push_back({shares.empty() ? 0 : 1, static_cast<uint32_t>(shares.size())});
    outcome.shares.push_back(shares);
  }
  return outcome;
}

TEST(Judge, FollowsAScript) {
  PlacementScript script({MakeNode(1), MakeNode(1)}, PlacementPolicy::kFirstFit);
  const int32_t first = script.Place(WholeGpus(1));
  script.Place(WholeGpus(1));
  script.Place(WholeGpus(1));
  script.Release(first);
  script.Place(WholeGpus(1));
  const PlacementCase& made = script.placement_case();
  EXPECT_FALSE(FindFailure(made, Answer({{{0, 1}}, {{1, 1}}, {}, {{0, 1}}}, 5), {}).has_value());
  const auto twice = FindFailure(made, Answer({{{0, 1}}, {{0, 1}}, {}, {}}, 5), {});
  ASSERT_TRUE(twice.has_value());
  EXPECT_EQ(twice->operation, 1u);
  const auto refused = FindFailure(made, Answer({{{0, 1}}, {{1, 1}}, {}, {}}, 5), {});
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->operation, 4u);
  EXPECT_TRUE(FindFailure(made, Answer({{{0, 1}}, {{1, 1}}}, 5), {}).has_value());  // a reply that is cut off
  EXPECT_TRUE(FindFailure(made, Answer({{{0, 1}}, {{1, 1}}}, 2), {}).has_value());  // out of time
}

TEST(Judge, ShrinksToWhatMatters) {
  PlacementScript script(std::vector<GpuNode>(6, MakeNode(2)), PlacementPolicy::kFirstFit);
  std::vector<int32_t> held;
  for (int i = 0; i < 40; ++i) {
    held.push_back(script.Place(i == 23 ? GpuPart(777) : WholeGpus(1)));
    if (i % 3 == 0) script.Release(held[static_cast<size_t>(i) / 2]);
  }
  // Wrong once 777 was asked for and one more request came.
  const auto fails = [](const PlacementCase& smaller) -> std::optional<PlacementFailure> {
    bool armed = false;
    for (size_t i = 0; i < smaller.operations.size(); ++i) {
      const PlacementOperation& operation = smaller.operations[i];
      if (operation.op != PlacementOp::kPlace) continue;
      if (armed) return PlacementFailure{i, "property", "", "", ""};
      armed = operation.request.gpu_milli == 777;
    }
    return std::nullopt;
  };
  const auto failure = fails(script.placement_case());
  ASSERT_TRUE(failure.has_value());
  const PlacementCase smallest = ShrinkPlacement(script.placement_case(), *failure, fails);
  EXPECT_EQ(smallest.operations.size(), 2u);
  EXPECT_EQ(smallest.nodes.size(), 1u);
}

TEST(Case, ComesBackAsItWas) {
  const PlacementScript script = RandomScript(PlacementPolicy::kFragmentation, 5, {});
  const std::vector<std::byte> bytes = EncodePlacement(script.placement_case());
  PlacementCase decoded;
  ASSERT_TRUE(DecodePlacement(bytes, &decoded));
  EXPECT_EQ(decoded.operations.size(), script.placement_case().operations.size());
  EXPECT_EQ(decoded.typical.size(), script.placement_case().typical.size());
  EXPECT_EQ(decoded.nodes.size(), script.placement_case().nodes.size());
}

TEST(Case, EveryCutIsNoticed) {
  RandomOptions options;
  options.operations = 10;
  const std::vector<std::byte> bytes =
      EncodePlacement(RandomScript(PlacementPolicy::kBestFit, 5, options).placement_case());
  for (size_t size = 0; size < bytes.size(); ++size) {
    PlacementCase decoded;
    EXPECT_FALSE(DecodePlacement(std::span(bytes).first(size), &decoded)) << size;
  }
  std::vector<std::byte> reply;
  Append(&reply, PlacementReply{1, 0, 1, 0});
  const std::vector<Share> shares = {{0, 1}, {1, 1}};
  AppendRecord({1, 2}, shares, &reply);
  for (size_t size = 0; size < reply.size(); ++size) {
    PlacementOutcome outcome;
    // Whole with no record at all: which the judge notices.
    EXPECT_EQ(DecodeOutcome(std::span(reply).first(size), &outcome), size == sizeof(PlacementReply)) << size;
  }
}

TEST(Case, ARecordOfManySharesIsOnlyCounted) {
  std::vector<std::byte> reply;
  Append(&reply, PlacementReply{1, 0, 1, 0});
  AppendRecord({1, 100}, std::vector<Share>(100), &reply);
  PlacementOutcome outcome;
  ASSERT_TRUE(DecodeOutcome(reply, &outcome));
  EXPECT_EQ(outcome.records[0].size, 100u);
  EXPECT_EQ(outcome.shares[0].size(), size_t{kMaxRecordedShares});
}

}  // namespace
}  // namespace q07
