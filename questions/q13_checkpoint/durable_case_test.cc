#include "questions/q13_checkpoint/durable_case.h"

#include <gtest/gtest.h>

#include "questions/q13_checkpoint/damaged_files.h"

namespace q13 {
namespace {

TEST(DurableCaseTest, StatesAreRepeatableAndDiffer) {
  for (const Contents contents : {Contents::kSmall, Contents::kTypes, Contents::kTiny, Contents::kLarge}) {
    const State one = MakeState({contents, 1}, 5, 0);
    EXPECT_EQ(Digest(one), Digest(MakeState({contents, 1}, 5, 0)));
    EXPECT_NE(Digest(one), Digest(MakeState({contents, 2}, 5, 0)));
    EXPECT_NE(Digest(one), Digest(MakeState({contents, 1}, 6, 0)));
    EXPECT_NE(Digest(one), Digest(MakeState({contents, 1}, 5, 1)));
    for (const auto& [name, tensor] : one) {
      int64_t bytes = TypeBytes(tensor.info.type);
      for (const int64_t extent : tensor.info.shape) bytes *= extent;
      EXPECT_EQ(static_cast<int64_t>(tensor.data.size()), bytes) << name;
    }
  }
}

TEST(DurableCaseTest, DigestSeesEverything) {
  const State state = MakeState({Contents::kTiny, 1}, 5, 0);
  const uint64_t digest = Digest(state);
  for (size_t bit = 0; bit < state.at("w").data.size() * 8; ++bit) {
    State other = state;
    other["w"].data[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(Digest(other), digest);
    EXPECT_NE(DifferenceBetween(other, state), "");
  }
  State other = state;
  other["w"].info.shape = {9, 2};
  EXPECT_NE(Digest(other), digest);
  EXPECT_EQ(DifferenceBetween(other, state), "tensor \"w\" has another shape");
  other = state;
  other["w"].info.type = Type::kI32;
  EXPECT_NE(Digest(other), digest);
  other = state;
  other.erase("e");
  EXPECT_NE(Digest(other), digest);
  EXPECT_EQ(DifferenceBetween(other, state), "tensor \"e\" is missing");
  EXPECT_EQ(DifferenceBetween(state, state), "");
}

TEST(DurableCaseTest, RequestsAndRepliesSurviveAndOthersAreRefused) {
  DurableRequest request;
  request.ranks = 3;
  request.faults = {{.at = 4}};
  request.main = {{.kind = ActionKind::kSave, .step = 7}, {.kind = ActionKind::kFaults, .fault = 0}};
  const std::vector<std::byte> bytes = Encode(request);
  const std::optional<DurableRequest> read = DecodeDurableRequest(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->main.size(), 2u);
  EXPECT_EQ(read->main[0].step, 7);
  EXPECT_EQ(read->faults[0].at, 4);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodeDurableRequest(std::span(bytes).first(length)));
  }
  request.main[1].fault = 1;
  EXPECT_FALSE(DecodeDurableRequest(Encode(request)));

  DurableReply reply;
  reply.cases = 5;
  reply.outcomes.push_back(
      {.example = "cut", .count = 3, .main = {{}, {}}, .recovery = {}, .misuse = "m", .difference = "d"});
  const std::vector<std::byte> answer = Encode(reply);
  const std::optional<DurableReply> back = DecodeDurableReply(answer);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->outcomes[0].example, "cut");
  EXPECT_EQ(back->outcomes[0].main.size(), 2u);
  for (size_t length = 0; length < answer.size(); ++length) {
    EXPECT_FALSE(DecodeDurableReply(std::span(answer).first(length)));
  }
}

TEST(DamagedFilesTest, EveryBitOnce) {
  workbench::FileTree tree;
  tree.files["a"] = std::make_shared<const workbench::FileBytes>(3);
  tree.files["b"] = std::make_shared<const workbench::FileBytes>(2);
  int64_t flips = 0, visited = 0;
  ForEachFlip(tree, 1, 1000, [&](const workbench::FileTree& other, const std::function<std::string()>& describe) {
    ++visited;
    flips += describe().starts_with("bit ");
    EXPECT_NE(other.Hash(), tree.Hash()) << describe();
  });
  EXPECT_EQ(flips, 40);
  EXPECT_GT(visited, flips);
  visited = 0;
  ForEachGarbage(tree, 1, 25, [&](const workbench::FileTree&, const std::function<std::string()>&) { ++visited; });
  EXPECT_EQ(visited, 25);
}

}  // namespace
}  // namespace q13
