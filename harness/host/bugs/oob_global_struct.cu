// bug: out_of_bounds_global
// finding: out of bounds
// sanitizer: memcheck
//
// A member of the structure behind the last one is read, through a pointer that itself comes in a structure.
#include "harness/host/bugs/bug.h"

struct Particle {
  float position[3];
  float mass;
};

struct View {
  const Particle* particles;
  float* sums;
  int count;
};

__global__ void AddNeighbour(View view) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= view.count) return;
  const int next = kTwin && i + 1 == view.count ? 0 : i + 1;
  view.sums[i] = view.particles[i].mass + view.particles[next].mass;  // BUG
}

int main() {
  constexpr int kCount = 200;
  Particle* particles = DeviceZeros<Particle>(kCount);
  float* sums = DeviceZeros<float>(kCount);
  AddNeighbour<<<(kCount + 63) / 64, 64>>>(View{particles, sums, kCount});
  Finish();
  Require(cudaFree(particles));
  Require(cudaFree(sums));
  return 0;
}
