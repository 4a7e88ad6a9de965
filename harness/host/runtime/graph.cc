#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>

#include "cuda_runtime_api.h"
#include "harness/host/check/memory.h"
#include "harness/host/executor/executor.h"
#include "harness/host/runtime/capture.h"
#include "harness/host/runtime/runtime.h"

// An executable graph, with the child graphs' nodes in place of theirs.
struct CUgraphExec_st {
  struct Node {
    std::shared_ptr<const cuda_host::Work> work;
    std::vector<size_t> dependencies;
    size_t lane = 0;
    bool last = true;  // nothing in the graph depends on it
  };
  // A chain of nodes: a timeline for the race checker. Launches of one graph come one after the other, so they share
  // it.
  struct Lane {
    uint32_t timeline = 0;
    uint64_t count = 0;
  };

  std::vector<Node> nodes;
  std::vector<Lane> lanes;
  std::shared_ptr<cuda_host::Op> end;  // of the latest launch
  unsigned long long flags = 0;
};

namespace cuda_host {
namespace {

std::unordered_map<cudaGraph_t, std::shared_ptr<CUgraph_st>>& Graphs() {
  static auto* const graphs = new std::unordered_map<cudaGraph_t, std::shared_ptr<CUgraph_st>>;
  return *graphs;
}
std::unordered_map<cudaGraphExec_t, std::shared_ptr<CUgraphExec_st>>& Execs() {
  static auto* const execs = new std::unordered_map<cudaGraphExec_t, std::shared_ptr<CUgraphExec_st>>;
  return *execs;
}

std::shared_ptr<CUgraph_st> FindGraph(cudaGraph_t handle) {
  const auto found = Graphs().find(handle);
  return found == Graphs().end() ? nullptr : found->second;
}

// Appends the graph's nodes; its first ones come behind `before`. Returns its last ones.
std::vector<size_t> Flatten(const CUgraph_st& graph, const std::vector<size_t>& before, CUgraphExec_st* exec) {
  std::map<const CUgraphNode_st*, std::vector<size_t>> ends;
  std::set<const CUgraphNode_st*> has_dependents;
  for (const auto& node : graph.nodes) {
    std::vector<size_t> behind;
    if (node->dependencies.empty()) behind = before;
    for (const CUgraphNode_st* const dependency : node->dependencies) {
      has_dependents.insert(dependency);
      behind.insert(behind.end(), ends[dependency].begin(), ends[dependency].end());
    }
    if (node->child != nullptr) {
      ends[node.get()] = Flatten(*node->child, behind, exec);
    } else {
      exec->nodes.push_back({node->work, behind});
      ends[node.get()] = {exec->nodes.size() - 1};
    }
  }
  if (graph.nodes.empty()) return before;
  std::vector<size_t> last;
  for (const auto& node : graph.nodes) {
    if (!has_dependents.contains(node.get())) last.insert(last.end(), ends[node.get()].begin(), ends[node.get()].end());
  }
  return last;
}

std::shared_ptr<CUgraphExec_st> Instantiate(const CUgraph_st& graph, unsigned long long flags) {
  auto exec = std::make_shared<CUgraphExec_st>();
  exec->flags = flags;
  Flatten(graph, {}, exec.get());
  // A node goes on with the lane of a dependency that no other node goes on with.
  std::set<size_t> taken;
  for (auto& node : exec->nodes) {
    const auto free = std::find_if(node.dependencies.begin(), node.dependencies.end(),
                                   [&](size_t dependency) { return !taken.contains(dependency); });
    if (free == node.dependencies.end()) {
      node.lane = exec->lanes.size();
      exec->lanes.push_back({Scheduler::Get().NewTimeline(), 0});
    } else {
      node.lane = exec->nodes[*free].lane;
      taken.insert(*free);
    }
    for (const size_t dependency : node.dependencies) exec->nodes[dependency].last = false;
  }
  return exec;
}

void Launch(Scheduler::Lock& lock, CUgraphExec_st* exec, const Scheduler::Stream& stream) {
  Scheduler& scheduler = Scheduler::Get();
  static const auto* const kMark = new std::shared_ptr<const Work>(std::make_shared<Work>());
  std::vector<std::shared_ptr<Op>> after;
  if (exec->end != nullptr) after.push_back(exec->end);
  const std::shared_ptr<Op> begin = scheduler.Enqueue(lock, stream, *kMark, after);

  const auto raise = [](OperationClock* clock, const Operation& operation) {
    if (operation.before == nullptr) return;  // no checks
    clock->Join(*operation.before);
    clock->Raise(operation.timeline, operation.number);
  };
  std::vector<std::shared_ptr<Op>> ops;
  std::vector<std::shared_ptr<Op>> ends;
  OperationClock all = stream->clock;
  for (CUgraphExec_st::Node& node : exec->nodes) {
    std::vector<std::shared_ptr<Op>> behind;
    for (const size_t dependency : node.dependencies) behind.push_back(ops[dependency]);
    if (behind.empty()) behind.push_back(begin);
    if (node.work->wait != nullptr && node.work->wait->record != nullptr) behind.push_back(node.work->wait->record);
    CUgraphExec_st::Lane& lane = exec->lanes[node.lane];
    Operation operation{lane.timeline, ++lane.count, nullptr};
    if (check::Enabled()) {
      OperationClock before;
      for (const auto& op : behind) raise(&before, op->operation);
      operation.before = std::make_shared<const OperationClock>(before);
    }
    ops.push_back(scheduler.EnqueueNode(stream, node.work, operation, behind));
    raise(&all, operation);
    if (node.last) ends.push_back(ops.back());
    if (node.work->record != nullptr) {
      node.work->record->record = ops.back();
      node.work->record->capture = 0;
    }
  }
  stream->clock = all;
  exec->end = scheduler.Enqueue(lock, stream, *kMark, ends);
}

// The graph that an executable one is: for capturing its launch.
std::shared_ptr<CUgraph_st> GraphOf(const CUgraphExec_st& exec) {
  auto graph = std::make_shared<CUgraph_st>();
  for (const CUgraphExec_st::Node& node : exec.nodes) {
    auto copy = std::make_unique<CUgraphNode_st>();
    copy->graph = graph.get();
    copy->work = node.work;
    for (const size_t dependency : node.dependencies) copy->dependencies.push_back(graph->nodes[dependency].get());
    graph->nodes.push_back(std::move(copy));
  }
  return graph;
}

cudaError_t LaunchGraph(cudaGraphExec_t handle, cudaStream_t stream) {
  auto lock = Scheduler::Get().Acquire();
  const auto exec = Execs().find(handle);
  if (exec == Execs().end()) return cudaErrorInvalidValue;
  const Scheduler::Stream found = StreamOf(stream);
  if (found == nullptr) return cudaErrorInvalidResourceHandle;
  if (found->legacy) {
    if (const cudaError_t error = SpoilCapturesByLegacyStream(found->device); error != cudaSuccess) return error;
  }
  if (found->capture != nullptr) return AddCapturedNode(found.get(), nullptr, GraphOf(*exec->second));
  Launch(lock, exec->second.get(), found);
  return cudaSuccess;
}

// A list as the API gives it: its length where `out` is null, otherwise as much as `*count` has room for.
template <typename T>
void GiveList(const std::vector<T>& list, T* out, size_t* count) {
  if (out != nullptr) {
    std::copy_n(list.begin(), std::min(*count, list.size()), out);
    for (size_t i = list.size(); i < *count; ++i) out[i] = T{};
  }
  *count = out == nullptr ? list.size() : std::min(*count, list.size());
}

cudaError_t Nodes(cudaGraph_t handle, cudaGraphNode_t* out, size_t* count, bool roots) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return error;
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUgraph_st> graph = FindGraph(handle);
  if (graph == nullptr || count == nullptr) return cudaErrorInvalidValue;
  std::vector<cudaGraphNode_t> nodes;
  for (const auto& node : graph->nodes) {
    if (!roots || node->dependencies.empty()) nodes.push_back(node.get());
  }
  GiveList(nodes, out, count);
  return cudaSuccess;
}

bool SameShape(const CUgraphExec_st& a, const CUgraphExec_st& b) {
  return std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(), [](const auto& x, const auto& y) {
    return x.dependencies == y.dependencies && x.work->type == y.work->type;
  });
}

}  // namespace

std::shared_ptr<CUgraph_st> CloneGraph(const CUgraph_st& graph) {
  auto clone = std::make_shared<CUgraph_st>();
  std::map<const CUgraphNode_st*, CUgraphNode_st*> copies;
  for (const auto& node : graph.nodes) {
    auto copy = std::make_unique<CUgraphNode_st>(*node);
    copy->graph = clone.get();
    for (CUgraphNode_st*& dependency : copy->dependencies) dependency = copies[dependency];
    copies[node.get()] = copy.get();
    clone->nodes.push_back(std::move(copy));
  }
  return clone;
}

cudaGraph_t HandOutGraph(std::shared_ptr<CUgraph_st> graph) {
  const cudaGraph_t handle = graph.get();
  Graphs()[handle] = std::move(graph);
  return handle;
}

}  // namespace cuda_host

using namespace cuda_host;  // NOLINT(build/namespaces): the API's functions are global

extern "C" {

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (graph == nullptr || flags != 0) return Return(cudaErrorInvalidValue);
  const auto lock = Scheduler::Get().Acquire();
  *graph = HandOutGraph(std::make_shared<CUgraph_st>());
  return cudaSuccess;
}

cudaError_t cudaGraphClone(cudaGraph_t* clone, cudaGraph_t original) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUgraph_st> graph = FindGraph(original);
  if (clone == nullptr || graph == nullptr) return Return(cudaErrorInvalidValue);
  *clone = HandOutGraph(CloneGraph(*graph));
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  return Return(Graphs().erase(graph) == 0 ? cudaErrorInvalidValue : cudaSuccess);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return Return(Nodes(graph, nodes, count, false));
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return Return(Nodes(graph, nodes, count, true));
}

cudaError_t cudaGraphGetEdges(cudaGraph_t handle, cudaGraphNode_t* from, cudaGraphNode_t* to, cudaGraphEdgeData* data,
                              size_t* count) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUgraph_st> graph = FindGraph(handle);
  if (graph == nullptr || count == nullptr || (from == nullptr) != (to == nullptr)) {
    return Return(cudaErrorInvalidValue);
  }
  std::vector<cudaGraphNode_t> tails, heads;
  for (const auto& node : graph->nodes) {
    for (const cudaGraphNode_t dependency : node->dependencies) {
      tails.push_back(dependency);
      heads.push_back(node.get());
    }
  }
  if (data != nullptr) std::memset(data, 0, *count * sizeof *data);
  size_t room = *count;
  GiveList(tails, from, count);
  GiveList(heads, to, &room);
  return cudaSuccess;
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if (node == nullptr || type == nullptr) return Return(cudaErrorInvalidValue);
  *type = node->child != nullptr ? cudaGraphNodeTypeGraph : node->work->type;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t handle, unsigned long long flags) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  if ((flags & cudaGraphInstantiateFlagDeviceLaunch) != 0) {
    return Return(Unsupported("cudaGraphInstantiate for launches from the device", "launch the graph from the host"));
  }
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUgraph_st> graph = FindGraph(handle);
  if (exec == nullptr || graph == nullptr || flags > 15) return Return(cudaErrorInvalidValue);
  std::shared_ptr<CUgraphExec_st> made = Instantiate(*graph, flags);
  *exec = made.get();
  Execs()[*exec] = std::move(made);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiate(exec, graph, flags);
}

cudaError_t cudaGraphInstantiateWithParams(cudaGraphExec_t* exec, cudaGraph_t graph,
                                           cudaGraphInstantiateParams* parameters) {
  if (parameters == nullptr) return Return(cudaErrorInvalidValue);
  const cudaError_t error = cudaGraphInstantiate(exec, graph, parameters->flags);
  parameters->errNode_out = nullptr;
  parameters->result_out = error == cudaSuccess ? cudaGraphInstantiateSuccess : cudaGraphInstantiateError;
  return error;
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t handle, cudaGraph_t graph_handle,
                                cudaGraphExecUpdateResultInfo* result) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  const std::shared_ptr<CUgraph_st> graph = FindGraph(graph_handle);
  const auto exec = Execs().find(handle);
  if (graph == nullptr || exec == Execs().end() || result == nullptr) return Return(cudaErrorInvalidValue);
  *result = {cudaGraphExecUpdateSuccess, nullptr, nullptr};
  const std::shared_ptr<CUgraphExec_st> made = Instantiate(*graph, exec->second->flags);
  if (!SameShape(*made, *exec->second)) {
    result->result = cudaGraphExecUpdateErrorTopologyChanged;
    return Return(cudaErrorGraphExecUpdateFailure);
  }
  exec->second->nodes = made->nodes;
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  if (Execs().find(exec) == Execs().end()) return Return(cudaErrorInvalidValue);
  return Return(StreamOf(stream) == nullptr ? cudaErrorInvalidResourceHandle : cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  return Return(LaunchGraph(exec, stream));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  if (const cudaError_t error = Enter(); error != cudaSuccess) return Return(error);
  const auto lock = Scheduler::Get().Acquire();
  return Return(Execs().erase(exec) == 0 ? cudaErrorInvalidValue : cudaSuccess);
}

}  // extern "C"
