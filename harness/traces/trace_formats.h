// The public traces that can be read: where each comes from, and the columns of its files.
#ifndef HARNESS_TRACES_TRACE_FORMATS_H_
#define HARNESS_TRACES_TRACE_FORMATS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace workbench {

enum class TraceFormat {
  kAlibabaNodes = 0,
  kAlibabaPods = 1,
  kPhillyJobs = 2,
  kPhillyMachines = 3,
  kHelios = 4,
  kGavel = 5,
  kWorkbench = 6,
};

struct TraceFormatInfo {
  TraceFormat format;
  std::string_view id;                     // alibaba-pods
  std::string_view what;                   // in a few words
  std::string_view files;                  // as they are called where they come from
  bool has_header;                         // a CSV file whose first row names these columns
  std::vector<std::string_view> columns;   // all needed, but see optional
  std::vector<std::string_view> optional;  // of `columns`: those that come together or not at all
};

// One public trace: a few formats.
struct TraceSource {
  std::string_view title;
  std::string_view url;
  std::string_view paper;
  std::string_view licence;
  std::string_view notes;  // what one has to know to read the numbers
  std::vector<TraceFormat> formats;
};

// In the order of TraceFormat.
std::span<const TraceFormatInfo> TraceFormats();
const TraceFormatInfo& InfoOf(TraceFormat format);

std::span<const TraceSource> TraceSources();

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_FORMATS_H_
