#include "harness/quiz/bank.h"

#include <algorithm>
#include <cctype>

namespace workbench::quiz {

const std::vector<Topic>& Topics() {
  static const std::vector<Topic> topics = {
      {"q01", "parallelism", "Kinds of parallelism"},
      {"q02", "allreduce", "AllReduce: traffic, steps, time"},
      {"q03", "zero", "ZeRO: memory and traffic of each stage"},
      {"q04", "gradient_accumulation", "Gradient accumulation"},
      {"q05", "mixed_precision", "Mixed precision: formats and loss scaling"},
      {"q06", "pipeline", "Pipeline schedules: bubbles and activations"},
      {"q07", "scheduling", "Cluster scheduling"},
      {"q08", "kubernetes", "GPUs in Kubernetes"},
      {"q09", "gpu_memory", "GPU memory"},
      {"q10", "inference", "Inference: KV cache and roofline"},
      {"q11", "serving", "Serving: queues, batches, blocks"},
      {"q12", "data_loading", "Data loading"},
      {"q13", "checkpoints", "Checkpoints"},
      {"q14", "platform", "Training platform: FLOPs, MFU, time to train"},
  };
  return topics;
}

const std::vector<Template>& Bank() {
  static const std::vector<Template> bank = [] {
    std::vector<Template> all;
    for (const auto part : {TrainingTemplates, ZeroTemplates, NumbersTemplates, ClusterTemplates, MemoryTemplates,
                            ServingTemplates, PlatformTemplates}) {
      const auto more = part();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return bank;
}

Result<Topic> FindTopic(const std::string& word) {
  std::string lower = word;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string digits = lower.substr(!lower.empty() && lower[0] == 'q' ? 1 : 0);
  if (digits.size() > 3 && digits[2] == '_') digits.resize(2);  // q02_allreduce
  if (digits.size() == 1) digits.insert(0, 1, '0');
  std::vector<Topic> matches;
  for (const Topic& topic : Topics()) {
    if (topic.number.substr(1) == digits || topic.name == lower) return topic;
    if (!lower.empty() && topic.name.substr(0, lower.size()) == lower) matches.push_back(topic);
  }
  if (matches.size() == 1) return matches[0];
  std::string names;
  for (const Topic& topic : matches.empty() ? Topics() : matches) {
    names += (names.empty() ? "" : ", ") + std::string(topic.number) + " " + std::string(topic.name);
  }
  return Error((matches.empty() ? "there is no topic '" : "several topics begin with '") + word +
               "'; there is: " + names);
}

}  // namespace workbench::quiz
