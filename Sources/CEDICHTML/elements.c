#include "elements.h"

#include <pthread.h>
#include <string.h>

enum {
    block = html_is_block | html_ends_paragraph,
    left_out = html_is_left_out,
    cell = html_is_scope | html_is_table_part | html_ends_paragraph,
    row = html_is_block | html_is_table_part | html_ends_paragraph,
};

static const struct {
    const char *name;
    uint8_t flags;
} elements[html_element_count] = {
    [html_html] = {"html", html_is_block},
    [html_head] = {"head", html_is_block},
    [html_body] = {"body", html_is_block},
    [html_title] = {"title", html_is_raw | html_has_references},
    [html_br] = {"br", html_is_block | html_is_void},
    [html_hr] = {"hr", block | html_is_void},
    [html_pre] = {"pre", block},
    [html_p] = {"p", block},
    [html_div] = {"div", block},
    [html_heading_1] = {"h1", block},
    [html_heading_2] = {"h2", block},
    [html_heading_3] = {"h3", block},
    [html_heading_4] = {"h4", block},
    [html_heading_5] = {"h5", block},
    [html_heading_6] = {"h6", block},
    [html_li] = {"li", block},
    [html_ul] = {"ul", block},
    [html_ol] = {"ol", block},
    [html_dl] = {"dl", block},
    [html_dt] = {"dt", block},
    [html_dd] = {"dd", block},
    [html_table] = {"table", row | html_is_scope},
    [html_caption] = {"caption", row | html_is_scope},
    [html_thead] = {"thead", row},
    [html_tbody] = {"tbody", row},
    [html_tfoot] = {"tfoot", row},
    [html_tr] = {"tr", row},
    [html_td] = {"td", cell},
    [html_th] = {"th", cell},
    [html_blockquote] = {"blockquote", block},
    [html_section] = {"section", block},
    [html_article] = {"article", block},
    [html_aside] = {"aside", block},
    [html_header] = {"header", block},
    [html_footer] = {"footer", block},
    [html_main] = {"main", block},
    [html_figure] = {"figure", block},
    [html_figcaption] = {"figcaption", block},
    [html_address] = {"address", block},
    [html_center] = {"center", block},
    [html_details] = {"details", block},
    [html_summary] = {"summary", block},
    [html_form] = {"form", block},
    [html_fieldset] = {"fieldset", block},
    [html_legend] = {"legend", html_is_block},
    [html_script] = {"script", left_out | html_is_raw},
    [html_style] = {"style", left_out | html_is_raw},
    [html_nav] = {"nav", left_out | html_ends_paragraph},
    [html_noscript] = {"noscript", left_out},
    [html_template] = {"template", left_out | html_is_scope},
    [html_svg] = {"svg", left_out},
    [html_math] = {"math", left_out},
    [html_select] = {"select", left_out},
    [html_option] = {"option", left_out},
    [html_button] = {"button", left_out},
    [html_textarea] = {"textarea", left_out | html_is_raw},
    [html_iframe] = {"iframe", left_out | html_is_raw},
    [html_object] = {"object", left_out | html_is_scope},
    [html_applet] = {"applet", left_out | html_is_scope},
    [html_audio] = {"audio", left_out},
    [html_video] = {"video", left_out},
    [html_canvas] = {"canvas", left_out},
    [html_map] = {"map", left_out},
    [html_datalist] = {"datalist", left_out},
    [html_noframes] = {"noframes", left_out | html_is_raw},
};

uint8_t html_flags(html_element element) { return elements[element].flags; }

// A hash table of the names with open addressing, a quarter full.
enum { slots = 256 };
static uint8_t table[slots];

static uint32_t slot_of(const char *name, size_t length) {
    uint32_t hash = 2166136261u;  // FNV-1a
    for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return (hash ^ hash >> 16) % slots;
}

static void fill(void) {
    for (int element = 1; element < html_element_count; element++) {
        const char *name = elements[element].name;
        uint32_t slot = slot_of(name, strlen(name));
        while (table[slot] != 0) slot = (slot + 1) % slots;
        table[slot] = (uint8_t)element;
    }
}

html_element html_element_named(const char *name, size_t length) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
    if (length == 0 || length > html_name_limit) return html_other;
    for (uint32_t slot = slot_of(name, length); table[slot] != 0; slot = (slot + 1) % slots) {
        const char *known = elements[table[slot]].name;
        if (strncmp(known, name, length) == 0 && known[length] == 0) return (html_element)table[slot];
    }
    return html_other;
}

int html_closes(html_element next, html_element open) {
    switch (open) {
    case html_p: return (html_flags(next) & html_ends_paragraph) != 0;
    case html_head: return next == html_body;
    case html_li: return next == html_li;
    case html_dt:
    case html_dd: return next == html_dt || next == html_dd;
    case html_option: return next == html_option;
    case html_heading_1:
    case html_heading_2:
    case html_heading_3:
    case html_heading_4:
    case html_heading_5:
    case html_heading_6: return next >= html_heading_1 && next <= html_heading_6;
    case html_td:
    case html_th: return next >= html_thead && next <= html_th;
    case html_tr: return next >= html_thead && next <= html_tr;
    case html_thead:
    case html_tbody:
    case html_tfoot: return next >= html_thead && next <= html_tfoot;
    default: return 0;
    }
}
