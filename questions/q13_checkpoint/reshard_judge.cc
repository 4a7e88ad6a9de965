#include "questions/q13_checkpoint/reshard_judge.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

std::string HexText(uint64_t value, Type type) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%0*llx", static_cast<int>(2 * TypeBytes(type)),
                static_cast<unsigned long long>(value));
  return text;
}

std::string TensorsText(const std::vector<ReshardTensor>& tensors) {
  std::string text;
  for (size_t i = 0; i < tensors.size() && text.size() < 300; ++i) {
    text += (i == 0 ? "" : ", ") + NameText(tensors[i].name) + " " + TensorText(tensors[i].info);
  }
  return text.size() < 300 ? text : text + " ...";
}

CheckContext::Inputs InputsOf(const ReshardRequest& request, const std::string& what) {
  CheckContext::Inputs inputs = {{"case", what}};
  std::string steps;
  for (const ReshardStep& step : request.steps) {
    const size_t ranks = request.layouts[static_cast<size_t>(step.layout)].size();
    steps += (steps.empty() ? "" : ", ") + std::string(step.save ? "save" : "load") + " on " + std::to_string(ranks) +
             (ranks == 1 ? " rank" : " ranks");
    if (steps.size() > 200) break;
  }
  inputs.emplace_back("steps", steps);
  inputs.emplace_back("tensors", TensorsText(request.tensors));
  inputs.emplace_back("seed", std::to_string(request.seed));
  return inputs;
}

// Step, and what layouts matter for it, of one tensor or (-1) of all.
void AddStep(const ReshardRequest& request, size_t step, int32_t tensor, Finding* finding) {
  const ReshardStep& one = request.steps[step];
  finding->input.emplace_back("step", std::to_string(step) + ", a " + (one.save ? "save" : "load"));
  const auto add = [&](size_t of) {
    const Layout& layout = request.layouts[static_cast<size_t>(request.steps[of].layout)];
    finding->input.emplace_back(
        (request.steps[of].save ? "saved as (step " : "loaded as (step ") + std::to_string(of) + ")",
        LayoutText(request.tensors, layout, tensor));
  };
  for (size_t before = step; !one.save && before-- > 0;) {
    if (!request.steps[before].save) continue;
    add(before);
    break;
  }
  add(step);
}

std::string NamesOf(const std::vector<int32_t>& codes) {
  std::string text;
  for (const int32_t code : codes) text += (text.empty() ? "" : " or ") + ReshardCodeName(code);
  return text;
}

std::optional<Finding> WrongElement(const ReshardRequest& request, size_t step, int rank,
                                    const ReshardRankRecord& record) {
  const RankBoxes& boxes = request.layouts[static_cast<size_t>(request.steps[step].layout)][static_cast<size_t>(rank)];
  if (record.wrong_slice < 0 || record.wrong_slice >= static_cast<int32_t>(boxes.size())) return std::nullopt;
  const ReshardBox& box = boxes[static_cast<size_t>(record.wrong_slice)];
  const ReshardTensor& tensor = request.tensors[static_cast<size_t>(box.tensor)];
  Finding finding;
  finding.property = "what is loaded is what was saved, bit for bit";
  finding.expected = HexText(record.expected, tensor.info.type);
  finding.actual = HexText(record.actual, tensor.info.type);
  finding.index = static_cast<uint64_t>(record.wrong_index);
  finding.rank = rank;
  finding.differing = static_cast<uint64_t>(record.differing);
  finding.total = static_cast<uint64_t>(record.elements);
  finding.input.emplace_back("element", PlaceText(tensor.info, record.wrong_index) + " of " + NameText(tensor.name) +
                                            " " + TensorText(tensor.info) + ", in the box " + BoxText(box));
  if (record.wrong_version >= 0) {
    finding.detail = "that is what an earlier save (version " + std::to_string(record.wrong_version) + ") had there";
  } else if (record.actual == (0x5a5a5a5a5a5a5a5au >> (64 - 8 * TypeBytes(tensor.info.type)))) {
    finding.detail = "that is what the memory had before: nothing was loaded there";
  }
  return finding;
}

}  // namespace

int32_t ReshardScript::Tensor(const std::string& name, Type type, std::vector<int64_t> shape) {
  request_.tensors.push_back({name, {type, std::move(shape)}, request_.tensors.size() + 1});
  return static_cast<int32_t>(request_.tensors.size()) - 1;
}

int32_t ReshardScript::Alias(int32_t tensor, Type type, std::vector<int64_t> shape) {
  ReshardTensor other = request_.tensors[static_cast<size_t>(tensor)];
  other.info = {type, std::move(shape)};
  request_.tensors.push_back(std::move(other));
  return static_cast<int32_t>(request_.tensors.size()) - 1;
}

int32_t ReshardScript::AddLayout(Layout layout) {
  request_.layouts.push_back(std::move(layout));
  return static_cast<int32_t>(request_.layouts.size()) - 1;
}

int32_t ReshardScript::ByAxis(int ranks, int axis, Cut cut) {
  Layout layout(static_cast<size_t>(ranks));
  for (size_t i = 0; i < request_.tensors.size(); ++i) {
    AddAxis(request_.tensors[i], static_cast<int32_t>(i), axis, cut, &random_, &layout);
  }
  return AddLayout(std::move(layout));
}

void ReshardScript::Save(int32_t layout, int32_t version, std::vector<int32_t> codes) {
  request_.steps.push_back({.save = true, .layout = layout, .version = version});
  codes_.push_back(std::move(codes));
}

void ReshardScript::Load(int32_t layout, int32_t version, std::vector<int32_t> codes) {
  request_.steps.push_back({.save = false, .layout = layout, .version = version});
  codes_.push_back(std::move(codes));
}

std::optional<Finding> FindWrong(const ReshardScript& script, const ReshardReply& reply) {
  const ReshardRequest& request = script.request();
  const auto with_step = [&](Finding finding, size_t step, int32_t tensor = -1) {
    AddStep(request, step, tensor, &finding);
    return finding;
  };
  for (size_t step = 0; step < request.steps.size(); ++step) {
    const ReshardStepRecord& record = reply.steps[step];
    const std::vector<int32_t>& codes = script.codes()[step];
    const std::string name = request.steps[step].save ? "q13_shard_save" : "q13_shard_load";
    for (size_t rank = 0; rank < record.ranks.size(); ++rank) {
      const ReshardRankRecord& one = record.ranks[rank];
      if (std::find(codes.begin(), codes.end(), one.code) == codes.end()) {
        Finding finding;
        finding.property =
            codes == std::vector<int32_t>{0} ? name + " succeeds" : name + " says what is wrong, on all ranks";
        finding.expected = NamesOf(codes) + " on rank " + std::to_string(rank);
        finding.actual = ReshardCodeName(one.code);
        finding.rank = static_cast<int>(rank);
        return with_step(finding, step);
      }
      if (one.overrun != 0) {
        Finding finding;
        finding.property = one.overrun == 1 ? "memory outside of the boxes is left alone" : "a save only reads";
        finding.actual =
            one.overrun == 1 ? "bytes before or after a box were written" : "a box that was saved has changed";
        finding.rank = static_cast<int>(rank);
        return with_step(finding, step);
      }
    }
    for (size_t rank = 0; rank < record.ranks.size(); ++rank) {
      const ReshardRankRecord& one = record.ranks[rank];
      if (one.code != 0 || request.steps[step].save) continue;
      if (const auto finding = WrongElement(request, step, static_cast<int>(rank), one)) {
        const RankBoxes& boxes = request.layouts[static_cast<size_t>(request.steps[step].layout)][rank];
        return with_step(*finding, step, boxes[static_cast<size_t>(one.wrong_slice)].tensor);
      }
    }
    if (!record.misuse.empty()) {
      Finding finding;
      finding.property = "all ranks make the same collective calls";
      finding.actual = record.misuse;
      return with_step(finding, step);
    }
  }
  return std::nullopt;
}

bool RunReshard(CheckContext& context, const ReshardRequest& request, const std::string& what, ReshardReply* reply) {
  const CheckContext::Inputs inputs = InputsOf(request, what);
  CheckContext::Replies replies;
  const double deadline = context.long_tier() ? 900 : 120;
  if (!context.Run("d", 0, Encode(request), deadline, inputs, &replies)) return false;
  const std::optional<ReshardReply> decoded = replies.empty() ? std::nullopt : DecodeReshardReply(replies.front());
  bool complete = decoded.has_value();
  if (complete && request.mode == ReshardMode::kRun) {
    complete = decoded->steps.size() == request.steps.size();
    for (size_t i = 0; complete && i < request.steps.size(); ++i) {
      complete = decoded->steps[i].ranks.size() == request.layouts[static_cast<size_t>(request.steps[i].layout)].size();
    }
  }
  if (!complete) {
    Finding finding;
    finding.kind = workbench::VerdictKind::kGraderFault;
    finding.property = "the runner's reply can be read";
    finding.input = inputs;
    context.Fail(finding);
    return false;
  }
  *reply = *decoded;
  return true;
}

bool JudgeReshard(CheckContext& context, const ReshardScript& script, const std::string& what, ReshardReply* reply) {
  ReshardReply mine;
  if (reply == nullptr) reply = &mine;
  if (!RunReshard(context, script.request(), what, reply)) return false;
  std::optional<Finding> finding = FindWrong(script, *reply);
  if (!finding.has_value()) return true;
  const CheckContext::Inputs inputs = InputsOf(script.request(), what);
  finding->input.insert(finding->input.begin(), inputs.begin(), inputs.end());
  context.Fail(*finding);
  return false;
}

bool JudgeReshardSweep(CheckContext& context, const ReshardScript& script, const std::string& what, double* cases) {
  ReshardReply reply;
  if (!RunReshard(context, script.request(), what, &reply)) return false;
  *cases += static_cast<double>(reply.cases);
  const ReshardFault& fault = reply.fault;
  if (fault.property.empty()) return true;
  Finding finding;
  finding.property = fault.property;
  finding.expected = fault.expected;
  finding.actual = fault.actual;
  finding.detail = fault.detail;
  finding.rank = fault.rank;
  if (fault.index >= 0) finding.index = static_cast<uint64_t>(fault.index);
  finding.differing = static_cast<uint64_t>(std::max<int64_t>(0, fault.differing));
  finding.total = static_cast<uint64_t>(std::max<int64_t>(0, fault.total));
  finding.input = InputsOf(script.request(), what);
  finding.input.insert(finding.input.end(), fault.input.begin(), fault.input.end());
  context.Fail(finding);
  return false;
}

}  // namespace q13
