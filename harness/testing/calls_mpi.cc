// A shared object that takes an MPI call from whoever loads it; never run.
extern "C" int MPI_Send(const void* data, int count, void* type, int destination, int tag, void* communicator);

extern "C" int q00_send() { return MPI_Send(nullptr, 0, nullptr, 0, 0, nullptr); }
