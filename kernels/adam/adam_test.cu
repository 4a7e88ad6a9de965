#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/adam/adam.cuh"
#include "kernels/testing/device_array.h"
#include "kernels/testing/formats.h"

namespace kernels {
namespace {

template <typename T>
constexpr FormatFields FieldsOf() {
  return std::is_same_v<T, __half> ? kBinary16 : kBrain16;
}

template <typename T>
double ToDouble(T x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    uint16_t code;
    std::memcpy(&code, &x, sizeof code);
    return ValueOf(FieldsOf<T>(), code);
  }
}

double Ulp(double x) { return std::ldexp(1.0, std::max(x == 0 ? -126 : std::ilogb(x), -126) - 23); }

template <typename G, typename C>
class Tensors {
 public:
  // Tensor t is t % 4 elements off alignment; every fifth has a gradient that is not aligned like the rest.
  explicit Tensors(const std::vector<size_t>& counts) : counts_(counts) {
    Sequence sequence(3);
    for (size_t count : counts) {
      const size_t t = tensors_.size(), offset = t % 4;
      std::vector<G> g(count);
      std::vector<float> w(count), m(count), v(count);
      for (size_t i = 0; i < count; ++i) {
        g[i] = static_cast<G>(sequence.Uniform());
        w[i] = sequence.Uniform();
        m[i] = 0.1f * sequence.Uniform();
        v[i] = std::abs(sequence.Uniform()) * 0.01f;
      }
      tensors_.push_back(std::make_unique<Tensor>(g, w, m, v, offset, t % 5 == 4 ? offset + 1 : offset));
    }
  }
  void Step(const AdamParameters& p, float inverse_scale, float found_inf, int64_t* step) {
    DeviceArray<float> scale(std::vector<float>{inverse_scale}), found(std::vector<float>{found_inf});
    DeviceArray<int64_t> counter(std::vector<int64_t>{*step});
    const auto count = static_cast<int32_t>(counts_.size());
    DeviceArray<char> workspace(AdamWorkspaceBytes(counts_.data(), count));
    const auto at = [&](int32_t t) {
      Tensor& x = *tensors_[t];
      return AdamTensor{x.g.data(), x.w.data(), x.m.data(), x.v.data(), t % 7 == 6 ? nullptr : x.copy.data(),
                        counts_[t]};
    };
    ASSERT_EQ((Adam<G, C>(count, at, p, inverse_scale == 1 ? nullptr : scale.data(), found.data(), counter.data(),
                          workspace.data(), nullptr)),
              cudaSuccess);
    *step = counter.Read()[0];
    workspace.Read();
  }
  struct State {
    std::vector<G> g;
    std::vector<float> w, m, v;
    std::vector<C> copy;
  };
  State Read(size_t t) {
    Tensor& x = *tensors_[t];
    return {x.g.Read(), x.w.Read(), x.m.Read(), x.v.Read(), x.copy.Read()};
  }

 private:
  struct Tensor {
    Tensor(const std::vector<G>& g, const std::vector<float>& w, const std::vector<float>& m,
           const std::vector<float>& v, size_t offset, size_t gradient_offset)
        : g(g, gradient_offset), w(w, offset), m(m, offset), v(v, offset), copy(g.size(), offset) {}
    DeviceArray<G> g;
    DeviceArray<float> w, m, v;
    DeviceArray<C> copy;
  };
  std::vector<size_t> counts_;
  std::vector<std::unique_ptr<Tensor>> tensors_;
};

template <typename Pair>
class AdamTest : public testing::Test {};
template <typename G_, typename C_>
struct Types {
  using G = G_;
  using C = C_;
};
using Pairs = testing::Types<Types<__nv_bfloat16, __nv_bfloat16>, Types<__half, __half>, Types<float, __nv_bfloat16>>;
TYPED_TEST_SUITE(AdamTest, Pairs);

const std::vector<size_t> kCounts = {0, 1, 3, 4, 5, 1023, 4096, 0, 8191, 8193, 2, 33000, 6, 7, 100};

TYPED_TEST(AdamTest, OneStepAgainstDouble) {
  using G = typename TypeParam::G;
  using C = typename TypeParam::C;
  for (const bool decoupled : {true, false}) {
    for (const float inverse_scale : {1.0f, 0.125f}) {
      const AdamParameters p = {0.01, 0.9, 0.99, 1e-8, 0.1, decoupled};
      Tensors<G, C> tensors(kCounts), untouched(kCounts);
      int64_t step = 4;
      tensors.Step(p, inverse_scale, 0, &step);
      ASSERT_EQ(step, 5);
      const double correction1 = 1 - std::pow(p.beta1, 5), correction2 = 1 - std::pow(p.beta2, 5);
      for (size_t t = 0; t < kCounts.size(); ++t) {
        const auto old = untouched.Read(t), now = tensors.Read(t);
        for (size_t i = 0; i < kCounts[t]; ++i) {
          const double w = old.w[i], unscaled = ToDouble(old.g[i]) * inverse_scale;
          const double g = unscaled + (decoupled ? 0 : p.weight_decay * w);
          const double m = p.beta1 * old.m[i] + (1 - p.beta1) * g, v = p.beta2 * old.v[i] + (1 - p.beta2) * g * g;
          const double ratio = p.learning_rate / correction1 / (std::sqrt(v / correction2) + p.epsilon);
          const double decay = decoupled ? p.learning_rate * p.weight_decay * w : 0;
          // The largest of what is added up, on the way to the result.
          const double g_term = std::max({std::abs(unscaled), std::abs(g - unscaled), std::abs(g)});
          const double m_term = std::max({std::abs(p.beta1 * old.m[i]), (1 - p.beta1) * g_term, std::abs(m)});
          const double v_term = std::max((1 - p.beta2) * g_term * g_term, v);
          const double w_term = std::max({std::abs(w), std::abs(decay), m_term * ratio});
          ASSERT_NEAR(now.m[i], m, Ulp(m_term)) << t << ", " << i;
          ASSERT_NEAR(now.v[i], v, Ulp(v_term)) << t << ", " << i;
          ASSERT_NEAR(now.w[i], w - decay - m * ratio, 2 * Ulp(w_term)) << t << ", " << i;
          ASSERT_EQ(ToDouble(now.g[i]), ToDouble(old.g[i]));
          if (t % 7 != 6) {
            ASSERT_EQ(ToDouble(now.copy[i]), RoundTo(FieldsOf<C>(), now.w[i], false)) << t << ", " << i;
          }
        }
        if (t % 7 == 6 && kCounts[t] > 0) {  // no copy was asked for
          ASSERT_EQ(std::memcmp(old.copy.data(), now.copy.data(), kCounts[t] * sizeof(C)), 0);
        }
      }
    }
  }
}

TYPED_TEST(AdamTest, OverflowChangesNothing) {
  Tensors<typename TypeParam::G, typename TypeParam::C> tensors(kCounts), untouched(kCounts);
  int64_t step = 4;
  tensors.Step({0.01, 0.9, 0.99, 1e-8, 0.1, true}, 0.5f, 1, &step);
  EXPECT_EQ(step, 4);
  for (size_t t = 0; t < kCounts.size(); ++t) {
    const auto old = untouched.Read(t), now = tensors.Read(t);
    EXPECT_EQ(old.w, now.w);
    EXPECT_EQ(old.m, now.m);
    EXPECT_EQ(old.v, now.v);
    if (kCounts[t] > 0) {
      EXPECT_EQ(std::memcmp(old.copy.data(), now.copy.data(), kCounts[t] * sizeof(old.copy[0])), 0);
    }
  }
}

TEST(AdamStepTest, CountsWithNothingToUpdate) {
  Tensors<float, __half> none({}), empty({0, 0});
  int64_t step = 0;
  none.Step({}, 1, 0, &step);
  EXPECT_EQ(step, 1);
  empty.Step({}, 1, 0, &step);
  EXPECT_EQ(step, 2);
}

__global__ void CorrectionKernel(double beta, const int64_t* steps, double* out, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) out[i] = BiasCorrection(beta, steps[i]);
}

// beta^t by repeated multiplication in long double.
TEST(BiasCorrectionTest, OneUlpForAMillionSteps) {
  for (const double beta : {0.9, 0.999, 0.95, 0.9999999}) {
    std::vector<int64_t> steps;
    std::vector<long double> expected;
    long double power = 1;
    int64_t next = 1;
    for (int64_t t = 1; t <= 1000000; ++t) {
      power *= static_cast<long double>(beta);
      if (t != next && t != 1000000) continue;
      steps.push_back(t);
      expected.push_back(1 - power);
      next = t + 1 + t / 50;
    }
    DeviceArray<int64_t> in(steps);
    DeviceArray<double> out(steps.size());
    CorrectionKernel<<<static_cast<unsigned>(steps.size() / 64 + 1), 64>>>(beta, in.data(), out.data(),
                                                                           static_cast<int>(steps.size()));
    const std::vector<double> corrections = out.Read();
    for (size_t i = 0; i < steps.size(); ++i) {
      const float rounded = static_cast<float>(corrections[i]), exact = static_cast<float>(expected[i]);
      ASSERT_LE(std::abs(static_cast<double>(rounded) - exact), Ulp(exact)) << beta << ", step " << steps[i];
    }
  }
}

}  // namespace
}  // namespace kernels
