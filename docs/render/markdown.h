// GitHub-flavoured Markdown as one HTML page that needs no other file.
#ifndef DOCS_RENDER_MARKDOWN_H_
#define DOCS_RENDER_MARKDOWN_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace workbench {

// The content of a file that the page shows, named by a link relative to it; nothing when it cannot be read.
using ReadImage = std::function<std::optional<std::string>(const std::string& relative_path)>;

struct Page {
  std::string html;
  std::string missing_image;  // the first one that could not be read, or empty
};

// Tables, strikethrough, bare links and raw HTML as GitHub has them; headings get GitHub's ids; $...$ and $$...$$
// become MathML; images that are files are embedded; links to .md files and headers lead to their rendered pages.
Page MarkdownPage(const std::string& markdown, const ReadImage& read_image);

// A header or another text, as a page.
Page TextPage(const std::string& title, const std::string& text);

// GitHub's id for a heading, before it is made unique.
std::string HeadingId(std::string_view text);

}  // namespace workbench

#endif  // DOCS_RENDER_MARKDOWN_H_
