// One axis of a chart: where a value lies in the drawing, and where the ticks are.
#ifndef GRADER_HTML_SCALE_H_
#define GRADER_HTML_SCALE_H_

#include <vector>

#include "grader/html/text.h"

namespace workbench::html {

class Scale {
 public:
  // The values from `least` to `most` lie between `from` and `to`, which may be the larger. A range that is empty or
  // not finite, or not positive on a logarithmic axis, is replaced by one that can be drawn.
  Scale(double least, double most, Unit unit, bool logarithmic, double from, double to);

  // Whether At() has a place for it.
  bool Shows(double value) const;
  double At(double value) const;
  const std::vector<double>& ticks() const { return ticks_; }
  // Ticks at these values where they fit (at least `gap` apart); the nicer choice for a few measured sizes or ranks.
  void TickAt(const std::vector<double>& sorted, double gap);

 private:
  void LinearTicks(Unit unit);
  void LogarithmicTicks(Unit unit);

  double low_, high_;
  bool logarithmic_;
  double from_, to_;
  std::vector<double> ticks_;
};

}  // namespace workbench::html

#endif  // GRADER_HTML_SCALE_H_
