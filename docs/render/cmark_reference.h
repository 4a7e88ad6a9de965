// For tests: what cmark itself makes of a text, and our HTML with what we add taken away again.
#ifndef DOCS_RENDER_CMARK_REFERENCE_H_
#define DOCS_RENDER_CMARK_REFERENCE_H_

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <cstdlib>
#include <regex>
#include <string>

#include "docs/render/markdown.h"

namespace workbench {

inline std::string RenderedByCmark(const std::string& markdown, bool unsafe) {
  cmark_gfm_core_extensions_ensure_registered();
  const int options = CMARK_OPT_VALIDATE_UTF8 | (unsafe ? CMARK_OPT_UNSAFE : CMARK_OPT_DEFAULT);
  cmark_parser* parser = cmark_parser_new(options);
  for (const char* name : {"table", "strikethrough", "autolink"}) {
    cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension(name));
  }
  cmark_parser_feed(parser, markdown.data(), markdown.size());
  cmark_node* document = cmark_parser_finish(parser);
  char* html = cmark_render_html(document, options, nullptr);
  std::string result = html;
  std::free(html);
  cmark_node_free(document);
  cmark_parser_free(parser);
  return result;
}

// Headings' ids, and the boxes around tables.
inline std::string WithoutAdditions(const std::string& html) {
  static const std::regex ids("<(h[1-6]) id=\"[^\"]*\">"), boxes("<div class=\"table\"><table>"),
      ends("</table></div>");
  return std::regex_replace(std::regex_replace(std::regex_replace(html, ids, "<$1>"), boxes, "<table>"), ends,
                            "</table>");
}

inline std::string RenderedByUs(const std::string& markdown, bool unsafe) {
  MarkdownOptions options;
  options.unsafe = unsafe;
  return WithoutAdditions(RenderMarkdown(markdown, options).html);
}

}  // namespace workbench

#endif  // DOCS_RENDER_CMARK_REFERENCE_H_
