#include "harness/traces/trace_reader.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "harness/traces/csv_reader.h"
#include "harness/traces/trace_fields.h"
#include "harness/traces/trace_file.h"
#include "harness/traces/trace_sink.h"

namespace workbench {
namespace {

constexpr int kAbsent = -1;

// Where each column of a format stands in the file, in the order of TraceFormatInfo::columns; kAbsent for one that is
// optional and not there.
using Columns = std::vector<int>;

int FindColumn(const std::vector<CsvField>& header, std::string_view name) {
  for (size_t i = 0; i < header.size(); ++i) {
    if (TrimSpaces(header[i].text) == name) return static_cast<int>(i);
  }
  return kAbsent;
}

std::string Names(const std::vector<CsvField>& header) {
  std::string names;
  for (const CsvField& field : header) {
    if (names.size() > 400) return names + ", ...";
    names += (names.empty() ? "" : ", ") + ShownText(field.text);
  }
  return names;
}

// The format most of whose columns are there; none if there are fewer than half of any.
const TraceFormatInfo* FormatOfHeader(const std::vector<CsvField>& header) {
  const TraceFormatInfo* best = nullptr;
  double most = 0.5;
  for (const TraceFormatInfo& format : TraceFormats()) {
    if (!format.has_header) continue;
    double found = 0, needed = 0;
    for (const std::string_view column : format.columns) {
      const bool optional = std::find(format.optional.begin(), format.optional.end(), column) != format.optional.end();
      const bool there = FindColumn(header, column) != kAbsent;
      found += there;
      needed += there || !optional;
    }
    if (found / needed > most || (found / needed == most && best == nullptr)) {
      most = found / needed;
      best = &format;
    }
  }
  return best;
}

Result<Columns> MatchColumns(const TraceFile& file, const TraceFormatInfo& format,
                             const std::vector<CsvField>& header) {
  for (size_t i = 0; i < header.size(); ++i) {
    const int first = FindColumn(header, TrimSpaces(header[i].text));
    if (first != static_cast<int>(i)) {
      return file.At(header[i].line, header[i].column, "the column " + ShownText(header[i].text) + " is there twice");
    }
  }
  bool any_optional = false;
  for (const std::string_view column : format.optional) any_optional |= FindColumn(header, column) != kAbsent;
  Columns columns;
  for (const std::string_view column : format.columns) {
    columns.push_back(FindColumn(header, column));
    const bool optional = std::find(format.optional.begin(), format.optional.end(), column) != format.optional.end();
    if (columns.back() == kAbsent && (!optional || any_optional)) {
      return file.At(1, 1,
                     "the column " + ShownText(column) + " of " + std::string(format.id) + " is missing; there are " +
                         Names(header));
    }
  }
  return columns;
}

// One row of a table, and the first thing that is wrong with it.
class Row {
 public:
  Row(const TraceFile& file, const TraceFormatInfo& format, const Columns& columns, const std::vector<CsvField>& fields)
      : file_(file), format_(format), columns_(columns), fields_(fields) {}

  // `column` indexes TraceFormatInfo::columns.
  bool Has(int column) const { return columns_[static_cast<size_t>(column)] != kAbsent; }
  std::string_view Raw(int column) const {
    return Has(column) ? std::string_view(Field(column).text) : std::string_view();
  }
  std::string Text(int column) const { return std::string(TrimSpaces(Raw(column))); }
  std::string TextOrNone(int column) const { return IsUnknownText(Raw(column)) ? std::string() : Text(column); }
  TracePlace Place(int column) const {
    if (!Has(column)) return {fields_[0].line, fields_[0].column};
    return {Field(column).line, Field(column).column};
  }

  int64_t Amount(int column, int64_t max) { return Value(column, ParseAmount(Raw(column), max)); }
  int32_t Gpus(int column) { return static_cast<int32_t>(Amount(column, kMaxTraceGpus)); }
  int64_t AmountOrZero(int column, int64_t max) { return IsUnknownText(Raw(column)) ? 0 : Amount(column, max); }
  int64_t Seconds(int column) { return Value(column, ParseSeconds(Raw(column))); }
  int64_t SecondsIfKnown(int column) { return IsUnknownText(Raw(column)) ? kUnknownTime : Seconds(column); }
  int64_t Date(int column) { return Value(column, ParseDate(Raw(column))); }
  int64_t DateIfKnown(int column) { return IsUnknownText(Raw(column)) ? kUnknownTime : Date(column); }
  int64_t MsIfKnown(int column) { return IsUnknownText(Raw(column)) ? kUnknownTime : Amount(column, kMaxTraceMs); }

  void Wrong(int column, const std::string& message) {
    if (!wrong_.ok()) return;
    const TracePlace place = Place(column);
    wrong_ =
        file_.At(place.line, place.column, std::string(format_.columns[static_cast<size_t>(column)]) + ": " + message);
  }
  const Status& wrong() const { return wrong_; }

 private:
  const CsvField& Field(int column) const {
    return fields_[static_cast<size_t>(columns_[static_cast<size_t>(column)])];
  }
  int64_t Value(int column, const Result<int64_t>& parsed) {
    if (parsed.ok()) return *parsed;
    Wrong(column, parsed.status().message());
    return 0;
  }

  const TraceFile& file_;
  const TraceFormatInfo& format_;
  const Columns& columns_;
  const std::vector<CsvField>& fields_;
  Status wrong_;
};

// "V100M16|V100M32" as its parts.
std::vector<std::string> Models(std::string_view text) {
  std::vector<std::string> models;
  while (!text.empty()) {
    const size_t bar = std::min(text.find('|'), text.size());
    if (const std::string_view model = TrimSpaces(text.substr(0, bar)); !model.empty()) models.emplace_back(model);
    text.remove_prefix(std::min(bar + 1, text.size()));
  }
  return models;
}

Status AddAlibabaNode(const TraceFile& file, Row& row, TraceSink* sink) {
  enum { kName, kCpu, kMemory, kGpus, kModel };
  TraceNode node;
  node.name = row.Text(kName);
  node.cpu_milli = row.Amount(kCpu, kMaxTraceAmount);
  node.memory_mib = row.Amount(kMemory, kMaxTraceAmount);
  node.gpus = row.Gpus(kGpus);
  node.model = row.TextOrNone(kModel);
  node.gpu_memory_mib = GpuMemoryMib(node.model);
  if (node.gpus > 0 && node.model.empty()) row.Wrong(kModel, "a node with GPUs tells no model");
  if (!row.wrong().ok()) return sink->BadRow(row.wrong());
  return sink->AddNode(file, std::move(node), row.Place(kName));
}

Status AddAlibabaPod(const TraceFile& file, Row& row, TraceSink* sink) {
  enum { kName, kCpu, kMemory, kGpus, kMilli, kSpec, kQos, kPhase, kCreated, kDeleted, kScheduled };
  TraceJob job;
  job.name = row.Text(kName);
  job.cpu_milli = row.Amount(kCpu, kMaxTraceAmount);
  job.memory_mib = row.Amount(kMemory, kMaxTraceAmount);
  job.gpus = row.Gpus(kGpus);
  job.gpu_milli = row.AmountOrZero(kMilli, kMaxTraceAmount);
  if (row.Has(kCreated)) {
    job.models = Models(row.TextOrNone(kSpec));
    job.qos = row.TextOrNone(kQos);
    job.status = row.TextOrNone(kPhase);
    job.submit_ms = row.Seconds(kCreated);
    job.end_ms = row.SecondsIfKnown(kDeleted);
    job.start_ms = row.SecondsIfKnown(kScheduled);
  }
  if (!row.wrong().ok()) return sink->BadRow(row.wrong());
  return sink->AddJob(file, std::move(job),
                      {row.Place(kName), row.Place(kScheduled), row.Place(kDeleted), row.Place(kMilli)});
}

// "24GB"
Status AddPhillyMachine(const TraceFile& file, Row& row, TraceSink* sink) {
  enum { kName, kGpus, kMemory };
  TraceNode node;
  node.name = row.Text(kName);
  node.gpus = row.Gpus(kGpus);
  std::string_view memory = TrimSpaces(row.Raw(kMemory));
  if (!memory.ends_with("GB")) {
    row.Wrong(kMemory, ShownText(memory) + " is no amount of memory, such as 24GB");
  } else {
    memory.remove_suffix(2);
    const Result<int64_t> gib = ParseAmount(memory, 1'000'000);
    if (gib.ok()) {
      node.gpu_memory_mib = *gib * 1024;
    } else {
      row.Wrong(kMemory, gib.status().message());
    }
  }
  if (!row.wrong().ok()) return sink->BadRow(row.wrong());
  return sink->AddNode(file, std::move(node), row.Place(kName));
}

Status AddHeliosJob(const TraceFile& file, Row& row, TraceSink* sink) {
  enum { kName, kUser, kTenant, kGpus, kCpus, kNodes, kState, kSubmit, kStart, kEnd };
  TraceJob job;
  job.name = row.Text(kName);
  job.user = row.TextOrNone(kUser);
  job.tenant = row.TextOrNone(kTenant);
  job.gpus = row.Gpus(kGpus);
  job.gpu_milli = job.gpus > 0 ? 1000 : 0;
  job.cpu_milli = row.Amount(kCpus, kMaxTraceAmount / 1000) * 1000;
  job.nodes = static_cast<int32_t>(row.Amount(kNodes, kMaxTraceGpus));
  job.status = row.TextOrNone(kState);
  job.submit_ms = row.Date(kSubmit);
  job.start_ms = row.DateIfKnown(kStart);
  job.end_ms = row.DateIfKnown(kEnd);
  if (!row.wrong().ok()) return sink->BadRow(row.wrong());
  return sink->AddJob(file, std::move(job), {row.Place(kName), row.Place(kStart), row.Place(kEnd), row.Place(kGpus)});
}

Status AddWorkbenchRow(const TraceFile& file, Row& row, TraceSink* sink) {
  enum {
    kKind,
    kName,
    kUser,
    kTenant,
    kSubmit,
    kStart,
    kEnd,
    kDuration,
    kGpus,
    kMilli,
    kCpu,
    kMemory,
    kNodes,
    kModels,
    kGpuMemory,
    kStatus,
    kQos,
    kType,
    kSteps
  };
  if (row.Text(kKind) == "node") {
    TraceNode node;
    node.name = row.Raw(kName);
    node.gpus = row.Gpus(kGpus);
    node.cpu_milli = row.Amount(kCpu, kMaxTraceAmount);
    node.memory_mib = row.Amount(kMemory, kMaxTraceAmount);
    node.model = row.Raw(kModels);
    node.gpu_memory_mib = row.AmountOrZero(kGpuMemory, kMaxTraceAmount);
    if (!row.wrong().ok()) return sink->BadRow(row.wrong());
    return sink->AddNode(file, std::move(node), row.Place(kName));
  }
  if (row.Text(kKind) != "job") row.Wrong(kKind, ShownText(row.Raw(kKind)) + " is neither 'node' nor 'job'");
  TraceJob job;
  job.name = row.Raw(kName);
  job.user = row.Raw(kUser);
  job.tenant = row.Raw(kTenant);
  job.submit_ms = row.Amount(kSubmit, kMaxTraceMs);
  job.start_ms = row.MsIfKnown(kStart);
  job.end_ms = row.MsIfKnown(kEnd);
  job.duration_ms = row.MsIfKnown(kDuration);
  job.gpus = row.Gpus(kGpus);
  job.gpu_milli = row.Amount(kMilli, kMaxTraceAmount);
  job.cpu_milli = row.Amount(kCpu, kMaxTraceAmount);
  job.memory_mib = row.Amount(kMemory, kMaxTraceAmount);
  job.nodes = static_cast<int32_t>(row.Amount(kNodes, kMaxTraceGpus));
  job.models = Models(row.Raw(kModels));
  job.status = row.Raw(kStatus);
  job.qos = row.Raw(kQos);
  job.type = row.Raw(kType);
  job.steps = row.AmountOrZero(kSteps, kMaxTraceAmount);
  if (job.start_ms != kUnknownTime && job.end_ms != kUnknownTime && job.duration_ms != kUnknownTime &&
      job.duration_ms != job.end_ms - job.start_ms) {
    row.Wrong(kDuration, ShownText(row.Raw(kDuration)) + " is not end_ms - start_ms");
  }
  if (!row.wrong().ok()) return sink->BadRow(row.wrong());
  return sink->AddJob(file, std::move(job), {row.Place(kName), row.Place(kStart), row.Place(kEnd), row.Place(kMilli)});
}

using AddRow = Status (*)(const TraceFile&, Row&, TraceSink*);

AddRow RowReaderOf(TraceFormat format) {
  switch (format) {
    case TraceFormat::kAlibabaNodes:
      return AddAlibabaNode;
    case TraceFormat::kAlibabaPods:
      return AddAlibabaPod;
    case TraceFormat::kPhillyMachines:
      return AddPhillyMachine;
    case TraceFormat::kHelios:
      return AddHeliosJob;
    case TraceFormat::kWorkbench:
      return AddWorkbenchRow;
    case TraceFormat::kPhillyJobs:
    case TraceFormat::kGavel:
      break;
  }
  return nullptr;  // they have no header
}

Result<TraceFormat> ReadTable(TraceFile* file, TraceSink* sink) {
  CsvReader csv(file, ',', true);
  std::vector<CsvField> header, fields;
  Result<bool> any = csv.Next(&header);
  if (!any.ok()) return any.status();
  if (!*any) return file->At(1, 1, "the file is empty");
  const TraceFormatInfo* format = FormatOfHeader(header);
  if (format == nullptr) {
    return file->At(1, 1, "the columns are those of no trace that can be read: " + Names(header));
  }
  const Result<Columns> columns = MatchColumns(*file, *format, header);
  if (!columns.ok()) return columns.status();
  const AddRow add = RowReaderOf(format->format);
  bool rows = false;
  while (true) {
    any = csv.Next(&fields);
    if (!any.ok()) return any.status();
    if (!*any) break;
    rows = true;
    if (fields.size() != header.size()) {
      const size_t last = std::min(fields.size(), header.size() + 1) - 1;
      WB_RETURN_IF_ERROR(sink->BadRow(
          file->At(fields[last].line, fields[last].column,
                   std::to_string(fields.size()) + " fields, where the header has " + std::to_string(header.size()))));
      continue;
    }
    Row row(*file, *format, *columns, fields);
    WB_RETURN_IF_ERROR(add(*file, row, sink));
  }
  if (!rows) return file->At(1, 1, "no rows follow the header");
  return format->format;
}

// The places of the columns of kGavel in the files of each age.
const Columns* GavelColumns(size_t fields) {
  static const Columns ten = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  static const Columns nine = {0, 1, kAbsent, 2, 3, 4, 5, 6, 7, 8};
  static const Columns six = {0, 1, kAbsent, 2, kAbsent, 3, 5, kAbsent, kAbsent, 4};
  return fields == 10 ? &ten : fields == 9 ? &nine : fields == 6 ? &six : nullptr;
}

Result<TraceFormat> ReadGavel(TraceFile* file, TraceSink* sink, const std::vector<CsvField>& first) {
  enum { kType, kCommand, kFolder, kStepsFlag, kData, kSteps, kScale, kWeight, kSlo, kArrival };
  CsvReader csv(file, '\t', false);
  const TraceFormatInfo& format = InfoOf(TraceFormat::kGavel);
  std::vector<CsvField> fields = first;
  for (int64_t number = 0;; ++number) {
    const Columns* columns = GavelColumns(fields.size());
    if (columns == nullptr) {
      WB_RETURN_IF_ERROR(sink->BadRow(
          file->At(fields.back().line, fields.back().column,
                   std::to_string(fields.size()) + " fields between tabs, where a job of Gavel's has 10, 9 or 6")));
    } else {
      Row row(*file, format, *columns, fields);
      TraceJob job;
      job.name = "job-" + std::to_string(number);
      job.type = row.Text(kType);
      job.steps = row.Amount(kSteps, kMaxTraceAmount);
      job.gpus = row.Gpus(kScale);
      job.gpu_milli = 1000;
      job.submit_ms = row.Seconds(kArrival);
      if (job.gpus < 1) row.Wrong(kScale, "a job of Gavel's has at least one GPU");
      if (!row.wrong().ok()) {
        WB_RETURN_IF_ERROR(sink->BadRow(row.wrong()));
      } else {
        const TracePlace arrival = row.Place(kArrival);
        WB_RETURN_IF_ERROR(
            sink->AddJob(*file, std::move(job), {row.Place(kType), arrival, arrival, row.Place(kScale)}));
      }
    }
    const Result<bool> any = csv.Next(&fields);
    if (!any.ok()) return any.status();
    if (!*any) return TraceFormat::kGavel;
  }
}

}  // namespace

class TraceReader::Impl {
 public:
  explicit Impl(const TraceReadOptions& options) : sink(options) {}
  TraceSink sink;
};

TraceReader::TraceReader(const TraceReadOptions& options) : impl_(std::make_unique<Impl>(options)) {}
TraceReader::~TraceReader() = default;

Result<TraceFormat> TraceReader::Add(const std::string& path) {
  Result<std::unique_ptr<TraceFile>> file = TraceFile::Open(path);
  if (!file.ok()) return file.status();
  const std::string_view ahead = (*file)->Ahead();
  const bool json = ahead.starts_with('[') || ahead.starts_with('{');
  const bool tabs = ahead.substr(0, ahead.find('\n')).find('\t') != std::string_view::npos;
  if (json) {
    WB_RETURN_IF_ERROR(ReadPhillyJobs(file->get(), &impl_->sink));
    return TraceFormat::kPhillyJobs;
  }
  if (!tabs) return ReadTable(file->get(), &impl_->sink);
  CsvReader csv(file->get(), '\t', false);
  std::vector<CsvField> fields;
  const Result<bool> any = csv.Next(&fields);
  if (!any.ok()) return any.status();
  return ReadGavel(file->get(), &impl_->sink, fields);
}

ClusterTrace TraceReader::Take() { return impl_->sink.Take(); }
int64_t TraceReader::skipped() const { return impl_->sink.skipped(); }
const std::string& TraceReader::first_skipped() const { return impl_->sink.first_skipped(); }

Result<ClusterTrace> ReadTrace(std::span<const std::string> paths, const TraceReadOptions& options) {
  TraceReader reader(options);
  for (const std::string& path : paths) {
    const Result<TraceFormat> format = reader.Add(path);
    if (!format.ok()) return format.status();
  }
  return reader.Take();
}

Result<ClusterTrace> ReadAlibabaTrace(const std::string& folder) {
  std::vector<std::string> paths = {folder + "/openb_node_list_gpu_node.csv", folder + "/openb_pod_list_default.csv"};
  for (std::string& path : paths) {
    if (access(path.c_str(), F_OK) != 0 && access((path + ".gz").c_str(), F_OK) == 0) path += ".gz";
  }
  return ReadTrace(paths);
}

}  // namespace workbench
