// The elements that decide what is shown, and how.

#ifndef EDIC_HTML_ELEMENTS_H
#define EDIC_HTML_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    html_other = 0,
    html_html, html_head, html_body, html_title, html_br, html_hr, html_pre,
    html_p, html_div, html_heading_1, html_heading_2, html_heading_3, html_heading_4, html_heading_5, html_heading_6,
    html_li, html_ul, html_ol, html_dl, html_dt, html_dd,
    html_table, html_caption, html_thead, html_tbody, html_tfoot, html_tr, html_td, html_th,
    html_blockquote, html_section, html_article, html_aside, html_header, html_footer, html_main, html_figure,
    html_figcaption, html_address, html_center, html_details, html_summary, html_form, html_fieldset, html_legend,
    html_script, html_style, html_nav, html_noscript, html_template, html_svg, html_math, html_select, html_option,
    html_button, html_textarea, html_iframe, html_object, html_applet, html_audio, html_video, html_canvas, html_map,
    html_datalist, html_noframes,
    html_element_count,
} html_element;

enum {
    // Begins and ends a line.
    html_is_block = 1,
    // Not shown, or no running text.
    html_is_left_out = 2,
    // Holds nothing, so it never stays open.
    html_is_void = 4,
    // Holds text in which nothing but its own end tag is a tag.
    html_is_raw = 8,
    // Raw, but for character references.
    html_has_references = 16,
    // An end tag outside does not reach elements within.
    html_is_scope = 32,
    // Part of a table, whose end tags stop at the table only.
    html_is_table_part = 64,
    // An open paragraph ends before it.
    html_ends_paragraph = 128,
};

// The longest of the names.
enum { html_name_limit = 10 };

/// The element with this name, in lower case.
html_element html_element_named(const char *name, size_t length);

/// What the element is: flags from above.
uint8_t html_flags(html_element element);

/// Whether an open `open` ends where a `next` begins.
int html_closes(html_element next, html_element open);

#endif
