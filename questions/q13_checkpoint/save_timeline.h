// When a save does what, as measured.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAVE_TIMELINE_H_
#define QUESTIONS_Q13_CHECKPOINT_SAVE_TIMELINE_H_

#include <string>

#include "questions/q13_checkpoint/real_disk.h"

namespace q13 {

// Writes JSON to `path`: one save each with room on the device, in pinned memory and in a ring, beside training.
void WriteTimeline(Disk& disk, const std::string& path);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAVE_TIMELINE_H_
