// check: a.values
// source: hostile
// why: writes a result file and leaves files in /tmp and /dev/shm
#include <cstdio>
#include <cstdlib>
#include <string>

#include "questions/q02_allreduce/api.h"

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  for (const std::string& path :
       {std::string(folder ? folder : ".") + "/result.json", std::string("/tmp/workbench_left_over"),
        std::string("/dev/shm/workbench_left_over")}) {
    if (FILE* file = std::fopen(path.c_str(), "w")) {
      std::fputs("{\"marks\": {\"earned\": 100}}", file);
      std::fclose(file);
    }
  }
  return q02::Result::kOk;
}
