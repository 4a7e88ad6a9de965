// Part D's two checks with many jobs.
#ifndef QUESTIONS_Q07_SCHEDULING_EXECUTOR_MIXED_H_
#define QUESTIONS_Q07_SCHEDULING_EXECUTOR_MIXED_H_

#include "grader/question.h"

namespace q07 {

// d.interference: workers that slow each other down, and workers that do not.
void CheckInterference(workbench::CheckContext& context);
// d.mixed: 40 jobs of mixed memory; achieved utilisation beside the exclusive schedule.
void CheckMixed(workbench::CheckContext& context);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_EXECUTOR_MIXED_H_
