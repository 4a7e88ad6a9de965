#include "questions/q05_mixed_precision/norm_case.h"

#include <algorithm>
#include <cmath>

namespace q05 {

using workbench::CheckContext;

namespace {

const char* NameOf(Role role) {
  constexpr const char* kNames[] = {"x", "dy", "gamma", "beta", "mean", "rstd", "y", "mean", "rstd", "dgamma", "dbeta"};
  return kNames[static_cast<int>(role)];
}

std::string NameIn(NormFunction function, Role role) {
  if (role == Role::kOut && IsBackward(function)) return "dx";
  if (role == Role::kX && function == NormFunction::kSoftmaxBackward) return "y";
  const bool rms = function == NormFunction::kRmsNorm || function == NormFunction::kRmsNormBackward;
  if (rms && (role == Role::kRstd || role == Role::kGivenRstd)) return "rrms";
  return NameOf(role);
}

struct Prepared {
  std::vector<Role> roles;
  std::vector<std::vector<std::byte>> contents;  // of inputs, in the call's order
  workbench::DeviceCall call;
  std::vector<NormRow> rows;
  NormParameters parameters;

  int BufferOf(Role role) const {
    for (size_t i = 0; i < roles.size(); ++i) {
      if (roles[i] == role) return static_cast<int>(i);
    }
    return -1;
  }
};

// Draws `count` values, and stores their codes.
template <typename Draw>
std::vector<double> DrawAll(Format format, int64_t count, std::vector<std::byte>* codes, const Draw& draw) {
  std::vector<double> values;
  const size_t begin = codes->size() / 2;
  codes->resize(codes->size() + static_cast<size_t>(count) * 2);
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t code = EncodeNearest(format, draw(i));
    StoreCode(format, codes->data(), begin + static_cast<size_t>(i), code);
    values.push_back(Decode(format, code));
  }
  return values;
}

Prepared Prepare(const NormCase& c) {
  Prepared p;
  p.roles = RolesOf(c.function);
  Draws draws(c.seed);
  std::vector<std::byte> x, dy, gamma_codes, beta_codes, means, rstds;
  const std::vector<double> gamma =
      DrawAll(c.format, c.hidden, &gamma_codes, [&](int64_t) { return 1 + 0.5 * draws.Signed(); });
  const std::vector<double> beta = DrawAll(c.format, c.hidden, &beta_codes, [&](int64_t) { return draws.Signed(); });
  for (int64_t r = 0; r < c.rows; ++r) {
    NormRow row;
    row.gamma = gamma;
    row.beta = beta;
    row.epsilon = c.epsilon;
    row.x = DrawAll(c.format, c.hidden, &x, [&](int64_t i) { return c.x(&draws, r, i); });
    if (c.function == NormFunction::kSoftmaxBackward) {  // x is what softmax gave
      NormRow forward = row;
      const NormRowExpected y = ExpectedRow(NormFunction::kSoftmax, forward);
      x.resize(x.size() - static_cast<size_t>(c.hidden) * 2);
      row.x = DrawAll(c.format, c.hidden, &x, [&](int64_t i) { return y.out[static_cast<size_t>(i)].value; });
    }
    if (IsBackward(c.function)) {
      row.dy = DrawAll(c.format, c.hidden, &dy, [&](int64_t) { return c.dy(&draws); });
      const NormRowExpected forward = ExpectedRow(
          c.function == NormFunction::kLayerNormBackward ? NormFunction::kLayerNorm : NormFunction::kRmsNorm, row);
      const float mean = static_cast<float>(forward.mean.value), rstd = static_cast<float>(forward.rstd.value);
      Append(&means, mean);
      Append(&rstds, rstd);
      row.mean = mean;
      row.rstd = rstd;
    }
    p.rows.push_back(std::move(row));
  }
  const size_t row_floats = static_cast<size_t>(c.rows) * 4, hidden_floats = static_cast<size_t>(c.hidden) * 4;
  for (const Role role : p.roles) {
    const auto input = [&](const std::vector<std::byte>& bytes, uint32_t offset) {
      p.call.Input(bytes.data(), bytes.size(), offset);
    };
    switch (role) {
      case Role::kX:
        input(x, c.offset * 2);
        break;
      case Role::kDy:
        input(dy, c.offset * 2);
        break;
      case Role::kGamma:
        input(gamma_codes, c.offset * 2);
        break;
      case Role::kBeta:
        input(beta_codes, c.offset * 2);
        break;
      case Role::kGivenMean:
        input(means, c.offset * 4);
        break;
      case Role::kGivenRstd:
        input(rstds, c.offset * 4);
        break;
      case Role::kOut:
        p.call.Output(x.size(), c.offset * 2);
        break;
      case Role::kMean:
      case Role::kRstd:
        p.call.Output(row_floats, c.offset * 4);
        break;
      default:
        p.call.Output(hidden_floats, c.offset * 4);
    }
  }
  p.call.options.calls = c.calls;
  p.call.options.graph = c.graph;
  p.parameters.function = c.function;
  p.parameters.format = static_cast<int32_t>(c.format);
  p.parameters.rows = c.rows;
  p.parameters.hidden = c.hidden;
  p.parameters.epsilon = c.epsilon;
  return p;
}

void JudgeFloat(uint64_t index, const Bound& bound, float actual, Mismatches* wrong) {
  if (std::fabs(actual - bound.value) <= bound.tolerance) return;
  wrong->Add(index, Number(bound.value) + ", give or take " + Number(bound.tolerance), Number(actual));
}

// To 2 % of the largest.
void Coarsen(std::vector<Bound>* bounds) {
  double largest = 0;
  for (const Bound& bound : *bounds) largest = std::max(largest, std::fabs(bound.value));
  for (Bound& bound : *bounds) bound.tolerance += 0.02 * largest;
}

bool JudgeValues(CheckContext& context, const NormCase& c, const Prepared& p, const Answer& answer, bool coarse) {
  Mismatches out_wrong, mean_wrong, rstd_wrong, dgamma_wrong, dbeta_wrong;
  const size_t hidden = static_cast<size_t>(c.hidden);
  std::vector<Bound> dgamma(hidden), dbeta(hidden);
  std::vector<double> dgamma_magnitude(hidden), dbeta_magnitude(hidden);
  const auto floats = [&](Role role) {
    const int buffer = p.BufferOf(role);
    return buffer < 0 ? std::vector<float>() : answer.Output<float>(p.call, buffer);
  };
  const std::vector<float> means = floats(Role::kMean), rstds = floats(Role::kRstd);
  const std::byte* out = answer.Bytes(p.call, p.BufferOf(Role::kOut));
  for (size_t r = 0; r < p.rows.size(); ++r) {
    NormRowExpected expected = ExpectedRow(c.function, p.rows[r]);
    if (coarse) {
      Coarsen(&expected.out);
      expected.mean.tolerance += 0.02 * std::fabs(expected.mean.value);
      expected.rstd.tolerance += 0.02 * expected.rstd.value;
    }
    if (!means.empty()) JudgeFloat(r, expected.mean, means[r], &mean_wrong);
    if (!rstds.empty()) JudgeFloat(r, expected.rstd, rstds[r], &rstd_wrong);
    for (size_t i = 0; i < hidden; ++i) {
      const uint32_t code = CodeAt(c.format, out, r * hidden + i);
      if (!Near(c.format, expected.out[i], code)) {
        out_wrong.Add(r * hidden + i,
                      DescribeCode(c.format, EncodeNearest(c.format, expected.out[i].value)) + ", at row " +
                          std::to_string(r) + ", element " + std::to_string(i),
                      DescribeCode(c.format, code));
      }
      if (expected.dgamma.empty()) continue;
      dgamma[i].value += expected.dgamma[i].value;
      dgamma[i].tolerance += expected.dgamma[i].tolerance;
      dgamma_magnitude[i] += std::fabs(expected.dgamma[i].value);
      dbeta[i].value += expected.dbeta[i].value;
      dbeta_magnitude[i] += std::fabs(expected.dbeta[i].value);
    }
  }
  const std::vector<float> dgammas = floats(Role::kDgamma), dbetas = floats(Role::kDbeta);
  const double sums = static_cast<double>(c.rows + 4) * 0x1p-24;
  if (coarse) {
    Coarsen(&dgamma);
    Coarsen(&dbeta);
  }
  for (size_t i = 0; i < hidden; ++i) {
    dgamma[i].tolerance += sums * dgamma_magnitude[i];
    dbeta[i].tolerance += sums * dbeta_magnitude[i];
    if (!dgammas.empty()) JudgeFloat(i, dgamma[i], dgammas[i], &dgamma_wrong);
    if (!dbetas.empty()) JudgeFloat(i, dbeta[i], dbetas[i], &dbeta_wrong);
  }
  const uint64_t rows = static_cast<uint64_t>(c.rows), elements = rows * hidden;
  const Inputs inputs = Describe(c);
  const auto property = [&](Role role) { return NameIn(c.function, role) + " is right"; };
  return mean_wrong.Judge(context, property(Role::kMean), inputs, rows) &&
         rstd_wrong.Judge(context, property(Role::kRstd), inputs, rows) &&
         out_wrong.Judge(context, property(Role::kOut) + ": fp32 inside, rounded once", inputs, elements) &&
         dgamma_wrong.Judge(context, property(Role::kDgamma), inputs, hidden) &&
         dbeta_wrong.Judge(context, property(Role::kDbeta), inputs, hidden);
}

}  // namespace

const char* NameOf(NormFunction function) {
  constexpr const char* kNames[] = {"q05_layer_norm", "q05_layer_norm_backward",
                                    "q05_rms_norm",   "q05_rms_norm_backward",
                                    "q05_softmax",    "q05_softmax_backward"};
  return kNames[static_cast<int>(function)];
}

bool IsBackward(NormFunction function) { return static_cast<int>(function) % 2 == 1; }

std::vector<Role> RolesOf(NormFunction function) {
  switch (function) {
    case NormFunction::kLayerNorm:
      return {Role::kX, Role::kGamma, Role::kBeta, Role::kOut, Role::kMean, Role::kRstd};
    case NormFunction::kLayerNormBackward:
      return {Role::kDy,        Role::kX,   Role::kGamma,  Role::kGivenMean,
              Role::kGivenRstd, Role::kOut, Role::kDgamma, Role::kDbeta};
    case NormFunction::kRmsNorm:
      return {Role::kX, Role::kGamma, Role::kOut, Role::kRstd};
    case NormFunction::kRmsNormBackward:
      return {Role::kDy, Role::kX, Role::kGamma, Role::kGivenRstd, Role::kOut, Role::kDgamma};
    case NormFunction::kSoftmax:
      return {Role::kX, Role::kOut};
    default:
      return {Role::kDy, Role::kX, Role::kOut};
  }
}

Inputs Describe(const NormCase& c) {
  Inputs inputs = {{"function", NameOf(c.function)},
                   {"format", TraitsOf(c.format).name},
                   {"rows, hidden", std::to_string(c.rows) + ", " + std::to_string(c.hidden)},
                   {"epsilon", Number(c.epsilon)}};
  if (c.offset != 0) inputs.emplace_back("offset", std::to_string(c.offset) + " elements");
  if (c.graph) inputs.emplace_back("launched", "from a graph");
  inputs.emplace_back("seed", std::to_string(c.seed));
  return inputs;
}

bool JudgeNorm(CheckContext& context, const NormCase& c, const NormJudged& judged, std::vector<std::byte>* outputs) {
  const Prepared p = Prepare(c);
  Answer answer;
  if (!RunCall(context, "f", RequestKind::kNorm, p.call, p.parameters, Describe(c), &answer)) return false;
  if (outputs != nullptr) outputs->assign(answer.reply.begin() + sizeof(workbench::CallOutcome), answer.reply.end());
  if (judged.values && !JudgeValues(context, c, p, answer, judged.coarse)) return false;
  std::vector<std::string> names;
  for (const Role role : p.roles) names.push_back(NameIn(c.function, role));
  return !judged.bounds ||
         (ZonesIntact(context, answer, names, Describe(c)) && InputsIntact(context, answer, names, Describe(c)));
}

}  // namespace q05
