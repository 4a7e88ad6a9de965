// check: a.values
// source: errata Q2, the ring as the source text prints it
// why: receives before it sends on every rank, sends to rank - 1 with chunk indices of the other direction, drops the
// tail
#include <cstring>
#include <vector>

#include "questions/q02_allreduce/api.h"

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  if (in != out && count > 0) std::memcpy(out, in, count * q02::ElementBytes(type));
  const int world_size = transport.size(), rank = transport.rank();
  float* tensors = static_cast<float*>(out);
  const size_t chunk_size = count / static_cast<size_t>(world_size);
  std::vector<float> received(chunk_size);
  const auto modulo = [&](int value) { return static_cast<size_t>((value % world_size + world_size) % world_size); };
  const int next = (rank + 1) % world_size, previous = (rank + world_size - 1) % world_size;
  for (int step = 0; step < world_size - 1; ++step) {
    const size_t send_chunk = modulo(rank - step), recv_chunk = modulo(rank - step - 1);
    transport.Recv(received.data(), chunk_size * sizeof(float), next, 0);
    transport.Send(tensors + send_chunk * chunk_size, chunk_size * sizeof(float), previous, 0);
    for (size_t i = 0; i < chunk_size; ++i) tensors[recv_chunk * chunk_size + i] += received[i];
  }
  for (int step = 0; step < world_size - 1; ++step) {
    const size_t send_chunk = modulo(rank - step + 1), recv_chunk = modulo(rank - step);
    transport.Recv(received.data(), chunk_size * sizeof(float), next, 0);
    transport.Send(tensors + send_chunk * chunk_size, chunk_size * sizeof(float), previous, 0);
    std::memcpy(tensors + recv_chunk * chunk_size, received.data(), chunk_size * sizeof(float));
  }
  return q02::Result::kOk;
}
