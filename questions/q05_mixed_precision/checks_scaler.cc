// Part C: the loss scaler as a state machine, held against the oracle operation by operation.
#include <limits>

#include "grader/inputs.h"
#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/scaler_script.h"

namespace q05 {
namespace {

using workbench::CheckContext;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool JudgeSequences(CheckContext& context, const std::vector<RecordedSequence>& sequences, unsigned aspects) {
  for (const RecordedSequence& one : sequences) {
    ScalerScript script(one.config);
    script.Steps(one.iterations);
    if (!JudgeScaler(context, script, aspects, "a sequence of " + one.source)) return false;
  }
  return true;
}

void CheckTorch(CheckContext& context) {
  if (!JudgeSequences(context, TorchSequences(), kScale)) return;
  ScalerScript defaults{ScalerConfig()};
  defaults.Steps(std::string(1999, '.') + "x" + std::string(4001, '.') + "xx" + std::string(2001, '.'));
  JudgeScaler(context, defaults, kScale, "torch.amp.GradScaler with what it has by default");
}

void CheckDeepSpeed(CheckContext& context) {
  if (!JudgeSequences(context, DeepSpeedSequences(), kScale)) return;
  ScalerConfig config;
  config.growth_rule = GrowthRule::kSinceOverflow;
  config.initial_scale = 4294967296.0;
  config.growth_interval = 1000;
  ScalerScript defaults(config);
  defaults.Steps(std::string(2002, '.') + "xxx" + std::string(1002, '.'));
  if (!JudgeScaler(context, defaults, kScale, "DeepSpeed with what it has by default")) return;
  config.growth_interval = 1;
  ScalerScript each(config);
  each.Steps("...x...");
  JudgeScaler(context, each, kScale, "DeepSpeed with a window of 1");
}

void CheckHysteresis(CheckContext& context) {
  if (!JudgeSequences(context, DeepSpeedHysteresisSequences(), kScale)) return;
  ScalerConfig config;
  config.initial_scale = 64;
  config.growth_interval = 4;
  config.hysteresis = 2;
  for (const GrowthRule rule : {GrowthRule::kConsecutive, GrowthRule::kSinceOverflow}) {
    for (const int32_t refill : {0, 1}) {
      config.growth_rule = rule;
      config.refill_when_finite = refill;
      ScalerScript script(config);
      // The absorbed overflow starts the run anew; growth refills; backing off does not.
      script.Steps("...x...x....xxx.x.....xx");
      if (!JudgeScaler(context, script, kScale)) return;
    }
  }
}

void CheckLimits(CheckContext& context) {
  if (!JudgeSequences(context, DeepSpeedFloorSequences(), kScale | kResult)) return;
  ScalerConfig config;
  config.initial_scale = 10;
  config.floor = 3;
  config.ceiling = 25;
  config.growth_interval = 2;
  config.hysteresis = 2;
  for (const GrowthRule rule : {GrowthRule::kConsecutive, GrowthRule::kSinceOverflow}) {
    for (const int32_t raise : {0, 1}) {
      config.growth_rule = rule;
      config.raise_at_floor = raise;
      ScalerScript script(config);
      // Down to the floor and on, up to the ceiling and on, and down from there.
      script.Steps("xxxxx" + std::string(9, '.') + "xx" + std::string(12, '.') + "xxx.xxxx.x...");
      if (!JudgeScaler(context, script, kScale | kResult)) return;
    }
  }
}

void CheckOrder(CheckContext& context) {
  ScalerConfig config;
  config.initial_scale = 1024;
  config.growth_interval = 2;
  ScalerScript script(config);
  for (const double max_norm : {0.0, 1.0, 0.5, 3.0}) {
    for (const double norm : {0.25, 0.5, 1.0, 1.5, 1e4, 0.0}) {
      for (const uint32_t overflow : {0u, 1u, 0u}) {
        ScalerOperation operation;
        operation.overflow = overflow;
        operation.max_norm = max_norm;
        operation.norm[0] = norm;
        script.Step(operation);
      }
    }
  }
  JudgeScaler(context, script, kCalls);
}

void CheckOptimizers(CheckContext& context) {
  ScalerConfig config;
  config.growth_interval = 3;
  ScalerScript script(config);
  for (uint32_t round = 0; round < 48; ++round) {
    ScalerOperation operation;
    operation.optimizers = 2 + static_cast<int32_t>(round % 3);
    operation.overflow = round % 4 == 3 ? (round / 4) % (1u << operation.optimizers) : 0;
    operation.max_norm = round % 2 == 0 ? 2 : 0;
    for (int i = 0; i < kMaxOptimizers; ++i) operation.norm[i] = 1 + (round + static_cast<uint32_t>(i)) % 3;
    script.Step(operation);
  }
  JudgeScaler(context, script, kCalls | kScale);
}

void CheckState(CheckContext& context) {
  ScalerConfig config;
  config.initial_scale = 256;
  config.growth_interval = 3;
  config.hysteresis = 3;
  for (const GrowthRule rule : {GrowthRule::kConsecutive, GrowthRule::kSinceOverflow}) {
    config.growth_rule = rule;
    ScalerScript script(config);
    script.Create(1);
    const std::string before = "..x...x..", after = ".x.x....xx..";
    for (size_t point = 0; point <= before.size(); ++point) {
      script.Create(0);
      script.Create(1);
      script.Steps(before.substr(0, point));
      script.Save(0, 0);
      script.Steps(after);
      script.Restore(0, 0);  // back in time
      script.Steps(after);
      script.Restore(1, 0);  // into a fresh one
      script.Save(1, 1);
      for (const char one : after) {  // which shares nothing with the other
        script.Steps(std::string(1, one), 1);
        script.Steps(".", 0);
      }
    }
    if (!JudgeScaler(context, script, kScale | kState)) return;
  }
}

void CheckArguments(CheckContext& context) {
  const auto refuses = [&](auto change, const std::string& what) {
    ScalerConfig config;
    change(&config);
    return JudgeRefused(context, config, what);
  };
  for (const double factor : {1.0, 0.5, -2.0, kInfinity, kNaN}) {
    if (!refuses([&](ScalerConfig* config) { config->growth_factor = factor; }, "growth_factor")) return;
  }
  for (const double factor : {0.0, 1.0, 2.0, -0.5, kNaN}) {
    if (!refuses([&](ScalerConfig* config) { config->backoff_factor = factor; }, "backoff_factor")) return;
  }
  for (const int64_t interval : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    if (!refuses([&](ScalerConfig* config) { config->growth_interval = interval; }, "growth_interval")) return;
  }
  for (const int32_t hysteresis : {0, -1}) {
    if (!refuses([&](ScalerConfig* config) { config->hysteresis = hysteresis; }, "hysteresis")) return;
  }
  for (const double scale : {0.0, -1.0, kInfinity, kNaN}) {
    if (!refuses([&](ScalerConfig* config) { config->initial_scale = scale; }, "initial_scale")) return;
  }
  const auto limits = [](double floor, double ceiling) {
    return [=](ScalerConfig* config) {
      config->floor = floor;
      config->ceiling = ceiling;
    };
  };
  if (!refuses(limits(65537, 1e300), "initial_scale below the floor")) return;
  if (!refuses(limits(0, 65535), "initial_scale above the ceiling")) return;
  if (!refuses(limits(70000, 60000), "floor above the ceiling")) return;
  if (!refuses(limits(kNaN, 1e300), "floor")) return;
  for (const int32_t rule : {-1, 2}) {
    if (!refuses([&](ScalerConfig* config) { config->growth_rule = static_cast<GrowthRule>(rule); }, "growth_rule")) {
      return;
    }
  }

  // States, and a step of no optimisers; in between, the scaler goes on as if nothing had been asked.
  ScalerConfig config;
  config.initial_scale = 64;
  config.floor = 1;
  config.ceiling = 1024;
  config.growth_interval = 4;
  config.hysteresis = 2;
  ScalerScript script(config);
  script.Steps("..x...");
  const auto refuse = [&](auto change) {
    ScalerState state = script.state(0);
    change(&state);
    script.Refuse(state);
    script.Steps(".");
  };
  for (const double scale : {0.0, -64.0, kNaN, kInfinity, 0.5, 2048.0}) {
    refuse([&](ScalerState* state) { state->scale = scale; });
  }
  for (const int64_t tracker : {int64_t{-1}, int64_t{4}}) refuse([&](ScalerState* state) { state->tracker = tracker; });
  refuse([&](ScalerState* state) { state->iteration = -1; });
  refuse([&](ScalerState* state) { state->last_overflow = -2; });
  refuse([&](ScalerState* state) { state->last_overflow = state->iteration; });
  for (const int32_t left : {0, -1, 3}) refuse([&](ScalerState* state) { state->hysteresis_left = left; });
  for (const int32_t optimizers : {0, -1}) {
    ScalerOperation none;
    none.optimizers = optimizers;
    script.Step(none);
    script.Steps("...");
  }
  JudgeScaler(context, script, kAll);
}

// Every kind of configuration and of operation.
void CheckRandom(CheckContext& context) {
  uint64_t counter = context.seed() * 1000003;
  const auto random = [&](uint64_t below) { return workbench::Mix(++counter) % below; };
  for (int round = 0; round < (context.long_tier() ? 40 : 8); ++round) {
    ScalerConfig config;
    config.growth_rule = round % 2 == 0 ? GrowthRule::kConsecutive : GrowthRule::kSinceOverflow;
    config.initial_scale = static_cast<double>(1 + random(100000)) / 7;
    config.growth_factor = 1 + static_cast<double>(1 + random(16)) / 10;
    config.backoff_factor = static_cast<double>(1 + random(9)) / 10;
    config.growth_interval = static_cast<int64_t>(1 + random(20));
    config.floor = config.initial_scale / static_cast<double>(1 + random(1000));
    config.ceiling = config.initial_scale * static_cast<double>(1 + random(1000));
    config.hysteresis = static_cast<int32_t>(1 + random(4));
    config.refill_when_finite = static_cast<int32_t>(random(2));
    config.raise_at_floor = static_cast<int32_t>(random(2));
    const uint64_t rarity = 2 + random(2 * static_cast<uint64_t>(config.growth_interval) + 4);
    ScalerScript script(config);
    script.Create(1);
    script.Save(0, 0);
    script.Save(1, 1);
    for (int i = 0; i < 10000; ++i) {
      const int scaler = static_cast<int>(random(kScalers)), place = static_cast<int>(random(kScalers));
      const uint64_t what = random(100);
      if (what == 0) {
        script.Save(scaler, place);
      } else if (what == 1) {
        script.Restore(scaler, place);
      } else {
        ScalerOperation operation;
        operation.scaler = scaler;
        operation.optimizers = static_cast<int32_t>(1 + random(3));
        if (random(rarity) == 0) operation.overflow = static_cast<uint32_t>(random(1u << operation.optimizers));
        operation.max_norm = static_cast<double>(random(3));
        for (double& norm : operation.norm) norm = static_cast<double>(random(1000)) / 250;
        script.Step(operation);
      }
    }
    if (!JudgeScaler(context, script, kAll)) return;
  }
}

}  // namespace

std::vector<workbench::Check> ScalerChecks() {
  return {
      {{"c.torch",
        "PyTorch's rule",
        2,
        false,
        {"the tracker goes on after an overflow", "the tracker is not set to 0 by growth",
         "growth one iteration early or late"}},
       CheckTorch},
      {{"c.deepspeed",
        "DeepSpeed's rule",
        2,
        false,
        {"the first iteration after an overflow (or after the start) is counted",
         "a tracker in place of the remainder"}},
       CheckDeepSpeed},
      {{"c.hysteresis",
        "hysteresis",
        2,
        false,
        {"it is not counted down", "refilled by backing off", "an absorbed overflow does not start the run anew"}},
       CheckHysteresis},
      {{"c.limits",
        "floor and ceiling",
        1,
        false,
        {"the scale is not clamped", "raising at the iteration that reaches the floor",
         "an iteration that raises is not finished"}},
       CheckLimits},
      {{"c.order",
        "what is done to an optimiser, in which order",
        2,
        false,
        {"clipping gradients that are still scaled", "a step on overflow", "a norm that is meaningless is used"}},
       CheckOrder},
      {{"c.optimizers",
        "several optimisers",
        2,
        false,
        {"all are skipped when one overflows", "the scale is updated for each",
         "the last one's overflow counts alone"}},
       CheckOptimizers},
      {{"c.state",
        "saving and restoring",
        1,
        false,
        {"the tracker, the hysteresis or the numbers of iterations are left out", "state in a global"}},
       CheckState},
      {{"c.arguments",
        "configurations, states and steps that make no sense",
        1,
        false,
        {"NaN passes a comparison that is written the other way round", "a refused call has changed something"}},
       CheckArguments},
      {{"c.random",
        "10,000 iterations of configurations of all kinds",
        1,
        false,
        {"the scale in a float", "what only happens together: hysteresis at the floor, growth at the ceiling"}},
       CheckRandom},
  };
}

}  // namespace q05
