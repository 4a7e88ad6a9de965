#include "docs/render/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>

#include "docs/render/math.h"
#include "docs/render/page_style.h"
#include "docs/render/protected_math.h"

namespace workbench {
namespace {

constexpr int kOptions = CMARK_OPT_UNSAFE | CMARK_OPT_VALIDATE_UTF8;  // unsafe: raw HTML, such as <details>, stays
constexpr std::string_view kIdMark = "<!--id:";

struct FreeNode {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
using Document = std::unique_ptr<cmark_node, FreeNode>;

Document Parse(const std::string& markdown) {
  cmark_gfm_core_extensions_ensure_registered();
  cmark_parser* parser = cmark_parser_new(kOptions);
  for (const char* name : {"table", "strikethrough", "autolink"}) {
    cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension(name));
  }
  cmark_parser_feed(parser, markdown.data(), markdown.size());
  Document document(cmark_parser_finish(parser));
  cmark_parser_free(parser);
  return document;
}

// Calls `visit` with every node, before its children.
template <typename Visit>
void ForEachNode(cmark_node* root, Visit visit) {
  cmark_iter* iterator = cmark_iter_new(root);
  for (cmark_event_type event; (event = cmark_iter_next(iterator)) != CMARK_EVENT_DONE;) {
    if (event == CMARK_EVENT_ENTER) visit(cmark_iter_get_node(iterator));
  }
  cmark_iter_free(iterator);
}

std::string TextOf(cmark_node* root) {
  std::string text;
  ForEachNode(root, [&](cmark_node* node) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE) text += cmark_node_get_literal(node);
    if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK) text += ' ';
  });
  return text;
}

std::string Base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63];
  }
  return text;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool IsElsewhere(std::string_view url) {
  return url.empty() || url[0] == '#' || url[0] == '/' || url.find("://") != std::string_view::npos ||
         url.substr(0, 7) == "mailto:";
}

std::string RenderedLink(const std::string& url) {
  const std::string path = url.substr(0, url.find('#'));
  const std::string fragment = url.substr(path.size());
  if (EndsWith(path, ".md")) return path.substr(0, path.size() - 3) + ".html" + fragment;
  if (EndsWith(path, ".h")) return path + ".html" + fragment;
  return url;
}

const char* MimeType(const std::string& path) {
  if (EndsWith(path, ".svg")) return "image/svg+xml";
  return EndsWith(path, ".png") ? "image/png" : "image/jpeg";
}

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size())
    text->replace(at, from.size(), to);
}

// "<h2><!--id:x-->" -> "<h2 id="x">".
void MoveIds(std::string* html) {
  for (size_t at = 0; (at = html->find(kIdMark, at)) != std::string::npos;) {
    const size_t begin = at + kIdMark.size();
    const size_t end = html->find("-->", begin);
    const std::string attribute = " id=\"" + html->substr(begin, end - begin) + "\"";
    html->erase(at, end + 3 - at);
    html->insert(at - 1, attribute);
  }
}

std::string WholePage(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         EscapeHtml(title) + "</title>\n<style>" + kPageStyle + "</style>\n</head>\n<body>\n<main>\n" + body +
         "</main>\n</body>\n</html>\n";
}

// One UTF-8 character from text[*at]; moves *at behind it.
uint32_t NextCharacter(std::string_view text, size_t* at) {
  const auto first = static_cast<unsigned char>(text[(*at)++]);
  uint32_t character = first < 0x80 ? first : first < 0xe0 ? first & 0x1f : first < 0xf0 ? first & 0x0f : first & 0x07;
  while (*at < text.size() && (static_cast<unsigned char>(text[*at]) & 0xc0) == 0x80) {
    character = character << 6 | (static_cast<unsigned char>(text[(*at)++]) & 0x3f);
  }
  return character;
}

}  // namespace

// Lower case; letters, digits, hyphens and underscores stay, spaces become hyphens, the rest goes.
std::string HeadingId(std::string_view text) {
  std::string id;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const uint32_t c = NextCharacter(text, &at);
    if (c >= 'A' && c <= 'Z') {
      id += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
      id += static_cast<char>(c);
    } else if (c == ' ') {
      id += '-';
    } else if (c >= 0xc0 && !(c >= 0x2000 && c < 0x2c00) && !(c >= 0x3000 && c < 0x3040) &&
               !(c >= 0xff00 && c < 0xff66)) {
      id += text.substr(begin, at - begin);  // a letter; the ranges left out are signs and punctuation
    }
  }
  return id;
}

Page MarkdownPage(const std::string& markdown, const ReadImage& read_image) {
  Page page;
  ProtectedMath math;
  const Document document = Parse(math.Protect(markdown));
  std::string title;
  std::map<std::string, int> ids;
  ForEachNode(document.get(), [&](cmark_node* node) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_HEADING) {
      const std::string text = math.AsText(TextOf(node));
      if (title.empty()) title = text;
      std::string id = HeadingId(text);
      if (const int before = ids[id]++; before > 0) id += "-" + std::to_string(before);
      cmark_node* mark = cmark_node_new(CMARK_NODE_HTML_INLINE);
      cmark_node_set_literal(mark, (std::string(kIdMark) + id + "-->").c_str());
      cmark_node_prepend_child(node, mark);
    } else if (type == CMARK_NODE_LINK) {
      const std::string url = cmark_node_get_url(node);
      if (!IsElsewhere(url)) cmark_node_set_url(node, RenderedLink(url).c_str());
    } else if (type == CMARK_NODE_IMAGE) {
      for (cmark_node* child = cmark_node_first_child(node); child != nullptr; child = cmark_node_next(child)) {
        if (cmark_node_get_type(child) != CMARK_NODE_TEXT) continue;
        cmark_node_set_literal(child, math.AsText(cmark_node_get_literal(child)).c_str());
      }
      const std::string url = cmark_node_get_url(node);
      if (IsElsewhere(url)) return;
      if (const std::optional<std::string> image = read_image(url)) {
        cmark_node_set_url(node, ("data:" + std::string(MimeType(url)) + ";base64," + Base64(*image)).c_str());
      } else if (page.missing_image.empty()) {
        page.missing_image = url;
      }
    }
  });
  char* rendered = cmark_render_html(document.get(), kOptions, nullptr);
  std::string body = rendered;
  std::free(rendered);
  MoveIds(&body);
  ReplaceAll(&body, "<table>", "<div class=\"table\"><table>");
  ReplaceAll(&body, "</table>", "</table></div>");
  page.html = WholePage(title, math.AsHtml(body));
  return page;
}

Page TextPage(const std::string& title, const std::string& text) {
  return {WholePage(title, "<h1>" + EscapeHtml(title) + "</h1>\n<pre><code>" + EscapeHtml(text) + "</code></pre>\n"),
          ""};
}

}  // namespace workbench
