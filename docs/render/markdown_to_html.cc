// markdown_to_html INPUT OUTPUT: renders Markdown as a page for a browser. Images are looked for beside INPUT and
// embedded. An INPUT that is not .md is shown as it is.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "docs/render/markdown.h"

namespace {

std::optional<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: markdown_to_html INPUT OUTPUT\n");
    return 2;
  }
  const std::filesystem::path input = argv[1];
  const std::optional<std::string> text = ReadFile(input);
  if (!text) {
    std::fprintf(stderr, "markdown_to_html: cannot read %s\n", argv[1]);
    return 1;
  }
  const workbench::Page page =
      input.extension() == ".md"
          ? workbench::MarkdownPage(*text,
                                    [&](const std::string& path) { return ReadFile(input.parent_path() / path); })
          : workbench::TextPage(input.filename().string(), *text);
  if (!page.missing_image.empty()) {
    std::fprintf(stderr, "markdown_to_html: %s shows %s, which cannot be read\n", argv[1], page.missing_image.c_str());
    return 1;
  }
  std::ofstream output(argv[2], std::ios::binary);
  output << page.html;
  if (!output.flush()) {
    std::fprintf(stderr, "markdown_to_html: cannot write %s\n", argv[2]);
    return 1;
  }
  return 0;
}
