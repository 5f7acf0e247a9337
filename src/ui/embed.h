/* Embed: a file as a constant, by the assembler.
 *
 *     WR_EMBED(wr_ui_flame, "flame.html")
 *
 * defines wr_ui_flame and wr_ui_flame_bytes of ui/assets.h. WR_UI_DIST is the
 * directory of the file. Misuse: a name that no header declares extern.
 */
#ifndef WR_UI_EMBED_H
#define WR_UI_EMBED_H

#define WR_EMBED(name, file)                                                   \
    __asm__(".pushsection .rodata\n"                                           \
            ".balign 8\n"                                                      \
            ".global " #name "\n.hidden " #name "\n" #name ":\n"               \
            ".incbin \"" WR_UI_DIST "/" file "\"\n"                            \
            ".L" #name "_end:\n"                                               \
            ".balign 8\n"                                                      \
            ".global " #name "_bytes\n.hidden " #name "_bytes\n"               \
            "" #name "_bytes:\n"                                               \
            ".quad .L" #name "_end - " #name "\n"                              \
            ".popsection\n");

#endif
