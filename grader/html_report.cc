#include "grader/html_report.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "grader/html/page.h"
#include "grader/result_json.h"

namespace workbench {
namespace {

using html::Field;
using html::Json;

bool ReadWhole(const std::filesystem::path& path, std::string* content) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  *content = text.str();
  return file.good() || file.eof();
}

// A name within the folder, not a path out of it.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name.find('\0') == std::string::npos && name != "..";
}

}  // namespace

Result<std::string> HtmlReport(const std::string& json, const std::map<std::string, std::string>& attachments) {
  const Json document = Json::parse(json, nullptr, false);
  if (document.is_discarded()) return Error("not JSON (it may be cut off); grade, compare or bench again");
  if (Field(document, "benchmarks").is_array()) return html::BenchPage(document);
  if (Field(document, "schema") != 1) {
    return Error("its \"schema\" is not 1: it is of another version of the workbench, or no result of it");
  }
  if (Field(document, "checks").is_array()) return html::GradePage(document, attachments);
  if (Field(document, "cases").is_array()) return html::ComparePage(document);
  return Error(
      "it has neither \"checks\", \"cases\" nor \"benchmarks\": no result of a grade, comparison or benchmark");
}

Status WriteHtmlReport(const std::string& json_path, const std::string& html_path) {
  const std::filesystem::path path = json_path;
  std::string json;
  if (!ReadWhole(path, &json)) return Error(json_path + " cannot be read");
  std::map<std::string, std::string> attachments;
  const Json document = Json::parse(json, nullptr, false);
  for (const Json& entry : Field(document, "attachments")) {
    const std::string name = html::Text(entry);
    if (!IsPlainName(name)) continue;
    for (const std::filesystem::path& folder : {path.parent_path(), path.parent_path() / path.stem()}) {
      std::string content;
      if (ReadWhole(folder / name, &content)) {
        attachments[name] = content;
        break;
      }
    }
  }
  Result<std::string> page = HtmlReport(json, attachments);
  if (!page.ok()) return page.status().WithContext(json_path);
  return WriteFileAtomically(html_path, *page);
}

}  // namespace workbench
