// Q5 part G, reference: one thread an output, one launch an operation, everything in stream order. The number format is
// a template parameter; where the updates go and whether the loss is scaled are what distinguishes the recipes beyond
// it.
//
// T is what the recipe stores: weights, activations, gradients. Sums, softmax, loss and master weights are float.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>

#include "questions/q05_mixed_precision/device_api.h"

using q05::Recipe;
using q05::TrainOutcome;
using q05::TrainTask;

namespace {

constexpr int kThreads = 128;
constexpr float kFirstScale = 65536;
constexpr int kGrowthInterval = 20;

__device__ float Load(float value) { return value; }
__device__ float Load(__half value) { return __half2float(value); }
__device__ float Load(__nv_bfloat16 value) { return __bfloat162float(value); }

__device__ void Store(float* to, float value) { *to = value; }
__device__ void Store(__half* to, float value) { *to = __float2half_rn(value); }
__device__ void Store(__nv_bfloat16* to, float value) { *to = __float2bfloat16_rn(value); }

// The value that a T would have.
template <typename T>
__device__ float Rounded(float value) {
  T stored;
  Store(&stored, value);
  return Load(stored);
}

struct Shape {
  int inputs, hidden, classes, batch;
};

// What the steps share on the device.
struct Progress {
  float scale;
  int tracker;   // steps since the last overflow or growth
  int overflow;  // in this step
  unsigned long long zeros;
  unsigned long long skipped;
};

// A weight matrix or a bias: `master` is nullptr where the updates go into `weight` itself.
template <typename T>
struct Parameter {
  T* weight;
  T* gradient;
  float* master;
  size_t count;
};

__device__ size_t ThreadIndex() { return size_t{blockIdx.x} * blockDim.x + threadIdx.x; }

__global__ void Begin(Progress* progress, float scale) { *progress = {scale, 0, 0, 0, 0}; }

template <typename T>
__global__ void SetWeights(Parameter<T> parameter, const float* values) {
  const size_t i = ThreadIndex();
  if (i >= parameter.count) return;
  Store(&parameter.weight[i], values[i]);
  if (parameter.master != nullptr) parameter.master[i] = values[i];
}

// h = relu(W1 x + b1).
template <typename T>
__global__ void Hidden(Shape shape, const float* x, const T* w1, const T* b1, T* h) {
  const size_t i = ThreadIndex();
  if (i >= size_t(shape.batch) * shape.hidden) return;
  const size_t n = i / shape.hidden, j = i % shape.hidden;
  float sum = Load(b1[j]);
  for (int k = 0; k < shape.inputs; ++k) {
    sum += Load(w1[j * shape.inputs + k]) * Rounded<T>(x[n * shape.inputs + k]);
  }
  Store(&h[i], sum > 0 ? sum : 0);
}

template <typename T>
__global__ void Logits(Shape shape, const T* h, const T* w2, const T* b2, float* logits) {
  const size_t i = ThreadIndex();
  if (i >= size_t(shape.batch) * shape.classes) return;
  const size_t n = i / shape.classes, c = i % shape.classes;
  float sum = Load(b2[c]);
  for (int j = 0; j < shape.hidden; ++j) sum += Load(w2[c * shape.hidden + j]) * Load(h[n * shape.hidden + j]);
  logits[i] = sum;
}

// A thread a sample: its loss, and the gradient of the scaled loss by its logits. The factors go in before the rounding
// to T: that is what scaling is for.
template <typename T>
__global__ void Softmax(Shape shape, const float* logits, const int32_t* labels, float multiplier,
                        const Progress* progress, float* sample_loss, T* dlogits) {
  const size_t n = ThreadIndex();
  if (n >= size_t(shape.batch)) return;
  const float* row = logits + n * shape.classes;
  float largest = row[0];
  for (int c = 1; c < shape.classes; ++c) largest = fmaxf(largest, row[c]);
  float total = 0;
  for (int c = 0; c < shape.classes; ++c) total += expf(row[c] - largest);
  sample_loss[n] = logf(total) + largest - row[labels[n]];
  const float factor = multiplier * progress->scale / shape.batch;
  for (int c = 0; c < shape.classes; ++c) {
    const float error = expf(row[c] - largest) / total - (c == labels[n] ? 1.0f : 0.0f);
    Store(&dlogits[n * shape.classes + c], error * factor);
  }
}

// One thread: a sum in a fixed order.
__global__ void MeanLoss(int batch, const float* sample_loss, float* loss) {
  float sum = 0;
  for (int n = 0; n < batch; ++n) sum += sample_loss[n];
  *loss = sum / batch;
}

template <typename T>
__global__ void HiddenGradient(Shape shape, const T* dlogits, const T* w2, const T* h, T* dh) {
  const size_t i = ThreadIndex();
  if (i >= size_t(shape.batch) * shape.hidden) return;
  const size_t n = i / shape.hidden, j = i % shape.hidden;
  float sum = 0;
  for (int c = 0; c < shape.classes; ++c) {
    sum += Load(dlogits[n * shape.classes + c]) * Load(w2[c * shape.hidden + j]);
  }
  Store(&dh[i], Load(h[i]) > 0 ? sum : 0);
}

// gradient[r][c] = sum over the samples of a[n][r] b[n][c]; columns = 0: of a[n][r], a bias. B is T, or float for the
// features, which are rounded on the way.
template <typename T, typename B>
__global__ void Gradient(int batch, int rows, int columns, const T* a, const B* b, Parameter<T> parameter,
                         Progress* progress, bool count_zeros) {
  const size_t i = ThreadIndex();
  if (i >= parameter.count) return;
  const size_t r = columns > 0 ? i / columns : i, c = columns > 0 ? i % columns : 0;
  float sum = 0;
  for (int n = 0; n < batch; ++n) {
    sum += Load(a[size_t(n) * rows + r]) * (columns > 0 ? Rounded<T>(Load(b[size_t(n) * columns + c])) : 1.0f);
  }
  Store(&parameter.gradient[i], sum);
  const float stored = Load(parameter.gradient[i]);
  if (!isfinite(stored)) atomicExch(&progress->overflow, 1);
  if (count_zeros && stored == 0) atomicAdd(&progress->zeros, 1ull);
}

template <typename T>
__global__ void Update(Parameter<T> parameter, float rate, const Progress* progress) {
  const size_t i = ThreadIndex();
  if (i >= parameter.count || progress->overflow) return;
  const float change = rate * (Load(parameter.gradient[i]) / progress->scale);
  if (parameter.master == nullptr) {
    Store(&parameter.weight[i], Load(parameter.weight[i]) - change);
  } else {
    parameter.master[i] -= change;
    Store(&parameter.weight[i], parameter.master[i]);
  }
}

// The end of a step: the skipped are counted, the scale follows PyTorch's rule.
__global__ void EndStep(Progress* progress, bool dynamic) {
  const bool overflow = progress->overflow != 0;
  progress->overflow = 0;
  if (overflow) ++progress->skipped;
  if (!dynamic) return;
  progress->tracker = overflow ? 0 : progress->tracker + 1;
  if (overflow) progress->scale /= 2;
  if (progress->tracker < kGrowthInterval) return;
  progress->scale *= 2;
  progress->tracker = 0;
}

template <typename T>
__global__ void GetWeights(Parameter<T> parameter, float* values) {
  const size_t i = ThreadIndex();
  if (i >= parameter.count) return;
  values[i] = parameter.master != nullptr ? parameter.master[i] : Load(parameter.weight[i]);
}

__global__ void GetCounts(const Progress* progress, int64_t gradients, int64_t* counts) {
  counts[0] = gradients;
  counts[1] = static_cast<int64_t>(progress->zeros);
  counts[2] = static_cast<int64_t>(progress->skipped);
}

// Device memory in pieces, freed together.
class Arena {
 public:
  ~Arena() {
    for (int i = 0; i < pieces_; ++i) cudaFree(piece_[i]);
  }
  template <typename T>
  T* Make(size_t count) {
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, count * sizeof(T) + 1);
    if (error_ == cudaSuccess) error_ = error;
    if (error == cudaSuccess) piece_[pieces_++] = memory;
    return static_cast<T*>(memory);
  }
  cudaError_t error() const { return error_; }

 private:
  void* piece_[20];
  int pieces_ = 0;
  cudaError_t error_ = cudaSuccess;
};

unsigned Blocks(size_t threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

template <typename T>
Parameter<T> MakeParameter(Arena* arena, size_t count, bool master) {
  return {arena->Make<T>(count), arena->Make<T>(count), master ? arena->Make<float>(count) : nullptr, count};
}

template <typename T>
cudaError_t Train(const TrainTask& task, const TrainOutcome& outcome, bool has_master, bool scaled) {
  const Shape shape = {task.inputs, task.hidden, task.classes, task.batch};
  const size_t inputs = task.inputs, hidden = task.hidden, classes = task.classes, batch = task.batch;
  Arena arena;
  Progress* progress = arena.Make<Progress>(1);
  const Parameter<T> w1 = MakeParameter<T>(&arena, hidden * inputs, has_master);
  const Parameter<T> b1 = MakeParameter<T>(&arena, hidden, has_master);
  const Parameter<T> w2 = MakeParameter<T>(&arena, classes * hidden, has_master);
  const Parameter<T> b2 = MakeParameter<T>(&arena, classes, has_master);
  T* h = arena.Make<T>(batch * hidden);
  T* dh = arena.Make<T>(batch * hidden);
  float* logits = arena.Make<float>(batch * classes);
  T* dlogits = arena.Make<T>(batch * classes);
  float* sample_loss = arena.Make<float>(batch);
  if (arena.error() != cudaSuccess) return arena.error();

  Begin<<<1, 1>>>(progress, scaled ? kFirstScale : 1.0f);
  SetWeights<<<Blocks(w1.count), kThreads>>>(w1, task.w1);
  SetWeights<<<Blocks(b1.count), kThreads>>>(b1, task.b1);
  SetWeights<<<Blocks(w2.count), kThreads>>>(w2, task.w2);
  SetWeights<<<Blocks(b2.count), kThreads>>>(b2, task.b2);
  const float rate = task.learning_rate / task.loss_multiplier;
  for (int step = 0; step < task.steps; ++step) {
    const float* x = task.x + size_t(step) * batch * inputs;
    const int32_t* labels = task.labels + size_t(step) * batch;
    Hidden<<<Blocks(batch * hidden), kThreads>>>(shape, x, w1.weight, b1.weight, h);
    Logits<<<Blocks(batch * classes), kThreads>>>(shape, h, w2.weight, b2.weight, logits);
    Softmax<<<Blocks(batch), kThreads>>>(shape, logits, labels, task.loss_multiplier, progress, sample_loss, dlogits);
    MeanLoss<<<1, 1>>>(task.batch, sample_loss, outcome.loss + step);
    HiddenGradient<<<Blocks(batch * hidden), kThreads>>>(shape, dlogits, w2.weight, h, dh);

    Gradient<<<Blocks(w1.count), kThreads>>>(task.batch, task.hidden, task.inputs, dh, x, w1, progress, true);
    Gradient<<<Blocks(b1.count), kThreads>>>(task.batch, task.hidden, 0, dh, x, b1, progress, false);
    Gradient<<<Blocks(w2.count), kThreads>>>(task.batch, task.classes, task.hidden, dlogits, h, w2, progress, false);
    Gradient<<<Blocks(b2.count), kThreads>>>(task.batch, task.classes, 0, dlogits, h, b2, progress, false);

    Update<<<Blocks(w1.count), kThreads>>>(w1, rate, progress);
    Update<<<Blocks(b1.count), kThreads>>>(b1, rate, progress);
    Update<<<Blocks(w2.count), kThreads>>>(w2, rate, progress);
    Update<<<Blocks(b2.count), kThreads>>>(b2, rate, progress);
    EndStep<<<1, 1>>>(progress, scaled);
  }
  GetWeights<<<Blocks(w1.count), kThreads>>>(w1, outcome.w1);
  GetWeights<<<Blocks(b1.count), kThreads>>>(b1, outcome.b1);
  GetWeights<<<Blocks(w2.count), kThreads>>>(w2, outcome.w2);
  GetWeights<<<Blocks(b2.count), kThreads>>>(b2, outcome.b2);
  GetCounts<<<1, 1>>>(progress, static_cast<int64_t>(w1.count) * task.steps, outcome.gradients);
  const cudaError_t launched = cudaGetLastError();
  const cudaError_t done = cudaDeviceSynchronize();
  return launched != cudaSuccess ? launched : done;
}

}  // namespace

extern "C" cudaError_t q05_train(Recipe recipe, const TrainTask& task, const TrainOutcome& outcome) {
  switch (recipe) {
    case Recipe::kFloat32:
      return Train<float>(task, outcome, false, false);
    case Recipe::kBf16:
      return Train<__nv_bfloat16>(task, outcome, true, false);
    case Recipe::kBf16NoMaster:
      return Train<__nv_bfloat16>(task, outcome, false, false);
    case Recipe::kFp16Scaled:
      return Train<__half>(task, outcome, true, true);
    case Recipe::kFp16NoScaling:
      return Train<__half>(task, outcome, true, false);
    case Recipe::kFp16NoMaster:
      return Train<__half>(task, outcome, false, true);
  }
  return cudaErrorInvalidValue;
}
