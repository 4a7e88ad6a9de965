#include "harness/workloads/trained_tensors.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <thread>
#include <utility>

#include "harness/answer/half.h"

namespace workbench {
namespace {

// splitmix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u) {}
  uint64_t Bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  float Uniform() { return static_cast<float>(Bits() >> 40) * 0x1p-24f; }  // [0, 1)
  // Close to a standard Gaussian (a sum of uniforms), and cheap.
  float Normal() {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum - 6;
  }

 private:
  uint64_t state_;
};

// to += factor * from. In a function of its own so that the compiler makes vector code of it.
inline void AddScaled(float factor, const float* __restrict from, float* __restrict to, int count) {
  for (int i = 0; i < count; ++i) to[i] += factor * from[i];
}

inline float Dot(const float* __restrict a, const float* __restrict b, int count) {
  float sums[8] = {};  // independent sums: the compiler may not reorder one
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  float sum = 0;
  for (; i < count; ++i) sum += a[i] * b[i];
  for (const float lane : sums) sum += lane;
  return sum;
}

struct Layer {
  int inputs = 0, outputs = 0;
  // The matrix, then the biases.
  std::vector<float> weights, m, v, gradients;

  Layer(int in, int out, Random* random) : inputs(in), outputs(out) {
    const size_t size = static_cast<size_t>(in) * static_cast<size_t>(out) + static_cast<size_t>(out);
    weights.resize(size);
    m.resize(size);
    v.resize(size);
    gradients.resize(size);
    const float scale = std::sqrt(2.0f / static_cast<float>(in));  // He et al. 2015
    for (size_t i = 0; i < size - static_cast<size_t>(out); ++i) weights[i] = scale * random->Normal();
  }
  const float* Row(int o) const { return weights.data() + static_cast<size_t>(o) * static_cast<size_t>(inputs); }
  float* GradientRow(int o) { return gradients.data() + static_cast<size_t>(o) * static_cast<size_t>(inputs); }
  size_t Bias(int o) const {
    return static_cast<size_t>(outputs) * static_cast<size_t>(inputs) + static_cast<size_t>(o);
  }

  void Forward(const float* in, float* out, bool relu) const {
    for (int o = 0; o < outputs; ++o) {
      const float sum = Dot(Row(o), in, inputs) + weights[Bias(o)];
      out[o] = relu ? std::max(sum, 0.0f) : sum;
    }
  }
  // Adds to the gradients; d_in, if there is one, is replaced.
  void Backward(const float* in, const float* d_out, float* d_in) {
    if (d_in != nullptr) std::fill_n(d_in, inputs, 0.0f);
    for (int o = 0; o < outputs; ++o) {
      if (d_out[o] == 0) continue;  // behind a ReLU that was off
      AddScaled(d_out[o], in, GradientRow(o), inputs);
      gradients[Bias(o)] += d_out[o];
      if (d_in != nullptr) AddScaled(d_out[o], Row(o), d_in, inputs);
    }
  }
};

class Network {
 public:
  Network(const TrainingOptions& options, Random* random) {
    int width = options.inputs;
    for (int l = 0; l < options.hidden_layers; ++l) {
      layers_.emplace_back(width, options.hidden, random);
      width = options.hidden;
    }
    layers_.emplace_back(width, options.classes, random);
    for (const Layer& layer : layers_) {
      activations_.emplace_back(static_cast<size_t>(layer.outputs));
      deltas_.emplace_back(static_cast<size_t>(layer.outputs));
    }
  }

  const std::vector<float>& Forward(const std::vector<float>& x) {
    const float* in = x.data();
    for (size_t l = 0; l < layers_.size(); ++l) {
      layers_[l].Forward(in, activations_[l].data(), l + 1 < layers_.size());
      in = activations_[l].data();
    }
    return activations_.back();
  }

  // Forward and backward of one example; its loss times `weight` is differentiated. Returns the loss.
  double Learn(const std::vector<float>& x, int label, float weight) {
    const std::vector<float>& logits = Forward(x);
    const float largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit - largest));
    for (size_t c = 0; c < logits.size(); ++c) {
      const double probability = std::exp(static_cast<double>(logits[c] - largest)) / sum;
      deltas_.back()[c] = weight * static_cast<float>(probability - (static_cast<int>(c) == label ? 1 : 0));
    }
    const double loss = std::log(sum) - (logits[static_cast<size_t>(label)] - largest);
    for (size_t l = layers_.size(); l-- > 0;) {
      float* d_in = l > 0 ? deltas_[l - 1].data() : nullptr;
      layers_[l].Backward(l > 0 ? activations_[l - 1].data() : x.data(), deltas_[l].data(), d_in);
      if (l == 0) break;
      for (size_t i = 0; i < activations_[l - 1].size(); ++i) {
        if (activations_[l - 1][i] <= 0) d_in[i] = 0;
      }
    }
    return loss;
  }

  void ClearGradients() {
    for (Layer& layer : layers_) std::fill(layer.gradients.begin(), layer.gradients.end(), 0.0f);
  }

  // AdamW (Loshchilov and Hutter 2019) with the usual betas; `step` counts from 1.
  void Step(const TrainingOptions& options, int step) {
    constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
    const float scale1 = 1 / (1 - static_cast<float>(std::pow(kBeta1, step)));
    const float scale2 = 1 / (1 - static_cast<float>(std::pow(kBeta2, step)));
    const float decay = 1 - options.learning_rate * options.weight_decay;
    for (Layer& layer : layers_) {
      for (size_t i = 0; i < layer.weights.size(); ++i) {
        const float g = layer.gradients[i];
        layer.m[i] = kBeta1 * layer.m[i] + (1 - kBeta1) * g;
        layer.v[i] = kBeta2 * layer.v[i] + (1 - kBeta2) * g * g;
        const float update = layer.m[i] * scale1 / (std::sqrt(layer.v[i] * scale2) + kEpsilon);
        layer.weights[i] = decay * layer.weights[i] - options.learning_rate * update;
      }
    }
  }

  const std::vector<Layer>& layers() const { return layers_; }

 private:
  std::vector<Layer> layers_;
  std::vector<std::vector<float>> activations_, deltas_;  // by layer
};

std::vector<float> Part(const std::vector<float>& values, size_t begin, size_t end) {
  return {values.begin() + static_cast<std::ptrdiff_t>(begin), values.begin() + static_cast<std::ptrdiff_t>(end)};
}

const std::vector<float>& ValuesOf(const LayerTensor& tensor, TensorKind kind) {
  switch (kind) {
    case TensorKind::kWeights:
      return tensor.weights;
    case TensorKind::kFirstMoments:
      return tensor.first_moments;
    case TensorKind::kSecondMoments:
      return tensor.second_moments;
    case TensorKind::kGradients:
      break;
  }
  return tensor.gradients;
}

}  // namespace

size_t TrainedModel::parameters() const {
  size_t count = 0;
  for (const LayerTensor& tensor : tensors) count += tensor.weights.size();
  return count;
}

TrainedModel Train(const TrainingOptions& options) {
  Random random(options.seed);
  Network network(options, &random);
  // Who says which class a point has: a narrow network that nobody trains.
  Random teacher_random(options.seed ^ 0x7465616368657200u);
  TrainingOptions narrow = options;
  narrow.hidden = 24;
  narrow.hidden_layers = 1;
  Network teacher(narrow, &teacher_random);

  TrainedModel model;
  std::vector<float> x(static_cast<size_t>(options.inputs));
  const int tenth = std::max(1, options.steps / 10);
  for (int step = 0; step < options.steps; ++step) {
    network.ClearGradients();
    double loss = 0;
    for (int example = 0; example < options.batch; ++example) {
      for (float& value : x) value = random.Normal();
      const std::vector<float>& scores = teacher.Forward(x);
      const auto label = std::max_element(scores.begin(), scores.end()) - scores.begin();
      loss += network.Learn(x, static_cast<int>(label), 1.0f / static_cast<float>(options.batch));
    }
    network.Step(options, step + 1);
    if (step < tenth) model.first_loss += loss / options.batch / tenth;
    if (step >= options.steps - tenth) model.last_loss += loss / options.batch / tenth;
  }

  for (size_t l = 0; l < network.layers().size(); ++l) {
    const Layer& layer = network.layers()[l];
    const size_t matrix = layer.Bias(0), all = layer.weights.size();
    const std::string name = "layer" + std::to_string(l);
    const auto add = [&](const std::string& suffix, std::vector<int64_t> shape, size_t begin, size_t end) {
      model.tensors.push_back({name + suffix, std::move(shape), Part(layer.weights, begin, end),
                               Part(layer.m, begin, end), Part(layer.v, begin, end),
                               Part(layer.gradients, begin, end)});
    };
    add(".weight", {layer.outputs, layer.inputs}, 0, matrix);
    add(".bias", {layer.outputs}, matrix, all);
  }
  return model;
}

const char* TensorKindName(TensorKind kind) {
  constexpr const char* kNames[] = {"weights", "first moments", "second moments", "gradients"};
  return kNames[static_cast<int>(kind)];
}

TrainedState TrainState(size_t count, const TrainingOptions& options, int threads) {
  TrainedState state;
  if (count == 0) return state;
  TrainingOptions untrained = options;
  untrained.steps = 0;
  const size_t parameters = Train(untrained).parameters();
  const size_t models = (count + parameters - 1) / parameters;
  for (std::vector<float>& values : state.values) values.resize(count);

  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < models; i = next++) {
      TrainingOptions mine = options;
      mine.seed = options.seed + i;
      const TrainedModel model = Train(mine);
      for (const TensorKind kind : kTensorKinds) {
        std::vector<float>& values = state.values[static_cast<int>(kind)];
        size_t at = i * parameters;
        for (const LayerTensor& tensor : model.tensors) {
          const std::vector<float>& from = ValuesOf(tensor, kind);
          const size_t part = std::min(from.size(), count - std::min(count, at));
          if (part > 0) std::memcpy(values.data() + at, from.data(), part * sizeof(float));
          at += part;
        }
      }
    }
  };
  if (threads <= 0) threads = static_cast<int>(std::thread::hardware_concurrency());
  std::vector<std::thread> helpers;
  for (size_t t = 1; t < std::min(models, static_cast<size_t>(std::max(1, threads))); ++t) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return state;
}

const char* NumberFormatName(NumberFormat format) {
  constexpr const char* kNames[] = {"fp32", "bf16", "fp16"};
  return kNames[static_cast<int>(format)];
}

int NumberFormatBytes(NumberFormat format) { return format == NumberFormat::kFloat32 ? 4 : 2; }

std::vector<std::byte> Encode(std::span<const float> values, NumberFormat format) {
  const auto width = static_cast<size_t>(NumberFormatBytes(format));
  std::vector<std::byte> bytes(values.size() * width);
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t code = std::bit_cast<uint32_t>(values[i]);
    if (format == NumberFormat::kBFloat16) code = ToBFloat16(values[i]).bits;
    if (format == NumberFormat::kFloat16) code = ToHalf(values[i]).bits;
    for (size_t b = 0; b < width; ++b) bytes[i * width + b] = static_cast<std::byte>(code >> (8 * b));
  }
  return bytes;
}

std::vector<std::byte> RandomBytes(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; i += 8) {
    const uint64_t bits = random.Bits();
    std::memcpy(bytes.data() + i, &bits, std::min<size_t>(8, count - i));
  }
  return bytes;
}

}  // namespace workbench
