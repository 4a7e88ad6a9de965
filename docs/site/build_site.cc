// build_site --manifest FILE --output FOLDER: makes the documentation site of the files that the manifest lists (see
// manifest.h). Links that lead nowhere are told on standard error and stay as they are; with --strict they are an
// error.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "docs/site/layout.h"
#include "docs/site/search_index.h"
#include "docs/site/site.h"

namespace {

namespace fs = std::filesystem;

std::optional<std::string> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "build_site: %s\n", message.c_str());
  return 1;
}

bool Write(const fs::path& path, const std::string& content) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  std::ofstream file(path, std::ios::binary);
  file << content;
  return static_cast<bool>(file.flush());
}

// Everything that the site consists of; the first path that fails, or empty.
std::string WriteSite(const workbench::Site& site, const fs::path& folder) {
  for (const workbench::SitePage& page : site.pages) {
    if (!Write(folder / page.source.output, LayOutPage(site, page))) return page.source.output;
  }
  if (!Write(folder / "assets/search_index.js", SearchIndexScript(site))) return "assets/search_index.js";
  const auto copy = [&](const std::string& to, const std::string& from) {
    const std::optional<std::string> content = Read(from);
    return content && Write(folder / to, *content);
  };
  for (const auto& [path, file] : site.manifest.files) {
    if (!copy(path, file)) return file;
  }
  for (const auto& [path, file] : site.manifest.assets) {
    if (!copy("assets/" + path, file)) return file;
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  std::string manifest_file, output;
  bool strict = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--strict") == 0) {
      strict = true;
    } else if (std::strcmp(argv[i], "--manifest") == 0 && i + 1 < argc) {
      manifest_file = argv[++i];
    } else if (std::strcmp(argv[i], "--output") == 0 && i + 1 < argc) {
      output = argv[++i];
    } else {
      manifest_file.clear();
      break;
    }
  }
  if (manifest_file.empty() || output.empty()) {
    std::fprintf(stderr, "usage: build_site --manifest FILE --output FOLDER [--strict]\n");
    return 2;
  }
  const std::optional<std::string> text = Read(manifest_file);
  if (!text) return Fail("cannot read " + manifest_file);
  std::string error;
  const std::optional<workbench::Manifest> manifest = workbench::ParseManifest(*text, &error);
  if (!manifest) return Fail(manifest_file + ": " + error);
  const std::optional<workbench::Site> site = workbench::RenderSite(*manifest, Read, &error);
  if (!site) return Fail(error);
  for (const std::string& trouble : site->troubles) std::fprintf(stderr, "build_site: %s\n", trouble.c_str());
  if (strict && !site->troubles.empty()) return 1;
  if (const std::string failed = WriteSite(*site, output); !failed.empty())
    return Fail("cannot read or write " + failed);
  return 0;
}
