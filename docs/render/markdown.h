// GitHub-flavoured Markdown as HTML: a fragment to be put into a page, or one page that needs no other file.
#ifndef DOCS_RENDER_MARKDOWN_H_
#define DOCS_RENDER_MARKDOWN_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace workbench {

// Where an image lies, as seen from the page; a figure's name where a script brings it to life.
struct ImageSource {
  std::string url;
  std::string interactive;
};

struct MarkdownOptions {
  // Raw HTML stays, as the project's own pages want it. Where it is false, for text that others wrote, raw HTML is left
  // out and links and images whose scheme could run something lead nowhere.
  bool unsafe = true;
  bool heading_links = false;     // each heading ends in a link to itself
  bool tex = false;               // formulas carry their TeX (MathHtmlWithTex)
  bool figures = false;           // an image alone in its paragraph becomes a <figure>
  std::string heading_link_text;  // what a heading's link is called for screen readers, before the heading's text
  std::string id_prefix;          // before all ids, so that two documents may share a page
  // What a link or an image leads to. Not set: as it is written. An image without a source keeps its URL.
  std::function<std::string(const std::string& url)> link;
  std::function<std::optional<ImageSource>(const std::string& url)> image;
};

// A heading and what follows it, up to the next one. The text before the first heading has no level, id and title.
struct MarkdownSection {
  int level = 0;
  std::string id;
  std::string title;  // plain text
  std::string text;   // plain text with single spaces; formulas as TeX, code as it is
};

struct MarkdownFragment {
  std::string html;
  std::vector<MarkdownSection> sections;
  std::string title;            // of the first heading
  std::string first_paragraph;  // its plain text
};

// Tables, strikethrough, bare links and raw HTML as GitHub has them; headings get GitHub's ids; $...$ and $$...$$
// become formulas; tables stand in a <div class="table">, so that they can scroll. Comments that begin with "code:" or
// "number:" are directives for a checker of sources and are left out, and so is a line break between two Chinese
// characters.
MarkdownFragment RenderMarkdown(const std::string& markdown, const MarkdownOptions& options);

// The content of a file that the page shows, named by a link relative to it; nothing when it cannot be read.
using ReadImage = std::function<std::optional<std::string>(const std::string& relative_path)>;

struct Page {
  std::string html;
  std::string missing_image;  // the first one that could not be read, or empty
};

// A whole page: images that are files are embedded; links to .md files and headers lead to their rendered pages.
Page MarkdownPage(const std::string& markdown, const ReadImage& read_image);

// A header or another text, as a page.
Page TextPage(const std::string& title, const std::string& text);

// GitHub's id for a heading, before it is made unique.
std::string HeadingId(std::string_view text);

// Whether a URL leads out of the pages: another site, an absolute path, a fragment.
bool IsElsewhere(std::string_view url);

}  // namespace workbench

#endif  // DOCS_RENDER_MARKDOWN_H_
