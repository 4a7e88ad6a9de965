#include "questions/q05_mixed_precision/train_oracle.h"

#include <algorithm>
#include <cmath>

#include "grader/inputs.h"
#include "questions/q05_mixed_precision/oracle_formats.h"

namespace q05 {

namespace {

constexpr double kFirstScale = 65536;
constexpr int kGrowthInterval = 20;
constexpr double kFeatureSize = 3;
constexpr double kFeatureBinades = 12;
constexpr double kNoise = 0.5;  // of a cluster, in units of the spread of the centres

class Random {
 public:
  explicit Random(uint64_t seed) : state_(workbench::Mix(seed)) {}
  uint64_t Bits() { return workbench::Mix(++state_); }
  double Uniform() { return (static_cast<double>(Bits() >> 12) + 0.5) / 4503599627370496.0; }
  // Box and Muller, 1958.
  double Normal() { return std::sqrt(-2 * std::log(Uniform())) * std::cos(6.283185307179586 * Uniform()); }

 private:
  uint64_t state_;
};

// A number of both 16-bit formats.
float Coarse(double value) { return static_cast<float>(RoundTo(Format::kBFloat16, RoundTo(Format::kFloat16, value))); }

size_t Size(int64_t value) { return static_cast<size_t>(value); }

class Trainer {
 public:
  explicit Trainer(const TrainData& data)
      : data_(data),
        p_(data.parameters),
        w1_(data.w1.begin(), data.w1.end()),
        b1_(data.b1.begin(), data.b1.end()),
        w2_(data.w2.begin(), data.w2.end()),
        b2_(data.b2.begin(), data.b2.end()),
        hidden_(Size(int64_t{p_.batch} * p_.hidden)),
        dhidden_(hidden_.size()),
        dlogits_(Size(int64_t{p_.batch} * p_.classes)) {
    if (p_.recipe == kTrainFp16Scaled || p_.recipe == kTrainFp16NoMaster) scale_ = kFirstScale;
  }

  TrainResult Run() {
    for (int step = 0; step < p_.steps; ++step) Step(step);
    result_.w1 = w1_;
    result_.b1 = b1_;
    result_.w2 = w2_;
    result_.b2 = b2_;
    return result_;
  }

 private:
  using Vector = std::vector<double>;

  double Store(double value) const {
    if (p_.recipe == kTrainFp32) return value;
    return RoundTo(p_.recipe == kTrainBf16 || p_.recipe == kTrainBf16NoMaster ? Format::kBFloat16 : Format::kFloat16,
                   value);
  }
  Vector Stored(Vector values) const {
    for (double& value : values) value = Store(value);
    return values;
  }

  void Step(int step) {
    const int batch = p_.batch, inputs = p_.inputs, hidden = p_.hidden, classes = p_.classes;
    const float* x = data_.x.data() + int64_t{step} * batch * inputs;
    const int32_t* labels = data_.labels.data() + int64_t{step} * batch;
    const Vector w1 = Stored(w1_), b1 = Stored(b1_), w2 = Stored(w2_), b2 = Stored(b2_);
    Vector features(Size(int64_t{batch} * inputs));
    for (size_t i = 0; i < features.size(); ++i) features[i] = Store(x[i]);

    double loss = 0;
    for (int n = 0; n < batch; ++n) {
      double* h = &hidden_[Size(int64_t{n} * hidden)];
      for (int j = 0; j < hidden; ++j) {
        double sum = b1[Size(j)];
        for (int i = 0; i < inputs; ++i)
          sum += w1[Size(int64_t{j} * inputs + i)] * features[Size(int64_t{n} * inputs + i)];
        h[j] = Store(std::max(0.0, sum));
      }
      Vector logits(Size(classes));
      for (int c = 0; c < classes; ++c) {
        double sum = b2[Size(c)];
        for (int j = 0; j < hidden; ++j) sum += w2[Size(int64_t{c} * hidden + j)] * h[j];
        logits[Size(c)] = sum;
      }
      const double largest = *std::max_element(logits.begin(), logits.end());
      double total = 0;
      for (const double logit : logits) total += std::exp(logit - largest);
      loss += std::log(total) + largest - logits[Size(labels[n])];
      for (int c = 0; c < classes; ++c) {
        const double p = std::exp(logits[Size(c)] - largest) / total - (c == labels[n] ? 1 : 0);
        dlogits_[Size(int64_t{n} * classes + c)] = Store(p / batch * p_.loss_multiplier * scale_);
      }
      for (int j = 0; j < hidden; ++j) {
        double sum = 0;
        for (int c = 0; c < classes; ++c) {
          sum += w2[Size(int64_t{c} * hidden + j)] * dlogits_[Size(int64_t{n} * classes + c)];
        }
        dhidden_[Size(int64_t{n} * hidden + j)] = h[j] > 0 ? Store(sum) : 0;
      }
    }
    result_.loss.push_back(loss / batch);

    const Vector dw1 = Products(dhidden_, features, hidden, inputs), db1 = Sums(dhidden_, hidden);
    const Vector dw2 = Products(dlogits_, hidden_, classes, hidden), db2 = Sums(dlogits_, classes);
    result_.gradients += static_cast<int64_t>(dw1.size());
    result_.zeros += std::count(dw1.begin(), dw1.end(), 0.0);
    const bool overflow = !(Finite(dw1) && Finite(db1) && Finite(dw2) && Finite(db2));
    if (overflow) {
      ++result_.skipped;
    } else {
      Update(dw1, &w1_);
      Update(db1, &b1_);
      Update(dw2, &w2_);
      Update(db2, &b2_);
    }
    if (p_.recipe == kTrainFp16Scaled || p_.recipe == kTrainFp16NoMaster) Rescale(overflow);
  }

  // The transpose of a, times b, over the batch.
  Vector Products(const Vector& a, const Vector& b, int rows, int columns) const {
    Vector out(Size(int64_t{rows} * columns));
    for (int n = 0; n < p_.batch; ++n) {
      for (int r = 0; r < rows; ++r) {
        const double factor = a[Size(int64_t{n} * rows + r)];
        for (int c = 0; c < columns; ++c) {
          out[Size(int64_t{r} * columns + c)] += factor * b[Size(int64_t{n} * columns + c)];
        }
      }
    }
    return Stored(out);
  }
  Vector Sums(const Vector& a, int rows) const {
    Vector out(Size(rows));
    for (size_t i = 0; i < a.size(); ++i) out[i % Size(rows)] += a[i];
    return Stored(out);
  }
  static bool Finite(const Vector& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  }

  void Update(const Vector& gradient, Vector* weights) const {
    const bool has_master = p_.recipe != kTrainBf16NoMaster && p_.recipe != kTrainFp16NoMaster;
    const double rate = static_cast<double>(p_.learning_rate) / p_.loss_multiplier;
    for (size_t i = 0; i < weights->size(); ++i) {
      double& weight = (*weights)[i];
      weight -= rate * (gradient[i] / scale_);
      if (!has_master) weight = Store(weight);
    }
  }

  void Rescale(bool overflow) {
    good_ = overflow ? 0 : good_ + 1;
    if (overflow) scale_ /= 2;
    if (good_ == kGrowthInterval) {
      scale_ *= 2;
      good_ = 0;
    }
  }

  const TrainData& data_;
  const TrainParameters& p_;
  Vector w1_, b1_, w2_, b2_;
  Vector hidden_, dhidden_, dlogits_;
  double scale_ = 1;
  int good_ = 0;
  TrainResult result_;
};

}  // namespace

TrainData MakeTrainData(uint64_t seed, const TrainParameters& p) {
  TrainData data;
  data.parameters = p;
  Random random(seed);
  std::vector<double> centres(Size(int64_t{p.classes} * p.inputs));
  for (double& value : centres) value = random.Normal();
  for (int64_t row = 0; row < int64_t{p.steps} * p.batch; ++row) {
    const auto label = static_cast<int32_t>(random.Bits() % static_cast<uint64_t>(p.classes));
    data.labels.push_back(label);
    for (int i = 0; i < p.inputs; ++i) {
      const double size = kFeatureSize * std::exp2(-kFeatureBinades * i / p.inputs);
      data.x.push_back(Coarse(size * (centres[Size(int64_t{label} * p.inputs + i)] + kNoise * random.Normal())));
    }
  }
  const auto weights = [&](int64_t count) {
    std::vector<float> values(Size(count));
    for (float& value : values) value = Coarse((random.Bits() % 2 == 0 ? 1 : -1) * (0.5 + 0.5 * random.Uniform()));
    return values;
  };
  data.w1 = weights(int64_t{p.hidden} * p.inputs);
  data.b1.assign(Size(p.hidden), 0);
  data.w2 = weights(int64_t{p.classes} * p.hidden);
  const int half = p.hidden / 2;
  for (int j = 0; j < half; ++j) {
    for (int i = 0; i < p.inputs; ++i) {
      data.w1[Size(int64_t{half + j} * p.inputs + i)] = data.w1[Size(int64_t{j} * p.inputs + i)];
    }
    for (int c = 0; c < p.classes; ++c) {
      data.w2[Size(int64_t{c} * p.hidden + half + j)] = -data.w2[Size(int64_t{c} * p.hidden + j)];
    }
  }
  data.b2.assign(Size(p.classes), 0);
  return data;
}

TrainResult Train(const TrainData& data) { return Trainer(data).Run(); }

}  // namespace q05
