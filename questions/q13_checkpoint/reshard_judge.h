// Runs part d's cases for the grader and says what is wrong with them.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESHARD_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_RESHARD_JUDGE_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q13_checkpoint/reshard_case.h"
#include "questions/q13_checkpoint/reshard_layout.h"

namespace q13 {

// A case that is put together piece by piece.
class ReshardScript {
 public:
  explicit ReshardScript(uint64_t seed) : random_(seed * 7919 + 13) { request_.seed = seed; }

  // Its number. Contents differ from tensor to tensor.
  int32_t Tensor(const std::string& name, Type type, std::vector<int64_t> shape);
  // The same name, said to be of another type or shape.
  int32_t Alias(int32_t tensor, Type type, std::vector<int64_t> shape);
  const ReshardTensor& tensor(int32_t number) const { return request_.tensors[static_cast<size_t>(number)]; }

  int32_t AddLayout(Layout layout);
  // All tensors that there are, cut along one axis.
  int32_t ByAxis(int ranks, int axis, Cut cut);
  // Steps; `codes`: what every rank has to return one of, all the same or not.
  void Save(int32_t layout, int32_t version = 0, std::vector<int32_t> codes = {0});
  void Load(int32_t layout, int32_t version = 0, std::vector<int32_t> codes = {0});
  ReshardStep& last() { return request_.steps.back(); }

  LayoutRandom* random() { return &random_; }
  ReshardRequest& request() { return request_; }
  const ReshardRequest& request() const { return request_; }
  const std::vector<std::vector<int32_t>>& codes() const { return codes_; }

 private:
  LayoutRandom random_;
  ReshardRequest request_;
  std::vector<std::vector<int32_t>> codes_;  // by step
};

// The first thing that is wrong in the reply to a script, or nothing.
std::optional<workbench::Finding> FindWrong(const ReshardScript& script, const ReshardReply& reply);

// Runs a script and judges it; with `replies` it is for the check to look further. False: the check has failed.
bool JudgeReshard(workbench::CheckContext& context, const ReshardScript& script, const std::string& what,
                  ReshardReply* reply = nullptr);
// Runs a case of another mode, and adds to `cases` how many there were.
bool JudgeReshardSweep(workbench::CheckContext& context, const ReshardScript& script, const std::string& what,
                       double* cases);
// Runs it and decodes what came; neither judged. False: it could not be run, and the check has failed.
bool RunReshard(workbench::CheckContext& context, const ReshardRequest& request, const std::string& what,
                ReshardReply* reply);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESHARD_JUDGE_H_
