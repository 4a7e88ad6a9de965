// Part G's oracle: the same training in double, with every number that a recipe stores in 16 bits rounded where it is
// stored. Sums are in double: they stand for sums in fp32 of any order.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_TRAIN_ORACLE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_TRAIN_ORACLE_H_

#include <cstdint>
#include <vector>

#include "questions/q05_mixed_precision/train_case.h"

namespace q05 {

struct TrainData {
  TrainParameters parameters;
  std::vector<float> x;
  std::vector<int32_t> labels;
  std::vector<float> w1, b1, w2, b2;
};

// Gaussian clusters, one a class. Feature i is smaller than the one before by 2^(-12 / inputs), so that gradients
// spread over some 12 binades more, as those of real networks do. The first weights have magnitudes in [1/2, 1), where
// a unit in the last place is 2^-8 in bf16 and 2^-11 in fp16, and the hidden units come in pairs that cancel: the first
// loss is log(classes). Features and weights are numbers of both 16-bit formats.
TrainData MakeTrainData(uint64_t seed, const TrainParameters& parameters);

struct TrainResult {
  std::vector<double> loss;
  std::vector<double> w1, b1, w2, b2;
  int64_t gradients = 0;  // elements of W1's gradient
  int64_t zeros = 0;      // of those
  int64_t skipped = 0;    // steps
};

// By data.parameters.recipe.
TrainResult Train(const TrainData& data);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_TRAIN_ORACLE_H_
