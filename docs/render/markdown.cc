#include "docs/render/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "docs/render/math.h"
#include "docs/render/protected_math.h"

namespace workbench {
namespace {

struct FreeNode {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
using Document = std::unique_ptr<cmark_node, FreeNode>;

Document Parse(const std::string& markdown, int options) {
  cmark_gfm_core_extensions_ensure_registered();
  cmark_parser* parser = cmark_parser_new(options);
  for (const char* name : {"table", "strikethrough", "autolink"}) {
    cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension(name));
  }
  cmark_parser_feed(parser, markdown.data(), markdown.size());
  Document document(cmark_parser_finish(parser));
  cmark_parser_free(parser);
  cmark_consolidate_text_nodes(document.get());
  return document;
}

// Every node, before its children.
std::vector<cmark_node*> AllNodes(cmark_node* root) {
  std::vector<cmark_node*> nodes;
  cmark_iter* iterator = cmark_iter_new(root);
  for (cmark_event_type event; (event = cmark_iter_next(iterator)) != CMARK_EVENT_DONE;) {
    if (event == CMARK_EVENT_ENTER) nodes.push_back(cmark_iter_get_node(iterator));
  }
  cmark_iter_free(iterator);
  return nodes;
}

std::string OrEmpty(const char* text) { return text == nullptr ? "" : text; }

std::string TextOf(cmark_node* root) {
  std::string text;
  for (cmark_node* node : AllNodes(root)) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE) text += OrEmpty(cmark_node_get_literal(node));
    if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK) text += ' ';
  }
  return text;
}

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size())
    text->replace(at, from.size(), to);
}

// "  a\n b" -> " a b"
std::string SingleSpaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space || (!out.empty() && out.back() != ' ')) out += space ? ' ' : c;
  }
  return out;
}

bool IsDirective(std::string_view comment) {
  return comment.substr(0, 10) == "<!-- code:" || comment.substr(0, 12) == "<!-- number:";
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

bool IsChinese(uint32_t c) {
  return (c >= 0x2e80 && c < 0xa000) || (c >= 0xf900 && c < 0xfb00) || (c >= 0xfe30 && c < 0xfe50) ||
         (c >= 0xff00 && c < 0xff61) || (c >= 0x20000 && c < 0x30000);
}

// A line break between two Chinese characters, where a browser would show a space that nobody wrote.
bool IsWithinChinese(cmark_node* soft_break) {
  cmark_node* before = cmark_node_previous(soft_break);
  cmark_node* after = cmark_node_next(soft_break);
  if (before == nullptr || after == nullptr || cmark_node_get_type(before) != CMARK_NODE_TEXT ||
      cmark_node_get_type(after) != CMARK_NODE_TEXT) {
    return false;
  }
  const std::string left = OrEmpty(cmark_node_get_literal(before));
  const std::string right = OrEmpty(cmark_node_get_literal(after));
  if (left.empty() || right.empty()) return false;
  size_t last = left.size() - 1;
  while (last > 0 && (static_cast<unsigned char>(left[last]) & 0xc0) == 0x80) --last;
  size_t first = 0;
  return IsChinese(NextCharacter(left, &last)) && IsChinese(NextCharacter(right, &first));
}

// Changes the tree of one document, and its HTML afterwards. What can't be said in the tree, since a safe rendering
// drops all raw HTML, stands in its text as marks: formulas, and the ids of headings.
class Renderer {
 public:
  Renderer(const std::string& markdown, const MarkdownOptions& options)
      : options_(options),
        flags_(CMARK_OPT_VALIDATE_UTF8 | (options.unsafe ? CMARK_OPT_UNSAFE : CMARK_OPT_DEFAULT)),
        document_(Parse(math_.Protect(markdown), flags_)) {}

  MarkdownFragment Render() {
    for (cmark_node* node : AllNodes(document_.get())) Visit(node);
    for (const auto& [image, name] : images_) MakeFigure(image, name);
    for (cmark_node* node : unwanted_) cmark_node_free(node);
    char* rendered = cmark_render_html(document_.get(), flags_, nullptr);
    std::string html = rendered;
    std::free(rendered);
    ReplaceAll(&html, "<table>", "<div class=\"table\"><table>");
    ReplaceAll(&html, "</table>", "</table></div>");
    fragment_.html = math_.AsHtml(WithIds(html), format_);
    return std::move(fragment_);
  }

 private:
  void Visit(cmark_node* node) {
    switch (cmark_node_get_type(node)) {
      case CMARK_NODE_HEADING:
        VisitHeading(node);
        return;
      case CMARK_NODE_PARAGRAPH:
        if (fragment_.first_paragraph.empty()) fragment_.first_paragraph = math_.AsText(TextOf(node));
        break;
      case CMARK_NODE_TEXT:
        VisitText(node);
        return;
      case CMARK_NODE_CODE:
      case CMARK_NODE_CODE_BLOCK:
        VisitCode(node);
        return;
      case CMARK_NODE_HTML_BLOCK:
      case CMARK_NODE_HTML_INLINE: {
        const std::string html = OrEmpty(cmark_node_get_literal(node));
        if (IsDirective(html)) unwanted_.push_back(node);
        cmark_node_set_literal(node, math_.InRawHtml(html, format_).c_str());
        break;
      }
      case CMARK_NODE_LINK:
        VisitLink(node);
        break;
      case CMARK_NODE_IMAGE:
        VisitImage(node);
        break;
      case CMARK_NODE_SOFTBREAK:
        if (IsWithinChinese(node)) {
          unwanted_.push_back(node);
        } else {
          AddText(" ");
        }
        return;
      case CMARK_NODE_LINEBREAK:
        AddText(" ");
        return;
      default:
        break;
    }
    if ((cmark_node_get_type(node) & CMARK_NODE_TYPE_MASK) == CMARK_NODE_TYPE_BLOCK) AddText(" ");
  }

  void VisitHeading(cmark_node* node) {
    MarkdownSection section;
    section.level = cmark_node_get_heading_level(node);
    section.title = math_.AsText(TextOf(node));
    if (fragment_.title.empty()) fragment_.title = section.title;
    section.id = HeadingId(section.title);
    if (const int before = ids_[section.id]++; before > 0) section.id += "-" + std::to_string(before);
    section.id = options_.id_prefix + section.id;
    fragment_.sections.push_back(section);
    for (cmark_node* child : AllNodes(node)) {
      if (cmark_node_get_type(child) == CMARK_NODE_TEXT) CleanText(child);
      in_headings_.insert(child);
    }
    cmark_node* mark = cmark_node_new(CMARK_NODE_TEXT);
    const std::string index = std::to_string(fragment_.sections.size() - 1);
    cmark_node_set_literal(mark, (std::string(kHeadingBegin) + index + std::string(kHeadingEnd)).c_str());
    cmark_node_prepend_child(node, mark);
  }

  // Entities may have made marks of headings, which are taken out. Those of formulas do no harm in text.
  static void CleanText(cmark_node* node) {
    std::string text = OrEmpty(cmark_node_get_literal(node));
    ReplaceAll(&text, kHeadingBegin, "");
    ReplaceAll(&text, kHeadingEnd, "");
    cmark_node_set_literal(node, text.c_str());
  }

  void VisitText(cmark_node* node) {
    if (in_headings_.count(node) > 0) return;  // a heading's; its text is the section's title
    CleanText(node);
    AddText(math_.AsText(OrEmpty(cmark_node_get_literal(node))));
  }

  void VisitCode(cmark_node* node) {
    const std::string code = math_.AsText(OrEmpty(cmark_node_get_literal(node)));
    cmark_node_set_literal(node, code.c_str());
    const bool block = cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK;
    if (block) cmark_node_set_fence_info(node, math_.AsText(OrEmpty(cmark_node_get_fence_info(node))).c_str());
    if (in_headings_.count(node) == 0) AddText(block ? " " + code + " " : code);
  }

  void VisitLink(cmark_node* node) {
    const std::string url = math_.AsText(OrEmpty(cmark_node_get_url(node)));
    cmark_node_set_url(node, (options_.link ? options_.link(url) : url).c_str());
    cmark_node_set_title(node, math_.AsText(OrEmpty(cmark_node_get_title(node))).c_str());
  }

  void VisitImage(cmark_node* node) {
    for (cmark_node* child : AllNodes(node)) {  // the alternative text, an attribute
      const cmark_node_type type = cmark_node_get_type(child);
      if (type != CMARK_NODE_TEXT && type != CMARK_NODE_CODE) continue;
      cmark_node_set_literal(child, math_.AsText(OrEmpty(cmark_node_get_literal(child))).c_str());
    }
    cmark_node_set_title(node, math_.AsText(OrEmpty(cmark_node_get_title(node))).c_str());
    const std::string url = math_.AsText(OrEmpty(cmark_node_get_url(node)));
    cmark_node_set_url(node, url.c_str());
    const std::optional<ImageSource> source = options_.image ? options_.image(url) : std::nullopt;
    if (source) cmark_node_set_url(node, source->url.c_str());
    if (!options_.figures) return;
    images_.emplace_back(node, source ? source->interactive : "");
  }

  // <p><img></p> -> <figure><img></figure>
  static void MakeFigure(cmark_node* image, const std::string& name) {
    cmark_node* paragraph = cmark_node_parent(image);
    if (cmark_node_get_type(paragraph) != CMARK_NODE_PARAGRAPH || cmark_node_next(image) != nullptr ||
        cmark_node_previous(image) != nullptr) {
      return;
    }
    cmark_node* figure = cmark_node_new(CMARK_NODE_CUSTOM_BLOCK);
    const std::string attributes =
        name.empty() ? "" : " class=\"interactive\" data-figure=\"" + EscapeHtml(name) + "\"";
    cmark_node_set_on_enter(figure, ("<figure" + attributes + ">").c_str());
    cmark_node_set_on_exit(figure, "</figure>");
    cmark_node_insert_before(paragraph, figure);
    cmark_node_append_child(figure, image);
    cmark_node_unlink(paragraph);
    cmark_node_free(paragraph);
  }

  void AddText(const std::string& text) {
    if (fragment_.sections.empty()) {
      if (SingleSpaces(text).empty()) return;
      fragment_.sections.emplace_back();
    }
    std::string& all = fragment_.sections.back().text;
    const std::string more = SingleSpaces(text);
    if (!text.empty() && (text[0] == ' ' || text[0] == '\n') && !all.empty() && all.back() != ' ') all += ' ';
    all += more;
  }

  // "<h2>MARK" -> "<h2 id="x">", and a link to it before "</h2>".
  std::string WithIds(std::string_view html) const {
    std::string out;
    size_t at = 0;
    while (true) {
      const size_t begin = html.find(kHeadingBegin, at);
      const size_t end = begin == std::string_view::npos ? begin : html.find(kHeadingEnd, begin);
      if (end == std::string_view::npos) return out + std::string(html.substr(at));
      const size_t number = begin + kHeadingBegin.size();
      const MarkdownSection& section =
          fragment_.sections[std::strtoul(std::string(html.substr(number, end - number)).c_str(), nullptr, 10)];
      out += html.substr(at, begin - 1 - at);
      out += " id=\"" + EscapeHtml(section.id) + "\">";
      at = end + kHeadingEnd.size();
      if (!options_.heading_links) continue;
      const size_t close = html.find("</h" + std::to_string(section.level) + ">", at);
      out += html.substr(at, close - at);
      out += "<a class=\"anchor\" href=\"#" + EscapeHtml(section.id) + "\" aria-label=\"" +
             EscapeHtml(options_.heading_link_text + section.title) + "\">#</a>";
      at = close;
    }
  }

  const MarkdownOptions& options_;
  const int flags_;
  ProtectedMath math_;
  const Document document_;
  const ProtectedMath::Format format_ = options_.tex ? MathHtmlWithTex : MathHtml;
  MarkdownFragment fragment_;
  std::map<std::string, int> ids_;
  std::vector<cmark_node*> unwanted_;  // to be taken out at the end
  std::set<cmark_node*> in_headings_;
  std::vector<std::pair<cmark_node*, std::string>> images_;  // and the names of the interactive ones
};

}  // namespace

bool IsElsewhere(std::string_view url) {
  if (url.empty() || url[0] == '#' || url[0] == '/') return true;
  const size_t colon = url.find(':');
  return colon != std::string_view::npos && colon < url.find_first_of("/?#");  // a scheme
}

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

MarkdownFragment RenderMarkdown(const std::string& markdown, const MarkdownOptions& options) {
  return Renderer(markdown, options).Render();
}

}  // namespace workbench
