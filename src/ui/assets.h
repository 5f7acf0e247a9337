/* What browsers get, as bytes inside the library.
 *
 *     fwrite(wr_ui_flame, 1, wr_ui_flame_bytes, out);
 *
 * They are made of the sources in the folder ui/ at the top, by npm; the
 * bundles in ui/dist are what a build without npm takes. Each is one HTML
 * document that asks for nothing else: script, style and the policy that
 * allows just these are in it.
 *
 * wr_ui_flame draws one call tree. The literal WR_UI_DATA stands once in it;
 * the JSON of a call tree, with every "</" written "<\/", takes its place.
 *
 * wr_ui_page is the page of a server and wr_ui_policy the
 * Content-Security-Policy to send with it, one line.
 *
 * Threads: any; they are constants. The bytes are not ended by NUL.
 */
#ifndef WR_UI_ASSETS_H
#define WR_UI_ASSETS_H

#include <stddef.h>

#define WR_UI_DATA "/*WEIR-DATA*/null"

extern const unsigned char wr_ui_flame[];
extern const size_t wr_ui_flame_bytes;
extern const unsigned char wr_ui_page[];
extern const size_t wr_ui_page_bytes;
extern const unsigned char wr_ui_policy[];
extern const size_t wr_ui_policy_bytes;

#endif
