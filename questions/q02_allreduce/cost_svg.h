// A picture of part C: what each algorithm costs over the size of the buffer, and what an answer chose.
#ifndef QUESTIONS_Q02_ALLREDUCE_COST_SVG_H_
#define QUESTIONS_Q02_ALLREDUCE_COST_SVG_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "questions/q02_allreduce/api.h"

namespace q02 {

// An SVG document of its own, also fit to be put into an HTML page: log-log axes with units, a curve for each algorithm
// (the tree at its best segment size), the lower bound dashed, and a marker for each of `chosen`, pairs of bytes and
// the choice made for them. Follows the reader's light or dark colour scheme. Choices that are not valid, and those for
// no bytes, are left out. REQUIRES: model.ranks >= 2, alpha > 0, beta > 0, gamma >= 0.
std::string CostCurveSvg(const CostModel& model, const std::vector<std::pair<uint64_t, Choice>>& chosen);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_COST_SVG_H_
