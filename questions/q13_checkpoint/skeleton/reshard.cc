// Q13 part D: tensors that are split over ranks, saved by some number of them, loaded by any other. The contract is in
// questions/q13_checkpoint/api.h: read who writes what several ranks hold, and what a reader may read.
//
// A way to go about it:
//   1. One rank, one box that is the whole tensor; durable and atomic as in part B.
//   2. Boxes: what two of them share, and in which runs that lies in the memory of each. No dimension is special.
//   3. N ranks, boxes that do not overlap; an index, from which any rank finds any element.
//   4. Chunks with a checksum each: which ones does a box need? Read each once, and neighbours together.
//   5. Boxes that several ranks hold, and boxes that overlap in part: who writes which elements, so that each is
//   written
//      once and no rank writes much more than its share? All ranks have to come to the same answer.
//   6. Arguments that make no sense, on one rank alone; errors; ranks that are lost.
#include "questions/q13_checkpoint/api.h"

using q13::File;
using q13::OpenMode;
using q13::Slice;

// This start writes every rank's boxes over those of the save before, one after the other, without a word on what they
// are; the same ranks with the same boxes could read them again.
extern "C" int q13_shard_save(q13::Io* io, q13::Group* group, const std::string& directory,
                              std::span<const Slice> slices) {
  std::unique_ptr<File> file;
  const std::string path = directory + "/rank_" + std::to_string(group->rank());
  if (const int error = io->Open(path, OpenMode::kTruncate, &file); error != 0) return error;
  int64_t offset = 0;
  for (const Slice& slice : slices) {
    int64_t bytes = q13::TypeBytes(slice.info.type);
    for (const int64_t extent : slice.extent) bytes *= extent;
    offset += file->WriteAt(offset, slice.data, bytes);
  }
  // TODO: an index; each element once; checksums; durable; atomic; agreed upon.
  return q13::kOk;
}

// TODO: from whatever ranks wrote it, no more than what is needed.
extern "C" int q13_shard_load(q13::Io* io, q13::Group* group, const std::string& directory,
                              std::span<const Slice> slices) {
  (void)io;
  (void)group;
  (void)directory;
  (void)slices;
  return q13::kNotFound;
}
