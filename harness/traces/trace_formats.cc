#include "harness/traces/trace_formats.h"

namespace workbench {

std::span<const TraceFormatInfo> TraceFormats() {
  static const std::vector<TraceFormatInfo> formats = {
      {TraceFormat::kAlibabaNodes,
       "alibaba-nodes",
       "the nodes",
       "openb_node_list_gpu_node.csv, openb_node_list_all_node.csv",
       true,
       {"sn", "cpu_milli", "memory_mib", "gpu", "model"},
       {}},
      {TraceFormat::kAlibabaPods,
       "alibaba-pods",
       "the pods, a job each",
       "openb_pod_list_*.csv",
       true,
       {"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", "qos", "pod_phase", "creation_time",
        "deletion_time", "scheduled_time"},
       // openb_pod_list_multigpu*.csv have none of them.
       {"gpu_spec", "qos", "pod_phase", "creation_time", "deletion_time", "scheduled_time"}},
      {TraceFormat::kPhillyJobs,
       "philly-jobs",
       "the jobs",
       "cluster_job_log, in trace-data.tar.gz",
       false,
       {"status", "vc", "jobid", "attempts", "submitted_time", "user"},
       {}},
      {TraceFormat::kPhillyMachines,
       "philly-machines",
       "the nodes",
       "cluster_machine_list, in trace-data.tar.gz",
       true,
       {"machineId", "number of GPUs", "single GPU mem"},
       {}},
      {TraceFormat::kHelios,
       "helios",
       "the jobs of one cluster",
       "data/*/cluster_log.csv",
       true,
       {"job_id", "user", "vc", "gpu_num", "cpu_num", "node_num", "state", "submit_time", "start_time", "end_time"},
       {}},
      {TraceFormat::kGavel,
       "gavel",
       "jobs to be simulated",
       "scheduler/traces/**/*.trace",
       false,
       {"job_type", "command", "working_directory", "num_steps_arg", "needs_data_dir", "total_steps", "scale_factor",
        "priority_weight", "SLO", "arrival_time"},
       {}},
      {TraceFormat::kWorkbench,
       "workbench",
       "nodes and jobs, as ./workbench traces writes them",
       "any name",
       true,
       {"kind", "name", "user", "tenant", "submit_ms", "start_ms", "end_ms", "duration_ms", "gpus", "gpu_milli",
        "cpu_milli", "memory_mib", "nodes", "models", "gpu_memory_mib", "status", "qos", "type", "steps"},
       {}},
  };
  return formats;
}

const TraceFormatInfo& InfoOf(TraceFormat format) { return TraceFormats()[static_cast<size_t>(format)]; }

std::span<const TraceSource> TraceSources() {
  static const std::vector<TraceSource> sources = {
      {"Alibaba 2023 (cluster-trace-gpu-v2023)",
       "https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2023",
       "Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent, "
       "USENIX "
       "ATC 2023",
       "no licence file; the repository's README allows any use for research or study",
       "Seconds since the first pod. A pod whose scheduled_time is empty (phase Pending) was never scheduled; its "
       "deletion_time is when it was given up. Pods of one GPU may ask for thousandths of it.",
       {TraceFormat::kAlibabaNodes, TraceFormat::kAlibabaPods}},
      {"Philly (Microsoft, 2017)",
       "https://github.com/msr-fiddle/philly-traces",
       "Jeon et al., Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads, USENIX ATC 2019",
       "see the repository; its README gives the trace as is and asks to cite the paper",
       "Dates are US Pacific time. The GPUs are those of the first attempt that has some: a job without any tells "
       "none. It runs "
       "from its first start to its last end.",
       {TraceFormat::kPhillyJobs, TraceFormat::kPhillyMachines}},
      {"Helios (SenseTime, 2020)",
       "https://github.com/S-Lab-System-Group/HeliosData",
       "Hu et al., Characterization and Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters, SC 2021",
       "see the repository; its README encourages academic use and asks to cite the paper",
       "GPUs and CPUs are of the whole job. Nodes are not listed.",
       {TraceFormat::kHelios}},
      {"Gavel (Stanford, 2020)",
       "https://github.com/stanford-futuredata/gavel/tree/master/scheduler/traces",
       "Narayanan et al., Heterogeneity-Aware Cluster Scheduling Policies for Deep Learning Workloads, OSDI 2020",
       "MIT",
       "Generated, not recorded. No run times: a job has steps, and their speed depends on the GPU. Tabs, no header; "
       "older files have 9 "
       "fields (no working_directory) or 6 (job_type, command, num_steps_arg, total_steps, arrival_time, "
       "scale_factor).",
       {TraceFormat::kGavel}},
  };
  return sources;
}

}  // namespace workbench
