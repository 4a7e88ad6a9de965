#include "questions/q05_mixed_precision/scaler_script.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace q05 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr double kTolerance = 1e-9;  // relative: factors may be multiplied in any order

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  if (std::strtod(text, nullptr) == value) std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

const char* Name(Result result) {
  switch (result) {
    case Result::kOk:
      return "kOk";
    case Result::kInvalidArgument:
      return "kInvalidArgument";
    case Result::kScaleAtFloor:
      return "kScaleAtFloor";
  }
  return "a result that does not exist";
}

bool Near(double actual, double expected) { return std::abs(actual - expected) <= kTolerance * std::abs(expected); }

ScalerExpectation ExpectStep(const ScalerOperation& operation, ScalerOracle* oracle) {
  ScalerExpectation expected;
  for (int i = 0; i < operation.optimizers; ++i) {
    const double norm = operation.norm[i];
    expected.calls.push_back({OptimizerCall::kUnscale, i, 1 / oracle->scale()});
    if ((operation.overflow >> i) & 1) continue;
    if (operation.max_norm > 0 && norm > operation.max_norm) {
      expected.calls.push_back({OptimizerCall::kClip, i, operation.max_norm / norm});
    }
    expected.calls.push_back({OptimizerCall::kStep, i, 0});
  }
  expected.record.calls = static_cast<uint32_t>(expected.calls.size());
  if (operation.optimizers < 1) {
    expected.record.result = Result::kInvalidArgument;
  } else {
    expected.record.result = oracle->Iterate(operation.overflow != 0);
  }
  expected.record.scale = oracle->scale();
  return expected;
}

// ---- Words

CheckContext::Inputs Describe(const ScalerConfig& config) {
  CheckContext::Inputs inputs = {
      {"rule", config.growth_rule == GrowthRule::kConsecutive ? "kConsecutive" : "kSinceOverflow"},
      {"initial scale", Number(config.initial_scale)},
      {"growth", Number(config.growth_factor)},
      {"backoff", Number(config.backoff_factor)},
      {"interval", std::to_string(config.growth_interval)},
  };
  if (config.floor != 0) inputs.emplace_back("floor", Number(config.floor));
  if (config.ceiling != ScalerConfig().ceiling) inputs.emplace_back("ceiling", Number(config.ceiling));
  if (config.hysteresis != 1) inputs.emplace_back("hysteresis", std::to_string(config.hysteresis));
  if (config.refill_when_finite != 0) inputs.emplace_back("refill_when_finite", "1");
  if (config.raise_at_floor != 0) inputs.emplace_back("raise_at_floor", "1");
  return inputs;
}

CheckContext::Inputs Describe(const ScalerScript& script, size_t index) {
  const ScalerOperation& operation = script.operations()[index];
  CheckContext::Inputs inputs = Describe(script.config());
  switch (operation.op) {
    case ScalerOp::kCreate:
      inputs.emplace_back("call", "q05_scaler_create");
      break;
    case ScalerOp::kStep:
      inputs.emplace_back("call", "q05_scaler_step with " + std::to_string(operation.optimizers) +
                                      (operation.optimizers == 1 ? " optimiser" : " optimisers"));
      break;
    case ScalerOp::kSave:
      inputs.emplace_back("call", "q05_scaler_save");
      break;
    case ScalerOp::kRestore:
      inputs.emplace_back("call", "q05_scaler_restore of what q05_scaler_save gave");
      break;
    case ScalerOp::kGiven:
      inputs.emplace_back("call", "q05_scaler_restore");
      break;
  }
  inputs.emplace_back("iterations (x: overflow)", script.iterations(index));
  if (operation.op == ScalerOp::kStep && operation.max_norm != 0) {
    inputs.emplace_back("max_norm", Number(operation.max_norm));
    for (int i = 0; i < operation.optimizers; ++i) {
      inputs.emplace_back("norm " + std::to_string(i),
                          (operation.overflow >> i) & 1 ? "overflow" : Number(operation.norm[i]));
    }
  }
  return inputs;
}

std::string Describe(const std::vector<RecordedCall>& calls, bool several) {
  std::string text;
  for (const RecordedCall& one : calls) {
    if (!text.empty()) text += ", ";
    if (several) text += std::to_string(one.optimizer) + ": ";
    text += one.call == OptimizerCall::kUnscale ? "Unscale(" + Number(one.argument) + ")"
            : one.call == OptimizerCall::kClip  ? "Clip(" + Number(one.argument) + ")"
                                                : "Step()";
  }
  return text.empty() ? "no calls" : text;
}

std::string Describe(const ScalerState& state) {
  return "scale " + Number(state.scale) + ", tracker " + std::to_string(state.tracker) + ", iteration " +
         std::to_string(state.iteration) + ", last_overflow " + std::to_string(state.last_overflow) +
         ", hysteresis_left " + std::to_string(state.hysteresis_left);
}

// ---- Comparing

// The optimisers may take turns in any way: what counts is the order of each one's own calls.
bool SameCalls(const std::vector<RecordedCall>& actual, const std::vector<RecordedCall>& expected) {
  if (actual.size() != expected.size()) return false;
  for (int optimizer = 0; optimizer < kMaxOptimizers; ++optimizer) {
    size_t at = 0;
    for (const RecordedCall& wanted : expected) {
      if (wanted.optimizer != optimizer) continue;
      while (at < actual.size() && actual[at].optimizer != optimizer) ++at;
      if (at == actual.size() || actual[at].call != wanted.call || !Near(actual[at].argument, wanted.argument)) {
        return false;
      }
      ++at;
    }
  }
  return true;
}

bool SameState(const ScalerState& actual, const ScalerState& expected) {
  return Near(actual.scale, expected.scale) && actual.tracker == expected.tracker &&
         actual.iteration == expected.iteration && actual.last_overflow == expected.last_overflow &&
         actual.hysteresis_left == expected.hysteresis_left;
}

// Whether an operation's record is as expected; if not, property, expected and actual of the finding.
bool IsAsExpected(const ScalerOperation& operation, const ScalerExpectation& expected, const ScalerRecord& record,
                  const std::vector<RecordedCall>& calls, unsigned aspects, Finding* finding) {
  if (record.scale < 0) {
    finding->property = "q05_scaler_create sets *scaler: to a scaler, or to nullptr when it returns an error";
    finding->expected = expected.record.scale == 0 ? "nullptr" : "a scaler";
    finding->actual = expected.record.scale == 0 ? "something else" : "none";
    return false;
  }
  const bool judges_result = (aspects & kResult) != 0 || operation.op != ScalerOp::kStep;
  if (judges_result && record.result != expected.record.result) {
    finding->property = operation.op == ScalerOp::kCreate  ? "q05_scaler_create takes what is valid, and nothing else"
                        : operation.op == ScalerOp::kGiven ? "a state that no such scaler can be in is refused"
                        : operation.op == ScalerOp::kStep  ? "q05_scaler_step returns what api.h says"
                                                           : "a saved state is taken back";
    finding->expected = Name(expected.record.result);
    finding->actual = Name(record.result);
    return false;
  }
  if ((aspects & kCalls) != 0 && (record.calls > kMaxCalls || !SameCalls(calls, expected.calls))) {
    finding->property =
        "each optimiser is unscaled once by 1 / scale, then clipped if its norm is too large, then stepped; after "
        "overflow neither";
    finding->expected = Describe(expected.calls, operation.optimizers > 1);
    finding->actual = Describe(calls, operation.optimizers > 1);
    return false;
  }
  if ((aspects & kScale) != 0 && !Near(record.scale, expected.record.scale)) {
    finding->property = operation.op == ScalerOp::kStep ? "the scale after the iteration follows the rule"
                                                        : "the scale after the call is the scaler's";
    finding->expected = Number(expected.record.scale);
    finding->actual = Number(record.scale);
    return false;
  }
  if ((aspects & kState) != 0 && operation.op == ScalerOp::kSave && !SameState(record.state, expected.record.state)) {
    finding->property = "the saved state is what api.h says of each member";
    finding->expected = Describe(expected.record.state);
    finding->actual = Describe(record.state);
    return false;
  }
  return true;
}

}  // namespace

ScalerScript::ScalerScript(const ScalerConfig& config)
    : config_(config), oracles_(kScalers, ScalerOracle(config)), saved_(oracles_), history_(kScalers) {
  Create(0);
}

void ScalerScript::Create(int scaler) {
  oracles_[static_cast<size_t>(scaler)] = ScalerOracle(config_);
  history_[static_cast<size_t>(scaler)].clear();
  ScalerOperation operation;
  operation.op = ScalerOp::kCreate;
  operation.scaler = scaler;
  Add(operation, Same(scaler));
}

void ScalerScript::Step(const ScalerOperation& operation) {
  if (operation.optimizers > 0) history_[static_cast<size_t>(operation.scaler)] += operation.overflow != 0 ? 'x' : '.';
  Add(operation, ExpectStep(operation, &oracles_[static_cast<size_t>(operation.scaler)]));
}

void ScalerScript::Steps(const std::string& iterations, int scaler) {
  for (const char one : iterations) {
    ScalerOperation operation;
    operation.scaler = scaler;
    operation.overflow = one == 'x';
    Step(operation);
  }
}

void ScalerScript::Save(int scaler, int place) {
  saved_[static_cast<size_t>(place)] = oracles_[static_cast<size_t>(scaler)];
  ScalerOperation operation;
  operation.op = ScalerOp::kSave;
  operation.scaler = scaler;
  operation.place = place;
  ScalerExpectation expected = Same(scaler);
  expected.record.state = state(scaler);
  Add(operation, expected);
}

void ScalerScript::Restore(int scaler, int place) {
  oracles_[static_cast<size_t>(scaler)] = saved_[static_cast<size_t>(place)];
  ScalerOperation operation;
  operation.op = ScalerOp::kRestore;
  operation.scaler = scaler;
  operation.place = place;
  Add(operation, Same(scaler));
}

void ScalerScript::Refuse(const ScalerState& state) {
  ScalerOperation operation;
  operation.op = ScalerOp::kGiven;
  operation.state = state;
  ScalerExpectation expected = Same(0);
  expected.record.result = Result::kInvalidArgument;
  Add(operation, expected);
}

ScalerExpectation ScalerScript::Same(int scaler) const {
  ScalerExpectation expected;
  expected.record.scale = oracles_[static_cast<size_t>(scaler)].scale();
  return expected;
}

void ScalerScript::Add(const ScalerOperation& operation, const ScalerExpectation& expected) {
  operations_.push_back(operation);
  expected_.push_back(expected);
  const std::string& all = history_[static_cast<size_t>(operation.scaler)];
  iterations_.push_back(all.size() <= 48 ? all : "..., then " + all.substr(all.size() - 48));
}

bool JudgeScaler(CheckContext& context, const ScalerScript& script, unsigned aspects, const std::string& source) {
  std::vector<std::byte> request;
  ScalerRequest header;
  header.config = script.config();
  Append(&request, header);
  AppendAll(&request, script.operations());
  CheckContext::Replies replies;
  if (!context.Run("c", 0, request, 30, Describe(script.config()), &replies)) return false;
  size_t at = 0;
  for (size_t i = 0; i < script.operations().size(); ++i) {
    const auto record = Read<ScalerRecord>(replies[0], at);
    const uint32_t recorded = std::min(record.calls, kMaxCalls);
    const auto calls = ReadAll<RecordedCall>(replies[0], at + sizeof record, recorded);
    at += sizeof record + recorded * sizeof(RecordedCall);
    Finding finding;
    if (IsAsExpected(script.operations()[i], script.expected(i), record, calls, aspects, &finding)) continue;
    finding.input = Describe(script, i);
    finding.index = i;
    finding.detail = source;
    context.Fail(finding);
    return false;
  }
  return true;
}

bool JudgeRefused(CheckContext& context, const ScalerConfig& config, const std::string& what) {
  std::vector<std::byte> request;
  ScalerRequest header;
  header.config = config;
  Append(&request, header);
  ScalerOperation create;
  create.op = ScalerOp::kCreate;
  Append(&request, create);
  CheckContext::Inputs inputs = Describe(config);
  inputs.emplace_back("invalid", what);
  CheckContext::Replies replies;
  if (!context.Run("c", 0, request, 30, inputs, &replies)) return false;
  ScalerExpectation expected;
  expected.record.result = Result::kInvalidArgument;
  Finding finding;
  if (IsAsExpected(create, expected, Read<ScalerRecord>(replies[0]), {}, kAll, &finding)) return true;
  finding.input = inputs;
  context.Fail(finding);
  return false;
}

}  // namespace q05
