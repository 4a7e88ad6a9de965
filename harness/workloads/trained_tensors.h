// Tensors as training leaves them: weights, Adam's moments and gradients of small networks that were really trained,
// for questions whose answer depends on what numbers in a checkpoint look like.
//
// A model is a multi-layer perceptron with ReLU that classifies points which a random network of another seed has
// labelled, trained by Adam in fp32 with weight decay. More values than one model has come from more models, each with
// a seed, data and training of its own: nothing is repeated. What that is not: large, deep or trained to convergence; a
// few hundred steps leave weights close to the Gaussians they started as. The same arguments give the same values on
// one kind of machine; another compiler may round differently, so nothing should depend on exact bits.
#ifndef HARNESS_WORKLOADS_TRAINED_TENSORS_H_
#define HARNESS_WORKLOADS_TRAINED_TENSORS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace workbench {

struct TrainingOptions {
  uint64_t seed = 1;
  int inputs = 128;
  int hidden = 256;
  int hidden_layers = 2;  // >= 1
  int classes = 16;
  int batch = 16;
  int steps = 200;
  float learning_rate = 1e-3f;
  float weight_decay = 1e-2f;
};

// All of a network's parameters, in order of layers: a layer's matrix (outputs x inputs), then its biases.
struct LayerTensor {
  std::string name;            // "layer0.weight"
  std::vector<int64_t> shape;  // {outputs, inputs} or {outputs}
  std::vector<float> weights;
  std::vector<float> first_moments;   // Adam's m
  std::vector<float> second_moments;  // Adam's v
  std::vector<float> gradients;       // of the last step
};

struct TrainedModel {
  std::vector<LayerTensor> tensors;
  double first_loss = 0;  // mean cross entropy over the first tenth of the steps,
  double last_loss = 0;   // and over the last
  size_t parameters() const;
};

TrainedModel Train(const TrainingOptions& options);

enum class TensorKind : int32_t { kWeights = 0, kFirstMoments, kSecondMoments, kGradients };
inline constexpr TensorKind kTensorKinds[] = {TensorKind::kWeights, TensorKind::kFirstMoments,
                                              TensorKind::kSecondMoments, TensorKind::kGradients};
const char* TensorKindName(TensorKind kind);  // "weights", "first moments", ...

// `count` values of each kind, the tensors of models of seeds `options.seed`, `options.seed` + 1, ... one behind the
// other. Models are trained on up to `threads` threads (0: as many as the machine has); the values do not depend on it.
struct TrainedState {
  std::vector<float> values[4];  // by TensorKind
  std::span<const float> of(TensorKind kind) const { return values[static_cast<int>(kind)]; }
};
TrainedState TrainState(size_t count, const TrainingOptions& options = {}, int threads = 0);

enum class NumberFormat : int32_t { kFloat32 = 0, kBFloat16, kFloat16 };
inline constexpr NumberFormat kNumberFormats[] = {NumberFormat::kFloat32, NumberFormat::kBFloat16,
                                                  NumberFormat::kFloat16};
const char* NumberFormatName(NumberFormat format);  // "fp32", "bf16", "fp16"
int NumberFormatBytes(NumberFormat format);

// As stored (little-endian), rounded to nearest even.
std::vector<std::byte> Encode(std::span<const float> values, NumberFormat format);

// Bytes without structure; the same for the same seed, and a prefix of what a larger count gives.
std::vector<std::byte> RandomBytes(size_t count, uint64_t seed);

}  // namespace workbench

#endif  // HARNESS_WORKLOADS_TRAINED_TENSORS_H_
