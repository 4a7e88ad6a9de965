// Odd but right: one block that trains from the first step to the last, with barriers between the layers; sums in
// double and from the last sample to the first.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "questions/q05_mixed_precision/device_api.h"

using q05::Recipe;
using q05::TrainOutcome;
using q05::TrainTask;

namespace {

constexpr int kThreads = 256;
enum Stored { kFloat, kHalf, kBrain };

struct Job {
  TrainTask task;
  TrainOutcome outcome;
  Stored stored;
  bool master, scaled;
  float *h, *dh, *p, *gradient, *working;  // gradient and working: of W1, b1, W2, b2, one behind the other
};

__device__ float Round(Stored stored, float value) {
  if (stored == kHalf) return __half2float(__float2half_rn(value));
  if (stored == kBrain) return __bfloat162float(__float2bfloat16_rn(value));
  return value;
}

__global__ void __launch_bounds__(kThreads) TrainAll(Job job) {
  __shared__ float scale;
  __shared__ int tracker, overflow;
  __shared__ unsigned long long zeros, skipped;
  const TrainTask& task = job.task;
  const int t = threadIdx.x, inputs = task.inputs, hidden = task.hidden, classes = task.classes, batch = task.batch;
  const int n1 = hidden * inputs, n2 = n1 + hidden, n3 = n2 + classes * hidden, n4 = n3 + classes;
  const auto weight = [&](int i) {
    return i < n1   ? job.outcome.w1 + i
           : i < n2 ? job.outcome.b1 + (i - n1)
           : i < n3 ? job.outcome.w2 + (i - n2)
                    : job.outcome.b2 + (i - n3);
  };
  if (t == 0) {
    scale = job.scaled ? 65536.0f : 1.0f;
    tracker = overflow = 0;
    zeros = skipped = 0;
  }
  for (int i = t; i < n4; i += kThreads) {
    *weight(i) = i < n1 ? task.w1[i] : i < n2 ? task.b1[i - n1] : i < n3 ? task.w2[i - n2] : task.b2[i - n3];
    job.working[i] = Round(job.stored, *weight(i));
  }
  __syncthreads();
  const float *w1 = job.working, *b1 = w1 + n1, *w2 = w1 + n2, *b2 = w1 + n3;
  for (int step = 0; step < task.steps; ++step) {
    const float* x = task.x + static_cast<size_t>(step) * batch * inputs;
    const int* labels = task.labels + static_cast<size_t>(step) * batch;
    for (int i = t; i < batch * hidden; i += kThreads) {
      double sum = 0;
      for (int k = inputs; k-- > 0;) {
        sum += double(w1[i % hidden * inputs + k]) * Round(job.stored, x[i / hidden * inputs + k]);
      }
      job.h[i] = Round(job.stored, fmaxf(0, static_cast<float>(sum + b1[i % hidden])));
    }
    __syncthreads();
    for (int n = t; n < batch; n += kThreads) {
      float* row = job.p + n * classes;
      float largest = -INFINITY;
      for (int c = 0; c < classes; ++c) {
        double sum = 0;
        for (int j = hidden; j-- > 0;) sum += double(w2[c * hidden + j]) * job.h[n * hidden + j];
        row[c] = static_cast<float>(sum + b2[c]);
        largest = fmaxf(largest, row[c]);
      }
      const float of_label = row[labels[n]] - largest;
      float total = 0;
      for (int c = 0; c < classes; ++c) total += row[c] = expf(row[c] - largest);
      for (int c = 0; c < classes; ++c) {
        const float error = row[c] / total - (c == labels[n]);
        row[c] = Round(job.stored, error * (scale * task.loss_multiplier) / batch);
      }
      job.dh[n * hidden] = logf(total) - of_label;  // until the loss has been summed
    }
    __syncthreads();
    if (t == 0) {
      double sum = 0;
      for (int n = batch; n-- > 0;) sum += job.dh[n * hidden];
      job.outcome.loss[step] = static_cast<float>(sum / batch);
    }
    __syncthreads();
    for (int i = t; i < batch * hidden; i += kThreads) {
      double sum = 0;
      for (int c = classes; c-- > 0;) sum += double(w2[c * hidden + i % hidden]) * job.p[i / hidden * classes + c];
      job.dh[i] = job.h[i] > 0 ? Round(job.stored, static_cast<float>(sum)) : 0;
    }
    __syncthreads();
    for (int i = t; i < n4; i += kThreads) {
      double sum = 0;
      for (int n = batch; n-- > 0;) {
        const float error = i < n1   ? job.dh[n * hidden + i / inputs]
                            : i < n2 ? job.dh[n * hidden + i - n1]
                            : i < n3 ? job.p[n * classes + (i - n2) / hidden]
                                     : job.p[n * classes + i - n3];
        const float input = i < n1              ? Round(job.stored, x[n * inputs + i % inputs])
                            : i >= n2 && i < n3 ? job.h[n * hidden + (i - n2) % hidden]
                                                : 1;
        sum += double(error) * input;
      }
      job.gradient[i] = Round(job.stored, static_cast<float>(sum));
      if (!(fabsf(job.gradient[i]) < INFINITY)) atomicOr(&overflow, 1);
      if (i < n1 && job.gradient[i] == 0) atomicAdd(&zeros, 1ull);
    }
    __syncthreads();
    for (int i = t; i < n4 && !overflow; i += kThreads) {
      float* master = weight(i);
      *master -= task.learning_rate / task.loss_multiplier * (job.gradient[i] / scale);
      if (!job.master) *master = Round(job.stored, *master);
      job.working[i] = Round(job.stored, *master);
    }
    __syncthreads();
    if (t == 0) {
      skipped += overflow;
      tracker = overflow ? 0 : tracker + 1;
      if (job.scaled && overflow) scale *= 0.5f;
      if (job.scaled && tracker == 20) scale *= 2;
      if (tracker == 20) tracker = 0;
      overflow = 0;
    }
    __syncthreads();
  }
  if (t == 0) {
    job.outcome.gradients[0] = static_cast<int64_t>(n1) * task.steps;
    job.outcome.gradients[1] = static_cast<int64_t>(zeros);
    job.outcome.gradients[2] = static_cast<int64_t>(skipped);
  }
}

}  // namespace

extern "C" cudaError_t q05_train(Recipe recipe, const TrainTask& task, const TrainOutcome& outcome) {
  const int number = static_cast<int>(recipe);
  if (number < 0 || number > 5) return cudaErrorInvalidValue;
  Job job = {task, outcome, number == 0 ? kFloat : number <= 2 ? kBrain : kHalf};
  job.master = recipe != Recipe::kBf16NoMaster && recipe != Recipe::kFp16NoMaster;
  job.scaled = recipe == Recipe::kFp16Scaled || recipe == Recipe::kFp16NoMaster;
  const size_t weights = static_cast<size_t>(task.hidden + task.classes) * (task.inputs + task.hidden + 2);
  const size_t layer = static_cast<size_t>(task.batch) * task.hidden;
  float* memory = nullptr;
  const size_t floats = 2 * layer + static_cast<size_t>(task.batch) * task.classes + 2 * weights;
  cudaError_t error = cudaMalloc(reinterpret_cast<void**>(&memory), floats * sizeof(float));
  if (error != cudaSuccess) return error;
  job.h = memory;
  job.dh = job.h + layer;
  job.gradient = job.dh + layer;
  job.working = job.gradient + weights;
  job.p = job.working + weights;
  TrainAll<<<1, kThreads>>>(job);
  error = cudaGetLastError();
  const cudaError_t done = cudaDeviceSynchronize();
  cudaFree(memory);
  return error != cudaSuccess ? error : done;
}
