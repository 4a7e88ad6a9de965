#include "grader/html/scale.h"

#include <algorithm>
#include <cmath>

namespace workbench::html {
namespace {

constexpr double kMost = 1e300;  // so that steps between ticks do not overflow

}  // namespace

Scale::Scale(double least, double most, Unit unit, bool logarithmic, double from, double to)
    : low_(std::max(least, -kMost)), high_(std::min(most, kMost)), logarithmic_(logarithmic), from_(from), to_(to) {
  if (!std::isfinite(low_) || !std::isfinite(high_) || high_ < low_ || (logarithmic && low_ <= 0)) {
    low_ = logarithmic ? 1 : 0;
    high_ = 10;
  }
  if (logarithmic && high_ < low_ * 1.2) {
    low_ /= 2;
    high_ *= 2;
  } else if (!logarithmic && high_ - low_ <= 1e-12 * std::fabs(high_)) {
    const double room = high_ == 0 ? 1 : std::fabs(high_) * 0.1;
    low_ -= low_ == 0 ? 0 : room;
    high_ += room;
  }
  logarithmic_ ? LogarithmicTicks(unit) : LinearTicks(unit);
}

bool Scale::Shows(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }

double Scale::At(double value) const {
  const double part = logarithmic_ ? (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_))
                                   : (value - low_) / (high_ - low_);
  return from_ + (to_ - from_) * std::clamp(part, 0.0, 1.0);
}

void Scale::LinearTicks(Unit unit) {
  const double rough = (high_ - low_) / 5;
  double step = std::exp2(std::ceil(std::log2(rough)));
  if (unit != Unit::kBytes) {
    const double decade = std::pow(10, std::floor(std::log10(rough)));
    step = rough <= decade * 1.001 ? decade
           : rough <= 2 * decade   ? 2 * decade
           : rough <= 5 * decade   ? 5 * decade
                                   : 10 * decade;
  }
  for (double k = std::ceil(low_ / step - 1e-9); k * step <= high_ + 1e-9 * step; ++k) ticks_.push_back(k * step);
}

void Scale::LogarithmicTicks(Unit unit) {
  const double base = unit == Unit::kBytes ? 2 : 10;
  const double first = std::log(low_) / std::log(base), last = std::log(high_) / std::log(base);
  if (base == 10 && last - first < 1.7) {
    for (double k = std::floor(first); k <= last; ++k) {
      for (const double digit : {1, 2, 5}) {
        const double tick = digit * std::pow(10, k);
        if (tick >= low_ * 0.999 && tick <= high_ * 1.001) ticks_.push_back(tick);
      }
    }
  } else {
    const double step = std::max(1.0, std::ceil((last - first) / 7));
    for (double k = std::ceil(first / step - 1e-9) * step; k <= last + 1e-9; k += step)
      ticks_.push_back(std::pow(base, k));
  }
  if (ticks_.size() < 2) ticks_ = {low_, high_};
}

void Scale::TickAt(const std::vector<double>& sorted, double gap) {
  ticks_.clear();
  double last = from_ - 1e9;
  for (const double value : sorted) {
    if (!Shows(value) || std::fabs(At(value) - last) < gap) continue;
    ticks_.push_back(value);
    last = At(value);
  }
}

}  // namespace workbench::html
