/* Text of others inside formats of ours.
 *
 *     fputs("{\"name\":", out);
 *     wr_json_string(out, name);
 *
 * Names come from programs and files and may hold any bytes; what is written
 * is well-formed whatever they are: bytes that are no UTF-8 become '?'.
 * JSON may stand inside an HTML script element, because it has no '<'.
 *
 * Threads: any. Whether writing worked is the stream's to tell.
 */
#ifndef WR_ANALYSE_QUOTE_H
#define WR_ANALYSE_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* As a JSON string, with its quotes. */
void wr_json_string(FILE *out, const char *text);

/* As text or an attribute's value in HTML or XML; control characters, which
 * XML has no way to write, become '?'. */
void wr_xml_string(FILE *out, const char *text);

/* Bytes of the well-formed UTF-8 character that a text goes on with, 0 if it
 * is none; the text's end is one of one byte. */
size_t wr_utf8_length(const unsigned char *s);

#endif
