#include "questions/q05_mixed_precision/adam_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace q05 {

using workbench::CheckContext;

namespace {

constexpr size_t kAlignment = 256;
constexpr std::byte kGap{0xa5};
const std::vector<std::string> kNames = {"gradients", "masters",       "first moments", "second moments",
                                         "copies",    "inverse_scale", "found_inf",     "step"};

// The call, and where its tensors lie in the arenas.
struct Prepared {
  workbench::DeviceCall call;
  std::vector<std::byte> parameters;
  std::vector<AdamPlace> places;
  std::vector<std::byte> arenas[5];
};

size_t ElementBytesOf(const AdamCase& c, int buffer) {
  return buffer == kGradients ? ElementBytes(c.gradient_format())
         : buffer == kCopies  ? ElementBytes(c.copy_format())
                              : 4;
}

Prepared Prepare(const AdamCase& c) {
  Prepared prepared;
  size_t ends[5] = {};
  for (const AdamWeights& tensor : c.tensors) {
    AdamPlace place{tensor.masters.size(), {}};
    for (int b = kGradients; b <= kCopies; ++b) {
      const size_t element = ElementBytesOf(c, b), offset = tensor.offset + (b == kCopies && tensor.offset != 0);
      const size_t begin = (ends[b] + kAlignment - 1) / kAlignment * kAlignment + offset * element;
      place.offset[b] = b == kCopies && !tensor.has_copy ? kNowhere : begin;
      ends[b] = begin + tensor.masters.size() * element + 16;
    }
    prepared.places.push_back(place);
  }
  for (int b = kGradients; b <= kCopies; ++b) prepared.arenas[b].assign(ends[b], kGap);
  for (size_t t = 0; t < c.tensors.size(); ++t) {
    const AdamWeights& tensor = c.tensors[t];
    const uint64_t* offset = prepared.places[t].offset;
    const auto copy = [&](const std::vector<float>& values, int b) {
      if (!values.empty()) std::memcpy(prepared.arenas[b].data() + offset[b], values.data(), values.size() * 4);
    };
    copy(tensor.masters, kMasters);
    copy(tensor.first, kFirstMoments);
    copy(tensor.second, kSecondMoments);
    for (size_t i = 0; i < tensor.masters.size(); ++i) {
      StoreCode(c.gradient_format(), prepared.arenas[kGradients].data() + offset[kGradients], i, tensor.gradients[i]);
      if (tensor.has_copy)
        StoreCode(c.copy_format(), prepared.arenas[kCopies].data() + offset[kCopies], i, tensor.copies[i]);
    }
  }
  workbench::DeviceCall& call = prepared.call;
  call.Input(prepared.arenas[kGradients].data(), ends[kGradients]);
  for (int b = kMasters; b <= kCopies; ++b) call.InOut(prepared.arenas[b].data(), ends[b]);
  call.Input(&c.inverse_scale, c.inverse_scale != 0 ? sizeof(float) : 0);
  call.Input(&c.found_inf, sizeof(float));
  call.InOut(&c.step, sizeof(int64_t));
  call.options.calls = c.calls;
  call.options.graph = c.graph;
  call.options.keep = 1;
  AdamParameters parameters = c.config;
  parameters.tensors = static_cast<int32_t>(c.tensors.size());
  Append(&prepared.parameters, parameters);
  AppendAll(&prepared.parameters, prepared.places);
  return prepared;
}

double Gradient(const AdamCase& c, uint32_t code) {
  const float value = static_cast<float>(Decode(c.gradient_format(), code));
  return c.inverse_scale != 0 ? value * c.inverse_scale : value;
}

AdamCase After(const AdamCase& c, const Prepared& prepared, const Answer& answer) {
  AdamCase after = c;
  after.step = answer.Output<int64_t>(prepared.call, kStep)[0];
  for (size_t t = 0; t < c.tensors.size(); ++t) {
    AdamWeights& tensor = after.tensors[t];
    const uint64_t* offset = prepared.places[t].offset;
    const auto copy = [&](std::vector<float>* values, int b) {
      if (!values->empty()) std::memcpy(values->data(), answer.Bytes(prepared.call, b) + offset[b], values->size() * 4);
    };
    copy(&tensor.masters, kMasters);
    copy(&tensor.first, kFirstMoments);
    copy(&tensor.second, kSecondMoments);
    for (size_t i = 0; tensor.has_copy && i < tensor.copies.size(); ++i) {
      tensor.copies[i] = CodeAt(c.copy_format(), answer.Bytes(prepared.call, kCopies) + offset[kCopies], i);
    }
  }
  return after;
}

bool JudgeStep(CheckContext& context, const AdamCase& c, int64_t actual) {
  const int64_t expected = c.step + (c.found_inf != 0 ? 0 : c.calls);
  if (actual == expected) return true;
  workbench::Finding finding = NewFinding("*step counts the steps that were taken", Describe(c));
  finding.expected = std::to_string(expected) + (c.found_inf != 0 ? ": this one was skipped" : "");
  finding.actual = std::to_string(actual);
  context.Fail(finding);
  return false;
}

Inputs DescribeTensor(const AdamCase& c, size_t t) {
  Inputs inputs = Describe(c);
  if (c.tensors.size() > 1) {
    inputs.emplace_back("tensor",
                        std::to_string(t) + ", of " + std::to_string(c.tensors[t].masters.size()) + " elements");
  }
  return inputs;
}

bool JudgeValues(CheckContext& context, const AdamCase& c, const AdamCase& after) {
  if (!JudgeStep(context, c, after.step)) return false;
  for (size_t t = 0; t < c.tensors.size(); ++t) {
    const AdamWeights& before = c.tensors[t];
    const AdamWeights& now = after.tensors[t];
    Mismatches first, second, master;
    for (size_t i = 0; i < before.masters.size(); ++i) {
      AdamExpected expected{{before.masters[i], before.first[i], before.second[i]}, {}};
      for (uint32_t call = 0; call < c.calls && c.found_inf == 0; ++call) {
        const AdamElement sum = expected.tolerance;
        expected = AdamStep(c.config, c.step + call + 1, Gradient(c, before.gradients[i]), expected.value);
        expected.tolerance.master += sum.master;
        expected.tolerance.first += sum.first;
        expected.tolerance.second += sum.second;
      }
      const auto judge = [i](double value, double tolerance, float actual, Mismatches* wrong) {
        if (std::fabs(actual - value) <= tolerance) return;
        wrong->Add(i, Number(value) + ", give or take " + Number(tolerance), Number(actual));
      };
      judge(expected.value.first, expected.tolerance.first, now.first[i], &first);
      judge(expected.value.second, expected.tolerance.second, now.second[i], &second);
      judge(expected.value.master, expected.tolerance.master, now.masters[i], &master);
    }
    const std::string skipped = c.found_inf != 0 ? " stays as it was: the step is skipped" : "";
    const Inputs inputs = DescribeTensor(c, t);
    if (!first.Judge(context, skipped.empty() ? "m = beta1 m + (1 - beta1) g" : "m" + skipped, inputs,
                     now.first.size()) ||
        !second.Judge(context, skipped.empty() ? "v = beta2 v + (1 - beta2) g^2" : "v" + skipped, inputs,
                      now.second.size()) ||
        !master.Judge(context, skipped.empty() ? "w = w - lr m^ / (sqrt(v^) + eps), with its decay" : "w" + skipped,
                      inputs, now.masters.size())) {
      return false;
    }
  }
  return true;
}

bool JudgeCopies(CheckContext& context, const AdamCase& c, const AdamCase& after) {
  for (size_t t = 0; t < c.tensors.size(); ++t) {
    const AdamWeights& now = after.tensors[t];
    if (!now.has_copy) continue;
    Mismatches wrong;
    for (size_t i = 0; i < now.masters.size(); ++i) {
      const uint32_t expected =
          c.found_inf != 0 ? c.tensors[t].copies[i] : EncodeNearest(c.copy_format(), now.masters[i]);
      if (now.copies[i] == expected) continue;
      wrong.Add(i, DescribeCode(c.copy_format(), expected) + ", of the weight " + Number(now.masters[i]),
                DescribeCode(c.copy_format(), now.copies[i]));
    }
    if (!wrong.Judge(context,
                     c.found_inf != 0 ? "the copy stays as it was: the step is skipped"
                                      : "the copy is the new weight, rounded to nearest even",
                     DescribeTensor(c, t), now.copies.size())) {
      return false;
    }
  }
  return true;
}

bool JudgeGaps(CheckContext& context, const AdamCase& c, const Prepared& prepared, const Answer& answer) {
  for (int b = kMasters; b <= kCopies; ++b) {
    std::vector<char> owned(prepared.arenas[b].size());
    for (const AdamPlace& place : prepared.places) {
      if (place.count == 0 || place.offset[b] == kNowhere) continue;
      std::fill_n(owned.begin() + static_cast<std::ptrdiff_t>(place.offset[b]), place.count * ElementBytesOf(c, b), 1);
    }
    const std::byte* arena = answer.Bytes(prepared.call, b);
    for (size_t i = 0; i < owned.size(); ++i) {
      if (owned[i] || arena[i] == kGap) continue;
      workbench::Finding finding = NewFinding("nothing outside of the tensors is written", Describe(c));
      finding.actual = "something next to the " + kNames[static_cast<size_t>(b)] + " of a tensor has changed";
      context.Fail(finding);
      return false;
    }
  }
  return true;
}

}  // namespace

AdamWeights MakeWeights(const AdamCase& c, size_t count, double scale, Draws* draws) {
  AdamWeights tensor;
  for (size_t i = 0; i < count; ++i) {
    const double g = draws->Normal() * 1e-2, w = RoundTo(c.copy_format(), draws->Normal() * 0.1);
    tensor.gradients.push_back(EncodeNearest(c.gradient_format(), g * scale));
    tensor.masters.push_back(static_cast<float>(w));
    tensor.first.push_back(static_cast<float>(draws->Normal() * 3e-3));
    tensor.second.push_back(static_cast<float>(1e-4 * (0.2 + draws->Uniform())));
    tensor.copies.push_back(EncodeNearest(c.copy_format(), w));
  }
  return tensor;
}

Inputs Describe(const AdamCase& c) {
  size_t elements = 0;
  for (const AdamWeights& tensor : c.tensors) elements += tensor.masters.size();
  Inputs inputs = {{"tensors", std::to_string(c.tensors.size())},
                   {"elements", std::to_string(elements)},
                   {"gradients", TraitsOf(c.gradient_format()).name},
                   {"copies", TraitsOf(c.copy_format()).name},
                   {"step before", std::to_string(c.step)},
                   {"lr, beta1, beta2, eps", Number(c.config.learning_rate) + ", " + Number(c.config.beta1) + ", " +
                                                 Number(c.config.beta2) + ", " + Number(c.config.epsilon)}};
  if (c.config.weight_decay != 0) {
    inputs.emplace_back("weight decay", Number(c.config.weight_decay) + (c.config.decoupled ? ", decoupled" : ", L2"));
  }
  inputs.emplace_back("inverse_scale", c.inverse_scale != 0 ? Number(c.inverse_scale) : "nullptr");
  if (c.found_inf != 0) inputs.emplace_back("found_inf", Number(c.found_inf));
  if (c.calls > 1) inputs.emplace_back("calls", std::to_string(c.calls));
  if (c.graph) inputs.emplace_back("launched", "from a graph");
  return inputs;
}

bool JudgeAdam(CheckContext& context, const AdamCase& c, const AdamJudged& judged, AdamCase* after) {
  const Prepared prepared = Prepare(c);
  Answer answer;
  if (!RunCall(context, "d", RequestKind::kAdam, prepared.call, std::span<const std::byte>(prepared.parameters),
               Describe(c), &answer)) {
    return false;
  }
  const AdamCase now = After(c, prepared, answer);
  if (judged.values && !JudgeValues(context, c, now)) return false;
  if (judged.copies && !JudgeCopies(context, c, now)) return false;
  if (judged.bounds &&
      !(ZonesIntact(context, answer, kNames, Describe(c)) && InputsIntact(context, answer, kNames, Describe(c)) &&
        JudgeGaps(context, c, prepared, answer))) {
    return false;
  }
  if (after != nullptr) *after = now;
  return true;
}

}  // namespace q05
