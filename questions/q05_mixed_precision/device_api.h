// Q5 Mixed precision: the parts on device memory (A, B, D, E, F, G).
//
// For all of them: pointers are device pointers unless said otherwise, aligned to their element's size and no more.
// A call only enqueues on `stream`: no synchronisation, no allocation (G excepted), capturable into a CUDA graph and
// replayable. Nothing outside of an output is written, inputs are left as they are. Counts may be 0 (pointers may then
// be null) and may exceed 2^31. Returns the first CUDA error of the launch, cudaErrorInvalidValue for an unknown enum
// or a combination that is not listed.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_DEVICE_API_H_
#define QUESTIONS_Q05_MIXED_PRECISION_DEVICE_API_H_

#include <cuda_runtime_api.h>

#include "questions/q05_mixed_precision/api.h"

namespace q05 {

// ---------------------------------------------------------------------------------------------------- Part A

enum class Rounding : int32_t { kNearestEven = 0, kStochastic = 1 };
// What becomes of a value that is too large after rounding, and of an infinity:
//   kInfinity  an infinity; in E4M3, which has none, NaN
//   kSaturate  the largest finite value with the same sign
// A NaN becomes a NaN in either case.
enum class Overflow : int32_t { kInfinity = 0, kSaturate = 1 };

// out[i] = in[i] in the other format. From kFloat32 to any of the four others, and from any of them to kFloat32 (exact;
// `rounding`, `overflow` and `seed` do not matter). Subnormals are kept, zeros keep their sign, a NaN's payload and
// sign may change. in and out do not overlap.
// kStochastic, to kBFloat16 only: a value between two neighbours becomes the upper one with a probability that is its
// distance from the lower over theirs (to within 2^-16), else the lower; the draws are independent between elements
// and between seeds, and a function of (seed, index, bits of the value) alone. A value above the largest finite one is
// treated as if the next one (2^128) were a neighbour, and `overflow` then applies.
extern "C" cudaError_t q05_convert(const void* in, q05::Format from, void* out, q05::Format to, size_t count,
                                   q05::Rounding rounding, q05::Overflow overflow, uint64_t seed, cudaStream_t stream);

// ---------------------------------------------------------------------------------------------------- Part B

struct TensorView {
  void* data;
  size_t count;  // may be 0
};

// How a rank reaches the others: enqueues on `stream` an in-place maximum over all ranks of one float in device memory.
// Given by the judge. Every rank has to call it equally often.
struct RankMax {
  void* state;
  cudaError_t (*enqueue)(void* state, float* value, cudaStream_t stream);  // nullptr: there is one rank
};

// Scratch for q05_unscale over these tensors. `counts` is in host memory.
extern "C" size_t q05_unscale_workspace_bytes(const size_t* counts, int32_t tensors);

// For every element x of every tensor, in one pass over memory: x becomes x * inverse_scale (the product in fp32,
// rounded once to `format` to nearest even, in place); found_inf becomes 1 if any x was infinite or NaN, or if
// *found_inf was not 0 before, or if another rank found one; norm becomes the square root of the sum of (x *
// inverse_scale)^2 over all elements of this rank's tensors, before the rounding, within 2^-20 relative, and must not
// overflow or underflow on the way when the result itself does not. With found_inf 1 the norm and the tensors may hold
// anything non-finite where x was, and the other elements are unscaled all the same.
//   tensors        host memory; it may be reused as soon as the call returns (a captured graph has its own copy)
//   format         kFloat32, kFloat16 or kBFloat16, of all tensors; they do not overlap
//   inverse_scale  one float on the device, read when the kernel runs
//   found_inf      one float on the device, 0 or 1
//   norm           one float on the device
//   workspace      q05_unscale_workspace_bytes, 256-byte aligned, contents arbitrary
// The same inputs give the same bits of norm in every run.
extern "C" cudaError_t q05_unscale(const q05::TensorView* tensors, int32_t count, q05::Format format,
                                   const float* inverse_scale, float* found_inf, float* norm, const q05::RankMax& ranks,
                                   void* workspace, cudaStream_t stream);

// ---------------------------------------------------------------------------------------------------- Part D

struct AdamTensor {
  const void* gradient;  // of gradient_format, still multiplied by the scale unless inverse_scale is null
  float* master;         // the weights
  float* first_moment;
  float* second_moment;
  void* copy;  // of copy_format; the new weights rounded to nearest even. nullptr: none is wanted
  size_t count;
};

struct AdamConfig {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  int32_t decoupled = 1;  // 1: AdamW (Loshchilov, Hutter 2019), w -= lr wd w. 0: Adam with L2, g += wd w
  Format gradient_format = Format::kBFloat16;  // kFloat32, kFloat16, kBFloat16
  Format copy_format = Format::kBFloat16;      // kFloat16, kBFloat16
};

extern "C" size_t q05_adam_workspace_bytes(const size_t* counts, int32_t tensors);

// One step of Adam (Kingma, Ba 2015) or AdamW over all tensors. If *found_inf is not 0 when the kernel runs, nothing at
// all is changed. Otherwise *step is incremented to t, and with g the unscaled gradient in fp32:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
//   w = w - lr wd w (decoupled);  w = w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
// all in fp32 but for the bias corrections, which are right to 1 ulp of fp32 for t up to 10^6. A result may differ from
// the one in double by 4 ulp of its largest term.
//   tensors        host memory, reusable when the call returns
//   found_inf      one float on the device; step: one on the device; both read when the kernel runs
//   inverse_scale  one float on the device, or nullptr: the gradients are unscaled already
extern "C" cudaError_t q05_adam(const q05::AdamTensor* tensors, int32_t count, const q05::AdamConfig& config,
                                const float* inverse_scale, const float* found_inf, int64_t* step, void* workspace,
                                cudaStream_t stream);

// out[0] = 1 - beta1^t, out[1] = 1 - beta2^t for t = *step, as q05_adam has them.
extern "C" cudaError_t q05_adam_bias_corrections(const int64_t* step, double beta1, double beta2, float* out,
                                                 cudaStream_t stream);

// ---------------------------------------------------------------------------------------------------- Part E

enum class Layout : int32_t { kRowMajor = 0, kColumnMajor = 1 };
enum class Epilogue : int32_t { kNone = 0, kBias = 1, kBiasGelu = 2 };

// D = epilogue(alpha A B + beta C): A is m x k, B is k x n, C and D are m x n. A, B, C, D and the bias are bf16;
// products are exact, sums in fp32 (a sum of K terms may be off by K 2^-24 of the sum of magnitudes, whatever the
// order), one rounding to bf16 at the end.
struct Gemm {
  int64_t m, n, k;             // each may be 0; k = 0 leaves epilogue(beta C)
  const void *a, *b, *c;       // c is not read when beta is 0 (it may be null, or hold NaNs)
  void* d;                     // row-major; may be the same as c, overlaps nothing else
  int64_t lda, ldb, ldc, ldd;  // elements from row to row (row-major) or column to column; any that are large enough
  Layout a_layout, b_layout;   // C and D are row-major
  float alpha, beta;
  const void* bias;  // n elements, added to every row; read only where the epilogue says so
  // kBiasGelu: y = x/2 (1 + erf(x / sqrt 2)) of x = alpha A B + beta C + bias, in fp32
  Epilogue epilogue;
};

extern "C" size_t q05_gemm_workspace_bytes(const q05::Gemm& gemm);
extern "C" cudaError_t q05_gemm(const q05::Gemm& gemm, void* workspace, cudaStream_t stream);

// ---------------------------------------------------------------------------------------------------- Part F
//
// Rows of `hidden` elements, contiguous. x, y, gamma, beta and the gradients that belong to them are of `format`
// (kFloat16 or kBFloat16); everything inside is fp32, and a result is rounded once. hidden from 1 to 65536.

struct NormShape {
  int64_t rows;
  int64_t hidden;
  Format format;
  float epsilon;
};

// LayerNorm (Ba, Kiros, Hinton 2016): y = (x - mean) rstd gamma + beta; rstd = 1 / sqrt(var + eps), var the mean of
// (x - mean)^2. mean and rstd: rows floats, for the backward pass.
extern "C" cudaError_t q05_layer_norm(const q05::NormShape& shape, const void* x, const void* gamma, const void* beta,
                                      void* y, float* mean, float* rstd, cudaStream_t stream);
// dx of `format`; dgamma and dbeta: hidden floats, sums over the rows, the same bits in every run.
extern "C" cudaError_t q05_layer_norm_backward(const q05::NormShape& shape, const void* dy, const void* x,
                                               const void* gamma, const float* mean, const float* rstd, void* dx,
                                               float* dgamma, float* dbeta, void* workspace, cudaStream_t stream);
// RMSNorm (Zhang, Sennrich 2019): y = x rrms gamma; rrms = 1 / sqrt(mean of x^2 + eps).
extern "C" cudaError_t q05_rms_norm(const q05::NormShape& shape, const void* x, const void* gamma, void* y, float* rrms,
                                    cudaStream_t stream);
extern "C" cudaError_t q05_rms_norm_backward(const q05::NormShape& shape, const void* dy, const void* x,
                                             const void* gamma, const float* rrms, void* dx, float* dgamma,
                                             void* workspace, cudaStream_t stream);
// For both backward passes.
extern "C" size_t q05_norm_workspace_bytes(const q05::NormShape& shape);

// y = exp(x - max) / sum, by rows; elements of -infinity are masked (0), a row of nothing else is all 0. `epsilon` is
// not used. dx = y (dy - sum(dy y)).
extern "C" cudaError_t q05_softmax(const q05::NormShape& shape, const void* x, void* y, cudaStream_t stream);
extern "C" cudaError_t q05_softmax_backward(const q05::NormShape& shape, const void* dy, const void* y, void* dx,
                                            cudaStream_t stream);

// ---------------------------------------------------------------------------------------------------- Part G

// kFloat32     everything in fp32
// kBf16        weights, activations and gradients bf16, updates into fp32 master weights
// kBf16NoMaster  the same, the update added to the bf16 weights and rounded to nearest
// kFp16Scaled  fp16 with dynamic loss scaling and fp32 master weights: the recipe
// kFp16NoScaling  the same with the scale at 1
// kFp16NoMaster   scaled, the update added to the fp16 weights
//
// In the 16-bit recipes x, W1, b1, W2 and b2 where they are multiplied or added, relu(W1 x + b1), the gradients of the
// logits and of the hidden activations, and those of W1, b1, W2 and b2 are numbers of the format, each rounded once, to
// nearest even, subnormals kept. Everything else is fp32: sums of products, logits, softmax, loss, master weights, the
// update.
// The scale is 2^16 at first, is doubled after 20 steps without overflow in a row and halved by a step with (PyTorch's
// rule). In every recipe a step in which a gradient of W1, b1, W2 or b2 is infinite or NaN is skipped: no weight
// changes.
enum class Recipe : int32_t {
  kFloat32 = 0,
  kBf16 = 1,
  kBf16NoMaster = 2,
  kFp16Scaled = 3,
  kFp16NoScaling = 4,
  kFp16NoMaster = 5
};

// A classifier of two layers: logits = W2 relu(W1 x + b1) + b2, softmax cross-entropy, mean over the batch, plain SGD.
struct TrainTask {
  int32_t inputs, hidden, classes, batch, steps;
  const float* x;                  // [steps * batch][inputs]: step s takes rows s * batch and on
  const int32_t* labels;           // [steps * batch]
  const float *w1, *b1, *w2, *b2;  // first values: [hidden][inputs], [hidden], [classes][hidden], [classes]
  float learning_rate;
  // A power of two. The loss that is differentiated is multiplied by it (as a mean over more samples would be), the
  // learning rate is divided by it: an update is (learning_rate / loss_multiplier) * (gradient / scale).
  float loss_multiplier;
};

struct TrainOutcome {
  float* loss;               // [steps], unmultiplied, before each step
  float *w1, *b1, *w2, *b2;  // the last weights (the master's where there is one), as fp32
  // [3], on the device: over all steps, skipped ones too, the elements of the gradient of W1; those of them that are
  // exactly 0 in the recipe's format; the steps that were skipped.
  int64_t* gradients;
};

// Trains on the current device and returns when done. All pointers are device pointers. May allocate, and frees it.
// cudaErrorInvalidValue for an unknown recipe.
extern "C" cudaError_t q05_train(q05::Recipe recipe, const q05::TrainTask& task, const q05::TrainOutcome& outcome);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_DEVICE_API_H_
