// Q5 part G: a classifier of two layers, trained in each of six ways. The contract is in
// questions/q05_mixed_precision/device_api.h: what is stored in 16 bits, what in fp32, and when a step is skipped.
//
// A way to go about it:
//   1. fp32, one thread an output: forward, softmax, the gradient of the logits, backward, update. Check a gradient
//      against a difference quotient before anything else.
//   2. The stored type as a template parameter, with a load to float and a store that rounds.
//   3. Master weights: the update goes there, and the 16-bit weights are made anew.
//   4. The scale: where does it have to be multiplied in so that nothing is lost, and where divided out?
//   5. Overflow: found on the device, the step skipped, the scale changed; no round trip to the host is needed.
#include "questions/q05_mixed_precision/device_api.h"

using q05::Recipe;
using q05::TrainOutcome;
using q05::TrainTask;

// This start trains nothing.
extern "C" cudaError_t q05_train(Recipe recipe, const TrainTask& task, const TrainOutcome& outcome) {
  (void)recipe;
  const size_t inputs = task.inputs, hidden = task.hidden, classes = task.classes;
  cudaMemset(outcome.loss, 0, task.steps * sizeof(float));
  cudaMemset(outcome.gradients, 0, 3 * sizeof(int64_t));
  cudaMemcpy(outcome.w1, task.w1, hidden * inputs * sizeof(float), cudaMemcpyDeviceToDevice);
  cudaMemcpy(outcome.b1, task.b1, hidden * sizeof(float), cudaMemcpyDeviceToDevice);
  cudaMemcpy(outcome.w2, task.w2, classes * hidden * sizeof(float), cudaMemcpyDeviceToDevice);
  cudaMemcpy(outcome.b2, task.b2, classes * sizeof(float), cudaMemcpyDeviceToDevice);
  return cudaDeviceSynchronize();
}
