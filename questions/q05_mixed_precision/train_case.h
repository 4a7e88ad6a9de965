// Part G's cases: the parameters of a DeviceCall of kind kTrain, and the order of its buffers.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_TRAIN_CASE_H_
#define QUESTIONS_Q05_MIXED_PRECISION_TRAIN_CASE_H_

#include <cstdint>

namespace q05 {

// As Recipe in device_api.h, for the grader, which has no CUDA.
enum TrainRecipe : int32_t {
  kTrainFp32 = 0,
  kTrainBf16 = 1,
  kTrainBf16NoMaster = 2,
  kTrainFp16Scaled = 3,
  kTrainFp16NoScaling = 4,
  kTrainFp16NoMaster = 5,
};

struct TrainParameters {
  int32_t recipe = 0;
  int32_t inputs = 0;
  int32_t hidden = 0;
  int32_t classes = 0;
  int32_t batch = 0;
  int32_t steps = 0;
  float learning_rate = 0;
  float loss_multiplier = 1;
};

// Inputs, then outputs.
enum TrainBuffer : int {
  kTrainX,
  kTrainLabels,
  kTrainW1,
  kTrainB1,
  kTrainW2,
  kTrainB2,
  kTrainLoss,
  kTrainW1After,
  kTrainB1After,
  kTrainW2After,
  kTrainB2After,
  kTrainGradients,
  kTrainBuffers,
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_TRAIN_CASE_H_
