#include "grader/report_files.h"

#include <cstdlib>
#include <filesystem>

#include "grader/html_report.h"
#include "grader/result_json.h"

namespace workbench {

std::string QuestionOfRunner(const std::string& runner) {
  return std::filesystem::path(runner).parent_path().filename().string();
}

std::string ReportBase(const std::string& asked, const std::string& question, const std::string& kind) {
  if (!asked.empty()) {
    const char* called_from = std::getenv("BUILD_WORKING_DIRECTORY");
    return called_from == nullptr ? asked : (std::filesystem::path(called_from) / asked).string();
  }
  const char* checkout = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (checkout == nullptr || question.empty()) return "";
  return std::string(checkout) + "/.workbench/results/" + question.substr(0, question.find('_')) + "." + kind;
}

Status MakeFolderOf(const std::string& base) {
  const std::filesystem::path folder = std::filesystem::path(base).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    std::filesystem::create_directories(folder, error);
    if (error) return Error(folder.string() + " cannot be made: " + error.message());
  }
  return Status::Ok();
}

Status WriteReport(const std::string& base, const std::string& json) {
  WB_RETURN_IF_ERROR(MakeFolderOf(base));
  WB_RETURN_IF_ERROR(WriteFileAtomically(base + ".json", json));
  Result<std::string> page = HtmlReport(json);
  if (!page.ok()) return page.status().WithContext(base + ".json");
  return WriteFileAtomically(base + ".html", *page);
}

}  // namespace workbench
