// The bank of templates: all items that a quiz can ask.
#ifndef HARNESS_QUIZ_BANK_H_
#define HARNESS_QUIZ_BANK_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/quiz/item.h"
#include "harness/status.h"

namespace workbench::quiz {

struct Topic {
  std::string_view number;  // q02
  std::string_view name;    // allreduce
  std::string_view title;
};

// All fourteen, in order.
const std::vector<Topic>& Topics();

// All templates, by topic.
const std::vector<Template>& Bank();

// The topic that a person named: q02, 2, 02, allreduce, q02_allreduce, or the start of a name. The error lists them.
Result<Topic> FindTopic(const std::string& word);

inline std::string_view TopicOf(const Template& from) { return from.id.substr(0, from.id.find('.')); }

// The parts that Bank() is made of, one for each bank_*.cc.
std::vector<Template> TrainingTemplates();  // q01, q02
std::vector<Template> ZeroTemplates();      // q03, q04
std::vector<Template> NumbersTemplates();   // q05, q06
std::vector<Template> ClusterTemplates();   // q07, q08
std::vector<Template> MemoryTemplates();    // q09, q10
std::vector<Template> ServingTemplates();   // q11, q12
std::vector<Template> PlatformTemplates();  // q13, q14

}  // namespace workbench::quiz

#endif  // HARNESS_QUIZ_BANK_H_
