#include "docs/site/search_index.h"

#include <cstdio>

namespace workbench {
namespace {

void AddSections(const MarkdownFragment& fragment, size_t page, const char* language, std::string* out) {
  for (const MarkdownSection& section : fragment.sections) {
    *out += "[" + std::to_string(page) + ",\"" + language + "\"," + JsonString(section.id) + "," +
            JsonString(section.title) + "," + JsonString(section.text) + "],\n";
  }
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const std::string_view three = text.substr(at, 3);
    if (three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9") {
      out += three == "\xe2\x80\xa8" ? "\\u2028" : "\\u2029";
      at += 2;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string SearchIndexScript(const Site& site) {
  std::string pages, sections;
  for (size_t i = 0; i < site.pages.size(); ++i) {
    const SitePage& page = site.pages[i];
    pages += "{\"url\":" + JsonString(page.source.output) + ",\"en\":" + JsonString(page.english.title) +
             ",\"zh\":" + JsonString(page.chinese ? page.chinese->title : "") + "},\n";
    AddSections(page.english, i, "en", &sections);
    if (page.chinese) AddSections(*page.chinese, i, "zh", &sections);
  }
  return "window.workbenchSearchIndex = {\"pages\":[\n" + pages + "],\"sections\":[\n" + sections + "]};\n";
}

}  // namespace workbench
